//! What the engine is given: one request, borrowed from the caller, as it arrived.

use std::net::IpAddr;

/// One request as it arrived. Nothing is decoded yet; the engine does that itself, so that it sees what an
/// application might see and not what one particular parser made of it.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The client's address, after trusted proxies.
    pub client: IpAddr,
    /// The method, as sent.
    pub method: &'a str,
    /// `http` or `https`.
    pub scheme: &'a str,
    /// The Host header or `:authority`.
    pub host: &'a str,
    /// The path as sent, without the query.
    pub path: &'a [u8],
    /// The query as sent, without `?`. `None` when there was no `?`.
    pub query: Option<&'a [u8]>,
    /// Header names in lower case and values as sent, in order.
    pub headers: &'a [(&'a str, &'a [u8])],
    /// The body, or the first bytes of it.
    pub body: Body<'a>,
    /// The name of the route that matched.
    pub route: &'a str,
}

/// A body, or the first bytes of it.
#[derive(Clone, Copy, Debug)]
pub struct Body<'a> {
    /// The bytes to inspect, as sent (still in their `Content-Encoding`).
    pub bytes: &'a [u8],
    /// Whether `bytes` is all there is; `false` when the rest streams past uninspected.
    pub complete: bool,
}

impl Body<'_> {
    /// A request without a body.
    pub const EMPTY: Body<'static> = Body {
        bytes: &[],
        complete: true,
    };
}

impl<'a> Request<'a> {
    /// The first value of a header, by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&'a [u8]> {
        self.headers
            .iter()
            .find(|(n, _)| *n == name)
            .map(|(_, value)| *value)
    }
}
