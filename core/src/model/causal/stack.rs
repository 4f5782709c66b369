//! Blocks in order, with learned positions where a family has them.

use burn::module::{Module, Param};
use burn::tensor::{Device, Int, Tensor, TensorData, module::embedding};

use super::attention::{Attention, KeysValues};
use super::config::{CausalConfig, LayerNormKind, Positions};
use super::rope::{Angles, Rope};
use crate::model::feed_forward::{FeedForward, Shape};
use crate::model::linear::zeros;
use crate::model::norm::{LayerNorm, Norm, RmsNorm};
use crate::model::pass::{After, Pass};
use crate::model::path::{Component, Kind, ParamPath, StackKind};
use crate::model::{Dropout, Linear, Site};

/// All blocks of a model, each position seeing itself and those before it.
#[derive(Module, Debug)]
pub struct Stack {
    /// `[N, D]`: one vector for each of N positions; `None` where positions are rotary.
    pub positions: Option<Param<Tensor<2>>>,
    pub blocks: Vec<Block>,
    pub final_norm: Norm,
    #[module(skip)]
    rope: Option<Rope>,
}

/// Self-attention and feed-forward, each behind a norm and added to its input; with a parallel residual both read the
/// block's input.
#[derive(Module, Debug)]
pub struct Block {
    pub self_norm: Norm,
    pub self_attention: Attention,
    pub ff_norm: Norm,
    pub feed_forward: FeedForward,
    /// So many of the last positions are seen; `None` for all.
    #[module(skip)]
    pub(super) window: Option<usize>,
    parallel: bool,
}

impl Stack {
    pub(super) fn new(config: &CausalConfig, device: &Device) -> Self {
        let (positions, rope) = match &config.positions {
            Positions::Learned(count) => (Some(zeros(*count, config.d_model, device)), None),
            Positions::Rotary(rope) => (None, Some(rope.clone())),
        };
        Self {
            positions,
            blocks: (0..config.num_layers).map(|layer| Block::new(config, layer, device)).collect(),
            final_norm: norm(config, device),
            rope,
        }
    }

    pub(super) fn for_each_linear(&mut self, visit: &mut dyn FnMut(ParamPath, &mut Linear)) {
        for (layer, block) in self.blocks.iter_mut().enumerate() {
            let mut of = |component, kind, linear: &mut Linear| {
                let path = ParamPath::of(component);
                let stack = Some(StackKind::Decoder);
                visit(ParamPath { stack, layer: Some(layer), kind: Some(kind), ..path }, linear);
            };
            let visit = &mut |kind: Kind, linear: &mut Linear| of(Component::SelfAttention, kind, linear);
            block.self_attention.for_each_linear(visit);
            let visit = &mut |kind: Kind, linear: &mut Linear| of(Component::FeedForward, kind, linear);
            block.feed_forward.for_each_linear(visit);
        }
    }

    /// The positions that learned ones reach to; `None` where there is no end.
    pub(super) fn most_positions(&self) -> Option<usize> {
        self.positions.as_ref().map(|positions| positions.lazy_shape()[0])
    }

    /// Embeddings `[B, L, D]` with what tells their positions: rows of `positions`, one for all or one for each of B,
    /// and the angles for the blocks. Padding may stand behind the last learned position.
    pub(super) fn place(&self, embedded: Tensor<3>, positions: &[usize]) -> (Tensor<3>, Option<Angles>) {
        let (device, length) = (embedded.device(), embedded.dims()[1]);
        let angles = self.rope.as_ref().map(|rope| rope.angles(positions, length, &device));
        let Some(table) = &self.positions else { return (embedded, angles) };
        let last = table.lazy_shape()[0].saturating_sub(1);
        let ids: Vec<i32> = positions.iter().map(|position| (*position).min(last) as i32).collect();
        let ids = TensorData::new(ids, [positions.len() / length, length]);
        let ids = Tensor::<2, Int>::from_data(ids, &device);
        (embedded.add(embedding(table.val(), ids)), angles)
    }

    /// Hidden states `[B, T, D]` of the positions that are wanted, `T` for each of B rows, one row after the other; padding
    /// of a row stands on the right, so that no real position sees it. The last block computes the others' keys and values
    /// alone, unless somebody sees its states. `keep` gets every block's keys and values.
    pub(super) fn forward(
        &self,
        embedded: Tensor<3>,
        wanted: &[usize],
        pass: &mut Pass<'_>,
        keep: &mut dyn FnMut(KeysValues),
    ) -> Tensor<3> {
        let (device, [_, length, _]) = (embedded.device(), embedded.dims());
        let all: Vec<usize> = (0..length).collect();
        let wanted = Wanted::new(wanted, embedded.dims(), &device);
        let embedded = pass.hidden(StackKind::Decoder, After::Embedding, embedded);
        let (embedded, angles) = self.place(embedded, &all);
        let mut x = pass.dropout.along_rows(Site::Embedding, embedded);
        // Blocks of one window share a mask.
        let mut masks: Vec<(Option<usize>, Tensor<4>)> = Vec::new();
        let mut mask_of_all = |window: Option<usize>| match masks.iter().find(|(of, _)| *of == window) {
            Some((_, mask)) => mask.clone(),
            None => {
                let mask = causal(&all, length, length, window, &device);
                masks.push((window, mask.clone()));
                mask
            }
        };
        // Where the states of all positions are seen, or there is no block.
        let mut left = Some(&wanted);
        for (number, block) in self.blocks.iter().enumerate() {
            let only = if number + 1 == self.blocks.len() && !pass.is_watched() { left.take() } else { None };
            let (mask, query_angles) = match only {
                Some(Wanted { positions, each, .. }) => {
                    let angles = self.rope.as_ref().map(|rope| rope.angles(positions, *each, &device));
                    (causal(positions, *each, length, block.window, &device), angles)
                }
                None => (mask_of_all(block.window), angles.clone()),
            };
            let take = |x: Tensor<3>| pick(only, x);
            x = block.forward(x, &take, &mut pass.dropout, |attention, normed, dropout| {
                let own = attention.keys_values(normed.clone(), angles.as_ref());
                keep(own.clone());
                let q = attention.queries(take(normed), query_angles.as_ref());
                attention.attend(q, own, mask, dropout)
            });
            x = pass.hidden(StackKind::Decoder, After::Block(number), x);
        }
        let x = pass.hidden(StackKind::Decoder, After::Norm, self.final_norm.forward(x));
        let x = pick(left, x);
        pass.dropout.along_rows(Site::Final, x)
    }
}

/// Some positions of each row.
struct Wanted {
    positions: Vec<usize>,
    /// So many of each row.
    each: usize,
    /// Where they are when all rows' positions are counted.
    places: Tensor<1, Int>,
}

impl Wanted {
    fn new(positions: &[usize], [rows, length, _]: [usize; 3], device: &Device) -> Self {
        let each = positions.len() / rows;
        let place = |(at, position): (usize, &usize)| (at / each * length + position) as i32;
        let places: Vec<i32> = positions.iter().enumerate().map(place).collect();
        let places = Tensor::from_data(TensorData::new(places, [positions.len()]), device);
        Self { positions: positions.to_vec(), each, places }
    }
}

/// `[B, L, D]` to `[B, T, D]`, the positions that are wanted; `x` itself where `None`.
fn pick(wanted: Option<&Wanted>, x: Tensor<3>) -> Tensor<3> {
    let Some(wanted) = wanted else { return x };
    let [rows, length, width] = x.dims();
    x.reshape([rows * length, width]).select(0, wanted.places.clone()).reshape([rows, wanted.each, width])
}

impl Block {
    fn new(config: &CausalConfig, layer: usize, device: &Device) -> Self {
        let shape = Shape {
            d_model: config.d_model,
            d_ff: config.d_ff,
            activation: config.activation,
            gated: config.gated,
            bias: config.biases.feed_forward,
        };
        Self {
            self_norm: norm(config, device),
            self_attention: Attention::new(config, device),
            ff_norm: norm(config, device),
            feed_forward: FeedForward::new(shape, device),
            window: config.window(layer),
            parallel: config.parallel_residual,
        }
    }

    /// `attend` computes the attention of the normed input, for the positions that `take` takes.
    pub(super) fn forward(
        &self,
        x: Tensor<3>,
        take: &dyn Fn(Tensor<3>) -> Tensor<3>,
        dropout: &mut Dropout,
        attend: impl FnOnce(&Attention, Tensor<3>, &mut Dropout) -> Tensor<3>,
    ) -> Tensor<3> {
        let update = attend(&self.self_attention, self.self_norm.forward(x.clone()), dropout);
        let x = take(x);
        let after = x.clone().add(dropout.along_rows(Site::Residual, update));
        let input = if self.parallel { x } else { after.clone() };
        let update = self.feed_forward.forward(self.ff_norm.forward(input), dropout);
        after.add(dropout.along_rows(Site::Residual, update))
    }
}

fn norm(config: &CausalConfig, device: &Device) -> Norm {
    let (width, epsilon) = (config.d_model, config.norm_epsilon);
    match config.layer_norm {
        LayerNormKind::Rms => Norm::Rms(RmsNorm::new(width, epsilon, device)),
        LayerNormKind::Full => Norm::Layer(LayerNorm::new(width, epsilon, device)),
    }
}

/// What a masked position adds to a score: `exp` of it is 0 in f32, and it stays finite in sums.
pub(super) const MASKED: f32 = -1e9;

/// `[rows, 1, Q, L]`: 0 where the key is not after the query, and not before its window. `queries` are the positions of
/// one row for all of a batch, or of each, `each` a row.
fn causal(
    queries: &[usize],
    each: usize,
    length: usize,
    window: Option<usize>,
    device: &Device,
) -> Tensor<4> {
    let sees = |query: usize, key: usize| key <= query && window.is_none_or(|size| query - key < size);
    let values: Vec<f32> = queries
        .iter()
        .flat_map(|query| (0..length).map(move |key| if sees(*query, key) { 0.0 } else { MASKED }))
        .collect();
    Tensor::from_data(TensorData::new(values, [queries.len() / each, 1, each, length]), device)
}
