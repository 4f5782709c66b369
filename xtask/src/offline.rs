//! What the built page gets last: a service worker that knows every file's hash, so that the page works without its
//! server, and a content security policy. `trunk serve` has neither, since a page in development changes all the time.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use xshell::{Shell, cmd};

use crate::shell;

const SERVICE_WORKER: &str = "service-worker.js";
const REGISTERS: &str = "offline.js";

pub fn add(sh: &Shell, folder: &Path, public: &Path) -> Result<()> {
    let index = folder.join("index.html");
    let (page, start) = external_start(&sh.read_file(&index)?)?;
    sh.write_file(folder.join("start.js"), start)?;
    sh.copy_file(public.join(REGISTERS), folder.join(REGISTERS))?;
    let drawing = sh.read_file(shell::root().join("docs/two-stages.svg"))?;
    let style =
        between(&drawing, "<style>", "</style>").context("docs/two-stages.svg: expected a <style>")?;
    let style = digest(sh, "base64", style)?;
    sh.write_file(&index, with_head(&page, &policy(&style))?)?;

    let mut files = Vec::new();
    collect(sh, folder, &mut files)?;
    let mut hashes = BTreeMap::new();
    for path in files {
        let name = path.strip_prefix(folder)?.to_string_lossy().replace('\\', "/");
        if name != SERVICE_WORKER {
            hashes.insert(name, hash(sh, &path)?);
        }
    }
    let list = serde_json::to_string_pretty(&hashes)?;
    let code = sh.read_file(public.join(SERVICE_WORKER))?;
    sh.write_file(folder.join(SERVICE_WORKER), format!("const FILES = {list};\n\n{code}"))?;
    println!("{} files, kept for use without the server", hashes.len());
    Ok(())
}

/// All files below a folder.
pub fn collect(sh: &Shell, folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for path in sh.read_dir(folder)? {
        if path.is_dir() {
            collect(sh, &path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

/// Node, which the page's tests need anyway, has the hash.
const HASH: &str = "const h = require('crypto').createHash('sha256'); \
    require('fs').createReadStream(process.argv[1]).on('data', (b) => h.update(b)).on('end', () => console.log(h.digest('hex')));";
const DIGEST: &str =
    "console.log(require('crypto').createHash('sha256').update(process.argv[2]).digest(process.argv[1]));";

fn hash(sh: &Shell, path: &Path) -> Result<String> {
    let script = HASH;
    Ok(shell::read(cmd!(sh, "node -e {script} {path}"))?.trim().to_owned())
}

fn digest(sh: &Shell, encoding: &str, text: &str) -> Result<String> {
    let script = DIGEST;
    Ok(shell::read(cmd!(sh, "node -e {script} {encoding} {text}"))?.trim().to_owned())
}

/// Own files alone, WebAssembly, and the one style that stands in a drawing.
fn policy(style: &str) -> String {
    format!(
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; \
         style-src 'self' 'sha256-{style}'; img-src 'self' data: blob:; base-uri 'none'; form-action 'none'"
    )
}

/// The page with its one inline script, which a strict policy forbids, in a file of its own; and that file.
fn external_start(page: &str) -> Result<(String, String)> {
    const OPEN: &str = "<script type=\"module\">";
    let script = between(page, OPEN, "</script>").context("index.html: expected an inline module")?;
    ensure!(page.matches("<script type=\"module\"").count() == 1, "index.html: expected one module");
    let whole = format!("{OPEN}{script}</script>");
    let link = "<script type=\"module\" src=\"start.js\"></script>";
    Ok((page.replacen(&whole, link, 1), script.trim_start().to_owned()))
}

/// The page with its policy before all that this concerns, and the script that registers the service worker.
fn with_head(page: &str, policy: &str) -> Result<String> {
    const FIRST: &str = "<meta charset=\"utf-8\">";
    ensure!(page.contains(FIRST), "index.html: expected {FIRST}");
    let meta = format!("<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">");
    Ok(page.replacen(
        FIRST,
        &format!("{FIRST}\n    {meta}\n    <script src=\"{REGISTERS}\" defer></script>"),
        1,
    ))
}

fn between<'a>(text: &'a str, open: &str, close: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(open)?;
    Some(rest.split_once(close)?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str =
        "<head>\n<meta charset=\"utf-8\">\n<script type=\"module\">\nimport a;\n</script>\n</head>";

    #[test]
    fn the_page_keeps_no_script_of_its_own() {
        let (page, start) = external_start(PAGE).unwrap();
        assert_eq!(start, "import a;\n");
        let page = with_head(&page, &policy("x=")).unwrap();
        assert!(!page.contains("import") && page.contains("src=\"start.js\""), "{page}");
        let at = |what: &str| page.find(what).unwrap_or_else(|| panic!("{what}: {page}"));
        assert!(at("Content-Security-Policy") < at("<script") && page.contains("'sha256-x='"));
    }

    #[test]
    fn a_page_of_another_build_is_refused() {
        assert!(external_start("<head></head>").is_err());
        assert!(
            external_start(&PAGE.replace("</head>", "<script type=\"module\"></script></head>")).is_err()
        );
        assert!(with_head("<head></head>", "").is_err());
    }
}
