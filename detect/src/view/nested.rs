//! What lies inside values: tokens, GraphQL, JSON in a parameter, base64 of text, the query of a URL.
//!
//! Runs last, over all fields, in rounds: what one round finds, the next looks into, as often as
//! [`super::Limits::derived_depth`] says. Most values are cleared by their length and first bytes.

use memchr::{memchr, memchr2, memmem};

use super::{Place, Text, View, encoded, graphql, is_plain, json, jwt, query};
use crate::field::{AnomalyKind, Encoding, Field, Location, Locations, Source, Via};

/// Adds the fields that are found inside the fields there are.
pub(super) fn read(view: &mut View<'_, '_>) {
    let mut start = 0;
    for depth in 0..=view.limits.derived_depth {
        let end = view.scratch.fields.len();
        let mark = view.mark();
        for index in start..end {
            if view.scratch.fields.len() >= view.room {
                let field = view.scratch.fields[index];
                view.note(AnomalyKind::TooManyFields, field.location, field.value);
                return;
            }
            look_into(view, index);
        }
        if view.scratch.fields.len() == end {
            return;
        }
        if depth == view.limits.derived_depth {
            view.roll_back(mark);
            let field = view.scratch.fields[end - 1];
            view.note(AnomalyKind::TooDeep, field.location, field.value);
            return;
        }
        start = end;
    }
}

fn look_into(view: &mut View<'_, '_>, index: usize) {
    let field = view.scratch.fields[index];
    if field.value.len() < SHORTEST || !LOOKED_INTO.contains(field.location) {
        return;
    }
    let mut work = std::mem::take(&mut view.scratch.work);
    inside(view, index, &field, &mut work);
    view.scratch.work = work;
}

/// Tries what a value can be, one after the other.
fn inside(view: &mut View<'_, '_>, index: usize, field: &Field, work: &mut Vec<u8>) {
    let raw = view.bytes(field.value);
    if jwt::is_token(raw) {
        work.clear();
        work.extend_from_slice(raw);
        let token = std::mem::take(work);
        let found = jwt::read(view, &token, field.location, field.value);
        *work = token;
        if found {
            return;
        }
    }
    let raw = view.bytes(field.value);
    if may_open_json(raw) || is_query_name(view, field) {
        decode(view, field, work);
        if structured(view, index, field, work) {
            return;
        }
    }
    let raw = view.bytes(field.value);
    if encoded::may_be_base64(raw) && base64(view, field, work) {
        return;
    }
    let raw = view.bytes(field.value);
    if FORMS.contains(field.location) && may_hold_pairs(field.encoding, raw) {
        decode(view, field, work);
        form(view, field, work);
    }
}

/// Whether a value can hold `name=value` once it is decoded.
fn may_hold_pairs(encoding: Encoding, raw: &[u8]) -> bool {
    match encoding {
        Encoding::Form | Encoding::Percent => memchr2(b'=', b'%', raw).is_some(),
        Encoding::JsonString | Encoding::GraphqlString => memchr2(b'=', b'\\', raw).is_some(),
        Encoding::Plain | Encoding::Xml => memchr(b'=', raw).is_some(),
    }
}

/// Puts the value, once decoded, into `work`.
fn decode(view: &View<'_, '_>, field: &Field, work: &mut Vec<u8>) {
    work.clear();
    encoded::decode(field.encoding, view.bytes(field.value), work);
}

/// Whether a value can begin with a bracket once it is decoded.
fn may_open_json(raw: &[u8]) -> bool {
    matches!(
        raw,
        [b'{' | b'[' | b' ' | b'\t' | b'\r' | b'\n' | b'+', ..]
            | [b'%', b'7' | b'5', b'B' | b'b', ..]
            | [b'%', b'2' | b'0', ..]
            | [b'\\', b'n' | b'r' | b't' | b'u', ..]
    )
}

fn is_query_name(view: &View<'_, '_>, field: &Field) -> bool {
    field.name.len() == 5 && view.bytes(field.name).eq_ignore_ascii_case(b"query")
}

/// Reads a value that is a GraphQL document or a JSON document.
fn structured(view: &mut View<'_, '_>, index: usize, field: &Field, work: &[u8]) -> bool {
    if is_query_name(view, field) && graphql::looks_like(work) {
        let mark = view.mark();
        let text = in_arena(view, work);
        if graphql::read(view, text, field.via) {
            view.scratch.fields[index].location = Location::GraphqlDocument;
            return true;
        }
        view.roll_back(mark);
    }
    if !json::looks_like(work) {
        return false;
    }
    let mark = view.mark();
    let text = in_arena(view, work);
    let shape = json::Shape {
        leaf: field.location,
        key: Some(Location::JsonKey),
        via: Via::NestedJson,
        name: field.name,
        objects: false,
        quiet: true,
    };
    let report = json::read(view, text, &shape, json::Lines::One, true);
    if report.valid && report.strings > 0 {
        return true;
    }
    view.roll_back(mark);
    false
}

/// Adds the text that a value is base64 of, also behind `data:…;base64,`.
fn base64(view: &mut View<'_, '_>, field: &Field, work: &mut Vec<u8>) -> bool {
    let raw = view.bytes(field.value);
    let digits = if raw.starts_with(b"data") {
        let head = &raw[..raw.len().min(DATA_HEAD)];
        memmem::find(head, b"base64,").map_or(raw, |found| &raw[found + 7..])
    } else {
        raw
    };
    if digits.len() < SHORTEST || !encoded::base64_text(digits, field.encoding, work) {
        return false;
    }
    let text = in_arena(view, work);
    let place = Place::new(field.location, Encoding::Plain, Via::Base64);
    view.push(place, field.name, text.whole())
}

/// Adds the values of a value that is a URL with a query, or itself a form.
fn form(view: &mut View<'_, '_>, field: &Field, work: &[u8]) {
    let Some((start, end)) = form_part(work) else {
        return;
    };
    let mark = view.mark();
    let before = view.scratch.fields.len();
    let text = in_arena(view, work).slice(start, end);
    let shape = query::Shape {
        name: None,
        value: field.location,
        via: Via::NestedForm,
        skip_plain: true,
    };
    query::read(view, text, &shape);
    if view.scratch.fields.len() == before {
        view.roll_back(mark);
    }
}

/// Where the pairs of a URL or form stand in a value.
fn form_part(value: &[u8]) -> Option<(usize, usize)> {
    let question = memchr(b'?', value);
    let scheme = memchr(b':', &value[..value.len().min(24)]);
    let is_url =
        value.first() == Some(&b'/') || scheme.is_some_and(|at| value[at..].starts_with(b"://"));
    let start = match question {
        Some(at) if is_url => at + 1,
        _ if is_url => return None,
        _ => 0,
    };
    let pairs = &value[start..];
    let end = memchr(b'#', pairs).unwrap_or(pairs.len());
    let pairs = &pairs[..end];
    let named = |pair: &[u8]| {
        let equals = memchr2(b'=', b' ', pair);
        equals.is_some_and(|at| at > 0 && pair[at] == b'=' && is_plain(&pair[..at]))
    };
    let whole_form =
        start > 0 || pairs.split(|byte| *byte == b'&').all(named) && pairs.contains(&b'&');
    let first = pairs.split(|byte| *byte == b'&').next()?;
    (whole_form && named(first)).then_some((start, start + end))
}

/// A copy of `bytes` in the arena, to be parsed from the original.
fn in_arena<'t>(view: &mut View<'_, '_>, bytes: &'t [u8]) -> Text<'t> {
    let kept = view.keep(bytes);
    Text {
        bytes,
        source: Source::Arena,
        base: kept.start,
    }
}

/// Values shorter than this are no encoding of an attack.
const SHORTEST: usize = 8;

/// How far from the beginning of a value a `base64,` may stand.
const DATA_HEAD: usize = 128;

const LOOKED_INTO: Locations = Locations::of(&[
    Location::PathSegment,
    Location::Query,
    Location::Form,
    Location::Multipart,
    Location::Json,
    Location::Xml,
    Location::XmlAttribute,
    Location::Graphql,
    Location::Cookie,
    Location::Header,
    Location::Authorization,
    Location::JwtClaim,
    Location::Grpc,
    Location::Body,
]);

/// Where a URL or form inside a value is worth taking apart.
const FORMS: Locations = Locations::of(&[
    Location::Query,
    Location::Form,
    Location::Multipart,
    Location::Json,
    Location::Cookie,
]);
