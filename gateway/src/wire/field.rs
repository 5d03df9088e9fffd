//! One field line of a head or a trailer section: a name, a colon, a value, and nothing that two parsers could
//! read in two ways.

use super::class;
use super::refusal::Reason;

/// Splits a line (without its CRLF) into name and value; the white space around the value is cut off.
pub(super) fn split(line: &[u8]) -> Result<(&[u8], &[u8]), Reason> {
    let colon = line
        .iter()
        .position(|&byte| !class::is_name(byte))
        .unwrap_or(line.len());
    if class::has_control(line) {
        return Err(control(line));
    }
    match line.get(colon) {
        Some(b':') if colon > 0 => Ok((&line[..colon], trim(&line[colon + 1..]))),
        Some(b' ' | b'\t') if colon == 0 => Err(Reason::FoldedField),
        Some(b' ' | b'\t') => Err(Reason::SpaceInName),
        Some(b'_') => Err(Reason::UnderscoreInName),
        Some(_) | None => Err(Reason::FieldName),
    }
}

/// Which control byte stands in a line: a carriage return has a name of its own.
pub(super) fn control(line: &[u8]) -> Reason {
    if line.contains(&b'\r') {
        Reason::BareCarriageReturn
    } else {
        Reason::ControlByte
    }
}

/// The members of a comma-separated list of tokens; empty members are skipped, as RFC 9110 section 5.6.1 asks.
pub(super) fn members(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value
        .split(|&byte| byte == b',')
        .map(trim)
        .filter(|member| !member.is_empty())
}

/// Whether `Connection` may not name this field. RFC 9110 section 7.6.1 forbids a sender to name a field meant
/// for all recipients; a proxy that obeyed would strip the framing, the credentials or the client's address
/// on the client's word. No client does this by mistake, so it is refused and not ignored.
pub(super) fn is_end_to_end(option: &[u8]) -> bool {
    const NAMES: [&[u8]; 20] = [
        b"host",
        b"content-length",
        b"transfer-encoding",
        b"content-type",
        b"content-encoding",
        b"authorization",
        b"cookie",
        b"origin",
        b"referer",
        b"user-agent",
        b"accept",
        b"expect",
        b"cache-control",
        b"forwarded",
        b"via",
        b"x-real-ip",
        b"x-request-id",
        b"x-api-key",
        b"date",
        b"range",
    ];
    NAMES.iter().any(|name| option.eq_ignore_ascii_case(name))
        || has_prefix(option, b"x-forwarded-")
        || has_prefix(option, b"sec-")
}

/// Whether a trailer may not carry this field: framing, routing, credentials, request modifiers and content
/// description (RFC 9110 section 6.5.1), and whatever a gateway vouches for.
pub(super) fn is_head_only(name: &[u8]) -> bool {
    const NAMES: [&[u8]; 18] = [
        b"connection",
        b"keep-alive",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"upgrade",
        b"set-cookie",
        b"max-forwards",
        b"pragma",
        b"proxy-authorization",
        b"content-range",
        b"content-disposition",
        b"if-match",
        b"if-none-match",
        b"if-modified-since",
        b"if-unmodified-since",
        b"if-range",
        b"http2-settings",
    ];
    is_end_to_end(name) || NAMES.iter().any(|head| name.eq_ignore_ascii_case(head))
}

/// A plain decimal number below 2^63, without sign, list or leading zero: there are parsers that take a leading
/// zero for octal, and signed ones that wrap.
pub(super) fn decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 19 || (text.len() > 1 && text[0] == b'0') {
        return None;
    }
    let mut number: u64 = 0;
    for &digit in text {
        if !digit.is_ascii_digit() {
            return None;
        }
        number = number
            .checked_mul(10)?
            .checked_add(u64::from(digit - b'0'))?;
    }
    (number <= i64::MAX.unsigned_abs()).then_some(number)
}

fn has_prefix(name: &[u8], prefix: &[u8]) -> bool {
    name.get(..prefix.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}
