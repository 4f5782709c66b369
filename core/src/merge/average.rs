//! The uniform soup (Wortsman et al., 2022): the mean of the finished models' weights.

#[cfg(feature = "models")]
use super::info::Merge;
use super::info::MergeInfo;
#[cfg(feature = "models")]
use crate::model::parameters::Weights;

pub static INFO: MergeInfo = MergeInfo {
    name: "average",
    paper: "Wortsman et al., arXiv:2203.05482",
    summary: "mean of the weights of several finished models (uniform soup)",
    params: &[],
    of_first: false,
    #[cfg(feature = "models")]
    build: |_| Box::new(Average),
};

#[cfg(feature = "models")]
struct Average;

#[cfg(feature = "models")]
impl Merge for Average {
    fn merge(&self, _: &Weights, finished: &[Weights]) -> Weights {
        let [first, rest @ ..] = finished else { return Weights::default() };
        // Around the first model, so that a soup of copies is the copy to the bit.
        first.clone().map(|path, base| {
            let away = |other: &Weights| (other.0[path].clone() - base.clone()) / finished.len() as f64;
            rest.iter().map(away).fold(base.clone(), |sum, delta| sum + delta)
        })
    }
}
