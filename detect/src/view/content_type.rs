//! What the client says its body is: the media type, its charset and boundary.

use super::cookie::trim;
use super::{Text, View};
use crate::field::{AnomalyKind, Location, Source};

/// What a body is declared to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// No Content-Type at all.
    Nothing,
    Json,
    /// JSON documents, one in each line.
    JsonLines,
    Form,
    Multipart,
    Xml,
    Graphql,
    Grpc,
    /// gRPC-Web, the whole body in base64.
    GrpcText,
    /// One protobuf message, without a frame.
    Protobuf,
    /// Text of no structure, or a type that is not known.
    Text,
    /// Images, archives and other bytes.
    Binary,
}

/// What a Content-Type header says.
pub(super) struct ContentType<'r> {
    pub(super) kind: Kind,
    /// The first boundary parameter, without quotes.
    pub(super) boundary: Option<&'r [u8]>,
    /// The last boundary parameter, where there are several.
    pub(super) other_boundary: Option<&'r [u8]>,
    /// Whether the charset is one of the UTF-16 family.
    pub(super) wide: bool,
}

/// Reads the Content-Type headers of a request and notes what is ambiguous in them.
pub(super) fn of_request<'r>(view: &mut View<'_, 'r>) -> ContentType<'r> {
    let mut found = ContentType {
        kind: Kind::Nothing,
        boundary: None,
        other_boundary: None,
        wide: false,
    };
    let mut seen = false;
    let headers = view.request.headers;
    for (index, (name, value)) in headers.iter().enumerate() {
        if *name != "content-type" {
            continue;
        }
        let text = Text::of(
            value,
            Source::Header(u16::try_from(index).unwrap_or(u16::MAX)),
        );
        if seen {
            view.note(
                AnomalyKind::ContentTypeAmbiguous,
                Location::Header,
                text.whole(),
            );
        }
        read_one(view, text, &mut found, !seen);
        seen = true;
    }
    found
}

fn read_one<'r>(view: &mut View<'_, '_>, text: Text<'r>, found: &mut ContentType<'r>, first: bool) {
    let mut charset = false;
    let mut at = 0;
    while at <= text.bytes.len() {
        let end = parameter_end(text.bytes, at);
        let part = trim(text.slice(at, end));
        if at == 0 {
            if first {
                let comma = part.bytes.iter().position(|byte| *byte == b',');
                let first = &part.bytes[..comma.unwrap_or(part.bytes.len())];
                found.kind = kind_of(first.trim_ascii());
            }
            if part.bytes.contains(&b',') {
                view.note(
                    AnomalyKind::ContentTypeAmbiguous,
                    Location::Header,
                    part.whole(),
                );
            }
        } else if let Some(value) = parameter(part.bytes, b"charset") {
            if charset {
                view.note(
                    AnomalyKind::ContentTypeAmbiguous,
                    Location::Header,
                    part.whole(),
                );
            }
            charset = true;
            found.wide |= value.to_ascii_lowercase().starts_with(b"utf-16");
            if !is_usual_charset(value) {
                view.note(AnomalyKind::CharsetUnusual, Location::Header, part.whole());
            }
        } else if let Some(value) = parameter(part.bytes, b"boundary") {
            boundary(view, part, value, found);
        } else if is_continued(part.bytes, b"boundary") {
            view.note(
                AnomalyKind::MultipartBoundary,
                Location::Header,
                part.whole(),
            );
        }
        at = end + 1;
    }
}

fn boundary<'r>(
    view: &mut View<'_, '_>,
    part: Text<'_>,
    value: &'r [u8],
    found: &mut ContentType<'r>,
) {
    if found.boundary.is_none() {
        found.boundary = Some(value);
    } else {
        found.other_boundary = Some(value);
        view.note(
            AnomalyKind::MultipartTwoBoundaries,
            Location::Header,
            part.whole(),
        );
    }
    // RFC 2046, section 5.1.1: 1 to 70 characters of a small set, no space at the end.
    let usual = value
        .iter()
        .all(|byte| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(byte));
    if value.is_empty() || value.len() > 70 || value.ends_with(b" ") || !usual {
        view.note(
            AnomalyKind::MultipartBoundary,
            Location::Header,
            part.whole(),
        );
    }
}

/// Where the parameter that starts at `from` ends: at the next `;` outside quotes.
pub(super) fn parameter_end(bytes: &[u8], from: usize) -> usize {
    let mut quoted = false;
    let mut at = from;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => quoted = !quoted,
            b'\\' if quoted => at += 1,
            b';' if !quoted => return at,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

/// Whether a parameter is `name*…`: RFC 2231 lets a value go on in further parameters, and few parsers know.
pub(super) fn is_continued(part: &[u8], name: &[u8]) -> bool {
    let head = part.get(..name.len()).unwrap_or_default();
    head.eq_ignore_ascii_case(name) && part.get(name.len()) == Some(&b'*')
}

/// The value of `name=value`, without quotes, when the name is `name`.
pub(super) fn parameter<'p>(part: &'p [u8], name: &[u8]) -> Option<&'p [u8]> {
    let equals = part.iter().position(|byte| *byte == b'=')?;
    if !part[..equals].trim_ascii().eq_ignore_ascii_case(name) {
        return None;
    }
    let value = part[equals + 1..].trim_ascii();
    Some(match value {
        [b'"', inside @ .., b'"'] => inside,
        [b'"', inside @ ..] => inside,
        _ => value,
    })
}

pub(super) fn is_usual_charset(value: &[u8]) -> bool {
    const USUAL: [&[u8]; 8] = [
        b"utf-8",
        b"utf8",
        b"us-ascii",
        b"ascii",
        b"iso-8859-1",
        b"latin1",
        b"windows-1252",
        b"iso-8859-15",
    ];
    USUAL.iter().any(|usual| value.eq_ignore_ascii_case(usual))
}

/// The kind of a media type without parameters.
pub(super) fn kind_of(media_type: &[u8]) -> Kind {
    let mut buffer = [0u8; 96];
    let Some(lower) = buffer.get_mut(..media_type.len()) else {
        return Kind::Text;
    };
    lower.copy_from_slice(media_type);
    lower.make_ascii_lowercase();
    let lower: &[u8] = lower;
    match lower {
        b"" => Kind::Nothing,
        b"application/json" | b"text/json" | b"application/x-json" | b"application/csp-report" => {
            Kind::Json
        }
        b"application/x-ndjson"
        | b"application/ndjson"
        | b"application/jsonl"
        | b"application/x-jsonlines"
        | b"application/jsonlines"
        | b"application/json-seq"
        | b"application/stream+json" => Kind::JsonLines,
        b"application/x-www-form-urlencoded" => Kind::Form,
        b"text/xml" | b"application/xml" | b"application/soap+xml" => Kind::Xml,
        b"application/graphql" => Kind::Graphql,
        b"application/x-protobuf"
        | b"application/protobuf"
        | b"application/vnd.google.protobuf" => Kind::Protobuf,
        _ if lower.starts_with(b"multipart/") => Kind::Multipart,
        _ if lower.starts_with(b"application/grpc-web-text") => Kind::GrpcText,
        _ if lower.starts_with(b"application/grpc") => Kind::Grpc,
        _ if lower.ends_with(b"+json") => Kind::Json,
        _ if lower.ends_with(b"+xml") => Kind::Xml,
        _ if is_binary(lower) => Kind::Binary,
        _ => Kind::Text,
    }
}

fn is_binary(lower: &[u8]) -> bool {
    const FAMILIES: [&[u8]; 4] = [b"image/", b"audio/", b"video/", b"font/"];
    const TYPES: [&[u8]; 5] = [
        b"application/octet-stream",
        b"application/zip",
        b"application/pdf",
        b"application/gzip",
        b"application/x-msgpack",
    ];
    FAMILIES.iter().any(|family| lower.starts_with(family)) || TYPES.contains(&lower)
}
