//! The view of single fields: a row for each, its columns as a sparse matrix, and a line that says what it is.

use std::collections::HashMap;
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::Context;
use portcullis_detect::Location;
use portcullis_detect::feature::{Judged, MOST_OF_A_COLUMN, Reading};
use serde::Serialize;

use super::beside;
use super::npy::Array;
use crate::command::eval::sample::{Label, Sample};

/// Characters of a field that are shown to people.
const SHOWN: usize = 240;

/// The judged fields of one request.
pub struct FieldsOf(Vec<Field>);

struct Field {
    row: Shown,
    hash: u64,
    /// Column and count, by column.
    columns: Vec<(u32, u8)>,
}

/// A line of `rows.jsonl`.
#[derive(Serialize)]
struct Shown {
    request: usize,
    field: usize,
    location: Location,
    name: String,
    via: portcullis_detect::field::Via,
    length: usize,
    attacked: Option<bool>,
    signature: f32,
    #[serde(skip_serializing_if = "Option::is_none")]
    gate: Option<f32>,
    text: String,
    hash: String,
}

impl FieldsOf {
    /// Reads the judged fields of a request.
    pub fn read(sample: &Sample, reading: &mut Reading<'_>, gated: bool) -> Self {
        let mut judged = reading.judged().to_vec();
        judged.sort_by_key(|judged| judged.field);
        let mut fields: Vec<Field> = judged
            .iter()
            .map(|one| field(reading, one, gated))
            .collect();
        mark(sample, reading, &judged, &mut fields);
        Self(fields)
    }
}

fn field(reading: &Reading<'_>, judged: &Judged, gated: bool) -> Field {
    let decoded = reading.decoded(judged);
    let about = reading.field(judged);
    let mut hasher = DefaultHasher::new();
    (about.location as u8, decoded).hash(&mut hasher);
    let hash = hasher.finish();
    let shown = &decoded[..decoded.len().min(SHOWN)];
    Field {
        row: Shown {
            request: 0,
            field: judged.field,
            location: about.location,
            name: String::from_utf8_lossy(reading.name(judged)).into_owned(),
            via: about.via,
            length: decoded.len(),
            attacked: None,
            signature: reading.signature(judged),
            gate: gated.then_some(judged.logit),
            text: String::from_utf8_lossy(shown).into_owned(),
            hash: format!("{hash:016x}"),
        },
        hash,
        columns: counted(reading, judged),
    }
}

fn counted(reading: &Reading<'_>, judged: &Judged) -> Vec<(u32, u8)> {
    let mut all = Vec::new();
    reading.columns(judged, &mut |column, _| all.push(column));
    all.sort_unstable();
    let groups = all.chunk_by(|one, other| one == other);
    groups
        .map(|group| {
            let count = u8::try_from(group.len()).unwrap_or(MOST_OF_A_COLUMN);
            (group[0], count)
        })
        .collect()
}

/// Says of each field whether it is attacked, as far as the sample tells.
fn mark(sample: &Sample, reading: &Reading<'_>, judged: &[Judged], fields: &mut [Field]) {
    if sample.label == Label::Harmless {
        for field in fields {
            field.row.attacked = Some(false);
        }
        return;
    }
    let payload = bare(sample.payload.as_bytes());
    if payload.is_empty() {
        return;
    }
    let holds = |one: &Judged| {
        let text = bare(reading.decoded(one));
        memchr::memmem::find(&text, &payload).is_some()
    };
    let held: Vec<bool> = judged.iter().map(holds).collect();
    if held.contains(&true) {
        for (field, held) in fields.iter_mut().zip(held) {
            field.row.attacked = Some(held);
        }
    }
}

/// What encodings leave alone: letters and digits of the text with its escapes undone, in small letters.
fn bare(bytes: &[u8]) -> Vec<u8> {
    let mut once = unescaped(bytes);
    for _ in 0..2 {
        once = unescaped(&once);
    }
    once.retain(|byte| byte.is_ascii_graphic());
    once.make_ascii_lowercase();
    once
}

fn unescaped(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    if portcullis_detect::decode::percent::decode_form(bytes, &mut out) {
        out
    } else {
        bytes.to_vec()
    }
}

/// The files.
pub struct Fields {
    values: Array,
    indices: Array,
    pointers: Array,
    times: Option<Array>,
    rows: BufWriter<File>,
    requests: usize,
    entries: i64,
    /// With `distinct`: which row a field has, and how often it was met.
    known: HashMap<(u64, Option<bool>), usize>,
    met: Vec<u32>,
}

impl Fields {
    /// Creates them.
    ///
    /// # Errors
    /// When one cannot be created.
    pub fn create(to: &Path, distinct: bool) -> anyhow::Result<Self> {
        let rows = beside(to, "rows.jsonl");
        let file =
            File::create(&rows).with_context(|| format!("{} cannot be written", rows.display()))?;
        let times = distinct.then(|| Array::create(&beside(to, "times.npy"), "<u4", &[]));
        let mut pointers = Array::create(&beside(to, "indptr.npy"), "<i8", &[])?;
        pointers.push(1, &0_i64.to_le_bytes())?;
        Ok(Self {
            values: Array::create(to, "<f4", &[])?,
            indices: Array::create(&beside(to, "indices.npy"), "<i4", &[])?,
            pointers,
            times: times.transpose()?,
            rows: BufWriter::new(file),
            requests: 0,
            entries: 0,
            known: HashMap::new(),
            met: Vec::new(),
        })
    }

    /// Appends the fields of the next request.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn push(&mut self, fields: FieldsOf) -> anyhow::Result<()> {
        for mut field in fields.0 {
            if self.times.is_some() && self.is_known(&field) {
                continue;
            }
            field.row.request = self.requests;
            self.write(&field)?;
        }
        self.requests += 1;
        Ok(())
    }

    fn is_known(&mut self, field: &Field) -> bool {
        let key = (field.hash, field.row.attacked);
        let next = self.met.len();
        let row = *self.known.entry(key).or_insert(next);
        if row == next {
            self.met.push(0);
        }
        self.met[row] += 1;
        row != next
    }

    fn write(&mut self, field: &Field) -> anyhow::Result<()> {
        for (column, count) in &field.columns {
            self.indices.push(1, &column.to_le_bytes())?;
            self.values
                .push(1, &f32::from(*count).sqrt().to_le_bytes())?;
        }
        self.entries += i64::try_from(field.columns.len())?;
        self.pointers.push(1, &self.entries.to_le_bytes())?;
        serde_json::to_writer(&mut self.rows, &field.row)?;
        Ok(self.rows.write_all(b"\n")?)
    }

    /// Ends the files; how many rows there are.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn finish(mut self) -> anyhow::Result<usize> {
        if let Some(mut times) = self.times.take() {
            for count in &self.met {
                times.push(1, &count.to_le_bytes())?;
            }
            times.finish()?;
        }
        self.rows.flush()?;
        self.values.finish()?;
        self.indices.finish()?;
        Ok(self.pointers.finish()? - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_found_through_encodings() {
        for (payload, field, held) in [
            ("' or 1=1", "x' OR  1=1-- -", true),
            ("%27%20or%201%3D1", "' or 1=1", true),
            ("' or 1=1", "harmless", false),
            ("a+b", "a b", true),
        ] {
            let (payload, field) = (bare(payload.as_bytes()), bare(field.as_bytes()));
            let found = memchr::memmem::find(&field, &payload).is_some();
            assert_eq!(found, held, "{payload:?} {field:?}");
        }
    }
}
