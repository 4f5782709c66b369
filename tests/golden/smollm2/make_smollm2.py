"""Makes golden.json: what Hugging Face transformers computes with a real model, SmolLM2-135M-Instruct.

    python make_smollm2.py [--chats]

It needs the file that `cargo xtask real-model` downloads, and the WMT files in `../shared/data` beside the repository whose
lines are tokenised; it leaves golden.json alone where they are missing. For 50 prompts: their ids, the greedy answer of up to 100 tokens with the log-probability of each of its first 32, and for the first ten the
best of four beams (12 tokens, no length penalty). Of every file of lines only the number of ids and a hash (FNV-1a, 64 bits,
over the ids as four bytes, the smallest first) are kept. chats.json, which `--chats` makes alone, has the same of conversations
through the model's own chat template.
"""

import importlib.metadata
import json
import os
import pathlib
import platform
import sys

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
import transformers
from transformers import AutoModelForCausalLM, AutoTokenizer

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
MODEL = ROOT / "target" / "real-model" / "SmolLM2-135M-Instruct.Q4_1.gguf"
DATA = ROOT.parent / "shared" / "data"
LINES = ["wmt/en-de/newstest2013.eng", "wmt/en-de/newstest2013.deu", "wmt/en-fr/newstest2013.fra", "wmt/en-ro/newsdev2016.ro"]
CHATS = [
    "What is the capital of France?", "Which planet is the largest?", "Write a sentence about the sea.",
    "List three fruits.", "What is 7 times 8?", "Explain rain to a child.", "Translate to French: The cat sleeps.",
    "Who wrote Hamlet?", "Write the word garden in capital letters.", "Is the sun a star? Answer yes or no.",
    "Anna is a baker in Lyon. Ben is a pilot in Oslo. Where does Ben work?", "Name a river in Germany.",
    "What do bees make?", "Give me a short recipe for pancakes.", "Wie heißt die Hauptstadt von Österreich?",
    "Repeat this sentence: The 3 old men — all of them — laughed.", "¿Qué hora es?", "Count from 1 to 10.",
    "Write a haiku about snow.", "What is the opposite of hot?",
]
TEXTS = [
    "The capital of France is", "Once upon a time there was a", "Q: Who painted the Mona Lisa? A:", "1, 2, 3, 4,",
    "def add(a, b):\n    return", "Dear Sir or Madam,\n\n", "The quick brown fox", "In 1984,", "Water boils at",
    "My favourite colour is", "import numpy as np\n", "The three laws of motion are:\n1.", "Monday, Tuesday,",
    "<html>\n<head>\n<title>", "Le chat est", "Der Hund", "naïve café 日本 — ", "It was a dark and stormy night;",
    "E = mc^2 means that", "\tfor (int i = 0; i <", "Sentence: I like tea. The same sentence again:",
    "Premise: It rains. question: The street is dry. Is it true or false? answer:", "Once", "   ", "Newton's first law",
    "The mitochondrion is the", "A: Hello!\nB:", "Ingredients:\n- 200 g of", "According to the report,", "Yes, but",
]


def chat(text):
    return f"<|im_start|>user\n{text}<|im_end|>\n<|im_start|>assistant\n"


# Conversations for the model's own chat template: role and content in turn.
CONVERSATIONS = [
    *([("user", text)] for text in CHATS),
    [("system", "You are a pirate."), ("user", "Hi")],
    [("user", "2 + 2?"), ("assistant", "4"), ("user", " And 3 + 3?\n")],
    [("system", ""), ("user", "")],
]


def conversations(tokenizer):
    """Of each conversation, up to where the answer begins, the number of ids and their hash: its text is the model's."""
    found = []
    for turns in CONVERSATIONS:
        messages = [{"role": role, "content": content} for role, content in turns]
        text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        found.append(json.dumps({"messages": messages, "ids": len(ids), "fnv": fnv(ids)}, ensure_ascii=False))
    (HERE / "chats.json").write_text("[\n" + ",\n".join(found) + "\n]\n", encoding="utf-8")


def fnv(ids):
    value = 0xCBF29CE484222325
    for number in ids:
        for byte in number.to_bytes(4, "little"):
            value = ((value ^ byte) * 0x100000001B3) % 2**64
    return f"{value:016x}"


def main():
    missing = [path for path in [MODEL, *(DATA / name for name in LINES)] if not path.is_file()]
    if missing:
        print(f"skipped: data: no {missing[0]}")
        return
    torch.set_num_threads(1)
    where = {"pretrained_model_name_or_path": str(MODEL.parent), "gguf_file": MODEL.name}
    tokenizer = AutoTokenizer.from_pretrained(**where)
    conversations(tokenizer)
    if "--chats" in sys.argv:
        return
    model = AutoModelForCausalLM.from_pretrained(**where, dtype=torch.float32).eval()
    cases = []
    prompts = [chat(text) for text in CHATS] + TEXTS
    assert len(prompts) == 50
    for number, prompt in enumerate(prompts):
        ids = tokenizer(prompt)["input_ids"]
        row = torch.tensor([ids])
        common = {"attention_mask": torch.ones_like(row), "do_sample": False, "eos_token_id": 2, "pad_token_id": 2}
        with torch.no_grad():
            greedy = model.generate(row, max_new_tokens=100, **common)[0, len(ids):].tolist()
            scored = greedy[:32]
            logits = model(torch.tensor([ids + scored])).logits[0, len(ids) - 1 : -1]
        probabilities = logits.log_softmax(-1).gather(1, torch.tensor(scored)[:, None])[:, 0]
        case = {"prompt": prompt, "ids": ids, "greedy": greedy, "logprobs": [round(float(p), 6) for p in probabilities]}
        if number < 10:
            with torch.no_grad():
                found = model.generate(row, max_new_tokens=12, num_beams=4, length_penalty=0.0, early_stopping=False, **common)
            case["beams"] = found[0, len(ids):].tolist()
        cases.append(case)
        print(number, repr(tokenizer.decode(greedy))[:80], flush=True)
    lines = {}
    for name in LINES:
        text = (DATA / name).read_text(encoding="utf-8").removesuffix("\n").split("\n")
        ids = [number for line in text for number in tokenizer(line)["input_ids"]]
        lines[name] = {"lines": len(text), "ids": len(ids), "fnv": fnv(ids)}
    versions = {name: importlib.metadata.version(name) for name in ("torch", "transformers", "tokenizers", "gguf")}
    golden = {"versions": {"python": platform.python_version(), **versions}, "cases": cases, "lines": lines}
    rows = ",\n".join(json.dumps(case, ensure_ascii=False) for case in golden.pop("cases"))
    head = json.dumps(golden, ensure_ascii=False)[:-1]
    (HERE / "golden.json").write_text(f'{head},\n"cases": [\n{rows}\n]}}\n', encoding="utf-8")


if __name__ == "__main__":
    main()
