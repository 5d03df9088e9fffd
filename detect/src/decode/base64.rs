//! Base64 of plausible text: standard and URL-safe alphabets, padding present or not, line breaks, `+` that a form
//! turned into a space, and the payload of a `data:` URL. What does not decode to text is left alone, so that a
//! session id stays what it is.

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::bytes::is_plausible_text;

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const CLASSIC: GeneralPurpose = GeneralPurpose::new(&STANDARD, LENIENT);
const FOR_URLS: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, LENIENT);

/// Shorter inputs are words more often than base64.
const SHORTEST: usize = 8;

/// Appends the text that `input` is base64 of; false, and nothing appended, when it is none.
pub fn decode_text(input: &[u8], out: &mut Vec<u8>) -> bool {
    let input = payload(input);
    if input.len() < SHORTEST || !input.iter().all(|b| is_allowed(*b)) {
        return false;
    }
    let engine = if memchr::memchr2(b'-', b'_', input).is_some() {
        FOR_URLS
    } else {
        CLASSIC
    };
    let start = out.len();
    let tidy: Vec<u8>;
    let bytes = if input.iter().any(|b| matches!(b, b' ' | b'\r' | b'\n')) {
        tidy = input
            .iter()
            .filter(|b| !matches!(b, b'\r' | b'\n'))
            .map(|b| if *b == b' ' { b'+' } else { *b })
            .collect();
        &tidy
    } else {
        input
    };
    let decoded = engine.decode_vec(bytes, out).is_ok();
    let good = decoded && out.len() - start >= SHORTEST / 2 && is_plausible_text(&out[start..]);
    if !good {
        out.truncate(start);
    }
    good
}

/// What follows `;base64,` in a data URL; else the input without white space around it.
fn payload(input: &[u8]) -> &[u8] {
    let head = &input[..input.len().min(128)];
    let marker = b";base64,";
    match memchr::memmem::find(head, marker) {
        Some(at) => &input[at + marker.len()..],
        None => input.trim_ascii(),
    }
}

const fn is_allowed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'+' | b'/' | b'-' | b'_' | b'=' | b' ' | b'\r' | b'\n'
        )
}

#[cfg(test)]
mod tests {
    use super::super::bytes::check;

    #[test]
    fn table() {
        check(
            super::decode_text,
            &[
                (b"", b""),
                (b"PHNjcmlwdD4=", b"<script>"),
                (b"PHNjcmlwdD4", b"<script>"),
                (b"PHNjcmlwdD4\r\n", b"<script>"),
                (b"JyBPUiAxPTE-Pg==", b"' OR 1=1>>"),
                (b"JyBPUiAxPTE+Pg==", b"' OR 1=1>>"),
                (b"JyBPUiAxPTE Pg==", b"' OR 1=1>>"),
                (b"data:text/html;base64,PHNjcmlwdD4=", b"<script>"),
                (b"password", b"password"),
                (b"c2hvcnQ", b"c2hvcnQ"),
                (b"0123456789abcdef", b"0123456789abcdef"),
                (b"deadbeefcafe0123", b"deadbeefcafe0123"),
                (b"AAECAwQFBgcICQ==", b"AAECAwQFBgcICQ=="),
                (b"not base64, a sentence.", b"not base64, a sentence."),
            ],
        );
    }
}
