//! Blocks in order, with the relative position bias that a stack holds for all of them, or that each holds for itself.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

use super::bias::{self, Buckets};
use super::config::T5Config;
use super::layers::Attention;
use crate::error::Result;
use crate::model::feed_forward::{FeedForward, Shape};
use crate::model::linear::zeros;
use crate::model::norm::RmsNorm;
use crate::model::pass::{After, Pass};
use crate::model::path::{Component, Kind, ParamPath, StackKind};
use crate::model::{Dropout, Encoded, Linear, Site};

/// The encoder or the decoder.
#[derive(Module, Debug)]
pub struct Stack {
    /// `[buckets, H]`; `None` where each block has its own.
    pub relative_bias: Option<Param<Tensor<2>>>,
    pub blocks: Vec<Block>,
    pub final_norm: RmsNorm,
    #[module(skip)]
    pub(super) buckets: Buckets,
}

/// Self-attention, in the decoder cross-attention, and feed-forward; each behind a norm, added to its input.
#[derive(Module, Debug)]
pub struct Block {
    /// `[buckets, H]`, of umT5.
    pub relative_bias: Option<Param<Tensor<2>>>,
    pub self_norm: RmsNorm,
    pub self_attention: Attention,
    pub cross_norm: Option<RmsNorm>,
    pub cross_attention: Option<Attention>,
    pub ff_norm: RmsNorm,
    pub feed_forward: FeedForward,
}

impl Stack {
    pub(super) fn encoder(config: &T5Config, device: &Device) -> Result<Self> {
        Self::new(config, config.num_layers, true, device)
    }

    pub(super) fn decoder(config: &T5Config, device: &Device) -> Result<Self> {
        Self::new(config, config.decoder_layers(), false, device)
    }

    fn new(config: &T5Config, layers: usize, bidirectional: bool, device: &Device) -> Result<Self> {
        let buckets = Buckets {
            count: config.relative_attention_num_buckets,
            max_distance: config.relative_attention_max_distance,
            bidirectional,
        };
        let blocks =
            (0..layers).map(|_| Block::new(config, !bidirectional, device)).collect::<Result<_>>()?;
        Ok(Self {
            relative_bias: (!config.has_bias_in_each_block()).then(|| relative_bias(config, device)),
            blocks,
            final_norm: norm(config, device),
            buckets,
        })
    }

    pub(super) fn for_each_linear(
        &mut self,
        stack: StackKind,
        visit: &mut dyn FnMut(ParamPath, &mut Linear),
    ) {
        for (layer, block) in self.blocks.iter_mut().enumerate() {
            block.for_each_linear(&mut |component, kind, linear| {
                let path = ParamPath::of(component);
                visit(ParamPath { stack: Some(stack), layer: Some(layer), kind: Some(kind), ..path }, linear);
            });
        }
    }

    /// What each block adds to its scores, `[B or 1, H, queries, keys]`: its bias, and the mask.
    pub(super) fn biases(
        &self,
        first_query: usize,
        queries: usize,
        keys: usize,
        mask: Option<Tensor<4>>,
    ) -> impl Fn(&Block) -> Tensor<4> {
        let buckets = self.buckets;
        let of = move |table: &Param<Tensor<2>>| {
            let bias = buckets.bias(table.val(), first_query, queries, keys);
            match &mask {
                Some(mask) => bias.add(mask.clone()),
                None => bias,
            }
        };
        let shared = self.relative_bias.as_ref().map(&of);
        move |block| {
            let own = block.relative_bias.as_ref().map(&of);
            own.or_else(|| shared.clone()).expect("a bias in the stack or in each block")
        }
    }

    pub(super) fn encode(&self, embedded: Tensor<3>, mask: Tensor<2>, pass: &mut Pass<'_>) -> Tensor<3> {
        let [rows, length, width] = embedded.dims();
        let bias = self.biases(0, length, length, Some(bias::padding(mask)));
        let embedded = pass.hidden(StackKind::Encoder, After::Embedding, embedded);
        let mut x = pass.dropout.along_rows(Site::Embedding, embedded);
        for (number, block) in self.blocks.iter().enumerate() {
            x = block.attend_self(x, bias(block), &mut pass.dropout);
            x = block.feed(x, &mut pass.dropout);
            x = pass.hidden(StackKind::Encoder, After::Block(number), x);
        }
        let x = pass.hidden(StackKind::Encoder, After::Norm, self.final_norm.forward(x));
        pass.dropout.apply(Site::Final, x, [rows, length, width])
    }

    pub(super) fn decode(&self, embedded: Tensor<3>, encoded: &Encoded, pass: &mut Pass<'_>) -> Tensor<3> {
        let [_, length, _] = embedded.dims();
        let causal = bias::causal(length, &embedded.device());
        let bias = self.biases(0, length, length, Some(causal));
        let padding = bias::padding(encoded.mask.clone());
        let embedded = pass.hidden(StackKind::Decoder, After::Embedding, embedded);
        let mut x = pass.dropout.along_rows(Site::Embedding, embedded);
        for (number, block) in self.blocks.iter().enumerate() {
            x = block.attend_self(x, bias(block), &mut pass.dropout);
            let (keys, values) = block.cross().keys_values(encoded.hidden_states.clone());
            x = block.attend_cross(x, keys, values, padding.clone(), &mut pass.dropout);
            x = block.feed(x, &mut pass.dropout);
            x = pass.hidden(StackKind::Decoder, After::Block(number), x);
        }
        let x = pass.hidden(StackKind::Decoder, After::Norm, self.final_norm.forward(x));
        pass.dropout.along_rows(Site::Final, x)
    }
}

fn relative_bias(config: &T5Config, device: &Device) -> Param<Tensor<2>> {
    zeros(config.relative_attention_num_buckets, config.num_heads, device)
}

fn norm(config: &T5Config, device: &Device) -> RmsNorm {
    RmsNorm::new(config.d_model, config.layer_norm_epsilon, device)
}

impl Block {
    fn new(config: &T5Config, decoder: bool, device: &Device) -> Result<Self> {
        let (activation, gated) = config.activation()?;
        let shape = Shape { d_model: config.d_model, d_ff: config.d_ff, activation, gated, bias: false };
        Ok(Self {
            relative_bias: config.has_bias_in_each_block().then(|| relative_bias(config, device)),
            self_norm: norm(config, device),
            self_attention: Attention::new(config, device),
            cross_norm: decoder.then(|| norm(config, device)),
            cross_attention: decoder.then(|| Attention::new(config, device)),
            ff_norm: norm(config, device),
            feed_forward: FeedForward::new(shape, device),
        })
    }

    fn for_each_linear(&mut self, visit: &mut dyn FnMut(Component, Kind, &mut Linear)) {
        self.self_attention
            .for_each_linear(&mut |kind, linear| visit(Component::SelfAttention, kind, linear));
        if let Some(attention) = &mut self.cross_attention {
            attention.for_each_linear(&mut |kind, linear| visit(Component::CrossAttention, kind, linear));
        }
        self.feed_forward.for_each_linear(&mut |kind, linear| visit(Component::FeedForward, kind, linear));
    }

    /// # Panics
    /// Panics in an encoder block, which has no cross-attention.
    pub(super) fn cross(&self) -> &Attention {
        self.cross_attention.as_ref().expect("cross-attention is in decoder blocks only")
    }

    fn attend_self(&self, x: Tensor<3>, bias: Tensor<4>, dropout: &mut Dropout) -> Tensor<3> {
        let normed = self.self_norm.forward(x.clone());
        let (keys, values) = self.self_attention.keys_values(normed.clone());
        let update = self.self_attention.forward(normed, keys, values, bias, dropout);
        x.add(dropout.along_rows(Site::Residual, update))
    }

    pub(super) fn attend_cross(
        &self,
        x: Tensor<3>,
        keys: Tensor<4>,
        values: Tensor<4>,
        bias: Tensor<4>,
        dropout: &mut Dropout,
    ) -> Tensor<3> {
        let norm = self.cross_norm.as_ref().expect("a norm goes with the cross-attention");
        let update = self.cross().forward(norm.forward(x.clone()), keys, values, bias, dropout);
        x.add(dropout.along_rows(Site::Residual, update))
    }

    pub(super) fn feed(&self, x: Tensor<3>, dropout: &mut Dropout) -> Tensor<3> {
        let update = self.feed_forward.forward(self.ff_norm.forward(x.clone()), dropout);
        x.add(dropout.along_rows(Site::Residual, update))
    }
}
