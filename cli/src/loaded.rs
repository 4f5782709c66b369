//! The model and the soft prompt that the arguments name, on the device that they name.

use promot_core::device::OpenDevice;
use promot_core::model::SoftPrompt;
use promot_core::model::folder;
pub use promot_core::model::folder::LoadedModel;

use crate::args::ModelArgs;
use crate::files::{model_folder, prompt_folder};

/// Reads and builds the model called `name`, without a prompt.
pub fn model(name: &str, device: &OpenDevice) -> anyhow::Result<LoadedModel> {
    Ok(folder::load(name, &model_folder::read(name)?, &device.device)?)
}

/// The model with the prompt of `--prompt` in front, if one is given.
pub fn model_with_prompt(args: &ModelArgs, device: &OpenDevice) -> anyhow::Result<LoadedModel> {
    // A wrong prompt is found before a large model is read.
    let prompt = args.prompt.as_deref().map(prompt_folder::read).transpose()?;
    let mut loaded = model(&args.model, device)?;
    if let (Some(path), Some(prompt)) = (&args.prompt, prompt) {
        prompt_folder::check(&prompt, &path.display().to_string(), loaded.config.d_model())?;
        let [length, width] = prompt.shape;
        let prompt = SoftPrompt::from_values(prompt.values, length, width, &device.device)?;
        loaded.model = loaded.model.with_prompt(Some(prompt));
    }
    Ok(loaded)
}
