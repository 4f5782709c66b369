//! Every reader of files on damaged copies of good ones: cut, flipped, spliced. It may refuse or read them; it may not
//! panic, take long or take much memory. A few runs here; `cargo xtask fuzz RUNS` makes many.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use promot_core::data;
use promot_core::error::Result;
use promot_core::model::ModelConfig;
use promot_core::model::folder::ModelFiles;
use promot_core::model::weights::WeightFiles;
use promot_core::peft;
use promot_core::spec::RunSpec;
use promot_core::task::{Task, built_in};
use promot_core::tokenizer::{Ends, Tokenizer};
use serde_json::{Value, json};

use crate::golden::bytes;

/// Longest time of a run: much more than any takes, on a busy machine.
const LONGEST: Duration = Duration::from_secs(1);

/// Most memory of the whole process, beside what its files take: what the readers of packed files allow themselves, and as
/// much again.
const MOST_MEMORY: u64 = 256 << 20;

/// A reader, and good files for it; whether it read what it was given.
struct Reader {
    name: &'static str,
    good: Vec<Vec<u8>>,
    read: fn(&[u8]) -> bool,
}

fn readers() -> Vec<Reader> {
    let files = |names: &[&str]| names.iter().map(|name| bytes(name)).collect();
    let texts = |texts: &[&str]| texts.iter().map(|text| text.as_bytes().to_vec()).collect();
    let rows = bytes("parquet/rows.jsonl");
    let first = rows.split(|byte| *byte == b'\n').next().unwrap_or_default();
    vec![
        Reader {
            name: "Parquet",
            good: files(&[
                "parquet/hub.parquet",
                "parquet/zstd.parquet",
                "parquet/gzip.parquet",
                "parquet/plain.parquet",
                "parquet/small-pages.parquet",
                "parquet/old-names.parquet",
                "parquet/deltas.parquet",
                "parquet/lengths.parquet",
                "parquet/odd-types.parquet",
            ]),
            read: |bytes| data::parse("x.parquet", bytes).is_ok(),
        },
        Reader {
            name: "JSON lines",
            good: vec![rows[..rows.len().min(4000)].to_vec(), first.to_vec()],
            read: |bytes| data::parse("x.jsonl", bytes).is_ok(),
        },
        Reader {
            name: "JSON",
            good: texts(&[
                "[\n {\"a\": \"x\"},\n {\"a\": [1, 2.5, null]}\n]",
                r#"{"data": [{"title": "t", "paragraphs": [{"context": "c", "qas": [{"id": "1", "answers": [{"text": "x"}]}]}]}]}"#,
                r#"{"rows": [{"row": {"a": "x"}}, {"row": {"a": "y"}}]}"#,
            ]),
            read: |bytes| data::parse("x.json", bytes).is_ok(),
        },
        Reader {
            name: "gzip",
            good: files(&["parquet/lines/super_glue/rte/train.jsonl.gz"]),
            read: |bytes| data::parse("x.jsonl.gz", bytes).is_ok(),
        },
        Reader {
            name: "CSV",
            good: texts(&["a,b\n1,\"x, \"\"y\"\"\nz\"\r\n\r\n2,\n", "a,b\r1,2\r\"3\r\",4\r"]),
            read: |bytes| data::parse("x.csv", bytes).is_ok(),
        },
        Reader {
            name: "TSV",
            good: texts(&["a\tb\n1\t\"x\"\n2\t\"\"\"\"\n"]),
            read: |bytes| data::parse("x.tsv", bytes).is_ok(),
        },
        Reader {
            name: "aligned lines",
            good: texts(&["one\n\nthree\n", "un\r\ndeux\r\ntrois"]),
            read: |bytes| data::aligned(("x", bytes), ("y", b"un\ndeux\ntrois\n")).is_ok(),
        },
        Reader {
            name: "SGML segments",
            good: texts(&["<doc>\n<seg id=\"1\">one &amp; two</seg>\n<seg>three\n</seg>\n</doc>\n"]),
            read: |bytes| data::aligned(("x.sgm", bytes), ("y", b"un\ndeux\n")).is_ok(),
        },
        Reader {
            name: "npy",
            good: files(&["peft/prompt.npy"]),
            read: |bytes| peft::parse_npy(bytes, "x.npy").is_ok(),
        },
        Reader {
            name: "safetensors",
            good: files(&["t5/t5-1.1/model.safetensors"]),
            read: |bytes| WeightFiles::open(&[("x.safetensors".to_owned(), bytes.to_vec())]).is_ok(),
        },
        Reader {
            name: "PyTorch's pickle",
            good: files(&[
                "torch/weights.bin",
                "torch/weights-old.bin",
                "torch/weights-dict.bin",
                "torch/transposed.bin",
                "torch/code.bin",
            ]),
            read: |bytes| WeightFiles::open(&[("x.bin".to_owned(), bytes.to_vec())]).is_ok(),
        },
        Reader {
            name: "GGUF",
            good: files(&["gguf/llama.gguf", "gguf/qwen2.gguf"]),
            read: |bytes| ModelFiles::of_gguf("x.gguf", bytes.to_vec(), None).is_ok(),
        },
        Reader {
            name: "config.json",
            good: files(&["t5/t5-1.1/config.json", "causal/llama/config.json", "causal/gpt2/config.json"]),
            read: |bytes| ModelConfig::from_json(bytes).is_ok(),
        },
        Reader {
            name: "adapter_config.json",
            good: files(&["t5/prompt-peft-1/adapter_config.json"]),
            read: |config| {
                peft::read("x", config, &bytes("t5/prompt-peft-1/adapter_model.safetensors")).is_ok()
            },
        },
        Reader {
            name: "adapter_model.safetensors",
            good: files(&["t5/prompt-peft-1/adapter_model.safetensors"]),
            read: |weights| peft::read("x", &bytes("t5/prompt-peft-1/adapter_config.json"), weights).is_ok(),
        },
        Reader {
            name: "tokenizer.json",
            good: files(&[
                "t5/t5-1.1/tokenizer.json",
                "causal/llama/tokenizer.json",
                "causal/gpt2/tokenizer.json",
            ]),
            read: |bytes| {
                let ends = Ends { stops: vec![0], ..Default::default() };
                encodes(Tokenizer::from_json(bytes).or_else(|_| Tokenizer::decoder_only(bytes, ends)))
            },
        },
        Reader {
            name: "spiece.model",
            good: files(&["tokenizer/nasty-rules.model"]),
            read: |bytes| encodes(Tokenizer::from_sentencepiece(bytes, 0)),
        },
        Reader {
            name: "task file",
            good: texts(&[
                include_str!("../../core/tasks/openbookqa.toml"),
                include_str!("../../core/tasks/cb.toml"),
            ]),
            read: |bytes| {
                std::str::from_utf8(bytes)
                    .is_ok_and(|text| Task::from_toml(text, "x.toml", built_in()).is_ok())
            },
        },
        Reader {
            name: "spec",
            good: texts(&[
                "methods = [\"promot\"]\n[[stage]]\nmethod = \"lora\"\nrank = 4\n[sweep]\nseeds = [0, 1]\n",
            ]),
            read: |bytes| {
                std::str::from_utf8(bytes).is_ok_and(|text| RunSpec::from_toml(text, "x.toml").is_ok())
            },
        },
    ]
}

/// Whether there is a tokenizer, which must then do its work or say why not.
fn encodes(tokenizer: Result<Tokenizer>) -> bool {
    tokenizer.is_ok_and(|tokenizer| {
        let text = "The  naïve ﬁsh, 12 of 3½ \u{3000}日本語\n<extra_id_0> e\u{301}</s>";
        tokenizer.encode(text).and_then(|ids| tokenizer.decode(&ids)).is_ok()
    })
}

/// A few damages that meet the structures at both ends more often than what lies between.
fn damage(good: &[u8], chance: &mut impl FnMut(usize) -> usize) -> Vec<u8> {
    let mut bytes = good.to_vec();
    for _ in 0..=chance(3) {
        if bytes.is_empty() {
            break;
        }
        let (length, near) = (bytes.len(), bytes.len().min(600));
        let at = [chance(length), chance(near), length - 1 - chance(near)][chance(3)];
        let end = (at + chance(64)).min(length);
        match chance(6) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..end)),
            2 => bytes.extend_from_within(at..end),
            3 => bytes[at] = [0, 1, 0x7f, 0x80, 0xff, b'"', b'{', b'9'][chance(8)],
            4 => bytes[at] = chance(256) as u8,
            _ => bytes[at] ^= 1 << chance(8),
        }
    }
    bytes
}

/// A file of JSON with another value in one or two places, or some fields less; `None` for other files.
fn rewritten(good: &[u8], chance: &mut impl FnMut(usize) -> usize) -> Option<Vec<u8>> {
    let mut json: Value = serde_json::from_slice(good).ok()?;
    for _ in 0..=chance(2) {
        let copy = somewhere(&mut json, chance).clone();
        let new = [
            json!(null),
            json!(0),
            json!(-1),
            json!(99_999_999_999_u64),
            json!(""),
            json!("x"),
            json!([]),
            copy,
        ];
        let place = somewhere(&mut json, chance);
        match place {
            Value::Object(fields) if chance(2) == 0 => fields.retain(|_, _| chance(4) > 0),
            _ => *place = new[chance(new.len())].clone(),
        }
    }
    serde_json::to_vec(&json).ok()
}

/// A value within another; those above more often than those below.
fn somewhere<'a>(json: &'a mut Value, chance: &mut impl FnMut(usize) -> usize) -> &'a mut Value {
    let n_within = json.as_array().map_or(0, Vec::len) + json.as_object().map_or(0, serde_json::Map::len);
    if n_within == 0 || chance(4) == 0 {
        return json;
    }
    let at = chance(n_within);
    match json {
        Value::Array(all) => somewhere(&mut all[at], chance),
        Value::Object(fields) => somewhere(fields.values_mut().nth(at).expect("below their number"), chance),
        _ => json,
    }
}

/// As xorshift draws it, below a bound.
fn chance(mut state: u64) -> impl FnMut(usize) -> usize {
    move |below| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below.max(1) as u64) as usize
    }
}

#[test]
fn no_reader_panics_or_hangs_on_damaged_files() {
    let wanted = std::env::var("PROMOT_FUZZ_RUNS").ok();
    let runs = wanted.as_ref().map_or(300, |runs| runs.parse().expect("PROMOT_FUZZ_RUNS is a number"));
    let seed = std::env::var("PROMOT_FUZZ_SEED")
        .map_or(1, |seed| seed.parse().expect("PROMOT_FUZZ_SEED is a number"));
    let before = peak_memory();
    for reader in readers() {
        let mut draw = chance(seed);
        let (mut n_read, mut longest) = (0, Duration::ZERO);
        for run in 0..runs {
            let good = &reader.good[draw(reader.good.len())];
            let rewritten = if run % 2 == 1 { rewritten(good, &mut draw) } else { None };
            let damaged = rewritten.unwrap_or_else(|| damage(good, &mut draw));
            let timed = || {
                let start = Instant::now();
                (catch_unwind(AssertUnwindSafe(|| (reader.read)(&damaged))), start.elapsed())
            };
            let (found, mut took) = timed();
            // Once more: a busy machine may let a quick one wait.
            if took >= LONGEST {
                took = timed().1;
            }
            let keep = || {
                let path =
                    std::env::temp_dir().join(format!("promot-fuzz-{}-{run}", reader.name.replace(' ', "-")));
                std::fs::write(&path, &damaged).unwrap();
                format!("{}, run {run}, input {}", reader.name, path.display())
            };
            n_read += usize::from(found.unwrap_or_else(|_| panic!("panic: {}", keep())));
            assert!(took < LONGEST, "{took:?}: {}", keep());
            longest = longest.max(took);
        }
        println!("{}: {runs} runs, {n_read} read, longest {longest:?}", reader.name);
    }
    // Alone in its process the test knows whose memory it is.
    if let (true, Some(before), Some(after)) = (wanted.is_some(), before, peak_memory()) {
        println!("most memory: {} MiB, at the start {} MiB", after >> 20, before >> 20);
        assert!(after - before < MOST_MEMORY, "most memory: {after} bytes, {before} at the start");
    }
}

/// The most that the process ever had, in bytes, where the system tells it.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? << 10)
}
