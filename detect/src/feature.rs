//! Features: what models read of a request, computed from the engine's own view, its decoded forms and what the
//! signatures found. One [`Reading`] is made of a request after the scan; it ranks the fields that could carry an
//! attack, and fills the views that are asked for. Training calls the same code through `portcullis features`, so
//! that a model meets in service what it was trained on. `docs/FEATURES.md` is the contract.

mod characters;
mod findings;
mod flow;
mod grams;
mod lexical;
mod marks;
mod rank;
mod request;
mod schema;
mod table;
mod token;
mod words;

use crate::decode::{Chains, CharClass, Form, Forms};
use crate::ensemble::gate::{Counts, Gate};
use crate::field::{Anomaly, Field, Location};
use crate::signature::Input;

pub use self::characters::{CHARACTERS, Characters, FIELDS as CHARACTER_FIELDS};
pub(crate) use self::findings::Findings;
pub use self::flow::{Connection, FLOW_COLUMNS, FlowColumn, FlowRow, FlowUnit, Spread, Way};
pub(crate) use self::grams::LONGEST as LONGEST_READ;
pub use self::grams::{BITS as COLUMN_BITS, MOST as MOST_OF_A_COLUMN};
pub use self::rank::Judged;
pub use self::schema::View;
pub use self::table::{COUNT as REQUEST_COLUMNS, Column, Row, Unit};

/// What a worker keeps for features from request to request.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    pub(crate) findings: Findings,
    judged: Vec<Judged>,
    /// The beginning and the end of a long field.
    excerpt: Vec<u8>,
    pub(crate) counts: Counts,
}

/// A request that was scanned, ready to be read as features.
pub struct Reading<'r> {
    input: Input<'r>,
    /// What the decoders noted during the scan.
    noted: &'r [Anomaly],
    forms: &'r mut Forms,
    scratch: &'r mut Scratch,
}

impl<'r> Reading<'r> {
    /// Reads the request and ranks its fields, by the gate where there is one.
    pub(crate) fn new(
        input: Input<'r>,
        noted: &'r [Anomaly],
        forms: &'r mut Forms,
        scratch: &'r mut Scratch,
        gate: Option<&Gate>,
    ) -> Self {
        let mut reading = Self {
            input,
            noted,
            forms,
            scratch,
        };
        reading.rank(gate);
        reading
    }

    /// The judged fields, the most suspicious three first, the others in their order.
    pub fn judged(&self) -> &[Judged] {
        &self.scratch.judged
    }

    /// The request as it was sent.
    pub(crate) const fn request_as_sent(&self) -> &'r crate::Request<'r> {
        self.input.request
    }

    /// A field of the request.
    pub fn field(&self, judged: &Judged) -> &'r Field {
        &self.input.fields[judged.field]
    }

    /// The name of a field.
    pub fn name(&self, judged: &Judged) -> &'r [u8] {
        self.input.name(self.field(judged))
    }

    /// The decoded form of a judged field.
    pub fn decoded(&self, judged: &Judged) -> &[u8] {
        let raw = self.input.raw(self.field(judged));
        self.forms.view(judged.field, Form::Decoded, raw)
    }

    /// The signatures' score of a judged field, 0 to 1.
    pub fn signature(&self, judged: &Judged) -> f32 {
        self.scratch.findings.field(judged.field)
    }

    /// Names each column of a judged field for the gate, as often as it occurs, and where its text ends.
    pub fn columns(&self, judged: &Judged, sink: &mut impl FnMut(u32, usize)) {
        let mut long = Vec::new();
        let bytes = excerpt(self.decoded(judged), grams::LONGEST, &mut long);
        grams::columns(bytes, self.field(judged).location, sink);
    }

    /// Computes a form of a field and tells what it is made of.
    fn ensure(&mut self, number: usize, form: Form) -> CharClass {
        let Some(field) = self.input.fields.get(number) else {
            return CharClass::default();
        };
        let raw = self.input.raw(field);
        self.forms
            .ensure(number, form, raw, field.encoding, Chains::EMPTY)
    }
}

/// The columns of any bytes at a location, as the gate reads them.
pub(crate) fn columns_of(bytes: &[u8], location: Location, sink: &mut impl FnMut(u32, usize)) {
    grams::columns(bytes, location, sink);
}

/// The bytes, or if there are more than `longest` the first and the last half of that.
fn excerpt<'a>(bytes: &'a [u8], longest: usize, room: &'a mut Vec<u8>) -> &'a [u8] {
    if bytes.len() <= longest {
        return bytes;
    }
    let half = longest / 2;
    room.clear();
    room.extend_from_slice(&bytes[..half]);
    room.extend_from_slice(&bytes[bytes.len() - half..]);
    room
}

#[cfg(test)]
mod tests;
