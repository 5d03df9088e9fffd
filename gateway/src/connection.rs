//! One client connection: which protocol it speaks, hyper's loop over its requests, and the watch that ends it when
//! the client is too slow, has rested too long, or the gateway drains.

pub mod flood;
pub mod flow;
pub mod io;
pub mod state;

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Poll, ready};

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;

use self::flood::FloodGuard;
use self::io::{GuardedIo, PlainIo};
use self::state::{ConnectionState, Phase};
use crate::body::ResponseBody;
use crate::exchange;
use crate::wire::Wire;
use crate::worker::Worker;

/// The first bytes of an HTTP/2 connection with prior knowledge (RFC 9113, section 3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// How much is read at once before it is certain what the client speaks.
const FIRST: usize = 4096;

/// What TLS agreed on, if anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agreed {
    /// Nothing: look at the first bytes.
    Nothing,
    /// HTTP/1.1 by ALPN.
    Http1,
    /// HTTP/2 by ALPN.
    Http2,
}

/// Serves one connection until it ends. `drain` turns true when the listener goes away or the process ends.
pub async fn serve<S>(
    worker: Rc<Worker>,
    state: Arc<ConnectionState>,
    mut stream: S,
    agreed: Agreed,
    drain: watch::Receiver<bool>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let _registered = worker.watch(&state);
    let mut first = Vec::new();
    let http2 = match agreed {
        Agreed::Http2 => true,
        Agreed::Http1 => false,
        Agreed::Nothing => match sniff(&mut stream, &mut first, &state).await {
            Some(http2) => http2,
            None => return,
        },
    };
    if http2 {
        serve_http2(worker, state, stream, first, drain).await;
    } else {
        serve_http1(worker, state, stream, first, drain).await;
    }
}

/// Reads until it is certain whether the client begins with the HTTP/2 preface. `None`: it left or was too slow.
async fn sniff<S: AsyncRead + Unpin>(
    stream: &mut S,
    first: &mut Vec<u8>,
    state: &ConnectionState,
) -> Option<bool> {
    let mut look = pin!(async {
        loop {
            let known = first.len().min(PREFACE.len());
            if first.get(..known) != PREFACE.get(..known) {
                return Some(false);
            }
            if known == PREFACE.len() {
                return Some(true);
            }
            match read(stream, first).await {
                Ok(0) | Err(_) => return if first.is_empty() { None } else { Some(false) },
                Ok(n) => state.received(n),
            }
        }
    });
    tokio::select! {
        biased;
        answer = &mut look => answer,
        () = state.killed() => None,
    }
}

/// Reads what has come, which is mostly a whole request, so that it need not be read in two pieces.
async fn read<S: AsyncRead + Unpin>(stream: &mut S, first: &mut Vec<u8>) -> std::io::Result<usize> {
    poll_fn(|cx| {
        let mut chunk = [0_u8; FIRST];
        let mut fresh = ReadBuf::new(&mut chunk);
        ready!(Pin::new(&mut *stream).poll_read(cx, &mut fresh))?;
        first.extend_from_slice(fresh.filled());
        Poll::Ready(Ok(fresh.filled().len()))
    })
    .await
}

async fn serve_http1<S>(
    worker: Rc<Worker>,
    state: Arc<ConnectionState>,
    stream: S,
    first: Vec<u8>,
    mut drain: watch::Receiver<bool>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let caps = worker.caps();
    let io = TokioIo::new(GuardedIo::new(
        stream,
        Wire::new(caps.wire),
        first,
        state.clone(),
    ));
    let service = {
        let (worker, state) = (worker.clone(), state.clone());
        service_fn(move |request: Request<Incoming>| answer(worker.clone(), state.clone(), request))
    };
    let connection = hyper::server::conn::http1::Builder::new()
        .max_headers(caps.wire.headers)
        // One more than the validator's cap, so that the validator speaks first.
        .max_buf_size(caps.wire.head + 16 * 1024)
        .serve_connection(io, service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let mut draining = *drain.borrow_and_update();
    if draining {
        connection.as_mut().graceful_shutdown();
    }
    loop {
        tokio::select! {
            biased;
            _ = connection.as_mut() => return,
            () = state.killed() => return,
            _ = drain.changed(), if !draining => {
                draining = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

async fn serve_http2<S>(
    worker: Rc<Worker>,
    state: Arc<ConnectionState>,
    stream: S,
    first: Vec<u8>,
    mut drain: watch::Receiver<bool>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let caps = worker.caps();
    state.set_http2();
    let io = TokioIo::new(PlainIo::new(
        stream,
        first,
        FloodGuard::default(),
        state.clone(),
    ));
    let service = {
        let (worker, state) = (worker.clone(), state.clone());
        service_fn(move |request: Request<Incoming>| answer(worker.clone(), state.clone(), request))
    };
    let connection = hyper::server::conn::http2::Builder::new(LocalExecutor)
        .timer(TokioTimer::new())
        .max_concurrent_streams(caps.streams)
        .max_header_list_size(u32::try_from(caps.wire.head).unwrap_or(u32::MAX))
        .max_pending_accept_reset_streams(20)
        .max_local_error_reset_streams(50)
        .initial_stream_window_size(256 * 1024)
        .initial_connection_window_size(1024 * 1024)
        .max_send_buf_size(256 * 1024)
        .keep_alive_interval(std::time::Duration::from_secs(30))
        .keep_alive_timeout(std::time::Duration::from_secs(10))
        .serve_connection(io, service);
    let mut connection = pin!(connection);
    let mut draining = *drain.borrow_and_update();
    if draining {
        connection.as_mut().graceful_shutdown();
    }
    loop {
        tokio::select! {
            biased;
            _ = connection.as_mut() => return,
            () = state.killed() => return,
            _ = drain.changed(), if !draining => {
                draining = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

/// Hands a request to the spine, between the marks that the watch needs.
async fn answer(
    worker: Rc<Worker>,
    state: Arc<ConnectionState>,
    request: Request<Incoming>,
) -> Result<Response<ResponseBody>, Infallible> {
    state.set_phase(Phase::Exchange);
    Ok(exchange::handle(worker, state, request).await)
}

/// Runs hyper's HTTP/2 streams on the worker's own thread.
#[derive(Clone, Copy, Debug)]
pub struct LocalExecutor;

impl<F> Executor<F> for LocalExecutor
where
    F: Future + 'static,
{
    fn execute(&self, future: F) {
        tokio::task::spawn_local(async move {
            future.await;
        });
    }
}
