//! Headers: each value where a rule may ask for it, names where they are out of the ordinary.
//!
//! A browser sends a dozen headers that say the same in every request. Those whose value holds nothing but the
//! characters such a header has are left out; with anything else in it, even `connection` is a field.

use memchr::memchr;

use super::cookie::{self, trim};
use super::{Place, Text, View, encoded, jwt};
use crate::field::{Encoding, Location, Source, Span, Via};

/// Adds the fields of all headers.
pub(super) fn read(view: &mut View<'_, '_>) {
    let headers = view.request.headers;
    for (index, (name, value)) in headers.iter().enumerate() {
        let Ok(index) = u16::try_from(index) else {
            return;
        };
        let name = Text::of(name.as_bytes(), Source::HeaderName(index));
        let value = Text::of(value, Source::Header(index));
        let place = match kind_of(name.bytes) {
            Some(Kind::Dull) if is_dull(value.bytes) => continue,
            Some(Kind::Brief) if value.bytes.len() <= BRIEF_LENGTH && is_dull(value.bytes) => {
                continue;
            }
            Some(Kind::Known | Kind::Dull | Kind::Brief) => Place::plain(Location::Header),
            Some(Kind::UserAgent) => Place::plain(Location::UserAgent),
            Some(Kind::Referer) => Place::plain(Location::Referer),
            Some(Kind::Authorization) => {
                authorization(view, name, trim(value));
                continue;
            }
            Some(Kind::Cookie) => {
                cookie::read(view, value);
                continue;
            }
            // The host is a field already.
            Some(Kind::Host) if value.bytes == view.request.host.as_bytes() => continue,
            Some(Kind::Host) => Place::plain(Location::Header),
            None => {
                let names = Place::plain(Location::HeaderName);
                view.push(names, Span::EMPTY, name.whole());
                Place::plain(Location::Header)
            }
        };
        if !view.push(place, name.whole(), value.whole()) {
            view.push_rest(place, value.whole());
        }
    }
}

/// Adds credentials: those of Basic decoded, a token as what is inside it, anything else as it stands.
fn authorization(view: &mut View<'_, '_>, name: Text<'_>, value: Text<'_>) {
    let space = memchr(b' ', value.bytes).unwrap_or(value.bytes.len());
    let scheme = &value.bytes[..space];
    let credentials = trim(value.slice((space + 1).min(value.bytes.len()), value.bytes.len()));
    if scheme.eq_ignore_ascii_case(b"basic") && basic(view, name, credentials) {
        return;
    }
    let token = if credentials.bytes.is_empty() {
        value
    } else {
        credentials
    };
    if jwt::is_token(token.bytes)
        && jwt::read(view, token.bytes, Location::Authorization, value.whole())
    {
        return;
    }
    view.push(
        Place::plain(Location::Authorization),
        name.whole(),
        value.whole(),
    );
}

fn basic(view: &mut View<'_, '_>, name: Text<'_>, credentials: Text<'_>) -> bool {
    let mut work = std::mem::take(&mut view.scratch.work);
    work.clear();
    let decoded = encoded::base64(credentials.bytes, &mut work) && !work.is_empty();
    if decoded {
        let span = view.keep(&work);
        let place = Place::new(Location::Authorization, Encoding::Plain, Via::Base64);
        view.push(place, name.whole(), span);
    }
    view.scratch.work = work;
    decoded
}

/// How a header of a well-known name is treated.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Left out when its value is dull.
    Dull,
    /// Left out when its value is dull and short: the names of other headers are dull, but may be evidence.
    Brief,
    /// A field; its name tells nothing.
    Known,
    UserAgent,
    Referer,
    Authorization,
    Cookie,
    Host,
}

fn kind_of(name: &[u8]) -> Option<Kind> {
    let start = *STARTS.get(name.len())? as usize;
    let end = *STARTS.get(name.len() + 1)? as usize;
    let same_length = KINDS.get(start..end)?;
    let known = same_length
        .iter()
        .find(|(known, _)| known.as_bytes() == name);
    known.map(|(_, kind)| *kind)
}

/// Where the names of each length start in [`KINDS`].
const STARTS: [u8; LONGEST + 2] = {
    let mut starts = [0; LONGEST + 2];
    let mut length = 0;
    while length < starts.len() {
        let mut at = 0;
        while at < KINDS.len() && KINDS[at].0.len() < length {
            at += 1;
        }
        starts[length] = at as u8;
        length += 1;
    }
    starts
};

/// The length of the longest name in [`KINDS`].
const LONGEST: usize = KINDS[KINDS.len() - 1].0.len();

/// Whether a value is what every browser sends in such a header.
fn is_dull(value: &[u8]) -> bool {
    value.len() <= DULL_LENGTH
        && value.iter().all(
            |byte| matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b' ' | b',' | b'-' | b'=' | b'?' | b'*' | b'.' | b';'),
        )
}

const DULL_LENGTH: usize = 64;

/// `Upgrade, HTTP2-Settings`.
const BRIEF_LENGTH: usize = 23;

/// Well-known headers, the shorter ones first.
const KINDS: &[(&str, Kind)] = &[
    ("te", Kind::Dull),
    ("dnt", Kind::Dull),
    ("via", Kind::Known),
    ("date", Kind::Known),
    ("from", Kind::Known),
    ("host", Kind::Host),
    ("range", Kind::Known),
    ("accept", Kind::Known),
    ("cookie", Kind::Cookie),
    ("expect", Kind::Known),
    ("origin", Kind::Known),
    ("pragma", Kind::Dull),
    ("referer", Kind::Referer),
    ("sec-gpc", Kind::Dull),
    ("upgrade", Kind::Known),
    ("if-match", Kind::Known),
    ("if-range", Kind::Known),
    ("priority", Kind::Dull),
    ("forwarded", Kind::Known),
    ("sec-ch-ua", Kind::Known),
    ("x-api-key", Kind::Known),
    ("x-real-ip", Kind::Known),
    ("connection", Kind::Brief),
    ("keep-alive", Kind::Dull),
    ("soapaction", Kind::Known),
    ("tracestate", Kind::Known),
    ("user-agent", Kind::UserAgent),
    ("x-amz-date", Kind::Known),
    ("content-md5", Kind::Known),
    ("traceparent", Kind::Known),
    ("content-type", Kind::Known),
    ("grpc-timeout", Kind::Known),
    ("x-auth-token", Kind::Known),
    ("x-csrf-token", Kind::Known),
    ("x-request-id", Kind::Known),
    ("x-xsrf-token", Kind::Known),
    ("authorization", Kind::Authorization),
    ("cache-control", Kind::Dull),
    ("grpc-encoding", Kind::Known),
    ("if-none-match", Kind::Known),
    ("last-event-id", Kind::Known),
    ("accept-charset", Kind::Known),
    ("content-length", Kind::Dull),
    ("sec-fetch-dest", Kind::Dull),
    ("sec-fetch-mode", Kind::Dull),
    ("sec-fetch-site", Kind::Dull),
    ("sec-fetch-user", Kind::Dull),
    ("accept-encoding", Kind::Dull),
    ("accept-language", Kind::Known),
    ("x-forwarded-for", Kind::Known),
    ("content-encoding", Kind::Known),
    ("content-language", Kind::Known),
    ("content-location", Kind::Known),
    ("sec-ch-ua-mobile", Kind::Dull),
    ("x-correlation-id", Kind::Known),
    ("x-forwarded-host", Kind::Known),
    ("x-requested-with", Kind::Known),
    ("if-modified-since", Kind::Known),
    ("transfer-encoding", Kind::Known),
    ("x-forwarded-proto", Kind::Known),
    ("sec-ch-ua-platform", Kind::Known),
    ("content-disposition", Kind::Known),
    ("if-unmodified-since", Kind::Known),
    ("proxy-authorization", Kind::Authorization),
    ("grpc-accept-encoding", Kind::Known),
    ("x-amz-content-sha256", Kind::Known),
    ("sec-fetch-storage-access", Kind::Dull),
    ("upgrade-insecure-requests", Kind::Dull),
    ("access-control-request-method", Kind::Known),
    ("access-control-request-headers", Kind::Known),
];
