//! Multipart bodies (RFC 2046, section 5.1; RFC 7578): names, file names and contents of the parts.
//!
//! Parsers of multipart disagree about almost everything, and an attack that hides here lives from that. So this one
//! accepts what any of them would accept, and notes each thing that another would read differently.

use memchr::{memchr, memmem};

use super::content_type::{self, Kind, is_continued, parameter_end};
use super::cookie::trim;
use super::{Place, Text, View, encoded, json};
use crate::field::{AnomalyKind, Encoding, Location, Span, Via};

/// Reads the parts between delimiters of `boundary`. `false`: the text holds no such delimiter.
pub(super) fn read(
    view: &mut View<'_, '_>,
    text: Text<'_>,
    boundary: &[u8],
    via: Via,
    complete: bool,
) -> bool {
    let mut delimiter = Vec::with_capacity(boundary.len() + 2);
    delimiter.extend_from_slice(b"--");
    delimiter.extend_from_slice(boundary);
    let finder = memmem::Finder::new(&delimiter);
    let Some(first) = next_delimiter(&finder, text.bytes, 0) else {
        return false;
    };
    let mut parts = Parts {
        via,
        scope: view.scratch.names.scope(),
        count: 0,
    };
    if !text.bytes[..first].trim_ascii().is_empty() {
        view.note(
            AnomalyKind::MultipartHeader,
            Location::Multipart,
            text.span(0, first),
        );
        view.push(
            Place::new(Location::Multipart, Encoding::Plain, via),
            Span::EMPTY,
            text.span(0, first),
        );
    }
    let mut at = first + delimiter.len();
    loop {
        if text.bytes[at..].starts_with(b"--") {
            epilogue(view, text, at + 2, via);
            return true;
        }
        let start = line_end(text.bytes, at);
        let next = next_delimiter(&finder, text.bytes, start.saturating_sub(1));
        let end = next.unwrap_or(text.bytes.len());
        if !parts.add(view, text.slice(start, end)) {
            let place = Place::new(Location::Multipart, Encoding::Plain, via);
            view.push_rest(place, text.span(start, text.bytes.len()));
            return true;
        }
        let Some(next) = next else {
            if complete {
                view.note(
                    AnomalyKind::MultipartUnclosed,
                    Location::Multipart,
                    text.span(start, end),
                );
            }
            return true;
        };
        at = next + delimiter.len();
    }
}

/// The boundary of a body whose type does not say it: the first line, when it is a delimiter and part headers follow.
pub(super) fn guess_boundary(bytes: &[u8]) -> Option<&[u8]> {
    let line = bytes.strip_prefix(b"--")?;
    let end = memchr(b'\n', line.get(..line.len().min(200))?)?;
    let boundary = line[..end].trim_ascii_end();
    let head = &line[end..line.len().min(end + 512)];
    let part = memmem::find(&head.to_ascii_lowercase(), b"content-disposition").is_some();
    (part && !boundary.is_empty()).then_some(boundary)
}

/// The next delimiter that stands at the beginning of a line, from `from` on.
fn next_delimiter(finder: &memmem::Finder<'_>, bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        let found = at + finder.find(bytes.get(at..)?)?;
        if found == 0 || matches!(bytes.get(found - 1), Some(b'\n' | b'\r')) {
            return Some(found);
        }
        at = found + 1;
    }
}

/// One past the end of the line that `from` lies in.
fn line_end(bytes: &[u8], from: usize) -> usize {
    memchr(b'\n', &bytes[from..]).map_or(bytes.len(), |at| from + at + 1)
}

/// What follows the closing delimiter: nothing, or a sign that someone reads on.
fn epilogue(view: &mut View<'_, '_>, text: Text<'_>, from: usize, via: Via) {
    let rest = text.slice(from, text.bytes.len());
    if !rest.bytes.trim_ascii().is_empty() {
        view.note(
            AnomalyKind::MultipartUnclosed,
            Location::Multipart,
            rest.whole(),
        );
        let place = Place::new(Location::Multipart, Encoding::Plain, via);
        view.push(place, Span::EMPTY, rest.whole());
    }
}

struct Parts {
    via: Via,
    scope: u64,
    count: usize,
}

/// What the headers of a part say.
struct Head<'t> {
    name: Option<Text<'t>>,
    file: Option<Text<'t>>,
    /// `filename*`, whose value is percent-encoded after a charset and two quotes (RFC 5987).
    extended_file: Option<Text<'t>>,
    kind: Kind,
    transfer: Transfer,
}

/// How the content of a part is encoded for its way.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Transfer {
    Identity,
    Base64,
    QuotedPrintable,
}

impl Parts {
    /// Adds one part; `false` when there is no room.
    fn add(&mut self, view: &mut View<'_, '_>, part: Text<'_>) -> bool {
        self.count += 1;
        if self.count > view.limits.parts {
            return false;
        }
        let (head_end, content_start) = blank_line(view, part);
        let mut head = Head {
            name: None,
            file: None,
            extended_file: None,
            kind: Kind::Nothing,
            transfer: Transfer::Identity,
        };
        read_head(view, part.slice(0, head_end), &mut head);
        let content = without_line_end(part.slice(content_start, part.bytes.len()));
        let name = head.name.map_or(Span::EMPTY, |name| name.whole());
        self.watch_mixed(view, &head);
        self.add_names(view, &head) && self.add_content(view, &head, name, content)
    }

    fn add_names(&self, view: &mut View<'_, '_>, head: &Head<'_>) -> bool {
        if let Some(name) = head.name {
            let place = Place::new(Location::MultipartName, Encoding::Plain, self.via);
            if !view.push(place, Span::EMPTY, name.whole()) {
                return false;
            }
        }
        let name = head.name.map_or(Span::EMPTY, |name| name.whole());
        if let Some(file) = head.file {
            let place = Place::new(Location::FileName, Encoding::Plain, self.via);
            if !view.push(place, name, file.whole()) {
                return false;
            }
        }
        if let Some(file) = head.extended_file {
            let place = Place::new(Location::FileName, Encoding::Percent, self.via);
            return view.push(place, name, file.whole());
        }
        true
    }

    fn add_content(
        &self,
        view: &mut View<'_, '_>,
        head: &Head<'_>,
        name: Span,
        content: Text<'_>,
    ) -> bool {
        let is_file = head.file.is_some() || head.extended_file.is_some();
        if matches!(head.kind, Kind::Json) && !is_file {
            let shape = json::Shape {
                name,
                via: self.via,
                ..json::Shape::BODY
            };
            let mark = view.mark();
            if json::read(view, content, &shape, json::Lines::One, true).valid {
                return true;
            }
            view.roll_back(mark);
        }
        let location = if is_file {
            Location::File
        } else {
            Location::Multipart
        };
        let length = if is_file {
            content.bytes.len().min(view.limits.file_length)
        } else {
            content.bytes.len()
        };
        let place = Place::new(location, Encoding::Plain, self.via);
        if !view.push(place, name, content.span(0, length)) {
            return false;
        }
        match head.transfer {
            Transfer::Identity => true,
            transfer => add_decoded(view, location, name, content, transfer),
        }
    }

    /// Notes two parts of one name of which one is a file: parsers keep the first, the last, or each for itself.
    fn watch_mixed(&self, view: &mut View<'_, '_>, head: &Head<'_>) {
        let Some(name) = head.name else {
            return;
        };
        let is_file = u32::from(head.file.is_some() || head.extended_file.is_some());
        let names = &mut view.scratch.names;
        let hash = names.within(self.scope, names.hash(name.bytes));
        if view
            .scratch
            .names
            .enter(hash, is_file)
            .is_some_and(|before| before != is_file)
        {
            view.note(
                AnomalyKind::MultipartMixedDuplicate,
                Location::MultipartName,
                name.whole(),
            );
        }
    }
}

/// Adds a content as it is after its transfer encoding is undone.
fn add_decoded(
    view: &mut View<'_, '_>,
    location: Location,
    name: Span,
    content: Text<'_>,
    transfer: Transfer,
) -> bool {
    let start = view.scratch.arena.len();
    let bytes = &content.bytes[..content.bytes.len().min(view.limits.decompressed)];
    let valid = match transfer {
        Transfer::Base64 => encoded::base64(bytes.trim_ascii(), &mut view.scratch.arena),
        Transfer::QuotedPrintable => {
            quoted_printable(bytes, &mut view.scratch.arena);
            true
        }
        Transfer::Identity => false,
    };
    if !valid {
        view.scratch.arena.truncate(start);
        return true;
    }
    let mut value = view.arena_span(start);
    if location == Location::File {
        value.end = value.end.min(
            value
                .start
                .saturating_add(super::offset(view.limits.file_length)),
        );
    }
    let via = if transfer == Transfer::Base64 {
        Via::Base64
    } else {
        Via::SecondReading
    };
    view.push(Place::new(location, Encoding::Plain, via), name, value)
}

/// RFC 2045, section 6.7: `=XX` is a byte, `=` at a line's end joins lines.
fn quoted_printable(bytes: &[u8], out: &mut Vec<u8>) {
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        if byte != b'=' {
            out.push(byte);
            continue;
        }
        match bytes.get(at..).unwrap_or_default() {
            [b'\r', b'\n', ..] => at += 2,
            [b'\n', ..] => at += 1,
            [high, low, ..] => match (encoded::hex(*high), encoded::hex(*low)) {
                (Some(high), Some(low)) => {
                    out.push(high << 4 | low);
                    at += 2;
                }
                _ => out.push(b'='),
            },
            _ => out.push(b'='),
        }
    }
}

/// Where the head of a part ends and where its content starts.
fn blank_line(view: &mut View<'_, '_>, part: Text<'_>) -> (usize, usize) {
    let mut start = 0;
    while start < part.bytes.len() {
        let end = line_end(part.bytes, start);
        let line = &part.bytes[start..end];
        if line == b"\r\n" || line == b"\n" {
            if line == b"\n" && start > 0 {
                view.note(
                    AnomalyKind::MultipartHeader,
                    Location::Multipart,
                    part.span(0, end),
                );
            }
            return (start, end);
        }
        start = end;
    }
    (part.bytes.len(), part.bytes.len())
}

/// A part's last line end belongs to the delimiter.
fn without_line_end(content: Text<'_>) -> Text<'_> {
    let length = content.bytes.len();
    match content.bytes {
        [.., b'\r', b'\n'] => content.slice(0, length - 2),
        [.., b'\n' | b'\r'] => content.slice(0, length - 1),
        _ => content,
    }
}

fn read_head<'t>(view: &mut View<'_, '_>, text: Text<'t>, head: &mut Head<'t>) {
    if memchr(0, text.bytes).is_some() {
        view.note(
            AnomalyKind::MultipartHeader,
            Location::Multipart,
            text.whole(),
        );
        view.note(AnomalyKind::NulByte, Location::Multipart, text.whole());
    }
    let mut start = 0;
    while start < text.bytes.len() {
        let mut end = line_end(text.bytes, start);
        // A folded line goes on in the next, to those who still know folding.
        while matches!(text.bytes.get(end), Some(b' ' | b'\t')) {
            view.note(
                AnomalyKind::MultipartHeader,
                Location::Multipart,
                text.span(start, end),
            );
            end = line_end(text.bytes, end);
        }
        let line = without_line_end(text.slice(start, end));
        if !text.bytes[start..end].ends_with(b"\r\n") || memchr(b'\r', line.bytes).is_some() {
            view.note(
                AnomalyKind::MultipartHeader,
                Location::Multipart,
                line.whole(),
            );
        }
        header(view, line, head);
        start = end;
    }
}

fn header<'t>(view: &mut View<'_, '_>, line: Text<'t>, head: &mut Head<'t>) {
    let Some(colon) = memchr(b':', line.bytes) else {
        view.note(
            AnomalyKind::MultipartHeader,
            Location::Multipart,
            line.whole(),
        );
        return;
    };
    let name = &line.bytes[..colon];
    let value = trim(line.slice(colon + 1, line.bytes.len()));
    if name.trim_ascii().len() != name.len() {
        view.note(
            AnomalyKind::MultipartHeader,
            Location::Multipart,
            line.whole(),
        );
    }
    let name = name.trim_ascii();
    if name.eq_ignore_ascii_case(b"content-disposition") {
        disposition(view, value, head);
    } else if name.eq_ignore_ascii_case(b"content-type") {
        part_type(view, value, head);
    } else if name.eq_ignore_ascii_case(b"content-transfer-encoding") {
        transfer_encoding(view, value, head);
    }
}

/// Reads the Content-Type of a part.
fn part_type(view: &mut View<'_, '_>, value: Text<'_>, head: &mut Head<'_>) {
    let mut end = parameter_end(value.bytes, 0);
    head.kind = content_type::kind_of(value.bytes[..end].trim_ascii());
    while end < value.bytes.len() {
        let start = end + 1;
        end = parameter_end(value.bytes, start);
        let part = trim(value.slice(start, end));
        let charset = content_type::parameter(part.bytes, b"charset");
        if charset.is_some_and(|charset| !content_type::is_usual_charset(charset)) {
            view.note(
                AnomalyKind::CharsetUnusual,
                Location::Multipart,
                part.whole(),
            );
        }
    }
}

fn transfer_encoding(view: &mut View<'_, '_>, value: Text<'_>, head: &mut Head<'_>) {
    let harmless: [&[u8]; 3] = [b"7bit", b"8bit", b"binary"];
    if harmless
        .iter()
        .any(|name| value.bytes.eq_ignore_ascii_case(name))
    {
        return;
    }
    view.note(
        AnomalyKind::MultipartTransferEncoding,
        Location::Multipart,
        value.whole(),
    );
    if value.bytes.eq_ignore_ascii_case(b"base64") {
        head.transfer = Transfer::Base64;
    } else if value.bytes.eq_ignore_ascii_case(b"quoted-printable") {
        head.transfer = Transfer::QuotedPrintable;
    }
}

/// Reads `form-data; name="…"; filename="…"`.
fn disposition<'t>(view: &mut View<'_, '_>, value: Text<'t>, head: &mut Head<'t>) {
    if head.name.is_some() {
        view.note(
            AnomalyKind::MultipartDuplicateParameter,
            Location::MultipartName,
            value.whole(),
        );
    }
    let mut at = parameter_end(value.bytes, 0) + 1;
    while at < value.bytes.len() {
        let end = parameter_end(value.bytes, at);
        let part = trim(value.slice(at, end));
        at = end + 1;
        if let Some(equals) = memchr(b'=', part.bytes) {
            disposition_parameter(view, part, equals, head);
        }
    }
}

fn disposition_parameter<'t>(
    view: &mut View<'_, '_>,
    part: Text<'t>,
    equals: usize,
    head: &mut Head<'t>,
) {
    let name = part.bytes[..equals].trim_ascii_end();
    let content = unquote(view, trim(part.slice(equals + 1, part.bytes.len())));
    // A plain file name for old readers beside the extended one is what RFC 6266 recommends: no ambiguity, unless
    // the endings differ.
    let mut disagree = false;
    let seat = if name.eq_ignore_ascii_case(b"name") || name.eq_ignore_ascii_case(b"name*") {
        &mut head.name
    } else if name.eq_ignore_ascii_case(b"filename") {
        &mut head.file
    } else if name.eq_ignore_ascii_case(b"filename*") {
        let plain = head.file.map(|file| ending(file.bytes));
        disagree = plain.is_some_and(|plain| plain != ending(content.bytes));
        &mut head.extended_file
    } else {
        // `filename*0="a.p"; filename*1="hp"` (RFC 2231) is one name to few readers.
        if is_continued(name, b"filename") || is_continued(name, b"name") {
            ambiguous(view, part, content);
        }
        return;
    };
    if seat.is_some() || disagree {
        ambiguous(view, part, content);
    }
    seat.get_or_insert(content);
}

/// Notes a name that another parser takes from another parameter, and looks at it like at a file name.
fn ambiguous(view: &mut View<'_, '_>, part: Text<'_>, content: Text<'_>) {
    view.note(
        AnomalyKind::MultipartDuplicateParameter,
        Location::MultipartName,
        part.whole(),
    );
    let place = Place::new(Location::FileName, Encoding::Percent, Via::SecondReading);
    view.push(place, Span::EMPTY, content.whole());
}

/// What follows the last dot of a file name.
fn ending(name: &[u8]) -> &[u8] {
    let dot = name.iter().rposition(|byte| *byte == b'.');
    dot.map_or(&[], |dot| &name[dot..])
}

/// The inside of a quoted value; quotes that do not match are noted and left out.
fn unquote<'t>(view: &mut View<'_, '_>, raw: Text<'t>) -> Text<'t> {
    let inside = match raw.bytes {
        [b'"', .., b'"'] => raw.slice(1, raw.bytes.len() - 1),
        [b'"', ..] | [.., b'"'] => {
            view.note(
                AnomalyKind::MultipartHeader,
                Location::MultipartName,
                raw.whole(),
            );
            let start = usize::from(raw.bytes.first() == Some(&b'"'));
            raw.slice(start, raw.bytes.len())
        }
        [b'\'', ..] => {
            view.note(
                AnomalyKind::MultipartHeader,
                Location::MultipartName,
                raw.whole(),
            );
            raw
        }
        _ => raw,
    };
    if unescaped_quote(inside.bytes) {
        view.note(
            AnomalyKind::MultipartHeader,
            Location::MultipartName,
            raw.whole(),
        );
    }
    inside
}

/// Whether a quote stands inside without a backslash before it.
fn unescaped_quote(bytes: &[u8]) -> bool {
    let mut escaped = false;
    for byte in bytes {
        match byte {
            b'"' if !escaped => return true,
            b'\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    false
}
