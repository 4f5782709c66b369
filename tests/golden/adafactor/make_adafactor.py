"""Makes the golden files of this folder: twenty steps of Adafactor and of AdamW.

    python make_adafactor.py

Adafactor is written here a second time, in NumPy and f64, from the paper (Shazeer and Stern, 2018, algorithms 4
to 6) and from the rules that T5X adds to it (t5x/adafactor.py at commit 0eb60a6): beta2 of step t, counted from
1, is 1 - t^-decay; 1e-30 is added to the squared gradient; a tensor is factored only if it has rank 2 and both
sides are at least 128; the update is divided by max(1, rms(update)); with parameter scaling the rate is
multiplied by max(1e-3, rms(parameter)); weight decay takes `weight_decay * parameter` off, not times the rate.
Where transformers' Adafactor follows the same formulas, the two are compared.

`golden.safetensors` holds, for each tensor, `<tensor>.start`, and the gradient of step t (from 0) in pieces:
`base` rolled by t along rows and by 3 t along columns, times `rows[t]` down the rows, times `columns[t]` along
the columns, each product rounded to f32. `<case>.<tensor>` holds `SAMPLES` entries (at `<tensor>.places`, row
after row) of the parameter after each step, and `<case>.<tensor>.moved` the Euclidean norm of what it moved.
"""

import json
import pathlib
import platform

import numpy as np
import safetensors
import torch
import transformers
from safetensors.numpy import save_file

HERE = pathlib.Path(__file__).resolve().parent
STEPS, SAMPLES = 20, 128
RATE = 0.05
# Named by what decides whether they are factored.
SHAPES = {"factored": (130, 128), "just_below": (127, 128), "narrow": (128, 20), "vector": (128,)}
ADAFACTOR = {
    "plain": dict(decay=0.8, weight_decay=0.0, scale_parameter=False),
    "decayed": dict(decay=0.8, weight_decay=0.01, scale_parameter=False),
    "scaled": dict(decay=0.8, weight_decay=0.0, scale_parameter=True),
    "both": dict(decay=0.7, weight_decay=0.01, scale_parameter=True),
}
ADAMW = {
    "adamw": dict(betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0),
    "adamw_decayed": dict(betas=(0.8, 0.95), eps=1e-6, weight_decay=0.1),
}


def main():
    rng = np.random.default_rng(7)
    tensors = {}
    for name, shape in SHAPES.items():
        start, pieces = draw(name, shape, rng)
        grads = [gradient(pieces, step) for step in range(STEPS)]
        places = rng.choice(start.size, SAMPLES, replace=False).astype(np.int32) if start.size > SAMPLES else None
        places = np.arange(start.size, dtype=np.int32) if places is None else np.sort(places)
        tensors |= {f"{name}.start": start, f"{name}.places": places}
        tensors |= {f"{name}.{piece}": value for piece, value in pieces.items()}
        for case, settings in ADAFACTOR.items():
            path = adafactor(start, grads, **settings)
            check_against_transformers(start, grads, path, **settings)
            record(tensors, case, name, start, path, places)
        for case, settings in ADAMW.items():
            record(tensors, case, name, start, torch_path(start, grads, adamw_maker(settings)), places)
    save_file({key: np.ascontiguousarray(value) for key, value in tensors.items()}, HERE / "golden.safetensors")
    versions = {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "safetensors": safetensors.__version__,
    }
    report = {
        "script": pathlib.Path(__file__).name,
        "versions": versions,
        "steps": STEPS,
        "rate": RATE,
        "adafactor": ADAFACTOR,
        "adamw": ADAMW,
    }
    (HERE / "golden.json").write_text(json.dumps(report, indent=1) + "\n")
    print(versions)


def draw(name, shape, rng):
    """Start values and the pieces of the gradients. The vector starts at zero, where parameter scaling has its
    floor; some gradients are zero at every step, and some steps are a hundred times as large as others."""
    start = np.zeros(shape) if name == "vector" else rng.normal(0.0, 0.4, shape)
    base = rng.normal(0.0, 1.0, shape)
    base[..., 5] = 0.0 if name == "vector" else base[..., 5]
    pieces = {"base": base, "columns": np.exp(rng.normal(0.0, 0.5, (STEPS, shape[-1])))}
    pieces["columns"] *= 10.0 ** rng.uniform(-3.0, -1.0, (STEPS, 1))
    if len(shape) == 2:
        pieces["rows"] = np.exp(rng.normal(0.0, 0.5, (STEPS, shape[0])))
    return start.astype(np.float32), {key: value.astype(np.float32) for key, value in pieces.items()}


def gradient(pieces, step):
    base = pieces["base"]
    if base.ndim == 1:
        return base * pieces["columns"][step]
    rolled = np.roll(base, (step, 3 * step), axis=(0, 1))
    return rolled * pieces["rows"][step][:, None] * pieces["columns"][step][None, :]


def adafactor(start, grads, decay, weight_decay, scale_parameter):
    """The parameter after each step."""
    param = start.astype(np.float64)
    factored = param.ndim == 2 and min(param.shape) >= 128
    second = (np.zeros(param.shape[0]), np.zeros(param.shape[1])) if factored else np.zeros_like(param)
    path = []
    for t, grad in enumerate(grads, 1):
        grad = grad.astype(np.float64)
        beta2 = 1.0 - t**-decay
        square = grad**2 + 1e-30
        if factored:
            row = beta2 * second[0] + (1.0 - beta2) * square.mean(axis=1)
            column = beta2 * second[1] + (1.0 - beta2) * square.mean(axis=0)
            second = (row, column)
            estimate = np.outer(row, column) / row.mean()
        else:
            second = beta2 * second + (1.0 - beta2) * square
            estimate = second
        update = grad / np.sqrt(estimate)
        update /= max(1.0, rms(update))
        rate = RATE * (max(1e-3, rms(param)) if scale_parameter else 1.0)
        param = param - weight_decay * param - rate * update
        path.append(param)
    return path


def rms(values):
    return np.sqrt(np.mean(values**2))


def check_against_transformers(start, grads, path, decay, weight_decay, scale_parameter):
    """transformers factors every matrix and multiplies the decay by the rate, so only some cases agree."""
    matrix = start.ndim == 2
    if weight_decay != 0.0 or (matrix and min(start.shape) < 128):
        return
    theirs = torch_path(
        start,
        grads,
        lambda parameter: transformers.Adafactor(
            [parameter], lr=RATE, decay_rate=-decay, scale_parameter=scale_parameter, relative_step=False
        ),
        torch.float64,
    )
    for ours, other in zip(path, theirs):
        np.testing.assert_allclose(ours, other, rtol=1e-9, atol=1e-12)


def adamw_maker(settings):
    return lambda parameter: torch.optim.AdamW([parameter], lr=RATE, **settings)


def torch_path(start, grads, make, dtype=torch.float64):
    parameter = torch.nn.Parameter(torch.tensor(start, dtype=dtype))
    optimizer = make(parameter)
    path = []
    for grad in grads:
        parameter.grad = torch.tensor(grad, dtype=dtype)
        optimizer.step()
        path.append(parameter.detach().numpy().copy())
    return path


def record(tensors, case, name, start, path, places):
    tensors[f"{case}.{name}"] = np.stack([param.reshape(-1)[places] for param in path]).astype(np.float32)
    moved = [np.linalg.norm(param - start.astype(np.float64)) for param in path]
    tensors[f"{case}.{name}.moved"] = np.array(moved, dtype=np.float32)


if __name__ == "__main__":
    main()
