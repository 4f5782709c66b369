//! Sizes and names of a model in a GGUF file, as `config.json` and the tensors of a folder have them. The names are those
//! of llama.cpp's `gguf-py` (`constants.py`).

use serde_json::{Map, Value, json};

use super::said::{SPECIAL, Said};
use crate::error::{Error, Result};
use crate::model::causal::rope::{Rope, Scaling};

/// `general.architecture`, which is a folder's `model_type` as well, and the model's class there.
const ARCHITECTURES: [(&str, &str); 3] =
    [("llama", "LlamaForCausalLM"), ("qwen2", "Qwen2ForCausalLM"), ("qwen3", "Qwen3ForCausalLM")];

/// A tensor that is no weight: by how much each frequency of the rotation is divided.
pub const FREQUENCIES: &str = "rope_freqs.weight";

fn architecture(said: &Said<'_>) -> Result<(&'static str, &'static str)> {
    let key = "general.architecture";
    let name = said.text(key)?.unwrap_or_default();
    ARCHITECTURES.into_iter().find(|(known, _)| *known == name).ok_or_else(|| {
        let expected = ARCHITECTURES.map(|(known, _)| known).join(", ");
        Error::mismatch(format!("{key} of {}", said.file), format!("one of {expected}"), format!("`{name}`"))
    })
}

/// The `config.json` of the model; `frequencies` are the numbers of that tensor, where the file has one.
///
/// # Errors
/// An architecture that is not known here, a size that is missing, frequencies that no scaling of Llama 3 gives.
pub fn config(said: &Said<'_>, frequencies: Option<Vec<f32>>) -> Result<Vec<u8>> {
    let (name, class) = architecture(said)?;
    let key = |field: &str| format!("{name}.{field}");
    let (width, heads) = (said.needed(&key("embedding_length"))?, said.needed(&key("attention.head_count"))?);
    if heads == 0 {
        return Err(said.wrong(&key("attention.head_count"), "at least 1"));
    }
    let of_head = said.whole(&key("attention.key_length"))?.unwrap_or(width / heads);
    for field in ["rope.dimension_count", "attention.value_length"] {
        if said.whole(&key(field))?.is_some_and(|found| found != of_head) {
            return Err(said.wrong(&key(field), &format!("{of_head}, the size of a head")));
        }
    }
    let theta = said.number(&key("rope.freq_base"))?.unwrap_or(10_000.0);
    let mut rope = rope(said, &key("rope.scaling"))?;
    if let Some(found) = frequencies {
        rope = llama3(said, &found, theta, of_head as usize)?;
    }
    rope.insert("rope_theta".into(), theta.into());
    let vocabulary = said.texts("tokenizer.ggml.tokens")?.len();
    let tied = !said.header.tensors.iter().any(|tensor| tensor.name == "output.weight");
    let biased = |tensor: &str| said.header.tensors.iter().any(|known| known.name.ends_with(tensor));
    let mut config = json!({
        "architectures": [class],
        "model_type": name,
        "vocab_size": vocabulary,
        "hidden_size": width,
        "intermediate_size": said.needed(&key("feed_forward_length"))?,
        "num_hidden_layers": said.needed(&key("block_count"))?,
        "num_attention_heads": heads,
        "num_key_value_heads": said.whole(&key("attention.head_count_kv"))?.unwrap_or(heads),
        "head_dim": of_head,
        "max_position_embeddings": said.whole(&key("context_length"))?.unwrap_or(2048),
        "rms_norm_eps": said.number(&key("attention.layer_norm_rms_epsilon"))?.unwrap_or(1e-6),
        "hidden_act": "silu",
        "rope_parameters": rope,
        "tie_word_embeddings": tied,
        "dtype": "float32",
    });
    if name == "llama" {
        config["attention_bias"] = biased("attn_q.bias").into();
        config["mlp_bias"] = biased("ffn_up.bias").into();
    }
    for (ours, theirs) in SPECIAL {
        if let Some(id) = said.whole(&format!("tokenizer.ggml.{theirs}_token_id"))? {
            config[format!("{ours}_token_id")] = id.into();
        }
    }
    serde_json::to_vec_pretty(&config).map_err(|error| Error::format(said.file, error))
}

/// `rope_parameters` without its base.
fn rope(said: &Said<'_>, key: &str) -> Result<Map<String, Value>> {
    let mut rope = Map::new();
    let (kind, factor) = (said.text(&format!("{key}.type"))?, said.number(&format!("{key}.factor"))?);
    match (kind, factor) {
        (None | Some("none"), _) | (Some("linear"), None) => {
            rope.insert("rope_type".into(), "default".into());
        }
        (Some("linear"), Some(factor)) => {
            rope.insert("rope_type".into(), "linear".into());
            rope.insert("factor".into(), factor.into());
        }
        (Some(_), _) => {
            return Err(said.wrong(&format!("{key}.type"), "none or linear (others are not supported)"));
        }
    }
    Ok(rope)
}

/// What Llama 3.1 and its followers were trained with; the file has only what comes of it.
const LOW: f64 = 1.0;
const HIGH: f64 = 4.0;
const ORIGINAL: f64 = 8192.0;

/// The scaling that divides the frequencies as the file says.
fn llama3(said: &Said<'_>, divided: &[f32], theta: f64, width: usize) -> Result<Map<String, Value>> {
    let factor: f64 = divided.iter().copied().fold(1.0, f32::max).into();
    let scaling = Scaling::Llama3 { factor, low: LOW, high: HIGH, original: ORIGINAL };
    let [plain, scaled] =
        [Scaling::None, scaling].map(|scaling| Rope { theta, head_dim: width, width, scaling }.frequencies());
    let alike = plain.iter().zip(&scaled).zip(divided);
    let close = |((plain, scaled), found): ((&f32, &f32), &f32)| (plain / scaled / found - 1.0).abs() < 1e-4;
    if divided.len() != plain.len() || !alike.into_iter().all(close) {
        let what = format!("`{FREQUENCIES}` of {}", said.file);
        let expected = format!("the scaling of Llama 3 over {ORIGINAL} positions");
        return Err(Error::mismatch(what, expected, "other numbers"));
    }
    Ok(Map::from_iter([
        ("rope_type".into(), "llama3".into()),
        ("factor".into(), factor.into()),
        ("low_freq_factor".into(), LOW.into()),
        ("high_freq_factor".into(), HIGH.into()),
        ("original_max_position_embeddings".into(), (ORIGINAL as u64).into()),
    ]))
}

/// How many heads queries and keys have, where the file has their rows in pairs.
pub struct Heads {
    queries: usize,
    keys: usize,
}

impl Heads {
    pub fn of(said: &Said<'_>) -> Result<Self> {
        let (name, _) = architecture(said)?;
        // Llama's alone: the others are turned by halves there, too.
        if name != "llama" {
            return Ok(Self { queries: 0, keys: 0 });
        }
        let queries = said.needed("llama.attention.head_count")?;
        let keys = said.whole("llama.attention.head_count_kv")?.unwrap_or(queries);
        let heads = |count: u64, key: &str| {
            let count = usize::try_from(count).ok().filter(|count| *count > 0);
            count.ok_or_else(|| said.wrong(key, "at least 1"))
        };
        Ok(Self {
            queries: heads(queries, "llama.attention.head_count")?,
            keys: heads(keys, "llama.attention.head_count_kv")?,
        })
    }

    /// The heads of a tensor whose rows stand in pairs; 0 for any other.
    pub fn paired(&self, tensor: &str) -> usize {
        match tensor.split('.').nth(2) {
            Some("attn_q") => self.queries,
            Some("attn_k") => self.keys,
            _ => 0,
        }
    }
}

/// Parts of a layer, there and in a folder.
const PARTS: [(&str, &str); 11] = [
    ("attn_norm", "input_layernorm"),
    ("attn_q", "self_attn.q_proj"),
    ("attn_k", "self_attn.k_proj"),
    ("attn_v", "self_attn.v_proj"),
    ("attn_output", "self_attn.o_proj"),
    ("attn_q_norm", "self_attn.q_norm"),
    ("attn_k_norm", "self_attn.k_norm"),
    ("ffn_norm", "post_attention_layernorm"),
    ("ffn_gate", "mlp.gate_proj"),
    ("ffn_up", "mlp.up_proj"),
    ("ffn_down", "mlp.down_proj"),
];

/// The name of a tensor in a folder; one that is not known keeps its own, which errors can then show.
pub fn name(tensor: &str) -> String {
    match tensor {
        "token_embd.weight" => return "model.embed_tokens.weight".into(),
        "output_norm.weight" => return "model.norm.weight".into(),
        "output.weight" => return "lm_head.weight".into(),
        _ => {}
    }
    let parts: Vec<&str> = tensor.split('.').collect();
    if let ["blk", layer, part, kind] = parts[..]
        && let Some((_, ours)) = PARTS.iter().find(|(theirs, _)| *theirs == part)
    {
        return format!("model.layers.{layer}.{ours}.{kind}");
    }
    tensor.to_owned()
}
