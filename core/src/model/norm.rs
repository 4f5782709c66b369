//! Norms over the last dimension, with their statistics in f32 whatever the weights' type.

use burn::module::{Module, Param};
use burn::tensor::{DType, Device, Tensor};

use super::linear::vector;

/// The norm of a family.
#[derive(Module, Debug)]
pub enum Norm {
    Rms(RmsNorm),
    Layer(LayerNorm),
}

impl Norm {
    /// `[B, L, D]` to `[B, L, D]`.
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        match self {
            Self::Rms(norm) => norm.forward(x),
            Self::Layer(norm) => norm.forward(x),
        }
    }
}

/// `y = x / sqrt(mean(x^2) + eps) * weight`: no mean is taken off, no bias added.
#[derive(Module, Debug)]
pub struct RmsNorm {
    pub weight: Param<Tensor<1>>,
    epsilon: f64,
}

impl RmsNorm {
    pub(super) fn new(width: usize, epsilon: f64, device: &Device) -> Self {
        Self { weight: vector(width, 1.0, device), epsilon }
    }

    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let dtype = x.dtype();
        let x = x.cast(DType::F32); // nothing is done where it is f32 already
        let mean = x.clone().square().mean_dim(2); // [B, L, D] -> [B, L, 1]
        let scale = mean.add_scalar(self.epsilon).sqrt().recip();
        x.mul(scale).cast(dtype).mul(self.weight.val().unsqueeze::<3>())
    }
}

/// `y = (x - mean(x)) / sqrt(var(x) + eps) * weight + bias` (Ba et al., 2016).
#[derive(Module, Debug)]
pub struct LayerNorm {
    pub weight: Param<Tensor<1>>,
    pub bias: Param<Tensor<1>>,
    epsilon: f64,
}

impl LayerNorm {
    pub(super) fn new(width: usize, epsilon: f64, device: &Device) -> Self {
        Self { weight: vector(width, 1.0, device), bias: vector(width, 0.0, device), epsilon }
    }

    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let dtype = x.dtype();
        let x = x.cast(DType::F32);
        let x = x.clone().sub(x.mean_dim(2));
        let scale = x.clone().square().mean_dim(2).add_scalar(self.epsilon).sqrt().recip();
        let weight = self.weight.val().unsqueeze::<3>();
        x.mul(scale).cast(dtype).mul(weight).add(self.bias.val().unsqueeze::<3>())
    }
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

    #[test]
    fn a_layer_norm_takes_off_the_mean() {
        let norm = LayerNorm::new(2, 0.0, &Device::flex());
        let x = Tensor::<3>::from_floats([[[3.0, 7.0]]], &Device::flex());
        let values: Vec<f32> = norm.forward(x).into_data().try_to_vec().unwrap();
        assert_eq!(values, [-1.0, 1.0]);
    }
}
