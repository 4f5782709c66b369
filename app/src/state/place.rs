//! A view of the page as the hash of its address: `#compare`, `#train` or `#story-3`, and after a `?` what differs from a
//! first visit. A link shows; it starts no download and no training.

use form_urlencoded::{Serializer, parse};
use promot_core::spec::RunSpec;

use super::address;
use super::columns::{FEWEST, MOST};
use super::share;
use crate::column::{Column, RecipeName};

/// Longest hash that is read, and longest question in it, in bytes.
const MOST_HASH: usize = 20_000;
const MOST_TEXT: usize = 6_000;

/// Longest name of a model.
const MOST_NAME: usize = 100;

/// Most in-context examples; the bundled model was trained on at most this many.
pub const MOST_SHOTS: usize = 4;

/// Rows of a task that the page can step through.
const MOST_ROWS: usize = 1_000;

/// Parts of the page that a link can hide, for a lesson.
pub const PARTS: [&str; 16] = [
    "wall", "choose", "question", "answers", "batch", "world", "recorded", "stages", "settings", "watch",
    "charts", "kept", "export", "weights", "prompt", "evidence",
];

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Screen {
    #[default]
    Compare,
    Train,
    Explore,
}

impl Screen {
    pub const ALL: [Screen; 3] = [Screen::Compare, Screen::Train, Screen::Explore];

    /// What follows the page's address to open it.
    pub fn hash(self) -> &'static str {
        match self {
            Screen::Compare => "#compare",
            Screen::Train => "#train",
            Screen::Explore => "#explore",
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Screen::Compare => "Compare",
            Screen::Train => "Train",
            Screen::Explore => "Explore",
        }
    }

    fn name(self) -> &'static str {
        &self.hash()[1..]
    }
}

/// What a link says; what it leaves out stays as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Place {
    pub screen: Screen,
    /// The story's step, from 1.
    pub story: Option<usize>,
    pub task: Option<String>,
    pub row: usize,
    pub shots: Option<usize>,
    /// The user's own question.
    pub text: Option<String>,
    /// None, or as many as stand side by side.
    pub columns: Vec<Column>,
    /// The switch of the soft prompt.
    pub prompt: Option<bool>,
    /// The share of the tuned weights in mixed ones, in percent.
    pub mix: Option<usize>,
    pub spec: Option<RunSpec>,
    /// The model that is explored.
    pub model: Option<RecipeName>,
    pub hide: Vec<String>,
}

impl Place {
    /// The story's step.
    pub fn of_story(step: usize) -> Self {
        Self { story: Some(step), ..Self::default() }
    }

    /// The hash, with its `#`.
    pub fn hash(&self) -> String {
        let screen = match self.story {
            Some(step) => format!("story-{step}"),
            None => self.screen.name().to_owned(),
        };
        let mut fields = Serializer::new(String::new());
        let mut put = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                fields.append_pair(name, &value);
            }
        };
        put("task", self.task.clone());
        put("row", (self.row > 0).then(|| self.row.to_string()));
        put("shots", self.shots.map(|shots| shots.to_string()));
        put("text", self.text.clone());
        put("columns", (!self.columns.is_empty()).then(|| joined(&self.columns)));
        put("prompt", self.prompt.map(|on| if on { ON } else { OFF }.to_owned()));
        put("mix", self.mix.map(|mix| mix.to_string()));
        put("spec", self.spec.as_ref().and_then(|spec| share::encoded(spec).ok()));
        put("model", self.model.as_ref().map(RecipeName::to_string));
        put("hide", (!self.hide.is_empty()).then(|| self.hide.join(",")));
        let fields = fields.finish();
        if fields.is_empty() { format!("#{screen}") } else { format!("#{screen}?{fields}") }
    }

    /// Reads a hash, with or without its `#`.
    ///
    /// # Errors
    /// A sentence for the first thing that cannot be read.
    pub fn read(hash: &str) -> Result<Self, String> {
        let hash = hash.strip_prefix('#').unwrap_or(hash);
        if hash.len() > MOST_HASH {
            return Err(format!(
                "The link is too long: {} characters, at most {MOST_HASH} are read.",
                hash.len()
            ));
        }
        let (screen, fields) = hash.split_once('?').unwrap_or((hash, ""));
        let mut place = Self::default();
        match Screen::ALL.into_iter().find(|known| known.name() == screen) {
            Some(screen) => place.screen = screen,
            None => {
                place.story =
                    screen.strip_prefix("story-").map(|step| number("story", step, 99)).transpose()?
            }
        }
        for (name, value) in parse(fields.as_bytes()) {
            place.set(&name, &value)?;
        }
        Ok(place)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "task" => self.task = Some(task(value)?),
            "row" => self.row = number(name, value, MOST_ROWS)?,
            "shots" => self.shots = Some(number(name, value, MOST_SHOTS)?),
            "text" => self.text = Some(text(value)?),
            "columns" => self.columns = columns(value)?,
            "prompt" => self.prompt = Some(switch(value)?),
            "mix" => self.mix = Some(number(name, value, 100)?),
            "spec" => self.spec = Some(address::spec(value)?),
            "model" => self.model = Some(model(value)?),
            "hide" => self.hide = hidden(value)?,
            _ => return Err(format!("The link has a part that this page does not know: {}.", short(name))),
        }
        Ok(())
    }
}

const ON: &str = "on";
const OFF: &str = "off";

/// A character that is in no name of a column, and stands in an address as it is.
const BETWEEN: char = '*';

fn joined(columns: &[Column]) -> String {
    let names: Vec<String> = columns.iter().map(Column::to_string).collect();
    names.join(&BETWEEN.to_string())
}

fn number(name: &str, value: &str, most: usize) -> Result<usize, String> {
    let found = value.parse().ok().filter(|number| *number <= most);
    found.ok_or_else(|| format!("The link\u{2019}s {name} is {}; it may be 0 to {most}.", short(value)))
}

fn task(value: &str) -> Result<String, String> {
    match crate::catalog::tasks().by_name(value) {
        Ok(task) => Ok(task.name.clone()),
        Err(error) => Err(format!("The link names a task that is not here: {error}.")),
    }
}

fn text(value: &str) -> Result<String, String> {
    match value.len() <= MOST_TEXT {
        true => Ok(value.to_owned()),
        false => Err(format!(
            "The link\u{2019}s question has {} bytes; at most {MOST_TEXT} are read.",
            value.len()
        )),
    }
}

fn model(value: &str) -> Result<RecipeName, String> {
    match value.len() <= MOST_NAME {
        true => Ok(RecipeName::new(value)),
        false => {
            Err(format!("The link\u{2019}s model has {} bytes; at most {MOST_NAME} are read.", value.len()))
        }
    }
}

fn columns(value: &str) -> Result<Vec<Column>, String> {
    let mut all: Vec<Column> = Vec::new();
    for name in value.split(BETWEEN).filter(|name| !name.is_empty()) {
        let column = Column::from(name.to_owned());
        if !all.contains(&column) {
            all.push(column);
        }
    }
    match (FEWEST..=MOST).contains(&all.len()) {
        true => Ok(all),
        false => {
            Err(format!("The link has {} models side by side; it may have {FEWEST} to {MOST}.", all.len()))
        }
    }
}

fn switch(value: &str) -> Result<bool, String> {
    match value {
        ON => Ok(true),
        OFF => Ok(false),
        other => Err(format!("The link\u{2019}s prompt is {}; it may be {ON} or {OFF}.", short(other))),
    }
}

fn hidden(value: &str) -> Result<Vec<String>, String> {
    let names = value.split(',').filter(|name| !name.is_empty());
    names
        .map(|name| match PARTS.contains(&name) {
            true => Ok(name.to_owned()),
            false => Err(format!("The link hides {}, which may be: {}.", short(name), PARTS.join(", "))),
        })
        .collect()
}

/// A value for a sentence: a link may hold anything.
fn short(value: &str) -> String {
    let mut letters = value.chars();
    let start: String = letters.by_ref().take(40).collect();
    let rest = if letters.next().is_some() { "\u{2026}" } else { "" };
    format!("\u{201c}{start}{rest}\u{201d}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::column::Part;

    fn full() -> Place {
        let mut spec = RunSpec::default();
        spec.set("stage.fine-tuning.steps", "7").unwrap();
        Place {
            screen: Screen::Compare,
            story: Some(3),
            task: Some("wmt_ende-mini".into()),
            row: 2,
            shots: Some(4),
            text: Some("Q: Who? A: a & b = c#*\u{2713}".into()),
            columns: vec![
                Column::of("pretrained"),
                Column::new("promot", Part::PromptAlone),
                Column::of("fine-tuning, clipped at 0.3"),
            ],
            prompt: Some(true),
            mix: Some(35),
            spec: Some(spec),
            model: Some(RecipeName::new("promot+1-shot")),
            hide: vec!["wall".into(), "settings".into()],
        }
    }

    #[test]
    fn a_link_opens_the_same_view_and_is_short() {
        let hash = full().hash();
        assert_eq!(Place::read(&hash).unwrap(), full(), "{hash}");
        assert!(hash.starts_with("#story-3?task=") && hash.len() < 400, "{hash}");
        assert!(hash.is_ascii() && !hash.contains(' '), "it survives mail and chat: {hash}");
        for screen in Screen::ALL {
            let place = Place { screen, ..Place::default() };
            assert_eq!(place.hash(), format!("#{}", screen.name()));
            assert_eq!(Place::read(&place.hash()).unwrap(), place);
        }
        assert_eq!(Place::read("").unwrap(), Place::default());
        assert_eq!(Place::of_story(2).hash(), "#story-2");
    }

    #[test]
    fn a_bad_link_gives_one_sentence() {
        for (hash, words) in [
            ("#compare?row=-1", "row is \u{201c}-1\u{201d}; it may be 0 to 1000"),
            ("#compare?shots=5", "0 to 4"),
            ("#compare?task=rte-min", "a task that is not here"),
            ("#compare?columns=promot", "1 models side by side; it may have 2 to 6"),
            ("#compare?columns=a*b*c*d*e*f*g", "7 models"),
            ("#compare?prompt=yes", "it may be on or off"),
            ("#compare?mix=101", "0 to 100"),
            ("#compare?hide=everything", "which may be: wall, choose"),
            ("#compare?evil=1", "does not know: \u{201c}evil\u{201d}"),
            ("#compare?spec=%%%", "spec in the address cannot be read"),
            ("#story-x", "story is \u{201c}x\u{201d}"),
        ] {
            let problem = Place::read(hash).unwrap_err();
            assert!(problem.contains(words) && problem.lines().count() == 1, "{hash}: {problem}");
        }
        let long = format!("#compare?text={}", "a".repeat(30_000));
        assert!(Place::read(&long).unwrap_err().contains("too long"));
        let text = format!("#compare?text={}", "a".repeat(7_000));
        assert!(Place::read(&text).unwrap_err().contains("7000 bytes"));
        let name = format!("#explore?model={}", "a".repeat(200));
        assert!(Place::read(&name).unwrap_err().contains("200 bytes"));
        let junk = format!("#compare?{}=1", "x".repeat(500));
        assert!(Place::read(&junk).unwrap_err().len() < 150, "nothing long is shown");
    }

    #[test]
    fn any_text_is_no_panic() {
        for hash in [
            "#?&&==",
            "#compare?%ff%fe=%00",
            "#\u{1f600}?task",
            "####",
            "#compare?columns=***",
            "#train?hide=,,,",
        ] {
            let _ = Place::read(hash);
        }
    }
}
