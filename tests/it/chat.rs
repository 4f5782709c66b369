//! Chat templates: the conversations of tests/golden/chat, and a task that asks in one.

use std::collections::BTreeMap;

use promot_core::data::Example;
use promot_core::model::folder::{self, TokenizerFile};
use promot_core::render::Renderer;
use promot_core::task::{Task, built_in};
use promot_core::tokenizer::{ChatTemplate, Message, Role, Tokenizer};
use serde_json::{Value, json};

use crate::golden;

/// A turn as the golden files have it.
pub fn message(said: &Value) -> Message {
    let role = match said["role"].as_str().unwrap() {
        "system" => Role::System,
        "user" => Role::User,
        "assistant" => Role::Assistant,
        other => panic!("no role is {other}"),
    };
    Message { role, content: said["content"].as_str().unwrap().to_owned() }
}

fn template(text: &str) -> ChatTemplate {
    let config = json!({ "bos_token": "<s>", "eos_token": { "content": "</s>" }, "chat_template": text });
    let side = BTreeMap::from([("tokenizer_config.json".to_owned(), config.to_string().into_bytes())]);
    ChatTemplate::of(&side).unwrap().unwrap()
}

#[test]
fn conversations_read_as_transformers_writes_them() {
    let golden = golden::json("chat/cases.json");
    let cases = golden["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 24);
    for case in cases {
        let of = |field: &str| case[field].as_str();
        let messages: Vec<Message> = case["messages"].as_array().unwrap().iter().map(message).collect();
        let text = golden["templates"][of("template").unwrap()].as_str().unwrap();
        let found = template(text).render(&messages).map_err(|error| error.to_string());
        let name = format!("{:?}, {:?}", of("template"), of("conversation"));
        match (of("text"), found) {
            (Some(text), found) => assert_eq!(found.as_deref(), Ok(text), "{name}"),
            (None, found) => {
                let error = found.expect_err(&name);
                assert!(error.contains(of("error").unwrap()), "{name}: {error}");
            }
        }
    }
}

/// A small decoder-only model's tokenizer, with this chat template.
fn tokenizer(chat: &str) -> Tokenizer {
    let file = TokenizerFile::Json(golden::bytes("causal/llama/tokenizer.json"));
    let mut side = BTreeMap::from([("chat_template.jinja".to_owned(), chat.as_bytes().to_vec())]);
    side.insert("tokenizer_config.json".into(), golden::bytes("causal/llama/tokenizer_config.json"));
    let config = folder::configuration(&golden::bytes("causal/llama/config.json"), &side).unwrap();
    folder::load_tokenizer(&file, &config, &side).unwrap()
}

#[test]
fn a_task_asks_in_the_models_own_template() {
    let text = "name = \"ask\"\nchat = true\ntemplate = \"{question}\"\ntarget = \"{answer}\"\nmetric = { exact-match = \"squad\" }\n\
                max_new_tokens = 8\n";
    let task = Task::from_toml(text, "ask.toml", built_in()).unwrap();
    let tokenizer =
        tokenizer("{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}[assistant]");
    let renderer = Renderer { task: &task, tokenizer: &tokenizer, shots: 1, max_input: 0 };
    let row = |question: &str, answer: &str| {
        Example::new([("question", question.into()), ("answer", answer.into())])
    };
    let (shot, asked) = (row("2 + 2?", "4"), row("3 + 3?", "6"));
    let found = renderer.render(&[&shot], &asked).unwrap();
    assert_eq!(found.text.input, "[user] 2 + 2?\n[assistant] 4\n[user] 3 + 3?\n[assistant]");
    assert_eq!(found.text.target, "6");
    assert_eq!(found.input, tokenizer.encode_input(&found.text.input).unwrap());
}

#[test]
fn a_beginning_that_the_template_writes_stands_there_once() {
    let begun = tokenizer("{{ bos_token }}{{ messages[0].content }}");
    let plain = tokenizer("{{ messages[0].content }}");
    let turn = [Message { role: Role::User, content: "one two".into() }];
    let (begun, plain) = (
        begun.encode_input(&begun.chat(&turn).unwrap()).unwrap(),
        plain.encode_input(&plain.chat(&turn).unwrap()).unwrap(),
    );
    assert_eq!(begun, plain);
}

#[test]
fn a_model_without_a_template_says_so() {
    let json = golden::bytes("causal/llama/tokenizer.json");
    let config = folder::configuration(&golden::bytes("causal/llama/config.json"), &BTreeMap::new()).unwrap();
    let tokenizer = folder::load_tokenizer(&TokenizerFile::Json(json), &config, &BTreeMap::new()).unwrap();
    let error = tokenizer.chat(&[]).unwrap_err().to_string();
    assert!(error.contains("chat_template.jinja") && error.contains("none"), "{error}");
}
