//! WiSE-FT (Wortsman et al., 2022): after fine-tuning, the weights are interpolated with those that the stage started
//! from, `theta_0 + alpha * (theta - theta_0)`. Checkpoints are chosen before the interpolation.

#[cfg(feature = "models")]
use super::{Ctx, Method, State};
use super::{MethodInfo, PromptUse, Training, float};
#[cfg(feature = "models")]
use crate::{error::Result, model::Model, model::parameters};

pub static INFO: MethodInfo = MethodInfo {
    name: "wise-ft",
    paper: "Wortsman et al., arXiv:2109.01903",
    summary: "fine-tuning, then interpolation with the pretrained weights",
    params: &[float("alpha", 0.5, 0.0, 1.0, "share of the fine-tuned weights: 0 pretrained, 1 fine-tuned")],
    neutral: Some(&[("alpha", 1.0)]),
    training: Training::Like("fine-tuning"),
    prompt: PromptUse::Keep,
    one_task: false,
    #[cfg(feature = "models")]
    build: |settings| Box::new(WiseFt { alpha: settings.float("alpha") }),
};

#[cfg(feature = "models")]
struct WiseFt {
    alpha: f64,
}

#[cfg(feature = "models")]
impl Method for WiseFt {
    fn finish(&self, model: Model, _: &State, ctx: &Ctx) -> Result<Model> {
        let (trained, start) = ctx.now_and_start(&model);
        Ok(parameters::replace(model, parameters::interpolate(&start, trained, self.alpha)))
    }
}
