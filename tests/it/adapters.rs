//! Adapters on linear layers: what must hold exactly when they are attached, trained, taken off and merged.

use std::collections::BTreeSet;

use burn::tensor::Device;
use promot_core::loss::LossSettings;
use promot_core::model::path::{Component, Kind};
use promot_core::model::tensors::{self, HostTensor, HostTensors, Precision};
use promot_core::model::{Adapters, Dropout, Lora, Model, ParamPath, Pass, folder};
use promot_core::optim::Grads;
use promot_core::rng::{Streams, normal};
use promot_core::train::{accumulate, set_trainable};

use crate::golden::{Family, assert_close, method, values};

const RANK: usize = 3;
const SCALE: f64 = 1.5;

fn logits(model: &Model, family: &Family) -> Vec<f32> {
    values(model.logits(&family.batch(), &mut Pass::eval()))
}

fn parameters(model: &Model) -> HostTensors {
    pollster::block_on(tensors::read(model, &|_| true, &tensors::by_path)).unwrap()
}

/// An adapter of random A and, where `size_of_b` is not 0, random B.
fn lora(path: &ParamPath, dims: [usize; 2], size_of_b: f64) -> Lora {
    let mut rng = Streams::new(5).stream(&format!("lora/{}", path.linear()));
    let mut draw = |count: usize, size: f64| -> Vec<f32> {
        (0..count).map(|_| (normal(&mut rng) * size) as f32).collect()
    };
    let (a, b) = (draw(dims[0] * RANK, 0.3), draw(RANK * dims[1], size_of_b));
    Lora::from_values(a, b, dims, RANK, SCALE, &Device::flex()).unwrap()
}

/// Adapters on all linear layers.
fn everywhere(model: Model, size_of_b: f64) -> Model {
    model.attach(&mut |path, dims| Some(lora(path, dims, size_of_b)))
}

#[test]
fn every_path_of_a_model_is_read_and_written_alike() {
    for family in Family::all() {
        let model = everywhere(family.model(true), 0.0);
        let mut layers = BTreeSet::new();
        for text in parameters(&model).keys() {
            let path: ParamPath = text.parse().unwrap();
            assert_eq!(path.to_string(), *text);
            if path.is_linear() {
                layers.insert(path.linear());
            }
        }
        assert_eq!(layers, model.adapters().0.into_keys().collect(), "{}", family.name);
    }
}

#[test]
fn an_adapter_with_b_of_zero_changes_no_bit() {
    for family in Family::all() {
        let plain = family.model(true);
        assert_eq!(
            logits(&everywhere(plain.clone(), 0.0), &family),
            logits(&plain, &family),
            "{}",
            family.name
        );
    }
}

#[test]
fn merged_weights_compute_what_attached_adapters_compute() {
    for family in Family::all() {
        let attached = everywhere(family.model(true), 0.1);
        let merged = attached.clone().merged();
        assert!(merged.adapters().is_empty());
        let expected = logits(&attached, &family);
        assert_close(family.name, &logits(&merged, &family), &expected, 1e-5);
        assert_ne!(
            expected,
            logits(&family.model(true), &family),
            "{}: the adapters do something",
            family.name
        );
        let plain = family.model(true);
        assert_eq!(
            parameters(&plain.clone().merged()),
            parameters(&plain),
            "{}: nothing to merge",
            family.name
        );
    }
}

#[test]
fn adapters_are_taken_off_and_put_back() {
    let family = Family::new("t5-1.1");
    let attached = everywhere(family.model(false), 0.1);
    let adapters = attached.adapters();
    let bare = attached.clone().with_adapters(&Adapters::default());
    assert_eq!(parameters(&bare), parameters(&family.model(false)));
    assert_eq!(logits(&bare.with_adapters(&adapters), &family), logits(&attached, &family));
}

/// With r of them, A has `r d_in` numbers and B `r d_out`.
#[test]
fn adapters_on_queries_and_values_have_so_many_numbers() {
    for family in Family::all() {
        let mut chosen = |path: &ParamPath, dims| {
            matches!(path.kind, Some(Kind::Q | Kind::V)).then(|| lora(path, dims, 0.0))
        };
        let model = family.model(false).attach(&mut chosen);
        let config = family.loaded.config.t5().unwrap();
        let attentions = config.num_layers + 2 * config.decoder_layers();
        let expected = 2 * attentions * RANK * (config.d_model + config.num_heads * config.d_kv);
        assert_eq!(model.adapters().num_params(), expected, "{}", family.name);
        let is_adapter = |path: &str| path.parse::<ParamPath>().unwrap().is_adapter();
        let found = pollster::block_on(tensors::read(&model, &is_adapter, &tensors::by_path)).unwrap();
        assert_eq!(found.values().map(|tensor| tensor.values.len()).sum::<usize>(), expected);
    }
}

/// With G the gradient of `W + s A B`, that of A is `s G B^T` and that of B is `s A^T G`.
#[test]
fn gradients_of_adapters_are_projections_of_the_dense_gradient() {
    let family = Family::new("t5-1.1");
    let attached = everywhere(family.model(false), 0.1);
    let gradients = |model: Model, adapters: bool| -> Grads {
        let chosen = |path: &ParamPath| path.is_adapter() == adapters;
        let model = set_trainable(model, &chosen);
        let (parts, settings) = ([family.batch().into()], LossSettings::default());
        accumulate(
            &model,
            &*method(if adapters { "lora" } else { "fine-tuning" }),
            &parts,
            1,
            settings,
            &mut Dropout::off(),
        )
        .grads
    };
    let dense = gradients(attached.clone().merged(), false);
    let low_rank = gradients(attached.clone(), true);
    let adapters = attached.adapters();
    assert_eq!(low_rank.0.len(), 2 * adapters.0.len());
    for (path, lora) in adapters.0 {
        let dense = dense.0[&format!("{path}.weight")].clone().mul_scalar(SCALE);
        let of_a = dense.clone().matmul(lora.b.val().transpose());
        let of_b = lora.a.val().transpose().matmul(dense);
        for (side, expected) in [("a", of_a), ("b", of_b)] {
            let path = format!("{path}.lora.{side}");
            assert_close(&path, &values(low_rank.0[&path].clone()), &values(expected), 1e-4);
        }
    }
}

#[test]
fn a_model_with_an_adapter_is_not_saved_without_it() {
    let mut loaded = Family::new("t5-1.1").loaded;
    let mut one = |path: &ParamPath, dims| {
        let here = path.component == Component::CrossAttention && path.kind == Some(Kind::O);
        (here && path.layer == Some(0)).then(|| lora(path, dims, 0.1))
    };
    loaded.model = loaded.model.attach(&mut one);
    let error = pollster::block_on(folder::save(&loaded, Precision::F32)).unwrap_err().to_string();
    assert!(error.contains("merge or export the adapter first"), "{error}");
    assert!(error.contains("lm.decoder.blocks.0.cross_attention.o"), "{error}");
    loaded.model = loaded.model.merged();
    pollster::block_on(folder::save(&loaded, Precision::F32)).unwrap();
}

#[test]
fn a_chosen_parameter_without_a_name_is_named_by_the_error() {
    let model = Family::new("t5-1.1").model(true);
    let named = |path: &str| (path != "lm.shared").then(|| (path.to_owned(), false));
    let error = pollster::block_on(tensors::read(&model, &|_| true, &named)).unwrap_err().to_string();
    assert!(error.contains("`lm.shared`"), "{error}");
    let found = pollster::block_on(tensors::read(&model, &|path| path != "lm.shared", &named)).unwrap();
    assert!(found.contains_key("prompt.value") && !found.contains_key("lm.shared"));
}

#[test]
fn adapters_of_another_size_are_refused() {
    assert!(Lora::from_values(vec![0.0; 8], vec![0.0; 6], [4, 3], 2, 1.0, &Device::flex()).is_ok());
    let error = Lora::from_values(vec![0.0; 8], vec![0.0; 5], [4, 3], 2, 1.0, &Device::flex()).unwrap_err();
    assert!(error.to_string().contains("matrix B"), "{error}");
}

/// A tensor that goes through the adapter's path in a checkpoint comes back.
#[test]
fn adapters_are_filled_from_stored_tensors() {
    let family = Family::new("t5-1.1");
    let (trained, fresh) = (everywhere(family.model(false), 0.1), everywhere(family.model(false), 0.0));
    let is_adapter = |path: &str| path.parse::<ParamPath>().unwrap().is_adapter();
    let stored = pollster::block_on(tensors::read(&trained, &is_adapter, &tensors::by_path)).unwrap();
    let shape: Vec<usize> = stored["lm.decoder.blocks.0.feed_forward.wo.lora.b"].shape.clone();
    assert_eq!(shape, [RANK, family.loaded.config.d_model()]);
    let naming = |path: &str| is_adapter(path).then(|| (path.to_owned(), false));
    let filled = tensors::load(fresh.clone(), &stored, &naming, &[], "the checkpoint").unwrap();
    assert_eq!(logits(&filled, &family), logits(&trained, &family));
    let mut short = stored;
    let wrong = HostTensor { shape: vec![1, 1], values: vec![0.0] };
    short.insert("lm.decoder.blocks.0.feed_forward.wo.lora.b".into(), wrong);
    assert!(tensors::load(fresh, &short, &naming, &[], "the checkpoint").is_err());
}
