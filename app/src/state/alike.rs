//! Whether the tuned models stand on the same ground: a comparison of different targets or budgets shows the difference of
//! these, not of the methods.

use promot_core::spec::RunSpec;

use super::methods::title;
use crate::budget::Budget;
use crate::protocol::{ModelState, Origin};

/// A sentence where tuned models differ in task or budget; `recorded` is what the shipped ones were made with.
pub fn difference(models: &[ModelState], recorded: Option<&RunSpec>) -> Option<String> {
    let tuned: Vec<(&ModelState, Option<Budget>)> = models
        .iter()
        .filter(|model| !model.target.is_empty())
        .map(|model| (model, model.budget.or_else(|| shipped(model, recorded))))
        .collect();
    let first = tuned.first()?;
    // Where a budget is not known, only models of the same origin are taken to have the same.
    let alike = |(model, budget): &(&ModelState, Option<Budget>)| {
        model.target == first.0.target
            && *budget == first.1
            && (budget.is_some() || model.origin == first.0.origin)
    };
    if tuned.iter().all(alike) {
        return None;
    }
    let words = |(model, budget): &(&ModelState, Option<Budget>)| {
        let place = match model.origin {
            Origin::Shipped => "comes with the page",
            Origin::Trained => "trained in this tab",
        };
        let budget = budget.map_or_else(String::new, |budget| format!("{}, ", budget.words()));
        format!("{} on {} ({budget}{place})", title(model.recipe.as_str()), model.target)
    };
    let all: Vec<String> = tuned.iter().map(words).collect();
    Some(format!(
        "These models were not trained alike, so this is no comparison of methods: {}.",
        all.join("; ")
    ))
}

fn shipped(model: &ModelState, recorded: Option<&RunSpec>) -> Option<Budget> {
    let spec = recorded.filter(|spec| model.origin == Origin::Shipped && spec.target.task == model.target)?;
    Budget::of_spec(spec, model.recipe.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::column::RecipeName;

    fn spec(steps: &str) -> RunSpec {
        let mut spec = RunSpec::default();
        spec.set("stage.fine-tuning.steps", steps).unwrap();
        spec
    }

    fn model(name: &str, origin: Origin, target: &str, budget: Option<Budget>) -> ModelState {
        let (recipe, target) = (RecipeName::new(name), target.to_owned());
        ModelState { recipe, origin, target, prompt: 0, version: 1, budget }
    }

    #[test]
    fn models_of_one_run_are_alike() {
        let budget = |name| Budget::of_spec(&spec("2"), name);
        let models = [
            model("pretrained", Origin::Shipped, "", None),
            model("fine-tuning", Origin::Trained, "rte-mini", budget("fine-tuning")),
            model("promot", Origin::Trained, "rte-mini", budget("promot")),
        ];
        assert_eq!(difference(&models, None), None);
        let shipped = [
            model("fine-tuning", Origin::Shipped, "rte-mini", None),
            model("promot", Origin::Shipped, "rte-mini", None),
        ];
        assert_eq!(difference(&shipped, None), None);
        assert_eq!(difference(&shipped, Some(&spec("1400"))), None);
        assert_eq!(difference(&[], None), None);
    }

    #[test]
    fn another_budget_target_or_origin_is_said() {
        let mine =
            model("fine-tuning", Origin::Trained, "rte-mini", Budget::of_spec(&spec("2"), "fine-tuning"));
        let theirs = model("promot", Origin::Shipped, "rte-mini", None);
        let text = difference(&[mine.clone(), theirs.clone()], Some(&spec("1400"))).unwrap();
        for part in
            ["Fine-tuning on rte-mini (2 steps,", "trained in this tab)", "ProMoT on rte-mini (1400 steps,"]
        {
            assert!(text.contains(part), "{text}");
        }
        assert!(difference(&[mine.clone(), theirs], None).is_some(), "nobody knows what the other had");
        let elsewhere = ModelState { target: "wmt_enfr-mini".into(), ..mine.clone() };
        assert!(difference(&[mine, elsewhere], None).is_some());
    }
}
