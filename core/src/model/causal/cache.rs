//! Decoding one token at a time. The prefix, which is the soft prompt and the input, is computed once for each input,
//! and its keys and values are shared by all hypotheses of that input (beams): these become queries of one row, so that
//! nothing of the prefix is repeated or reordered.

use burn::tensor::{Int, Tensor, TensorData, activation};

use super::Causal;
use super::attention::{Attention, KeysValues};
use super::rope::Angles;
use super::stack::MASKED;
use crate::batch::Inputs;
use crate::model::{Dropout, Pass, SoftPrompt};

/// A value: `step` takes it and gives the next one's contents back in place.
#[derive(Clone, Debug)]
pub struct Cache {
    layers: Vec<LayerCache>,
    /// Real positions of each input's prefix, out of `width`.
    lengths: Vec<usize>,
    width: usize,
    num_beams: usize,
    /// Tokens decoded so far.
    decoded: usize,
    /// The prefix's own logits `[B, V]`, until the first step gives them.
    first: Option<Tensor<2>>,
}

#[derive(Clone, Debug)]
struct LayerCache {
    /// `[B, H_kv, P + S, K]`
    prefix: KeysValues,
    /// `[B * G, H_kv, t, K]` once a token was decoded.
    own: Option<KeysValues>,
}

impl Cache {
    /// For `num_beams` hypotheses per input.
    ///
    /// # Panics
    /// Panics if there is neither prompt nor input.
    pub(in crate::model) fn new(
        model: &Causal,
        prompt: Option<&SoftPrompt>,
        inputs: &Inputs,
        num_beams: usize,
    ) -> Self {
        let device = model.shared.val().device();
        let mut layers = Vec::with_capacity(model.decoder.blocks.len());
        let embedded = model.embed_behind(prompt, inputs.ids(&device));
        let mut keep = |prefix| layers.push(LayerCache { prefix, own: None });
        let length = prompt.map_or(0, SoftPrompt::length);
        let lengths: Vec<usize> = inputs.lengths().iter().map(|input| length + input).collect();
        let last = |length: &usize| length.checked_sub(1).expect("a prompt or an input before the answer");
        let last: Vec<usize> = lengths.iter().map(last).collect();
        let [rows, width, _] = embedded.dims();
        let last = model.decoder.forward(embedded, &last, &mut Pass::eval(), &mut keep);
        let first = model.lm_head(last).reshape([rows, model.vocab_size()]);
        Self { layers, lengths, width, num_beams, decoded: 0, first: Some(first) }
    }

    /// Row i of the next step continues what row `parents[i]` decoded.
    pub fn reorder_cache(&mut self, parents: &[usize]) {
        if parents.iter().enumerate().any(|(row, parent)| row != *parent) {
            self.select_rows(parents);
        }
    }

    /// Also where fewer rows remain than there were.
    fn select_rows(&mut self, parents: &[usize]) {
        for layer in &mut self.layers {
            layer.own = layer.own.take().map(|own| own.select(parents));
        }
    }

    /// Keeps only these inputs (all their hypotheses): finished ones need no more work.
    pub fn retain_inputs(&mut self, inputs: &[usize]) {
        let num_beams = self.num_beams;
        let rows: Vec<usize> = inputs
            .iter()
            .flat_map(|input| (0..num_beams).map(move |beam| input * num_beams + beam))
            .collect();
        self.select_rows(&rows);
        for layer in &mut self.layers {
            layer.prefix = layer.prefix.clone().select(inputs);
        }
        self.lengths = inputs.iter().map(|input| self.lengths[*input]).collect();
    }

    /// Feeds one token a row, `ids` `[B * G, 1]`; gives the logits of what may follow, `[B * G, V]`. The first step feeds
    /// nothing: it gives what may follow the prefix.
    pub(in crate::model) fn step(&mut self, model: &Causal, ids: Tensor<2, Int>) -> Tensor<2> {
        if let Some(first) = self.first.take() {
            let [inputs, vocabulary] = first.dims();
            let shape = [inputs, self.num_beams, vocabulary];
            let each = first.unsqueeze_dim::<3>(1).expand(shape);
            return each.reshape([inputs * self.num_beams, vocabulary]);
        }
        let of = |length: &usize| std::iter::repeat_n(length + self.decoded, self.num_beams);
        let positions: Vec<usize> = self.lengths.iter().flat_map(of).collect();
        let (mut x, angles) = model.decoder.place(model.embed_tokens(ids), &positions);
        self.decoded += 1;
        let view = View {
            lengths: &self.lengths,
            width: self.width,
            decoded: self.decoded,
            num_beams: self.num_beams,
        };
        let mut masks: Vec<(Option<usize>, Tensor<4>)> = Vec::new();
        for (block, layer) in model.decoder.blocks.iter().zip(&mut self.layers) {
            let mask = match masks.iter().find(|(window, _)| *window == block.window) {
                Some((_, mask)) => mask.clone(),
                None => {
                    let mask = view.mask(block.window, &x);
                    masks.push((block.window, mask.clone()));
                    mask
                }
            };
            x = block.forward(x, &|x| x, &mut Dropout::off(), |attention, normed, _| {
                step_attention(attention, normed, angles.as_ref(), layer, mask, view.num_beams)
            });
        }
        let rows = x.dims()[0];
        model.lm_head(model.decoder.final_norm.forward(x)).reshape([rows, model.vocab_size()])
    }
}

impl KeysValues {
    /// These rows, in this order.
    fn select(self, rows: &[usize]) -> Self {
        let index: Vec<i32> = rows.iter().map(|row| *row as i32).collect();
        let index = Tensor::<1, Int>::from_data(TensorData::new(index, [rows.len()]), &self.keys.device());
        Self { keys: self.keys.select(0, index.clone()), values: self.values.select(0, index) }
    }

    fn push(self, next: Self) -> Self {
        Self {
            keys: Tensor::cat(vec![self.keys, next.keys], 2),
            values: Tensor::cat(vec![self.values, next.values], 2),
        }
    }
}

/// What the token that is fed can see.
struct View<'a> {
    lengths: &'a [usize],
    width: usize,
    /// Decoded tokens, the present one included.
    decoded: usize,
    num_beams: usize,
}

impl View<'_> {
    /// `[B * G, 1, 1, P + S + t]`: 0 on the prefix's real positions and on decoded ones, as far as the window reaches.
    fn mask(&self, window: Option<usize>, like: &Tensor<3>) -> Tensor<4> {
        let (width, decoded) = (self.width, self.decoded);
        let mut values: Vec<f32> =
            Vec::with_capacity(self.lengths.len() * self.num_beams * (width + decoded));
        for length in self.lengths {
            let query = length + decoded - 1;
            let near = |position: usize| window.is_none_or(|size| query - position < size);
            let prefix = (0..width).map(|key| key < *length && near(key));
            let own = (0..decoded).map(|key| near(length + key));
            let row: Vec<f32> = prefix.chain(own).map(|sees| if sees { 0.0 } else { MASKED }).collect();
            (0..self.num_beams).for_each(|_| values.extend(&row));
        }
        let rows = self.lengths.len() * self.num_beams;
        Tensor::from_data(TensorData::new(values, [rows, 1, 1, width + decoded]), &like.device())
    }
}

/// Attention of one token a row over its input's prefix and what its hypothesis decoded: one softmax over both.
fn step_attention(
    attention: &Attention,
    normed: Tensor<3>,
    angles: Option<&Angles>,
    layer: &mut LayerCache,
    mask: Tensor<4>,
    num_beams: usize,
) -> Tensor<3> {
    let q = attention.queries(normed.clone(), angles);
    let next = attention.keys_values(normed, angles);
    let own = match layer.own.take() {
        Some(own) => own.push(next),
        None => next,
    };
    layer.own = Some(own.clone());
    let [rows, heads, _, head_dim] = q.dims();
    let inputs = rows / num_beams;
    // [B * G, H, 1, K] to [B, H, G, K] and back.
    let gather = |x: Tensor<4>| {
        let width = x.dims()[3];
        x.reshape([inputs, num_beams, heads, width]).swap_dims(1, 2)
    };
    let scatter = |x: Tensor<4>| {
        let width = x.dims()[3];
        x.swap_dims(1, 2).reshape([rows, heads, 1, width])
    };
    let prefix = layer.prefix.clone();
    let width = prefix.keys.dims()[2];
    let over_prefix = scatter(attention.scores(gather(q.clone()), prefix.keys));
    let over_own = attention.scores(q, own.keys);
    let decoded = over_own.dims()[3];
    let weights = activation::softmax(Tensor::cat(vec![over_prefix, over_own], 3).add(mask), 3);
    let prefix_weights = gather(weights.clone().narrow(3, 0, width));
    let own_weights = weights.narrow(3, width, decoded);
    let mixed = scatter(attention.mix(prefix_weights, prefix.values, num_beams));
    debug_assert_eq!(mixed.dims(), [rows, heads, 1, head_dim]);
    attention.output(mixed.add(attention.mix(own_weights, own.values, 1)))
}
