//! Which kernel is the fastest for a shape is found by trying; what was found is kept for the next visit. CubeCL holds
//! it in tables in memory, since this build leaves out the database engine that would write them (app/no-turso).

use std::cell::Cell;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use cubecl_environment::bundle::{self, Bundle};
use cubecl_environment::bytes::Bytes;
use cubecl_environment::environment;
use cubecl_environment::persistence::{Namespace, NamespaceSummary, storage};
use serde::{Deserialize, Serialize};

use super::storage::Storage;

const FILE: &str = "tuned.json";

/// The rows of a table, key and value, in base64.
type Rows = Vec<(String, String)>;

/// CubeCL's tables of tuned kernels, by their names, which hold its version and the kind of device.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tables {
    /// Another graphics adapter has other fastest kernels.
    adapter: String,
    tables: BTreeMap<String, Rows>,
}

impl Tables {
    /// What was tuned since the worker began, and what was brought back.
    pub fn now(adapter: &str) -> Self {
        let tables = choices()
            .map(|table| {
                let name = table.namespace;
                let mut rows = Rows::new();
                storage::open(&name)
                    .scan(&mut |key, value| rows.push((BASE64.encode(key), BASE64.encode(value))));
                rows.sort();
                (name, rows)
            })
            .collect();
        Self { adapter: adapter.to_owned(), tables }
    }

    /// Gives the tables to CubeCL, for runtimes that start later; tells how many rows it took.
    pub fn give_back(&self) -> usize {
        bundle::import(self).imported
    }

    fn rows(&self, name: &str) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
        let rows = self.tables.get(name).map_or(&[][..], Vec::as_slice);
        rows.iter().filter_map(|(key, value)| Some((BASE64.decode(key).ok()?, BASE64.decode(value).ok()?)))
    }
}

impl Bundle for Tables {
    fn get(&self, name: &str, key: &[u8]) -> Option<Bytes> {
        self.rows(name).find(|(known, _)| known == key).map(|(_, value)| Bytes::from_bytes_vec(value))
    }

    fn scan(&self, name: &str, visit: &mut dyn FnMut(&[u8], &[u8])) {
        self.rows(name).for_each(|(key, value)| visit(&key, &value));
    }

    fn namespaces(&self) -> Vec<String> {
        self.tables.keys().filter(|name| is_ours(name)).cloned().collect()
    }

    fn describe(&self) -> String {
        FILE.into()
    }
}

/// Tables of this version of CubeCL, and only those of choices: its others are of measurements and compiled code.
fn is_ours(name: &str) -> bool {
    name.starts_with(Namespace::scoped("autotune", "").as_str())
}

/// CubeCL's tables of choices.
fn choices() -> impl Iterator<Item = NamespaceSummary> {
    environment::namespaces().into_iter().filter(|table| is_ours(&table.namespace))
}

/// How many choices CubeCL holds now.
pub fn count() -> usize {
    choices().map(|table| table.entries as usize).sum()
}

/// The choices of one adapter, and how many of them are on the disk.
pub struct Kept {
    adapter: String,
    written: Cell<usize>,
}

impl Kept {
    /// Brings back what an earlier visit has tuned, before the device is opened. A file that cannot be read is like
    /// none: everything in it can be found again.
    pub async fn bring(disk: &Storage, adapter: &str) -> Self {
        let kept = match disk.read(FILE).await {
            Ok(Some(bytes)) => serde_json::from_slice::<Tables>(&bytes).ok(),
            _ => None,
        };
        let brought = kept.filter(|kept| kept.adapter == adapter).map_or(0, |kept| kept.give_back());
        Self { adapter: adapter.to_owned(), written: Cell::new(brought) }
    }

    /// How many choices are on the disk.
    pub fn count(&self) -> usize {
        self.written.get()
    }

    /// Writes the choices, if there are new ones. Nothing is lost but time if that fails.
    pub async fn keep(&self, disk: &Storage) {
        let count = count();
        if count == self.written.get() {
            return;
        }
        let Ok(bytes) = serde_json::to_vec(&Tables::now(&self.adapter)) else { return };
        if disk.write(FILE, &bytes).await.is_ok() {
            self.written.set(count);
        }
    }
}
