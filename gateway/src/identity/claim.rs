//! What a client says about itself without being believed: the address in its forwarding headers, and that it is a
//! crawler. Neither changes whom the request is charged to; a lie is evidence.

use std::net::IpAddr;

use http::header::{FORWARDED, USER_AGENT};
use http::{HeaderMap, HeaderName};
use ipnet::IpNet;
use portcullis_config as config;
use portcullis_detect::behaviour::{Claim, Crawler, Hashing};

use crate::client::{self, TrustedProxies};

/// Headers in which proxies and platforms tell the client's address. One is enough for a claim.
static CLAIMS: [HeaderName; 6] = [
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-real-ip"),
    HeaderName::from_static("true-client-ip"),
    HeaderName::from_static("cf-connecting-ip"),
    HeaderName::from_static("x-client-ip"),
    HeaderName::from_static("x-originating-ip"),
];

/// What an untrusted peer says its client's address is: the boldest of its claims.
pub fn of(headers: &HeaderMap, trusted: &TrustedProxies, hashing: &Hashing) -> Claim {
    let mut worst = Claim::None;
    let plain = CLAIMS
        .iter()
        .flat_map(|name| headers.get_all(name))
        .flat_map(|line| line.as_bytes().split(|b| *b == b','))
        .map(<[u8]>::trim_ascii)
        .filter_map(client::address);
    let forwarded = headers
        .get_all(FORWARDED)
        .iter()
        .flat_map(|line| line.as_bytes().split(|b| *b == b','))
        .map(<[u8]>::trim_ascii)
        .filter_map(client::forwarded_for);
    for address in plain.chain(forwarded).take(MOST_CLAIMS) {
        let claim = one(address, trusted, hashing);
        if rank(claim) > rank(worst) {
            worst = claim;
        }
    }
    worst
}

fn one(address: IpAddr, trusted: &TrustedProxies, hashing: &Hashing) -> Claim {
    if address.is_loopback() || address.is_unspecified() || trusted.contains(address) {
        Claim::Internal
    } else if is_private(address) {
        Claim::Private
    } else {
        Claim::Public(hashing.name("claim", address.to_string().as_bytes()))
    }
}

const fn rank(claim: Claim) -> u8 {
    match claim {
        Claim::None => 0,
        Claim::Private => 1,
        Claim::Public(_) => 2,
        Claim::Internal => 3,
    }
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_private() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

/// Longer lists do not exist outside of attacks.
const MOST_CLAIMS: usize = 32;

/// Which agents say that they are crawlers, and where those crawl from.
pub struct Crawlers {
    known: Vec<(String, Vec<IpNet>)>,
}

impl Crawlers {
    /// The crawlers whose networks the operator gave.
    pub fn new(known: &[config::Crawler]) -> Self {
        let known = known
            .iter()
            .map(|crawler| (crawler.agent.to_ascii_lowercase(), crawler.networks.clone()))
            .collect();
        Self { known }
    }

    /// Whether the agent says to be a crawler, and whether the networks agree.
    pub fn judge(&self, headers: &HeaderMap, client: IpAddr) -> Crawler {
        let Some(agent) = headers.get(USER_AGENT) else {
            return Crawler::None;
        };
        let agent = agent.as_bytes();
        for (name, networks) in &self.known {
            if contains(agent, name.as_bytes()) {
                let verified = networks.iter().any(|network| network.contains(&client));
                return if verified {
                    Crawler::Verified
                } else {
                    Crawler::False
                };
            }
        }
        if COMMON.iter().any(|name| contains(agent, name.as_bytes())) {
            Crawler::Claimed
        } else {
            Crawler::None
        }
    }
}

/// What search engines and link previews call themselves; published by each of them.
const COMMON: [&str; 14] = [
    "googlebot",
    "bingbot",
    "duckduckbot",
    "yandexbot",
    "baiduspider",
    "applebot",
    "facebookexternalhit",
    "twitterbot",
    "linkedinbot",
    "slackbot",
    "gptbot",
    "claudebot",
    "ccbot",
    "petalbot",
];

/// Whether lower-case `needle` stands in `text`, whatever its case.
fn contains(text: &[u8], needle: &[u8]) -> bool {
    let Some(first) = needle.first() else {
        return false;
    };
    memchr::memchr2_iter(*first, first.to_ascii_uppercase(), text).any(|at| {
        text.get(at..at + needle.len())
            .is_some_and(|window| window.eq_ignore_ascii_case(needle))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_str(value).unwrap(),
                )
            })
            .collect()
    }

    #[test]
    fn the_boldest_claim_counts() {
        let trusted = TrustedProxies::new(&["10.9.0.0/16".parse().unwrap()]);
        let hashing = Hashing::new(1);
        let public = |text: &str| Claim::Public(hashing.name("claim", text.as_bytes()));
        for (pairs, expected) in [
            (&[][..], Claim::None),
            (&[("x-forwarded-for", "nonsense")], Claim::None),
            (&[("x-forwarded-for", "192.168.1.4")], Claim::Private),
            (
                &[("x-forwarded-for", "192.168.1.4, 192.0.2.1")],
                public("192.0.2.1"),
            ),
            (&[("x-real-ip", "127.0.0.1")], Claim::Internal),
            (&[("forwarded", "for=\"[::1]\"")], Claim::Internal),
            (&[("x-client-ip", "10.9.1.1")], Claim::Internal),
            (
                &[("x-client-ip", "10.8.1.1"), ("true-client-ip", "::1")],
                Claim::Internal,
            ),
        ] {
            assert_eq!(
                of(&headers(pairs), &trusted, &hashing),
                expected,
                "{pairs:?}"
            );
        }
    }

    #[test]
    fn a_crawler_is_believed_where_it_crawls_from() {
        let crawlers = Crawlers::new(&[config::Crawler {
            agent: "ExampleBot".to_owned(),
            networks: vec!["192.0.2.0/24".parse().unwrap()],
        }]);
        let client = |text: &str| text.parse::<IpAddr>().unwrap();
        for (agent, address, expected) in [
            (
                "Mozilla/5.0 (compatible; examplebot/2.1)",
                "192.0.2.9",
                Crawler::Verified,
            ),
            (
                "Mozilla/5.0 (compatible; ExampleBot/2.1)",
                "198.51.100.9",
                Crawler::False,
            ),
            (
                "Mozilla/5.0 (compatible; Googlebot/2.1)",
                "198.51.100.9",
                Crawler::Claimed,
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0",
                "192.0.2.9",
                Crawler::None,
            ),
            ("", "192.0.2.9", Crawler::None),
        ] {
            let headers = headers(&[("user-agent", agent)]);
            assert_eq!(
                crawlers.judge(&headers, client(address)),
                expected,
                "{agent}"
            );
        }
    }
}
