//! The floor: a hyper proxy with nothing in it. One single-threaded runtime forwards every request to one server over
//! kept-alive connections; it inspects, limits, counts and records nothing. `make bench` prints it beside the gateway,
//! so that what the gateway adds can be told from what hyper costs. Not for use: it forwards whatever it is sent.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;
use hyper::header::{CONNECTION, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

const USAGE: &str = "usage: bare LISTEN UPSTREAM [WORKERS], the first two as address:port; with WORKERS one runtime of so \
                     many threads serves, without it one on a single thread";
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Connections to the server. One is put back as soon as it has answered, and taken again once its body is through.
struct Pool {
    server: SocketAddr,
    idle: Mutex<VecDeque<SendRequest<Incoming>>>,
}

impl Pool {
    async fn take(&self) -> Result<SendRequest<Incoming>> {
        if let Some(connection) = self.take_idle() {
            return Ok(connection);
        }
        let stream = TcpStream::connect(self.server).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(sender)
    }

    fn take_idle(&self) -> Option<SendRequest<Incoming>> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|connection| !connection.is_closed());
        let ready = idle.iter().position(SendRequest::is_ready)?;
        idle.remove(ready)
    }

    fn put_back(&self, connection: SendRequest<Incoming>) {
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push_front(connection);
    }
}

async fn forward(
    pool: &Pool,
    client: &HeaderValue,
    mut request: Request<Incoming>,
) -> Result<Response<Incoming>> {
    request.headers_mut().remove(CONNECTION);
    request.headers_mut().append(FORWARDED_FOR, client.clone());
    let mut connection = pool.take().await?;
    let mut response = connection.send_request(request).await?;
    response.headers_mut().remove(CONNECTION);
    pool.put_back(connection);
    Ok(response)
}

async fn serve(listen: SocketAddr, server: SocketAddr) -> Result<()> {
    let pool = Arc::new(Pool {
        server,
        idle: Mutex::default(),
    });
    let listener = TcpListener::bind(listen).await?;
    loop {
        let (stream, peer) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let pool = Arc::clone(&pool);
        let client = HeaderValue::try_from(peer.ip().to_string())?;
        tokio::spawn(async move {
            let service = service_fn(|request| forward(&pool, &client, request));
            let served = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            // A client that goes away is the end of its connection and nothing else.
            let _gone = served.await;
        });
    }
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut address = || -> Result<SocketAddr> { Ok(arguments.next().context(USAGE)?.parse()?) };
    let (listen, server) = (address()?, address()?);
    let mut builder = match arguments.next() {
        None => tokio::runtime::Builder::new_current_thread(),
        Some(workers) => {
            let mut builder = tokio::runtime::Builder::new_multi_thread();
            builder.worker_threads(workers.parse().context(USAGE)?);
            builder
        }
    };
    let runtime = builder.enable_all().build()?;
    // On a runtime of several threads the accept loop has to be one of its tasks to be run by them.
    runtime.block_on(async { tokio::spawn(serve(listen, server)).await? })
}
