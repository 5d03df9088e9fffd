//! What attackers do to a text so that a filter does not know it again and the interpreter still does: other spaces,
//! mixed case, quotes inside words, and layers of encoding that some server on the way takes off.

use std::fmt::Write;

use super::super::random::Draw;
use super::one;

/// A layer of encoding around a value of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// As browsers encode.
    Needed,
    /// Every byte.
    All,
    /// Twice.
    Double,
    /// Only what would break the request.
    Least,
    /// `%uXXXX`, as old servers understand.
    Unicode,
}

impl Layer {
    /// A layer; the plain one most often.
    pub fn any(draw: &mut Draw) -> Self {
        [
            Self::Needed,
            Self::All,
            Self::Double,
            Self::Least,
            Self::Unicode,
        ][draw.weighted([0.6, 0.1, 0.1, 0.15, 0.05].into_iter())]
    }
}

/// A text with this layer, as a value of a query or a segment of a path.
pub fn percent(text: &str, layer: Layer) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        let plain = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let graphic = byte.is_ascii_graphic() && !b"#&%+?\"<>\\^`{|}".contains(&byte);
        let _ = match layer {
            Layer::Needed | Layer::Double | Layer::Unicode if plain => {
                write!(out, "{}", char::from(byte))
            }
            Layer::Least if graphic => write!(out, "{}", char::from(byte)),
            Layer::Double => write!(out, "%25{byte:02X}"),
            Layer::Unicode if byte.is_ascii() => write!(out, "%u{byte:04x}"),
            _ => write!(out, "%{byte:02x}"),
        };
    }
    out
}

/// Other spaces, mixed case, comments inside.
pub fn sql(text: &str, draw: &mut Draw) -> String {
    let text = if draw.chance(0.3) {
        mixed(text, draw)
    } else if draw.chance(0.2) {
        text.to_uppercase()
    } else {
        text.to_owned()
    };
    match draw.below(8) {
        0 => text.replace(' ', "/**/"),
        1 => text.replace(' ', "\t"),
        2 => text.replace(' ', "\n"),
        3 => text.replace("select", "/*!50000select*/"),
        4 => text.replace(' ', one(draw, &["/*x*/", "%0b", "\u{a0}", "  "])),
        _ => text,
    }
}

/// Mixed case, slashes for spaces, entities.
pub fn markup(text: &str, draw: &mut Draw) -> String {
    match draw.below(7) {
        0 => mixed(text, draw),
        1 => text.replacen(' ', "/", 1),
        2 => text.replace("alert", "al\\u0065rt"),
        3 => text.replace("javascript:", "&#106;avascript&colon;"),
        4 => text.replacen('<', "<\u{0}", usize::from(draw.chance(0.2))),
        _ => text.to_owned(),
    }
}

/// Quotes inside words, variables for spaces, wildcards in names.
pub fn shell(text: &str, draw: &mut Draw) -> String {
    match draw.below(8) {
        0 => text.replace(' ', "${IFS}"),
        1 => text.replace("cat", "c''at").replace("whoami", "who\\ami"),
        2 => text.replace("/etc/passwd", "/e?c/p?sswd"),
        3 => text.replace("curl", "cu\"\"rl"),
        4 => text.replace(' ', "$IFS$9"),
        _ => text.to_owned(),
    }
}

fn mixed(text: &str, draw: &mut Draw) -> String {
    text.chars()
        .map(|c| {
            if draw.chance(0.5) {
                c.to_ascii_uppercase()
            } else {
                c
            }
        })
        .collect()
}
