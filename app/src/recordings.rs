//! The list of the runs that come with the page, `recorded/index.json`, which `cargo xtask record` writes. It is always
//! there: looking for a file that may be missing would leave an error in the browser's console.

use serde::Deserialize;

/// A run whose report is `recorded/<name>/report.json`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recording {
    pub name: String,
    /// As its spec names it.
    pub model: String,
    /// The tuned task.
    pub task: String,
    /// The methods whose models are shipped, too: a `model.safetensors` in a folder of the method's name, and
    /// `prompt/adapter_model.safetensors` below it where the method has a prompt.
    #[serde(default)]
    pub weights: Vec<String>,
}

/// # Errors
/// A text that is no such list.
pub fn read(text: &[u8]) -> Result<Vec<Recording>, String> {
    serde_json::from_slice(text).map_err(|error| format!("recorded/index.json: {error}"))
}

/// The first run of a model, which the page opens with, and all others.
pub fn for_model(all: Vec<Recording>, model: &str) -> (Option<Recording>, Vec<Recording>) {
    let mut others = all;
    let first = others.iter().position(|recording| recording.model == model);
    (first.map(|at| others.remove(at)), others)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_model_opens_with_its_own_first_run() {
        let text = br#"[{"name": "a", "model": "mini", "task": "t", "weights": ["promot"]},
            {"name": "b", "model": "mini-llama", "task": "t"}, {"name": "c", "model": "mini", "task": "t"}]"#;
        let names = |model: &str| {
            let (first, others) = for_model(read(text).unwrap(), model);
            (first.map(|run| run.name), others.into_iter().map(|run| run.name).collect::<Vec<_>>().join(" "))
        };
        assert_eq!(names("mini"), (Some("a".into()), "b c".into()));
        assert_eq!(names("mini-llama"), (Some("b".into()), "a c".into()));
        assert_eq!(names("another"), (None, "a b c".into()));
        assert_eq!(read(text).unwrap()[0].weights, ["promot"]);
        assert!(read(br#"["a"]"#).unwrap_err().starts_with("recorded/index.json: "));
    }

    #[test]
    fn the_shipped_list_is_of_the_models_that_come_with_the_page() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../public/recorded/index.json");
        let all = read(&std::fs::read(path).unwrap()).unwrap();
        for (at, recording) in all.iter().enumerate().filter(|(_, recording)| !recording.weights.is_empty()) {
            let opens = all.iter().position(|other| other.model == recording.model);
            assert_eq!(
                opens,
                Some(at),
                "{}: only the run that the page opens with has weights",
                recording.name
            );
            assert!(crate::catalog::MODELS.iter().any(|model| model.name == recording.model));
        }
    }
}
