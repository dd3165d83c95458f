//! Looks for an AWS provider that is installed already, before the network is asked for one.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The registries whose mirrors are looked for: Terraform's and OpenTofu's.
const REGISTRIES: [&str; 2] = ["registry.terraform.io", "registry.opentofu.org"];
/// How deep below `/` a mirror is looked for.
const DEPTH: usize = 5;
/// Folders in which none can be, or in which looking takes long.
const SKIPPED: [&str; 13] = [
    "proc",
    "sys",
    "dev",
    "run",
    "tmp",
    "target",
    "node_modules",
    ".git",
    "snap",
    "src",
    "Volumes",
    "System",
    "Library",
];

/// Where a provider is installed: the usual plugin folders, else any mirror on this machine.
pub(super) async fn mirrors() -> Result<Vec<PathBuf>> {
    tokio::task::spawn_blocking(look)
        .await
        .context("look for an installed provider")
}

/// Writes Terraform's own settings: these mirrors, then the network for the rest.
pub(super) fn write_cli_config(file: &Path, mirrors: &[PathBuf]) -> Result<()> {
    let providers = REGISTRIES
        .map(|registry| format!("\"{registry}/hashicorp/aws\""))
        .join(", ");
    let mut text = String::from("provider_installation {\n");
    for mirror in mirrors {
        text.push_str(&format!(
            "  filesystem_mirror {{\n    path    = {:?}\n    include = [{providers}]\n  }}\n",
            mirror.display().to_string()
        ));
    }
    // With a mirror the network is not asked: without one, or for other providers, it is.
    match mirrors.is_empty() {
        true => text.push_str("  direct {}\n}\n"),
        false => text.push_str(&format!(
            "  direct {{\n    exclude = [{providers}]\n  }}\n}}\n"
        )),
    }
    if let Some(cache) = env::var_os("TF_PLUGIN_CACHE_DIR") {
        text.push_str(&format!(
            "plugin_cache_dir = {:?}\n",
            cache.to_string_lossy()
        ));
    }
    fs::write(file, text).with_context(|| format!("write {}", file.display()))
}

/// Source: <https://developer.hashicorp.com/terraform/cli/config/config-file#implied-local-mirror-directories>
fn look() -> Vec<PathBuf> {
    let home = env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let mut usual = vec![
        home.join(".terraform.d/plugins"),
        home.join(".local/share/terraform/plugins"),
        home.join("Library/Application Support/io.terraform/plugins"),
        PathBuf::from("/usr/local/share/terraform/plugins"),
        PathBuf::from("/usr/share/terraform/plugins"),
    ];
    usual.extend(env::var_os("TF_PLUGIN_CACHE_DIR").map(PathBuf::from));
    usual.retain(|folder| is_mirror(folder));
    if usual.is_empty() {
        usual.extend(find(Path::new("/"), DEPTH));
    }
    usual
}

fn is_mirror(folder: &Path) -> bool {
    REGISTRIES
        .iter()
        .any(|registry| folder.join(registry).join("hashicorp/aws").is_dir())
}

/// The first mirror below `folder`, the nearest folders first.
fn find(folder: &Path, depth: usize) -> Option<PathBuf> {
    let mut level = vec![folder.to_owned()];
    for _ in 0..depth {
        if let Some(mirror) = level.iter().find(|folder| is_mirror(folder)) {
            return Some(mirror.clone());
        }
        level = level.iter().flat_map(|folder| children(folder)).collect();
    }
    None
}

fn children(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter(|entry| !SKIPPED.contains(&entry.file_name().to_string_lossy().as_ref()))
        .map(|entry| entry.path())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_is_found_by_looking_and_only_as_deep_as_said() {
        let folder = tempfile::tempdir().expect("folder");
        assert_eq!(find(folder.path(), 4), None);
        let mirror = folder.path().join("a/b");
        fs::create_dir_all(mirror.join("registry.terraform.io/hashicorp/aws")).expect("mirror");
        assert_eq!(find(folder.path(), 3), Some(mirror));
        assert_eq!(find(folder.path(), 2), None);
    }
}
