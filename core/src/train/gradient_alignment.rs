//! How much of a gradient is about the task's format: the cosine between the gradient of the task and that of the
//! same inputs with their labels shuffled, from which only the format can be learned (Wang et al., section 3 and
//! Figure 3).

use std::collections::BTreeMap;

use burn::module::Module;
use burn::tensor::Tensor;

use super::context::StageContext;
use super::step::{Backward, backward_accumulated, set_trainable};
use crate::batch::TokenizedExample;
use crate::error::Result;
use crate::loss::LossSettings;
use crate::method::Ctx;
use crate::model::path::StackKind;
use crate::model::{Dropout, Model, ParamPath, tensors};
use crate::optim::Grads;
use crate::rng::permutation;

/// The families of weights that Figure 3 shows, all layers together, and the last decoder layer of Figure 7.
const LAST_LAYER: &str = "last decoder layer";

/// Cosines by family, in [-1, 1]: about 1 where the task's gradient teaches its format alone. `rows` training rows
/// of their own stream, without dropout or smoothing; a family without a gradient is absent.
pub async fn alignment(
    context: &StageContext<'_>,
    model: &Model,
    ctx: &Ctx<'_>,
    rows: usize,
) -> Result<BTreeMap<String, f64>> {
    let tasks = context.source.tuned_rows(0, rows)?;
    let mut rng = context.streams.stream("shuffled labels");
    // Among the rows of one task: labels of another one would change the format.
    let shuffled = tasks
        .iter()
        .map(|rows| {
            let order = permutation(rows.len(), &mut rng);
            let other = |(row, other): (&TokenizedExample, usize)| TokenizedExample {
                target: rows[other].target.clone(),
                ..row.clone()
            };
            rows.iter().zip(order).map(other).collect()
        })
        .collect();
    let full = gradients(context, model, ctx, tasks)?;
    let format = gradients(context, model, ctx, shuffled)?;
    let path = |text: &str| text.parse::<ParamPath>();
    let last = full.0.keys().filter_map(|text| decoder_layer(&path(text).ok()?)).max();
    let mut sums: BTreeMap<String, [Tensor<1>; 3]> = BTreeMap::new();
    for (text, grad) in full.0 {
        let Some(other) = format.0.get(&text) else { continue };
        let products =
            [(grad.clone() * other.clone()).sum(), grad.square().sum(), other.clone().square().sum()];
        for family in families(&path(&text)?, last) {
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

fn gradients(
    context: &StageContext<'_>,
    model: &Model,
    ctx: &Ctx<'_>,
    rows: Vec<Vec<TokenizedExample>>,
) -> Result<Grads> {
    let model = set_trainable(model.valid(), &|path| context.method.trainable(path));
    let micro_batches = context.micro_batches(&model, rows)?;
    let settings = LossSettings { label_smoothing: 0.0, z_loss: 0.0 };
    let how =
        Backward { method: context.method, ctx, num_workers: context.layout.num_workers, settings, pass: 0 };
    Ok(backward_accumulated(&model, &micro_batches, how, &mut Dropout::off()).grads)
}

/// The families that a parameter belongs to; none for embeddings, norms and biases.
fn families(path: &ParamPath, last: Option<usize>) -> Vec<String> {
    let mut families = Vec::new();
    match path.kind.filter(|_| !path.bias) {
        Some(kind) if kind.is_attention() => families.push(kind.name().to_uppercase()),
        Some(_) => families.push("MLP".to_owned()),
        None => {}
    }
    if last.is_some() && decoder_layer(path) == last {
        families.push(LAST_LAYER.to_owned());
    }
    families
}

fn decoder_layer(path: &ParamPath) -> Option<usize> {
    path.layer.filter(|_| path.stack == Some(StackKind::Decoder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_fall_into_the_families_of_the_figures() {
        let of = |path: &str| families(&path.parse().unwrap(), Some(2));
        assert_eq!(of("lm.encoder.blocks.0.feed_forward.wi_0.weight"), ["MLP"]);
        assert_eq!(of("lm.decoder.blocks.2.cross_attention.q.weight"), ["Q", LAST_LAYER]);
        assert_eq!(of("lm.decoder.blocks.2.ff_norm.weight"), [LAST_LAYER]);
        assert!(of("lm.encoder.blocks.2.ff_norm.weight").is_empty());
        assert!(of("lm.shared").is_empty());
    }
}
