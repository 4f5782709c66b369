//! A tuned model on disk.

use std::path::Path;

use promot_core::model::folder::{self, LoadedModel};
use promot_core::model::tensors::{self, Precision};
use promot_core::train::TrainedModel;

use crate::files::npy::Matrix;
use crate::files::{atomic, prompt_folder};

/// The model in Hugging Face layout, and its prompt, where the method has one, in PEFT layout.
pub fn save(
    model_folder: &Path,
    prompt_folder: &Path,
    trained: TrainedModel,
    loaded: &mut LoadedModel,
    precision: Precision,
) -> anyhow::Result<()> {
    let mut model = trained.model;
    let prompt = model.prompt.take();
    loaded.model = model;
    atomic::write_folder(model_folder, &pollster::block_on(folder::save(loaded, precision))?)?;
    eprintln!("{}: {}", trained.method, model_folder.display());
    if let Some(prompt) = prompt {
        let shape = [prompt.length(), prompt.width()];
        let values = pollster::block_on(tensors::to_vec(prompt.value.val()))?;
        prompt_folder::write(prompt_folder, &Matrix { shape, values }, &loaded.info.name)?;
        eprintln!("soft prompt: {}", prompt_folder.display());
    }
    Ok(())
}
