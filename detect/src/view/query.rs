//! Queries and forms: `name=value` pairs joined by `&`.

use memchr::{memchr, memchr2};

use super::{Place, Text, View, encoded, is_plain};
use crate::field::{AnomalyKind, Encoding, Location, Span, Via};

/// What the pairs become.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    /// The location of names; `None` leaves them out.
    pub(super) name: Option<Location>,
    /// The location of values.
    pub(super) value: Location,
    /// How the text was found.
    pub(super) via: Via,
    /// Whether harmless words are left out, because the text was seen as a whole already.
    pub(super) skip_plain: bool,
}

impl Shape {
    /// The query of the request.
    pub(super) const QUERY: Shape = Shape {
        name: Some(Location::QueryName),
        value: Location::Query,
        via: Via::Direct,
        skip_plain: false,
    };

    /// A form in the body.
    pub(super) const FORM: Shape = Shape {
        name: Some(Location::FormName),
        value: Location::Form,
        via: Via::Direct,
        skip_plain: false,
    };
}

/// Adds the pairs of `text`.
pub(super) fn read(view: &mut View<'_, '_>, text: Text<'_>, shape: &Shape) {
    // What a nested URL does with its percent signs was judged where it stands.
    if shape.via != Via::NestedForm && memchr(b'%', text.bytes).is_some() {
        encoded::inspect_percent(view, shape.value, text);
    }
    if !text.bytes.is_ascii() && std::str::from_utf8(text.bytes).is_err() {
        view.note(AnomalyKind::Utf8Invalid, shape.value, text.whole());
    }
    let mut pairs = Pairs {
        shape: *shape,
        scope: view.scratch.names.scope(),
        joins: 0,
    };
    let mut start = 0;
    while start < text.bytes.len() {
        let end = memchr(b'&', &text.bytes[start..]).map_or(text.bytes.len(), |at| start + at);
        if end > start && !pairs.add(view, text.slice(start, end)) {
            let place = Place::new(shape.value, Encoding::Form, shape.via);
            view.push_rest(place, text.span(start, text.bytes.len()));
            return;
        }
        start = end + 1;
    }
}

/// The state of one list of pairs.
struct Pairs {
    shape: Shape,
    scope: u64,
    joins: usize,
}

impl Pairs {
    /// Adds one pair; `false` when there is no room.
    fn add(&mut self, view: &mut View<'_, '_>, pair: Text<'_>) -> bool {
        let Some(equals) = memchr(b'=', pair.bytes) else {
            return self.add_lone(view, pair);
        };
        let name = pair.slice(0, equals);
        let value = pair.slice(equals + 1, pair.bytes.len());
        let plain = is_plain(value.bytes);
        if self.shape.skip_plain && plain {
            return true;
        }
        let name_span = view.name(Encoding::Form, name);
        if !self.add_name(view, name, name_span) {
            return false;
        }
        let index = super::offset(view.scratch.fields.len());
        if !view.push(self.place(), name_span, value.whole()) {
            return false;
        }
        self.watch_duplicate(view, name_span, value, index);
        if !plain {
            self.split_semicolons(view, value);
        }
        true
    }

    /// A pair without `=` is a name to some and a value to others.
    fn add_lone(&mut self, view: &mut View<'_, '_>, pair: Text<'_>) -> bool {
        let plain = is_plain(pair.bytes);
        if let Some(location) = self.shape.name
            && !(plain && self.shape.skip_plain)
        {
            let place = Place::new(location, Encoding::Form, self.shape.via);
            if !view.push(place, Span::EMPTY, pair.whole()) {
                return false;
            }
        }
        plain || view.push(self.place(), Span::EMPTY, pair.whole())
    }

    fn add_name(&mut self, view: &mut View<'_, '_>, name: Text<'_>, decoded: Span) -> bool {
        let Some(location) = self.shape.name else {
            return true;
        };
        let place = Place::new(location, Encoding::Form, self.shape.via);
        if !view.push(place, Span::EMPTY, name.whole()) {
            return false;
        }
        if is_odd_name(view.bytes(decoded)) {
            let place = Place::new(self.shape.value, Encoding::Form, Via::SecondReading);
            return view.push(place, Span::EMPTY, name.whole());
        }
        true
    }

    /// Notes the same name twice, and adds the values joined by a comma, as some servers join them: that is how an
    /// injection is spread over two parameters. Lists of harmless words and names in `[]` are everyday and left alone.
    fn watch_duplicate(
        &mut self,
        view: &mut View<'_, '_>,
        name: Span,
        value: Text<'_>,
        index: u32,
    ) {
        let bytes = name.bytes(view.request, &view.scratch.arena);
        let hash = view.scratch.names.hash(bytes);
        let hash = view.scratch.names.within(self.scope, hash);
        let list = bytes.ends_with(b"]");
        let Some(before) = view.scratch.names.enter(hash, index) else {
            return;
        };
        let Some(earlier) = view
            .scratch
            .fields
            .get(before as usize)
            .map(|field| field.value)
        else {
            return;
        };
        let harmless = is_plain(view.bytes(earlier)) && is_plain(value.bytes);
        if list || harmless || view.bytes(earlier) == value.bytes {
            return;
        }
        view.note(
            AnomalyKind::DuplicateParameter,
            self.shape.value,
            value.whole(),
        );
        self.joins += 1;
        if self.joins > JOINS || earlier.len() + value.bytes.len() >= JOINED_LENGTH {
            return;
        }
        let start = view.scratch.arena.len();
        let both = [view.bytes(earlier), b",", value.bytes].concat();
        view.scratch.arena.extend_from_slice(&both);
        let joined = view.arena_span(start);
        let place = Place::new(self.shape.value, Encoding::Form, Via::SecondReading);
        let index = super::offset(view.scratch.fields.len());
        if view.push(place, name, joined) {
            view.scratch.names.replace(hash, index);
        }
    }

    /// Some servers split at `;` too: the pieces are values of their own there.
    fn split_semicolons(&mut self, view: &mut View<'_, '_>, value: Text<'_>) {
        let mut from = 0;
        while let Some(at) = memchr(b';', &value.bytes[from..]) {
            let start = from + at + 1;
            from = start;
            let end =
                memchr(b';', &value.bytes[start..]).map_or(value.bytes.len(), |at| start + at);
            let Some(equals) = memchr2(b'=', b';', &value.bytes[start..end]) else {
                continue;
            };
            let name = value.slice(start, start + equals);
            let piece = value.slice(start + equals + 1, end);
            if name.bytes.is_empty() || !is_plain(name.bytes) || is_plain(piece.bytes) {
                continue;
            }
            let place = Place::new(self.shape.value, Encoding::Form, Via::SecondReading);
            if !view.push(place, name.whole(), piece.whole()) {
                return;
            }
        }
    }

    fn place(&self) -> Place {
        Place::new(self.shape.value, Encoding::Form, self.shape.via)
    }
}

/// Whether a (decoded) name holds what no programmer puts into one, so that it is looked at like a value.
pub(super) fn is_odd_name(name: &[u8]) -> bool {
    name.iter().any(|byte| {
        matches!(
            byte,
            b'<' | b'>' | b'\'' | b'"' | b'`' | b'(' | b')' | b';' | b'|' | b'\\'
        )
    }) || name
        .windows(2)
        .any(|pair| matches!(pair, b"${" | b"{{" | b".." | b"/*" | b"--"))
}

/// Joined duplicates that are added for one query or form.
const JOINS: usize = 16;
/// The length in bytes at which joining stops.
const JOINED_LENGTH: usize = 16 * 1024;
