//! `cargo xtask dist`: the page as it is put on a server, and how much of it has to be loaded.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use xshell::{Shell, cmd};

use crate::shell::{self, shell};
use crate::{offline, setup, wasm};

/// What wasm and JavaScript should weigh together at most when a server compresses them with brotli.
const GOAL: u64 = 4_000_000;

/// What the window and the worker may weigh before they are made small, in bytes: every build of the page is checked, so that
/// neither grows unseen. Made small, a byte of the window's is 0.12 bytes in brotli, one of the worker's 0.095.
const MOST: [(&str, u64); 2] = [("promot-page", 7_000_000), ("promot-worker", 38_000_000)];

pub fn run() -> Result<()> {
    setup::need(&[setup::TARGET, setup::BINDGEN, setup::TRUNK])?;
    let sh = shell()?;
    // For tests of the page: the same code, without the minutes that making it small takes.
    if std::env::var_os("PROMOT_DIST_QUICK").is_some() {
        return shell::part("the page, not made small (trunk build)", || {
            wasm::tool(&sh, "trunk")?.arg("build").run()?;
            finish(&sh)?;
            judge(&sizes(&sh, &folder())?)
        });
    }
    setup::need(&[setup::WASM_OPT])?;
    shell::part(
        "the page, made small by link-time optimization and wasm-opt -Oz (trunk build --release)",
        || {
            wasm::tool(&sh, "trunk")?.args(["build", "--release", "--cargo-profile", "page-small"]).run()?;
            finish(&sh)
        },
    )?;
    report(&sh, &folder())
}

fn folder() -> PathBuf {
    shell::root().join("dist")
}

fn finish(sh: &Shell) -> Result<()> {
    offline::add(sh, &folder(), &shell::root().join("public"))
}

/// One file of the page.
struct Weighed {
    name: String,
    raw: u64,
    gzip: u64,
    brotli: u64,
}

fn report(sh: &Shell, folder: &Path) -> Result<()> {
    let mut files = Vec::new();
    offline::collect(sh, folder, &mut files)?;
    files.sort();
    let weighed = files.iter().map(|path| weigh(sh, folder, path)).collect::<Result<Vec<_>>>()?;
    print!("{}", table(&weighed));
    let code = code(&weighed);
    if code > GOAL {
        println!("wasm and JavaScript weigh {code} bytes in brotli; the goal is {GOAL}");
    }
    Ok(())
}

/// The wasm files by name, with their bytes.
fn sizes(sh: &Shell, folder: &Path) -> Result<Vec<(String, u64)>> {
    let mut files = Vec::new();
    offline::collect(sh, folder, &mut files)?;
    let wasm = files.iter().filter(|path| path.extension().is_some_and(|end| end == "wasm"));
    let size = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok((name, std::fs::metadata(path)?.len()))
    };
    wasm.map(size).collect()
}

fn judge(files: &[(String, u64)]) -> Result<()> {
    for (name, most) in MOST {
        let found = files.iter().find(|(file, _)| file.starts_with(name)).map(|(_, bytes)| *bytes);
        let bytes = found.with_context(|| format!("the page has no {name}*.wasm"))?;
        ensure!(
            bytes <= most,
            "{name} weighs {bytes} bytes before it is made small; at most {most} are allowed"
        );
    }
    Ok(())
}

/// Node, which the page's tests need anyway, has both compressors.
const WEIGH: &str = "const z = require('zlib'), b = require('fs').readFileSync(process.argv[1]); \
    console.log(b.length, z.gzipSync(b, { level: 9 }).length, z.brotliCompressSync(b, { params: { \
    [z.constants.BROTLI_PARAM_QUALITY]: 11, [z.constants.BROTLI_PARAM_SIZE_HINT]: b.length, \
    [z.constants.BROTLI_PARAM_LGWIN]: 24 } }).length);";

fn weigh(sh: &Shell, folder: &Path, path: &Path) -> Result<Weighed> {
    let script = WEIGH;
    let text = shell::read(cmd!(sh, "node -e {script} {path}"))?;
    let mut numbers = text.split_whitespace().map(|word| word.parse().unwrap_or(0));
    let mut next = || numbers.next().unwrap_or(0);
    let name = path.strip_prefix(folder).unwrap_or(path).to_string_lossy().into_owned();
    Ok(Weighed { name, raw: next(), gzip: next(), brotli: next() })
}

fn is_code(file: &Weighed) -> bool {
    file.name.ends_with(".wasm") || file.name.ends_with(".js")
}

/// What all the code weighs in brotli.
fn code(files: &[Weighed]) -> u64 {
    files.iter().filter(|file| is_code(file)).map(|file| file.brotli).sum()
}

fn table(files: &[Weighed]) -> String {
    let mut text = format!("{:<48}{:>12}{:>12}{:>12}\n", "file", "raw", "gzip", "brotli");
    let mut line = |name: &str, raw: u64, gzip: u64, brotli: u64| {
        let _ = writeln!(text, "{name:<48}{raw:>12}{gzip:>12}{brotli:>12}");
    };
    for file in files {
        line(&file.name, file.raw, file.gzip, file.brotli);
    }
    let sum = |of: fn(&Weighed) -> u64| files.iter().filter(|file| is_code(file)).map(of).sum();
    line("wasm and JavaScript together", sum(|file| file.raw), sum(|file| file.gzip), code(files));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_or_worker_that_has_grown_is_refused() {
        let judged = |page, worker| {
            judge(&[("promot-page-82ff_bg.wasm".into(), page), ("promot-worker_bg.wasm".into(), worker)])
        };
        assert!(judged(MOST[0].1, MOST[1].1).is_ok());
        let error = judged(MOST[0].1 + 1, 1).unwrap_err().to_string();
        assert!(error.contains("promot-page weighs 7000001 bytes"), "{error}");
        assert!(judged(1, MOST[1].1 + 1).is_err() && judge(&[]).is_err());
    }

    #[test]
    fn only_code_counts() {
        let file = |name: &str, brotli| Weighed { name: name.into(), raw: 9, gzip: 8, brotli };
        let files = [file("a.js", 1), file("b_bg.wasm", 2), file("models/mini/model.safetensors", 100)];
        assert_eq!(code(&files), 3);
        assert!(table(&files).lines().last().unwrap().ends_with(" 3"));
    }
}
