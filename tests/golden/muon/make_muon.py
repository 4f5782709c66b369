"""Ten updates of torch.optim.Muon on one matrix, for tests/it/optim.rs. PyTorch runs its Newton-Schulz iteration in
bfloat16, so the test compares with a tolerance of that size."""

import json
import pathlib

import numpy as np
import torch
from safetensors.numpy import save_file

HERE = pathlib.Path(__file__).parent
STEPS, SHAPE, RATE, MOMENTUM = 10, (16, 24), 0.02, 0.9


def main():
    rng = np.random.default_rng(5)
    start = rng.standard_normal(SHAPE).astype(np.float32)
    # A shared direction in all gradients, so that momentum matters.
    common = rng.standard_normal(SHAPE)
    grads = (common + rng.standard_normal((STEPS, *SHAPE))).astype(np.float32)
    param = torch.nn.Parameter(torch.from_numpy(start.copy()))
    rule = torch.optim.Muon(
        [param], lr=RATE, weight_decay=0.0, momentum=MOMENTUM, nesterov=True, adjust_lr_fn="match_rms_adamw"
    )
    for grad in grads:
        param.grad = torch.from_numpy(grad.copy())
        rule.step()
    tensors = {"start": start, "grads": grads.reshape(STEPS * SHAPE[0], SHAPE[1]), "end": param.detach().numpy()}
    save_file({name: np.ascontiguousarray(value) for name, value in tensors.items()}, HERE / "golden.safetensors")
    settings = {"steps": STEPS, "rate": RATE, "momentum": MOMENTUM, "torch": torch.__version__}
    (HERE / "golden.json").write_text(json.dumps(settings, indent=2) + "\n")


if __name__ == "__main__":
    main()
