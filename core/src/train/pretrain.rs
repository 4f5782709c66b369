//! Makes the bundled model: a T5 1.1-style model trained from nothing on the mini world's text.

use serde::{Deserialize, Serialize};

use super::step::{accumulate, set_trainable};
use super::{Control, Event, Observer};
use crate::batch::Batch;
use crate::checkpoint::{Manifest, State, fingerprint};
use crate::device::OpenDevice;
use crate::error::{Error, Result};
use crate::loss::LossSettings;
use crate::method::FineTuning;
use crate::model::folder::{LoadedModel, random};
use crate::model::{Dropout, Model, T5Config, tensors};
use crate::optim::{Optimizer, schedule};
use crate::report::{ModelInfo, StepRecord};
use crate::rng::{Rng, Streams, permutation};
use crate::spec::StageSpec;
use crate::tokenizer::Tokenizer;
use crate::world::pretrain::{Document, corrupt_spans, document};
use burn::module::Module;

/// What the bundled model is made from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PretrainSpec {
    pub name: String,
    pub seed: u64,
    pub d_model: usize,
    pub d_kv: usize,
    pub d_ff: usize,
    pub layers: usize,
    pub heads: usize,
    /// Longest input in tokens; longer documents are left out.
    pub max_input: usize,
    /// The first steps see short documents only: several times faster, and enough to learn words, grammar and
    /// facts before answered examples come in front.
    pub short_steps: usize,
    pub short_input: usize,
    pub training: StageSpec,
    /// Further cycles after `training.steps`, each from a rate of its own (warm restarts: Loshchilov and Hutter,
    /// 2017): a model that was given too few steps goes on learning without beginning anew.
    #[serde(default)]
    pub restarts: Vec<Restart>,
}

/// One more cycle of the schedule.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Restart {
    pub steps: usize,
    pub learning_rate: f64,
}

impl PretrainSpec {
    /// Steps of all cycles.
    pub fn steps(&self) -> usize {
        self.training.steps + self.restarts.iter().map(|restart| restart.steps).sum::<usize>()
    }

    /// The learning rate of the 0-based `step`.
    pub fn rate(&self, step: usize) -> f64 {
        let mut from = self.training.steps;
        if step < from {
            return schedule::rate(&self.training, step);
        }
        for Restart { steps, learning_rate } in self.restarts.iter().copied() {
            if step < from + steps {
                let cycle = StageSpec { steps, learning_rate, ..self.training.clone() };
                return schedule::rate(&cycle, step - from);
            }
            from += steps;
        }
        0.0
    }
}

/// Batches are cut from pools of this many batches sorted by length, so that little of a batch is padding.
const POOL: usize = 16;

const CHECKPOINT: &str = "pretraining";

/// Trains from the start, or from the checkpoint that the observer has.
///
/// # Errors
/// `Error::Stopped` after a stop was asked for; the checkpoint is saved by then.
pub async fn pretrain(
    spec: &PretrainSpec,
    device: &OpenDevice,
    observer: &mut dyn Observer,
) -> Result<(LoadedModel, Vec<StepRecord>)> {
    let tokenizer = Tokenizer::new(crate::world::tokenizer::train()?)?;
    let config = config(spec, &tokenizer);
    let streams = Streams::new(spec.seed);
    let model = random(&config, streams.stream("init"), &device.device)?;
    let mut run = Running::begin(spec, model, device, observer)?;
    let stage = || "pretraining".to_owned();
    observer.event(&Event::StageStarted { stage: stage(), from: run.step, steps: spec.steps() });
    let mut pool = Pool { spec, tokenizer: &tokenizer, streams, number: usize::MAX, batches: Vec::new() };
    let mut since = observer.now();
    while run.step < spec.steps() {
        let parts = pool.batch(run.step, config.start(), device)?;
        let (loss, tokens) = run.update(spec, &parts, device.at_once, streams).await?;
        let every = spec.training.checkpoint_every;
        let event = Event::Step { stage: stage(), step: run.step, steps: spec.steps(), loss, tokens };
        let stop = observer.event(&event) == Control::Stop;
        if stop || run.step == spec.steps() || (every > 0 && run.step % every == 0) {
            run.seconds += observer.now() - since;
            since = observer.now();
            run.save(spec, observer).await?;
        }
        if stop && run.step < spec.steps() {
            return Err(Error::Stopped { step: run.step });
        }
    }
    let model = run.model.valid();
    let info = ModelInfo {
        name: spec.name.clone(),
        model_type: config.model_type.clone(),
        parameters: model.num_params(),
        sha256: String::new(),
    };
    Ok((LoadedModel { model, config, tokenizer, info }, run.records))
}

fn config(spec: &PretrainSpec, tokenizer: &Tokenizer) -> T5Config {
    T5Config {
        model_type: "t5".into(),
        vocab_size: tokenizer.vocab_size(),
        d_model: spec.d_model,
        d_kv: spec.d_kv,
        d_ff: spec.d_ff,
        num_layers: spec.layers,
        num_decoder_layers: None,
        num_heads: spec.heads,
        relative_attention_num_buckets: 32,
        relative_attention_max_distance: 128,
        dropout_rate: 0.1,
        layer_norm_epsilon: 1e-6,
        feed_forward_proj: "gated-gelu".into(),
        tie_word_embeddings: Some(false),
        scale_decoder_outputs: None,
        pad_token_id: tokenizer.pad,
        eos_token_id: tokenizer.eos,
        decoder_start_token_id: Some(tokenizer.pad),
    }
}

/// Input and target ids.
type Pair = (Vec<u32>, Vec<u32>);

/// Fresh documents, found again by their step number alone.
struct Pool<'a> {
    spec: &'a PretrainSpec,
    tokenizer: &'a Tokenizer,
    streams: Streams,
    number: usize,
    batches: Vec<Vec<Pair>>,
}

impl Pool<'_> {
    fn batch(&mut self, step: usize, start: u32, device: &OpenDevice) -> Result<Vec<Batch>> {
        if self.number != step / POOL {
            self.number = step / POOL;
            self.batches = self.fill()?;
        }
        let rows: Vec<(&[u32], &[u32])> =
            self.batches[step % POOL].iter().map(|(a, b)| (a.as_slice(), b.as_slice())).collect();
        let part = rows.len().div_ceil(device.at_once);
        let batch = |rows| Batch::new(rows, self.tokenizer.pad, start, device.length_multiple);
        Ok(rows.chunks(part).map(batch).collect())
    }

    fn fill(&self) -> Result<Vec<Vec<Pair>>> {
        let mut rng = self.streams.stream(&format!("documents/{}", self.number));
        let size = self.spec.training.batch;
        let short = self.number * POOL < self.spec.short_steps;
        let longest = if short { self.spec.short_input } else { self.spec.max_input };
        let mut pairs = Vec::with_capacity(POOL * size);
        while pairs.len() < POOL * size {
            let pair = self.pair(&mut rng)?;
            if pair.0.len() <= longest {
                pairs.push(pair);
            }
        }
        pairs.sort_by_key(|(input, target)| (input.len(), target.len()));
        let batches: Vec<_> = pairs.chunks(size).map(<[_]>::to_vec).collect();
        Ok(permutation(POOL, &mut rng).into_iter().map(|index| batches[index].clone()).collect())
    }

    fn pair(&self, rng: &mut Rng) -> Result<(Vec<u32>, Vec<u32>)> {
        match document(rng) {
            Document::Pair { input, target } => {
                Ok((self.tokenizer.encode(&input)?, self.tokenizer.encode(&target)?))
            }
            Document::Text(text) => {
                let ids = self.tokenizer.encode_plain(&text)?;
                // The bundled vocabulary has the sentinels; a missing one would be a fault of the generator.
                let sentinel = |n| self.tokenizer.sentinel(n).unwrap_or(self.tokenizer.eos);
                Ok(corrupt_spans(&ids, sentinel, self.tokenizer.eos, rng))
            }
        }
    }
}

struct Running {
    model: Model,
    optimizer: Optimizer,
    step: usize,
    records: Vec<StepRecord>,
    seconds: f64,
    fingerprint: String,
}

impl Running {
    fn begin(
        spec: &PretrainSpec,
        model: Model,
        device: &OpenDevice,
        observer: &mut dyn Observer,
    ) -> Result<Self> {
        let fingerprint = fingerprint(spec)?;
        let mut run = Self {
            model: set_trainable(model.clone(), &|_| true),
            optimizer: Optimizer::new(spec.training.optimizer),
            step: 0,
            records: Vec::new(),
            seconds: 0.0,
            fingerprint,
        };
        if let Some(checkpoint) = observer.load(CHECKPOINT)? {
            let state = State::from_checkpoint(&checkpoint, &run.fingerprint)?;
            let model = tensors::load(model, &state.weights, &every, &[], "the checkpoint")?;
            run.model = set_trainable(model, &|_| true);
            run.step = state.manifest.step;
            run.optimizer =
                Optimizer::restore(spec.training.optimizer, run.step, state.optimizer, &device.device)?;
            run.records = state.manifest.records;
            run.seconds = state.manifest.seconds;
        }
        Ok(run)
    }

    async fn update(
        &mut self,
        spec: &PretrainSpec,
        parts: &[Batch],
        at_once: usize,
        streams: Streams,
    ) -> Result<(f64, usize)> {
        let training = &spec.training;
        let mut dropout = Dropout::new(training.dropout, streams.stream(&format!("dropout/{}", self.step)));
        let settings = LossSettings { label_smoothing: training.label_smoothing, z_loss: training.z_loss };
        let mut done = accumulate(&self.model, &FineTuning, parts, at_once, settings, &mut dropout);
        if training.clip_norm > 0.0 {
            done.grads.clip(training.clip_norm);
        }
        let rate = spec.rate(self.step);
        self.model = self.optimizer.update(self.model.clone(), done.grads, rate);
        self.step += 1;
        let loss = f64::from(tensors::to_vec(done.loss).await?[0]);
        if !loss.is_finite() {
            return Err(Error::mismatch(format!("loss at step {}", self.step), "a finite number", loss));
        }
        self.records.push(StepRecord {
            stage: CHECKPOINT.to_owned(),
            step: self.step,
            loss: Some(loss),
            ..StepRecord::default()
        });
        Ok((loss, done.tokens))
    }

    async fn save(&self, spec: &PretrainSpec, observer: &mut dyn Observer) -> Result<()> {
        let state = State {
            manifest: Manifest {
                version: 1,
                fingerprint: self.fingerprint.clone(),
                step: self.step,
                steps: spec.steps(),
                best: None,
                records: self.records.clone(),
                seconds: self.seconds,
                hashes: Default::default(),
            },
            weights: tensors::read(&self.model, &every).await?,
            best: None,
            optimizer: self.optimizer.state().await?,
        };
        observer.save(&state.to_checkpoint(CHECKPOINT)?)
    }
}

/// Every parameter, under its path.
fn every(path: &str) -> Option<(String, bool)> {
    Some((path.to_owned(), false))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Schedule;

    #[test]
    fn a_restart_begins_a_cycle_of_its_own() {
        let text = include_str!("../../presets/pretrain-mini.toml");
        let mut spec: PretrainSpec = toml::from_str(text).unwrap();
        spec.training = StageSpec {
            steps: 100,
            warmup: 10,
            learning_rate: 1.0,
            schedule: Schedule::Linear,
            ..spec.training
        };
        spec.restarts = vec![Restart { steps: 50, learning_rate: 0.5 }];
        assert_eq!(spec.steps(), 150);
        assert_eq!([0, 10, 55].map(|step| spec.rate(step)), [0.1, 1.0, 0.5]);
        assert_eq!([100, 110, 130].map(|step| spec.rate(step)), [0.05, 0.5, 0.25]);
    }
}
