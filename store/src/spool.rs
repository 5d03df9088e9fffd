//! What could not be written waits here, in files of lines in the state folder, within a bound. Files are numbered and
//! read in order; each process begins a new one, so that a line that a crash tore is the last of its file. A file goes
//! when all of it is in the database; after a crash it is read again from its beginning, and what was in already is
//! recognised.

use std::collections::VecDeque;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::intake::Lines;

/// The folder of files that wait.
#[derive(Debug)]
pub struct Spool {
    folder: PathBuf,
    /// Numbers and lengths of the files, the oldest first.
    files: VecDeque<(u64, u64)>,
    /// The last of them, while it is written.
    open: Option<File>,
    bytes: u64,
    most_bytes: u64,
}

/// Why lines were not kept.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The spool has as many bytes as it may.
    Full,
    /// The disk refused.
    Disk(io::Error),
}

/// A file that grew to this many bytes is followed by the next.
const FILE_BYTES: u64 = 4 << 20;

const SUFFIX: &str = ".ndjson";

impl Spool {
    /// Opens the folder, making it where it is missing; what an earlier process left is found again.
    ///
    /// # Errors
    /// When it cannot be made, read or written.
    pub fn open(folder: &Path, most_bytes: u64) -> io::Result<Self> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        let mut files = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let number = name
                .to_str()
                .and_then(|name| name.strip_suffix(SUFFIX)?.parse().ok());
            if let Some(number) = number {
                files.push((number, entry.metadata()?.len()));
            }
        }
        files.sort_unstable();
        Ok(Self {
            folder: folder.to_owned(),
            bytes: files.iter().map(|(_, length)| length).sum(),
            files: files.into(),
            open: None,
            most_bytes,
        })
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// How many bytes wait.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Keeps lines.
    pub(crate) fn append(&mut self, text: &[u8]) -> Result<(), Refusal> {
        let length = text.len() as u64;
        if self.bytes + length > self.most_bytes {
            return Err(Refusal::Full);
        }
        self.write(text).map_err(Refusal::Disk)?;
        self.bytes += length;
        if let Some((_, known)) = self.files.back_mut() {
            *known += length;
        }
        Ok(())
    }

    fn write(&mut self, text: &[u8]) -> io::Result<()> {
        let full = self
            .files
            .back()
            .is_some_and(|(_, length)| *length >= FILE_BYTES);
        if self.open.is_none() || full {
            let number = self.files.back().map_or(0, |(number, _)| number + 1);
            self.open = Some(
                OpenOptions::new()
                    .create_new(true)
                    .append(true)
                    .mode(0o600)
                    .open(self.path(number))?,
            );
            self.files.push_back((number, 0));
        }
        let Some(file) = &mut self.open else {
            return Ok(());
        };
        let Err(error) = file.write_all(text) else {
            return Ok(());
        };
        // A full disk took a part: it is taken back, or what follows would be read as the rest of a torn line. Where
        // even that fails, the next lines go to another file.
        let before = self.files.back().map_or(0, |(_, length)| *length);
        if file.set_len(before).is_err() {
            self.open = None;
        }
        Err(error)
    }

    /// The lines of the oldest file; [`Spool::done`] removes it when they are in the database.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn oldest(&mut self) -> io::Result<Option<Lines>> {
        let Some((number, _)) = self.files.front().copied() else {
            return Ok(None);
        };
        if self.files.len() == 1 {
            // What comes from now on goes to the next file.
            self.open = None;
        }
        let text = fs::read(self.path(number))?;
        let count = text.iter().filter(|byte| **byte == b'\n').count();
        Ok(Some(Lines { text, count }))
    }

    /// Removes the oldest file.
    ///
    /// # Errors
    /// When it cannot be removed; it is forgotten all the same, or it would be read for ever.
    pub(crate) fn done(&mut self) -> io::Result<()> {
        let Some((number, length)) = self.files.pop_front() else {
            return Ok(());
        };
        self.bytes = self.bytes.saturating_sub(length);
        if self.files.is_empty() {
            self.open = None;
        }
        fs::remove_file(self.path(number))
    }

    fn path(&self, number: u64) -> PathBuf {
        self.folder.join(format!("{number:012}{SUFFIX}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(spool: &mut Spool) -> Option<String> {
        let lines = spool.oldest().unwrap()?;
        Some(String::from_utf8(lines.text).unwrap())
    }

    #[test]
    fn lines_come_back_in_order_also_after_a_crash() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Spool::open(folder.path(), 1 << 20).unwrap();
        let mut spool = open();
        assert!(spool.is_empty());
        spool.append(b"a\n").unwrap();
        spool.append(b"b\n{\"torn").unwrap();
        drop(spool);
        let mut spool = open();
        assert_eq!(spool.bytes(), 10);
        spool.append(b"c\n").unwrap();
        assert_eq!(text(&mut spool).as_deref(), Some("a\nb\n{\"torn"));
        assert_eq!(
            text(&mut spool).as_deref(),
            Some("a\nb\n{\"torn"),
            "not yet done"
        );
        spool.done().unwrap();
        assert_eq!(text(&mut spool).as_deref(), Some("c\n"));
        spool.append(b"d\n").unwrap();
        spool.done().unwrap();
        assert_eq!(
            text(&mut spool).as_deref(),
            Some("d\n"),
            "it came while the other was read"
        );
        spool.done().unwrap();
        assert_eq!((text(&mut spool), spool.bytes()), (None, 0));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn the_bound_holds() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::open(folder.path(), 10).unwrap();
        spool.append(b"12345678\n").unwrap();
        assert!(matches!(spool.append(b"9\n"), Err(Refusal::Full)));
        spool.append(b"\n").unwrap();
        spool.oldest().unwrap();
        spool.done().unwrap();
        spool.append(b"9\n").unwrap();
    }

    #[test]
    fn a_full_disk_tears_no_line() {
        // Every write to it fails for want of space.
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::open(folder.path(), 1 << 20).unwrap();
        std::os::unix::fs::symlink("/dev/full", folder.path().join("x")).unwrap();
        spool.append(b"a\n").unwrap();
        let good = spool.open.take();
        spool.open = Some(
            OpenOptions::new()
                .write(true)
                .open(folder.path().join("x"))
                .unwrap(),
        );
        assert!(matches!(spool.append(b"b\n"), Err(Refusal::Disk(_))));
        assert_eq!(spool.bytes(), 2);
        spool.open = good;
        spool.append(b"c\n").unwrap();
        let all = fs::read_to_string(spool.path(0)).unwrap();
        let next = fs::read_to_string(spool.path(1)).unwrap_or_default();
        assert_eq!(all + &next, "a\nc\n");
    }
}
