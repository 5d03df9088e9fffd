//! ASCII upper case to lower case. Letters outside ASCII keep their case: no keyword an attack needs has any left
//! after folding.

/// Appends `input` in lower case; true when it held an upper-case letter.
pub fn decode(input: &[u8], out: &mut Vec<u8>) -> bool {
    if !input.iter().any(u8::is_ascii_uppercase) {
        return false;
    }
    out.extend_from_slice(input);
    out.make_ascii_lowercase();
    true
}

#[cfg(test)]
mod tests {
    use super::super::bytes::check;

    #[test]
    fn table() {
        check(
            super::decode,
            &[
                (b"", b""),
                (b"select", b"select"),
                (b"SeLeCT [1]", b"select [1]"),
                ("ÄB".as_bytes(), "Äb".as_bytes()),
            ],
        );
    }
}
