//! Blacking out secrets, before a record leaves the request's way: values of query parameters, and excerpts in a
//! verdict's evidence that come from a secret field or header.

use std::borrow::Cow;
use std::ops::Range;

use portcullis_detect::behaviour::{Judgement, Reaction};
use portcullis_detect::ensemble::{Effect, Opinion};
use portcullis_detect::field::Location;
use portcullis_detect::verdict::{Evidence, Level, Verdict};
use serde::Serialize;

use super::json::{self, key};

/// The names whose values are secrets. Part of a snapshot.
#[derive(Clone, Debug, Default)]
pub(crate) struct Redaction {
    headers: Names,
    fields: Names,
}

/// Lower-case names, and which lengths they have: most names are told apart by that alone.
#[derive(Clone, Debug, Default)]
struct Names {
    names: Vec<Box<[u8]>>,
    /// Bit `n` is set if a name has `n` bytes; the last bit stands for all longer ones.
    lengths: u64,
}

impl Redaction {
    /// `fields` are names of query, form, JSON and cookie fields, `headers` of headers; case does not matter.
    /// `authorization`, `proxy-authorization`, `cookie` and `set-cookie` are secret without being named.
    pub(crate) fn new(headers: &[String], fields: &[String]) -> Self {
        let always = [
            "authorization",
            "proxy-authorization",
            "cookie",
            "set-cookie",
        ];
        Self {
            headers: Names::new(headers.iter().map(String::as_str).chain(always)),
            fields: Names::new(fields.iter().map(String::as_str)),
        }
    }

    /// A query with the values of secret parameters blacked out.
    pub(super) fn query<'a>(&self, query: &'a str) -> Cow<'a, [u8]> {
        let query = query.as_bytes();
        if self.fields.names.is_empty() || !parameters(query).any(|p| self.is_secret_parameter(p)) {
            return Cow::Borrowed(query);
        }
        let mut out = Vec::with_capacity(query.len());
        let mut rest = query;
        for parameter in parameters(query) {
            match parameter.iter().position(|b| *b == b'=') {
                Some(equals) if self.is_secret_parameter(parameter) => {
                    out.extend_from_slice(&parameter[..=equals]);
                    out.extend_from_slice(REDACTED.as_bytes());
                }
                _ => out.extend_from_slice(parameter),
            }
            rest = rest.get(parameter.len()..).unwrap_or_default();
            out.extend(rest.first());
            rest = rest.get(1..).unwrap_or_default();
        }
        Cow::Owned(out)
    }

    fn is_secret_parameter(&self, parameter: &[u8]) -> bool {
        let name = parameter.split(|b| *b == b'=').next().unwrap_or_default();
        if name.contains(&b'%') || name.contains(&b'+') {
            self.is_secret_field(&percent_decoded(name))
        } else {
            self.is_secret_field(name)
        }
    }

    /// Whether a field's name is a secret's, or its last part is: `user[password]`, `user.password`.
    pub(super) fn is_secret_field(&self, name: &[u8]) -> bool {
        if self.fields.contains(name) {
            return true;
        }
        if self.fields.names.is_empty() || !name.iter().any(|b| matches!(b, b'[' | b'.')) {
            return false;
        }
        let last = name
            .rsplit(|b| matches!(b, b'[' | b']' | b'.'))
            .find(|part| !part.is_empty());
        last.is_some_and(|last| self.fields.contains(last))
    }

    /// Whether a header's value is a secret.
    pub(super) fn is_secret_header(&self, name: &[u8]) -> bool {
        self.headers.contains(name)
    }

    /// Whether what was found there must not be shown.
    fn hides(&self, evidence: &Evidence) -> bool {
        let name = evidence.field.as_bytes();
        match evidence.location {
            Location::Cookie
            | Location::Authorization
            | Location::JwtHeader
            | Location::JwtClaim => true,
            Location::Header | Location::ResponseHeader => self.headers.contains(name),
            Location::UserAgent => self.headers.contains(b"user-agent"),
            Location::Referer => self.headers.contains(b"referer"),
            _ => self.is_secret_field(name),
        }
    }
}

impl Names {
    fn new<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let names: Vec<Box<[u8]>> = names
            .map(|name| name.to_ascii_lowercase().into_bytes().into())
            .collect();
        let lengths = names
            .iter()
            .fold(0, |bits, name| bits | 1 << name.len().min(63));
        Self { names, lengths }
    }

    fn contains(&self, name: &[u8]) -> bool {
        self.lengths & (1 << name.len().min(63)) != 0
            && self
                .names
                .iter()
                .any(|known| known.eq_ignore_ascii_case(name))
    }
}

/// The parameters of a query. Both `&` and `;` part them, since applications differ.
fn parameters(query: &[u8]) -> impl Iterator<Item = &[u8]> {
    query.split(|b| matches!(b, b'&' | b';'))
}

fn percent_decoded(name: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(name.len());
    let mut rest = name;
    while let Some((first, tail)) = rest.split_first() {
        let escape = (*first == b'%').then(|| tail.split_at_checked(2)).flatten();
        let byte = escape
            .and_then(|(digits, _)| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        out.push(match (byte, first) {
            (Some(byte), _) => byte,
            (None, b'+') => b' ',
            (None, other) => *other,
        });
        rest = match (byte, escape) {
            (Some(_), Some((_, after))) => after,
            _ => tail,
        };
    }
    out
}

/// Appends a verdict as JSON, with the excerpts of secret fields blacked out. `query` is that of the request.
pub(super) fn write_verdict(
    verdict: &Verdict,
    redaction: &Redaction,
    query: Option<&str>,
    out: &mut Vec<u8>,
) {
    // To who does not part parameters at `;`, a secret is the end of the value before it.
    let runs_on = query.is_some_and(|query| {
        query.contains(';') && matches!(redaction.query(query), Cow::Owned(_))
    });
    let mut object = json::Object::open(out);
    // A score lies between 0 and 100; one that is no number reads as 100, as its level does.
    let score = if verdict.score.is_nan() {
        100.0
    } else {
        verdict.score.clamp(0.0, 100.0)
    };
    object.number(key!("score"), score.round() as u64);
    object.plain(key!("level"), level(verdict.level));
    object.text(
        key!("category"),
        verdict.category.map_or("", |category| category.as_str()),
    );
    object.plain(key!("action"), verdict.action.as_str());
    if !verdict.evidence.is_empty() {
        object.raw(key!("evidence"), |out| {
            out.push(b'[');
            for (i, evidence) in verdict.evidence.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                let hidden =
                    redaction.hides(evidence) || (runs_on && evidence.location == Location::Query);
                write_evidence(evidence, hidden, out);
            }
            out.push(b']');
        });
    }
    object.raw(key!("stages_us"), |out| {
        let stages = &verdict.stages;
        let each = [
            (key!("decode"), stages.decode),
            (key!("signature"), stages.signature),
            (key!("behaviour"), stages.behaviour),
            (key!("ensemble"), stages.ensemble),
            (key!("decision"), stages.decision),
        ];
        let mut object = json::Object::open(out);
        for (key, time) in each {
            if let Some(time) = time {
                object.microseconds(key, time);
            }
        }
        object.close();
    });
    if let Some(judgement) = verdict
        .behaviour
        .as_ref()
        .filter(|judgement| speaks(judgement))
    {
        object.raw(key!("behaviour"), |out| append(judgement, out));
    }
    if let Some(opinion) = verdict.ensemble.as_ref().filter(|opinion| has_say(opinion)) {
        // The reasons are bytes of a field, which may be a secret.
        let shown = Opinion {
            reasons: Vec::new(),
            ..opinion.clone()
        };
        object.raw(key!("ensemble"), |out| append(&shown, out));
    }
    if !verdict.uninspected.is_nothing() {
        object.raw(key!("uninspected"), |out| append(&verdict.uninspected, out));
    }
    object.close();
}

/// Whether behaviour has anything to say: a record of harmless traffic is not to grow by it.
fn speaks(judgement: &Judgement) -> bool {
    !judgement.findings.is_empty()
        || judgement.reaction != Reaction::None
        || judgement.risk.value >= 1.0
}

/// Whether the models have anything to say; as with behaviour.
fn has_say(opinion: &Opinion) -> bool {
    opinion.effect != Effect::None || opinion.agreeing > 0
}

fn write_evidence(evidence: &Evidence, hidden: bool, out: &mut Vec<u8>) {
    let mut object = json::Object::open(out);
    object.text(key!("rule"), &evidence.rule);
    object.text(key!("name"), &evidence.name);
    object.text(key!("why"), &evidence.why);
    object.plain(key!("category"), evidence.category.as_str());
    object.raw(key!("severity"), |out| append(&evidence.severity, out));
    object.number(key!("score"), u64::from(evidence.score));
    object.raw(key!("tags"), |out| append(&evidence.tags, out));
    object.raw(key!("location"), |out| append(&evidence.location, out));
    object.text(key!("field"), &evidence.field);
    let excerpt = if hidden { REDACTED } else { &evidence.excerpt };
    object.text(key!("excerpt"), excerpt);
    if !hidden && !evidence.mark.is_empty() {
        object.raw(key!("mark"), |out| pair(&evidence.mark, out));
    }
    object.raw(key!("range"), |out| pair(&evidence.range, out));
    object.plain(key!("form"), evidence.form);
    object.close();
}

/// Appends a range as a list of its two ends.
fn pair(range: &Range<u32>, out: &mut Vec<u8>) {
    out.push(b'[');
    json::write_number(u64::from(range.start), out);
    out.push(b',');
    json::write_number(u64::from(range.end), out);
    out.push(b']');
}

const fn level(level: Level) -> &'static str {
    match level {
        Level::Low => "LOW",
        Level::Medium => "MEDIUM",
        Level::High => "HIGH",
        Level::Critical => "CRITICAL",
    }
}

/// Appends a value that serde knows how to write. Only our own words go this way, nothing a client sent.
fn append<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) {
    let start = out.len();
    if serde_json::to_writer(&mut *out, value).is_err() {
        out.truncate(start);
        out.extend_from_slice(b"null");
    }
}

/// What stands for a secret.
pub(super) const REDACTED: &str = "[redacted]";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_parameters_lose_their_values() {
        let redaction = Redaction::new(&[], &["Password".into(), "api_key".into()]);
        for (query, expected) in [
            ("", ""),
            ("a=1&b=2", "a=1&b=2"),
            ("password=hunter2", "password=[redacted]"),
            ("a=1&PASSWORD=hunter2&b=2", "a=1&PASSWORD=[redacted]&b=2"),
            ("a=1;api_key=k;b", "a=1;api_key=[redacted];b"),
            ("p%61ssword=hunter2&", "p%61ssword=[redacted]&"),
            (
                "user[password]=x&user%5Bpassword%5d=y",
                "user[password]=[redacted]&user%5Bpassword%5d=[redacted]",
            ),
            ("login.password=x", "login.password=[redacted]"),
            ("password", "password"),
            ("password=a=b&&", "password=[redacted]&&"),
            ("xpassword=1&passwords=2", "xpassword=1&passwords=2"),
            ("%=1&%6=2&%zz=3", "%=1&%6=2&%zz=3"),
        ] {
            let out = redaction.query(query);
            assert_eq!(std::str::from_utf8(&out).unwrap(), expected);
        }
        assert!(matches!(
            Redaction::new(&[], &[]).query("password=x"),
            Cow::Borrowed(_)
        ));
    }
}
