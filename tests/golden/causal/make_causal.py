"""Makes the golden files of this folder from Hugging Face transformers and PEFT, on the CPU in f32.

    python make_causal.py [FAMILY ...]

Each family's folder holds a tiny random model and its tokenizer, `golden.safetensors` with the logits of every target
token with and without a soft prompt (the prompt attached by PEFT) and, for one model of each layout, every gradient, and
`golden.json` with losses, generated ids, texts and scores, token log-probabilities, ids of texts and the versions of the
libraries. `prompt-peft` is the prompt of `llama` in the folder that PEFT writes.

Reference outputs are computed row by row, without padding. That a left-padded batch gives the same is checked here.
"""

import itertools
import json
import os
import pathlib
import platform
import shutil
import sys

os.environ["HF_HUB_OFFLINE"] = "1"

import peft
import safetensors
import tokenizers
import torch
import transformers
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

import tiny

HERE = pathlib.Path(__file__).resolve().parent
PROMPT_LENGTH = 3
SMOOTHING, Z_LOSS = 0.1, 1e-4
MAX_NEW = 8
MIN_NEW = 3
TRAINING_STEPS = 500
WITH_GRADIENTS = ["llama", "gpt-neox", "gpt2"]
# Beams, length penalty, fewest tokens.
SETTINGS = [(1, 1.0, 0), (4, 1.0, 0), (4, 0.0, 0), (4, 2.0, 0), (1, 1.0, MIN_NEW), (4, 1.0, MIN_NEW)]
VERSIONS = {
    "python": platform.python_version(),
    "torch": torch.__version__,
    "transformers": transformers.__version__,
    "tokenizers": tokenizers.__version__,
    "safetensors": safetensors.__version__,
    "peft": peft.__version__,
}


def main(families):
    torch.set_num_threads(1)
    print(VERSIONS)
    for family in families:
        make_family(family)


def make_family(family):
    folder = HERE / family
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    seed, model, inputs, prompt, cases = search(family)
    check_left_padding(model, inputs, cases)
    model.save_pretrained(folder)
    tiny.write_tokenizer(family, folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    for case in cases:
        case["texts"] = [tokenizer.decode(ids, skip_special_tokens=True) for ids in case["ids"]]

    pairs = training_pairs(seed, tiny.ends(model)[0])
    tensors, losses, scores = {"prompt": prompt}, {}, []
    for name, used in {"": None, "prompt.": prompt}.items():
        values, losses[name + "loss"] = golden(model, pairs, used, family in WITH_GRADIENTS)
        tensors |= {name + key: value for key, value in values.items()}
        scores.append({"prompt": used is not None, "pairs": score(pairs, values["token_nll"])})
    save_file({key: value.detach().contiguous() for key, value in tensors.items()}, folder / "golden.safetensors")
    report = {
        "script": pathlib.Path(__file__).name,
        "versions": VERSIONS,
        "seed": seed,
        "training_steps": TRAINING_STEPS,
        "losses": losses,
        "generation": {"inputs": [row.tolist() for row in inputs], "max_new_tokens": MAX_NEW, "cases": cases},
        "score": scores,
        "tokenizer": [texts(tokenizer, *pair) for pair in PAIRS],
    }
    write_json(folder / "golden.json", report)
    if family == "llama":
        write_prompt(model, prompt)
    print(family, "seed", seed, losses)


PAIRS = [
    ("the red fox sees a dog", "true"),
    ("question: where does the cat sleep?", "in the old house"),
    ("is it true? true or false", "false"),
    ("two  spaces ", "and the dog"),
    ("a", "a"),
]


def texts(tokenizer, text, target):
    """An input, its target, and both as one text; what the target adds is what is trained on."""
    whole = f"{text} {target}"
    ids = tokenizer(text).input_ids
    assert tokenizer(whole).input_ids[: len(ids)] == ids or "  " in whole, (text, target)
    return {"input": text, "target": target, "ids": ids, "whole": tokenizer(whole).input_ids}


def search(family):
    """The first seed whose outputs tell a wrong decoder from a right one: see `telling`."""
    for seed in range(30):
        model = tiny.build(family, seed, TRAINING_STEPS)
        generator = torch.Generator().manual_seed(1000 + seed)
        draw = lambda n: torch.randint(tiny.FIRST, tiny.VOCAB, (n,), generator=generator)
        inputs = [draw(n) for n in (19, 5, 11, 1, 14, 8)]
        prompt = 0.5 * torch.randn(PROMPT_LENGTH, tiny.D_MODEL, generator=generator)
        cases = generation_cases(model, inputs, prompt)
        if not telling(cases, tiny.ends(model)):
            continue
        exact = generation_cases(model.double(), inputs, prompt.double())
        model.float()
        if agree(cases, exact):
            return seed, model, inputs, prompt, cases
    raise SystemExit(f"{family}: no seed is telling")


def telling(cases, ends):
    """Rows differ in length, end by every end and at the limit, and have several tokens; beam search finds others than
    greedy decoding, the length penalty changes the choice, and so does the prompt."""
    every = [row for case in cases for row in case["ids"]]
    by = {(case["prompt"], case["beams"], case["length_penalty"], case["min_new_tokens"]): case["ids"] for case in cases}
    return (
        {row[-1] for row in every} >= set(ends)
        and any(row[-1] not in ends for row in every)
        and sum(len(set(row)) for row in every) / len(every) > 2
        and all(by[used, 1, 1.0, 0] != by[used, 4, 1.0, 0] for used in (False, True))
        and by[False, 4, 0.0, 0] != by[False, 4, 2.0, 0]
        and by[False, 1, 1.0, 0] != by[True, 1, 1.0, 0]
        and by[False, 4, 1.0, 0] != by[False, 4, 1.0, MIN_NEW]
    )


def agree(left, right):
    """No choice hangs on rounding: f32 and f64 take the same path."""
    return all(
        a["ids"] == b["ids"] and max(abs(x - y) for x, y in zip(a["scores"], b["scores"])) < 1e-4
        for a, b in zip(left, right)
    )


def with_prompt(model, prompt):
    """PEFT's model around this one."""
    config = peft.PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=len(prompt))
    around = peft.get_peft_model(model, config).to(prompt.dtype)
    with torch.no_grad():
        around.prompt_encoder.default.embedding.weight.copy_(prompt)
    return around.eval()


def generation_cases(model, inputs, prompt):
    cases = []
    for used, (beams, penalty, least) in itertools.product((None, prompt), SETTINGS):
        around = model if used is None else with_prompt(model, used)
        found = [generate(around, row, tiny.ends(model), beams, penalty, least) for row in inputs]
        for parameter in model.parameters():
            parameter.requires_grad_(True)  # PEFT freezes them
        ids, scores = zip(*found)
        case = {"prompt": used is not None, "beams": beams, "length_penalty": penalty, "min_new_tokens": least}
        cases.append(case | {"ids": list(ids), "scores": list(scores)})
    return cases


@torch.no_grad()
def generate(model, row, ends, beams, penalty, least):
    """Ids without the input; beam scores as transformers normalises them, greedy scores as the plain sum of
    log-probabilities."""
    output = model.generate(input_ids=row[None], attention_mask=torch.ones_like(row)[None], **options(ends, beams, penalty, least))
    ids = cut(output.sequences[0, len(row) :].tolist(), ends)
    if beams > 1:
        return ids, output.sequences_scores.item()
    logps = torch.stack(output.logits, 1)[0].log_softmax(-1)
    return ids, sum(logps[t, i].item() for t, i in enumerate(ids))


def options(ends, beams, penalty, least):
    common = dict(
        num_beams=beams,
        do_sample=False,
        max_new_tokens=MAX_NEW,
        eos_token_id=ends,
        pad_token_id=ends[0],
        return_dict_in_generate=True,
        output_scores=True,
        output_logits=True,
    )
    common |= {"min_new_tokens": least} if least else {}
    return common | ({} if beams == 1 else {"length_penalty": penalty, "early_stopping": False})


def cut(ids, ends):
    first = next((at for at, token in enumerate(ids) if token in ends), len(ids))
    return ids[: first + 1]


@torch.no_grad()
def check_left_padding(model, inputs, cases):
    width = max(map(len, inputs))
    ids, mask = torch.full((len(inputs), width), tiny.FIRST), torch.zeros(len(inputs), width, dtype=torch.long)
    for row, input in enumerate(inputs):
        ids[row, width - len(input) :], mask[row, width - len(input) :] = input, 1
    ends = tiny.ends(model)
    for case in (case for case in cases if not case["prompt"]):
        chosen = (case["beams"], case["length_penalty"], case["min_new_tokens"])
        output = model.generate(input_ids=ids, attention_mask=mask, **options(ends, *chosen))
        assert [cut(row[width:].tolist(), ends) for row in output.sequences] == case["ids"], case


def training_pairs(seed, eos):
    generator = torch.Generator().manual_seed(2000 + seed)
    draw = lambda n: torch.randint(tiny.FIRST, tiny.VOCAB, (n,), generator=generator)
    return [(draw(n), torch.cat([draw(t), torch.tensor([eos])])) for n, t in ((18, 3), (7, 8), (12, 5), (1, 0))]


def golden(model, pairs, prompt, gradients):
    """One forward and backward pass. The loss is the sum over target tokens divided by their number."""
    model.zero_grad()
    ids, labels = tiny.sequences(pairs)
    around = model if prompt is None else with_prompt(model, prompt)
    for parameter in model.parameters():
        parameter.requires_grad_(True)
    output = around(input_ids=ids, attention_mask=torch.ones_like(ids), labels=labels)
    # Position t predicts token t + 1; PEFT's positions of the prompt come first.
    logits = output.logits[:, -ids.shape[1] :][:, :-1]
    real = labels[:, 1:] != -100
    logits, targets = logits[real], labels[:, 1:][real]  # [N, V]
    logp = logits.log_softmax(-1)
    nll = -logp.gather(-1, targets[:, None])[:, 0]
    loss = nll.mean()
    torch.testing.assert_close(loss, output.loss)
    loss.backward(retain_graph=True)
    values = {"logits": logits, "loss": loss, "token_nll": nll}
    if prompt is not None:
        values["grad.prompt"] = around.prompt_encoder.default.embedding.weight.grad.clone()
    elif gradients:
        values |= {f"grad.{name}": parameter.grad.clone() for name, parameter in model.named_parameters()}
    smooth = ((1 - SMOOTHING) * nll - SMOOTHING * logp.mean(-1)).mean()
    z = (Z_LOSS * logits.logsumexp(-1) ** 2).mean()
    return values, {"plain": loss.item(), "smoothed": (smooth + z).item(), "tokens": len(targets)}


def score(pairs, nll):
    sizes = [len(target) for _, target in pairs]
    return [
        {"input": inputs.tolist(), "target": target.tolist(), "token_logprobs": (-part).tolist()}
        for (inputs, target), part in zip(pairs, nll.detach().split(sizes))
    ]


def write_prompt(model, prompt):
    """The prompt as PEFT saves it, loaded again by PEFT."""
    os.chdir(HERE)  # so that the adapter names its base model by a relative path
    folder = HERE / "prompt-peft"
    shutil.rmtree(folder, ignore_errors=True)
    with_prompt(AutoModelForCausalLM.from_pretrained("llama"), prompt).save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)


def write_json(path, value):
    path.write_text(json.dumps(value, indent=None, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:] or list(tiny.FAMILIES))
