//! Characters outside ASCII that some layer behind us turns into ASCII: full-width forms and styled letters
//! (Unicode's compatibility decompositions), letters whose other case is ASCII, and the look-alike quotes, slashes and
//! angle brackets of Windows' best-fit tables. Accented letters and other scripts stay as they are.

use super::bytes::code_point;

/// Appends `input` with such characters turned into ASCII; true when there was one.
pub fn decode(input: &[u8], out: &mut Vec<u8>) -> bool {
    let mut changed = false;
    let mut position = 0;
    while let Some(at) = input[position..].iter().position(|b| *b >= 0x80) {
        let at = at + position;
        out.extend_from_slice(&input[position..at]);
        let Some((number, length)) = code_point(&input[at..]) else {
            out.push(input[at]);
            position = at + 1;
            continue;
        };
        match folded(number) {
            Some(text) => {
                out.extend_from_slice(text.as_bytes());
                changed = true;
            }
            None => out.extend_from_slice(&input[at..at + length]),
        }
        position = at + length;
    }
    if changed {
        out.extend_from_slice(&input[position..]);
    }
    changed
}

/// The ASCII text that stands for a code point, at most as long as its UTF-8.
fn folded(number: u32) -> Option<&'static str> {
    if let Some(ascii) = range(number) {
        let at = usize::try_from(ascii.checked_sub(0x20)?).ok()?;
        return PRINTABLE.get(at..=at);
    }
    let at = SINGLE
        .binary_search_by_key(&number, |(from, _)| *from)
        .ok()?;
    Some(SINGLE[at].1)
}

/// Ranges that run parallel to ASCII.
const fn range(number: u32) -> Option<u32> {
    Some(match number {
        0xff01..=0xff5e => number - 0xff01 + 0x21,
        0x24b6..=0x24cf => number - 0x24b6 + 0x41,
        0x24d0..=0x24e9 => number - 0x24d0 + 0x61,
        0x1f130..=0x1f149 => number - 0x1f130 + 0x41,
        0x2460..=0x2468 => number - 0x2460 + 0x31,
        0x2074..=0x2079 => number - 0x2074 + 0x34,
        0x2080..=0x2089 => number - 0x2080 + 0x30,
        0x2000..=0x200a => 0x20,
        0x2010..=0x2015 => 0x2d,
        // Mathematical letters: thirteen alphabets of 52, then five rows of digits.
        0x1d400..=0x1d6a3 => {
            let letter = (number - 0x1d400) % 52;
            if letter < 26 {
                0x41 + letter
            } else {
                0x61 + letter - 26
            }
        }
        0x1d7ce..=0x1d7ff => 0x30 + (number - 0x1d7ce) % 10,
        _ => return None,
    })
}

const PRINTABLE: &str = concat!(
    r##" !"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\]^_`"##,
    "abcdefghijklmnopqrstuvwxyz{|}~"
);

/// Single code points, in order. From the decompositions and case mappings of the Unicode Character Database
/// (UnicodeData.txt) and Microsoft's best-fit table for code page 1252.
const SINGLE: &[(u32, &str)] = &[
    (0xa0, " "),
    (0xaa, "a"),
    (0xb2, "2"),
    (0xb3, "3"),
    (0xb4, "'"),
    (0xb9, "1"),
    (0xba, "o"),
    (0x130, "I"),
    (0x131, "i"),
    (0x17f, "s"),
    (0x1c0, "|"),
    (0x1c3, "!"),
    (0x2b0, "h"),
    (0x2b2, "j"),
    (0x2b3, "r"),
    (0x2b7, "w"),
    (0x2b8, "y"),
    (0x2b9, "'"),
    (0x2ba, "\""),
    (0x2bb, "'"),
    (0x2bc, "'"),
    (0x2bd, "'"),
    (0x2c4, "^"),
    (0x2c6, "^"),
    (0x2c8, "'"),
    (0x2ca, "'"),
    (0x2cb, "`"),
    (0x2cd, "_"),
    (0x2d0, ":"),
    (0x2dc, "~"),
    (0x2e1, "l"),
    (0x2e2, "s"),
    (0x2e3, "x"),
    (0x37e, ";"),
    (0x589, ":"),
    (0x66a, "%"),
    (0x1680, " "),
    (0x2016, "|"),
    (0x2017, "_"),
    (0x2018, "'"),
    (0x2019, "'"),
    (0x201a, "'"),
    (0x201b, "'"),
    (0x201c, "\""),
    (0x201d, "\""),
    (0x201e, "\""),
    (0x201f, "\""),
    (0x2024, "."),
    (0x2025, ".."),
    (0x2026, "..."),
    (0x2028, "\n"),
    (0x2029, "\n"),
    (0x202f, " "),
    (0x2032, "'"),
    (0x2033, "\""),
    (0x2035, "`"),
    (0x2039, "<"),
    (0x203a, ">"),
    (0x203c, "!!"),
    (0x2044, "/"),
    (0x2047, "??"),
    (0x205f, " "),
    (0x2070, "0"),
    (0x2071, "i"),
    (0x207a, "+"),
    (0x207c, "="),
    (0x207d, "("),
    (0x207e, ")"),
    (0x207f, "n"),
    (0x2102, "C"),
    (0x210a, "g"),
    (0x210b, "H"),
    (0x210c, "H"),
    (0x210d, "H"),
    (0x210e, "h"),
    (0x2110, "I"),
    (0x2111, "I"),
    (0x2112, "L"),
    (0x2113, "l"),
    (0x2115, "N"),
    (0x2119, "P"),
    (0x211a, "Q"),
    (0x211b, "R"),
    (0x211c, "R"),
    (0x211d, "R"),
    (0x2124, "Z"),
    (0x2128, "Z"),
    (0x212a, "K"),
    (0x212c, "B"),
    (0x212d, "C"),
    (0x212f, "e"),
    (0x2130, "E"),
    (0x2131, "F"),
    (0x2133, "M"),
    (0x2134, "o"),
    (0x2139, "i"),
    (0x2145, "D"),
    (0x2146, "d"),
    (0x2147, "e"),
    (0x2148, "i"),
    (0x2149, "j"),
    (0x2160, "I"),
    (0x2164, "V"),
    (0x2169, "X"),
    (0x216c, "L"),
    (0x216d, "C"),
    (0x216e, "D"),
    (0x216f, "M"),
    (0x2170, "i"),
    (0x2174, "v"),
    (0x2179, "x"),
    (0x217c, "l"),
    (0x217d, "c"),
    (0x217e, "d"),
    (0x217f, "m"),
    (0x2212, "-"),
    (0x2215, "/"),
    (0x2216, "\\"),
    (0x2217, "*"),
    (0x2223, "|"),
    (0x2236, ":"),
    (0x223c, "~"),
    (0x2303, "^"),
    (0x2329, "<"),
    (0x232a, ">"),
    (0x24ea, "0"),
    (0x276e, "<"),
    (0x276f, ">"),
    (0x3000, " "),
    (0x3008, "<"),
    (0x3009, ">"),
    (0x301a, "["),
    (0x301b, "]"),
    (0xfb00, "ff"),
    (0xfb01, "fi"),
    (0xfb02, "fl"),
    (0xfb03, "ffi"),
    (0xfb04, "ffl"),
    (0xfb05, "st"),
    (0xfb06, "st"),
    (0xfe33, "_"),
    (0xfe35, "("),
    (0xfe36, ")"),
    (0xfe37, "{"),
    (0xfe38, "}"),
    (0xfe3f, "<"),
    (0xfe40, ">"),
    (0xfe47, "["),
    (0xfe48, "]"),
    (0xfe50, ","),
    (0xfe52, "."),
    (0xfe54, ";"),
    (0xfe55, ":"),
    (0xfe56, "?"),
    (0xfe57, "!"),
    (0xfe58, "-"),
    (0xfe59, "("),
    (0xfe5a, ")"),
    (0xfe5b, "{"),
    (0xfe5c, "}"),
    (0xfe5f, "#"),
    (0xfe60, "&"),
    (0xfe61, "*"),
    (0xfe62, "+"),
    (0xfe63, "-"),
    (0xfe64, "<"),
    (0xfe65, ">"),
    (0xfe66, "="),
    (0xfe68, "\\"),
    (0xfe69, "$"),
    (0xfe6a, "%"),
    (0xfe6b, "@"),
];

#[cfg(test)]
mod tests {
    use super::super::bytes::check;
    use super::*;

    #[test]
    fn table() {
        let cases = [
            ("", ""),
            ("ascii", "ascii"),
            ("＜ｓｃｒｉｐｔ＞", "<script>"),
            ("＇ ＯＲ １＝１", "' OR 1=1"),
            ("ʼ ‘ ’ ′ ´", "' ' ' ' '"),
            ("“x”", "\"x\""),
            ("ſelect K", "select K"),
            ("𝓼𝓬𝓻𝓲𝓹𝓽 𝐒 𝟙 𝟿", "script S 1 9"),
            ("Ⓢⓒ①", "Sc1"),
            ("‥／etc∕x⁄y", "../etc/x/y"),
            ("a\u{3000}b\u{a0}c", "a b c"),
            ("ﬁle", "file"),
            ("～！", "~!"),
            ("naïve Straße 中文 😀 Москва", "naïve Straße 中文 😀 Москва"),
        ];
        let bytes: Vec<(&[u8], &[u8])> = cases
            .iter()
            .map(|(a, b)| (a.as_bytes(), b.as_bytes()))
            .collect();
        check(decode, &bytes);
        check(
            decode,
            &[
                (b"\xff\xfe\xe2\x80", b"\xff\xfe\xe2\x80"),
                (b"\xa0x", b"\xa0x"),
            ],
        );
    }

    #[test]
    fn the_table_is_in_order_and_never_grows() {
        assert!(SINGLE.windows(2).all(|pair| pair[0].0 < pair[1].0));
        for number in 0x80..0x11_0000 {
            if let (Some(text), Some(c)) = (folded(number), char::from_u32(number)) {
                assert!(text.is_ascii() && text.len() <= c.len_utf8(), "{number:x}");
            }
        }
    }
}
