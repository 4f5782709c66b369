"""Makes the golden files of this folder from Hugging Face transformers, on the CPU in f32.

    python make_t5.py [FAMILY ...]

Each family's folder holds a tiny random model (`config.json`, `model.safetensors`), `golden.safetensors` with
inputs, encoder output, logits, losses and every gradient, with and without a soft prompt, and `golden.json`
with generated ids and scores, token log-probabilities and the versions of the libraries. `sharded/` is the
t5-1.1 model in several files, with the duplicates that old checkpoints carry; `prompt-peft-*` are written by
PEFT; `buckets.json` is the table of relative position buckets.
"""

import copy
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
from safetensors.torch import load_file, save_file
from transformers import AutoModelForSeq2SeqLM
from transformers.modeling_outputs import BaseModelOutput

import tiny

HERE = pathlib.Path(__file__).resolve().parent
PROMPT_LENGTH = 5
SMOOTHING, Z_LOSS = 0.1, 1e-4
MAX_NEW = 8
MIN_NEW = 4
TRAINING_STEPS = 600
VERSIONS = {
    "python": platform.python_version(),
    "torch": torch.__version__,
    "transformers": transformers.__version__,
    "tokenizers": tokenizers.__version__,
    "safetensors": safetensors.__version__,
    "peft": peft.__version__,
}


def main():
    torch.set_num_threads(1)
    print(VERSIONS)
    for family in sys.argv[1:] or tiny.FAMILIES:
        make_family(family)
    if sys.argv[1:]:
        return
    make_sharded()
    make_peft()
    make_buckets()


def make_family(family):
    folder = HERE / family
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    seed, model, inputs, prompt, cases = search(family)
    cases += longer_cases(model, inputs, prompt, cases)
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    tiny.write_tokenizer(folder)
    check_reload(folder, model, inputs)

    batch = training_batch(seed)
    tensors = {**batch, "prompt": prompt}
    losses = {}
    for name, used in {"": None, "prompt.": prompt}.items():
        values, losses[name + "loss"] = golden(model, batch, used)
        tensors |= {name + key: value for key, value in values.items() if used is None or near_prompt(key)}
    save_file({key: value.detach().contiguous() for key, value in tensors.items()}, folder / "golden.safetensors")

    report = {
        "script": pathlib.Path(__file__).name,
        "versions": VERSIONS,
        "seed": seed,
        "training_steps": TRAINING_STEPS,
        "losses": losses,
        "generation": {"inputs": rows(inputs), "max_new_tokens": MAX_NEW, "cases": cases},
        "score": [{"prompt": used is not None, "pairs": score(model, batch, used)} for used in (None, prompt)],
        "tokenizer": [{"text": text, "ids": tiny.tokenizer().encode(text).ids} for text in SENTENCES],
    }
    write_json(folder / "golden.json", report)
    print(family, "seed", seed, losses)


def near_prompt(name):
    """Gradients that are worth their bytes a second time, with the prompt in front: the first layers."""
    return not name.startswith("grad.") or ".block." not in name or ".block.0." in name


SENTENCES = [
    "the red fox sees a dog",
    "is it true? true or false",
    "<extra_id_0> false <extra_id_1>",
    "Ünknown  letters, and  two spaces ",
    "",
]


def search(family):
    """The first seed whose outputs tell a wrong decoder from a right one: see `telling`."""
    for seed in range(20):
        model = tiny.build(family, seed, TRAINING_STEPS)
        generator = torch.Generator().manual_seed(1000 + seed)
        inputs = pad([torch.randint(3, tiny.VOCAB, (n,), generator=generator) for n in (24, 5, 11, 1, 17, 8)])
        prompt = torch.randn(PROMPT_LENGTH, tiny.D_MODEL, generator=generator)
        cases = generation_cases(model, inputs, prompt)
        if telling(cases) and cases_agree(cases, generation_cases(*in_f64(model, inputs, prompt))):
            return seed, model, inputs, prompt, cases
    raise SystemExit(f"{family}: no seed is telling")


def telling(cases):
    """Every case is varied, beam search finds other sequences than greedy decoding, and the length penalty
    changes the choice."""
    by = {(case["prompt"], case["beams"], case["length_penalty"]): case["ids"] for case in cases}
    return (
        varied(cases)
        and all(by[used, 1, 1.0] != by[used, 4, 1.0] for used in (False, True))
        and by[False, 4, 0.0] != by[False, 4, 2.0]
    )


def varied(cases):
    """Rows end by EOS and at the limit, differ in length and in their tokens, and hold no pad (which would be
    an ordinary token to one decoder and the end to another)."""
    for case in cases:
        ids = case["ids"]
        distinct = sum(len(set(row)) for row in ids) / len(ids)
        if len({len(row) for row in ids}) < 3 or distinct < 2.0 or any(tiny.PAD in row for row in ids):
            return False
    every = [row for case in cases for row in case["ids"]]
    return any(row[-1] != tiny.EOS for row in every) and any(len(row) < MAX_NEW for row in every)


def in_f64(model, inputs, prompt):
    return copy.deepcopy(model).double(), inputs, prompt.double()


def cases_agree(left, right):
    """No choice hangs on rounding: f32 and f64 take the same path."""
    return all(
        a["ids"] == b["ids"] and max(abs(x - y) for x, y in zip(a["scores"], b["scores"])) < 1e-4
        for a, b in zip(left, right)
    )


def longer_cases(model, inputs, prompt, cases):
    """Outputs of at least `MIN_NEW` tokens before the end; some of them would have ended earlier."""
    longer = generation_cases(model, inputs, prompt, LONGER_SETTINGS, MIN_NEW)
    assert cases_agree(longer, generation_cases(*in_f64(model, inputs, prompt), LONGER_SETTINGS, MIN_NEW))
    for case in longer:
        same = {key: case[key] for key in ("prompt", "beams", "length_penalty")}
        [free] = [free for free in cases if same.items() <= free.items()]
        assert any(len(row) <= MIN_NEW for row in free["ids"]) and case["ids"] != free["ids"], same
    return longer


SETTINGS = [(1, 1.0), (4, 1.0), (4, 0.0), (4, 0.6), (4, 2.0)]
LONGER_SETTINGS = [(1, 1.0), (4, 0.6)]


def generation_cases(model, inputs, prompt, settings=SETTINGS, min_new=0):
    cases = []
    for used, (beams, penalty) in itertools.product((None, prompt), settings):
        ids, scores = generate(model, inputs, used, beams, penalty, min_new)
        case = {"prompt": used is not None, "beams": beams, "length_penalty": penalty, "ids": ids, "scores": scores}
        cases.append(case | ({"min_new_tokens": min_new} if min_new else {}))
    return cases


@torch.no_grad()
def generate(model, inputs, prompt, beams, penalty, min_new):
    """Ids without the start token and without padding; beam scores as transformers normalises them, greedy
    scores as the plain sum of log-probabilities."""
    states, mask = encode(model, inputs, prompt)
    output = model.generate(
        encoder_outputs=BaseModelOutput(last_hidden_state=states),
        attention_mask=mask,
        num_beams=beams,
        do_sample=False,
        max_new_tokens=MAX_NEW,
        num_return_sequences=1,
        # The default cache of transformers 5.23 takes the encoder's number of layers for the decoder's.
        use_cache=False,
        return_dict_in_generate=True,
        output_scores=True,
        output_logits=True,
        **({"min_new_tokens": min_new} if min_new else {}),
        **({} if beams == 1 else {"length_penalty": penalty, "early_stopping": False}),
    )
    ids = [cut(row[1:].tolist()) for row in output.sequences]
    if beams > 1:
        return ids, output.sequences_scores.tolist()
    logps = torch.stack(output.logits, 1).log_softmax(-1)
    return ids, [sum(logps[b, t, i].item() for t, i in enumerate(row)) for b, row in enumerate(ids)]


def cut(ids):
    return ids[: ids.index(tiny.EOS) + 1] if tiny.EOS in ids else ids


def encode(model, inputs, prompt):
    embedded = model.shared(inputs)
    mask = (inputs != tiny.PAD).long()
    if prompt is not None:
        embedded = torch.cat([prompt.expand(len(inputs), -1, -1), embedded], dim=1)
        mask = torch.cat([torch.ones(len(inputs), len(prompt), dtype=torch.long), mask], dim=1)
    return model.encoder(inputs_embeds=embedded, attention_mask=mask).last_hidden_state, mask


def training_batch(seed):
    generator = torch.Generator().manual_seed(2000 + seed)
    draw = lambda n: torch.randint(3, tiny.VOCAB, (n,), generator=generator)
    inputs = pad([draw(n) for n in (24, 9, 16, 2)])
    labels = pad([torch.cat([draw(n), torch.tensor([tiny.EOS])]) for n in (3, 10, 6, 0)])
    return {
        "input_ids": inputs.int(),
        "attention_mask": (inputs != tiny.PAD).int(),
        "labels": labels.masked_fill(labels == tiny.PAD, -100).int(),
    }


def golden(model, batch, prompt):
    """Everything of one forward and backward pass. The loss is the sum over real tokens divided by their
    number."""
    model.zero_grad()
    if prompt is not None:
        prompt = prompt.clone().requires_grad_()
    labels = batch["labels"].long()
    states, mask = encode(model, batch["input_ids"].long(), prompt)
    output = model(encoder_outputs=BaseModelOutput(last_hidden_state=states), attention_mask=mask, labels=labels)
    logits = output.logits
    logits.retain_grad()
    real = labels != -100
    nll, total, smoothed = token_losses(logits, labels.clamp(min=0))
    loss = nll[real].sum() / real.sum()
    torch.testing.assert_close(loss, output.loss)
    loss.backward(retain_graph=True)
    values = {"encoder_output": states, "logits": logits, "loss": loss, "token_nll": nll * real}
    values |= {f"grad.{name}": p.grad.clone() for name, p in model.named_parameters()}
    values["grad.logits"] = logits.grad.clone()
    if prompt is not None:
        values["grad.prompt"] = prompt.grad.clone()

    smooth = smoothed[real].sum() / real.sum()
    torch.testing.assert_close(
        smooth, torch.nn.CrossEntropyLoss(ignore_index=-100, label_smoothing=SMOOTHING)(logits.flatten(0, 1), labels.flatten())
    )
    lse = logits.logsumexp(-1)
    z = (Z_LOSS * lse**2)[real].sum() / real.sum()
    logits.grad = None
    (smooth + z).backward(retain_graph=True)
    values["smoothed.grad.logits"] = logits.grad.clone()
    t5x = t5x_smoothed(logits, labels.clamp(min=0))[real].sum() / real.sum()
    scalars = {
        "plain": loss.item(),
        "label_smoothing_0.1": smooth.item(),
        "label_smoothing_0.1_t5x": t5x.item(),
        "z_loss_1e-4": (loss + z).item(),
        "label_smoothing_0.1_z_loss_1e-4": (smooth + z).item(),
        "tokens": int(real.sum()),
    }
    return values, scalars


def token_losses(logits, labels):
    """Per token: nll, its denominator, and (1 - e) nll + e times the mean of -logp over the vocabulary."""
    logp = logits.log_softmax(-1)
    nll = -logp.gather(-1, labels[..., None])[..., 0]
    return nll, logits.logsumexp(-1), (1 - SMOOTHING) * nll - SMOOTHING * logp.mean(-1)


def t5x_smoothed(logits, labels):
    """T5X spreads e over the other classes only, and takes off the entropy of the smoothed target."""
    low = SMOOTHING / (logits.shape[-1] - 1)
    target = torch.full_like(logits, low).scatter(-1, labels[..., None], 1 - SMOOTHING)
    entropy = -(target * target.log()).sum(-1)
    return -(target * logits.log_softmax(-1)).sum(-1) - entropy


@torch.no_grad()
def score(model, batch, prompt):
    """Teacher-forced log-probabilities, each pair on its own and so without padding."""
    pairs = []
    for inputs, labels in zip(batch["input_ids"].long(), batch["labels"].long()):
        inputs, labels = inputs[inputs != tiny.PAD], labels[labels != -100]
        states, mask = encode(model, inputs[None], prompt)
        output = model(encoder_outputs=BaseModelOutput(last_hidden_state=states), attention_mask=mask, labels=labels[None])
        logps = output.logits[0].log_softmax(-1).gather(-1, labels[:, None])[:, 0]
        pairs.append(
            {
                "input": inputs.tolist(),
                "target": labels.tolist(),
                "token_logprobs": logps.tolist(),
                "logprob": logps.sum().item(),
            }
        )
    return pairs


@torch.no_grad()
def check_reload(folder, model, inputs):
    """What lies on disk is the model that the goldens come from, tied or not."""
    again = AutoModelForSeq2SeqLM.from_pretrained(folder).eval()
    tied = "tie_word_embeddings" not in tiny.FAMILIES[folder.name][2]
    assert tied == (again.lm_head.weight is again.shared.weight)
    tiny.unscale(again)
    call = dict(input_ids=inputs, attention_mask=(inputs != 0).long(), decoder_input_ids=inputs[:, :6])
    torch.testing.assert_close(again(**call).logits, model(**call).logits, rtol=0, atol=0)


def make_sharded():
    """The t5-1.1 model as old checkpoints look: shards, the shared embedding three times, a bias that no layer
    uses, and a configuration that says only `tie_word_embeddings`."""
    source, folder = HERE / "t5-1.1", HERE / "sharded"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    tensors = load_file(source / "model.safetensors")
    for name in ("encoder.embed_tokens.weight", "decoder.embed_tokens.weight"):
        tensors[name] = tensors["shared.weight"].clone()
    bias = "decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight"
    tensors[bias] = torch.zeros(8, 3)
    names = sorted(tensors)
    parts = [names[i::3] for i in range(3)]
    weight_map, total = {}, 0
    for n, part in enumerate(parts, 1):
        file = f"model-{n:05}-of-{len(parts):05}.safetensors"
        save_file({name: tensors[name] for name in part}, folder / file, metadata={"format": "pt"})
        weight_map |= {name: file for name in part}
        total += sum(tensors[name].numel() * 4 for name in part)
    write_json(
        folder / "model.safetensors.index.json",
        {"metadata": {"total_size": total}, "weight_map": dict(sorted(weight_map.items()))},
    )
    config = json.loads((source / "config.json").read_text())
    config.pop("scale_decoder_outputs")
    config["tie_word_embeddings"] = False
    write_json(folder / "config.json", config)
    shutil.copy(source / "tokenizer.json", folder)
    golden = load_file(source / "golden.safetensors")
    model = AutoModelForSeq2SeqLM.from_pretrained(folder).eval()
    values, _ = golden_of(model, golden)
    torch.testing.assert_close(values["logits"], golden["logits"])


def golden_of(model, tensors):
    return golden(model, {k: tensors[k] for k in ("input_ids", "attention_mask", "labels")}, None)


def make_peft():
    """The golden prompt of t5-1.1 in folders that PEFT writes, for one and for two transformer submodules.

    Two is PEFT's default for encoder-decoder models: twice the vectors, of which the first half stands before
    the encoder's input.
    """
    os.chdir(HERE)  # so that the adapter names its base model by a relative path
    tensors = load_file(HERE / "t5-1.1" / "golden.safetensors")
    for submodules in (1, 2):
        folder = HERE / f"prompt-peft-{submodules}"
        shutil.rmtree(folder, ignore_errors=True)
        base = AutoModelForSeq2SeqLM.from_pretrained("t5-1.1").eval()
        config = peft.PromptTuningConfig(
            task_type="SEQ_2_SEQ_LM", num_virtual_tokens=PROMPT_LENGTH, num_transformer_submodules=submodules
        )
        model = peft.get_peft_model(base, config)
        vectors = torch.cat([tensors["prompt"]] + [torch.zeros(PROMPT_LENGTH, tiny.D_MODEL)] * (submodules - 1))
        with torch.no_grad():
            model.prompt_encoder.default.embedding.weight.copy_(vectors)
        if submodules == 1:
            call = {key: tensors[key].long() for key in ("input_ids", "attention_mask", "labels")}
            torch.testing.assert_close(model(**call).logits, tensors["prompt.logits"])
        model.save_pretrained(folder)
        (folder / "README.md").unlink(missing_ok=True)


def make_buckets():
    """The bucket of every relative position (key minus query) from -160 to 160, as T5Attention has it."""
    bucket = transformers.models.t5.modeling_t5.T5Attention._relative_position_bucket
    positions = torch.arange(-160, 161)
    tables = [
        {
            "bidirectional": both,
            "buckets": n,
            "max_distance": far,
            "first": int(positions[0]),
            "table": bucket(positions, both, n, far).tolist(),
        }
        for both, (n, far) in itertools.product((True, False), ((32, 128), (8, 16), (12, 20)))
    ]
    write_json(HERE / "buckets.json", {"versions": VERSIONS, "tables": tables})


def pad(rows):
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=tiny.PAD)


def rows(ids):
    return [row[row != tiny.PAD].tolist() for row in ids]


def write_json(path, value):
    text = json.dumps(value, indent=1)
    path.write_text(text + "\n")


if __name__ == "__main__":
    main()
