//! The story of a first visit, in five steps: what it says is computed from the report that comes with the page.

use promot_core::report::{ExampleAnswers, Report};
use promot_core::results_table::{ScoreRow, ScoreTable, score_tables};

use super::marks::{self, Verdict};
use super::methods::{COMPARED, FINE_TUNING, PROMOT, PROMPT_TUNING, training};
use super::place::Place;
use super::question::{Answer, Question};
use super::recorded::asked_with;
use super::tasks;
use crate::catalog;
use crate::column::{Column, Part};

/// A step of the story.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub title: &'static str,
    pub text: Vec<String>,
    /// The part of the page that it speaks of, and the column there, if it is about one.
    pub point: &'static str,
    pub column: Option<Column>,
    pub place: Place,
}

/// A sentence that sets everything.
#[derive(Clone, Debug, PartialEq)]
pub struct Try {
    pub words: String,
    pub place: Place,
}

/// The recorded question that shows best what is lost: the fine-tuned model answers in its target's format, and the others
/// are right. Its task and its row.
pub fn telling(report: &Report) -> Option<(&ExampleAnswers, usize)> {
    let rows = report.examples.iter().enumerate().map(|(at, example)| {
        let before = report.examples[..at].iter().filter(|other| other.task == example.task);
        (example, before.count())
    });
    let (mut best, mut most) = (None, f64::NEG_INFINITY);
    for (example, row) in rows {
        if let Some(value) = lost(report, example).filter(|value| *value > most) {
            (best, most) = (Some((example, row)), value);
        }
    }
    best
}

/// How right the pretrained model and ProMoT are where the fine-tuned one has drifted.
fn lost(report: &Report, example: &ExampleAnswers) -> Option<f64> {
    let references = [example.reference.clone()];
    let question = Question { references: references.to_vec(), ..Question::awaited(0, &example.task, 0, 0) };
    let tuned = example.outputs.get(FINE_TUNING)?;
    let answer = Answer { text: tuned.clone(), target: report.spec.target.task.clone(), ..Answer::default() };
    let value = |name: &str| match marks::verdict(&example.task, example.outputs.get(name)?, &references)? {
        Verdict::Right => Some(1.0),
        Verdict::Shared(share) => Some(share),
        Verdict::Wrong => Some(0.0),
    };
    let (before, promot) = (value(COMPARED[0])?, value(PROMOT)?);
    marks::drift(&question, &answer, None).then_some(before + promot)
}

/// The numbers of the report that the story tells.
struct Facts<'a> {
    report: &'a Report,
    table: ScoreTable,
    example: &'a ExampleAnswers,
    row: usize,
}

impl<'a> Facts<'a> {
    fn of(report: &'a Report) -> Option<Self> {
        let (example, row) = telling(report)?;
        let table = score_tables(catalog::tasks(), &report.runs).into_iter().find(|table| !table.prompt)?;
        Some(Self { report, table, example, row })
    }

    fn method(&self, name: &str) -> Option<&ScoreRow> {
        self.table.rows.iter().find(|row| row.method == name)
    }

    fn target(&self, name: &str) -> Option<f64> {
        Some(self.method(name)?.targets.first()?.as_ref()?.mean)
    }

    fn kept(&self, name: &str) -> Option<f64> {
        Some(self.method(name)?.norm_avg?.mean)
    }

    /// The least and the greatest of the seeds' held-out means, where there are several.
    fn kept_by_seed(&self, name: &str) -> Option<(f64, f64)> {
        let shots = self.table.shots.to_string();
        let runs = self.report.runs.iter().filter(|run| run.method == name);
        let means: Vec<f64> = runs.filter_map(|run| run.norm_avg.get(&shots).copied()).collect();
        let (least, most) =
            (means.iter().copied().reduce(f64::min)?, means.iter().copied().reduce(f64::max)?);
        (means.len() > 1).then_some((least, most))
    }

    fn leak(&self, name: &str) -> Option<f64> {
        Some(self.method(name)?.format_rate?.mean)
    }

    fn answer(&self, name: &str) -> String {
        let text = self.example.outputs.get(name).map_or("", |text| marks::readable(text));
        let references = [self.example.reference.clone()];
        let verdict = match marks::verdict(&self.example.task, text, &references) {
            Some(Verdict::Right) => ", which is right",
            Some(Verdict::Wrong) => ", which is wrong",
            Some(Verdict::Shared(_)) => ", which is right in part",
            None => "",
        };
        format!("\u{201c}{text}\u{201d}{verdict}")
    }

    /// Where the numbers come from.
    fn source(&self) -> String {
        let seeds = self.method(FINE_TUNING).map_or(1, |row| row.seeds);
        let means = if seeds == 1 { "of one seed".to_owned() } else { format!("means over {seeds} seeds") };
        format!(
            "The scores of this story are {means}, recorded with the native program; the bars of the wall are the first seed\u{2019}s, whose weights this page has."
        )
    }

    /// The held-out tasks on which fine-tuning is not below pretrained.
    fn spared(&self) -> Vec<String> {
        let (Some(before), Some(after)) = (self.method(COMPARED[0]), self.method(FINE_TUNING)) else {
            return Vec::new();
        };
        let pairs = self.table.tasks.iter().zip(before.held_out.iter().zip(&after.held_out));
        let held = pairs.filter(|(_, (before, after))| {
            before.zip(**after).is_some_and(|(before, after)| after.mean >= before.mean)
        });
        held.map(|(task, _)| tasks::heading(task)).collect()
    }

    /// Share of the target's answers in its format.
    fn in_format(&self, name: &str) -> Option<f64> {
        let runs: Vec<f64> = self
            .report
            .runs
            .iter()
            .filter(|run| run.method == name)
            .filter_map(|run| run.target.target_format_rate)
            .collect();
        (!runs.is_empty()).then(|| runs.iter().sum::<f64>() / runs.len() as f64)
    }

    fn place(&self, step: usize, task: &str, row: usize) -> Place {
        Place {
            task: Some(task.to_owned()),
            row,
            shots: asked_with(&self.report.spec, task),
            columns: COMPARED.map(Column::of).to_vec(),
            ..Place::of_story(step)
        }
    }
}

/// The five steps; none where the report does not have what they tell.
pub fn steps(report: &Report) -> Option<Vec<Step>> {
    let facts = Facts::of(report)?;
    let target = &report.spec.target.task;
    let (target_words, asked) = (tasks::heading(target), tasks::heading(&facts.example.task));
    let place = |step| facts.place(step, &facts.example.task, facts.row);
    let step = |title, text: Vec<Option<String>>, point, column: Option<&str>, place| Step {
        title,
        text: text.into_iter().flatten().collect(),
        point,
        column: column.map(Column::of),
        place,
    };
    let n = facts.table.tasks.len();
    let spared = facts.spared();
    let length = report.spec.prompt.length;
    let stage = training(&report.spec, PROMPT_TUNING).steps;
    Some(vec![
        step(
            "Ask a small model",
            vec![
                Some(format!(
                    "This model has read about a small made-up world, and nothing else. The question here is one of \
                     \u{201c}{asked}\u{201d}; it answers {}.",
                    facts.answer(COMPARED[0])
                )),
                Some(format!(
                    "Over the whole test sets of {n} tasks it scores {:.1} of 100 on average. On \u{201c}{target_words}\u{201d} \
                     it scores {:.1}.",
                    facts.kept(COMPARED[0])?,
                    facts.target(COMPARED[0])?
                )),
                facts.in_format(COMPARED[0]).map(|rate| {
                    format!("There, {rate:.0} % of its answers are in the form that is asked for.")
                }),
            ],
            "answers",
            Some(COMPARED[0]),
            place(1),
        ),
        step(
            "Fine-tune it on that one task",
            vec![
                Some(format!(
                    "{} steps of fine-tuning on \u{201c}{target_words}\u{201d} take its score there from {:.1} to {:.1}.",
                    training(&report.spec, FINE_TUNING).steps,
                    facts.target(COMPARED[0])?,
                    facts.target(FINE_TUNING)?
                )),
                Some("That is the task in the first row of the wall; these steps showed it nothing else.".into()),
                Some(facts.source()),
            ],
            "wall",
            Some(FINE_TUNING),
            facts.place(2, target, 0),
        ),
        step(
            "Ask again",
            vec![
                Some(format!(
                    "The first question again, picked because it shows what is lost: it now answers {}.",
                    facts.answer(FINE_TUNING)
                )),
                Some(format!(
                    "On held-out tasks with answers of another form, {:.0} % of its answers are in the form of the task that \
                     it was tuned on. The mean of all {n} held-out tasks went from {:.1} to {:.1}.",
                    facts.leak(FINE_TUNING)?,
                    facts.kept(COMPARED[0])?,
                    facts.kept(FINE_TUNING)?
                )),
                (!spared.is_empty()).then(|| format!("Not everything is lost; these did not fall: {}.", spared.join("; "))),
            ],
            "wall",
            Some(FINE_TUNING),
            place(3),
        ),
        step(
            "The same with ProMoT",
            vec![
                Some(format!(
                    "ProMoT trains in two stages: first {length} prompt vectors in front of the frozen model, then the model \
                     behind that prompt. For all other tasks the prompt is taken off. The same question: {}.",
                    facts.answer(PROMOT)
                )),
                Some(format!(
                    "Its mean of the held-out tasks is {:.1} (pretrained {:.1}, fine-tuned {:.1}), with {:.0} % of answers in \
                     the tuned form. On its own task, with the prompt, it scores {:.1} (fine-tuned {:.1}).",
                    facts.kept(PROMOT)?,
                    facts.kept(COMPARED[0])?,
                    facts.kept(FINE_TUNING)?,
                    facts.leak(PROMOT)?,
                    facts.target(PROMOT)?,
                    facts.target(FINE_TUNING)?
                )),
                facts.kept_by_seed(PROMOT).zip(facts.kept_by_seed(FINE_TUNING)).map(|(promot, tuned)| {
                    format!(
                        "How much it keeps is not the same in every run: from {:.1} to {:.1} by seed, where fine-tuning has \
                         {:.1} to {:.1}.",
                        promot.0, promot.1, tuned.0, tuned.1
                    )
                }),
            ],
            "wall",
            Some(PROMOT),
            place(4),
        ),
        step(
                "Why it works",
                vec![
                    facts.target(PROMPT_TUNING).zip(facts.in_format(PROMPT_TUNING)).map(|(score, rate)| {
                        format!(
                            "After {stage} steps of stage 1 the weights are still the pretrained ones, yet with the prompt in \
                             front {rate:.0} % of the answers have the task\u{2019}s form, and the score is {score:.1}."
                        )
                    }),
                    Some(
                        "The paper\u{2019}s explanation: what is specific to the task, above all the form of its answers, is \
                         in the prompt before the weights move. Stage 2 has less of it to learn, and the prompt can be \
                         taken off."
                            .into(),
                    ),
                ],
                "stages",
                None,
                place(5),
        ),
    ])
}

/// Sentences to go on with.
pub fn tries(report: &Report) -> Vec<Try> {
    let Some((example, row)) = telling(report) else { return Vec::new() };
    let place = |columns: &[Column]| Place {
        task: Some(example.task.clone()),
        row,
        shots: asked_with(&report.spec, &example.task),
        columns: columns.to_vec(),
        ..Place::default()
    };
    let whole = Column::of;
    let with = |part| Column::new(PROMOT, part);
    let put = |words: &str, place| Try { words: words.to_owned(), place };
    let mut spec = catalog::preset("quick", &report.spec.model).unwrap_or_default();
    let other =
        tasks::trainable().find(|task| task.name != spec.target.task && task.words().next().is_none());
    let mut tries = vec![
        put(
            "Put the prompt back: does the tuned form come back with it?",
            place(&[
                whole(COMPARED[0]),
                with(Part::WithoutPrompt),
                with(Part::WithPrompt),
                with(Part::PromptAlone),
            ]),
        ),
        put(
            "Go half of the way: weights between pretrained and fine-tuned, with a slider.",
            Place {
                mix: Some(50),
                ..place(&[whole(COMPARED[0]), Column::new(FINE_TUNING, Part::Mixed), whole(FINE_TUNING)])
            },
        ),
        put(
            "Show it four examples instead of one: do they bring the lost form back?",
            Place { shots: Some(4), ..place(&COMPARED.map(whole)) },
        ),
    ];
    if let Some(task) = other {
        spec.eval.tasks.retain(|held_out| *held_out != task.name);
        spec.target.task.clone_from(&task.name);
        tries.push(Try {
            words: format!(
                "Train it yourself on another task, \u{201c}{}\u{201d}: what leaks then?",
                tasks::heading(&task.name)
            ),
            place: Place { screen: super::place::Screen::Train, spec: Some(spec), ..Place::default() },
        });
    }
    tries
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorded() -> Report {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../public/recorded/rte-mini/report.json");
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    }

    #[test]
    fn the_story_tells_the_numbers_of_the_report() {
        let report = recorded();
        let steps = steps(&report).expect("the shipped report tells the story");
        assert_eq!(steps.len(), 5);
        let all = |step: usize| steps[step].text.join(" ");
        let mean = |method: &str, of: fn(&promot_core::report::MethodRun) -> f64| {
            let found: Vec<f64> = report.runs.iter().filter(|run| run.method == method).map(of).collect();
            format!("{:.1}", found.iter().sum::<f64>() / found.len() as f64)
        };
        assert!(all(1).contains(&mean("fine-tuning", |run| run.target.score)), "{}", all(1));
        for method in ["pretrained", "fine-tuning", "promot"] {
            assert!(all(3).contains(&mean(method, |run| run.norm_avg["1"])), "{method}: {}", all(3));
        }
        for method in ["fine-tuning", "promot"] {
            let of_method = report.runs.iter().filter(|run| run.method == method);
            let mut kept: Vec<f64> = of_method.map(|run| run.norm_avg["1"]).collect();
            kept.sort_by(f64::total_cmp);
            let range = format!("{:.1} to {:.1}", kept[0], kept[kept.len() - 1]);
            assert!(all(3).contains(&range), "{range} of {method}: {}", all(3));
        }
        assert!(all(4).contains(&mean("prompt-tuning", |run| run.target.score)), "{}", all(4));
        let (example, _) = telling(&report).unwrap();
        for (step, method) in [(0, "pretrained"), (2, "fine-tuning"), (3, "promot")] {
            assert!(all(step).contains(&example.outputs[method]), "{method}: {}", all(step));
        }
    }

    #[test]
    fn the_question_is_one_that_fine_tuning_lost() {
        let report = recorded();
        let (example, row) = telling(&report).unwrap();
        let of_task: Vec<_> = report.examples.iter().filter(|known| known.task == example.task).collect();
        assert_eq!(of_task[row].input, example.input);
        assert!(example.task != report.spec.target.task);
        let mut other = report.clone();
        for example in &mut other.examples {
            example.outputs.insert("fine-tuning".into(), example.reference.clone());
        }
        other
            .examples
            .retain(|example| example.task != report.spec.target.task && !example.task.starts_with("wic"));
        other.examples.retain(|example| !example.task.starts_with("cb"));
        assert!(telling(&other).is_none() && steps(&other).is_none(), "nothing is lost: no story");
    }

    #[test]
    fn every_step_and_sentence_is_a_link_that_can_be_read() {
        let report = recorded();
        let places = steps(&report).unwrap().into_iter().map(|step| step.place);
        let tries = tries(&report);
        assert_eq!(tries.len(), 4);
        for place in places.chain(tries.into_iter().map(|one| one.place)) {
            assert_eq!(Place::read(&place.hash()).unwrap(), place);
        }
    }
}
