//! Answers: each model gets the same question; greedy answers are streamed token by token.

use promot_core::decode::{Hypothesis, ModelDecoder, NextToken, SearchSettings, search};
use promot_core::model::Model;
use promot_core::spec::LengthPenalty;
use promot_core::{Error, Result};

use super::engine::Engine;
use super::messages::{fail, now, post, yield_now};
use crate::column::Column;
use crate::longest;
use crate::protocol::Event;

pub struct Question {
    pub id: u64,
    pub input: String,
    pub columns: Vec<Column>,
    pub prompt: bool,
    pub mix: f64,
    pub beams: usize,
    pub max_new: usize,
}

/// Upper limits of answer length and beam width: beyond these the user waits too long.
const MAX_NEW: usize = 256;
const MAX_BEAMS: usize = 8;

/// Require at least one token, as the presets do.
const MIN_NEW: usize = 1;

pub async fn ask(engine: &Engine, question: Question) {
    let id = question.id;
    match engine.loaded.tokenizer.encode_input(&question.input) {
        Ok(input) => match longest::refusal(input.len()) {
            Some(reason) => post(&Event::Refused { id, reason }),
            None => {
                let token = |id: &u32| engine.loaded.tokenizer.token(*id).unwrap_or_default();
                post(&Event::Seen { id, tokens: input.iter().map(token).collect() });
                ask_all(engine, &question, &input).await;
            }
        },
        Err(error) => fail(error.into()),
    }
    post(&Event::AskDone { id });
}

async fn ask_all(engine: &Engine, question: &Question, input: &[u32]) {
    for column in &question.columns {
        let model = engine.models.borrow_mut().of_column(column, question.prompt, question.mix);
        let Some(model) = model else { continue };
        let began = now();
        match answer(engine, &model, column, question, input).await {
            Ok((text, ids)) => {
                let (id, column, seconds) = (question.id, column.clone(), now() - began);
                post(&Event::Answer { id, column, text, ids, seconds });
            }
            Err(Error::Stopped { .. }) => break,
            Err(error) => {
                fail(error.into());
                break;
            }
        }
    }
}

async fn answer(
    engine: &Engine,
    model: &Model,
    column: &Column,
    question: &Question,
    input: &[u32],
) -> Result<(String, Vec<u32>)> {
    let tokenizer = &engine.loaded.tokenizer;
    let settings = SearchSettings {
        beams: question.beams.clamp(1, MAX_BEAMS),
        max_new_tokens: question.max_new.clamp(1, MAX_NEW),
        min_new_tokens: MIN_NEW,
        length_penalty: LengthPenalty::T5x,
        alpha: 0.6,
        decoder_start_id: engine.loaded.config.start(),
        eos: tokenizer.stops.clone(),
    };
    let layout = engine.device.layout_for(&engine.loaded);
    let inner = ModelDecoder::new(model, &[input], &layout, settings.beams);
    let mut streamed =
        Streamed { inner, engine, id: question.id, column, greedy: settings.beams == 1, tokens: Vec::new() };
    let found = search(&mut streamed, 1, &settings).await?;
    let best = found.into_iter().next().unwrap_or(Hypothesis { tokens: Vec::new(), score: 0.0 });
    Ok((tokenizer.decode(&best.tokens)?, best.tokens))
}

/// Between tokens, lets messages in, ends when the question was cancelled, and posts the answer so far if there is only
/// one.
struct Streamed<'a> {
    inner: ModelDecoder<'a>,
    engine: &'a Engine,
    id: u64,
    column: &'a Column,
    greedy: bool,
    /// The start token and the answer so far; used in greedy search alone.
    tokens: Vec<u32>,
}

impl NextToken for Streamed<'_> {
    async fn step(&mut self, tokens: &[u32]) -> Result<Vec<f32>> {
        if self.greedy {
            self.tokens.extend(tokens);
            let text = self.engine.loaded.tokenizer.decode(&self.tokens[1..])?;
            if !text.is_empty() {
                post(&Event::Partial { id: self.id, column: self.column.clone(), text });
            }
        }
        yield_now().await;
        if self.engine.inbox.ends(self.id) {
            return Err(Error::Stopped { step: self.tokens.len() });
        }
        self.inner.step(tokens).await
    }

    fn reorder_cache(&mut self, parents: &[usize]) {
        self.inner.reorder_cache(parents);
    }

    fn retain_inputs(&mut self, inputs: &[usize]) {
        self.inner.retain_inputs(inputs);
    }

    fn vocab_size(&self) -> usize {
        self.inner.vocab_size()
    }
}
