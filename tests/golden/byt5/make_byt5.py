"""Makes the golden files of this folder from Hugging Face transformers, on the CPU in f32.

    python make_byt5.py

A tiny random model of ByT5's shape (more encoder than decoder layers) as transformers saves it, with its tokenizer, for
which there is no file; `golden.json` has texts with their ids, ids with their texts (bytes that are no UTF-8 among
them), and what the model answers greedily.
"""

import json
import pathlib
import platform

import tokenizers
import torch
import transformers
from transformers import ByT5Tokenizer, T5Config, T5ForConditionalGeneration

HERE = pathlib.Path(__file__).resolve().parent
TEXTS = [
    "the red fox",
    "",
    " two  spaces and a tab\tand\r\na line ",
    "Grüße, naïve café, 日本語, 🦊 and e\u0301",
    "\u00a0\u3000\ufeff\ufffd\u0000",
    "a <extra_id_0> b <extra_id_1>",
    "a<extra_id_124>b <extra_id_125>",
    "a <pad> b <unk> c",
    "<0x41> is no byte here",
]
IDS = [
    [119, 107, 104, 1],
    [119, 107, 104, 1, 0, 0],
    [3 + 0xC3, 3 + 0xBC, 1],
    [3 + 0xC3, 3 + 0x41, 1],
    [3 + 0xFF, 3 + 0x42, 3 + 0xE2, 3 + 0x82, 1],
    [3 + 0xE2, 3 + 0x82, 3 + 0xAC, 3 + 0xF0, 3 + 0x9F, 3 + 0xA6, 3 + 0x8A],
    [3 + 0xEF, 3 + 0xBF, 3 + 0xBD],
    [100, 259, 101, 260, 383, 1],
    [],
]
MAX_NEW = 12


def main():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    tokenizer = ByT5Tokenizer()
    config = T5Config(
        vocab_size=384, d_model=16, d_kv=6, d_ff=24, num_layers=3, num_decoder_layers=1, num_heads=2,
        feed_forward_proj="gated-gelu", tie_word_embeddings=False, decoder_start_token_id=0,
    )
    model = T5ForConditionalGeneration(config).eval()
    model.lm_head.weight = torch.nn.Parameter(torch.randn(384, 16))
    model.save_pretrained(HERE)
    tokenizer.save_pretrained(HERE)
    for name in ("generation_config.json", "added_tokens.json"):
        (HERE / name).unlink(missing_ok=True)
    again = ByT5Tokenizer.from_pretrained(HERE)
    assert all(again(text).input_ids == tokenizer(text).input_ids for text in TEXTS)

    answers = []
    for text in TEXTS[:4]:
        # The default cache of transformers 5.23 takes the encoder's number of layers for the decoder's.
        ids = model.generate(**tokenizer(text, return_tensors="pt"), do_sample=False, max_new_tokens=MAX_NEW, use_cache=False)
        answers.append({"input": text, "ids": ids[0, 1:].tolist(), "text": tokenizer.decode(ids[0], skip_special_tokens=True)})
    golden = {
        "script": pathlib.Path(__file__).name,
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "transformers": transformers.__version__,
            "tokenizers": tokenizers.__version__,
        },
        "texts": [{"text": text, "ids": tokenizer(text).input_ids} for text in TEXTS],
        "ids": [{"ids": ids, "text": tokenizer.decode(ids)} for ids in IDS],
        "max_new_tokens": MAX_NEW,
        "answers": answers,
    }
    (HERE / "golden.json").write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
