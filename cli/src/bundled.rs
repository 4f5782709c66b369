//! The bundled models: their files are part of the program (see build.rs).

use std::collections::BTreeMap;

use promot_core::model::folder::{ModelFiles, TokenizerFile};

/// A model that comes with the program.
pub struct Bundled {
    /// As `--model` names it; `world/presets/pretrain-<name>.toml` makes it again.
    pub name: &'static str,
    pub summary: &'static str,
    /// `None` in a checkout that has not made it.
    pub files: Option<Files>,
}

/// A model folder's files in memory.
#[derive(Clone, Copy)]
pub struct Files {
    pub config: &'static [u8],
    pub model: &'static [u8],
    pub tokenizer: &'static [u8],
    pub tokenizer_config: &'static [u8],
}

/// The one that the tour is about.
pub const FIRST: &str = "mini";

const SUMMARIES: [(&str, &str); 2] = [
    (FIRST, "an encoder-decoder as T5 1.1 is, pretrained on the synthetic corpus"),
    ("mini-llama", "a decoder-only model as Llama is, pretrained on the same corpus"),
];

const FILES: [Option<Files>; 2] = include!(concat!(env!("OUT_DIR"), "/bundled.rs"));

pub fn models() -> impl Iterator<Item = Bundled> {
    SUMMARIES.into_iter().zip(FILES).map(|((name, summary), files)| Bundled { name, summary, files })
}

/// The bundled model of this name, if it is one.
pub fn by_name(name: &str) -> Option<Bundled> {
    models().find(|model| model.name == name)
}

/// All names, as an error or a help text has them: "`mini`, `mini-llama`".
pub fn names() -> String {
    models().map(|model| format!("`{}`", model.name)).collect::<Vec<_>>().join(", ")
}

impl Bundled {
    /// # Errors
    /// A program that was built without this model.
    pub fn folder(&self) -> anyhow::Result<ModelFiles<&'static [u8]>> {
        let name = self.name;
        let files = self.files.ok_or_else(|| {
            anyhow::anyhow!(
                "this program was built without the bundled model `{name}`, which the checkout makes with\n\
                 promot pretrain --spec world/presets/pretrain-{name}.toml --out public/models/{name}"
            )
        })?;
        Ok(ModelFiles {
            config: files.config.to_vec(),
            weights: vec![("model.safetensors".to_owned(), files.model)],
            tokenizer: TokenizerFile::Json(files.tokenizer.to_vec()),
            side: BTreeMap::from([("tokenizer_config.json".to_owned(), files.tokenizer_config.to_vec())]),
        })
    }

    /// Megabytes of all its files, for a person to read.
    pub fn size(&self) -> String {
        let Some(Files { config, model, tokenizer, tokenizer_config }) = self.files else {
            return "not in this build".to_owned();
        };
        let bytes = config.len() + model.len() + tokenizer.len() + tokenizer_config.len();
        format!("{:.1} MB", bytes as f64 / 1e6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// build.rs has the names once more.
    #[test]
    fn every_name_has_its_own_files() {
        for (name, model_type) in [(FIRST, "t5"), ("mini-llama", "llama")] {
            let folder = by_name(name).unwrap().folder().unwrap();
            let config: serde_json::Value = serde_json::from_slice(&folder.config).unwrap();
            assert_eq!(config["model_type"], model_type, "{name}");
        }
        assert!(by_name("maxi").is_none());
        assert_eq!(names(), "`mini`, `mini-llama`");
    }
}
