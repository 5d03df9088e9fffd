//! GraphQL documents (specification of October 2021): string arguments, and how deep, wide and many they are.

use memchr::{memchr, memmem};

use super::{Place, Text, View};
use crate::field::{AnomalyKind, Encoding, Location, Span, Via};

/// Reads `text` as a GraphQL document; `whole` is the field it stands in. `false`: it is none, and nothing was
/// added.
pub(super) fn read(view: &mut View<'_, '_>, text: Text<'_>, via: Via) -> bool {
    if !looks_like(text.bytes) {
        return false;
    }
    let mark = view.mark();
    let mut reader = Reader {
        view,
        text,
        via,
        at: 0,
        braces: 0,
        parentheses: 0,
        deepest: 0,
        aliases: 0,
        operations: 0,
        keyword: false,
        name: Span::EMPTY,
        selected: false,
    };
    let valid = reader.document();
    let (deepest, aliases, operations) = (reader.deepest, reader.aliases, reader.operations);
    if !valid {
        view.roll_back(mark);
        return false;
    }
    view.scratch.operations += operations;
    let limits = view.limits;
    let counts = [
        (deepest, limits.graphql_depth, AnomalyKind::GraphqlDepth),
        (aliases, limits.graphql_aliases, AnomalyKind::GraphqlAliases),
        (
            view.scratch.operations,
            limits.graphql_batch,
            AnomalyKind::GraphqlBatch,
        ),
    ];
    for (count, limit, kind) in counts {
        if count > limit {
            view.note(kind, Location::GraphqlDocument, text.whole());
        }
    }
    true
}

/// Whether a text begins as documents do.
pub(super) fn looks_like(bytes: &[u8]) -> bool {
    let bytes = bytes.trim_ascii_start();
    let starts: [&[u8]; 6] = [
        b"{",
        b"query",
        b"mutation",
        b"subscription",
        b"fragment",
        b"#",
    ];
    starts.iter().any(|start| bytes.starts_with(start)) && memchr(b'{', bytes).is_some()
}

struct Reader<'p, 'v, 'r, 't> {
    view: &'p mut View<'v, 'r>,
    text: Text<'t>,
    via: Via,
    at: usize,
    /// Open braces outside parentheses.
    braces: usize,
    /// Open parentheses; braces and brackets inside them are values.
    parentheses: usize,
    deepest: usize,
    aliases: usize,
    operations: usize,
    /// Whether the selection that comes next belongs to a keyword.
    keyword: bool,
    /// The last name, which a colon makes an alias or an argument.
    name: Span,
    selected: bool,
}

impl Reader<'_, '_, '_, '_> {
    fn document(&mut self) -> bool {
        while let Some(&byte) = self.text.bytes.get(self.at) {
            let fine = match byte {
                b' ' | b'\t' | b'\r' | b'\n' | b',' => self.skip(1),
                b'#' => self.comment(),
                b'"' => self.string(),
                b'{' => self.open_brace(),
                b'}' => self.close_brace(),
                b'(' => self.open_parenthesis(),
                b')' => self.close_parenthesis(),
                b':' => self.colon(),
                b'.' => self.text.bytes[self.at..].starts_with(b"...") && self.skip(3),
                b'!' | b'$' | b'&' | b'=' | b'@' | b'[' | b']' | b'|' => self.skip(1),
                b'-' | b'+' | b'0'..=b'9' => self.number(),
                b'_' | b'a'..=b'z' | b'A'..=b'Z' => self.word(),
                _ => false,
            };
            if !fine {
                return false;
            }
        }
        self.selected && self.braces == 0 && self.parentheses == 0
    }

    fn skip(&mut self, count: usize) -> bool {
        self.at += count;
        true
    }

    /// A comment is free text, so it is a value.
    fn comment(&mut self) -> bool {
        let start = self.at + 1;
        let rest = self.text.bytes.get(start..).unwrap_or_default();
        let end = memchr(b'\n', rest).map_or(self.text.bytes.len(), |found| start + found);
        self.at = end;
        self.push(Encoding::Plain, Span::EMPTY, start, end)
    }

    /// Strings stand in arguments only; a `{"key"` is JSON.
    fn string(&mut self) -> bool {
        if self.parentheses == 0 {
            return false;
        }
        let bytes = self.text.bytes;
        if bytes[self.at..].starts_with(b"\"\"\"") {
            let start = self.at + 3;
            let Some(found) = memmem::find(&bytes[start..], b"\"\"\"") else {
                return false;
            };
            self.at = start + found + 3;
            return self.push(Encoding::Plain, self.name, start, start + found);
        }
        let start = self.at + 1;
        let mut end = start;
        loop {
            match bytes.get(end) {
                Some(b'"') => break,
                Some(b'\\') => end += 2,
                Some(b'\n') | None => return false,
                Some(_) => end += 1,
            }
        }
        self.at = end + 1;
        self.push(Encoding::GraphqlString, self.name, start, end)
    }

    fn push(&mut self, encoding: Encoding, name: Span, start: usize, end: usize) -> bool {
        if start < end {
            let place = Place::new(Location::Graphql, encoding, self.via);
            // Without room the document itself is still a field that is scanned as a whole.
            self.view.push(place, name, self.text.span(start, end));
        }
        true
    }

    fn open_brace(&mut self) -> bool {
        if self.parentheses == 0 {
            if self.braces == 0 {
                self.operations += usize::from(!self.keyword);
                self.keyword = false;
            }
            self.selected = true;
            self.braces += 1;
            self.deepest = self.deepest.max(self.braces);
        }
        self.skip(1)
    }

    fn close_brace(&mut self) -> bool {
        if self.parentheses == 0 {
            if self.braces == 0 {
                return false;
            }
            self.braces -= 1;
        }
        self.skip(1)
    }

    fn open_parenthesis(&mut self) -> bool {
        self.parentheses += 1;
        self.skip(1)
    }

    fn close_parenthesis(&mut self) -> bool {
        if self.parentheses == 0 {
            return false;
        }
        self.parentheses -= 1;
        self.skip(1)
    }

    fn colon(&mut self) -> bool {
        if self.parentheses == 0 {
            self.aliases += 1;
        }
        self.skip(1)
    }

    fn number(&mut self) -> bool {
        let rest = &self.text.bytes[self.at..];
        let length = rest
            .iter()
            .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.'))
            .count();
        self.skip(length)
    }

    fn word(&mut self) -> bool {
        let rest = &self.text.bytes[self.at..];
        let length = rest
            .iter()
            .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_')
            .count();
        let word = &rest[..length];
        let span = self.text.span(self.at, self.at + length);
        let after = rest[length..].trim_ascii_start();
        if self.parentheses == 0 && self.braces == 0 {
            if matches!(word, b"query" | b"mutation" | b"subscription") && !self.keyword {
                self.operations += 1;
            }
            self.keyword = true;
        } else if self.parentheses == 0 && matches!(word, b"__schema" | b"__type") {
            self.view.note(
                AnomalyKind::GraphqlIntrospection,
                Location::GraphqlDocument,
                span,
            );
        }
        if after.first() == Some(&b':') {
            self.name = span;
        }
        self.skip(length)
    }
}
