//! Which files of a folder are a split, by their names: one file, or several that the hub numbers.

use super::{FileFormat, Split};

/// A file of a split.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shard {
    pub path: String,
    /// Its number from 0, and how many there should be, where its name says so.
    pub number: Option<(usize, usize)>,
}

/// The files of a split in a folder (`""` for the one that all paths are below), in their order: `train.jsonl`,
/// `train-00000-of-00002.parquet` and the one behind it, or what is in a folder `train`. Where a split is there in several
/// formats, the first of JSON lines, JSON, CSV, TSV and Parquet is meant.
pub fn split_files(paths: &[String], folder: &str, split: Split) -> Vec<Shard> {
    let mut found: Vec<(FileFormat, Shard)> = paths
        .iter()
        .filter_map(|path| {
            let (format, number) = shard(below(folder, path)?, split)?;
            Some((format, Shard { path: path.clone(), number }))
        })
        .collect();
    let rank = |format: FileFormat| FORMATS.iter().position(|known| *known == format);
    let Some(first) = found.iter().map(|(format, _)| rank(*format)).min() else { return Vec::new() };
    found.retain(|(format, _)| rank(*format) == first);
    found.sort_by(|(_, one), (_, other)| (one.number, &one.path).cmp(&(other.number, &other.path)));
    found.into_iter().map(|(_, shard)| shard).collect()
}

fn below<'a>(folder: &str, path: &'a str) -> Option<&'a str> {
    if folder.is_empty() { Some(path) } else { path.strip_prefix(folder)?.strip_prefix('/') }
}

const FORMATS: [FileFormat; 5] =
    [FileFormat::Jsonl, FileFormat::Json, FileFormat::Csv, FileFormat::Tsv, FileFormat::Parquet];

/// Names that data sets give to a split.
fn names(split: Split) -> &'static [&'static str] {
    match split {
        Split::Train => &["train"],
        Split::Validation => &["validation", "valid", "val", "dev"],
        Split::Test => &["test"],
    }
}

fn shard(path: &str, split: Split) -> Option<(FileFormat, Option<(usize, usize)>)> {
    let format = FileFormat::of(path).ok()?;
    let path = path.to_ascii_lowercase();
    let unpacked = path.strip_suffix(".gz").unwrap_or(&path);
    let (stem, _) = unpacked.rsplit_once('.')?;
    let number = names(split).iter().find_map(|name| {
        let rest = stem.strip_prefix(name)?;
        match (rest.is_empty(), rest.strip_prefix('-'), rest.strip_prefix('/')) {
            (true, _, _) => Some(None),
            (_, Some(rest), _) => of(rest).map(Some),
            (_, _, Some(rest)) => rest.parse().is_ok_and(|_: usize| true).then_some(None),
            _ => None,
        }
    })?;
    Some((format, number))
}

/// `00000-of-00002`, perhaps with a hash behind it.
fn of(text: &str) -> Option<(usize, usize)> {
    let mut parts = text.split('-');
    let (number, _, count) =
        (parts.next()?.parse().ok()?, parts.next().filter(|of| *of == "of")?, parts.next()?);
    Some((number, count.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(paths: &[&str], folder: &str, split: Split) -> Vec<String> {
        let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
        split_files(&paths, folder, split).into_iter().map(|shard| shard.path).collect()
    }

    #[test]
    fn a_split_is_one_file_or_several_in_their_order() {
        let hub = [
            "rte/validation-00000-of-00001-0a1b2c.parquet",
            "rte/train-00010-of-00012.parquet",
            "rte/train-00002-of-00012.parquet",
            "rte/train-00000-of-00012.parquet.md",
            "rte/training.parquet",
            "rte/train-few.parquet",
            "cb/train-00000-of-00001.parquet",
        ];
        let train = ["rte/train-00002-of-00012.parquet", "rte/train-00010-of-00012.parquet"];
        assert_eq!(found(&hub, "rte", Split::Train), train);
        assert_eq!(found(&hub, "rte", Split::Validation), [hub[0]]);
        assert_eq!(found(&hub, "rte", Split::Test), [""; 0]);
        assert_eq!(found(&hub, "", Split::Train), [""; 0]);
        let converted =
            ["default/train/0001.parquet", "default/train/0000.parquet", "default/train/readme.csv"];
        assert_eq!(found(&converted, "default", Split::Train), [converted[1], converted[0]]);
    }

    #[test]
    fn of_several_formats_one_is_meant_and_splits_have_several_names() {
        let files = ["train.parquet", "Train.CSV", "train.jsonl.gz", "dev.tsv.gz", "test.csv"];
        assert_eq!(found(&files, "", Split::Train), ["train.jsonl.gz"]);
        assert_eq!(found(&files, "", Split::Validation), ["dev.tsv.gz"]);
        assert_eq!(found(&files[..2], "", Split::Train), ["Train.CSV"]);
    }
}
