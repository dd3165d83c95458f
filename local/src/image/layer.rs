//! The one layer of an image: a tar archive, compressed.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::{File, digest};

/// Who owns the files and runs the program: the number that distroless images call `nonroot`.
pub(super) const USER: u64 = 65532;

/// A layer as it is pushed.
pub(super) struct Layer {
    /// The digest of the archive before compression.
    pub(super) diff_id: String,
    pub(super) gzip: Vec<u8>,
}

/// The archive of `files`. The same files give the same bytes: no clock and no user of this machine.
pub(crate) fn archive(files: &[File]) -> anyhow::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    for file in files {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(tar::EntryType::Regular);
        header.set_size(file.bytes.len() as u64);
        header.set_mode(file.mode);
        header.set_mtime(0);
        header.set_uid(USER);
        header.set_gid(USER);
        archive.append_data(&mut header, &file.path, file.bytes.as_slice())?;
    }
    Ok(archive.into_inner()?)
}

/// Packs `files`.
pub(super) fn build(files: &[File]) -> anyhow::Result<Layer> {
    let tar = archive(files)?;
    // The registry is on this machine: time counts, size does not.
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&tar)?;
    Ok(Layer {
        diff_id: digest(&tar),
        gzip: encoder.finish()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::GzDecoder;
    use std::io::Read;

    #[test]
    fn what_was_packed_can_be_unpacked() {
        let files = [File {
            path: "app/run".into(),
            bytes: b"#!/bin/sh\n".to_vec(),
            mode: 0o755,
        }];
        let layer = build(&files).unwrap();

        let mut tar = Vec::new();
        GzDecoder::new(layer.gzip.as_slice())
            .read_to_end(&mut tar)
            .unwrap();
        assert_eq!(digest(&tar), layer.diff_id);

        let mut archive = tar::Archive::new(tar.as_slice());
        let entry = archive.entries().unwrap().next().unwrap().unwrap();
        assert_eq!(entry.path().unwrap().to_str(), Some("app/run"));
        assert_eq!(entry.header().mode().unwrap(), 0o755);
        assert_eq!(entry.header().uid().unwrap(), USER);
        assert_eq!(entry.header().mtime().unwrap(), 0);
    }
}
