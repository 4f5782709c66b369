//! Layer-wise learning rate decay (Zhang et al., 2021): the rate falls by a factor from each block to the one below,
//! `rate * decay^depth`. Depth counts from the top: 0 is the head, 1 the decoder's last block, then on through the
//! decoder and the encoder, down to the embeddings, with which a stack's relative positions and final norm count as the
//! blocks next to them.

#[cfg(feature = "models")]
use super::{Ctx, Method};
use super::{MethodInfo, PromptUse, Training, float};
#[cfg(feature = "models")]
use crate::{
    model::ParamPath,
    model::path::{Component, NormKind, StackKind},
    optim::Group,
};

pub static INFO: MethodInfo = MethodInfo {
    name: "layerwise-decay",
    paper: "Zhang et al., arXiv:2006.05987",
    summary: "fine-tuning with smaller rates for lower layers",
    params: &[float(
        "decay",
        0.95,
        0.0,
        1.0,
        "factor of the rate from a block to the one below; 1 is plain fine-tuning",
    )],
    neutral: Some(&[("decay", 1.0)]),
    training: Training::Like("fine-tuning"),
    prompt: PromptUse::Keep,
    one_task: false,
    #[cfg(feature = "models")]
    build: |settings| Box::new(LayerwiseDecay { decay: settings.float("decay") }),
};

#[cfg(feature = "models")]
struct LayerwiseDecay {
    decay: f64,
}

#[cfg(feature = "models")]
impl Method for LayerwiseDecay {
    fn group(&self, path: &ParamPath, ctx: &Ctx) -> Group {
        let [encoder, decoder] =
            [StackKind::Encoder, StackKind::Decoder].map(|stack| ctx.start.num_blocks(stack));
        // Blocks from the bottom, the encoder's first: the embeddings are 0.
        let height = match (path.stack, path.layer, path.component) {
            (Some(StackKind::Encoder), Some(layer), _) => layer + 1,
            (Some(StackKind::Decoder), Some(layer), _) => encoder + layer + 1,
            (Some(StackKind::Encoder), None, Component::Norm(NormKind::Final)) => encoder,
            (Some(StackKind::Decoder), None, Component::Norm(NormKind::Final)) => encoder + decoder,
            (Some(StackKind::Encoder), None, _) => 1,
            (Some(StackKind::Decoder), None, _) => encoder + 1,
            (None, _, Component::Head) => encoder + decoder + 1,
            (None, ..) => 0,
        };
        let depth = (encoder + decoder + 1 - height) as i32;
        Group { rate: self.decay.powi(depth), ..Group::default() }
    }
}
