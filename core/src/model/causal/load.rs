//! Weights of a decoder-only model from a folder's files and back, under their Hugging Face names.

use std::collections::BTreeMap;
use std::ops::Range;

use burn::tensor::Device;

use super::Causal;
use super::config::CausalConfig;
use super::names::{self, Fused};
use crate::error::{Error, Result};
use crate::model::path::{Component, ParamPath};
use crate::model::tensors::{self, HostTensor, HostTensors, TensorSource};
use crate::model::weights::{self, ReadAt, WeightFiles};
use crate::model::{Lm, Model};

/// A model with the weights of these files.
///
/// # Errors
/// Every tensor is accounted for before anything is made: a missing, unused or wrongly shaped one is named.
pub fn from_weights<R: ReadAt>(
    config: &CausalConfig,
    mut weights: WeightFiles<'_, R>,
    device: &Device,
) -> Result<Model> {
    // A wrong config must not make more layers than memory holds.
    if config.num_layers > weights.len() {
        let expected = format!("no more layers than the {} tensors of the weights", weights.len());
        return Err(Error::mismatch("number of layers in config.json", expected, config.num_layers));
    }
    normalise(config, &mut weights);
    let own_head = own_head(config, &mut weights)?;
    check_embedding(config, &weights)?;
    let model = Model::new(Lm::Causal(Causal::empty(config, own_head, device)));
    let source = Unfused::new(&weights, config);
    tensors::load(model, &source, &naming(config), &[], "the checkpoint")
}

/// Names as a whole model is saved today: old files leave out what the names begin with, and have buffers.
fn normalise<R: ReadAt>(config: &CausalConfig, weights: &mut WeightFiles<'_, R>) {
    let (base, head) = (names::base(config.family), names::head(config.family));
    let bare = !weights.names().iter().any(|name| name.starts_with(base));
    weights.rename(&|name| {
        // In memory every family's head is `lm_head` today.
        let of_head = |head: &str| name.strip_prefix(head)?.strip_prefix('.');
        let name = match of_head(head).or_else(|| of_head("lm_head")) {
            Some(part) => format!("{head}.{part}"),
            None if bare => format!("{base}{name}"),
            None => name.to_owned(),
        };
        (!names::is_buffer(&name)).then_some(name)
    });
}

/// Whether there is a head of its own. A tied one may be stored as either of its names, or as both.
fn own_head<R: ReadAt>(config: &CausalConfig, weights: &mut WeightFiles<'_, R>) -> Result<bool> {
    let head = format!("{}.weight", names::head(config.family));
    let embedding = embedding_name(config);
    match (config.tied, weights.shape(&head)) {
        (true, None) => return Ok(false),
        (false, None) => return Err(weights::no_head(&head)),
        (false, Some(_)) => return Ok(true),
        (true, Some(_)) => {}
    }
    if weights.shape(&embedding).is_none() {
        weights.rename(&|name| Some(if name == head { embedding.clone() } else { name.to_owned() }));
        return Ok(false);
    }
    let alike = weights.same(&embedding, &head)?;
    if alike {
        weights.remove(&head);
    }
    Ok(!alike)
}

fn embedding_name(config: &CausalConfig) -> String {
    let name = names::hugging_face(&ParamPath::of(Component::Embedding), config.family);
    name.map(|(name, _)| name).unwrap_or_default()
}

/// The one tensor that bounds the sizes which others are computed from: it is looked at first.
fn check_embedding<R: ReadAt>(config: &CausalConfig, weights: &WeightFiles<'_, R>) -> Result<()> {
    let (name, expected) = (embedding_name(config), [config.vocab_size, config.d_model]);
    let problem = match weights.shape(&name) {
        Some(found) if *found == expected => return Ok(()),
        Some(found) => format!("`{name}`: expected shape {expected:?}, found {found:?}"),
        None => format!("`{name}` is missing"),
    };
    Err(Error::Tensors { what: "the checkpoint".into(), problems: vec![problem] })
}

/// The stored name of a parameter's path.
fn naming(config: &CausalConfig) -> impl Fn(&str) -> Option<(String, bool)> {
    let family = config.family;
    move |path| names::hugging_face(&path.parse().ok()?, family)
}

/// Every weight under its Hugging Face name, the prompt not included.
pub async fn weights(model: &Model, config: &CausalConfig) -> Result<HostTensors> {
    let model = model.clone().with_prompt(None);
    Ok(fused(tensors::read(&model, &|_| true, &naming(config)).await?, config))
}

/// The tensors of a source, with parts of fused ones under names of their own.
struct Unfused<'a, S> {
    whole: &'a S,
    parts: BTreeMap<String, Part>,
    fused: Vec<String>,
}

struct Part {
    /// The whole tensor's name.
    of: String,
    axis: usize,
    ranges: Vec<Range<usize>>,
    shape: Vec<usize>,
}

impl<'a, S: TensorSource> Unfused<'a, S> {
    /// A fused tensor of another shape than the config says stays whole, and is named by whoever misses its parts.
    fn new(whole: &'a S, config: &CausalConfig) -> Self {
        let (mut parts, mut fused) = (BTreeMap::new(), Vec::new());
        for tensor in Fused::all(config) {
            let Some(shape) = whole.shape(&tensor.name) else { continue };
            if shape.get(tensor.axis) != Some(&tensor.size()) {
                continue;
            }
            for (kind, ranges) in &tensor.parts {
                let mut shape = shape.to_vec();
                shape[tensor.axis] = ranges.iter().map(ExactSizeIterator::len).sum();
                let (of, axis, ranges) = (tensor.name.clone(), tensor.axis, ranges.clone());
                parts.insert(tensor.part(*kind), Part { of, axis, ranges, shape });
            }
            fused.push(tensor.name);
        }
        Self { whole, parts, fused }
    }
}

impl<S: TensorSource> TensorSource for Unfused<'_, S> {
    fn names(&self) -> Vec<&str> {
        let whole =
            self.whole.names().into_iter().filter(|name| !self.fused.iter().any(|fused| fused == name));
        whole.chain(self.parts.keys().map(String::as_str)).collect()
    }

    fn shape(&self, name: &str) -> Option<&[usize]> {
        match self.parts.get(name) {
            Some(part) => Some(&part.shape),
            None => self.whole.shape(name),
        }
    }

    fn tensor(&self, name: &str) -> Result<HostTensor> {
        let Some(part) = self.parts.get(name) else { return self.whole.tensor(name) };
        let whole = self.whole.tensor(&part.of)?;
        let mut values = Vec::with_capacity(part.shape.iter().product());
        for place in places(&whole.shape, part.axis, &part.ranges) {
            values.extend_from_slice(&whole.values[place]);
        }
        Ok(HostTensor { shape: part.shape.clone(), values })
    }
}

/// Where the numbers at `ranges` of an axis lie in a tensor, piece by piece in the order of the part's own numbers.
fn places(shape: &[usize], axis: usize, ranges: &[Range<usize>]) -> Vec<Range<usize>> {
    let inner: usize = shape[axis + 1..].iter().product();
    let outer: usize = shape[..axis].iter().product();
    let step = shape[axis] * inner;
    (0..outer)
        .flat_map(|row| {
            ranges.iter().map(move |range| row * step + range.start * inner..row * step + range.end * inner)
        })
        .collect()
}

/// Parts of fused tensors put together again.
pub fn fused(mut tensors: HostTensors, config: &CausalConfig) -> HostTensors {
    for fused in Fused::all(config) {
        let mut whole: Option<HostTensor> = None;
        for (kind, ranges) in &fused.parts {
            let Some(part) = tensors.remove(&fused.part(*kind)) else { continue };
            let whole = whole.get_or_insert_with(|| {
                let mut shape = part.shape.clone();
                shape[fused.axis] *= 3;
                HostTensor { values: vec![0.0; shape.iter().product()], shape }
            });
            let mut from = part.values.as_slice();
            for place in places(&whole.shape, fused.axis, ranges) {
                let (now, rest) = from.split_at(place.len());
                whole.values[place].copy_from_slice(now);
                from = rest;
            }
        }
        if let Some(whole) = whole {
            tensors.insert(fused.name, whole);
        }
    }
    tensors
}
