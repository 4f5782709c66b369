//! How much memory the stages of a run take on the CPU, beside how much there is, before anything is trained.

use std::fs;

use promot_core::data::Split;
use promot_core::model::{Model, ModelConfig};
use promot_core::render::Renderer;
use promot_core::spec::Run;
use promot_core::tokenizer::Tokenizer;
use promot_core::train::{DatasetProvider as _, Lengths, MemoryPlan, PlannedStage, planned};

use crate::files::dataset::Dataset;

/// Training rows that are looked at for their lengths.
const ROWS: usize = 1000;

/// Of all memory, and of what is free to use, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    pub total: usize,
    pub free: usize,
}

impl Memory {
    /// Linux tells both numbers in kB; elsewhere the answer is not worth a dependency.
    pub fn here() -> Option<Self> {
        let text = fs::read_to_string("/proc/meminfo").ok()?;
        let bytes = |name: &str| -> Option<usize> {
            let line = text.lines().find_map(|line| line.strip_prefix(name))?;
            Some(line.trim().trim_end_matches(" kB").trim().parse::<usize>().ok()? * 1024)
        };
        Some(Self { total: bytes("MemTotal:")?, free: bytes("MemAvailable:")? })
    }
}

/// `1.5 GiB`
pub fn gib(bytes: usize) -> String {
    format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30))
}

/// What is needed to plan: the model's names and sizes, not its numbers.
pub struct Planner<'a> {
    run: &'a Run,
    model: &'a Model,
    config: &'a ModelConfig,
    lengths: Lengths,
}

impl<'a> Planner<'a> {
    /// # Errors
    /// Training rows that cannot be read.
    pub fn new(
        run: &'a Run,
        model: &'a Model,
        config: &'a ModelConfig,
        rows: &Dataset,
        tokenizer: &Tokenizer,
    ) -> anyhow::Result<Self> {
        let lengths = lengths(run, rows, tokenizer)?;
        Ok(Self { run, model, config, lengths })
    }

    /// The bytes that a stage takes at most.
    ///
    /// # Errors
    /// A model that cannot be.
    pub fn peak(&self, stage: &PlannedStage) -> anyhow::Result<usize> {
        let prompt = self.run.asked.prompt.length;
        Ok(MemoryPlan::new(self.model, self.config, stage, prompt, self.lengths)?.peak())
    }

    /// What is wrong with a stage that needs more than there is, and one setting that makes it fit, if one does.
    ///
    /// # Errors
    /// Those of `peak`.
    pub fn problem(&self, stage: &mut PlannedStage, free: usize) -> anyhow::Result<Option<String>> {
        let needed = self.peak(stage)?;
        if needed <= free {
            return Ok(None);
        }
        let (name, batch) = (stage.stage.name.clone(), stage.stage.training.batch);
        let mut problem =
            format!("{name} needs about {} of memory on the CPU, {} are free to use", gib(needed), gib(free));
        let doubled =
            std::iter::successors(Some(stage.stage.training.accumulate * 2), |parts| Some(parts * 2));
        for parts in doubled.take_while(|parts| *parts <= batch) {
            stage.stage.training.accumulate = parts;
            let less = self.peak(stage)?;
            if less <= free {
                problem += &format!(
                    "; --set stage.{name}.accumulate={parts} computes the same updates in about {}",
                    gib(less)
                );
                break;
            }
        }
        Ok(Some(problem))
    }

    /// The problems of all stages of all methods, each once.
    ///
    /// # Errors
    /// Those of `problem`.
    pub fn problems(&self, free: usize) -> anyhow::Result<Vec<String>> {
        let mut problems = Vec::new();
        let Some(seed) = self.run.seeds.first() else { return Ok(problems) };
        for recipe in self.run.recipes.iter().flat_map(|recipe| recipe.trained()) {
            for mut stage in planned(self.run, recipe, *seed)? {
                problems.extend(self.problem(&mut stage, free)?.filter(|found| !problems.contains(found)));
            }
        }
        Ok(problems)
    }
}

/// What nine rows of ten have at most.
fn lengths(run: &Run, rows: &Dataset, tokenizer: &Tokenizer) -> anyhow::Result<Lengths> {
    let (mut inputs, mut targets) = (Vec::new(), Vec::new());
    for name in run.target.tasks() {
        let task = run.tasks.by_name(name)?;
        let renderer = Renderer { task, tokenizer, shots: 0, max_input: run.target.max_input };
        let limit = match run.target.train_limit {
            0 => ROWS,
            limit => limit.min(ROWS),
        };
        for row in &rows.rows(task, Split::Train, limit)? {
            let row = renderer.render(&[], row)?;
            inputs.push(row.input.len());
            targets.push(tokenizer.encode_target(&row.text.input, &row.text.target)?.len());
        }
    }
    Ok(Lengths { input: most(inputs), target: most(targets) })
}

fn most(mut lengths: Vec<usize>) -> usize {
    lengths.sort_unstable();
    lengths.get(lengths.len().saturating_sub(1) * 9 / 10).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_what_nine_of_ten_have_at_most() {
        assert_eq!(most((1..=10).rev().collect()), 9);
        assert_eq!((most(vec![7]), most(Vec::new())), (7, 0));
    }

    #[test]
    fn memory_here_is_told_in_bytes() {
        let Some(Memory { total, free }) = Memory::here() else { return };
        assert!(free <= total && total > 100_000_000, "{free} of {total}");
        assert_eq!(gib(3 << 29), "1.5 GiB");
    }
}
