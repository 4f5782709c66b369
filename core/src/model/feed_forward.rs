//! The feed-forward layer of a block.

use std::f64::consts::SQRT_2;

use burn::module::Module;
use burn::tensor::{Device, Tensor, activation};

use super::path::Kind;
use super::{Dropout, Linear, Site, nonlinear};

/// The feed-forward layer's non-linearity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    Relu,
    /// `x Phi(x)`, as GPT-NeoX uses.
    Gelu,
    /// The tanh form, as T5 1.1, mT5 and GPT-2 use.
    GeluTanh,
    Silu,
}

/// Sizes and form of a feed-forward layer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub d_model: usize,
    pub d_ff: usize,
    pub activation: Activation,
    /// Whether a second projection multiplies the inner layer.
    pub gated: bool,
    pub bias: bool,
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
    pub(super) fn new(shape: Shape, device: &Device) -> Self {
        let inner = || Linear::biased(shape.d_model, shape.d_ff, shape.bias, device);
        Self {
            wi_0: inner(),
            wi_1: shape.gated.then(inner),
            wo: Linear::biased(shape.d_ff, shape.d_model, shape.bias, device),
            activation: shape.activation,
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
            Activation::Gelu => gelu(inner),
            Activation::GeluTanh => nonlinear::gelu_tanh(inner),
            Activation::Silu => nonlinear::silu(inner),
        };
        let inner = match &self.wi_1 {
            Some(gate) => inner.mul(gate.forward(x)),
            None => inner,
        };
        self.wo.forward(dropout.along_rows(Site::FeedForward, inner))
    }
}

/// `x (1 + erf(x / sqrt(2))) / 2`.
fn gelu(x: Tensor<3>) -> Tensor<3> {
    let half = x.clone().mul_scalar(0.5);
    half.mul(x.mul_scalar(SQRT_2.recip()).erf().add_scalar(1.0))
}
