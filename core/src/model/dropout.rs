//! Dropout with masks drawn on the host from a named stream, so that a seed gives the same masks on every
//! device. As in T5X, one mask serves all positions of a row (Raffel et al.'s code shares masks along length).

use burn::tensor::{Device, Tensor, TensorData};
use rand::{RngCore, SeedableRng};

use crate::rng::Rng;

/// A rate and the stream its masks come from; `Dropout::off()` passes everything through.
pub struct Dropout {
    rate: f64,
    rng: Option<Rng>,
}

impl Dropout {
    pub fn off() -> Self {
        Self { rate: 0.0, rng: None }
    }

    /// # Panics
    /// Panics unless `rate` is in [0, 1).
    pub fn new(rate: f64, rng: Rng) -> Self {
        assert!((0.0..1.0).contains(&rate), "dropout rate: expected [0, 1), found {rate}");
        Self { rate, rng: (rate > 0.0).then_some(rng) }
    }

    /// The dropout of one of `parts` parts of a batch: itself where there is only one, else a stream of its own.
    pub fn fork(&mut self, parts: usize) -> Self {
        let rng = self
            .rng
            .as_mut()
            .map(|rng| if parts == 1 { rng.clone() } else { Rng::seed_from_u64(rng.next_u64()) });
        Self { rate: self.rate, rng }
    }

    /// Zeroes a share `rate` of `x` and scales the rest by `1 / (1 - rate)`.
    ///
    /// # Shapes
    /// `mask`: the shape of the drawn mask, each side equal to that of `x` or 1 (then shared along it).
    pub fn apply<const D: usize>(&mut self, x: Tensor<D>, mask: [usize; D]) -> Tensor<D> {
        match &mut self.rng {
            None => x,
            Some(rng) => {
                let mask = draw(self.rate, mask, rng, &x.device());
                x.mul(mask)
            }
        }
    }

    /// One mask for all positions of a row: `x` is `[B, L, D]`.
    pub fn along_rows(&mut self, x: Tensor<3>) -> Tensor<3> {
        let [rows, _, width] = x.dims();
        self.apply(x, [rows, 1, width])
    }
}

fn draw<const D: usize>(rate: f64, shape: [usize; D], rng: &mut Rng, device: &Device) -> Tensor<D> {
    let keep = (1.0 / (1.0 - rate)) as f32;
    let threshold = (rate * f64::from(u32::MAX)) as u32;
    let count = shape.iter().product();
    let values: Vec<f32> = (0..count).map(|_| if rng.next_u32() < threshold { 0.0 } else { keep }).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Streams;

    #[test]
    fn keeps_the_mean_and_shares_masks_along_length() {
        let device = Device::flex();
        let mut dropout = Dropout::new(0.1, Streams::new(0).stream("dropout"));
        let x = Tensor::<3>::ones([4, 5, 1000], &device);
        let y = dropout.along_rows(x);
        let mean: f32 = y.clone().mean().into_scalar();
        assert!((mean - 1.0).abs() < 0.03, "mean {mean}");
        let first = y.clone().slice([0..4, 0..1, 0..1000]).into_data();
        let last = y.slice([0..4, 4..5, 0..1000]).into_data();
        assert_eq!(first, last);
    }

    #[test]
    fn off_changes_nothing() {
        let x = Tensor::<3>::ones([2, 3, 4], &Device::flex());
        assert_eq!(Dropout::off().along_rows(x.clone()).into_data(), x.into_data());
    }
}
