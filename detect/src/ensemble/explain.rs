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

/// What each column of a field adds to the logit, and where its text first ends. With the gate's bias they add up to it.
fn parts(gate: &Gate, each: impl FnOnce(&mut dyn FnMut(u32, usize))) -> Vec<(f32, usize)> {
    let mut columns = Columns::new();
    each(&mut |column, at| {
        columns.entry(gate.column(column)).or_insert((0, at)).0 += 1;
    });
    let parts = columns.iter();
    parts
        .map(|(column, (count, at))| (gate.part(*column, *count), *at))
        .collect()
}

/// The pieces that add most.
pub(super) fn reasons(gate: &Gate, reading: &Reading<'_>) -> Vec<Reason> {
    let Some(top) = reading.judged().first() else {
        return Vec::new();
    };
    let mut parts = parts(gate, |mut sink| reading.columns(top, &mut sink));
    parts.retain(|(part, at)| *part > 0.0 && *at > 0);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ensemble::gate::Counts;
    use crate::feature::{COLUMN_BITS, columns_of};
    use crate::field::Location;

    #[test]
    fn the_parts_of_a_field_add_up_to_its_logit() {
        for bits in [12, COLUMN_BITS] {
            let weights =
                (0..1_u32 << bits).map(|column| (f64::from(column) * 0.7).sin() as f32 * 0.05);
            let gate = Gate::new(weights.collect(), -0.5).unwrap();
            for text in [
                "a",
                "' or 1=1--",
                "<svg onload=alert(1)>",
                &"ab ".repeat(90),
            ] {
                let parts = parts(&gate, |mut sink| {
                    columns_of(text.as_bytes(), Location::Query, &mut sink);
                });
                let sum: f32 = parts.iter().map(|(part, _)| part).sum();
                let mut counts = Counts::default();
                let logit = gate.logit(text.as_bytes(), Location::Query, &mut counts);
                let nothing = gate.logit_of([]);
                assert!(
                    (nothing + sum - logit).abs() < 1e-3,
                    "{text}: {sum} {logit}"
                );
                assert!(parts.len() > 1 && sum != 0.0, "{text}");
            }
        }
    }
}
