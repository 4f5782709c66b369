"""Writes small SentencePiece models with unlike settings, more than a thousand nasty lines, and what SentencePiece itself
makes of each line with each model, for tests/it/tokenizer.rs.

    python make_nasty.py

The models are trained on sentences made here. nasty.json has the lines once, and for each model and line the FNV-1a hash
(32 bits) of the ids with spaces between them, so that it stays small. Needs sentencepiece, whose version is written into it.
"""

import io
import itertools
import json
import pathlib
import random
import tempfile
from importlib.metadata import version

import sentencepiece
from sentencepiece import sentencepiece_model_pb2

FOLDER = pathlib.Path(__file__).parent

NAMES = ["Ann", "Boris", "Carla", "Élodie", "Günther", "Ioana", "Øyvind", "Zoë"]
THINGS = ["red house", "maison rouge", "rotes Haus", "casă roșie", "old bridge", "große Brücke", "fifth office", "wolf"]
FRAMES = ["{} sees the {} in the town.", "{} voit la {} dans la ville, n'est-ce pas ?", "{} sieht das {} in der Stadt!",
          "{} vede o {} în oraș: 3,5 km.", "Q: who built the {1}? A: {0}", "{0} (1987) wrote about the {1}; it sold 250."]

# Character rules: code points from, code points to.
RULES = [("FB01", "66 69"), ("2026", "2E 2E 2E"), ("A0", "20"), ("9", "20"), ("A", "20"), ("3000", "20 20"), ("65 301", "E9"),
         ("65 301 327", "229"), ("AD", ""), ("2019", "27"), ("41 308", "C4"), ("73 20", "73 20 20"), ("25A1", "2581")]

PARTS = (
    [" ", " ", "  ", "   ", "\t", "\n", "\r", "\r\n", "\v", "\f", "\u00a0", "\u2003", "\u2009", "\u200b", "\u200d", "\u2028",
     "\u202f", "\u205f", "\u3000", "\ufeff", "\u0085", "\u00ad", "▁", "▁▁", "□"]
    + ["a", "b", "e", "x", "0", "7", "A", "Q:", ".", ",", "!", "?", "...", "…", "'", "’", "-", "(", ")", "%", "/", "\\", "\"", "{}"]
    + ["e\u0301", "e\u0301\u0327", "A\u0308", "é", "Ä", "ç", "c\u0327", "n\u0303", "ﬁ", "ﬃ", "½", "²", "™", "Ａ", "ｂ", "７", "ｶﾞ",
       "ガ", "가", "가", "각", "ſ", "ß", "İ", "ǅ", "Å", "Ω", "ẛ̣", "\u0301", "\u0327e", "א", "ا", "ไ", "น้ำ", "नि", "猫", "漢字", "𝔄", "🐈",
       "👩‍👩‍👧", "🇫🇷", "☕️", "\U000e0001", "\U0010ffff"]
    + ["<extra_id_0>", "<extra_id_1>", "<extra_id_", "▁<extra_id_0>", "</s>", "<s>", "<pad>", "<unk>", "<0x41>", "<0xE7>", "<br>",
       "<br/>", "[SEP]", "[SEP][SEP]", "##", "#"]
    + ["Ann", "Boris", "the", "town", "house", "rouge", "Haus", "fifth", "office", "wolf", "oraș", "Brücke", "sees", "sold 250"]
    + ["\x00", "\x01", "\x1f", "\x7f", "\u0080", "\u2060", "\ufffd", "\ufffe"]
)

LINES = [
    "", " ", "  ", "\t", "\n", "\u3000", "▁", "▁ ▁", " a", "a ", "a  b", "a\tb", "a\u00a0b", "a\u3000b", "\u3000a", "a\u3000",
    "x <extra_id_0>.", "<extra_id_0>, a", "a<extra_id_0>b", "<extra_id_1><extra_id_0>", "a\nb", "a \n b", "\n\n", "<br>a<br>",
    "fi ﬁ", "e\u0301", "e\u0301\u0327", "s  e\u0301", "xxxxxxxxxx", "猫猫猫 a 猫", "a猫", "\u00ada\u00ad", "as if", "s s  s",
]


def train(name, sentences, **options):
    buffer = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sentences), model_writer=buffer, model_type="unigram", hard_vocab_limit=False, pad_id=0, eos_id=1,
        unk_id=2, bos_id=-1, minloglevel=2, num_threads=1, **options)
    model = sentencepiece_model_pb2.ModelProto.FromString(buffer.getvalue())
    model.normalizer_spec.ClearField("normalization_rule_tsv")  # a path of this machine; the rules are compiled in
    path = FOLDER / f"nasty-{name}.model"
    path.write_bytes(model.SerializeToString(deterministic=True))
    return path


def fnv(ids):
    value = 0x811C9DC5
    for byte in " ".join(map(str, ids)).encode():
        value = (value ^ byte) * 0x01000193 % 2**32
    return f"{value:08x}"


def lines():
    chance = random.Random(24)
    made = ["".join(chance.choices(PARTS, k=chance.randint(1, 9))) for _ in range(1100)]
    return LINES + made


def main():
    sentences = [frame.format(name, thing) for frame, name, thing in itertools.product(FRAMES, NAMES, THINGS)]
    with tempfile.TemporaryDirectory() as scratch:
        rules = pathlib.Path(scratch, "rules.tsv")
        rules.write_text("".join(f"{old}\t{new}\n" for old, new in RULES))
        paths = [
            train("nfkc", sentences, normalization_rule_name="nmt_nfkc", vocab_size=180, user_defined_symbols=["\n", "<br>"]),
            train("rules", sentences, normalization_rule_tsv=str(rules), vocab_size=430, byte_fallback=True,
                  user_defined_symbols=["▁<extra_id_1>", "▁<extra_id_0>", "[SEP]"]),
            train("identity", sentences, normalization_rule_name="identity", vocab_size=150, user_defined_symbols=["#", "##"]),
            train("spaces", sentences, normalization_rule_name="identity", vocab_size=430, byte_fallback=True,
                  remove_extra_whitespaces=False),
            train("bare", sentences, normalization_rule_tsv=str(rules), vocab_size=160, add_dummy_prefix=False,
                  split_by_whitespace=False, user_defined_symbols=["a ", "e\u0301"]),
        ]
    texts = lines()
    models = []
    for path in paths:
        model = sentencepiece.SentencePieceProcessor(model_file=str(path))
        models.append({"file": path.name, "hashes": " ".join(fnv(model.encode(text)) for text in texts)})
    golden = {"versions": {"sentencepiece": version("sentencepiece")}, "lines": texts, "models": models}
    (FOLDER / "nasty.json").write_text(json.dumps(golden, indent=0) + "\n")


main()
