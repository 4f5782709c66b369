//! Rotary positions (Su et al., 2021): pairs of numbers of a query or key are turned by an angle that grows with the
//! position. Number i of the rotated part is paired with number i + half of its width, as in Hugging Face's models.

use std::f64::consts::TAU;

use burn::tensor::{Device, Tensor, TensorData};

/// Angles of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Rope {
    pub theta: f64,
    /// Numbers of a head.
    pub head_dim: usize,
    /// The first so many of them are rotated; even.
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

/// Cosine and sine of every position and number of a head, each `[B or 1, L, 1, K]`: 1 and 0 behind the rotated width.
#[derive(Clone, Debug)]
pub struct Angles {
    cos: Tensor<4>,
    sin: Tensor<4>,
    /// `[K, K]`: what the sine multiplies is `x` times this, the other number of each pair with its sign.
    partners: Tensor<2>,
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
        let mut cos = Vec::with_capacity(positions.len() * self.head_dim);
        let mut sin = Vec::with_capacity(positions.len() * self.head_dim);
        let still = std::iter::repeat_n(0.0, self.head_dim - self.width);
        for position in positions {
            // The product in f32, as the reference has it; both halves turn by the same angles.
            let turning = frequencies.iter().chain(&frequencies).map(|each| *position as f32 * each);
            for angle in turning.chain(still.clone()) {
                cos.push(angle.cos());
                sin.push(angle.sin());
            }
        }
        let shape = [positions.len() / length, length, 1, self.head_dim];
        let tensor = |values: Vec<f32>| Tensor::from_data(TensorData::new(values, shape), device);
        Angles { cos: tensor(cos), sin: tensor(sin), partners: self.partners(device) }
    }

    /// Number i is minus the one half a width behind it, and that one is number i.
    fn partners(&self, device: &Device) -> Tensor<2> {
        let half = self.width / 2;
        let mut values = vec![0.0_f32; self.head_dim * self.head_dim];
        for number in 0..half {
            values[(number + half) * self.head_dim + number] = -1.0;
            values[number * self.head_dim + number + half] = 1.0;
        }
        Tensor::from_data(TensorData::new(values, [self.head_dim, self.head_dim]), device)
    }
}

impl Angles {
    /// Turns queries or keys, `[B, L, H, K]`; numbers behind the rotated width stay.
    pub fn rotate(&self, x: Tensor<4>) -> Tensor<4> {
        let shape = x.dims();
        let width = shape[3];
        // One product instead of cutting and joining, which are slow on the way back; exact, since each sum has one term.
        let partners = x.clone().reshape([-1, width as i32]).matmul(self.partners.clone()).reshape(shape);
        x.mul(self.cos.clone()).add(partners.mul(self.sin.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rope(scaling: Scaling) -> Rope {
        Rope { theta: 10_000.0, head_dim: 5, width: 4, scaling }
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
