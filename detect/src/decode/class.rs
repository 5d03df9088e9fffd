//! What bytes a field is made of: one pass over a table of 256 flags. It decides which decoders can be skipped and
//! which fields need no rule at all, so it is the cheapest and most often run line of the engine.

/// The kinds of bytes that occur in a run of bytes, as a set of the flags below.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CharClass(pub u32);

/// `a` to `z`.
pub const LOWER: u32 = 1;
/// `A` to `Z`.
pub const UPPER: u32 = 1 << 1;
/// `0` to `9`.
pub const DIGIT: u32 = 1 << 2;
/// `_`, `.` and `-`.
pub const PLAIN_PUNCT: u32 = 1 << 3;
/// `%`.
pub const PERCENT: u32 = 1 << 4;
/// `+`.
pub const PLUS: u32 = 1 << 5;
/// `&`.
pub const AMP: u32 = 1 << 6;
/// `\`.
pub const BACKSLASH: u32 = 1 << 7;
/// `'`.
pub const QUOTE: u32 = 1 << 8;
/// `"`.
pub const DQUOTE: u32 = 1 << 9;
/// `<`.
pub const LT: u32 = 1 << 10;
/// `>`.
pub const GT: u32 = 1 << 11;
/// `/`.
pub const SLASH: u32 = 1 << 12;
/// The space.
pub const SPACE: u32 = 1 << 13;
/// 0x00 to 0x1f (tab and newlines too) and 0x7f.
pub const CONTROL: u32 = 1 << 14;
/// 0x80 and above.
pub const HIGH: u32 = 1 << 15;
/// `(` and `)`.
pub const PAREN: u32 = 1 << 16;
/// `{` and `}`.
pub const BRACE: u32 = 1 << 17;
/// `[` and `]`.
pub const BRACKET: u32 = 1 << 18;
/// `;`.
pub const SEMI: u32 = 1 << 19;
/// `|`.
pub const PIPE: u32 = 1 << 20;
/// `$`.
pub const DOLLAR: u32 = 1 << 21;
/// The backtick.
pub const BACKTICK: u32 = 1 << 22;
/// `=`.
pub const EQUALS: u32 = 1 << 23;
/// `,`.
pub const COMMA: u32 = 1 << 24;
/// `:`.
pub const COLON: u32 = 1 << 25;
/// `@`.
pub const AT: u32 = 1 << 26;
/// `#`.
pub const HASH: u32 = 1 << 27;
/// `*`.
pub const STAR: u32 = 1 << 28;
/// `!`.
pub const BANG: u32 = 1 << 29;
/// `^`.
pub const CARET: u32 = 1 << 30;
/// `?` and `~`.
pub const QUESTION: u32 = 1 << 31;

impl CharClass {
    /// Whether there are only letters, digits and `_ . -` (or nothing at all).
    pub const fn is_plain(self) -> bool {
        self.0 & !(LOWER | UPPER | DIGIT | PLAIN_PUNCT) == 0
    }

    /// Whether any of these flags is set.
    pub const fn has(self, flags: u32) -> bool {
        self.0 & flags != 0
    }

    /// Whether the two sets share a flag.
    pub const fn intersects(self, other: CharClass) -> bool {
        self.0 & other.0 != 0
    }
}

/// The kinds of bytes in `bytes`.
pub fn classify(bytes: &[u8]) -> CharClass {
    // Four sums, so that one byte's lookup does not wait for the one before.
    let mut sums = [0_u32; 4];
    let mut chunks = bytes.chunks_exact(4);
    for chunk in &mut chunks {
        for (sum, byte) in sums.iter_mut().zip(chunk) {
            *sum |= FLAGS[*byte as usize];
        }
    }
    let rest = chunks
        .remainder()
        .iter()
        .fold(0, |all, b| all | FLAGS[*b as usize]);
    CharClass(sums[0] | sums[1] | sums[2] | sums[3] | rest)
}

static FLAGS: [u32; 256] = {
    let mut flags = [0; 256];
    let mut byte = 0_usize;
    while byte < 256 {
        flags[byte] = flag(byte as u8);
        byte += 1;
    }
    flags
};

const fn flag(byte: u8) -> u32 {
    match byte {
        b'a'..=b'z' => LOWER,
        b'A'..=b'Z' => UPPER,
        b'0'..=b'9' => DIGIT,
        b'_' | b'.' | b'-' => PLAIN_PUNCT,
        b'%' => PERCENT,
        b'+' => PLUS,
        b'&' => AMP,
        b'\\' => BACKSLASH,
        b'\'' => QUOTE,
        b'"' => DQUOTE,
        b'<' => LT,
        b'>' => GT,
        b'/' => SLASH,
        b' ' => SPACE,
        0..=0x1f | 0x7f => CONTROL,
        0x80..=0xff => HIGH,
        b'(' | b')' => PAREN,
        b'{' | b'}' => BRACE,
        b'[' | b']' => BRACKET,
        b';' => SEMI,
        b'|' => PIPE,
        b'$' => DOLLAR,
        b'`' => BACKTICK,
        b'=' => EQUALS,
        b',' => COMMA,
        b':' => COLON,
        b'@' => AT,
        b'#' => HASH,
        b'*' => STAR,
        b'!' => BANG,
        b'^' => CARET,
        b'?' | b'~' => QUESTION,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes() {
        let cases: &[(&[u8], u32)] = &[
            (b"", 0),
            (b"abc", LOWER),
            (b"aB3_.-", LOWER | UPPER | DIGIT | PLAIN_PUNCT),
            (b"a%27", LOWER | PERCENT | DIGIT),
            (b"<a b>", LT | GT | LOWER | SPACE),
            (b"\0\t\n\x7f", CONTROL),
            (b"\x80\xff", HIGH),
            (b"{[(;)]}", BRACE | BRACKET | PAREN | SEMI),
            (b"longer than four!", LOWER | SPACE | BANG),
        ];
        for (input, expected) in cases {
            assert_eq!(classify(input).0, *expected, "{input:?}");
        }
    }

    #[test]
    fn plain_is_letters_digits_and_three_marks() {
        for byte in 0..=255_u8 {
            let expected = byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
            assert_eq!(classify(&[byte]).is_plain(), expected, "{byte}");
            assert_eq!(classify(&[byte]).0.count_ones(), 1, "{byte}");
        }
    }
}
