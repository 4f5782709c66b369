//! The likeliest tokens at every place of a given target, teacher forced. They are selected on the device: a vocabulary is
//! never read back whole.

use burn::module::Module;
use burn::tensor::{Int, Tensor, activation};

use super::of_model::check_finite;
use crate::batch::{Batch, BatchLayout, TokenizedExample};
use crate::error::Result;
use crate::model::{Model, Pass, tensors};

/// One place of a target.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// The target's token there.
    pub token: Scored,
    /// The likeliest tokens there, the likeliest first.
    pub likeliest: Vec<Scored>,
}

/// A token and its log-probability in nats.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scored {
    pub id: u32,
    pub logprob: f64,
}

/// What stands in the place of a log-probability that was taken already.
const TAKEN: f32 = -1e30;

/// Every place of the row's target, with the `count` likeliest tokens there; fewer where the vocabulary has fewer.
///
/// # Errors
/// A row that is longer than the model reaches. Logits that are not finite.
pub async fn likeliest(
    model: &Model,
    row: &TokenizedExample,
    layout: &BatchLayout,
    count: usize,
) -> Result<Vec<Place>> {
    if row.target.is_empty() {
        return Ok(Vec::new());
    }
    let model = model.valid();
    model.check_length(None, (row.input.len() + row.target.len()).saturating_sub(1))?;
    let made = Batch::new(std::slice::from_ref(row), layout);
    let (device, width) = (model.device(), made.target_width());
    let logits = model.logits(&made, &mut Pass::eval());
    let vocabulary = model.vocab_size();
    let all = activation::log_softmax(logits, 2).reshape([width, vocabulary]); // [T, V]
    let chosen = all.clone().gather(1, made.target_ids(&device).reshape([width, 1])); // [T, 1]
    let chosen = tensors::to_vec(chosen).await?;
    let every = Tensor::<1, Int>::arange(0..vocabulary as i64, &device).reshape([1, vocabulary]);
    let mut places: Vec<Place> = (row.target.iter().zip(&chosen))
        .map(|(id, logprob)| Place { token: scored(*id, *logprob), likeliest: Vec::new() })
        .collect();
    let mut left = all;
    for _ in 0..count.min(vocabulary) {
        let (most, at) = left.clone().max_dim_with_indices(1); // [T, 1] each
        let taken = every.clone().expand([width, vocabulary]).equal(at.clone().expand([width, vocabulary]));
        left = left.mask_fill(taken, TAKEN);
        // Ids below 2^24 are whole numbers as floats, too.
        let (most, at) = (tensors::to_vec(most).await?, tensors::to_vec(at.float()).await?);
        check_finite("logits", &most)?;
        for (place, (id, logprob)) in places.iter_mut().zip(at.iter().zip(&most)) {
            place.likeliest.push(scored(*id as u32, *logprob));
        }
    }
    Ok(places)
}

fn scored(id: u32, logprob: f32) -> Scored {
    Scored { id, logprob: f64::from(logprob) }
}
