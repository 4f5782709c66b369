//! Mixout (Lee et al., 2020): at each step every input row of every linear layer is replaced by its pretrained value
//! with probability p, and the rest is corrected so that the expectation is theta:
//! `w = (m * theta + (1 - m) * theta_0 - p * theta_0) / (1 - p)` with `m ~ Bernoulli(1 - p)`. The gradient of theta is
//! that of w times `m / (1 - p)`. As in the authors' code one mask entry serves a whole input row of the matrix.

#[cfg(feature = "models")]
use burn::tensor::{Device, Tensor, TensorData};
#[cfg(feature = "models")]
use rand::Rng as _;

#[cfg(feature = "models")]
use super::{Ctx, Method, State};
use super::{MethodInfo, PromptUse, Training, float};
#[cfg(feature = "models")]
use crate::{
    error::Result,
    model::{Model, ParamPath, parameters},
    optim::Grads,
};

pub static INFO: MethodInfo = MethodInfo {
    name: "mixout",
    paper: "Lee et al., arXiv:1909.11299",
    summary: "fine-tuning with rows of the weights put back to the pretrained ones at random",
    params: &[float("p", 0.1, 0.0, 0.99, "probability of a row to be put back; 0 is plain fine-tuning")],
    neutral: Some(&[("p", 0.0)]),
    training: Training::Like("fine-tuning"),
    prompt: PromptUse::Keep,
    one_task: false,
    #[cfg(feature = "models")]
    build: |settings| Box::new(Mixout { p: settings.float("p") }),
};

#[cfg(feature = "models")]
const SLOT: &str = "mask";

#[cfg(feature = "models")]
struct Mixout {
    p: f64,
}

#[cfg(feature = "models")]
impl Mixout {
    /// `[d_in, 1]`: 1 where the trained row stays.
    fn mask(&self, path: &str, rows: usize, ctx: &Ctx, device: &Device) -> Tensor<2> {
        let mut rng = ctx.streams.stream(&format!("mixout/{}/{path}", ctx.step));
        let values: Vec<f32> =
            (0..rows).map(|_| if rng.random::<f64>() < self.p { 0.0 } else { 1.0 }).collect();
        Tensor::from_data(TensorData::new(values, [rows, 1]), device)
    }
}

#[cfg(feature = "models")]
impl Method for Mixout {
    fn forward_weights(&self, model: Model, state: &mut State, ctx: &Ctx) -> Result<Model> {
        if self.p == 0.0 {
            return Ok(model);
        }
        let device = ctx.start.device();
        let (now, start) = ctx.now_and_start(&model);
        let mut mixed = std::collections::BTreeMap::new();
        for (path, theta) in now.0.into_iter().filter(|(path, _)| ParamPath::known(path).is_projection()) {
            let Some(theta_0) = start.0.get(&path).cloned() else { continue };
            let mask = self.mask(&path, theta.dims()[0], ctx, &device);
            let kept = theta * mask.clone() + theta_0.clone() * mask.clone().neg().add_scalar(1.0 - self.p);
            mixed.insert(path.clone(), kept / (1.0 - self.p));
            state.tensors.insert(format!("{path}/{SLOT}"), mask);
        }
        Ok(parameters::replace(model, parameters::Weights(mixed)))
    }

    fn transform_gradients(&self, mut grads: Vec<Grads>, _: &Model, state: &mut State, _: &Ctx) -> Grads {
        let mut grads = grads.swap_remove(0);
        for (path, mask) in state.weights(SLOT).0 {
            if let Some(grad) = grads.0.remove(&path) {
                grads.0.insert(path, grad * mask / (1.0 - self.p));
            }
        }
        grads
    }
}
