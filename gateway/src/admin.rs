//! The admin plane: metrics and health, on a listener, a thread and a runtime of its own, so that a scrape takes
//! nothing from a worker and a busy worker delays no scrape. It only reads.

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, oneshot};

use crate::metrics::Metrics;

/// What the admin plane tells about.
pub(crate) struct AdminState {
    metrics: Arc<Metrics>,
    phase: AtomicU8,
}

/// Where the process stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Phase {
    /// Not yet listening.
    Starting,
    /// Taking requests.
    Serving,
    /// Finishing what it has; new traffic should go elsewhere.
    Draining,
}

/// The running admin plane. Dropping it ends it.
pub(crate) struct Admin {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl AdminState {
    /// Starts out as [`Phase::Starting`].
    pub(crate) fn new(metrics: Arc<Metrics>) -> Self {
        Self {
            metrics,
            phase: AtomicU8::new(Phase::Starting as u8),
        }
    }

    /// Moves on to another phase.
    pub(crate) fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Release);
    }

    /// The phase now.
    pub(crate) fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Acquire) {
            0 => Phase::Starting,
            1 => Phase::Serving,
            _ => Phase::Draining,
        }
    }
}

impl Phase {
    /// The word in `/readyz`.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Serving => "serving",
            Self::Draining => "draining",
        }
    }
}

impl Admin {
    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Admin {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic there was reported when it happened.
            let _ = thread.join();
        }
    }
}

/// Serves on `listener` until the returned handle is dropped.
///
/// # Errors
/// When the listener cannot be used by the runtime or no thread can be started.
pub(crate) fn spawn(listener: TcpListener, state: Arc<AdminState>) -> io::Result<Admin> {
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let listener = {
        let _guard = runtime.enter();
        tokio::net::TcpListener::from_std(listener)?
    };
    let (stop, stopped) = oneshot::channel::<()>();
    let thread = thread::Builder::new().name("admin".into()).spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                () = accept(listener, state) => {}
                _ = stopped => {}
            }
        });
    })?;
    Ok(Admin {
        address,
        stop: Some(stop),
        thread: Some(thread),
    })
}

async fn accept(listener: tokio::net::TcpListener, state: Arc<AdminState>) {
    let seats = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        // Who comes when all seats are taken waits in the listener's backlog.
        let Ok(seat) = Arc::clone(&seats).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                let state = Arc::clone(&state);
                tokio::spawn(async move {
                    serve(stream, state).await;
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
async fn serve(stream: TcpStream, state: Arc<AdminState>) {
    let service = service_fn(move |request: Request<hyper::body::Incoming>| {
        let response = answer(request.method(), request.uri().path(), &state);
        async move { Ok::<_, Infallible>(response) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let lifetime = tokio::time::timeout(LIFETIME, connection.as_mut()).await;
    if lifetime.is_err() {
        connection.as_mut().graceful_shutdown();
        let _ = tokio::time::timeout(LAST_ANSWER, connection).await;
    }
}

/// The whole of the admin plane: three pages to read.
fn answer(method: &Method, path: &str, state: &AdminState) -> Response<Full<Bytes>> {
    let page: fn(&AdminState) -> Response<Full<Bytes>> = match path {
        "/metrics" => metrics,
        "/healthz" => |_| json(StatusCode::OK, "{\"status\":\"alive\"}\n".into()),
        "/readyz" => ready,
        _ => {
            return json(
                StatusCode::NOT_FOUND,
                "{\"error\":\"nothing is served here\"}\n".into(),
            );
        }
    };
    if method != Method::GET && method != Method::HEAD {
        let words = "{\"error\":\"this method is not allowed here\"}\n";
        let mut response = json(StatusCode::METHOD_NOT_ALLOWED, words.into());
        response
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    page(state)
}

fn metrics(state: &AdminState) -> Response<Full<Bytes>> {
    response(
        StatusCode::OK,
        "text/plain; version=0.0.4; charset=utf-8",
        state.metrics.render(),
    )
}

fn ready(state: &AdminState) -> Response<Full<Bytes>> {
    let phase = state.phase();
    let status = match phase {
        Phase::Serving => StatusCode::OK,
        Phase::Starting | Phase::Draining => StatusCode::SERVICE_UNAVAILABLE,
    };
    let rules = state.metrics.rules_loaded.get();
    json(
        status,
        format!(
            "{{\"status\":\"{}\",\"rules_loaded\":{rules}}}\n",
            phase.as_str()
        ),
    )
}

fn json(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    response(status, "application/json", body)
}

fn response(status: StatusCode, content_type: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

const MAX_CONNECTIONS: usize = 64;
const MAX_HEAD: usize = 16 * 1024;
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
const LIFETIME: Duration = Duration::from_secs(120);
const LAST_ANSWER: Duration = Duration::from_secs(10);
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;

    use super::*;

    fn plane() -> (Admin, Arc<AdminState>) {
        let state = Arc::new(AdminState::new(Metrics::new().unwrap()));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        (spawn(listener, Arc::clone(&state)).unwrap(), state)
    }

    fn ask(admin: &Admin, line: &str) -> String {
        let mut stream = TcpStream::connect(admin.address()).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        write!(
            stream,
            "{line} HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn each_page_answers_as_documented() {
        let (admin, state) = plane();
        state.metrics.rules_loaded.set(61);
        let cases: &[(&str, &str, &str)] = &[
            ("GET /healthz", "200", "alive"),
            ("GET /metrics", "200", "portcullis_rules_loaded 61"),
            ("HEAD /metrics", "200", "text/plain; version=0.0.4"),
            ("GET /metrics?x=1", "200", "portcullis_rules_loaded 61"),
            ("POST /metrics", "405", "allow: GET, HEAD"),
            ("GET /", "404", "error"),
            ("GET /metrics/", "404", "error"),
            (
                "GET /readyz",
                "503",
                "{\"status\":\"starting\",\"rules_loaded\":61}",
            ),
        ];
        for (line, status, text) in cases {
            let answer = ask(&admin, line);
            assert!(
                answer.starts_with(&format!("HTTP/1.1 {status} ")),
                "{line}: {answer}"
            );
            assert!(answer.contains(text), "{line}: {answer}");
        }
        for (phase, status) in [(Phase::Serving, "200"), (Phase::Draining, "503")] {
            state.enter(phase);
            let answer = ask(&admin, "GET /readyz");
            assert!(
                answer.starts_with(&format!("HTTP/1.1 {status} ")),
                "{answer}"
            );
            assert!(answer.contains(phase.as_str()), "{answer}");
        }
    }

    #[test]
    fn idle_connections_take_no_more_than_their_seats() {
        let (admin, _state) = plane();
        let idle: Vec<TcpStream> = (0..MAX_CONNECTIONS - 1)
            .map(|_| TcpStream::connect(admin.address()).unwrap())
            .collect();
        assert!(ask(&admin, "GET /healthz").contains("alive"));
        drop(idle);
        assert!(ask(&admin, "GET /healthz").contains("alive"));
    }

    #[test]
    fn dropping_the_handle_frees_the_address() {
        let (admin, _state) = plane();
        let address = admin.address();
        drop(admin);
        assert!(TcpListener::bind(address).is_ok());
    }
}
