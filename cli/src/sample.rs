//! A made-up report for the tests of tables, charts and pages.

use std::collections::BTreeMap;

use promot_core::report::{
    DeviceInfo, ExampleAnswers, MethodRun, ModelInfo, Report, StepRecord, TaskScore, norm_avg,
};
use promot_core::spec;

pub fn report() -> Report {
    let spec = spec::preset("tour").unwrap();
    let pretrained = [52.0, 50.0, 31.0, 28.0, 22.5, 20.1, 18.0, 15.2];
    let drifted = [61.0, 52.0, 2.0, 1.0, 0.4, 0.2, 0.0, 0.3];
    let kept = [66.0, 53.0, 33.0, 27.0, 23.0, 19.8, 17.1, 15.9];
    Report {
        version: 1,
        spec,
        device: DeviceInfo {
            name: "flex (CPU)".into(),
            reason: "no GPU passed the probe: no adapter".into(),
        },
        model: ModelInfo {
            name: "mini".into(),
            model_type: "t5".into(),
            parameters: 2_345_678,
            sha256: "0123456789abcdef".repeat(4),
        },
        runs: vec![
            run("pretrained", 0, 48.5, &pretrained, 3.0, &[]),
            run("fine-tuning", 0, 93.0, &drifted, 97.0, &[("stage 1", 200)]),
            run("fine-tuning", 1, 91.0, &drifted.map(|score| score * 0.9), 95.0, &[("stage 1", 200)]),
            run("promot", 0, 92.5, &kept, 6.0, &[("stage 1", 200), ("stage 2", 200)]),
        ],
        examples: vec![
            example(
                "triviaqa-mini",
                "Q: Who lives in the red house? A: Anna Q: Where does Paul work? A:",
                "in the mill",
                ["in the mill", "True", "in the mill"],
            ),
            example(
                "wmt_ende-mini",
                "Translate English to German: The dog sleeps. Der Hund schläft. Translate English to German: The old woman sees a <small> cat.",
                "Die alte Frau sieht eine kleine Katze.",
                ["Die alte Frau sieht die Katze.", "False", "Die alte Frau sieht eine kleine Katze."],
            ),
        ],
    }
}

fn run(
    method: &str,
    seed: u64,
    target: f64,
    unseen: &[f64; 8],
    rate: f64,
    stages: &[(&str, usize)],
) -> MethodRun {
    let tasks = spec::preset("tour").unwrap().eval.tasks;
    let unseen: Vec<TaskScore> =
        tasks.iter().zip(unseen).map(|(task, value)| score(task, 1, *value, Some(rate))).collect();
    let mut steps = Vec::new();
    for (stage, count) in stages {
        for step in 1..=*count {
            steps.push(record(stage, step, method == "promot", seed));
        }
    }
    MethodRun {
        method: method.into(),
        seed,
        target: TaskScore { prompt: method == "promot", ..score("rte-mini", 0, target, None) },
        also: Vec::new(),
        norm_avg: BTreeMap::from([("1".into(), norm_avg(&unseen).unwrap())]),
        unseen,
        steps,
        seconds: BTreeMap::from([("stage 1".into(), 61.2), ("evaluation".into(), 20.5)]),
    }
}

fn record(stage: &str, step: usize, kept: bool, seed: u64) -> StepRecord {
    let progress = step as f64 / 200.0;
    let wobble = ((step as f64 * 12.9898 + seed as f64).sin() * 43_758.547).fract() * 0.1;
    let mut record = StepRecord {
        stage: stage.into(),
        step,
        loss: Some(0.4 + 1.6 * (-5.0 * progress).exp() + wobble),
        ..StepRecord::default()
    };
    if step.is_multiple_of(50) {
        let fall = if kept { 1.0 } else { 1.0 - 0.9 * progress };
        record.validation = Some(50.0 + 42.0 * progress);
        record.unseen =
            BTreeMap::from([("triviaqa-mini".into(), 31.0 * fall), ("wmt_ende-mini".into(), 22.0 * fall)]);
        record.format_rate = record.unseen.keys().map(|task| (task.clone(), 100.0 * (1.0 - fall))).collect();
    }
    record
}

fn score(task: &str, shots: usize, value: f64, target_format_rate: Option<f64>) -> TaskScore {
    TaskScore {
        task: task.into(),
        shots,
        prompt: false,
        metric: "accuracy".into(),
        score: value,
        n: 50,
        target_format_rate,
        signature: format!("task:{task}|v:1|shots:{shots}|beam4:t5x0.6|seed:0|version:promot-0.1.0"),
    }
}

fn example(task: &str, input: &str, reference: &str, answers: [&str; 3]) -> ExampleAnswers {
    let methods = ["pretrained", "fine-tuning", "promot"].map(String::from);
    ExampleAnswers {
        task: task.into(),
        input: input.into(),
        reference: reference.into(),
        outputs: methods.into_iter().zip(answers.map(String::from)).collect(),
    }
}
