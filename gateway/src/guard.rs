//! Before a byte of body is read: is this a request at all? HTTP/1 framing was validated on the wire already, so what
//! is left are the refusals of the wire, to be answered here, and the rules that hold for HTTP/2 as well.

use http::{Version, request};

use crate::connection::io::STAND_IN_HOST;
use crate::connection::state::ConnectionState;
use crate::fault::Fault;
use crate::wire;

/// Refuses what may not be forwarded, whatever the policy says.
///
/// # Errors
/// With the reason; the connection then closes.
pub fn check(
    state: &ConnectionState,
    parts: &request::Parts,
    limits: &wire::Limits,
) -> Result<(), Fault> {
    // A refused body has a head of its own, and a refused head that follows must not be taken for this one.
    if is_stand_in(parts)
        && let Some(refusal) = state.take_refusal()
    {
        return Err(Fault::Refused(refusal.status, refusal.reason.code()));
    }
    if parts.version != Version::HTTP_2 {
        return Ok(());
    }
    let target = parts
        .uri
        .path_and_query()
        .map_or("", http::uri::PathAndQuery::as_str);
    let fields = parts
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()));
    let authority = parts.uri.authority().map(http::uri::Authority::as_str);
    wire::check_http2(parts.method.as_str(), authority, target, fields, limits)
        .map_err(|reason| Fault::Refused(reason.status(), reason.code()))
}

/// Whether this head stands in the place of one that the validator refused.
fn is_stand_in(parts: &request::Parts) -> bool {
    parts
        .headers
        .get(http::header::HOST)
        .is_some_and(|host| host == STAND_IN_HOST)
}
