//! The contract of every method in the list, driven through whole experiments: what is frozen stays bit-equal (with
//! weight decay and dropout on), as many numbers are trained as the closed form says, the neutral setting is
//! fine-tuning, the same seed gives the same weights, a stopped run goes on as if it had not been, and what is restored
//! from checkpoints is what the run gave. Then the exact tests of single methods.

use std::collections::BTreeMap;

use promot_core::checkpoint::Checkpoint;
use promot_core::device::{self, DeviceChoice, OpenDevice};
use promot_core::method::{self, METHODS, MethodInfo};
use promot_core::model::{Model, ParamPath, tensors};
use promot_core::record::StepRecord;
use promot_core::spec::{MethodEntry, RunSpec, StageRequest};
use promot_core::train::{
    Control, Event, FinishedRun, Observer, Outcome, Setup, TunedModel, experiment, restore,
};
use promot_core::{Error, Result};
use promot_world::{Generated, catalog};

use crate::golden::Family;

/// Keeps checkpoints in memory and stops once after so many steps in all.
#[derive(Default)]
pub struct Kept {
    pub checkpoints: BTreeMap<String, Checkpoint>,
    pub runs: BTreeMap<String, FinishedRun>,
    pub steps: usize,
    pub stop_after: Option<usize>,
}

impl Observer for Kept {
    fn now(&self) -> f64 {
        0.0
    }

    fn event(&mut self, event: &Event) -> Control {
        if let Event::Step { .. } = event {
            self.steps += 1;
            if self.stop_after == Some(self.steps) {
                self.stop_after = None;
                return Control::Stop;
            }
        }
        Control::Continue
    }

    fn save(&mut self, checkpoint: Checkpoint) -> Result<()> {
        self.checkpoints.insert(checkpoint.name.clone(), checkpoint);
        Ok(())
    }

    fn load(&mut self, name: &str) -> Result<Option<Checkpoint>> {
        Ok(self.checkpoints.get(name).cloned())
    }

    fn save_run(&mut self, run: &FinishedRun) -> Result<()> {
        self.runs.insert(run.run.method.clone(), run.clone());
        Ok(())
    }

    fn load_run(&mut self, method: &str, _: u64, _: &str) -> Result<Option<FinishedRun>> {
        Ok(self.runs.get(method).cloned())
    }
}

/// A tiny experiment on one of the random models of the golden files.
pub struct Lab {
    family: Family,
    device: OpenDevice,
}

impl Lab {
    /// On the T5 1.1.
    pub fn new() -> Self {
        Self::of(Family::new("t5-1.1"))
    }

    /// One of each architecture; the decoder-only one has biases and norms of queries and keys.
    fn each() -> [Self; 2] {
        [Self::new(), Self::of(Family::causal("qwen3"))]
    }

    fn of(family: Family) -> Self {
        Self { family, device: pollster::block_on(device::open(DeviceChoice::Cpu)).unwrap() }
    }

    pub fn setup<'a>(&'a self, run: &'a promot_core::spec::Run) -> Setup<'a> {
        Setup { run, loaded: &self.family.loaded, device: &self.device, rows: &Generated }
    }

    fn run(&self, spec: &RunSpec, observer: &mut Kept) -> Result<Outcome> {
        let run = spec.resolve(&catalog().tasks).unwrap();
        pollster::block_on(experiment(self.setup(&run), observer))
    }

    /// The first method's model, with its records.
    fn trained(&self, spec: &RunSpec) -> (TunedModel, Vec<StepRecord>) {
        let outcome = self.run(spec, &mut Kept::default()).unwrap();
        (outcome.models.into_iter().next().unwrap().tuned, outcome.report.runs[0].steps.clone())
    }
}

/// Six steps of one method with weight decay and dropout; checkpoints after 2, 4 and 6 steps.
pub fn spec(method: &str) -> RunSpec {
    let mut spec = RunSpec { methods: vec![MethodEntry::from(method)], seeds: vec![3], ..RunSpec::default() };
    for (path, value) in [
        ("target.train_limit", "12"),
        ("target.validation_limit", "3"),
        ("target.test_limit", "2"),
        ("target.max_input", "64"),
        ("prompt.length", "3"),
        ("prompt.vocabulary", "0"),
        ("eval.beams", "1"),
        ("eval.shots", "[]"),
    ] {
        spec.set(path, value).unwrap();
    }
    for stage in ["prompt-tuning", "fine-tuning"] {
        for (field, value) in [
            ("steps", "6"),
            ("batch", "4"),
            ("accumulate", "2"),
            ("checkpoint_every", "2"),
            ("learning_rate", "0.01"),
            ("dropout", "0.1"),
            ("optimizer.name", "adam-w"),
            ("optimizer.weight_decay", "0.1"),
        ] {
            spec.set(&format!("stage.{stage}.{field}"), value).unwrap();
        }
    }
    spec
}

pub fn with(mut spec: RunSpec, settings: &[(impl AsRef<str>, impl AsRef<str>)]) -> RunSpec {
    for (path, value) in settings {
        spec.set(path.as_ref(), value.as_ref()).unwrap();
    }
    spec
}

fn bits(model: &Model) -> BTreeMap<String, Vec<u32>> {
    let all = pollster::block_on(tensors::read(model, &|_| true, &tensors::by_path)).unwrap();
    all.into_iter()
        .map(|(path, tensor)| (path, tensor.values.into_iter().map(f32::to_bits).collect()))
        .collect()
}

/// Everything that a method left: the model, and what is attached for the task.
fn all_bits(tuned: &TunedModel) -> BTreeMap<String, Vec<u32>> {
    bits(&tuned.for_task(0))
}

fn built(info: &MethodInfo) -> Box<dyn method::Method> {
    info.build(&info.defaults())
}

#[test]
fn names_are_distinct_and_settings_do_not_hide_those_of_every_stage() {
    let mut names: Vec<&str> = METHODS.iter().map(|info| info.name).collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
    for info in METHODS {
        assert!(!info.summary.is_empty() && !info.paper.is_empty(), "{}", info.name);
        let mut fields = StageRequest::of(info.name).fields().unwrap();
        fields.sort();
        let count = fields.len();
        fields.dedup();
        assert_eq!(fields.len(), count, "{}: a setting has the name of another one", info.name);
        info.settings(&toml_of(info), info.name).unwrap_or_else(|error| panic!("{}: {error}", info.name));
    }
}

/// Default settings as a spec would give them: they must be within their own ranges.
fn toml_of(info: &MethodInfo) -> toml::Table {
    info.params.iter().map(|param| (param.name.to_owned(), toml::Value::from(&param.default()))).collect()
}

#[test]
fn what_is_frozen_stays_and_what_is_trained_moves() {
    for lab in Lab::each() {
        let before = bits(&lab.family.loaded.model);
        for info in METHODS {
            let (tuned, records) = lab.trained(&spec(info.name));
            assert_eq!(records.last().unwrap().step, 6, "{}", info.name);
            let after = bits(&tuned.model);
            assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>(), "{}", info.name);
            let method = built(info);
            for (path, bits) in &before {
                let parsed = ParamPath::known(path);
                // An adapter that is merged moves the layer that it belongs to.
                let merged = !parsed.bias
                    && info.name == "lora"
                    && parsed.kind.is_some_and(|kind| ["q", "v"].contains(&kind.name()));
                let moves = method.trainable(&parsed) || merged;
                assert_eq!(*bits != after[path], moves, "{path} after {}", info.name);
            }
        }
    }
}

#[test]
fn as_many_numbers_are_trained_as_the_closed_form_says() {
    for lab in Lab::each() {
        let width = lab.family.loaded.config.d_model();
        // q and v of every attention: r (d_in + d_out) each.
        let mut adapters = 0;
        lab.family.model(false).for_each_linear(&mut |path, linear| {
            if path.kind.is_some_and(|kind| ["q", "v"].contains(&kind.name())) {
                adapters += 8 * linear.dims().iter().sum::<usize>();
            }
        });
        let all: usize = bits(&lab.family.loaded.model).values().map(Vec::len).sum();
        for info in METHODS {
            let mut kept = Kept::default();
            lab.run(&spec(info.name), &mut kept).unwrap();
            let checkpoint = kept.checkpoints.values().next().unwrap();
            let weights =
                tensors::from_safetensors(&checkpoint.files["weights.safetensors"], "weights").unwrap();
            let found: usize = weights.values().map(|tensor| tensor.values.len()).sum();
            let expected = match info.name {
                "prompt-tuning" => 3 * width,
                "joint" => all + 3 * width,
                "lora" => adapters,
                _ => all,
            };
            assert_eq!(found, expected, "{}", info.name);
        }
    }
}

#[test]
fn the_neutral_setting_is_fine_tuning_to_the_bit() {
    for lab in Lab::each() {
        let (plain, plain_records) = lab.trained(&spec("fine-tuning"));
        for info in METHODS {
            let Some(neutral) = info.neutral else { continue };
            let path = |name: &str| format!("stage.{}.{name}", info.name);
            let settings: Vec<_> =
                neutral.iter().map(|(name, value)| (path(name), value.to_string())).collect();
            let (tuned, records) = lab.trained(&with(spec(info.name), &settings));
            let losses =
                |records: &[StepRecord]| records.iter().map(|record| record.loss).collect::<Vec<_>>();
            assert_eq!(losses(&records), losses(&plain_records), "losses of {}", info.name);
            assert_eq!(all_bits(&tuned), all_bits(&plain), "weights of {}", info.name);
            if !neutral.is_empty() {
                let (changed, _) = lab.trained(&spec(info.name));
                assert_ne!(
                    all_bits(&changed),
                    all_bits(&plain),
                    "{} changes nothing at its defaults",
                    info.name
                );
            }
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_weights_and_another_one_others() {
    for lab in Lab::each() {
        for info in METHODS {
            let (one, _) = lab.trained(&spec(info.name));
            let (two, _) = lab.trained(&spec(info.name));
            assert_eq!(all_bits(&one), all_bits(&two), "{}", info.name);
            let mut other = spec(info.name);
            other.seeds = vec![4];
            assert_ne!(all_bits(&lab.trained(&other).0), all_bits(&one), "{}", info.name);
        }
    }
}

#[test]
fn a_stopped_run_goes_on_as_if_it_had_not_been_stopped() {
    for lab in Lab::each() {
        for info in METHODS {
            let spec = spec(info.name);
            let (whole, records) = lab.trained(&spec);
            for stop_after in [1, 3, 4] {
                let mut kept = Kept { stop_after: Some(stop_after), ..Kept::default() };
                let stopped = lab.run(&spec, &mut kept).err().unwrap();
                assert!(matches!(stopped, Error::Stopped { step } if step == stop_after), "{stopped}");
                let resumed = lab.run(&spec, &mut kept).unwrap();
                let what = format!("{} stopped after {stop_after} steps", info.name);
                assert_eq!(resumed.report.runs[0].steps, records, "{what}");
                assert_eq!(all_bits(&resumed.models[0].tuned), all_bits(&whole), "{what}");
            }
        }
    }
}

#[test]
fn what_is_restored_from_checkpoints_is_what_the_run_gave() {
    for lab in Lab::each() {
        for info in METHODS {
            let spec = spec(info.name);
            let mut kept = Kept::default();
            let fresh = lab.run(&spec, &mut kept).unwrap();
            // A finished run that is resumed only reads its checkpoints.
            let steps = kept.steps;
            let again = lab.run(&spec, &mut kept).unwrap();
            assert_eq!(kept.steps, steps, "{}", info.name);
            assert_eq!(all_bits(&again.models[0].tuned), all_bits(&fresh.models[0].tuned), "{}", info.name);
            let run = spec.resolve(&catalog().tasks).unwrap();
            let mut load = |name: &str| kept.load(name);
            let restored =
                pollster::block_on(restore(lab.setup(&run), &run.recipes[0], 3, &mut load)).unwrap();
            assert_eq!(all_bits(&restored.unwrap()), all_bits(&fresh.models[0].tuned), "{}", info.name);
        }
    }
}

/// Every method as stage 2 with a soft prompt prepended ("ProMoT with X"), and as stage 1 before fine-tuning.
#[test]
fn methods_combine_with_prompt_tuning_and_fine_tuning_without_a_line_of_code() {
    for lab in Lab::each() {
        for info in METHODS {
            for stages in [["prompt-tuning", info.name], [info.name, "fine-tuning"]] {
                let mut spec = spec("fine-tuning");
                let stages: Vec<&str> = stages.into_iter().collect();
                let own = format!("{{ v = {{ name = \"own\", stages = {stages:?} }} }}");
                let own: toml::Table = toml::from_str(&format!("w = {own}")).unwrap();
                spec.methods = vec![own["w"]["v"].clone().try_into().unwrap()];
                let (tuned, records) = lab.trained(&spec);
                assert_eq!(records.len(), 12, "{stages:?}");
                assert_ne!(bits(&tuned.model).len(), 0);
            }
        }
    }
}

#[test]
fn an_adapter_that_is_not_merged_is_taken_off_for_other_tasks() {
    let lab = Lab::new();
    let spec = with(spec("lora"), &[("stage.lora.merge", "false")]);
    let (tuned, _) = lab.trained(&spec);
    assert_eq!(bits(&tuned.model), bits(&lab.family.loaded.model));
    let attached = tuned.for_task(0);
    assert!(!attached.adapters().0.is_empty());
    let batch = lab.family.batch();
    let logits =
        |model: &Model| crate::golden::values(model.logits(&batch, &mut promot_core::model::Pass::eval()));
    assert_ne!(logits(&attached), logits(&tuned.model));
    crate::golden::assert_close("merged", &logits(&attached.clone().merged()), &logits(&attached), 1e-5);
}

#[test]
fn fine_tuning_with_a_frozen_adapter_leaves_the_adapter_as_it_was() {
    let lab = Lab::new();
    let keep = [("stage.lora.merge", "false")];
    let (alone, _) = lab.trained(&with(spec("lora"), &keep));
    let mut spec = with(spec("lora"), &keep);
    let own = promot_core::spec::OwnRecipe {
        name: "lora first".into(),
        stages: vec!["lora".into(), "fine-tuning".into()],
        shots: 0,
    };
    spec.methods = vec![MethodEntry::Own(own)];
    let (both, _) = lab.trained(&spec);
    let adapter = |tuned: &TunedModel| {
        let all = all_bits(tuned).into_iter();
        all.filter(|(path, _)| ParamPath::known(path).is_adapter()).collect::<BTreeMap<_, _>>()
    };
    assert_eq!(adapter(&alone), adapter(&both));
    assert_ne!(bits(&both.model), bits(&lab.family.loaded.model));
}

/// theta 0 at 0, the fine-tuned weights at 1, the exact mean of both in between.
#[test]
fn wise_ft_interpolates() {
    let lab = Lab::new();
    let at = |alpha: &str| {
        let spec = with(spec("wise-ft"), &[("stage.wise-ft.alpha", alpha)]);
        let model = lab.trained(&spec).0.model;
        pollster::block_on(tensors::read(&model, &|_| true, &tensors::by_path)).unwrap()
    };
    let (start, half, end) = (at("0"), at("0.5"), at("1"));
    assert_eq!(start, {
        let model = &lab.family.loaded.model;
        pollster::block_on(tensors::read(model, &|_| true, &tensors::by_path)).unwrap()
    });
    for (path, half) in &half {
        let (start, end) = (&start[path].values, &end[path].values);
        for ((half, start), end) in half.values.iter().zip(start).zip(end) {
            assert!((half - (start + end) / 2.0).abs() <= 1e-6, "{path}: {half} between {start} and {end}");
        }
    }
}

/// With p close to 1 hardly anything moves; the expectation over masks is theta (Lee et al., 2020).
#[test]
fn mixout_draws_other_rows_at_every_step_and_is_neutral_in_expectation() {
    let lab = Lab::new();
    let model = promot_core::train::set_trainable(lab.family.model(false), &|path| path.is_weight());
    let start = lab.family.model(false);
    // Another start: all weights zero, so that w = m theta / (1 - p).
    let zero = promot_core::model::parameters::read(&start, &|path| path.is_projection())
        .map(|_, tensor| tensor * 0.0);
    let zero = promot_core::model::parameters::replace(start, zero);
    let mixout = built(method::by_name("mixout").unwrap());
    let mut sums: BTreeMap<String, burn::tensor::Tensor<2>> = BTreeMap::new();
    let rounds = 400;
    for step in 0..rounds {
        let streams = promot_core::rng::Streams::new(0);
        let ctx = method::Ctx { start: &zero, step, steps: rounds, rate: 0.0, streams };
        let mixed = mixout.forward_weights(model.clone(), &mut method::State::default(), &ctx).unwrap();
        for (path, tensor) in promot_core::model::parameters::read(&mixed, &|path| path.is_projection()).0 {
            let sum = sums.remove(&path).map_or(tensor.clone(), |sum| sum + tensor);
            sums.insert(path, sum);
        }
    }
    let theta = promot_core::model::parameters::read(&model, &|path| path.is_projection());
    for (path, sum) in sums {
        let mean = crate::golden::values(sum / rounds as f64);
        let theta = crate::golden::values(theta.0[&path].clone());
        let apart: f32 =
            mean.iter().zip(&theta).map(|(mean, theta)| (mean - theta).powi(2)).sum::<f32>().sqrt();
        let norm = theta.iter().map(|value| value * value).sum::<f32>().sqrt();
        // The standard deviation of the mean is sqrt(p / (1 - p) / rounds) = 0.017 of theta.
        assert!(apart / norm < 0.05, "{path}: {apart} of {norm}");
    }
}

/// Norms of single parameters, each at most the limit, directions kept, and not the factor of a global clip.
#[test]
fn component_clipping_bounds_every_parameter_by_itself() {
    let grads = |values: [f32; 2]| {
        let tensor = |value: f32| {
            burn::tensor::Tensor::<2>::from_floats([[value, 0.0]], &burn::tensor::Device::flex())
        };
        promot_core::optim::Grads(BTreeMap::from([
            ("a".into(), tensor(values[0])),
            ("b".into(), tensor(values[1])),
        ]))
    };
    let lab = Lab::new();
    let model = lab.family.model(false);
    let ctx = method::Ctx {
        start: &model,
        step: 0,
        steps: 1,
        rate: 0.0,
        streams: promot_core::rng::Streams::new(0),
    };
    let clipping = built(method::by_name("component-clipping").unwrap());
    let clipped =
        clipping.transform_gradients(vec![grads([10.0, 0.5])], &model, &mut method::State::default(), &ctx);
    let of = |name: &str| crate::golden::values(clipped.0[name].clone());
    assert_eq!((of("a"), of("b")), (vec![1.0, 0.0], vec![0.5, 0.0]));
}

/// A soup of copies is the copy, interpolation is exact at both ends, and a merge is a row of the report like any other.
#[test]
fn finished_models_are_merged_by_an_entry_of_the_spec() {
    let lab = Lab::new();
    let mut spec = spec("fine-tuning");
    let text = "methods = ['fine-tuning', 'ema',
        { name = 'copies', merge = 'average', of = ['fine-tuning', 'fine-tuning'] },
        { name = 'soup', merge = 'average', of = ['fine-tuning', 'ema'] },
        { name = 'none', merge = 'interpolate', of = ['ema'], alpha = 0.0 },
        { name = 'whole', merge = 'interpolate', of = ['ema'], alpha = 1.0 },
        { name = 'as far', merge = 'same-distance', of = ['fine-tuning', 'ema'] }]";
    spec.methods = RunSpec::from_toml(text, "test").unwrap().methods;
    let mut kept = Kept::default();
    let outcome = lab.run(&spec, &mut kept).unwrap();
    let model = |outcome: &Outcome, name: &str| {
        let trained = outcome.models.iter().find(|trained| trained.method == name).unwrap();
        bits(&trained.tuned.model)
    };
    assert_eq!(model(&outcome, "copies"), model(&outcome, "fine-tuning"));
    assert_eq!(model(&outcome, "none"), bits(&lab.family.loaded.model));
    assert_eq!(model(&outcome, "whole"), model(&outcome, "ema"));
    for end in ["fine-tuning", "ema"] {
        assert_ne!(model(&outcome, "soup"), model(&outcome, end));
    }
    assert_eq!(outcome.report.runs.len(), 7);
    let length = |name: &str| -> f64 {
        let start = bits(&lab.family.loaded.model);
        let change = |(path, end): (&String, &Vec<u32>)| -> f64 {
            let pairs = end.iter().zip(&start[path]);
            pairs.map(|(end, start)| f64::from(f32::from_bits(*end) - f32::from_bits(*start)).powi(2)).sum()
        };
        model(&outcome, name).iter().map(change).sum::<f64>().sqrt()
    };
    assert!(length("fine-tuning") > 1.1 * length("ema"));
    assert!((length("as far") / length("ema") - 1.0).abs() < 1e-4);
    // A finished run is merged again from its checkpoints.
    let again = lab.run(&spec, &mut kept).unwrap();
    assert_eq!(model(&again, "soup"), model(&outcome, "soup"));
    spec.methods = RunSpec::from_toml("methods = [{ name = 'm', merge = 'average', of = ['promot'] }]", "x")
        .unwrap()
        .methods;
    let error = spec.resolve(&catalog().tasks).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("unknown trained method before the merge `promot`"), "{error}");
}
