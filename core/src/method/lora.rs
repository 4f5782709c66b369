//! LoRA (Hu et al., 2022): the model is frozen, and chosen linear layers get a trained low-rank term beside them,
//! `x W + (alpha / r) (x A) B` with `A [d_in, r]` random and `B [r, d_out]` zero, so that the first step starts from the
//! pretrained model exactly. Merged into the weights at the end, or left attached for the target alone, as ProMoT's
//! stage 1 would have it (Wang et al., Table 5).

#[cfg(feature = "models")]
use rand::Rng as _;

#[cfg(feature = "models")]
use super::{Ctx, Method, Moves, State};
use super::{MethodInfo, PromptUse, Training, flag, float, integer, words};
#[cfg(feature = "models")]
use crate::{
    error::{Error, Result},
    model::{Lora, Model, ParamPath},
};

/// The linear layers of a block that can be adapted.
const TARGETS: &[&str] = &["q", "k", "v", "o", "wi_0", "wi_1", "wo"];

pub static INFO: MethodInfo = MethodInfo {
    name: "lora",
    paper: "Hu et al., arXiv:2106.09685",
    summary: "low-rank adapters beside frozen weights",
    params: &[
        integer("rank", 8, 1, 4096, "inner dimension r of the adapters"),
        float("alpha", 8.0, 0.0, f64::INFINITY, "the adapters' output is scaled by alpha / rank"),
        words("targets", &["q", "v"], TARGETS, "linear layers that get an adapter"),
        flag(
            "merge",
            true,
            "add the adapters to the weights at the end; false keeps them attached for the target task and takes them \
             off for held-out tasks",
        ),
    ],
    neutral: None,
    training: Training::Like("fine-tuning"),
    prompt: PromptUse::Keep,
    one_task: false,
    #[cfg(feature = "models")]
    build: |settings| {
        let targets = settings.words("targets").to_vec();
        let (rank, alpha) = (settings.integer("rank"), settings.float("alpha"));
        Box::new(LoraMethod { rank, alpha, targets, merge: settings.flag("merge") })
    },
};

#[cfg(feature = "models")]
struct LoraMethod {
    rank: usize,
    alpha: f64,
    targets: Vec<&'static str>,
    merge: bool,
}

#[cfg(feature = "models")]
impl Method for LoraMethod {
    fn trainable(&self, path: &ParamPath) -> bool {
        path.is_adapter()
    }

    fn moves(&self) -> Moves {
        if self.merge { Moves::Weights } else { Moves::Attachment }
    }

    fn prepare(&self, model: Model, ctx: &Ctx) -> Result<Model> {
        if !model.adapters().0.is_empty() {
            let what = "the model of stage lora";
            return Err(Error::mismatch(what, "no adapter from an earlier stage", "one that stays attached"));
        }
        let device = model.device();
        let model = model.attach(&mut |path, [d_in, d_out]| {
            let kind = path.kind?.name();
            if !self.targets.contains(&kind) {
                return None;
            }
            // PEFT's initialisation: uniform within 1 / sqrt(d_in).
            let mut rng = ctx.streams.stream(&format!("lora/{path}"));
            let bound = (d_in as f32).sqrt().recip();
            let a = (0..d_in * self.rank).map(|_| rng.random_range(-bound..bound)).collect();
            let (b, scale) = (vec![0.0; self.rank * d_out], self.alpha / self.rank as f64);
            Some(
                Lora::from_values(a, b, [d_in, d_out], self.rank, scale, &device)
                    .expect("sizes of the layer"),
            )
        });
        Ok(model)
    }

    fn scored(&self, model: Model, _: &State, _: &Ctx) -> Result<Model> {
        Ok(if self.merge { model.merged() } else { model })
    }
}
