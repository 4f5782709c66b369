//! The corpus's tasks and presets, in one list with the library's own.

use std::sync::LazyLock;

use promot_core::spec::{self, Preset, PresetList};
use promot_core::task::{TaskList, built_in};

/// The suite of the corpus's tasks.
pub const SUITE: &str = "mini";

/// A task for each of the paper's and SNLI, under its name with `-mini`, the corpus's text, and chats in everyday English.
#[rustfmt::skip]
const TASKS: &[(&str, &str)] = &[
    ("rte-mini.toml", include_str!("../tasks/rte-mini.toml")),
    ("cb-mini.toml", include_str!("../tasks/cb-mini.toml")),
    ("wic-mini.toml", include_str!("../tasks/wic-mini.toml")),
    ("snli-mini.toml", include_str!("../tasks/snli-mini.toml")),
    ("openbookqa-mini.toml", include_str!("../tasks/openbookqa-mini.toml")),
    ("triviaqa-mini.toml", include_str!("../tasks/triviaqa-mini.toml")),
    ("web_questions-mini.toml", include_str!("../tasks/web_questions-mini.toml")),
    ("wmt_enfr-mini.toml", include_str!("../tasks/wmt_enfr-mini.toml")),
    ("wmt_ende-mini.toml", include_str!("../tasks/wmt_ende-mini.toml")),
    ("wmt_enro-mini.toml", include_str!("../tasks/wmt_enro-mini.toml")),
    ("xsum-mini.toml", include_str!("../tasks/xsum-mini.toml")),
    ("wikilingua-mini.toml", include_str!("../tasks/wikilingua-mini.toml")),
    ("pretraining-mini.toml", include_str!("../tasks/pretraining-mini.toml")),
    ("text-mini.toml", include_str!("../tasks/text-mini.toml")),
    ("passages-chat.toml", include_str!("../tasks/passages-chat.toml")),
    ("questions-chat.toml", include_str!("../tasks/questions-chat.toml")),
    ("instructions-chat.toml", include_str!("../tasks/instructions-chat.toml")),
];

/// A preset of `world/presets`.
macro_rules! preset {
    ($name:literal, $summary:literal) => {
        Preset { name: $name, summary: $summary, toml: include_str!(concat!("../presets/", $name, ".toml")) }
    };
}

/// Specs on the bundled model and its tasks, and on a real model that is asked its chats.
#[rustfmt::skip]
pub const PRESETS: &[Preset] = &[
    preset!("tour", "entailment with the bundled model: pretrained, fine-tuned and ProMoT at one rate, in minutes on two cores"),
    preset!("quick", "the same in seconds, for trying things out; its scores say nothing"),
    preset!("paper-mini", "the paper's comparison on entailment: five seeds, rates chosen on validation rows (docs/protocol.md)"),
    preset!("enfr-mini", "the same on English to French"),
    preset!("baselines-mini", "clipping, small rates, AdamW, L2-SP, LoRA and interpolation beside fine-tuning and ProMoT"),
    preset!("table-2-mini", "Table 2: entailment and English to French together"),
    preset!("multi-task-4-mini", "section 5.2: four target tasks together"),
    preset!("table-3-mini", "Table 3: joint training, a random prompt, fine-tuning with an example"),
    preset!("table-6-mini", "Table 6: prompt tuning and ProMoT with an example in training"),
    preset!("table-7-mini", "Table 7, first half: SNLI"),
    preset!("table-7-choice-mini", "Table 7, second half: OpenBookQA"),
    preset!("table-10-mini", "Table 10: English to French with the decoder-only bundled model"),
    preset!("table-11-mini", "Table 11: LoRA instead of a prompt in stage 1"),
    preset!("figures-mini", "Figures 1, 2, 3 and 7: forgetting, format and gradients along fine-tuning, step by step"),
    preset!("figures-5-6-mini", "Figures 5 and 6: English to French trained three times as long, every checkpoint scored"),
    preset!("real-rte", "a real model, SmolLM2-135M, on RTE; `cargo xtask real-model` downloads it, name a data folder"),
    preset!("real-enfr", "the same on English-French"),
    preset!("real-snli", "the same on SNLI, whose rows are short, and chats as held-out tasks"),
];

/// All that a program knows without the user's files.
#[derive(Clone, Debug)]
pub struct Catalog {
    pub tasks: TaskList,
    pub presets: PresetList,
}

/// The library's tasks and presets with the corpus's.
pub fn catalog() -> &'static Catalog {
    static CATALOG: LazyLock<Catalog> = LazyLock::new(|| Catalog {
        tasks: built_in().clone().with_files(TASKS).expect("the corpus's tasks are valid (tested)"),
        presets: PresetList::new(PRESETS.iter().chain(spec::PRESETS).copied()),
    });
    &CATALOG
}

#[cfg(test)]
mod tests {
    use promot_core::spec::RunSpec;
    use promot_core::task::{DataSource, Task};

    use super::*;

    fn by_name(name: &str) -> &'static Task {
        catalog().tasks.by_name(name).expect("a known task")
    }

    #[test]
    fn every_data_set_has_its_task_which_is_like_the_papers() {
        let ours: Vec<&Task> = catalog().tasks.iter().filter(|task| task.suite == SUITE).collect();
        assert!(ours.iter().map(|task| task.name.as_str()).eq(crate::DATA_SETS.iter().copied()));
        for task in ours {
            let twin = by_name(task.name.strip_suffix("-mini").expect("the suffix"));
            let expected = Task {
                name: task.name.clone(),
                summary: task.summary.clone(),
                suite: SUITE.into(),
                source: DataSource::Generated(task.name.clone()),
                ..twin.clone()
            };
            assert_eq!(*task, expected);
        }
    }

    #[test]
    fn the_held_out_tasks_are_the_papers_eight() {
        let names = |target: &str| -> Vec<String> {
            catalog().tasks.held_out_for(by_name(target)).iter().map(|task| task.name.clone()).collect()
        };
        let eight = names("rte");
        assert_eq!(eight.len(), 8);
        assert_eq!(names("rte-mini"), eight.iter().map(|name| format!("{name}-mini")).collect::<Vec<_>>());
        assert_eq!(names("wic-mini").len(), 7);
    }

    #[test]
    fn every_preset_makes_sense_and_survives_a_round_trip() {
        for entry in catalog().presets.iter() {
            let spec = catalog().presets.by_name(entry.name).expect("a preset");
            assert_eq!(spec.name, entry.name);
            assert_eq!(RunSpec::from_toml(&spec.to_toml().expect("TOML"), "copy").expect("a spec"), spec);
            let held_out = spec.resolve(&catalog().tasks).expect("a sound spec").eval.tasks;
            // A quick look has few; a real model is asked chats, too.
            let expected = match entry.name {
                "quick" => 4,
                "real-rte" | "real-enfr" => 13,
                "real-snli" => 6,
                _ => 8,
            };
            assert_eq!(held_out.len(), expected, "{}", entry.name);
        }
        let error = catalog().presets.by_name("tuor").expect_err("no such preset").to_string();
        assert!(error.starts_with("unknown preset `tuor`; nearest known: tour, quick, "), "{error}");
    }

    /// A prompt half as long, and its rate.
    #[test]
    fn the_decoder_only_preset_differs_as_the_papers_does() {
        let spec = |name: &str| catalog().presets.by_name(name).expect("a preset");
        let rate = |spec: &RunSpec| {
            let stage = spec.stages.iter().find(|stage| stage.method == "prompt-tuning").expect("the stage");
            stage.given["learning_rate"].as_float()
        };
        for [decoder_only, other] in [["palm", "paper-enfr"], ["table-10-mini", "enfr-mini"]] {
            let (decoder_only, other) = (spec(decoder_only), spec(other));
            assert_eq!(decoder_only.prompt.length * 2, other.prompt.length);
            assert_eq!((rate(&decoder_only), rate(&other)), (Some(0.3), Some(0.2)));
            assert_eq!(decoder_only.eval.shots, [1]);
        }
    }
}
