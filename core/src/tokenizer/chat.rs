//! A model's own chat template: Jinja text among its tokenizer's files, filled as `apply_chat_template` of transformers
//! fills it, with the assistant's turn opened. Jinja is a library's, with the methods of Python's texts that templates
//! use.

use std::collections::BTreeMap;

use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, Error as JinjaError, ErrorKind, UndefinedBehavior, Value as Jinja};
use serde_json::Value;

use super::turns::Message;
use crate::content;
use crate::error::{Error, Result};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatTemplate {
    file: &'static str,
    source: String,
    /// `bos_token` and the like, which templates name.
    tokens: BTreeMap<String, String>,
}

const OWN_FILE: &str = "chat_template.jinja";
const CONFIG: &str = "tokenizer_config.json";

/// What a template may cost, in the library's steps: one from a stranger must not run forever.
const FUEL: u64 = 5_000_000;

impl ChatTemplate {
    /// That of a model's small files, a file of its own before an entry of `tokenizer_config.json`; of several that are
    /// named there, the one called "default".
    ///
    /// # Errors
    /// A file that is no text, or a `chat_template` of another kind.
    pub fn of(side: &BTreeMap<String, Vec<u8>>) -> Result<Option<Self>> {
        let config: Value =
            side.get(CONFIG).map(|bytes| content::json(CONFIG, bytes)).transpose()?.unwrap_or_default();
        let (file, source) = match side.get(OWN_FILE) {
            Some(bytes) => (OWN_FILE, Some(content::text(OWN_FILE, bytes)?.to_owned())),
            None => (CONFIG, named(&config["chat_template"])?),
        };
        // A token is its text, or an object with it.
        let token = |(name, value): (&String, &Value)| {
            let text = value.as_str().or_else(|| value["content"].as_str())?;
            name.ends_with("_token").then(|| (name.clone(), text.to_owned()))
        };
        let tokens = config.as_object().into_iter().flatten().filter_map(token).collect();
        Ok(source.map(|source| Self { file, source, tokens }))
    }

    /// The text that the model reads, up to where its answer begins.
    ///
    /// # Errors
    /// What the template itself objects to (two turns of the same role, a role that it does not know), or a template
    /// that cannot be read.
    pub fn render(&self, messages: &[Message]) -> Result<String> {
        let wrong = |error: JinjaError| {
            let line = error.line().map(|line| format!(" (line {line})")).unwrap_or_default();
            let what = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
            Error::format(self.file, format!("chat template{line}: {what}"))
        };
        let mut jinja = Environment::new();
        jinja.set_syntax(
            SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build().map_err(wrong)?,
        );
        jinja.set_fuel(Some(FUEL));
        jinja.set_undefined_behavior(UndefinedBehavior::Lenient);
        jinja.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        // Without the date (`strftime_now`) templates take one of their own: the same text every day.
        jinja.add_function("raise_exception", |text: String| -> std::result::Result<String, JinjaError> {
            Err(JinjaError::new(ErrorKind::InvalidOperation, text))
        });
        let template = jinja.template_from_str(&self.source).map_err(wrong)?;
        let turn = |message: &Message| {
            let content = Jinja::from(message.content.as_str());
            Jinja::from_pairs([("role", Jinja::from(message.role.name())), ("content", content)])
        };
        let turns: Vec<Jinja> = messages.iter().map(turn).collect();
        let tokens = self.tokens.iter().map(|(name, text)| (name.as_str(), Jinja::from(text.as_str())));
        let own = [("messages", Jinja::from(turns)), ("add_generation_prompt", Jinja::from(true))];
        template.render(Jinja::from_pairs(tokens.chain(own))).map_err(wrong)
    }

    /// The text of the token for the beginning, which some templates write themselves.
    pub(super) fn beginning(&self) -> Option<&str> {
        self.tokens.get("bos_token").map(String::as_str)
    }
}

fn named(value: &Value) -> Result<Option<String>> {
    let several = || {
        let list = value.as_array()?;
        let default = list.iter().find(|entry| entry["name"] == "default")?;
        default["template"].as_str().map(str::to_owned)
    };
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.clone())),
        _ => several().map(Some).ok_or_else(|| {
            let expected = "text, or a list with a template named `default`";
            Error::mismatch(format!("chat_template in {CONFIG}"), expected, value)
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::turns::Role;
    use super::*;

    fn of(config: &str) -> Result<Option<ChatTemplate>> {
        ChatTemplate::of(&BTreeMap::from([(CONFIG.to_owned(), config.as_bytes().to_vec())]))
    }

    fn user(content: &str) -> [Message; 1] {
        [Message { role: Role::User, content: content.into() }]
    }

    #[test]
    fn a_template_is_found_where_files_keep_it() {
        assert_eq!(of("{}").unwrap(), None);
        let one = of(
            r#"{"bos_token": {"content": "<s>"}, "chat_template": "{{ bos_token }}{{ messages[0].content }}>"}"#,
        );
        assert_eq!(one.unwrap().unwrap().render(&user("hi")).unwrap(), "<s>hi>");
        let several = of(
            r#"{"chat_template": [{"name": "tools", "template": "a"}, {"name": "default", "template": "b"}]}"#,
        );
        assert_eq!(several.unwrap().unwrap().render(&user("hi")).unwrap(), "b");
        let error = of(r#"{"chat_template": 3}"#).unwrap_err().to_string();
        assert!(error.contains("`default`") && error.contains('3'), "{error}");
        let mut side = BTreeMap::from([(CONFIG.to_owned(), br#"{"chat_template": "a"}"#.to_vec())]);
        side.insert(OWN_FILE.into(), b"own".to_vec());
        assert_eq!(ChatTemplate::of(&side).unwrap().unwrap().render(&user("hi")).unwrap(), "own");
    }

    #[test]
    fn what_a_template_objects_to_is_told() {
        let template =
            |text: &str| ChatTemplate { file: OWN_FILE, source: text.into(), tokens: BTreeMap::new() };
        let problem = |text: &str| template(text).render(&user("hi")).unwrap_err().to_string();
        let refused = problem("{{ raise_exception('Roles must alternate') }}");
        assert!(refused.contains("Roles must alternate") && refused.contains(OWN_FILE), "{refused}");
        assert!(problem("\n{% if %}").contains("line 2"));
        assert!(
            problem("{% for i in range(9999) %}{% for j in range(9999) %}x{% endfor %}{% endfor %}")
                .contains("fuel")
        );
    }
}
