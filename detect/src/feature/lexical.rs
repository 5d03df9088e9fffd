//! The columns of the most suspicious field: what its bytes are, and what its tokens look like to someone who knows
//! the languages that injections are written in. Two passes: over bytes, then over tokens.

use super::table::{Column, Row, ln, share};
use super::token::{Kind, Token, Tokens};
use super::words::{self, CODE, FILE, LONGEST, OPERATOR, RUNS, SCHEME, SCRIPT, SHELL, SQL};
use crate::decode::CharClass;
use crate::injection;

/// Fills the lexical columns for the bytes of a field (its decoded form, at most a few thousand bytes).
pub(super) fn read(bytes: &[u8], class: CharClass, row: &mut Row) {
    let counts = Counts::of(bytes);
    counts.fill(bytes.len(), row);
    fill_runs(bytes, row);
    let mut found = Found::default();
    found.pairs(bytes);
    found.tokens(bytes);
    found.fill(row);
    row.flag(
        Column::TopSqli,
        injection::may_be_sqli(class) && injection::is_sqli(bytes).is_some(),
    );
    row.flag(
        Column::TopXss,
        injection::may_be_xss(class) && injection::is_xss(bytes),
    );
}

/// How often each byte occurs.
struct Counts([u32; 256]);

impl Counts {
    fn of(bytes: &[u8]) -> Self {
        let mut counts = [0; 256];
        for byte in bytes {
            counts[usize::from(*byte)] += 1;
        }
        Self(counts)
    }

    fn sum(&self, bytes: &[u8]) -> usize {
        bytes
            .iter()
            .map(|byte| self.0[usize::from(*byte)] as usize)
            .sum()
    }

    fn range(&self, range: std::ops::RangeInclusive<u8>) -> usize {
        range.map(|byte| self.0[usize::from(byte)] as usize).sum()
    }

    fn fill(&self, length: usize, row: &mut Row) {
        let upper = self.range(b'A'..=b'Z');
        let letters = upper + self.range(b'a'..=b'z');
        row.count(Column::TopLength, length);
        row.set(Column::TopLetters, share(letters, length));
        row.set(Column::TopDigits, share(self.range(b'0'..=b'9'), length));
        row.set(Column::TopUpper, share(upper, letters));
        row.set(
            Column::TopSpaces,
            share(self.sum(b" \t\n\r\x0b\x0c"), length),
        );
        row.set(Column::TopHigh, share(self.range(0x80..=0xff), length));
        row.set(Column::TopEntropy, self.entropy(length) / 8.0);
        for (column, bytes) in MARKS {
            row.count(column, self.sum(bytes));
        }
        let odd = |byte| self.sum(&[byte]) % 2 == 1;
        row.flag(Column::TopQuotesOdd, odd(b'\'') || odd(b'"'));
    }

    /// Bits per byte.
    fn entropy(&self, length: usize) -> f32 {
        let total = length as f32;
        let bits = |count: u32| {
            let part = count as f32 / total;
            -part * part.log2()
        };
        let counts = self.0.iter().filter(|count| **count > 0);
        counts.map(|count| bits(*count)).sum()
    }
}

const MARKS: [(Column, &[u8]); 11] = [
    (Column::TopQuotes, b"'"),
    (Column::TopDoubleQuotes, b"\""),
    (Column::TopAngles, b"<>"),
    (Column::TopParens, b"()"),
    (Column::TopBraces, b"{}[]"),
    (Column::TopSemicolons, b";"),
    (Column::TopPipes, b"|&`"),
    (Column::TopDollars, b"$"),
    (Column::TopSlashes, b"/\\"),
    (Column::TopEquals, b"="),
    (Column::TopPercents, b"%"),
];

/// Runs of letters and of what is neither letter, digit nor space.
fn fill_runs(bytes: &[u8], row: &mut Row) {
    let (mut words, mut word, mut longest_word) = (0, 0, 0);
    let (mut marks, mut longest_marks) = (0, 0);
    let mut turns = 0;
    let mut before = b' ';
    for byte in bytes {
        let letter = byte.is_ascii_alphabetic();
        if letter {
            words += usize::from(word == 0);
            let turn = word > 0 && byte.is_ascii_uppercase() != before.is_ascii_uppercase();
            // A capital at the beginning of a word is no change.
            turns += usize::from(turn && (word > 1 || before.is_ascii_lowercase()));
            word += 1;
        } else {
            word = 0;
        }
        let mark = !letter && !byte.is_ascii_digit() && !byte.is_ascii_whitespace();
        marks = if mark { marks + 1 } else { 0 };
        longest_word = longest_word.max(word);
        longest_marks = longest_marks.max(marks);
        before = *byte;
    }
    row.count(Column::TopWords, words);
    row.count(Column::TopLongestWord, longest_word);
    row.count(Column::TopLongestMarks, longest_marks);
    let letters = bytes
        .iter()
        .filter(|byte| byte.is_ascii_alphabetic())
        .count();
    row.set(Column::TopCase, share(turns, letters));
}

/// What was counted.
#[derive(Default)]
struct Found {
    comments: usize,
    tautology: bool,
    calls: usize,
    sql: usize,
    sql_pairs: usize,
    markup: usize,
    script: usize,
    shell: usize,
    files: usize,
    urls: usize,
    templates: usize,
    code: usize,
    operators: usize,
    escapes: usize,
}

impl Found {
    /// Counts what two bytes show.
    fn pairs(&mut self, bytes: &[u8]) {
        for (at, pair) in bytes.windows(2).enumerate() {
            let rest = &bytes[at + 2..];
            match pair {
                b"--" => self.comments += usize::from(ends_line(rest)),
                b"/*" => self.comments += 1,
                b"<!" => {
                    self.comments += usize::from(rest.starts_with(b"--"));
                    self.operators +=
                        usize::from(starts(rest, b"entity") || starts(rest, b"doctype"));
                }
                b"<?" => self.operators += usize::from(starts(rest, b"xml")),
                b"{{" | b"${" | b"#{" | b"<%" | b"*{" | b"@{" | b"{%" | b"%{" => {
                    self.templates += 1
                }
                b".." => self.files += usize::from(matches!(rest.first(), Some(b'/' | b'\\'))),
                b")(" | b"(&" | b"(|" | b"*)" => self.operators += 1,
                b"\\x" | b"\\u" | b"\\X" | b"\\U" => self.escapes += 1,
                [b'0', b'x' | b'X'] => self.escapes += usize::from(is_hex(rest.first())),
                [b'%', high] => {
                    self.escapes += usize::from(is_hex(Some(high)) && is_hex(rest.first()));
                }
                [b'<', next] if next.is_ascii_alphabetic() || *next == b'/' => self.markup += 1,
                [b'#', _] => self.comments += usize::from(is_break(pair[1])),
                _ => {}
            }
        }
        self.comments += usize::from(bytes.last() == Some(&b'#'));
    }

    /// Counts what tokens show.
    fn tokens(&mut self, bytes: &[u8]) {
        let mut before: [Option<Token<'_>>; 4] = [None; 4];
        let mut last_word_is_sql = false;
        for token in Tokens::of(bytes) {
            if token.kind == Kind::Word {
                last_word_is_sql = self.word(&token, &before, last_word_is_sql, bytes);
            } else if token.kind == Kind::Mark(b'(') {
                let word = before[0].is_some_and(|before| before.kind == Kind::Word);
                self.calls += usize::from(word);
            } else if token.kind == Kind::Number {
                self.urls += usize::from(is_inside(&token, bytes));
            }
            self.tautology |= is_tautology(&token, &before);
            if !matches!(
                token.kind,
                Kind::Mark(b'\'' | b'"' | b'(' | b')') | Kind::Comment
            ) {
                before.rotate_right(1);
                before[0] = Some(token);
            }
        }
    }

    /// Counts a word; whether it is one of SQL.
    fn word(
        &mut self,
        token: &Token<'_>,
        before: &[Option<Token<'_>>; 4],
        after_sql: bool,
        bytes: &[u8],
    ) -> bool {
        let mark = before[0].map_or(0, |before| match before.kind {
            Kind::Mark(mark) => mark,
            _ => 0,
        });
        let next = bytes.get(token.end()).copied().unwrap_or(0);
        let lists = if token.text.len() <= LONGEST {
            words::lists(token.text)
        } else {
            0
        };
        let on = |list| usize::from(lists & list != 0);
        self.script += on(SCRIPT);
        self.code += on(CODE);
        let opened = bytes
            .get(..token.at)
            .is_some_and(|before| before.ends_with(b"$("));
        let chained = opened || matches!(mark, b';' | b'|' | b'&' | b'`');
        self.shell += usize::from(lists & SHELL != 0 || chained);
        self.files += usize::from(lists & FILE != 0 && matches!(mark, b'/' | b'\\' | b'.'));
        self.operators += usize::from(lists & OPERATOR != 0 && mark == b'$');
        let scheme = next == b':';
        self.urls += usize::from(scheme && lists & (SCHEME | RUNS) != 0);
        self.urls += usize::from(token.text.eq_ignore_ascii_case(b"localhost"));
        self.markup += usize::from(scheme && lists & RUNS != 0 && lists & SCRIPT != 0);
        self.markup += usize::from(is_handler(token, bytes));
        self.escapes += usize::from(next == b'(' && is_character(token.text));
        let sql = lists & SQL != 0;
        self.sql += usize::from(sql);
        self.sql_pairs += usize::from(sql && after_sql);
        sql
    }

    fn fill(&self, row: &mut Row) {
        row.flag(Column::TopTautology, self.tautology);
        for (column, count) in [
            (Column::TopComments, self.comments),
            (Column::TopCalls, self.calls),
            (Column::TopSql, self.sql),
            (Column::TopSqlPairs, self.sql_pairs),
            (Column::TopMarkup, self.markup),
            (Column::TopScript, self.script),
            (Column::TopShell, self.shell),
            (Column::TopFiles, self.files),
            (Column::TopUrls, self.urls),
            (Column::TopTemplates, self.templates),
            (Column::TopCode, self.code),
            (Column::TopOperators, self.operators),
            (Column::TopEscapes, self.escapes),
        ] {
            row.set(column, ln(count));
        }
    }
}

/// A line ends here, or a comment of SQL can begin here.
fn ends_line(rest: &[u8]) -> bool {
    rest.first()
        .is_none_or(|byte| is_break(*byte) || matches!(byte, b' ' | b'+' | b'-' | b'\t'))
}

const fn is_break(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

fn is_hex(byte: Option<&u8>) -> bool {
    byte.is_some_and(u8::is_ascii_hexdigit)
}

fn starts(bytes: &[u8], word: &[u8]) -> bool {
    bytes
        .get(..word.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(word))
}

/// `onerror=` and its like.
fn is_handler(token: &Token<'_>, bytes: &[u8]) -> bool {
    let named = token.text.len() >= 5 && starts(token.text, b"on");
    named && {
        let rest = bytes.get(token.end()..).unwrap_or_default();
        rest.trim_ascii_start().first() == Some(&b'=')
    }
}

fn is_character(word: &[u8]) -> bool {
    word.eq_ignore_ascii_case(b"chr") || word.eq_ignore_ascii_case(b"char")
}

/// The beginning of an address of networks inside: 127., 10.x.y., 192.168., 169.254.
fn is_inside(token: &Token<'_>, bytes: &[u8]) -> bool {
    let rest = bytes.get(token.end()..).unwrap_or_default();
    let free = token.at == 0 || !matches!(bytes[token.at - 1], b'.' | b'_' | b'-');
    free && match token.text {
        b"127" => rest.starts_with(b".0.") || rest.starts_with(b".1"),
        b"192" => rest.starts_with(b".168."),
        b"169" => rest.starts_with(b".254."),
        b"10" => {
            let dots = rest
                .iter()
                .take_while(|b| b.is_ascii_digit() || **b == b'.');
            dots.filter(|byte| **byte == b'.').count() >= 3
        }
        _ => false,
    }
}

/// Two equal operands around a comparison: `1=1`, `'a' like 'a'`. Quotes and parentheses were left out of `before`.
fn is_tautology(token: &Token<'_>, before: &[Option<Token<'_>>; 4]) -> bool {
    if !matches!(token.kind, Kind::Word | Kind::Number) {
        return false;
    }
    let mut left = before.iter().flatten();
    let compares = |token: &Token<'_>| match token.kind {
        Kind::Mark(mark) => matches!(mark, b'=' | b'<' | b'>' | b'!'),
        Kind::Word => ["like", "rlike", "regexp", "is", "in"]
            .iter()
            .any(|word| token.text.eq_ignore_ascii_case(word.as_bytes())),
        _ => false,
    };
    let Some(operator) = left.next().filter(|token| compares(token)) else {
        return false;
    };
    let word = operator.kind == Kind::Word;
    let operand = left.find(|token| word || !compares(token));
    operand.is_some_and(|operand| operand.text.eq_ignore_ascii_case(token.text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::classify;

    fn row(text: &str) -> Row {
        let mut row = Row::default();
        read(text.as_bytes(), classify(text.as_bytes()), &mut row);
        row
    }

    #[test]
    fn what_stands_out_is_counted() {
        use Column::*;
        for (text, column, expected) in [
            ("' or 1=1-- -", TopTautology, 1.0),
            ("' or 'a' like 'a", TopTautology, 1.0),
            ("') or ('x')=('x", TopTautology, 1.0),
            ("a=1", TopTautology, 0.0),
            ("' or 1=1-- -", TopQuotesOdd, 1.0),
            ("' or 1=1-- -", TopComments, ln(1)),
            ("1 union select 2", TopSqlPairs, ln(1)),
            ("1 union/**/select 2", TopSqlPairs, ln(1)),
            ("please select a table", TopSqlPairs, 0.0),
            ("<img src=x onerror=alert(1)>", TopMarkup, ln(2)),
            ("javascript:alert(1)", TopMarkup, ln(1)),
            ("; cat /etc/passwd", TopFiles, ln(2)),
            ("$(whoami)", TopShell, ln(1)),
            ("../../x", TopFiles, ln(2)),
            ("{{7*7}}", TopTemplates, ln(1)),
            ("http://169.254.169.254/", TopUrls, ln(2)),
            ("http://10.0.0.1/", TopUrls, ln(2)),
            ("version 10.2", TopUrls, 0.0),
            ("{\"$gt\": 1}", TopOperators, ln(1)),
            ("*)(uid=*))(|(uid=*", TopOperators, ln(5)),
            ("<!ENTITY x>", TopOperators, ln(1)),
            ("\\x41 0x41 %41 chr(65)", TopEscapes, ln(4)),
            ("sElEcT", TopCase, 5.0 / 6.0),
            ("Select From", TopCase, 0.0),
            ("1' or '1'='1", TopSqli, 1.0),
            ("<script>alert(1)</script>", TopXss, 1.0),
            ("an ordinary sentence", TopSqli, 0.0),
        ] {
            assert_eq!(row(text).value(column), expected, "{text} {column:?}");
        }
    }

    #[test]
    fn every_value_is_finite_and_in_its_range() {
        for text in [
            "",
            "x",
            "\u{0}\u{1}",
            "((((((",
            "%%%%%%",
            "\\x\\u",
            "////////",
        ] {
            for (index, value) in row(text).0.iter().enumerate() {
                assert!(
                    value.is_finite() && (-20.0..=20.0).contains(value),
                    "{text} {index}"
                );
            }
        }
    }
}
