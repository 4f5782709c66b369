//! How likely the tokens of an answer are, and what else was likely in their places.

use promot_core::Result;
use promot_core::batch::TokenizedExample;
use promot_core::decode::{Scored, likeliest};

use super::engine::Engine;
use crate::protocol::{Answered, Likely, TokenPlace};

/// Likeliest tokens of each place.
const COUNT: usize = 5;

/// No place where the model is not there any more.
pub async fn weigh(engine: &Engine, answered: Answered) -> Result<Vec<TokenPlace>> {
    let Answered { input, column, prompt, mix, ids } = answered;
    let model = engine.models.borrow_mut().of_column(&column, prompt, mix);
    let Some(model) = model else { return Ok(Vec::new()) };
    let tokenizer = &engine.loaded.tokenizer;
    let row: TokenizedExample = (tokenizer.encode_input(&input)?, ids).into();
    let layout = engine.device.layout_for(&engine.loaded);
    let likely = |scored: &Scored| Likely {
        piece: tokenizer.token(scored.id).unwrap_or_default(),
        end: tokenizer.stops.contains(&scored.id),
        probability: scored.logprob.exp(),
    };
    let places = likeliest(&model, &row, &layout, COUNT).await?;
    let place = |place: promot_core::decode::Place| TokenPlace {
        token: likely(&place.token),
        likeliest: place.likeliest.iter().map(likely).collect(),
    };
    Ok(places.into_iter().map(place).collect())
}
