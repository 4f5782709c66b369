//! `promot pretrain`: makes a bundled model again, from nothing, on the synthetic corpus.

use std::path::Path;

use promot_core::Error;
use promot_core::model::folder;
use promot_core::model::tensors::Precision;
use promot_world::{PretrainSpec, pretrain};

use crate::args::PretrainArgs;
use crate::experiment::default_folder;
use crate::files::atomic;
use crate::files::run_folder::{RunFolder, loss_curve};
use crate::watch::Watch;
use crate::{device, interrupt, output};

pub fn run(args: &PretrainArgs) -> anyhow::Result<()> {
    let spec = spec(&args.spec)?;
    let device = device::open(&args.device)?;
    let work = args.work.clone().unwrap_or_else(|| default_folder(&format!("pretrain-{}", spec.name)));
    let folder = RunFolder::work(&work, args.resume)?;
    interrupt::listen()?;
    let mut watch = Watch::new(&folder);
    watch.say(&format!(
        "pretraining {} on {}; checkpoints in {}",
        spec.name,
        device.info.name,
        work.display()
    ));
    let result = pollster::block_on(pretrain(&spec, &device, &mut watch));
    watch.finish();
    let (loaded, records) = result.map_err(|error| stopped(error, args, &work))?;
    // File by file: the folder may hold things that are not ours, such as a model card.
    for (name, bytes) in pollster::block_on(folder::save(&loaded, Precision::F16))? {
        atomic::write(&args.out.join(name), &bytes)?;
    }
    atomic::write(&work.join("curves.csv"), loss_curve(&records).as_bytes())?;
    eprintln!("model with {} parameters: {}", loaded.info.parameters, args.out.display());
    Ok(())
}

fn spec(path: &Path) -> anyhow::Result<PretrainSpec> {
    let text = output::read_text(path)?;
    let spec: Result<PretrainSpec, _> = toml::from_str(&text);
    Ok(spec.map_err(|error| Error::format(path.display(), error))?)
}

fn stopped(error: Error, args: &PretrainArgs, work: &Path) -> anyhow::Error {
    match error {
        Error::Stopped { step } => anyhow::anyhow!(
            "stopped at step {step}, and saved in {work}\n\
             go on with: promot pretrain --resume --spec {} --out {} --work {work}",
            args.spec.display(),
            args.out.display(),
            work = work.display(),
        ),
        other => other.into(),
    }
}
