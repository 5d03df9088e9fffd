//! XML: text, attributes and the prologue. No entity is ever resolved, no document type is ever loaded.
//!
//! The reader is a scanner of tags with a bounded stack of element names. It is more patient than an XML parser must
//! be: what is unbalanced is noted and read on.

use memchr::{memchr, memchr2, memmem};

use super::cookie::trim;
use super::{Place, Text, View};
use crate::field::{AnomalyKind, Encoding, Location, Span, Via};

/// Reads `text` as XML. `false`: there is no element in it.
pub(super) fn read(view: &mut View<'_, '_>, text: Text<'_>, via: Via, complete: bool) -> bool {
    let mut reader = Reader {
        view,
        text,
        via,
        stack: Vec::new(),
        hidden: 0,
        run: Run::default(),
        elements: 0,
        broken: None,
        full: false,
    };
    reader.all();
    let open = !reader.stack.is_empty() || reader.hidden > 0;
    let (elements, broken) = (reader.elements, reader.broken);
    if let Some(at) = broken.or((open && complete).then_some(text.bytes.len())) {
        view.note(
            AnomalyKind::XmlInvalid,
            Location::Xml,
            text.span(at.min(text.bytes.len()), text.bytes.len()),
        );
    }
    elements > 0
}

/// Whether a text begins as XML documents do.
pub(super) fn looks_like(bytes: &[u8]) -> bool {
    let bytes = bytes
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(bytes)
        .trim_ascii_start();
    match bytes {
        [b'<', b'?' | b'!', ..] => true,
        [b'<', first, ..] => {
            (first.is_ascii_alphabetic() || *first == b'_') && memchr(b'>', bytes).is_some()
        }
        _ => false,
    }
}

/// Text between two tags; it can come in pieces, around comments and CDATA.
#[derive(Default)]
struct Run {
    first: Option<(Span, Encoding)>,
    /// All pieces put together in the arena, once there are two.
    joined: Option<usize>,
}

struct Reader<'p, 'v, 'r, 't> {
    view: &'p mut View<'v, 'r>,
    text: Text<'t>,
    via: Via,
    /// Names of the open elements, down to the depth limit.
    stack: Vec<Span>,
    /// Open elements below the depth limit.
    hidden: usize,
    run: Run,
    elements: usize,
    broken: Option<usize>,
    full: bool,
}

impl Reader<'_, '_, '_, '_> {
    fn all(&mut self) {
        let bytes = self.text.bytes;
        let mut at = 0;
        while at < bytes.len() && !self.full {
            let start = at;
            let tag = memchr(b'<', &bytes[at..]).map_or(bytes.len(), |found| at + found);
            self.piece(at, tag, Encoding::Xml);
            if tag == bytes.len() {
                break;
            }
            at = self.markup(tag);
            if self.full {
                let place = Place::new(Location::Xml, Encoding::Xml, self.via);
                self.view
                    .push_rest(place, self.text.span(start, bytes.len()));
            }
        }
        if !self.full {
            self.flush();
        }
    }

    /// Reads what begins with `<` at `at`; the answer is where it ends.
    fn markup(&mut self, at: usize) -> usize {
        let rest = &self.text.bytes[at..];
        if rest.starts_with(b"<!--") {
            let end = self.until(at + 4, b"-->");
            self.aside(at + 4, end.saturating_sub(3));
            return end;
        }
        if rest.starts_with(b"<![CDATA[") {
            let end = self.until(at + 9, b"]]>");
            let cut = self.text.bytes[..end].ends_with(b"]]>");
            self.piece(at + 9, if cut { end - 3 } else { end }, Encoding::Plain);
            return end;
        }
        self.flush();
        match rest.get(1) {
            Some(b'?') => {
                let end = self.until(at + 2, b"?>");
                self.watch_encoding(at, end);
                self.prolog(at, end);
                end
            }
            Some(b'!') => self.declaration(at),
            Some(b'/') => self.closing(at),
            _ => self.opening(at),
        }
    }

    /// One past the next `mark`, or the end of the text, which is then broken.
    fn until(&mut self, from: usize, mark: &[u8]) -> usize {
        let rest = self.text.bytes.get(from..).unwrap_or_default();
        match memmem::find(rest, mark) {
            Some(found) => from + found + mark.len(),
            None => {
                self.broken.get_or_insert(from);
                self.text.bytes.len()
            }
        }
    }

    /// A comment: text that no element owns.
    fn aside(&mut self, start: usize, end: usize) {
        let comment = trim(self.text.slice(start, end.max(start)));
        if !comment.bytes.is_empty() {
            let place = Place::new(Location::Xml, Encoding::Plain, self.via);
            self.full |= !self.view.push(place, Span::EMPTY, comment.whole());
        }
    }

    /// Notes a declared encoding in which these bytes would say something else.
    fn watch_encoding(&mut self, start: usize, end: usize) {
        let head = &self.text.bytes[start..end.min(start + 256)];
        let head = head.to_ascii_lowercase();
        let Some(found) = memmem::find(&head, b"encoding") else {
            return;
        };
        let name = head[found + 8..].trim_ascii_start();
        let name = name.strip_prefix(b"=").unwrap_or(name).trim_ascii_start();
        let name = name.get(1..).unwrap_or_default();
        let foreign: [&[u8]; 5] = [b"utf-7", b"utf-32", b"ibm", b"cp0", b"ebcdic"];
        if foreign.iter().any(|foreign| name.starts_with(foreign)) {
            let span = self.text.span(start, end);
            self.view
                .note(AnomalyKind::CharsetUnusual, Location::XmlProlog, span);
        }
    }

    fn prolog(&mut self, start: usize, end: usize) {
        let place = Place::new(Location::XmlProlog, Encoding::Plain, self.via);
        self.full |= !self
            .view
            .push(place, Span::EMPTY, self.text.span(start, end));
    }

    /// A document type with all that is inside its brackets.
    fn declaration(&mut self, at: usize) -> usize {
        let end = declaration_end(self.text.bytes, at);
        let declaration = &self.text.bytes[at..end];
        let span = self.text.span(at, end);
        let upper = declaration[..declaration.len().min(DECLARATION)].to_ascii_uppercase();
        let notes = [
            (b"<!DOCTYPE".as_slice(), AnomalyKind::XmlDoctype),
            (b"<!ENTITY", AnomalyKind::XmlEntity),
            (b"SYSTEM", AnomalyKind::XmlExternal),
            (b"PUBLIC", AnomalyKind::XmlExternal),
        ];
        for (mark, kind) in notes {
            if memmem::find(&upper, mark).is_some() {
                self.view.note(kind, Location::XmlProlog, span);
            }
        }
        self.prolog(at, end);
        end
    }

    fn closing(&mut self, at: usize) -> usize {
        let end = self.until(at + 2, b">");
        if self.hidden > 0 {
            self.hidden -= 1;
            return end;
        }
        let name = self.text.bytes[at + 2..end]
            .strip_suffix(b">")
            .unwrap_or_default()
            .trim_ascii();
        match self.stack.pop() {
            Some(open) if self.local(open) == name => {}
            _ => {
                self.broken.get_or_insert(at);
            }
        }
        end
    }

    /// The bytes of a span of this text, also where the text is a copy of a part of the arena.
    fn local(&self, span: Span) -> &[u8] {
        let start = span.start.saturating_sub(self.text.base) as usize;
        let end = span.end.saturating_sub(self.text.base) as usize;
        self.text.bytes.get(start..end).unwrap_or_default()
    }

    fn opening(&mut self, at: usize) -> usize {
        let bytes = self.text.bytes;
        let length = bytes[at + 1..]
            .iter()
            .position(|byte| matches!(byte, b'>' | b'/') || byte.is_ascii_whitespace());
        let name_end = length.map_or(bytes.len(), |length| at + 1 + length);
        if name_end == at + 1 {
            self.broken.get_or_insert(at);
        }
        self.elements += 1;
        let name = self.text.span(at + 1, name_end);
        let end = self.attributes(name_end);
        let empty = bytes[..end].ends_with(b"/>");
        if !empty {
            self.enter(name, at);
        }
        end
    }

    fn enter(&mut self, name: Span, at: usize) {
        if self.stack.len() < self.view.limits.depth {
            self.stack.push(name);
        } else {
            self.hidden += 1;
            self.view.note(
                AnomalyKind::TooDeep,
                Location::Xml,
                self.text.span(at, at + 1),
            );
        }
    }

    /// Reads `name="value"` until the tag ends; the answer is where that is.
    fn attributes(&mut self, from: usize) -> usize {
        let bytes = self.text.bytes;
        let mut at = from;
        loop {
            while bytes
                .get(at)
                .is_some_and(|byte| byte.is_ascii_whitespace() || *byte == b'/')
            {
                at += 1;
            }
            match bytes.get(at) {
                None => {
                    self.broken.get_or_insert(from);
                    return bytes.len();
                }
                Some(b'>') => return at + 1,
                Some(_) => {}
            }
            let start = at;
            while bytes
                .get(at)
                .is_some_and(|byte| !matches!(byte, b'=' | b'>') && !byte.is_ascii_whitespace())
            {
                at += 1;
            }
            let name = self.text.span(start, at);
            while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
                at += 1;
            }
            if bytes.get(at) == Some(&b'=') {
                at = self.attribute_value(name, at + 1);
            } else {
                self.broken.get_or_insert(start);
            }
            if self.full {
                return at;
            }
        }
    }

    fn attribute_value(&mut self, name: Span, from: usize) -> usize {
        let bytes = self.text.bytes;
        let mut start = from;
        while bytes.get(start).is_some_and(u8::is_ascii_whitespace) {
            start += 1;
        }
        let (start, end, after) = match bytes.get(start) {
            Some(quote @ (b'"' | b'\'')) => {
                let found = memchr(*quote, &bytes[start + 1..]);
                let end = found.map_or(bytes.len(), |found| start + 1 + found);
                (start + 1, end, (end + 1).min(bytes.len()))
            }
            _ => {
                self.broken.get_or_insert(start);
                let rest = bytes.get(start..).unwrap_or_default();
                let found = rest
                    .iter()
                    .position(|byte| *byte == b'>' || byte.is_ascii_whitespace());
                let end = found.map_or(bytes.len(), |found| start + found);
                (start, end, end)
            }
        };
        if start < end {
            let place = Place::new(Location::XmlAttribute, Encoding::Xml, self.via);
            self.full |= !self.view.push(place, name, self.text.span(start, end));
        }
        after
    }

    /// Takes a piece of text into the run.
    fn piece(&mut self, start: usize, end: usize, encoding: Encoding) {
        let piece = self.text.slice(start, end.max(start));
        if piece.bytes.is_empty() {
            return;
        }
        let Some((first, _)) = self.run.first else {
            self.run.first = Some((piece.whole(), encoding));
            return;
        };
        let joined = match self.run.joined {
            Some(joined) => joined,
            None => {
                let joined = self.view.scratch.arena.len();
                let start = (first.start - self.text.base) as usize;
                let end = (first.end - self.text.base) as usize;
                self.view.keep(&self.text.bytes[start..end]);
                self.run.joined = Some(joined);
                joined
            }
        };
        self.view.keep(piece.bytes);
        // A run that grows without end is added piece by piece.
        if self.view.scratch.arena.len() - joined >= self.view.limits.field_length {
            self.flush();
        }
    }

    /// Adds the run as the text of the element that is open.
    fn flush(&mut self) {
        let run = std::mem::take(&mut self.run);
        let Some((mut value, mut encoding)) = run.first else {
            return;
        };
        if let Some(joined) = run.joined {
            value = self.view.arena_span(joined);
            encoding = Encoding::Xml;
        } else {
            let start = (value.start - self.text.base) as usize;
            let end = (value.end - self.text.base) as usize;
            value = trim(self.text.slice(start, end)).whole();
        }
        if value.is_empty() {
            return;
        }
        let name = self.stack.last().copied().unwrap_or(Span::EMPTY);
        if name.is_empty() && self.elements > 0 {
            self.broken.get_or_insert(0);
        }
        let place = Place::new(Location::Xml, encoding, self.via);
        self.full |= !self.view.push(place, name, value);
    }
}

/// One past the `>` that ends a declaration, outside its quotes and brackets.
fn declaration_end(bytes: &[u8], at: usize) -> usize {
    let mut from = at;
    let mut brackets = false;
    while let Some(&byte) = bytes.get(from) {
        from += 1;
        match byte {
            b'[' => brackets = true,
            b']' => brackets = false,
            b'"' | b'\'' => {
                let rest = bytes.get(from..).unwrap_or_default();
                // A quote that nothing closes is an apostrophe.
                if let Some(found) = memchr2(byte, b'<', rest)
                    && rest[found] == byte
                {
                    from += found + 1;
                }
            }
            b'>' if !brackets => return from,
            _ => {}
        }
    }
    bytes.len()
}

/// The bytes of a declaration that are searched for entities.
const DECLARATION: usize = 64 * 1024;
