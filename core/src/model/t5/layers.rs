//! The layers of a T5 block.

use burn::module::{Module, Param, ParamId};
use burn::tensor::{DType, Device, Shape, Tensor, activation};

use super::config::{Activation, T5Config};
use crate::model::path::Kind;
use crate::model::{Dropout, Linear, Site};

/// `y = x / sqrt(mean(x^2) + eps) * weight` over the last dimension: no mean is taken off, no bias added.
/// Statistics are in f32 whatever the weights' type.
#[derive(Module, Debug)]
pub struct RmsNorm {
    pub weight: Param<Tensor<1>>,
    epsilon: f64,
}

impl RmsNorm {
    pub(super) fn new(config: &T5Config, device: &Device) -> Self {
        let width = config.d_model;
        let init = move |device: &Device, grad: bool| Tensor::ones([width], device).set_require_grad(grad);
        let weight = Param::uninitialized(ParamId::new(), init, device.clone(), true, Shape::new([width]));
        Self { weight, epsilon: config.layer_norm_epsilon }
    }

    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let dtype = x.dtype();
        let x = x.cast(DType::F32); // nothing is done where it is f32 already
        let mean = x.clone().square().mean_dim(2); // [B, L, D] -> [B, L, 1]
        let scale = mean.add_scalar(self.epsilon).sqrt().recip();
        x.mul(scale).cast(dtype).mul(self.weight.val().unsqueeze::<3>())
    }
}

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
        let scores = q.matmul(keys.transpose()).add(bias); // [B, H, Q, K]
        let [_, heads, _, length] = scores.dims();
        let weights =
            dropout.apply(Site::Attention, activation::softmax(scores, 3), [rows, heads, 1, length]);
        let mixed = weights.matmul(values).swap_dims(1, 2).reshape([rows, queries, heads * self.d_kv]);
        self.o.forward(mixed)
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

/// `wo(act(wi(x)))`, or gated `wo(act(wi_0(x)) * wi_1(x))` (Shazeer, 2020).
#[derive(Module, Debug)]
pub struct FeedForward {
    /// `wi`, or `wi_0` where gated.
    pub wi_0: Linear,
    pub wi_1: Option<Linear>,
    pub wo: Linear,
    #[module(skip)]
    activation: Activation,
}

impl FeedForward {
    pub(super) fn new(config: &T5Config, activation: Activation, gated: bool, device: &Device) -> Self {
        let inner = || Linear::zeros(config.d_model, config.d_ff, device);
        Self {
            wi_0: inner(),
            wi_1: gated.then(inner),
            wo: Linear::zeros(config.d_ff, config.d_model, device),
            activation,
        }
    }

    pub(super) fn for_each_linear(&mut self, visit: &mut dyn FnMut(Kind, &mut Linear)) {
        visit(Kind::Wi0, &mut self.wi_0);
        if let Some(gate) = &mut self.wi_1 {
            visit(Kind::Wi1, gate);
        }
        visit(Kind::Wo, &mut self.wo);
    }

    /// `[B, L, D]` to `[B, L, D]`.
    pub fn forward(&self, x: Tensor<3>, dropout: &mut Dropout) -> Tensor<3> {
        let inner = self.wi_0.forward(x.clone());
        let inner = match self.activation {
            Activation::Relu => activation::relu(inner),
            Activation::GeluTanh => gelu_tanh(inner),
            Activation::Silu => activation::silu(inner),
        };
        let inner = match &self.wi_1 {
            Some(gate) => inner.mul(gate.forward(x)),
            None => inner,
        };
        self.wo.forward(dropout.along_rows(Site::FeedForward, inner))
    }
}

/// The tanh form of GELU, written as `x * sigmoid(2 sqrt(2 / pi) (x + 0.044715 x^3))`: the same function with
/// fewer tensors than burn's, since `(1 + tanh(u)) / 2 = sigmoid(2 u)`.
fn gelu_tanh(x: Tensor<3>) -> Tensor<3> {
    const SCALE: f64 = 2.0 * 0.797_884_560_802_865_4; // 2 sqrt(2 / pi)
    let inner = x.clone().square().mul_scalar(0.044715 * SCALE).add_scalar(SCALE).mul(x.clone());
    x.mul(activation::sigmoid(inner))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_of_a_norm_are_in_f32() {
        let device = Device::flex();
        let weight = Param::from_tensor(Tensor::<1>::ones([8], &device).cast(DType::F16));
        let norm = RmsNorm { weight, epsilon: 1e-6 };
        // The square of 300 is no f16 number.
        let x = Tensor::<3>::full([1, 2, 8], 300.0, &device).cast(DType::F16);
        let y = norm.forward(x);
        assert_eq!(y.dtype(), DType::F16);
        let values: Vec<f32> = y.cast(DType::F32).into_data().try_to_vec().unwrap();
        assert!(values.iter().all(|value| (value - 1.0).abs() < 1e-3), "{values:?}");
    }
}
