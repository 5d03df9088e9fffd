//! Requests as the evaluation builds them, and what the wire validator would say of their bytes.

use std::net::{IpAddr, Ipv4Addr};

use portcullis_detect::ruletest::OwnedRequest;

use crate::wire::{Limits, Phase, Wire};

/// Where requests go whose host was not recorded.
pub const HOST: &str = "api.example.com";
const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

/// A request for `url` (path and query) without any header.
pub fn at(method: &str, url: &str) -> OwnedRequest {
    let mut request = OwnedRequest {
        client: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
        method: method.to_owned(),
        host: String::new(),
        path: Vec::new(),
        query: None,
        headers: Vec::new(),
        body: Vec::new(),
    };
    aim(&mut request, url);
    request
}

/// A request for `url` as a browser would send it to [`HOST`].
pub fn plain(method: &str, url: &str) -> OwnedRequest {
    let mut request = at(method, url);
    HOST.clone_into(&mut request.host);
    set(&mut request, "host", HOST);
    set(&mut request, "user-agent", BROWSER);
    set(&mut request, "accept", "*/*");
    request
}

/// Gives the request another path and query.
pub fn aim(request: &mut OwnedRequest, url: &str) {
    let (path, query) = match url.split_once('?') {
        Some((path, query)) => (path, Some(query.as_bytes().to_vec())),
        None => (url, None),
    };
    request.path = path.as_bytes().to_vec();
    request.query = query;
}

/// Path and query.
pub fn url(request: &OwnedRequest) -> String {
    let mut url = String::from_utf8_lossy(&request.path).into_owned();
    if let Some(query) = &request.query {
        url.push('?');
        url.push_str(&String::from_utf8_lossy(query));
    }
    url
}

/// The first value of a header, by its lower-case name.
pub fn header(request: &OwnedRequest, name: &str) -> Option<String> {
    let found = request.headers.iter().find(|(known, _)| known == name);
    found.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
}

/// Puts a header in the place of all of that name.
pub fn set(request: &mut OwnedRequest, name: &str, value: &str) {
    match request.headers.iter_mut().find(|(known, _)| known == name) {
        Some((_, old)) => *old = value.as_bytes().to_vec(),
        None => request
            .headers
            .push((name.to_owned(), value.as_bytes().to_vec())),
    }
}

/// Gives the request a body of a type; the method becomes POST where the old one carries none.
pub fn set_body(request: &mut OwnedRequest, content_type: &str, body: Vec<u8>) {
    if matches!(request.method.as_str(), "GET" | "HEAD" | "OPTIONS") {
        request.method = "POST".to_owned();
    }
    request
        .headers
        .retain(|(name, _)| name != "content-encoding" && name != "transfer-encoding");
    set(request, "content-type", content_type);
    set(request, "content-length", &body.len().to_string());
    request.body = body;
}

/// The request as HTTP/1.1 sends it.
pub fn bytes_of(request: &OwnedRequest) -> Vec<u8> {
    let mut bytes = format!("{} {} HTTP/1.1\r\n", request.method, url(request)).into_bytes();
    for (name, value) in &request.headers {
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(&request.body);
    bytes
}

/// Why the gateway's wire validator would refuse the first request of these bytes, before it is inspected; `None`
/// where it would pass. A body that ends early passes: the gateway would wait for the rest.
pub fn refused(bytes: &[u8]) -> Option<&'static str> {
    let mut wire = Wire::new(Limits::default());
    let mut rest = bytes;
    while !rest.is_empty() && (wire.heads() == 0 || wire.phase() == Phase::Body) {
        match wire.advance(rest) {
            Err(refusal) => return Some(refusal.reason.code()),
            Ok(0) => break,
            Ok(passed) => rest = &rest[passed..],
        }
    }
    (wire.heads() == 0).then_some("incomplete")
}
