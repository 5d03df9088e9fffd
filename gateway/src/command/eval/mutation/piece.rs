//! A payload in pieces, as far as mutation needs them. The scanner is simple on purpose: what it gets wrong makes
//! mutants that the parser refuses.

/// A piece of a payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// What it is.
    pub kind: Kind,
    /// As it is written, with its quotes or comment marks.
    pub text: String,
}

/// What a piece is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// White space.
    Space,
    /// A comment.
    Comment,
    /// A keyword or a name.
    Word,
    /// Digits.
    Number,
    /// A whole string with its quotes.
    Text,
    /// The end of a string that the context began, or the beginning of one that it ends.
    Part,
    /// One character of anything else; `<=`, `<>`, `!=`, `&&`, `||` are one piece.
    Sign,
}

const PAIRS: [&str; 6] = ["<=", ">=", "<>", "!=", "&&", "||"];

/// The pieces of a payload that stands within this quote.
pub fn pieces(payload: &str, quote: Option<char>) -> Vec<Piece> {
    let mut scan = Scan {
        rest: payload.chars().collect(),
        at: 0,
    };
    let mut pieces = Vec::new();
    if let Some(quote) = quote {
        let (text, _) = scan.string(quote, 0);
        push(&mut pieces, Kind::Part, text);
    }
    while let Some(next) = scan.peek(0) {
        let (kind, text) = scan.piece(next);
        push(&mut pieces, kind, text);
    }
    pieces
}

/// The payload again.
pub fn joined(pieces: &[Piece]) -> String {
    pieces.iter().map(|piece| piece.text.as_str()).collect()
}

fn push(pieces: &mut Vec<Piece>, kind: Kind, text: String) {
    if !text.is_empty() {
        pieces.push(Piece { kind, text });
    }
}

struct Scan {
    rest: Vec<char>,
    at: usize,
}

impl Scan {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.rest.get(self.at + ahead).copied()
    }

    fn take(&mut self, count: usize) -> String {
        let end = (self.at + count).min(self.rest.len());
        let text = self.rest[self.at..end].iter().collect();
        self.at = end;
        text
    }

    fn take_while(&mut self, fits: impl Fn(char) -> bool) -> String {
        let fitting = self.rest[self.at..].iter().take_while(|next| fits(**next));
        let count = fitting.count();
        self.take(count)
    }

    fn piece(&mut self, next: char) -> (Kind, String) {
        match next {
            ' ' | '\t' | '\n' | '\r' | '\u{b}' | '\u{c}' => {
                (Kind::Space, self.take_while(char::is_whitespace))
            }
            '\'' | '"' => match self.string(next, 1) {
                (text, true) => (Kind::Text, text),
                (text, false) => (Kind::Part, text),
            },
            '#' => (Kind::Comment, self.take_while(|next| next != '\n')),
            '-' if self.peek(1) == Some('-') => {
                (Kind::Comment, self.take_while(|next| next != '\n'))
            }
            '/' if self.peek(1) == Some('*') => (Kind::Comment, self.block()),
            '0'..='9' => (
                Kind::Number,
                self.take_while(|next| next.is_alphanumeric() || next == '.'),
            ),
            next if next.is_alphabetic() || "_@$`".contains(next) => {
                let word = |next: char| next.is_alphanumeric() || "_@$.`".contains(next);
                (Kind::Word, self.take_while(word))
            }
            _ => {
                let pair: String = [Some(next), self.peek(1)].into_iter().flatten().collect();
                let count = if PAIRS.contains(&pair.as_str()) { 2 } else { 1 };
                (Kind::Sign, self.take(count))
            }
        }
    }

    /// A string up to its quote, `opening` characters of which were the quote that opens it; and whether it ends.
    fn string(&mut self, quote: char, opening: usize) -> (String, bool) {
        let mut count = opening;
        while let Some(next) = self.peek(count) {
            match next {
                '\\' => count += 2,
                next if next == quote && self.peek(count + 1) == Some(quote) => count += 2,
                next if next == quote => return (self.take(count + 1), true),
                _ => count += 1,
            }
        }
        (self.take(count), false)
    }

    fn block(&mut self) -> String {
        let mut count = 2;
        while let Some(next) = self.peek(count) {
            if next == '*' && self.peek(count + 1) == Some('/') {
                return self.take(count + 2);
            }
            count += 1;
        }
        self.take(count)
    }
}
