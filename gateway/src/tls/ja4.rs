//! JA4: which TLS library a client speaks with, read from its first message. A client that says "browser" in its
//! User-Agent and shakes hands like a script is worth a second look. Reads what [`super::tap`] kept of the
//! handshake; the bytes are the client's, so every length is checked and nothing found means no fingerprint.
//!
//! The format is FoxIO's JA4 (BSD-3-Clause): protocol, version, SNI, counts and ALPN in clear, then the sorted cipher
//! suites and the sorted extensions with the signature algorithms, each as the first 12 hexadecimal digits of SHA-256.

use ring::digest::{SHA256, digest};

/// What a ClientHello offers, without GREASE (RFC 8701).
#[derive(Debug, Default, PartialEq, Eq)]
struct Hello {
    version: u16,
    ciphers: Vec<u16>,
    extensions: Vec<u16>,
    signatures: Vec<u16>,
    server_name: bool,
    protocol: Option<Vec<u8>>,
}

/// The fingerprint of the ClientHello at the start of `bytes`, TLS records as they came; `None` where there is no
/// whole one.
pub fn ja4(bytes: &[u8]) -> Option<String> {
    let message = handshake(bytes)?;
    let hello = Hello::read(&mut Reader(&message))?;
    Some(hello.fingerprint())
}

/// The first handshake message, put together from its records (RFC 8446, section 5.1).
fn handshake(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut reader = Reader(bytes);
    let mut message = Vec::new();
    loop {
        if reader.u8()? != RECORD_HANDSHAKE {
            return None;
        }
        reader.u16()?;
        message.extend_from_slice(reader.prefixed16()?.0);
        let mut head = Reader(&message);
        let (Some(kind), Some(length)) = (head.u8(), head.u24()) else {
            continue;
        };
        if kind != CLIENT_HELLO {
            return None;
        }
        if let Some(body) = head.take(length) {
            return Some(body.to_vec());
        }
    }
}

impl Hello {
    /// RFC 8446, section 4.1.2.
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let mut hello = Self {
            version: reader.u16()?,
            ..Self::default()
        };
        reader.take(32)?;
        reader.prefixed8()?;
        hello.ciphers = reader.prefixed16()?.words();
        reader.prefixed8()?;
        // TLS 1.2 and older may end here.
        let Some(mut extensions) = reader.prefixed16() else {
            return Some(hello);
        };
        while let Some(kind) = extensions.u16() {
            let body = extensions.prefixed16()?;
            hello.extension(kind, body);
        }
        Some(hello)
    }

    fn extension(&mut self, kind: u16, mut body: Reader<'_>) {
        if is_grease(kind) {
            return;
        }
        self.extensions.push(kind);
        match kind {
            SERVER_NAME => self.server_name = true,
            SIGNATURE_ALGORITHMS => {
                self.signatures = body.prefixed16().map(Reader::words).unwrap_or_default();
            }
            SUPPORTED_VERSIONS => {
                let offered = body.prefixed8().map(Reader::words).unwrap_or_default();
                self.version = offered.into_iter().max().unwrap_or(self.version);
            }
            ALPN => {
                let first = body.prefixed16().and_then(|mut list| list.prefixed8());
                self.protocol = first.map(|name| name.0.to_vec());
            }
            _ => {}
        }
    }

    fn fingerprint(mut self) -> String {
        let head = format!(
            "t{}{}{:02}{:02}{}",
            version(self.version),
            if self.server_name { 'd' } else { 'i' },
            self.ciphers.len().min(99),
            self.extensions.len().min(99),
            protocol(self.protocol.as_deref()),
        );
        self.ciphers.sort_unstable();
        self.extensions
            .retain(|kind| !matches!(*kind, SERVER_NAME | ALPN));
        self.extensions.sort_unstable();
        let mut extensions = listed(&self.extensions);
        if !self.signatures.is_empty() && !extensions.is_empty() {
            extensions = format!("{extensions}_{}", listed(&self.signatures));
        }
        format!(
            "{head}_{}_{}",
            short(&listed(&self.ciphers)),
            short(&extensions)
        )
    }
}

fn version(version: u16) -> &'static str {
    match version {
        0x0304 => "13",
        0x0303 => "12",
        0x0302 => "11",
        0x0301 => "10",
        0x0300 => "s3",
        0x0002 => "s2",
        _ => "00",
    }
}

/// The first and last character of the first protocol; of its hexadecimal form where either is neither letter nor
/// digit.
fn protocol(name: Option<&[u8]>) -> String {
    let (Some(first), Some(last)) = (name.and_then(<[u8]>::first), name.and_then(<[u8]>::last))
    else {
        return "00".to_owned();
    };
    if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() {
        return [char::from(*first), char::from(*last)].iter().collect();
    }
    format!("{:x}{:x}", first >> 4, last & 0x0f)
}

fn listed(words: &[u16]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("{word:04x}")).collect();
    words.join(",")
}

/// The first 12 hexadecimal digits of SHA-256; zeros for an empty list.
fn short(list: &str) -> String {
    if list.is_empty() {
        return "0".repeat(12);
    }
    let hash = digest(&SHA256, list.as_bytes());
    hash.as_ref()
        .iter()
        .take(6)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Values that clients throw in so that servers do not get used to a fixed set (RFC 8701).
fn is_grease(word: u16) -> bool {
    let [high, low] = word.to_be_bytes();
    high == low && low & 0x0f == 0x0a
}

/// Reads big-endian numbers and length-prefixed bytes; `None` past the end.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self, length: usize) -> Option<usize> {
        let bytes = self.take(length)?;
        Some(
            bytes
                .iter()
                .fold(0, |number, byte| number << 8 | usize::from(*byte)),
        )
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn u16(&mut self) -> Option<u16> {
        let bytes = self.take(2)?;
        Some(u16::from_be_bytes(bytes.try_into().ok()?))
    }

    fn u24(&mut self) -> Option<usize> {
        self.number(3)
    }

    fn prefixed8(&mut self) -> Option<Reader<'a>> {
        let length = self.number(1)?;
        self.take(length).map(Reader)
    }

    fn prefixed16(&mut self) -> Option<Reader<'a>> {
        let length = self.number(2)?;
        self.take(length).map(Reader)
    }

    /// All 16-bit words, without GREASE.
    fn words(self) -> Vec<u16> {
        self.0
            .chunks_exact(2)
            .filter_map(|pair| Some(u16::from_be_bytes(pair.try_into().ok()?)))
            .filter(|word| !is_grease(*word))
            .collect()
    }
}

const RECORD_HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const SERVER_NAME: u16 = 0x0000;
const SIGNATURE_ALGORITHMS: u16 = 0x000d;
const ALPN: u16 = 0x0010;
const SUPPORTED_VERSIONS: u16 = 0x002b;

#[cfg(test)]
mod tests {
    use super::*;

    /// A ClientHello as TLS records of at most `record` bytes.
    fn records(hello: &[u8], record: usize) -> Vec<u8> {
        let mut message = vec![CLIENT_HELLO, 0];
        message.extend_from_slice(&(hello.len() as u16).to_be_bytes());
        message.extend_from_slice(hello);
        let mut bytes = Vec::new();
        for part in message.chunks(record) {
            bytes.extend_from_slice(&[RECORD_HANDSHAKE, 3, 1]);
            bytes.extend_from_slice(&(part.len() as u16).to_be_bytes());
            bytes.extend_from_slice(part);
        }
        bytes
    }

    fn words(list: &str) -> Vec<u8> {
        list.split(',')
            .flat_map(|word| u16::from_str_radix(word, 16).unwrap().to_be_bytes())
            .collect()
    }

    fn prefixed(body: &[u8]) -> Vec<u8> {
        let mut bytes = (body.len() as u16).to_be_bytes().to_vec();
        bytes.extend_from_slice(body);
        bytes
    }

    fn hello(ciphers: &str, extensions: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let mut bytes = vec![3, 3];
        bytes.extend_from_slice(&[7; 32]);
        bytes.push(0);
        bytes.extend(prefixed(&words(ciphers)));
        bytes.extend_from_slice(&[1, 0]);
        let mut all = Vec::new();
        for (kind, body) in extensions {
            all.extend(words(kind));
            all.extend(prefixed(body));
        }
        bytes.extend(prefixed(&all));
        bytes
    }

    /// The example of the published description of JA4: its raw form gives both the lists and the two hashes.
    fn example() -> Vec<u8> {
        let signatures = prefixed(&words("0403,0804,0401,0503,0805,0501,0806,0601"));
        let versions = [vec![6], words("6a6a,0304,0303")].concat();
        let protocols = prefixed(b"\x02h2\x08http/1.1");
        let plain = [
            "001b", "002d", "0033", "0005", "ff01", "0012", "0023", "000b", "0017", "000a", "0015",
            "4469",
        ];
        let mut extensions: Vec<(&str, Vec<u8>)> =
            plain.iter().map(|kind| (*kind, Vec::new())).collect();
        extensions.insert(3, ("0000", b"\x00\x00".to_vec()));
        extensions.insert(1, ("2a2a", Vec::new()));
        extensions.push(("002b", versions));
        extensions.push(("0010", protocols));
        extensions.push(("000d", signatures));
        hello(
            "8a8a,1301,1302,1303,c02b,c02f,c02c,c030,cca9,cca8,c013,c014,009c,009d,002f,0035",
            &extensions,
        )
    }

    #[test]
    fn the_published_example() {
        let expected = Some("t13d1516h2_8daaf6152771_e5627efa2ab1".to_owned());
        assert_eq!(ja4(&records(&example(), 16_384)), expected);
        assert_eq!(
            ja4(&records(&example(), 50)),
            expected,
            "spread over several records"
        );
    }

    #[test]
    fn what_is_not_offered() {
        let bare = hello("1301", &[]);
        let expected = format!("t12i010000_{}_000000000000", short("1301"));
        assert_eq!(ja4(&records(&bare, 16_384)), Some(expected));
        let odd = hello("1301", &[("0010", prefixed(b"\x02\xab\xcd"))]);
        assert!(
            ja4(&records(&odd, 16_384))
                .unwrap()
                .starts_with("t12i0101ad_")
        );
    }

    #[test]
    fn no_bytes_of_a_client_cause_more_than_none() {
        let whole = records(&example(), 16_384);
        for end in 0..whole.len() {
            assert_eq!(ja4(&whole[..end]), None, "cut at {end}");
        }
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 0xff;
            let _ = ja4(&damaged);
        }
        assert_eq!(ja4(b"GET / HTTP/1.1\r\n"), None);
    }
}
