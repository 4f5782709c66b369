//! What training left in a model, and what its decoder attends to.

use promot_core::Result;
use promot_core::batch::TokenizedExample;
use promot_core::inspect::{Moved, Near, Part, attended, map, moved, nearest};
use promot_core::model::Model;
use promot_core::report::distinct;

use super::engine::Engine;
use crate::column::RecipeName;
use crate::inspected::{Attention, Change, Inspected, Prompt, Vector};
use crate::protocol::Answered;

/// Nearest tokens that are told of each vector, and how many of them are on the map.
const NEAREST: usize = 5;
const MAPPED: usize = 2;

/// Nothing where the model is not there any more.
pub async fn inspect(engine: &Engine, recipe: &RecipeName) -> Result<Option<Inspected>> {
    let of = |recipe: RecipeName| engine.models.borrow_mut().of_column(&recipe.into(), true, 0.0);
    let (Some(before), Some(after)) = (of(RecipeName::pretrained()), of(recipe.clone())) else {
        return Ok(None);
    };
    let found = moved(&before, &after).await?;
    let kinds = Part::ALL.into_iter().filter(|(_, part)| found.iter().any(|row| row.part == *part));
    let change = |row: &Moved| Change {
        place: row.place(),
        kind: row.part.name().to_owned(),
        relative: row.relative(),
    };
    Ok(Some(Inspected {
        kinds: kinds.map(|(name, _)| name.to_owned()).collect(),
        changes: found.iter().map(change).collect(),
        adapter: !after.adapters().0.is_empty(),
        prompt: prompt(engine, &after).await?,
    }))
}

async fn prompt(engine: &Engine, model: &Model) -> Result<Option<Prompt>> {
    let Some(prompt) = &model.prompt else { return Ok(None) };
    let (vectors, embedding_norm) = nearest(prompt, model, &engine.loaded.tokenizer, NEAREST).await?;
    let mapped: Vec<&Near> =
        distinct(vectors.iter().flat_map(|vector| vector.near.iter().take(MAPPED).map(|near| near.id)))
            .into_iter()
            .filter_map(|id| vectors.iter().flat_map(|vector| &vector.near).find(|near| near.id == id))
            .collect();
    let ids: Vec<u32> = mapped.iter().map(|near| near.id).collect();
    let places = map(prompt, model, &ids).await?;
    let near = |near: &Near| (near.token.clone(), near.cosine);
    let vectors = vectors.iter().zip(places.vectors).map(|(vector, at)| Vector {
        norm: vector.norm,
        near: vector.near.iter().map(near).collect(),
        at,
    });
    Ok(Some(Prompt {
        vectors: vectors.collect(),
        embedding_norm,
        tokens: mapped.iter().map(|near| near.token.clone()).zip(places.tokens).collect(),
        explained: places.explained,
    }))
}

/// Nothing where the model is not there any more.
pub async fn attention(engine: &Engine, answered: Answered) -> Result<Option<Attention>> {
    let Answered { input, column, prompt, mix, ids } = answered;
    let model = engine.models.borrow_mut().of_column(&column, prompt, mix);
    let Some(model) = model else { return Ok(None) };
    let tokenizer = &engine.loaded.tokenizer;
    let row: TokenizedExample = (tokenizer.encode_input(&input)?, ids).into();
    let found = attended(&model, &row, &engine.device.layout_for(&engine.loaded)).await?;
    let pieces = |ids: &[u32]| ids.iter().map(|id| tokenizer.token(*id).unwrap_or_default()).collect();
    Ok(Some(Attention {
        prompt: found.prompt,
        input: pieces(&row.input),
        answer: pieces(&row.target),
        layers: found.layers,
    }))
}
