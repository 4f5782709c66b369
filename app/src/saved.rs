//! The run in the browser's storage. Files are written under new names; then a small manifest that names them replaces the
//! older of two. Wherever that is cut off, one whole manifest is left, and all its files.

use std::collections::{BTreeMap, BTreeSet};

use promot_core::checkpoint::Checkpoint;
use promot_core::report::StageId;
use promot_core::spec::RunSpec;
use promot_core::train::FinishedRun;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::files::Files;
use crate::protocol::SavedRun;
use crate::sealed::Places;

const MANIFESTS: Places = Places(["manifest-0.json", "manifest-1.json"]);

#[derive(Clone, Serialize, Deserialize)]
struct Manifest {
    version: u32,
    /// Counts the writes; the manifest with the higher count is the newer one.
    sequence: u64,
    run: SavedRun,
    /// By stage: its newest checkpoint.
    checkpoints: BTreeMap<String, StoredCheckpoint>,
    /// Finished methods.
    runs: Vec<String>,
}

#[derive(Clone, Serialize, Deserialize)]
struct StoredCheckpoint {
    step: usize,
    /// The checkpoint's file names, and the names in storage.
    files: BTreeMap<String, String>,
}

const VERSION: u32 = 1;

/// A run in storage.
pub struct Saved {
    manifest: Manifest,
    /// Files in storage; the manifest may no longer name them all.
    known: BTreeSet<String>,
}

impl Saved {
    /// The run that an earlier visit left.
    pub async fn find(storage: &impl Files) -> Result<Option<Self>, Failure> {
        let texts = MANIFESTS.read(storage).await?;
        let manifests = texts.iter().filter_map(|text| serde_json::from_str::<Manifest>(text).ok());
        let newest =
            manifests.filter(|manifest| manifest.version == VERSION).max_by_key(|manifest| manifest.sequence);
        Ok(newest.map(|manifest| Self { known: names(&manifest), manifest }))
    }

    /// A new run in place of the old one.
    pub async fn begin(storage: &impl Files, spec: RunSpec) -> Result<Self, Failure> {
        Self::forget(storage).await?;
        let run = SavedRun {
            spec: Box::new(spec),
            method: String::new(),
            stage: StageId::default(),
            step: 0,
            steps: 0,
            finished: false,
        };
        let manifest =
            Manifest { version: VERSION, sequence: 0, run, checkpoints: BTreeMap::new(), runs: Vec::new() };
        let mut saved = Self { manifest, known: BTreeSet::new() };
        saved.seal(storage).await?;
        Ok(saved)
    }

    pub async fn forget(storage: &impl Files) -> Result<(), Failure> {
        if let Some(old) = Self::find(storage).await? {
            for name in old.known {
                storage.remove(&name).await;
            }
        }
        MANIFESTS.forget(storage).await;
        Ok(())
    }

    pub fn run(&self) -> &SavedRun {
        &self.manifest.run
    }

    pub fn spec(&self) -> &RunSpec {
        &self.manifest.run.spec
    }

    /// Keeps a checkpoint in place of the stage's last one.
    pub async fn put_checkpoint(
        &mut self,
        storage: &impl Files,
        checkpoint: &Checkpoint,
        method: &str,
        stage: &StageId,
        steps: usize,
    ) -> Result<(), Failure> {
        let mut files = BTreeMap::new();
        for (name, bytes) in &checkpoint.files {
            let stored = format!("{}-{}-{name}", self.manifest.sequence + 1, plain(&checkpoint.name));
            self.known.insert(stored.clone());
            storage.write(&stored, bytes).await?;
            files.insert(name.clone(), stored);
        }
        let stored = StoredCheckpoint { step: checkpoint.step, files };
        self.manifest.checkpoints.insert(checkpoint.name.clone(), stored);
        let run = &mut self.manifest.run;
        (run.method, run.stage) = (method.to_owned(), stage.clone());
        (run.step, run.steps) = (checkpoint.step, steps);
        self.seal(storage).await
    }

    pub async fn put_run(&mut self, storage: &impl Files, run: &FinishedRun) -> Result<(), Failure> {
        let name =
            format!("{}-run-{}-{}.json", self.manifest.sequence + 1, plain(&run.run.method), run.run.seed);
        let bytes = serde_json::to_vec(run).map_err(|error| Failure::storage(error.to_string()))?;
        self.known.insert(name.clone());
        storage.write(&name, &bytes).await?;
        self.manifest.runs.push(name);
        self.seal(storage).await
    }

    pub async fn finish(&mut self, storage: &impl Files) -> Result<(), Failure> {
        self.manifest.run.finished = true;
        self.seal(storage).await
    }

    pub async fn checkpoint(&self, storage: &impl Files, name: &str) -> Result<Option<Checkpoint>, Failure> {
        let Some(stored) = self.manifest.checkpoints.get(name) else { return Ok(None) };
        let mut files = BTreeMap::new();
        for (file, name) in &stored.files {
            files.insert(file.clone(), read(storage, name).await?);
        }
        Ok(Some(Checkpoint { name: name.to_owned(), step: stored.step, files }))
    }

    pub async fn checkpoints(&self, storage: &impl Files) -> Result<BTreeMap<String, Checkpoint>, Failure> {
        let mut found = BTreeMap::new();
        for name in self.manifest.checkpoints.keys() {
            if let Some(checkpoint) = self.checkpoint(storage, name).await? {
                found.insert(name.clone(), checkpoint);
            }
        }
        Ok(found)
    }

    pub async fn runs(&self, storage: &impl Files) -> Result<Vec<FinishedRun>, Failure> {
        let mut runs = Vec::new();
        for name in &self.manifest.runs {
            let run = serde_json::from_slice(&read(storage, name).await?);
            runs.push(run.map_err(|error| Failure::storage(format!("{name}: {error}")))?);
        }
        Ok(runs)
    }

    /// Writes the manifest, and removes files that it no longer names.
    async fn seal(&mut self, storage: &impl Files) -> Result<(), Failure> {
        let sequence = self.manifest.sequence + 1;
        let text = serde_json::to_string(&Manifest { sequence, ..self.manifest.clone() })
            .map_err(|error| Failure::storage(error.to_string()))?;
        MANIFESTS.write(storage, sequence, text).await?;
        // Only now: if this failed, the next try must not overwrite the one whole manifest.
        self.manifest.sequence = sequence;
        let needed = names(&self.manifest);
        for name in self.known.difference(&needed) {
            storage.remove(name).await;
        }
        self.known = needed;
        Ok(())
    }
}

/// The bytes of a file that the manifest names.
async fn read(storage: &impl Files, name: &str) -> Result<Vec<u8>, Failure> {
    let missing = || Failure::storage(format!("{name} is missing in this browser's storage."));
    storage.read(name).await?.ok_or_else(missing)
}

fn names(manifest: &Manifest) -> BTreeSet<String> {
    let files = manifest.checkpoints.values().flat_map(|stored| stored.files.values().cloned());
    files.chain(manifest.runs.iter().cloned()).collect()
}

/// Safe as a file name everywhere.
fn plain(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' || c == '-' { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use promot_core::report::{MethodRun, TaskScore};

    use super::*;
    use crate::files::MemoryFiles;

    /// Nothing here waits.
    fn now<T>(future: impl Future<Output = T>) -> T {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => value,
            Poll::Pending => panic!("memory does not wait"),
        }
    }

    /// Memory that writes half a file and fails after so many writes, as a full disk does.
    #[derive(Default)]
    struct CutOff {
        files: MemoryFiles,
        writes_left: Cell<Option<usize>>,
    }

    impl Files for CutOff {
        async fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Failure> {
            let left = self.writes_left.get();
            let full = left == Some(0);
            self.writes_left.set(left.map(|left| left.saturating_sub(1)));
            self.files.write(name, if full { &bytes[..bytes.len() / 2] } else { bytes }).await?;
            if full { Err(Failure::storage("the storage is full")) } else { Ok(()) }
        }

        async fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Failure> {
            self.files.read(name).await
        }

        async fn remove(&self, name: &str) {
            self.files.remove(name).await;
        }
    }

    fn checkpoint(step: usize) -> Checkpoint {
        let file = |name: &str| (name.to_owned(), format!("{name} at {step}").into_bytes());
        let files = BTreeMap::from([file("manifest.json"), file("weights.safetensors")]);
        Checkpoint { name: "seed-0.prompt-tuning+1-shot".into(), step, files }
    }

    fn put(saved: &mut Saved, files: &impl Files, step: usize) -> Result<(), Failure> {
        now(saved.put_checkpoint(files, &checkpoint(step), "promot", &StageId::default(), 20))
    }

    fn run(method: &str) -> FinishedRun {
        let target = TaskScore {
            task: "rte-mini".into(),
            shots: 0,
            prompt: true,
            metric: "accuracy".into(),
            score: 90.0,
            n: 8,
            truncated: 0,
            target_format_rate: None,
            surface: None,
            rows: None,
            warnings: Vec::new(),
            signature: String::new(),
        };
        let run = MethodRun { method: method.into(), target, ..MethodRun::default() };
        FinishedRun { run, examples: Vec::new(), frontier: Vec::new(), identity: None }
    }

    #[test]
    fn a_run_is_found_again_with_its_newest_checkpoint_and_nothing_else_is_kept() {
        let files = MemoryFiles::default();
        let mut saved = now(Saved::begin(&files, RunSpec::default())).unwrap();
        put(&mut saved, &files, 5).unwrap();
        put(&mut saved, &files, 10).unwrap();
        now(saved.put_run(&files, &run("pretrained"))).unwrap();
        let found = now(Saved::find(&files)).unwrap().unwrap();
        assert_eq!((found.run().step, found.run().steps, found.run().finished), (10, 20, false));
        let kept = now(found.checkpoints(&files)).unwrap();
        assert_eq!(kept["seed-0.prompt-tuning+1-shot"].files, checkpoint(10).files);
        assert_eq!(now(found.runs(&files)).unwrap()[0].run.method, "pretrained");
        // Two manifests, two files of the checkpoint, one run.
        assert_eq!(files.names().len(), 5, "{:?}", files.names());
        now(Saved::forget(&files)).unwrap();
        assert!(files.names().is_empty() && now(Saved::find(&files)).unwrap().is_none());
    }

    #[test]
    fn whatever_write_is_cut_off_the_checkpoint_before_is_whole() {
        for writes in 0..3 {
            let files = CutOff::default();
            let mut saved = now(Saved::begin(&files, RunSpec::default())).unwrap();
            put(&mut saved, &files, 5).unwrap();
            files.writes_left.set(Some(writes));
            let failure = put(&mut saved, &files, 10).unwrap_err();
            assert!(failure.message.contains("full"), "{}", failure.message);
            let found = now(Saved::find(&files)).unwrap().unwrap();
            assert_eq!(found.run().step, 5, "after {writes} writes");
            assert_eq!(now(found.checkpoints(&files)).unwrap()["seed-0.prompt-tuning+1-shot"].step, 5);
        }
    }

    #[test]
    fn a_full_disk_that_is_tried_again_and_again_keeps_the_last_checkpoint() {
        let files = CutOff::default();
        let mut saved = now(Saved::begin(&files, RunSpec::default())).unwrap();
        put(&mut saved, &files, 5).unwrap();
        for step in [10, 15, 20] {
            // Room for the checkpoint's files, none for the manifest.
            files.writes_left.set(Some(2));
            put(&mut saved, &files, step).unwrap_err();
        }
        assert_eq!(now(Saved::find(&files)).unwrap().unwrap().run().step, 5);
        files.writes_left.set(None);
        put(&mut saved, &files, 20).unwrap();
        assert_eq!(now(Saved::find(&files)).unwrap().unwrap().run().step, 20);
    }

    #[test]
    fn a_damaged_manifest_leaves_the_one_before_and_a_missing_file_is_named() {
        let files = MemoryFiles::default();
        let mut saved = now(Saved::begin(&files, RunSpec::default())).unwrap();
        put(&mut saved, &files, 5).unwrap();
        let newest = MANIFESTS.0[(saved.manifest.sequence % 2) as usize];
        let bytes = now(files.read(newest)).unwrap().unwrap();
        now(files.write(newest, &bytes[..bytes.len() / 2])).unwrap();
        assert_eq!(now(Saved::find(&files)).unwrap().unwrap().run().step, 0);
        now(files.write(newest, &bytes)).unwrap();
        let name = files.names().into_iter().find(|name| name.ends_with("weights.safetensors")).unwrap();
        now(files.remove(&name));
        let failure = now(now(Saved::find(&files)).unwrap().unwrap().checkpoints(&files)).unwrap_err();
        assert!(failure.message.contains(&name), "{}", failure.message);
    }
}
