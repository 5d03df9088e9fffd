//! The request as fields.
//!
//! Every place where a client can put bytes becomes a [`Field`]: [`read`] walks the head, then the body, then looks
//! inside the values it found (base64, JSON in a parameter, tokens). It is the first step of the engine; decoders,
//! rules and models only ever see what it lists. Nothing is copied that can be pointed at, nothing is built as a
//! tree, and every count has a bound, because all of it is steered by the client.

mod body;
mod compress;
mod content_type;
mod cookie;
mod encoded;
mod graphql;
mod grpc;
mod header;
mod json;
mod jwt;
mod multipart;
mod names;
mod nested;
mod path;
mod query;
#[cfg(test)]
mod tests;
mod xml;

use crate::field::{Anomaly, AnomalyKind, Encoding, Field, Location, Source, Span, Via};
use crate::request::Request;

use self::names::Names;

/// How much of a request is looked at. Exceeding one is noted as an [`Anomaly`]; it never fails the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Fields of one request. Default 4,096. Half of them are reserved for the body. Beyond the limit, values of
    /// letters, digits and `_.-` are dropped, a quarter more of others is kept, and what then remains becomes one
    /// field of raw text.
    pub fields: usize,
    /// Fields found inside other fields. Default 1,024.
    pub derived_fields: usize,
    /// Nesting of JSON, XML and protobuf. Default 64. Deeper parts are still read, but flat.
    pub depth: usize,
    /// Encodings inside encodings: base64 of JSON with base64 in it is 3. Default 3.
    pub derived_depth: usize,
    /// Bytes of one field. Default 65,536. A longer value is cut into overlapping fields of this length.
    pub field_length: usize,
    /// Bytes of raw text that are kept of what a parser had no room for: its beginning and its end, half of them each.
    /// Default 256 KiB, twice what is inspected of a body by default.
    pub rest_length: usize,
    /// Bytes of an uploaded file that are looked at. Default 65,536.
    pub file_length: usize,
    /// Bytes a compressed body may grow to. Default 1 MiB.
    pub decompressed: usize,
    /// How many times its compressed size a body may grow to, once it is over 64 KiB. Default 100.
    pub ratio: usize,
    /// Bytes of a JWT that is decoded. Default 65,536; a longer one is a field of text.
    pub jwt_length: usize,
    /// Parts of a multipart body. Default 1,024.
    pub parts: usize,
    /// Nesting of selections in a GraphQL document. Default 20.
    pub graphql_depth: usize,
    /// Aliases in one GraphQL document. Default 30.
    pub graphql_aliases: usize,
    /// Operations in one GraphQL request. Default 10.
    pub graphql_batch: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            fields: 4096,
            derived_fields: 1024,
            depth: 64,
            derived_depth: 3,
            field_length: 64 * 1024,
            rest_length: 256 * 1024,
            file_length: 64 * 1024,
            decompressed: 1024 * 1024,
            ratio: 100,
            jwt_length: 64 * 1024,
            parts: 1024,
            graphql_depth: 20,
            graphql_aliases: 30,
            graphql_batch: 10,
        }
    }
}

/// What one request was turned into, and the buffers to do it with. Kept by a worker and used again for each
/// request, so that a warm one allocates nothing.
#[derive(Debug, Default)]
pub struct Scratch {
    fields: Vec<Field>,
    arena: Vec<u8>,
    anomalies: Vec<Anomaly>,
    /// One bit for each kind in `anomalies`: a million of the same is said once.
    noted: u64,
    names: Names,
    /// A decoded value while it is looked into; its bytes are also in the arena.
    work: Vec<u8>,
    /// A decompressed body while it is read; its bytes are also in the arena.
    inflated: Vec<u8>,
    levels: Vec<json::Level>,
    /// GraphQL operations seen so far.
    operations: usize,
}

impl Scratch {
    /// The fields, in the order in which they were found.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The bytes that [`Source::Arena`] spans count in.
    pub fn arena(&self) -> &[u8] {
        &self.arena
    }

    /// What was ambiguous or excessive; each kind once, where it was first seen.
    pub fn anomalies(&self) -> &[Anomaly] {
        &self.anomalies
    }

    /// Empties everything, and gives memory back that one unusual request made it take.
    fn clear(&mut self) {
        clear_vec(&mut self.fields, 4096);
        clear_vec(&mut self.arena, 256 * 1024);
        clear_vec(&mut self.anomalies, 64);
        clear_vec(&mut self.work, 128 * 1024);
        clear_vec(&mut self.inflated, 128 * 1024);
        clear_vec(&mut self.levels, 256);
        self.noted = 0;
        self.operations = 0;
        self.names.clear();
    }
}

/// Empties `list`; one that has grown beyond `keep` items goes back to that size.
fn clear_vec<T>(list: &mut Vec<T>, keep: usize) {
    list.clear();
    if list.capacity() > keep.saturating_mul(2) {
        list.shrink_to(keep);
    }
}

/// Reads `request` into `scratch`, which is emptied first.
pub fn read(scratch: &mut Scratch, request: &Request<'_>, limits: &Limits) {
    scratch.clear();
    let mut view = View {
        scratch,
        request,
        limits,
        room: limits.fields / 2,
        crowd: limits.fields / 8,
    };
    path::read(&mut view);
    if let Some(query) = request.query {
        let text = Text::of(query, Source::Query);
        query::read(&mut view, text, &query::Shape::QUERY);
    }
    header::read(&mut view);
    view.room = limits.fields;
    view.crowd = limits.fields / 4;
    body::read(&mut view);
    view.crowd = 0;
    view.room = view
        .scratch
        .fields
        .len()
        .saturating_add(limits.derived_fields);
    nested::read(&mut view);
}

/// Whether `bytes` holds letters, digits, `_`, `.` and `-` only.
pub fn is_plain(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| PLAIN[*byte as usize])
}

/// Whether a value is dropped where there is no room: `__proto__` and its like are plain, and still worth seeing.
fn is_padding(bytes: &[u8]) -> bool {
    is_plain(bytes) && bytes.first() != Some(&b'_')
}

const PLAIN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        let c = byte as u8;
        table[byte] = c.is_ascii_alphanumeric() || matches!(c, b'_' | b'.' | b'-');
        byte += 1;
    }
    table
};

/// Bytes that parts of one over-long value share, so that nothing is missed at the cut.
const OVERLAP: usize = 256;

/// One request on its way into a [`Scratch`].
struct View<'v, 'r> {
    scratch: &'v mut Scratch,
    request: &'v Request<'r>,
    limits: &'v Limits,
    /// The number of fields at which the part that is being read is full.
    room: usize,
    /// Fields beyond that number, for values that are no harmless words.
    crowd: usize,
}

/// Bytes to parse, with the place that spans into them count from. The bytes are never borrowed from the arena
/// itself, so that a parser can append to it.
#[derive(Clone, Copy)]
struct Text<'t> {
    bytes: &'t [u8],
    source: Source,
    base: u32,
}

impl<'t> Text<'t> {
    /// A whole source.
    fn of(bytes: &'t [u8], source: Source) -> Self {
        Self {
            bytes,
            source,
            base: 0,
        }
    }

    /// The span of `start..end`, both counted in these bytes.
    fn span(&self, start: usize, end: usize) -> Span {
        Span {
            source: self.source,
            start: self.base.saturating_add(offset(start)),
            end: self.base.saturating_add(offset(end)),
        }
    }

    /// The span of all bytes.
    fn whole(&self) -> Span {
        self.span(0, self.bytes.len())
    }

    /// The part `start..end`; empty where that does not lie inside.
    fn slice(&self, start: usize, end: usize) -> Text<'t> {
        Text {
            bytes: self.bytes.get(start..end).unwrap_or_default(),
            source: self.source,
            base: self.base.saturating_add(offset(start)),
        }
    }
}

/// An offset as spans keep it. Sources are far below 4 GiB; one that is not ends in spans that read as empty.
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// Where a value stands and how; what all fields of one parser have in common.
#[derive(Clone, Copy)]
struct Place {
    location: Location,
    encoding: Encoding,
    via: Via,
}

impl Place {
    /// Bytes that are the value, read where they stand.
    const fn plain(location: Location) -> Self {
        Self {
            location,
            encoding: Encoding::Plain,
            via: Via::Direct,
        }
    }

    const fn new(location: Location, encoding: Encoding, via: Via) -> Self {
        Self {
            location,
            encoding,
            via,
        }
    }
}

/// How far a view had come, to go back to when a guess about a value was wrong.
#[derive(Clone, Copy)]
struct Mark {
    fields: usize,
    arena: usize,
    anomalies: usize,
    noted: u64,
    operations: usize,
}

impl View<'_, '_> {
    /// The bytes of a span.
    fn bytes(&self, span: Span) -> &[u8] {
        span.bytes(self.request, &self.scratch.arena)
    }

    /// Notes an anomaly, unless its kind was noted before.
    fn note(&mut self, kind: AnomalyKind, location: Location, span: Span) {
        let bit = 1u64 << (kind as u64 & 63);
        if self.scratch.noted & bit == 0 {
            self.scratch.noted |= bit;
            self.scratch.anomalies.push(Anomaly {
                kind,
                location,
                span,
            });
        }
    }

    /// Adds a field. `false` says that there is no room and the value was not kept: the parser must stop and hand
    /// what it has not read to [`View::push_rest`].
    fn push(&mut self, place: Place, name: Span, value: Span) -> bool {
        if self.scratch.fields.len() >= self.room {
            return self.push_crowded(place, name, value);
        }
        self.push_pieces(place, name, value);
        true
    }

    /// Whether [`View::push`] would drop the value, known before anything else is done for it: a million keys shall
    /// not each be looked up among those that there are.
    fn drops(&mut self, place: Place, value: Text<'_>) -> bool {
        let full = self.scratch.fields.len() >= self.room;
        if !full || !is_padding(value.bytes) {
            return false;
        }
        self.note(AnomalyKind::TooManyFields, place.location, value.whole());
        true
    }

    /// What happens to a field when the list is full: padding is dropped, what could be an attack is kept a while.
    #[cold]
    fn push_crowded(&mut self, place: Place, name: Span, value: Span) -> bool {
        self.note(AnomalyKind::TooManyFields, place.location, value);
        if is_padding(self.bytes(value)) {
            return true;
        }
        if self.scratch.fields.len() >= self.room.saturating_add(self.crowd) {
            return false;
        }
        self.push_pieces(place, name, value);
        true
    }

    /// Adds what a parser had no room for, as one raw value (cut into pieces where it is long). Of very much, which
    /// only a body made to hurt leaves over, the beginning and the end.
    fn push_rest(&mut self, place: Place, value: Span) {
        self.note(AnomalyKind::TooManyFields, place.location, value);
        let half = offset(self.limits.rest_length / 2);
        let (mut head, mut tail) = (value, value);
        if value.len() > self.limits.rest_length {
            head.end = value.start.saturating_add(half);
            tail.start = value.end.saturating_sub(half);
            self.push_pieces(place, Span::EMPTY, head);
        }
        if !value.is_empty() {
            self.push_pieces(place, Span::EMPTY, tail);
        }
    }

    fn push_pieces(&mut self, place: Place, name: Span, value: Span) {
        if value.len() > self.limits.field_length.max(4 * OVERLAP) {
            return self.push_long(place, name, value);
        }
        self.scratch.fields.push(Field {
            location: place.location,
            encoding: place.encoding,
            via: place.via,
            name,
            value,
        });
    }

    /// Adds a value that is longer than a field may be, in overlapping pieces.
    #[cold]
    fn push_long(&mut self, place: Place, name: Span, value: Span) {
        self.note(AnomalyKind::FieldTooLong, place.location, value);
        let limit = offset(self.limits.field_length.max(4 * OVERLAP));
        let mut piece = value;
        loop {
            piece.end = value.end.min(piece.start.saturating_add(limit));
            self.push_pieces(place, name, piece);
            if piece.end >= value.end {
                return;
            }
            piece.start = piece.end - offset(OVERLAP);
        }
    }

    /// Copies `bytes` into the arena.
    fn keep(&mut self, bytes: &[u8]) -> Span {
        let start = self.scratch.arena.len();
        self.scratch.arena.extend_from_slice(bytes);
        self.arena_span(start)
    }

    /// The span from `start` to the end of the arena.
    fn arena_span(&self, start: usize) -> Span {
        Span {
            source: Source::Arena,
            start: offset(start),
            end: offset(self.scratch.arena.len()),
        }
    }

    /// A name as its reader would understand it: undone where it is encoded, pointed at where it is not.
    fn name(&mut self, encoding: Encoding, text: Text<'_>) -> Span {
        if !encoded::is_encoded(encoding, text.bytes) {
            return text.whole();
        }
        let start = self.scratch.arena.len();
        encoded::decode(encoding, text.bytes, &mut self.scratch.arena);
        self.arena_span(start)
    }

    fn mark(&self) -> Mark {
        Mark {
            fields: self.scratch.fields.len(),
            arena: self.scratch.arena.len(),
            anomalies: self.scratch.anomalies.len(),
            noted: self.scratch.noted,
            operations: self.scratch.operations,
        }
    }

    /// Forgets everything since `mark`.
    fn roll_back(&mut self, mark: Mark) {
        self.scratch.fields.truncate(mark.fields);
        self.scratch.arena.truncate(mark.arena);
        self.scratch.anomalies.truncate(mark.anomalies);
        self.scratch.noted = mark.noted;
        self.scratch.operations = mark.operations;
    }
}
