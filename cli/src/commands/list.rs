//! `promot list`: the library's own lists, so that help never falls behind the code.

use clap::ValueEnum as _;
use promot_core::spec::PRESETS;
use promot_core::task::{Source, TASKS};
use promot_core::train::RECIPES;

use super::doctor;
use crate::args::{DeviceName, ListArgs, Listable};
use crate::output;
use crate::table;

pub fn run(args: &ListArgs) -> anyhow::Result<()> {
    let text = match args.what {
        Listable::Tasks => tasks(),
        Listable::Methods => methods(),
        Listable::Presets => presets(),
        Listable::Devices => devices(),
    };
    output::text_to("-".as_ref(), &(text + "\n"))
}

fn tasks() -> String {
    let source = |source: Source| match source {
        Source::World => "mini world",
        Source::Files { .. } => "files (--data)",
        Source::User => "your rows (--data)",
    };
    let rows = TASKS.iter().map(|task| {
        let cells = [task.name, task.summary, task.metric.name(), source(task.source)];
        cells.map(str::to_owned).to_vec()
    });
    table::plain(&["task", "what it is", "metric", "rows from"], rows)
}

fn presets() -> String {
    let rows = PRESETS.iter().map(|preset| vec![preset.name.to_owned(), preset.summary.to_owned()]);
    table::plain(&["preset", "what it is"], rows)
}

fn methods() -> String {
    let rows = RECIPES.iter().map(|recipe| vec![recipe.name.to_owned(), recipe.summary.to_owned()]);
    table::plain(&["method", "what it is"], rows)
}

fn devices() -> String {
    let rows = DeviceName::value_variants().iter().map(|device| {
        let name = device.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned());
        vec![name, doctor::probed(*device)]
    });
    table::plain(&["--device", "here"], rows)
}
