//! Tokens of a field, as far as the lexical columns ask: words, numbers, comments, single marks.

use super::words;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A letter or `_`, and letters, digits and `_` behind it.
    Word,
    /// Digits.
    Number,
    /// `/*…*/`, or to the end.
    Comment,
    /// Any other byte that is no white space.
    Mark(u8),
}

/// A token and where it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub kind: Kind,
    pub text: &'a [u8],
    pub at: usize,
}

impl Token<'_> {
    /// One past its last byte.
    pub(super) const fn end(&self) -> usize {
        self.at + self.text.len()
    }
}

/// The tokens of some bytes, in order.
pub(super) struct Tokens<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Tokens<'a> {
    pub(super) const fn of(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let rest = &self.bytes[self.at..];
        self.at += rest
            .iter()
            .take_while(|byte| byte.is_ascii_whitespace())
            .count();
        let rest = &self.bytes[self.at..];
        let first = *rest.first()?;
        let (kind, length) = match first {
            byte if words::is_letter(byte) => (Kind::Word, words::length(rest)),
            b'0'..=b'9' => (Kind::Number, digits(rest)),
            b'/' if rest.get(1) == Some(&b'*') => (Kind::Comment, comment(rest)),
            mark => (Kind::Mark(mark), 1),
        };
        let token = Token {
            kind,
            text: &rest[..length],
            at: self.at,
        };
        self.at += length;
        Some(token)
    }
}

fn digits(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count()
}

fn comment(bytes: &[u8]) -> usize {
    memchr::memmem::find(&bytes[2..], b"*/").map_or(bytes.len(), |at| at + 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_in_order() {
        let text = b"1' or/*x*/ xp_cmd2(7) /*";
        let texts: Vec<&[u8]> = Tokens::of(text).map(|token| token.text).collect();
        let expected: [&[u8]; 9] = [
            b"1", b"'", b"or", b"/*x*/", b"xp_cmd2", b"(", b"7", b")", b"/*",
        ];
        assert_eq!(texts, expected);
        for token in Tokens::of(text) {
            assert_eq!(&text[token.at..token.end()], token.text);
        }
        assert_eq!(Tokens::of(b" \t").next(), None);
    }
}
