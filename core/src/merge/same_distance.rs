//! The first model's change, shortened or lengthened to the length of the second's: `theta_0 + a * (theta_1 - theta_0)`
//! with `a = |theta_2 - theta_0| / |theta_1 - theta_0|` over all weights. A control: is a method better, or only closer
//! to the pretrained weights?

#[cfg(feature = "models")]
use burn::tensor::Tensor;

#[cfg(feature = "models")]
use super::info::Merge;
use super::info::MergeInfo;
#[cfg(feature = "models")]
use crate::model::parameters::Weights;

pub static INFO: MergeInfo = MergeInfo {
    name: "same-distance",
    paper: "a control; interpolation as in Wortsman et al., arXiv:2109.01903",
    summary: "pretrained weights plus the first model's change, as long as the second model's",
    params: &[],
    of_first: true,
    #[cfg(feature = "models")]
    build: |_| Box::new(SameDistance),
};

#[cfg(feature = "models")]
struct SameDistance;

#[cfg(feature = "models")]
impl Merge for SameDistance {
    fn merge(&self, pretrained: &Weights, finished: &[Weights]) -> Weights {
        let [first, rest @ ..] = finished else { return Weights::default() };
        let lengths = rest.first().and_then(|second| {
            Some((squared_distance(pretrained, second)?, squared_distance(pretrained, first)?))
        });
        let Some((wanted, own)) = lengths else { return first.clone() };
        // [1, 1]; of a model that did not move every share is the same.
        let share = (wanted / own.clamp_min(f32::MIN_POSITIVE)).sqrt();
        first.clone().map(|path, theta| {
            let start = pretrained.0[path].clone();
            start.clone() + (theta - start) * share.clone()
        })
    }
}

/// Summed squares of the change, [1, 1]; nothing where there are no weights.
#[cfg(feature = "models")]
fn squared_distance(start: &Weights, end: &Weights) -> Option<Tensor<2>> {
    let squares = end.0.iter().map(|(path, theta)| {
        let change = theta.clone() - start.0[path].clone();
        (change.clone() * change).sum().reshape([1, 1])
    });
    squares.reduce(|sum, square| sum + square)
}
