//! Requests to the hub: who asks, redirects, and what an answer means.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, bail};
use ureq::config::RedirectAuthHeaders;
use ureq::http::Response;
use ureq::{Agent, Body};

const ENDPOINT: &str = "https://huggingface.co";

/// How often a request is tried where the network or the server fails, and the first wait in between, which doubles.
pub const TRIES: u32 = 5;
pub const FIRST_WAIT: Duration = Duration::from_millis(200);
/// The longest wait that a server may ask for (429).
const LONGEST_WAIT: u64 = 60;

pub struct Http {
    /// Without a slash at its end.
    endpoint: String,
    token: Option<String>,
    agent: Agent,
}

/// What the hub says of a file before it is downloaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// SHA-256 of the file, or the SHA-1 that git gives it.
    pub etag: String,
    /// In bytes.
    pub size: u64,
}

impl Http {
    /// As `HF_ENDPOINT`, `HF_TOKEN` (or the file that `HF_TOKEN_PATH` or `HF_HOME` leads to) say.
    pub fn from_env() -> Self {
        let var = |name: &str| env::var(name).ok().filter(|value| !value.trim().is_empty());
        let home = || {
            let home = var("HF_HOME").map(PathBuf::from);
            home.or_else(|| Some(PathBuf::from(var("HOME")?).join(".cache/huggingface")))
        };
        let file = || var("HF_TOKEN_PATH").map(PathBuf::from).or_else(|| Some(home()?.join("token")));
        let token = var("HF_TOKEN").or_else(|| fs::read_to_string(file()?).ok());
        let config = Agent::config_builder()
            .http_status_as_error(false)
            // A token is for the hub alone, not for the servers that it sends us to.
            .redirect_auth_headers(RedirectAuthHeaders::SameHost)
            .timeout_connect(Some(Duration::from_secs(30)))
            .timeout_recv_response(Some(Duration::from_secs(60)))
            .user_agent(concat!("promot/", env!("CARGO_PKG_VERSION")))
            .build();
        let endpoint = var("HF_ENDPOINT").unwrap_or_else(|| ENDPOINT.to_owned());
        Self {
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            token: token.map(|token| token.trim().to_owned()).filter(|token| !token.is_empty()),
            agent: Agent::new_with_config(config),
        }
    }

    /// A small answer, whole.
    pub fn get(&self, path: &str, what: &str) -> anyhow::Result<Vec<u8>> {
        let mut answer = self.good(what, || self.send(path, None))?;
        answer
            .body_mut()
            .read_to_vec()
            .with_context(|| format!("{what}: reading the answer of {}", self.endpoint))
    }

    /// What a file is. Redirects within the hub are followed; one that leads away from it is the answer.
    pub fn head(&self, path: &str, what: &str) -> anyhow::Result<About> {
        let mut path = path.to_owned();
        for _ in 0..10 {
            let answer = self.good(what, || {
                let request = self.agent.head(format!("{}{path}", self.endpoint));
                let request = request.config().max_redirects(0).max_redirects_will_error(false).build();
                self.signed(request).call()
            })?;
            let header = |name: &str| answer.headers().get(name)?.to_str().ok();
            let within = header("location").filter(|place| place.starts_with('/'));
            if let (Some(place), None) = (within, header("x-linked-etag")) {
                path = place.to_owned();
                continue;
            }
            let etag = header("x-linked-etag").or_else(|| header("etag"));
            let etag = etag.map(|etag| etag.trim_start_matches("W/").trim_matches('"').to_owned());
            let size = header("x-linked-size").or_else(|| header("content-length"));
            let size = size.and_then(|size| size.parse().ok());
            return match (etag, size) {
                (Some(etag), Some(size)) if is_hash(&etag) => Ok(About { etag, size }),
                (etag, size) => bail!(
                    "{what}: expected a hash and a size from {}, found {} and {}",
                    self.endpoint,
                    etag.as_deref().unwrap_or("none"),
                    size.map_or_else(|| "none".to_owned(), |size: u64| size.to_string()),
                ),
            };
        }
        bail!("{what}: {} redirects without end", self.endpoint)
    }

    /// A file from this byte on: the answer's status is 200 or 206.
    pub fn part(&self, path: &str, what: &str, from: u64) -> anyhow::Result<Response<Body>> {
        self.good(what, || self.send(path, (from > 0).then(|| format!("bytes={from}-"))))
    }

    fn send(&self, path: &str, range: Option<String>) -> Result<Response<Body>, ureq::Error> {
        let mut request = self.signed(self.agent.get(format!("{}{path}", self.endpoint)));
        if let Some(range) = range {
            request = request.header("range", range);
        }
        request.call()
    }

    fn signed<B>(&self, request: ureq::RequestBuilder<B>) -> ureq::RequestBuilder<B> {
        match &self.token {
            Some(token) => request.header("authorization", format!("Bearer {token}")),
            None => request,
        }
    }

    /// Asks until there is a good answer; the network's and the server's own failures are tried again.
    fn good(
        &self,
        what: &str,
        ask: impl Fn() -> Result<Response<Body>, ureq::Error>,
    ) -> anyhow::Result<Response<Body>> {
        let mut wait = FIRST_WAIT;
        for left in (0..TRIES).rev() {
            let failed = match ask() {
                Ok(answer) => match answer.status().as_u16() {
                    200..400 => return Ok(answer),
                    status @ (429 | 500..) if left > 0 => {
                        let header = answer.headers().get("retry-after").and_then(|text| text.to_str().ok());
                        match header.and_then(|text| text.parse().ok()) {
                            Some(seconds) if seconds > LONGEST_WAIT => {
                                bail!(self.meaning(what, status, &answer))
                            }
                            Some(seconds) => wait = Duration::from_secs(seconds),
                            None => {}
                        }
                        None
                    }
                    status => bail!(self.meaning(what, status, &answer)),
                },
                Err(error) => Some(error),
            };
            if let (Some(error), 0) = (failed, left) {
                bail!("{what}: {} cannot be reached: {error}", self.endpoint);
            }
            sleep(wait);
            wait *= 2;
        }
        bail!("{what}: {} gave no answer in {TRIES} tries", self.endpoint)
    }

    /// An answer that is none, in words.
    fn meaning(&self, what: &str, status: u16, answer: &Response<Body>) -> String {
        let header =
            |name: &str| answer.headers().get(name).and_then(|text| text.to_str().ok()).unwrap_or("");
        let token =
            if self.token.is_some() { "the token in use may not read it" } else { "no HF_TOKEN is set" };
        let said = match (status, header("x-error-code")) {
            (_, "GatedRepo") => format!(
                "its terms have to be accepted on the page of the model at {}, and HF_TOKEN has to be set ({token})",
                self.endpoint
            ),
            (_, "RevisionNotFound") => "there is no such branch, tag or commit".to_owned(),
            (_, "EntryNotFound") => "there is no such file".to_owned(),
            (401 | 404, _) => format!("there is no such model, or it is private ({token})"),
            (403, _) => format!("access is refused ({token})"),
            (429, _) => format!("too many requests; try again in {} s", or_some(header("retry-after"))),
            _ => header("x-error-message").to_owned(),
        };
        format!("{what}: {} answers {status}: {said}", self.endpoint)
    }
}

fn or_some(seconds: &str) -> &str {
    if seconds.is_empty() { "some" } else { seconds }
}

/// A SHA-1 or a SHA-256: only such names become files of the cache.
fn is_hash(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
