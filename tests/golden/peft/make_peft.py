"""Makes the golden files of this folder with PEFT, on the CPU in f32.

    python make_peft.py

`lora/` is a LoRA adapter of the t5-1.1 model beside this folder as PEFT writes it, with random factors, a rank of
their own for some modules and an alpha of its own for one; `golden.safetensors` holds a batch and the logits of the
adapted model; `prompt.npy` is the golden prompt of t5-1.1 as NumPy writes it.
"""

import os
import pathlib
import shutil
import sys

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy
import peft
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForSeq2SeqLM

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "causal"))

import make_lora as adapters

BATCH = ("input_ids", "attention_mask", "labels")


def main():
    torch.set_num_threads(1)
    os.chdir(HERE.parent / "t5")  # so that the adapter names its base model by a relative path
    tensors = load_file("t5-1.1/golden.safetensors")
    numpy.save(HERE / "prompt.npy", tensors["prompt"].numpy())
    make_lora(tensors)


@torch.no_grad()
def make_lora(tensors):
    base = AutoModelForSeq2SeqLM.from_pretrained("t5-1.1").eval()
    config = peft.LoraConfig(
        task_type="SEQ_2_SEQ_LM",
        r=2,
        lora_alpha=6,
        target_modules=["q", "v", "wi_0"],
        rank_pattern={"wi_0": 3},
        alpha_pattern={r"decoder\.block\.0\.layer\.\d\.(Self|EncDec)Attention\.q": 1},
    )
    model = peft.get_peft_model(base, config).eval()
    generator = torch.Generator().manual_seed(7)
    for name, parameter in sorted(model.named_parameters()):
        if "lora_" in name:
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)
    call = {key: tensors[key].long() for key in BATCH}
    logits = model(**call).logits
    difference = (logits - tensors["logits"]).abs().max()
    assert difference > 0.1, f"the adapter changes nothing: {difference}"
    save_file({**{key: tensors[key] for key in BATCH}, "logits": logits.contiguous()}, HERE / "golden.safetensors")

    folder = HERE / "lora"
    shutil.rmtree(folder, ignore_errors=True)
    adapters.save(model, folder, "target_modules")


if __name__ == "__main__":
    main()
