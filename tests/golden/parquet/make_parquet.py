"""Writes rows.jsonl and the same rows as Parquet, packed and encoded in every way that hub data sets and common writers
use; tests/it/parquet.rs reads both and finds the same rows. All rows are made up here."""

import json
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).parent
WORDS = "river stone lamp über naïve 東京 🦉 bridge apple \"quoted\" line\nbreak tab\there cloud".split(" ")

SCHEMA = pa.schema([
    pa.field("id", pa.string(), nullable=False),
    ("text", pa.string()),
    ("long_text", pa.large_string()),
    ("unmarked", pa.binary()),
    ("category", pa.dictionary(pa.int32(), pa.string())),
    ("label", pa.int64()),
    ("small", pa.int8()),
    ("unsigned", pa.uint32()),
    ("large", pa.uint64()),
    ("single", pa.float32()),
    ("double", pa.float64()),
    ("flag", pa.bool_()),
    ("nothing", pa.null()),
    ("day", pa.date32()),
    ("tags", pa.list_(pa.string())),
    ("choices", pa.struct([("text", pa.list_(pa.string())), ("label", pa.list_(pa.string()))])),
    ("answers", pa.struct([("text", pa.list_(pa.string())), ("answer_start", pa.list_(pa.int32()))])),
    ("translation", pa.struct([("en", pa.string()), ("fr", pa.string())])),
    ("deep", pa.list_(pa.struct([("name", pa.string()), ("numbers", pa.list_(pa.list_(pa.int16())))]))),
    ("counts", pa.map_(pa.string(), pa.int32())),
])


def rows(rng, count):
    def text():
        return " ".join(rng.choices(WORDS, k=rng.randrange(6)))

    def perhaps(value):
        return None if rng.random() < 0.2 else value

    def some(make, most=4):
        return [make() for _ in range(rng.randrange(most))]

    for at in range(count):
        yield {
            "id": f"row-{at}",
            "text": perhaps(text()),
            "long_text": perhaps(text() * 3),
            "unmarked": perhaps(text()),
            "category": rng.choice(["one", "two", "three", None]),
            "label": rng.choice([-1, 0, 1, 2]),
            "small": perhaps(rng.randrange(-128, 128)),
            "unsigned": rng.randrange(2**32),
            "large": rng.randrange(2**64),
            "single": perhaps(rng.randrange(-64, 64) / 8),
            "double": rng.gauss(0, 1e3),
            "flag": perhaps(rng.random() < 0.5),
            "nothing": None,
            "day": rng.randrange(-1000, 20000),
            "tags": perhaps(some(lambda: perhaps(text()))),
            "choices": {"text": some(text), "label": some(lambda: rng.choice("ABCD"))},
            "answers": perhaps({"text": perhaps(some(text)), "answer_start": some(lambda: rng.randrange(999))}),
            "translation": {"en": text(), "fr": perhaps(text())},
            "deep": perhaps(some(lambda: perhaps({
                "name": perhaps(text()),
                "numbers": perhaps(some(lambda: perhaps(some(lambda: perhaps(rng.randrange(-99, 99)))))),
            }))),
            "counts": perhaps([(word, perhaps(len(word))) for word in rng.sample(WORDS, rng.randrange(3))]),
        }


def as_json(row):
    counts = row["counts"]
    counts = counts and [{"key": key, "value": value} for key, value in counts]
    return {**row, "counts": [] if counts == [] else counts}


def table(rows):
    def column(name):
        values = [row[name] for row in rows]
        if name == "unmarked":
            values = [value and value.encode() if value != "" else (b"" if value == "" else None) for value in values]
        return values

    return pa.Table.from_arrays([pa.array(column(field.name), field.type) for field in SCHEMA], schema=SCHEMA)


def write(name, table, **settings):
    settings = {"compression": "none", "store_schema": False, "write_statistics": False, **settings}
    pq.write_table(table, HERE / f"{name}.parquet", **settings)


made = list(rows(random.Random(0), 60))
with open(HERE / "rows.jsonl", "w", encoding="utf-8", newline="\n") as file:
    file.writelines(json.dumps(as_json(row), ensure_ascii=False) + "\n" for row in made)

whole = table(made)
texts = ["text", "long_text", "unmarked"]
numbers = ["label", "small", "unsigned", "large", "day"]
small_pages = {"data_page_size": 64, "write_batch_size": 7, "dictionary_pagesize_limit": 200}
write("hub", whole, compression="snappy", store_schema=True, write_statistics=True)
write("zstd", whole, compression="zstd", data_page_version="2.0", row_group_size=25)
write("gzip", whole, compression="gzip", **small_pages)
write("plain", whole, use_dictionary=False, data_page_version="2.0", row_group_size=7)
write("small-pages", whole, compression="snappy", data_page_version="2.0", **small_pages)
write("old-names", whole, use_compliant_nested_type=False, version="1.0", row_group_size=40)
deltas = dict.fromkeys(numbers, "DELTA_BINARY_PACKED") | dict.fromkeys(["flag"], "RLE")
write("deltas", whole, use_dictionary=False, data_page_version="2.0", compression="zstd",
      column_encoding=deltas | dict.fromkeys(texts, "DELTA_BYTE_ARRAY"))
write("lengths", whole, use_dictionary=False,
      column_encoding=dict.fromkeys(texts, "DELTA_LENGTH_BYTE_ARRAY")
      | dict.fromkeys(["single", "double", "label", "unsigned"], "BYTE_STREAM_SPLIT"))
write("empty", whole.slice(0, 0))

# Lists of old writers have two levels; of the columns that JSON has no form for, the others are still read.
odd = pa.schema([("text", pa.string()), ("price", pa.decimal128(9, 2)), ("bytes", pa.binary(4)), ("image", pa.binary())])
odd_rows = [["a", "b"], [None, None], [b"1234", b"5678"], [b"\xff\xfe\x00\x00", b"text"]]
write("odd-types", pa.Table.from_arrays([pa.array(v, f.type) for v, f in zip(odd_rows, odd)], schema=odd))
write("brotli", whole.select(["id"]), compression="brotli")
