//! Which fields could carry an attack at all, and which of them most likely does.

use super::{Reading, excerpt, grams, marks, words};
use crate::decode::class::SLASH;
use crate::decode::{CharClass, Form};
use crate::ensemble::gate::Gate;
use crate::field::{Field, Location, Locations};

/// A field that is not provably plain.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judged {
    /// Its number in the engine's list.
    pub field: usize,
    /// What the gate makes of it; 0 without a gate.
    pub logit: f32,
    /// By what it is ranked.
    pub(super) suspicion: f32,
}

/// Fields that stand elsewhere once more, or are looked at by other means.
const ELSEWHERE: Locations = Locations::of(&[
    Location::Method,
    Location::Host,
    Location::HeaderName,
    Location::PathSegment,
    Location::ResponseStatus,
    Location::ResponseHeader,
    Location::ResponseBody,
    Location::Subject,
]);

/// Headers that list tokens.
const LISTS: [&[u8]; 10] = [
    b"accept",
    b"accept-encoding",
    b"accept-language",
    b"cache-control",
    b"connection",
    b"content-type",
    b"priority",
    b"te",
    b"vary",
    b"x-requested-with",
];

/// How many bytes of a request the gate reads in full, and up to how many it reads a little of each field.
const FULL: usize = 32 << 10;
const SOME: usize = 64 << 10;
/// How much of a field is read after that.
const LITTLE: usize = 256;
/// How many fields are in order of rank.
const RANKED: usize = 3;

impl Reading<'_> {
    /// Finds the judged fields and brings the most suspicious ones to the front.
    pub(super) fn rank(&mut self, gate: Option<&Gate>) {
        self.scratch.judged.clear();
        let fields = self.input.fields;
        let mut read = 0;
        for (number, field) in fields.iter().enumerate() {
            if ELSEWHERE.contains(field.location) || read > SOME {
                continue;
            }
            let Some(class) = self.judged_class(number, field) else {
                continue;
            };
            let longest = if read > FULL { LITTLE } else { grams::LONGEST };
            let (logit, suspicion, length) = self.suspicion(number, field, class, longest, gate);
            read += length.min(longest);
            let suspicion = suspicion + 10.0 * self.scratch.findings.field(number);
            self.scratch.judged.push(Judged {
                field: number,
                logit,
                suspicion,
            });
        }
        self.select();
    }

    /// What the decoded form is made of, of a field that is to be judged.
    fn judged_class(&mut self, number: usize, field: &Field) -> Option<CharClass> {
        let class = self.ensure(number, Form::Raw);
        if class.is_plain() {
            return None;
        }
        let raw = self.input.raw(field);
        if field.location == Location::Header
            && LISTS.contains(&self.input.name(field))
            && marks::is_list(raw, class)
        {
            return None;
        }
        let class = self.ensure(number, Form::Decoded);
        let bytes = self.forms.view(number, Form::Decoded, raw);
        let plain = class.is_plain()
            || (field.location == Location::Path
                && class.has(SLASH)
                && marks::is_plain_path(bytes, class))
            || marks::is_opaque(bytes, class);
        (!plain).then_some(class)
    }

    /// The gate's logit, the suspicion without signatures, and the length of the decoded form.
    fn suspicion(
        &mut self,
        number: usize,
        field: &Field,
        _class: CharClass,
        longest: usize,
        gate: Option<&Gate>,
    ) -> (f32, f32, usize) {
        let raw = self.input.raw(field);
        let bytes = self.forms.view(number, Form::Decoded, raw);
        let length = bytes.len();
        let bytes = excerpt(bytes, longest, &mut self.scratch.excerpt);
        if let Some(gate) = gate {
            let logit = gate.logit(bytes, field.location, &mut self.scratch.counts);
            return (logit, logit, length);
        }
        let marks = marks::count(bytes).min(40) as f32;
        let rounds = 5.0 * f32::from(self.forms.layers(number).rounds);
        let words = 3.0 * words::count(bytes, 10) as f32;
        let penalty = (0.02 * length as f32).min(10.0);
        (0.0, marks + rounds + words - penalty, length)
    }

    /// Brings the most suspicious fields to the front, the earlier of equals first.
    fn select(&mut self) {
        let judged = &mut self.scratch.judged;
        for rank in 0..RANKED.min(judged.len()) {
            let mut best = rank;
            for at in rank + 1..judged.len() {
                let (one, other) = (&judged[at], &judged[best]);
                let earlier = one.suspicion == other.suspicion && one.field < other.field;
                if one.suspicion > other.suspicion || earlier {
                    best = at;
                }
            }
            judged.swap(rank, best);
        }
    }
}
