//! An answer as fields: the status, each header, and the beginning of the body. An answer is not taken apart further;
//! it comes from a server of ours, and what must not leave is found in its text. How much of a body is looked at is for
//! the caller to say: it hands in so much and no more.

pub mod coding;
pub mod mask;

use std::net::{IpAddr, Ipv4Addr};

use crate::field::{Encoding, Field, Location, Source, Span, Via};
use crate::request::Request;
use crate::response::Response;

/// The answer as the engine's inner stages see it: like a request whose method is the status.
pub(crate) fn as_request<'a>(response: &Response<'a>, status: &'a str) -> Request<'a> {
    Request {
        client: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        method: status,
        scheme: "",
        host: "",
        path: response.path,
        query: None,
        headers: response.headers,
        body: response.body,
        route: response.route,
    }
}

/// Lists the fields of such a request.
pub(crate) fn read(fields: &mut Vec<Field>, answer: &Request<'_>) {
    fields.clear();
    let status = whole(Source::Method, answer.method.len());
    fields.push(field(Location::ResponseStatus, Span::EMPTY, status));
    for (number, (name, value)) in (0_u16..).zip(answer.headers) {
        let name = whole(Source::HeaderName(number), name.len());
        let value = whole(Source::Header(number), value.len());
        fields.push(field(Location::ResponseHeader, name, value));
    }
    let body = whole(Source::Body, answer.body.bytes.len());
    fields.push(field(Location::ResponseBody, Span::EMPTY, body));
}

fn whole(source: Source, length: usize) -> Span {
    Span {
        source,
        start: 0,
        end: u32::try_from(length).unwrap_or(u32::MAX),
    }
}

const fn field(location: Location, name: Span, value: Span) -> Field {
    Field {
        location,
        encoding: Encoding::Plain,
        via: Via::Direct,
        name,
        value,
    }
}
