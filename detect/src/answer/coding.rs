//! Answers come compressed. What the rules read is the text inside, as much of it as the caller wants to look at.

use std::borrow::Cow;

use crate::request::Body;
use crate::view::Limits;
use crate::view::compress::{Coding, Ending, inflate};

/// The text of a body, with its content codings undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text<'a> {
    /// The text, at most as long as was asked for.
    pub bytes: Cow<'a, [u8]>,
    /// Whether it is the whole text of the body.
    pub complete: bool,
    /// Whether it was coded, so that its bytes are not those of the body.
    pub coded: bool,
    /// Whether it could be read at all: an unknown coding, or one whose data is broken from the start, cannot.
    pub readable: bool,
}

impl<'a> Text<'a> {
    /// Reads the text of a body. `codings` are the values of its `Content-Encoding` headers, in order; at most `most`
    /// bytes come out. A body that breaks off gives what can be read until there.
    pub fn of<'c>(
        body: Body<'a>,
        codings: impl IntoIterator<Item = &'c [u8]>,
        most: usize,
    ) -> Self {
        let Some(codings) = known(codings) else {
            return Self::unreadable();
        };
        let [first, more @ ..] = &codings[..] else {
            let bytes = &body.bytes[..body.bytes.len().min(most)];
            return Self {
                complete: body.complete && bytes.len() == body.bytes.len(),
                bytes: Cow::Borrowed(bytes),
                coded: false,
                readable: true,
            };
        };
        let limits = Limits {
            decompressed: most,
            ..Limits::default()
        };
        let (mut text, mut complete) = undo(*first, body.bytes, &limits);
        for coding in more {
            let (inner, whole) = undo(*coding, &text, &limits);
            (text, complete) = (inner, complete && whole);
        }
        if text.is_empty() && !body.bytes.is_empty() && !(complete && body.complete) {
            return Self::unreadable();
        }
        Self {
            bytes: Cow::Owned(text),
            complete: complete && body.complete,
            coded: true,
            readable: true,
        }
    }

    fn unreadable() -> Self {
        Self {
            bytes: Cow::Borrowed(&[]),
            complete: false,
            coded: true,
            readable: false,
        }
    }
}

/// The codings in the order in which they are to be undone; `None` where one is unknown or there are too many.
fn known<'c>(values: impl IntoIterator<Item = &'c [u8]>) -> Option<Vec<Coding>> {
    let mut codings = Vec::new();
    for value in values {
        for token in value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
            if !token.is_empty() && !token.eq_ignore_ascii_case(b"identity") {
                codings.push(Coding::of(token)?);
            }
        }
    }
    codings.reverse();
    Some(codings).filter(|codings| codings.len() <= STACKED)
}

fn undo(coding: Coding, bytes: &[u8], limits: &Limits) -> (Vec<u8>, bool) {
    let mut out = Vec::new();
    let ending = inflate(coding, bytes, &mut out, limits);
    (out, ending == Ending::Whole)
}

/// How many codings one body may wear.
const STACKED: usize = 3;

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{GzEncoder, ZlibEncoder};

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn deflate(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn text<'a>(bytes: &'a [u8], codings: &[&[u8]], most: usize) -> Text<'a> {
        let body = Body {
            bytes,
            complete: true,
        };
        Text::of(body, codings.iter().copied(), most)
    }

    #[test]
    fn codings_are_undone_in_the_order_they_were_applied() {
        let plain = b"a secret, a secret, a secret".as_slice();
        let (zipped, twice) = (gzip(plain), gzip(&deflate(plain)));
        /// The body, its codings, the cap, and what is read of it: bytes, whether whole, whether readable.
        type Case<'a> = (&'a [u8], &'a [&'a [u8]], usize, (&'a [u8], bool, bool));
        let cases: &[Case<'_>] = &[
            (plain, &[], 99, (plain, true, true)),
            (plain, &[b"identity"], 99, (plain, true, true)),
            (plain, &[], 8, (b"a secret", false, true)),
            (&zipped, &[b"GZip"], 99, (plain, true, true)),
            (&zipped, &[b"gzip"], 8, (b"a secret", false, true)),
            (&twice, &[b"deflate, gzip"], 99, (plain, true, true)),
            (&twice, &[b"deflate", b"gzip"], 99, (plain, true, true)),
            (plain, &[b"compress"], 99, (b"", false, false)),
            (plain, &[b"gzip"], 99, (b"", false, false)),
            (&zipped, &[b"gzip,gzip,gzip,gzip"], 99, (b"", false, false)),
            (b"", &[b"br"], 99, (b"", false, true)),
        ];
        for (bytes, codings, most, (expected, complete, readable)) in cases {
            let found = text(bytes, codings, *most);
            let found = (&*found.bytes, found.complete, found.readable);
            assert_eq!(found, (*expected, *complete, *readable), "{codings:?}");
        }
    }

    #[test]
    fn a_beginning_can_be_read_and_a_bomb_ends() {
        let lines: String = (0..5000).map(|line| format!("{line} ")).collect();
        let zipped = gzip(lines.as_bytes());
        let half = Body {
            bytes: &zipped[..zipped.len() / 2],
            complete: false,
        };
        let found = Text::of(half, [b"gzip".as_slice()], 1 << 16);
        assert!(found.readable && !found.complete && found.bytes.starts_with(b"0 1 2 3 "));
        let bomb = gzip(&vec![b' '; 8 << 20]);
        assert_eq!(text(&bomb, &[b"gzip"], 1 << 16).bytes.len(), 1 << 16);
    }
}
