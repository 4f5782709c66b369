//! The three models side by side.

use std::collections::BTreeMap;

use promot_core::model::folder::{self, LoadedModel, ModelFiles, TokenizerFile};
use promot_core::model::prompt::PEFT_TENSOR;
use promot_core::model::{Model, SoftPrompt, tensors};

use crate::fetch;
use crate::protocol::{Column, ColumnState, Origin};

#[derive(Default)]
pub struct Columns {
    held: BTreeMap<Column, Held>,
}

struct Held {
    model: Model,
    origin: Origin,
    target: String,
}

impl Columns {
    pub fn set(&mut self, column: Column, model: Model, origin: Origin, target: &str) {
        self.held.insert(column, Held { model, origin, target: target.to_owned() });
    }

    /// The column's model, with or without its soft prompt.
    pub fn model(&self, column: Column, prompt: bool) -> Option<Model> {
        let model = self.held.get(&column)?.model.clone();
        Some(if prompt { model } else { model.with_prompt(None) })
    }

    pub fn states(&self) -> Vec<ColumnState> {
        Column::ALL
            .map(|column| match self.held.get(&column) {
                Some(held) => ColumnState {
                    column,
                    origin: held.origin,
                    target: held.target.clone(),
                    has_prompt: held.model.prompt.is_some(),
                },
                None => {
                    ColumnState { column, origin: Origin::Missing, target: String::new(), has_prompt: false }
                }
            })
            .into()
    }
}

/// The files of the bundled model below `base`.
pub async fn bundled(base: &str) -> Result<ModelFiles, String> {
    let file = |name: &str| format!("{base}models/mini/{name}");
    Ok(ModelFiles {
        config: fetch::bytes(&file("config.json")).await?,
        weights: vec![("model.safetensors".into(), fetch::bytes(&file("model.safetensors")).await?)],
        tokenizer: TokenizerFile::Json(fetch::bytes(&file("tokenizer.json")).await?),
    })
}

/// The folders below `recorded/` that hold weights, `<task>/<column>`: named in a list that is always there, since
/// looking for a file that may be missing leaves an error in the browser's console. Such a folder holds a
/// `model.safetensors`, and `prompt/adapter_model.safetensors` where the method has a prompt.
async fn weights(base: &str) -> Result<Vec<String>, String> {
    let url = format!("{base}recorded/weights.json");
    serde_json::from_slice(&fetch::bytes(&url).await?).map_err(|error| format!("{url}: {error}"))
}

/// The shipped weights, on the bundled model's device. The first folder of a column counts.
pub async fn shipped(base: &str, loaded: &LoadedModel, files: &ModelFiles) -> Result<Vec<Shipped>, String> {
    let folders = weights(base).await?;
    let mut found = Vec::new();
    for column in [Column::FineTuning, Column::Promot] {
        let fits = |folder: &&String| folder.ends_with(&format!("/{}", column.name()));
        let Some(folder) = folders.iter().find(fits) else { continue };
        let task = folder.split('/').next().unwrap_or_default().to_owned();
        let folder = format!("{base}recorded/{folder}");
        let weights = fetch::bytes(&format!("{folder}/model.safetensors")).await?;
        let files = ModelFiles { weights: vec![("model.safetensors".into(), weights)], ..files.clone() };
        let device = loaded.model.device();
        let mut model =
            folder::load(column.name(), &files, &device).map_err(|error| error.to_string())?.model;
        if column == Column::Promot {
            let bytes = fetch::bytes(&format!("{folder}/prompt/adapter_model.safetensors")).await?;
            model = with_prompt(model, &bytes).map_err(|error| error.to_string())?;
        }
        found.push(Shipped { column, model, task });
    }
    Ok(found)
}

pub struct Shipped {
    pub column: Column,
    pub model: Model,
    pub task: String,
}

fn with_prompt(model: Model, bytes: &[u8]) -> promot_core::Result<Model> {
    let what = "the shipped soft prompt";
    let mut tensors = tensors::from_safetensors(bytes, what)?;
    let missing = || promot_core::Error::mismatch(what, format!("a tensor `{PEFT_TENSOR}` [P, D]"), "none");
    let prompt = tensors.remove(PEFT_TENSOR).filter(|tensor| tensor.shape.len() == 2).ok_or_else(missing)?;
    let device = model.device();
    let prompt = SoftPrompt::from_values(prompt.values, prompt.shape[0], prompt.shape[1], &device)?;
    Ok(model.with_prompt(Some(prompt)))
}
