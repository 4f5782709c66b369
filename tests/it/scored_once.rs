//! A model whose weights are as they came is asked the held-out tasks once, whatever method and seed it stands for.

use promot_core::Result;
use promot_core::report::MethodRun;
use promot_core::spec::MethodEntry;
use promot_core::train::{Control, Event, FinishedRun, Observer, experiment};
use promot_world::catalog;

use crate::methods::{Lab, spec};

/// Which tasks were answered for which method and seed, and what was finished before.
#[derive(Default)]
struct Asked {
    now: String,
    tasks: Vec<String>,
    before: Vec<FinishedRun>,
}

impl Observer for Asked {
    fn now(&self) -> f64 {
        0.0
    }

    fn event(&mut self, event: &Event) -> Control {
        match event {
            Event::RunStarted { method, seed, .. } => self.now = format!("{method} {seed}"),
            // Once for each task: when its last row is done.
            Event::Evaluating { task, done, rows } if done == rows && task == "cb-mini" => {
                self.tasks.push(self.now.clone());
            }
            _ => {}
        }
        Control::Continue
    }

    fn save_run(&mut self, run: &FinishedRun) -> Result<()> {
        self.before.push(run.clone());
        Ok(())
    }

    fn load_run(&mut self, method: &str, seed: u64, _: &str) -> Result<Option<FinishedRun>> {
        let same = |known: &&FinishedRun| known.run.method == method && known.run.seed == seed;
        Ok(self.before.iter().find(same).cloned())
    }
}

fn run(observer: &mut Asked) -> Vec<MethodRun> {
    let lab = Lab::new();
    let mut spec = spec("pretrained");
    spec.methods = ["pretrained", "prompt-tuning", "fine-tuning"].map(MethodEntry::from).to_vec();
    spec.seeds = vec![3, 4];
    for (path, value) in [("eval.tasks", "[\"cb-mini\"]"), ("eval.shots", "[0, 1]"), ("eval.limit", "2")] {
        spec.set(path, value).unwrap();
    }
    spec.set("eval.text", "text-mini").unwrap();
    let run = spec.resolve(&catalog().tasks).unwrap();
    pollster::block_on(experiment(lab.setup(&run), observer)).unwrap().report.runs
}

#[test]
fn an_unchanged_model_is_scored_once() {
    let mut asked = Asked::default();
    let runs = run(&mut asked);
    // With no and with one example.
    let twice = |who: &str| [who.to_owned(), who.to_owned()];
    assert_eq!(asked.tasks, ["pretrained 3", "fine-tuning 3", "fine-tuning 4"].map(twice).concat());
    let [pretrained, tuned, fine_tuned, other_seed, ..] = &runs[..] else { panic!("{} runs", runs.len()) };
    assert_eq!((tuned.method.as_str(), other_seed.seed), ("prompt-tuning", 4));
    assert_eq!((&tuned.unseen, &other_seed.unseen), (&pretrained.unseen, &pretrained.unseen));
    assert_ne!(fine_tuned.text[0].nats_per_token, pretrained.text[0].nats_per_token);
    assert_eq!(tuned.text[0], pretrained.text[0]);
    let prompts: Vec<bool> = tuned.text.iter().map(|text| text.prompt).collect();
    assert_eq!((prompts, tuned.target.prompt), (vec![false, true], true), "its own with the prompt");

    // What an earlier process has scored counts as well.
    let mut again = Asked { before: asked.before.into_iter().take(1).collect(), ..Asked::default() };
    run(&mut again);
    assert_eq!(again.tasks, ["fine-tuning 3", "fine-tuning 4"].map(twice).concat());
}
