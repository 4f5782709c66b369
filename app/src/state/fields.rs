//! The settings with a field of their own; all others are in the text of the spec. What a field shows is what is used:
//! text that is no value of the field is kept, marked and holds the start of a run.

use std::collections::BTreeMap;

use promot_core::Error;
use promot_core::spec::RunSpec;

use super::methods::{FINE_TUNING, PROMPT_TUNING, training};
use crate::protocol::{MOST_BATCH, MOST_PROMPT};

/// A number of the spec.
pub struct Field {
    pub label: &'static str,
    pub hint: &'static str,
    pub testid: &'static str,
    /// In the spec.
    pub path: &'static str,
    /// Least and greatest value; of numbers that need not be whole, the least one itself is not allowed.
    pub range: (f64, f64),
    pub whole: bool,
    pub get: fn(&RunSpec) -> f64,
    pub set: fn(&mut RunSpec, f64),
}

/// Fields whose text is not taken, by their test id.
pub type Drafts = BTreeMap<&'static str, String>;

pub static FIELDS: [Field; 9] = [
    Field {
        label: "Fine-tuning steps",
        hint: "also stage 2 of ProMoT",
        testid: "train-steps",
        path: "stage.fine-tuning.steps",
        range: (1.0, 1e6),
        whole: true,
        get: |spec| training(spec, FINE_TUNING).steps as f64,
        set: |spec, value| {
            set_steps(spec, FINE_TUNING, value as usize);
            spec.eval.curve_every = training(spec, FINE_TUNING).checkpoint_every;
        },
    },
    Field {
        label: "Stage 1 steps",
        hint: "the soft prompt alone",
        testid: "train-prompt-steps",
        path: "stage.prompt-tuning.steps",
        range: (1.0, 1e6),
        whole: true,
        get: |spec| training(spec, PROMPT_TUNING).steps as f64,
        set: |spec, value| set_steps(spec, PROMPT_TUNING, value as usize),
    },
    Field {
        label: "Fine-tuning learning rate",
        hint: "of the weights",
        testid: "train-rate",
        path: "stage.fine-tuning.learning_rate",
        range: (0.0, 10.0),
        whole: false,
        get: |spec| training(spec, FINE_TUNING).learning_rate,
        set: |spec, value| spec.set_stage(FINE_TUNING, &[("learning_rate", value.into())]),
    },
    Field {
        label: "Stage 1 learning rate",
        hint: "of the prompt",
        testid: "train-prompt-rate",
        path: "stage.prompt-tuning.learning_rate",
        range: (0.0, 10.0),
        whole: false,
        get: |spec| training(spec, PROMPT_TUNING).learning_rate,
        set: |spec, value| spec.set_stage(PROMPT_TUNING, &[("learning_rate", value.into())]),
    },
    Field {
        label: "Prompt length",
        hint: "in tokens",
        testid: "train-prompt-length",
        path: "prompt.length",
        range: (1.0, MOST_PROMPT as f64),
        whole: true,
        get: |spec| spec.prompt.length as f64,
        set: |spec, value| spec.prompt.length = value as usize,
    },
    Field {
        label: "Batch size",
        hint: "examples per step",
        testid: "train-batch",
        path: "stage.fine-tuning.batch",
        range: (1.0, MOST_BATCH as f64),
        whole: true,
        get: |spec| training(spec, FINE_TUNING).batch as f64,
        set: |spec, value| {
            for stage in [FINE_TUNING, PROMPT_TUNING] {
                spec.set_stage(stage, &[("batch", (value as i64).into())]);
            }
        },
    },
    Field {
        label: "Seed",
        hint: "same seed, same run",
        testid: "train-seed",
        path: "seeds",
        range: (0.0, 9_007_199_254_740_991.0),
        whole: true,
        get: |spec| spec.seeds.first().copied().unwrap_or(0) as f64,
        set: |spec, value| spec.seeds = vec![value as u64],
    },
    Field {
        label: "Held-out rows",
        hint: "evaluated in each task; 0: all",
        testid: "train-eval-rows",
        path: "eval.limit",
        range: (0.0, 1e6),
        whole: true,
        get: |spec| spec.eval.limit as f64,
        set: |spec, value| spec.eval.limit = value as usize,
    },
    Field {
        label: "Target test rows",
        hint: "evaluated at the end; 0: all",
        testid: "train-test-rows",
        path: "target.test_limit",
        range: (0.0, 1e6),
        whole: true,
        get: |spec| spec.target.test_limit as f64,
        set: |spec, value| spec.target.test_limit = value as usize,
    },
];

/// A stage is scored four times on its way, however long it is.
fn set_steps(spec: &mut RunSpec, stage: &str, steps: usize) {
    let every = (steps / 4).max(1);
    spec.set_stage(stage, &[("steps", (steps as i64).into()), ("checkpoint_every", (every as i64).into())]);
}

impl Field {
    /// The value that a text stands for.
    ///
    /// # Errors
    /// What the field may hold, in a sentence.
    pub fn read(&self, text: &str) -> Result<f64, String> {
        let value: Option<f64> = text.trim().parse().ok();
        value.filter(|value| self.allows(*value)).ok_or_else(|| self.problem(text))
    }

    /// What is wrong with the field's text, or with the value that the spec has.
    pub fn problem_in(&self, spec: &RunSpec, drafts: &Drafts) -> Option<String> {
        let value = (self.get)(spec);
        match drafts.get(self.testid) {
            Some(text) => Some(self.problem(text)),
            None => (!self.allows(value)).then(|| self.problem(&value.to_string())),
        }
    }

    fn allows(&self, value: f64) -> bool {
        let (least, most) = self.range;
        match self.whole {
            true => value.fract() == 0.0 && (least..=most).contains(&value),
            false => value > least && value <= most,
        }
    }

    fn problem(&self, found: &str) -> String {
        let (least, most) = self.range;
        let expected = match self.whole {
            true => format!("a whole number from {least} to {most}"),
            false => format!("a number above {least}, at most {most}"),
        };
        let found = if found.trim().is_empty() { "nothing" } else { found.trim() };
        format!("{} ({}): expected {expected}, found {found}.", self.label, self.path)
    }
}

/// The field that an error of the spec is about.
pub fn of_error(error: &Error) -> Option<&'static Field> {
    let Error::Mismatch { what, .. } = error else { return None };
    FIELDS.iter().find(|field| *what == field.path || *what == format!("{} of the spec", field.path))
}

/// The number of in-context examples that a text stands for: the nearest that is allowed; `None` for what is no number.
pub fn shots(text: &str, most: usize) -> Option<usize> {
    let value: f64 = text.trim().parse().ok()?;
    value.is_finite().then(|| value.round().clamp(0.0, most as f64) as usize)
}

/// Fields that hold something else than a value of theirs, each with a sentence.
pub fn problems(spec: &RunSpec, drafts: &Drafts) -> Vec<(&'static Field, String)> {
    FIELDS.iter().filter_map(|field| Some((field, field.problem_in(spec, drafts)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(testid: &str) -> &'static Field {
        FIELDS.iter().find(|field| field.testid == testid).unwrap()
    }

    #[test]
    fn a_field_takes_its_own_values_only_and_says_which_these_are() {
        for (testid, good, bad) in [
            (
                "train-steps",
                &["1", "80", " 1000000 "][..],
                &["0", "-5", "1.5", "1e300", "", "abc", "inf", "NaN"][..],
            ),
            ("train-rate", &["0.001", "1e-4", "10"], &["0", "-1", "11", "1e300", ""]),
            ("train-prompt-length", &["1", "512"], &["0", "513"]),
            ("train-batch", &["1", "64", "1024"], &["0", "1000000000"]),
            ("train-eval-rows", &["0", "16"], &["-1", "0.5"]),
        ] {
            let field = field(testid);
            for text in good {
                assert!(field.read(text).is_ok(), "{testid}: {text}");
            }
            for text in bad {
                let problem = field.read(text).unwrap_err();
                assert!(problem.starts_with(field.label) && problem.contains("number"), "{problem}");
            }
        }
        assert_eq!(
            field("train-batch").read("1000000000").unwrap_err(),
            "Batch size (stage.fine-tuning.batch): expected a whole number from 1 to 1024, found 1000000000."
        );
    }

    #[test]
    fn an_error_of_the_spec_has_its_field() {
        let mut spec = RunSpec::default();
        spec.set("stage.fine-tuning.learning_rate", "-1").unwrap();
        let error = crate::protocol::resolved(&spec, "mini").map(|_| ()).unwrap_err();
        assert_eq!(of_error(&error).map(|field| field.testid), Some("train-rate"), "{error}");
        assert!(of_error(&Error::Storage("full".into())).is_none());
    }

    #[test]
    fn examples_are_rounded_into_their_range() {
        for (text, value) in
            [("2", Some(2)), ("-3", Some(0)), ("1.5", Some(2)), ("9", Some(4)), ("", None), ("NaN", None)]
        {
            assert_eq!(shots(text, 4), value, "{text}");
        }
    }

    #[test]
    fn what_a_field_takes_is_in_the_spec_and_comes_back() {
        for field in &FIELDS {
            let mut spec = RunSpec::default();
            let value = if field.whole { 9.0 } else { 0.25 };
            (field.set)(&mut spec, value);
            assert_eq!((field.get)(&spec), value, "{}", field.label);
        }
    }

    #[test]
    fn a_text_that_is_not_taken_and_a_value_that_came_from_elsewhere_hold_the_start() {
        let mut spec = RunSpec::default();
        assert!(problems(&spec, &Drafts::new()).is_empty());
        spec.prompt.length = 0;
        let drafts = Drafts::from([("train-steps", String::new())]);
        let found = problems(&spec, &drafts);
        let names: Vec<&str> = found.iter().map(|(field, _)| field.testid).collect();
        assert_eq!(names, ["train-steps", "train-prompt-length"]);
        assert!(found[0].1.contains("found nothing") && found[1].1.contains("found 0"), "{}", found[1].1);
    }
}
