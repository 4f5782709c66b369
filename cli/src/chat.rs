//! Inputs as turns of a chat.

use std::borrow::Cow;

use promot_core::Result;
use promot_core::tokenizer::{Message, Role, Tokenizer};

use crate::args::ChatArgs;

/// What the model reads of an input: the text itself, or the user's turn in the model's own template.
///
/// # Errors
/// A chat with a model that has no template, or whose template refuses the turns.
pub fn asked<'a>(args: &ChatArgs, tokenizer: &Tokenizer, input: &'a str) -> Result<Cow<'a, str>> {
    if !args.chat {
        return Ok(input.into());
    }
    let turn = |role, content: &str| Message { role, content: content.to_owned() };
    let system = args.system.iter().map(|text| turn(Role::System, text));
    let turns: Vec<Message> = system.chain([turn(Role::User, input)]).collect();
    Ok(tokenizer.chat(&turns)?.into())
}
