//! Answers: the same question to each column, token by token.

use promot_core::decode::{Hypothesis, ModelDecoder, NextToken, SearchSettings, search};
use promot_core::model::Model;
use promot_core::spec::LengthPenalty;
use promot_core::{Error, Result};

use super::engine::Engine;
use super::messages::{breathe, fail, now, post};
use crate::protocol::{Column, Event};

pub struct Question {
    pub id: u64,
    pub input: String,
    pub columns: Vec<Column>,
    pub prompt: bool,
    pub beams: usize,
    pub max_new: usize,
}

/// Longest answer and widest search: beyond these a page waits too long.
const MAX_NEW: usize = 256;
const MAX_BEAMS: usize = 8;

/// As in the presets: nothing is no answer.
const MIN_NEW: usize = 1;

pub async fn ask(engine: &Engine, question: Question) {
    for column in &question.columns {
        let model = engine.columns.borrow().model(*column, question.prompt);
        let Some(model) = model else { continue };
        let began = now();
        match answer(engine, &model, *column, &question).await {
            Ok((text, tokens)) => {
                let (id, column, seconds) = (question.id, *column, now() - began);
                post(&Event::Answer { id, column, text, tokens, seconds });
            }
            Err(Error::Stopped { .. }) => break,
            Err(error) => {
                fail(error.to_string(), None, false);
                break;
            }
        }
    }
    post(&Event::AskDone { id: question.id });
}

async fn answer(
    engine: &Engine,
    model: &Model,
    column: Column,
    question: &Question,
) -> Result<(String, usize)> {
    let tokenizer = &engine.loaded.tokenizer;
    let input = tokenizer.encode(&question.input)?;
    let settings = SearchSettings {
        beams: question.beams.clamp(1, MAX_BEAMS),
        max_new: question.max_new.clamp(1, MAX_NEW),
        min_new: MIN_NEW,
        penalty: LengthPenalty::T5x,
        alpha: 0.6,
        start: engine.loaded.config.start(),
        eos: tokenizer.eos,
    };
    let multiple = engine.device.length_multiple;
    let inner = ModelDecoder::new(model, &[&input], tokenizer.pad, settings.beams, multiple);
    let mut streamed =
        Streamed { inner, engine, id: question.id, column, greedy: settings.beams == 1, tokens: Vec::new() };
    let found = search(&mut streamed, 1, &settings).await?;
    let best = found.into_iter().next().unwrap_or(Hypothesis { tokens: Vec::new(), score: 0.0 });
    Ok((tokenizer.decode(&best.tokens)?, best.tokens.len()))
}

/// A decoder that lets messages in before every token, ends when the question is no longer wanted, and tells the
/// answer so far where there is only one.
struct Streamed<'a> {
    inner: ModelDecoder<'a>,
    engine: &'a Engine,
    id: u64,
    column: Column,
    greedy: bool,
    /// What was fed after the start token: in greedy search, the answer.
    tokens: Vec<u32>,
}

impl NextToken for Streamed<'_> {
    async fn step(&mut self, tokens: &[u32]) -> Result<Vec<f32>> {
        if self.greedy {
            self.tokens.extend(tokens);
            let text = self.engine.loaded.tokenizer.decode(&self.tokens[1..])?;
            if !text.is_empty() {
                post(&Event::Partial { id: self.id, column: self.column, text });
            }
        }
        breathe().await;
        if self.engine.inbox.ends(self.id) {
            return Err(Error::Stopped { step: self.tokens.len() });
        }
        self.inner.step(tokens).await
    }

    fn reorder(&mut self, parents: &[usize]) {
        self.inner.reorder(parents);
    }

    fn keep_inputs(&mut self, inputs: &[usize]) {
        self.inner.keep_inputs(inputs);
    }

    fn vocab_size(&self) -> usize {
        self.inner.vocab_size()
    }
}
