//! Component-wise gradient norm clipping (Yang and Ma, 2022): each parameter's gradient is scaled to a norm of at most
//! `max_norm` by itself, `g * min(1, c / |g|)`, where the usual clipping (`clip_norm`) scales all by one factor.

#[cfg(feature = "models")]
use super::{Ctx, Method, State};
use super::{MethodInfo, PromptUse, Training, float};
#[cfg(feature = "models")]
use crate::{model::Model, optim::Grads};

pub static INFO: MethodInfo = MethodInfo {
    name: "component-clipping",
    paper: "Yang and Ma, arXiv:2210.10325",
    summary: "fine-tuning with the gradient norm of each parameter clipped by itself",
    params: &[float("max_norm", 1.0, 1e-12, f64::INFINITY, "largest norm of one parameter's gradient")],
    neutral: Some(&[("max_norm", f64::INFINITY)]),
    training: Training::Like("fine-tuning"),
    prompt: PromptUse::Keep,
    one_task: false,
    #[cfg(feature = "models")]
    build: |settings| Box::new(ComponentClipping { max_norm: settings.float("max_norm") }),
};

#[cfg(feature = "models")]
struct ComponentClipping {
    max_norm: f64,
}

#[cfg(feature = "models")]
impl Method for ComponentClipping {
    fn transform_gradients(&self, mut grads: Vec<Grads>, _: &Model, _: &mut State, _: &Ctx) -> Grads {
        let mut grads = grads.swap_remove(0);
        if self.max_norm == f64::INFINITY {
            return grads;
        }
        for grad in grads.0.values_mut() {
            let norm = grad.clone().square().sum().sqrt();
            let scale = norm.clamp_min(self.max_norm).recip().mul_scalar(self.max_norm);
            *grad = grad.clone().mul(scale.reshape([1, 1]));
        }
        grads
    }
}
