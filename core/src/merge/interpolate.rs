//! Interpolation with the pretrained weights (Wortsman et al., 2022, WiSE-FT) of one finished model, or of the mean
//! change of several (task arithmetic, Ilharco et al., 2023): `theta_0 + alpha * mean(theta_i - theta_0)`.

#[cfg(feature = "models")]
use super::info::Merge;
use super::info::MergeInfo;
use crate::method::float;
#[cfg(feature = "models")]
use crate::model::parameters::Weights;

pub static INFO: MergeInfo = MergeInfo {
    name: "interpolate",
    paper: "Wortsman et al., arXiv:2109.01903; Ilharco et al., arXiv:2212.04089",
    summary: "pretrained weights plus a share of the finished models' mean change",
    params: &[float(
        "alpha",
        0.5,
        0.0,
        f64::INFINITY,
        "share of the change: 0 pretrained, 1 the finished model",
    )],
    of_first: false,
    #[cfg(feature = "models")]
    build: |settings| Box::new(Interpolate { alpha: settings.float("alpha") }),
};

#[cfg(feature = "models")]
struct Interpolate {
    alpha: f64,
}

#[cfg(feature = "models")]
impl Merge for Interpolate {
    fn merge(&self, pretrained: &Weights, finished: &[Weights]) -> Weights {
        let [first, rest @ ..] = finished else { return Weights::default() };
        first.clone().map(|path, theta| {
            let start = pretrained.0[path].clone();
            // Exact at both ends.
            match (self.alpha, rest.is_empty()) {
                (0.0, _) => start,
                (1.0, true) => theta,
                _ => {
                    let sum = rest.iter().fold(theta - start.clone(), |sum, other| {
                        sum + (other.0[path].clone() - start.clone())
                    });
                    start + sum * (self.alpha / finished.len() as f64)
                }
            }
        })
    }
}
