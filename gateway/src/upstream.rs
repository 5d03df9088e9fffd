//! The services behind the gateway: one pool of connections per worker and server, so that a request never crosses a
//! thread. Servers take turns; one that keeps failing rests for a while.

pub mod connect;
pub mod spec;

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use portcullis_config::Protocol;

use self::connect::{ConnectError, Connected};
use self::spec::{ServerSpec, UpstreamSpec};
use crate::body::{BodyFate, BodyLog, Outgoing};
use crate::forward;

/// One upstream, as one worker sees it.
pub struct Upstream {
    /// What the configuration says of it.
    pub spec: Arc<UpstreamSpec>,
    servers: Vec<Rc<Server>>,
    turn: Cell<usize>,
}

/// One server of an upstream, as one worker sees it.
pub struct Server {
    spec: Arc<UpstreamSpec>,
    index: usize,
    idle: RefCell<Vec<Idle>>,
    shared: RefCell<Option<http2::SendRequest<Outgoing>>>,
    failures: Cell<u32>,
    rests_until: Cell<Option<Instant>>,
}

struct Idle {
    sender: http1::SendRequest<Outgoing>,
    since: Instant,
}

/// A connection that an answer is still arriving on. Given back when the answer has ended, closed otherwise.
pub struct Lease {
    server: Rc<Server>,
    sender: Option<http1::SendRequest<Outgoing>>,
}

/// An answer, with what it is bound to.
pub struct Answered {
    /// The answer.
    pub response: Response<Incoming>,
    /// Its connection.
    pub lease: Lease,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// No server took the connection.
    #[error("no connection: {0}")]
    Connect(#[from] ConnectError),
    /// The head of the answer did not come in time.
    #[error("no answer in time")]
    Silent,
    /// The connection broke, or the answer was malformed.
    #[error("the answer cannot be used: {0}")]
    Broken(hyper::Error),
}

impl UpstreamError {
    /// The label of `portcullis_upstream_errors_total`.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Connect(ConnectError::TimedOut) => "connect-timeout",
            Self::Connect(ConnectError::Refused(_)) => "connect",
            Self::Connect(ConnectError::Tls(_)) => "tls",
            Self::Connect(ConnectError::Handshake(_)) => "handshake",
            Self::Silent => "timeout",
            Self::Broken(error) if error.is_parse() => "malformed",
            Self::Broken(_) => "reset",
        }
    }

    /// Whether it is a matter of time.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Silent)
    }
}

impl Upstream {
    /// Pools for an upstream, none of them filled.
    pub fn new(spec: Arc<UpstreamSpec>) -> Self {
        let servers = (0..spec.servers.len())
            .map(|index| {
                Rc::new(Server {
                    spec: spec.clone(),
                    index,
                    idle: RefCell::default(),
                    shared: RefCell::default(),
                    failures: Cell::new(0),
                    rests_until: Cell::new(None),
                })
            })
            .collect();
        Self {
            spec,
            servers,
            turn: Cell::new(0),
        }
    }

    /// The server whose turn it is. When all of them rest, resting is no help and the turn goes on as usual.
    pub fn choose(&self) -> &Rc<Server> {
        let count = self.servers.len();
        let turn = self.turn.get();
        self.turn.set(turn.wrapping_add(1));
        if count == 1 {
            return &self.servers[0];
        }
        (0..count)
            .map(|offset| &self.servers[turn.wrapping_add(offset) % count])
            .find(|server| !server.rests())
            .unwrap_or(&self.servers[turn % count])
    }

    /// Whether a request is sent in HTTP/2.
    pub fn speaks_http2(&self, grpc: bool) -> bool {
        match self.spec.protocol {
            Protocol::Http1 => false,
            Protocol::Http2 => true,
            Protocol::Auto => grpc,
        }
    }

    /// The target as `server` gets it: origin form in HTTP/1, with scheme and authority in HTTP/2.
    pub fn target(
        &self,
        server: &Server,
        uri: &http::Uri,
        headers: &http::HeaderMap,
        http2: bool,
    ) -> http::Uri {
        if !http2 {
            return forward::target(uri, None, &http::uri::Scheme::HTTP);
        }
        let spec = server.server_spec();
        let scheme = if spec.tls.is_some() {
            http::uri::Scheme::HTTPS
        } else {
            http::uri::Scheme::HTTP
        };
        let host = headers.get(http::header::HOST);
        let authority = host.and_then(|host| http::uri::Authority::try_from(host.as_bytes()).ok());
        forward::target(
            uri,
            Some(&authority.unwrap_or_else(|| spec.uri_authority.clone())),
            &scheme,
        )
    }

    /// Sends a request to `server`, and to the next ones while no connection can be had.
    ///
    /// # Errors
    /// When no server answers; see [`UpstreamError`].
    pub async fn send(
        &self,
        mut server: Rc<Server>,
        mut request: Request<Outgoing>,
        http2: bool,
        body: &BodyLog,
    ) -> Result<Answered, UpstreamError> {
        let mut left = self.servers.len();
        loop {
            left -= 1;
            match server.try_send(request, http2, body).await {
                Ok(answered) => {
                    server.succeeded();
                    return Ok(answered);
                }
                Err((error, unsent)) => {
                    // No server rests for a client that broke off.
                    if body.fate.get() == BodyFate::Whole {
                        server.failed();
                    }
                    match unsent {
                        Some(unsent) if left > 0 => request = unsent,
                        _ => return Err(error),
                    }
                    server = self.choose().clone();
                }
            }
        }
    }

    /// Drops connections that were not used for long.
    pub fn sweep(&self) {
        for server in &self.servers {
            let limit = server.spec.idle_timeout;
            server
                .idle
                .borrow_mut()
                .retain(|idle| !idle.sender.is_closed() && idle.since.elapsed() < limit);
        }
    }
}

type Unsent = (UpstreamError, Option<Request<Outgoing>>);

impl Server {
    /// What the configuration says of it.
    pub fn server_spec(&self) -> &ServerSpec {
        &self.spec.servers[self.index]
    }

    fn rests(&self) -> bool {
        self.rests_until
            .get()
            .is_some_and(|until| Instant::now() < until)
    }

    fn succeeded(&self) {
        self.failures.set(0);
    }

    fn failed(&self) {
        let failures = self.failures.get() + 1;
        self.failures.set(failures);
        if self.spec.ejection_failures > 0 && failures >= self.spec.ejection_failures {
            self.failures.set(0);
            self.rests_until
                .set(Some(Instant::now() + self.spec.ejection_time));
            if self.spec.servers.len() > 1 {
                tracing::warn!(server = %self.server_spec().authority, "server failed repeatedly and rests");
            }
        }
    }

    async fn try_send(
        self: &Rc<Self>,
        mut request: Request<Outgoing>,
        http2: bool,
        body: &BodyLog,
    ) -> Result<Answered, Unsent> {
        // A kept connection may have died in this moment; hyper then hands the request back, and the next is tried.
        // Those of the other version are for other requests: where gRPC and plain requests share an upstream there are
        // both kinds.
        while !http2 && let Some(mut sender) = self.take_idle() {
            match self.in_time(sender.try_send_request(request), body).await {
                Ok(response) => return Ok(self.answered(response, Some(sender))),
                Err((_, Some(unsent))) => request = unsent,
                Err(failed) => return Err(failed),
            }
        }
        if http2 && let Some(mut shared) = self.take_shared() {
            match self.in_time(shared.try_send_request(request), body).await {
                Ok(response) => return Ok(self.answered(response, None)),
                Err((_, Some(unsent))) => {
                    *self.shared.borrow_mut() = None;
                    request = unsent;
                }
                Err(failed) => return Err(failed),
            }
        }
        match self.connect(http2).await {
            Err(error) => Err((error.into(), Some(request))),
            Ok(Connected::Http1(mut sender)) => {
                let response = self.in_time(sender.try_send_request(request), body).await?;
                Ok(self.answered(response, Some(sender)))
            }
            Ok(Connected::Http2(mut sender)) => {
                *self.shared.borrow_mut() = Some(sender.clone());
                let response = self.in_time(sender.try_send_request(request), body).await?;
                Ok(self.answered(response, None))
            }
        }
    }

    fn answered(
        self: &Rc<Self>,
        response: Response<Incoming>,
        sender: Option<http1::SendRequest<Outgoing>>,
    ) -> Answered {
        Answered {
            response,
            lease: Lease {
                server: self.clone(),
                sender,
            },
        }
    }

    /// Waits for the head of the answer. While the request's body is still arriving the upstream is not late.
    async fn in_time<F>(&self, answer: F, body: &BodyLog) -> Result<Response<Incoming>, Unsent>
    where
        F: Future<
            Output = Result<
                Response<Incoming>,
                hyper::client::conn::TrySendError<Request<Outgoing>>,
            >,
        >,
    {
        let mut answer = std::pin::pin!(answer);
        loop {
            let was_arriving = body.arriving.get();
            match tokio::time::timeout(self.spec.first_byte, answer.as_mut()).await {
                Err(_) if was_arriving && body.fate.get() == BodyFate::Whole => {}
                Err(_) => return Err((UpstreamError::Silent, None)),
                Ok(Err(mut error)) => {
                    let unsent = error.take_message();
                    return Err((UpstreamError::Broken(error.into_error()), unsent));
                }
                Ok(Ok(response)) => return Ok(response),
            }
        }
    }

    fn take_idle(&self) -> Option<http1::SendRequest<Outgoing>> {
        let mut idle = self.idle.borrow_mut();
        let mut busy = Vec::new();
        let mut found = None;
        while let Some(kept) = idle.pop() {
            if kept.sender.is_closed() {
                continue;
            }
            if kept.sender.is_ready() {
                found = Some(kept.sender);
                break;
            }
            // Its last answer has ended, but its task has not run since.
            busy.push(kept);
        }
        idle.append(&mut busy);
        found
    }

    fn take_shared(&self) -> Option<http2::SendRequest<Outgoing>> {
        let mut shared = self.shared.borrow_mut();
        if shared.as_ref().is_some_and(http2::SendRequest::is_closed) {
            *shared = None;
        }
        shared.clone()
    }

    async fn connect(&self, http2: bool) -> Result<Connected, ConnectError> {
        let http2 = match self.spec.protocol {
            Protocol::Http1 => false,
            Protocol::Http2 => true,
            Protocol::Auto => http2,
        };
        match tokio::time::timeout(self.spec.connect, connect::open(self.server_spec(), http2))
            .await
        {
            Err(_) => Err(ConnectError::TimedOut),
            Ok(connected) => connected,
        }
    }
}

impl Lease {
    /// Keeps the connection for another request.
    pub fn give_back(mut self) {
        let Some(sender) = self.sender.take() else {
            return;
        };
        let mut idle = self.server.idle.borrow_mut();
        if !sender.is_closed() && idle.len() < self.server.spec.idle_connections {
            idle.push(Idle {
                sender,
                since: Instant::now(),
            });
        }
    }
}

/// How long a worker leaves its pools alone between two sweeps.
pub const SWEEP_EVERY: Duration = Duration::from_secs(1);
