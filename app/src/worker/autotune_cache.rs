//! Autotune cache: CubeCL finds the fastest kernel for a shape by trying, and what it chose is kept for the next visit.
//! It holds its choices in tables in memory, since this build leaves out the database engine that would write them
//! (app/no-turso).

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
use crate::files::Files;

const FILE: &str = "tuned.json";

/// The rows of a table, key and value, in base64.
type Rows = Vec<(String, String)>;

/// CubeCL's tables of choices, by their names, which hold its version and the kind of device.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tables {
    /// Another graphics adapter has other fastest kernels.
    adapter: String,
    tables: BTreeMap<String, Rows>,
}

impl Tables {
    /// Everything that was chosen since the worker began or imported.
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

    /// Hands the tables to CubeCL, for runtimes that start later; returns how many rows it accepted.
    pub fn import(&self) -> usize {
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

/// The choices of one adapter, kept between visits.
pub struct AutotuneCache {
    adapter: String,
    /// How many choices are stored.
    stored: Cell<usize>,
}

impl AutotuneCache {
    /// Imports what an earlier visit has stored; to be called before the device is opened. A file that cannot be read is
    /// like none: everything in it can be found again.
    pub async fn load(storage: &Storage, adapter: &str) -> Self {
        let tables = match storage.read(FILE).await {
            Ok(Some(bytes)) => serde_json::from_slice::<Tables>(&bytes).ok(),
            _ => None,
        };
        let tables = tables.filter(|tables| tables.adapter == adapter);
        let imported = tables.map_or(0, |tables| tables.import());
        Self { adapter: adapter.to_owned(), stored: Cell::new(imported) }
    }

    /// How many choices are stored.
    pub fn stored(&self) -> usize {
        self.stored.get()
    }

    /// Stores the choices, if there are new ones. Nothing is lost but time if that fails.
    pub async fn store(&self, storage: &Storage) {
        let count = count();
        if count == self.stored.get() {
            return;
        }
        let Ok(bytes) = serde_json::to_vec(&Tables::now(&self.adapter)) else { return };
        if storage.write(FILE, &bytes).await.is_ok() {
            self.stored.set(count);
        }
    }
}
