//! White space removed altogether, for words that browsers and shells read across tabs and newlines.

use super::bytes::is_space;

/// Appends `input` without white space (as [`super::whitespace`] counts it); true when there was some.
pub fn decode(input: &[u8], out: &mut Vec<u8>) -> bool {
    let mut previous = 0;
    for byte in input {
        let skip = is_space(*byte) || (*byte == 0xa0 && previous < 0x80);
        if !skip {
            out.push(*byte);
        }
        previous = if skip { b' ' } else { *byte };
    }
    out.len() != input.len()
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
                (b"javascript:", b"javascript:"),
                (b"java\tscr\nipt :", b"javascript:"),
                (b"a\xa0b", b"ab"),
                ("à b".as_bytes(), "àb".as_bytes()),
            ],
        );
    }
}
