//! The methods as the form names them. The window is built without the library's own list, which trains: a test holds
//! the two together.

use promot_core::spec::RunSpec;

/// Name in the spec, and what it is in a few words. The first four are the comparison, the others belong to the
/// paper's ablations.
pub const METHODS: [(&str, &str); 9] = [
    ("pretrained", "Pretrained, for comparison"),
    ("prompt-tuning", "Prompt tuning: stage 1 alone"),
    ("fine-tuning", "Standard fine-tuning"),
    ("promot", "ProMoT, two stages"),
    ("fine-tuning+1-shot", "Fine-tuning on 1-shot inputs"),
    ("prompt-tuning+1-shot", "Prompt tuning on 1-shot inputs"),
    ("promot+1-shot", "ProMoT on 1-shot inputs"),
    ("joint", "Prompt and weights trained together"),
    ("random-prompt", "Fine-tuning behind a fixed random prompt"),
];

/// How many of them are always in sight.
pub const MAIN: usize = 4;

/// Puts a method into the spec or takes it out; the others keep their order.
pub fn set_method(spec: &mut RunSpec, method: &str, wanted: bool) {
    spec.methods.retain(|known| known != method);
    if wanted {
        let place =
            |name: &str| METHODS.iter().position(|(known, _)| *known == name).unwrap_or(METHODS.len());
        let at = spec.methods.iter().position(|known| place(known) > place(method));
        spec.methods.insert(at.unwrap_or(spec.methods.len()), method.to_owned());
    }
}

/// The lengths of both stages, for who chooses between specs.
pub fn stage_lengths(spec: &RunSpec) -> String {
    format!("{} steps of stage 1, {} of fine-tuning", spec.prompt_tuning.steps, spec.fine_tuning.steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_those_of_the_spec() {
        let mut spec = RunSpec::default();
        (spec.prompt_tuning.steps, spec.fine_tuning.steps) = (7, 31);
        assert_eq!(stage_lengths(&spec), "7 steps of stage 1, 31 of fine-tuning");
    }

    #[cfg(feature = "worker")]
    #[test]
    fn every_method_of_the_library_has_a_box() {
        let sorted = |names: &mut dyn Iterator<Item = &'static str>| {
            let mut names: Vec<&str> = names.collect();
            names.sort_unstable();
            names
        };
        let recipes = &promot_core::train::RECIPES;
        assert_eq!(
            sorted(&mut METHODS.iter().map(|(name, _)| *name)),
            sorted(&mut recipes.iter().map(|recipe| recipe.name))
        );
    }

    #[test]
    fn a_method_takes_its_place_and_leaves_it() {
        let mut spec = RunSpec { methods: vec!["pretrained".into(), "promot".into()], ..RunSpec::default() };
        set_method(&mut spec, "joint", true);
        set_method(&mut spec, "fine-tuning", true);
        assert_eq!(spec.methods, ["pretrained", "fine-tuning", "promot", "joint"]);
        set_method(&mut spec, "fine-tuning", true);
        set_method(&mut spec, "promot", false);
        assert_eq!(spec.methods, ["pretrained", "fine-tuning", "joint"]);
    }
}
