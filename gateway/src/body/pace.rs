//! The minimum rate of a request's body over HTTP/2, where streams share a connection and the sweep cannot tell which
//! of them the gateway waits for.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep_until};

/// What a client must keep up.
#[derive(Clone, Copy, Debug)]
pub struct MinRate {
    /// Bytes a second; 0 for no minimum.
    pub rate: u64,
    /// How long it may be slower.
    pub grace: Duration,
}

/// A request's body that breaks off when its client is too slow.
pub struct Paced {
    body: Incoming,
    pace: Option<Pace>,
}

struct Pace {
    least: MinRate,
    window: Instant,
    bytes: u64,
    timer: Option<Pin<Box<Sleep>>>,
}

/// Why no further frame comes.
#[derive(Debug)]
pub enum Stopped {
    /// The client broke off.
    Broke,
    /// The client was too slow.
    TooSlow,
}

impl Paced {
    /// A body held to `least`, or to nothing.
    pub fn new(body: Incoming, least: Option<MinRate>) -> Self {
        let pace = least.filter(|least| least.rate > 0).map(|least| Pace {
            least,
            window: Instant::now(),
            bytes: 0,
            timer: None,
        });
        Self { body, pace }
    }

    /// The body itself, for what it says of its length.
    pub fn body(&self) -> &Incoming {
        &self.body
    }

    /// The next frame.
    pub fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Stopped>>> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(frame) => {
                if let (Some(pace), Some(Ok(frame))) = (&mut self.pace, &frame) {
                    pace.received(frame.data_ref().map_or(0, Bytes::len));
                }
                Poll::Ready(frame.map(|frame| frame.map_err(|_| Stopped::Broke)))
            }
            Poll::Pending => match self.pace.as_mut().is_some_and(|pace| pace.is_too_slow(cx)) {
                true => Poll::Ready(Some(Err(Stopped::TooSlow))),
                false => Poll::Pending,
            },
        }
    }

    /// The next frame, awaited.
    pub async fn frame(&mut self) -> Option<Result<Frame<Bytes>, Stopped>> {
        std::future::poll_fn(|cx| self.poll_frame(cx)).await
    }
}

impl Pace {
    fn received(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
        if self.bytes >= self.enough() {
            self.window = Instant::now();
            self.bytes = 0;
            self.timer = None;
        }
    }

    /// What one window must bring.
    fn enough(&self) -> u64 {
        self.least
            .rate
            .saturating_mul(self.least.grace.as_secs().max(1))
    }

    fn is_too_slow(&mut self, cx: &mut Context<'_>) -> bool {
        let end = self.window + self.least.grace;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(end)));
        timer.as_mut().poll(cx).is_ready()
    }
}
