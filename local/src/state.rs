//! What one start leaves to the next, and that only one at a time uses it.

use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;

use anyhow::{Context, Result, bail};

use crate::paths::Paths;

/// Two starts in one checkout would take each other's state away. The lock goes with the process that holds it; it
/// lies beside the state, because the state may be removed.
pub(crate) fn lock(paths: &Paths) -> Result<File> {
    fs::create_dir_all(&paths.target)
        .with_context(|| format!("make {}", paths.target.display()))?;
    let file = paths.target.join("local.lock");
    let lock = File::create(&file).with_context(|| format!("make {}", file.display()))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => {
            bail!("another `cargo local` runs in this checkout; stop it first")
        }
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("lock {}", file.display()))
        }
    }
}

/// Leaves the state of an earlier start only if that start was stopped in good order.
pub(crate) fn take_up(paths: &Paths) -> Result<()> {
    let state = paths.state();
    let clean = state.join("clean");
    if clean.exists() {
        fs::remove_file(&clean).context("take up the state of the last start")?;
    } else {
        forget(paths)?;
    }
    fs::create_dir_all(&state).with_context(|| format!("make {}", state.display()))
}

/// Removes all that earlier starts have left.
pub(crate) fn forget(paths: &Paths) -> Result<()> {
    let state = paths.state();
    match fs::remove_dir_all(&state) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("remove {}", state.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_checkout_has_one_system() {
        let folder = tempfile::tempdir().unwrap();
        let paths = Paths {
            root: folder.path().to_owned(),
            target: folder.path().join("target"),
        };
        let first = lock(&paths).unwrap();
        let error = lock(&paths).unwrap_err().to_string();
        assert!(error.starts_with("another `cargo local` runs"), "{error}");
        drop(first);
        lock(&paths).unwrap();
    }
}
