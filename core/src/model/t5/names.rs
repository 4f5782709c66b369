//! Our paths and Hugging Face's names of the same tensors.

/// The Hugging Face name of a parameter, and whether it is stored transposed there (`[out, in]`).
///
/// `encoder.blocks.0.self_attention.q` is `encoder.block.0.layer.0.SelfAttention.q.weight`.
pub fn hugging_face(path: &str, gated: bool) -> Option<(String, bool)> {
    let parts: Vec<&str> = path.split('.').collect();
    Some(match parts.as_slice() {
        ["shared"] => ("shared.weight".into(), false),
        ["lm_head"] => ("lm_head.weight".into(), true),
        [stack, "relative_bias"] => {
            (format!("{stack}.block.0.layer.0.SelfAttention.relative_attention_bias.weight"), false)
        }
        [stack, "final_norm", "weight"] => (format!("{stack}.final_layer_norm.weight"), false),
        [stack, "blocks", block, rest @ ..] => {
            let (layer, transposed) = in_block(stack, rest, gated)?;
            (format!("{stack}.block.{block}.layer.{layer}.weight"), transposed)
        }
        _ => return None,
    })
}

fn in_block(stack: &str, rest: &[&str], gated: bool) -> Option<(String, bool)> {
    let last = if stack == "decoder" { 2 } else { 1 };
    Some(match rest {
        ["self_norm", "weight"] => ("0.layer_norm".into(), false),
        ["cross_norm", "weight"] => ("1.layer_norm".into(), false),
        ["ff_norm", "weight"] => (format!("{last}.layer_norm"), false),
        ["self_attention", part] => (format!("0.SelfAttention.{part}"), true),
        ["cross_attention", part] => (format!("1.EncDecAttention.{part}"), true),
        ["feed_forward", "wi_0"] if !gated => (format!("{last}.DenseReluDense.wi"), true),
        ["feed_forward", part] => (format!("{last}.DenseReluDense.{part}"), true),
        _ => return None,
    })
}

/// Names in older checkpoints that may go unused: the shared embedding a second and third time, and a bias of the
/// cross-attention that no layer adds.
pub const ALIASES: [&str; 3] = [
    "encoder.embed_tokens.weight",
    "decoder.embed_tokens.weight",
    "decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_hugging_face() {
        let name = |path| hugging_face(path, true).unwrap();
        assert_eq!(
            name("encoder.blocks.1.self_attention.q"),
            ("encoder.block.1.layer.0.SelfAttention.q.weight".into(), true)
        );
        assert_eq!(
            name("decoder.blocks.0.feed_forward.wi_0"),
            ("decoder.block.0.layer.2.DenseReluDense.wi_0.weight".into(), true)
        );
        assert_eq!(
            hugging_face("encoder.blocks.0.feed_forward.wi_0", false).unwrap().0,
            "encoder.block.0.layer.1.DenseReluDense.wi.weight"
        );
        assert_eq!(hugging_face("prompt.value", true), None);
    }
}
