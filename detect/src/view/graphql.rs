//! GraphQL documents (specification of October 2021): string arguments, and how deep, wide and many they are.

mod fragments;

use memchr::{memchr, memmem};

use self::fragments::Fragments;
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
        before: 0,
        topmost: &[],
        condition: false,
        recent: [&[]; 2],
        repeats: 0,
        width: 0,
        directives: 0,
        fragments: Fragments::default(),
    };
    let valid = reader.document();
    let counts = reader.counts();
    let cyclic = reader.fragments.are_cyclic();
    let operations = reader.operations;
    if !valid {
        view.roll_back(mark);
        return false;
    }
    view.scratch.operations += operations;
    let batch = (
        view.scratch.operations,
        view.limits.graphql_batch,
        AnomalyKind::GraphqlBatch,
    );
    for (count, limit, kind) in counts.into_iter().chain([batch]) {
        if count > limit {
            view.note(kind, Location::GraphqlDocument, text.whole());
        }
    }
    if cyclic {
        view.note(
            AnomalyKind::GraphqlFragmentCycle,
            Location::GraphqlDocument,
            text.whole(),
        );
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
    /// The last byte that was no white space before the word that is being read.
    before: u8,
    /// The last word outside all braces.
    topmost: &'t [u8],
    /// Whether the word that comes next is the type after `... on`.
    condition: bool,
    /// The two fields before this one in the same selection.
    recent: [&'t [u8]; 2],
    repeats: usize,
    /// Fields at the root.
    width: usize,
    directives: usize,
    fragments: Fragments<'t>,
}

impl<'t> Reader<'_, '_, '_, 't> {
    /// What was counted, the most there may be of it, and what more is called.
    fn counts(&self) -> [(usize, usize, AnomalyKind); 5] {
        let limits = self.view.limits;
        [
            (
                self.deepest,
                limits.graphql_depth,
                AnomalyKind::GraphqlDepth,
            ),
            (
                self.aliases,
                limits.graphql_aliases,
                AnomalyKind::GraphqlAliases,
            ),
            (
                self.directives,
                limits.graphql_directives,
                AnomalyKind::GraphqlDirectives,
            ),
            (
                self.repeats,
                limits.graphql_repeats,
                AnomalyKind::GraphqlRepeatedFields,
            ),
            (self.width, limits.graphql_width, AnomalyKind::GraphqlWidth),
        ]
    }

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
                b'@' => self.directive(),
                b'!' | b'$' | b'&' | b'=' | b'[' | b']' | b'|' => self.skip(1),
                b'-' | b'+' | b'0'..=b'9' => self.number(),
                b'_' | b'a'..=b'z' | b'A'..=b'Z' => self.word(),
                _ => false,
            };
            if !fine {
                return false;
            }
            if !byte.is_ascii_whitespace() {
                self.before = byte;
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

    fn directive(&mut self) -> bool {
        self.directives += 1;
        self.skip(1)
    }

    fn open_brace(&mut self) -> bool {
        if self.parentheses == 0 {
            self.recent = [&[]; 2];
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
            self.recent = [&[]; 2];
            if self.braces == 0 {
                self.fragments.close();
            }
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
        let bytes: &'t [u8] = self.text.bytes;
        let rest = &bytes[self.at..];
        let length = rest
            .iter()
            .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_')
            .count();
        let word = &rest[..length];
        let span = self.text.span(self.at, self.at + length);
        let named = rest[length..].trim_ascii_start().first() == Some(&b':');
        if self.parentheses == 0 && self.braces == 0 {
            self.top_word(word);
        } else if self.parentheses == 0 {
            self.inner_word(word, span, named);
        }
        if named {
            self.name = span;
        }
        self.skip(length)
    }

    /// A word outside all selections: a keyword, or the name of an operation or fragment.
    fn top_word(&mut self, word: &'t [u8]) {
        if matches!(word, b"query" | b"mutation" | b"subscription") && !self.keyword {
            self.operations += 1;
        }
        if self.topmost == b"fragment" {
            self.fragments.open(word);
        }
        self.topmost = word;
        self.keyword = true;
    }

    /// A word in a selection: a field, an alias, a directive, a fragment or a type.
    fn inner_word(&mut self, word: &'t [u8], span: Span, alias: bool) {
        if matches!(word, b"__schema" | b"__type") {
            self.view.note(
                AnomalyKind::GraphqlIntrospection,
                Location::GraphqlDocument,
                span,
            );
        }
        let condition = std::mem::take(&mut self.condition);
        match self.before {
            b'.' if word == b"on" => self.condition = true,
            b'.' => self.fragments.spread(word),
            b'@' => {}
            _ if condition || alias => {}
            before => self.field(word, before == b':'),
        }
    }

    fn field(&mut self, word: &'t [u8], aliased: bool) {
        self.width += usize::from(self.braces == 1 && !self.fragments.is_open());
        if aliased {
            return;
        }
        self.repeats += usize::from(self.recent.contains(&word));
        self.recent = [word, self.recent[0]];
    }
}
