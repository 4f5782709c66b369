//! How much of a gradient is about the task's format: the cosine between the gradient of the task and that of the
//! same inputs with their labels shuffled, from which only the format can be learned (Wang et al., section 3 and
//! Figure 3).

use std::collections::BTreeMap;

use burn::module::Module;
use burn::tensor::Tensor;

use super::stage::StageContext;
use super::step::{accumulate, set_trainable};
use crate::batch::Pair;
use crate::error::Result;
use crate::loss::LossSettings;
use crate::model::{Dropout, Model, tensors};
use crate::optim::Grads;
use crate::rng::permutation;

/// The families of weights that Figure 3 shows, all layers together, and the last decoder layer of Figure 7.
const LAST_LAYER: &str = "last decoder layer";

/// Cosines by family, in [-1, 1]: about 1 where the task's gradient teaches its format alone. `rows` training rows
/// of their own stream, without dropout or smoothing; a family without a gradient is absent.
pub async fn alignment(
    context: &StageContext<'_>,
    model: &Model,
    rows: usize,
) -> Result<BTreeMap<String, f64>> {
    let tasks = context.source.pairs(0, rows)?;
    let mut rng = context.streams.stream("shuffled labels");
    // Among the rows of one task: labels of another one would change the format.
    let shuffled = tasks
        .iter()
        .map(|pairs| {
            let order = permutation(pairs.len(), &mut rng);
            let rows = pairs.iter().zip(order);
            rows.map(|((input, _), other)| (input.clone(), pairs[other].1.clone())).collect()
        })
        .collect();
    let full = gradients(context, model, tasks);
    let format = gradients(context, model, shuffled);
    let last = last_decoder_block(&full);
    let mut sums: BTreeMap<String, [Tensor<1>; 3]> = BTreeMap::new();
    for (path, grad) in full.0 {
        let Some(other) = format.0.get(&path) else { continue };
        let products =
            [(grad.clone() * other.clone()).sum(), grad.square().sum(), other.clone().square().sum()];
        for family in families(&path, last.as_deref()) {
            let sum = match sums.remove(&family) {
                Some(old) => {
                    let mut new = products.clone().into_iter();
                    old.map(|old| old + new.next().expect("three products"))
                }
                None => products.clone(),
            };
            sums.insert(family, sum);
        }
    }
    let mut cosines = BTreeMap::new();
    for (family, [product, one, other]) in sums {
        let cosine = f64::from(tensors::to_vec(product / (one * other).sqrt()).await?[0]);
        if cosine.is_finite() {
            cosines.insert(family, cosine.clamp(-1.0, 1.0));
        }
    }
    Ok(cosines)
}

fn gradients(context: &StageContext<'_>, model: &Model, rows: Vec<Vec<Pair>>) -> Grads {
    let model = set_trainable(model.valid(), &|path| context.method.trainable(path));
    let parts = context.parts(rows);
    let settings = LossSettings { label_smoothing: 0.0, z_loss: 0.0 };
    accumulate(&model, context.method, &parts, context.at_once, settings, &mut Dropout::off()).grads
}

/// The families that a parameter belongs to; none for embeddings, norms and biases.
fn families(path: &str, last: Option<&str>) -> Vec<String> {
    let mut families = Vec::new();
    let part = path.rsplit('.').next().unwrap_or(path);
    if path.contains(".feed_forward.") {
        families.push("MLP".to_owned());
    } else if path.contains("_attention.") && part.len() == 1 {
        families.push(part.to_uppercase());
    }
    if last.is_some_and(|last| path.contains(last)) {
        families.push(LAST_LAYER.to_owned());
    }
    families
}

/// "decoder.blocks.2." of the highest number.
fn last_decoder_block(grads: &Grads) -> Option<String> {
    const BLOCKS: &str = "decoder.blocks.";
    let number = |path: &String| {
        let (_, rest) = path.split_once(BLOCKS)?;
        rest.split('.').next()?.parse::<usize>().ok()
    };
    let last = grads.0.keys().filter_map(number).max()?;
    Some(format!("{BLOCKS}{last}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_fall_into_the_families_of_the_figures() {
        let last = Some("decoder.blocks.2.");
        assert_eq!(families("lm.encoder.blocks.0.feed_forward.wi_0", last), ["MLP"]);
        assert_eq!(families("lm.decoder.blocks.2.cross_attention.q", last), ["Q", LAST_LAYER]);
        assert_eq!(families("lm.decoder.blocks.2.ff_norm.weight", last), [LAST_LAYER]);
        assert!(families("lm.shared", last).is_empty());
    }
}
