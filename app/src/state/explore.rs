//! What training left in one tuned model: asked for when somebody looks, of the weights that are there then.

use std::sync::Arc;

use promot_core::chart::{Cloud, Drawing, Grid, Style, clouds, heat};
use promot_core::report::distinct;

use super::methods::{PROMOT, title};
use super::place::{Place, Screen};
use crate::column::{Column, Part, RecipeName};
use crate::inspected::{Inspected, Prompt};
use crate::protocol::ModelState;

/// Of the charts, in pixels; a chart is as wide as its place.
const GRID: f64 = 620.0;
const MAP: (f64, f64) = (720.0, 460.0);

#[derive(Clone, Debug, Default)]
pub struct Explore {
    /// The model that the user chose.
    chosen: Option<RecipeName>,
    asked: Option<Asked>,
}

#[derive(Clone, Debug)]
struct Asked {
    id: u64,
    recipe: RecipeName,
    version: u64,
    found: Found,
}

#[derive(Clone, Debug, Default)]
pub enum Found {
    #[default]
    Awaited,
    Here(Arc<Inspected>),
    /// It could not be computed.
    Missing,
}

/// Found twice is the same only if it was found once.
impl PartialEq for Found {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Found::Here(one), Found::Here(other)) => Arc::ptr_eq(one, other),
            (Found::Awaited, Found::Awaited) | (Found::Missing, Found::Missing) => true,
            _ => false,
        }
    }
}

impl Explore {
    pub fn choose(&mut self, recipe: RecipeName) {
        self.chosen = Some(recipe);
    }

    /// The user's choice, whether it is there or not.
    pub fn chosen(&self) -> Option<&RecipeName> {
        self.chosen.as_ref()
    }

    /// The model in sight: the chosen one, or ProMoT's, or the last tuned one there is.
    pub fn model<'a>(&self, models: &'a [ModelState]) -> Option<&'a ModelState> {
        let named = |recipe: &RecipeName| tuned(models).find(|model| model.recipe == *recipe);
        let usual = || named(&RecipeName::new(PROMOT)).or_else(|| tuned(models).last());
        self.chosen.as_ref().and_then(named).or_else(usual)
    }

    /// The model to ask about under the number `id`; nothing where that is known or on its way.
    pub fn ask(&mut self, id: u64, models: &[ModelState]) -> Option<RecipeName> {
        let ModelState { recipe, version, .. } = self.model(models)?.clone();
        let same = |asked: &Asked| (&asked.recipe, asked.version) == (&recipe, version);
        if self.asked.as_ref().is_some_and(same) {
            return None;
        }
        self.asked = Some(Asked { id, recipe: recipe.clone(), version, found: Found::Awaited });
        Some(recipe)
    }

    pub fn take(&mut self, id: u64, found: Option<Inspected>) {
        if let Some(asked) = self.asked.as_mut().filter(|asked| asked.id == id) {
            asked.found = found.map_or(Found::Missing, |found| Found::Here(Arc::new(found)));
        }
    }

    /// What is known of the model in sight.
    pub fn found(&self, models: &[ModelState]) -> Found {
        let of = |model: &ModelState| {
            let asked = self.asked.as_ref()?;
            ((&asked.recipe, asked.version) == (&model.recipe, model.version)).then(|| asked.found.clone())
        };
        self.model(models).and_then(of).unwrap_or_default()
    }

    /// The worker that was asked is gone.
    pub fn forget(&mut self) {
        self.asked = None;
    }
}

/// The models that can be explored.
pub fn tuned(models: &[ModelState]) -> impl DoubleEndedIterator<Item = &ModelState> {
    models.iter().filter(|model| !model.target.is_empty())
}

/// The questions of Compare, to the soft prompt alone and to whatever it is compared with; starts nothing.
pub fn prompt_alone(recipe: &RecipeName, question: Option<(String, usize)>) -> Place {
    let name = recipe.as_str();
    let parts = [Part::PromptAlone, Part::WithPrompt, Part::WithoutPrompt];
    let columns = std::iter::once(Column::from(RecipeName::pretrained()));
    let columns = columns.chain(parts.map(|part| Column::new(name, part))).collect();
    compared(columns, question)
}

/// The same with the slider between the pretrained weights and the model's.
pub fn between(recipe: &RecipeName, question: Option<(String, usize)>) -> Place {
    let columns = vec![
        RecipeName::pretrained().into(),
        Column::new(recipe.as_str(), Part::Mixed),
        recipe.clone().into(),
    ];
    compared(columns, question)
}

fn compared(columns: Vec<Column>, question: Option<(String, usize)>) -> Place {
    let (task, row) = question.map_or((None, 0), |(task, row)| (Some(task), row));
    Place { screen: Screen::Compare, columns, task, row, ..Place::default() }
}

/// Why there is no heat map to read, where the weights are as they were.
pub fn unmoved(found: &Inspected, model: &ModelState) -> Option<String> {
    if found.changes.iter().any(|change| change.relative > 0.0) {
        return None;
    }
    let name = title(model.recipe.as_str());
    Some(match (found.adapter, &found.prompt) {
        (true, _) => {
            format!("{name} has left the weights as they were: what it learnt is in an adapter beside them.")
        }
        (_, Some(_)) => {
            format!("{name} has left the weights as they were: what it learnt is in its soft prompt.")
        }
        _ => format!("{name} has left the weights as they were."),
    })
}

/// How far each kind of weights has moved in each place, in percent of its length.
pub fn weights_chart(found: &Inspected) -> Drawing {
    let places: Vec<String> = distinct(found.changes.iter().map(|change| change.place.clone()));
    let value = |place: &String, kind: &String| {
        let change = found.changes.iter().find(|change| (&change.place, &change.kind) == (place, kind));
        change.map(|change| 100.0 * change.relative)
    };
    let values: Vec<Vec<Option<f64>>> =
        places.iter().map(|place| found.kinds.iter().map(|kind| value(place, kind)).collect()).collect();
    heat(&Grid {
        title: "Change of the weights, in percent of their length before",
        names: ["place", "kind", "change in %"],
        rows: &places,
        columns: &found.kinds,
        values: &values,
        width: GRID,
    })
}

/// The prompt's vectors among the tokens that they are near to.
pub fn prompt_chart(prompt: &Prompt) -> Drawing {
    let axis = |name: &str, share: f64| format!("{name} component, {:.0} % of the variance", 100.0 * share);
    let axes = [axis("first", prompt.explained[0]), axis("second", prompt.explained[1])];
    let vectors = prompt.vectors.iter().enumerate();
    let vectors = vectors.map(|(at, vector)| (vector.at[0], vector.at[1], (at + 1).to_string()));
    let tokens = prompt.tokens.iter().map(|(token, at)| (at[0], at[1], readable(token)));
    let all = [
        Cloud { style: Style::new("vectors of the prompt", 2), points: vectors.collect() },
        Cloud { style: Style::new("tokens near to them", 0), points: tokens.collect() },
    ];
    clouds("Prompt vectors and the tokens near to them", [&axes[0], &axes[1]], MAP, &all)
}

/// A token without the mark of a word's beginning.
pub fn readable(token: &str) -> String {
    let word = token.replace('\u{2581}', "");
    if word.is_empty() { token.to_owned() } else { word }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspected::{Change, Vector};
    use crate::protocol::Origin;

    fn model(name: &str, target: &str, version: u64) -> ModelState {
        ModelState {
            recipe: RecipeName::new(name),
            origin: Origin::Shipped,
            target: target.into(),
            prompt: 0,
            version,
            budget: None,
        }
    }

    fn models() -> Vec<ModelState> {
        vec![model("pretrained", "", 1), model("fine-tuning", "rte-mini", 2), model("promot", "rte-mini", 3)]
    }

    fn found() -> Inspected {
        let change =
            |place: &str, kind: &str, relative| Change { place: place.into(), kind: kind.into(), relative };
        let vector = |token: &str, at| Vector { norm: 2.0, near: vec![(token.into(), 0.5)], at };
        Inspected {
            kinds: vec!["embedding".into(), "norms".into()],
            changes: vec![change("shared", "embedding", 0.02), change("decoder 0", "norms", 0.001)],
            adapter: false,
            prompt: Some(Prompt {
                vectors: vec![vector("\u{2581}True", [0.0, 1.0]), vector("False", [1.0, 0.0])],
                embedding_norm: 1.0,
                tokens: vec![("\u{2581}True".into(), [0.0, 2.0])],
                explained: [0.4, 0.2],
            }),
        }
    }

    #[test]
    fn a_model_is_asked_about_once_and_again_when_its_weights_change() {
        let (mut explore, mut models) = (Explore::default(), models());
        assert!(explore.ask(1, &models[..1]).is_none(), "nothing is tuned");
        assert_eq!(explore.ask(1, &models), Some(RecipeName::new("promot")));
        assert_eq!(explore.ask(2, &models), None, "on its way");
        explore.take(9, Some(found()));
        assert_eq!(explore.found(&models), Found::Awaited, "another request's");
        explore.take(1, Some(found()));
        assert!(matches!(explore.found(&models), Found::Here(_)));
        models[2].version = 7;
        assert_eq!(explore.found(&models), Found::Awaited, "other weights");
        assert_eq!(explore.ask(3, &models), Some(RecipeName::new("promot")));
        explore.take(1, Some(found()));
        assert_eq!(explore.found(&models), Found::Awaited, "the late answer is of the old ones");
        explore.take(3, None);
        assert_eq!(explore.found(&models), Found::Missing);
        explore.forget();
        assert_eq!(explore.ask(4, &models), Some(RecipeName::new("promot")), "a new worker knows nothing");
    }

    #[test]
    fn the_choice_counts_where_it_is_there() {
        let (mut explore, models) = (Explore::default(), models());
        let name = |explore: &Explore, models| explore.model(models).map(|model| model.recipe.to_string());
        assert_eq!(name(&explore, &models).as_deref(), Some("promot"));
        assert_eq!(name(&explore, &models[..2]).as_deref(), Some("fine-tuning"));
        explore.choose(RecipeName::new("fine-tuning"));
        assert_eq!(name(&explore, &models).as_deref(), Some("fine-tuning"));
        explore.choose(RecipeName::pretrained());
        assert_eq!(
            name(&explore, &models).as_deref(),
            Some("promot"),
            "the pretrained model has not changed"
        );
    }

    #[test]
    fn charts_have_every_number() {
        let found = found();
        let csv = weights_chart(&found).numbers.csv();
        assert_eq!(csv, "place,kind,change in %\r\nshared,embedding,2\r\ndecoder 0,norms,0.1\r\n");
        let map = prompt_chart(found.prompt.as_ref().unwrap());
        assert!(
            map.svg.contains("first component, 40 % of the variance") && map.svg.contains(">True</text>")
        );
        assert_eq!(map.numbers.rows.len(), 3);
    }

    #[test]
    fn weights_that_stayed_say_where_the_learning_went() {
        let (mut found, model) = (found(), model("prompt-tuning", "rte-mini", 1));
        assert_eq!(unmoved(&found, &model), None);
        found.changes.iter_mut().for_each(|change| change.relative = 0.0);
        assert!(unmoved(&found, &model).unwrap().contains("in its soft prompt"));
        found.adapter = true;
        assert!(unmoved(&found, &model).unwrap().contains("in an adapter"));
    }

    #[test]
    fn links_set_columns_up_and_are_short() {
        let recipe = RecipeName::new("promot");
        let alone = prompt_alone(&recipe, Some(("xsum-mini".into(), 2))).hash();
        assert_eq!(Place::read(&alone).unwrap().columns.len(), 4);
        assert!(alone.starts_with("#compare?task=xsum-mini&row=2&columns=") && alone.len() < 150, "{alone}");
        let between = between(&recipe, None).hash();
        assert_eq!(between, "#compare?columns=pretrained*promot%2Fmixed*promot");
        assert_eq!((readable("\u{2581}True"), readable("\u{2581}")), ("True".into(), "\u{2581}".into()));
    }
}
