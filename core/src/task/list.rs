//! All tasks: the paper's twelve and SNLI on their published files, the same thirteen on the mini world, and
//! one for the user's own rows. Templates are the paper's Table 4, word by word.

use super::rows::{Field, Read};
use super::{File, FileFormat, Format, Source, Task};
use crate::metrics::format::Language;
use crate::metrics::{Metric, Normalization};

/// Every task there is. A new one is a constant below and a line here.
pub static TASKS: &[Task] = &[
    RTE,
    CB,
    WIC,
    SNLI,
    OPENBOOKQA,
    TRIVIAQA,
    WEB_QUESTIONS,
    WMT_ENFR,
    WMT_ENDE,
    WMT_ENRO,
    XSUM,
    WIKILINGUA,
    Task { name: "rte-mini", source: Source::World, ..RTE },
    Task { name: "cb-mini", source: Source::World, ..CB },
    Task { name: "wic-mini", source: Source::World, ..WIC },
    Task { name: "snli-mini", source: Source::World, ..SNLI },
    Task { name: "openbookqa-mini", source: Source::World, ..OPENBOOKQA },
    Task { name: "triviaqa-mini", source: Source::World, ..TRIVIAQA },
    Task { name: "web_questions-mini", source: Source::World, ..WEB_QUESTIONS },
    Task { name: "wmt_enfr-mini", source: Source::World, ..WMT_ENFR },
    Task { name: "wmt_ende-mini", source: Source::World, ..WMT_ENDE },
    Task { name: "wmt_enro-mini", source: Source::World, ..WMT_ENRO },
    Task { name: "xsum-mini", source: Source::World, ..XSUM },
    Task { name: "wikilingua-mini", source: Source::World, ..WIKILINGUA },
    TEXT2TEXT,
];

/// The paper's eight evaluation tasks, in the order of its tables.
const UNSEEN: [(&str, &str); 8] = [
    ("cb", "cb-mini"),
    ("wic", "wic-mini"),
    ("triviaqa", "triviaqa-mini"),
    ("web_questions", "web_questions-mini"),
    ("wmt_ende", "wmt_ende-mini"),
    ("wmt_enro", "wmt_enro-mini"),
    ("xsum", "xsum-mini"),
    ("wikilingua", "wikilingua-mini"),
];

/// The tasks that a model tuned on `target` is scored on without having seen them: the paper's eight, without
/// the target itself; those of the mini world where the target is one of them.
pub fn unseen_for(target: &str) -> Vec<&'static str> {
    let mini = target.ends_with("-mini");
    let names = UNSEEN.iter().map(|(real, small)| if mini { *small } else { *real });
    names.filter(|name| *name != target).collect()
}

/// Class words and their like: one word of one or two tokens, with room for sentinels around it.
const WORD_TOKENS: usize = 8;

const RTE: Task = Task {
    name: "rte",
    version: 1,
    summary: "textual entailment, two classes (SuperGLUE)",
    template: "{premise} question: {hypothesis} Is it true or false? answer:",
    target: "{label}",
    choices: &[("entailment", "True"), ("not_entailment", "False")],
    references: None,
    cut_at: None,
    metric: Metric::Accuracy,
    format: Format::Choice,
    // SuperGLUE's test labels are not published: checkpoints and scores both use the validation rows.
    source: Source::Files {
        train: &[json_lines("rte/train.jsonl", &[])],
        validation: &[json_lines("rte/val.jsonl", &[])],
        test: &[json_lines("rte/val.jsonl", &[])],
    },
    max_new_tokens: WORD_TOKENS,
};

const THREE_CLASSES: &[(&str, &str)] =
    &[("entailment", "True"), ("contradiction", "False"), ("neutral", "Neither")];

const CB: Task = Task {
    name: "cb",
    version: 1,
    summary: "commitment, three classes (SuperGLUE)",
    template: "{premise} question: {hypothesis} Is it true or false or neither? answer:",
    choices: THREE_CLASSES,
    source: Source::Files {
        train: &[json_lines("cb/train.jsonl", &[])],
        validation: &[json_lines("cb/val.jsonl", &[])],
        test: &[json_lines("cb/val.jsonl", &[])],
    },
    ..RTE
};

const SNLI_FIELDS: &[Field] = &[
    Field::same("premise"),
    Field::same("hypothesis"),
    Field {
        name: "label",
        from: "/label",
        read: Read::Values(&[("0", "entailment"), ("1", "neutral"), ("2", "contradiction")]),
    },
];

const SNLI: Task = Task {
    name: "snli",
    version: 1,
    summary: "natural language inference, three classes",
    template: CB.template,
    choices: THREE_CLASSES,
    // Parts of the published validation rows, apart from each other, until the train and test files are there.
    source: Source::Files {
        train: &[part(tsv("snli/validation.tsv", SNLI_FIELDS), 0, 7000)],
        validation: &[part(tsv("snli/validation.tsv", SNLI_FIELDS), 7000, 8000)],
        test: &[part(tsv("snli/validation.tsv", SNLI_FIELDS), 8000, usize::MAX)],
    },
    ..RTE
};

const WIC_TSV_FIELDS: &[Field] = &[
    Field::same("sentence1"),
    Field::same("sentence2"),
    Field::same("word"),
    Field { name: "label", from: "/label", read: Read::Values(&[("1", "true"), ("0", "false")]) },
];

const WIC: Task = Task {
    name: "wic",
    version: 1,
    summary: "a word in two contexts: the same sense or not (SuperGLUE)",
    template: "{sentence1} {sentence2} question: The word {word} is used in the same way in the two sentences. \
               Is it true or False? answer:",
    choices: &[("true", "True"), ("false", "False")],
    source: Source::Files {
        train: &[tsv("wic/train.tsv", WIC_TSV_FIELDS)],
        validation: &[json_lines("wic/val.jsonl", &[])],
        test: &[json_lines("wic/val.jsonl", &[])],
    },
    ..RTE
};

const OPENBOOKQA_FIELDS: &[Field] = &[
    Field { name: "question", from: "/question/stem", read: Read::AsIs },
    Field { name: "A", from: "/question/choices/0/text", read: Read::AsIs },
    Field { name: "B", from: "/question/choices/1/text", read: Read::AsIs },
    Field { name: "C", from: "/question/choices/2/text", read: Read::AsIs },
    Field { name: "D", from: "/question/choices/3/text", read: Read::AsIs },
    Field { name: "answer", from: "/answerKey", read: Read::AsIs },
];

const OPENBOOKQA: Task = Task {
    name: "openbookqa",
    version: 1,
    summary: "science questions with four choices; the answer is the letter",
    template: "Q: {question} A) {A} B) {B} C) {C} D) {D} A:",
    target: "{answer}",
    choices: &[("A", "A"), ("B", "B"), ("C", "C"), ("D", "D")],
    source: Source::Files {
        train: &[json_lines("openbookqa/train.jsonl", OPENBOOKQA_FIELDS)],
        validation: &[part(json_lines("openbookqa/dev.jsonl", OPENBOOKQA_FIELDS), 0, 250)],
        test: &[part(json_lines("openbookqa/dev.jsonl", OPENBOOKQA_FIELDS), 250, usize::MAX)],
    },
    ..RTE
};

// Some questions were copied from a table with its quotation marks around them.
const TRIVIAQA_FIELDS: &[Field] = &[
    Field { name: "question", from: "/question", read: Read::Unquoted },
    Field { name: "answers", from: "/golden_answers", read: Read::AsIs },
    Field { name: "answer", from: "/golden_answers/0", read: Read::AsIs },
];

const TRIVIAQA: Task = Task {
    name: "triviaqa",
    version: 1,
    summary: "general questions without context, answered from memory",
    template: "Q: {question} A:",
    target: "{answer}",
    choices: &[],
    references: Some("answers"),
    cut_at: Some("Q:"),
    metric: Metric::ExactMatch(Normalization::Trivia),
    format: Format::Free,
    source: Source::Files {
        train: &[part(json_lines("triviaqa/questions_500.jsonl", TRIVIAQA_FIELDS), 0, 150)],
        validation: &[part(json_lines("triviaqa/questions_500.jsonl", TRIVIAQA_FIELDS), 150, 250)],
        test: &[part(json_lines("triviaqa/questions_500.jsonl", TRIVIAQA_FIELDS), 250, usize::MAX)],
    },
    max_new_tokens: 32,
};

const WEB_QUESTIONS_FIELDS: &[Field] = &[
    Field { name: "question", from: "/qText", read: Read::AsIs },
    Field { name: "answers", from: "/answers", read: Read::AsIs },
    Field { name: "answer", from: "/answers/0", read: Read::AsIs },
];

const WEB_QUESTIONS: Task = Task {
    name: "web_questions",
    version: 1,
    summary: "questions typed into a search engine, answered from memory",
    metric: Metric::ExactMatch(Normalization::Squad),
    // Splits of the published training questions; the test questions are another file.
    source: Source::Files {
        train: &[json_array("webquestions/trainmodel.json", WEB_QUESTIONS_FIELDS)],
        validation: &[json_array("webquestions/devtest.json", WEB_QUESTIONS_FIELDS)],
        test: &[json_array("webquestions/val.json", WEB_QUESTIONS_FIELDS)],
    },
    ..TRIVIAQA
};

const WMT_ENFR: Task = Task {
    name: "wmt_enfr",
    version: 1,
    summary: "news translation, English to French",
    template: "Translate English to French: {source}",
    target: "{target}",
    choices: &[],
    references: None,
    cut_at: Some("Translate"),
    metric: Metric::Bleu,
    format: Format::Language(Language::French),
    source: Source::Files {
        train: &[
            aligned("wmt/en-fr/newstest2009.eng", "wmt/en-fr/newstest2009.fra"),
            aligned("wmt/en-fr/newstest2010.eng", "wmt/en-fr/newstest2010.fra"),
            aligned("wmt/en-fr/newstest2011.eng", "wmt/en-fr/newstest2011.fra"),
        ],
        validation: &[aligned("wmt/en-fr/newstest2012.eng", "wmt/en-fr/newstest2012.fra")],
        test: &[aligned("wmt/en-fr/newstest2013.eng", "wmt/en-fr/newstest2013.fra")],
    },
    max_new_tokens: 128,
};

const WMT_ENDE: Task = Task {
    name: "wmt_ende",
    summary: "news translation, English to German",
    template: "Translate English to German: {source}",
    format: Format::Language(Language::German),
    source: Source::Files {
        train: &[aligned("wmt/en-de/newstest2013.eng", "wmt/en-de/newstest2013.deu")],
        validation: &[aligned("wmt/en-de/newstest2014.eng", "wmt/en-de/newstest2014.deu")],
        test: &[aligned("wmt/en-de/newstest2015.eng", "wmt/en-de/newstest2015.deu")],
    },
    ..WMT_ENFR
};

const ENRO_DEV: File = aligned("wmt/en-ro/newsdev2016.en", "wmt/en-ro/newsdev2016.ro");

const WMT_ENRO: Task = Task {
    name: "wmt_enro",
    summary: "news translation, English to Romanian",
    template: "Translate English to Romanian: {source}",
    format: Format::Language(Language::Romanian),
    source: Source::Files {
        train: &[part(ENRO_DEV, 0, 800)],
        validation: &[part(ENRO_DEV, 800, 1000)],
        test: &[part(ENRO_DEV, 1000, usize::MAX)],
    },
    ..WMT_ENFR
};

const XSUM_FIELDS: &[Field] =
    &[Field { name: "article", from: "/document", read: Read::AsIs }, Field::same("summary")];
const XSUM_FILE: File = json_lines("xsum/articles_926.jsonl", XSUM_FIELDS);

const XSUM: Task = Task {
    name: "xsum",
    version: 1,
    summary: "news articles in one sentence",
    template: "Article: {article} One sentence summary:",
    target: "{summary}",
    choices: &[],
    references: None,
    cut_at: Some("Article:"),
    metric: Metric::Rouge2,
    format: Format::Free,
    source: Source::Files {
        train: &[part(XSUM_FILE, 0, 326)],
        validation: &[part(XSUM_FILE, 326, 426)],
        test: &[part(XSUM_FILE, 426, usize::MAX)],
    },
    max_new_tokens: 64,
};

const DIALOGSUM_FIELDS: &[Field] =
    &[Field { name: "article", from: "/dialogue", read: Read::AsIs }, Field::same("summary")];
const DIALOGSUM_FILE: File = json_lines("dialogsum/dev.jsonl", DIALOGSUM_FIELDS);

const WIKILINGUA: Task = Task {
    name: "wikilingua",
    summary: "short summaries; DialogSum's dialogues stand in for WikiLingua's articles",
    source: Source::Files {
        train: &[part(DIALOGSUM_FILE, 0, 150)],
        validation: &[part(DIALOGSUM_FILE, 150, 250)],
        test: &[part(DIALOGSUM_FILE, 250, usize::MAX)],
    },
    ..XSUM
};

const TEXT2TEXT: Task = Task {
    name: "text2text",
    version: 1,
    summary: "rows of yours with the fields `input` and `target`, scored by exact match",
    template: "{input}",
    target: "{target}",
    choices: &[],
    references: None,
    cut_at: None,
    metric: Metric::ExactMatch(Normalization::None),
    format: Format::Free,
    source: Source::User,
    max_new_tokens: 64,
};

const fn file(path: &'static str, format: FileFormat, fields: &'static [Field]) -> File {
    File { path, format, fields, part: None }
}

const fn json_lines(path: &'static str, fields: &'static [Field]) -> File {
    file(path, FileFormat::JsonLines, fields)
}

const fn json_array(path: &'static str, fields: &'static [Field]) -> File {
    file(path, FileFormat::JsonArray, fields)
}

const fn tsv(path: &'static str, fields: &'static [Field]) -> File {
    file(path, FileFormat::Tsv, fields)
}

const fn aligned(path: &'static str, target: &'static str) -> File {
    file(path, FileFormat::Aligned { target }, &[])
}

/// Rows `from..to` of a file, for sets of which there is one file for several splits.
const fn part(file: File, from: usize, to: usize) -> File {
    File { part: Some((from, to)), ..file }
}
