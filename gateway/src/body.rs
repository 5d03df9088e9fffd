//! Bodies on their way through. Of a request, a capped prefix is read for inspection and the rest streams on behind
//! it; an answer streams through, or is held back at its beginning until it is judged, and tells the record when it ends.

pub mod hold;
pub mod pace;

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep_until};

use self::hold::{Gathered, Held};
use self::pace::{MinRate, Paced, Stopped};
use crate::exchange::Exchange;
use crate::grpc::MessageGate;
use crate::upstream::Lease;

/// Why a body broke off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum BodyFate {
    /// It has not.
    #[default]
    Whole,
    /// The client's framing was malformed, or the client left.
    ClientBroke,
    /// The client sent slower than the minimum rate.
    TooSlow,
    /// It grew beyond the policy's hard cap.
    TooLarge,
    /// A message in it was denied.
    Denied,
}

/// What the exchange and the body that hyper took away both know.
#[derive(Debug, Default)]
pub struct BodyLog {
    /// Bytes of the request's body so far.
    pub bytes: Cell<u64>,
    /// How it ended.
    pub fate: Cell<BodyFate>,
    /// Whether more of it is to come; the upstream is not late before it has all of it.
    pub arriving: Cell<bool>,
}

impl From<Stopped> for BodyFate {
    fn from(stopped: Stopped) -> Self {
        match stopped {
            Stopped::Broke => Self::ClientBroke,
            Stopped::TooSlow => Self::TooSlow,
        }
    }
}

/// Ends a stream early. The reason is in the [`BodyLog`]; hyper only needs to know that it ended.
#[derive(Debug, thiserror::Error)]
#[error("the body broke off")]
pub struct Broken;

/// What was read of a request's body before inspection.
pub struct Received {
    /// The bytes to inspect.
    pub prefix: Bytes,
    /// Whether they are all.
    pub complete: bool,
    trailers: Option<HeaderMap>,
    rest: Option<Paced>,
}

impl Received {
    /// Nothing was read, and nothing is to be.
    pub fn unread(incoming: Incoming, least: Option<MinRate>) -> Self {
        let complete = incoming.is_end_stream();
        Self {
            prefix: Bytes::new(),
            complete,
            trailers: None,
            rest: (!complete).then(|| Paced::new(incoming, least)),
        }
    }
}

/// Reads up to `cap` bytes, or the whole if it ends sooner.
///
/// # Errors
/// When the client broke off; the log says so.
pub async fn receive(
    incoming: Incoming,
    cap: usize,
    least: Option<MinRate>,
    log: &BodyLog,
) -> Result<Received, Broken> {
    let mut incoming = Paced::new(incoming, least);
    let mut gathered = Gathered::default();
    let mut trailers = None;
    while !incoming.body().is_end_stream() && gathered.length < cap {
        match incoming.frame().await {
            None => break,
            Some(Err(stopped)) => {
                log.fate.set(stopped.into());
                return Err(Broken);
            }
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => gathered.push(data, cap),
                Err(frame) => trailers = frame.into_trailers().ok(),
            },
        }
    }
    let length = gathered.length;
    log.bytes.set(length as u64);
    // A last piece may reach beyond the cap: then the whole is here, and yet not all of it is to be inspected.
    let ended = trailers.is_some() || incoming.body().is_end_stream() || length < cap;
    let complete = ended && length <= cap;
    Ok(Received {
        prefix: gathered.bytes(),
        complete,
        trailers,
        rest: (!complete).then_some(incoming),
    })
}

/// A request's body as the upstream gets it.
pub enum Outgoing {
    /// No body.
    Empty,
    /// A body that is at hand as a whole.
    Full(Option<Bytes>),
    /// A prefix, and what follows it.
    Stream(Box<Stream>),
}

/// A body that is still arriving.
pub struct Stream {
    prefix: Bytes,
    rest: Option<Paced>,
    trailers: Option<HeaderMap>,
    gate: Option<MessageGate>,
    max: u64,
    log: Rc<BodyLog>,
}

impl Outgoing {
    /// What goes on after inspection; `max` bounds the whole. A body that came without its length (`chunked`) goes on
    /// so, although the length may be known by now.
    pub fn new(
        received: Received,
        chunked: bool,
        max: u64,
        gate: Option<MessageGate>,
        log: &Rc<BodyLog>,
    ) -> Self {
        if received.rest.is_none() && received.trailers.is_none() {
            if received.prefix.is_empty() {
                return Self::Empty;
            }
            if gate.is_none() && !chunked {
                return Self::Full(Some(received.prefix));
            }
        }
        log.arriving.set(received.rest.is_some());
        Self::Stream(Box::new(Stream {
            prefix: received.prefix,
            rest: received.rest,
            trailers: received.trailers,
            gate,
            max,
            log: log.clone(),
        }))
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        match self.get_mut() {
            Self::Empty => Poll::Ready(None),
            Self::Full(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Stream(stream) => stream.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Full(bytes) => bytes.is_none(),
            Self::Stream(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Full(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            Self::Stream(stream) => stream.size_hint(),
        }
    }
}

impl Stream {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        if !self.prefix.is_empty() {
            let prefix = std::mem::take(&mut self.prefix);
            return Poll::Ready(Some(Ok(Frame::data(prefix))));
        }
        loop {
            let frame = match &mut self.rest {
                None => None,
                Some(rest) => ready!(rest.poll_frame(cx)),
            };
            let data = match frame {
                None => {
                    self.rest = None;
                    self.log.arriving.set(false);
                    let trailers = self
                        .trailers
                        .take()
                        .map(|trailers| Ok(Frame::trailers(trailers)));
                    return Poll::Ready(trailers);
                }
                Some(Err(stopped)) => return self.break_off(stopped.into()),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => data,
                    Err(other) => return Poll::Ready(Some(Ok(other))),
                },
            };
            let total = self.log.bytes.get() + data.len() as u64;
            self.log.bytes.set(total);
            if total > self.max {
                return self.break_off(BodyFate::TooLarge);
            }
            match &mut self.gate {
                None => return Poll::Ready(Some(Ok(Frame::data(data)))),
                Some(gate) => match gate.pass(data) {
                    Err(_denied) => return self.break_off(BodyFate::Denied),
                    Ok(data) if data.is_empty() => {}
                    Ok(data) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                },
            }
        }
    }

    fn break_off(&mut self, fate: BodyFate) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        self.log.fate.set(fate);
        self.log.arriving.set(false);
        self.rest = None;
        Poll::Ready(Some(Err(Broken)))
    }

    fn size_hint(&self) -> SizeHint {
        let prefix = self.prefix.len() as u64;
        match self
            .rest
            .as_ref()
            .map(|rest| rest.body().size_hint())
            .and_then(|hint| hint.exact())
        {
            Some(rest) if self.trailers.is_none() => SizeHint::with_exact(prefix + rest),
            _ => SizeHint::default(),
        }
    }
}

/// An answer's body as the client gets it. When it is dropped the exchange is over, and the record is written.
pub struct ResponseBody {
    source: Source,
    exchange: Option<Box<Exchange>>,
}

enum Source {
    Own(Full<Bytes>),
    Upstream(Box<UpstreamBody>),
    Held(Box<Held>),
}

/// The body of an upstream's answer, bound to its connection.
pub struct UpstreamBody {
    incoming: Incoming,
    lease: Option<Lease>,
    idle: Option<Duration>,
    silence: Option<Pin<Box<Sleep>>>,
    /// Read to its end. hyper's own body does not say so where the length was not known before.
    over: bool,
    /// It was silent for too long.
    stalled: bool,
}

impl ResponseBody {
    /// An answer of the gateway's own.
    pub fn own(body: Full<Bytes>) -> Self {
        Self {
            source: Source::Own(body),
            exchange: None,
        }
    }

    /// The upstream's answer.
    pub fn upstream(body: UpstreamBody) -> Self {
        Self {
            source: Source::Upstream(Box::new(body)),
            exchange: None,
        }
    }

    /// The upstream's answer, of which the beginning was held.
    pub fn held(held: Held) -> Self {
        Self {
            source: Source::Held(Box::new(held)),
            exchange: None,
        }
    }

    /// Ties the exchange to the body: it ends when the body does.
    pub fn with_exchange(mut self, exchange: Box<Exchange>) -> Self {
        self.exchange = Some(exchange);
        self
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let this = self.get_mut();
        let frame = match &mut this.source {
            Source::Own(body) => Pin::new(body)
                .poll_frame(cx)
                .map_err(|never| match never {}),
            Source::Upstream(body) => body.poll_frame(cx),
            Source::Held(held) => held.poll_frame(cx),
        };
        if let (Some(exchange), Poll::Ready(frame)) = (&mut this.exchange, &frame) {
            match frame {
                Some(Ok(frame)) => exchange.answered(frame.data_ref().map_or(&[][..], |data| data)),
                Some(Err(_)) => exchange.answer_broke(),
                None => {}
            }
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Own(body) => body.is_end_stream(),
            Source::Upstream(body) => body.is_over(),
            Source::Held(held) => held.is_over(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Own(body) => body.size_hint(),
            Source::Upstream(body) => body.incoming.size_hint(),
            Source::Held(held) => held.size_hint(),
        }
    }
}

impl UpstreamBody {
    /// The body of an answer that came over `lease`. `idle`: how long it may stay silent.
    pub fn new(incoming: Incoming, lease: Lease, idle: Option<Duration>) -> Self {
        Self {
            incoming,
            lease: Some(lease),
            idle,
            silence: None,
            over: false,
            stalled: false,
        }
    }

    fn is_over(&self) -> bool {
        self.over || self.incoming.is_end_stream()
    }

    /// Gives the connection back where its answer was read to its end: only then can it carry another request.
    fn release(&mut self) {
        if let Some(lease) = self.lease.take()
            && self.is_over()
        {
            lease.give_back();
        }
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        match Pin::new(&mut self.incoming).poll_frame(cx) {
            Poll::Ready(frame) => {
                self.silence = None;
                match &frame {
                    None => self.over = true,
                    Some(Ok(frame)) => self.over |= frame.is_trailers(),
                    Some(Err(_)) => self.lease = None,
                }
                Poll::Ready(frame.map(|frame| frame.map_err(|_| Broken)))
            }
            Poll::Pending => {
                let Some(idle) = self.idle else {
                    return Poll::Pending;
                };
                // Most answers never wait here, so the timer is only made for those that do.
                let silence = self
                    .silence
                    .get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + idle)));
                ready!(silence.as_mut().poll(cx));
                self.stalled = true;
                self.lease = None;
                Poll::Ready(Some(Err(Broken)))
            }
        }
    }
}

impl Drop for ResponseBody {
    fn drop(&mut self) {
        let complete = self.is_end_stream();
        match &mut self.source {
            Source::Own(_) => {}
            Source::Upstream(body) => body.release(),
            Source::Held(held) => held.release(),
        }
        if let Some(exchange) = self.exchange.take() {
            exchange.finish(complete);
        }
    }
}
