//! Escapes that the evaluation needs to place a text where a parser will find it.

/// `text` with each byte for which `kept` is false as `%XX`.
pub fn percent(text: &str, kept: impl Fn(u8) -> bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii() && kept(byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

/// Letters, digits and `-._~`, which no encoder touches.
pub fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

/// What a form's parser reads: `+` as a space, `%XX` as a byte; bytes that are no UTF-8 as Latin-1.
pub fn form_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let escape = (byte == b'%').then(|| hex_pair(bytes, at + 1)).flatten();
        decoded.push(match (byte, escape) {
            (_, Some(value)) => value,
            (b'+', None) => b' ',
            (other, None) => other,
        });
        at += if escape.is_some() { 3 } else { 1 };
    }
    utf8_or_latin1(decoded)
}

/// The value of the two hexadecimal digits at `at`.
pub fn hex_pair(bytes: &[u8], at: usize) -> Option<u8> {
    let digit = |at: usize| char::from(*bytes.get(at)?).to_digit(16);
    u8::try_from(digit(at)? * 16 + digit(at + 1)?).ok()
}

/// The text of the bytes; Latin-1 where they are no UTF-8, so that no byte is lost.
pub fn utf8_or_latin1(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| error.as_bytes().iter().copied().map(char::from).collect())
}

/// The inside of a JSON string.
pub fn json_inside(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    let inside = quoted
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    inside.unwrap_or_default().to_owned()
}

/// At most `most` characters of a text.
pub fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}
