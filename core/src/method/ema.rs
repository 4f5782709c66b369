//! Exponential moving average of the weights, begun at the pretrained ones, as momentum-based weight interpolation
//! (Stojanovski et al., 2022): after every step `slow <- decay * slow + (1 - decay) * theta`. The slow weights are
//! evaluated and are the result; the fast ones are trained on. The slow weights are state of the method.

#[cfg(feature = "models")]
use super::{Ctx, Method, State};
use super::{MethodInfo, PromptUse, Training, float};
#[cfg(feature = "models")]
use crate::{
    error::Result,
    model::parameters::{self, Weights},
    model::{Model, ParamPath},
};

pub static INFO: MethodInfo = MethodInfo {
    name: "ema",
    paper: "Stojanovski et al., arXiv:2211.03186",
    summary: "fine-tuning whose result is a moving average of the weights, begun at the pretrained ones",
    params: &[float(
        "decay",
        0.99,
        0.0,
        1.0,
        "share of the average kept at each step; 0 is plain fine-tuning",
    )],
    neutral: Some(&[("decay", 0.0)]),
    training: Training::Like("fine-tuning"),
    prompt: PromptUse::Keep,
    one_task: false,
    #[cfg(feature = "models")]
    build: |settings| Box::new(Ema { decay: settings.float("decay") }),
};

#[cfg(feature = "models")]
const SLOT: &str = "slow";

#[cfg(feature = "models")]
struct Ema {
    decay: f64,
}

#[cfg(feature = "models")]
impl Ema {
    fn slow(&self, state: &State, ctx: &Ctx) -> Weights {
        let slow = state.weights(SLOT);
        if slow.0.is_empty() {
            parameters::read(ctx.start, &|path: &ParamPath| path.is_weight())
        } else {
            slow
        }
    }
}

#[cfg(feature = "models")]
impl Method for Ema {
    fn after_step(&self, model: Model, state: &mut State, ctx: &Ctx) -> Model {
        let mut fast = parameters::read(&model, &|path| path.is_weight());
        let slow = self.slow(state, ctx).map(|path, slow| match (fast.0.remove(path), self.decay) {
            (Some(fast), 0.0) => fast,
            (Some(fast), decay) => slow * decay + fast * (1.0 - decay),
            (None, _) => slow,
        });
        state.set_weights(SLOT, slow);
        model
    }

    fn scored(&self, model: Model, state: &State, ctx: &Ctx) -> Result<Model> {
        Ok(parameters::replace(model, self.slow(state, ctx)))
    }
}
