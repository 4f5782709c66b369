//! Models from the hub: a local server behaves like it, with redirects, ranges, hashes, interruptions and refusals.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Output;
use std::sync::{Arc, Mutex};
use std::thread;

use crate::{Place, golden, text};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// What the server does beside serving `org/tiny`.
#[derive(Clone, Copy, Default)]
struct Manner {
    /// Ends each connection after so many bytes of a large file.
    cut: Option<usize>,
    /// Answers the first requests with 503.
    busy: usize,
    /// One byte of the weights is another.
    damaged: bool,
}

struct Server {
    address: String,
    seen: Arc<Mutex<Vec<String>>>,
}

fn files() -> BTreeMap<String, Vec<u8>> {
    let folder = golden();
    let names = ["config.json", "tokenizer.json", "model.safetensors"];
    names.into_iter().map(|name| (name.to_owned(), fs::read(folder.join(name)).unwrap())).collect()
}

fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn git_hash(bytes: &[u8]) -> String {
    use sha1::Digest as _;
    hex(sha1::Sha1::digest([format!("blob {}\0", bytes.len()).as_bytes(), bytes].concat()))
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    hex(sha2::Sha256::digest(bytes))
}

impl Server {
    fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (log, own) = (Arc::clone(&seen), address.clone());
        thread::spawn(move || {
            let mut busy = manner.busy;
            for stream in listener.incoming() {
                // A client that goes away is no fault of the test.
                let _ = answer(stream.unwrap(), &own, manner, &mut busy, &log);
            }
        });
        Self { address, seen }
    }

    fn requests(&self, part: &str) -> usize {
        self.seen.lock().unwrap().iter().filter(|line| line.contains(part)).count()
    }
}

/// One request a connection.
fn answer(
    mut stream: TcpStream,
    own: &str,
    manner: Manner,
    busy: &mut usize,
    log: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim().split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    log.lock().unwrap().push(format!("{} {headers:?}", first.trim()));
    let mut parts = first.split_whitespace();
    let (method, path) = (parts.next().unwrap_or(""), parts.next().unwrap_or("").to_owned());
    let mut reply = |status: &str, more: &[(&str, String)], body: &[u8], cut: Option<usize>| {
        let mut head = format!("HTTP/1.1 {status}\r\nconnection: close\r\n");
        if !more.iter().any(|(name, _)| *name == "content-length") {
            head += &format!("content-length: {}\r\n", body.len());
        }
        more.iter().for_each(|(name, value)| head += &format!("{name}: {value}\r\n"));
        stream.write_all(format!("{head}\r\n").as_bytes())?;
        if method == "GET" {
            stream.write_all(&body[..cut.unwrap_or(body.len()).min(body.len())])?;
        }
        stream.flush()
    };
    let refused = |status: &'static str, code: &str| (status, [("x-error-code", code.to_owned())]);
    if *busy > 0 {
        *busy -= 1;
        return reply("503 Busy", &[], b"", None);
    }
    let signed = headers.get("authorization").is_some_and(|value| value == "Bearer secret");
    let mut files = files();
    match path.strip_prefix("/api/models/").and_then(|rest| rest.split_once("/revision/")) {
        Some(("org/tiny" | "org/old", "main")) => {
            let list: Vec<_> = files.keys().map(|name| serde_json::json!({"rfilename": name})).collect();
            let body = serde_json::json!({"id": "org/tiny", "sha": COMMIT, "siblings": list}).to_string();
            return reply("200 OK", &[], body.as_bytes(), None);
        }
        Some(("org/tiny", _)) => {
            let (status, more) = refused("404 Not Found", "RevisionNotFound");
            return reply(status, &more, b"", None);
        }
        Some(("org/gated", _)) if !signed => {
            let (status, more) = refused("401 Unauthorized", "GatedRepo");
            return reply(status, &more, b"", None);
        }
        Some(("org/many", _)) => {
            return reply("429 Too Many Requests", &[("retry-after", "3600".into())], b"", None);
        }
        Some(("org/bare", _)) => {
            let body =
                serde_json::json!({"sha": COMMIT, "siblings": [{"rfilename": "README.md"}]}).to_string();
            return reply("200 OK", &[], body.as_bytes(), None);
        }
        Some(_) => {
            let (status, more) = refused("404 Not Found", "RepoNotFound");
            return reply(status, &more, b"", None);
        }
        None => {}
    }
    // Large files are elsewhere; small ones one relative redirect away.
    let within = |prefix: &str| path.strip_prefix(prefix).map(str::to_owned);
    if let Some(name) =
        within(&format!("/org/tiny/resolve/{COMMIT}/")).or(within(&format!("/org/old/resolve/{COMMIT}/")))
    {
        let Some(bytes) = files.get(&name) else { return reply("404 Not Found", &[], b"", None) };
        if name.ends_with(".safetensors") {
            let more = [
                ("location", format!("{}/cdn/{name}", own.replace("127.0.0.1", "localhost"))),
                ("x-linked-etag", format!("\"{}\"", sha256(bytes))),
                ("x-linked-size", bytes.len().to_string()),
            ];
            return reply("302 Found", &more, b"", None);
        }
        return reply("307 Temporary Redirect", &[("location", format!("/small/{name}"))], b"", None);
    }
    if let Some(bytes) = within("/small/").and_then(|name| files.remove(&name)) {
        return reply("200 OK", &[("etag", format!("\"{}\"", git_hash(&bytes)))], &bytes, None);
    }
    let Some(mut bytes) = within("/cdn/").and_then(|name| files.remove(&name)) else {
        return reply("404 Not Found", &[], b"", None);
    };
    if manner.damaged {
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
    }
    let from =
        headers.get("range").and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
    match from {
        Some(from) => reply("206 Partial Content", &[], &bytes[from..], manner.cut),
        None => reply("200 OK", &[], &bytes, manner.cut),
    }
}

struct Lab {
    place: Place,
    server: Server,
}

impl Lab {
    fn new(manner: Manner) -> Self {
        Self { place: Place::new(), server: Server::start(manner) }
    }

    fn run(&self, args: &[&str], more: &[(&str, &str)]) -> Output {
        let mut command = self.place.command(args);
        command.env("HF_ENDPOINT", &self.server.address).env("HF_HOME", self.place.path("home"));
        for name in ["HF_TOKEN", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "HF_TOKEN_PATH"] {
            command.env_remove(name);
        }
        command.envs(more.iter().copied()).output().unwrap()
    }

    fn fetch(&self) -> PathBuf {
        let output = self.run(&["fetch", "org/tiny"], &[]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        PathBuf::from(text(&output.stdout).trim())
    }

    fn refused(&self, id: &str, more: &[(&str, &str)], parts: &[&str]) {
        let output = self.run(&["fetch", id], more);
        let error = text(&output.stderr);
        assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(1), ""), "{error}");
        for part in parts {
            assert!(error.contains(part), "`{part}` is missing in: {error}");
        }
    }

    fn blobs(&self) -> Vec<String> {
        let folder = self.place.path("home/hub/models--org--tiny/blobs");
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

#[test]
fn a_model_comes_from_the_hub_once() {
    let lab = Lab::new(Manner::default());
    lab.place.write("in.txt", "a dog\n");
    let args = ["generate", "--model", "org/tiny", "--input-file", "in.txt", "--device", "cpu"];
    let token = [("HF_TOKEN", "secret")];
    let first = lab.run(&args, &token);
    assert!(first.status.success(), "{}", text(&first.stderr));
    let here = lab.run(
        &["generate", "--model", golden().to_str().unwrap(), "--input-file", "in.txt", "--device", "cpu"],
        &[],
    );
    assert_eq!(text(&first.stdout), text(&here.stdout));
    // The layout of Python's tools: blobs by their hash, links, the branch's commit.
    let model = lab.place.path("home/hub/models--org--tiny");
    assert_eq!(fs::read_to_string(model.join("refs/main")).unwrap(), COMMIT);
    let snapshot = model.join("snapshots").join(COMMIT);
    for (name, bytes) in files() {
        assert_eq!(fs::read(snapshot.join(&name)).unwrap(), bytes, "{name}");
        let hash = if name.ends_with(".safetensors") { sha256(&bytes) } else { git_hash(&bytes) };
        assert_eq!(fs::read_link(snapshot.join(&name)).unwrap(), PathBuf::from("../../blobs").join(hash));
    }
    // The token is for the hub alone.
    assert!(lab.server.requests("secret") > 0);
    assert_eq!(
        lab.server
            .seen
            .lock()
            .unwrap()
            .iter()
            .filter(|line| line.contains("/cdn/") && line.contains("secret"))
            .count(),
        0
    );
    // What is there needs no server, not even a name of it.
    let asked = lab.server.requests("");
    for more in [&[][..], &[("HF_HUB_OFFLINE", "1")]] {
        assert_eq!(text(&lab.run(&args, more).stdout), text(&first.stdout));
    }
    assert_eq!(lab.server.requests(""), asked);
    // `fetch` asks what is new and downloads nothing again.
    assert_eq!(lab.fetch(), snapshot);
    assert_eq!(lab.server.requests("GET /cdn/"), 1);
}

#[test]
fn an_interrupted_download_goes_on_where_it_was() {
    let size = files()["model.safetensors"].len();
    let lab = Lab::new(Manner { cut: Some(size / 3 + 1), busy: 2, ..Manner::default() });
    let snapshot = lab.fetch();
    assert_eq!(fs::read(snapshot.join("model.safetensors")).unwrap(), files()["model.safetensors"]);
    assert_eq!(lab.server.requests("GET /cdn/"), 3);
    // Each piece begins where the one before it ended.
    for from in [size / 3 + 1, 2 * (size / 3 + 1)] {
        let seen = lab.server.seen.lock().unwrap();
        let there = |line: &&String| line.contains("/cdn/") && line.contains(&format!("bytes={from}-"));
        assert_eq!(seen.iter().filter(there).count(), 1);
    }
    assert_eq!(lab.blobs().len(), 3, "nothing unfinished is left: {:?}", lab.blobs());
}

#[test]
fn a_download_that_breaks_off_too_often_keeps_what_it_has() {
    let size = files()["model.safetensors"].len();
    let lab = Lab::new(Manner { cut: Some(size / 20), ..Manner::default() });
    lab.refused("org/tiny", &[], &["model.safetensors", "broken off after", "which are kept"]);
    assert!(lab.blobs().iter().any(|name| name.ends_with(".incomplete")));
    assert!(!lab.place.path("home/hub/models--org--tiny/refs/main").exists());
    // Half a model is not taken for one.
    lab.refused("org/tiny", &[("HF_HUB_OFFLINE", "1")], &["HF_HUB_OFFLINE"]);
}

#[test]
fn a_damaged_file_is_not_kept() {
    let lab = Lab::new(Manner { damaged: true, ..Manner::default() });
    lab.refused("org/tiny", &[], &["model.safetensors", "expected a file with the hash", "not kept"]);
    assert_eq!(lab.blobs().len(), 2);
}

#[test]
fn what_the_hub_refuses_is_said_in_words() {
    let lab = Lab::new(Manner::default());
    lab.refused(
        "org/none",
        &[],
        &["org/none", "404", "no such model, or it is private", "no HF_TOKEN is set"],
    );
    lab.refused("org/gated", &[], &["org/gated", "terms have to be accepted", "HF_TOKEN"]);
    lab.refused("org/tiny@v9", &[], &["no such branch, tag or commit"]);
    lab.refused("org/many", &[], &["429", "3600 s"]);
    lab.refused("org/bare", &[], &["model.safetensors", "found none of them"]);
    let renamed = lab.run(&["fetch", "org/old"], &[]);
    assert!(renamed.status.success() && text(&renamed.stderr).contains("renamed to org/tiny"));
    let nobody = [("HF_ENDPOINT", "http://127.0.0.1:9")];
    lab.refused("org/tiny", &nobody, &["http://127.0.0.1:9 cannot be reached"]);
    let output = lab.run(&["fetch", "../x"], &[]);
    assert_eq!(output.status.code(), Some(2));
}
