//! A tuned model on disk.

use std::path::Path;

use promot_core::model::SoftPrompt;
use promot_core::model::folder::{self, LoadedModel};
use promot_core::model::tensors::Precision;
use promot_core::peft::{self, Matrix, TaskType};
use promot_core::train::TrainedModel;

use crate::files::atomic;

/// The model in Hugging Face layout, and in PEFT layout what the method leaves attached: a prompt, and LoRA that is not
/// merged, in `adapter` beside `prompts`. With several `tasks` each one's are in folders of the task's name below these.
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
    for (task, attached) in tasks.iter().zip(&trained.tuned.attached) {
        let place = |all: &Path| match tasks.len() {
            1 => (all.to_owned(), String::new()),
            _ => (all.join(task), format!(" of {task}")),
        };
        let base_model = &loaded.info.name;
        if let Some(prompt) = &attached.prompt {
            let (folder, of) = place(prompts);
            save_prompt(&folder, prompt, base_model, kind)?;
            eprintln!("soft prompt{of}: {}", folder.display());
        }
        if !attached.adapters.is_empty() {
            let (folder, of) = place(&prompts.with_file_name("adapter"));
            let files = peft::lora_folder(&attached.adapters, &loaded.model, &loaded.config, base_model);
            atomic::write_folder(&folder, &pollster::block_on(files)?)?;
            eprintln!("LoRA{of}: {}", folder.display());
        }
    }
    Ok(())
}

fn save_prompt(folder: &Path, prompt: &SoftPrompt, base_model: &str, kind: TaskType) -> anyhow::Result<()> {
    let prompt = pollster::block_on(Matrix::of(prompt))?;
    atomic::write_folder(folder, &peft::write_prompt(&prompt, base_model, kind)?)
}
