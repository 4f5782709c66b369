//! The layers of a T5 block. Linear weights are stored `[in, out]`; none has a bias.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, activation, module::linear};

use super::config::{Activation, T5Config};
use crate::model::Dropout;

pub(super) type Weight = Param<Tensor<2>>;

/// Weights whose values come later, from a checkpoint or an initialiser.
pub(super) fn weight(rows: usize, columns: usize, device: &Device) -> Weight {
    Param::from_tensor(Tensor::zeros([rows, columns], device))
}

/// `y = x / sqrt(mean(x^2) + eps) * weight` over the last dimension: no mean is taken off, no bias added.
/// Statistics are in f32 whatever the weights' type.
#[derive(Module, Debug)]
pub struct RmsNorm {
    pub weight: Param<Tensor<1>>,
    epsilon: f64,
}

impl RmsNorm {
    pub(super) fn new(config: &T5Config, device: &Device) -> Self {
        let weight = Param::from_tensor(Tensor::ones([config.d_model], device));
        Self { weight, epsilon: config.layer_norm_epsilon }
    }

    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let mean = x.clone().square().mean_dim(2); // [B, L, D] -> [B, L, 1]
        let scale = mean.add_scalar(self.epsilon).sqrt().recip();
        x.mul(scale).mul(self.weight.val().unsqueeze::<3>())
    }
}

/// Multi-head attention without the usual `1 / sqrt(K)`: T5 folds it into the initial weights.
#[derive(Module, Debug)]
pub struct Attention {
    pub q: Weight,
    pub k: Weight,
    pub v: Weight,
    pub o: Weight,
    n_heads: usize,
    d_kv: usize,
}

impl Attention {
    pub(super) fn new(config: &T5Config, device: &Device) -> Self {
        let inner = config.num_heads * config.d_kv;
        let project = || weight(config.d_model, inner, device);
        Self {
            q: project(),
            k: project(),
            v: project(),
            o: weight(inner, config.d_model, device),
            n_heads: config.num_heads,
            d_kv: config.d_kv,
        }
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
        let q = self.split(linear(x, self.q.val(), None));
        let scores = q.matmul(keys.transpose()).add(bias); // [B, H, Q, K]
        let [_, heads, _, length] = scores.dims();
        let weights = dropout.apply(activation::softmax(scores, 3), [rows, heads, 1, length]);
        let mixed = weights.matmul(values).swap_dims(1, 2).reshape([rows, queries, heads * self.d_kv]);
        linear(mixed, self.o.val(), None)
    }

    /// Keys and values of `x` `[B, L, D]`, each `[B, H, L, d_kv]`.
    pub fn keys_values(&self, x: Tensor<3>) -> (Tensor<4>, Tensor<4>) {
        let keys = self.split(linear(x.clone(), self.k.val(), None));
        (keys, self.split(linear(x, self.v.val(), None)))
    }

    fn split(&self, x: Tensor<3>) -> Tensor<4> {
        let [rows, length, _] = x.dims();
        x.reshape([rows, length, self.n_heads, self.d_kv]).swap_dims(1, 2)
    }
}

/// `wo(act(wi(x)))`, or gated `wo(act(wi_0(x)) * wi_1(x))` (Shazeer, 2020).
#[derive(Module, Debug)]
pub struct FeedForward {
    /// `wi`, or `wi_0` where gated.
    pub wi_0: Weight,
    pub wi_1: Option<Weight>,
    pub wo: Weight,
    #[module(skip)]
    activation: Activation,
}

impl FeedForward {
    pub(super) fn new(config: &T5Config, activation: Activation, gated: bool, device: &Device) -> Self {
        let inner = || weight(config.d_model, config.d_ff, device);
        Self {
            wi_0: inner(),
            wi_1: gated.then(inner),
            wo: weight(config.d_ff, config.d_model, device),
            activation,
        }
    }

    /// `[B, L, D]` to `[B, L, D]`.
    pub fn forward(&self, x: Tensor<3>, dropout: &mut Dropout) -> Tensor<3> {
        let inner = linear(x.clone(), self.wi_0.val(), None);
        let inner = match self.activation {
            Activation::Relu => activation::relu(inner),
            Activation::GeluTanh => gelu_tanh(inner),
            Activation::Silu => activation::silu(inner),
        };
        let inner = match &self.wi_1 {
            Some(gate) => inner.mul(linear(x, gate.val(), None)),
            None => inner,
        };
        linear(dropout.along_rows(inner), self.wo.val(), None)
    }
}

/// The tanh form of GELU, written as `x * sigmoid(2 sqrt(2 / pi) (x + 0.044715 x^3))`: the same function with
/// fewer tensors than burn's, since `(1 + tanh(u)) / 2 = sigmoid(2 u)`.
fn gelu_tanh(x: Tensor<3>) -> Tensor<3> {
    const SCALE: f64 = 2.0 * 0.797_884_560_802_865_4; // 2 sqrt(2 / pi)
    let inner = x.clone().square().mul_scalar(0.044715 * SCALE).add_scalar(SCALE).mul(x.clone());
    x.mul(activation::sigmoid(inner))
}
