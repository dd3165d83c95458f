//! Where things are on this machine.

use std::env;
use std::path::{Path, PathBuf};

/// The folders of one checkout.
#[derive(Clone, Debug)]
pub struct Paths {
    /// The repository's root.
    pub root: PathBuf,
    /// Cargo's target directory.
    pub target: PathBuf,
}

impl Paths {
    /// The checkout that this program was built from.
    pub fn of_this_checkout() -> Paths {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .expect("the crate lies in a folder of the repository")
            .to_owned();
        let target = match env::var_os("CARGO_TARGET_DIR") {
            Some(target) => root.join(target),
            None => root.join("target"),
        };
        Paths { root, target }
    }

    /// The virtual environment of ministack, for `cargo local` and for tests.
    pub fn python_env(&self) -> PathBuf {
        self.target.join("ministack").join("python")
    }

    /// All that `cargo local` keeps between two starts.
    pub fn state(&self) -> PathBuf {
        self.target.join("local")
    }

    /// What was started for the last time writes its output here.
    pub fn log(&self, name: &str) -> PathBuf {
        self.state().join(format!("{name}.log"))
    }

    /// A function's binary.
    pub fn function(&self, name: &str) -> PathBuf {
        self.target.join("release").join(name)
    }

    /// A binary of the profile `service`: the service itself, or what measures it.
    pub fn service(&self, name: &str) -> PathBuf {
        self.target.join("service").join(name)
    }

    /// The function's package, laid out as cargo-lambda lays it out.
    pub fn packages(&self) -> PathBuf {
        self.state().join("lambda")
    }
}
