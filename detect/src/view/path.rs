//! The method, the host, the path and its segments.

use memchr::{memchr, memchr_iter};

use super::{Place, Text, View, encoded, is_plain};
use crate::field::{AnomalyKind, Encoding, Location, Source, Span, Via};

/// Adds the whole path, and those of its segments that are not harmless words.
pub(super) fn read(view: &mut View<'_, '_>) {
    let request = view.request;
    let method = Text::of(request.method.as_bytes(), Source::Method);
    view.push(Place::plain(Location::Method), Span::EMPTY, method.whole());
    let host = Text::of(request.host.as_bytes(), Source::Host);
    view.push(Place::plain(Location::Host), Span::EMPTY, host.whole());
    let path = Text::of(request.path, Source::Path);
    let whole = Place::new(Location::Path, Encoding::Percent, Via::Direct);
    view.push(whole, Span::EMPTY, path.whole());

    if memchr(b'%', path.bytes).is_some() {
        encoded::inspect_percent(view, Location::Path, path);
    }
    if !path.bytes.is_ascii() && std::str::from_utf8(path.bytes).is_err() {
        view.note(AnomalyKind::Utf8Invalid, Location::Path, path.whole());
    }
    segments(view, path);
    if escapes_root(path.bytes) {
        view.note(AnomalyKind::PathEscapesRoot, Location::Path, path.whole());
    }
}

fn segments(view: &mut View<'_, '_>, path: Text<'_>) {
    let place = Place::new(Location::PathSegment, Encoding::Percent, Via::Direct);
    let mut start = 0;
    let ends = memchr_iter(b'/', path.bytes).chain(std::iter::once(path.bytes.len()));
    for end in ends {
        let segment = path.slice(start, end);
        let worth = segment.bytes.len() >= BASE64_LENGTH || !is_plain(segment.bytes);
        if worth && !view.push(place, Span::EMPTY, segment.whole()) {
            view.push_rest(place, path.span(start, path.bytes.len()));
            return;
        }
        start = end + 1;
    }
}

/// Whether resolving dot segments leaves the root, with `%2e`, `%2f`, `%5c`, backslashes and `;…` read as a lenient
/// server reads them.
fn escapes_root(path: &[u8]) -> bool {
    // Two dots, as such or with one escaped, are the least that an escape needs.
    if !path
        .windows(2)
        .any(|pair| pair == b".." || pair == b"%2" || pair == b".%")
    {
        return false;
    }
    let mut depth = 0usize;
    let mut segment = Segment::default();
    let mut rest = path;
    while let Some((byte, next)) = step(rest) {
        rest = next;
        if byte == b'/' || byte == b'\\' {
            match segment.kind() {
                Kind::Up if depth == 0 => return true,
                Kind::Up => depth -= 1,
                Kind::Down => depth += 1,
                Kind::Stay => {}
            }
            segment = Segment::default();
        } else {
            segment.add(byte);
        }
    }
    depth == 0 && matches!(segment.kind(), Kind::Up)
}

/// The next byte with one round of percent decoding, and what follows it.
fn step(bytes: &[u8]) -> Option<(u8, &[u8])> {
    match bytes {
        [] => None,
        [b'%', high, low, rest @ ..] => match (encoded::hex(*high), encoded::hex(*low)) {
            (Some(high), Some(low)) => Some((high << 4 | low, rest)),
            _ => Some((b'%', &bytes[1..])),
        },
        [byte, rest @ ..] => Some((*byte, rest)),
    }
}

/// What a segment does to the depth.
enum Kind {
    Up,
    Down,
    Stay,
}

/// As much of a segment as is needed to know its kind.
#[derive(Default)]
struct Segment {
    dots: usize,
    others: usize,
    parameters: bool,
}

impl Segment {
    fn add(&mut self, byte: u8) {
        match byte {
            b';' => self.parameters = true,
            _ if self.parameters => {}
            b'.' => self.dots += 1,
            _ => self.others += 1,
        }
    }

    fn kind(&self) -> Kind {
        match (self.dots, self.others) {
            (2, 0) => Kind::Up,
            (0 | 1, 0) => Kind::Stay,
            _ => Kind::Down,
        }
    }
}

/// A plain segment of this length may be base64.
const BASE64_LENGTH: usize = 16;
