//! What stands in a column of the page: a model, and how it is asked.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The name of a recipe, as in specs and reports: it tells apart the models that the page compares.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecipeName(String);

impl RecipeName {
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The model that nothing was tuned on.
    pub fn pretrained() -> Self {
        Self::new("pretrained")
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RecipeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What of a recipe is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// Its model, and its soft prompt, where it has one, as the switch on the page says.
    #[default]
    Whole,
    /// Its model, always with the soft prompt.
    WithPrompt,
    /// Its model, never with the soft prompt.
    WithoutPrompt,
    /// Its soft prompt in front of the pretrained model.
    PromptAlone,
    /// Weights between those of the pretrained model and its own.
    Mixed,
}

impl Part {
    /// Whether it needs a recipe with a soft prompt.
    pub fn needs_prompt(self) -> bool {
        matches!(self, Part::WithPrompt | Part::WithoutPrompt | Part::PromptAlone)
    }

    /// Whether an answer of the recipe's model, with the soft prompt in front or not, is this part's.
    pub fn is_asked(self, prompt: bool) -> bool {
        match self {
            Part::Whole => true,
            Part::WithPrompt => prompt,
            Part::WithoutPrompt => !prompt,
            Part::PromptAlone | Part::Mixed => false,
        }
    }

    /// Whether the soft prompt is in front; `switch` is what the page says for models that leave it open.
    pub fn prompt(self, switch: bool) -> bool {
        match self {
            Part::Whole => switch,
            Part::WithPrompt | Part::PromptAlone => true,
            Part::WithoutPrompt | Part::Mixed => false,
        }
    }
}

/// What follows the recipe's name in a column's.
const PARTS: [(Part, &str); 4] = [
    (Part::WithPrompt, "/with-prompt"),
    (Part::WithoutPrompt, "/without-prompt"),
    (Part::PromptAlone, "/prompt-alone"),
    (Part::Mixed, "/mixed"),
];

/// A column, written "promot" or "promot/with-prompt" in messages, links and test ids.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Column {
    pub recipe: RecipeName,
    pub part: Part,
}

impl Column {
    /// A recipe's model.
    pub fn of(recipe: &str) -> Self {
        RecipeName::new(recipe).into()
    }

    pub fn new(recipe: &str, part: Part) -> Self {
        Self { recipe: RecipeName::new(recipe), part }
    }
}

impl From<RecipeName> for Column {
    fn from(recipe: RecipeName) -> Self {
        Self { recipe, part: Part::Whole }
    }
}

impl From<String> for Column {
    fn from(name: String) -> Self {
        let part = PARTS.iter().find_map(|(part, end)| Some((*part, name.strip_suffix(end)?)));
        let (part, recipe) = part.unwrap_or((Part::Whole, &name));
        Self::new(recipe, part)
    }
}

impl From<Column> for String {
    fn from(column: Column) -> Self {
        column.to_string()
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = PARTS.iter().find(|(part, _)| *part == self.part).map_or("", |(_, end)| end);
        write!(f, "{}{end}", self.recipe)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_its_name() {
        for (name, recipe, part) in [
            ("promot", "promot", Part::Whole),
            ("promot/with-prompt", "promot", Part::WithPrompt),
            ("promot+1-shot/without-prompt", "promot+1-shot", Part::WithoutPrompt),
            ("prompt-tuning/prompt-alone", "prompt-tuning", Part::PromptAlone),
            ("fine-tuning/mixed", "fine-tuning", Part::Mixed),
            ("a/b", "a/b", Part::Whole),
        ] {
            let column = Column::from(name.to_owned());
            assert_eq!(column, Column::new(recipe, part), "{name}");
            assert_eq!(column.to_string(), name);
            let json = serde_json::to_string(&column).unwrap();
            assert_eq!(
                (json.as_str(), serde_json::from_str(&json).unwrap()),
                (&*format!("{name:?}"), column)
            );
        }
    }

    #[test]
    fn the_switch_is_for_columns_that_leave_the_prompt_open() {
        let all = [Part::Whole, Part::WithPrompt, Part::WithoutPrompt, Part::PromptAlone, Part::Mixed];
        assert_eq!(all.map(|part| part.prompt(true)), [true, true, false, true, false]);
        assert_eq!(all.map(|part| part.prompt(false)), [false, true, false, true, false]);
    }
}
