//! The bundled model, `mini`: its files are part of the program (see build.rs).

use anyhow::Context as _;

pub const NAME: &str = "mini";

/// A model folder's files in memory.
pub struct Bundled {
    pub config: &'static [u8],
    pub model: &'static [u8],
    pub tokenizer: &'static [u8],
}

const FILES: Option<Bundled> = include!(concat!(env!("OUT_DIR"), "/bundled.rs"));

pub fn files() -> anyhow::Result<Bundled> {
    FILES.context(
        "this program was built without the bundled model `mini`, which the checkout makes with\n\
         promot pretrain --spec world/presets/pretrain-mini.toml --out public/models/mini",
    )
}

/// Bytes of all its files, or `None` where it is missing.
pub fn size() -> Option<usize> {
    FILES.map(|files| files.config.len() + files.model.len() + files.tokenizer.len())
}
