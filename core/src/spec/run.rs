//! From what was asked (`RunSpec`, may be partial) to what runs (`Run`, complete and checked).

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::tables::table;
use super::{EvalSpec, MergedRecipe, MethodEntry, ReplaySpec, RunSpec, Stage, TargetSpec};
use crate::error::{Error, Result};
use crate::merge::{self, MergeInfo};
use crate::method::{MAX_PROMPT, Settings};
use crate::task::TaskList;

/// What runs. Made by `RunSpec::resolve` alone, once per entry point.
#[derive(Clone)]
pub struct Run {
    /// What was asked, as the report keeps it.
    pub asked: RunSpec,
    pub name: String,
    pub model: String,
    pub seeds: Vec<u64>,
    pub target: TargetSpec,
    pub replay: ReplaySpec,
    pub eval: EvalSpec,
    /// All tasks that the run knows, its own among them.
    pub tasks: TaskList,
    pub recipes: Vec<Recipe>,
}

/// One row of the comparison.
#[derive(Clone, Default)]
pub struct Recipe {
    /// With the values of the sweep that concern it: `fine-tuning (learning_rate=0.001)`.
    pub name: String,
    pub summary: String,
    pub stages: Vec<Stage>,
    /// For a recipe without stages of its own that is made of finished models.
    pub merge: Option<MergePlan>,
    /// Values of the sweep's axes, by path.
    pub swept: BTreeMap<String, String>,
    /// The sweep's points among which validation chooses, each a recipe with its `swept`; `stages` are then those of the
    /// first one. Empty where there is nothing to choose.
    pub points: Vec<Recipe>,
}

/// Which finished models become one, and how.
#[derive(Clone)]
pub struct MergePlan {
    pub info: &'static MergeInfo,
    pub settings: Settings,
    /// Recipes that come before it.
    pub of: Vec<String>,
}

impl Recipe {
    /// In-context examples before the target's inputs, as in the last stage's training.
    pub fn shots(&self) -> usize {
        self.stages.last().map_or(0, |stage| stage.training.shots)
    }

    /// The recipes that are trained: its points, or itself.
    pub fn trained(&self) -> &[Recipe] {
        if self.points.is_empty() { std::slice::from_ref(self) } else { &self.points }
    }

    fn same_stages(&self, other: &Self) -> Result<bool> {
        let identity = |recipe: &Self| recipe.stages.iter().map(Stage::identity).collect::<Result<Vec<_>>>();
        Ok(identity(self)? == identity(other)?)
    }
}

impl RunSpec {
    /// Fills in all that is left out and refuses what makes no sense; `tasks` are those that the program knows.
    ///
    /// # Errors
    /// Names the field, what it may be and what it is.
    pub fn resolve(&self, tasks: &TaskList) -> Result<Run> {
        let tasks = self.known_tasks(tasks)?;
        let mut eval = self.eval.clone();
        let tuned = self.target.tasks();
        // Where no held-out task is scored, none has to be found.
        if eval.shots.is_empty() && eval.curve_every == 0 && !eval.frontier {
            eval.tasks.clear();
        } else if eval.tasks.is_empty() && !eval.shots.is_empty() {
            let held_out = tasks.held_out_for(tasks.by_name(tuned[0])?);
            eval.tasks = held_out.into_iter().map(|task| task.name.clone()).collect();
        }
        eval.tasks.retain(|task| !tuned.contains(&task.as_str()));
        for task in tuned.iter().copied().chain(eval.tasks.iter().map(String::as_str)) {
            tasks.by_name(task)?.check_least("eval.min_new_tokens of the spec", eval.min_new_tokens)?;
        }
        for task in &eval.watch {
            let known = tuned.contains(&task.as_str()) || eval.tasks.contains(task);
            let expected = format!(
                "tuned or held-out tasks of the run ({}, {})",
                tuned.join(", "),
                eval.tasks.join(", ")
            );
            require("eval.watch", expected, known, task)?;
        }
        for task in [&self.replay.task, &self.eval.text].into_iter().filter(|task| !task.is_empty()) {
            tasks.by_name(task)?;
        }
        self.check(&tuned)?;
        let recipes = self.recipes()?;
        Ok(Run {
            asked: self.clone(),
            name: self.name.clone(),
            model: self.model.clone(),
            seeds: self.seeds.clone(),
            target: self.target.clone(),
            replay: self.replay.clone(),
            eval,
            tasks,
            recipes,
        })
    }

    fn check(&self, tuned: &[&str]) -> Result<()> {
        for (index, task) in tuned.iter().enumerate() {
            let once = !tuned[..index].contains(task);
            require("target.also", "each tuned task once", once, format!("{task} again"))?;
        }
        require("methods", "at least one", !self.methods.is_empty(), 0)?;
        require("seeds", "at least one", !self.seeds.is_empty(), 0)?;
        let length = self.prompt.length;
        let lengths = format!("at least 1, at most {MAX_PROMPT}");
        require("prompt.length", lengths, (1..=MAX_PROMPT).contains(&length), length)?;
        require("prompt.range", "0 or more", self.prompt.range >= 0.0, self.prompt.range)?;
        require("eval.beams", "at least 1", self.eval.beams >= 1, self.eval.beams)?;
        require("eval.batch", "at least 1", self.eval.batch >= 1, self.eval.batch)?;
        for stage in &self.stages {
            let same = self.stages.iter().filter(|other| other.name() == stage.name()).count();
            require(
                "stage",
                "stages of different names",
                same == 1,
                format!("{} {same} times", stage.name()),
            )?;
            self.stage(stage.name())?;
        }
        Ok(())
    }

    /// Every method, once for every combination of the sweep's values that makes a difference to it.
    fn recipes(&self) -> Result<Vec<Recipe>> {
        for (path, values) in &self.sweep.axes {
            require(format!("sweep.\"{path}\""), "at least one value", !values.is_empty(), 0)?;
            let swept = ["stage.", "prompt."].iter().any(|prefix| path.starts_with(prefix));
            let expected = "a field of a stage or of the prompt (several seeds are `seeds = [..]`)";
            require("sweep", expected, swept, path)?;
        }
        let mut recipes: Vec<Recipe> = Vec::new();
        for entry in &self.methods {
            let twice = recipes.iter().any(|recipe| recipe.name == entry.name());
            require("methods", "each name once", !twice, entry.name())?;
            let variants = match entry {
                MethodEntry::Merged(merged) => vec![merge(merged, &recipes)?],
                _ => self.chosen_among(self.variants(entry)?, entry),
            };
            recipes.extend(variants);
        }
        Ok(recipes)
    }

    /// One recipe of the entry's name with its variants as points, where the spec has validation choose among them.
    fn chosen_among(&self, variants: Vec<Recipe>, entry: &MethodEntry) -> Vec<Recipe> {
        match variants.first() {
            Some(first) if self.sweep.selects() && variants.len() > 1 => {
                let plain = Recipe { name: entry.name().to_owned(), swept: BTreeMap::new(), ..first.clone() };
                vec![Recipe { points: variants, ..plain }]
            }
            _ => variants,
        }
    }

    fn variants(&self, entry: &MethodEntry) -> Result<Vec<Recipe>> {
        // Every combination: of each axis the place of its value.
        let mut all = vec![(Vec::new(), self.clone())];
        for (path, values) in &self.sweep.axes {
            let mut next = Vec::new();
            for (places, spec) in &all {
                for (place, value) in values.iter().enumerate() {
                    next.push(([&places[..], &[place]].concat(), spec.with(path, value)?));
                }
            }
            all = next;
        }
        // One that makes the same stages as an earlier one is not another variant: an axis that does not concern the entry
        // stays at its first value.
        let mut variants: Vec<(Vec<usize>, Recipe)> = Vec::new();
        for (places, spec) in all {
            let recipe = spec.plain(entry)?;
            let mut same = false;
            for (_, known) in &variants {
                same |= recipe.same_stages(known)?;
            }
            if !same {
                variants.push((places, recipe));
            }
        }
        let axes: Vec<_> = self.sweep.axes.iter().collect();
        let concerned = |axis: &usize| variants.iter().any(|(places, _)| places[*axis] > 0);
        let concerned: Vec<usize> = (0..axes.len()).filter(concerned).collect();
        let swept = |(places, mut recipe): (Vec<usize>, Recipe)| {
            let value = |axis: usize| (axes[axis].0.clone(), axes[axis].1[places[axis]].to_string());
            recipe.swept = concerned.iter().map(|axis| value(*axis)).collect();
            if !recipe.swept.is_empty() {
                let field = |path: &str| path.rsplit('.').next().unwrap_or(path).to_owned();
                let values = recipe.swept.iter().map(|(path, value)| format!("{}={value}", field(path)));
                recipe.name = format!("{} ({})", recipe.name, values.collect::<Vec<_>>().join(", "));
            }
            recipe
        };
        Ok(variants.into_iter().map(swept).collect())
    }

    /// The recipe with this spec's values alone.
    fn plain(&self, entry: &MethodEntry) -> Result<Recipe> {
        let (summary, names, shots) = entry.resolve()?;
        let mut stages = names.iter().map(|name| self.stage(name)).collect::<Result<Vec<_>>>()?;
        for stage in &mut stages {
            stage.training.shots += shots;
        }
        for stage in stages.iter().filter(|stage| stage.training.replay > 0.0) {
            let field = format!("stage.{}.replay", stage.name);
            require(
                "replay.task",
                format!("a task, which {field} mixes in"),
                !self.replay.task.is_empty(),
                "none",
            )?;
        }
        let several = self.target.tasks().len();
        let mixed = stages.iter().find(|stage| stage.method.one_task);
        if let (Some(stage), true) = (mixed, several > 1) {
            let together = "which trains a prompt and the weights together";
            let what = format!("tuned tasks of method {}, stage {}, {together}", entry.name(), stage.name);
            return Err(Error::mismatch(what, "one", several));
        }
        Ok(Recipe { name: entry.name().to_owned(), summary, stages, merge: None, ..Recipe::default() })
    }
}

/// A merge of recipes that are there already; with a sweep these are named with their values.
fn merge(asked: &MergedRecipe, before: &[Recipe]) -> Result<Recipe> {
    let info = merge::by_name(&asked.merge)?;
    require(format!("methods, {}: of", asked.name), "at least one method", !asked.of.is_empty(), 0)?;
    for name in &asked.of {
        let tuned = before.iter().find(|recipe| recipe.name == *name && !recipe.stages.is_empty());
        if tuned.is_none() {
            let trained = before.iter().filter(|recipe| !recipe.stages.is_empty());
            return Err(Error::unknown(
                "trained method before the merge",
                name,
                trained.map(|recipe| recipe.name.as_str()),
            ));
        }
    }
    let plan = MergePlan { info, settings: info.settings(&asked.given, &asked.name)?, of: asked.of.clone() };
    let summary = format!("{} of {}", info.summary, asked.of.join(", "));
    Ok(Recipe { name: asked.name.clone(), summary, merge: Some(plan), ..Recipe::default() })
}

impl Run {
    /// Every setting as a dotted path with its value in TOML, so that two runs can be compared.
    pub fn paths(&self) -> Result<Vec<(String, String)>> {
        let mut all = Table::new();
        all.insert("name".into(), Value::from(self.name.as_str()));
        all.insert("model".into(), Value::from(self.model.as_str()));
        all.insert(
            "seeds".into(),
            Value::from(self.seeds.iter().map(|seed| *seed as i64).collect::<Vec<_>>()),
        );
        let names: Vec<&str> = self.recipes.iter().map(|recipe| recipe.name.as_str()).collect();
        all.insert("methods".into(), Value::from(names));
        all.insert("target".into(), table(&self.target)?.into());
        all.insert("prompt".into(), table(&self.asked.prompt)?.into());
        all.insert("replay".into(), table(&self.replay)?.into());
        all.insert("eval".into(), table(&self.eval)?.into());
        if !self.asked.own_tasks.is_empty() {
            let own = self
                .asked
                .own_tasks
                .iter()
                .map(|task| table(task).map(Value::from))
                .collect::<Result<Vec<_>>>()?;
            all.insert("task".into(), own.into());
        }
        let mut stages = Table::new();
        let as_asked = |recipe: &&Recipe| recipe.swept.is_empty() && recipe.points.is_empty();
        for stage in self.recipes.iter().filter(as_asked).flat_map(|recipe| &recipe.stages) {
            let mut settings = stage.table()?;
            // The recipe's own in-context examples are in its name.
            let asked = self.asked.training(&stage.name)?;
            settings.insert("shots".into(), Value::from(asked.shots as i64));
            stages.insert(stage.name.clone(), settings.into());
        }
        all.insert("stage".into(), stages.into());
        if !self.asked.sweep.is_empty() {
            all.insert("sweep".into(), table(&self.asked.sweep)?.into());
        }
        Ok(super::tables::paths(&all))
    }

    /// The settings in which `other` differs: path, value here, value there.
    pub fn differences(&self, other: &Self) -> Result<Vec<(String, String, String)>> {
        let (ours, theirs) = (self.paths()?, other.paths()?);
        let find = |list: &[(String, String)], path: &str| {
            let found = list.iter().find(|(other, _)| other == path);
            found.map_or("nothing".to_owned(), |(_, value)| value.clone())
        };
        let mut paths: Vec<&String> = ours.iter().chain(&theirs).map(|(path, _)| path).collect();
        paths.sort_unstable();
        paths.dedup();
        Ok(paths
            .into_iter()
            .map(|path| (path.clone(), find(&ours, path), find(&theirs, path)))
            .filter(|(_, here, there)| here != there)
            .collect())
    }
}

pub(super) fn require(
    field: impl std::fmt::Display,
    expected: impl std::fmt::Display,
    holds: bool,
    found: impl std::fmt::Display,
) -> Result<()> {
    if holds { Ok(()) } else { Err(Error::mismatch(format!("{field} of the spec"), expected, found)) }
}
