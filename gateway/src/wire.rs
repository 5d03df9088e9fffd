//! What may come over a client's HTTP/1 connection: a validator between the socket and the HTTP library that
//! lets a byte pass only when its meaning is beyond doubt. Request smuggling lives on two parsers reading one
//! message in two ways; whatever could be read so is refused here and the connection closed.
//!
//! The caller keeps a buffer of what it read and has not handed on. It calls [`Wire::advance`] with all of it,
//! hands on as many bytes as that returns, and repeats until the answer is 0; then it reads more behind what is
//! left. A head, and a trailer section, is handed on whole or not at all. No call goes past the end of a head or of a
//! message, so the caller may hold the next request back until the last one is answered; it must do so
//! before it writes a refusal, or the answers would change places.
//!
//! What the validator leaves to the gateway: taking hop-by-hop fields, `Upgrade` other than WebSocket,
//! `HTTP2-Settings` and `TE` off what it forwards, and turning an absolute target into a path.

use self::chunked::{Chunked, Progress};
use self::head::{Framing, Head, HeadReader};

pub(crate) use self::http2::check_http2;
pub(crate) use self::refusal::{Reason, Refusal};

mod chunked;
mod class;
mod field;
mod head;
mod http2;
mod refusal;
mod target;
#[cfg(test)]
mod tests;

/// Caps on a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Bytes of request line and fields together.
    pub(crate) head: usize,
    /// Number of fields.
    pub(crate) headers: usize,
    /// Bytes of the target.
    pub(crate) target: usize,
}

/// Where a connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Between requests, with no byte of the next.
    Idle,
    /// Within a head.
    Head,
    /// Within a body.
    Body,
    /// Behind a head that asks for a WebSocket: nothing passes until [`Wire::resolve_upgrade`].
    AwaitUpgrade,
    /// After the switch: everything passes.
    Tunnel,
    /// Behind a message that closes the connection: nothing more passes, and what comes is to be dropped.
    Finished,
}

/// The state of one connection.
#[derive(Debug)]
pub(crate) struct Wire {
    limits: Limits,
    state: State,
    heads: u64,
    /// Whether the message being read closes the connection.
    last: bool,
    /// Set by a refusal, for good.
    refused: Option<Reason>,
}

#[derive(Debug)]
enum State {
    Head(HeadReader),
    Length(u64),
    Chunked(Chunked),
    AwaitUpgrade,
    Tunnel,
    Finished,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head: 32 * 1024,
            headers: 100,
            target: 8 * 1024,
        }
    }
}

impl Wire {
    /// A fresh connection.
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            state: State::Head(HeadReader::default()),
            heads: 0,
            last: false,
            refused: None,
        }
    }

    /// How many of the leading bytes may be handed on. `bytes` is everything read and not yet handed on, so it
    /// begins with the bytes of the last call that returned 0.
    ///
    /// 0 means that more is needed, in [`Phase::AwaitUpgrade`] that an answer is, and in [`Phase::Finished`]
    /// that nothing will pass any more. A buffer of `limits.head + 1` bytes never runs full while more is needed.
    ///
    /// # Errors
    ///
    /// A refusal is for good: answer with it once the exchanges before it are answered, and close.
    pub(crate) fn advance(&mut self, bytes: &[u8]) -> Result<usize, Refusal> {
        if let Some(reason) = self.refused {
            return Err(bare(reason));
        }
        if bytes.is_empty() {
            return Ok(0);
        }
        let outcome = match &mut self.state {
            State::Head(reader) => match reader.read(bytes, &self.limits) {
                Ok(None) => Ok(0),
                Ok(Some(head)) => Ok(self.enter(head)),
                Err(reason) => Err(reader.refusal(reason, bytes)),
            },
            &mut State::Length(left) => Ok(self.take_length(left, bytes.len())),
            State::Chunked(reader) => match reader.read(bytes, &self.limits) {
                Ok(Progress::Good(count)) => Ok(count),
                Ok(Progress::End(count)) => {
                    self.end_message();
                    Ok(count)
                }
                Err(reason) => Err(bare(reason)),
            },
            State::AwaitUpgrade | State::Finished => Ok(0),
            State::Tunnel => Ok(bytes.len()),
        };
        self.refused = outcome.as_ref().err().map(|refusal| refusal.reason);
        outcome
    }

    /// Where the connection stands, after the bytes that [`Wire::advance`] has seen.
    pub(crate) fn phase(&self) -> Phase {
        match &self.state {
            State::Head(reader) if reader.started() => Phase::Head,
            State::Head(_) => Phase::Idle,
            State::Length(_) | State::Chunked(_) => Phase::Body,
            State::AwaitUpgrade => Phase::AwaitUpgrade,
            State::Tunnel => Phase::Tunnel,
            State::Finished => Phase::Finished,
        }
    }

    /// How many heads have passed.
    pub(crate) fn heads(&self) -> u64 {
        self.heads
    }

    /// The answer to a request for a WebSocket: `true` once a 101 was written, `false` for any other final
    /// answer. Elsewhere than in [`Phase::AwaitUpgrade`] it does nothing.
    pub(crate) fn resolve_upgrade(&mut self, accepted: bool) {
        match (&self.state, accepted) {
            (State::AwaitUpgrade, true) => self.state = State::Tunnel,
            (State::AwaitUpgrade, false) => self.end_message(),
            (
                State::Head(_)
                | State::Length(_)
                | State::Chunked(_)
                | State::Tunnel
                | State::Finished,
                _,
            ) => {}
        }
    }

    fn enter(&mut self, head: Head) -> usize {
        self.heads += 1;
        self.last = head.last;
        match head.body {
            Framing::Chunked => self.state = State::Chunked(Chunked::new()),
            Framing::Length(0) if head.upgrade => self.state = State::AwaitUpgrade,
            Framing::Length(0) => self.end_message(),
            Framing::Length(length) => self.state = State::Length(length),
        }
        head.length
    }

    fn take_length(&mut self, left: u64, available: usize) -> usize {
        let count = usize::try_from(left).map_or(available, |left| left.min(available));
        match left - count as u64 {
            0 => self.end_message(),
            left => self.state = State::Length(left),
        }
        count
    }

    fn end_message(&mut self) {
        self.state = if self.last {
            State::Finished
        } else {
            State::Head(HeadReader::default())
        };
    }
}

/// A refusal without a request line: that of a body's fault has been passed on already.
fn bare(reason: Reason) -> Refusal {
    Refusal {
        reason,
        status: reason.status(),
        method: Vec::new(),
        target: Vec::new(),
    }
}
