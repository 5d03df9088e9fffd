//! HTTP/2 frames and header blocks written by hand (RFC 9113 section 4, RFC 7541 section 6.2.2), since no library
//! would write what these tests send; and as much reading as it takes to tell an answer from a refusal.

use std::time::{Duration, Instant};

use crate::harness::Client;

/// A field of a header block.
pub(super) type Field<'a> = (&'a [u8], &'a [u8]);

/// What a stream came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// HEADERS with the status 200.
    Ok,
    /// HEADERS with another status.
    Status,
    /// RST_STREAM, GOAWAY, or the connection closed.
    Refused,
    /// None of them in time.
    Silence,
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// What a client sends first.
pub(super) fn preface() -> Vec<u8> {
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    bytes.extend(frame(SETTINGS, 0, 0, &[]));
    bytes
}

/// HEADERS on stream 1.
pub(super) fn headers(fields: &[Field<'_>], last: bool) -> Vec<u8> {
    let flags = END_HEADERS | if last { END_STREAM } else { 0 };
    let block: Vec<u8> = fields
        .iter()
        .flat_map(|(name, value)| {
            // A literal that enters no table, its name written out.
            let mut literal = vec![0];
            literal.extend(string(name));
            literal.extend(string(value));
            literal
        })
        .collect();
    frame(HEADERS, flags, 1, &block)
}

/// DATA on stream 1.
pub(super) fn data(bytes: &[u8], last: bool) -> Vec<u8> {
    frame(DATA, if last { END_STREAM } else { 0 }, 1, bytes)
}

/// Reads until stream 1 is answered or refused.
pub(super) fn read_answer(client: &mut Client) -> Answer {
    let end = Instant::now() + Duration::from_secs(5);
    let mut bytes = Vec::new();
    loop {
        while let Some((kind, stream, payload, length)) = take_frame(&bytes) {
            match (kind, stream) {
                (HEADERS, 1) if is_ok(&payload) => return Answer::Ok,
                (HEADERS, 1) => return Answer::Status,
                (RST_STREAM, 1) | (GOAWAY, _) => return Answer::Refused,
                _ => {}
            }
            bytes.drain(..length);
        }
        let left = end.saturating_duration_since(Instant::now());
        let more = client.read_at_least(1, left);
        if more.is_empty() {
            return if client.closes_within(Duration::ZERO) {
                Answer::Refused
            } else {
                Answer::Silence
            };
        }
        bytes.extend(more);
    }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("payloads here are short");
    let mut bytes = length.to_be_bytes()[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// A string without Huffman coding, its length an integer with a prefix of seven bits.
fn string(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut length = text.len();
    if length < 127 {
        bytes.push(length as u8);
    } else {
        bytes.push(127);
        length -= 127;
        while length >= 128 {
            bytes.push((length % 128) as u8 | 128);
            length /= 128;
        }
        bytes.push(length as u8);
    }
    bytes.extend(text);
    bytes
}

/// The frame in front: kind, stream, payload, and its whole length.
fn take_frame(bytes: &[u8]) -> Option<(u8, u32, Vec<u8>, usize)> {
    let head = bytes.get(..9)?;
    let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
    let stream = u32::from_be_bytes([head[5] & 0x7f, head[6], head[7], head[8]]);
    let payload = bytes.get(9..9 + length)?.to_vec();
    Some((head[3], stream, payload, 9 + length))
}

/// Whether a header block begins with `:status: 200`, entry 8 of the static table, behind any change of the
/// dynamic table's size.
fn is_ok(block: &[u8]) -> bool {
    block.iter().find(|byte| *byte & 0xe0 != 0x20) == Some(&0x88)
}
