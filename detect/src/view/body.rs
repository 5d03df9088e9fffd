//! The body: undone where it is compressed, then read as what it is declared to be and as what it looks like.
//!
//! An application may go by the header or by the content. Where both agree the body is read once; where they do not,
//! it is read both ways, and the disagreement is noted.

use memchr::{memchr2, memmem};

use super::compress::{self, Coding, Ending};
use super::content_type::{self, ContentType, Kind};
use super::cookie::trim;
use super::json::{self, Lines};
use super::{Mark, Place, Text, View, encoded, graphql, grpc, multipart, query, xml};
use crate::field::{AnomalyKind, Encoding, Location, Source, Span, Via};

/// Adds the fields of the body.
pub(super) fn read(view: &mut View<'_, '_>) {
    let declared = content_type::of_request(view);
    let request = view.request;
    let raw = Text::of(request.body.bytes, Source::Body);
    if raw.bytes.is_empty() {
        return;
    }
    let mut codings = [None; STACKED];
    let stacked = content_codings(view, &mut codings);
    match stacked {
        Some(0) if raw.bytes.starts_with(GZIP) && declared.kind != Kind::Binary => {
            // Some clients compress and do not say so; then it is nothing, or this.
            if !inflate(view, raw, &[Some(Coding::Gzip)], &declared) {
                read_text(view, raw, &declared);
            }
        }
        Some(0) => read_text(view, raw, &declared),
        Some(count) => {
            if !inflate(view, raw, &codings[..count], &declared) {
                view.note(
                    AnomalyKind::EncodingInvalid,
                    Location::Body,
                    raw.span(0, raw.bytes.len().min(16)),
                );
                read_text(view, raw, &declared);
            }
        }
        None => read_text(view, raw, &declared),
    }
}

/// The codings of the Content-Encoding headers in the order in which they were applied, and how many. `None`: one
/// is unknown, or there are too many.
fn content_codings(
    view: &mut View<'_, '_>,
    codings: &mut [Option<Coding>; STACKED],
) -> Option<usize> {
    let headers = view.request.headers;
    let mut count = 0;
    for (index, (name, value)) in headers.iter().enumerate() {
        if *name != "content-encoding" {
            continue;
        }
        let span = Text::of(
            value,
            Source::Header(u16::try_from(index).unwrap_or(u16::MAX)),
        )
        .whole();
        for token in value.split(|byte| *byte == b',') {
            let token = token.trim_ascii();
            if token.is_empty() || token.eq_ignore_ascii_case(b"identity") {
                continue;
            }
            let coding = Coding::of(token);
            if coding.is_none() || count > 0 {
                view.note(AnomalyKind::EncodingUnknown, Location::Header, span);
            }
            *codings.get_mut(count)? = Some(coding?);
            count += 1;
        }
    }
    Some(count)
}

/// Undoes `codings`, the last one first, and reads the result. `false`: nothing came out.
fn inflate(
    view: &mut View<'_, '_>,
    raw: Text<'_>,
    codings: &[Option<Coding>],
    declared: &ContentType<'_>,
) -> bool {
    let mut inflated = std::mem::take(&mut view.scratch.inflated);
    inflated.clear();
    let mut complete = view.request.body.complete;
    for (step, coding) in codings.iter().rev().flatten().enumerate() {
        let input = if step == 0 {
            Vec::new()
        } else {
            std::mem::take(&mut inflated)
        };
        let input = if step == 0 { raw.bytes } else { &input };
        match compress::inflate(*coding, input, &mut inflated, view.limits) {
            Ending::Whole => {}
            Ending::Capped => {
                view.note(
                    AnomalyKind::EncodingBomb,
                    Location::Body,
                    raw.span(0, raw.bytes.len().min(16)),
                );
                complete = false;
            }
            Ending::Broken => {
                if complete && !inflated.is_empty() {
                    view.note(
                        AnomalyKind::EncodingInvalid,
                        Location::Body,
                        raw.span(0, raw.bytes.len().min(16)),
                    );
                }
                complete = false;
            }
        }
    }
    let any = !inflated.is_empty();
    if any {
        let kept = view.keep(&inflated);
        let text = Text {
            bytes: &inflated,
            source: Source::Arena,
            base: kept.start,
        };
        Reading { view, complete }.by_type(text, declared);
    }
    view.scratch.inflated = inflated;
    any
}

fn read_text(view: &mut View<'_, '_>, text: Text<'_>, declared: &ContentType<'_>) {
    let complete = view.request.body.complete;
    if declared.wide || is_wide(text.bytes) {
        let mut narrow = std::mem::take(&mut view.scratch.inflated);
        narrow.clear();
        from_wide(text.bytes, &mut narrow);
        view.note(
            AnomalyKind::CharsetUnusual,
            Location::Body,
            text.span(0, 2.min(text.bytes.len())),
        );
        let kept = view.keep(&narrow);
        let text = Text {
            bytes: &narrow,
            source: Source::Arena,
            base: kept.start,
        };
        Reading { view, complete }.by_type(text, declared);
        view.scratch.inflated = narrow;
        return;
    }
    Reading { view, complete }.by_type(text, declared);
}

/// Whether a body begins as UTF-16 text of structure does: with a byte order mark, or a bracket beside a NUL.
fn is_wide(bytes: &[u8]) -> bool {
    matches!(
        bytes,
        [0xff, 0xfe, ..]
            | [0xfe, 0xff, ..]
            | [b'{' | b'[' | b'<', 0, _, 0, ..]
            | [0, b'{' | b'[' | b'<', 0, _, ..]
    ) && bytes.len() >= 4
}

/// Appends UTF-16 text of either byte order as UTF-8.
fn from_wide(bytes: &[u8], out: &mut Vec<u8>) {
    let big = bytes.starts_with(&[0xfe, 0xff]) || bytes.first() == Some(&0);
    let units = bytes.chunks_exact(2).map(|pair| {
        let pair = [pair[0], pair[1]];
        if big {
            u16::from_be_bytes(pair)
        } else {
            u16::from_le_bytes(pair)
        }
    });
    for character in char::decode_utf16(units).skip_while(|character| *character == Ok('\u{feff}'))
    {
        let character = character.unwrap_or(char::REPLACEMENT_CHARACTER);
        out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    }
}

/// What a body looks like, whatever its type says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    Json,
    Xml,
    Multipart,
    Form,
    Bytes,
    Text,
}

fn look(bytes: &[u8]) -> Look {
    let trimmed = bytes.trim_ascii_start();
    if is_bytes(bytes) {
        Look::Bytes
    } else if matches!(trimmed.first(), Some(b'{' | b'[')) {
        Look::Json
    } else if xml::looks_like(bytes) {
        Look::Xml
    } else if multipart::guess_boundary(trimmed).is_some() {
        Look::Multipart
    } else if looks_like_form(bytes) {
        Look::Form
    } else {
        Look::Text
    }
}

/// Whether the beginning holds control bytes that no text has.
fn is_bytes(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(512)];
    let controls = head
        .iter()
        .filter(|byte| **byte < 9 || (14..32).contains(*byte) && **byte != 27)
        .count();
    controls * 20 > head.len()
}

/// Whether a text is a name without surprises and an equals sign, and then has no line ends.
fn looks_like_form(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(256)];
    let Some(equals) = head.iter().position(|byte| *byte == b'=') else {
        return false;
    };
    let named = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.-[]%$+".contains(byte);
    equals > 0 && head[..equals].iter().all(named) && !bytes.trim_ascii_end().contains(&b'\n')
}

/// One reading of one body.
struct Reading<'p, 'v, 'r> {
    view: &'p mut View<'v, 'r>,
    complete: bool,
}

impl Reading<'_, '_, '_> {
    fn by_type(&mut self, text: Text<'_>, declared: &ContentType<'_>) {
        match declared.kind {
            Kind::Json => self.json(text, Lines::One),
            Kind::JsonLines => self.json(text, Lines::Many),
            Kind::Form => self.form(text),
            Kind::Multipart => self.multipart(text, declared),
            Kind::Xml => self.xml(text),
            Kind::Graphql => self.graphql(text),
            Kind::Grpc => grpc::read(self.view, text, Via::Direct, self.complete),
            Kind::GrpcText => grpc::read_text(self.view, text, self.complete),
            Kind::Protobuf => {
                if !grpc::message(self.view, text, Via::Direct) {
                    self.rest(Location::Grpc, Via::Direct, text);
                }
            }
            Kind::Text | Kind::Nothing => self.text(text, declared.kind),
            Kind::Binary => self.binary(text),
        }
    }

    fn json(&mut self, text: Text<'_>, lines: Lines) {
        encoded::inspect_text(self.view, Location::Json, text, self.complete);
        let mark = self.view.mark();
        let report = json::read(self.view, text, &json::Shape::BODY, lines, self.complete);
        if report.valid || report.strings > 0 && look(text.bytes) == Look::Json {
            return;
        }
        // Nothing here is JSON: what the patient reading took from it says less than the whole.
        self.view.roll_back(mark);
        self.view.note(
            AnomalyKind::JsonInvalid,
            Location::Json,
            text.span(0, text.bytes.len().min(16)),
        );
        self.second(text, Look::Json);
        self.whole(text);
    }

    fn form(&mut self, text: Text<'_>) {
        let look = look(text.bytes);
        match look {
            Look::Json | Look::Xml | Look::Multipart => {
                let read = self.second(text, Look::Form);
                if read && memchr2(b'=', b'&', text.bytes).is_none() {
                    // To a form's reader all of it is one name, whose value would only be read again.
                    let place = Place::new(Location::FormName, Encoding::Form, Via::Direct);
                    self.view.push(place, Span::EMPTY, text.whole());
                    return;
                }
            }
            Look::Bytes => {
                encoded::inspect_text(self.view, Location::Form, text, self.complete);
                self.mismatch(text);
            }
            Look::Form | Look::Text => {}
        }
        query::read(self.view, trim(text), &query::Shape::FORM);
    }

    fn multipart(&mut self, text: Text<'_>, declared: &ContentType<'_>) {
        let mut read = false;
        match declared.boundary {
            Some(boundary) if !boundary.is_empty() => {
                read = multipart::read(self.view, text, boundary, Via::Direct, self.complete);
            }
            _ => self.view.note(
                AnomalyKind::MultipartBoundary,
                Location::Header,
                Span::EMPTY,
            ),
        }
        if let Some(other) = declared.other_boundary
            && declared.boundary != Some(other)
            && !other.is_empty()
        {
            let via = if read {
                Via::SecondReading
            } else {
                Via::Direct
            };
            read |= multipart::read(self.view, text, other, via, self.complete);
        }
        if !read {
            self.view.note(
                AnomalyKind::MultipartBoundary,
                Location::Multipart,
                text.span(0, text.bytes.len().min(16)),
            );
            if !self.guess(text) {
                self.second(text, Look::Multipart);
            }
            self.whole(text);
        }
    }

    /// Reads multipart by the boundary that its first line shows.
    fn guess(&mut self, text: Text<'_>) -> bool {
        let start = text.bytes.len() - text.bytes.trim_ascii_start().len();
        let text = text.slice(start, text.bytes.len());
        match multipart::guess_boundary(text.bytes) {
            Some(boundary) => {
                multipart::read(self.view, text, boundary, Via::SecondReading, self.complete)
            }
            None => false,
        }
    }

    fn xml(&mut self, text: Text<'_>) {
        encoded::inspect_text(self.view, Location::Xml, text, self.complete);
        let mark = self.view.mark();
        if xml::read(self.view, text, Via::Direct, self.complete) {
            return;
        }
        self.view.roll_back(mark);
        self.view.note(
            AnomalyKind::XmlInvalid,
            Location::Xml,
            text.span(0, text.bytes.len().min(16)),
        );
        self.second(text, Look::Xml);
        self.whole(text);
    }

    fn graphql(&mut self, text: Text<'_>) {
        if graphql::read(self.view, text, Via::Direct) {
            let place = Place::plain(Location::GraphqlDocument);
            self.view.push(place, Span::EMPTY, text.whole());
        } else if !self.second(text, Look::Text) {
            self.mismatch(text);
            self.whole(text);
        } else {
            self.whole(text);
        }
    }

    /// A body without a type that says something: by its look, and as a whole where that says nothing either.
    fn text(&mut self, text: Text<'_>, kind: Kind) {
        match look(text.bytes) {
            Look::Bytes => self.file(text),
            Look::Json => {
                let mark = self.view.mark();
                let report = json::read(
                    self.view,
                    text,
                    &json::Shape::BODY,
                    Lines::Many,
                    self.complete,
                );
                if !report.valid {
                    self.view.roll_back(mark);
                    self.whole(text);
                } else if kind == Kind::Text && !self.is_plain_text() {
                    self.view.note(
                        AnomalyKind::JsonUndeclared,
                        Location::Json,
                        text.span(0, text.bytes.len().min(16)),
                    );
                }
            }
            Look::Form => query::read(self.view, trim(text), &query::Shape::FORM),
            Look::Multipart => {
                self.note_look(text, Look::Multipart);
                self.guess(text);
                self.whole(text);
            }
            Look::Xml => {
                let mark = self.view.mark();
                if xml::read(self.view, text, Via::SecondReading, self.complete)
                    && xml_declared_inside(text.bytes)
                {
                    self.note_look(text, Look::Xml);
                    return;
                }
                // Markup that is no XML document: text with tags in it.
                self.view.roll_back(mark);
                self.whole(text);
            }
            Look::Text => self.whole(text),
        }
    }

    /// Whether the type is `text/plain`, which browsers send for anything that is to need no preflight.
    fn is_plain_text(&self) -> bool {
        let value = self.view.request.header("content-type").unwrap_or_default();
        value.len() >= 10 && value[..10].eq_ignore_ascii_case(b"text/plain")
    }

    fn binary(&mut self, text: Text<'_>) {
        match look(text.bytes) {
            Look::Bytes => self.file(text),
            Look::Json | Look::Xml | Look::Multipart => {
                self.second(text, Look::Bytes);
                self.whole(text);
            }
            Look::Form | Look::Text => self.whole(text),
        }
    }

    /// Reads a body as what it looks like, when that is not what it is declared to be. `false`: it looks like
    /// nothing else.
    fn second(&mut self, text: Text<'_>, declared: Look) -> bool {
        let look = look(text.bytes);
        if look == declared {
            return false;
        }
        let mark = self.view.mark();
        let read = match look {
            Look::Json => {
                let shape = json::Shape {
                    via: Via::SecondReading,
                    ..json::Shape::BODY
                };
                let report = json::read(self.view, text, &shape, Lines::Many, self.complete);
                report.valid || report.strings > 0
            }
            Look::Xml => xml::read(self.view, text, Via::SecondReading, self.complete),
            Look::Multipart => self.guess(text),
            Look::Form => {
                let shape = query::Shape {
                    via: Via::SecondReading,
                    ..query::Shape::FORM
                };
                query::read(self.view, trim(text), &shape);
                true
            }
            Look::Bytes | Look::Text => {
                self.mismatch(text);
                return false;
            }
        };
        self.keep_or_not(read, mark, text, look)
    }

    fn keep_or_not(&mut self, read: bool, mark: Mark, text: Text<'_>, look: Look) -> bool {
        if read {
            self.note_look(text, look);
        } else {
            self.view.roll_back(mark);
            self.mismatch(text);
        }
        read
    }

    fn note_look(&mut self, text: Text<'_>, look: Look) {
        let kind = match look {
            Look::Json => AnomalyKind::JsonUndeclared,
            Look::Xml => AnomalyKind::XmlUndeclared,
            Look::Multipart => AnomalyKind::MultipartUndeclared,
            Look::Form => AnomalyKind::FormUndeclared,
            Look::Bytes | Look::Text => AnomalyKind::BodyTypeMismatch,
        };
        self.view
            .note(kind, Location::Body, text.span(0, text.bytes.len().min(16)));
    }

    fn mismatch(&mut self, text: Text<'_>) {
        self.note_look(text, Look::Text);
    }

    /// The body as one field of text.
    fn whole(&mut self, text: Text<'_>) {
        if is_bytes(text.bytes) {
            return self.file(text);
        }
        if !self
            .view
            .push(Place::plain(Location::Body), Span::EMPTY, text.whole())
        {
            self.rest(Location::Body, Via::Direct, text);
        }
    }

    /// The body as an uploaded file.
    fn file(&mut self, text: Text<'_>) {
        let length = text.bytes.len().min(self.view.limits.file_length);
        self.view.push(
            Place::plain(Location::File),
            Span::EMPTY,
            text.span(0, length),
        );
    }

    fn rest(&mut self, location: Location, via: Via, text: Text<'_>) {
        self.view
            .push_rest(Place::new(location, Encoding::Plain, via), text.whole());
    }
}

/// Whether markup says of itself that it is XML.
fn xml_declared_inside(bytes: &[u8]) -> bool {
    let bytes = bytes
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(bytes)
        .trim_ascii_start();
    let head = &bytes[..bytes.len().min(512)].to_ascii_lowercase();
    head.starts_with(b"<?xml")
        || head.starts_with(b"<!doctype") && !head.starts_with(b"<!doctype html")
        || memmem::find(head, b"xmlns").is_some()
}

/// Codings that may be stacked before they are no longer undone.
const STACKED: usize = 3;
/// The first bytes of gzip (RFC 1952, section 2.3.1).
const GZIP: &[u8] = &[0x1f, 0x8b, 0x08];
