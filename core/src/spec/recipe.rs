//! Recipes: named lists of stages. ProMoT is no method but two of them in a row; any method is a recipe by itself.

use serde::{Deserialize, Serialize};
use toml::Table;

use crate::error::{Error, Result};
use crate::method::{METHODS, PromptUse};

/// A recipe that ships with the library.
pub struct RecipeInfo {
    pub name: &'static str,
    pub summary: &'static str,
    /// Names of stages: of the spec's own, or of methods.
    pub stages: &'static [&'static str],
    /// In-context examples before each training input of every stage (the paper's "+ 1-shot").
    pub shots: usize,
}

const fn recipe(
    name: &'static str,
    summary: &'static str,
    stages: &'static [&'static str],
    shots: usize,
) -> RecipeInfo {
    RecipeInfo { name, summary, stages, shots }
}

/// Recipes of no, of several or of changed stages. Every method is one more, of the same name, with itself alone.
pub static RECIPES: &[RecipeInfo] = &[
    recipe("pretrained", "the model as it is; nothing is trained", &[], 0),
    recipe(
        "promot",
        "prompt tuning, then fine-tuning with the frozen prompt prepended (Wang et al.)",
        &["prompt-tuning", "fine-tuning"],
        0,
    ),
    recipe("fine-tuning+1-shot", "fine-tuning with one in-context example per input", &["fine-tuning"], 1),
    recipe(
        "prompt-tuning+1-shot",
        "prompt tuning with one in-context example per input",
        &["prompt-tuning"],
        1,
    ),
    recipe(
        "promot+1-shot",
        "ProMoT with one in-context example per input",
        &["prompt-tuning", "fine-tuning"],
        1,
    ),
];

/// An entry of the spec's `methods`: the name of a recipe, or a recipe of one's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum MethodEntry {
    Name(String),
    Own(OwnRecipe),
    Merged(MergedRecipe),
}

/// `{ name = "lora-first", stages = ["lora", "fine-tuning"], shots = 0 }`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnRecipe {
    pub name: String,
    pub stages: Vec<String>,
    #[serde(default)]
    pub shots: usize,
}

/// `{ name = "soup", merge = "average", of = ["fine-tuning", "promot"] }`: what is made of finished models.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MergedRecipe {
    pub name: String,
    /// One of `merge::MERGES`.
    pub merge: String,
    /// Earlier entries of `methods`.
    pub of: Vec<String>,
    /// The merge's own settings.
    #[serde(flatten)]
    pub given: Table,
}

impl MethodEntry {
    pub fn name(&self) -> &str {
        match self {
            MethodEntry::Name(name) => name,
            MethodEntry::Own(own) => &own.name,
            MethodEntry::Merged(merged) => &merged.name,
        }
    }

    /// Stages and in-context examples.
    ///
    /// # Errors
    /// An unknown name lists the nearest ones.
    pub(super) fn resolve(&self) -> Result<(String, Vec<String>, usize)> {
        match self {
            MethodEntry::Own(own) => Ok((String::new(), own.stages.clone(), own.shots)),
            MethodEntry::Merged(_) => Ok((String::new(), Vec::new(), 0)),
            MethodEntry::Name(name) => {
                let listed = list().into_iter().find(|entry| entry.name == *name);
                let found = listed
                    .ok_or_else(|| Error::unknown("method", name, list().iter().map(|entry| entry.name)))?;
                Ok((found.summary.to_owned(), found.stages, found.shots))
            }
        }
    }
}

impl From<&str> for MethodEntry {
    fn from(name: &str) -> Self {
        MethodEntry::Name(name.to_owned())
    }
}

/// What `methods` can name, for help, page and docs.
pub struct Listed {
    pub name: &'static str,
    pub summary: &'static str,
    pub stages: Vec<String>,
    pub shots: usize,
}

impl Listed {
    /// Whether a stage makes a soft prompt, which the target's inputs then begin with.
    pub fn makes_prompt(&self) -> bool {
        let makes =
            |stage: &String| METHODS.iter().any(|info| info.name == stage && info.prompt != PromptUse::Keep);
        self.stages.iter().any(makes)
    }
}

/// All recipes: `pretrained` first, then the methods, then what is built from them.
pub fn list() -> Vec<Listed> {
    let built_in = |recipe: &RecipeInfo| Listed {
        name: recipe.name,
        summary: recipe.summary,
        stages: recipe.stages.iter().copied().map(String::from).collect(),
        shots: recipe.shots,
    };
    let (nothing, built): (Vec<_>, Vec<_>) = RECIPES.iter().partition(|recipe| recipe.stages.is_empty());
    let methods = METHODS.iter().map(|info| Listed {
        name: info.name,
        summary: info.summary,
        stages: vec![info.name.to_owned()],
        shots: 0,
    });
    nothing.into_iter().map(built_in).chain(methods).chain(built.into_iter().map(built_in)).collect()
}
