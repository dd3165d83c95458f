//! Python virtual environments, each made once: ministack has one, and `bench` one for each of ours' peers.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, bail};

const OLDEST: (u32, u32) = (3, 10);

/// The environment's interpreter; installs everything first if it isn't there.
pub(crate) async fn ready(
    folder: PathBuf,
    packages: &'static [&'static str],
) -> anyhow::Result<PathBuf> {
    tokio::task::spawn_blocking(move || make(&folder, packages))
        .await
        .context("make the Python environment")?
}

fn make(folder: &Path, packages: &[&str]) -> anyhow::Result<PathBuf> {
    let wanted = packages.join(" ");
    let python = folder.join("bin").join("python");
    // Written last, so that its content says whether everything before it was done.
    let stamp = folder.join("installed");
    let complete = || python.exists() && fs::read_to_string(&stamp).is_ok_and(|it| it == wanted);
    if complete() {
        return Ok(python);
    }

    fs::create_dir_all(folder.parent().unwrap_or(folder))
        .with_context(|| format!("make {}", folder.display()))?;
    // Several test programs may come here at once. The lock goes with the process that holds it.
    let lock = folder.with_extension("lock");
    let lock = File::create(&lock).with_context(|| format!("make {}", lock.display()))?;
    lock.lock()
        .context("wait for another process that makes the Python environment")?;
    if complete() {
        return Ok(python);
    }

    let system = system_python()?;
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("remove {}", folder.display()))?;
    }
    check(
        Command::new(system).args(["-m", "venv"]).arg(folder),
        "python3 can't make a virtual environment; install its venv module (Debian, Ubuntu: apt install python3-venv)",
    )?;
    check(
        Command::new(&python)
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
            ])
            .args(packages),
        &format!("pip can't install {wanted}"),
    )?;
    fs::write(&stamp, wanted).with_context(|| format!("write {}", stamp.display()))?;
    Ok(python)
}

/// A Python that is new enough. `python3` may be an old one that the system needs, as on macOS,
/// with a newer one beside it.
fn system_python() -> anyhow::Result<&'static str> {
    let mut oldest_seen = None;
    for name in [
        "python3",
        "python3.14",
        "python3.13",
        "python3.12",
        "python3.11",
        "python3.10",
    ] {
        match version(name) {
            Some(version) if version >= OLDEST => return Ok(name),
            Some(version) => oldest_seen = oldest_seen.or(Some(version)),
            None => {}
        }
    }
    match oldest_seen {
        Some((major, minor)) => {
            bail!(
                "python3 is version {major}.{minor}, which is too old; install Python 3.10 or newer"
            )
        }
        None => bail!("python3 is missing; install Python 3.10 or newer"),
    }
}

fn version(python: &str) -> Option<(u32, u32)> {
    let program = "import sys; print('%d %d' % sys.version_info[:2])";
    let output = Command::new(python).args(["-c", program]).output().ok()?;
    parse_version(&String::from_utf8(output.stdout).ok()?)
}

fn parse_version(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.trim().split_once(' ')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

fn check(command: &mut Command, failure: &str) -> anyhow::Result<()> {
    let output = command.output().with_context(|| failure.to_owned())?;
    if !output.status.success() {
        bail!("{failure}: {}", why(&output));
    }
    Ok(())
}

fn why(output: &Output) -> String {
    let text = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    let text = String::from_utf8_lossy(&text);
    let line = text.lines().rfind(|line| !line.trim().is_empty());
    line.unwrap_or("it said nothing").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_as_numbers() {
        assert!(parse_version("3 9\n").unwrap() < OLDEST);
        assert!(parse_version("3 14\n").unwrap() > OLDEST);
        assert_eq!(parse_version("Python 3"), None);
    }

    #[test]
    fn a_failed_command_shows_its_last_line() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo one; echo two >&2; exit 3"]);
        let error = check(&mut command, "pip can't install it").unwrap_err();
        assert_eq!(error.to_string(), "pip can't install it: two");
    }
}
