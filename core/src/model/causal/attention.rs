//! Causal attention with grouped heads of keys and values (Ainslie et al., 2023).

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::config::CausalConfig;
use super::rope::Angles;
use crate::model::nonlinear::attend;
use crate::model::norm::RmsNorm;
use crate::model::path::Kind;
use crate::model::{Dropout, Linear};

/// `H` heads of queries share `H_kv` heads of keys and values, each of them `H / H_kv` neighbours.
#[derive(Module, Debug)]
pub struct Attention {
    pub q: Linear,
    pub k: Linear,
    pub v: Linear,
    pub o: Linear,
    /// Norms of each head's queries and keys.
    pub q_norm: Option<RmsNorm>,
    pub k_norm: Option<RmsNorm>,
    n_heads: usize,
    n_kv_heads: usize,
    head_dim: usize,
}

/// What a layer keeps of positions: `[B, H_kv, L, K]` each.
#[derive(Clone, Debug)]
pub struct KeysValues {
    pub keys: Tensor<4>,
    pub values: Tensor<4>,
}

impl Attention {
    pub(super) fn new(config: &CausalConfig, device: &Device) -> Self {
        let head_dim = config.head_dim;
        let (inner, shared) = (config.num_heads * head_dim, config.num_kv_heads * head_dim);
        let project = |width| Linear::biased(config.d_model, width, config.biases.qkv, device);
        let norm = || config.qk_norm.then(|| RmsNorm::new(head_dim, config.norm_epsilon, device));
        Self {
            q: project(inner),
            k: project(shared),
            v: project(shared),
            o: Linear::biased(inner, config.d_model, config.biases.o, device),
            q_norm: norm(),
            k_norm: norm(),
            n_heads: config.num_heads,
            n_kv_heads: config.num_kv_heads,
            head_dim,
        }
    }

    pub(super) fn for_each_linear(&mut self, visit: &mut dyn FnMut(Kind, &mut Linear)) {
        visit(Kind::Q, &mut self.q);
        visit(Kind::K, &mut self.k);
        visit(Kind::V, &mut self.v);
        visit(Kind::O, &mut self.o);
    }

    /// Queries `[B, H, L, K]` of `x` `[B, L, D]`, scaled by `1 / sqrt(K)`.
    pub fn queries(&self, x: Tensor<3>, angles: Option<&Angles>) -> Tensor<4> {
        let q = self.split(self.q.forward(x), self.n_heads, self.q_norm.as_ref());
        let scale = (self.head_dim as f64).powf(-0.5);
        turned(q, angles).mul_scalar(scale).swap_dims(1, 2)
    }

    /// Keys and values of `x` `[B, L, D]`.
    pub fn keys_values(&self, x: Tensor<3>, angles: Option<&Angles>) -> KeysValues {
        let keys = self.split(self.k.forward(x.clone()), self.n_kv_heads, self.k_norm.as_ref());
        let values = self.split(self.v.forward(x), self.n_kv_heads, None);
        KeysValues { keys: turned(keys, angles).swap_dims(1, 2), values: values.swap_dims(1, 2) }
    }

    /// `[B, L, heads * K]` to `[B, L, heads, K]`.
    fn split(&self, x: Tensor<3>, heads: usize, norm: Option<&RmsNorm>) -> Tensor<4> {
        let [rows, length, _] = x.dims();
        let x = match norm {
            Some(norm) => norm.forward(x.reshape([rows, length * heads, self.head_dim])),
            None => x,
        };
        x.reshape([rows, length, heads, self.head_dim])
    }

    /// Attention over keys and values of the same rows.
    ///
    /// # Shapes
    /// `q`: `[B, H, Q, K]`; `mask`: `[B or 1, 1, Q, L]`, added to the scores; result `[B, Q, D]`.
    pub fn attend(
        &self,
        q: Tensor<4>,
        past: KeysValues,
        mask: Tensor<4>,
        dropout: &mut Dropout,
    ) -> Tensor<3> {
        let queries = q.dims()[2];
        let scores = self.scores(q, past.keys);
        self.output(attend(scores, mask, dropout, |weights| self.mix(weights, past.values, queries)))
    }

    /// `[B, H, Q, K]` and keys `[B, H_kv, L, K]` to `[B, H, Q, L]`: a head's queries and its neighbours' are queries of
    /// one head.
    pub(super) fn scores(&self, q: Tensor<4>, keys: Tensor<4>) -> Tensor<4> {
        let [rows, heads, queries, head_dim] = q.dims();
        let length = keys.dims()[2];
        let group = heads / self.n_kv_heads;
        q.reshape([rows, self.n_kv_heads, group * queries, head_dim])
            .matmul(keys.transpose())
            .reshape([rows, heads, queries, length])
    }

    /// Weights `[B, H, Q, L]` and values `[B, H_kv, L, K]` to `[B, H, Q, K]`.
    pub(super) fn mix(&self, weights: Tensor<4>, values: Tensor<4>, queries: usize) -> Tensor<4> {
        let [rows, heads, _, length] = weights.dims();
        let group = heads / self.n_kv_heads;
        weights.reshape([rows, self.n_kv_heads, group * queries, length]).matmul(values).reshape([
            rows,
            heads,
            queries,
            self.head_dim,
        ])
    }

    /// `[B, H, Q, K]` to `[B, Q, D]`.
    pub(super) fn output(&self, mixed: Tensor<4>) -> Tensor<3> {
        let [rows, heads, queries, head_dim] = mixed.dims();
        self.o.forward(mixed.swap_dims(1, 2).reshape([rows, queries, heads * head_dim]))
    }
}

fn turned(x: Tensor<4>, angles: Option<&Angles>) -> Tensor<4> {
    match angles {
        Some(angles) => angles.rotate(x),
        None => x,
    }
}
