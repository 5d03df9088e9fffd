//! Connections to the target, kept and used again. Their number is bounded by whoever uses the pool: one per request
//! under way.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::header::{CONNECTION, CONTENT_LENGTH, HeaderName, SET_COOKIE};
use http::{HeaderMap, HeaderValue, Response, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::super::compose::escape;
use super::super::message::{Answer, Request};
use super::super::token::Grant;
use super::{judge, unanswered};

type Connection = SendRequest<Full<Bytes>>;
type Error = Box<dyn std::error::Error + Send + Sync>;

/// Idle connections.
pub struct Pool {
    target: SocketAddr,
    idle: Mutex<Vec<Connection>>,
}

impl Pool {
    /// A pool of connections to one address.
    pub fn new(target: SocketAddr) -> Self {
        Self {
            target,
            idle: Mutex::new(Vec::new()),
        }
    }

    /// Sends a request as `client`, and reads what comes back. Without an answer in time the status is 0.
    pub async fn exchange(&self, request: &Request, client: IpAddr) -> Answer {
        let Some(request) = build(request, client) else {
            return unanswered();
        };
        let started = Instant::now();
        let answer = tokio::time::timeout(PATIENCE, self.answered(request)).await;
        let mut answer = answer.ok().and_then(Result::ok).unwrap_or_else(unanswered);
        answer.latency_ms = started.elapsed().as_secs_f32() * 1_000.0;
        answer
    }

    async fn answered(&self, request: http::Request<Full<Bytes>>) -> Result<Answer, Error> {
        while let Some(mut connection) = self.take() {
            // One that was closed while it lay idle is no reason to give up; the request was not sent on it.
            if connection.ready().await.is_ok() {
                if let Ok(response) = connection.send_request(request.clone()).await {
                    return self.read(response, connection, &request).await;
                }
                break;
            }
        }
        let mut connection = self.open().await?;
        let response = connection.send_request(request.clone()).await?;
        self.read(response, connection, &request).await
    }

    async fn open(&self) -> Result<Connection, Error> {
        let stream = TcpStream::connect(self.target).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(async move {
            // How it ends shows at the next request.
            let _ = connection.await;
        });
        Ok(sender)
    }

    async fn read(
        &self,
        response: Response<Incoming>,
        connection: Connection,
        request: &http::Request<Full<Bytes>>,
    ) -> Result<Answer, Error> {
        let (head, mut body) = response.into_parts();
        let (mut bytes, mut start) = (0usize, BytesMut::new());
        while let Some(frame) = body.frame().await {
            if let Some(data) = frame?.data_ref() {
                bytes += data.len();
                let room = START.saturating_sub(start.len()).min(data.len());
                start.extend_from_slice(&data[..room]);
            }
        }
        self.give_back(connection);
        let is_head = request.method() == http::Method::HEAD;
        Ok(Answer {
            status: head.status.as_u16(),
            bytes: u32::try_from(bytes).unwrap_or(u32::MAX),
            latency_ms: 0.0,
            grant: grant(&head.headers, &start).map(Box::new),
            decision: judge::decision(head.status, &head.headers, &start, is_head),
        })
    }

    fn take(&self) -> Option<Connection> {
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop()
    }

    fn give_back(&self, connection: Connection) {
        if !connection.is_closed() {
            self.idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(connection);
        }
    }
}

/// The request as it goes out. What a target may not hold is encoded; a header that cannot be sent is left out.
fn build(request: &Request, client: IpAddr) -> Option<http::Request<Full<Bytes>>> {
    let target: Uri = match request.target.parse() {
        Ok(target) => target,
        Err(_) => escape(&request.target).parse().ok()?,
    };
    let mut out = http::Request::new(Full::from(request.body.clone()));
    *out.method_mut() = request.method.parse().ok()?;
    *out.uri_mut() = target;
    for (name, value) in &request.headers {
        let name = HeaderName::from_static(name);
        if let Ok(value) = HeaderValue::from_bytes(value.as_bytes())
            && name != CONNECTION
            && name != CONTENT_LENGTH
        {
            out.headers_mut().insert(name, value);
        }
    }
    // A proxy appends whom it saw to what the client claimed.
    let claimed = request.header("x-forwarded-for");
    let chain = claimed.map_or_else(|| client.to_string(), |claim| format!("{claim}, {client}"));
    out.headers_mut()
        .insert("x-forwarded-for", HeaderValue::from_str(&chain).ok()?);
    Some(out)
}

/// What a log-in gave, as the simulated APIs say it.
fn grant(headers: &HeaderMap, body: &[u8]) -> Option<Grant> {
    let cookie = headers.get(SET_COOKIE)?.to_str().ok()?;
    let cookie = cookie.strip_prefix("sid=")?.split(';').next()?.to_owned();
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    let text = |name: &str| Some(body.get(name)?.as_str()?.to_owned());
    Some(Grant {
        cookie,
        bearer: text("token")?,
        refresh: text("refresh_token")?,
    })
}

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(15);

/// How much of an answer is looked at.
const START: usize = 8 << 10;
