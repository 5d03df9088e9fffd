//! gRPC frames, and the strings in protobuf messages whose schema nobody told us.
//!
//! A frame is a flag, four bytes of length and a message (gRPC over HTTP/2, "Length-Prefixed-Message"). In the
//! message every length-delimited field is text, a message, or bytes; text that holds no control bytes is taken for
//! text, and everything else is tried as a message.

use super::compress::{self, Coding, Ending};
use super::{Place, Text, View, encoded};
use crate::field::{AnomalyKind, Encoding, Location, Source, Span, Via};

/// Reads the frames of a body.
pub(super) fn read(view: &mut View<'_, '_>, text: Text<'_>, via: Via, complete: bool) {
    let mut at = 0;
    let mut inflated = 0usize;
    while at < text.bytes.len() {
        let header = text.bytes.get(at..at + FRAME_HEADER);
        let Some(&[flags, a, b, c, d]) = header else {
            return broken(view, text, at, complete);
        };
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        let start = at + FRAME_HEADER;
        let end = start.saturating_add(length).min(text.bytes.len());
        let cut = end - start < length;
        let frame = text.slice(start, end);
        let kept = match flags {
            // gRPC-Web ends with the trailers as text in a frame of their own.
            0x80 => view.push(place(via), Span::EMPTY, frame.whole()),
            0 => message(view, frame, via),
            1 if inflated < view.limits.decompressed => compressed(view, frame, &mut inflated),
            _ => {
                view.note(
                    AnomalyKind::GrpcInvalid,
                    Location::Grpc,
                    text.span(at, start),
                );
                view.push(place(via), Span::EMPTY, frame.whole())
            }
        };
        if !kept {
            view.push_rest(place(via), text.span(at, text.bytes.len()));
            return;
        }
        if cut {
            return broken(view, text, at, complete);
        }
        at = end;
    }
}

/// Reads a gRPC-Web body in base64.
pub(super) fn read_text(view: &mut View<'_, '_>, text: Text<'_>, complete: bool) {
    let mut work = std::mem::take(&mut view.scratch.work);
    work.clear();
    // Chunks are padded one by one, so each run up to its padding is decoded for itself.
    let mut valid = true;
    for piece in text
        .bytes
        .trim_ascii()
        .split_inclusive(|byte| *byte == b'=')
    {
        valid &= piece == b"=" || encoded::base64(piece, &mut work);
    }
    let kept = view.keep(&work);
    if valid {
        let text = Text {
            bytes: &work,
            source: Source::Arena,
            base: kept.start,
        };
        read(view, text, Via::Base64, complete);
    } else {
        view.note(AnomalyKind::GrpcInvalid, Location::Grpc, text.whole());
        view.push(place(Via::Direct), Span::EMPTY, text.whole());
    }
    view.scratch.work = work;
}

/// Adds the strings of one message. `false` when there is no room.
pub(super) fn message(view: &mut View<'_, '_>, text: Text<'_>, via: Via) -> bool {
    if text.bytes.is_empty() {
        return true;
    }
    let mut walker = Walker {
        view,
        via,
        depth: 0,
        path: [0; DEPTH],
    };
    match walker.fields(text) {
        Walk::Whole => true,
        Walk::Full => false,
        Walk::Broken => {
            view.note(AnomalyKind::GrpcInvalid, Location::Grpc, text.whole());
            view.push(place(via), Span::EMPTY, text.whole())
        }
    }
}

fn place(via: Via) -> Place {
    Place::new(Location::Grpc, Encoding::Plain, via)
}

fn broken(view: &mut View<'_, '_>, text: Text<'_>, at: usize, complete: bool) {
    if complete {
        view.note(
            AnomalyKind::GrpcInvalid,
            Location::Grpc,
            text.span(at, text.bytes.len()),
        );
    }
    if text.bytes.len() - at < FRAME_HEADER {
        view.push(
            place(Via::Direct),
            Span::EMPTY,
            text.span(at, text.bytes.len()),
        );
    }
}

/// Reads a compressed frame, in the coding that the request's `grpc-encoding` names.
fn compressed(view: &mut View<'_, '_>, frame: Text<'_>, total: &mut usize) -> bool {
    let name = view.request.header("grpc-encoding").unwrap_or(b"gzip");
    let Some(coding) = Coding::of(name.trim_ascii()) else {
        view.note(AnomalyKind::EncodingUnknown, Location::Grpc, frame.whole());
        return view.push(place(Via::Direct), Span::EMPTY, frame.whole());
    };
    // A buffer of its own: the scratch's may be the body that this frame lies in.
    let mut inflated = Vec::new();
    match compress::inflate(coding, frame.bytes, &mut inflated, view.limits) {
        Ending::Whole => {}
        Ending::Capped => view.note(AnomalyKind::EncodingBomb, Location::Grpc, frame.whole()),
        Ending::Broken => view.note(AnomalyKind::GrpcInvalid, Location::Grpc, frame.whole()),
    }
    inflated.truncate(view.limits.decompressed.saturating_sub(*total));
    *total += inflated.len();
    let kept = view.keep(&inflated);
    let text = Text {
        bytes: &inflated,
        source: Source::Arena,
        base: kept.start,
    };
    message(view, text, Via::Direct)
}

/// How reading a message ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Walk {
    Whole,
    Broken,
    Full,
}

struct Walker<'p, 'v, 'r> {
    view: &'p mut View<'v, 'r>,
    via: Via,
    depth: usize,
    /// Field numbers from the outermost message inwards.
    path: [u32; DEPTH],
}

impl Walker<'_, '_, '_> {
    /// Reads the fields of a message; calls itself for messages inside, at most [`DEPTH`] times.
    fn fields(&mut self, text: Text<'_>) -> Walk {
        let mut at = 0;
        while at < text.bytes.len() {
            let Some(tag) = varint(text.bytes, &mut at) else {
                return Walk::Broken;
            };
            let Ok(number) = u32::try_from(tag >> 3) else {
                return Walk::Broken;
            };
            if number == 0 {
                return Walk::Broken;
            }
            self.path[self.depth] = number;
            let length = match tag & 7 {
                0 => {
                    if varint(text.bytes, &mut at).is_none() {
                        return Walk::Broken;
                    }
                    0
                }
                1 => 8,
                5 => 4,
                2 => match varint(text.bytes, &mut at).map(usize::try_from) {
                    Some(Ok(length)) => length,
                    _ => return Walk::Broken,
                },
                // Groups were given up in 2008; nothing sends them.
                _ => return Walk::Broken,
            };
            let Some(end) = at
                .checked_add(length)
                .filter(|end| *end <= text.bytes.len())
            else {
                return Walk::Broken;
            };
            if tag & 7 == 2 && self.delimited(text.slice(at, end)) == Walk::Full {
                return Walk::Full;
            }
            at = end;
        }
        Walk::Whole
    }

    fn delimited(&mut self, text: Text<'_>) -> Walk {
        let readable = is_text(text.bytes);
        // A message whose first field is number 1 begins with a line feed and can look like text.
        if !(readable && text.bytes.first() != Some(&b'\n')) && self.depth + 1 < DEPTH {
            let mark = self.view.mark();
            self.depth += 1;
            let walk = self.fields(text);
            self.depth -= 1;
            if walk != Walk::Broken {
                return walk;
            }
            self.view.roll_back(mark);
        } else if self.depth + 1 >= DEPTH && !readable {
            self.view
                .note(AnomalyKind::TooDeep, Location::Grpc, text.whole());
        }
        if text.bytes.is_empty() || !readable && text.bytes.len() < SHORT_BYTES {
            return Walk::Whole;
        }
        let name = self.name();
        if self.view.push(place(self.via), name, text.whole()) {
            Walk::Whole
        } else {
            Walk::Full
        }
    }

    /// The path of field numbers as text, `1.2`.
    fn name(&mut self) -> Span {
        let start = self.view.scratch.arena.len();
        for (level, number) in self.path[..=self.depth].iter().enumerate() {
            if level > 0 {
                self.view.scratch.arena.push(b'.');
            }
            decimal(*number, &mut self.view.scratch.arena);
        }
        self.view.arena_span(start)
    }
}

fn decimal(number: u32, out: &mut Vec<u8>) {
    let mut digits = [0u8; 10];
    let mut at = digits.len();
    let mut rest = number;
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// A base-128 varint of at most ten bytes.
fn varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut value = 0u64;
    for shift in 0..10 {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value |= u64::from(byte & 0x7f).wrapping_shl(shift * 7);
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn is_text(bytes: &[u8]) -> bool {
    !bytes
        .iter()
        .any(|byte| *byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r') || *byte == 0x7f)
        && std::str::from_utf8(bytes).is_ok()
}

const FRAME_HEADER: usize = 5;
/// Messages inside messages; each level costs one call.
const DEPTH: usize = 32;
/// Bytes that are neither text nor a message are looked at from this length on.
const SHORT_BYTES: usize = 8;
