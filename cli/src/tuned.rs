//! A tuned model on disk.

use std::path::Path;

use promot_core::model::SoftPrompt;
use promot_core::model::folder::{self, LoadedModel};
use promot_core::model::tensors::{self, Precision};
use promot_core::train::TrainedModel;

use crate::files::npy::Matrix;
use crate::files::{atomic, prompt_folder};

/// The model in Hugging Face layout, and its prompt, where the method has one, in PEFT layout; with several `tasks` each
/// one's prompt in a folder of the task's name below `prompts`.
pub fn save(
    model: &Path,
    prompts: &Path,
    trained: TrainedModel,
    tasks: &[&str],
    loaded: &mut LoadedModel,
    precision: Precision,
) -> anyhow::Result<()> {
    loaded.model = trained.tuned.model;
    atomic::write_folder(model, &pollster::block_on(folder::save(loaded, precision))?)?;
    eprintln!("{}: {}", trained.method, model.display());
    for (task, prompt) in tasks.iter().zip(&trained.tuned.prompts) {
        let Some(prompt) = prompt else { continue };
        let (folder, of) = match tasks.len() {
            1 => (prompts.to_owned(), String::new()),
            _ => (prompts.join(task), format!(" of {task}")),
        };
        save_prompt(&folder, prompt, &loaded.info.name)?;
        eprintln!("soft prompt{of}: {}", folder.display());
    }
    Ok(())
}

fn save_prompt(folder: &Path, prompt: &SoftPrompt, base_model: &str) -> anyhow::Result<()> {
    let shape = [prompt.length(), prompt.width()];
    let values = pollster::block_on(tensors::to_vec(prompt.value.val()))?;
    prompt_folder::write(folder, &Matrix { shape, values }, base_model)
}
