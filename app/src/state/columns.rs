//! The columns that one can choose from, in words, and the rules of choosing.

use promot_core::spec::RunSpec;

use super::methods::{COMPARED, FINE_TUNING, PROMOT, title};
use crate::budget::Budget;
use crate::column::{Column, Part, RecipeName};
use crate::protocol::{ModelState, Origin};

/// As few and as many as stand side by side.
pub const FEWEST: usize = 2;
pub const MOST: usize = 6;

/// The columns that a first visit begins with.
pub fn usual() -> Vec<Column> {
    COMPARED.map(Column::of).to_vec()
}

/// The model as it came.
pub fn pretrained() -> Column {
    RecipeName::pretrained().into()
}

/// All that can be chosen: of these models, or of the shipped ones before they are there.
pub fn offered(models: &[ModelState]) -> Vec<Column> {
    let shipped = COMPARED.map(|name| (name.to_owned(), name == PROMOT));
    let here = models.iter().map(|model| (model.recipe.to_string(), model.prompt > 0));
    let all: Vec<(String, bool)> = if models.is_empty() { shipped.to_vec() } else { here.collect() };
    let wholes = all.iter().map(|(name, _)| Column::of(name));
    let parts = all.iter().flat_map(|(name, prompt)| {
        let with_prompt = [Part::WithPrompt, Part::WithoutPrompt, Part::PromptAlone];
        let parts = with_prompt.into_iter().filter(|_| *prompt);
        parts.chain((name == FINE_TUNING).then_some(Part::Mixed)).map(|part| Column::new(name, part))
    });
    wholes.chain(parts).collect()
}

/// The model that a column asks.
pub fn model<'a>(models: &'a [ModelState], column: &Column) -> Option<&'a ModelState> {
    let model = models.iter().find(|model| model.recipe == column.recipe)?;
    (model.prompt > 0 || !column.part.needs_prompt()).then_some(model)
}

/// Whether the models are there and the column's is none of them.
pub fn is_missing(models: &[ModelState], column: &Column) -> bool {
    !models.is_empty() && model(models, column).is_none()
}

/// Vectors of the soft prompt that the column's model has in front of its input.
pub fn prompt_of(models: &[ModelState], column: &Column, switch: bool) -> usize {
    let length = model(models, column).map_or(0, |model| model.prompt);
    if column.part.prompt(switch) { length } else { 0 }
}

/// Whether the column's model is one that comes with the page; before the models are there, it is one that is to come.
pub fn is_shipped(models: &[ModelState], column: &Column) -> bool {
    models.is_empty() || model(models, column).is_some_and(|model| model.origin == Origin::Shipped)
}

/// Whether what was recorded of the shipped models is this column's: of its model, with the soft prompt in front of the
/// target task alone.
pub fn is_recorded(models: &[ModelState], column: &Column, on_target: bool) -> bool {
    let known = COMPARED.contains(&column.recipe.as_str());
    known && is_shipped(models, column) && column.part.is_asked(on_target)
}

/// Adds a column at the end, or takes it out; never fewer or more than fit.
pub fn choose(chosen: &mut Vec<Column>, column: &Column, wanted: bool) {
    match wanted {
        false if chosen.len() > FEWEST => chosen.retain(|known| known != column),
        true if chosen.len() < MOST && !chosen.contains(column) => chosen.push(column.clone()),
        _ => {}
    }
}

/// A column's heading.
pub fn heading(column: &Column) -> String {
    let name = title(column.recipe.as_str());
    match column.part {
        Part::Whole => name,
        Part::WithPrompt => format!("{name} with its prompt"),
        Part::WithoutPrompt => format!("{name} without its prompt"),
        Part::PromptAlone => format!("{name}\u{2019}s prompt alone"),
        Part::Mixed => format!("Between pretrained and {}", name.to_lowercase()),
    }
}

/// What a column's model is, below its heading; `mix` is the share of the tuned weights in a mixed one.
pub fn origin(models: &[ModelState], column: &Column, mix: f64) -> String {
    let Some(model) = model(models, column) else {
        let loading = models.is_empty();
        return if loading { "\u{a0}".into() } else { "not trained yet".into() };
    };
    let place = match model.origin {
        Origin::Shipped => ", comes with the page",
        Origin::Trained => " in this tab",
    };
    match column.part {
        _ if model.target.is_empty() => "not fine-tuned".into(),
        Part::PromptAlone => format!("before the pretrained model; tuned on {}{place}", model.target),
        Part::Mixed => format!(
            "{:.0} % of the way from the pretrained weights to those tuned on {}{place}",
            mix * 100.0,
            model.target
        ),
        _ => format!("tuned on {}{place}", model.target),
    }
}

/// What a model was trained with, in words, where that is known.
pub fn training(models: &[ModelState], column: &Column, recorded: Option<&RunSpec>) -> Option<String> {
    let model = model(models, column)?;
    let of_recorded = || Budget::of_spec(recorded?, model.recipe.as_str());
    let budget = match model.origin {
        Origin::Shipped => of_recorded(),
        Origin::Trained => model.budget,
    };
    budget.map(|budget| budget.words())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(name: &str, origin: Origin, prompt: usize) -> ModelState {
        let target = if name == "pretrained" { "" } else { "rte-mini" };
        let recipe = RecipeName::new(name);
        ModelState { recipe, origin, target: target.into(), prompt, version: 1, budget: None }
    }

    fn names(columns: &[Column]) -> Vec<String> {
        columns.iter().map(Column::to_string).collect()
    }

    #[test]
    fn every_model_and_what_can_be_made_of_it_is_offered() {
        let expected = [
            "pretrained",
            "fine-tuning",
            "promot",
            "fine-tuning/mixed",
            "promot/with-prompt",
            "promot/without-prompt",
            "promot/prompt-alone",
        ];
        assert_eq!(names(&offered(&[])), expected);
        let models = [
            held("pretrained", Origin::Shipped, 0),
            held("fine-tuning", Origin::Shipped, 0),
            held("promot", Origin::Shipped, 20),
        ];
        assert_eq!(names(&offered(&models)), expected, "the same once they are there");
        let own = [held("pretrained", Origin::Shipped, 0), held("joint", Origin::Trained, 0)];
        assert_eq!(names(&offered(&own)), ["pretrained", "joint"]);
    }

    #[test]
    fn two_to_six_are_chosen() {
        let offered = offered(&[]);
        let mut chosen = usual();
        choose(&mut chosen, &Column::new("promot", Part::PromptAlone), true);
        choose(&mut chosen, &Column::of("promot"), true);
        choose(&mut chosen, &Column::of("fine-tuning"), false);
        assert_eq!(names(&chosen), ["pretrained", "promot", "promot/prompt-alone"]);
        for column in &offered {
            choose(&mut chosen, column, true);
        }
        assert_eq!(chosen.len(), MOST);
        for column in &offered {
            choose(&mut chosen, column, false);
        }
        assert_eq!(chosen.len(), FEWEST);
    }

    #[test]
    fn what_is_recorded_stands_under_its_own_model_alone() {
        let shipped = [held("fine-tuning", Origin::Shipped, 0), held("promot", Origin::Shipped, 20)];
        let is = |name: &str, on_target| is_recorded(&shipped, &Column::from(name.to_owned()), on_target);
        assert!(is("promot", true) && is("promot", false) && is("fine-tuning", false));
        assert!(is("promot/with-prompt", true) && !is("promot/with-prompt", false));
        assert!(!is("promot/without-prompt", true) && is("promot/without-prompt", false));
        assert!(!is("promot/prompt-alone", true) && !is("fine-tuning/mixed", false));
        assert!(!is("joint", false) && !is("pretrained", false), "not there");
        let own = [held("fine-tuning", Origin::Trained, 0)];
        assert!(!is_recorded(&own, &Column::of("fine-tuning"), false));
        assert!(is_recorded(&[], &Column::of("fine-tuning"), false), "the shipped one is to come");
        assert!(!is_recorded(&[], &Column::of("joint"), false));
    }

    #[test]
    fn a_column_says_what_it_is() {
        let models = [
            held("pretrained", Origin::Shipped, 0),
            held("fine-tuning", Origin::Trained, 0),
            held("promot", Origin::Shipped, 20),
        ];
        let of = |name: &str| {
            let column = Column::from(name.to_owned());
            format!("{}: {}", heading(&column), origin(&models, &column, 0.25))
        };
        assert_eq!(of("pretrained"), "Pretrained: not fine-tuned");
        assert_eq!(of("fine-tuning"), "Fine-tuning: tuned on rte-mini in this tab");
        assert_eq!(
            of("fine-tuning/mixed"),
            "Between pretrained and fine-tuning: 25 % of the way from the pretrained weights to those tuned on rte-mini \
             in this tab"
        );
        assert_eq!(
            of("promot/prompt-alone"),
            "ProMoT\u{2019}s prompt alone: before the pretrained model; tuned on rte-mini, comes with the page"
        );
        assert_eq!(of("joint"), "Joint: not trained yet");
        assert_eq!(of("fine-tuning/with-prompt").split(": ").last(), Some("not trained yet"), "it has none");
        let missing = |name: &str| is_missing(&models, &Column::from(name.to_owned()));
        assert!(missing("joint") && missing("fine-tuning/with-prompt") && !missing("promot"));
        assert!(!is_missing(&[], &Column::of("joint")), "they are on their way");
        let prompt = |name: &str, switch| prompt_of(&models, &Column::from(name.to_owned()), switch);
        assert_eq!(
            [prompt("promot", true), prompt("promot", false), prompt("fine-tuning", true)],
            [20, 0, 0]
        );
        assert_eq!([prompt("promot/prompt-alone", false), prompt("promot/without-prompt", true)], [20, 0]);
    }
}
