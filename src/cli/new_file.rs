//! A file that a command writes: complete or not at all, readable by its owner only, and over no existing file unless
//! requested.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// A file that is written beside its final place and moved there when it is complete.
#[derive(Debug)]
pub struct NewFile {
    unfinished: NamedTempFile,
    place: PathBuf,
    replaces: bool,
}

/// Why a file is not written.
#[derive(Debug, thiserror::Error)]
pub enum NotWritten {
    #[error("{0} exists already; nothing is overwritten without --force")]
    Exists(PathBuf),
    #[error("{place} cannot be written", place = .0.display())]
    Failed(PathBuf, #[source] io::Error),
}

impl NewFile {
    /// * `replaces`: whether an existing file is replaced.
    pub fn for_place(place: &Path, replaces: bool) -> Result<Self, NotWritten> {
        if !replaces && place.symlink_metadata().is_ok() {
            return Err(NotWritten::Exists(place.to_owned()));
        }
        let folder = match place.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        // Readable and writable by its owner only.
        let unfinished = tempfile::Builder::new().prefix(".kurskoll-").suffix(".unfinished").tempfile_in(folder);
        let unfinished = unfinished.map_err(|error| NotWritten::Failed(place.to_owned(), error))?;
        Ok(Self { unfinished, place: place.to_owned(), replaces })
    }

    /// Its path until it is moved to its final place.
    pub fn path(&self) -> &Path {
        self.unfinished.path()
    }

    /// Moves it to its final place, synced to disk.
    pub fn finish(self) -> Result<(), NotWritten> {
        let Self { unfinished, place, replaces } = self;
        let failed = |error| NotWritten::Failed(place.clone(), error);
        // Others may have written to it by its name.
        File::open(unfinished.path()).and_then(|file| file.sync_all()).map_err(failed)?;
        let put = if replaces { unfinished.persist(&place) } else { unfinished.persist_noclobber(&place) };
        put.map_err(|error| match error.error.kind() {
            io::ErrorKind::AlreadyExists => NotWritten::Exists(place.clone()),
            _ => failed(error.error),
        })?;
        Ok(())
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.unfinished.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.unfinished.flush()
    }
}
