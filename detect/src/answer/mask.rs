//! Masking: what rules found in an answer is overwritten with asterisks, byte for byte, so that every length and every
//! position stays true; bare numbers in JSON with nines. The masked answer is judged again, and only one that the policy lets pass leaves: what a rule
//! saw in another form than the bytes as sent, or saw in the answer as a whole, cannot be overwritten.

use std::ops::Range;

use super::as_request;
use crate::clock::Clock;
use crate::decode::Form;
use crate::evidence::is_excepted;
use crate::policy::Policy;
use crate::request::Body;
use crate::response::Response;
use crate::rule::condition::Operator;
use crate::rule::{Rule, RuleSet};
use crate::signature::{card, iban};
use crate::verdict::Action;
use crate::{Detector, Worker};

/// An answer without what the rules found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Masked {
    /// The headers that changed, by their place in the list, and their new values, each as long as before.
    pub headers: Vec<(usize, Vec<u8>)>,
    /// The body, as long as before.
    pub body: Vec<u8>,
}

impl Detector {
    /// Overwrites all that the rules find in an answer. `None` where that cannot be done, or does not help: the answer
    /// is to be denied then.
    pub fn mask_response(
        &self,
        worker: &mut Worker,
        response: &Response<'_>,
        policy: &Policy,
        clock: &dyn Clock,
    ) -> Option<Masked> {
        let mut masked = Masked {
            headers: Vec::new(),
            body: response.body.bytes.to_vec(),
        };
        for (rule, field) in self.found(worker, response, policy) {
            masked.overwrite(&self.rules, rule, field, response)?;
        }
        let headers = masked.applied_to(response.headers);
        let again = Response {
            headers: &headers,
            body: Body {
                bytes: &masked.body,
                complete: response.body.complete,
            },
            ..*response
        };
        let verdict = self.inspect_response(worker, &again, policy, clock);
        (verdict.action < Action::Deny).then_some(masked)
    }

    /// Each rule that holds, and the number of the field in which it does.
    fn found<'d>(
        &'d self,
        worker: &'d mut Worker,
        response: &Response<'_>,
        policy: &Policy,
    ) -> Vec<(&'d Rule, usize)> {
        let status = response.status.to_string();
        let answer = as_request(response, &status);
        let mut scan = self.read_answer(worker, &answer, policy.paranoia);
        let input = scan.input;
        let mut all = Vec::new();
        scan.run(&mut |rule, found| {
            if let Some(field) = found.field
                && !is_excepted(&input, policy, rule, &found)
            {
                all.push((&*rule.id, field));
            }
        });
        let known = |(id, field)| Some((self.rules.find(id)?, field));
        all.into_iter().filter_map(known).collect()
    }
}

impl Masked {
    /// Overwrites what one rule found in one field. `None`: it reaches to where the inspected part of the body ends,
    /// and may go on behind it.
    fn overwrite(
        &mut self,
        rules: &RuleSet,
        rule: &Rule,
        field: usize,
        response: &Response<'_>,
    ) -> Option<()> {
        // Field 0 is the status, then come the headers, then the body.
        let number = field.checked_sub(1)?;
        match response.headers.get(number) {
            Some((_, value)) => {
                let spots = spots(rules, rule, value);
                if spots.is_empty() {
                    return Some(());
                }
                let known = self.headers.iter().position(|(known, _)| *known == number);
                let at = known.unwrap_or_else(|| {
                    self.headers.push((number, value.to_vec()));
                    self.headers.len() - 1
                });
                cover(&mut self.headers[at].1, spots);
            }
            None => {
                let bytes = response.body.bytes;
                let spots = spots(rules, rule, bytes);
                if !response.body.complete && spots.iter().any(|spot| spot.end >= bytes.len()) {
                    return None;
                }
                cover(&mut self.body, spots);
            }
        }
        Some(())
    }

    /// The headers with the changed ones replaced.
    fn applied_to<'h>(&'h self, headers: &'h [(&'h str, &'h [u8])]) -> Vec<(&'h str, &'h [u8])> {
        let mut all = headers.to_vec();
        for (number, value) in &self.headers {
            all[*number].1 = value;
        }
        all
    }
}

/// The bytes that a rule points at. Numbers that passed a check digit come before patterns, and these before words:
/// where a rule has several conditions, the weaker ones are there to recognise the place, not the secret.
fn spots(rules: &RuleSet, rule: &Rule, raw: &[u8]) -> Vec<Range<usize>> {
    // Patterns over other forms than the bytes as sent are written in lower case.
    let lower = raw.to_ascii_lowercase();
    let mut ranked: [Vec<Range<usize>>; 3] = Default::default();
    rule.condition.each_leaf(false, &mut |number, negated| {
        let leaf = &rules.leaves[number as usize];
        let as_sent = leaf.form == Form::Raw.into();
        let bytes = if as_sent { raw } else { &lower };
        match &leaf.operator {
            _ if negated => {}
            Operator::Card => ranked[0].extend(card::all(bytes)),
            Operator::Iban => ranked[0].extend(iban::all(bytes)),
            Operator::Pattern(pattern) => ranked[1].extend(pattern.masked(bytes)),
            Operator::Contains(literals) => {
                for literal in literals {
                    let starts = memchr::memmem::find_iter(bytes, literal);
                    ranked[2].extend(starts.map(|start| start..start + literal.len()));
                }
            }
            _ => {}
        }
    });
    let first = ranked.into_iter().find(|spots| !spots.is_empty());
    first.unwrap_or_default()
}

/// Writes asterisks. A character that a spot cuts through is covered whole, so that text stays valid UTF-8.
fn cover(bytes: &mut [u8], spots: Vec<Range<usize>>) {
    let continues = |byte: &u8| byte & 0xc0 == 0x80;
    for Range { mut start, mut end } in spots {
        while start > 0 && bytes.get(start).is_some_and(continues) {
            start -= 1;
        }
        while bytes.get(end).is_some_and(continues) {
            end += 1;
        }
        let filler = if is_bare_number(bytes, start..end) {
            b'9'
        } else {
            b'*'
        };
        if let Some(spot) = bytes.get_mut(start..end) {
            spot.fill(filler);
        }
    }
}

/// Whether a spot is a number of JSON, which asterisks would make something that no parser takes.
fn is_bare_number(bytes: &[u8], spot: Range<usize>) -> bool {
    let json = matches!(bytes.trim_ascii_start(), [b'{' | b'[', ..]);
    let digits = bytes.get(spot.clone()).unwrap_or_default();
    let before = bytes[..spot.start].trim_ascii_end().last();
    let behind = bytes
        .get(spot.end..)
        .unwrap_or_default()
        .trim_ascii_start()
        .first();
    json && digits.iter().all(u8::is_ascii_digit)
        && matches!(before, Some(b':' | b',' | b'['))
        && matches!(behind, Some(b',' | b'}' | b']'))
}

#[cfg(test)]
mod tests;
