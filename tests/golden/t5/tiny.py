"""Tiny random T5 models and the tokenizer that goes with them: what `make_t5.py` takes its goldens from."""

import collections
import json
import math
import pathlib

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import MT5Config, MT5ForConditionalGeneration, T5Config, T5ForConditionalGeneration
from transformers import UMT5Config, UMT5ForConditionalGeneration

VOCAB = 96
D_MODEL = 32
SENTINELS = 10
SPECIAL = ["<pad>", "</s>", "<unk>"]
EOS, PAD = 1, 0

# Every family differs in what the shared code could get wrong: inner width unlike d_model, odd numbers of
# layers, few buckets so that sequences of 24 tokens reach the logarithmic ones.
COMMON = dict(
    vocab_size=VOCAB,
    d_model=D_MODEL,
    d_kv=8,
    d_ff=48,
    num_layers=2,
    decoder_start_token_id=PAD,
    pad_token_id=PAD,
    eos_token_id=EOS,
    dropout_rate=0.1,
)
UNTIED = dict(
    num_heads=3,
    num_decoder_layers=3,
    feed_forward_proj="gated-gelu",
    tie_word_embeddings=False,
    relative_attention_num_buckets=8,
    relative_attention_max_distance=16,
)
FAMILIES = {
    "t5-1.0": (
        T5Config,
        T5ForConditionalGeneration,
        dict(num_heads=4, num_decoder_layers=2, feed_forward_proj="relu"),
    ),
    "t5-1.1": (
        T5Config,
        T5ForConditionalGeneration,
        UNTIED,
    ),
    "mt5": (
        MT5Config,
        MT5ForConditionalGeneration,
        dict(
            num_heads=5,
            num_decoder_layers=2,
            feed_forward_proj="gated-gelu",
            tie_word_embeddings=False,
            relative_attention_num_buckets=12,
            relative_attention_max_distance=20,
        ),
    ),
    "umt5": (
        UMT5Config,
        UMT5ForConditionalGeneration,
        UNTIED,
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
    """A model in eval mode whose logits, attention and norms are far from their symmetric start.

    A model of random weights repeats one token for ever; `steps` of training on a toy task (say every second
    token of the input, then stop) give outputs that vary and end, without making the model sure of anything.
    """
    config_class, model_class, options = FAMILIES[family]
    torch.manual_seed(seed)
    model = model_class(config_class(**COMMON, **options))
    untied = options.get("tie_word_embeddings") is False
    if untied:
        # The configuration alone does not untie the head in transformers 5: give it a parameter of its own.
        model.lm_head.weight = torch.nn.Parameter(0.2 * torch.randn(VOCAB, D_MODEL))
        unscale(model)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "layer_norm" in name:
                parameter.copy_(1.0 + 0.3 * torch.randn_like(parameter))
            elif "relative_attention_bias" in name:
                parameter.copy_(0.5 * torch.randn_like(parameter))
    assert (model.lm_head.weight is model.shared.weight) == (not untied), family
    train(model, steps)
    return model.eval()


def unscale(model):
    """The files of umT5 say `tie_word_embeddings: false`, and its decoder states are not scaled before the head.
    transformers 5 sets the field to true whatever the file says, and its umT5 scales by it."""
    if model.config.model_type == "umt5":
        model.config.tie_word_embeddings = False


def train(model, steps):
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(steps):
        inputs = torch.zeros(32, 24, dtype=torch.long)
        labels = torch.full((32, 13), -100)
        for row, n in enumerate(torch.randint(1, 25, (32,)).tolist()):
            inputs[row, :n] = torch.randint(3, VOCAB, (n,))
            target = inputs[row, :n:2]
            labels[row, : len(target)] = target
            labels[row, len(target)] = EOS
        loss = model(input_ids=inputs, attention_mask=(inputs != PAD).long(), labels=labels).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()


def tokenizer():
    """A unigram tokenizer of exactly VOCAB entries, laid out as T5's: pad, EOS, unk first, sentinels last.

    Its pieces are the letters, signs and most frequent beginnings of words of TEXT: the library's own trainer
    gives other pieces at every run.
    """
    sentinels = [f"<extra_id_{n}>" for n in reversed(range(SENTINELS))]
    room = VOCAB - SENTINELS - len(SPECIAL)
    counts = collections.Counter()
    for word in TEXT.split():
        counts.update("▁" + word)
        counts.update("▁" + word[:n] for n in range(1, len(word) + 1))
    letters = sorted(piece for piece in counts if len(piece) == 1)
    longer = sorted((piece for piece in counts if len(piece) > 1), key=lambda piece: (-counts[piece], piece))
    pieces = letters + longer[: room - len(letters)]
    total = sum(counts[piece] for piece in pieces)
    scored = [(piece, math.log(counts[piece] / total)) for piece in pieces]
    special = [(token, 0.0) for token in SPECIAL]
    tokenizer = Tokenizer(models.Unigram(special + scored, unk_id=2))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.add_special_tokens([AddedToken(s, special=True, normalized=False) for s in SPECIAL + sentinels])
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", EOS)])
    assert tokenizer.get_vocab_size() == VOCAB, tokenizer.get_vocab_size()
    assert tokenizer.token_to_id("<extra_id_0>") == VOCAB - 1
    return tokenizer


def write_tokenizer(folder: pathlib.Path):
    tokenizer().save(str(folder / "tokenizer.json"))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "pad_token": "<pad>",
        "eos_token": "</s>",
        "unk_token": "<unk>",
        "model_max_length": 512,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")
