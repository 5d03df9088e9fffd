//! The beginning of an answer, held back while it is judged: so many bytes of it, or what came within so much time. What
//! was held goes out first, the rest streams on behind it, and a body that broke off while it was held breaks off for
//! the client at the same place.

use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Instant, timeout_at};

use super::{Broken, UpstreamBody};

/// Bytes that come in pieces. One piece is kept as it is; more are copied together.
#[derive(Debug, Default)]
pub struct Gathered {
    first: Bytes,
    joined: Option<BytesMut>,
    /// How many bytes there are.
    pub length: usize,
}

impl Gathered {
    /// Adds a piece; about `cap` bytes will be wanted in all.
    pub fn push(&mut self, data: Bytes, cap: usize) {
        self.length += data.len();
        if self.first.is_empty() && self.joined.is_none() {
            self.first = data;
            return;
        }
        let (length, first) = (self.length, &self.first);
        let all = self.joined.get_or_insert_with(|| {
            let mut all = BytesMut::with_capacity((length * 2).min(cap + data.len()));
            all.extend_from_slice(first);
            all
        });
        all.extend_from_slice(&data);
    }

    /// All of them.
    pub fn bytes(self) -> Bytes {
        self.joined.map_or(self.first, BytesMut::freeze)
    }
}

/// Why no more of an answer is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It is whole.
    Whole,
    /// As much as may be held is there.
    Full,
    /// The time for holding is over.
    Late,
    /// It does not look like text, so nobody waits for more of it.
    Binary,
    /// The upstream was silent for too long.
    Stalled,
    /// The upstream broke off.
    Broke,
}

/// How much of an answer is held.
#[derive(Clone, Copy, Debug)]
pub struct Hold {
    /// Bytes; the last piece may reach beyond them.
    pub bytes: usize,
    /// Time from the first byte on.
    pub time: Duration,
    /// Only where the beginning looks like text.
    pub text_only: bool,
}

/// An answer's body of which the beginning is held.
pub struct Held {
    prefix: Bytes,
    /// Why no more is held.
    pub ended: Ended,
    trailers: Option<HeaderMap>,
    rest: Option<UpstreamBody>,
    length: Option<u64>,
    flushed: bool,
}

impl Held {
    /// Holds the beginning of a body.
    pub async fn of(mut body: UpstreamBody, hold: Hold) -> Self {
        let length = body.incoming.size_hint().exact();
        let mut gathered = Gathered::default();
        let mut trailers = None;
        let mut until = None;
        let ended = loop {
            if body.is_over() {
                break Ended::Whole;
            }
            if gathered.length >= hold.bytes {
                break Ended::Full;
            }
            let frame = std::future::poll_fn(|cx| body.poll_frame(cx));
            let frame = match until {
                None => frame.await,
                Some(until) => match timeout_at(until, frame).await {
                    Ok(frame) => frame,
                    Err(_) => break Ended::Late,
                },
            };
            match frame {
                None => {}
                Some(Err(Broken)) if body.stalled => break Ended::Stalled,
                Some(Err(Broken)) => break Ended::Broke,
                Some(Ok(frame)) => match frame.into_data() {
                    Err(frame) => trailers = frame.into_trailers().ok(),
                    Ok(data) => {
                        until.get_or_insert_with(|| Instant::now() + hold.time);
                        let binary = hold.text_only && gathered.length == 0 && !is_text(&data);
                        gathered.push(data, hold.bytes);
                        if binary {
                            break Ended::Binary;
                        }
                    }
                },
            }
        };
        if ended == Ended::Whole {
            body.release();
        }
        let more = matches!(ended, Ended::Full | Ended::Late | Ended::Binary);
        Self {
            prefix: gathered.bytes(),
            ended,
            trailers,
            rest: more.then_some(body),
            length,
            flushed: false,
        }
    }

    /// What is held.
    pub fn prefix(&self) -> &Bytes {
        &self.prefix
    }

    /// Puts other bytes in the place of what is held.
    pub fn replace(&mut self, prefix: Bytes) {
        let (old, new) = (self.prefix.len() as u64, prefix.len() as u64);
        self.length = self.length.map(|length| length - old.min(length) + new);
        self.prefix = prefix;
    }

    /// Whether the upstream broke off or fell silent in the midst of it.
    pub fn is_broken(&self) -> bool {
        matches!(self.ended, Ended::Broke | Ended::Stalled)
    }

    pub(super) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        if !self.prefix.is_empty() {
            let prefix = std::mem::take(&mut self.prefix);
            self.sent(prefix.len());
            return Poll::Ready(Some(Ok(Frame::data(prefix))));
        }
        if self.is_broken() {
            // An error drops what is still to be written; so let that be written first.
            if !std::mem::replace(&mut self.flushed, true) {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            return Poll::Ready(Some(Err(Broken)));
        }
        let Some(rest) = &mut self.rest else {
            let trailers = self.trailers.take();
            return Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))));
        };
        let frame = ready!(rest.poll_frame(cx));
        if let Some(Ok(frame)) = &frame {
            let sent = frame.data_ref().map_or(0, Bytes::len);
            self.sent(sent);
        }
        Poll::Ready(frame)
    }

    fn sent(&mut self, bytes: usize) {
        self.length = self
            .length
            .map(|length| length.saturating_sub(bytes as u64));
    }

    pub(super) fn is_over(&self) -> bool {
        self.prefix.is_empty()
            && self.trailers.is_none()
            && !self.is_broken()
            && self.rest.as_ref().is_none_or(UpstreamBody::is_over)
    }

    /// A body that came without its length goes on so, although the length may be known by now.
    pub(super) fn size_hint(&self) -> SizeHint {
        self.length
            .map_or_else(SizeHint::default, SizeHint::with_exact)
    }

    pub(super) fn release(&mut self) {
        if let Some(rest) = &mut self.rest {
            rest.release();
        }
    }
}

/// Whether the beginning of a body looks like text: no control characters that text does not have.
fn is_text(bytes: &[u8]) -> bool {
    let control = |byte: &u8| matches!(byte, 0..=8 | 14..=26 | 28..=31 | 127);
    !bytes.iter().take(LOOKED_AT).any(control)
}

/// How much of a body tells whether it is text.
const LOOKED_AT: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_come_together_in_order() {
        for pieces in [&["a"][..], &["", "ab", "", "c"], &["abc", "def", "g"], &[]] {
            let mut gathered = Gathered::default();
            for piece in pieces {
                gathered.push(Bytes::from_static(piece.as_bytes()), 4);
            }
            assert_eq!(gathered.length, pieces.concat().len());
            assert_eq!(gathered.bytes(), pieces.concat());
        }
    }

    #[test]
    fn text_is_told_from_binary() {
        for (bytes, text) in [
            (&b"APP_KEY=x\r\n\ty"[..], true),
            ("grün".as_bytes(), true),
            (b"\x1b[0m", true),
            (b"\x1f\x8b\x08", false),
            (b"\x89PNG\r\n\x1a\n\0", false),
            (b"", true),
        ] {
            assert_eq!(is_text(bytes), text, "{bytes:?}");
        }
    }
}
