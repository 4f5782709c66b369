//! One file of the cache: downloaded in as many pieces as it takes, and kept only when its hash is right.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;
use std::thread::sleep;

use anyhow::{Context as _, bail};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use super::http::{About, FIRST_WAIT, Http, TRIES};

/// Downloads a file to `blob`, going on with what an earlier try has left beside it. Other programs that download the same
/// one are waited for.
pub fn download(
    http: &Http,
    path: &str,
    what: &str,
    about: &About,
    blob: &Path,
    locks: &Path,
) -> anyhow::Result<()> {
    for folder in [blob.parent().unwrap_or(blob), locks] {
        fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    }
    let lock = locks.join(format!("{}.lock", about.etag));
    let lock = File::create(&lock).with_context(|| format!("making {}", lock.display()))?;
    lock.lock().context("waiting for another download of the same file")?;
    if blob.is_file() {
        return Ok(());
    }
    let partial = blob.with_extension("incomplete");
    let mut wait = FIRST_WAIT;
    for left in (0..TRIES).rev() {
        match receive(http, path, what, about, &partial)? {
            None => break,
            Some(error) if left == 0 => {
                let kept = fs::metadata(&partial).map_or(0, |file| file.len());
                bail!("{what}: broken off after {kept} of {} bytes, which are kept: {error}", about.size);
            }
            Some(_) => sleep(wait),
        }
        wait *= 2;
    }
    let found = hash(&partial, about)?;
    if found != about.etag.to_lowercase() {
        fs::remove_file(&partial).with_context(|| format!("removing {}", partial.display()))?;
        bail!("{what}: expected a file with the hash {}, found {found}; it was not kept", about.etag);
    }
    fs::rename(&partial, blob).with_context(|| format!("writing {}", blob.display()))
}

/// The rest of the file; what broke it off, if something did.
fn receive(
    http: &Http,
    path: &str,
    what: &str,
    about: &About,
    partial: &Path,
) -> anyhow::Result<Option<std::io::Error>> {
    let mut had = fs::metadata(partial).map_or(0, |file| file.len());
    if had > about.size {
        fs::remove_file(partial).with_context(|| format!("removing {}", partial.display()))?;
        had = 0;
    }
    if had == about.size && had > 0 {
        return Ok(None);
    }
    let mut answer = http.part(path, what, had)?;
    let goes_on = answer.status().as_u16() == 206;
    let mut file = OpenOptions::new()
        .create(true)
        .write(true)
        .append(goes_on)
        .truncate(!goes_on)
        .open(partial)
        .with_context(|| format!("writing {}", partial.display()))?;
    let mut left = about.size - if goes_on { had } else { 0 };
    let mut reader = answer.body_mut().as_reader();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = match reader.read(&mut buffer) {
            Ok(0) if left == 0 => break,
            Ok(0) => return Ok(Some(std::io::ErrorKind::UnexpectedEof.into())),
            Ok(read) => read,
            Err(error) => return Ok(Some(error)),
        };
        left = match left.checked_sub(read as u64) {
            Some(left) => left,
            None => bail!("{what}: expected {} bytes, found more", about.size),
        };
        file.write_all(&buffer[..read]).with_context(|| format!("writing {}", partial.display()))?;
    }
    file.sync_all().with_context(|| format!("writing {}", partial.display()))?;
    Ok(None)
}

/// The hash that the hub names the file by: SHA-256 for large files, git's SHA-1 of a blob for small ones.
fn hash(path: &Path, about: &About) -> anyhow::Result<String> {
    let reading = || format!("reading {}", path.display());
    let mut file = File::open(path).with_context(reading)?;
    let (mut sha1, mut sha256) = (Sha1::new(), Sha256::new());
    sha1.update(format!("blob {}\0", about.size));
    let small = about.etag.len() == 40;
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = file.read(&mut buffer).with_context(reading)?;
        match (read, small) {
            (0, _) => break,
            (_, true) => sha1.update(&buffer[..read]),
            (_, false) => sha256.update(&buffer[..read]),
        }
    }
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(if small { hex(&sha1.finalize()) } else { hex(&sha256.finalize()) })
}

/// The snapshot's name for a blob: a relative link, as Python's tools make it, or a copy where there are no links.
pub fn link(blob: &Path, link: &Path) -> anyhow::Result<()> {
    let folder = link.parent().unwrap_or(link);
    fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    let _ = fs::remove_file(link);
    let made = match blob.file_name() {
        #[cfg(unix)]
        Some(name) => std::os::unix::fs::symlink(Path::new("../../blobs").join(name), link),
        _ => fs::copy(blob, link).map(|_| ()),
    };
    made.with_context(|| format!("writing {}", link.display()))
}
