//! Arrays in NumPy's format, written row by row: the head says how many rows there are, so it is written last.
//! The format is described in NumPy's `numpy/lib/format.py` (version 1.0).

use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

use anyhow::Context;

/// Room for the head; a multiple of 64.
const HEAD: usize = 128;

/// An array that is being written.
pub struct Array {
    file: BufWriter<File>,
    kind: &'static str,
    row: Vec<usize>,
    rows: usize,
}

impl Array {
    /// Creates the file. `kind` is NumPy's name of the type (`<f4`), `row` the shape of one row.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn create(path: &Path, kind: &'static str, row: &[usize]) -> anyhow::Result<Self> {
        let file =
            File::create(path).with_context(|| format!("{} cannot be written", path.display()))?;
        let mut file = BufWriter::with_capacity(1 << 20, file);
        file.write_all(&[b' '; HEAD])?;
        Ok(Self {
            file,
            kind,
            row: row.to_vec(),
            rows: 0,
        })
    }

    /// Appends rows, given as their bytes, little-endian.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn push(&mut self, rows: usize, bytes: &[u8]) -> anyhow::Result<()> {
        self.rows += rows;
        Ok(self.file.write_all(bytes)?)
    }

    /// Writes the head and ends the file; how many rows it has.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(mut self) -> anyhow::Result<usize> {
        let head = head(self.kind, self.rows, &self.row);
        self.file.flush()?;
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(&head)?;
        self.file.flush()?;
        Ok(self.rows)
    }
}

fn head(kind: &str, rows: usize, row: &[usize]) -> Vec<u8> {
    let mut shape = format!("{rows},");
    for size in row {
        shape += &format!(" {size},");
    }
    let mut head = b"\x93NUMPY\x01\x00".to_vec();
    // Fits: the head is 128 bytes.
    head.extend_from_slice(&((HEAD - 10) as u16).to_le_bytes());
    let text = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({shape}), }}");
    head.extend_from_slice(text.as_bytes());
    head.resize(HEAD - 1, b' ');
    head.push(b'\n');
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_as_numpy_reads_them() {
        for (row, shape) in [(&[][..], "(7,)"), (&[3, 256][..], "(7, 3, 256,)")] {
            let head = head("|u1", 7, row);
            assert_eq!(head.len(), HEAD);
            assert_eq!(&head[..10], b"\x93NUMPY\x01\x00\x76\x00");
            let text = String::from_utf8(head[10..].to_vec()).unwrap();
            let expected =
                format!("{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}");
            assert_eq!(text.trim_end(), expected);
            assert!(text.ends_with('\n'));
        }
    }
}
