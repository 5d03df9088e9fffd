//! Connections to the target, kept and used again: by everybody, as a proxy does, or each by the client that opened it.
//! The number of those in use is bounded by whoever uses the pool, one per request under way; as many may lie idle.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderName, SET_COOKIE};
use http::{HeaderMap, HeaderValue, Response, Uri, uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

use super::super::compose::escape;
use super::super::message::{Answer, Request};
use super::super::token::Grant;
use super::{judge, unanswered};
use crate::respond::X_REQUEST_ID;

type Error = Box<dyn std::error::Error + Send + Sync>;

/// Idle connections, the one used last at the end.
pub struct Pool {
    target: SocketAddr,
    most: usize,
    idle: Mutex<Vec<(Option<Owner>, Connection)>>,
}

/// Whose a connection is. A client that moves to another address connects anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The client.
    pub actor: u64,
    /// Where it is.
    pub address: IpAddr,
}

/// How a client uses connections: drawn by its number, so that hostile ones and others have the same habits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Habit {
    /// HTTP/1.1, one request at a time, kept for the next.
    Kept,
    /// HTTP/1.1, a connection for each request.
    Anew,
    /// One HTTP/2 connection for everything.
    Shared,
}

enum Connection {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

impl Pool {
    /// A pool of connections to one address, of which so many may lie idle.
    pub fn new(target: SocketAddr, most: usize) -> Self {
        Self {
            target,
            most,
            idle: Mutex::new(Vec::new()),
        }
    }

    /// Sends a request as `client`, over a connection of `owner` or of all, and reads what comes back. Without an answer
    /// in time the status is 0.
    pub async fn exchange(
        &self,
        request: &Request,
        client: IpAddr,
        owner: Option<Owner>,
    ) -> Answer {
        let Some(request) = build(request, client) else {
            return unanswered();
        };
        let started = Instant::now();
        let answer = tokio::time::timeout(PATIENCE, self.answered(request, owner)).await;
        let mut answer = answer.ok().and_then(Result::ok).unwrap_or_else(unanswered);
        answer.latency_ms = started.elapsed().as_secs_f32() * 1_000.0;
        answer
    }

    async fn answered(
        &self,
        request: http::Request<Full<Bytes>>,
        owner: Option<Owner>,
    ) -> Result<Answer, Error> {
        while let Some(mut connection) = self.take(owner) {
            // One that was closed while it lay idle is no reason to give up; the request was not sent on it.
            if connection.is_ready().await {
                if let Ok(response) = connection.send(request.clone()).await {
                    return self.read(response, (owner, connection), &request).await;
                }
                break;
            }
        }
        let mut connection = self.open(owner).await?;
        let response = connection.send(request.clone()).await?;
        self.read(response, (owner, connection), &request).await
    }

    async fn open(&self, owner: Option<Owner>) -> Result<Connection, Error> {
        let stream = TcpStream::connect(self.target).await?;
        stream.set_nodelay(true)?;
        let io = TokioIo::new(stream);
        // How a connection ends shows at the next request.
        if Habit::of(owner) == Habit::Shared {
            let (sender, connection) = http2::handshake(TokioExecutor::new(), io).await?;
            tokio::spawn(async move { drop(connection.await) });
            return Ok(Connection::Http2(sender));
        }
        let (sender, connection) = http1::handshake(io).await?;
        tokio::spawn(async move { drop(connection.await) });
        Ok(Connection::Http1(sender))
    }

    async fn read(
        &self,
        response: Response<Incoming>,
        used: (Option<Owner>, Connection),
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
        self.give_back(used);
        let is_head = request.method() == http::Method::HEAD;
        Ok(Answer {
            status: head.status.as_u16(),
            bytes: u32::try_from(bytes).unwrap_or(u32::MAX),
            latency_ms: 0.0,
            grant: grant(&head.headers, &start).map(Box::new),
            decision: judge::decision(head.status, &head.headers, &start, is_head),
            id: id(&head.headers),
        })
    }

    /// A connection of the owner. Of HTTP/2 the next request may have it at the same time.
    fn take(&self, owner: Option<Owner>) -> Option<Connection> {
        let mut idle = self.idle();
        let at = idle.iter().rposition(|(whose, _)| *whose == owner)?;
        if let (_, Connection::Http2(sender)) = &idle[at]
            && !sender.is_closed()
        {
            return Some(Connection::Http2(sender.clone()));
        }
        Some(idle.remove(at).1)
    }

    fn give_back(&self, (owner, connection): (Option<Owner>, Connection)) {
        if connection.is_closed() || Habit::of(owner) == Habit::Anew {
            return;
        }
        let mut idle = self.idle();
        if matches!(connection, Connection::Http2(_)) {
            idle.retain(|(whose, _)| *whose != owner);
        }
        if idle.len() >= self.most {
            idle.remove(0);
        }
        idle.push((owner, connection));
    }

    fn idle(&self) -> MutexGuard<'_, Vec<(Option<Owner>, Connection)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Habit {
    fn of(owner: Option<Owner>) -> Self {
        match owner.map(|owner| owner.actor % 8) {
            Some(0) => Self::Anew,
            Some(1 | 2) => Self::Shared,
            Some(_) | None => Self::Kept,
        }
    }
}

impl Connection {
    async fn is_ready(&mut self) -> bool {
        match self {
            Self::Http1(sender) => sender.ready().await.is_ok(),
            Self::Http2(sender) => sender.ready().await.is_ok(),
        }
    }

    async fn send(
        &mut self,
        request: http::Request<Full<Bytes>>,
    ) -> hyper::Result<Response<Incoming>> {
        match self {
            Self::Http1(sender) => sender.send_request(request).await,
            Self::Http2(sender) => sender.send_request(with_authority(request)).await,
        }
    }

    fn is_closed(&self) -> bool {
        match self {
            Self::Http1(sender) => sender.is_closed(),
            Self::Http2(sender) => sender.is_closed(),
        }
    }
}

/// The request as HTTP/2 has it: the host beside the path.
fn with_authority(mut request: http::Request<Full<Bytes>>) -> http::Request<Full<Bytes>> {
    let host = request.headers_mut().remove(HOST);
    let host = host.and_then(|host| uri::Authority::try_from(host.as_bytes()).ok());
    let mut parts = request.uri().clone().into_parts();
    parts.scheme = Some(uri::Scheme::HTTP);
    parts.authority = host.or_else(|| Some(uri::Authority::from_static("unnamed.invalid")));
    if let Ok(uri) = Uri::from_parts(parts) {
        *request.uri_mut() = uri;
    }
    request
}

fn id(headers: &HeaderMap) -> Option<Box<str>> {
    headers.get(X_REQUEST_ID)?.to_str().ok().map(Box::from)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn habits_are_drawn_by_client() {
        let owner = |actor| Owner {
            actor,
            address: IpAddr::from([240, 0, 0, 1]),
        };
        let habits = (0..8).map(|actor| Habit::of(Some(owner(actor))));
        let kept = habits.filter(|habit| *habit == Habit::Kept).count();
        assert_eq!((kept, Habit::of(None)), (5, Habit::Kept));
    }

    #[test]
    fn http2_names_the_host_beside_the_path() {
        let request = http::Request::get("/a?b=c").header("host", "shop.example");
        let request = with_authority(request.body(Full::default()).unwrap());
        assert_eq!(request.uri(), "http://shop.example/a?b=c");
        assert!(request.headers().is_empty());
    }
}
