//! `config.json` of decoder-only models: the Llama family, GPT-NeoX and GPT-2 differ in what stands here.

use serde_json::{Map, Value};

use super::rope::{Rope, Scaling};
use crate::content;
use crate::error::{Error, Result};
use crate::model::feed_forward::Activation;
use crate::model::fields::{self, Fields};

/// Whose names a folder has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Llama, Mistral, Qwen 2 and 3, SmolLM 2.
    Llama,
    /// GPT-NeoX and Pythia.
    Neox,
    Gpt2,
}

/// `model_type` of the models that are known.
pub const MODEL_TYPES: [(&str, Family); 6] = [
    ("llama", Family::Llama),
    ("mistral", Family::Llama),
    ("qwen2", Family::Llama),
    ("qwen3", Family::Llama),
    ("gpt_neox", Family::Neox),
    ("gpt2", Family::Gpt2),
];

/// What shapes the computation, whatever a family's file calls it.
#[derive(Clone, Debug, PartialEq)]
pub struct CausalConfig {
    pub model_type: String,
    pub family: Family,
    pub vocab_size: usize,
    pub d_model: usize,
    pub d_ff: usize,
    pub num_layers: usize,
    pub num_heads: usize,
    /// Heads of keys and values; each serves `num_heads / num_kv_heads` heads of queries.
    pub num_kv_heads: usize,
    /// `num_heads * head_dim` need not equal `d_model`.
    pub head_dim: usize,
    pub positions: Positions,
    pub layer_norm: LayerNormKind,
    pub norm_epsilon: f64,
    pub activation: Activation,
    /// Whether the feed-forward layer has a second projection that multiplies its inner layer.
    pub gated: bool,
    /// Whether attention and feed-forward layer read the same input, and both are added to it.
    pub parallel_residual: bool,
    /// Which layers have biases: the projections of queries, keys and values, that of the output, the feed-forward.
    pub biases: Biases,
    /// Whether queries and keys of each head are normed.
    pub qk_norm: bool,
    pub window: Option<Window>,
    pub tied: bool,
    pub bos: Option<u32>,
    /// What may end an output.
    pub eos: Vec<u32>,
    pub pad: Option<u32>,
    /// The file's own fields, which are handed on when the model is saved.
    file: Map<String, Value>,
}

/// How a model knows the order of its tokens.
#[derive(Clone, Debug, PartialEq)]
pub enum Positions {
    Rotary(Rope),
    /// One learned vector for each of so many positions.
    Learned(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayerNormKind {
    Rms,
    /// With mean and bias.
    Full,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Biases {
    pub qkv: bool,
    pub o: bool,
    pub feed_forward: bool,
}

/// Some layers see only the last `size` positions, their own included.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    pub size: usize,
    layers: Windowed,
}

#[derive(Clone, Debug, PartialEq)]
enum Windowed {
    From(usize),
    Listed(Vec<bool>),
}

impl CausalConfig {
    /// # Errors
    /// Names a missing field, a wrong type, a size that cannot be, and a feature that is not known here.
    pub fn from_json(bytes: &[u8]) -> Result<Self> {
        let file: Map<String, Value> = content::json("config.json", bytes)?;
        let fields = Fields(&file);
        let model_type = fields.text("model_type")?.unwrap_or_default();
        let known = MODEL_TYPES.iter().find(|(name, _)| *name == model_type);
        let (_, family) = known.ok_or_else(|| {
            Error::unknown("model_type of config.json", &model_type, MODEL_TYPES.map(|(name, _)| name))
        })?;
        let config = match family {
            Family::Llama => Self::llama(&fields, &model_type)?,
            Family::Neox => Self::neox(&fields)?,
            Family::Gpt2 => Self::gpt2(&fields)?,
        };
        config.check()?;
        Ok(config)
    }

    /// The fields that have the same name everywhere; the others are a plain Llama's.
    fn common(fields: &Fields<'_>, family: Family) -> Result<Self> {
        Ok(Self {
            model_type: fields.text("model_type")?.unwrap_or_default(),
            family,
            vocab_size: fields.size("vocab_size")?,
            d_model: 0,
            d_ff: 0,
            num_layers: 0,
            num_heads: 0,
            num_kv_heads: 0,
            head_dim: 0,
            positions: Positions::Learned(0),
            layer_norm: LayerNormKind::Rms,
            norm_epsilon: 1e-6,
            activation: Activation::Silu,
            gated: true,
            parallel_residual: false,
            biases: Biases { qkv: false, o: false, feed_forward: false },
            qk_norm: false,
            window: None,
            tied: fields.flag("tie_word_embeddings", family == Family::Gpt2)?,
            bos: fields.ids("bos_token_id")?.first().copied(),
            eos: fields.ids("eos_token_id")?,
            pad: fields.ids("pad_token_id")?.first().copied(),
            file: fields.0.clone(),
        })
    }

    fn llama(fields: &Fields<'_>, model_type: &str) -> Result<Self> {
        let bias = fields.flag("attention_bias", false)?;
        let (d_model, num_heads) = (fields.size("hidden_size")?, fields.size("num_attention_heads")?);
        let head_dim = fields.optional("head_dim")?.unwrap_or(d_model / num_heads);
        let num_layers = fields.size("num_hidden_layers")?;
        Ok(Self {
            d_model,
            d_ff: fields.size("intermediate_size")?,
            num_layers,
            num_heads,
            num_kv_heads: fields.optional("num_key_value_heads")?.unwrap_or(num_heads),
            head_dim,
            positions: Positions::Rotary(rope(fields, head_dim, 1.0)?),
            norm_epsilon: fields.number("rms_norm_eps")?.unwrap_or(1e-6),
            activation: activation(fields, "hidden_act", "silu")?,
            biases: match model_type {
                "qwen2" => Biases { qkv: true, o: false, feed_forward: false },
                "mistral" => Biases { qkv: false, o: false, feed_forward: false },
                "qwen3" => Biases { qkv: bias, o: bias, feed_forward: false },
                _ => Biases { qkv: bias, o: bias, feed_forward: fields.flag("mlp_bias", false)? },
            },
            qk_norm: model_type == "qwen3",
            window: match model_type {
                "mistral" => Window::all(fields)?,
                "qwen2" | "qwen3" => Window::of_qwen(fields)?,
                _ => None,
            },
            ..Self::common(fields, Family::Llama)?
        })
    }

    fn neox(fields: &Fields<'_>) -> Result<Self> {
        let (d_model, num_heads) = (fields.size("hidden_size")?, fields.size("num_attention_heads")?);
        let (head_dim, bias) = (d_model / num_heads, fields.flag("attention_bias", true)?);
        Ok(Self {
            d_model,
            d_ff: fields.size("intermediate_size")?,
            num_layers: fields.size("num_hidden_layers")?,
            num_heads,
            num_kv_heads: num_heads,
            head_dim,
            positions: Positions::Rotary(rope(fields, head_dim, 0.25)?),
            layer_norm: LayerNormKind::Full,
            norm_epsilon: fields.number("layer_norm_eps")?.unwrap_or(1e-5),
            activation: activation(fields, "hidden_act", "gelu")?,
            gated: false,
            parallel_residual: fields.flag("use_parallel_residual", true)?,
            biases: Biases { qkv: bias, o: bias, feed_forward: true },
            ..Self::common(fields, Family::Neox)?
        })
    }

    fn gpt2(fields: &Fields<'_>) -> Result<Self> {
        for (name, expected) in [
            ("scale_attn_weights", true),
            ("scale_attn_by_inverse_layer_idx", false),
            ("add_cross_attention", false),
        ] {
            if fields.flag(name, expected)? != expected {
                return Err(Error::mismatch(format!("{name} of config.json"), expected, !expected));
            }
        }
        let (d_model, num_heads) = (fields.size("n_embd")?, fields.size("n_head")?);
        Ok(Self {
            d_model,
            d_ff: fields.optional("n_inner")?.unwrap_or(d_model.saturating_mul(4)),
            num_layers: fields.size("n_layer")?,
            num_heads,
            num_kv_heads: num_heads,
            head_dim: d_model / num_heads,
            positions: Positions::Learned(fields.size("n_positions")?),
            layer_norm: LayerNormKind::Full,
            norm_epsilon: fields.number("layer_norm_epsilon")?.unwrap_or(1e-5),
            activation: activation(fields, "activation_function", "gelu_new")?,
            gated: false,
            biases: Biases { qkv: true, o: true, feed_forward: true },
            ..Self::common(fields, Family::Gpt2)?
        })
    }

    fn check(&self) -> Result<()> {
        if !self.num_heads.is_multiple_of(self.num_kv_heads) {
            let expected = format!("a divisor of the {} attention heads", self.num_heads);
            return Err(Error::mismatch("num_key_value_heads of config.json", expected, self.num_kv_heads));
        }
        if self.family != Family::Llama && !self.d_model.is_multiple_of(self.num_heads) {
            let expected = format!("a multiple of the {} attention heads", self.num_heads);
            return Err(Error::mismatch("hidden size of config.json", expected, self.d_model));
        }
        let width = match &self.positions {
            Positions::Rotary(rope) => rope.width,
            Positions::Learned(_) => 2,
        };
        if self.head_dim == 0 || width == 0 || width > self.head_dim || !width.is_multiple_of(2) {
            let expected = "an even number of rotated numbers in each head";
            return Err(Error::mismatch(
                "head size of config.json",
                expected,
                format!("{width} of {}", self.head_dim),
            ));
        }
        fields::check_products(&[
            (self.vocab_size, self.d_model),
            (self.num_heads, self.head_dim),
            (self.d_ff, self.d_model),
        ])
    }

    /// The layer's window.
    pub fn window(&self, layer: usize) -> Option<usize> {
        let window = self.window.as_ref()?;
        let there = match &window.layers {
            Windowed::From(first) => layer >= *first,
            Windowed::Listed(list) => list.get(layer).copied().unwrap_or(false),
        };
        there.then_some(window.size)
    }

    /// The standard deviation of a new model's matrices.
    pub fn initializer_range(&self) -> f64 {
        self.file.get("initializer_range").and_then(Value::as_f64).unwrap_or(0.02)
    }

    /// The file again, with what may have changed since it was read.
    pub fn to_json(&self, own_head: bool, dtype: &str) -> Value {
        let mut file = self.file.clone();
        file.insert("tie_word_embeddings".into(), (!own_head).into());
        let key = if file.contains_key("torch_dtype") { "torch_dtype" } else { "dtype" };
        file.insert(key.into(), dtype.into());
        Value::Object(file)
    }
}

impl Window {
    fn all(fields: &Fields<'_>) -> Result<Option<Self>> {
        Ok(fields.optional("sliding_window")?.map(|size| Self { size, layers: Windowed::From(0) }))
    }

    /// Off unless `use_sliding_window` is set; then of the layers that `layer_types` lists, or those from
    /// `max_window_layers` on.
    fn of_qwen(fields: &Fields<'_>) -> Result<Option<Self>> {
        let (true, Some(size)) =
            (fields.flag("use_sliding_window", false)?, fields.optional("sliding_window")?)
        else {
            return Ok(None);
        };
        let layers = match fields.texts("layer_types")? {
            Some(types) => Windowed::Listed(types.iter().map(|kind| kind == "sliding_attention").collect()),
            None => Windowed::From(fields.optional("max_window_layers")?.unwrap_or(28)),
        };
        Ok(Some(Self { size, layers }))
    }
}

fn activation(fields: &Fields<'_>, name: &str, default: &str) -> Result<Activation> {
    let found = fields.text(name)?.unwrap_or(default.to_owned());
    match found.as_str() {
        "relu" => Ok(Activation::Relu),
        "gelu" => Ok(Activation::Gelu),
        "gelu_new" | "gelu_fast" | "gelu_pytorch_tanh" => Ok(Activation::GeluTanh),
        "silu" | "swish" => Ok(Activation::Silu),
        _ => {
            let expected = "relu, gelu, gelu_new, gelu_fast, gelu_pytorch_tanh or silu";
            Err(Error::mismatch(format!("{name} of config.json"), expected, found))
        }
    }
}

/// Base and scaling of rotary positions, under the names of transformers 5 (`rope_parameters`) or of older files.
fn rope(fields: &Fields<'_>, head_dim: usize, part: f64) -> Result<Rope> {
    let none = Map::new();
    let (newer, older) = (fields.object("rope_parameters")?, fields.object("rope_scaling")?);
    let scaling = Fields(newer.or(older).unwrap_or(&none));
    let own = |name: &str, older: [&str; 1]| -> Result<Option<f64>> {
        match scaling.number(name)? {
            Some(value) => Ok(Some(value)),
            None => Ok(fields.number(name)?.or(fields.number(older[0])?)),
        }
    };
    let theta = own("rope_theta", ["rotary_emb_base"])?.unwrap_or(10_000.0);
    let part = own("partial_rotary_factor", ["rotary_pct"])?.unwrap_or(part);
    let kind = scaling.text("rope_type")?.or(scaling.text("type")?).unwrap_or("default".to_owned());
    let factor = || scaling.needed("factor");
    let scaling = match kind.as_str() {
        "default" => Scaling::None,
        "linear" => Scaling::Linear { factor: factor()? },
        "llama3" => Scaling::Llama3 {
            factor: factor()?,
            low: scaling.needed("low_freq_factor")?,
            high: scaling.needed("high_freq_factor")?,
            original: scaling.needed("original_max_position_embeddings")?,
        },
        _ => {
            let expected = "default, linear or llama3 (others are not supported)";
            return Err(Error::mismatch("rope_type of config.json", expected, kind));
        }
    };
    if !(part > 0.0 && part <= 1.0) {
        return Err(Error::mismatch("rotated part of a head in config.json", "a number in (0, 1]", part));
    }
    // Families with whole heads and those with a part of each: the integer part, as transformers has it.
    let width = if fields.text("model_type")?.as_deref() == Some("gpt_neox") || part < 1.0 {
        (head_dim as f64 * part) as usize
    } else {
        head_dim
    };
    Ok(Rope { theta, head_dim, width, scaling })
}
