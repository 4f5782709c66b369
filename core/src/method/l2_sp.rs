//! L2-SP (Li et al., 2018): `lambda / 2 * |theta - theta_0|^2` is added to the loss, so `lambda * (theta - theta_0)` to
//! the gradient; theta_0 are the weights that the stage starts from. Unlike weight decay, which pulls to zero.

#[cfg(feature = "models")]
use super::{Ctx, Method, State};
use super::{MethodInfo, PromptUse, Training, float};
#[cfg(feature = "models")]
use crate::{model::Model, optim::Grads};

pub static INFO: MethodInfo = MethodInfo {
    name: "l2-sp",
    paper: "Li et al., arXiv:1802.01483",
    summary: "fine-tuning with a quadratic penalty on the distance from the pretrained weights",
    params: &[float("lambda", 0.01, 0.0, f64::INFINITY, "strength of the penalty; 0 is plain fine-tuning")],
    neutral: Some(&[("lambda", 0.0)]),
    training: Training::Like("fine-tuning"),
    prompt: PromptUse::Keep,
    one_task: false,
    #[cfg(feature = "models")]
    build: |settings| Box::new(L2Sp { lambda: settings.float("lambda") }),
};

#[cfg(feature = "models")]
struct L2Sp {
    lambda: f64,
}

#[cfg(feature = "models")]
impl Method for L2Sp {
    fn transform_gradients(&self, mut grads: Vec<Grads>, model: &Model, _: &mut State, ctx: &Ctx) -> Grads {
        let mut grads = grads.swap_remove(0);
        if self.lambda == 0.0 {
            return grads;
        }
        let (now, start) = ctx.now_and_start(model);
        for (path, grad) in &mut grads.0 {
            if let (Some(now), Some(start)) = (now.0.get(path), start.0.get(path)) {
                *grad = grad.clone() + (now.clone() - start.clone()) * self.lambda;
            }
        }
        grads
    }
}
