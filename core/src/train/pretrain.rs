//! Makes the bundled model: a T5 1.1-style model trained from nothing on the mini world's text. A stage like any
//! other, whose rows are fresh documents and whose checkpoints nobody judges.

use std::cell::RefCell;

use serde::{Deserialize, Serialize};

use super::stage::{StageContext, run_stage};
use super::{Observer, Source};
use crate::batch::Pair;
use crate::checkpoint::fingerprint;
use crate::device::OpenDevice;
use crate::error::Result;
use crate::method::{Method, TokenLosses};
use crate::model::T5Config;
use crate::model::folder::{LoadedModel, random_with};
use crate::report::{ModelInfo, StepRecord};
use crate::rng::{Rng, Streams, permutation};
use crate::spec::StageSpec;
use crate::tokenizer::Tokenizer;
use crate::world::pretrain::{Document, corrupt_spans, document};
use burn::module::Module;
use burn::tensor::Tensor;

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
    /// Whether the head is the embedding table: what the model reads it can then write, without learning each word
    /// twice.
    pub tied: bool,
    /// Whether the encoder's heads begin by looking for words like their own, a help to compare sentences.
    pub matching: bool,
    /// Longest input in tokens; longer documents are left out.
    pub max_input: usize,
    /// The first steps see short documents only: several times faster, and enough to learn words, grammar and
    /// facts before answered examples come in front.
    pub short_steps: usize,
    pub short_input: usize,
    pub training: StageSpec,
}

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
    let model = random_with(&config, spec.matching, streams.stream("init"), &device.device)?;
    let documents = Documents { spec, tokenizer: &tokenizer, streams, pool: RefCell::default() };
    let context = StageContext {
        name: CHECKPOINT.into(),
        label: CHECKPOINT.into(),
        method: &Pretraining,
        spec: &spec.training,
        source: &documents,
        prompts: &[],
        judge: None,
        streams,
        start: config.start(),
        pad: tokenizer.pad,
        length_multiple: device.length_multiple,
        at_once: device.at_once(model.num_params()),
        threads: device.threads,
        fingerprint: fingerprint(spec)?,
    };
    let done = run_stage(&context, model, observer).await?;
    let info = ModelInfo {
        name: spec.name.clone(),
        model_type: config.model_type.clone(),
        parameters: done.model.num_params(),
        sha256: String::new(),
    };
    Ok((LoadedModel { model: done.model, config, tokenizer, info }, done.records))
}

/// All weights move. A long target is mostly easy words, a short answer mostly a hard one: a row of n target tokens
/// counts as the square root of n, not as n.
struct Pretraining;

/// The target length at which a token's weight is 1.
const USUAL_LENGTH: f64 = 8.0;

impl Method for Pretraining {
    fn name(&self) -> &'static str {
        CHECKPOINT
    }

    fn summary(&self) -> &'static str {
        "all weights, from nothing; long targets count less a token"
    }

    fn weigh(&self, tokens: &TokenLosses) -> Tensor<2> {
        let lengths = tokens.real.clone().sum_dim(1); // [B, 1]
        tokens.real.clone() * (lengths.recip() * USUAL_LENGTH).sqrt()
    }
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
        relative_attention_num_buckets: 64,
        relative_attention_max_distance: 256,
        dropout_rate: 0.1,
        layer_norm_epsilon: 1e-6,
        feed_forward_proj: "gated-gelu".into(),
        tie_word_embeddings: Some(spec.tied),
        scale_decoder_outputs: None,
        pad_token_id: tokenizer.pad,
        eos_token_id: tokenizer.eos,
        decoder_start_token_id: Some(tokenizer.pad),
    }
}

/// Batches are cut from pools of this many batches sorted by length, so that little of a batch is padding.
const POOL: usize = 16;

/// Fresh documents, found again by their step number alone.
struct Documents<'a> {
    spec: &'a PretrainSpec,
    tokenizer: &'a Tokenizer,
    streams: Streams,
    /// The pool that the last step was in.
    pool: RefCell<Option<Pool>>,
}

struct Pool {
    number: usize,
    batches: Vec<Vec<Pair>>,
}

impl Source for Documents<'_> {
    fn pairs(&self, step: usize, size: usize) -> Result<Vec<Vec<Pair>>> {
        let number = step / POOL;
        let mut pool = self.pool.borrow_mut();
        if pool.as_ref().is_none_or(|pool| pool.number != number) {
            *pool = Some(Pool { number, batches: self.fill(number, size)? });
        }
        Ok(pool.iter().map(|pool| pool.batches[step % POOL].clone()).collect())
    }
}

impl Documents<'_> {
    fn fill(&self, number: usize, size: usize) -> Result<Vec<Vec<Pair>>> {
        let mut rng = self.streams.stream(&format!("documents/{number}"));
        let short = number * POOL < self.spec.short_steps;
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

    fn pair(&self, rng: &mut Rng) -> Result<Pair> {
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
