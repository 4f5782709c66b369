//! `promot list`: the library's own lists, so that help never falls behind the code.

use clap::ValueEnum as _;
use promot_core::method::METHODS;
use promot_core::spec;
use promot_core::task::DataSource;

use super::{doctor, example};
use crate::args::{DeviceName, ListArgs, Listable};
use crate::bundled;
use crate::catalog;
use crate::output;
use crate::table;

pub fn run(args: &ListArgs) -> anyhow::Result<()> {
    let text = match args.what {
        Listable::Tasks if args.show.is_some() => example::text(args)?,
        Listable::Tasks => tasks(),
        Listable::Methods => methods(),
        Listable::Models => models(),
        Listable::Presets => presets(),
        Listable::Devices => devices(),
    };
    output::text_to("-".as_ref(), &(text + "\n"))
}

fn tasks() -> String {
    let source = |source: &DataSource| match source {
        DataSource::Generated(_) => "synthetic corpus",
        DataSource::Files(_) => "files (--data)",
        DataSource::Given => "your rows (--data)",
    };
    let rows = catalog::tasks().iter().map(|task| {
        let cells = [task.name.as_str(), &task.summary, task.metric.name(), source(&task.source)];
        cells.map(str::to_owned).to_vec()
    });
    table::plain(&["task", "what it is", "metric", "rows from"], rows)
}

fn models() -> String {
    let rows =
        bundled::models().map(|model| vec![model.name.to_owned(), model.summary.to_owned(), model.size()]);
    table::plain(&["--model", "what it is", "size"], rows)
}

fn presets() -> String {
    let rows =
        catalog::presets().iter().map(|preset| vec![preset.name.to_owned(), preset.summary.to_owned()]);
    table::plain(&["preset", "what it is"], rows)
}

/// All that `--method` and a spec's `methods` can name, then the settings of each method.
fn methods() -> String {
    let rows = spec::list().into_iter().map(|entry| {
        let shots = if entry.shots == 0 { String::new() } else { format!(", {}-shot", entry.shots) };
        vec![entry.name.to_owned(), format!("{}{shots}", entry.stages.join(", ")), entry.summary.to_owned()]
    });
    let methods = table::plain(&["method", "stages", "what it is"], rows);
    let settings = METHODS.iter().flat_map(|info| {
        info.params.iter().map(|param| {
            let path = format!("stage.{}.{}", info.name, param.name);
            vec![path, param.default().to_string(), param.range(), param.help.to_owned()]
        })
    });
    let settings = table::plain(&["setting (--set)", "default", "range", "what it does"], settings);
    format!("{methods}\n\n{settings}")
}

fn devices() -> String {
    let rows = DeviceName::value_variants().iter().map(|device| {
        let name = device.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned());
        vec![name, doctor::probed(*device)]
    });
    table::plain(&["--device", "here"], rows)
}
