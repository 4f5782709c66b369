"""Tiny random decoder-only models and the tokenizers that go with them: what `make_causal.py` takes its goldens from."""

import collections
import json
import math
import pathlib

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

VOCAB = 96
D_MODEL = 24
FIRST = 6  # ids below are special, or end an output
LONGEST = 20

# Every family differs in what the shared code could get wrong: odd numbers of heads and layers, an inner width unlike
# d_model, groups of heads, tied and untied heads, scaled rotary positions, windows shorter than the sequences.
COMMON = dict(vocab_size=VOCAB, hidden_size=D_MODEL, intermediate_size=32, max_position_embeddings=64)
WORDS = dict(bos_token_id=1, eos_token_id=2, pad_token_id=None)
BYTES = dict(bos_token_id=0, eos_token_id=0)
FAMILIES = {
    "llama": (
        LlamaConfig,
        LlamaForCausalLM,
        "words",
        COMMON
        | WORDS
        | dict(
            num_hidden_layers=3,
            num_attention_heads=3,
            num_key_value_heads=1,
            head_dim=6,
            tie_word_embeddings=False,
            # A list: the second id ends an output, too.
            eos_token_id=[2, 5],
            rope_parameters=dict(
                rope_type="llama3",
                rope_theta=100.0,
                factor=4.0,
                low_freq_factor=1.0,
                high_freq_factor=4.0,
                original_max_position_embeddings=24,
            ),
        ),
    ),
    "mistral": (
        MistralConfig,
        MistralForCausalLM,
        "words",
        COMMON
        | WORDS
        | dict(
            num_hidden_layers=1,
            num_attention_heads=5,
            num_key_value_heads=5,
            head_dim=4,
            sliding_window=7,
            tie_word_embeddings=False,
            rope_parameters=dict(rope_type="linear", rope_theta=50.0, factor=2.0),
        ),
    ),
    "qwen2": (
        Qwen2Config,
        Qwen2ForCausalLM,
        "bytes",
        COMMON
        | BYTES
        | dict(
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            tie_word_embeddings=True,
            use_sliding_window=True,
            sliding_window=6,
            max_window_layers=1,
        ),
    ),
    "qwen3": (
        Qwen3Config,
        Qwen3ForCausalLM,
        "bytes",
        COMMON
        | BYTES
        | dict(
            num_hidden_layers=1,
            num_attention_heads=6,
            num_key_value_heads=2,
            head_dim=8,
            tie_word_embeddings=True,
            attention_bias=True,
        ),
    ),
    "gpt-neox": (
        GPTNeoXConfig,
        GPTNeoXForCausalLM,
        "bytes",
        COMMON
        | BYTES
        | dict(
            num_hidden_layers=2,
            num_attention_heads=3,
            tie_word_embeddings=False,
            rope_parameters=dict(rope_type="default", rope_theta=100.0, partial_rotary_factor=0.5),
        ),
    ),
    "gpt2": (
        GPT2Config,
        GPT2LMHeadModel,
        "bytes",
        BYTES | dict(vocab_size=VOCAB, n_embd=D_MODEL, n_layer=2, n_head=3, n_positions=64),
    ),
}

TEXT = """
the red fox sees a small dog near the old house
a small dog runs to the river and the fox sleeps
is it true that the fox sees the dog? true or false
the dog is not in the house, it is false
question: where does the cat sleep? answer: in the old house
translate the sentence: a cat eats fish near the river
the cat and the dog are friends. they eat and sleep
"""


def build(family, seed, steps):
    """A model in eval mode whose weights are far from their symmetric start: see `train`."""
    config_class, model_class, _, options = FAMILIES[family]
    torch.manual_seed(seed)
    model = model_class(config_class(**options))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "norm" in name or ".ln_" in name:
                parameter.add_(0.3 * torch.randn_like(parameter))
            elif name.endswith("bias"):
                parameter.add_(0.2 * torch.randn_like(parameter))
            elif parameter.dim() == 2:
                parameter.mul_(4.0)
    model.train()
    train(model, steps)
    return model.eval()


def train(model, steps):
    """On chains of tokens, each followed by one of three others or by an end, which gives outputs that vary and end
    without making the model sure of anything."""
    stops = torch.tensor(ends(model))
    follows = torch.randint(FIRST, VOCAB, (VOCAB, 3))
    follows[torch.rand(VOCAB) < 0.5, 0] = stops[0]
    follows[torch.rand(VOCAB) < 0.3, 1] = stops[-1]
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(steps):
        rows = []
        for n in torch.randint(1, LONGEST, (32,)).tolist():
            inputs = torch.randint(FIRST, VOCAB, (n,))
            target, last = [], inputs[-1]
            while len(target) < 12 and last not in stops:
                last = follows[last, torch.randint(0, 3, ())]
                target.append(last)
            rows.append((inputs, torch.stack(target)))
        ids, labels = sequences(rows)
        loss = model(input_ids=ids, attention_mask=torch.ones_like(ids), labels=labels).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()


def ends(model):
    eos = model.config.eos_token_id
    return eos if isinstance(eos, list) else [eos]


def sequences(rows):
    """Input and target in one row, padded on the right with an ordinary token: no real position may see it."""
    width = max(len(inputs) + len(target) for inputs, target in rows)
    ids = torch.full((len(rows), width), FIRST)
    labels = torch.full((len(rows), width), -100)
    for row, (inputs, target) in enumerate(rows):
        end = len(inputs) + len(target)
        ids[row, : len(inputs)], ids[row, len(inputs) : end] = inputs, target
        labels[row, len(inputs) : end] = target
    return ids, labels


def words_tokenizer():
    """A unigram tokenizer laid out as Llama's: unk, begin, end, then pieces; a text begins with `<s>`."""
    special = ["<unk>", "<s>", "</s>"]
    counts = collections.Counter()
    for word in TEXT.split():
        counts.update("▁" + word)
        counts.update("▁" + word[:n] for n in range(1, len(word) + 1))
    letters = sorted(piece for piece in counts if len(piece) == 1)
    longer = sorted((piece for piece in counts if len(piece) > 1), key=lambda piece: (-counts[piece], piece))
    pieces = letters + longer[: VOCAB - len(special) - len(letters)]
    total = sum(counts[piece] for piece in pieces)
    scored = [(piece, math.log(counts[piece] / total)) for piece in pieces]
    tokenizer = Tokenizer(models.Unigram([(token, 0.0) for token in special] + scored, unk_id=0))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="first")
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in special])
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return tokenizer, {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}


def bytes_tokenizer():
    """A byte-level BPE laid out as GPT-2's, of the bytes that occur in TEXT: one token for begin and end, none before
    a text."""
    special = ["<|endoftext|>"]
    words = collections.Counter()
    for n, word in enumerate(TEXT.split()):
        words[(() if n == 0 else ("Ġ",)) + tuple(word)] += 1
    letters = sorted({letter for word in words for letter in word})
    vocab, merges = special + letters, []
    while len(vocab) < VOCAB:
        pairs = collections.Counter()
        for word, count in words.items():
            for pair in zip(word, word[1:]):
                pairs[pair] += count
        left, right = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append((left, right))
        vocab.append(left + right)
        merged = collections.Counter()
        for word, count in words.items():
            parts, at = [], 0
            while at < len(word):
                both = word[at : at + 2] == (left, right)
                parts.append(left + right if both else word[at])
                at += 2 if both else 1
            merged[tuple(parts)] += count
        words = merged
    tokenizer = Tokenizer(models.BPE({piece: n for n, piece in enumerate(vocab)}, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    tokenizer.add_special_tokens([AddedToken(special[0], special=True, normalized=False)])
    return tokenizer, {"bos_token": special[0], "eos_token": special[0], "unk_token": special[0]}


TOKENIZERS = {"words": words_tokenizer, "bytes": bytes_tokenizer}


def write_tokenizer(family, folder: pathlib.Path):
    tokenizer, tokens = TOKENIZERS[FAMILIES[family][2]]()
    assert tokenizer.get_vocab_size() == VOCAB, tokenizer.get_vocab_size()
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 64} | tokens
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")
