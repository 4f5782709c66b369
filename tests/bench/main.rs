//! `promot-bench`: seconds of training steps and of beam search, one JSON line a measurement, on the CPU.
//!
//! `bench_torch.py` measures the same with PyTorch and transformers, `cargo xtask bench` runs both. What is measured
//! stands in `sizes.json`: random T5 1.1 and Llama models of two sizes each, the same batches, label smoothing and, for
//! T5, dropout on.
//! `RAYON_NUM_THREADS` sets the number of threads. Arguments restrict the run to the sizes they name.

use std::path::{Path, PathBuf};
use std::time::Instant;

use burn::module::Module;
use promot_core::batch::{Batch, BatchLayout, TokenizedExample};
use promot_core::decode::{Batching, SearchSettings, generate};
use promot_core::device::{self, DeviceChoice};
use promot_core::loss::LossSettings;
use promot_core::method::{self, Method};
use promot_core::model::{Dropout, Model, ModelConfig, Rates, SoftPrompt, folder, prompt, tensors};
use promot_core::optim::Optimizer;
use promot_core::rng::Streams;
use promot_core::spec::{LengthPenalty, OptimizerSpec};
use promot_core::train::{MicroBatch, accumulate, set_trainable};
use serde_json::{Value, json};

const ADAFACTOR: OptimizerSpec =
    OptimizerSpec::Adafactor { decay: 0.8, weight_decay: 0.0, scale_parameter: false };
const ADAMW: OptimizerSpec =
    OptimizerSpec::AdamW { beta_1: 0.9, beta_2: 0.999, epsilon: 1e-8, weight_decay: 0.01 };

fn main() {
    promot_allocator::keep_memory();
    let settings: Value = serde_json::from_str(include_str!("sizes.json")).expect("sizes.json is JSON");
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    for size in settings["sizes"].as_array().expect("a list of sizes") {
        let name = size["name"].as_str().expect("a name");
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            Bench::new(&settings, size).run();
        }
    }
}

/// One size with its batch.
struct Bench<'a> {
    settings: &'a Value,
    size: &'a Value,
    config: ModelConfig,
    model: Model,
    /// As the CPU device has it for this model.
    layout: BatchLayout,
    prompt: SoftPrompt,
    rows: Vec<TokenizedExample>,
}

impl<'a> Bench<'a> {
    fn new(settings: &'a Value, size: &'a Value) -> Self {
        let opened = pollster::block_on(device::open(DeviceChoice::Cpu)).expect("a CPU");
        let device = opened.device.clone();
        let config = config(size);
        let streams = Streams::new(0);
        let model = folder::random(&config, streams.stream("init"), &device).expect("a model");
        let length = number(&settings["prompt_length"]);
        let (width, vocabulary) = (config.d_model(), config.vocab_size());
        let values = prompt::uniform(length, width, 0.5, &mut streams.stream("prompt"));
        let prompt = SoftPrompt::from_values(values, length, width, &device).expect("a prompt");
        // The same ids as in bench_torch.py; what they are does not matter, that they differ does.
        let ids = |row: usize, count: usize| {
            (0..count).map(|place| (3 + (row * 131 + place * 17) % (vocabulary - 3)) as u32).collect()
        };
        let rows = (0..number(&size["batch"]))
            .map(|row| (ids(row, number(&size["input"])), ids(row + 7, number(&size["target"]))).into())
            .collect();
        let layout = opened.layout(0, config.start(), model.num_params());
        Self { settings, size, layout, config, model, prompt, rows }
    }

    fn run(&self) {
        self.train("fine-tuning, Adafactor", &*method("fine-tuning"), ADAFACTOR, false);
        self.train("fine-tuning, AdamW", &*method("fine-tuning"), ADAMW, false);
        self.train("fine-tuning with a frozen prompt", &*method("fine-tuning"), ADAFACTOR, true);
        self.train("stage 1, Adafactor", &*method("prompt-tuning"), ADAFACTOR, true);
        self.generate("generate, greedy", 1);
        self.generate("generate, beam 4", number(&self.settings["beams"]));
    }

    /// One update: batch, forward, loss, backward, optimizer; the loss is read back.
    fn train(&self, what: &str, method: &dyn Method, optimizer: OptimizerSpec, prompt: bool) {
        let model = self.model.clone().with_prompt(prompt.then(|| self.prompt.clone()));
        let mut model = Some(set_trainable(model, &|path| method.trainable(path)));
        let mut optimizer = Optimizer::new(optimizer).side_by_side(true);
        let float = |name: &str| self.settings[name].as_f64().expect("a number");
        let loss = LossSettings { label_smoothing: float("label_smoothing"), z_loss: 0.0 };
        // A family that is trained without dropout says so.
        let dropout_rate = self.size["dropout"].as_f64().unwrap_or_else(|| float("dropout"));
        let mut step = 0;
        self.measure(what, || {
            let now = model.take().expect("a model between steps");
            let rng = Streams::new(0).stream(&format!("dropout/{step}"));
            let mut dropout = Dropout::new(Rates::uniform(dropout_rate), rng);
            let done = accumulate(&now, method, &self.parts(), self.layout.num_workers, loss, &mut dropout);
            model = Some(optimizer.update(now, done.grads, float("learning_rate")));
            let loss = pollster::block_on(tensors::to_vec(done.loss)).expect("a loss");
            assert!(loss[0].is_finite(), "{what}: the loss is {}", loss[0]);
            step += 1;
        });
    }

    /// All inputs at once, without an end-of-sequence token, so that both programs make every token.
    fn generate(&self, what: &str, beams: usize) {
        let inputs: Vec<Vec<u32>> = self.rows.iter().map(|row| row.input.clone()).collect();
        let settings = SearchSettings {
            beams,
            max_new_tokens: number(&self.settings["new_tokens"]),
            min_new_tokens: 0,
            length_penalty: LengthPenalty::HuggingFace,
            alpha: 1.0,
            decoder_start_id: self.config.start(),
            eos: vec![u32::MAX],
        };
        let batching = Batching { rows: inputs.len(), layout: self.layout, suppressed: &[] };
        self.measure(what, || {
            let mut quiet = |_| Ok(());
            let search = generate(&self.model, &inputs, &settings, batching, &mut quiet);
            let found = pollster::block_on(search).expect("outputs");
            assert!(found.iter().all(|found| found.tokens.len() == settings.max_new_tokens));
        });
    }

    /// The batch as a training run on the CPU splits it.
    fn parts(&self) -> Vec<MicroBatch> {
        let made = Batch::micro_batches(self.rows.clone(), &self.layout, self.layout.num_workers);
        made.into_iter().map(MicroBatch::from).collect()
    }

    /// Two rounds to warm up, then as many as fit into the given seconds, at least three.
    fn measure(&self, what: &str, mut once: impl FnMut()) {
        once();
        once();
        let budget = self.settings["seconds"].as_f64().expect("seconds");
        let most = number(&self.settings["most_samples"]);
        let begin = Instant::now();
        let mut samples: Vec<f64> = Vec::new();
        while samples.len() < 3 || (begin.elapsed().as_secs_f64() < budget && samples.len() < most) {
            let start = Instant::now();
            once();
            samples.push(start.elapsed().as_secs_f64());
        }
        samples.sort_by(f64::total_cmp);
        let median = samples[samples.len() / 2];
        println!(
            "{}",
            json!({"what": what, "size": self.size["name"], "seconds": median, "samples": samples})
        );
    }
}

/// The bundled model's own configuration where there is one.
fn config(size: &Value) -> ModelConfig {
    let root: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let file = size["config_file"].as_str().and_then(|file| std::fs::read(root.join(file)).ok());
    let bytes = file.unwrap_or_else(|| size["config"].to_string().into_bytes());
    ModelConfig::from_json(&bytes).expect("a configuration")
}

fn number(value: &Value) -> usize {
    value.as_u64().and_then(|number| usize::try_from(number).ok()).expect("a whole number")
}

/// A method with its default settings.
fn method(name: &str) -> Box<dyn Method> {
    let info = method::by_name(name).expect("a known method");
    info.build(&info.defaults())
}
