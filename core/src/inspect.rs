//! What training left behind: how far weights have moved, layer by layer, which tokens the vectors of a soft prompt are
//! near to, and what a decoder attends to.

use std::collections::BTreeMap;

use burn::tensor::Tensor;
use serde::Serialize;

use crate::error::{Error, Result};
use crate::model::path::{Component, StackKind};
use crate::model::tensors::to_vec;
use crate::model::{Model, ParamPath, SoftPrompt, parameters};
use crate::tokenizer::Tokenizer;

mod attention;
mod components;
mod map;

pub use attention::{Attended, attended};
pub use map::{PromptMap, map};

/// Parameters that are told of together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// Input embeddings, learned positions and relative biases.
    Embedding,
    SelfAttention,
    CrossAttention,
    FeedForward,
    Norm,
    /// The output projection, where it is not the embedding.
    Head,
}

impl Part {
    pub const ALL: [(&str, Self); 6] = [
        ("embedding", Self::Embedding),
        ("self-attention", Self::SelfAttention),
        ("cross-attention", Self::CrossAttention),
        ("feed-forward", Self::FeedForward),
        ("norms", Self::Norm),
        ("head", Self::Head),
    ];

    /// As people read it.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, known)| *known == self).map_or("", |(name, _)| name)
    }

    fn of(path: &ParamPath) -> Option<Self> {
        match path.component {
            Component::SelfAttention => Some(Self::SelfAttention),
            Component::CrossAttention => Some(Self::CrossAttention),
            Component::FeedForward => Some(Self::FeedForward),
            Component::Norm(_) => Some(Self::Norm),
            Component::Embedding | Component::Positions | Component::RelativeBias => Some(Self::Embedding),
            Component::Head => Some(Self::Head),
            Component::Prompt => None,
        }
    }
}

/// The change of one part of one block, or of what lies outside of blocks.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Moved {
    /// "encoder" or "decoder"; none for what both share.
    pub stack: Option<&'static str>,
    /// The block's number from 0.
    pub layer: Option<usize>,
    pub part: Part,
    pub parameters: usize,
    /// Euclidean norm of the weights before.
    pub norm: f64,
    /// Euclidean norm of the difference.
    pub change: f64,
}

impl Moved {
    /// Where it is, as people read it: "decoder 3".
    pub fn place(&self) -> String {
        match (self.stack, self.layer) {
            (None, _) => "shared".to_owned(),
            (Some(stack), Some(layer)) => format!("{stack} {layer}"),
            (Some(stack), None) => format!("{stack}, outside of blocks"),
        }
    }

    /// The change as a share of the weights before.
    pub fn relative(&self) -> f64 {
        if self.norm > 0.0 { self.change / self.norm } else { 0.0 }
    }
}

type Place = (Option<StackKind>, Option<usize>, Part);

/// How far the weights of `after` are from those of `before`, without soft prompts and adapters: stack by stack and block by
/// block.
///
/// # Errors
/// Models whose parameters differ in name or shape.
pub async fn moved(before: &Model, after: &Model) -> Result<Vec<Moved>> {
    let weights = |model: &Model| parameters::read(model, &|path| path.is_weight()).0;
    let (before, mut after) = (weights(before), weights(after));
    let shape = |tensor: &Tensor<2>| format!("{:?}", tensor.dims());
    let (mut places, mut sums): (Vec<(Place, usize)>, Vec<Tensor<1>>) = (Vec::new(), Vec::new());
    for (name, one) in before {
        let other = after.remove(&name).filter(|other| other.dims() == one.dims()).ok_or_else(|| {
            Error::mismatch("the second model", format!("a parameter {name} of {}", shape(&one)), "none such")
        })?;
        let path: ParamPath = name.parse()?;
        let Some(part) = Part::of(&path) else { continue };
        places.push(((path.stack, path.layer, part), one.dims().iter().product()));
        sums.push(one.clone().powi_scalar(2).sum());
        sums.push((other - one).powi_scalar(2).sum());
    }
    if let Some(name) = after.keys().next() {
        return Err(Error::mismatch(
            "the second model",
            "the first one's parameters alone",
            format!("also {name}"),
        ));
    }
    // One reading for all of them.
    let sums = to_vec(Tensor::cat(sums, 0)).await?;
    let mut found: BTreeMap<Place, (usize, f64, f64)> = BTreeMap::new();
    for ((place, parameters), sums) in places.into_iter().zip(sums.chunks(2)) {
        let all = found.entry(place).or_default();
        *all = (all.0 + parameters, all.1 + f64::from(sums[0]), all.2 + f64::from(sums[1]));
    }
    let name =
        |stack: StackKind| StackKind::ALL.iter().find(|(_, known)| *known == stack).map(|(name, _)| *name);
    Ok(found
        .into_iter()
        .map(|((stack, layer, part), (parameters, norm, change))| Moved {
            stack: stack.and_then(name),
            layer,
            part,
            parameters,
            norm: norm.sqrt(),
            change: change.sqrt(),
        })
        .collect())
}

/// A token and how much its embedding points where a prompt's vector does.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Near {
    pub id: u32,
    /// As the vocabulary writes it.
    pub token: String,
    /// In [-1, 1].
    pub cosine: f64,
}

/// One vector of a soft prompt.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PromptVector {
    /// Its Euclidean length; those of embeddings have one of their own.
    pub norm: f64,
    /// The nearest first.
    pub near: Vec<Near>,
}

/// The nearest tokens of each vector of a soft prompt, by cosine, with the mean length of the model's embeddings. A vector
/// need not be near to any: cosines of 0.1 say that its tokens mean little.
///
/// # Errors
/// A prompt of another width than the model's.
pub async fn nearest(
    prompt: &SoftPrompt,
    model: &Model,
    tokenizer: &Tokenizer,
    count: usize,
) -> Result<(Vec<PromptVector>, f64)> {
    if prompt.width() != model.width() {
        return Err(Error::mismatch("soft prompt", format!("width {}", model.width()), prompt.width()));
    }
    let entries = model.vocab_size().min(tokenizer.vocab_size());
    let table = model.embedding().slice([0..entries, 0..model.width()]);
    let vectors = prompt.value.val().detach().to_device(&table.device());
    let lengths = |rows: &Tensor<2>| rows.clone().powi_scalar(2).sum_dim(1).sqrt();
    let unit = |rows: Tensor<2>, lengths: &Tensor<2>| rows / lengths.clone().clamp_min(1e-12);
    let (own, all) = (lengths(&vectors), lengths(&table));
    let cosines = unit(vectors, &own).matmul(unit(table, &all).transpose());
    let (norms, mean) = (to_vec(own).await?, to_vec(all.mean()).await?);
    let cosines = to_vec(cosines).await?;
    let near = |row: &[f32]| {
        let mut order: Vec<usize> = (0..row.len()).collect();
        let largest = |one: &usize, other: &usize| row[*other].total_cmp(&row[*one]).then(one.cmp(other));
        let kept = count.min(order.len());
        if kept > 0 && kept < order.len() {
            order.select_nth_unstable_by(kept - 1, largest);
        }
        order.truncate(kept);
        order.sort_by(largest);
        let near = |index: usize| {
            let id = u32::try_from(index).ok()?;
            Some(Near { id, token: tokenizer.token(id).unwrap_or_default(), cosine: f64::from(row[index]) })
        };
        order.into_iter().filter_map(near).collect()
    };
    let rows = cosines.chunks(entries.max(1)).zip(norms);
    let vectors = rows.map(|(row, norm)| PromptVector { norm: f64::from(norm), near: near(row) }).collect();
    Ok((vectors, mean.first().copied().map_or(0.0, f64::from)))
}
