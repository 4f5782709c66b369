//! The recipes that a run can have, as the page names them.

use promot_core::spec::{self, MethodEntry, RunSpec, StageSpec};

/// The models that come with the page, and that the first screen compares.
pub const COMPARED: [&str; 3] = ["pretrained", FINE_TUNING, PROMOT];

/// The stages that the form has fields for.
pub const FINE_TUNING: &str = "fine-tuning";
pub const PROMPT_TUNING: &str = "prompt-tuning";

/// The recipe of the paper.
pub const PROMOT: &str = "promot";

/// The recipes that are always in sight; the others of the library's list follow.
const FIRST: [&str; MAIN] = ["pretrained", "fine-tuning", "prompt-tuning", "promot"];

/// How many recipes are always in sight.
pub const MAIN: usize = 4;

/// Name in the spec and summary of every recipe, the comparison first.
pub fn recipes() -> impl ExactSizeIterator<Item = (&'static str, &'static str)> {
    let mut all = spec::list();
    all.sort_by_key(|entry| FIRST.iter().position(|first| *first == entry.name).unwrap_or(MAIN));
    all.into_iter().map(|entry| (entry.name, entry.summary))
}

/// A stage's training settings; those of a spec that makes no sense are the defaults.
pub fn training(spec: &RunSpec, stage: &str) -> StageSpec {
    spec.training(stage).unwrap_or_default()
}

/// A recipe's name as a heading: "fine-tuning" is "Fine-tuning", and the method of the paper is spelled its way.
pub fn title(recipe: &str) -> String {
    let name = recipe.replace("promot", "ProMoT");
    let mut letters = name.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

/// Adds a method to the spec or takes it out; the others keep their order.
pub fn set_method(spec: &mut RunSpec, method: &str, wanted: bool) {
    spec.methods.retain(|known| known.name() != method);
    if wanted {
        let index = |name: &str| recipes().position(|(known, _)| known == name).unwrap_or(recipes().len());
        let at = spec.methods.iter().position(|known| index(known.name()) > index(method));
        spec.methods.insert(at.unwrap_or(spec.methods.len()), MethodEntry::from(method));
    }
}

/// The lengths of both stages, for the choice between presets.
pub fn stage_lengths(spec: &RunSpec) -> String {
    format!(
        "{} steps of stage 1, {} of fine-tuning",
        training(spec, PROMPT_TUNING).steps,
        training(spec, FINE_TUNING).steps
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_those_of_the_spec() {
        let mut spec = RunSpec::default();
        spec.set("stage.prompt-tuning.steps", "7").unwrap();
        spec.set("stage.fine-tuning.steps", "31").unwrap();
        assert_eq!(stage_lengths(&spec), "7 steps of stage 1, 31 of fine-tuning");
    }

    #[test]
    fn titles_are_names_with_a_capital_letter() {
        for (name, heading) in
            [("fine-tuning", "Fine-tuning"), ("promot+1-shot", "ProMoT+1-shot"), ("l2-sp", "L2-sp"), ("", "")]
        {
            assert_eq!(title(name), heading);
        }
    }

    #[test]
    fn the_comparison_comes_first_and_every_recipe_once() {
        let names: Vec<&str> = recipes().map(|(name, _)| name).collect();
        assert_eq!(names[..MAIN], FIRST);
        assert_eq!(names.len(), spec::list().len());
    }

    #[test]
    fn a_method_is_added_in_the_order_of_the_list_and_taken_out() {
        let mut spec = RunSpec { methods: vec!["pretrained".into(), "promot".into()], ..RunSpec::default() };
        let names =
            |spec: &RunSpec| spec.methods.iter().map(|entry| entry.name().to_owned()).collect::<Vec<_>>();
        set_method(&mut spec, "joint", true);
        set_method(&mut spec, "fine-tuning", true);
        assert_eq!(names(&spec), ["pretrained", "fine-tuning", "promot", "joint"]);
        set_method(&mut spec, "fine-tuning", true);
        set_method(&mut spec, "promot", false);
        assert_eq!(names(&spec), ["pretrained", "fine-tuning", "joint"]);
    }
}
