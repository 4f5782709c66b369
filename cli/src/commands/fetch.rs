//! `promot fetch`: a model of the hub into the cache that Python's tools share.

use std::path::Path;

use crate::args::FetchArgs;
use crate::fail::usage;
use crate::files::hub::{Hub, HubId};
use crate::output;

pub fn run(args: &FetchArgs) -> anyhow::Result<()> {
    let known = HubId::parse(&args.model);
    let Some(id) = known else {
        return Err(usage(format!("expected organisation/name, found {}", args.model)));
    };
    let folder = Hub::from_env()?.fetch(&id, &mut |said| eprintln!("{said}"))?;
    output::text_to(Path::new("-"), &format!("{}\n", folder.display()))
}
