"""Makes `lora/` in this folder with PEFT, on the CPU in f32: for one model of each layout that `make_causal.py` has made, a
LoRA adapter with random factors as PEFT writes it, and the logits of every target token with it attached.

    python make_lora.py

GPT-2 and GPT-NeoX hold queries, keys and values in one layer, GPT-2 in a `Conv1D`.
"""

import json
import os
import pathlib
import shutil

os.environ["HF_HUB_OFFLINE"] = "1"

import peft
import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM

import make_causal
import tiny

HERE = pathlib.Path(__file__).resolve().parent
TARGETS = {
    "llama": ["q_proj", "v_proj", "gate_proj"],
    "gpt-neox": ["query_key_value", "dense", "dense_h_to_4h"],
    "gpt2": ["c_attn", "c_proj", "c_fc"],
}


def main():
    torch.set_num_threads(1)
    os.chdir(HERE)  # so that the adapter names its base model by a relative path
    shutil.rmtree("lora", ignore_errors=True)
    for family, targets in TARGETS.items():
        make_lora(family, targets)


@torch.no_grad()
def make_lora(family, targets):
    base = AutoModelForCausalLM.from_pretrained(family).eval()
    config = peft.LoraConfig(task_type="CAUSAL_LM", r=2, lora_alpha=5, target_modules=targets)
    config.fan_in_fan_out = family == "gpt2"
    model = peft.get_peft_model(base, config).eval()
    generator = torch.Generator().manual_seed(7)
    for name, parameter in sorted(model.named_parameters()):
        if "lora_" in name:
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)
    call = target_logits(family, base)
    logits = call(model)
    with model.disable_adapter():
        difference = (logits - call(model)).abs().max()
    assert difference > 0.1, f"the adapter changes nothing: {difference}"
    folder = HERE / "lora" / family
    save(model, folder, "target_modules")
    save_file({"logits": logits.contiguous()}, folder / "golden.safetensors")
    print(family, "largest difference", difference.item())


def target_logits(family, base):
    """What gives the logits of every target token of a family's golden batch, for the model with or without an adapter."""
    seed = json.loads((HERE / family / "golden.json").read_text())["seed"]
    ids, labels = tiny.sequences(make_causal.training_pairs(seed, tiny.ends(base)[0]))
    real = labels[:, 1:] != -100
    return lambda model: model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[:, :-1][real]


def save(model, folder, *sets):
    """As PEFT saves it, without its README. The settings named in `sets` are sets in PEFT, whose order changes from run to
    run."""
    model.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    path = folder / "adapter_config.json"
    written = json.loads(path.read_text())
    for key in sets:
        written[key].sort()
    path.write_text(json.dumps(written, indent=2) + "\n")


if __name__ == "__main__":
    main()
