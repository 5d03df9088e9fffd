//! Headers on their way through: what belongs to one hop stays there, what a client may not claim is taken away, and
//! what the next server needs to know is said.

use std::net::IpAddr;

use bytes::BytesMut;
use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue, Request, Uri, Version, request};

use crate::id::RequestId;
use crate::respond::X_REQUEST_ID;

/// Headers of one hop (RFC 9110, section 7.6.1), and what browsers and old proxies made of them.
fn belongs_to_hop(name: &str) -> bool {
    matches!(
        name,
        "connection"
            | "keep-alive"
            | "proxy-connection"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "te"
            | "transfer-encoding"
            | "upgrade"
            | "http2-settings"
    )
}

/// Headers by which proxies tell where a request came from or what it was before. From a peer that is no trusted
/// proxy they are claims, and are removed.
fn is_claim(name: &str) -> bool {
    name.starts_with("x-forwarded")
        || matches!(
            name,
            "forwarded"
                | "x-real-ip"
                | "x-client-ip"
                | "x-cluster-client-ip"
                | "x-originating-ip"
                | "x-remote-ip"
                | "x-remote-addr"
                | "x-original-url"
                | "x-original-host"
                | "x-original-forwarded-for"
                | "x-rewrite-url"
                | "x-envoy-external-address"
                | "x-azure-clientip"
                | "true-client-ip"
                | "client-ip"
                | "cf-connecting-ip"
                | "fastly-client-ip"
        )
}

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// What the gateway knows of the hop before it.
#[derive(Clone, Copy, Debug)]
pub struct Hop<'a> {
    /// The peer of the connection.
    pub peer: IpAddr,
    /// Whether its word on forwarding headers is taken.
    pub trusted: bool,
    /// `http` or `https`.
    pub scheme: &'a str,
    /// The host that the client asked for.
    pub host: &'a str,
    /// The request's id.
    pub id: RequestId,
    /// Whether the next hop speaks HTTP/2.
    pub http2: bool,
}

/// Makes a request fit for the next hop. The target keeps its bytes; scheme and authority go, since the next hop is
/// spoken to in origin form.
pub fn request(parts: &mut request::Parts, hop: &Hop<'_>) {
    let trailers = parts
        .headers
        .get(header::TE)
        .is_some_and(|te| te.as_bytes().eq_ignore_ascii_case(b"trailers"));
    strip_hop_by_hop(&mut parts.headers);
    if trailers && hop.http2 {
        parts
            .headers
            .insert(header::TE, HeaderValue::from_static("trailers"));
    }
    // The gateway has answered it, or will when the body is read.
    parts.headers.remove(header::EXPECT);
    say_where_from(&mut parts.headers, hop);
    parts.headers.insert(X_REQUEST_ID, hop.id.header_value());
    if let Ok(host) = HeaderValue::from_str(hop.host)
        && !hop.host.is_empty()
    {
        parts.headers.insert(header::HOST, host);
    }
    parts.version = if hop.http2 {
        Version::HTTP_2
    } else {
        Version::HTTP_11
    };
}

/// The target for the next hop: origin form for HTTP/1, with scheme and authority for HTTP/2.
pub fn target(
    uri: &Uri,
    authority: Option<&http::uri::Authority>,
    scheme: &http::uri::Scheme,
) -> Uri {
    let path = uri.path_and_query().cloned();
    let mut parts = http::uri::Parts::default();
    parts.path_and_query = Some(path.unwrap_or_else(|| http::uri::PathAndQuery::from_static("/")));
    if let Some(authority) = authority {
        parts.scheme = Some(scheme.clone());
        parts.authority = Some(authority.clone());
    }
    // Parts of a valid URI make a valid URI.
    Uri::from_parts(parts).unwrap_or_default()
}

/// Adds what a WebSocket handshake needs after the hop-by-hop headers are gone.
pub fn ask_for_websocket<B>(request: &mut Request<B>) {
    request
        .headers_mut()
        .insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    request
        .headers_mut()
        .insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    // Compressed messages could not be inspected.
    request
        .headers_mut()
        .remove(header::SEC_WEBSOCKET_EXTENSIONS);
}

/// Makes an answer fit for the client.
pub fn response(headers: &mut HeaderMap) {
    // A server that sent both framed its body by the coding; its length is a lie (RFC 9112, section 6.3).
    if headers.contains_key(header::TRANSFER_ENCODING) {
        headers.remove(header::CONTENT_LENGTH);
    }
    strip_hop_by_hop(headers);
}

/// Removes the headers of one hop, and those that `Connection` names.
fn strip_hop_by_hop(headers: &mut HeaderMap) {
    // The field may come several times.
    let connections: Vec<HeaderValue> = headers
        .get_all(header::CONNECTION)
        .iter()
        .cloned()
        .collect();
    for connection in &connections {
        let named = connection.to_str().unwrap_or_default().split(',');
        for name in named.filter_map(|name| HeaderName::from_bytes(name.trim().as_bytes()).ok()) {
            // The validator refuses options that name headers of the message itself; here it is only belt and braces.
            if name != header::HOST && name != header::CONTENT_LENGTH {
                headers.remove(name);
            }
        }
    }
    remove_where(headers, belongs_to_hop);
}

/// Removes headers by name. Most requests bear none of them, and then nothing is hashed or allocated.
fn remove_where(headers: &mut HeaderMap, unwanted: fn(&str) -> bool) {
    let doomed: Vec<HeaderName> = headers
        .keys()
        .filter(|name| unwanted(name.as_str()))
        .cloned()
        .collect();
    for name in doomed {
        headers.remove(name);
    }
}

fn say_where_from(headers: &mut HeaderMap, hop: &Hop<'_>) {
    if !hop.trusted {
        remove_where(headers, is_claim);
    }
    let mut text = BytesMut::with_capacity(128);
    append_list(&mut text, headers, &FORWARDED_FOR);
    write(&mut text, format_args!("{}", hop.peer));
    set(headers, FORWARDED_FOR, &mut text);

    append_list(&mut text, headers, &header::FORWARDED);
    match hop.peer {
        IpAddr::V4(peer) => write(&mut text, format_args!("for={peer}")),
        IpAddr::V6(peer) => write(&mut text, format_args!("for=\"[{peer}]\"")),
    }
    // A host that is no token must be quoted; one with a quote in it never comes this far.
    write(
        &mut text,
        format_args!(";host=\"{}\";proto={}", hop.host, hop.scheme),
    );
    set(headers, header::FORWARDED, &mut text);

    // The first proxy knows what the client really used; only where there was none do we.
    if !headers.contains_key(FORWARDED_PROTO) {
        text.extend_from_slice(hop.scheme.as_bytes());
        set(headers, FORWARDED_PROTO, &mut text);
    }
    if !headers.contains_key(FORWARDED_HOST) {
        text.extend_from_slice(hop.host.as_bytes());
        set(headers, FORWARDED_HOST, &mut text);
    }
}

fn append_list(text: &mut BytesMut, headers: &HeaderMap, name: &HeaderName) {
    for value in headers.get_all(name) {
        text.extend_from_slice(value.as_bytes());
        text.extend_from_slice(b", ");
    }
}

fn write(text: &mut BytesMut, arguments: std::fmt::Arguments<'_>) {
    // Writing to a buffer that grows cannot fail.
    let _ = std::fmt::Write::write_fmt(text, arguments);
}

fn set(headers: &mut HeaderMap, name: HeaderName, text: &mut BytesMut) {
    if let Ok(value) = HeaderValue::from_maybe_shared(text.split().freeze()) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forwarded(trusted: bool, given: &[(&str, &str)]) -> HeaderMap {
        let mut builder = Request::builder().uri("/a?b");
        for (name, value) in given {
            builder = builder.header(*name, *value);
        }
        let (mut parts, ()) = builder.body(()).unwrap().into_parts();
        let hop = Hop {
            peer: IpAddr::from([192, 0, 2, 1]),
            trusted,
            scheme: "http",
            host: "api.example",
            id: RequestId::next(),
            http2: false,
        };
        request(&mut parts, &hop);
        parts.headers
    }

    #[test]
    fn claims_of_strangers_are_removed() {
        let claims: Vec<_> = [
            "x-forwarded-for",
            "x-forwarded-proto",
            "x-forwarded-host",
            "forwarded",
            "x-forwarded-port",
            "x-forwarded-server",
            "x-real-ip",
            "x-client-ip",
            "x-cluster-client-ip",
            "x-original-url",
            "x-rewrite-url",
            "true-client-ip",
            "cf-connecting-ip",
            "fastly-client-ip",
        ]
        .map(|name| (name, "127.0.0.1"))
        .to_vec();
        let headers = forwarded(false, &claims);
        for (name, value) in &headers {
            assert!(
                !value.to_str().unwrap().contains("127.0.0.1"),
                "{name}: {value:?}"
            );
        }
        assert_eq!(headers["x-forwarded-for"], "192.0.2.1");
        assert_eq!(
            headers["forwarded"],
            "for=192.0.2.1;host=\"api.example\";proto=http"
        );
    }

    #[test]
    fn a_trusted_proxy_is_believed_and_appended_to() {
        let headers = forwarded(
            true,
            &[
                ("x-forwarded-for", "198.51.100.7"),
                ("x-forwarded-proto", "https"),
            ],
        );
        assert_eq!(headers["x-forwarded-for"], "198.51.100.7, 192.0.2.1");
        assert_eq!(headers["x-forwarded-proto"], "https");
        assert_eq!(headers["x-forwarded-host"], "api.example");
    }

    #[test]
    fn headers_of_one_hop_stay_there() {
        let headers = forwarded(
            false,
            &[
                ("connection", "x-secret, keep-alive"),
                ("x-secret", "1"),
                ("te", "gzip"),
                ("upgrade", "h2c"),
                ("http2-settings", "AAA"),
            ],
        );
        for name in [
            "connection",
            "x-secret",
            "te",
            "upgrade",
            "http2-settings",
            "keep-alive",
        ] {
            assert!(!headers.contains_key(name), "{name}");
        }
    }
}
