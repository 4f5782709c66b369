//! Event files, which TensorBoard shows while a run goes on.
//!
//! A few lines of our own: crates that write them carry all of TensorFlow's messages and have had no release for years. A
//! file is a list of records, each its length and its bytes with a checksum (CRC-32C) behind both; a record is an `Event`
//! of `tensorflow/core/util/event.proto` in protocol buffers' encoding.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::atomic;

/// The numbers of one stage. Unlike all else on disk it grows in place: a reader stops at a record that is not whole.
pub struct EventFile<W> {
    file: W,
}

impl EventFile<File> {
    /// A new file in `folder`, for what comes after `step`: what an earlier file of the folder has beyond it does not count,
    /// since a resumed stage does those steps again.
    pub fn create(folder: &Path, step: usize) -> anyhow::Result<Self> {
        atomic::create_dir(folder)?;
        // TensorBoard reads files in the order of their names, and knows them by this beginning.
        let name = |part: usize| {
            format!("events.out.tfevents.{:010}.promot.{}.{part}", now() as u64, std::process::id())
        };
        let free = (0..).map(|part| folder.join(name(part))).find(|path| !path.exists());
        let path = free.expect("a number that is free");
        let mut events = Self { file: File::create_new(path)? };
        events.begin(now(), step + 1)?;
        Ok(events)
    }

    pub fn scalar(&mut self, step: usize, tag: &str, value: f64) -> io::Result<()> {
        self.value(now(), step, tag, value)
    }
}

impl<W: Write> EventFile<W> {
    fn begin(&mut self, time: f64, step: usize) -> io::Result<()> {
        self.event(time, 0, &bytes(3, b"brain.Event:2"))?;
        // A session's start: events of this step and later ones that stand before it do not count.
        self.event(time, step, &bytes(7, &number(1, 1)))
    }

    fn value(&mut self, time: f64, step: usize, tag: &str, value: f64) -> io::Result<()> {
        let mut scalar = bytes(1, tag.as_bytes());
        scalar.push(key(2, FOUR_BYTES));
        scalar.extend((value as f32).to_le_bytes());
        self.event(time, step, &bytes(5, &bytes(1, &scalar)))
    }

    fn event(&mut self, time: f64, step: usize, what: &[u8]) -> io::Result<()> {
        let mut event = vec![key(1, EIGHT_BYTES)];
        event.extend(time.to_le_bytes());
        if step > 0 {
            event.extend(number(2, step as u64));
        }
        event.extend(what);
        let length = (event.len() as u64).to_le_bytes();
        let parts = [&length[..], &checksum(&length), &event, &checksum(&event)];
        self.file.write_all(&parts.concat())
    }
}

/// Seconds since 1970.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}

/// As in a file of records: rotated, with a constant added.
fn checksum(bytes: &[u8]) -> [u8; 4] {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}

// Kinds of fields.
const VARINT: u8 = 0;
const EIGHT_BYTES: u8 = 1;
const LENGTH_AND_BYTES: u8 = 2;
const FOUR_BYTES: u8 = 5;

fn key(field: u8, kind: u8) -> u8 {
    field << 3 | kind
}

fn number(field: u8, value: u64) -> Vec<u8> {
    let mut all = vec![key(field, VARINT)];
    varint(value, &mut all);
    all
}

fn bytes(field: u8, content: &[u8]) -> Vec<u8> {
    let mut all = vec![key(field, LENGTH_AND_BYTES)];
    varint(content.len() as u64, &mut all);
    all.extend(content);
    all
}

/// Seven bits a byte, the lowest first.
fn varint(mut value: u64, all: &mut Vec<u8>) {
    while value > 0x7f {
        all.push(value as u8 | 0x80);
        value >>= 7;
    }
    all.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_the_bytes_that_tensorboard_writes() {
        let mut events = EventFile { file: Vec::new() };
        let time = 1_764_547_200.25;
        events.begin(time, 300).unwrap();
        events.value(time, 0, "held_out/cb", 0.0).unwrap();
        events.value(time, 1, "loss", 2.5).unwrap();
        events.value(time, 123_456, &format!("format rate/{}", "x".repeat(200)), 1e-3).unwrap();
        assert!(events.file == include_bytes!("../../../tests/golden/tensorboard/events.bin"));
    }

    #[test]
    fn a_resumed_stage_has_another_file() {
        let folder = tempfile::tempdir().unwrap();
        for step in [0, 2] {
            EventFile::create(folder.path(), step).unwrap().scalar(step + 1, "loss", 1.0).unwrap();
        }
        let mut names: Vec<_> =
            std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names.len(), 2);
        assert!(names.iter().all(|name| name.to_string_lossy().starts_with("events.out.tfevents.")));
        // The second session starts at step 3: what the first has of it is done again.
        let second = std::fs::read(folder.path().join(&names[1])).unwrap();
        let start = [key(2, VARINT), 3, key(7, LENGTH_AND_BYTES), 2, key(1, VARINT), 1];
        assert!(second.windows(start.len()).any(|part| part == start));
    }
}
