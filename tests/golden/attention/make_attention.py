"""Makes `golden.json` from Hugging Face transformers, on the CPU in f32.

    python make_attention.py

What the decoders of the tiny models in `../t5/t5-1.1` and `../causal/llama` attend to, teacher forced, with the soft
prompt of their golden files in front and without it: by layer and place of the target, over prompt and input, as means
over heads. Cross-attention of the encoder-decoder; of the decoder-only model the weights at the position before each
target token, whose rest goes to the target tokens before.
"""

import json
import os
import pathlib

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
import transformers
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM

HERE = pathlib.Path(__file__).resolve().parent
INPUT = [17, 5, 23, 9, 31, 12, 1]
TARGET = [8, 14, 6, 1]


def main():
    torch.set_num_threads(1)
    cases = []
    for kind, family, load in (
        ("t5", "t5-1.1", AutoModelForSeq2SeqLM),
        ("causal", "llama", AutoModelForCausalLM),
    ):
        folder = HERE.parent / kind / family
        model = load.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32).eval()
        prompt = load_file(folder / "golden.safetensors")["prompt"]
        for used in (None, prompt):
            layers = (encoder_decoder if kind == "t5" else decoder_only)(model, used)
            cases.append({"family": family, "prompt": 0 if used is None else len(used), "layers": layers.tolist()})
    golden = {
        "script": pathlib.Path(__file__).name,
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
        "input": INPUT,
        "target": TARGET,
        "cases": cases,
    }
    (HERE / "golden.json").write_text(json.dumps(golden, indent=1) + "\n")


def embedded(model, ids, prompt):
    """`[1, P + S, D]`"""
    tokens = model.get_input_embeddings()(torch.tensor([ids]))
    return tokens if prompt is None else torch.cat([prompt[None], tokens], dim=1)


@torch.no_grad()
def encoder_decoder(model, prompt):
    """`[layers, T, P + S]`"""
    inputs = embedded(model, INPUT, prompt)
    mask = torch.ones(inputs.shape[:2], dtype=torch.long)
    labels = torch.tensor([TARGET])
    output = model(inputs_embeds=inputs, attention_mask=mask, labels=labels, output_attentions=True)
    return torch.stack([layer[0].mean(0) for layer in output.cross_attentions])


@torch.no_grad()
def decoder_only(model, prompt):
    """`[layers, T, P + S]`"""
    inputs = embedded(model, INPUT + TARGET, prompt)
    output = model(inputs_embeds=inputs, output_attentions=True)
    before = inputs.shape[1] - len(TARGET)
    layers = torch.stack([layer[0].mean(0) for layer in output.attentions])
    return layers[:, before - 1 : before - 1 + len(TARGET), :before]


main()
