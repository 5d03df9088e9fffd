//! Between socket and rustls: keeps the first bytes that a client sends, so that its ClientHello can be read once the
//! handshake is over. Bounded, and out of the way afterwards.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A ClientHello longer than this has no fingerprint: twice what the largest known clients send, key shares of
/// post-quantum key exchange included.
const MOST: usize = 8 * 1024;

/// A socket whose first bytes are kept.
pub struct Tap<S> {
    inner: S,
    kept: Option<Vec<u8>>,
}

impl<S> Tap<S> {
    /// Keeps bytes from now on.
    pub fn new(inner: S) -> Self {
        Self {
            inner,
            kept: Some(Vec::new()),
        }
    }

    /// What was kept; nothing is kept from now on.
    pub fn take(&mut self) -> Vec<u8> {
        self.kept.take().unwrap_or_default()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Tap<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.inner).poll_read(context, buffer);
        if let Some(kept) = &mut self.kept
            && let Some(new) = buffer.filled().get(before..)
        {
            let room = MOST.saturating_sub(kept.len()).min(new.len());
            kept.extend_from_slice(new.get(..room).unwrap_or_default());
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tap<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}
