//! The model and the soft prompt that the arguments name, on the device that they name.

use anyhow::bail;
use promot_core::device::OpenDevice;
use promot_core::model::SoftPrompt;
use promot_core::model::folder;
pub use promot_core::model::folder::LoadedModel;
use promot_core::peft::{self, Adapter};

use crate::args::ModelArgs;
use crate::files::{model_folder, prompt_folder};

/// Reads and builds the model called `name`, without a prompt.
pub fn model(name: &str, device: &OpenDevice) -> anyhow::Result<LoadedModel> {
    Ok(folder::load(name, &model_folder::read(name)?, &device.device)?)
}

/// The model with the prompt of `--prompt` or `--adapter` in front, and with the LoRA or IA3 of `--adapter` in its weights.
pub fn model_with_prompt(args: &ModelArgs, device: &OpenDevice) -> anyhow::Result<LoadedModel> {
    // What is wrong with these is found before a large model is read.
    let mut prompt = args.prompt.as_deref().map(prompt_folder::read).transpose()?;
    let mut path = args.prompt.as_deref();
    let (mut lora, mut ia3) = (None, None);
    if let Some(folder) = args.adapter.as_deref() {
        match prompt_folder::adapter(folder)? {
            Adapter::Lora(layers) => lora = Some(layers),
            Adapter::Ia3(layers) => ia3 = Some(layers),
            Adapter::Prompt(_) if prompt.is_some() => {
                bail!(
                    "--adapter {}: expected LoRA or IA3 beside --prompt, found another soft prompt",
                    folder.display()
                )
            }
            Adapter::Prompt(found) => (prompt, path) = (Some(found), Some(folder)),
        }
    }
    let mut loaded = model(&args.model, device)?;
    // Scores are of these weights, not of the base model's.
    let folder = args.adapter.as_ref().map(|folder| folder.display().to_string()).unwrap_or_default();
    if let Some(layers) = lora {
        loaded.model = peft::attach_lora(loaded.model, layers, &loaded.config)?.merged();
        loaded.info.name = format!("{} with LoRA {folder}", loaded.info.name);
    }
    if let Some(layers) = ia3 {
        loaded.model = peft::merge_ia3(loaded.model, layers, &loaded.config)?;
        loaded.info.name = format!("{} with IA3 {folder}", loaded.info.name);
    }
    if let (Some(path), Some(prompt)) = (path, prompt) {
        prompt_folder::check(&prompt, &path.display().to_string(), loaded.config.d_model())?;
        let [length, width] = prompt.shape;
        let prompt = SoftPrompt::from_values(prompt.values, length, width, &device.device)?;
        loaded.model = loaded.model.with_prompt(Some(prompt));
    }
    Ok(loaded)
}
