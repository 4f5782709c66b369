"""The measurements of `promot-bench` with PyTorch and transformers: one JSON line each, on the CPU.

    python bench_torch.py [SIZE ...]

`OMP_NUM_THREADS` sets the number of threads. What is measured stands in `sizes.json`; the optimizers are
transformers' Adafactor (constant rate, no parameter scaling) and torch's AdamW.
"""

import json
import os
import pathlib
import statistics
import sys
import time

import torch
import transformers
from transformers.modeling_outputs import BaseModelOutput

HERE = pathlib.Path(__file__).resolve().parent
SETTINGS = json.loads((HERE / "sizes.json").read_text())


def main():
    torch.manual_seed(0)
    transformers.logging.set_verbosity_error()
    if "OMP_NUM_THREADS" in os.environ:
        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    for size in SETTINGS["sizes"]:
        if len(sys.argv) == 1 or size["name"] in sys.argv[1:]:
            run(size)


def run(size):
    model = build(size)
    decoder_only = not model.config.is_encoder_decoder
    inputs, labels = batch(size, model.config.vocab_size)
    prompt = torch.nn.Parameter(torch.rand(SETTINGS["prompt_length"], model.config.hidden_size) - 0.5)
    rate = SETTINGS["learning_rate"]
    adafactor = lambda parameters: transformers.Adafactor(
        parameters, lr=rate, scale_parameter=False, relative_step=False
    )
    adamw = lambda parameters: torch.optim.AdamW(parameters, lr=rate, weight_decay=0.01)

    logits = of_llama if decoder_only else of_t5
    step = lambda what, prompt, parameters, optimizer: train(
        size, what, lambda: logits(model, prompt, inputs, labels), model, parameters, optimizer, labels
    )
    step("fine-tuning, Adafactor", None, model.parameters(), adafactor)
    step("fine-tuning, AdamW", None, model.parameters(), adamw)
    step("fine-tuning with a frozen prompt", prompt.detach(), model.parameters(), adafactor)
    model.requires_grad_(False)
    step("stage 1, Adafactor", prompt, [prompt], adafactor)
    generate(size, "generate, greedy", model, inputs, 1)
    generate(size, "generate, beam 4", model, inputs, SETTINGS["beams"])


def build(size):
    root = HERE.parent.parent
    file = root / size.get("config_file", "none")
    fields = json.loads(file.read_text()) if file.is_file() else dict(size["config"])
    if fields["model_type"] == "llama":
        fields.pop("dtype", None)
        special = {"bos_token_id": None, "eos_token_id": None, "pad_token_id": 0}
        return transformers.LlamaForCausalLM(transformers.LlamaConfig(**{**fields, **special}))
    names = "vocab_size d_model d_kv d_ff num_layers num_decoder_layers num_heads feed_forward_proj".split()
    names += ["relative_attention_num_buckets", "relative_attention_max_distance"]
    fields = {name: fields[name] for name in names if name in fields}
    config = transformers.T5Config(
        **fields, dropout_rate=SETTINGS["dropout"], tie_word_embeddings=False, decoder_start_token_id=0
    )
    model = transformers.T5ForConditionalGeneration(config)
    # The configuration alone does not untie the head in transformers 5.
    model.lm_head.weight = torch.nn.Parameter(torch.randn_like(model.lm_head.weight) * config.d_model**-0.5)
    return model


def batch(size, vocabulary):
    """The ids of promot-bench."""
    ids = lambda row, count: [3 + (row * 131 + place * 17) % (vocabulary - 3) for place in range(count)]
    rows = range(size["batch"])
    inputs = torch.tensor([ids(row, size["input"]) for row in rows])
    return inputs, torch.tensor([ids(row + 7, size["target"]) for row in rows])


def behind(prompt, embedded):
    if prompt is None:
        return embedded
    return torch.cat([prompt.expand(len(embedded), -1, -1), embedded], dim=1)


def of_t5(model, prompt, inputs, labels):
    """The logits of the labels' places."""
    start = torch.zeros(len(labels), 1, dtype=torch.long)
    shifted = torch.cat([start, labels[:, :-1]], dim=1)
    embedded = behind(prompt, model.shared(inputs))
    mask = torch.ones(embedded.shape[:2], dtype=torch.long)
    states = model.encoder(inputs_embeds=embedded, attention_mask=mask).last_hidden_state
    return model(
        encoder_outputs=BaseModelOutput(last_hidden_state=states),
        attention_mask=mask,
        decoder_input_ids=shifted,
        use_cache=False,
    ).logits


def of_llama(model, prompt, inputs, labels):
    """The logits of the labels' places: the head is not asked elsewhere."""
    text = torch.cat([inputs, labels[:, :-1]], dim=1)
    embedded = behind(prompt, model.get_input_embeddings()(text))
    return model(inputs_embeds=embedded, logits_to_keep=labels.shape[1], use_cache=False).logits


def train(size, what, logits, model, parameters, make_optimizer, labels):
    model.train()
    optimizer = make_optimizer(list(parameters))
    smoothed = torch.nn.CrossEntropyLoss(label_smoothing=SETTINGS["label_smoothing"])

    def once():
        loss = smoothed(logits().flatten(0, 1), labels.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        assert loss.isfinite().item()

    measure(size, what, once)


@torch.no_grad()
def generate(size, what, model, inputs, beams):
    model.eval()
    model.generation_config.eos_token_id = None
    before = 1 if model.config.is_encoder_decoder else inputs.shape[1]

    def once():
        output = model.generate(
            input_ids=inputs,
            attention_mask=torch.ones_like(inputs),
            num_beams=beams,
            max_new_tokens=SETTINGS["new_tokens"],
            do_sample=False,
            early_stopping=False,
            use_cache=True,
        )
        assert output.shape[1] == SETTINGS["new_tokens"] + before

    measure(size, what, once)


def measure(size, what, once):
    """Two rounds to warm up, then as many as fit into the given seconds, at least three."""
    once()
    once()
    begin, samples = time.perf_counter(), []
    while len(samples) < 3 or (
        time.perf_counter() - begin < SETTINGS["seconds"] and len(samples) < SETTINGS["most_samples"]
    ):
        start = time.perf_counter()
        once()
        samples.append(time.perf_counter() - start)
    samples.sort()
    line = {"what": what, "size": size["name"], "seconds": statistics.median(samples), "samples": samples}
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
