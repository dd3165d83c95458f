//! What the front knows and the emulator does not, in a file that outlives the process.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A value and its file.
#[derive(Debug)]
pub(super) struct Kept<T> {
    file: Option<PathBuf>,
    value: Mutex<T>,
}

impl<T: Default + Serialize + DeserializeOwned> Kept<T> {
    /// What an earlier front left in `folder`; nothing outlives this one without a folder.
    pub(super) fn open(folder: Option<&Path>, name: &str) -> anyhow::Result<Kept<T>> {
        let file = folder.map(|folder| folder.join(format!("{name}.json")));
        let value = match &file {
            Some(file) if file.exists() => {
                let read = || format!("read {}", file.display());
                let bytes = fs::read(file).with_context(read)?;
                serde_json::from_slice(&bytes).with_context(read)?
            }
            _ => T::default(),
        };
        let value = Mutex::new(value);
        Ok(Kept { file, value })
    }

    pub(super) fn read<R>(&self, look: impl FnOnce(&T) -> R) -> R {
        look(&self.lock())
    }

    /// Changes the value, and writes it so that a reader never sees half of it.
    pub(super) fn change<R>(&self, change: impl FnOnce(&mut T) -> R) -> anyhow::Result<R> {
        let mut value = self.lock();
        let result = change(&mut value);
        if let Some(file) = &self.file {
            let write = || format!("write {}", file.display());
            let draft = file.with_extension("draft");
            if let Some(folder) = file.parent() {
                fs::create_dir_all(folder).with_context(write)?;
            }
            fs::write(&draft, serde_json::to_vec(&*value)?).with_context(write)?;
            fs::rename(&draft, file).with_context(write)?;
        }
        Ok(result)
    }

    /// Each change leaves the value whole, so a panic elsewhere does not spoil it.
    fn lock(&self) -> MutexGuard<'_, T> {
        self.value.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_there_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("front");
        let open = || Kept::<Vec<String>>::open(Some(&state), "names").unwrap();
        open().change(|names| names.push("poems".into())).unwrap();
        assert_eq!(open().read(Vec::clone), ["poems"]);
        let other = Kept::<Vec<String>>::open(Some(&state), "others").unwrap();
        assert_eq!(other.read(Vec::len), 0);
    }
}
