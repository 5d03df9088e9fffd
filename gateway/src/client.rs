//! Whose request is this? The address of the client, seen through proxies that are trusted and through no others:
//! whatever an untrusted peer writes about itself is ignored here and removed before forwarding.

use std::net::{IpAddr, SocketAddr};

use http::header::{FORWARDED, HeaderName};
use http::{HeaderMap, HeaderValue};
use ipnet::IpNet;

/// The networks whose word about their clients is taken.
#[derive(Clone, Debug, Default)]
pub(crate) struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// The given networks; IPv4 written as IPv6 counts as IPv4.
    pub(crate) fn new(networks: &[IpNet]) -> Self {
        Self(networks.to_vec())
    }

    /// Whether `address` is one of them.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The client behind `peer`.
    ///
    /// `X-Forwarded-For` is read from its right end, where the nearest proxy wrote, and for as long as the address
    /// read so far is trusted: the first that is not trusted is the client. An entry that is no address ends the
    /// walk, since nothing to the left of it can be relied on. `Forwarded` (RFC 7239) is read the same way where
    /// there is no `X-Forwarded-For`.
    pub(crate) fn client(&self, peer: SocketAddr, headers: &HeaderMap) -> IpAddr {
        let peer = peer.ip().to_canonical();
        if !self.contains(peer) {
            return peer;
        }
        if headers.contains_key(X_FORWARDED_FOR) {
            self.walk(peer, entries(headers, &X_FORWARDED_FOR), address)
        } else if headers.contains_key(FORWARDED) {
            self.walk(peer, entries(headers, &FORWARDED), forwarded_for)
        } else {
            peer
        }
    }

    fn walk<'a>(
        &self,
        peer: IpAddr,
        entries: impl Iterator<Item = &'a [u8]>,
        parse: fn(&[u8]) -> Option<IpAddr>,
    ) -> IpAddr {
        let mut nearest = peer;
        for entry in entries.take(MAX_HOPS) {
            match parse(entry) {
                Some(address) => nearest = address,
                None => break,
            }
            if !self.contains(nearest) {
                break;
            }
        }
        nearest
    }
}

/// The comma-separated entries of all lines of a header, last first. Empty ones say nothing and are skipped.
fn entries<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
    headers
        .get_all(name)
        .iter()
        .rev()
        .flat_map(|line: &HeaderValue| line.as_bytes().rsplit(|b| *b == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|entry| !entry.is_empty())
}

/// An address as proxies write it: bare, in brackets, with a port, quoted.
pub(crate) fn address(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?;
    let text = text
        .strip_prefix('"')
        .and_then(|t| t.strip_suffix('"'))
        .unwrap_or(text);
    let parsed = match text.parse::<IpAddr>() {
        Ok(ip) => ip,
        Err(_) => match text.strip_prefix('[').and_then(|t| t.strip_suffix(']')) {
            Some(inner) => IpAddr::V6(inner.parse().ok()?),
            None => text.parse::<SocketAddr>().ok()?.ip(),
        },
    };
    Some(parsed.to_canonical())
}

/// The `for=` parameter of an element of `Forwarded`.
pub(crate) fn forwarded_for(element: &[u8]) -> Option<IpAddr> {
    element
        .split(|b| *b == b';')
        .map(<[u8]>::trim_ascii)
        .find_map(|pair| {
            let (name, value) = pair.split_at_checked(4)?;
            name.eq_ignore_ascii_case(b"for=")
                .then(|| address(value))
                .flatten()
        })
}

/// Longer chains of proxies do not exist outside of attacks.
const MAX_HOPS: usize = 32;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

#[cfg(test)]
mod tests {
    use super::*;

    fn trusted() -> TrustedProxies {
        let networks: Vec<IpNet> = ["127.0.0.1/32", "10.0.0.0/8", "2001:db8:ffff::/48"]
            .iter()
            .map(|network| network.parse().unwrap())
            .collect();
        TrustedProxies::new(&networks)
    }

    fn client(peer: &str, lines: &[(HeaderName, &str)]) -> String {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name.clone(), HeaderValue::from_str(value).unwrap());
        }
        trusted()
            .client(peer.parse().unwrap(), &headers)
            .to_string()
    }

    #[test]
    fn the_walk_ends_at_the_first_that_is_not_trusted() {
        for (peer, value, expected) in [
            ("127.0.0.1:9", "192.0.2.1", "192.0.2.1"),
            ("127.0.0.1:9", "198.51.100.9, 192.0.2.1", "192.0.2.1"),
            ("127.0.0.1:9", "192.0.2.1, 10.1.2.3", "192.0.2.1"),
            ("127.0.0.1:9", "192.0.2.1,10.1.2.3 ,\t10.9.9.9", "192.0.2.1"),
            ("127.0.0.1:9", "10.1.2.3", "10.1.2.3"),
            ("203.0.113.7:9", "192.0.2.1", "203.0.113.7"),
            ("127.0.0.1:9", "192.0.2.1, nonsense", "127.0.0.1"),
            ("127.0.0.1:9", "192.0.2.1, nonsense, 10.1.2.3", "10.1.2.3"),
            ("127.0.0.1:9", "unknown", "127.0.0.1"),
            ("127.0.0.1:9", "", "127.0.0.1"),
            ("127.0.0.1:9", "192.0.2.1, ,", "192.0.2.1"),
            ("127.0.0.1:9", "192.0.2.1:4711", "192.0.2.1"),
            ("127.0.0.1:9", "2001:db8::1", "2001:db8::1"),
            ("127.0.0.1:9", "[2001:db8::1]", "2001:db8::1"),
            ("127.0.0.1:9", "[2001:db8::1]:4711", "2001:db8::1"),
            ("127.0.0.1:9", "\"[2001:db8::1]:4711\"", "2001:db8::1"),
            (
                "127.0.0.1:9",
                "2001:db8::1, 2001:db8:ffff::7",
                "2001:db8::1",
            ),
            ("127.0.0.1:9", "::ffff:192.0.2.1", "192.0.2.1"),
            ("127.0.0.1:9", "192.0.2.1, ::ffff:10.1.2.3", "192.0.2.1"),
            ("127.0.0.1:9", "0300.0.2.1", "127.0.0.1"),
            ("127.0.0.1:9", "192.0.2", "127.0.0.1"),
            ("[::ffff:127.0.0.1]:9", "192.0.2.1", "192.0.2.1"),
            ("[::ffff:203.0.113.7]:9", "192.0.2.1", "203.0.113.7"),
        ] {
            assert_eq!(
                client(peer, &[(X_FORWARDED_FOR, value)]),
                expected,
                "{peer} {value}"
            );
        }
    }

    #[test]
    fn several_lines_are_one_list() {
        let lines = [
            (X_FORWARDED_FOR, "198.51.100.1"),
            (X_FORWARDED_FOR, "192.0.2.1, 10.0.0.1"),
            (X_FORWARDED_FOR, "10.0.0.2"),
        ];
        assert_eq!(client("127.0.0.1:9", &lines), "192.0.2.1");
    }

    #[test]
    fn forwarded_is_read_where_it_stands_alone() {
        for (value, expected) in [
            ("for=192.0.2.1", "192.0.2.1"),
            ("For=\"[2001:db8::1]:80\";proto=https", "2001:db8::1"),
            ("by=10.0.0.1; for=192.0.2.1, for=10.0.0.2", "192.0.2.1"),
            ("for=192.0.2.1, proto=https", "127.0.0.1"),
            ("for=_hidden", "127.0.0.1"),
            ("for", "127.0.0.1"),
        ] {
            assert_eq!(
                client("127.0.0.1:9", &[(FORWARDED, value)]),
                expected,
                "{value}"
            );
        }
        let both = [
            (FORWARDED, "for=198.51.100.1"),
            (X_FORWARDED_FOR, "192.0.2.1"),
        ];
        assert_eq!(client("127.0.0.1:9", &both), "192.0.2.1");
        assert_eq!(client("127.0.0.1:9", &[]), "127.0.0.1");
    }

    #[test]
    fn an_endless_chain_costs_a_bounded_walk() {
        let chain = vec!["10.0.0.1"; 5_000].join(",");
        assert_eq!(
            client("127.0.0.1:9", &[(X_FORWARDED_FOR, &chain)]),
            "10.0.0.1"
        );
    }
}
