//! Subjects: whom a request came from. One request has several, from its address to the user whose token it carries;
//! what a behaviour detector counts, what a ban is put on, and what nodes tell each other, is named by one
//! [`SubjectId`]. Names of keys, users and sessions never come in here: only keyed hashes of them.

use std::fmt;
use std::hash::Hasher;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use siphasher::sip::SipHasher13;

/// What kind of subject it is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum SubjectKind {
    /// One IPv4 address, or one IPv6 network of 64 bits.
    Address,
    /// An IPv4 network of 24 bits, or an IPv6 network of 48.
    Prefix,
    /// An autonomous system.
    System,
    /// One program at one address: the address together with the fingerprint of what speaks there. Behind a shared
    /// address it is what can be held responsible without its neighbours.
    Client,
    /// An API key.
    Key,
    /// A user.
    User,
    /// A session: a cookie, or a token.
    Session,
}

impl SubjectKind {
    /// All kinds.
    pub const ALL: [SubjectKind; 7] = [
        SubjectKind::Address,
        SubjectKind::Prefix,
        SubjectKind::System,
        SubjectKind::Client,
        SubjectKind::Key,
        SubjectKind::User,
        SubjectKind::Session,
    ];

    /// The name used in records, metrics and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            SubjectKind::Address => "address",
            SubjectKind::Prefix => "prefix",
            SubjectKind::System => "system",
            SubjectKind::Client => "client",
            SubjectKind::Key => "key",
            SubjectKind::User => "user",
            SubjectKind::Session => "session",
        }
    }
}

/// A keyed hash of something that names a subject. Made by [`Hashing`] alone.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct SubjectHash(pub(crate) u64);

impl SubjectHash {
    /// The hash as a number, to be kept or sent.
    pub const fn value(self) -> u64 {
        self.0
    }

    /// From a number that [`SubjectHash::value`] gave on this node, or on one with the same secret.
    pub const fn from_value(value: u64) -> Self {
        Self(value)
    }
}

/// The secret that turns names into hashes (SipHash-1-3). Nodes that share counters or bans share it, and a ban of a
/// user survives a restart only with the same secret.
#[derive(Clone, Copy)]
pub struct Hashing {
    keys: [u64; 2],
}

impl fmt::Debug for Hashing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hashing(secret)")
    }
}

impl Hashing {
    /// With this secret of 128 bits; the caller draws it at random or reads it.
    pub const fn new(secret: u128) -> Self {
        Self {
            keys: [(secret >> 64) as u64, secret as u64],
        }
    }

    /// The hash of a name: a user, a key, a session, a user agent, a JA4 fingerprint. Equal bytes of two kinds give
    /// two hashes.
    pub fn name(&self, domain: &str, name: &[u8]) -> SubjectHash {
        let mut hasher = SipHasher13::new_with_keys(self.keys[0], self.keys[1]);
        hasher.write(domain.as_bytes());
        hasher.write_u8(0xff);
        hasher.write(name);
        SubjectHash(hasher.finish())
    }

    /// The hash of a user's name as a client may write it: case and surrounding blanks make no other user.
    pub fn user(&self, name: &[u8]) -> SubjectHash {
        let mut short = [0_u8; 128];
        let name = name.trim_ascii();
        match short.get_mut(..name.len()) {
            Some(lower) => {
                lower.copy_from_slice(name);
                lower.make_ascii_lowercase();
                self.name("user", lower)
            }
            None => self.name("user", &name.to_ascii_lowercase()),
        }
    }

    /// The fingerprint of a head: its user agent, and the names and order of the headers that do not change from
    /// request to request of one program.
    pub fn head(&self, headers: &[(&str, &[u8])]) -> (Option<SubjectHash>, SubjectHash) {
        self.head_of(headers.iter().copied())
    }

    /// The same of headers that stand elsewhere.
    pub fn head_of<'a>(
        &self,
        headers: impl Iterator<Item = (&'a str, &'a [u8])>,
    ) -> (Option<SubjectHash>, SubjectHash) {
        let mut agent = None;
        let mut order = SipHasher13::new_with_keys(self.keys[0], self.keys[1]);
        for (name, value) in headers {
            if name == "user-agent" {
                agent = Some(self.name("agent", value));
            }
            if STEADY.contains(&name) {
                order.write(name.as_bytes());
                order.write_u8(0xff);
            }
        }
        (agent, SubjectHash(order.finish()))
    }
}

/// Headers that a program either always sends or never.
const STEADY: [&str; 8] = [
    "host",
    "user-agent",
    "accept-language",
    "accept-encoding",
    "connection",
    "dnt",
    "sec-gpc",
    "te",
];

/// A subject by kind and hash. Of an address the hash is the address itself, so that people can read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubjectId {
    /// What kind of subject it is.
    pub kind: SubjectKind,
    /// Which one.
    pub hash: SubjectHash,
}

/// Under the first 64 bits of an IPv6 address in which an IPv4 address is kept: `0000:ffff:a.b.c.d`, a network that
/// nobody has.
const V4: u64 = 0x0000_ffff_0000_0000;

impl SubjectId {
    /// Of kind and hash.
    pub const fn new(kind: SubjectKind, hash: SubjectHash) -> Self {
        Self { kind, hash }
    }

    /// The address, IPv6 by its network of 64 bits; IPv4 written as IPv6 counts as IPv4.
    pub fn address(address: IpAddr) -> Self {
        Self::new(SubjectKind::Address, SubjectHash(network(address)))
    }

    /// The network around the address: 24 bits of IPv4, 48 of IPv6.
    pub fn prefix(address: IpAddr) -> Self {
        let network = network(address);
        let mask = if network >> 32 == V4 >> 32 {
            !0xff
        } else {
            !0xffff
        };
        Self::new(SubjectKind::Prefix, SubjectHash(network & mask))
    }
}

fn network(address: IpAddr) -> u64 {
    match address.to_canonical() {
        IpAddr::V4(v4) => V4 | u64::from(u32::from(v4)),
        IpAddr::V6(v6) => (u128::from(v6) >> 64) as u64,
    }
}

impl fmt::Display for SubjectId {
    /// `address:192.0.2.1`, `address:2001:db8::/64`, `prefix:192.0.2.0/24`, `system:64500`, `user:00c0ffee00c0ffee`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.hash.0;
        write!(f, "{}:", self.kind.as_str())?;
        match self.kind {
            SubjectKind::Address | SubjectKind::Prefix => {
                let narrow = self.kind == SubjectKind::Prefix;
                if value >> 32 == V4 >> 32 {
                    write!(f, "{}", Ipv4Addr::from(value as u32))?;
                    f.write_str(if narrow { "/24" } else { "" })
                } else {
                    write!(f, "{}", Ipv6Addr::from(u128::from(value) << 64))?;
                    f.write_str(if narrow { "/48" } else { "/64" })
                }
            }
            SubjectKind::System => write!(f, "{value}"),
            SubjectKind::Client | SubjectKind::Key | SubjectKind::User | SubjectKind::Session => {
                write!(f, "{value:016x}")
            }
        }
    }
}

/// A text that names no subject.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} names no subject; write address:192.0.2.1, prefix:192.0.2.0/24, system:64500, or KIND:HASH with 16 hexadecimal digits"
)]
pub struct NoSubject(String);

impl FromStr for SubjectId {
    type Err = NoSubject;

    /// Reads what [`SubjectId`] prints; a bare address is one too.
    fn from_str(text: &str) -> Result<Self, NoSubject> {
        parse(text.trim()).ok_or_else(|| NoSubject(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<SubjectId> {
    if let Ok(address) = text.parse() {
        return Some(SubjectId::address(address));
    }
    let (kind, value) = text.split_once(':')?;
    let kind = *SubjectKind::ALL.iter().find(|k| k.as_str() == kind)?;
    match kind {
        SubjectKind::Address => Some(SubjectId::address(bare(value)?)),
        SubjectKind::Prefix => Some(SubjectId::prefix(bare(value)?)),
        SubjectKind::System => {
            let number: u32 = value.parse().ok()?;
            Some(SubjectId::new(kind, SubjectHash(u64::from(number))))
        }
        SubjectKind::Client | SubjectKind::Key | SubjectKind::User | SubjectKind::Session => {
            let whole = value.len() == 16 && value.bytes().all(|b| b.is_ascii_hexdigit());
            let hash = u64::from_str_radix(value, 16).ok().filter(|_| whole)?;
            Some(SubjectId::new(kind, SubjectHash(hash)))
        }
    }
}

/// An address with or without the length of its network.
fn bare(text: &str) -> Option<IpAddr> {
    let address = text.split_once('/').map_or(text, |(address, _)| address);
    address.parse().ok()
}

impl Serialize for SubjectId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SubjectId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Whom a request came from, as far as the caller knows. What it does not know stays `None`, and the detectors that
/// need it stay silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subjects {
    /// The address after trusted proxies.
    pub client: IpAddr,
    /// The number of the autonomous system that the address belongs to.
    pub system: Option<u32>,
    /// The country of the address, two capital letters.
    pub country: Option<[u8; 2]>,
    /// The API key it carries, `Hashing::name("key", …)`.
    pub key: Option<SubjectHash>,
    /// The user whom its credentials name, [`Hashing::user`]. A token that was verified and failed names nobody.
    pub user: Option<SubjectHash>,
    /// Its session cookie or token, `Hashing::name("session", …)`.
    pub session: Option<SubjectHash>,
    /// The user agent, from [`Hashing::head`].
    pub agent: Option<SubjectHash>,
    /// Names and order of its headers, from [`Hashing::head`].
    pub headers: Option<SubjectHash>,
    /// The JA4 fingerprint of its TLS handshake, `Hashing::name("ja4", …)`.
    pub ja4: Option<SubjectHash>,
    /// The login that it attempts, as far as the body tells.
    pub attempt: Option<Attempt>,
    /// What became of the check of its token.
    pub token: Token,
    /// What it says about its own address without being trusted.
    pub claim: Claim,
    /// Whether it says to be a crawler, and whether that is true.
    pub crawler: Crawler,
}

/// A login that a request attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Whom it names, [`Hashing::user`].
    pub user: SubjectHash,
    /// The password, `Hashing::name("secret", …)`: one password for many users is a spray.
    pub secret: Option<SubjectHash>,
}

/// What became of the check of a bearer token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Token {
    /// There was none.
    #[default]
    None,
    /// There was one, and nothing to check it with.
    Unchecked,
    /// It is good.
    Valid,
    /// It was good once: what every client does before it refreshes.
    Expired,
    /// No key of ours made it: wrong signature, `none`, unknown key, not a token at all.
    Forged,
}

/// What a client that is no trusted proxy says about addresses in forwarding headers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Claim {
    /// Nothing.
    #[default]
    None,
    /// An address of a private network: many proxies of offices do.
    Private,
    /// A public address, `Hashing::name("claim", …)`.
    Public(SubjectHash),
    /// Loopback, or an address of ours: it wants to be taken for an insider.
    Internal,
}

/// A crawler's word about itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Crawler {
    /// It does not say so.
    #[default]
    None,
    /// It says so, and nobody has looked.
    Claimed,
    /// It says so, and reverse DNS or the published ranges agree.
    Verified,
    /// It says so, and they disagree.
    False,
}

impl Subjects {
    /// Someone of whom only the address is known.
    pub const fn of(client: IpAddr) -> Self {
        Self {
            client,
            system: None,
            country: None,
            key: None,
            user: None,
            session: None,
            agent: None,
            headers: None,
            ja4: None,
            attempt: None,
            token: Token::None,
            claim: Claim::None,
            crawler: Crawler::None,
        }
    }

    /// Adds the fingerprint of the head.
    #[must_use]
    pub fn with_head(mut self, hashing: &Hashing, headers: &[(&str, &[u8])]) -> Self {
        let (agent, order) = hashing.head(headers);
        self.agent = agent;
        self.headers = Some(order);
        self
    }

    /// Whether it carries something that proves who it is, or tries to.
    pub const fn has_credentials(&self) -> bool {
        self.key.is_some()
            || self.user.is_some()
            || self.session.is_some()
            || !matches!(self.token, Token::None)
    }

    /// What speaks at the address: agent, order of headers and TLS fingerprint in one number.
    pub fn fingerprint(&self) -> SubjectHash {
        let parts = [self.agent, self.headers, self.ja4];
        let mixed = parts
            .iter()
            .fold(0, |mixed, part| mix(mixed ^ part.map_or(1, |part| part.0)));
        SubjectHash(mixed)
    }

    /// The subject of a kind, if it has one.
    pub fn id(&self, kind: SubjectKind) -> Option<SubjectId> {
        let hash = match kind {
            SubjectKind::Address => return Some(SubjectId::address(self.client)),
            SubjectKind::Prefix => return Some(SubjectId::prefix(self.client)),
            SubjectKind::System => self.system.map(|number| SubjectHash(u64::from(number))),
            SubjectKind::Client => {
                let address = SubjectId::address(self.client).hash.0;
                Some(SubjectHash(mix(mix(address) ^ self.fingerprint().0)))
            }
            SubjectKind::Key => self.key,
            SubjectKind::User => self.user,
            SubjectKind::Session => self.session,
        };
        hash.map(|hash| SubjectId::new(kind, hash))
    }

    /// All of its subjects, the widest first.
    pub fn ids(&self) -> impl Iterator<Item = SubjectId> + '_ {
        SubjectKind::ALL.iter().filter_map(|kind| self.id(*kind))
    }
}

/// Subjects that have no name outside: they are counted under the kind of a client, and never banned.
impl SubjectId {
    /// A program, wherever it is.
    pub(crate) fn program(subjects: &Subjects) -> Self {
        Self::inner(subjects.fingerprint().0, 0x70)
    }

    /// A password.
    pub(crate) const fn secret(secret: SubjectHash) -> Self {
        Self::inner(secret.0, 0x73)
    }

    /// A user tried from one address.
    pub(crate) fn pair(subjects: &Subjects, user: SubjectHash) -> Self {
        Self::inner(
            mix(SubjectId::address(subjects.client).hash.0) ^ user.0,
            0x75,
        )
    }

    const fn inner(value: u64, salt: u64) -> Self {
        Self::new(SubjectKind::Client, SubjectHash(mix(value) ^ mix(salt)))
    }
}

/// Spreads the bits of a number over all of it: the finaliser of splitmix64 (Steele, Lea, Flood 2014).
pub(crate) const fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for text in [
            "address:192.0.2.1",
            "address:2001:db8:1:2::/64",
            "prefix:192.0.2.0/24",
            "prefix:2001:db8:1::/48",
            "system:64500",
            "client:0123456789abcdef",
            "key:00000000000000ff",
            "user:ffffffffffffffff",
            "session:0000000000000000",
        ] {
            let id: SubjectId = text.parse().unwrap();
            assert_eq!(id.to_string(), text);
            let json = serde_json::to_string(&id).unwrap();
            assert_eq!(serde_json::from_str::<SubjectId>(&json).unwrap(), id);
        }
    }

    #[test]
    fn what_names_nobody_is_refused() {
        for text in [
            "",
            "user",
            "user:",
            "user:xyz",
            "user:+123456789abcdef",
            "planet:1",
            "system:-1",
            "address:300.1.1.1",
        ] {
            assert!(text.parse::<SubjectId>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn addresses_by_network() {
        for (one, other, same) in [
            ("192.0.2.1", "::ffff:192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
            ("2001:db8::1", "2001:db8::2", true),
            ("2001:db8::1", "2001:db8:0:1::1", false),
        ] {
            let [one, other] = [one, other].map(|text| text.parse::<SubjectId>().unwrap());
            assert_eq!(one == other, same, "{one} {other}");
        }
    }

    #[test]
    fn a_user_is_the_same_in_other_letters() {
        let hashing = Hashing::new(7);
        let long = [b'A'; 200];
        assert_eq!(
            hashing.user(b" Ann@Example.org "),
            hashing.user(b"ann@example.org")
        );
        assert_eq!(
            hashing.user(&long),
            hashing.user(&long.to_ascii_lowercase())
        );
        assert_ne!(hashing.user(b"ann"), hashing.name("key", b"ann"));
        assert_ne!(hashing.user(b"ann"), Hashing::new(8).user(b"ann"));
    }
}
