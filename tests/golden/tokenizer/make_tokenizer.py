"""Writes two tiny SentencePiece models and what SentencePiece itself makes of some texts, for tests/it/tokenizer.rs.

    python make_tokenizer.py

t5.model is laid out as T5's published spiece.model (pad 0, end 1, unknown 2, no sentinels); mt5.model has byte
pieces and sentinels of its own, as mT5's. Both are trained on sentences made here. Needs sentencepiece, whose
version is written into golden.json.
"""

import io
import itertools
import json
import pathlib
import tempfile
from importlib.metadata import version

import sentencepiece
from sentencepiece import sentencepiece_model_pb2

FOLDER = pathlib.Path(__file__).parent

NAMES = ["Ann", "Boris", "Carla", "Dieter", "Elena", "Françoise", "Günther", "Ioana"]
THINGS = ["red house", "maison rouge", "rotes Haus", "casă roșie", "old bridge", "vieux pont", "große Brücke", "pod vechi"]
FRAMES = ["{} sees the {} in the town.", "{} voit la {} dans la ville, n'est-ce pas ?", "{} sieht das {} in der Stadt!",
          "{} vede o {} în oraș: 3,5 km.", "Q: who built the {1}? A: {0}", "{0} (1987) wrote about the {1}; it sold 250 copies."]

# Character rules in SentencePiece's format: code points from, code points to.
RULES = [("FB01", "66 69"), ("2026", "2E 2E 2E"), ("A0", "20"), ("9", "20"), ("A", "20"), ("FF21", "41"), ("65 301", "E9"),
         ("73 326", "219"), ("AD", ""), ("2019", "27")]

TEXTS = [
    "Ann sees the red house in the town.", "Françoise voit la maison rouge", "Günther sieht das rote Haus!",
    "Ioana vede o casă roșie în oraș: 3,5 km.", "", " ", "   two  spaces   and\ttabs \n lines  ", "a", "a▁b",
    "never seen words: xylophone quartz", "ﬁne… Ａnn", "cafe\u0301 ros\u0326ie", "soft\u00adhyphen", "it’s n'est-ce",
    "UPPER lower 1987 250", "(1987);!?", "Q: who built the old bridge? A: Boris", "Ann\u00a0sees", "....", "Brücke Brücke",
]
UNKNOWN = ["猫 sees", "Ann 🐈 Haus", "ж", "a猫b", "Привет town"]
SENTINELS = ["<extra_id_0> red <extra_id_1>", "the <extra_id_0> house", "Ann sees the <extra_id_1>"]


def train(path, sentences, rules, **options):
    buffer = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sentences), model_writer=buffer, model_type="unigram", hard_vocab_limit=False,
        normalization_rule_tsv=str(rules), pad_id=0, eos_id=1, unk_id=2, bos_id=-1, minloglevel=2, num_threads=1,
        **options)
    model = sentencepiece_model_pb2.ModelProto.FromString(buffer.getvalue())
    model.normalizer_spec.ClearField("normalization_rule_tsv")  # a path of this machine; the rules are compiled in
    path.write_bytes(model.SerializeToString(deterministic=True))


def rows(model, texts):
    return [[text, model.encode(text) + [model.eos_id()], model.decode(model.encode(text))] for text in texts]


def main():
    sentences = [frame.format(name, thing) for frame, name, thing in itertools.product(FRAMES, NAMES, THINGS)]
    with tempfile.TemporaryDirectory() as scratch:
        rules = pathlib.Path(scratch, "rules.tsv")
        rules.write_text("".join(f"{old}\t{new}\n" for old, new in RULES))
        train(FOLDER / "t5.model", sentences, rules, vocab_size=200)
        train(FOLDER / "mt5.model", sentences, rules, vocab_size=450, byte_fallback=True,
              user_defined_symbols=["▁<extra_id_1>", "▁<extra_id_0>"])
    models = []
    for name, texts in [("t5", TEXTS + UNKNOWN), ("mt5", TEXTS + UNKNOWN + SENTINELS)]:
        model = sentencepiece.SentencePieceProcessor(model_file=str(FOLDER / f"{name}.model"))
        models.append({"file": f"{name}.model", "pieces": model.get_piece_size(), "rows": rows(model, texts)})
    lines = ",\n".join(
        f'{{"file": "{m["file"]}", "pieces": {m["pieces"]}, "rows": [\n' + ",\n".join(map(json.dumps, m["rows"])) + "\n]}"
        for m in models)
    versions = json.dumps({"sentencepiece": version("sentencepiece")})
    (FOLDER / "golden.json").write_text(f'{{"versions": {versions}, "models": [\n{lines}\n]}}\n')


main()
