"""Makes golden.json and golden.safetensors: what Hugging Face transformers computes with the bundled decoder-only model,
`public/models/mini-llama`, loaded as any folder is.

    python make_mini_llama.py

For every prompt: its ids, the logits of what may follow it, the greedy answer with the log-probability of each of its
tokens, the best of four beams (no length penalty), and both as text.
"""

import importlib.metadata
import json
import os
import pathlib
import platform

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

HERE = pathlib.Path(__file__).resolve().parent
MODEL = HERE.parents[2] / "public" / "models" / "mini-llama"
MAX_NEW = 24
PROMPTS = [
    "Q: Where does Ada live? A:",
    "Ada asks: Where does Karin live? Paul answers:",
    "Translate English to German: The dog sees a white house.",
    "Say again: The man bought an apple yesterday.",
    "Kalmora black car Oscar. Kalmora Karin. Which are in both?",
    "Irene tells Boris: Ada assisted Paul in the garden. Boris repeats: Paul was never assisted by Ada. What does Irene think?",
    "Article: Many people were there. There was a race in Normora. Conrad was fast. Jacob was faster. The people gave "
    "Jacob a cup. One sentence summary:",
    "Q: What does Nadia like to eat? A: soup Q: What does Oscar like to eat? A:",
    "The sun was shining. Nadia met",
    "Zebras? (1,234) & naïve café:",
]


def main():
    torch.set_num_threads(1)
    model = AutoModelForCausalLM.from_pretrained(MODEL, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(MODEL)
    cases, first = [], []
    for prompt in PROMPTS:
        ids = tokenizer(prompt).input_ids
        row = torch.tensor([ids])
        common = dict(attention_mask=torch.ones_like(row), do_sample=False, max_new_tokens=MAX_NEW)
        with torch.no_grad():
            greedy = model.generate(row, **common)[0, len(ids) :].tolist()
            beams = model.generate(row, num_beams=4, length_penalty=0.0, early_stopping=False, **common)[0, len(ids) :].tolist()
            logits = model(torch.tensor([ids + greedy])).logits[0, len(ids) - 1 : -1]
        first.append(logits[0])
        scores = logits.log_softmax(-1).gather(1, torch.tensor(greedy)[:, None])[:, 0]
        text = lambda ids: tokenizer.decode(ids, skip_special_tokens=True).strip()
        cases.append(
            {
                "prompt": prompt,
                "ids": ids,
                "greedy": greedy,
                "logprobs": [round(float(score), 6) for score in scores],
                "beams": beams,
                "texts": [text(greedy), text(beams)],
            }
        )
        print(repr(prompt)[-40:], cases[-1]["texts"])
    save_file({"logits": torch.stack(first).contiguous()}, HERE / "golden.safetensors")
    versions = {name: importlib.metadata.version(name) for name in ("torch", "transformers", "tokenizers")}
    rows = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
    head = json.dumps({"versions": {"python": platform.python_version(), **versions}, "max_new_tokens": MAX_NEW})[:-1]
    (HERE / "golden.json").write_text(f'{head},\n"cases": [\n{rows}\n]}}\n', encoding="utf-8")


if __name__ == "__main__":
    main()
