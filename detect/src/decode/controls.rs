//! Bytes that nobody sees. NUL, DEL, backspace and the invisible characters of Unicode (zero-width, direction marks, soft
//! hyphen, variation selectors, tags) are removed. Other control bytes become a space: SQL Server reads them as
//! white space, and browsers skip them in front of a scheme. Tab and the newlines stay for the white-space decoder.

use super::bytes::code_point;

/// Appends `input` without invisible characters; true when there was one.
pub fn decode(input: &[u8], out: &mut Vec<u8>) -> bool {
    let mut changed = false;
    let mut position = 0;
    while let Some(byte) = input.get(position) {
        match byte {
            0 | 8 | 0x7f => {
                changed = true;
                position += 1;
            }
            1..=7 | 0x0e..=0x1f => {
                out.push(b' ');
                changed = true;
                position += 1;
            }
            0x80.. => {
                let (invisible, length) = match code_point(&input[position..]) {
                    Some((number, length)) => (is_invisible(number), length),
                    None => (false, 1),
                };
                changed |= invisible;
                if !invisible {
                    out.extend_from_slice(&input[position..position + length]);
                }
                position += length;
            }
            _ => {
                let rest = &input[position..];
                let length = rest.iter().take_while(|b| is_visible(**b)).count();
                out.extend_from_slice(&rest[..length]);
                position += length;
            }
        }
    }
    changed
}

const fn is_visible(byte: u8) -> bool {
    matches!(byte, 0x20..=0x7e | b'\t'..=b'\r')
}

const fn is_invisible(number: u32) -> bool {
    matches!(
        number,
        0xad | 0x34f
            | 0x61c
            | 0x115f..=0x1160
            | 0x180b..=0x180e
            | 0x200b..=0x200f
            | 0x202a..=0x202e
            | 0x2060..=0x206f
            | 0x3164
            | 0xfe00..=0xfe0f
            | 0xfeff
            | 0xfff9..=0xfffb
            | 0xe_0000..=0xe_01ef
    )
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
                (b"a\tb\r\n", b"a\tb\r\n"),
                (b"scr\0ipt\x7f", b"script"),
                (b"\0", b""),
                (b"union\x01select\x1f1", b"union select 1"),
                ("scr\u{200b}ip\u{ad}t\u{feff}".as_bytes(), b"script"),
                ("é 中 \u{85}".as_bytes(), "é 中 \u{85}".as_bytes()),
                (b"\xff\0\xe2\x80", b"\xff\xe2\x80"),
            ],
        );
    }
}
