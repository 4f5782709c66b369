//! Decoding one token at a time: keys and values of what was decoded, and of the encoder's states, are kept.
//!
//! G hypotheses of one input (beams) share its encoder states: they become G queries of one row in the
//! cross-attention, so its keys and values are neither repeated nor reordered.

use burn::tensor::{Int, Tensor, TensorData};

use super::bias;
use super::stack::{Block, Stack};
use super::{T5, layers::Attention};
use crate::model::{Dropout, Encoded};

/// A value: `step` takes it and gives the next one's contents back in place.
#[derive(Clone, Debug)]
pub struct Cache {
    layers: Vec<LayerCache>,
    /// `[B, 1, 1, S]`
    padding: Tensor<4>,
    num_beams: usize,
    length: usize,
}

#[derive(Clone, Debug)]
struct LayerCache {
    /// `[B * G, H, t, d_kv]` once a token was decoded.
    self_attn: Option<(Tensor<4>, Tensor<4>)>,
    /// `[B, H, S, d_kv]`
    cross_attn: (Tensor<4>, Tensor<4>),
}

impl Cache {
    /// For `num_beams` hypotheses per input.
    pub(in crate::model) fn new(t5: &T5, encoded: &Encoded, num_beams: usize) -> Self {
        let layers = t5
            .decoder
            .blocks
            .iter()
            .map(|block| LayerCache {
                self_attn: None,
                cross_attn: block.cross().keys_values(encoded.hidden_states.clone()),
            })
            .collect();
        Self { layers, padding: bias::padding(encoded.mask.clone()), num_beams, length: 0 }
    }

    /// Row i of the next step continues what row `parents[i]` decoded.
    pub fn reorder_cache(&mut self, parents: &[usize]) {
        if parents.iter().enumerate().all(|(row, parent)| row == *parent) {
            return;
        }
        self.select_rows(parents);
    }

    /// Also where fewer rows remain than there were.
    fn select_rows(&mut self, parents: &[usize]) {
        for layer in &mut self.layers {
            if let Some((keys, values)) = layer.self_attn.take() {
                let index: Vec<i32> = parents.iter().map(|parent| *parent as i32).collect();
                let index =
                    Tensor::<1, Int>::from_data(TensorData::new(index, [parents.len()]), &keys.device());
                layer.self_attn = Some((keys.select(0, index.clone()), values.select(0, index)));
            }
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
        let index: Vec<i32> = inputs.iter().map(|input| *input as i32).collect();
        let index =
            Tensor::<1, Int>::from_data(TensorData::new(index, [inputs.len()]), &self.padding.device());
        for layer in &mut self.layers {
            let (keys, values) = layer.cross_attn.clone();
            layer.cross_attn = (keys.select(0, index.clone()), values.select(0, index.clone()));
        }
        self.padding = self.padding.clone().select(0, index);
    }

    /// Feeds one token a row, `ids` `[B * G, 1]`; gives its logits `[B * G, V]`.
    pub(in crate::model) fn step(&mut self, t5: &T5, ids: Tensor<2, Int>) -> Tensor<2> {
        let mut x = t5.embed_tokens(ids); // [B * G, 1, D]
        let rows = x.dims()[0];
        let stack: &Stack = &t5.decoder;
        let bias = stack.biases(self.length, 1, self.length + 1, None);
        for (block, layer) in stack.blocks.iter().zip(&mut self.layers) {
            x = step_self(block, x, &mut layer.self_attn, bias(block));
            x = step_cross(block, x, &layer.cross_attn, self.padding.clone(), self.num_beams);
            x = block.feed(x, &mut Dropout::off());
        }
        self.length += 1;
        t5.lm_head(stack.final_norm.forward(x)).reshape([rows, t5.vocab_size()])
    }
}

fn step_self(
    block: &Block,
    x: Tensor<3>,
    self_attn: &mut Option<(Tensor<4>, Tensor<4>)>,
    bias: Tensor<4>,
) -> Tensor<3> {
    let attention: &Attention = &block.self_attention;
    let normed = block.self_norm.forward(x.clone());
    let (mut keys, mut values) = attention.keys_values(normed.clone());
    if let Some((old_keys, old_values)) = self_attn.take() {
        keys = Tensor::cat(vec![old_keys, keys], 2);
        values = Tensor::cat(vec![old_values, values], 2);
    }
    *self_attn = Some((keys.clone(), values.clone()));
    x.add(attention.forward(normed, keys, values, bias, &mut Dropout::off()))
}

fn step_cross(
    block: &Block,
    x: Tensor<3>,
    cross_attn: &(Tensor<4>, Tensor<4>),
    padding: Tensor<4>,
    num_beams: usize,
) -> Tensor<3> {
    let [rows, _, width] = x.dims();
    let grouped = x.reshape([rows / num_beams, num_beams, width]); // G queries of one row
    let (keys, values) = cross_attn.clone();
    block.attend_cross(grouped, keys, values, padding, &mut Dropout::off()).reshape([rows, 1, width])
}
