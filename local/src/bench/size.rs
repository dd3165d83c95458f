//! How large everything is, and how much of others' work is in it.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use flate2::Compression;
use flate2::write::GzEncoder;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::Bench;
use super::cold::{HELLO, NODE};
use super::peers::Peers;
use super::table::Table;
use crate::cargo::cargo;
use crate::image::layer;
use crate::paths::Paths;

pub(super) const TITLE: &str = "Size";
pub(super) const IMAGE: &str = "service, as the layer above its image's base";

/// Measures what is built and what is packed of it.
pub(super) fn measure(bench: &Bench, peers: &Peers) -> Result<Table> {
    let how = "Programs for this machine, each built with its profile; the packages that Lambda gets (deflate, 9), and the layer \
               above the image's base (gzip, 9). Crates are those in the program, ours among them. boto3 is in Lambda's own \
               image.";
    let mut table = Table::new(TITLE, how, &["program MB", "packed MB", "crates"]);
    let functions = crates(&bench.paths, "functions")?;
    for name in ["rollout", "verdict", "report"] {
        let bytes = read(&bench.functions.join(name))?;
        let figures = vec![mb(bytes.len()), mb(zipped(&bytes)?), Some(functions)];
        table.row(name, figures);
    }
    let bytes = read(&bench.paths.function("hello"))?;
    table.row(HELLO, vec![mb(bytes.len()), mb(zipped(&bytes)?), None]);
    if let Some(bundle) = &peers.node {
        let bytes = read(bundle)?;
        table.row(NODE, vec![mb(bytes.len()), mb(zipped(&bytes)?), None]);
    }
    let bytes = read(&bench.service)?;
    let archive = layer::archive(&[crate::image::File {
        path: "service".to_owned(),
        bytes: bytes.clone(),
        mode: 0o755,
    }])?;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&archive)?;
    let packed = mb(encoder.finish()?.len());
    let crates = Some(crates(&bench.paths, "service")?);
    table.row(IMAGE, vec![mb(bytes.len()), packed, crates]);
    Ok(table)
}

fn read(file: &Path) -> Result<Vec<u8>> {
    fs::read(file).with_context(|| format!("read {}", file.display()))
}

fn mb(bytes: usize) -> Option<f64> {
    Some(bytes as f64 / 1e6)
}

fn zipped(program: &[u8]) -> Result<usize> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(9));
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("bootstrap", options)?;
    zip.write_all(program)?;
    Ok(zip.finish()?.into_inner().len())
}

fn crates(paths: &Paths, package: &str) -> Result<f64> {
    let options = ["--locked", "--edges", "normal", "--prefix", "none"];
    let output = cargo(paths, "tree")
        .args(options)
        .args(["--package", package])
        .output()
        .context("start cargo")?;
    ensure!(output.status.success(), "cargo tree failed for {package}");
    let text = String::from_utf8_lossy(&output.stdout);
    let names = text.lines().map(|line| {
        let mut words = line.split(' ');
        (words.next(), words.next())
    });
    Ok(names.collect::<BTreeSet<_>>().len() as f64)
}
