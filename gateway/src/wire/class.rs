//! Which bytes may stand where in a request head: tables and folds that `head`, `field`, `target` and `chunked` ask.

/// Bytes of a method or a field name without `_`: RFC 9110 section 5.6.2, less the underscore that some
/// applications read as a hyphen.
static NAME: [bool; 256] = table(b"!#$%&'*+-.^`|~");
/// Bytes of any token: RFC 9110 section 5.6.2.
static TOKEN: [bool; 256] = table(b"!#$%&'*+-.^_`|~");
/// Bytes of a host name or an IPv4 address. The grammar of RFC 3986 allows more, no deployed name uses it.
static HOST: [bool; 256] = table(b"-._~");

/// Whether a byte may stand in a field name.
pub(super) fn is_name(byte: u8) -> bool {
    NAME[usize::from(byte)]
}

/// Whether a byte may stand in a token.
pub(super) fn is_token(byte: u8) -> bool {
    TOKEN[usize::from(byte)]
}

/// Whether a byte may stand in a host name.
pub(super) fn is_host(byte: u8) -> bool {
    HOST[usize::from(byte)]
}

/// Whether a byte may stand in a path. The set is what the HTTP library's URI type takes: RFC 3986 plus the
/// quotes, braces, brackets and backslashes that clients send raw. High bytes are for the caller to judge.
pub(super) fn is_path(byte: u8) -> bool {
    matches!(byte, b'!' | b'"' | b'$'..=b';' | b'=' | b'@'..=b'_' | b'a'..=b'~')
}

/// Whether a byte may stand in a query, by the same measure.
pub(super) fn is_query(byte: u8) -> bool {
    matches!(byte, b'!' | b'$'..=b';' | b'=' | b'?'..=b'~')
}

/// Whether a line holds a control byte other than a tab. Written as a fold without an early exit, so that the
/// compiler makes it sixteen bytes at a time.
pub(super) fn has_control(line: &[u8]) -> bool {
    line.iter().fold(false, |found, &byte| {
        found | ((byte < 0x20) & (byte != b'\t')) | (byte == 0x7f)
    })
}

/// Letters, digits and some more.
const fn table(more: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut byte: u8 = 0;
    while byte < 128 {
        table[byte as usize] = byte.is_ascii_alphanumeric();
        byte += 1;
    }
    let mut i = 0;
    while i < more.len() {
        table[more[i] as usize] = true;
        i += 1;
    }
    table
}
