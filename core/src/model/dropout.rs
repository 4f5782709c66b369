//! Dropout with masks drawn on the host from a named stream, so that a seed gives the same masks on every
//! device. As in T5X, one mask serves all positions of a row (Raffel et al.'s code shares masks along length).

use burn::tensor::{Device, Tensor, TensorData};
use rand::{RngCore, SeedableRng};

use crate::rng::Rng;

/// Where dropout acts in a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Site {
    /// The embedded input of a stack, prompt included.
    Embedding,
    /// Attention probabilities.
    Attention,
    /// Between the two projections of a feed-forward layer.
    FeedForward,
    /// What an attention or feed-forward layer adds to its input.
    Residual,
    /// The output of a stack.
    Final,
}

impl Site {
    pub const ALL: [Self; 5] =
        [Self::Embedding, Self::Attention, Self::FeedForward, Self::Residual, Self::Final];
}

/// A dropout rate for each site.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates([f64; Site::ALL.len()]);

impl Rates {
    /// The same rate everywhere.
    pub fn uniform(rate: f64) -> Self {
        Self([rate; Site::ALL.len()])
    }

    /// A rate for each site.
    pub fn by_site(rate: impl FnMut(Site) -> f64) -> Self {
        Self(Site::ALL.map(rate))
    }

    pub fn at(&self, site: Site) -> f64 {
        self.0[site as usize]
    }
}

/// Rates and the stream that masks come from; `Dropout::off()` passes everything through.
pub struct Dropout {
    rates: Rates,
    rng: Option<Rng>,
    /// The attention weights that have passed, where somebody wants to see them.
    attention: Option<Vec<Tensor<4>>>,
}

impl Dropout {
    pub fn off() -> Self {
        Self { rates: Rates::uniform(0.0), rng: None, attention: None }
    }

    /// Drops nothing and keeps all attention weights of the pass, for `kept_attention`.
    pub fn keeping_attention() -> Self {
        Self { attention: Some(Vec::new()), ..Self::off() }
    }

    pub(super) fn keeps_attention(&self) -> bool {
        self.attention.is_some()
    }

    /// Weights `[B, H, Q, L]` of every attention of the pass, in its order.
    pub fn kept_attention(self) -> Vec<Tensor<4>> {
        self.attention.unwrap_or_default()
    }

    /// A site whose rate is 0 draws nothing.
    ///
    /// # Panics
    /// Panics unless all rates are in [0, 1).
    pub fn new(rates: Rates, rng: Rng) -> Self {
        for rate in rates.0 {
            assert!((0.0..1.0).contains(&rate), "dropout rate: expected [0, 1), found {rate}");
        }
        Self { rates, rng: rates.0.iter().any(|rate| *rate > 0.0).then_some(rng), ..Self::off() }
    }

    /// The dropout of one of `parts` parts of a batch: itself where there is only one, else a stream of its own.
    pub fn fork(&mut self, parts: usize) -> Self {
        let rng = self
            .rng
            .as_mut()
            .map(|rng| if parts == 1 { rng.clone() } else { Rng::seed_from_u64(rng.next_u64()) });
        Self { rates: self.rates, rng, attention: None }
    }

    /// Zeroes a share of `x`, the site's rate, and scales the rest by `1 / (1 - rate)`.
    ///
    /// # Shapes
    /// `mask`: the shape of the drawn mask, each side equal to that of `x` or 1 (then shared along it).
    pub fn apply<const D: usize>(&mut self, site: Site, x: Tensor<D>, mask: [usize; D]) -> Tensor<D> {
        let rate = self.rates.at(site);
        match &mut self.rng {
            Some(rng) if rate > 0.0 => {
                let mask = draw(rate, mask, rng, &x.device());
                x.mul(mask)
            }
            _ => x,
        }
    }

    /// Attention weights `[B, H, Q, L]`, one mask for all queries of a head.
    pub(super) fn attention(&mut self, weights: Tensor<4>) -> Tensor<4> {
        if let Some(kept) = &mut self.attention {
            kept.push(weights.clone());
        }
        let [rows, heads, _, length] = weights.dims();
        self.apply(Site::Attention, weights, [rows, heads, 1, length])
    }

    /// One mask for all positions of a row: `x` is `[B, L, D]`.
    pub fn along_rows(&mut self, site: Site, x: Tensor<3>) -> Tensor<3> {
        let [rows, _, width] = x.dims();
        self.apply(site, x, [rows, 1, width])
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
        let mut dropout = Dropout::new(Rates::uniform(0.1), Streams::new(0).stream("dropout"));
        let x = Tensor::<3>::ones([4, 5, 1000], &device);
        let y = dropout.along_rows(Site::Residual, x);
        let mean: f32 = y.clone().mean().into_scalar();
        assert!((mean - 1.0).abs() < 0.03, "mean {mean}");
        let first = y.clone().slice([0..4, 0..1, 0..1000]).into_data();
        let last = y.slice([0..4, 4..5, 0..1000]).into_data();
        assert_eq!(first, last);
    }

    #[test]
    fn off_changes_nothing() {
        let x = Tensor::<3>::ones([2, 3, 4], &Device::flex());
        assert_eq!(Dropout::off().along_rows(Site::Residual, x.clone()).into_data(), x.into_data());
    }
    #[test]
    fn sites_have_their_own_rates_and_a_rate_of_zero_draws_nothing() {
        let x = || Tensor::<3>::ones([2, 3, 400], &Device::flex());
        let rates = Rates::by_site(|site| if site == Site::Residual { 0.5 } else { 0.0 });
        let new = || Dropout::new(rates, Streams::new(0).stream("dropout"));
        let (mut one, mut other) = (new(), new());
        assert_eq!(one.along_rows(Site::Embedding, x()).into_data(), x().into_data());
        let dropped = one.along_rows(Site::Residual, x()).into_data();
        assert_ne!(dropped, x().into_data());
        assert_eq!(other.along_rows(Site::Residual, x()).into_data(), dropped);
    }
}
