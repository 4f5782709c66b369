//! The models that can be asked.

use promot_core::model::folder::{self, LoadedModel, ModelFiles, TokenizerFile};
use promot_core::model::{Model, SoftPrompt, parameters};
use promot_core::peft;
use promot_core::report::distinct;
use promot_core::spec;

use crate::budget::Budget;
use crate::column::{Column, Part, RecipeName};
use crate::failure::Failure;
use crate::fetch;
use crate::protocol::{ModelState, Origin};
use crate::recordings;

/// In the order in which they came; the pretrained model is first. One that was trained here stands in front of the
/// shipped one of its name, which comes back when the run is discarded.
#[derive(Default)]
pub struct Models {
    held: Vec<Held>,
    /// Models that were set so far.
    count: u64,
    /// The last one that was mixed.
    mixed: Option<Mixed>,
}

/// Weights between those of the pretrained model and of the one with this version.
struct Mixed {
    version: u64,
    mix: f64,
    model: Model,
}

struct Held {
    recipe: RecipeName,
    model: Model,
    origin: Origin,
    target: String,
    version: u64,
    budget: Option<Budget>,
}

impl Models {
    /// A model that comes with the page.
    pub fn ship(&mut self, recipe: RecipeName, model: Model, target: &str) {
        self.set(recipe, model, Origin::Shipped, target, None);
    }

    /// A model that was trained in this tab.
    pub fn train(&mut self, recipe: RecipeName, model: Model, target: &str, budget: Option<Budget>) {
        self.set(recipe, model, Origin::Trained, target, budget);
    }

    fn set(
        &mut self,
        recipe: RecipeName,
        model: Model,
        origin: Origin,
        target: &str,
        budget: Option<Budget>,
    ) {
        self.count += 1;
        let held = Held { recipe, model, origin, target: target.to_owned(), version: self.count, budget };
        let same = |known: &&mut Held| known.recipe == held.recipe && known.origin == held.origin;
        match self.held.iter_mut().find(same) {
            Some(known) => *known = held,
            None => self.held.push(held),
        }
    }

    /// Forgets what was trained here.
    pub fn discard_trained(&mut self) {
        self.held.retain(|held| held.origin == Origin::Shipped);
    }

    /// The model under this name: the one that was trained here, where there is one.
    fn find(&self, recipe: &RecipeName) -> Option<&Held> {
        let named = || self.held.iter().filter(|held| held.recipe == *recipe);
        named().find(|held| held.origin == Origin::Trained).or_else(|| named().next())
    }

    /// What a column asks; `switch` and `mix` as in `Command::Ask`. `None` where the model or its prompt is missing.
    pub fn of_column(&mut self, column: &Column, switch: bool, mix: f64) -> Option<Model> {
        let held = self.find(&column.recipe)?;
        let (model, version) = (held.model.clone(), held.version);
        if column.part.needs_prompt() && model.prompt.is_none() {
            return None;
        }
        let model = match column.part {
            Part::PromptAlone => {
                self.find(&RecipeName::pretrained())?.model.clone().with_prompt(model.prompt)
            }
            Part::Mixed => self.mixed(model, version, mix)?,
            Part::Whole | Part::WithPrompt | Part::WithoutPrompt => model,
        };
        Some(if column.part.prompt(switch) { model } else { model.with_prompt(None) })
    }

    /// The pretrained weights and `mix` of the way to the model's. `None` for a model that is more than its weights.
    fn mixed(&mut self, model: Model, version: u64, mix: f64) -> Option<Model> {
        let known = |known: &&Mixed| (known.version, known.mix) == (version, mix);
        if let Some(known) = self.mixed.as_ref().filter(known) {
            return Some(known.model.clone());
        }
        if !model.adapters().0.is_empty() {
            return None;
        }
        let pretrained = self.find(&RecipeName::pretrained())?.model.clone();
        let weights = |model: &Model| parameters::read(model, &|path| path.is_weight());
        let between = parameters::interpolate(&weights(&pretrained), weights(&model.with_prompt(None)), mix);
        let model = parameters::replace(pretrained, between);
        self.mixed = Some(Mixed { version, mix, model: model.clone() });
        Some(model)
    }

    pub fn states(&self) -> Vec<ModelState> {
        let state = |held: &Held| ModelState {
            recipe: held.recipe.clone(),
            origin: held.origin,
            target: held.target.clone(),
            prompt: held.model.prompt.as_ref().map_or(0, SoftPrompt::length),
            version: held.version,
            budget: held.budget,
        };
        let names = distinct(self.held.iter().map(|held| &held.recipe));
        names.into_iter().filter_map(|name| self.find(name)).map(state).collect()
    }
}

/// Fetches the files of a bundled model.
pub async fn bundled(base: &str, model: &str) -> Result<ModelFiles, String> {
    let file = |name: &str| format!("{base}models/{model}/{name}");
    Ok(ModelFiles {
        config: fetch::bytes(&file("config.json")).await?,
        weights: vec![("model.safetensors".into(), fetch::bytes(&file("model.safetensors")).await?)],
        tokenizer: TokenizerFile::Json(fetch::bytes(&file("tokenizer.json")).await?),
        side: Default::default(),
    })
}

/// The weights that are shipped of the bundled model, on its device: those of the run that the page opens with.
pub async fn shipped(base: &str, loaded: &LoadedModel, files: &ModelFiles) -> Result<Vec<Shipped>, Failure> {
    let list = recordings::read(&fetch::bytes(&format!("{base}recorded/index.json")).await?)?;
    let (Some(first), _) = recordings::for_model(list, &loaded.info.name) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for name in &first.weights {
        let recipe = spec::list().into_iter().find(|entry| entry.name == name);
        let recipe = recipe.ok_or_else(|| format!("recorded/index.json: no method is called {name}"))?;
        let folder = format!("{base}recorded/{}/{name}", first.name);
        let weights = fetch::bytes(&format!("{folder}/model.safetensors")).await?;
        let files = ModelFiles { weights: vec![("model.safetensors".into(), weights)], ..files.clone() };
        let mut model = folder::load(name, &files, &loaded.model.device())?.model;
        if recipe.makes_prompt() {
            let file = async |name: &str| fetch::bytes(&format!("{folder}/prompt/{name}")).await;
            let (config, weights) =
                (file("adapter_config.json").await?, file("adapter_model.safetensors").await?);
            model = with_prompt(model, &config, &weights)?;
        }
        found.push(Shipped { recipe: RecipeName::new(name), model, task: first.task.clone() });
    }
    Ok(found)
}

pub struct Shipped {
    pub recipe: RecipeName,
    pub model: Model,
    pub task: String,
}

fn with_prompt(model: Model, config: &[u8], weights: &[u8]) -> promot_core::Result<Model> {
    let prompt = peft::read_prompt("the shipped soft prompt", config, weights)?;
    let device = model.device();
    let [length, width] = prompt.shape;
    let prompt = SoftPrompt::from_values(prompt.values, length, width, &device)?;
    Ok(model.with_prompt(Some(prompt)))
}
