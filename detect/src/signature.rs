//! Signatures: the rules run over the fields of one request.
//!
//! For each field, one pass of an Aho-Corasick automaton over each distinct form of it tells which rules can match
//! at all. Where several patterns of a group are possible, the group runs as one set; then each possible rule is
//! evaluated, and only patterns that can still match are run alone. Most fields raise no candidate and cost the one
//! pass.

pub(crate) mod address;
pub(crate) mod card;
mod evaluate;
pub(crate) mod iban;
pub(crate) mod index;
mod scan;

pub(crate) use self::evaluate::Found;
pub(crate) use self::scan::{Scan, State};

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
