//! `promot inspect`: what training left in the weights and in a soft prompt.

use promot_core::inspect::{Moved, Part, PromptVector, moved, nearest};
use serde::Serialize;

use crate::args::InspectArgs;
use crate::{device, loaded, output, table};

#[derive(Serialize)]
struct Inspected {
    moved: Option<Vec<Moved>>,
    prompt: Option<Vec<PromptVector>>,
    /// Mean length of the model's input embeddings.
    embedding_norm: Option<f64>,
}

pub fn run(args: &InspectArgs) -> anyhow::Result<()> {
    let device = device::open(&args.device)?;
    let loaded = loaded::model_with_prompt(&args.model, &device)?;
    let mut found = Inspected { moved: None, prompt: None, embedding_norm: None };
    if let Some(before) = &args.before {
        let before = loaded::model(before, &device)?;
        found.moved = Some(pollster::block_on(moved(&before.model, &loaded.model))?);
    }
    if let Some(prompt) = &loaded.model.prompt {
        let near = nearest(prompt, &loaded.model, &loaded.tokenizer, args.nearest);
        let (vectors, mean) = pollster::block_on(near)?;
        (found.prompt, found.embedding_norm) = (Some(vectors), Some(mean));
    }
    show(&found);
    args.json.as_ref().map_or(Ok(()), |path| output::json(path, &found))
}

fn show(found: &Inspected) {
    if let Some(moved) = &found.moved {
        let parts: Vec<(&str, Part)> =
            Part::ALL.into_iter().filter(|(_, part)| moved.iter().any(|row| row.part == *part)).collect();
        let mut places: Vec<_> = moved.iter().map(|row| (row.stack, row.layer)).collect();
        places.dedup();
        let cell = |place, part| {
            let row = moved.iter().find(|row| (row.stack, row.layer) == place && row.part == part);
            row.map_or("-".to_owned(), |row| format!("{:.2}", 100.0 * row.relative()))
        };
        let name = |place| {
            moved.iter().find(|row| (row.stack, row.layer) == place).map_or(String::new(), Moved::place)
        };
        let rows = places.into_iter().map(|place| {
            std::iter::once(name(place)).chain(parts.iter().map(|(_, part)| cell(place, *part))).collect()
        });
        let header: Vec<&str> =
            std::iter::once("change in %").chain(parts.iter().map(|(name, _)| *name)).collect();
        eprintln!("{}", table::plain(&header, rows));
        eprintln!("Euclidean norm of the difference over that of the weights before");
    }
    if let (Some(vectors), Some(mean)) = (&found.prompt, found.embedding_norm) {
        let rows = vectors.iter().enumerate().map(|(index, vector)| {
            let near = vector.near.iter().map(|near| format!("{} {:.2}", near.token, near.cosine));
            vec![index.to_string(), format!("{:.2}", vector.norm), near.collect::<Vec<_>>().join("  ")]
        });
        eprintln!("{}", table::plain(&["vector", "length", "nearest tokens, with their cosine"], rows));
        eprintln!("the model's own embeddings have a mean length of {mean:.2}");
    }
}
