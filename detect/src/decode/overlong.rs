//! Overlong UTF-8: an ASCII character spelled in two to six bytes (`C0 AE` for the dot), which old decoders accept
//! and checks on bytes do not see. Also the broken spelling `C0` + ASCII that some servers let through.

/// Appends `input` with overlong ASCII shortened; true when there was some.
pub fn decode(input: &[u8], out: &mut Vec<u8>) -> bool {
    let mut changed = false;
    let mut position = 0;
    let is_lead = |b: &u8| matches!(b, 0xc0 | 0xc1 | 0xe0 | 0xf0 | 0xf8 | 0xfc);
    while let Some(at) = input[position..]
        .iter()
        .position(is_lead)
        .map(|i| i + position)
    {
        out.extend_from_slice(&input[position..at]);
        let rest = &input[at..];
        if let Some((byte, length)) = shortened(rest) {
            out.push(byte);
            position = at + length;
            changed = true;
        } else {
            out.push(rest[0]);
            position = at + 1;
        }
    }
    if changed {
        out.extend_from_slice(&input[position..]);
    }
    changed
}

/// The ASCII character that the overlong sequence at the start of `rest` stands for, and the sequence's length.
fn shortened(rest: &[u8]) -> Option<(u8, usize)> {
    let lead = rest[0];
    let second = *rest.get(1)?;
    if lead <= 0xc1 {
        if second & 0xc0 == 0x80 {
            return Some(((lead & 1) << 6 | second & 0x3f, 2));
        }
        // C0 2F and C1 1C: the second byte lacks its mark, the arithmetic is the same.
        return match (lead, second) {
            (0xc0, b'.' | b'/' | b'\\') => Some((second, 2)),
            (0xc1, 0x1c) => Some((b'\\', 2)),
            _ => None,
        };
    }
    let length = match lead {
        0xe0 => 3,
        0xf0 => 4,
        0xf8 => 5,
        _ => 6,
    };
    let tail = rest.get(1..length)?;
    let (last, upper) = (tail[length - 2], tail[length - 3]);
    let zeros = tail[..length - 3].iter().all(|b| *b == 0x80);
    let ascii = zeros && matches!(upper, 0x80 | 0x81) && last & 0xc0 == 0x80;
    ascii.then_some(((upper & 1) << 6 | last & 0x3f, length))
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
                (b"\xc0\xae\xc0\xae\xc0\xaf", b"../"),
                (b"\xe0\x80\xaf", b"/"),
                (b"\xf0\x80\x80\xaf", b"/"),
                (b"\xf8\x80\x80\x80\xaf", b"/"),
                (b"\xfc\x80\x80\x80\x80\xaf", b"/"),
                (b"\xc1\x9c", b"\\"),
                (b"\xc1\x1c", b"\\"),
                (b"..\xc0/", b"../"),
                (b"\xc0\xa7 or 1", b"' or 1"),
                ("grün àé 中文 😀".as_bytes(), "grün àé 中文 😀".as_bytes()),
                (b"\xc0", b"\xc0"),
                (b"\xc0x", b"\xc0x"),
                (b"\xe0\xa4\x85", b"\xe0\xa4\x85"),
                (b"\xf0\x80", b"\xf0\x80"),
            ],
        );
    }
}
