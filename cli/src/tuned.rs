//! A tuned model on disk.

use std::path::Path;

use promot_core::model::SoftPrompt;
use promot_core::model::folder::{self, LoadedModel};
use promot_core::model::tensors::Precision;
use promot_core::peft::{self, Matrix, TaskType};
use promot_core::train::TrainedModel;

use crate::files::atomic;

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
    let kind = TaskType::of(&loaded.model);
    for (task, prompt) in tasks.iter().zip(&trained.tuned.attached) {
        let Some(prompt) = &prompt.prompt else { continue };
        let (folder, of) = match tasks.len() {
            1 => (prompts.to_owned(), String::new()),
            _ => (prompts.join(task), format!(" of {task}")),
        };
        save_prompt(&folder, prompt, &loaded.info.name, kind)?;
        eprintln!("soft prompt{of}: {}", folder.display());
    }
    Ok(())
}

fn save_prompt(folder: &Path, prompt: &SoftPrompt, base_model: &str, kind: TaskType) -> anyhow::Result<()> {
    let prompt = pollster::block_on(Matrix::of(prompt))?;
    atomic::write_folder(folder, &peft::write_prompt(&prompt, base_model, kind)?)
}
