//! LoRA on a layer that holds queries, keys and values together (GPT-2's `c_attn`, GPT-NeoX's `query_key_value`): one
//! adapter in a file, one on each of the three layers in a model.

use std::ops::Range;

use super::{LoraLayer, LoraLayers};
use crate::error::{Error, Result};
use crate::model::ModelConfig;
use crate::model::causal::names::Fused;
use crate::model::tensors::HostTensor;

/// The fused layers of a model; a T5 has none.
pub fn fused(config: &ModelConfig) -> Vec<Fused> {
    match config {
        ModelConfig::T5(_) => Vec::new(),
        ModelConfig::Causal(config) => Fused::layers(config),
    }
}

/// Whether an adapter has as many outputs as the layer.
pub fn check(adapter: &str, fused: &Fused, outputs: usize) -> Result<()> {
    if outputs == fused.size() {
        return Ok(());
    }
    let what = format!("{adapter} of {}", fused.name);
    Err(Error::mismatch(what, format!("{} outputs", fused.size()), outputs))
}

/// Adapters of a file, those of fused layers as one for each projection: all with the whole's A, each with its outputs of
/// B. Named as by `ModelConfig::layer_name`.
///
/// # Errors
/// A fused layer's adapter with another number of outputs than the layer has.
pub fn split(mut layers: LoraLayers, config: &ModelConfig) -> Result<LoraLayers> {
    for fused in fused(config) {
        let Some(LoraLayer { a, b, scale }) = layers.remove(&fused.name) else { continue };
        check("LoRA", &fused, b.shape[1])?;
        for (kind, ranges) in &fused.parts {
            let rows = b.values.chunks(fused.size());
            let values: Vec<f32> = rows.flat_map(|row| Fused::of_part(row, ranges)).copied().collect();
            let shape = vec![b.shape[0], values.len() / b.shape[0]];
            let part = LoraLayer { a: a.clone(), b: HostTensor { shape, values }, scale };
            layers.insert(fused.part(*kind), part);
        }
    }
    Ok(layers)
}

/// The reverse of `split`. Projections that share A and scale, as they do when they were read, come back as they were;
/// others stand beside each other, so that the whole's rank is the sum of theirs.
pub fn join(mut layers: LoraLayers, config: &ModelConfig) -> LoraLayers {
    for fused in fused(config) {
        let part = |(kind, ranges)| Some((ranges, layers.remove(&fused.part(kind))?));
        let parts: Vec<(Vec<Range<usize>>, LoraLayer)> =
            fused.parts.clone().into_iter().filter_map(part).collect();
        let Some((_, first)) = parts.first() else { continue };
        let one = parts.iter().all(|(_, part)| part.a == first.a && part.scale == first.scale);
        let whole = if one { shared(&parts, fused.size()) } else { beside(&parts, fused.size()) };
        layers.insert(fused.name, whole);
    }
    layers
}

fn shared(parts: &[(Vec<Range<usize>>, LoraLayer)], outputs: usize) -> LoraLayer {
    let LoraLayer { a, b, scale } = &parts[0].1;
    let mut whole = Outputs::new(b.shape[0], outputs);
    for (ranges, part) in parts {
        whole.place(0, ranges, &part.b, 1.0);
    }
    LoraLayer { a: a.clone(), b: whole.0, scale: *scale }
}

fn beside(parts: &[(Vec<Range<usize>>, LoraLayer)], outputs: usize) -> LoraLayer {
    let inputs = parts[0].1.a.shape[0];
    let rank = parts.iter().map(|(_, part)| part.b.shape[0]).sum();
    let mut whole = Outputs::new(rank, outputs);
    let mut first = 0;
    for (ranges, part) in parts {
        whole.place(first, ranges, &part.b, part.scale as f32);
        first += part.b.shape[0];
    }
    let row = |row: usize| {
        parts.iter().flat_map(move |(_, part)| {
            let width = part.a.shape[1];
            &part.a.values[row * width..(row + 1) * width]
        })
    };
    let values = (0..inputs).flat_map(row).copied().collect();
    LoraLayer { a: HostTensor { shape: vec![inputs, rank], values }, b: whole.0, scale: 1.0 }
}

/// A whole's B, `[r, outputs]`.
struct Outputs(HostTensor);

impl Outputs {
    fn new(rank: usize, outputs: usize) -> Self {
        Self(HostTensor { shape: vec![rank, outputs], values: vec![0.0; rank * outputs] })
    }

    /// Puts a projection's B, times `scale`, into the rows from `first` on.
    fn place(&mut self, first: usize, ranges: &[Range<usize>], b: &HostTensor, scale: f32) {
        let rows = self.0.values.chunks_mut(self.0.shape[1]).skip(first);
        for (row, part) in rows.zip(b.values.chunks(b.shape[1])) {
            let mut values = part.iter();
            for at in ranges.iter().cloned().flatten() {
                row[at] = values.next().map_or(0.0, |value| value * scale);
            }
        }
    }
}
