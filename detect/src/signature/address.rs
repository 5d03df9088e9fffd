//! Addresses in a value, in every notation that a network library takes: dotted, decimal, octal, hexadecimal, with
//! parts left out, IPv6 with an IPv4 inside, alone or as the host of a URL.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The address that a value is, or that the URL in it points to.
pub(crate) fn of(bytes: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(bytes.get(..bytes.len().min(2048))?)
        .ok()?
        .trim();
    let host = host_of(text);
    if let Some(inside) = host.strip_prefix('[') {
        let inside = inside.split(']').next()?.split('%').next()?;
        return inside.parse::<Ipv6Addr>().ok().map(unmapped);
    }
    if let Ok(address) = host.parse::<IpAddr>() {
        return match address {
            IpAddr::V4(_) => Some(address),
            IpAddr::V6(six) => Some(unmapped(six)),
        };
    }
    let name = host.split(':').next()?.trim_end_matches('.');
    loose_ipv4(name).map(IpAddr::V4)
}

/// The part of a URL between the scheme (or `//`) and the path, without the user.
fn host_of(text: &str) -> &str {
    let rest = text.split_once("//").map_or(text, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    authority.rsplit('@').next().unwrap_or_default()
}

/// IPv6 addresses that mean an IPv4 address (`::ffff:a.b.c.d`, `64:ff9b::a.b.c.d`) read as that.
fn unmapped(six: Ipv6Addr) -> IpAddr {
    let embedded = |six: Ipv6Addr| {
        let [.., a, b, c, d] = six.octets();
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    };
    match six.segments() {
        [0, 0, 0, 0, 0, 0xffff, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => embedded(six),
        _ => IpAddr::V6(six),
    }
}

/// What `inet_aton` accepts: one to four parts, each decimal, octal (`0…`) or hexadecimal (`0x…`), the last filling
/// what is left.
fn loose_ipv4(name: &str) -> Option<Ipv4Addr> {
    let mut numbers = [0_u64; 4];
    let mut count = 0;
    for part in name.split('.') {
        *numbers.get_mut(count)? = number(part)?;
        count += 1;
    }
    let (last, first) = numbers.get(..count)?.split_last()?;
    let room = 8 * (4 - u32::try_from(first.len()).ok()?);
    if first.iter().any(|n| *n > 255) || *last >= 1_u64 << room {
        return None;
    }
    let head = first.iter().fold(0, |all, n| (all << 8) | n);
    u32::try_from((head << room) | last)
        .ok()
        .map(Ipv4Addr::from)
}

fn number(part: &str) -> Option<u64> {
    let hexadecimal = part.strip_prefix("0x").or_else(|| part.strip_prefix("0X"));
    if let Some(digits) = hexadecimal {
        return if digits.is_empty() {
            Some(0)
        } else {
            u64::from_str_radix(digits, 16).ok()
        };
    }
    match part.strip_prefix('0') {
        Some("") => Some(0),
        Some(digits) => u64::from_str_radix(digits, 8).ok(),
        None => part
            .bytes()
            .all(|b| b.is_ascii_digit())
            .then(|| part.parse().ok())
            .flatten(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notations() {
        let cases = [
            ("127.0.0.1", Some("127.0.0.1")),
            ("http://127.0.0.1:8080/x?y", Some("127.0.0.1")),
            (
                "http://user:pass@169.254.169.254/latest",
                Some("169.254.169.254"),
            ),
            ("//10.1.2.3", Some("10.1.2.3")),
            ("http://2130706433/", Some("127.0.0.1")),
            ("http://0x7f000001", Some("127.0.0.1")),
            ("http://0177.0.0.1", Some("127.0.0.1")),
            ("http://127.1", Some("127.0.0.1")),
            ("http://0x7f.1/", Some("127.0.0.1")),
            ("http://0/", Some("0.0.0.0")),
            ("http://[::1]:80/", Some("::1")),
            ("http://[::ffff:10.0.0.1]/", Some("10.0.0.1")),
            ("::ffff:7f00:1", Some("127.0.0.1")),
            ("http://example.com/127.0.0.1", None),
            ("example.com", None),
            ("256.1.1.1", None),
            ("1.2.3.4.5", None),
            ("4294967296", None),
            ("", None),
            ("http://", None),
        ];
        for (text, expected) in cases {
            let expected = expected.map(|e| e.parse::<IpAddr>().unwrap());
            assert_eq!(of(text.as_bytes()), expected, "{text}");
        }
    }
}
