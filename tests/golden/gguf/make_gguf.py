"""Makes the golden files of this folder: GGUF files by llama.cpp's Python package, read back by Hugging Face transformers.

    python make_gguf.py

`blocks.safetensors` has two blocks of random bytes of every quantised type and the numbers that `gguf.quants` makes of
them. The other files are tiny random models whose tensors are of as many types as that package can write, each with another way
of cutting texts; `llama3.gguf` has scaled rotary positions, which transformers does not read from such a file: its logits
are those of a model with the scaling in its configuration and the numbers of the file. `golden.json` has their logits and greedy answers as transformers computes them from the same files, the ids of texts by the
tokenizer that was put into them, and the versions of the libraries.
"""

import importlib.metadata
import json
import os
import pathlib
import platform

os.environ["HF_HUB_OFFLINE"] = "1"

import gguf
import numpy as np
import tokenizers
import torch
import transformers
from gguf import GGMLQuantizationType as Type
from safetensors.numpy import save_file
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

HERE = pathlib.Path(__file__).resolve().parent
VERSIONS = {
    "python": platform.python_version(),
    "gguf": importlib.metadata.version("gguf"),
    "torch": torch.__version__,
    "transformers": transformers.__version__,
    "tokenizers": tokenizers.__version__,
}
TEXTS = ["The cat sat.", "In 1984 it's 12,345 + 6?", "<|im_start|>user\nWho?<|im_end|>", "  two  spaces\n\nnaïve café 日本"]
BLOCKS = [Type.Q4_0, Type.Q4_1, Type.Q5_0, Type.Q5_1, Type.Q8_0, Type.Q2_K, Type.Q3_K, Type.Q4_K, Type.Q5_K, Type.Q6_K]
# Where the scales of a block stand: halves that must be ordinary numbers.
SCALES = {
    Type.Q4_0: [0], Type.Q4_1: [0, 2], Type.Q5_0: [0], Type.Q5_1: [0, 2], Type.Q8_0: [0],
    Type.Q2_K: [80, 82], Type.Q3_K: [108], Type.Q4_K: [0, 2], Type.Q5_K: [0, 2], Type.Q6_K: [208],
}
# As in Llama 3.1 and its followers.
SCALED = dict(rope_type="llama3", rope_theta=500000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=8192)
# Of the tensors of a layer, in turn.
WRITABLE = [Type.Q4_0, Type.Q4_1, Type.Q5_0, Type.Q5_1, Type.Q8_0, Type.F16, Type.BF16, Type.F32]


def blocks():
    draw = np.random.default_rng(0)
    found = {}
    for kind in BLOCKS:
        _, size = gguf.GGML_QUANT_SIZES[kind]
        data = draw.integers(0, 256, (2, size), dtype=np.uint8)
        for at in SCALES[kind]:
            data[:, at : at + 2] = draw.normal(0, 0.05, (2, 1)).astype(np.float16).view(np.uint8)
        found[f"{kind.name}.bytes"] = data.reshape(-1)
        found[f"{kind.name}.numbers"] = gguf.quants.dequantize(data, kind).astype(np.float32).reshape(-1)
    save_file(found, HERE / "blocks.safetensors")


# As the models' own tokenizer.json have them.
LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"


def split_by(expression):
    return pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(expression), behavior="isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])


CUTS = {
    "smollm": lambda: pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]),
    "llama-bpe": lambda: split_by(LLAMA3),
    "qwen2": lambda: split_by(QWEN2),
}


def tokenizer(pre):
    made = Tokenizer(models.BPE(ignore_merges=pre == "llama-bpe"))
    made.pre_tokenizer, made.decoder = CUTS[pre](), decoders.ByteLevel()
    if pre == "qwen2":
        made.normalizer = normalizers.NFC()
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=300, special_tokens=[AddedToken(token, special=True) for token in special],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False,
    )
    made.train_from_iterator(TEXTS * 3, trainer)
    if pre == "llama-bpe":
        made.post_processor = processors.TemplateProcessing(single="<|im_start|> $A", special_tokens=[("<|im_start|>", 1)])
    return made


def names(name):
    parts = {
        "input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
        "self_attn.o_proj": "attn_output", "post_attention_layernorm": "ffn_norm", "mlp.gate_proj": "ffn_gate",
        "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
    }
    whole = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight", "lm_head.weight": "output.weight"}
    if name in whole:
        return whole[name]
    _, _, layer, rest = name.split(".", 3)
    part, kind = rest.rsplit(".", 1)
    return f"blk.{layer}.{parts[part]}.{kind}"


def paired(tensor, heads):
    """Rows of queries and keys as the file has them (llama.cpp, convert_hf_to_gguf.py)."""
    return tensor.reshape(heads, 2, tensor.shape[0] // heads // 2, *tensor.shape[1:]).swapaxes(1, 2).reshape(tensor.shape)


def model(name, pre, config, kind):
    made = tokenizer(pre)
    config = dict(config, vocab_size=made.get_vocab_size())
    config = Qwen2Config(**config) if kind is Qwen2ForCausalLM else LlamaConfig(**config)
    torch.manual_seed(0)
    reference = kind(config).eval()
    for parameter in reference.parameters():
        torch.nn.init.normal_(parameter, std=0.3) if parameter.dim() > 1 else torch.nn.init.normal_(parameter, mean=1.0, std=0.1)
    file = HERE / f"{name}.gguf"
    architecture = "qwen2" if kind is Qwen2ForCausalLM else "llama"
    writer = gguf.GGUFWriter(file, architecture)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    vocabulary = sorted(made.get_vocab().items(), key=lambda item: item[1])
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list([token for token, _ in vocabulary])
    writer.add_token_types([3 if token.startswith("<|") else 1 for token, _ in vocabulary])
    writer.add_token_merges([" ".join(merge) for merge in json.loads(made.to_str())["model"]["merges"]])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(2)
    writer.add_add_bos_token(pre == "llama-bpe")
    turn = 0
    for key, tensor in reference.state_dict().items():
        if key == "lm_head.weight" and config.tie_word_embeddings:
            continue
        tensor = tensor.numpy()
        if architecture == "llama" and ".q_proj." in key:
            tensor = paired(tensor, config.num_attention_heads)
        if architecture == "llama" and ".k_proj." in key:
            tensor = paired(tensor, config.num_key_value_heads)
        as_kind = Type.F32
        if tensor.ndim == 2:
            as_kind, turn = WRITABLE[turn % len(WRITABLE)], turn + 1
        data = gguf.quants.quantize(tensor, as_kind)
        writer.add_tensor(names(key), data, raw_dtype=as_kind)
    scaled = config.rope_parameters["rope_type"] == "llama3"
    if scaled:
        # What each frequency is divided by (convert_hf_to_gguf.py).
        base, head = config.rope_parameters["rope_theta"], config.head_dim
        plain = 1.0 / base ** (np.arange(0, head, 2) / head)
        factors = plain / reference.model.rotary_emb.inv_freq.double().numpy()
        writer.add_tensor("rope_freqs.weight", factors.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    read = AutoModelForCausalLM.from_pretrained(HERE, gguf_file=file.name, dtype=torch.float32).eval()
    if scaled:
        reference.load_state_dict(read.state_dict())
        read = reference
    golden = []
    with torch.no_grad():
        for text in TEXTS:
            ids = made.encode(text).ids
            logits = read(torch.tensor([ids])).logits[0, -1]
            answer = read.generate(
                torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long),
                max_new_tokens=8, do_sample=False, pad_token_id=2, eos_token_id=2,
            )[0, len(ids):].tolist()
            golden.append(dict(text=text, ids=ids, logits=logits.tolist(), answer=answer))
    return golden


def main():
    torch.set_num_threads(1)
    blocks()
    common = dict(hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
                  num_key_value_heads=2, max_position_embeddings=128, rms_norm_eps=1e-5, bos_token_id=1, eos_token_id=2, pad_token_id=2,
                  rope_parameters=dict(rope_type="default", rope_theta=1000.0))
    golden = {
        "versions": VERSIONS,
        "llama": model("llama", "smollm", dict(common, tie_word_embeddings=True), LlamaForCausalLM),
        "llama3": model("llama3", "llama-bpe", dict(common, tie_word_embeddings=True, rope_parameters=SCALED, max_position_embeddings=16384), LlamaForCausalLM),
        "qwen2": model("qwen2", "qwen2", dict(common, tie_word_embeddings=False), Qwen2ForCausalLM),
    }
    (HERE / "golden.json").write_text(json.dumps(golden, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
