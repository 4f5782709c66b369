"""Writes folders laid out as the hub has the data sets of the built-in tasks: hub/ in Parquet, the same rows in lines/
as gzipped JSON lines; WikiLingua's articles, which the hub has twice, below articles/. Names of data sets, files and fields are the hub's; all rows are made up here."""

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).parent
TEXT = pa.string()
TEXTS = pa.list_(pa.string())
ORDINALS = ["first", "second", "third", "fourth", "fifth"]


def write(base, folder, split, names, schema, rows):
    """`names` are the Parquet files without their ending; the rows are divided among them."""
    fields = pa.schema(schema)
    size = -(-len(rows) // len(names))
    for at, name in enumerate(names):
        part = rows[at * size:(at + 1) * size]
        path = base / "hub" / folder / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist(part, schema=fields), path, compression="snappy", store_schema=False)
    path = base / "lines" / folder / f"{split}.jsonl.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_bytes(gzip.compress(lines.encode(), mtime=0))


def write_all(folder, schema, make, counts, converted=False, base=HERE):
    for split, (count, files) in counts.items():
        numbers = range(files)
        names = [f"{split}/{n:04}" if converted else f"{split}-{n:05}-of-{files:05}" for n in numbers]
        rows = [make(ORDINALS[at % 5], at % 5, split) for at in range(count)]
        write(base, folder, split, names, schema, rows)


def nli(classes):
    def row(word, at, split):
        label = -1 if split == "test" or at == 3 else at % classes
        return {"premise": f"The {word} owl sleeps.", "hypothesis": f"Owl {at} is asleep.", "idx": at, "label": label}

    return row


SMALL = {"train": (5, 2), "validation": (4, 1), "test": (2, 1)}
NLI = [("premise", TEXT), ("hypothesis", TEXT), ("idx", pa.int32()), ("label", pa.int64())]
write_all("super_glue/rte", NLI, nli(2), SMALL)
write_all("super_glue/cb", NLI, nli(3), SMALL)
write_all("snli/plain_text", NLI, nli(3), SMALL)

write_all(
    "super_glue/wic",
    [("word", TEXT), ("sentence1", TEXT), ("sentence2", TEXT), ("start1", pa.int32()), ("label", pa.int64())],
    lambda word, at, split: {
        "word": "bank", "sentence1": f"A {word} bank.", "sentence2": "The river bank.", "start1": at,
        "label": -1 if split == "test" else at % 2,
    },
    SMALL,
)
write_all(
    "openbookqa/main",
    [("id", TEXT), ("question_stem", TEXT), ("choices", pa.struct([("text", TEXTS), ("label", TEXTS)])), ("answerKey", TEXT)],
    lambda word, at, split: {
        "id": str(at), "question_stem": f"The {word} ice is",
        "choices": {"text": ["cold", "hot", "dry", "loud"], "label": list("ABCD")}, "answerKey": "ABCD"[at % 4],
    },
    SMALL,
)
ANSWER = [("aliases", TEXTS), ("normalized_aliases", TEXTS), ("type", TEXT), ("value", TEXT)]
write_all(
    "trivia_qa/unfiltered.nocontext",
    [("question", TEXT), ("question_id", TEXT), ("answer", pa.struct(ANSWER))],
    lambda word, at, split: {
        "question": f'"Who came ""{word}""?"', "question_id": "q",
        "answer": {"aliases": ["Ann Lee", f"Ann {at}"], "normalized_aliases": ["ann lee"], "type": "Name", "value": "Ann Lee"},
    },
    {"train": (5, 1), "validation": (1003, 1)},
)
write_all(
    "web_questions/data",
    [("url", TEXT), ("question", TEXT), ("answers", TEXTS)],
    lambda word, at, split: {"url": "u", "question": f"who came {word}?", "answers": [f"Ann {word}", "Ann"][: 1 + at % 2]},
    {"train": (381, 1), "test": (3, 1)},
)
for folder, language in [("wmt14/fr-en", "fr"), ("wmt14/de-en", "de"), ("wmt16/ro-en", "ro")]:
    write_all(
        folder,
        [("translation", pa.struct([(language, TEXT), ("en", TEXT)]))],
        lambda word, at, split: {"translation": {language: f"{language} {word}", "en": f"en {word}"}},
        SMALL,
    )
write_all(
    "xsum/default",
    [("document", TEXT), ("summary", TEXT), ("id", TEXT)],
    lambda word, at, split: {"document": f"It rained.\nThe {word} river rose.", "summary": f"A {word} river.", "id": "1"},
    SMALL,
    converted=True,
)
write_all(
    "dialogsum/data",
    [("id", TEXT), ("dialogue", TEXT), ("summary", TEXT), ("topic", TEXT)],
    lambda word, at, split: {"id": "1", "dialogue": f"A: The {word}?\nB: Yes.", "summary": f"The {word}.", "topic": "t"},
    SMALL,
)
SECTIONS = pa.struct([("section_name", TEXTS), ("document", TEXTS), ("summary", TEXTS)])
write_all(
    "wiki_lingua/english",
    [("url", TEXT), ("article", SECTIONS)],
    lambda word, at, split: {
        "url": f"/{at}",
        "article": {
            "section_name": [f"Part {part}" for part in range(at % 3)],
            "document": [f"Take the {word} cup. Fill it {part} times." for part in range(at % 3)],
            "summary": [f"Fill the {word} cup {part} times." for part in range(at % 3)],
        },
    },
    {"train": (3005, 1)},
    base=HERE / "articles",
)
write_all(
    "squad/plain_text",
    [("id", TEXT), ("title", TEXT), ("context", TEXT), ("question", TEXT),
     ("answers", pa.struct([("text", TEXTS), ("answer_start", pa.list_(pa.int32()))]))],
    lambda word, at, split: {
        "id": "1", "title": "Owls", "context": f"The {word} owl flew.", "question": "Which owl flew?",
        "answers": {"text": [word, f"the {word}"], "answer_start": [4, 0]},
    },
    {"train": (3, 1), "validation": (2, 1)},
)
