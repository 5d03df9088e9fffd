//! Why: the pieces of the most suspicious field that speak for an attack, by what each adds to the gate's logit. For a
//! linear model this is exact: all pieces, those of less weight and those that speak against it included, add up to
//! the logit.

use std::collections::HashMap;

use super::gate::Gate;
use super::opinion::Reason;
use crate::feature::{LONGEST_READ, Reading};

/// How many pieces are shown.
const SHOWN: usize = 5;

/// How many bytes before its end a piece shows: as many as the longest n-gram, or a word.
const PIECE: usize = 12;

/// A column of a field: how often it occurs, and where its text first ends.
type Columns = HashMap<u32, (u32, usize)>;

/// The pieces that add most.
pub(super) fn reasons(gate: &Gate, reading: &Reading<'_>) -> Vec<Reason> {
    let Some(top) = reading.judged().first() else {
        return Vec::new();
    };
    let mut columns = Columns::new();
    reading.columns(top, &mut |column, at| {
        columns.entry(gate.column(column)).or_insert((0, at)).0 += 1;
    });
    let mut parts: Vec<(f32, usize)> = columns
        .iter()
        .map(|(column, (count, at))| (gate.part(*column, *count), *at))
        .filter(|(part, at)| *part > 0.0 && *at > 0)
        .collect();
    parts.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(&other.1)));
    let bytes = reading.decoded(top);
    let mut reasons: Vec<Reason> = Vec::new();
    for (contribution, at) in parts {
        let text = piece(bytes, at);
        if reasons.iter().all(|shown| shown.text != text) {
            reasons.push(Reason { text, contribution });
        }
        if reasons.len() == SHOWN {
            break;
        }
    }
    reasons
}

fn piece(bytes: &[u8], end: usize) -> String {
    // Of a long field the beginning and the end were read.
    let left_out = bytes.len().saturating_sub(LONGEST_READ);
    let end = if end > LONGEST_READ / 2 {
        end + left_out
    } else {
        end
    };
    let end = end.min(bytes.len());
    let shown = &bytes[end.saturating_sub(PIECE)..end];
    let text = String::from_utf8_lossy(shown);
    text.chars()
        .map(|c| {
            if c.is_control() {
                char::REPLACEMENT_CHARACTER
            } else {
                c
            }
        })
        .collect()
}
