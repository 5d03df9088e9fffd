//! JSON Web Tokens (RFC 7519): the members of the header and the claims. Nothing is verified here.

use memchr::memchr_iter;

use super::{Text, View, encoded, json};
use crate::field::{AnomalyKind, Location, Source, Span, Via};

/// Whether `bytes` may be a token: the letter that base64 makes of `{`, and two dots (JWS) or four (JWE).
pub(super) fn is_token(bytes: &[u8]) -> bool {
    bytes.len() >= SHORTEST
        && bytes[0] == b'e'
        && matches!(memchr_iter(b'.', bytes).take(5).count(), 2 | 4)
}

/// Adds the members of a token's header and claims. `false`: it is no token, and nothing was added.
///
/// Signed cookies and file names have dots too, so outside the Authorization header only what has a readable header
/// with an `alg` is called a broken token.
pub(super) fn read(view: &mut View<'_, '_>, token: &[u8], location: Location, span: Span) -> bool {
    let certain = location == Location::Authorization;
    if token.len() > view.limits.jwt_length {
        if certain {
            view.note(AnomalyKind::FieldTooLong, location, span);
        }
        return false;
    }
    let mark = view.mark();
    let mut parts = token.split(|byte| *byte == b'.');
    let header = parts.next().unwrap_or_default();
    let claims = parts.next().unwrap_or_default();
    let signature = parts.next().unwrap_or_default();
    let encrypted = parts.next().is_some();
    if !part(view, header, Location::JwtHeader) {
        if certain {
            view.note(AnomalyKind::JwtInvalid, location, span);
        }
        return false;
    }
    if encrypted {
        return true;
    }
    if part(view, claims, Location::JwtClaim) {
        if let Some(kind) = doubt(signature)
            && has_algorithm(view, mark.fields)
        {
            view.note(kind, location, span);
        }
        return true;
    }
    if !certain && !has_algorithm(view, mark.fields) {
        view.roll_back(mark);
        return false;
    }
    view.note(AnomalyKind::JwtInvalid, location, span);
    true
}

/// What can be said against a signature without a key: there is none, or both of its numbers are zero, which a
/// verifier of ECDSA that does not check their range takes for valid. Such a one is the letter of zero all over, as
/// RFC 7518 writes it, or the eight bytes of an ASN.1 sequence of two zeros.
fn doubt(signature: &[u8]) -> Option<AnomalyKind> {
    let digits = signature.trim_ascii_end();
    let digits = &digits[..digits
        .iter()
        .position(|b| *b == b'=')
        .unwrap_or(digits.len())];
    let zeros = digits.iter().all(|byte| *byte == b'A');
    if digits.is_empty() {
        Some(AnomalyKind::JwtUnsigned)
    } else if zeros || digits.starts_with(b"MAYCAQACAQ") {
        Some(AnomalyKind::JwtZeroSignature)
    } else {
        None
    }
}

/// Whether the fields from `start` on hold the one member that each token's header has.
fn has_algorithm(view: &View<'_, '_>, start: usize) -> bool {
    let fields = view.scratch.fields.iter().skip(start);
    fields
        .into_iter()
        .any(|field| view.bytes(field.name) == b"alg")
}

fn part(view: &mut View<'_, '_>, part: &[u8], location: Location) -> bool {
    let mut work = std::mem::take(&mut view.scratch.work);
    work.clear();
    let mark = view.mark();
    let mut valid =
        encoded::base64(part, &mut work) && work.trim_ascii_start().first() == Some(&b'{');
    if valid {
        let kept = view.keep(&work);
        let text = Text {
            bytes: &work,
            source: Source::Arena,
            base: kept.start,
        };
        let shape = json::Shape {
            leaf: location,
            key: None,
            via: Via::Base64,
            name: Span::EMPTY,
            objects: location == Location::JwtHeader,
            quiet: true,
        };
        valid = json::read(view, text, &shape, json::Lines::One, true).valid;
        if !valid {
            view.roll_back(mark);
        }
    }
    view.scratch.work = work;
    valid
}

/// `{}` and `{}` and no signature are `e30.e30.`.
const SHORTEST: usize = 8;
