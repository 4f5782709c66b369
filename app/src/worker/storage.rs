//! Files that outlive the page: the origin's private file system, or, where the browser has none to give (private
//! windows) or another tab has taken it, memory.

use gloo::timers::future::TimeoutFuture;
use js_sys::{Promise, Reflect};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    FileSystemDirectoryHandle, FileSystemFileHandle, FileSystemGetDirectoryOptions, FileSystemGetFileOptions,
    FileSystemSyncAccessHandle,
};

use super::messages::text_of;
use crate::failure::Failure;
use crate::files::{Files, MemoryFiles};

pub enum Storage {
    /// The open lock file is what keeps other tabs out; the browser closes it when the worker ends, however it ends.
    Disk {
        folder: FileSystemDirectoryHandle,
        _lock: FileSystemSyncAccessHandle,
    },
    Memory {
        files: MemoryFiles,
        why: &'static str,
    },
}

const FOLDER: &str = "promot-run";

/// Open as long as a tab uses the folder. Two tabs would drop each other's checkpoints.
const LOCK: &str = "lock";

/// Attempts to get the lock, and the milliseconds in between: a page or worker that is started again may be faster than
/// the end of its predecessor.
const TRIES: usize = 6;
const WAIT: u32 = 200;

const NO_FILES: &str =
    "This browser keeps no files for this page, as in a private window or over plain http.";
const OTHER_TAB: &str = "Another tab has this page open and keeps its runs.";

async fn awaited<T: JsCast>(promise: Promise) -> Result<T, JsValue> {
    JsFuture::from(promise).await?.dyn_into()
}

fn is_missing(error: &JsValue) -> bool {
    is_named(error, "NotFoundError")
}

/// Whether somebody else has the file open.
fn is_locked(error: &JsValue) -> bool {
    is_named(error, "NoModificationAllowedError")
}

fn is_named(error: &JsValue, name: &str) -> bool {
    error.dyn_ref::<web_sys::DomException>().is_some_and(|error| error.name() == name)
}

impl Storage {
    pub async fn open() -> Self {
        match Self::disk().await {
            Ok(disk) => disk,
            Err(error) => {
                let why = if is_locked(&error) { OTHER_TAB } else { NO_FILES };
                Self::Memory { files: MemoryFiles::default(), why }
            }
        }
    }

    async fn disk() -> Result<Self, JsValue> {
        let folder = Self::folder().await?;
        let mut tries = 1;
        loop {
            match handle(&folder, LOCK, true).await {
                Ok(_lock) => return Ok(Self::Disk { folder, _lock }),
                Err(error) if is_locked(&error) && tries < TRIES => {
                    tries += 1;
                    TimeoutFuture::new(WAIT).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn folder() -> Result<FileSystemDirectoryHandle, JsValue> {
        // Over plain http a browser hides its storage: asking for it would throw, through every fallback.
        let navigator = Reflect::get(&js_sys::global(), &"navigator".into())?;
        let storage = Reflect::get(&navigator, &"storage".into())?;
        if !storage.is_object() {
            return Err(JsError::new("this browser shows the page no storage").into());
        }
        let storage: web_sys::StorageManager = storage.unchecked_into();
        let root: FileSystemDirectoryHandle = awaited(storage.get_directory()).await?;
        let options = FileSystemGetDirectoryOptions::new();
        options.set_create(true);
        awaited(root.get_directory_handle_with_options(FOLDER, &options)).await
    }

    /// Why files are gone after a reload, if they are.
    pub fn temporary(&self) -> Option<&'static str> {
        match self {
            Self::Disk { .. } => None,
            Self::Memory { why, .. } => Some(why),
        }
    }
}

impl Files for Storage {
    async fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        match self {
            Self::Disk { folder, .. } => write(folder, name, bytes).await.map_err(|error| {
                Failure::storage(format!("{name} cannot be saved in this browser: {}", text_of(&error)))
            }),
            Self::Memory { files, .. } => files.write(name, bytes).await,
        }
    }

    async fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Failure> {
        match self {
            Self::Disk { folder, .. } => match read(folder, name).await {
                Ok(bytes) => Ok(Some(bytes)),
                Err(error) if is_missing(&error) => Ok(None),
                Err(error) => Err(Failure::storage(format!(
                    "{name} cannot be read in this browser: {}",
                    text_of(&error)
                ))),
            },
            Self::Memory { files, .. } => files.read(name).await,
        }
    }

    async fn remove(&self, name: &str) {
        match self {
            Self::Disk { folder, .. } => {
                let _ = JsFuture::from(folder.remove_entry(name)).await;
            }
            Self::Memory { files, .. } => files.remove(name).await,
        }
    }
}

async fn handle(
    folder: &FileSystemDirectoryHandle,
    name: &str,
    create: bool,
) -> Result<FileSystemSyncAccessHandle, JsValue> {
    let options = FileSystemGetFileOptions::new();
    options.set_create(create);
    let file: FileSystemFileHandle = awaited(folder.get_file_handle_with_options(name, &options)).await?;
    awaited(file.create_sync_access_handle()).await
}

async fn write(folder: &FileSystemDirectoryHandle, name: &str, bytes: &[u8]) -> Result<(), JsValue> {
    let file = handle(folder, name, true).await?;
    let written = || -> Result<(), JsValue> {
        file.truncate_with_f64(0.0)?;
        let count = file.write_with_u8_array(bytes)?;
        if count < bytes.len() as f64 {
            return Err(JsError::new("the storage is full").into());
        }
        file.flush()
    }();
    file.close();
    written
}

async fn read(folder: &FileSystemDirectoryHandle, name: &str) -> Result<Vec<u8>, JsValue> {
    let file = handle(folder, name, false).await?;
    let found = || -> Result<Vec<u8>, JsValue> {
        let mut bytes = vec![0; file.get_size()? as usize];
        file.read_with_u8_array(&mut bytes)?;
        Ok(bytes)
    }();
    file.close();
    found
}
