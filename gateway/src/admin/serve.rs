//! The sockets of the admin plane: a bounded number of connections, each for a bounded time, with bounds on heads and
//! on how long a client may take to read. Exports and live feeds last longer than other answers and go on for as long
//! as their client reads.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use portcullis_admin::problem::Problem;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tower::ServiceExt as _;

use super::AdminState;
use super::stall::Stall;

/// Accepts for ever. Who comes when all seats are taken waits in the listener's backlog.
pub(super) async fn accept(listener: TcpListener, router: Router, state: Arc<AdminState>) {
    let seats = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok(seat) = Arc::clone(&seats).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, peer)) => {
                let (router, state) = (router.clone(), state.clone());
                tokio::spawn(async move {
                    if let Some(given_up) = serve(stream, peer, router).await {
                        state.metrics.admin.gave_up(given_up);
                    }
                    drop(seat);
                });
            }
            Err(error) => {
                state.metrics.accept_errors.inc();
                tracing::warn!(%error, "the admin plane cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// What a client was being sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// An answer of a known length.
    Answer,
    /// A file of records.
    Export,
    /// Events of the live feed.
    Live,
}

/// Serves one connection for a limited time: nobody keeps a seat by reading or writing slowly. What the client was being
/// sent, where it was given up because it did not read.
async fn serve(stream: TcpStream, peer: SocketAddr, router: Router) -> Option<Kind> {
    let _ = stream.set_nodelay(true);
    let stalled = Arc::<AtomicBool>::default();
    let io = Stall::new(stream, WRITE_PATIENCE, stalled.clone());
    let sent = Arc::new(AtomicU8::new(Kind::Answer as u8));
    let service = {
        let sent = sent.clone();
        service_fn(move |request| answer(request, peer, router.clone(), sent.clone()))
    };
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(io), service)
        .with_upgrades();
    tokio::pin!(connection);
    let lifetime = tokio::time::timeout(LIFETIME, connection.as_mut()).await;
    if lifetime.is_err() {
        // What is under way is finished, nothing new begins.
        connection.as_mut().graceful_shutdown();
        if Kind::from(sent.load(Ordering::Relaxed)) == Kind::Answer {
            let _ = tokio::time::timeout(LAST_ANSWER, connection).await;
        } else {
            let _ = connection.await;
        }
    }
    let given_up = stalled.load(Ordering::Relaxed);
    given_up.then(|| Kind::from(sent.load(Ordering::Relaxed)))
}

/// Answers one request. The time until its answer begins is bounded, and with it the time its body may take.
async fn answer(
    request: Request<Incoming>,
    peer: SocketAddr,
    router: Router,
    sent: Arc<AtomicU8>,
) -> Result<Response, Infallible> {
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(ConnectInfo(peer));
    let answered = tokio::time::timeout(ANSWER_TIMEOUT, router.oneshot(request)).await;
    let response = match answered {
        Ok(response) => response?,
        Err(_) => Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "the question did not arrive, or could not be answered, in time",
        )
        .into_response(),
    };
    let kind = response.headers().get(CONTENT_TYPE);
    let begins =
        |stream: &str| kind.is_some_and(|kind| kind.as_bytes().starts_with(stream.as_bytes()));
    let stream = STREAMS.iter().find(|(stream, _)| begins(stream));
    let kind = stream.map_or(Kind::Answer, |(_, kind)| *kind);
    sent.store(kind as u8, Ordering::Relaxed);
    Ok(response)
}

impl From<u8> for Kind {
    fn from(number: u8) -> Self {
        match number {
            1 => Self::Export,
            2 => Self::Live,
            _ => Self::Answer,
        }
    }
}

/// Answers that go on for as long as their client reads.
const STREAMS: [(&str, Kind); 3] = [
    ("text/event-stream", Kind::Live),
    ("text/csv", Kind::Export),
    ("application/x-ndjson", Kind::Export),
];
const MAX_CONNECTIONS: usize = 128;
/// Room for a filter with every parameter at its longest.
const MAX_HEAD: usize = 64 * 1024;
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// From the head of a request to the head of its answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a connection may be kept for further requests.
const LIFETIME: Duration = Duration::from_secs(120);
/// How long a client may take to read what the system's buffers do not hold.
const WRITE_PATIENCE: Duration = Duration::from_secs(10);
/// How much longer an answer that is under way may take then.
const LAST_ANSWER: Duration = Duration::from_secs(10);
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

#[cfg(test)]
pub(super) const SEATS: usize = MAX_CONNECTIONS;
#[cfg(test)]
pub(super) const PATIENCE: Duration = WRITE_PATIENCE;
