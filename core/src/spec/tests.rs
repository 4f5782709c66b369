use super::*;
use crate::task::built_in;

fn presets() -> PresetList {
    PresetList::new(PRESETS.iter().copied())
}

fn steps(spec: &RunSpec, stage: &str) -> usize {
    spec.training(stage).unwrap().steps
}

/// With a target task of the library's own.
fn on_rte(mut spec: RunSpec) -> RunSpec {
    spec.target.task = "rte".into();
    spec
}

fn names(run: &Run) -> Vec<&str> {
    run.recipes.iter().map(|recipe| recipe.name.as_str()).collect()
}

#[test]
fn every_preset_is_read_and_survives_a_round_trip() {
    for entry in PRESETS {
        let spec = presets().by_name(entry.name).unwrap();
        assert_eq!(spec.name, entry.name);
        assert_eq!(RunSpec::from_toml(&spec.to_toml().unwrap(), "copy").unwrap(), spec);
        let json = serde_json::to_string(&spec).unwrap();
        assert_eq!(serde_json::from_str::<RunSpec>(&json).unwrap(), spec);
    }
    let error = presets().by_name("papre").unwrap_err().to_string();
    assert!(error.starts_with("unknown preset `papre`; nearest known: paper, "), "{error}");
}

#[test]
fn a_setting_left_out_comes_from_the_stage_that_it_is_like() {
    let text = "
        [[stage]]
        method = 'prompt-tuning'
        steps = 10

        [[stage]]
        method = 'fine-tuning'
        learning_rate = 0.25

        [[stage]]
        name = 'gentle'
        method = 'l2-sp'
        lambda = 0.5
        steps = 3

        [[stage]]
        name = 'prompt-like'
        method = 'lora'
        like = 'prompt-tuning'";
    let spec = RunSpec::from_toml(text, "x.toml").unwrap();
    // Prompt tuning has defaults of its own.
    assert_eq!(
        (steps(&spec, "prompt-tuning"), spec.training("prompt-tuning").unwrap().learning_rate),
        (10, 0.3)
    );
    let gentle = spec.stage("gentle").unwrap();
    assert_eq!((gentle.training.steps, gentle.training.learning_rate), (3, 0.25));
    assert_eq!(gentle.settings.float("lambda"), 0.5);
    // A method without a stage in the spec is one, too.
    assert_eq!(spec.training("ema").unwrap().learning_rate, 0.25);
    assert_eq!(steps(&spec, "prompt-like"), 10);
}

#[test]
fn specs_of_version_1_are_still_read() {
    let old = "
        methods = ['promot']
        [prompt_tuning]
        steps = 10
        [fine_tuning]
        optimizer = { name = 'adam-w', epsilon = 0.1 }";
    let spec = RunSpec::from_toml(old, "old.toml").unwrap();
    assert_eq!((spec.version, steps(&spec, "prompt-tuning")), (2, 10));
    let optimizer = spec.training("fine-tuning").unwrap().optimizer;
    assert!(matches!(optimizer, OptimizerSpec::AdamW { epsilon: 0.1, .. }), "{optimizer:?}");
    // As reports have them.
    let json: RunSpec = serde_json::from_str(r#"{"name": "old", "fine_tuning": {"steps": 7}}"#).unwrap();
    assert_eq!((steps(&json, "fine-tuning"), steps(&json, "prompt-tuning")), (7, 5000));
    // And as `--set` had them.
    let mut spec = RunSpec::default();
    spec.set("fine_tuning.steps", "3").unwrap();
    assert_eq!(steps(&spec, "fine-tuning"), 3);
    let newer = RunSpec::from_toml("version = 3", "new.toml").unwrap_err().to_string();
    assert!(newer.contains("expected at most 2, found 3"), "{newer}");
}

#[test]
fn set_gives_a_stage_another_method_under_its_name() {
    let mut spec = RunSpec::default();
    spec.set("stage.fine-tuning.method", "l2-sp").unwrap();
    spec.set("stage.fine-tuning.lambda", "0.5").unwrap();
    spec.set("stage.ema.like", "prompt-tuning").unwrap();
    for spec in [&spec, &RunSpec::from_toml(&spec.to_toml().unwrap(), "saved").unwrap()] {
        let stage = spec.stage("fine-tuning").unwrap();
        assert_eq!((stage.method.name, stage.settings.float("lambda")), ("l2-sp", 0.5));
        assert_eq!(spec.training("ema").unwrap(), spec.training("prompt-tuning").unwrap());
    }
    let refused = |path: &str, value: &str| spec.clone().set(path, value).unwrap_err().to_string();
    assert!(refused("stage.fine-tuning.name", "mine").contains("is named by its path"));
    assert!(refused("stage.fine-tuning.method", "l3-sp").contains("l2-sp"));
    assert!(refused("stage.fine-tuning.like", "nothing").contains("nothing"));
}

#[test]
fn set_takes_text_numbers_lists_and_another_optimizer() {
    let mut spec = RunSpec::default();
    for (path, value) in [
        ("name", "2"),
        ("stage.fine-tuning.learning_rate", "1"),
        ("seeds", "3, 4"),
        ("methods", "promot"),
        ("eval.tasks", "[\"cb\", \"wic\"]"),
        ("stage.fine-tuning.optimizer.name", "adam-w"),
        ("stage.fine-tuning.optimizer.beta_1", "0.5"),
        ("stage.lora.rank", "2"),
        ("stage.lora.targets", "q,v,wo"),
        ("stage.lora.merge", "false"),
    ] {
        spec.set(path, value).unwrap_or_else(|error| panic!("{path}: {error}"));
    }
    let training = spec.training("fine-tuning").unwrap();
    assert_eq!((spec.name.as_str(), training.learning_rate), ("2", 1.0));
    assert_eq!((&spec.seeds[..], &spec.methods[..]), (&[3, 4][..], &["promot".into()][..]));
    assert_eq!(spec.eval.tasks, ["cb", "wic"]);
    assert!(matches!(training.optimizer, OptimizerSpec::AdamW { beta_1: 0.5, .. }));
    let lora = spec.stage("lora").unwrap();
    assert_eq!((lora.settings.integer("rank"), lora.settings.flag("merge")), (2, false));
    assert_eq!(lora.settings.words("targets"), ["q", "v", "wo"]);
    // And so it is written and read again.
    assert_eq!(RunSpec::from_toml(&spec.to_toml().unwrap(), "copy").unwrap(), spec);
}

#[test]
fn wrong_fields_and_values_are_named() {
    let mut spec = RunSpec::default();
    let mut error = |path: &str, value: &str| spec.set(path, value).unwrap_err().to_string();
    let unknown = error("stage.fine-tuning.step", "2");
    let nearest = "unknown field `stage.fine-tuning.step`; nearest known: stage.fine-tuning.steps";
    assert!(unknown.starts_with(nearest), "{unknown}");
    let stage = error("stage.fine-tunig.steps", "2");
    assert!(stage.starts_with("unknown stage `fine-tunig`; nearest known: fine-tuning"), "{stage}");
    let kind = error("stage.fine-tuning.steps", "many");
    assert!(kind.contains("stage.fine-tuning.steps=") && kind.contains("invalid type"), "{kind}");
    let nested = error("stage.fine-tuning.optimizer.beta_9", "1");
    assert!(nested.contains("beta_9"), "{nested}");
    let range = error("stage.wise-ft.alpha", "2");
    assert!(range.contains("expected a number from 0 to 1, found 2"), "{range}");
    let word = error("stage.lora.targets", "q,x");
    assert!(word.contains("expected a list of q, k, v"), "{word}");
    assert!(error("stage.lora.rank", "0").contains("a whole number from 1"));
    assert_eq!(spec, RunSpec::default());
    let file = RunSpec::from_toml("[target]\ntaks = 'rte'", "x.toml").unwrap_err().to_string();
    assert!(file.starts_with("unknown field `target.taks`; nearest known: task"), "{file}");
    let stage = RunSpec::from_toml("[[stage]]\nmethod = 'ema'\ndecya = 1", "x.toml").unwrap_err().to_string();
    assert!(stage.starts_with("unknown field `stage.ema.decya`; nearest known: stage.ema.decay"), "{stage}");
    let method = RunSpec::from_toml("[[stage]]\nmethod = 'emma'", "x.toml").unwrap_err().to_string();
    assert!(method.starts_with("unknown method `emma`; nearest known: ema"), "{method}");
    let syntax = RunSpec::from_toml("name = ", "x.toml").unwrap_err().to_string();
    assert!(
        syntax.starts_with("x.toml cannot be read: TOML parse error at line 1") && !syntax.contains('\n')
    );
}

#[test]
fn stages_that_refer_to_one_another_are_refused() {
    let text = "
        methods = ['a']
        [[stage]]
        name = 'a'
        method = 'ema'
        like = 'b'
        [[stage]]
        name = 'b'
        method = 'ema'
        like = 'a'";
    let error = RunSpec::from_toml(text, "x.toml").unwrap().stage("a").map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("like: expected a stage that does not refer back to it"), "{error}");
}

#[test]
fn recipes_of_ones_own_are_names_of_stages() {
    let text = "
        methods = ['fine-tuning', { name = 'lora first', stages = ['lora', 'fine-tuning'], shots = 1 }]";
    let spec = on_rte(RunSpec::from_toml(text, "x.toml").unwrap());
    let run = spec.resolve(built_in()).unwrap();
    assert_eq!(names(&run), ["fine-tuning", "lora first"]);
    let stages: Vec<_> =
        run.recipes[1].stages.iter().map(|stage| (stage.method.name, stage.training.shots)).collect();
    assert_eq!(stages, [("lora", 1), ("fine-tuning", 1)]);
    let error = on_rte(RunSpec::from_toml("methods = ['promt']", "x").unwrap())
        .resolve(built_in())
        .map(|_| ())
        .unwrap_err()
        .to_string();
    assert!(error.starts_with("unknown method `promt`; nearest known: promot"), "{error}");
    let twice = on_rte(RunSpec::from_toml("methods = ['promot', 'promot']", "x").unwrap())
        .resolve(built_in())
        .map(|_| ());
    assert!(twice.unwrap_err().to_string().contains("each name once"));
}

#[test]
fn promot_is_prompt_tuning_then_fine_tuning() {
    let spec = on_rte(RunSpec { methods: vec!["promot".into()], ..RunSpec::default() });
    let run = spec.resolve(built_in()).unwrap();
    let stages: Vec<_> = run.recipes[0].stages.iter().map(|stage| stage.method.name).collect();
    assert_eq!(stages, ["prompt-tuning", "fine-tuning"]);
}

#[test]
fn a_sweep_multiplies_the_methods_that_it_concerns() {
    let mut spec = on_rte(RunSpec::default());
    spec.set("methods", "pretrained,prompt-tuning,fine-tuning,promot").unwrap();
    spec.set("sweep.stage.fine-tuning.learning_rate", "1e-4,1e-3").unwrap();
    let run = spec.resolve(built_in()).unwrap();
    assert_eq!(
        names(&run),
        [
            "pretrained",
            "prompt-tuning",
            "fine-tuning (learning_rate=0.0001)",
            "fine-tuning (learning_rate=0.001)",
            "promot (learning_rate=0.0001)",
            "promot (learning_rate=0.001)",
        ]
    );
    assert_eq!(run.recipes[3].stages[0].training.learning_rate, 1e-3);
    assert_eq!(run.recipes[3].swept["stage.fine-tuning.learning_rate"], "0.001");
    // A second axis that concerns prompts alone.
    spec.set("sweep.prompt.length", "2,4").unwrap();
    assert_eq!(names(&spec.resolve(built_in()).unwrap()).len(), 1 + 2 + 2 + 4);
    assert_eq!(RunSpec::from_toml(&spec.to_toml().unwrap(), "copy").unwrap(), spec);
    let other =
        spec.set("sweep.eval.beams", "1,4").and_then(|()| spec.resolve(built_in()).map(|_| ())).unwrap_err();
    assert!(other.to_string().contains("expected a field of a stage or of the prompt"), "{other}");
}

/// A stage is like another one until it has values of its own, from the sweep, too.
#[test]
fn a_sweep_of_a_stage_takes_the_place_of_what_it_is_like() {
    let text = "
        methods = ['fine-tuning', { name = 'clipped', stages = ['clipped'] }, { name = 'small', stages = ['small'] }]
        [sweep]
        'stage.fine-tuning.learning_rate' = [1e-4, 1e-3]
        'stage.clipped.learning_rate' = [3e-4, 3e-3]
        [[stage]]
        name = 'clipped'
        method = 'fine-tuning'
        like = 'fine-tuning'
        clip_norm = 1.0
        [[stage]]
        name = 'small'
        method = 'fine-tuning'
        like = 'fine-tuning'
        learning_rate = 1e-5";
    let run = on_rte(RunSpec::from_toml(text, "x.toml").unwrap()).resolve(built_in()).unwrap();
    let expected = [
        "fine-tuning (learning_rate=0.0001)",
        "fine-tuning (learning_rate=0.001)",
        "clipped (learning_rate=0.0003)",
        "clipped (learning_rate=0.003)",
        "small",
    ];
    assert_eq!(names(&run), expected);
    let rates: Vec<f64> = run.recipes.iter().map(|recipe| recipe.stages[0].training.learning_rate).collect();
    assert_eq!(rates, [1e-4, 1e-3, 3e-4, 3e-3, 1e-5]);
}

#[test]
fn with_selection_a_sweep_leaves_one_recipe_a_method() {
    let text = "
        methods = ['pretrained', 'fine-tuning', 'promot', { name = 'm', merge = 'average', of = ['promot'] }]
        [sweep]
        select = 'validation'
        'stage.fine-tuning.learning_rate' = [1e-4, 3e-4, 1e-3]";
    let spec = on_rte(RunSpec::from_toml(text, "x.toml").unwrap());
    let run = spec.resolve(built_in()).unwrap();
    assert_eq!(names(&run), ["pretrained", "fine-tuning", "promot", "m"]);
    let points: Vec<usize> = run.recipes.iter().map(|recipe| recipe.points.len()).collect();
    assert_eq!(points, [0, 3, 3, 0]);
    assert_eq!(run.recipes[2].points[1].swept["stage.fine-tuning.learning_rate"], "0.0003");
    assert_eq!(run.recipes[2].points[1].stages[1].training.learning_rate, 3e-4);
    // And so it is written and read again; `--set` knows it, too.
    assert_eq!(RunSpec::from_toml(&spec.to_toml().unwrap(), "copy").unwrap(), spec);
    let mut set = on_rte(RunSpec::default());
    set.set("sweep.select", "validation").unwrap();
    assert!(set.sweep.selects() && set.sweep.is_empty());
    assert!(set.set("sweep.select", "test").unwrap_err().to_string().contains("validation"));
    // Without it, the file says nothing of it.
    assert!(!RunSpec::default().to_toml().unwrap().contains("select"));
}

#[test]
fn differences_name_the_field_and_both_values() {
    let mut other = on_rte(RunSpec::default());
    other.set("stage.fine-tuning.steps", "7").unwrap();
    let (run, other) =
        (on_rte(RunSpec::default()).resolve(built_in()).unwrap(), other.resolve(built_in()).unwrap());
    let expected = ("stage.fine-tuning.steps".to_owned(), "1000".to_owned(), "7".to_owned());
    assert_eq!(run.differences(&other).unwrap(), [expected]);
    // What is written out is no difference to what was left to the defaults.
    let mut written = on_rte(RunSpec::default());
    written.set("stage.fine-tuning.steps", "1000").unwrap();
    assert!(run.differences(&written.resolve(built_in()).unwrap()).unwrap().is_empty());
}

#[test]
fn only_the_weights_of_the_paper_have_rates_relative_to_their_size() {
    // T5X's Adafactor has `multiply_by_parameter_scale=True`, which its mT5 configurations keep; the configurations of
    // the prompt-tuning code switch it off.
    let paper = presets().by_name("paper").unwrap();
    let scaled = |stage: &str| match paper.training(stage).unwrap().optimizer {
        OptimizerSpec::Adafactor { scale_parameter, .. } => scale_parameter,
        _ => panic!("the paper has Adafactor"),
    };
    assert!(scaled("fine-tuning") && !scaled("prompt-tuning"));
}

#[test]
fn the_papers_decoder_only_model_differs_in_prompt_and_rate_alone() {
    let (paper, palm) = (presets().by_name("paper").unwrap(), presets().by_name("palm").unwrap());
    assert_eq!((paper.prompt.length, palm.prompt.length), (100, 50));
    let rate = |spec: &RunSpec| spec.training("prompt-tuning").unwrap().learning_rate;
    assert_eq!((rate(&paper), rate(&palm)), (0.2, 0.3));
    assert_eq!(paper.training("fine-tuning").unwrap(), palm.training("fine-tuning").unwrap());
}

#[test]
fn a_tuned_task_is_not_held_out() {
    let mut spec = presets().by_name("paper").unwrap();
    let all = spec.eval.tasks.len();
    spec.target.also = vec!["cb".into(), "wmt_ende".into()];
    let run = spec.resolve(built_in()).unwrap();
    assert_eq!(run.eval.tasks.len(), all - 2);
    assert!(!run.eval.tasks.iter().any(|task| run.target.tasks().contains(&task.as_str())));
    spec.target.also.push("rte".into());
    let error = spec.resolve(built_in()).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("target.also") && error.contains("rte again"), "{error}");
}

#[test]
fn every_task_has_room_for_the_shortest_answer_and_its_end() {
    let mut spec = presets().by_name("paper").unwrap();
    spec.eval.min_new_tokens = 7;
    assert!(spec.resolve(built_in()).is_ok());
    spec.eval.min_new_tokens = 8;
    let error = spec.resolve(built_in()).map(|_| ()).unwrap_err().to_string();
    assert!(
        error.contains("eval.min_new_tokens") && error.contains("below 8, the longest answer of"),
        "{error}"
    );
}

fn own_task(name: &str) -> String {
    format!("name = '{name}'\nlike = 'rte'")
}

#[test]
fn tasks_of_files_become_part_of_the_spec() {
    let mut spec = presets().by_name("paper").unwrap();
    spec.target.task = "folder/mine.toml".into();
    spec.target.also = vec!["snli".into()];
    spec.eval.tasks = vec!["cb".into(), "other.toml".into(), "folder/mine.toml".into()];
    let read = |file: &str| Ok(own_task(if file == "other.toml" { "other" } else { "mine" }));
    spec.define_tasks(built_in(), &read).unwrap();
    assert_eq!(spec.target.tasks(), ["mine", "snli"]);
    assert_eq!(spec.eval.tasks, ["cb", "other", "mine"]);
    // As it lies in a run's folder, without those files.
    let copy = RunSpec::from_toml(&spec.to_toml().unwrap(), "copy").unwrap();
    assert_eq!(copy, spec);
    let run = copy.resolve(built_in()).unwrap();
    assert_eq!(run.eval.tasks, ["cb", "other"]);
    assert_eq!(run.tasks.by_name("mine").unwrap().template, built_in().by_name("rte").unwrap().template);
}

#[test]
fn a_task_in_a_spec_can_be_like_another() {
    let read = |text: &str| presets().read(text, "x.toml", built_in());
    let spec = read(
        "base = 'paper'
[target]
task = 'short'
[[task]]
name = 'mine'
like = 'rte'
template = '{premise} {hypothesis}'
[[task]]
name = 'short'
like = 'mine'
max_new_tokens = 4",
    )
    .unwrap();
    let (rte, run) = (built_in().by_name("rte").unwrap(), spec.resolve(built_in()).unwrap());
    let expected = Task {
        name: "short".into(),
        template: "{premise} {hypothesis}".into(),
        max_new_tokens: 4,
        ..rte.clone()
    };
    assert_eq!(run.tasks.by_name("short").unwrap(), &expected);
    assert_eq!(RunSpec::from_toml(&spec.to_toml().unwrap(), "copy").unwrap(), spec);
    let refused = |like: &str, more: &str| {
        read(&format!("[[task]]\nname = 'x'\nlike = {like}\n{more}")).map(|_| ()).unwrap_err().to_string()
    };
    assert!(refused("'rt'", "").starts_with("unknown task `rt`; nearest known: rte"));
    // Not like itself.
    assert!(refused("'x'", "").starts_with("unknown task `x`"));
    assert_eq!(refused("3", ""), "like of x.toml: expected the name of a task, found 3");
    assert!(refused("'rte'", "tempate = ''").contains("x.toml cannot be read: unknown field `tempate`"));
}

#[test]
fn an_own_task_has_a_name_of_its_own_and_makes_sense() {
    let mut spec = presets().by_name("paper").unwrap();
    spec.target.task = "x.toml".into();
    spec.define_tasks(built_in(), &|_| Ok(own_task("cb"))).unwrap();
    let error = spec.resolve(built_in()).map(|_| ()).unwrap_err().to_string();
    assert_eq!(error, "name of a task: expected one that no other task has, found cb");
    let text = "[[task]]\nname = 'a b'\ntemplate = ''\ntarget = ''\nmetric = 'bleu'\nmax_new_tokens = 9";
    let spec = RunSpec::from_toml(text, "x.toml").unwrap();
    let error = spec.resolve(built_in()).map(|_| ()).unwrap_err().to_string();
    assert_eq!(error, "name of the spec: expected letters, digits, - and _, found `a b`");
}

#[test]
fn a_spec_can_begin_with_a_preset() {
    let presets = PresetList::new([
        Preset {
            name: "a",
            summary: "",
            toml: "name = 'a'
seeds = [1, 2]
[target]
task = 'rte'
[[stage]]
method = 'fine-tuning'
steps = 5
batch = 3",
        },
        Preset {
            name: "b",
            summary: "",
            toml: "base = 'a'
name = 'b'
[[stage]]
method = 'fine-tuning'
steps = 7
[[stage]]
name = 'other'
method = 'fine-tuning'
like = 'fine-tuning'",
        },
    ]);
    let spec = presets
        .read(
            "base = 'b'
seeds = [3]
[[stage]]
name = 'other'
method = 'fine-tuning'
batch = 4",
            "x.toml",
            built_in(),
        )
        .unwrap();
    assert_eq!((spec.name.as_str(), &spec.seeds[..], spec.target.task.as_str()), ("b", &[3][..], "rte"));
    let training =
        |name: &str| spec.stage(name).map(|stage| (stage.training.steps, stage.training.batch)).unwrap();
    assert_eq!((training("fine-tuning"), training("other")), ((7, 3), (7, 4)));
    let error = presets.read("base = 'c'", "x.toml", built_in()).unwrap_err().to_string();
    assert!(error.contains("unknown preset `c`"), "{error}");
    let error = presets.read("base = 1", "x.toml", built_in()).unwrap_err().to_string();
    assert!(error.contains("base of x.toml"), "{error}");
}
