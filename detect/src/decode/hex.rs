//! Long hexadecimal literals of plausible text, `0x3c736372…` and `x'3c736372…'`, as databases read them. The text
//! takes the literal's place; numbers and addresses, which are no text, stay.

use super::bytes::{hex_digit, is_plausible_text, is_word};

/// Fewer digits are a number or a colour.
const SHORTEST: usize = 8;

/// Appends `input` with hexadecimal literals turned into their text; true when there was one.
pub fn decode(input: &[u8], out: &mut Vec<u8>) -> bool {
    let mut position = 0;
    let mut changed = false;
    while let Some(at) = memchr::memchr2(b'x', b'X', &input[position..]).map(|i| i + position) {
        out.extend_from_slice(&input[position..at]);
        position = at + 1;
        let quoted = input.get(at + 1) == Some(&b'\'');
        let zero = out.last() == Some(&b'0');
        let word_before = out.len().checked_sub(1 + usize::from(zero && !quoted));
        let starts_word = word_before
            .and_then(|i| out.get(i))
            .is_none_or(|b| !is_word(*b));
        if !starts_word || !(quoted || zero) {
            out.push(input[at]);
            continue;
        }
        let digits_start = at + 1 + usize::from(quoted);
        let digits = &input[digits_start..];
        let length = digits
            .iter()
            .take_while(|b| hex_digit(**b).is_some())
            .count();
        let closed = !quoted || digits.get(length) == Some(&b'\'');
        match text(&digits[..length]).filter(|_| closed) {
            Some(bytes) => {
                if zero && !quoted {
                    out.pop();
                }
                out.extend_from_slice(&bytes);
                position = digits_start + length + usize::from(quoted);
                changed = true;
            }
            None => {
                // The digits are consumed too, so that no byte is looked at twice.
                out.extend_from_slice(&input[at..digits_start + length]);
                position = digits_start + length;
            }
        }
    }
    out.extend_from_slice(&input[position..]);
    changed
}

fn text(digits: &[u8]) -> Option<Vec<u8>> {
    if digits.len() < SHORTEST || !digits.len().is_multiple_of(2) {
        return None;
    }
    let pair = |p: &[u8]| Some(hex_digit(p[0])? << 4 | hex_digit(p[1])?);
    let bytes: Option<Vec<u8>> = digits.chunks_exact(2).map(pair).collect();
    bytes.filter(|b| is_plausible_text(b))
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
                (b"0x3c7363726970743e", b"<script>"),
                (b"a=0X61646d696e, 1", b"a=admin, 1"),
                (b"x'61646d696e' b", b"admin b"),
                (b"(x'61646d696e)", b"(x'61646d696e)"),
                (b"0x1f 0xdeadbeef 0x123", b"0x1f 0xdeadbeef 0x123"),
                (b"10x61646d696e", b"10x61646d696e"),
                (b"box'61646d696e'", b"box'61646d696e'"),
                (b"x", b"x"),
            ],
        );
    }
}
