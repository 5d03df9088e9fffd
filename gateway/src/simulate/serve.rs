//! The made-up APIs as a server, for a gateway to stand in front of: the same answers as offline, with their sizes and,
//! scaled by how fast virtual time passes, their delays.

use std::io;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, HeaderName, SET_COOKIE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use serde_json::json;

use super::backend::Backend;
use super::clock::EPOCH;
use super::message::{Answer, Request};
use crate::demo::upstream::{self, Body, Upstream};

/// Virtual time that passes with real time.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    began: Instant,
    start: f64,
    speed: f64,
}

impl Clock {
    /// A clock that begins now, `start` seconds after the beginning of virtual time, and runs `speed` times as fast as
    /// real time.
    pub fn new(start: f64, speed: f64) -> Self {
        Self {
            began: Instant::now(),
            start: EPOCH + start,
            speed,
        }
    }

    /// Virtual now, in seconds since 1970.
    pub fn now(&self) -> f64 {
        self.start + self.began.elapsed().as_secs_f64() * self.speed
    }

    /// The real moment of a virtual time.
    pub fn moment(&self, time: f64) -> Instant {
        self.began + Duration::from_secs_f64(((time - self.start) / self.speed).max(0.0))
    }

    /// How long a virtual duration takes.
    pub fn real(&self, seconds: f64) -> Duration {
        Duration::from_secs_f64((seconds / self.speed).max(0.0))
    }
}

/// Serves the APIs until the returned handle is dropped.
///
/// # Errors
/// When the listener cannot be used or no thread can be started.
pub fn spawn(listener: TcpListener, seed: u64, clock: Clock) -> io::Result<Upstream> {
    let backend = Arc::new(Mutex::new(Backend::new(seed)));
    upstream::serve(listener, move |request| {
        answer(request, Arc::clone(&backend), clock)
    })
}

async fn answer(
    request: http::Request<Incoming>,
    backend: Arc<Mutex<Backend>>,
    clock: Clock,
) -> Response<Body> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, MAX_BODY).collect().await;
    let body = body.map(|body| body.to_bytes()).unwrap_or_default();
    let request = Request {
        method: method(head.method.as_str()),
        target: head
            .uri
            .path_and_query()
            .map_or("/", |target| target.as_str())
            .to_owned(),
        headers: known(&head.headers, head.uri.host()),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    let answer = backend
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .answer(&request, clock.now());
    let delay = clock
        .real(f64::from(answer.latency_ms) / 1_000.0)
        .min(LONGEST);
    if delay >= Duration::from_millis(1) {
        tokio::time::sleep(delay).await;
    }
    response(&answer)
}

/// The headers that the APIs read.
fn known(headers: &HeaderMap, host: Option<&str>) -> Vec<super::client::Header> {
    let mut known: Vec<super::client::Header> = Vec::with_capacity(5);
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(host) = host.or_else(|| text(HOST.as_str())) {
        known.push(("host", host.to_owned().into()));
    }
    for name in ["authorization", "cookie", "x-api-key", "if-none-match"] {
        if let Some(value) = text(name) {
            known.push((name, value.to_owned().into()));
        }
    }
    known
}

fn method(name: &str) -> &'static str {
    METHODS
        .into_iter()
        .find(|known| *known == name)
        .unwrap_or("OTHER")
}

fn response(answer: &Answer) -> Response<Body> {
    let body = body(answer);
    let mut response = Response::new(Full::from(Bytes::from(body)).boxed_unsync());
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let headers = response.headers_mut();
    headers.insert(MARK, HeaderValue::from_static("1"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let cookie = answer.grant.as_ref().and_then(|grant| {
        HeaderValue::from_str(&format!("sid={}; Path=/; HttpOnly", grant.cookie)).ok()
    });
    if let Some(cookie) = cookie {
        headers.insert(SET_COOKIE, cookie);
    }
    response
}

/// JSON of about the size that the answer has.
fn body(answer: &Answer) -> String {
    if answer.bytes == 0 {
        return String::new();
    }
    if let Some(grant) = &answer.grant {
        return json!({ "token": grant.bearer, "refresh_token": grant.refresh, "expires_in": 900 })
            .to_string();
    }
    let key = if answer.status < 400 {
        "data"
    } else {
        "message"
    };
    let frame = key.len() + 7;
    let length = (answer.bytes as usize)
        .min(MAX_ANSWER)
        .saturating_sub(frame);
    let text: String = WORDS.chars().cycle().take(length).collect();
    format!("{{\"{key}\":\"{text}\"}}")
}

/// Says that an answer is the API's own: a gateway's answers do not have it.
pub const MARK: HeaderName = HeaderName::from_static("x-simulated-api");

const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

const WORDS: &str = "lamp desk chair shelf soup ";

/// Bytes of a request's body that are read.
const MAX_BODY: usize = 1 << 20;

/// Bytes of an answer that are sent, whatever its size would be.
const MAX_ANSWER: usize = 64 << 10;

/// The longest real delay of an answer.
const LONGEST: Duration = Duration::from_secs(2);
