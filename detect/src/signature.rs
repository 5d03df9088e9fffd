//! Signatures: the rules run over the fields of one request.
//!
//! For each field, one pass of an Aho-Corasick automaton over each distinct form of it tells which rules can match
//! at all: a literal of theirs occurs, and the bytes that they need do. Those rules are evaluated, the cheap parts of
//! their conditions first. A pattern that is asked runs alone, or where several of its group are possible, as one set
//! with them. Most fields raise no candidate and cost the one pass.

pub(crate) mod address;
mod caches;
pub(crate) mod card;
mod evaluate;
mod familiar;
pub(crate) mod iban;
pub(crate) mod index;
mod lexicon;
mod scan;
mod stamps;
mod state;
mod texts;

pub(crate) use self::caches::MOST_BYTES as MOST_CACHES;
pub(crate) use self::evaluate::Found;
pub(crate) use self::scan::Scan;
pub(crate) use self::state::State;

use crate::field::{Anomaly, Field};
use crate::request::Request;

/// The request as the signatures see it: what was sent, and what it was read into.
#[derive(Clone, Copy)]
pub(crate) struct Input<'a> {
    /// What was sent.
    pub request: &'a Request<'a>,
    /// What it was read into.
    pub fields: &'a [Field],
    /// The bytes that the reader put together.
    pub arena: &'a [u8],
    /// What was noted while reading.
    pub anomalies: &'a [Anomaly],
}

impl<'a> Input<'a> {
    /// The name of a field.
    pub(crate) fn name(&self, field: &Field) -> &'a [u8] {
        field.name.bytes(self.request, self.arena)
    }

    /// The bytes of a field, as sent.
    pub(crate) fn raw(&self, field: &Field) -> &'a [u8] {
        field.value.bytes(self.request, self.arena)
    }
}
