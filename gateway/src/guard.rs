//! Before a byte of body is read: is this a request at all? HTTP/1 framing was validated on the wire already, so what
//! is left are the refusals of the wire, to be answered here, and the rules that hold for HTTP/2 as well.

use http::header::{self, HeaderMap};
use http::{Method, Version, request};

use crate::connection::state::ConnectionState;
use crate::fault::Fault;

/// Refuses what may not be forwarded, whatever the policy says.
///
/// # Errors
/// With the reason; the connection then closes.
pub fn check(state: &ConnectionState, parts: &request::Parts) -> Result<(), Fault> {
    if let Some(refusal) = state.take_refusal() {
        return Err(Fault::Refused(refusal.status, refusal.reason.code()));
    }
    if parts.method == Method::CONNECT || parts.method == Method::TRACE {
        return Err(Fault::Refused(405, "method-refused"));
    }
    if parts.version == Version::HTTP_2 {
        check_http2(parts)?;
    }
    Ok(())
}

/// What HTTP/2 allows on the wire but HTTP/1 behind us would read differently, and what RFC 9113 forbids.
fn check_http2(parts: &request::Parts) -> Result<(), Fault> {
    let headers = &parts.headers;
    for name in ["connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade"] {
        if headers.contains_key(name) {
            return Err(Fault::Refused(400, "http2-connection-header"));
        }
    }
    if headers.get_all(header::TE).iter().any(|te| !te.as_bytes().eq_ignore_ascii_case(b"trailers")) {
        return Err(Fault::Refused(400, "http2-connection-header"));
    }
    check_authority(parts)?;
    let mut lengths = headers.get_all(header::CONTENT_LENGTH).iter();
    if let Some(length) = lengths.next() {
        let digits = !length.is_empty() && length.as_bytes().iter().all(u8::is_ascii_digit);
        if lengths.next().is_some() || !digits || length.len() > 19 {
            return Err(Fault::Refused(400, "length-invalid"));
        }
    }
    let path = parts.uri.path();
    if !(path.starts_with('/') || (path == "*" && parts.method == Method::OPTIONS)) {
        return Err(Fault::Refused(400, "target"));
    }
    check_fields(headers)
}

fn check_authority(parts: &request::Parts) -> Result<(), Fault> {
    let mut hosts = parts.headers.get_all(header::HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() {
        return Err(Fault::Refused(400, "host-repeated"));
    }
    match (parts.uri.authority(), host) {
        (None, None) => Err(Fault::Refused(400, "host-missing")),
        (Some(authority), _) if authority.as_str().contains('@') => Err(Fault::Refused(400, "host-invalid")),
        (Some(authority), Some(host)) if !host.as_bytes().eq_ignore_ascii_case(authority.as_str().as_bytes()) => {
            Err(Fault::Refused(400, "authority-mismatch"))
        }
        (None, Some(host)) if host.to_str().is_err() || host.is_empty() => Err(Fault::Refused(400, "host-invalid")),
        _ => Ok(()),
    }
}

fn check_fields(headers: &HeaderMap) -> Result<(), Fault> {
    for (name, value) in headers {
        if name.as_str().contains('_') {
            return Err(Fault::Refused(400, "underscore-in-name"));
        }
        let bytes = value.as_bytes();
        // White space at either end is trimmed by some servers and not by others.
        if bytes.first().is_some_and(|b| matches!(b, b' ' | b'\t')) || bytes.last().is_some_and(|b| matches!(b, b' ' | b'\t')) {
            return Err(Fault::Refused(400, "space-around-value"));
        }
    }
    Ok(())
}
