//! `promot tokenize`: the ids that the model's own tokenizer gives, its post-processor included.

use std::path::Path;

use crate::args::TokenizeArgs;
use crate::files::model_folder;
use crate::output::{self, Lines};

pub fn run(args: &TokenizeArgs) -> anyhow::Result<()> {
    let tokenizer = model_folder::read_tokenizer(&args.model)?;
    let mut lines = Lines::new(Path::new("-"));
    for text in output::read_lines(&args.file)? {
        lines.push(&tokenizer.encode(&text)?)?;
    }
    lines.finish()
}
