use super::*;

#[test]
fn every_preset_is_read_and_survives_a_round_trip() {
    for entry in PRESETS {
        let spec = preset(entry.name).unwrap();
        assert_eq!(spec.name, entry.name);
        assert_eq!(RunSpec::from_toml(&spec.to_toml().unwrap(), "copy").unwrap(), spec);
    }
    let error = preset("tuor").unwrap_err().to_string();
    assert_eq!(error, "unknown preset `tuor`; nearest known: tour, quick, paper, paper-mini");
}

#[test]
fn a_field_left_out_keeps_the_default_of_its_place() {
    let spec = RunSpec::from_toml("[prompt_tuning]\nsteps = 10", "x.toml").unwrap();
    assert_eq!(spec.prompt_tuning.steps, 10);
    assert_eq!(spec.prompt_tuning.learning_rate, 0.3);
    assert_eq!(spec.prompt_tuning.optimizer, RunSpec::default().prompt_tuning.optimizer);
}

#[test]
fn set_takes_text_numbers_lists_and_another_optimizer() {
    let mut spec = RunSpec::default();
    spec.set("name", "2").unwrap();
    spec.set("fine_tuning.learning_rate", "1").unwrap();
    spec.set("seeds", "3, 4").unwrap();
    spec.set("methods", "promot").unwrap();
    spec.set("eval.tasks", "[\"cb\", \"wic\"]").unwrap();
    spec.set("fine_tuning.optimizer.name", "adam-w").unwrap();
    spec.set("fine_tuning.optimizer.beta_1", "0.5").unwrap();
    assert_eq!((spec.name.as_str(), spec.fine_tuning.learning_rate), ("2", 1.0));
    assert_eq!((spec.seeds, spec.methods), (vec![3, 4], vec!["promot".to_owned()]));
    assert_eq!(spec.eval.tasks, ["cb", "wic"]);
    assert!(matches!(spec.fine_tuning.optimizer, OptimizerSpec::AdamW { beta_1: 0.5, .. }));
}

#[test]
fn wrong_fields_and_values_are_named() {
    let mut spec = RunSpec::default();
    let unknown = spec.set("fine_tuning.step", "2").unwrap_err().to_string();
    assert!(
        unknown.starts_with("unknown field `fine_tuning.step`; nearest known: fine_tuning.steps"),
        "{unknown}"
    );
    let kind = spec.set("fine_tuning.steps", "many").unwrap_err().to_string();
    assert!(kind.contains("fine_tuning.steps=many") && kind.contains("invalid type"), "{kind}");
    let nested = spec.set("fine_tuning.optimizer.beta_9", "1").unwrap_err().to_string();
    assert!(nested.contains("beta_9"), "{nested}");
    let file = RunSpec::from_toml("[target]\ntaks = 'rte'", "x.toml").unwrap_err().to_string();
    assert!(file.starts_with("unknown field `target.taks`; nearest known: task"), "{file}");
    let syntax = RunSpec::from_toml("name = ", "x.toml").unwrap_err().to_string();
    assert!(
        syntax.starts_with("x.toml cannot be read: TOML parse error at line 1") && !syntax.contains('\n')
    );
    assert_eq!(spec, RunSpec::default());
}

#[test]
fn differences_name_the_field_and_both_values() {
    let mut other = RunSpec::default();
    other.set("fine_tuning.steps", "7").unwrap();
    let expected = ("fine_tuning.steps".to_owned(), "1000".to_owned(), "7".to_owned());
    assert_eq!(RunSpec::default().differences(&other).unwrap(), [expected]);
}

#[test]
fn only_the_weights_of_the_paper_have_rates_relative_to_their_size() {
    // T5X's Adafactor has `multiply_by_parameter_scale=True`, which its mT5 configurations keep; the configurations of
    // the prompt-tuning code switch it off.
    let paper = preset("paper").unwrap();
    let scaled = |stage: &StageSpec| match stage.optimizer {
        OptimizerSpec::Adafactor { scale_parameter, .. } => scale_parameter,
        _ => panic!("the paper has Adafactor"),
    };
    assert!(scaled(&paper.fine_tuning) && !scaled(&paper.prompt_tuning));
}

#[test]
fn a_tuned_task_is_not_among_the_unseen() {
    let mut spec = preset("tour").unwrap();
    let all = spec.eval.tasks.len();
    spec.target.also = vec!["cb-mini".into(), "wmt_ende-mini".into()];
    let resolved = spec.clone().resolve().unwrap();
    assert_eq!(resolved.eval.tasks.len(), all - 2);
    assert!(!resolved.eval.tasks.iter().any(|task| resolved.target.tasks().contains(&task.as_str())));
    spec.target.also.push("rte-mini".into());
    let error = spec.resolve().unwrap_err().to_string();
    assert!(error.contains("target.also") && error.contains("rte-mini again"), "{error}");
}

#[test]
fn every_task_has_room_for_the_shortest_answer_and_its_end() {
    let mut spec = preset("tour").unwrap();
    spec.eval.min_new_tokens = 7;
    assert!(spec.clone().resolve().is_ok());
    spec.eval.min_new_tokens = 8;
    let error = spec.resolve().unwrap_err().to_string();
    assert!(
        error.contains("eval.min_new_tokens") && error.contains("below 8, the longest answer of"),
        "{error}"
    );
}
