//! Makes the bundled models: an encoder-decoder or a decoder-only model trained from nothing on the corpus's text. A stage
//! like any other, whose rows are fresh documents and whose checkpoints nobody judges.

use std::cell::RefCell;

use burn::module::Module;
use burn::tensor::Tensor;
use promot_core::batch::{RowId, TokenizedExample};
use promot_core::checkpoint::fingerprint;
use promot_core::device::OpenDevice;
use promot_core::error::Result;
use promot_core::method::{Ctx, Method, TokenLosses};
use promot_core::model::folder::{LoadedModel, random};
use promot_core::report::{ModelInfo, StageId, StepRecord};
use promot_core::rng::{Rng, Streams, permutation};
use promot_core::tokenizer::Tokenizer;
use promot_core::train::{Observer, Source, StageContext, run_stage};

use crate::documents::{Document, document};
use crate::draw::chance;
use crate::init::Mimetic;
use crate::pretrain_spec::{Described, PretrainSpec};
use crate::spans::corrupt_spans;

const CHECKPOINT: &str = "pretraining";

/// Trains from the start, or from the checkpoint that the observer has.
///
/// # Errors
/// A setting that the architecture does not have or that cannot be. `Error::Stopped` after a stop was asked for; the
/// checkpoint is saved by then.
pub async fn pretrain(
    spec: &PretrainSpec,
    device: &OpenDevice,
    observer: &mut dyn Observer,
) -> Result<(LoadedModel, Vec<StepRecord>)> {
    let Described { config, tokenizer, side } = spec.describe()?;
    let streams = Streams::new(spec.seed);
    let mut model = random(&config, streams.stream("init"), &device.device)?;
    if spec.matching {
        model = model.map(&mut Mimetic::new(spec.heads, spec.d_kv));
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
        model_type: config.model_type().to_owned(),
        parameters: done.model.num_params(),
        sha256: String::new(),
    };
    Ok((LoadedModel { model: done.model, config, tokenizer, info, side }, done.records))
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
            if self.length(&input, &target) <= longest {
                // The documents have no end: a row's index counts those that were kept.
                let id = RowId { task: 0, row: number * POOL * size + rows.len() };
                rows.push(TokenizedExample { id, input, target, truncated: false });
            }
        }
        rows.sort_by_key(|row| (self.length(&row.input, &row.target), row.target.len()));
        let batches: Vec<_> = rows.chunks(size).map(<[_]>::to_vec).collect();
        Ok(permutation(POOL, &mut rng).into_iter().map(|index| batches[index].clone()).collect())
    }

    /// What a row is padded to: its input, or the one sequence that a decoder-only model has of it.
    fn length(&self, input: &[u32], target: &[u32]) -> usize {
        if self.tokenizer.is_decoder_only() { input.len() + target.len() } else { input.len() }
    }

    fn document(&self, rng: &mut Rng) -> Result<(Vec<u32>, Vec<u32>)> {
        match document(rng) {
            Document::Pair { input, target } if self.spec.running > 0.0 && chance(rng, self.spec.running) => {
                self.running(&format!("{input} {target}"))
            }
            Document::Pair { input, target } => {
                Ok((self.tokenizer.encode_input(&input)?, self.tokenizer.encode_target(&input, &target)?))
            }
            Document::Text(text) if self.tokenizer.is_decoder_only() => self.running(&text),
            Document::Text(text) => {
                let ids = self.tokenizer.encode_plain(&text)?;
                // The bundled vocabulary has the sentinels; a missing one would be a fault of the generator.
                let sentinel = |n| self.tokenizer.sentinel(n).unwrap_or(self.tokenizer.eos);
                Ok(corrupt_spans(&ids, sentinel, self.tokenizer.eos, rng))
            }
        }
    }

    /// A text to be predicted from its first token on.
    fn running(&self, text: &str) -> Result<(Vec<u32>, Vec<u32>)> {
        Ok((self.tokenizer.encode_input("")?, self.tokenizer.encode_target("", text)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: &str = include_str!("../presets/pretrain-mini-llama.toml");

    /// The rows of the first pool, and their tokenizer.
    fn first_rows(change: impl FnOnce(&mut PretrainSpec)) -> (Vec<TokenizedExample>, Tokenizer) {
        let mut spec: PretrainSpec = toml::from_str(SPEC).expect("a spec");
        change(&mut spec);
        let Described { tokenizer, .. } = spec.describe().expect("a configuration");
        let streams = Streams::new(spec.seed);
        let documents = Documents { spec: &spec, tokenizer: &tokenizer, streams, pool: RefCell::default() };
        let rows = (0..POOL).flat_map(|step| documents.rows(step, 8).expect("rows").concat()).collect();
        (rows, tokenizer)
    }

    #[test]
    fn a_decoder_only_models_rows_are_one_text_that_ends_once() {
        let (rows, tokenizer) = first_rows(|spec| spec.running = 0.0);
        let mut running = 0;
        for row in &rows {
            let (input, target) = (&row.input, &row.target);
            assert_eq!((target.last(), input.len() + target.len() <= 44), (Some(&tokenizer.eos), true));
            let sequence = [&input[..], &target[..target.len() - 1]].concat();
            if *input == [tokenizer.eos] {
                running += 1;
            } else {
                assert!(!sequence.contains(&tokenizer.eos));
            }
            // The ids are those of the whole text, as in fine-tuning.
            let text = tokenizer.decode_all(&sequence).expect("ids");
            let text = text.trim_start_matches("</s>");
            let whole = tokenizer.encode_input(text).expect("text");
            assert!(sequence.ends_with(&whole), "{text}");
        }
        let share = running as f64 / rows.len() as f64;
        assert!((0.05..0.3).contains(&share), "{share} of the short documents are running text");
    }

    #[test]
    fn a_share_of_the_answered_documents_is_read_as_running_text() {
        let (rows, tokenizer) = first_rows(|spec| spec.running = 1.0);
        assert!(rows.iter().all(|row| row.input == [tokenizer.eos] && row.target.len() > 2));
    }
}
