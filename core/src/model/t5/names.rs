//! Our paths and Hugging Face's names of the same tensors.

use crate::model::path::{Component, Kind, NormKind, ParamPath, StackKind};

/// The Hugging Face name of a parameter, and whether it is stored transposed there (`[out, in]`); `None` for a prompt
/// or an adapter, which are stored elsewhere.
///
/// `lm.encoder.blocks.0.self_attention.q.weight` is `encoder.block.0.layer.0.SelfAttention.q.weight`.
pub fn hugging_face(path: &ParamPath, gated: bool) -> Option<(String, bool)> {
    if path.is_adapter() {
        return None;
    }
    let module = module(path, gated)?;
    Some((format!("{module}.weight"), path.is_linear()))
}

/// The name of the module that a parameter belongs to.
pub fn module(path: &ParamPath, gated: bool) -> Option<String> {
    Some(match path.component {
        Component::Prompt | Component::Positions => return None,
        Component::Embedding => "shared".to_owned(),
        Component::Head => "lm_head".to_owned(),
        component => {
            let stack = path.stack?;
            let place = if stack == StackKind::Decoder { "decoder" } else { "encoder" };
            match component {
                Component::RelativeBias => {
                    let layer = path.layer.unwrap_or(0);
                    format!("{place}.block.{layer}.layer.0.SelfAttention.relative_attention_bias")
                }
                Component::Norm(NormKind::Final) => format!("{place}.final_layer_norm"),
                _ => format!("{place}.block.{}.layer.{}", path.layer?, in_block(path, stack, gated)?),
            }
        }
    })
}

fn in_block(path: &ParamPath, stack: StackKind, gated: bool) -> Option<String> {
    let last = if stack == StackKind::Decoder { 2 } else { 1 };
    Some(match (path.component, path.kind) {
        (Component::Norm(NormKind::SelfAttention), _) => "0.layer_norm".to_owned(),
        (Component::Norm(NormKind::CrossAttention), _) => "1.layer_norm".to_owned(),
        (Component::Norm(NormKind::FeedForward), _) => format!("{last}.layer_norm"),
        (Component::SelfAttention, Some(kind)) => format!("0.SelfAttention.{}", kind.name()),
        (Component::CrossAttention, Some(kind)) => format!("1.EncDecAttention.{}", kind.name()),
        (Component::FeedForward, Some(Kind::Wi0)) if !gated => format!("{last}.DenseReluDense.wi"),
        (Component::FeedForward, Some(kind)) => format!("{last}.DenseReluDense.{}", kind.name()),
        _ => return None,
    })
}

/// The names of the one embedding table, the usual one first.
pub const EMBEDDINGS: [&str; 3] =
    ["shared.weight", "encoder.embed_tokens.weight", "decoder.embed_tokens.weight"];

/// Names in older checkpoints that may go unused: a bias of the cross-attention that no layer adds.
pub const UNUSED: [&str; 1] = ["decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_hugging_face() {
        let name = |path: &str, gated| hugging_face(&path.parse().unwrap(), gated);
        let stored = |name: &str| Some((name.to_owned(), true));
        assert_eq!(
            name("lm.encoder.blocks.1.self_attention.q.weight", true),
            stored("encoder.block.1.layer.0.SelfAttention.q.weight")
        );
        assert_eq!(
            name("lm.decoder.blocks.0.feed_forward.wi_0.weight", true),
            stored("decoder.block.0.layer.2.DenseReluDense.wi_0.weight")
        );
        assert_eq!(
            name("lm.encoder.blocks.0.feed_forward.wi_0.weight", false),
            stored("encoder.block.0.layer.1.DenseReluDense.wi.weight")
        );
        let bias =
            |layer| format!("decoder.block.{layer}.layer.0.SelfAttention.relative_attention_bias.weight");
        assert_eq!(name("lm.decoder.relative_bias", true), Some((bias(0), false)));
        assert_eq!(name("lm.decoder.blocks.3.relative_bias", true), Some((bias(3), false)));
        assert_eq!(name("lm.shared", true), Some(("shared.weight".to_owned(), false)));
        assert_eq!(name("prompt.value", true), None);
        assert_eq!(name("lm.encoder.blocks.1.self_attention.q.lora.a", true), None);
    }
}
