//! The one projection of all linear layers, and the low-rank adapter that may be attached to it.

use burn::module::{Module, Param, ParamId};
use burn::tensor::{Device, Shape, Tensor, TensorData, module::linear};

use crate::error::{Error, Result};

/// `y = x W + b`, and `s (x A) B` beside it with an adapter attached. Most layers have no bias `b`.
#[derive(Module, Debug)]
pub struct Linear {
    /// `[d_in, d_out]`
    pub weight: Param<Tensor<2>>,
    /// `[d_out]`
    pub bias: Option<Param<Tensor<1>>>,
    pub lora: Option<Lora>,
}

/// A low-rank update of a weight (LoRA; Hu et al., 2022).
///
/// Not Burn's own: that one draws A from the device's generator, and computes with the dense `W + s A B`, whose
/// gradient is as large as W.
#[derive(Module, Debug)]
pub struct Lora {
    /// `[d_in, r]`
    pub a: Param<Tensor<2>>,
    /// `[r, d_out]`
    pub b: Param<Tensor<2>>,
    /// `alpha / r`
    pub scale: f64,
}

impl Linear {
    /// A weight of zeros, to be filled from a checkpoint or by an initialiser.
    pub fn zeros(d_in: usize, d_out: usize, device: &Device) -> Self {
        Self { weight: zeros(d_in, d_out, device), bias: None, lora: None }
    }

    /// The same with a bias of zeros, if `bias` is set.
    pub fn biased(d_in: usize, d_out: usize, bias: bool, device: &Device) -> Self {
        let bias = bias.then(|| vector(d_out, 0.0, device));
        Self { bias, ..Self::zeros(d_in, d_out, device) }
    }

    /// `[d_in, d_out]`
    pub fn dims(&self) -> [usize; 2] {
        let shape = self.weight.lazy_shape();
        [shape[0], shape[1]]
    }

    /// `[B, L, d_in]` to `[B, L, d_out]`.
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let bias = self.bias.as_ref().map(Param::val);
        match &self.lora {
            None => affine(x, self.weight.val(), bias),
            Some(lora) => affine(x.clone(), self.weight.val(), bias).add(lora.forward(x)),
        }
    }

    /// `W + s A B` as the weight, without the adapter.
    #[must_use]
    pub fn merged(mut self) -> Self {
        match self.lora.take() {
            Some(lora) => self.with_weight(|weight| weight.add(lora.delta().detach())),
            None => self,
        }
    }

    /// `(s * x) W + b` with the factors `[d_in]` in the weight.
    #[must_use]
    pub fn with_scaled_inputs(self, factors: Tensor<1>) -> Self {
        self.with_weight(|weight| weight.mul(factors.unsqueeze_dim(1)))
    }

    /// `s * (x W + b)` with the factors `[d_out]` in weight and bias.
    #[must_use]
    pub fn with_scaled_outputs(self, factors: Tensor<1>) -> Self {
        let scaled = self.with_weight(|weight| weight.mul(factors.clone().unsqueeze()));
        let bias = scaled.bias.map(|bias| {
            bias.map(|bias| {
                let requires_grad = bias.is_require_grad();
                bias.detach().mul(factors).set_require_grad(requires_grad)
            })
        });
        Self { bias, ..scaled }
    }

    /// With a weight made of its own, which is a new leaf of the graph.
    fn with_weight(self, make: impl FnOnce(Tensor<2>) -> Tensor<2>) -> Self {
        let weight = self.weight.map(|weight| {
            let requires_grad = weight.is_require_grad();
            make(weight.detach()).set_require_grad(requires_grad)
        });
        Self { weight, ..self }
    }
}

impl Lora {
    /// From the numbers of A `[d_in, r]` and B `[r, d_out]`, row after row.
    pub fn from_values(
        a: Vec<f32>,
        b: Vec<f32>,
        [d_in, d_out]: [usize; 2],
        rank: usize,
        scale: f64,
        device: &Device,
    ) -> Result<Self> {
        for (side, values, shape) in [("A", &a, [d_in, rank]), ("B", &b, [rank, d_out])] {
            if values.len() != shape[0] * shape[1] {
                return Err(Error::mismatch(
                    format!("matrix {side} of a LoRA adapter"),
                    format!("{shape:?} numbers"),
                    values.len(),
                ));
            }
        }
        let param =
            |values, shape| Param::from_tensor(Tensor::from_data(TensorData::new(values, shape), device));
        Ok(Self { a: param(a, [d_in, rank]), b: param(b, [rank, d_out]), scale })
    }

    pub fn rank(&self) -> usize {
        self.a.lazy_shape()[1]
    }

    /// `[d_in, d_out]` of the layer that it fits.
    pub fn dims(&self) -> [usize; 2] {
        [self.a.lazy_shape()[0], self.b.lazy_shape()[1]]
    }

    /// `s (x A) B`: `[B, L, d_in]` to `[B, L, d_out]`.
    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        project(project(x, self.a.val()).mul_scalar(self.scale), self.b.val())
    }

    /// `s A B`, `[d_in, d_out]`.
    pub fn delta(&self) -> Tensor<2> {
        self.a.val().mul_scalar(self.scale).matmul(self.b.val())
    }
}

/// `x W`: `[B, L, d_in]` and `[d_in, d_out]` to `[B, L, d_out]`.
pub fn project(x: Tensor<3>, weight: Tensor<2>) -> Tensor<3> {
    affine(x, weight, None)
}

/// `x W + b` as one product of matrices: of `[B, L, d_in]`, Burn's `linear` makes B products, forwards and backwards, and
/// the CPU brings the weight into its own order for each.
fn affine(x: Tensor<3>, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<3> {
    let [rows, length, d_in] = x.dims();
    let d_out = weight.dims()[1];
    linear(x.reshape([rows * length, d_in]), weight, bias).reshape([rows, length, d_out])
}

/// A matrix of zeros that takes memory when it is first used: what a checkpoint or an initialiser fills never does.
pub(super) fn zeros(rows: usize, columns: usize, device: &Device) -> Param<Tensor<2>> {
    let init =
        move |device: &Device, grad: bool| Tensor::zeros([rows, columns], device).set_require_grad(grad);
    Param::uninitialized(ParamId::new(), init, device.clone(), true, Shape::new([rows, columns]))
}

/// A vector of equal numbers, in the same way.
pub(super) fn vector(length: usize, value: f64, device: &Device) -> Param<Tensor<1>> {
    let init =
        move |device: &Device, grad: bool| Tensor::full([length], value, device).set_require_grad(grad);
    Param::uninitialized(ParamId::new(), init, device.clone(), true, Shape::new([length]))
}
