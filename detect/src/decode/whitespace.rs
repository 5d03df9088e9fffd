//! Runs of white space to one space. White space is that of ASCII, vertical tab and form feed included, and a lone
//! 0xA0, which MySQL reads as a space in Latin-1; the same byte inside a UTF-8 character is left alone.

use super::bytes::next_space;

/// Appends `input` with white space squeezed; true when that changed something.
pub fn decode(input: &[u8], out: &mut Vec<u8>) -> bool {
    let mut position = first_change(input).unwrap_or(input.len());
    if position == input.len() {
        return false;
    }
    out.extend_from_slice(&input[..position]);
    while let Some(at) = next_space(input, position) {
        out.extend_from_slice(&input[position..at]);
        if out.last() != Some(&b' ') {
            out.push(b' ');
        }
        position = at + 1;
    }
    out.extend_from_slice(&input[position..]);
    true
}

/// Where the first white space stands that is no single space.
fn first_change(input: &[u8]) -> Option<usize> {
    let mut position = 0;
    while let Some(at) = next_space(input, position) {
        let single = input[at] == b' ' && (at == 0 || input[at - 1] != b' ');
        if !single {
            return Some(at);
        }
        position = at + 1;
    }
    None
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
                (b"a b c", b"a b c"),
                (b"a  b", b"a b"),
                (b" \t\r\n a", b" a"),
                (b"a\x0bb\x0cc\n", b"a b c "),
                (b"a\xa0b", b"a b"),
                (b"a\xa0\xa0 b", b"a b"),
                ("voilà x".as_bytes(), "voilà x".as_bytes()),
                ("voilà  x".as_bytes(), "voilà x".as_bytes()),
            ],
        );
    }
}
