//! Makes the bundled model: a T5 1.1-style model trained from nothing on the corpus's text. A stage like any other,
//! whose rows are fresh documents and whose checkpoints nobody judges.

use std::cell::RefCell;
use std::collections::BTreeMap;

use burn::module::Module;
use burn::tensor::Tensor;
use promot_core::batch::{RowId, TokenizedExample};
use promot_core::checkpoint::fingerprint;
use promot_core::device::OpenDevice;
use promot_core::error::Result;
use promot_core::method::{Ctx, Method, TokenLosses};
use promot_core::model::T5Config;
use promot_core::model::folder::{LoadedModel, random};
use promot_core::report::{ModelInfo, StageId, StepRecord};
use promot_core::rng::{Rng, Streams, permutation};
use promot_core::spec::StageSpec;
use promot_core::tokenizer::Tokenizer;
use promot_core::train::{Observer, Source, StageContext, run_stage};
use serde::{Deserialize, Serialize};

use crate::documents::{Document, document};
use crate::init::Mimetic;
use crate::spans::corrupt_spans;

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
    let tokenizer = Tokenizer::new(crate::tokenizer::train()?)?;
    let config = config(spec, &tokenizer);
    let streams = Streams::new(spec.seed);
    let mut model = random(&config, streams.stream("init"), &device.device)?;
    if spec.matching {
        model = model.map(&mut Mimetic::new(config.num_heads, config.d_kv));
    }
    let documents = Documents { spec, tokenizer: &tokenizer, streams, pool: RefCell::default() };
    let context = StageContext {
        name: CHECKPOINT.into(),
        id: StageId::default(),
        method: &Pretraining,
        spec: &spec.training,
        source: &documents,
        attached: &[],
        validation: None,
        streams,
        layout: device.layout(tokenizer.pad, config.start(), model.num_params()),
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
    let side = BTreeMap::new();
    Ok((LoadedModel { model: done.model, config: config.into(), tokenizer, info, side }, done.records))
}

/// All weights move. A long target is mostly easy words, a short answer mostly a hard one: a row of n target tokens
/// counts as the square root of n, not as n.
struct Pretraining;

/// The target length at which a token's weight is 1.
const USUAL_LENGTH: f64 = 8.0;

impl Method for Pretraining {
    fn token_weights(&self, tokens: &TokenLosses, _: &Ctx) -> Tensor<2> {
        let lengths = tokens.mask.clone().sum_dim(1); // [B, 1]
        tokens.mask.clone() * (lengths.recip() * USUAL_LENGTH).sqrt()
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
        eos_token_id: vec![tokenizer.eos],
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
    batches: Vec<Vec<TokenizedExample>>,
}

impl Source for Documents<'_> {
    fn rows(&self, step: usize, size: usize) -> Result<Vec<Vec<TokenizedExample>>> {
        let number = step / POOL;
        let mut pool = self.pool.borrow_mut();
        if pool.as_ref().is_none_or(|pool| pool.number != number) {
            *pool = Some(Pool { number, batches: self.fill(number, size)? });
        }
        Ok(pool.iter().map(|pool| pool.batches[step % POOL].clone()).collect())
    }
}

impl Documents<'_> {
    fn fill(&self, number: usize, size: usize) -> Result<Vec<Vec<TokenizedExample>>> {
        let mut rng = self.streams.stream(&format!("documents/{number}"));
        let short = number * POOL < self.spec.short_steps;
        let longest = if short { self.spec.short_input } else { self.spec.max_input };
        let mut rows = Vec::with_capacity(POOL * size);
        while rows.len() < POOL * size {
            let (input, target) = self.document(&mut rng)?;
            if input.len() <= longest {
                // The documents have no end: a row's index counts those that were kept.
                let id = RowId { task: 0, row: number * POOL * size + rows.len() };
                rows.push(TokenizedExample { id, input, target, truncated: false });
            }
        }
        rows.sort_by_key(|row| (row.input.len(), row.target.len()));
        let batches: Vec<_> = rows.chunks(size).map(<[_]>::to_vec).collect();
        Ok(permutation(POOL, &mut rng).into_iter().map(|index| batches[index].clone()).collect())
    }

    fn document(&self, rng: &mut Rng) -> Result<(Vec<u32>, Vec<u32>)> {
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
