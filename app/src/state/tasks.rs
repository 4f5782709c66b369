//! The tasks as the page names them, by kind.

use promot_core::metrics::Metric;
use promot_core::task::Task;
use promot_world::SUITE;

use crate::catalog;

/// The task that the first screen opens with where nothing is recorded that shows better what is lost.
pub const FIRST_TASK: &str = "triviaqa-mini";

/// Tasks of one kind, for the picker.
pub struct Group {
    pub label: &'static str,
    pub tasks: Vec<&'static Task>,
}

/// What each task asks, in words, by the paper's name: the part before `-mini`.
const TITLES: [(&str, &str); 12] = [
    ("rte", "Does it follow? True or False"),
    ("cb", "Does it follow? True, False or Neither"),
    ("wic", "Same sense of a word?"),
    ("snli", "Does it follow? Three answers"),
    ("openbookqa", "Four choices"),
    ("triviaqa", "Questions about people"),
    ("web_questions", "Questions about towns"),
    ("wmt_enfr", "English to French"),
    ("wmt_ende", "English to German"),
    ("wmt_enro", "English to Romanian"),
    ("xsum", "News in one sentence"),
    ("wikilingua", "Instructions in one sentence"),
];

/// What a task asks, without its name.
pub fn heading(name: &str) -> String {
    let short = name.trim_end_matches("-mini");
    TITLES.iter().find(|(known, _)| *known == short).map_or(name, |(_, title)| title).to_owned()
}

/// What a task asks, with its name.
pub fn title(name: &str) -> String {
    let short = name.trim_end_matches("-mini");
    match TITLES.iter().find(|(known, _)| *known == short) {
        Some((_, title)) => format!("{title} ({name})"),
        None => name.to_owned(),
    }
}

/// The held-out tasks, by kind, then the target task.
pub fn groups(target: &str) -> Vec<Group> {
    let task = catalog::tasks().by_name(target).ok();
    let tuned = Group { label: "Target task", tasks: task.into_iter().collect() };
    let unseen = task.map(|task| catalog::tasks().held_out_for(task)).unwrap_or_default();
    let of_kind =
        |label| Group { label, tasks: unseen.iter().copied().filter(|task| kind(task) == label).collect() };
    KINDS.into_iter().map(of_kind).chain([tuned]).filter(|group| !group.tasks.is_empty()).collect()
}

/// Tasks that can be tuned on here: the corpus's need no files.
pub fn trainable() -> impl Iterator<Item = &'static Task> {
    catalog::tasks().iter().filter(|task| task.suite == SUITE)
}

const KINDS: [&str; 4] = ["Question answering", "Translation", "Summaries", "Classification"];

fn kind(task: &Task) -> &'static str {
    match task.metric {
        Metric::ExactMatch(_) | Metric::Contains(_) => KINDS[0],
        Metric::Bleu | Metric::Chrf => KINDS[1],
        Metric::Rouge2 | Metric::Rouge2Unicode => KINDS[2],
        Metric::Accuracy => KINDS[3],
    }
}
