//! White space removed altogether, for words that browsers and shells read across tabs and newlines.

use super::bytes::next_space;

/// Appends `input` without white space (as [`super::whitespace`] counts it); true when there was some.
pub fn decode(input: &[u8], out: &mut Vec<u8>) -> bool {
    let mut position = 0;
    while let Some(at) = next_space(input, position) {
        out.extend_from_slice(&input[position..at]);
        position = at + 1;
    }
    out.extend_from_slice(&input[position..]);
    position > 0
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
