//! Files that outlive the page: the origin's private file system, or, where the browser has none to give (private
//! windows), memory, so that a run can at least be paused and exported.

use std::cell::RefCell;
use std::collections::BTreeMap;

use js_sys::Promise;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    FileSystemDirectoryHandle, FileSystemFileHandle, FileSystemGetDirectoryOptions, FileSystemGetFileOptions,
    FileSystemSyncAccessHandle, WorkerGlobalScope,
};

use super::messages::text_of;

pub enum Storage {
    Disk(FileSystemDirectoryHandle),
    Memory(RefCell<BTreeMap<String, Vec<u8>>>),
}

const FOLDER: &str = "promot-run";

async fn awaited<T: JsCast>(promise: Promise) -> Result<T, JsValue> {
    JsFuture::from(promise).await?.dyn_into()
}

fn is_missing(error: &JsValue) -> bool {
    error.dyn_ref::<web_sys::DomException>().is_some_and(|error| error.name() == "NotFoundError")
}

impl Storage {
    pub async fn open() -> Self {
        match Self::folder().await {
            Ok(folder) => Self::Disk(folder),
            Err(_) => Self::Memory(RefCell::default()),
        }
    }

    async fn folder() -> Result<FileSystemDirectoryHandle, JsValue> {
        let scope: WorkerGlobalScope = js_sys::global().unchecked_into();
        let root: FileSystemDirectoryHandle = awaited(scope.navigator().storage().get_directory()).await?;
        let options = FileSystemGetDirectoryOptions::new();
        options.set_create(true);
        awaited(root.get_directory_handle_with_options(FOLDER, &options)).await
    }

    /// Whether what is written is still there after a reload.
    pub fn is_lasting(&self) -> bool {
        matches!(self, Self::Disk(_))
    }

    pub async fn write(&self, name: &str, bytes: &[u8]) -> Result<(), String> {
        match self {
            Self::Disk(folder) => write(folder, name, bytes)
                .await
                .map_err(|error| format!("{name} cannot be saved in this browser: {}", text_of(&error))),
            Self::Memory(files) => {
                files.borrow_mut().insert(name.to_owned(), bytes.to_vec());
                Ok(())
            }
        }
    }

    pub async fn read(&self, name: &str) -> Result<Option<Vec<u8>>, String> {
        match self {
            Self::Disk(folder) => match read(folder, name).await {
                Ok(bytes) => Ok(Some(bytes)),
                Err(error) if is_missing(&error) => Ok(None),
                Err(error) => Err(format!("{name} cannot be read in this browser: {}", text_of(&error))),
            },
            Self::Memory(files) => Ok(files.borrow().get(name).cloned()),
        }
    }

    /// A file that is not there is as good as removed.
    pub async fn remove(&self, name: &str) {
        match self {
            Self::Disk(folder) => {
                let _ = JsFuture::from(folder.remove_entry(name)).await;
            }
            Self::Memory(files) => {
                files.borrow_mut().remove(name);
            }
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
