//! Files and folders that exist only when they are whole: written under another name, flushed to the disk, then
//! renamed. A full disk or a power cut leaves what was there before.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// Writes one file; the folder is made if it does not exist. A pipe or a device is written as it is.
pub fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    if path.exists() && !path.is_file() {
        return fs::write(path, bytes).with_context(|| format!("writing {}", path.display()));
    }
    let folder = parent(path);
    create_dir(folder)?;
    let temporary = beside(path, "tmp");
    let written = write_flushed(&temporary, bytes).and_then(|()| fs::rename(&temporary, path));
    if let Err(error) = written {
        // The half-written file would only take the room that is missing.
        let _ = fs::remove_file(&temporary);
        return Err(error).with_context(|| format!("writing {}", path.display()));
    }
    sync_dir(folder)
}

/// Writes a folder of files at once, in place of a folder of the same name.
pub fn write_folder(path: &Path, files: &BTreeMap<String, Vec<u8>>) -> anyhow::Result<()> {
    let folder = parent(path);
    create_dir(folder)?;
    recover_folder(path)?;
    let temporary = beside(path, "tmp");
    if let Err(error) = fill(&temporary, files) {
        let _ = fs::remove_dir_all(&temporary);
        return Err(error).with_context(|| format!("writing {}", path.display()));
    }
    // A folder cannot be renamed onto a full one: the old one steps aside first, and `recover_folder` puts it
    // back if the program ends between the two renames.
    let old = beside(path, "old");
    let swap = || {
        if path.exists() {
            fs::rename(path, &old)?;
        }
        fs::rename(&temporary, path)?;
        if old.exists() { fs::remove_dir_all(&old) } else { Ok(()) }
    };
    swap().with_context(|| format!("writing {}", path.display()))?;
    sync_dir(folder)
}

/// Undoes an interrupted `write_folder`: afterwards the folder is whole or absent.
pub fn recover_folder(path: &Path) -> anyhow::Result<()> {
    let (temporary, old) = (beside(path, "tmp"), beside(path, "old"));
    let recover = || {
        if temporary.exists() {
            fs::remove_dir_all(&temporary)?;
        }
        match (old.exists(), path.exists()) {
            (true, true) => fs::remove_dir_all(&old),
            (true, false) => fs::rename(&old, path),
            _ => Ok(()),
        }
    };
    recover().with_context(|| format!("clearing up {}", path.display()))
}

/// Reads the files of a folder by name; `None` where there is no such folder.
pub fn read_folder(path: &Path) -> anyhow::Result<Option<BTreeMap<String, Vec<u8>>>> {
    recover_folder(path)?;
    if !path.is_dir() {
        return Ok(None);
    }
    let read = || -> io::Result<_> {
        let mut files = BTreeMap::new();
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            files.insert(entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path())?);
        }
        Ok(files)
    };
    read().map(Some).with_context(|| format!("reading {}", path.display()))
}

pub fn create_dir(path: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(path).with_context(|| format!("making the folder {}", path.display()))
}

fn fill(folder: &Path, files: &BTreeMap<String, Vec<u8>>) -> io::Result<()> {
    fs::create_dir(folder)?;
    for (name, bytes) in files {
        write_flushed(&folder.join(name), bytes)?;
    }
    sync(folder)
}

fn write_flushed(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    // Without this a rename may reach the disk before the bytes do.
    file.sync_all()
}

fn sync_dir(path: &Path) -> anyhow::Result<()> {
    sync(path).with_context(|| format!("writing {}", path.display()))
}

/// Only Unix lets a folder be opened and flushed; elsewhere a rename is as durable as it gets.
fn sync(path: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// `folder/.name.suffix`, in the same folder so that the rename stays on one disk.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{suffix}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(text: &str) -> BTreeMap<String, Vec<u8>> {
        BTreeMap::from([("a".to_owned(), text.as_bytes().to_vec()), ("b".to_owned(), vec![0, 1])])
    }

    #[test]
    fn a_file_is_replaced_and_nothing_else_is_left() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("deep/report.json");
        write(&path, b"one").unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_failed_write_keeps_the_old_file_and_names_it() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("report.json");
        write(&path, b"one").unwrap();
        // Where the temporary file should go there is a folder, so the write fails.
        fs::create_dir(beside(&path, "tmp")).unwrap();
        let error = format!("{:#}", write(&path, b"two").unwrap_err());
        assert!(error.contains("report.json"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), b"one");
    }

    #[test]
    fn a_folder_is_replaced_whole_and_read_back() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("stages/checkpoint-10");
        assert!(read_folder(&path).unwrap().is_none());
        write_folder(&path, &files("one")).unwrap();
        write_folder(&path, &files("two")).unwrap();
        assert_eq!(read_folder(&path).unwrap().unwrap(), files("two"));
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn an_interrupted_swap_is_undone() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("checkpoint-10");
        write_folder(&path, &files("one")).unwrap();
        // As if the program had ended between the two renames, with the new folder half written.
        fs::rename(&path, beside(&path, "old")).unwrap();
        fs::create_dir(beside(&path, "tmp")).unwrap();
        assert_eq!(read_folder(&path).unwrap().unwrap(), files("one"));
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
    }
}
