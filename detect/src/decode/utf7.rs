//! UTF-7 (RFC 2152): `+ADw-` for `<`. Only runs whose every character is ASCII are undone, and that needs an `A`
//! in every third place, which sums and base64 do not have.

/// Appends `input` with UTF-7 runs of ASCII undone; true when there was one.
pub fn decode(input: &[u8], out: &mut Vec<u8>) -> bool {
    let mut position = 0;
    let mut changed = false;
    while let Some(at) = memchr::memchr(b'+', &input[position..]).map(|i| i + position) {
        out.extend_from_slice(&input[position..at]);
        let digits = &input[at + 1..];
        let start = out.len();
        let (length, good) = ascii(digits, out);
        position = at + 1 + length;
        if good {
            changed = true;
            position += usize::from(digits.get(length) == Some(&b'-'));
        } else {
            out.truncate(start);
            // `+` is a digit of runs too: another run may begin inside this one. Only a short one is looked into
            // again, so that the time stays linear.
            if length <= LOOK_AGAIN {
                let inner = memchr::memchr(b'+', &digits[..length]);
                position = inner.map_or(position, |i| at + 1 + i);
            }
            out.extend_from_slice(&input[at..position]);
        }
    }
    out.extend_from_slice(&input[position..]);
    changed
}

const LOOK_AGAIN: usize = 8;

/// Appends the characters that the digits at the start of `digits` spell. Returns how many digits were read and
/// whether they make up a run: at least one character, each of them ASCII, and no bits left over but zeros.
fn ascii(digits: &[u8], out: &mut Vec<u8>) -> (usize, bool) {
    let mut bits = 0_u32;
    let mut count = 0;
    let mut length = 0;
    while let Some(digit) = digits.get(length).and_then(|b| sextet(*b)) {
        length += 1;
        bits = (bits << 6) | u32::from(digit);
        count += 6;
        if count >= 16 {
            count -= 16;
            let unit = bits >> count;
            if !(1..0x80).contains(&unit) {
                return (length, false);
            }
            // Below 0x80, checked above.
            out.push(unit as u8);
            bits &= (1 << count) - 1;
        }
    }
    (length, length >= 3 && bits == 0 && count < 6)
}

const fn sextet(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
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
                (b"+ADw-script+AD4-", b"<script>"),
                (b"+ADw-script+AD4", b"<script>"),
                (b"+ADwAcwBjAHIAaQBwAHQAPg-", b"<script>"),
                (b"+ACI- onload+AD0-", b"\" onload="),
                (b"1+1=2", b"1+1=2"),
                (b"+49123456", b"+49123456"),
                (b"a+ABC-d", b"a+ABC-d"),
                (b"1+ADw+ADw-", b"1+ADw<"),
                (b"C++-", b"C++-"),
                (b"+", b"+"),
            ],
        );
    }
}
