//! The words that scalars are written in: `10s`, `128KiB`, `600/min`, `http://host:port`.
//!
//! Each type reads the text an operator writes, refuses everything else with a sentence that says what to write, and
//! serialises back to the same spelling, so that a printed configuration can be read again.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;
use std::path::PathBuf;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};

/// A length of time: a whole number and `ms`, `s`, `m` (or `min`), `h` or `d`. At most 365 days.
///
/// Dereferences to [`std::time::Duration`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Duration(pub std::time::Duration);

/// A number of bytes: a whole number, alone or with `KiB`, `MiB`, `GiB` (powers of 1024) or `KB`, `MB`, `GB` (powers
/// of 1000). At most 1 TiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ByteSize(pub u64);

/// So many requests per period: `100/min`; the period is `s`, `min`, `h` or `day`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rate {
    /// Requests per period, 1 or more.
    pub count: u32,
    /// The period they are counted in.
    pub period: RatePeriod,
}

/// The period of a [`Rate`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RatePeriod {
    /// One second.
    Second,
    /// Sixty seconds.
    Minute,
    /// An hour.
    Hour,
    /// Twenty-four hours.
    Day,
}

/// Whose requests share one bucket of a limit: `client`, `route` or `header:NAME`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LimitKey {
    /// One bucket per client address (an IPv6 client counts by its /64).
    Client,
    /// One bucket for everything on the route.
    Route,
    /// One bucket per value of this header, in lower case; requests without it share the client's bucket.
    Header(String),
}

/// Where in a request's head somebody's identity stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum IdentitySource {
    /// The value of this header, in lower case.
    Header(String),
    /// The value of this cookie.
    Cookie(String),
    /// The value of this query parameter.
    Query(String),
    /// This claim of the JSON Web Token in `Authorization: Bearer`.
    Claim(String),
}

/// How a server is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// In the clear.
    Http,
    /// Over TLS.
    Https,
}

/// One server of an upstream: `http://host:port` or `https://host:port`, without path, query or user.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ServerUrl {
    /// In the clear or over TLS.
    pub scheme: Scheme,
    /// Host name or address; an IPv6 address without its brackets.
    pub host: String,
    /// The port, 80 or 443 where none was written.
    pub port: u16,
}

/// Where records go: `stdout`, `none`, or the path of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum RecordOutput {
    /// One line each on standard output.
    #[default]
    Stdout,
    /// Nowhere; metrics still count.
    None,
    /// Appended to this file.
    File(PathBuf),
}

/// Why a scalar was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}; {help}")]
pub struct ValueError {
    /// What is wrong with it.
    pub message: String,
    /// What to write instead.
    pub help: String,
}

impl ValueError {
    pub(crate) fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            help: help.into(),
        }
    }
}

impl Duration {
    /// So many milliseconds.
    pub const fn from_millis(milliseconds: u64) -> Self {
        Self(std::time::Duration::from_millis(milliseconds))
    }

    /// So many seconds.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(std::time::Duration::from_secs(seconds))
    }

    /// The same in the standard library's type.
    pub const fn get(self) -> std::time::Duration {
        self.0
    }
}

impl Deref for Duration {
    type Target = std::time::Duration;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl From<Duration> for std::time::Duration {
    fn from(value: Duration) -> Self {
        value.0
    }
}

impl FromStr for Duration {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || {
            ValueError::new(
                format!("`{text}` is no length of time"),
                "write a whole number and ms, s, m, h or d, such as 500ms, 10s or 5m",
            )
        };
        let (number, unit) = split_number(text).ok_or_else(wrong)?;
        let factor: u64 = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" | "min" => 60_000,
            "h" => 3_600_000,
            "d" => DAY,
            "" if number == 0 => 1,
            _ => return Err(wrong()),
        };
        match number.checked_mul(factor) {
            Some(milliseconds) if milliseconds <= 365 * DAY => Ok(Self::from_millis(milliseconds)),
            _ => Err(ValueError::new(
                format!("`{text}` is too long a time"),
                "write at most 365d",
            )),
        }
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milliseconds = self.0.as_millis();
        if milliseconds == 0 {
            return f.write_str("0s");
        }
        for (size, unit) in [(3_600_000, "h"), (60_000, "m"), (1_000, "s")] {
            if u128::is_multiple_of(milliseconds, size) {
                return write!(f, "{}{unit}", milliseconds / size);
            }
        }
        write!(f, "{milliseconds}ms")
    }
}

impl ByteSize {
    /// So many bytes.
    pub const fn bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// So many times 1024 bytes.
    pub const fn kib(count: u64) -> Self {
        Self(count * 1024)
    }

    /// So many times 1,048,576 bytes.
    pub const fn mib(count: u64) -> Self {
        Self(count * 1024 * 1024)
    }

    /// The number of bytes.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The number of bytes as a length in memory; on a machine whose addresses are shorter, the longest there is.
    pub fn as_usize(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl FromStr for ByteSize {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || {
            ValueError::new(
                format!("`{text}` is no size"),
                "write a whole number of bytes, or one with KiB, MiB or GiB, such as 128KiB",
            )
        };
        let (number, unit) = split_number(text).ok_or_else(wrong)?;
        let factor: u64 = match unit.to_ascii_lowercase().as_str() {
            "" | "b" => 1,
            "kib" => 1 << 10,
            "mib" => 1 << 20,
            "gib" => 1 << 30,
            "kb" => 1_000,
            "mb" => 1_000_000,
            "gb" => 1_000_000_000,
            _ => return Err(wrong()),
        };
        match number.checked_mul(factor) {
            Some(bytes) if bytes <= 1 << 40 => Ok(Self(bytes)),
            _ => Err(ValueError::new(
                format!("`{text}` is too large"),
                "write at most 1024GiB",
            )),
        }
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (size, unit) in [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")] {
            if self.0 != 0 && self.0.is_multiple_of(size) {
                return write!(f, "{}{unit}", self.0 / size);
            }
        }
        write!(f, "{}", self.0)
    }
}

impl Rate {
    /// So many per minute.
    pub const fn per_minute(count: u32) -> Self {
        Self {
            count,
            period: RatePeriod::Minute,
        }
    }

    /// How many requests, in which time.
    pub const fn per_period(self) -> (u32, std::time::Duration) {
        let seconds = match self.period {
            RatePeriod::Second => 1,
            RatePeriod::Minute => 60,
            RatePeriod::Hour => 3_600,
            RatePeriod::Day => 86_400,
        };
        (self.count, std::time::Duration::from_secs(seconds))
    }
}

impl FromStr for Rate {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || {
            ValueError::new(
                format!("`{text}` is no rate"),
                "write requests per s, min, h or day, such as 100/min",
            )
        };
        let (count, period) = text.split_once('/').ok_or_else(wrong)?;
        let period = match period.trim() {
            "s" | "sec" | "second" => RatePeriod::Second,
            "m" | "min" | "minute" => RatePeriod::Minute,
            "h" | "hour" => RatePeriod::Hour,
            "d" | "day" => RatePeriod::Day,
            _ => return Err(wrong()),
        };
        let (count, rest) = split_number(count.trim()).ok_or_else(wrong)?;
        if !rest.is_empty() {
            return Err(wrong());
        }
        match u32::try_from(count) {
            Ok(0) => Err(ValueError::new(
                "a rate of 0 would let nothing through",
                "write 1 or more requests per period",
            )),
            Ok(count)
                if u64::from(count)
                    <= MAX_PER_SECOND * (Self { count, period }).per_period().1.as_secs() =>
            {
                Ok(Self { count, period })
            }
            _ => Err(ValueError::new(
                format!("`{text}` is too high a rate"),
                format!("write at most {MAX_PER_SECOND}/s"),
            )),
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let period = match self.period {
            RatePeriod::Second => "s",
            RatePeriod::Minute => "min",
            RatePeriod::Hour => "h",
            RatePeriod::Day => "day",
        };
        write!(f, "{}/{period}", self.count)
    }
}

impl FromStr for LimitKey {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "client" => Ok(Self::Client),
            "route" => Ok(Self::Route),
            _ => match text.strip_prefix("header:") {
                Some(name) if is_token(name) => Ok(Self::Header(name.to_ascii_lowercase())),
                Some(name) => Err(ValueError::new(
                    format!("`{name}` is no header name"),
                    "write header:NAME, such as header:x-api-key",
                )),
                None => Err(ValueError::new(
                    format!("`{text}` is no key of a limit"),
                    "write client, route or header:NAME",
                )),
            },
        }
    }
}

impl fmt::Display for LimitKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Client => f.write_str("client"),
            Self::Route => f.write_str("route"),
            Self::Header(name) => write!(f, "header:{name}"),
        }
    }
}

impl FromStr for IdentitySource {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = |what: String| {
            ValueError::new(
                what,
                "write header:NAME, cookie:NAME, query:NAME or jwt:CLAIM, such as header:x-api-key",
            )
        };
        let (kind, name) = text
            .split_once(':')
            .ok_or_else(|| wrong(format!("`{text}` says not where to look")))?;
        let printable = !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic());
        match kind {
            "header" if is_token(name) => Ok(Self::Header(name.to_ascii_lowercase())),
            "cookie" if is_token(name) => Ok(Self::Cookie(name.to_owned())),
            "query" if printable => Ok(Self::Query(name.to_owned())),
            "jwt" if printable => Ok(Self::Claim(name.to_owned())),
            "header" | "cookie" | "query" | "jwt" => {
                Err(wrong(format!("`{name}` is no name of a {kind}")))
            }
            _ => Err(wrong(format!("`{kind}` is no place in a request"))),
        }
    }
}

impl fmt::Display for IdentitySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(name) => write!(f, "header:{name}"),
            Self::Cookie(name) => write!(f, "cookie:{name}"),
            Self::Query(name) => write!(f, "query:{name}"),
            Self::Claim(name) => write!(f, "jwt:{name}"),
        }
    }
}

impl ServerUrl {
    /// Whether the server is spoken to over TLS.
    pub const fn is_tls(&self) -> bool {
        matches!(self.scheme, Scheme::Https)
    }

    /// `host:port`, with brackets around an IPv6 address.
    pub fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl FromStr for ServerUrl {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = |why: &str| {
            ValueError::new(
                format!("`{text}` is no server: {why}"),
                "write http://host:port or https://host:port",
            )
        };
        let (scheme, rest) = text
            .split_once("://")
            .ok_or_else(|| wrong("the scheme is missing"))?;
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return Err(wrong("the scheme is neither http nor https")),
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.contains(['/', '?', '#']) {
            return Err(wrong(
                "a path or query cannot stand here, requests keep their own",
            ));
        }
        if authority.contains('@') {
            return Err(wrong(
                "a user cannot stand here, set an Authorization header with request_headers",
            ));
        }
        let (host, port) =
            split_authority(authority).ok_or_else(|| wrong("host or port cannot be read"))?;
        let port = match port {
            None if scheme == Scheme::Https => 443,
            None => 80,
            Some(port) => port
                .parse()
                .ok()
                .filter(|p| *p != 0)
                .ok_or_else(|| wrong("the port is not between 1 and 65535"))?,
        };
        Ok(Self {
            scheme,
            host: host.to_ascii_lowercase(),
            port,
        })
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_tls() { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.authority())
    }
}

impl FromStr for RecordOutput {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "stdout" => Ok(Self::Stdout),
            "none" => Ok(Self::None),
            // A bare word is more likely a misspelt keyword than a file beside the process.
            _ if text.contains(['/', '.', '\\']) => Ok(Self::File(PathBuf::from(text))),
            _ => Err(ValueError::new(
                format!("`{text}` is no place for records"),
                format!(
                    "write stdout, none, or a path such as /var/log/portcullis/records.jsonl (./{text} for a file of that name)"
                ),
            )),
        }
    }
}

impl fmt::Display for RecordOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdout => f.write_str("stdout"),
            Self::None => f.write_str("none"),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

/// Whether `name` is a token of RFC 9110 section 5.6.2, which is what a header name and a method are made of.
pub(crate) fn is_token(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

/// Splits `128KiB` into 128 and `KiB`; spaces between them are let pass. `None` without digits or past 64 bits.
fn split_number(text: &str) -> Option<(u64, &str)> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, unit) = text.split_at_checked(end)?;
    Some((digits.parse().ok()?, unit.trim_start()))
}

/// Splits `host:port` or `[v6]:port`; `None` where the host is empty or holds what no host holds.
fn split_authority(authority: &str) -> Option<(&str, Option<&str>)> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        host.parse::<std::net::Ipv6Addr>().ok()?;
        return match rest {
            "" => Some((host, None)),
            _ => Some((host, Some(rest.strip_prefix(':')?))),
        };
    }
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    let holds = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    (!host.is_empty() && host.bytes().all(holds)).then_some((host, port))
}

/// The highest rate: one request per microsecond, which buckets can still count.
const MAX_PER_SECOND: u64 = 1_000_000;

/// Milliseconds of a day.
const DAY: u64 = 86_400_000;

/// Reads and writes a type through its `FromStr` and `Display`, and names its format in the schema. With `integer`,
/// a bare number is read like its text.
macro_rules! written_as_text {
    ($type:ident, $format:literal, $kind:tt, $what:literal) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Words;
                impl Visitor<'_> for Words {
                    type Value = $type;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($what)
                    }

                    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                        text.parse().map_err(E::custom)
                    }

                    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
                        self.visit_str(&number.to_string())
                    }
                }
                deserializer.deserialize_any(Words)
            }
        }

        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": $kind, "format": $format })
            }
        }
    };
}

written_as_text!(
    Duration,
    "duration",
    ["string", "integer"],
    "a length of time such as 10s"
);
written_as_text!(
    ByteSize,
    "byte-size",
    ["string", "integer"],
    "a size such as 128KiB"
);
written_as_text!(Rate, "rate", "string", "a rate such as 100/min");
written_as_text!(
    LimitKey,
    "limit-key",
    "string",
    "client, route or header:NAME"
);
written_as_text!(
    IdentitySource,
    "identity-source",
    "string",
    "header:NAME, cookie:NAME, query:NAME or jwt:CLAIM"
);
written_as_text!(
    ServerUrl,
    "server-url",
    "string",
    "a server such as http://127.0.0.1:9000"
);
written_as_text!(
    RecordOutput,
    "record-output",
    "string",
    "stdout, none or a path"
);

/// Gives foreign types a format of ours in the schema, for `#[schemars(with = "…")]`.
macro_rules! schema_formats {
    ($($(#[$doc:meta])* $name:ident => $format:literal,)*) => {
        $(
            $(#[$doc])*
            pub(crate) struct $name;

            impl JsonSchema for $name {
                fn schema_name() -> Cow<'static, str> {
                    stringify!($name).into()
                }

                fn inline_schema() -> bool {
                    true
                }

                fn json_schema(_: &mut SchemaGenerator) -> Schema {
                    json_schema!({ "type": "string", "format": $format })
                }
            }
        )*
    };
}

schema_formats! {
    /// `address:port`.
    SocketFormat => "socket-address",
    /// `address/prefix`.
    NetworkFormat => "network",
    /// A path of a file or folder.
    PathFormat => "file-path",
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a text reads as, written out again, or the beginning of what is wrong with it.
    fn read<T: FromStr<Err = ValueError> + fmt::Display>(text: &str) -> Result<String, String> {
        text.parse::<T>()
            .map(|value| value.to_string())
            .map_err(|error| error.message)
    }

    #[test]
    fn spellings_are_read_and_written() {
        type Read = fn(&str) -> Result<String, String>;
        let table: [(Read, &[(&str, &str)]); 7] = [
            (
                read::<Duration>,
                &[
                    ("500ms", "500ms"),
                    ("10s", "10s"),
                    ("10 s", "10s"),
                    ("5m", "5m"),
                    ("5min", "5m"),
                    ("90s", "90s"),
                    ("120s", "2m"),
                    ("24h", "24h"),
                    ("2d", "48h"),
                    ("0", "0s"),
                    ("365d", "8760h"),
                ],
            ),
            (
                read::<ByteSize>,
                &[
                    ("0", "0"),
                    ("131072", "128KiB"),
                    ("128KiB", "128KiB"),
                    ("128 kib", "128KiB"),
                    ("64MiB", "64MiB"),
                    ("1000", "1000"),
                    ("1KB", "1000"),
                    ("1GiB", "1GiB"),
                    ("10b", "10"),
                ],
            ),
            (
                read::<Rate>,
                &[
                    ("100/min", "100/min"),
                    ("10/s", "10/s"),
                    ("10 / sec", "10/s"),
                    ("5000/h", "5000/h"),
                    ("1/day", "1/day"),
                    ("1000000/s", "1000000/s"),
                ],
            ),
            (
                read::<LimitKey>,
                &[
                    ("client", "client"),
                    ("route", "route"),
                    ("header:X-Api-Key", "header:x-api-key"),
                ],
            ),
            (
                read::<IdentitySource>,
                &[
                    ("header:X-Api-Key", "header:x-api-key"),
                    ("cookie:JSESSIONID", "cookie:JSESSIONID"),
                    ("query:api[key]", "query:api[key]"),
                    (
                        "jwt:https://example.com/user",
                        "jwt:https://example.com/user",
                    ),
                ],
            ),
            (
                read::<ServerUrl>,
                &[
                    ("http://127.0.0.1:9000", "http://127.0.0.1:9000"),
                    ("http://API.internal/", "http://api.internal:80"),
                    ("https://api.internal", "https://api.internal:443"),
                    ("HTTPS://[::1]:8443", "https://[::1]:8443"),
                    ("http://[::1]", "http://[::1]:80"),
                ],
            ),
            (
                read::<RecordOutput>,
                &[
                    ("stdout", "stdout"),
                    ("none", "none"),
                    ("/var/log/r.jsonl", "/var/log/r.jsonl"),
                    ("./x", "./x"),
                ],
            ),
        ];
        for (read, cases) in table {
            for (text, expected) in cases {
                assert_eq!(read(text).as_deref(), Ok(*expected), "{text}");
                assert_eq!(
                    read(expected).as_deref(),
                    Ok(*expected),
                    "{text} written and read again"
                );
            }
        }
    }

    #[test]
    fn other_spellings_are_refused() {
        type Read = fn(&str) -> Result<String, String>;
        let table: [(Read, &[&str]); 7] = [
            (
                read::<Duration>,
                &[
                    "",
                    "s",
                    "10",
                    "10 sec",
                    "1.5s",
                    "-1s",
                    "366d",
                    "99999999999999999999s",
                    "18446744073709551615d",
                ],
            ),
            (
                read::<ByteSize>,
                &[
                    "",
                    "KiB",
                    "1.5MiB",
                    "-1",
                    "1TB",
                    "1025GiB",
                    "99999999999GiB",
                ],
            ),
            (
                read::<Rate>,
                &[
                    "",
                    "100",
                    "/min",
                    "100/",
                    "100/week",
                    "0/s",
                    "1.5/s",
                    "1000001/s",
                    "4294967296/day",
                    "1x/s",
                ],
            ),
            (
                read::<LimitKey>,
                &["", "clients", "header:", "header:a b", "header:a:b"],
            ),
            (
                read::<IdentitySource>,
                &[
                    "",
                    "x-api-key",
                    "header:",
                    "header:a b",
                    "cookie:a=b",
                    "query:",
                    "body:user",
                ],
            ),
            (
                read::<ServerUrl>,
                &[
                    "",
                    "127.0.0.1:9000",
                    "ftp://h",
                    "http://",
                    "http://h/path",
                    "http://h?q",
                    "http://user@h",
                    "http://h:0",
                    "http://h:65536",
                    "http://h:x",
                    "http://::1",
                    "http://[::1",
                    "http://[h]:1",
                    "http://[::1]9",
                    "http://a b",
                    "unix:///run/x",
                ],
            ),
            (read::<RecordOutput>, &["", "stdot", "off"]),
        ];
        for (read, cases) in table {
            for text in cases {
                assert!(read(text).is_err(), "{text} reads as {:?}", read(text));
            }
        }
    }

    #[test]
    fn a_rate_knows_its_period() {
        let rate: Rate = "90/h".parse().unwrap();
        assert_eq!(
            rate.per_period(),
            (90, std::time::Duration::from_secs(3600))
        );
    }
}
