"""The item `updates` of `promot gpu-check` with PyTorch and transformers on the same card.

    python3 pytorch.py [gpu-check.jsonl] [--device cuda|cpu] [--tiny] [--budget SECONDS]

bf16 autocast, transformers' fused attention where it has one for T5, Adafactor at a constant rate. One JSON line a
measurement goes to standard output and to pytorch.jsonl; with promot's lines as the first argument every line has the
ratio of seconds, above 1 where promot is the faster one.
"""

import argparse
import json
import statistics
import time

import torch
import transformers
from transformers.modeling_outputs import BaseModelOutput

BASE = dict(vocab_size=32128, d_model=768, d_ff=2048, num_layers=12, num_heads=12, d_kv=64)
SMALL = dict(vocab_size=32128, d_model=512, d_ff=1024, num_layers=8, num_heads=6, d_kv=64)
LARGE = dict(vocab_size=32128, d_model=1024, d_ff=2816, num_layers=24, num_heads=16, d_kv=64)
TINY = dict(vocab_size=96, d_model=32, d_ff=64, num_layers=1, num_heads=2, d_kv=16)
SHAPES = {"t5-base": BASE, "t5-small": SMALL, "t5-large": LARGE}
FULL = dict(rows=64, micro=8, input=512, target=64, prompt=100, greedy=(32, 32), beam=(8, 32), seconds=3.0)
SOFTWARE = dict(rows=2, micro=1, input=12, target=4, prompt=20, greedy=(2, 2), beam=(2, 2), seconds=0.0)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("promot", nargs="?", help="the lines of promot gpu-check")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--budget", type=float, default=120.0)
    options = parser.parse_args()
    transformers.logging.set_verbosity_error()
    ours = read(options.promot)
    end = time.perf_counter() + options.budget
    shapes, sizes = ({"tiny": TINY}, SOFTWARE) if options.tiny else (SHAPES, FULL)
    with open("pytorch.jsonl", "w") as out:
        for name, shape in shapes.items():
            for line in measure(name, shape, sizes, options.device):
                theirs = ours.get((line["what"], name))
                if theirs:
                    line["ratio"] = line["seconds"] / theirs
                text = json.dumps(line)
                print(text, flush=True)
                out.write(text + "\n")
                out.flush()
                if time.perf_counter() > end:
                    print("the budget is over", flush=True)
                    return


def read(path):
    """Seconds of promot's f32 lines, by what was measured and shape."""
    if not path:
        return {}
    lines = [json.loads(line) for line in open(path)]
    lines = [line for line in lines if line.get("item") == "updates" and "shape" in line]
    return {(line["what"], line["shape"]): line["seconds"] for line in lines}


def build(shape, device):
    config = transformers.T5Config(
        **shape, feed_forward_proj="gated-gelu", tie_word_embeddings=False, decoder_start_token_id=0, dropout_rate=0.1
    )
    model = transformers.T5ForConditionalGeneration(config).to(device)
    # The configuration alone does not untie the head in transformers 5.
    model.lm_head.weight = torch.nn.Parameter(torch.randn_like(model.lm_head.weight) * config.d_model**-0.5)
    return model


def ids(rows, length, vocabulary, first=0):
    """The ids of promot's check."""
    row = lambda index: [3 + (index * 131 + place * 17) % (vocabulary - 3) for place in range(length)]
    return torch.tensor([row(first + index) for index in range(rows)])


def measure(name, shape, sizes, device):
    model = build(shape, device)
    inputs = ids(sizes["rows"], sizes["input"], shape["vocab_size"]).to(device)
    labels = ids(sizes["rows"], sizes["target"], shape["vocab_size"], 7).to(device)
    prompt = torch.nn.Parameter(torch.rand(sizes["prompt"], shape["d_model"], device=device) - 0.5)
    frozen = prompt.detach()
    yield update(name, sizes, "fine-tuning", model, None, list(model.parameters()), inputs, labels, device)
    yield update(name, sizes, "stage 2", model, frozen, list(model.parameters()), inputs, labels, device)
    model.requires_grad_(False)
    yield update(name, sizes, "stage 1", model, prompt, [prompt], inputs, labels, device)
    for what, beams, (rows, tokens) in (("greedy", 1, sizes["greedy"]), ("beam 4", 4, sizes["beam"])):
        yield decode(name, what, model, inputs[:rows], beams, tokens, device)


def update(name, sizes, what, model, prompt, parameters, inputs, labels, device):
    model.train()
    optimizer = transformers.Adafactor(parameters, lr=1e-3, scale_parameter=False, relative_step=False)

    def once(parts):
        optimizer.zero_grad()
        for part in range(parts):
            rows = slice(part * sizes["micro"], (part + 1) * sizes["micro"])
            with torch.autocast(device, dtype=torch.bfloat16):
                embedded = model.shared(inputs[rows])
                if prompt is not None:
                    embedded = torch.cat([prompt.expand(len(embedded), -1, -1), embedded], dim=1)
                mask = torch.ones(embedded.shape[:2], dtype=torch.long, device=device)
                states = model.encoder(inputs_embeds=embedded, attention_mask=mask).last_hidden_state
                targets = labels[rows]
                shifted = torch.cat([torch.zeros_like(targets[:, :1]), targets[:, :-1]], dim=1)
                encoded = BaseModelOutput(last_hidden_state=states)
                logits = model(
                    encoder_outputs=encoded, attention_mask=mask, decoder_input_ids=shifted, use_cache=False
                ).logits
                loss = torch.nn.functional.cross_entropy(logits.float().flatten(0, 1), targets.flatten())
            (loss / parts).backward()
        optimizer.step()
        assert loss.isfinite().item()

    once(1)
    samples, begin = [], time.perf_counter()
    while not samples or (time.perf_counter() - begin < sizes["seconds"] and len(samples) < 5):
        start = time.perf_counter()
        once(sizes["rows"] // sizes["micro"])
        samples.append(time.perf_counter() - start)
    seconds = statistics.median(samples)
    line = {"item": "pytorch", "what": what, "shape": name, "numbers": "bf16 autocast", "seconds": seconds}
    line["tokens_per_second"] = sizes["rows"] * (sizes["input"] + sizes["target"]) / seconds
    if device == "cuda":
        line["gb_peak"] = torch.cuda.max_memory_allocated() / 1e9
    return line


@torch.no_grad()
def decode(name, what, model, inputs, beams, tokens, device):
    model.eval()
    model.generation_config.eos_token_id = None

    def once():
        with torch.autocast(device, dtype=torch.bfloat16):
            output = model.generate(
                input_ids=inputs,
                attention_mask=torch.ones_like(inputs),
                num_beams=beams,
                max_new_tokens=tokens,
                do_sample=False,
                early_stopping=False,
                use_cache=True,
            )
        assert output.shape[1] == tokens + 1

    once()
    start = time.perf_counter()
    once()
    seconds = time.perf_counter() - start
    line = {"item": "pytorch", "what": what, "shape": name, "numbers": "bf16 autocast", "seconds": seconds}
    line["tokens_per_second"] = len(inputs) * tokens / seconds
    return line


if __name__ == "__main__":
    main()
