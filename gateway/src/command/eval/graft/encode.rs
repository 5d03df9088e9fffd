//! The encodings of grafted payloads. Each zone has a plain form, in which the payload is escaped as far as the zone's
//! parser needs it to be found whole; the others hide it from whoever decodes less than the application behind.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::zone::Zone;
use crate::command::eval::payload::{Class, Payload};
use crate::command::eval::random::Random;
use crate::command::eval::text::{hex_pair, is_unreserved, json_inside, percent};

/// How a payload is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// As far as the zone needs it.
    Plain,
    /// The same, with `+` for a space.
    Plus,
    /// Every byte as `%XX`.
    Percent,
    /// All but letters and digits as `%25XX`.
    DoublePercent,
    /// All but letters and digits as `%uXXXX`, which IIS and JavaScript's `unescape` read.
    PercentU,
    /// Markup characters as character references.
    Html,
    /// Every character as `\uXXXX`.
    JsonUnicode,
    /// Base64.
    Base64,
}

/// A zone's encodings and their shares; the plain one has most.
fn shares(zone: Zone) -> &'static [(Encoding, u32)] {
    match zone {
        Zone::Query | Zone::Form => &[
            (Encoding::Plain, 58),
            (Encoding::Plus, 14),
            (Encoding::Percent, 10),
            (Encoding::DoublePercent, 7),
            (Encoding::PercentU, 4),
            (Encoding::Html, 3),
            (Encoding::Base64, 4),
        ],
        Zone::Path => &[
            (Encoding::Plain, 76),
            (Encoding::Percent, 12),
            (Encoding::DoublePercent, 9),
            (Encoding::PercentU, 3),
        ],
        Zone::Cookie => &[
            (Encoding::Plain, 76),
            (Encoding::Percent, 10),
            (Encoding::DoublePercent, 4),
            (Encoding::Base64, 10),
        ],
        Zone::Json => &[
            (Encoding::Plain, 76),
            (Encoding::JsonUnicode, 16),
            (Encoding::Html, 3),
            (Encoding::Base64, 5),
        ],
        Zone::Multipart => &[(Encoding::Plain, 96), (Encoding::Html, 4)],
        // Nobody undoes an encoding there.
        Zone::Header | Zone::Xml | Zone::Target => &[(Encoding::Plain, 1)],
    }
}

/// Draws an encoding for the zone; plain where the drawn one would change nothing or makes no sense.
pub fn draw(zone: Zone, payload: &Payload, random: &mut Random) -> Option<Encoding> {
    let drawn = random.weighted(shares(zone))?;
    let (text, escaped) = (&payload.text, is_escaped(payload));
    let fits = match drawn {
        Encoding::Plain | Encoding::JsonUnicode => true,
        Encoding::Plus => text.contains(' ') && !escaped,
        // A list's line that is escaped already is sent as it is.
        Encoding::Percent | Encoding::DoublePercent | Encoding::Base64 => !escaped,
        Encoding::PercentU => !escaped && text.chars().all(is_basic),
        // Only a browser undoes character references.
        Encoding::Html => payload.class == Some(Class::Xss),
    };
    Some(if fits { drawn } else { Encoding::Plain })
}

/// The payload as it stands in the zone; `None` where the zone cannot carry it.
pub fn apply(encoding: Encoding, zone: Zone, payload: &Payload) -> Option<String> {
    let text = payload.text.as_str();
    match encoding {
        Encoding::Plain => plain(zone, payload, text),
        Encoding::Plus => plain(zone, payload, text).map(|text| text.replace("%20", "+")),
        Encoding::Percent => Some(percent(text, |_| false)),
        Encoding::DoublePercent => {
            Some(percent(text, |byte| byte.is_ascii_alphanumeric()).replace('%', "%25"))
        }
        Encoding::PercentU => Some(each(text, |at| format!("%u{:04x}", u32::from(at)))),
        Encoding::Html => {
            let referred = text.chars().map(reference).collect::<String>();
            plain(zone, payload, &referred)
        }
        Encoding::JsonUnicode => Some(unicode_escapes(text)),
        Encoding::Base64 => {
            let encoded = STANDARD.encode(text);
            Some(match zone {
                Zone::Query | Zone::Form => percent(&encoded, is_unreserved),
                Zone::Path
                | Zone::Cookie
                | Zone::Header
                | Zone::Json
                | Zone::Multipart
                | Zone::Xml
                | Zone::Target => encoded,
            })
        }
    }
}

fn plain(zone: Zone, payload: &Payload, text: &str) -> Option<String> {
    let in_url = |text: &str, kept: &[u8]| in_url(text, kept, is_escaped(payload));
    match zone {
        Zone::Query | Zone::Form => Some(in_url(text, b"!$'()*,/:?@[]\\^`{|}=")),
        // Dot segments are sent as they are; any other payload stays in its segment.
        Zone::Path if payload.class == Some(Class::Traversal) => {
            Some(in_url(text, b"!$'()*,:@[]\\^`{|}=+&/"))
        }
        Zone::Path => Some(in_url(text, b"!$'()*,:@[]\\^`{|}=+&")),
        Zone::Target => Some(in_url(text, b"!$'()*,/:?@[]\\^`{|}=+&;")),
        Zone::Cookie => Some(in_url(text, b"!#$&'()*+/:<=>?@[]^`{|}")),
        Zone::Header => {
            let text = text.trim();
            let carried = !text.is_empty() && !text.chars().any(char::is_control);
            carried.then(|| text.to_owned())
        }
        Zone::Json => Some(json_inside(text)),
        Zone::Multipart | Zone::Xml => Some(text.to_owned()),
    }
}

/// The text with percent escapes for all but letters, digits, `-._~` and `kept`. A text that is escaped already keeps
/// its escapes, and its `+`.
fn in_url(text: &str, kept: &[u8], escaped: bool) -> String {
    percent(text, |byte| {
        is_unreserved(byte) || kept.contains(&byte) || (escaped && matches!(byte, b'%' | b'+'))
    })
}

/// Whether a payload stands in its list as it would in a URL: it has percent signs, and each begins an escape. Of path
/// traversal, one escape is enough: the lists have broken ones among them (`%c0%qf`), as lenient servers take them.
pub fn is_escaped(payload: &Payload) -> bool {
    let bytes = payload.text.as_bytes();
    let pair = |at: usize| hex_pair(bytes, at).is_some();
    let begins = |at: usize| {
        let unicode = matches!(bytes.get(at + 1), Some(b'u' | b'U'));
        pair(at + 1) || (unicode && pair(at + 2) && pair(at + 4))
    };
    let mut signs = memchr::memchr_iter(b'%', bytes).peekable();
    match payload.class {
        Some(Class::Traversal) => signs.any(begins),
        Some(_) | None => signs.peek().is_some() && signs.all(begins),
    }
}

fn is_basic(character: char) -> bool {
    u32::from(character) < 0x1_0000
}

fn each(text: &str, escape: impl Fn(char) -> String) -> String {
    text.chars()
        .map(|at| match at {
            at if at.is_ascii_alphanumeric() => at.to_string(),
            at => escape(at),
        })
        .collect()
}

fn reference(character: char) -> String {
    match character {
        '<' | '>' | '"' | '\'' | '(' | ')' | '&' => format!("&#x{:x};", u32::from(character)),
        other => other.to_string(),
    }
}

fn unicode_escapes(text: &str) -> String {
    let units = text.encode_utf16();
    units.map(|unit| format!("\\u{unit:04x}")).collect()
}

impl Encoding {
    /// Its name in the output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Plus => "plus for space",
            Self::Percent => "percent, every byte",
            Self::DoublePercent => "percent, twice",
            Self::PercentU => "%u",
            Self::Html => "character references",
            Self::JsonUnicode => "\\u escapes",
            Self::Base64 => "base64",
        }
    }
}
