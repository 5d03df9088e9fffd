//! Whether a rule holds: its condition's tree, for one field or for the request.

use std::ops::Range;

use crate::decode::{Form, FormId};
use crate::field::{Field, Location, Span};
use crate::injection;
use crate::rule::NumberSpec;
use crate::rule::Rule;
use crate::rule::condition::{Leaf, Node, Operator, RequestTest, Somewhere};
use crate::rule::needs::Traits;
use crate::signature::{Scan, address, card, iban};

/// Where a condition is being asked.
#[derive(Clone, Copy)]
pub(crate) struct At {
    /// The field's number, or `None` for the request.
    pub field: Option<usize>,
    /// Whether the literals of this field were not looked for.
    pub direct: bool,
}

/// Where a condition holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    /// The field's number; `None` for the request as a whole.
    pub field: Option<usize>,
    /// Its location, or that of the anomaly.
    pub location: Location,
    /// The form in which it holds.
    pub form: FormId,
    /// The bytes of the form that show it.
    pub start: usize,
    /// One past the last of them.
    pub end: usize,
    /// The bytes that show an anomaly.
    pub span: Option<Span>,
}

impl Found {
    fn request() -> Self {
        Found {
            field: None,
            location: Location::Method,
            form: Form::Raw.into(),
            start: 0,
            end: 0,
            span: None,
        }
    }

    /// Whether it points at bytes.
    const fn is_precise(&self) -> bool {
        self.end > self.start || self.span.is_some()
    }
}

impl Scan<'_> {
    /// Where a rule holds, asked at one place.
    pub(super) fn rule(&mut self, rule: &Rule, at: At) -> Option<Found> {
        let found = self.node(&rule.condition, at)?;
        if let Some(unless) = &rule.unless {
            let at = At {
                field: found.field.filter(|_| rule.wide).or(at.field),
                direct: at.direct,
            };
            if self.node(unless, at).is_some() {
                return None;
            }
        }
        Some(found)
    }

    fn node(&mut self, node: &Node, at: At) -> Option<Found> {
        match node {
            Node::All(parts) => self.all(parts, at),
            Node::Any(parts) => parts.iter().find_map(|part| self.node(part, at)),
            Node::Not(part) => match self.node(part, at) {
                Some(_) => None,
                None => Some(self.whole(at)),
            },
            Node::Leaf(number) => self.leaf(*number, at),
            Node::Request(test) => self.request_test(test),
            Node::Somewhere(somewhere) => self.somewhere(somewhere),
        }
    }

    /// All parts; what is shown is the first that points at bytes.
    fn all(&mut self, parts: &[Node], at: At) -> Option<Found> {
        let mut shown: Option<Found> = None;
        for part in parts {
            let found = self.node(part, at)?;
            let better = shown.is_none_or(|shown| !shown.is_precise() && found.is_precise());
            if better {
                shown = Some(found);
            }
        }
        shown.or_else(|| Some(self.whole(at)))
    }

    /// A finding that points at no bytes in particular.
    fn whole(&self, at: At) -> Found {
        let field = at.field.and_then(|number| self.input.fields.get(number));
        Found {
            field: at.field,
            location: field.map_or(Location::Method, |field| field.location),
            ..Found::request()
        }
    }

    fn leaf(&mut self, number: u32, at: At) -> Option<Found> {
        let set = self.set;
        let leaf = &set.leaves[number as usize];
        let index = at.field?;
        if !at.direct && self.is_ruled_out(number as usize, leaf) {
            return None;
        }
        let field = self.input.fields.get(index)?;
        if !at.direct && self.is_missed(number as usize, leaf, index, field) {
            return None;
        }
        let raw = self.input.raw(field);
        self.forms
            .ensure(index, leaf.form, raw, field.encoding, &set.chains);
        let bytes = self.forms.view(index, leaf.form, raw);
        if at.direct && !is_worth_asking(leaf, bytes) {
            return None;
        }
        let range = match &leaf.operator {
            Operator::Sqli => {
                let answer = match self.state.sqli {
                    Some((field, form, answer)) if (field, form) == (index, leaf.form) => answer,
                    _ => injection::is_sqli(bytes).is_some(),
                };
                self.state.sqli = Some((index, leaf.form, answer));
                answer.then_some(0..bytes.len())?
            }
            Operator::Pattern(pattern) => {
                let number = number as usize;
                let found = self.state.caches.find(number, pattern.exact()?, bytes);
                found.map(|span| span.range())?
            }
            operator => Self::test(operator, bytes)?,
        };
        Some(Found {
            field: at.field,
            location: field.location,
            form: leaf.form,
            start: range.start,
            end: range.end,
            span: None,
        })
    }

    /// Whether literals or needs have already said no.
    fn is_ruled_out(&self, number: usize, leaf: &Leaf) -> bool {
        leaf.announced && !self.state.flagged.has(number)
    }

    /// Whether the leaf's group says no, which runs now if it is worth it.
    fn is_missed(&mut self, number: usize, leaf: &Leaf, index: usize, field: &Field) -> bool {
        let Operator::Pattern(pattern) = &leaf.operator else {
            return false;
        };
        self.ask_group(number, pattern.heavy, index, field);
        self.state.is_missed(number)
    }

    /// The bytes that pass, if the test does.
    fn test(operator: &Operator, bytes: &[u8]) -> Option<Range<usize>> {
        let whole = || 0..bytes.len();
        match operator {
            // Asked with the caches at hand.
            Operator::Pattern(_) => None,
            Operator::Contains(list) => list.iter().find_map(|literal| {
                let start = memchr::memmem::find(bytes, literal)?;
                Some(start..start + literal.len())
            }),
            Operator::Equals(list) => list.iter().any(|literal| literal == bytes).then(whole),
            Operator::StartsWith(list) => {
                let found = list.iter().find(|literal| bytes.starts_with(literal))?;
                Some(0..found.len())
            }
            Operator::EndsWith(list) => {
                let found = list.iter().find(|literal| bytes.ends_with(literal))?;
                Some(bytes.len() - found.len()..bytes.len())
            }
            Operator::Length(limits) => limits.hold(bytes.len() as u64).then(whole),
            Operator::ByteOutside(inside) => {
                let at = bytes.iter().position(|byte| !inside[usize::from(*byte)])?;
                Some(at..at + 1)
            }
            Operator::Number(bounds) => {
                number(bytes).filter(|n| holds(bounds, *n)).map(|_| whole())
            }
            Operator::Address(networks) => {
                let address = address::of(bytes)?;
                networks
                    .iter()
                    .any(|network| network.contains(&address))
                    .then(whole)
            }
            Operator::Sqli => injection::is_sqli(bytes).map(|_| whole()),
            Operator::Xss => injection::is_xss(bytes).then(whole),
            Operator::Card => card::find(bytes),
            Operator::Iban => iban::find(bytes),
        }
    }

    fn request_test(&mut self, test: &RequestTest) -> Option<Found> {
        match test {
            RequestTest::Anomaly(kinds, places) => {
                let here = |location| {
                    places
                        .as_ref()
                        .is_none_or(|p| p.locations().contains(location))
                };
                let noted = self
                    .anomalies()
                    .find(|a| kinds.contains(&a.kind) && here(a.location))?;
                Some(Found {
                    location: noted.location,
                    span: Some(noted.span),
                    ..Found::request()
                })
            }
            RequestTest::Count(places, limits) => {
                let fields = self.input.fields.iter();
                let count = fields
                    .filter(|f| places.contain(f.location, self.input.name(f)))
                    .count();
                limits.hold(count as u64).then(Found::request)
            }
            RequestTest::Client(networks) => {
                let client = self.input.request.client;
                networks
                    .iter()
                    .any(|network| network.contains(&client))
                    .then(Found::request)
            }
        }
    }

    /// The first field at some places that passes; asked once in a request.
    fn somewhere(&mut self, somewhere: &Somewhere) -> Option<Found> {
        let number = somewhere.number as usize;
        if !self.state.somewhere.mark(number) {
            return self.state.answers[number];
        }
        let fields = self.input.fields;
        let answer = fields.iter().enumerate().find_map(|(index, field)| {
            if !somewhere
                .places
                .contain(field.location, self.input.name(field))
            {
                return None;
            }
            let at = At {
                field: Some(index),
                direct: true,
            };
            self.node(&somewhere.node, at)
        });
        self.state.answers[number] = answer;
        answer
    }
}

/// libinjection is only asked where its marks and one of its literals occur. That is part of what `detect_sqli` and
/// `detect_xss` mean, so it holds without the prefilter too.
fn is_worth_asking(leaf: &Leaf, bytes: &[u8]) -> bool {
    let literals = match (&leaf.operator, &leaf.literals) {
        (Operator::Sqli | Operator::Xss, Some(literals)) => literals,
        _ => return true,
    };
    let lower = bytes.to_ascii_lowercase();
    let occurs = |literal: &Vec<u8>| memchr::memmem::find(&lower, literal).is_some();
    leaf.needs.met_by(&Traits::of(bytes)) && literals.iter().any(occurs)
}

fn number(bytes: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(bytes.get(..bytes.len().min(64))?).ok()?;
    let number: f64 = text.trim().parse().ok()?;
    number.is_finite().then_some(number)
}

#[expect(clippy::float_cmp, reason = "a rule that says `eq: 1` means exactly 1")]
fn holds(bounds: &NumberSpec, number: f64) -> bool {
    bounds.gt.is_none_or(|gt| number > gt)
        && bounds.lt.is_none_or(|lt| number < lt)
        && bounds.eq.is_none_or(|eq| number == eq)
        && bounds.ne.is_none_or(|ne| number != ne)
}
