"""Makes `ia3/` in this folder with PEFT, on the CPU in f32: for models of `../t5` and `../causal` an IA3 adapter with random
factors as PEFT writes it, and the logits of the adapted model for the batch that is golden there.

    python make_ia3.py
"""

import os
import pathlib
import shutil
import sys

os.environ["HF_HUB_OFFLINE"] = "1"

import peft
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM

HERE = pathlib.Path(__file__).resolve().parent
CAUSAL = HERE.parent / "causal"
sys.path.insert(0, str(CAUSAL))

import make_lora

# PEFT's own choice of modules for each family, and for the T5 the gate of its feed-forwards.
MODULES = {
    "t5-1.1": (["k", "v", "wi_0", "wo"], ["wo"]),
    "llama": (["k_proj", "v_proj", "down_proj"], ["down_proj"]),
    "gpt-neox": (["query_key_value", "dense_4h_to_h"], ["dense_4h_to_h"]),
    "gpt2": (["c_attn", "mlp.c_proj"], ["mlp.c_proj"]),
}


@torch.no_grad()
def main():
    torch.set_num_threads(1)
    shutil.rmtree(HERE / "ia3", ignore_errors=True)
    for family, modules in MODULES.items():
        if family == "t5-1.1":
            os.chdir(HERE.parent / "t5")  # so that the adapter names its base model by a relative path
            base = AutoModelForSeq2SeqLM.from_pretrained(family).eval()
            tensors = load_file(f"{family}/golden.safetensors")
            batch = {key: tensors[key].long() for key in ("input_ids", "attention_mask", "labels")}
            make(family, "SEQ_2_SEQ_LM", base, modules, lambda model: model(**batch).logits)
        else:
            os.chdir(CAUSAL)
            base = AutoModelForCausalLM.from_pretrained(family).eval()
            make(family, "CAUSAL_LM", base, modules, make_lora.target_logits(family, base))


def make(family, task, base, modules, logits):
    targets, feedforward = modules
    config = peft.IA3Config(task_type=task, target_modules=targets, feedforward_modules=feedforward)
    config.fan_in_fan_out = family == "gpt2"
    model = peft.get_peft_model(base, config).eval()
    generator = torch.Generator().manual_seed(7)
    for name, parameter in sorted(model.named_parameters()):
        if "ia3_" in name:
            parameter.copy_(1 + torch.randn(parameter.shape, generator=generator) * 0.5)
    found = logits(model)
    with model.disable_adapter():
        difference = (found - logits(model)).abs().max()
    assert difference > 0.1, f"the adapter changes nothing: {difference}"
    folder = HERE / "ia3" / family
    make_lora.save(model, folder, "target_modules", "feedforward_modules")
    save_file({"logits": found.contiguous()}, folder / "golden.safetensors")
    print(family, "largest difference", difference.item())


if __name__ == "__main__":
    main()
