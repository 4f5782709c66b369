//! How much memory a stage takes on the CPU at most, estimated before it begins. The sizes of weights, gradients and moments are
//! counted; what activations take a token, and what the allocator holds beside all this, are fitted to measured peaks
//! (docs/log/2026-12-01-memory-before-a-run.md).

use burn::module::{Module as _, ModuleVisitor, Param};
use burn::tensor::Tensor;

use super::PlannedStage;
use crate::device::parts_on_cpu;
use crate::error::Result;
use crate::method::Moves;
use crate::model::causal::CausalConfig;
use crate::model::path::Walk;
use crate::model::t5::T5Config;
use crate::model::{Model, ModelConfig, ParamPath};
use crate::spec::OptimizerSpec;

/// The bytes of a number in f32.
const NUMBER: usize = 4;

/// What a program takes before it has a model.
const PROGRAM: usize = 60_000_000;

/// Tokens of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lengths {
    pub input: usize,
    pub target: usize,
}

/// Bytes of what a stage holds. Methods that keep copies of the weights (EMA, mixout) take those on top.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryPlan {
    /// The pretrained weights, those that are trained, and those of the kept checkpoint.
    pub weights: usize,
    /// The optimizer's moments.
    pub optimizer: usize,
    /// Those of the parts of a batch that are computed side by side.
    pub gradients: usize,
    pub activations: usize,
    /// Copies while a checkpoint or the tuned model is written.
    pub saving: usize,
}

impl MemoryPlan {
    /// Of a stage with the model that the run begins with, which need not hold its numbers, and rows of so many tokens.
    ///
    /// # Errors
    /// A T5 with an activation that is not known here.
    pub fn new(
        model: &Model,
        config: &ModelConfig,
        stage: &PlannedStage,
        prompt: usize,
        lengths: Lengths,
    ) -> Result<Self> {
        let all = count(model, &|_| true);
        let trained = count(model, &|path| stage.method.trainable(path));
        let training = &stage.stage.training;
        let parts = parts_on_cpu(all) + usize::from(training.accumulate > 1);
        let moments = match training.optimizer {
            OptimizerSpec::Adafactor { .. } => 0,
            OptimizerSpec::AdamW { .. } | OptimizerSpec::Muon { .. } => 2 * trained,
        };
        let examples = training.shots + usize::from(training.one_shot_rate > 0.0);
        let before = examples * (lengths.input + lengths.target);
        let prompt = if stage.method.moves() == Moves::Weights && stage.id.index == 0 { 0 } else { prompt };
        let input = prompt + before + lengths.input;
        let rows = training.batch.div_ceil(training.accumulate.max(1));
        // What a frozen layer was fed is needed by no gradient.
        let quarters = if trained == 0 { 3 } else { 4 };
        // The whole model is written at the end, whatever was trained; a stage's checkpoint has what it trains, twice.
        let saving = (2 * trained + moments).max(3 * all - 2 * trained.min(all));
        Ok(Self {
            weights: (all + 2 * trained) * NUMBER,
            optimizer: moments * NUMBER,
            gradients: parts * trained * NUMBER,
            activations: rows * activations(config, input, lengths.target)? * quarters / 4 * NUMBER,
            saving: saving * NUMBER,
        })
    }

    /// The most that is held at once, with what the allocator holds beside it.
    pub fn peak(&self) -> usize {
        let held = |bytes: usize| bytes + bytes / 4;
        // Gradients come as activations go, but not at the same pace.
        let (gradients, activations) = (held(self.gradients), self.activations);
        let step = gradients.max(activations) + gradients.min(activations) / 4;
        PROGRAM + held(self.weights + self.optimizer) + step.max(held(self.saving))
    }
}

/// The parameters that `of` names.
fn count(model: &Model, of: &dyn Fn(&ParamPath) -> bool) -> usize {
    let mut count = Count { path: Walk::default(), of, found: 0 };
    model.visit(&mut count);
    count.found
}

struct Count<'a> {
    path: Walk,
    of: &'a dyn Fn(&ParamPath) -> bool,
    found: usize,
}

impl ModuleVisitor for Count<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _name: &str, container: &str) {
        self.path.exit(container);
    }

    fn visit_float<const R: usize>(&mut self, param: &Param<Tensor<R>>) {
        if (self.of)(&self.path.param()) {
            self.found += param.lazy_shape().num_elements();
        }
    }
}

/// Numbers that a row's forward pass keeps for the way back.
fn activations(config: &ModelConfig, input: usize, target: usize) -> Result<usize> {
    match config {
        ModelConfig::T5(config) => of_t5(config, input, target),
        ModelConfig::Causal(config) => Ok(of_causal(config, input + target, target)),
    }
}

/// What a feed-forward layer keeps of each inner number.
fn inner_copies(gated: bool) -> usize {
    if gated { 4 } else { 3 }
}

/// What the head and the loss keep of each logit.
const LOGIT_COPIES: usize = 4;

fn of_t5(config: &T5Config, input: usize, target: usize) -> Result<usize> {
    let (_, gated) = config.activation()?;
    let inner = config.num_heads * config.d_kv;
    let feed_forward = inner_copies(gated) * config.d_ff;
    let block = |seen: usize| 6 * config.d_model + 3 * inner + feed_forward + config.num_heads * seen;
    let cross = 3 * config.d_model + 2 * inner + config.num_heads * input;
    let encoder = input * config.num_layers * block(input);
    let decoder = config.decoder_layers() * (target * (block(target) + cross) + input * 2 * inner);
    Ok(encoder + decoder + target * LOGIT_COPIES * config.vocab_size)
}

fn of_causal(config: &CausalConfig, length: usize, target: usize) -> usize {
    // Queries and keys are kept before and after they are turned.
    let projected = 5 * (config.num_heads + config.num_kv_heads) * config.head_dim;
    let feed_forward = inner_copies(config.gated) * config.d_ff;
    let block = 6 * config.d_model + projected + feed_forward + config.num_heads * length;
    length * config.num_layers * block + target * LOGIT_COPIES * config.vocab_size
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::folder::outline;
    use crate::spec::RunSpec;
    use crate::task::built_in;
    use crate::train::planned;

    /// The widths of SmolLM2-135M.
    const LLAMA: &str = r#"{"model_type": "llama", "vocab_size": 49152, "hidden_size": 576, "intermediate_size": 1536,
        "num_hidden_layers": 30, "num_attention_heads": 9, "num_key_value_heads": 3, "tie_word_embeddings": true,
        "rms_norm_eps": 1e-5, "max_position_embeddings": 8192, "eos_token_id": 0}"#;
    /// Those of T5-small.
    const T5: &str = r#"{"model_type": "t5", "vocab_size": 32128, "d_model": 512, "d_kv": 64, "d_ff": 2048, "num_layers": 6,
        "num_heads": 8}"#;

    /// Small widths and many layers.
    const DEEP_T5: &str = r#"{"model_type": "t5", "vocab_size": 1500, "d_model": 256, "d_kv": 32, "d_ff": 512,
        "num_layers": 12, "num_heads": 8, "feed_forward_proj": "gated-gelu", "tie_word_embeddings": false}"#;
    /// Large widths and few layers.
    const WIDE_LLAMA: &str = r#"{"model_type": "llama", "vocab_size": 32000, "hidden_size": 1024,
        "intermediate_size": 2816, "num_hidden_layers": 6, "num_attention_heads": 16, "num_key_value_heads": 16,
        "tie_word_embeddings": false, "rms_norm_eps": 1e-5, "max_position_embeddings": 2048, "eos_token_id": 0}"#;

    fn plan(config: &str, method: &str, fields: &[(&str, &str)], input: usize) -> MemoryPlan {
        let text = format!("version = 2\nmethods = [\"{method}\"]\n[target]\ntask = \"rte\"\n");
        let mut spec = RunSpec::from_toml(&text, "test").unwrap();
        for (field, value) in fields {
            spec.set(&format!("stage.{method}.{field}"), value).unwrap();
        }
        let run = spec.resolve(built_in()).unwrap();
        let stages = planned(&run, &run.recipes[0].trained()[0], 0).unwrap();
        let config = ModelConfig::from_json(config.as_bytes()).unwrap();
        let model = outline(&config).unwrap();
        MemoryPlan::new(&model, &config, &stages[0], 100, Lengths { input, target: 2 }).unwrap()
    }

    /// Peaks in MB that the log says were measured, of 3 updates and a checkpoint.
    #[test]
    fn measured_peaks_are_met_within_a_sixth() {
        let prompt = [("prompt-tuning", "adafactor")];
        let weights = [("fine-tuning", "adafactor")];
        let adam_w = [("fine-tuning", "adam-w")];
        for (config, [(method, optimizer)], batch, input, measured) in [
            (T5, weights, "2", 49, 1_818.0),
            (T5, adam_w, "2", 49, 2_900.0),
            (T5, weights, "16", 121, 1_936.0),
            (T5, prompt, "16", 121, 1_355.0),
            (DEEP_T5, weights, "16", 121, 995.0),
            (DEEP_T5, weights, "48", 121, 1_826.0),
            (DEEP_T5, prompt, "16", 121, 909.0),
            (LLAMA, weights, "2", 49, 3_599.0),
            (LLAMA, adam_w, "2", 49, 6_152.0),
            (LLAMA, weights, "8", 121, 3_798.0),
            (WIDE_LLAMA, weights, "16", 121, 3_867.0),
            (WIDE_LLAMA, prompt, "16", 121, 2_640.0),
        ] {
            let fields = [("batch", batch), ("optimizer.name", optimizer)];
            let found = plan(config, method, &fields, input).peak() as f64 / 1e6;
            let what = format!("{method} of {batch} rows with {optimizer}");
            assert!((found / measured - 1.0).abs() < 1.0 / 6.0, "{what}: {found} MB, measured {measured}");
        }
    }

    #[test]
    fn a_prompt_needs_no_gradients_of_the_weights_and_parts_of_a_batch_less_activations() {
        let weights = plan(LLAMA, "fine-tuning", &[], 100);
        let prompt = plan(LLAMA, "prompt-tuning", &[], 100);
        assert_eq!((prompt.gradients, prompt.optimizer), (0, 0));
        assert_eq!(weights.weights, 3 * prompt.weights);
        let eighth = plan(LLAMA, "fine-tuning", &[("accumulate", "8")], 100);
        assert_eq!(eighth.activations, weights.activations / 8);
        assert!(eighth.gradients > weights.gradients && eighth.peak() < weights.peak());
    }
}
