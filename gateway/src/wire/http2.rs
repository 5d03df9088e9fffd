//! The same rules for a request that came over HTTP/2. Its frames leave no doubt where a message ends, but its fields
//! may be written as HTTP/1 next, and the HTTP library lets pass what only that makes dangerous: another Host
//! beside `:authority`, a second Content-Length, underscores, methods of proxies.

use super::refusal::Reason;
use super::target::{self, Target};
use super::{Limits, class, field};

/// Checks the head of an HTTP/2 request as the HTTP library has read it: names in lower case, `authority` from
/// `:authority`, `path` from `:path` with its query.
///
/// Content-Length against the frames, upper-case names and pseudo-fields out of place are checked by the library.
///
/// # Errors
///
/// The reason; the caller answers this stream with its status. The connection may stay: its frames are sound.
pub(crate) fn check_http2<'a>(
    method: &str,
    authority: Option<&str>,
    path: &str,
    fields: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    limits: &Limits,
) -> Result<(), Reason> {
    check_request(method, path, limits)?;
    if let Some(authority) = authority {
        target::check_host(authority.as_bytes())?;
    }
    let mut seen = Seen::default();
    let mut size = path.len();
    for (count, (name, value)) in fields.into_iter().enumerate() {
        // What the same field takes in HTTP/1, so that both have one cap.
        size += name.len() + value.len() + 4;
        if size > limits.head {
            return Err(Reason::HeadTooLarge);
        }
        if count >= limits.headers {
            return Err(Reason::TooManyFields);
        }
        check_name(name.as_bytes())?;
        if class::has_control(value) {
            return Err(field::control(value));
        }
        // RFC 9113 section 8.2.1; some servers trim it and some do not.
        if matches!(value, [b' ' | b'\t', ..] | [.., b' ' | b'\t']) {
            return Err(Reason::SpaceAroundValue);
        }
        seen.take(name, value, authority)?;
    }
    if authority.is_none() && !seen.host {
        return Err(Reason::HostMissing);
    }
    Ok(())
}

/// Which fields that may come once have come.
#[derive(Default)]
struct Seen {
    host: bool,
    length: bool,
}

impl Seen {
    fn take(&mut self, name: &str, value: &[u8], authority: Option<&str>) -> Result<(), Reason> {
        match name {
            "host" => {
                if std::mem::replace(&mut self.host, true) {
                    return Err(Reason::HostRepeated);
                }
                target::check_host(value)?;
                match authority {
                    Some(authority) if !value.eq_ignore_ascii_case(authority.as_bytes()) => {
                        Err(Reason::AuthorityMismatch)
                    }
                    Some(_) | None => Ok(()),
                }
            }
            "content-length" => {
                if std::mem::replace(&mut self.length, true) {
                    return Err(Reason::LengthRepeated);
                }
                field::decimal(value).ok_or(Reason::LengthInvalid).map(drop)
            }
            "transfer-encoding" => Err(Reason::CodingInvalid),
            "connection" | "keep-alive" | "proxy-connection" | "upgrade" => {
                Err(Reason::ConnectionOption)
            }
            "te" if !value.eq_ignore_ascii_case(b"trailers") => Err(Reason::ConnectionOption),
            "expect" if !value.eq_ignore_ascii_case(b"100-continue") => Err(Reason::Expectation),
            _ => Ok(()),
        }
    }
}

fn check_request(method: &str, path: &str, limits: &Limits) -> Result<(), Reason> {
    if ["CONNECT", "TRACE", "TRACK"]
        .iter()
        .any(|refused| method.eq_ignore_ascii_case(refused))
    {
        return Err(Reason::MethodRefused);
    }
    if path.len() > limits.target {
        return Err(Reason::TargetTooLong);
    }
    match target::read(path.as_bytes())? {
        Target::Origin => Ok(()),
        Target::Asterisk if method == "OPTIONS" => Ok(()),
        Target::Asterisk | Target::Absolute(_) => Err(Reason::Target),
    }
}

fn check_name(name: &[u8]) -> Result<(), Reason> {
    match name.iter().find(|&&byte| !class::is_name(byte)) {
        Some(b'_') => Err(Reason::UnderscoreInName),
        Some(_) => Err(Reason::FieldName),
        None if name.is_empty() => Err(Reason::FieldName),
        None => Ok(()),
    }
}
