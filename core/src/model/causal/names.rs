//! Our paths and Hugging Face's names of the same tensors, and the parts of tensors that hold several projections.

use std::ops::Range;

use super::config::{CausalConfig, Family};
use crate::model::path::{Component, Kind, NormKind, ParamPath};

/// The Hugging Face name of a parameter, and whether it is stored transposed there (`[out, in]`); `None` for a prompt
/// or an adapter, which are stored elsewhere. A projection that is a part of a larger tensor has its letter behind the
/// tensor's name, such as `transformer.h.0.attn.c_attn.weight[q]`.
///
/// `lm.decoder.blocks.0.self_attention.q.weight` is `model.layers.0.self_attn.q_proj.weight`.
pub fn hugging_face(path: &ParamPath, family: Family) -> Option<(String, bool)> {
    if path.is_adapter() {
        return None;
    }
    let module = module(path, family)?;
    let part = if path.bias { "bias" } else { "weight" };
    let letter = letter(path, family);
    // GPT-2's layers are stored as they are multiplied; its head is not.
    let stored_as_used = family == Family::Gpt2 && path.component != Component::Head;
    Some((format!("{module}.{part}{letter}"), path.is_linear() && !path.bias && !stored_as_used))
}

/// The name of the module that a parameter belongs to.
pub fn module(path: &ParamPath, family: Family) -> Option<String> {
    let (base, blocks) = match family {
        Family::Llama => ("model", "layers"),
        Family::Neox => ("gpt_neox", "layers"),
        Family::Gpt2 => ("transformer", "h"),
    };
    let name = match (path.component, family) {
        (Component::Embedding, Family::Llama) => "embed_tokens",
        (Component::Embedding, Family::Neox) => "embed_in",
        (Component::Embedding, Family::Gpt2) => "wte",
        (Component::Positions, Family::Gpt2) => "wpe",
        (Component::Head, _) => return Some(head(family).to_owned()),
        (Component::Norm(NormKind::Final), Family::Llama) => "norm",
        (Component::Norm(NormKind::Final), Family::Neox) => "final_layer_norm",
        (Component::Norm(NormKind::Final), Family::Gpt2) => "ln_f",
        _ => return Some(format!("{base}.{blocks}.{}.{}", path.layer?, in_block(path, family)?)),
    };
    Some(format!("{base}.{name}"))
}

/// The name of a linear layer: its module's, with a letter where that holds several, such as
/// `transformer.h.0.attn.c_attn[q]`.
pub fn layer(path: &ParamPath, family: Family) -> Option<String> {
    Some(module(path, family)? + &letter(path, family))
}

fn letter(path: &ParamPath, family: Family) -> String {
    match path.kind {
        Some(kind) if kind.is_attention() && kind != Kind::O && family != Family::Llama => {
            format!("[{}]", kind.name())
        }
        _ => String::new(),
    }
}

/// What the names of everything but the head begin with.
pub fn base(family: Family) -> &'static str {
    match family {
        Family::Llama => "model.",
        Family::Neox => "gpt_neox.",
        Family::Gpt2 => "transformer.",
    }
}

/// The head's module.
pub fn head(family: Family) -> &'static str {
    if family == Family::Neox { "embed_out" } else { "lm_head" }
}

fn in_block(path: &ParamPath, family: Family) -> Option<&'static str> {
    Some(match (family, path.component, path.kind) {
        (Family::Llama, Component::Norm(NormKind::SelfAttention), _) => "input_layernorm",
        (Family::Llama, Component::Norm(NormKind::FeedForward), _) => "post_attention_layernorm",
        (Family::Llama, Component::Norm(NormKind::Query), _) => "self_attn.q_norm",
        (Family::Llama, Component::Norm(NormKind::Key), _) => "self_attn.k_norm",
        (Family::Llama, _, Some(Kind::Q)) => "self_attn.q_proj",
        (Family::Llama, _, Some(Kind::K)) => "self_attn.k_proj",
        (Family::Llama, _, Some(Kind::V)) => "self_attn.v_proj",
        (Family::Llama, _, Some(Kind::O)) => "self_attn.o_proj",
        (Family::Llama, _, Some(Kind::Wi0)) => "mlp.gate_proj",
        (Family::Llama, _, Some(Kind::Wi1)) => "mlp.up_proj",
        (Family::Llama, _, Some(Kind::Wo)) => "mlp.down_proj",
        (Family::Neox, Component::Norm(NormKind::SelfAttention), _) => "input_layernorm",
        (Family::Neox, Component::Norm(NormKind::FeedForward), _) => "post_attention_layernorm",
        (Family::Neox, _, Some(Kind::Q | Kind::K | Kind::V)) => "attention.query_key_value",
        (Family::Neox, _, Some(Kind::O)) => "attention.dense",
        (Family::Neox, _, Some(Kind::Wi0)) => "mlp.dense_h_to_4h",
        (Family::Neox, _, Some(Kind::Wo)) => "mlp.dense_4h_to_h",
        (Family::Gpt2, Component::Norm(NormKind::SelfAttention), _) => "ln_1",
        (Family::Gpt2, Component::Norm(NormKind::FeedForward), _) => "ln_2",
        (Family::Gpt2, _, Some(Kind::Q | Kind::K | Kind::V)) => "attn.c_attn",
        (Family::Gpt2, _, Some(Kind::O)) => "attn.c_proj",
        (Family::Gpt2, _, Some(Kind::Wi0)) => "mlp.c_fc",
        (Family::Gpt2, _, Some(Kind::Wo)) => "mlp.c_proj",
        _ => return None,
    })
}

/// A tensor that holds queries, keys and values of a layer, and where each lies along one of its axes.
pub struct Fused {
    pub name: String,
    pub axis: usize,
    /// Each projection's letter and its ranges, in order.
    pub parts: [(Kind, Vec<Range<usize>>); 3],
}

impl Fused {
    /// The name of one part.
    pub fn part(&self, kind: Kind) -> String {
        format!("{}[{}]", self.name, kind.name())
    }

    /// What of a row along the axis belongs to one part.
    pub fn of_part<'a>(row: &'a [f32], ranges: &'a [Range<usize>]) -> impl Iterator<Item = &'a f32> {
        ranges.iter().flat_map(|range| &row[range.clone()])
    }

    /// How long the axis is.
    pub fn size(&self) -> usize {
        self.parts.iter().flat_map(|(_, ranges)| ranges).map(ExactSizeIterator::len).sum()
    }

    /// The fused tensors of a model: GPT-2 has queries, keys and values one after the other, GPT-NeoX within each head.
    pub fn all(config: &CausalConfig) -> Vec<Self> {
        let tensors = |layer: Self| {
            [("weight", true), ("bias", false)].map(|(part, is_matrix)| Self {
                name: format!("{}.{part}", layer.name),
                axis: usize::from(config.family == Family::Gpt2 && is_matrix),
                parts: layer.parts.clone(),
            })
        };
        Self::layers(config).into_iter().flat_map(tensors).collect()
    }

    /// The fused layers of a model, by the names of their modules; the axis is that of their outputs as LoRA stores it.
    pub fn layers(config: &CausalConfig) -> Vec<Self> {
        let (heads, head_dim) = (config.num_heads, config.head_dim);
        let inner = heads * head_dim;
        let of = |place: usize| -> Vec<Range<usize>> {
            match config.family {
                Family::Neox => (0..heads)
                    .map(|head| (3 * head + place) * head_dim..(3 * head + place + 1) * head_dim)
                    .collect(),
                _ => std::iter::once(place * inner..(place + 1) * inner).collect(),
            }
        };
        let fused = |layer: usize| {
            let name = match config.family {
                Family::Llama => return None,
                Family::Neox => format!("gpt_neox.layers.{layer}.attention.query_key_value"),
                Family::Gpt2 => format!("transformer.h.{layer}.attn.c_attn"),
            };
            Some(Self { name, axis: 1, parts: [(Kind::Q, of(0)), (Kind::K, of(1)), (Kind::V, of(2))] })
        };
        (0..config.num_layers).filter_map(fused).collect()
    }
}

/// Whether a tensor of older files is no weight: masks and frequencies that can be computed.
pub fn is_buffer(name: &str) -> bool {
    [".attn.bias", ".attn.masked_bias", ".attention.bias", ".attention.masked_bias", ".rotary_emb.inv_freq"]
        .iter()
        .any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_hugging_face() {
        let name = |path: &str, family| hugging_face(&ParamPath::known(path), family);
        let stored = |name: &str, transposed| Some((name.to_owned(), transposed));
        let q = "lm.decoder.blocks.1.self_attention.q.weight";
        assert_eq!(name(q, Family::Llama), stored("model.layers.1.self_attn.q_proj.weight", true));
        assert_eq!(
            name(q, Family::Neox),
            stored("gpt_neox.layers.1.attention.query_key_value.weight[q]", true)
        );
        assert_eq!(name(q, Family::Gpt2), stored("transformer.h.1.attn.c_attn.weight[q]", false));
        let bias = "lm.decoder.blocks.1.feed_forward.wo.bias";
        assert_eq!(name(bias, Family::Gpt2), stored("transformer.h.1.mlp.c_proj.bias", false));
        assert_eq!(name("lm.lm_head.weight", Family::Neox), stored("embed_out.weight", true));
        assert_eq!(name("lm.decoder.positions", Family::Gpt2), stored("transformer.wpe.weight", false));
        assert_eq!(name("lm.decoder.positions", Family::Llama), None);
        assert_eq!(name("prompt.value", Family::Llama), None);
        assert_eq!(name("lm.decoder.blocks.1.self_attention.q.lora.a", Family::Llama), None);
    }
}
