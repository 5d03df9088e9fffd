//! The sockets of the admin plane: a bounded number of connections, each for a bounded time, with bounds on heads and
//! on how long a client may take to read. Exports and live feeds last longer than other answers and go on for as long
//! as their client reads.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::Response;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use portcullis_admin::Peer;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use super::AdminState;
use super::stall::Stall;

/// Accepts for ever. Who comes when all seats are taken waits in the listener's backlog.
pub(super) async fn accept(listener: TcpListener, router: Router, state: Arc<AdminState>) {
    let seats = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let router = router.layer(middleware::from_fn(bounded));
    loop {
        let Ok(seat) = Arc::clone(&seats).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, peer)) => {
                let router = router.clone().layer(axum::Extension(Peer(peer)));
                tokio::spawn(async move {
                    serve(stream, router).await;
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

/// Serves one connection for a limited time: nobody keeps a seat by reading or writing slowly.
async fn serve(stream: TcpStream, router: Router) {
    let _ = stream.set_nodelay(true);
    let io = Stall::new(stream, WRITE_PATIENCE);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(io), TowerToHyperService::new(router))
        .with_upgrades();
    tokio::pin!(connection);
    let lifetime = tokio::time::timeout(LIFETIME, connection.as_mut()).await;
    if lifetime.is_err() {
        // What is under way is finished, however long its client reads on; nothing new begins.
        connection.as_mut().graceful_shutdown();
        let _ = connection.await;
    }
}

/// Bounds the time until an answer begins, and so the time that a body may take to arrive.
async fn bounded(request: Request, next: Next) -> Response {
    match tokio::time::timeout(ANSWER_TIMEOUT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            use axum::response::IntoResponse;
            let problem = portcullis_admin::problem::Problem::new(
                http::StatusCode::REQUEST_TIMEOUT,
                "the question did not arrive, or could not be answered, in time",
            );
            problem.into_response()
        }
    }
}

const MAX_CONNECTIONS: usize = 128;
const MAX_HEAD: usize = 16 * 1024;
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// From the head of a request to the head of its answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a connection may be kept for further requests.
const LIFETIME: Duration = Duration::from_secs(120);
/// How long a client may take to read what the system's buffers do not hold.
const WRITE_PATIENCE: Duration = Duration::from_secs(10);
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

#[cfg(test)]
pub(super) const SEATS: usize = MAX_CONNECTIONS;
