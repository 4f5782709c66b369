//! The attention layer of a T5 block.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::config::T5Config;
use crate::model::nonlinear::attend;
use crate::model::path::Kind;
use crate::model::{Dropout, Linear};

/// Multi-head attention without the usual `1 / sqrt(K)`: T5 folds it into the initial weights.
#[derive(Module, Debug)]
pub struct Attention {
    pub q: Linear,
    pub k: Linear,
    pub v: Linear,
    pub o: Linear,
    n_heads: usize,
    d_kv: usize,
}

impl Attention {
    pub(super) fn new(config: &T5Config, device: &Device) -> Self {
        let inner = config.num_heads * config.d_kv;
        let project = || Linear::zeros(config.d_model, inner, device);
        Self {
            q: project(),
            k: project(),
            v: project(),
            o: Linear::zeros(inner, config.d_model, device),
            n_heads: config.num_heads,
            d_kv: config.d_kv,
        }
    }

    pub(super) fn for_each_linear(&mut self, visit: &mut dyn FnMut(Kind, &mut Linear)) {
        visit(Kind::Q, &mut self.q);
        visit(Kind::K, &mut self.k);
        visit(Kind::V, &mut self.v);
        visit(Kind::O, &mut self.o);
    }

    /// # Shapes
    /// `x`: `[B, Q, D]`; `keys`, `values`: `[B, H, K, d_kv]`; `bias`: `[B or 1, H or 1, Q or 1, K]`, added to
    /// the scores; result `[B, Q, D]`.
    pub fn forward(
        &self,
        x: Tensor<3>,
        keys: Tensor<4>,
        values: Tensor<4>,
        bias: Tensor<4>,
        dropout: &mut Dropout,
    ) -> Tensor<3> {
        let [rows, queries, _] = x.dims();
        let q = self.split(self.q.forward(x));
        let scores = q.matmul(keys.transpose()); // [B, H, Q, K]
        let mixed = attend(scores, bias, dropout, |weights| weights.matmul(values));
        self.o.forward(mixed.swap_dims(1, 2).reshape([rows, queries, self.n_heads * self.d_kv]))
    }

    /// Keys and values of `x` `[B, L, D]`, each `[B, H, L, d_kv]`.
    pub fn keys_values(&self, x: Tensor<3>) -> (Tensor<4>, Tensor<4>) {
        let keys = self.split(self.k.forward(x.clone()));
        (keys, self.split(self.v.forward(x)))
    }

    fn split(&self, x: Tensor<3>) -> Tensor<4> {
        let [rows, length, _] = x.dims();
        x.reshape([rows, length, self.n_heads, self.d_kv]).swap_dims(1, 2)
    }
}
