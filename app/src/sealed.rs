//! A text in one of two places of the browser's storage, with a hash that a half written one does not match. The older of
//! the two is replaced, so that a crash in between leaves a whole one.

use promot_core::model::folder::hex;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::failure::Failure;
use crate::files::Files;

/// Where a text is kept.
pub struct Places(pub [&'static str; 2]);

#[derive(Serialize, Deserialize)]
struct Sealed {
    sha256: String,
    manifest: String,
}

impl Places {
    /// The texts in both places that are whole.
    pub async fn read(&self, storage: &impl Files) -> Result<Vec<String>, Failure> {
        let mut found = Vec::new();
        for name in self.0 {
            if let Some(bytes) = storage.read(name).await? {
                found.extend(unsealed(&bytes));
            }
        }
        Ok(found)
    }

    /// Writes the text with this number, which must be the last one's and one more.
    pub async fn write(&self, storage: &impl Files, sequence: u64, text: String) -> Result<(), Failure> {
        let sealed = Sealed { sha256: hex(&Sha256::digest(&text)), manifest: text };
        let bytes = serde_json::to_vec(&sealed).map_err(|error| Failure::storage(error.to_string()))?;
        storage.write(self.0[(sequence % 2) as usize], &bytes).await
    }

    pub async fn forget(&self, storage: &impl Files) {
        for name in self.0 {
            storage.remove(name).await;
        }
    }
}

fn unsealed(bytes: &[u8]) -> Option<String> {
    let sealed: Sealed = serde_json::from_slice(bytes).ok()?;
    (hex(&Sha256::digest(&sealed.manifest)) == sealed.sha256).then_some(sealed.manifest)
}
