//! The view of connections. Nothing is replayed here: a gateway measured the connections while requests came over them,
//! and its records carry the rows (`records.flow`). They are joined to the labelled requests by the request's id.

use std::collections::HashMap;
use std::io::BufRead;
use std::path::Path;

use anyhow::Context;
use portcullis_detect::feature::{FLOW_COLUMNS, FlowRow};
use serde::Deserialize;

use super::npy::Array;
use super::{beside, lines, little};
use crate::command::eval::sample::{self, Label};

/// What a record tells.
#[derive(Deserialize)]
struct Record {
    id: String,
    flow: Option<Vec<f32>>,
}

/// What a line tells beside its request.
#[derive(Deserialize)]
struct Line {
    #[serde(default)]
    request_id: String,
    #[serde(default)]
    attacker: Option<bool>,
}

/// Writes the view; how many rows. A request without a record, or of whose connection nothing was measured, has a row of
/// zeros.
///
/// # Errors
/// When a file cannot be read or written, a record's row is none, or no request has one.
pub fn write(from: &Path, records: &Path, to: &Path) -> anyhow::Result<usize> {
    let measured = measured(records)?;
    let mut array = Array::create(to, "<f4", &[FLOW_COLUMNS])?;
    let mut labels = Array::create(&beside(to, "labels.npy"), "|u1", &[])?;
    let mut joined = 0;
    each(from, |text| {
        let line: Line = serde_json::from_str(text).context("no line of requests")?;
        let row = measured.get(&line.request_id);
        joined += usize::from(row.is_some());
        array.push(1, &little(row.unwrap_or(&[0.0; FLOW_COLUMNS])))?;
        let attack = match line.attacker {
            Some(attacker) => attacker,
            None => sample::recorded(text)?.label == Label::Attack,
        };
        labels.push(1, &[u8::from(attack)])
    })?;
    anyhow::ensure!(
        joined > 0,
        "no `request_id` in {} is the `id` of a record with `flow` in {}",
        from.display(),
        records.display()
    );
    labels.finish()?;
    array.finish()
}

/// The rows of records, by the ids of the requests.
fn measured(records: &Path) -> anyhow::Result<HashMap<String, FlowRow>> {
    let mut measured = HashMap::new();
    each(records, |text| {
        let record: Record = serde_json::from_str(text).context("no record")?;
        if let Some(flow) = record.flow {
            let columns = flow.len();
            let row = FlowRow::try_from(flow).map_err(|_| {
                anyhow::anyhow!(
                    "`flow` has {columns} numbers, and this program knows {FLOW_COLUMNS}: another version wrote it"
                )
            })?;
            measured.insert(record.id, row);
        }
        Ok(())
    })?;
    Ok(measured)
}

/// Calls `take` with each line that is not empty.
fn each(path: &Path, mut take: impl FnMut(&str) -> anyhow::Result<()>) -> anyhow::Result<()> {
    for (number, line) in lines::open(path)?.lines().enumerate() {
        let place = || format!("{}: line {}", path.display(), number + 1);
        let line = line.with_context(place)?;
        if !line.trim().is_empty() {
            take(&line).with_context(place)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(id: &str, attacker: bool) -> String {
        format!(
            "{{\"method\":\"GET\",\"url\":\"/\",\"headers\":{{}},\"body\":\"\",\"label\":0,\"request_id\":\"{id}\",\"attacker\":{attacker}}}\n"
        )
    }

    fn record(id: &str, columns: usize) -> String {
        let flow: Vec<usize> = (1..=columns).collect();
        format!("{{\"id\":\"{id}\",\"path\":\"/\",\"flow\":{flow:?}}}\n")
    }

    #[test]
    fn rows_are_joined_by_the_id_of_the_request() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        std::fs::write(
            place("sent"),
            line("b", true) + &line("x", false) + "\n" + &line("a", false),
        )
        .unwrap();
        let text = record("a", 52) + "{\"id\":\"x\"}\n" + &record("b", 52);
        std::fs::write(place("records"), text).unwrap();
        let out = place("out.npy");
        assert_eq!(write(&place("sent"), &place("records"), &out).unwrap(), 3);
        let bytes = std::fs::read(&out).unwrap();
        let (rows, _) = bytes[bytes.len() - 3 * 52 * 4..].as_chunks::<4>();
        let rows: Vec<f32> = rows
            .iter()
            .map(|bytes| f32::from_le_bytes(*bytes))
            .collect();
        assert_eq!(
            (rows[0], rows[51], rows[52], rows[103], rows[104]),
            (1.0, 52.0, 0.0, 0.0, 1.0)
        );
        let labels = std::fs::read(place("out.labels.npy")).unwrap();
        assert_eq!(labels[labels.len() - 3..], [1, 0, 0]);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        std::fs::write(place("sent"), line("a", true)).unwrap();
        for (text, part) in [
            (record("a", 51), "line 1"),
            (record("b", 52), "no `request_id`"),
            ("{".to_owned(), "line 1"),
        ] {
            std::fs::write(place("records"), text).unwrap();
            let error = write(&place("sent"), &place("records"), &place("out.npy")).unwrap_err();
            assert!(error.to_string().contains(part), "{error}");
        }
    }
}
