//! What the engine is given of an answer: status, headers, and the first bytes of a text body.

use crate::request::Body;

/// One answer of the upstream, before the client sees it.
#[derive(Clone, Copy, Debug)]
pub struct Response<'a> {
    /// The status code.
    pub status: u16,
    /// Header names in lower case and values as sent, in order.
    pub headers: &'a [(&'a str, &'a [u8])],
    /// The body, or the first bytes of it, without any `Content-Encoding`.
    pub body: Body<'a>,
    /// The name of the route of the request that it answers.
    pub route: &'a str,
    /// The path of the request that it answers.
    pub path: &'a [u8],
}
