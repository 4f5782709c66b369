//! Small made-up trees with one breach each: the rules must find it, and nothing in trees that are in order.

use super::rules::{self, Breach, Tests};
use super::tree::Tree;

const LIB: &str = "//! x\npub mod error;\n\npub mod task;\n#[cfg(feature = \"models\")]\npub mod model;\nmod method;\n\
                   mod train;\npub use error::Error;\n";

/// One file of `core` beside its lib.rs.
fn core(file: &str, text: &str) -> Tree {
    Tree::of(&[("core/src/lib.rs", LIB), (&format!("core/src/{file}"), text)])
}

fn shown(breaches: &[Breach]) -> Vec<String> {
    breaches.iter().map(Breach::to_string).collect()
}

#[test]
fn the_order_is_read_from_lib_rs() {
    let modules = rules::module_list(&core("task.rs", ""), "core");
    assert_eq!(modules, ["error", "task", "model", "method", "train"]);
}

#[test]
fn imports_from_below_are_found_however_they_are_written() {
    let broken = [
        "use crate::train::Stage;",
        "use crate::{error::Error, train};",
        "use crate::{\n    error::{Error, Result},\n    train::{self as loops},\n};",
        "fn f() { crate::train::run() }",
        "fn f(x: Vec<crate::train::Stage>) {}",
        "fn f() { println!(\"{}\", crate::train::run()) }",
        "use super::train;",
        "pub(crate) use crate::train::Stage as Part;",
        "#[cfg(test)]\nmod tests { use crate::train::Stage; }",
        "fn f<'a>() -> impl Iterator + use<'a> { g() }\nuse crate::train::Stage;",
    ];
    for text in broken {
        let found = rules::order(&core("model/mod.rs", text), "core");
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert!(found[0].is_import("core/src/model/mod.rs", "train"), "{text}: {found:?}");
    }
}

#[test]
fn imports_from_above_comments_and_text_are_no_breach() {
    let fine = [
        "use crate::error::Error;\nuse super::task::Task;",
        "// use crate::train::Stage;\n/* use crate::train; */",
        "const A: &str = \"use crate::train;\";\nconst B: &str = r#\"crate::train::x \" y\"#;",
        "const Q: char = '\"'; // crate::train\nfn f<'a>(x: &'a str) {}",
        "use self::train::X;",
        "#[cfg(test)]\nmod tests { use super::train; }",
    ];
    for text in fine {
        let found = rules::order(&core("model/mod.rs", text), "core");
        assert!(found.is_empty(), "{text}: {found:?}");
    }
}

#[test]
fn an_upward_import_in_core_is_named_by_file_and_line() {
    let tree = core("task/list.rs", "//! Tasks.\n\nuse crate::model::Model;\n");
    assert_eq!(shown(&rules::order(&tree, "core")), ["core/src/task/list.rs:3: crate::model::Model"]);
    assert_eq!(rules::imports(&tree, "core", &["task"], &["model"]).len(), 1);
    assert_eq!(rules::imports(&tree, "core", &["model"], &["model"]).len(), 0);
}

#[test]
fn the_outside_world_is_found_however_it_is_written() {
    let rule = |text: &str| {
        let tree = core("model.rs", text);
        let file = tree.files.iter().find(|file| file.path.ends_with("model.rs")).unwrap();
        rules::foreign(&tree, file, &["std::fs", "std::time::Instant"], Tests::Free)
    };
    let broken = [
        "use std::{fmt, fs};",
        "fn f() { std::fs::read(\"x\"); }",
        "fn f() { format!(\"{:?}\", std::fs::read(\"x\")); }",
        "use std::time::{Duration, Instant};",
        "use std::time;\nfn f() { time::Instant::now(); }",
        "use std::time as clock;\nfn f() { clock::Instant::now(); }",
    ];
    for text in broken {
        assert_eq!(rule(text).len(), 1, "{text}");
    }
    let fine = [
        "use std::time::Duration;",
        "use std::fmt;",
        "mod fs {}",
        "use crate::model::fs;\nfn f() { fs::read() }",
        "#[cfg(test)]\nmod tests { use std::fs; }",
    ];
    for text in fine {
        assert!(rule(text).is_empty(), "{text}: {:?}", rule(text));
    }
}

#[test]
fn macros_and_calls_are_found_by_their_whole_name() {
    let macros = |text: &str| {
        let tree = core("model.rs", text);
        tree.files.iter().flat_map(|file| rules::macros(file, &["println"])).collect::<Vec<_>>()
    };
    assert_eq!(shown(&macros("fn f() { println!(\"x\") }")), ["core/src/model.rs:1: println!"]);
    assert_eq!(macros("fn f() { view! { println!(\"x\") } }").len(), 1);
    assert!(macros("// println!()\nfn println() {}").is_empty());

    let calls = |body: &str| {
        let tree = core("model.rs", &format!("fn f() {{ {body} }}"));
        tree.files.iter().flat_map(|file| rules::calls(file, &["into_data"])).collect::<Vec<_>>()
    };
    for body in [
        "let x = y.into_data();",
        "let x = Tensor::into_data(y);",
        "y.into_data::<f32>();",
        "assert!(y.into_data() == z)",
    ] {
        assert_eq!(shown(&calls(body)), ["core/src/model.rs:1: into_data()"], "{body}");
    }
    for body in ["y.into_data_async().await", "// y.into_data()\n", "let into_data = 1;"] {
        assert!(calls(body).is_empty(), "{body}");
    }
}

#[test]
fn methods_that_lean_on_each_other_are_found() {
    let check = |text: &str| rules::method_independence(&core("method/prompt_tuning.rs", text), "core");
    let broken = [
        "use super::lora::Lora;",
        "use crate::method::lora::Lora;",
        "use crate::train::stage::Stage;",
        "fn f() { super::lora::attach() }",
    ];
    for text in broken {
        assert_eq!(check(text).len(), 1, "{text}");
    }
    for text in ["use super::{Method, Trainable};", "use crate::method::Method;", "use crate::model::Model;"]
    {
        assert!(check(text).is_empty(), "{text}");
    }
}

/// A page whose app starts the export, and whose export sends through the app.
const CIRCLE: [(&str, &str); 4] = [
    ("app/src/lib.rs", "mod page;\n"),
    ("app/src/page/mod.rs", "mod app;\nmod export;\n\npub use app::App;\n"),
    (
        "app/src/page/app.rs",
        "use super::export;\n\npub struct App;\n\npub fn start() {\n    export::begin();\n}\n",
    ),
    ("app/src/page/export.rs", "//! Saving.\n\nuse super::App;\n\npub fn begin(app: &App) {}\n"),
];

#[test]
fn a_circle_in_the_app_is_named_by_files_and_lines() {
    let found = rules::circles(&Tree::of(&CIRCLE), "app", &[]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].files, ["app/src/page/app.rs", "app/src/page/export.rs"]);
    // The import of `App` through the parent leads to the file that defines it.
    assert_eq!(
        shown(&found[0].imports),
        [
            "app/src/page/app.rs:1: crate::page::export (app/src/page/export.rs)",
            "app/src/page/app.rs:6: crate::page::export::begin (app/src/page/export.rs)",
            "app/src/page/export.rs:3: crate::page::App (app/src/page/app.rs)",
        ]
    );
}

#[test]
fn parents_that_hand_names_on_and_tests_make_no_circle() {
    let parent = "mod stage;\nmod step;\npub use step::*;\npub use stage::Stage;\n";
    let fine = [
        // A child that takes its sibling's name from the parent.
        (parent, "use super::Step;\npub struct Stage(Step);", "pub struct Step;"),
        // A child that takes the parent's own.
        (
            "mod stage;\nmod step;\npub struct Own;\npub use stage::Stage;",
            "use super::Own;\npub struct Stage;",
            "",
        ),
        (
            parent,
            "use super::Step;\npub struct Stage;",
            "pub struct Step;\n#[cfg(test)]\nmod tests { use super::super::Stage; }",
        ),
    ];
    for (parent, stage, step) in fine {
        let tree = Tree::of(&[
            ("core/src/lib.rs", "mod train;"),
            ("core/src/train/mod.rs", parent),
            ("core/src/train/stage.rs", stage),
            ("core/src/train/step.rs", step),
        ]);
        let found = rules::circles(&tree, "core", &[]);
        assert!(found.is_empty(), "{stage}: {found:?}");
    }
    let calling = Tree::of(&[
        ("core/src/lib.rs", "mod train;"),
        ("core/src/train/mod.rs", "mod stage;\npub struct Own;\nfn f() { stage::run(Own) }"),
        ("core/src/train/stage.rs", "use super::Own;\npub fn run(_: Own) {}"),
    ]);
    let found = rules::circles(&calling, "core", &[]);
    assert_eq!(found[0].files.len(), 2, "a parent that calls its child needs it");
    assert!(rules::circles(&calling, "core", &["core/src/train/mod.rs"]).is_empty(), "but may be excepted");
}

#[test]
fn a_decision_by_text_is_named_by_file_and_line() {
    let found = |text: &str| rules::text_tests(&Tree::of(&[("app/src/advice.rs", text)]));
    let text = "fn f(text: &str) {\n    if text.contains(\"out of memory\") {\n        stop();\n    }\n}\n";
    assert_eq!(shown(&found(text)), ["app/src/advice.rs:2: .contains(\"out of memory\")"]);
    let broken = [
        "fn f(x: &str) -> bool { x == \"stage 2\" }",
        "fn f(x: &str) -> bool { \"stage 2\" != x }",
        "fn f(x: &str) -> bool { x.ends_with(\"-mini\") }",
        "const LOST: &str = \"lost\";\nfn f(x: &str) -> bool { x.contains(LOST) }",
        "fn f(x: &str) -> bool { matches!(x, \"ab\" | \"b\") }",
        "fn f(x: &[&str]) -> bool { x.iter().any(|x| x.starts_with(\"stage\")) }",
        "fn f(x: &str) { view! { <p class:on=move || x == \"promot\" /> } }",
        "fn f(x: &str) { view! { {x.contains(\"promot\")} } }",
        "fn f(x: Option<&str>) { if let Some(x) = x.and_then(|x| x.strip_prefix(\"stage \")) {} }",
    ];
    for text in broken {
        assert_eq!(found(text).len(), 1, "{text}: {:?}", found(text));
    }
    let fine = [
        "fn f(x: &str) -> bool { x.contains('a') || x == \"-\" || x.starts_with(\"\\r\\n\") }",
        "fn f(x: &[Id]) -> bool { x.contains(&Id::New) }",
        "fn f(x: &str) -> Option<Id> { match x { \"cpu\" => Some(Id::Cpu), _ => None } }",
        "#[test]\nfn f() { assert!(text().contains(\"expected one\")); }",
        "#[cfg(test)]\nmod tests { fn f(x: &str) -> bool { x == \"stage 2\" } }",
    ];
    for text in fine {
        assert!(found(text).is_empty(), "{text}: {:?}", found(text));
    }
}

#[test]
fn test_code_is_told_apart() {
    let tree = Tree::of(&[
        ("core/src/lib.rs", "#[cfg(test)]\nmod sample;\n#[cfg(not(test))]\nmod real;\nmod model;"),
        ("core/src/sample.rs", "fn f(x: &str) -> bool { x == \"sample\" }"),
        ("core/src/real.rs", "fn f(x: &str) -> bool { x == \"real\" }"),
        ("core/src/model/tests.rs", "fn f(x: &str) -> bool { x == \"tests\" }"),
        (
            "core/src/model/mod.rs",
            "mod tests;\n#[cfg(all(test, unix))]\nfn f(x: &str) -> bool { x == \"unix\" }",
        ),
    ]);
    assert_eq!(shown(&rules::text_tests(&tree)), ["core/src/real.rs:1: == \"real\""]);
}

#[test]
fn attributes_are_found_by_name() {
    let tree = core("task.rs", "#[test]\n#[ignore = \"slow\"]\nfn f() {}\n// #[ignore]\n");
    let found: Vec<Breach> =
        tree.files.iter().flat_map(|file| rules::attributes(file, &["ignore"])).collect();
    assert_eq!(shown(&found), ["core/src/task.rs:2: #[ignore]"]);
}
