//! The request target and the Host: which of the forms of RFC 9112 section 3.2 a target has, and whether it can
//! be read in one way only.

use std::ops::Range;

use super::class;
use super::refusal::Reason;

/// What a target names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// `/path?query`.
    Origin,
    /// `http://authority/path`; the range of the authority within the target.
    Absolute(Range<usize>),
    /// `*`.
    Asterisk,
}

/// Reads a target. Control bytes and spaces are refused, and so are a fragment (a URI type drops it silently,
/// so that the path inspected were not the path sent) and bytes above 0x7f that are not UTF-8 or that are C1
/// controls, which some line readers take for line ends. Other UTF-8 passes: clients do send it raw.
pub(super) fn read(target: &[u8]) -> Result<Target, Reason> {
    match target {
        b"*" => Ok(Target::Asterisk),
        [b'/', ..] => path_and_query(target).map(|()| Target::Origin),
        _ => absolute(target),
    }
}

/// Checks a Host value: a name, an IPv4 address or a bracketed IPv6 address, and an optional port of 1 to 65535.
pub(super) fn check_host(host: &[u8]) -> Result<(), Reason> {
    let (valid, port) = match host {
        [b'[', rest @ ..] => {
            let end = rest.iter().position(|&byte| byte == b']');
            let (address, port) = rest.split_at(end.ok_or(Reason::HostInvalid)?);
            (is_ipv6(address), &port[1..])
        }
        _ => {
            let end = host.iter().position(|&byte| byte == b':');
            let (name, port) = host.split_at(end.unwrap_or(host.len()));
            (is_name(name), port)
        }
    };
    if valid && is_port(port) {
        Ok(())
    } else {
        Err(Reason::HostInvalid)
    }
}

fn path_and_query(target: &[u8]) -> Result<(), Reason> {
    let end = target.iter().position(|&byte| byte == b'?');
    let (path, query) = target.split_at(end.unwrap_or(target.len()));
    let clean = |bytes: &[u8], allowed: fn(u8) -> bool| {
        bytes.iter().fold(true, |clean, &byte| {
            clean & (allowed(byte) | (byte >= 0x80))
        })
    };
    if !clean(path, class::is_path) || !clean(query, class::is_query) {
        return Err(Reason::Target);
    }
    if target.is_ascii() {
        return Ok(());
    }
    let text = std::str::from_utf8(target).map_err(|_| Reason::Target)?;
    if text.chars().any(char::is_control) {
        return Err(Reason::Target);
    }
    Ok(())
}

fn absolute(target: &[u8]) -> Result<Target, Reason> {
    let start = [&b"http://"[..], b"https://"]
        .iter()
        .find(|scheme| {
            target
                .get(..scheme.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
        })
        .ok_or(Reason::Target)?
        .len();
    let rest = &target[start..];
    let end = rest
        .iter()
        .position(|byte| matches!(byte, b'/' | b'?'))
        .unwrap_or(rest.len());
    check_host(&rest[..end]).map_err(|_| Reason::Target)?;
    if end < rest.len() {
        path_and_query(&rest[end..])?;
    }
    Ok(Target::Absolute(start..start + end))
}

/// At most 255 bytes (RFC 1035 section 2.3.4), and no empty label in front or in the middle.
fn is_name(name: &[u8]) -> bool {
    !name.is_empty()
        && name.len() <= 255
        && name[0] != b'.'
        && name.iter().all(|&byte| class::is_host(byte))
        && !name.windows(2).any(|pair| pair == b"..")
}

fn is_ipv6(address: &[u8]) -> bool {
    std::str::from_utf8(address).is_ok_and(|text| text.parse::<std::net::Ipv6Addr>().is_ok())
}

/// Nothing, or a colon and 1 to 5 digits.
fn is_port(port: &[u8]) -> bool {
    let [b':', digits @ ..] = port else {
        return port.is_empty();
    };
    (1..=5).contains(&digits.len())
        && digits.iter().all(u8::is_ascii_digit)
        && digits
            .iter()
            .fold(0u32, |port, digit| port * 10 + u32::from(digit - b'0'))
            .wrapping_sub(1)
            < 65_535
}
