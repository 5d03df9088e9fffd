//! A stream that fails when its reader does not read: a write that makes no headway within a time ends the connection,
//! so that a client which stopped reading an export or a live feed does not keep its seat.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// A stream whose writes may not stall.
pub(super) struct Stall<S> {
    stream: S,
    patience: Duration,
    /// Runs while a write waits.
    deadline: Pin<Box<Sleep>>,
    waiting: bool,
    /// Set once a write has waited for too long.
    stalled: Arc<AtomicBool>,
}

impl<S> Stall<S> {
    /// Gives each write this long to make headway; sets `stalled` when one does not.
    pub(super) fn new(stream: S, patience: Duration, stalled: Arc<AtomicBool>) -> Self {
        Self {
            stream,
            patience,
            deadline: Box::pin(sleep(patience)),
            waiting: false,
            stalled,
        }
    }

    /// Watches over something that writes.
    fn watch<R>(
        &mut self,
        context: &mut Context<'_>,
        result: Poll<io::Result<R>>,
    ) -> Poll<io::Result<R>> {
        if result.is_ready() {
            self.waiting = false;
            return result;
        }
        if !self.waiting {
            self.waiting = true;
            let end = Instant::now() + self.patience;
            self.deadline.as_mut().reset(end);
        }
        ready!(self.deadline.as_mut().poll(context));
        self.stalled.store(true, Ordering::Relaxed);
        Poll::Ready(Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "the client does not read",
        )))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Stall<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Stall<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watch(context, result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.watch(context, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_flush(context);
        self.watch(context, result)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_shutdown(context);
        self.watch(context, result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test]
    async fn who_does_not_read_is_given_up() {
        let (mut reader, writer) = tokio::io::duplex(16);
        let stalled = Arc::<AtomicBool>::default();
        let mut stall = Stall::new(writer, Duration::from_millis(200), stalled.clone());
        stall.write_all(&[0; 16]).await.expect("it fits");
        let error = stall.write_all(&[0; 1]).await.expect_err("nobody reads");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(stalled.load(Ordering::Relaxed));
        // Once read from, it takes more.
        reader
            .read_exact(&mut [0; 16])
            .await
            .expect("they are there");
        stall.write_all(&[0; 16]).await.expect("it fits again");
    }

    #[tokio::test]
    async fn slow_reading_is_no_stall() {
        let (mut reader, writer) = tokio::io::duplex(4);
        let stalled = Arc::<AtomicBool>::default();
        let mut stall = Stall::new(writer, Duration::from_millis(500), stalled.clone());
        let reading = async {
            for _ in 0..8 {
                tokio::time::sleep(Duration::from_millis(100)).await;
                reader.read_exact(&mut [0; 4]).await.expect("more comes");
            }
        };
        let (written, ()) = tokio::join!(stall.write_all(&[7; 32]), reading);
        written.expect("each write made headway in time");
        assert!(!stalled.load(Ordering::Relaxed));
    }
}
