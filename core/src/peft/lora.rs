//! LoRA adapters (Hu et al., 2021) in PEFT's layout: `y = x W + scale x A B`, with `scale = lora_alpha / r`.
//!
//! PEFT stores the factors as `torch.nn.Linear` does, output first: `lora_A` [r, d_in] and `lora_B` [d_out, r]. Here
//! they stand as they are multiplied: `a` [d_in, r], `b` [r, d_out].

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Files, LORA, PREFIX, TaskType, folder};
use crate::error::{Error, Result};
use crate::model::tensors::{HostTensor, HostTensors};

/// The update of one linear layer.
#[derive(Clone, Debug, PartialEq)]
pub struct LoraLayer {
    /// `[d_in, r]`
    pub a: HostTensor,
    /// `[r, d_out]`
    pub b: HostTensor,
    pub scale: f64,
}

/// By the layer's name: Hugging Face's module name where it comes from a file, our parameter path in a model.
pub type LoraLayers = BTreeMap<String, LoraLayer>;

const FACTORS: [&str; 2] = [".lora_A.weight", ".lora_B.weight"];

/// What matters of PEFT's `LoraConfig`.
#[derive(Deserialize)]
struct Config {
    r: usize,
    lora_alpha: f64,
    use_rslora: Option<bool>,
    rank_pattern: Option<Map<String, Value>>,
    alpha_pattern: Option<Map<String, Value>>,
    bias: Option<String>,
    #[serde(default)]
    init_lora_weights: Value,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// Settings with which an adapter computes something else than the two factors say.
const MUST_BE_OFF: &[&str] = &[
    "alora_invocation_tokens",
    "arrow_config",
    "kasa_config",
    "layer_replication",
    "lora_bias",
    "modules_to_save",
    "monteclora_config",
    "target_parameters",
    "trainable_token_indices",
    "use_bdlora",
    "use_dora",
    "use_qalora",
];

/// Initialisations that leave the base model as it is. The others (pissa, olora, corda, loftq) change its weights.
const INITIALISATIONS: &[&str] = &["gaussian", "eva", "orthogonal"];

pub(super) fn read(files: &Files<'_>) -> Result<LoraLayers> {
    let config: Config = files.config()?;
    config.check(&files.config_name)?;
    let ranks = Patterns::new(&config.rank_pattern, &files.config_name)?;
    let alphas = Patterns::new(&config.alpha_pattern, &files.config_name)?;
    let name = &files.weights_name;
    let mut modules = BTreeSet::new();
    for key in files.weights.keys() {
        let module = key
            .strip_prefix(PREFIX)
            .and_then(|rest| FACTORS.iter().find_map(|factor| rest.strip_suffix(factor)));
        let module = module.ok_or_else(|| {
            let expected = format!("tensors {PREFIX}<module>{} and {}", FACTORS[0], FACTORS[1]);
            Error::mismatch(name, expected, format!("`{key}`"))
        })?;
        modules.insert(module);
    }
    if modules.is_empty() {
        return Err(Error::mismatch(name, "at least one adapted module", "none"));
    }
    let read = |module: &str| {
        let rank = ranks.of(module).map_or(config.r, |rank| rank as usize);
        let alpha = alphas.of(module).unwrap_or(config.lora_alpha);
        let divisor = if config.use_rslora == Some(true) { (rank as f64).sqrt() } else { rank as f64 };
        Ok((module.to_owned(), layer(module, files, rank, alpha / divisor)?))
    };
    modules.into_iter().map(read).collect()
}

fn layer(module: &str, files: &Files<'_>, rank: usize, scale: f64) -> Result<LoraLayer> {
    let factor = |suffix: &str| {
        let key = format!("{PREFIX}{module}{suffix}");
        files
            .weights
            .get(&key)
            .ok_or_else(|| Error::mismatch(&files.weights_name, format!("a tensor `{key}`"), "none"))
    };
    let (a, b) = (factor(FACTORS[0])?, factor(FACTORS[1])?);
    let fits = |shape: &[usize], at: usize| shape.len() == 2 && shape[at] == rank;
    if rank == 0 || !fits(&a.shape, 0) || !fits(&b.shape, 1) {
        return Err(Error::mismatch(
            format!("{}, module {module}", files.weights_name),
            format!("factors [{rank}, d_in] and [d_out, {rank}] (r = {rank})"),
            format!("{:?} and {:?}", a.shape, b.shape),
        ));
    }
    Ok(LoraLayer { a: a.transposed(), b: b.transposed(), scale })
}

/// Values that some modules have of their own. As in PEFT, a key is a regular expression for the end of the module's name,
/// and the first one that fits counts.
struct Patterns(Vec<(Regex, f64)>);

impl Patterns {
    fn new(patterns: &Option<Map<String, Value>>, name: &str) -> Result<Self> {
        let entry = |(key, value): (&String, &Value)| {
            let regex = Regex::new(&format!(r"^(?:.*\.)?(?:{key})$"));
            let regex = regex.map_err(|error| Error::format(name, error))?;
            let number = || Error::mismatch(format!("{name}, `{key}`"), "a number", value);
            Ok((regex, value.as_f64().ok_or_else(number)?))
        };
        patterns.iter().flatten().map(entry).collect::<Result<_>>().map(Self)
    }

    fn of(&self, module: &str) -> Option<f64> {
        self.0.iter().find(|(regex, _)| regex.is_match(module)).map(|(_, value)| *value)
    }
}

impl Config {
    fn check(&self, name: &str) -> Result<()> {
        let is_off = |value: &Value| match value {
            Value::Null | Value::Bool(false) => true,
            Value::Array(items) => items.is_empty(),
            Value::Object(fields) => fields.is_empty(),
            _ => false,
        };
        for setting in MUST_BE_OFF {
            if let Some(value) = self.rest.get(*setting).filter(|value| !is_off(value)) {
                return Err(Error::mismatch(format!("{name}, {setting}"), "nothing (not supported)", value));
            }
        }
        if let Some(bias) = self.bias.as_deref().filter(|bias| *bias != "none") {
            return Err(Error::mismatch(format!("{name}, bias"), "none", bias));
        }
        match &self.init_lora_weights {
            Value::String(how) if !INITIALISATIONS.contains(&how.as_str()) => {
                let expected = format!("true, false, {}", INITIALISATIONS.join(", "));
                Err(Error::mismatch(format!("{name}, init_lora_weights"), expected, how))
            }
            _ => Ok(()),
        }
    }
}

/// A folder that PEFT loads, of layers by Hugging Face's module name, such as `encoder.block.0.layer.0.SelfAttention.q`.
/// `fan_in_fan_out`: whether the base model's layers are stored `[in, out]`.
///
/// # Errors
/// Factors that do not fit together.
pub fn write(
    layers: &LoraLayers,
    base_model: &str,
    task: TaskType,
    fan_in_fan_out: bool,
) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut weights = HostTensors::new();
    let mut modules = Vec::new();
    for (name, layer) in layers {
        let rank = rank(name, layer)?;
        for (factor, tensor) in FACTORS.iter().zip([&layer.a, &layer.b]) {
            weights.insert(format!("{PREFIX}{name}{factor}"), tensor.transposed());
        }
        modules.push((name.clone(), rank, layer.scale * rank as f64));
    }
    let (r, alpha) = modules.first().map_or((1, 1.0), |(_, rank, alpha)| (*rank, *alpha));
    let own = |differs: &dyn Fn(usize, f64) -> Option<Value>| -> Map<String, Value> {
        let own =
            modules.iter().filter_map(|(name, rank, alpha)| Some((name.clone(), differs(*rank, *alpha)?)));
        own.collect()
    };
    let config = json!({
        "peft_type": LORA,
        "task_type": task.name(),
        "base_model_name_or_path": base_model,
        "inference_mode": true,
        "r": r,
        "lora_alpha": number(alpha),
        "lora_dropout": 0.0,
        "bias": "none",
        "use_rslora": false,
        "fan_in_fan_out": fan_in_fan_out,
        "init_lora_weights": true,
        "modules_to_save": null,
        "rank_pattern": own(&|rank, _| (rank != r).then(|| rank.into())),
        "alpha_pattern": own(&|_, own| (own != alpha).then(|| number(own))),
        "target_modules": modules.iter().map(|(name, ..)| name).collect::<Vec<_>>(),
        "revision": null,
    });
    folder(&config, &weights)
}

/// A whole number is written as one: PEFT's own type of `lora_alpha` is `int`.
fn number(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() < 1e9 { (value as i64).into() } else { value.into() }
}

fn rank(name: &str, layer: &LoraLayer) -> Result<usize> {
    match (layer.a.shape.as_slice(), layer.b.shape.as_slice()) {
        ([_, rank], [other, _]) if rank == other && *rank > 0 => Ok(*rank),
        (a, b) => {
            let expected = "factors [d_in, r] and [r, d_out]";
            Err(Error::mismatch(format!("LoRA of {name}"), expected, format!("{a:?} and {b:?}")))
        }
    }
}

/// Layers read from a file, by our path instead of Hugging Face's name. `paths` are the model's linear layers, `name` gives
/// the Hugging Face name of each.
///
/// # Errors
/// Lists the modules that no path has.
pub fn by_path<'a>(
    mut layers: LoraLayers,
    paths: impl IntoIterator<Item = &'a str>,
    name: &dyn Fn(&str) -> Option<String>,
) -> Result<LoraLayers> {
    let mut found = LoraLayers::new();
    for path in paths {
        if let Some(layer) = name(path).and_then(|name| layers.remove(&name)) {
            found.insert(path.to_owned(), layer);
        }
    }
    if layers.is_empty() { Ok(found) } else { Err(unknown("the LoRA adapter", layers.keys())) }
}

/// An adapter of layers that the model does not have.
pub(super) fn unknown<'a>(adapter: &str, names: impl Iterator<Item = &'a String>) -> Error {
    let problem = |name: &String| format!("it adapts `{name}`, but the model has no such layer");
    Error::Tensors { what: adapter.to_owned(), problems: names.map(problem).collect() }
}
