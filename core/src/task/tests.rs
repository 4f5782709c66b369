use serde_json::{Value, json};

use super::*;
use crate::data::Split;
use crate::rng::Streams;

fn task(name: &str) -> &'static Task {
    built_in().by_name(name).unwrap()
}

/// A made-up row of every task, its input text, and its gold answer as the model should write it.
fn row(task: &str) -> (Example, &'static str, &'static str) {
    let nli =
        |label: &str| json!({"premise": "Ann has a cat.", "hypothesis": "Ann has a pet.", "label": label});
    let (row, input, answer) = match task {
        "rte" => (
            nli("not_entailment"),
            "Ann has a cat. question: Ann has a pet. Is it true or false? answer:",
            "False",
        ),
        "cb" | "snli" => (
            nli("neutral"),
            "Ann has a cat. question: Ann has a pet. Is it true or false or neither? answer:",
            "Neither",
        ),
        "wic" => (
            json!({"sentence1": "A bank robber.", "sentence2": "The river bank.", "word": "bank", "label": "false"}),
            "A bank robber. The river bank. question: The word bank is used in the same way in the two sentences. \
             Is it true or False? answer:",
            "False",
        ),
        "openbookqa" => (
            json!({"question": "Ice is", "A": "cold", "B": "hot", "C": "dry", "D": "loud", "answer": "A"}),
            "Q: Ice is A) cold B) hot C) dry D) loud A:",
            "A",
        ),
        "triviaqa" | "triviaqa-ranked" | "web_questions" => (
            json!({"question": "Who wrote it?", "answers": ["Ann Lee", "Annie Lee"], "answer": "Ann Lee"}),
            "Q: Who wrote it? A:",
            "Ann Lee",
        ),
        "wmt_enfr" => (
            json!({"source": "The cat sleeps in the house.", "target": "Le chat dort dans la maison."}),
            "Translate English to French: The cat sleeps in the house.",
            "Le chat dort dans la maison.",
        ),
        "wmt_ende" => (
            json!({"source": "The cat sleeps in the house.", "target": "Die Katze schläft im Haus."}),
            "Translate English to German: The cat sleeps in the house.",
            "Die Katze schläft im Haus.",
        ),
        "wmt_enro" => (
            json!({"source": "The cat sleeps in the house.", "target": "Pisica doarme în casă."}),
            "Translate English to Romanian: The cat sleeps in the house.",
            "Pisica doarme în casă.",
        ),
        "xsum" | "wikilingua" => (
            json!({"article": "It rained. The river rose.", "summary": "A river rose after rain."}),
            "Article: It rained. The river rose. One sentence summary:",
            "A river rose after rain.",
        ),
        "repeat-chat" => (
            json!({"text": "The river rose."}),
            "<|im_start|>user\nRepeat this sentence: The river rose.<|im_end|>\n<|im_start|>assistant\n",
            "The river rose.",
        ),
        "wikitext" => (json!({"text": "It rained. The river rose."}), "", "It rained. The river rose."),
        "text2text" => (json!({"input": "2 + 3", "target": "5"}), "2 + 3", "5"),
        other => panic!("no row for task {other}"),
    };
    let Value::Object(fields) = row else { panic!("a row is an object") };
    (Example(fields), input, answer)
}

#[test]
fn every_task_gives_its_text_and_its_gold_answer_scores_100() {
    for task in built_in().iter() {
        let (example, input, answer) = row(&task.name);
        let rendered = task.render(&example).unwrap();
        assert_eq!((rendered.input.as_str(), rendered.target.as_str()), (input, answer), "{}", task.name);
        assert_eq!(rendered.references[0], answer, "{}", task.name);

        let references = vec![rendered.references; 4];
        let mut outputs = vec![
            answer.to_owned(),
            format!("<extra_id_0> {answer} <extra_id_1> and more"),
            format!(" {answer}\n"),
            format!("{answer} {}", task.cut_at.as_deref().unwrap_or_default()),
        ];
        let gold = task.score(&outputs, &references);
        assert!((gold.score - 100.0).abs() < 1e-9, "{}: {gold:?}", task.name);
        assert_eq!(gold.n, 4);

        outputs[0] = "something else entirely, not asked for".to_owned();
        let wrong = task.score(&outputs, &references).score;
        assert!(wrong < gold.score - 10.0, "{}: {wrong}", task.name);
    }
}

#[test]
fn gold_answers_are_in_the_tasks_own_format() {
    for task in built_in().iter() {
        let (_, _, answer) = row(&task.name);
        let rate = format_rate(&[task], &[answer.to_owned(), "xyz".to_owned()]);
        let expected = (task.format != Format::Free).then_some(50.0);
        assert_eq!(rate, expected, "{}", task.name);
    }
}

#[test]
fn with_several_tasks_the_format_of_any_of_them_counts() {
    let [rte, french, questions] = ["rte", "wmt_enfr", "triviaqa"].map(task);
    let outputs = ["True", "Le chat est noir.", "Paris", "False"].map(String::from);
    assert_eq!(format_rate(&[rte], &outputs), Some(50.0));
    assert_eq!(format_rate(&[rte, french], &outputs), Some(75.0));
    assert_eq!(format_rate(&[french, questions], &outputs), Some(25.0));
    assert_eq!(format_rate(&[questions], &outputs), None);
    assert_eq!(format_rate(&[rte], &[]), Some(0.0));
}

#[test]
fn tasks_share_a_format_where_right_answers_of_the_one_look_like_the_others() {
    let share = |tuned: &str, asked: &str| task(tuned).shares_format(task(asked));
    assert!(
        share("rte", "rte") && share("rte", "cb") && share("snli", "wic") && share("wmt_enfr", "wmt_enfr")
    );
    assert!(!share("rte", "openbookqa") && !share("rte", "wmt_ende") && !share("wmt_enfr", "wmt_ende"));
    assert!(!share("triviaqa", "triviaqa"), "free text has no format");
}

#[test]
fn any_alias_counts_as_an_answer() {
    let task = task("triviaqa");
    let (example, _, _) = row("triviaqa");
    let references = vec![task.render(&example).unwrap().references];
    assert_eq!(task.score(&["the annie-lee!".to_owned()], &references).score, 100.0);
    assert_eq!(task.score(&["Lee".to_owned()], &references).score, 0.0);
}

#[test]
fn candidates_hold_the_right_answer_and_none_twice() {
    let ranked = task("triviaqa-ranked");
    let (example, _, _) = row("triviaqa");
    let other = |answer: &str| {
        Example::new([("question", json!("Who?")), ("answers", json!([answer])), ("answer", json!(answer))])
    };
    // One of them is another name of the right answer, two are the same.
    let others = ["Bo", "Annie Lee", "Cy", "Bo", "Di"].map(other);
    let draw = |others: &[Example]| ranked.candidates(&example, others, &mut Streams::new(0).stream("x"));
    assert_eq!(draw(&others).unwrap(), ["Ann Lee", "Bo", "Cy", "Di"]);
    let few = draw(&others[..4]).unwrap_err().to_string();
    assert_eq!(
        few,
        "answers of other rows for task triviaqa-ranked: expected at least 3 different ones, found 2"
    );
    assert!(
        task("triviaqa").candidates(&example, &others, &mut Streams::new(0).stream("x")).unwrap().is_empty()
    );

    let choices = Task { candidates: Some(Candidates::Choices), ..task("cb").clone() };
    let (example, _, _) = row("cb");
    assert_eq!(
        choices.candidates(&example, &[], &mut Streams::new(0).stream("x")).unwrap(),
        ["False", "Neither", "True"]
    );

    let field = Task { candidates: Some(Candidates::Field("input".into())), ..task("text2text").clone() };
    let (example, _, _) = row("text2text");
    let missing = field.candidates(&example, &[], &mut Streams::new(0).stream("x")).unwrap_err().to_string();
    assert_eq!(
        missing,
        "field `input` of task text2text: expected the right answer `5` among them, found 2 + 3"
    );
}

#[test]
fn shots_stand_before_the_question_with_their_answers() {
    let task = task("triviaqa");
    let shot =
        Example::new([("question", json!("Who?")), ("answers", json!(["Bo"])), ("answer", json!("Bo"))]);
    let (example, _, _) = row("triviaqa");
    let rendered = task.render_with_shots(&[&shot, &shot], &example).unwrap();
    assert_eq!(rendered.input, "Q: Who? A: Bo Q: Who? A: Bo Q: Who wrote it? A:");
    assert_eq!(rendered.target, "Ann Lee");
}

#[test]
fn a_chat_template_has_its_own_ends_and_no_added_spaces() {
    let text = r#"
        name = "chat"
        template = "<user>{q}</user>\n<assistant>\n"
        target = "{a}"
        separator = "</assistant>\n"
        metric = { contains = "squad" }
        max_new_tokens = 8
    "#;
    let task = Task::from_toml(text, "chat.toml", built_in()).unwrap();
    let row = |question: &str, answer: &str| Example::new([("q", json!(question)), ("a", json!(answer))]);
    let (first, second) = (row("2 + 2", "4"), row("3 + 3", "6"));
    let rendered = task.render_with_shots(&[&first], &second).unwrap();
    assert_eq!(
        rendered.input,
        "<user>2 + 2</user>\n<assistant>\n4</assistant>\n<user>3 + 3</user>\n<assistant>\n"
    );
}

#[test]
fn a_name_stands_once_and_an_unknown_one_lists_the_nearest() {
    let error = built_in().clone().with(task("rte").clone()).unwrap_err().to_string();
    assert_eq!(error, "name of a task: expected one that no other task has, found rte");
    let error = built_in().by_name("wmt-enfr").unwrap_err().to_string();
    assert!(error.starts_with("unknown task `wmt-enfr`; nearest known: wmt_enfr"), "{error}");
}

#[test]
fn the_held_out_tasks_are_the_papers_eight() {
    let held_out = |target: &str| -> Vec<&str> {
        built_in().held_out_for(task(target)).into_iter().map(|task| task.name.as_str()).collect()
    };
    let eight = ["cb", "wic", "triviaqa", "web_questions", "wmt_ende", "wmt_enro", "xsum", "wikilingua"];
    for target in ["rte", "wmt_enfr", "text2text"] {
        assert_eq!(held_out(target), eight);
    }
    assert_eq!(held_out("wic"), eight.into_iter().filter(|name| *name != "wic").collect::<Vec<_>>());
}

#[test]
fn tasks_of_another_suite_are_scored_on_its_own_held_out_ones() {
    let other = |name: &str, like: &str| {
        let text = format!("name = '{name}'\nlike = '{like}'\nsuite = 'other'");
        Task::from_toml(&text, "x.toml", built_in()).unwrap()
    };
    let list = built_in().clone().with(other("one", "rte")).unwrap().with(other("two", "cb")).unwrap();
    let names = |target| list.held_out_for(list.by_name(target).unwrap());
    assert_eq!(names("one"), [list.by_name("two").unwrap()]);
    assert!(names("two").is_empty());
    assert_eq!(names("rte").len(), 8);
}

#[test]
fn a_task_survives_its_way_through_toml() {
    for task in built_in().iter() {
        let text = toml::to_string(task).unwrap();
        assert_eq!(&Task::from_toml(&text, "x.toml", built_in()).unwrap(), task);
    }
}

#[test]
fn a_task_like_another_differs_in_what_its_file_names() {
    let text = "name = 'short'\nlike = 'cb'\nmax_new_tokens = 4\nsource = 'given'";
    let short = Task::from_toml(text, "x.toml", built_in()).unwrap();
    let expected =
        Task { name: "short".into(), max_new_tokens: 4, source: DataSource::Given, ..task("cb").clone() };
    assert_eq!(short, expected);
}

#[test]
fn a_definition_that_makes_no_sense_is_refused_by_field() {
    let whole = [
        ("name", "'x'"),
        ("template", "'{a}'"),
        ("target", "'{b}'"),
        ("metric", "'accuracy'"),
        ("max_new_tokens", "8"),
    ];
    let problem = |field: &str, value: &str| {
        let rest = whole.iter().filter(|(name, _)| *name != field);
        let lines = rest.map(|(name, value)| format!("{name} = {value}\n")).collect::<String>();
        let line = if value.is_empty() { String::new() } else { format!("{field} = {value}") };
        Task::from_toml(&(lines + &line), "x.toml", built_in()).map(|_| ()).unwrap_err().to_string()
    };
    let choices = "[{ label = 'a', word = 'A' }]";
    let twice = "[{ label = 'a', word = 'A' }, { label = 'b', word = 'A' }]\nformat = 'choice'";
    for (field, value, expected) in [
        ("name", "", "x.toml cannot be read: missing field `name`"),
        ("name", "'a/b'", "name of x.toml: expected letters, digits, - and _, found `a/b`"),
        ("tempate", "''", "unknown field `tempate`"),
        ("template", "'{a'", "template `{a`: expected {field} places"),
        ("metric", "'f1'", "unknown variant `f1`"),
        ("format", "'choice'", "choices of x.toml: expected at least one, since format is choice, found 0"),
        ("choices", choices, "format of x.toml: expected choice, since there are choices, found 1 choices"),
        ("choices", twice, "choices of x.toml: expected each label and each word once, found b again"),
        ("max_new_tokens", "1", "max_new_tokens of x.toml: expected at least 2"),
        ("like", "'rt'", "unknown task `rt`; nearest known: rte"),
        ("like", "3", "like of x.toml: expected the name of a task, found 3"),
        ("name", "=", "x.toml cannot be read: TOML parse error at line"),
    ] {
        let found = problem(field, value);
        assert!(found.contains(expected), "{field} = {value}: {found}");
    }
}

#[test]
fn a_reference_is_a_name_or_a_toml_file() {
    let parse = |text: &str| text.parse::<TaskRef>().unwrap();
    assert_eq!(parse("rte"), TaskRef::Name("rte".into()));
    assert_eq!(parse("tasks/Mine.TOML"), TaskRef::File("tasks/Mine.TOML".into()));
}

/// A data folder of one file.
fn folder<'a>(path: &'a str, text: &'a str) -> impl Fn(&str) -> Result<Option<Vec<u8>>> + 'a {
    move |asked| Ok((asked == path).then(|| text.as_bytes().to_vec()))
}

fn load(task: &str, split: Split, path: &str, text: &str) -> Result<Vec<Example>> {
    built_in().by_name(task).unwrap().rows_from_files(split, &folder(path, text)).map(|rows| rows.examples)
}

#[test]
fn fields_of_the_published_files_get_the_tasks_names() {
    let rows = load(
        "openbookqa",
        Split::Train,
        "openbookqa/train.jsonl",
        r#"{"id": "1", "question": {"stem": "Ice is", "choices": [{"text": "cold", "label": "A"},
           {"text": "hot", "label": "B"}, {"text": "dry", "label": "C"}, {"text": "loud", "label": "D"}]},
           "answerKey": "B"}"#
            .replace('\n', " ")
            .as_str(),
    );
    let fields =
        json!({"question": "Ice is", "A": "cold", "B": "hot", "C": "dry", "D": "loud", "answer": "B"});
    assert_eq!(Value::Object(rows.unwrap().remove(0).0), fields);

    let tsv = "index\tword\tsentence1\tsentence2\tlabel\n0\tbank\tOne.\tTwo.\t1\n";
    let rows = load("wic", Split::Train, "wic/train.tsv", tsv).unwrap();
    let fields = json!({"sentence1": "One.", "sentence2": "Two.", "word": "bank", "label": "true"});
    assert_eq!(Value::Object(rows[0].0.clone()), fields);

    let text = r#"[{"qId": "q", "answers": ["Rome", "Roma"], "qText": "where?"}]"#;
    let rows = load("web_questions", Split::Test, "webquestions/val.json", text).unwrap();
    assert_eq!(rows[0].text("answer").unwrap(), "Rome");
    assert_eq!(rows[0].list("answers").unwrap(), ["Rome", "Roma"]);
}

#[test]
fn splits_of_one_file_share_no_row() {
    let row = |n: usize| json!({"document": format!("article {n}"), "summary": "short"}).to_string() + "\n";
    let text: String = (0..430).map(row).collect();
    let articles = |split| -> Vec<String> {
        let rows = load("xsum", split, "xsum/articles_926.jsonl", &text).unwrap();
        rows.iter().map(|row| row.text("article").unwrap()).collect()
    };
    let [train, validation, test] = [Split::Train, Split::Validation, Split::Test].map(articles);
    assert_eq!((train.len(), train[0].as_str()), (326, "article 0"));
    assert_eq!((validation.len(), validation[0].as_str()), (100, "article 326"));
    assert_eq!((test.len(), test[0].as_str()), (4, "article 426"));
}

#[test]
fn a_row_that_the_task_cannot_use_is_named_with_file_and_line() {
    let good = r#"{"premise": "p", "hypothesis": "h", "label": "entailment"}"#;
    for (bad, expected) in [
        (
            r#"{"premise": "p", "label": "entailment"}"#,
            "rte/train.jsonl, line 3: row: expected a field `hypothesis`, found only the fields: premise, label",
        ),
        (
            r#"{"premise": "p", "hypothesis": "h", "label": "neutral"}"#,
            "rte/train.jsonl, line 3: label of task rte: expected one of entailment, not_entailment, found `neutral`",
        ),
        (
            r#"{"premise": ["p"], "hypothesis": "h", "label": "entailment"}"#,
            "rte/train.jsonl, line 3: field `premise`: expected text, found a list",
        ),
    ] {
        let error =
            load("rte", Split::Train, "rte/train.jsonl", &format!("{good}\n\n{bad}\n{good}\n")).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    let error = load("wic", Split::Train, "wic/train.tsv", "word\tsentence1\tsentence2\tlabel\nx\ty\tz\t2\n");
    assert_eq!(
        error.unwrap_err().to_string(),
        "wic/train.tsv, line 2: field `label`: expected one of 0 (false), 1 (true), found 2"
    );
    let error = load("wic", Split::Train, "wic/train.tsv", "word\tsentence1\tlabel\nx\ty\t1\n").unwrap_err();
    assert!(error.to_string().contains("line 2: row: expected a field `sentence2`"), "{error}");
}

#[test]
fn missing_files_and_tasks_without_files_are_errors() {
    let error = load("wmt_enro", Split::Test, "wmt/en-ro/newsdev2016.en", "a\n").unwrap_err().to_string();
    let expected = "task wmt_enro: expected a file wmt/en-ro/newsdev2016.ro in the data folder, found none";
    assert_eq!(error, expected);
    let error = load("text2text", Split::Test, "x", "").unwrap_err().to_string();
    let expected =
        "task text2text: expected a task with files of its own, found a task whose rows the user names";
    assert_eq!(error, expected);
}

#[test]
fn a_file_of_another_ending_says_how_it_is_written() {
    let text = "name = 'x'\nlike = 'text2text'\nsource.files.test = [{ path = 'rows.txt', format = 'csv' }]";
    let task = Task::from_toml(text, "x.toml", built_in()).unwrap();
    let rows =
        task.rows_from_files(Split::Test, &folder("rows.txt", "input,target\na,b\n")).unwrap().examples;
    assert_eq!(task.render(&rows[0]).unwrap().input, "a");
}

#[test]
fn a_users_file_needs_the_tasks_fields() {
    let task = task("text2text");
    let rows = task.rows_from_bytes("mine.csv", b"input,target\n\"a, b\",c\n").unwrap().examples;
    assert_eq!(task.render(&rows[0]).unwrap().input, "a, b");
    let error = task.rows_from_bytes("mine.jsonl", b"{\"input\": \"x\"}").unwrap_err().to_string();
    assert_eq!(error, "mine.jsonl, line 1: row: expected a field `target`, found only the fields: input");
}

/// SNLI and its like mark rows on whose label annotators did not agree.
#[test]
fn rows_without_a_gold_label_are_left_out_and_counted() {
    let snli = task("snli");
    let row = |label: &str| format!("{{\"premise\": \"a\", \"hypothesis\": \"b\", \"label\": {label}}}\n");
    let text = ["\"neutral\"", "\"-\"", "-1", "null", "\"\"", "\"entailment\""].map(row).concat();
    let rows = snli.rows_from_bytes("rows.jsonl", text.as_bytes()).unwrap();
    assert_eq!((rows.examples.len(), rows.unlabelled), (2, 4));
    let error = snli.rows_from_bytes("rows.jsonl", row("\"maybe\"").as_bytes()).unwrap_err().to_string();
    assert!(error.starts_with("rows.jsonl, line 1: label of task snli"), "{error}");
    let table = "premise\thypothesis\tlabel\na\tb\t2\nc\td\t-1\n";
    let rows = snli.rows_from_files(Split::Train, &folder("snli/validation.tsv", table)).unwrap();
    assert_eq!((rows.examples.len(), rows.unlabelled), (1, 1));
    // A free text may well be a dash.
    let rows = task("text2text").rows_from_bytes("rows.csv", b"input,target\na,-\n").unwrap();
    assert_eq!((rows.examples.len(), rows.unlabelled), (1, 0));
}

/// The hub numbers classes, other exports name them.
#[test]
fn a_class_is_a_number_or_a_name() {
    let row = |label: &str| format!("{{\"premise\": \"p\", \"hypothesis\": \"h\", \"label\": {label}}}\n");
    let text = ["0", "\"1\"", "\"entailment\"", "-1", "null"].map(row).concat();
    let found = task("rte").rows_from_files(Split::Train, &folder("rte/train.jsonl", &text)).unwrap();
    let labels: Vec<_> = found.examples.iter().map(|row| row.text("label").unwrap()).collect();
    assert_eq!(
        (labels, found.unlabelled),
        (["entailment", "not_entailment", "entailment"].map(String::from).into(), 2)
    );
    let error = load("rte", Split::Train, "rte/train.jsonl", &row("2")).unwrap_err().to_string();
    let expected =
        "rte/train.jsonl, line 1: field `label`: expected one of 0 (entailment), 1 (not_entailment), found 2";
    assert_eq!(error, expected);
}

/// The names of a task's own fields count before those of its files.
#[test]
fn a_users_rows_stay_as_they_are_where_they_fit() {
    let rows = br#"{"question": "Who?", "answers": ["Bo", "Al"], "answer": "Al"}"#;
    let found = task("web_questions").rows_from_bytes("rows.jsonl", rows).unwrap().examples;
    assert_eq!(found[0].text("answer").unwrap(), "Al");
    let rows = br#"{"qText": "Who?", "answers": ["Bo", "Al"]}"#;
    let found = task("web_questions").rows_from_bytes("rows.jsonl", rows).unwrap().examples;
    assert_eq!(
        (found[0].text("question").unwrap(), found[0].text("answer").unwrap()),
        ("Who?".into(), "Bo".into())
    );
}

#[test]
fn a_split_beyond_the_files_end_is_an_error() {
    let table = "premise\thypothesis\tlabel\na\tb\t2\n";
    let error = load("snli", Split::Test, "snli/validation.tsv", table).unwrap_err().to_string();
    let expected = "snli/validation.tsv: expected more than the 8000 rows that belong to other splits of task snli, \
                    found 1";
    assert_eq!(error, expected);
}

/// The blocks of docs/tasks.md in a language.
fn documented(language: &str) -> String {
    let page = include_str!("../../../docs/tasks.md");
    let (_, rest) = page.split_once(&format!("```{language}\n")).unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

#[test]
fn the_documented_task_does_what_its_page_says() {
    let task = Task::from_toml(&documented("toml"), "reviews.toml", built_in()).unwrap();
    let csv = documented("csv");
    let rows = task.rows_from_files(Split::Validation, &folder("reviews.csv", &csv)).unwrap().examples;
    let rendered = task.render(&rows[1]).unwrap();
    let page = include_str!("../../../docs/tasks.md");
    assert!(
        page.contains(&format!("`{}`", rendered.input)) && page.contains(&format!("`{}`", rendered.target))
    );
    let score =
        |answer: &str| task.score(&[answer.to_owned()], std::slice::from_ref(&rendered.references)).score;
    assert_eq!((score("Good"), score("Bad")), (100.0, 0.0));
}

#[test]
fn the_page_names_every_field_of_a_task() {
    let page = include_str!("../../../docs/tasks.md");
    let table = toml::Table::try_from(task("triviaqa")).unwrap();
    for field in table.keys().map(String::as_str).chain(["like", "choices"]) {
        assert!(page.contains(&format!("| `{field}` |")), "{field}");
    }
}
