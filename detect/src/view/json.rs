//! JSON, read as a stream of tokens: keys, strings, and whatever else is not a plain number or word.
//!
//! No tree is built and nothing recurses, so nesting costs a bounded stack and the length decides the time. A
//! document that breaks the grammar is not given up: from there on every string and every run between strings is
//! still a field, because some parser behind the gateway may accept it.

use memchr::memchr;

use super::cookie::trim;
use super::{Place, Text, View, query};
use crate::field::{AnomalyKind, Encoding, Location, Span, Via};

/// What the parts of a document become.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    /// The location of scalars.
    pub(super) leaf: Location,
    /// The location of keys; `None` leaves them out.
    pub(super) key: Option<Location>,
    /// How the text was found.
    pub(super) via: Via,
    /// The name of scalars outside any object.
    pub(super) name: Span,
    /// Whether an object inside the outermost one is also a field as a whole (the `jwk` of a token's header).
    pub(super) objects: bool,
    /// Whether anomalies are left to the caller.
    pub(super) quiet: bool,
}

impl Shape {
    /// A JSON body.
    pub(super) const BODY: Shape = Shape {
        leaf: Location::Json,
        key: Some(Location::JsonKey),
        via: Via::Direct,
        name: Span::EMPTY,
        objects: false,
        quiet: false,
    };
}

/// How many documents may follow each other.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Lines {
    /// One; more of them are trailing bytes.
    One,
    /// Any number.
    Many,
}

/// What was found.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Report {
    /// Whether the text follows the grammar (a cut end is forgiven where the caller says that it was cut).
    pub(super) valid: bool,
    /// Keys and strings seen before the first fault.
    pub(super) strings: usize,
    /// Whole documents read.
    pub(super) documents: usize,
}

/// Reads `text` as JSON. `complete` is whether its end is the true one.
pub(super) fn read(
    view: &mut View<'_, '_>,
    text: Text<'_>,
    shape: &Shape,
    lines: Lines,
    complete: bool,
) -> Report {
    let mut levels = std::mem::take(&mut view.scratch.levels);
    levels.clear();
    let kinds = view.scratch.names.scope();
    let mut parser = Parser {
        view,
        text,
        shape,
        complete,
        levels,
        at: 0,
        name: shape.name,
        kinds,
        fault: None,
        report: Report::default(),
    };
    parser.documents(lines);
    let report = parser.report;
    let levels = std::mem::take(&mut parser.levels);
    view.scratch.levels = levels;
    report
}

/// One open object or array.
#[derive(Clone, Copy, Debug)]
pub(super) struct Level {
    object: bool,
    /// The name that its values have, or had before it was opened.
    name: Span,
    /// The scope of its keys.
    scope: u64,
    start: usize,
}

struct Parser<'p, 'v, 'r, 't> {
    view: &'p mut View<'v, 'r>,
    text: Text<'t>,
    shape: &'p Shape,
    complete: bool,
    levels: Vec<Level>,
    at: usize,
    /// The name of the next scalar.
    name: Span,
    /// The scope in which each key is entered once for the whole text.
    kinds: u64,
    /// The first place that the grammar does not allow but that could be read over.
    fault: Option<usize>,
    report: Report,
}

/// What the grammar allows next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expect {
    Value,
    ValueOrEnd,
    KeyOrEnd,
    CommaOrEnd,
}

/// Why reading stopped inside a document.
enum Stop {
    /// The text ended.
    End,
    /// A byte that the grammar does not allow.
    Fault,
    /// Nesting at the limit.
    Deep,
    /// No room for more fields.
    Full,
}

/// A string's inside, and whether it holds an escape.
struct Inside {
    start: usize,
    end: usize,
    escaped: bool,
}

impl Parser<'_, '_, '_, '_> {
    fn documents(&mut self, lines: Lines) {
        if self.text.bytes.starts_with(BYTE_ORDER_MARK) {
            self.at = BYTE_ORDER_MARK.len();
        }
        loop {
            let before = self.at;
            self.skip_space();
            if self.at >= self.text.bytes.len() {
                break;
            }
            if self.report.documents > 0 && lines == Lines::One {
                let lines = self.starts_line(before);
                self.note(AnomalyKind::JsonTrailing, self.at);
                if !lines {
                    self.flat();
                    break;
                }
            }
            match self.document() {
                Ok(()) => self.report.documents += 1,
                Err(stop) => {
                    self.stopped(stop);
                    return;
                }
            }
        }
        if let Some(at) = self.fault {
            self.note(AnomalyKind::JsonInvalid, at);
        }
        self.report.valid = self.report.documents > 0 && self.fault.is_none();
    }

    /// Whether a document begins here after a line's end, as in a file of lines.
    fn starts_line(&self, before: usize) -> bool {
        let bytes = self.text.bytes;
        matches!(bytes.get(self.at), Some(b'{' | b'['))
            && bytes
                .get(before..self.at)
                .is_some_and(|space| space.contains(&b'\n'))
    }

    /// Ends a text whose grammar or size did not allow to go on.
    fn stopped(&mut self, stop: Stop) {
        let mut valid = self.fault.is_none();
        match stop {
            Stop::End => {
                valid &= !self.complete;
                if self.complete {
                    self.note(AnomalyKind::JsonInvalid, self.at);
                }
            }
            Stop::Fault => {
                valid = false;
                self.note(AnomalyKind::JsonInvalid, self.at);
                self.flat();
            }
            Stop::Deep => {
                self.view.note(
                    AnomalyKind::TooDeep,
                    self.shape.leaf,
                    self.text.span(self.at, self.at + 1),
                );
                self.flat();
            }
            Stop::Full => {
                let rest = self.text.span(self.at, self.text.bytes.len());
                self.view.push_rest(self.place(Encoding::JsonString), rest);
            }
        }
        self.report.valid = valid;
    }

    fn document(&mut self) -> Result<(), Stop> {
        let mut expect = Expect::Value;
        loop {
            self.skip_space();
            let Some(&byte) = self.text.bytes.get(self.at) else {
                return Err(Stop::End);
            };
            expect = match expect {
                Expect::Value | Expect::ValueOrEnd => match byte {
                    b'{' => self.open(true)?,
                    b'[' => self.open(false)?,
                    b'"' => self.leaf()?,
                    b']' if !self.in_object() => self.close(expect == Expect::Value)?,
                    b',' | b':' | b'}' | b']' => return Err(Stop::Fault),
                    _ => self.word()?,
                },
                Expect::KeyOrEnd => match byte {
                    b'"' => self.key()?,
                    b'}' => self.close(false)?,
                    _ => return Err(Stop::Fault),
                },
                Expect::CommaOrEnd => match byte {
                    b',' => self.comma()?,
                    b'}' if self.in_object() => self.close(false)?,
                    b']' if !self.in_object() => self.close(false)?,
                    _ => return Err(Stop::Fault),
                },
            };
            if self.levels.is_empty() {
                return Ok(());
            }
        }
    }

    fn in_object(&self) -> bool {
        self.levels.last().is_some_and(|level| level.object)
    }

    fn open(&mut self, object: bool) -> Result<Expect, Stop> {
        if self.levels.len() >= self.view.limits.depth {
            return Err(Stop::Deep);
        }
        self.levels.push(Level {
            object,
            name: self.name,
            scope: self.view.scratch.names.scope(),
            start: self.at,
        });
        self.at += 1;
        Ok(if object {
            Expect::KeyOrEnd
        } else {
            Expect::ValueOrEnd
        })
    }

    /// Leaves an object or array; `dangling` says that a comma stood before its end.
    fn close(&mut self, dangling: bool) -> Result<Expect, Stop> {
        if dangling {
            self.fault.get_or_insert(self.at);
        }
        let Some(level) = self.levels.pop() else {
            return Err(Stop::Fault);
        };
        self.at += 1;
        self.name = level.name;
        if self.shape.objects && level.object && self.levels.len() == 1 {
            let value = self.text.span(level.start, self.at);
            if !self
                .view
                .push(self.place(Encoding::Plain), self.name, value)
            {
                return Err(Stop::Full);
            }
        }
        Ok(Expect::CommaOrEnd)
    }

    fn comma(&mut self) -> Result<Expect, Stop> {
        self.at += 1;
        if !self.in_object() {
            return Ok(Expect::Value);
        }
        self.skip_space();
        match self.text.bytes.get(self.at) {
            Some(b'}') => self.close(true),
            _ => Ok(Expect::KeyOrEnd),
        }
    }

    fn leaf(&mut self) -> Result<Expect, Stop> {
        let start = self.at;
        let inside = self.string();
        let value = self.text.span(inside.start, inside.end);
        self.report.strings += 1;
        if !self
            .view
            .push(self.place(Encoding::JsonString), self.name, value)
        {
            self.at = start;
            return Err(Stop::Full);
        }
        self.ended(&inside).map(|()| Expect::CommaOrEnd)
    }

    fn key(&mut self) -> Result<Expect, Stop> {
        let start = self.at;
        let inside = self.string();
        self.report.strings += 1;
        if !self.enter_key(&inside) {
            self.at = start;
            return Err(Stop::Full);
        }
        self.ended(&inside)?;
        self.skip_space();
        match self.text.bytes.get(self.at) {
            Some(b':') => {
                self.at += 1;
                Ok(Expect::Value)
            }
            Some(_) => Err(Stop::Fault),
            None => Err(Stop::End),
        }
    }

    /// Adds a key (each name once for the text), and notes one that its object has already.
    fn enter_key(&mut self, inside: &Inside) -> bool {
        let text = self.text.slice(inside.start, inside.end);
        self.name = if inside.escaped {
            self.view.name(Encoding::JsonString, text)
        } else {
            text.whole()
        };
        let Some(location) = self.shape.key else {
            return true;
        };
        let place = Place::new(location, Encoding::JsonString, self.shape.via);
        if self.view.drops(place, text) {
            return true;
        }
        let scope = self.levels.last().map_or(0, |level| level.scope);
        let names = &mut self.view.scratch.names;
        let hash = names.hash(text.bytes);
        let in_object = names.within(scope, hash);
        let in_text = names.within(self.kinds, hash);
        let duplicate = names.enter(in_object, 0).is_some();
        let entered = names.enter(in_text, 0).is_some();
        if duplicate && !self.shape.quiet {
            self.view
                .note(AnomalyKind::JsonDuplicateKey, location, text.whole());
        }
        if entered {
            return true;
        }
        if !self.view.push(place, Span::EMPTY, text.whole()) {
            return false;
        }
        if query::is_odd_name(self.view.bytes(self.name)) {
            let place = Place::new(self.shape.leaf, Encoding::JsonString, Via::SecondReading);
            return self.view.push(place, Span::EMPTY, text.whole());
        }
        true
    }

    /// Moves over a string and its quotes. A string that the text cuts off ends with the text.
    fn string(&mut self) -> Inside {
        let bytes = self.text.bytes;
        let start = self.at + 1;
        let mut at = start;
        let mut escaped = false;
        while let Some(&byte) = bytes.get(at) {
            if !IN_STRING[byte as usize] {
                at += 1;
                continue;
            }
            match byte {
                b'"' => break,
                b'\\' => {
                    escaped = true;
                    at += 2;
                }
                _ => {
                    self.fault.get_or_insert(at);
                    at += 1;
                }
            }
        }
        let end = at.min(bytes.len());
        self.at = end + 1;
        Inside {
            start,
            end,
            escaped,
        }
    }

    /// Whether the string just read had its closing quote.
    fn ended(&mut self, inside: &Inside) -> Result<(), Stop> {
        if inside.end < self.text.bytes.len() {
            return Ok(());
        }
        self.at = inside.end;
        Err(Stop::End)
    }

    /// Moves over what is no string: a number, `true`, `false`, `null`, or what only a lenient parser takes.
    fn word(&mut self) -> Result<Expect, Stop> {
        let start = self.at;
        let rest = &self.text.bytes[start..];
        let length = rest
            .iter()
            .position(|byte| WORD_END[*byte as usize])
            .unwrap_or(rest.len());
        let word = &rest[..length];
        if length == 0 {
            return Err(Stop::Fault);
        }
        if !is_harmless_word(word) {
            let cut = start + length == self.text.bytes.len() && !self.complete;
            if !cut {
                self.fault.get_or_insert(start);
            }
            let span = self.text.span(start, start + length);
            if !self.view.push(self.place(Encoding::Plain), self.name, span) {
                return Err(Stop::Full);
            }
        }
        self.at = start + length;
        Ok(Expect::CommaOrEnd)
    }

    /// Reads what is left without a grammar: strings are keys or values, and what stands between them is text.
    fn flat(&mut self) {
        self.name = self.shape.name;
        while self.at < self.text.bytes.len() {
            let start = self.at;
            let quote = memchr(b'"', &self.text.bytes[start..])
                .map_or(self.text.bytes.len(), |at| start + at);
            if !self.between(start, quote) {
                return self.stopped(Stop::Full);
            }
            self.at = quote;
            if quote == self.text.bytes.len() {
                return;
            }
            let inside = self.string();
            let rest = self.text.bytes.get(self.at..).unwrap_or_default();
            let is_key = rest.trim_ascii_start().first() == Some(&b':');
            let kept = if is_key {
                self.enter_key(&inside)
            } else {
                let value = self.text.span(inside.start, inside.end);
                self.view
                    .push(self.place(Encoding::JsonString), self.name, value)
            };
            if !kept {
                self.at = quote;
                return self.stopped(Stop::Full);
            }
        }
    }

    /// Adds a run between two strings, unless it is only punctuation, a number or a word of the grammar.
    fn between(&mut self, start: usize, end: usize) -> bool {
        let run = trim(self.text.slice(start, end));
        let is_mark = |byte: &u8| {
            matches!(byte, b',' | b':' | b'[' | b']' | b'{' | b'}') || byte.is_ascii_whitespace()
        };
        if run.bytes.iter().all(is_mark) {
            return true;
        }
        let mut words = run.bytes.split(is_mark).filter(|word| !word.is_empty());
        if words.all(is_harmless_word) {
            return true;
        }
        self.view
            .push(self.place(Encoding::Plain), self.name, run.whole())
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.text.bytes.get(self.at) {
            self.at += 1;
        }
        // RFC 7464 begins each document with a record separator.
        if self.levels.is_empty() && self.text.bytes.get(self.at) == Some(&0x1e) {
            self.at += 1;
        }
    }

    fn place(&self, encoding: Encoding) -> Place {
        Place::new(self.shape.leaf, encoding, self.shape.via)
    }

    fn note(&mut self, kind: AnomalyKind, at: usize) {
        if !self.shape.quiet {
            let end = self.text.bytes.len().min(at + 16);
            self.view
                .note(kind, self.shape.leaf, self.text.span(at.min(end), end));
        }
    }
}

/// Whether a bare word is a number or literal of the grammar, of a length that numbers have.
fn is_harmless_word(word: &[u8]) -> bool {
    matches!(word, b"true" | b"false" | b"null") || word.len() <= LONGEST_NUMBER && is_number(word)
}

/// RFC 8259, section 6.
fn is_number(word: &[u8]) -> bool {
    let rest = word.strip_prefix(b"-").unwrap_or(word);
    let whole = digits(rest);
    if whole == 0 || whole > 1 && rest[0] == b'0' {
        return false;
    }
    let mut rest = &rest[whole..];
    if let Some(fraction) = rest.strip_prefix(b".") {
        let count = digits(fraction);
        if count == 0 {
            return false;
        }
        rest = &fraction[count..];
    }
    match rest {
        [] => true,
        [b'e' | b'E', b'+' | b'-', exponent @ ..] | [b'e' | b'E', exponent @ ..] => {
            !exponent.is_empty() && digits(exponent) == exponent.len()
        }
        _ => false,
    }
}

fn digits(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count()
}

/// Whether a text could be a JSON document, by its first and last bytes.
pub(super) fn looks_like(bytes: &[u8]) -> bool {
    let bytes = bytes
        .strip_prefix(BYTE_ORDER_MARK)
        .unwrap_or(bytes)
        .trim_ascii();
    matches!(
        (bytes.first(), bytes.last()),
        (Some(b'{'), Some(b'}')) | (Some(b'['), Some(b']'))
    )
}

/// What a string does not simply run through: its end, escapes, control bytes.
const IN_STRING: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 0x20 {
        table[byte] = true;
        byte += 1;
    }
    table[b'"' as usize] = true;
    table[b'\\' as usize] = true;
    table
};

const WORD_END: [bool; 256] = {
    let mut table = [false; 256];
    let ends = b" \t\r\n,:[]{}\"";
    let mut at = 0;
    while at < ends.len() {
        table[ends[at] as usize] = true;
        at += 1;
    }
    table
};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
const LONGEST_NUMBER: usize = 40;
