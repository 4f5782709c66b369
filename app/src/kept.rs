//! Runs that the user keeps under names of their own: their reports, in the browser's storage beside the run under way.

use promot_core::report::Report;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::files::Files;
use crate::protocol::KeptRun;
use crate::sealed::Places;

const PLACES: Places = Places(["kept-0.json", "kept-1.json"]);

/// Longest name, in characters.
const LONGEST: usize = 60;

/// All of them, oldest first.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Kept {
    /// Counts the writes; of two lists the one with the higher count is the newer one.
    sequence: u64,
    /// The number of the next run.
    next: u64,
    runs: Vec<KeptRun>,
}

impl Kept {
    pub async fn load(storage: &impl Files) -> Result<Self, Failure> {
        let texts = PLACES.read(storage).await?;
        let lists = texts.iter().filter_map(|text| serde_json::from_str::<Self>(text).ok());
        Ok(lists.max_by_key(|list| list.sequence).unwrap_or_default())
    }

    pub fn runs(&self) -> &[KeptRun] {
        &self.runs
    }

    /// Keeps a report. Its file is whole before the list names it.
    pub async fn keep(&mut self, storage: &impl Files, name: &str, report: &Report) -> Result<(), Failure> {
        let bytes = serde_json::to_vec(report).map_err(|error| Failure::storage(error.to_string()))?;
        let id = self.next;
        storage.write(&file(id), &bytes).await?;
        let mut runs = self.runs.clone();
        runs.push(KeptRun {
            id,
            name: self.free(name, None),
            model: report.spec.model.clone(),
            task: report.spec.target.task.clone(),
            methods: promot_core::report::methods(&report.runs).into_iter().map(str::to_owned).collect(),
            bytes: bytes.len() as u64,
            took: KeptRun::time_of(report),
        });
        self.replace(storage, Self { next: id + 1, runs, ..self.clone() }).await
    }

    pub async fn rename(&mut self, storage: &impl Files, id: u64, name: &str) -> Result<(), Failure> {
        let name = self.free(name, Some(id));
        let renamed = |run: KeptRun| if run.id == id { KeptRun { name: name.clone(), ..run } } else { run };
        let runs = self.runs.iter().cloned().map(renamed).collect();
        self.replace(storage, Self { runs, ..self.clone() }).await
    }

    /// The list forgets it before its file goes.
    pub async fn delete(&mut self, storage: &impl Files, id: u64) -> Result<(), Failure> {
        let runs = self.runs.iter().filter(|run| run.id != id).cloned().collect();
        self.replace(storage, Self { runs, ..self.clone() }).await?;
        storage.remove(&file(id)).await;
        Ok(())
    }

    /// # Errors
    /// A run that is not there; a file that is no report.
    pub async fn report(&self, storage: &impl Files, id: u64) -> Result<Report, Failure> {
        let name = file(id);
        let missing = || Failure::storage(format!("{name} is missing in this browser's storage."));
        let bytes = storage.read(&name).await?.ok_or_else(missing)?;
        serde_json::from_slice(&bytes).map_err(|error| Failure::storage(format!("{name}: {error}")))
    }

    async fn replace(&mut self, storage: &impl Files, list: Self) -> Result<(), Failure> {
        let list = Self { sequence: self.sequence + 1, ..list };
        let text = serde_json::to_string(&list).map_err(|error| Failure::storage(error.to_string()))?;
        PLACES.write(storage, list.sequence, text).await?;
        *self = list;
        Ok(())
    }

    /// The name, or one like it that no other run has.
    fn free(&self, name: &str, of: Option<u64>) -> String {
        let name: String = name.trim().chars().take(LONGEST).collect();
        let name = if name.is_empty() { "run".to_owned() } else { name };
        let taken = |name: &str| self.runs.iter().any(|run| run.name == name && Some(run.id) != of);
        let numbered = (2..).map(|number| format!("{name} ({number})"));
        std::iter::once(name.clone()).chain(numbered).find(|name| !taken(name)).unwrap_or(name)
    }
}

fn file(id: u64) -> String {
    format!("kept-run-{id}.json")
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use promot_core::report::{DeviceInfo, MethodRun, ModelInfo};
    use promot_core::spec::RunSpec;

    use super::*;
    use crate::files::MemoryFiles;

    /// Nothing here waits.
    fn now<T>(future: impl Future<Output = T>) -> T {
        match std::pin::pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => value,
            Poll::Pending => panic!("memory does not wait"),
        }
    }

    fn report(method: &str) -> Report {
        let mut spec = RunSpec::default();
        spec.target.task = "rte-mini".into();
        let (device, model) = (DeviceInfo::default(), ModelInfo::default());
        let runs = vec![MethodRun { method: method.into(), ..MethodRun::default() }];
        let (examples, frontier, signs) = Default::default();
        Report { version: 2, spec, device, model, runs, examples, frontier, signs }
    }

    fn names(kept: &Kept) -> Vec<&str> {
        kept.runs().iter().map(|run| run.name.as_str()).collect()
    }

    #[test]
    fn runs_are_kept_named_found_again_and_deleted() {
        let files = MemoryFiles::default();
        let mut kept = now(Kept::load(&files)).unwrap();
        for (name, method) in [("small rate", "promot"), (" small rate ", "lora"), ("", "joint")] {
            now(kept.keep(&files, name, &report(method))).unwrap();
        }
        assert_eq!(names(&kept), ["small rate", "small rate (2)", "run"]);
        now(kept.rename(&files, 2, "small rate")).unwrap();
        now(kept.rename(&files, 0, "small rate")).unwrap();
        now(kept.delete(&files, 1)).unwrap();
        let mut found = now(Kept::load(&files)).unwrap();
        assert_eq!(names(&found), ["small rate", "small rate (3)"]);
        assert_eq!(
            (found.runs()[0].task.as_str(), &*found.runs()[0].methods),
            ("rte-mini", &["promot".to_owned()][..])
        );
        assert_eq!(now(found.report(&files, 2)).unwrap().runs[0].method, "joint");
        assert!(now(found.report(&files, 1)).unwrap_err().message.contains("kept-run-1.json"));
        let size = now(files.read("kept-run-0.json")).unwrap().unwrap().len() as u64;
        assert_eq!(found.runs()[0].bytes, size);
        now(found.keep(&files, "next", &report("promot"))).unwrap();
        assert_eq!(found.runs()[2].id, 3, "no number is used twice");
    }

    #[test]
    fn a_half_written_list_leaves_the_one_before() {
        let files = MemoryFiles::default();
        let mut kept = Kept::default();
        now(kept.keep(&files, "one", &report("promot"))).unwrap();
        now(kept.keep(&files, "two", &report("promot"))).unwrap();
        let newest = PLACES.0[(kept.sequence % 2) as usize];
        let bytes = now(files.read(newest)).unwrap().unwrap();
        now(files.write(newest, &bytes[..bytes.len() / 2])).unwrap();
        assert_eq!(names(&now(Kept::load(&files)).unwrap()), ["one"]);
    }
}
