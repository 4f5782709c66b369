//! The tasks as the page names them: the mini world's, by kind.

use promot_core::metrics::Metric;
use promot_core::task::{TASKS, Task, unseen_for};

/// Tasks of one kind, for the picker.
pub struct Group {
    pub label: &'static str,
    pub tasks: Vec<&'static Task>,
}

/// In words what each task asks; the part of the name before `-mini` is the paper's.
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

/// What a task asks, with its name.
pub fn title(name: &str) -> String {
    let short = name.trim_end_matches("-mini");
    match TITLES.iter().find(|(known, _)| *known == short) {
        Some((_, title)) => format!("{title} ({name})"),
        None => name.to_owned(),
    }
}

/// The tasks that nothing was tuned on, by kind, then the tuned one.
pub fn groups(target: &str) -> Vec<Group> {
    let tuned = Group { label: "The tuned task", tasks: Task::by_name(target).into_iter().collect() };
    let unseen: Vec<&'static Task> =
        unseen_for(target).into_iter().filter_map(|name| Task::by_name(name).ok()).collect();
    let of_kind =
        |label| Group { label, tasks: unseen.iter().copied().filter(|task| kind(task) == label).collect() };
    KINDS.into_iter().map(of_kind).chain([tuned]).filter(|group| !group.tasks.is_empty()).collect()
}

/// Tasks that can be tuned on here: the mini world needs no files.
pub fn trainable() -> impl Iterator<Item = &'static Task> {
    TASKS.iter().filter(|task| task.name.ends_with("-mini"))
}

const KINDS: [&str; 4] = ["Question answering", "Translation", "Summaries", "Classification"];

fn kind(task: &Task) -> &'static str {
    match task.metric {
        Metric::ExactMatch(_) => KINDS[0],
        Metric::Bleu => KINDS[1],
        Metric::Rouge2 => KINDS[2],
        Metric::Accuracy => KINDS[3],
    }
}
