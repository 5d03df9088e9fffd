//! Runs of white space to one space. White space is that of ASCII, vertical tab and form feed included, and a lone
//! 0xA0, which MySQL reads as a space in Latin-1; the same byte inside a UTF-8 character is left alone.

use super::bytes::is_space;

/// Appends `input` with white space squeezed; true when that changed something.
pub fn decode(input: &[u8], out: &mut Vec<u8>) -> bool {
    let Some(first) = first_change(input) else {
        return false;
    };
    out.extend_from_slice(&input[..first]);
    let mut previous = input[..first].last().copied().unwrap_or(0);
    for byte in &input[first..] {
        if is_space(*byte) || (*byte == 0xa0 && previous < 0x80) {
            if out.last() != Some(&b' ') {
                out.push(b' ');
            }
            previous = b' ';
        } else {
            out.push(*byte);
            previous = *byte;
        }
    }
    true
}

fn first_change(input: &[u8]) -> Option<usize> {
    let mut previous = 0;
    for (at, byte) in input.iter().enumerate() {
        let changes = match byte {
            b' ' => previous == b' ',
            0xa0 => previous < 0x80,
            other => is_space(*other),
        };
        if changes {
            return Some(at);
        }
        previous = *byte;
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
