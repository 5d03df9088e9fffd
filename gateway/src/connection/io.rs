//! The socket as hyper sees it. [`GuardedIo`] lets only validated HTTP/1 framing through: what the validator refuses
//! never reaches the parser, but is replaced by a stand-in request that the spine answers with the refusal.
//! [`PlainIo`] does the same service for HTTP/2, where the frames are hyper's to check and only floods are ours.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::flood::FloodGuard;
use super::state::{ConnectionState, Cut, Phase};
use crate::wire::{self, Refusal, Wire};

/// What hyper reads in the place of a head that was refused. The exchange finds the refusal in the connection's state.
const STAND_IN: &[u8] = b"GET / HTTP/1.1\r\nhost: refused.invalid\r\nconnection: close\r\n\r\n";
/// The host of that stand-in; by RFC 6761 it is nobody's.
pub const STAND_IN_HOST: &str = "refused.invalid";
/// How much is read at once when bytes have to be held.
const CHUNK: usize = 16 * 1024;

/// A socket whose HTTP/1 requests are validated before hyper reads them.
#[derive(Debug)]
pub struct GuardedIo<S> {
    stream: S,
    wire: Wire,
    state: Arc<ConnectionState>,
    // Bytes read but not handed on; the first `ready` of them are validated.
    held: Vec<u8>,
    start: usize,
    ready: usize,
    refused: bool,
    // A refusal that hyper has not been shown yet.
    pending: Option<Refusal>,
    ended: bool,
}

impl<S> GuardedIo<S> {
    /// Wraps a socket from which `first` has been read already.
    pub fn new(stream: S, wire: Wire, first: Vec<u8>, state: Arc<ConnectionState>) -> Self {
        Self {
            stream,
            wire,
            state,
            held: first,
            start: 0,
            ready: 0,
            refused: false,
            pending: None,
            ended: false,
        }
    }

    /// Validates what is held.
    fn validate(&mut self) {
        let pending = self.held.get(self.start + self.ready..).unwrap_or_default();
        if self.refused || pending.is_empty() {
            return;
        }
        match self.wire.advance(pending) {
            Ok(n) => {
                self.ready += n;
                self.note_phase();
            }
            Err(refusal) => {
                self.held.truncate(self.start + self.ready);
                self.refuse(refusal);
            }
        }
    }

    fn refuse(&mut self, refusal: Refusal) {
        self.refused = true;
        self.pending = Some(refusal);
    }

    /// Shows hyper a refusal: a stand-in request in the place of a refused head, a stream that fails in a refused
    /// body. It waits until the exchanges before are answered, or one of them would take the refusal for its own.
    fn show_refusal(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let in_body = self.wire.phase() == wire::Phase::Body;
        // A body belongs to the last head that passed.
        let before = self.wire.heads().saturating_sub(u64::from(in_body));
        if self.state.poll_answers(before, cx.waker()).is_none() {
            return Poll::Pending;
        }
        // Nothing after a refusal is looked at; hyper closes once the answer is out.
        let Some(refusal) = self.pending.take() else {
            return Poll::Pending;
        };
        tracing::debug!(peer = %self.state.peer, "refused: {}", refusal.reason.sentence());
        self.state.set_refusal(refusal);
        if in_body {
            return Poll::Ready(Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "malformed body framing",
            )));
        }
        self.held.extend_from_slice(STAND_IN);
        self.ready += STAND_IN.len();
        Poll::Ready(Ok(()))
    }

    fn note_phase(&self) {
        // The first byte of a further request starts the time for its head.
        if self.wire.phase() == wire::Phase::Head && self.ready == 0 {
            self.state.head_begins();
        }
    }

    fn hand_over(&mut self, buf: &mut ReadBuf<'_>) {
        let n = self.ready.min(buf.remaining());
        buf.put_slice(&self.held[self.start..self.start + n]);
        self.start += n;
        self.ready -= n;
        if self.start == self.held.len() {
            self.start = 0;
            self.held.clear();
            if self.held.capacity() > 4 * CHUNK {
                self.held = Vec::new();
            }
        }
    }
}

impl<S: AsyncRead + Unpin> GuardedIo<S> {
    /// Reads straight into hyper's buffer when nothing is held; what is not validated yet moves into `held`.
    fn read_direct(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<usize>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        let fresh = &buf.filled()[before..];
        self.state.received(fresh.len());
        let n = fresh.len();
        let mut passed = 0;
        while passed < n {
            match self.wire.advance(&fresh[passed..]) {
                Ok(0) => {
                    self.held.extend_from_slice(&fresh[passed..]);
                    self.note_phase();
                    break;
                }
                Ok(more) => passed += more,
                Err(refusal) => {
                    buf.set_filled(before + passed);
                    self.refuse(refusal);
                    return Poll::Ready(Ok(n));
                }
            }
        }
        buf.set_filled(before + passed);
        Poll::Ready(Ok(n))
    }

    fn read_more(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut chunk = [0_u8; CHUNK];
        let mut fresh = ReadBuf::new(&mut chunk);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut fresh))?;
        let n = fresh.filled().len();
        self.state.received(n);
        self.held.extend_from_slice(fresh.filled());
        Poll::Ready(Ok(n))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for GuardedIo<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if this.wire.phase() == wire::Phase::AwaitUpgrade && this.ready == 0 {
                // Nothing may follow a request for an upgrade until it is answered: what comes next is either the
                // new protocol or the next request, and only the answer tells which.
                match this.state.poll_answers(this.wire.heads(), cx.waker()) {
                    Some(accepted) => this.wire.resolve_upgrade(accepted),
                    None => return Poll::Pending,
                }
            }
            this.validate();
            if this.ready > 0 {
                this.hand_over(buf);
                return Poll::Ready(Ok(()));
            }
            if this.refused {
                ready!(this.show_refusal(cx))?;
                continue;
            }
            if this.ended {
                return Poll::Ready(Ok(()));
            }
            if this.wire.phase() == wire::Phase::Finished {
                // The last message of this connection is over; what else comes only tells whether the client is there.
                this.held.clear();
                this.start = 0;
            }
            let before = buf.filled().len();
            let got = if this.held.len() == this.start && buf.remaining() > 0 {
                this.read_direct(cx, buf)
            } else {
                this.read_more(cx)
            };
            match got {
                Poll::Pending => {
                    this.state
                        .waits_for_body(this.wire.phase() == wire::Phase::Body);
                    return Poll::Pending;
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Ready(Ok(n)) => {
                    this.state.waits_for_body(false);
                    this.ended = n == 0;
                }
            }
            if buf.filled().len() > before {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for GuardedIo<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let answer = Pin::new(&mut this.stream).poll_write(cx, buf);
        note_written(&this.state, answer)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let answer = Pin::new(&mut this.stream).poll_write_vectored(cx, bufs);
        note_written(&this.state, answer)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

/// A socket whose HTTP/2 frames are counted against floods.
#[derive(Debug)]
pub struct PlainIo<S> {
    stream: S,
    first: Vec<u8>,
    given: usize,
    guard: FloodGuard,
    state: Arc<ConnectionState>,
}

impl<S> PlainIo<S> {
    /// Wraps a socket from which `first` has been read already.
    pub fn new(stream: S, first: Vec<u8>, guard: FloodGuard, state: Arc<ConnectionState>) -> Self {
        state.set_phase(Phase::Idle);
        Self {
            stream,
            first,
            given: 0,
            guard,
            state,
        }
    }

    fn check(&mut self, from: usize, buf: &ReadBuf<'_>) -> io::Result<()> {
        let (_, sent) = self.state.bytes();
        if self.guard.allows(&buf.filled()[from..], sent) {
            self.state.head_is_open(self.guard.is_mid_head());
            return Ok(());
        }
        self.state.cut(Cut::Flood);
        Err(io::Error::new(
            io::ErrorKind::ConnectionAborted,
            "too many frames without a request",
        ))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for PlainIo<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        if this.given < this.first.len() {
            let rest = &this.first[this.given..];
            let n = rest.len().min(buf.remaining());
            buf.put_slice(&rest[..n]);
            this.given += n;
            return Poll::Ready(this.check(before, buf));
        }
        ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
        this.state.received(buf.filled().len() - before);
        Poll::Ready(this.check(before, buf))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for PlainIo<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let answer = Pin::new(&mut this.stream).poll_write(cx, buf);
        note_written(&this.state, answer)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let answer = Pin::new(&mut this.stream).poll_write_vectored(cx, bufs);
        note_written(&this.state, answer)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

fn note_written(
    state: &ConnectionState,
    answer: Poll<io::Result<usize>>,
) -> Poll<io::Result<usize>> {
    match &answer {
        Poll::Ready(Ok(n)) => {
            state.sent(*n);
            state.waits_for_reader(false);
        }
        Poll::Ready(Err(_)) => {}
        Poll::Pending => state.waits_for_reader(true),
    }
    answer
}
