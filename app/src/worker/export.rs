//! Files to take away: the report, and weights that other programs read.

use std::collections::BTreeMap;

use promot_core::model::prompt::{PEFT_TENSOR, peft_config};
use promot_core::model::tensors::{HostTensors, Precision, read, to_safetensors};
use promot_core::model::{Model, folder};
use promot_core::train::assemble;

use super::engine::Engine;
use super::messages::{fail, post_file};
use super::saved::Saved;
use crate::protocol::{Column, Event};

/// The run that is running, or the one that lies in storage.
async fn with_run(
    engine: &Engine,
    running: Option<&Saved>,
    work: impl AsyncFnOnce(&Saved) -> Result<(), String>,
) -> Result<bool, String> {
    if let Some(saved) = running {
        return work(saved).await.map(|()| true);
    }
    match Saved::find(&engine.storage).await? {
        Some(saved) => work(&saved).await.map(|()| true),
        None => Ok(false),
    }
}

/// The report of the methods that are finished.
pub async fn report(engine: &Engine, running: Option<&Saved>) {
    let made = with_run(engine, running, async |saved| {
        let runs = saved.runs(&engine.storage).await?;
        let spec = saved.spec().clone().resolve().map_err(|error| error.to_string())?;
        let report = assemble(spec, &engine.device, &engine.loaded, runs);
        let bytes = serde_json::to_vec_pretty(&report).map_err(|error| error.to_string())?;
        file("report.json", "application/json", &bytes);
        Ok(())
    });
    match made.await {
        Ok(true) => {}
        Ok(false) => {
            fail("There is no report yet.".into(), Some("Train something first.".into()), false);
        }
        Err(message) => fail(message, None, false),
    }
}

/// One column's weights as they are now: the checkpoints of the run where it has any, the shipped ones otherwise.
pub async fn weights(engine: &Engine, running: Option<&Saved>, column: Column) {
    let mut model = None;
    let looked = with_run(engine, running, async |saved| {
        model = engine.trained(saved, column).await?;
        Ok(())
    });
    if let Err(message) = looked.await {
        return fail(message, None, false);
    }
    let model = model.or_else(|| engine.columns.borrow().model(column, true));
    let Some(model) = model else {
        let message = format!("There are no weights of the column {} yet.", column.title());
        return fail(message, Some("Train it first.".into()), false);
    };
    match files(engine, &model).await {
        Ok(files) => {
            for (name, bytes) in files {
                file(&format!("{}-{name}", column.name()), "application/octet-stream", &bytes);
            }
        }
        Err(error) => fail(error.to_string(), None, false),
    }
}

/// `model.safetensors` in Hugging Face's names, and the soft prompt, where there is one, in PEFT's.
async fn files(engine: &Engine, model: &Model) -> promot_core::Result<BTreeMap<&'static str, Vec<u8>>> {
    let weights = folder::weights(model, &engine.loaded.config).await?;
    let mut files = BTreeMap::from([("model.safetensors", to_safetensors(&weights, Precision::F32)?)]);
    if let Some(prompt) = &model.prompt {
        let config = peft_config(prompt.length(), prompt.width(), &engine.loaded.info.name);
        files.insert("adapter_config.json", format!("{config:#}\n").into_bytes());
        let prompt: HostTensors = read(prompt, &|_| Some((PEFT_TENSOR.to_owned(), false))).await?;
        files.insert("adapter_model.safetensors", to_safetensors(&prompt, Precision::F32)?);
    }
    Ok(files)
}

fn file(name: &str, mime: &str, bytes: &[u8]) {
    post_file(&Event::File { name: name.to_owned(), mime: mime.to_owned() }, bytes);
}
