//! The soft prompt that a stage begins with.

use burn::tensor::Device;

use crate::error::{Error, Result};
use crate::method::{PromptInit, PromptSpec, PromptUse};
use crate::model::prompt::{self, EmbeddingTable};
use crate::model::{Model, SoftPrompt, tensors};
use crate::rng::Rng;
use crate::tokenizer::Tokenizer;

/// A new prompt as the spec asks. `classes` are the task's answer words; `file` holds the rows of `init = file`.
#[allow(clippy::too_many_arguments)] // one call, and a struct for it would only repeat the names
pub(super) async fn new_prompt(
    model: &Model,
    tokenizer: &Tokenizer,
    spec: &PromptSpec,
    how: PromptUse,
    classes: &[&str],
    file: Option<&[f32]>,
    mut rng: Rng,
    device: &Device,
) -> Result<SoftPrompt> {
    let width = model.width();
    let init = if how == PromptUse::NewUniform { PromptInit::Uniform } else { spec.init };
    let values = match init {
        PromptInit::Uniform => prompt::uniform(spec.length, width, spec.range, &mut rng),
        PromptInit::Vocabulary => {
            prompt::from_vocabulary(spec.length, &table(model).await?, spec.vocabulary, &mut rng)?
        }
        PromptInit::Classes => {
            let ids = classes.iter().map(|word| tokenizer.encode_plain(word)).collect::<Result<Vec<_>>>()?;
            prompt::from_classes(spec.length, &table(model).await?, &ids, spec.vocabulary, &mut rng)?
        }
        PromptInit::Text => {
            let ids = tokenizer.encode_plain(&spec.text)?;
            prompt::from_ids(spec.length, &table(model).await?, &ids)?
        }
        PromptInit::File => from_file(spec, width, file)?,
    };
    SoftPrompt::from_values(values, spec.length, width, device)
}

fn from_file(spec: &PromptSpec, width: usize, file: Option<&[f32]>) -> Result<Vec<f32>> {
    let values =
        file.ok_or_else(|| Error::mismatch("prompt.init = file", "a file named by prompt.text", "none"))?;
    if values.len() != spec.length * width {
        return Err(Error::mismatch(
            format!("soft prompt {}", spec.text),
            format!("{} vectors of width {width}", spec.length),
            format!("{} numbers", values.len()),
        ));
    }
    Ok(values.to_vec())
}

async fn table(model: &Model) -> Result<EmbeddingTable> {
    let values = tensors::to_vec(model.embedding()).await?;
    Ok(EmbeddingTable { values, width: model.width() })
}
