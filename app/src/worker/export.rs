//! Files for the user to save: the report, and weights in the layouts of other programs.

use std::collections::BTreeMap;

use promot_core::model::Model;
use promot_core::model::folder::{self, LoadedModel};
use promot_core::model::tensors::Precision;
use promot_core::peft::{self, TaskType};
use promot_core::report::Report;
use promot_core::report_html::{self, Course};
use promot_core::train::assemble;

use super::engine::Engine;
use super::messages::post_file;
use crate::catalog::tasks;
use crate::column::RecipeName;
use crate::failure::Failure;
use crate::protocol::Event;
use crate::saved::Saved;
use crate::zip;

/// Works on the run under way, or on the one in storage; false where there is neither.
async fn with_run(
    engine: &Engine,
    running: Option<&Saved>,
    work: impl AsyncFnOnce(&Saved) -> Result<(), Failure>,
) -> Result<bool, Failure> {
    if let Some(saved) = running {
        return work(saved).await.map(|()| true);
    }
    match Saved::find(&engine.storage).await? {
        Some(saved) => work(&saved).await.map(|()| true),
        None => Ok(false),
    }
}

/// The report of the methods that are finished, as the native program writes it.
pub async fn report(engine: &Engine, running: Option<&Saved>) -> Result<(), Failure> {
    let json = |report: &Report| serde_json::to_vec_pretty(report).map_err(|error| error.to_string());
    save_report(engine, running, "report.json", "application/json", json).await
}

/// The same report as one HTML page, with the curve of a method in training.
pub async fn page(engine: &Engine, running: Option<&Saved>, unfinished: &[Course]) -> Result<(), Failure> {
    let html = |report: &Report| {
        report_html::page(report, tasks(), unfinished)
            .map(String::into_bytes)
            .map_err(|error| error.to_string())
    };
    save_report(engine, running, "report.html", "text/html", html).await
}

async fn save_report(
    engine: &Engine,
    running: Option<&Saved>,
    name: &str,
    mime: &str,
    written: impl Fn(&Report) -> Result<Vec<u8>, String>,
) -> Result<(), Failure> {
    let report = assembled(engine, running).await?;
    file(name, mime, &written(&report)?);
    Ok(())
}

/// The report of the methods that are finished.
pub async fn assembled(engine: &Engine, running: Option<&Saved>) -> Result<Report, Failure> {
    let mut made = None;
    with_run(engine, running, async |saved| {
        let runs = saved.runs(&engine.storage).await?;
        let run = saved.spec().resolve(tasks())?;
        made = Some(assemble(engine.setup(&run), runs));
        Ok(())
    })
    .await?;
    made.ok_or_else(|| Failure::other("There is no report yet.").advice("Train something first."))
}

/// A model's weights as they are now: those of the run where it has a checkpoint, the shipped ones otherwise.
pub async fn weights(engine: &Engine, running: Option<&Saved>, recipe: &RecipeName) -> Result<(), Failure> {
    let mut model = None;
    with_run(engine, running, async |saved| {
        model = engine.trained(saved, recipe).await?;
        Ok(())
    })
    .await?;
    let missing =
        || Failure::other(format!("There are no weights of {recipe} yet.")).advice("Train it first.");
    let model = model
        .or_else(|| engine.models.borrow_mut().of_column(&recipe.clone().into(), true, 0.0))
        .ok_or_else(missing)?;
    let files = files(engine, model).await?;
    // In a folder of its own, so that unpacking two of them mixes nothing up.
    let files: Vec<(String, Vec<u8>)> =
        files.into_iter().map(|(name, bytes)| (format!("{recipe}/{name}"), bytes)).collect();
    let archive = zip::archive(files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())))?;
    file(&format!("{recipe}.zip"), "application/zip", &archive);
    Ok(())
}

/// The folder that `transformers` loads; in `prompt/` the soft prompt and in `adapter/` LoRA that is not merged, where there
/// are any, as PEFT loads them.
async fn files(engine: &Engine, model: Model) -> promot_core::Result<BTreeMap<String, Vec<u8>>> {
    let prompt = match &model.prompt {
        Some(prompt) => {
            let values = peft::Matrix::of(prompt).await?;
            peft::write_prompt(&values, &engine.loaded.info.name, TaskType::of(&model))?
        }
        None => BTreeMap::new(),
    };
    let (adapters, name) = (model.adapters(), &engine.loaded.info.name);
    let adapter = match adapters.is_empty() {
        true => BTreeMap::new(),
        false => peft::lora_folder(&adapters, &model, &engine.loaded.config, name).await?,
    };
    let mut files = folder::save(&LoadedModel { model, ..engine.loaded.clone() }, Precision::F32).await?;
    files.extend(prompt.into_iter().map(|(name, bytes)| (format!("prompt/{name}"), bytes)));
    files.extend(adapter.into_iter().map(|(name, bytes)| (format!("adapter/{name}"), bytes)));
    Ok(files)
}

fn file(name: &str, mime: &str, bytes: &[u8]) {
    post_file(&Event::File { name: name.to_owned(), mime: mime.to_owned() }, bytes);
}
