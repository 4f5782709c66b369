//! Rotary positions (Su et al., 2021): pairs of numbers of a query or key are turned by an angle that grows with the
//! position. Number i of the rotated part is paired with number i + half of its width, as in Hugging Face's models.

use std::f64::consts::TAU;

use burn::tensor::{Device, Tensor, TensorData};

/// Angles of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Rope {
    pub theta: f64,
    /// The first so many numbers of a head are rotated; even.
    pub width: usize,
    pub scaling: Scaling,
}

/// How a model is made to see further than it was first trained for.
#[derive(Clone, Debug, PartialEq)]
pub enum Scaling {
    None,
    /// Every frequency divided by `factor`.
    Linear {
        factor: f64,
    },
    /// Llama 3.1: low frequencies are divided by `factor`, high ones stay, those between are mixed. Low and high are
    /// wavelengths above `original / low` and below `original / high` positions.
    Llama3 {
        factor: f64,
        low: f64,
        high: f64,
        original: f64,
    },
}

/// Cosine and sine of every position and pair, each `[B or 1, 1, L, width]`.
#[derive(Clone, Debug)]
pub struct Angles {
    cos: Tensor<4>,
    sin: Tensor<4>,
}

impl Rope {
    /// The angle from one position to the next, of each pair.
    pub fn frequencies(&self) -> Vec<f32> {
        let pairs = self.width / 2;
        (0..pairs).map(|pair| self.scaled(self.theta.powf(-(pair as f64) / pairs as f64)) as f32).collect()
    }

    fn scaled(&self, frequency: f64) -> f64 {
        match self.scaling {
            Scaling::None => frequency,
            Scaling::Linear { factor } => frequency / factor,
            Scaling::Llama3 { factor, low, high, original } => {
                let wavelength = TAU / frequency;
                if wavelength > original / low {
                    frequency / factor
                } else if wavelength < original / high {
                    frequency
                } else {
                    let smooth = (original / wavelength - low) / (high - low);
                    (1.0 - smooth) * frequency / factor + smooth * frequency
                }
            }
        }
    }

    /// Of rows of positions: one row for all of a batch, or one each.
    ///
    /// # Panics
    /// Panics unless `positions` are rows of the given length.
    pub fn angles(&self, positions: &[usize], length: usize, device: &Device) -> Angles {
        let frequencies = self.frequencies();
        let mut cos = Vec::with_capacity(positions.len() * self.width);
        let mut sin = Vec::with_capacity(positions.len() * self.width);
        for position in positions {
            // The product in f32, as the reference has it; both halves turn by the same angles.
            let angles = || frequencies.iter().chain(&frequencies).map(|each| *position as f32 * each);
            cos.extend(angles().map(f32::cos));
            sin.extend(angles().map(f32::sin));
        }
        let shape = [positions.len() / length, 1, length, self.width];
        let tensor = |values: Vec<f32>| Tensor::from_data(TensorData::new(values, shape), device);
        Angles { cos: tensor(cos), sin: tensor(sin) }
    }
}

impl Angles {
    /// Turns queries or keys, `[B, H, L, K]`; numbers behind the rotated width stay.
    pub fn rotate(&self, x: Tensor<4>) -> Tensor<4> {
        let head = x.dims()[3];
        let width = self.cos.dims()[3];
        let part = |from: usize, to: usize| x.clone().narrow(3, from, to - from);
        let turned = Tensor::cat(vec![part(width / 2, width).neg(), part(0, width / 2)], 3);
        let rotated = part(0, width).mul(self.cos.clone()).add(turned.mul(self.sin.clone()));
        if width == head { rotated } else { Tensor::cat(vec![rotated, part(width, head)], 3) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rope(scaling: Scaling) -> Rope {
        Rope { theta: 10_000.0, width: 4, scaling }
    }

    #[test]
    fn frequencies_fall_from_one_and_scaling_slows_them() {
        assert_eq!(rope(Scaling::None).frequencies(), [1.0, 0.01]);
        assert_eq!(rope(Scaling::Linear { factor: 4.0 }).frequencies(), [0.25, 0.0025]);
        // Wavelengths 6.3 and 628: with 64 positions and limits of 16 and 64, the first stays and the second slows down.
        let llama = Scaling::Llama3 { factor: 8.0, low: 1.0, high: 4.0, original: 64.0 };
        assert_eq!(rope(llama).frequencies(), [1.0, 0.00125]);
    }

    #[test]
    fn a_pair_is_turned_by_its_angle() {
        let device = Device::flex();
        let x = Tensor::<4>::from_floats([[[[1.0, 0.0, 0.0, 2.0, 7.0]]]], &device);
        let angles = rope(Scaling::None).angles(&[3], 1, &device);
        let found: Vec<f32> = angles.rotate(x).into_data().try_to_vec().unwrap();
        let expected = [3f32.cos(), -2.0 * 0.03f32.sin(), 3f32.sin(), 2.0 * 0.03f32.cos(), 7.0];
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{found}, not {expected}");
        }
    }
}
