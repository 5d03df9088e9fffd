//! HTTP/2 on both ends, by hyper: a client with prior knowledge or over any stream, and an origin that speaks HTTP/2
//! to who begins with its preface and HTTP/1.1 to everybody else, answering gRPC streams message by message.

use std::convert::Infallible;
use std::future::Future;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, request};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http2::SendRequest;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;

use super::client::PATIENCE;

/// Any body of a test.
pub(crate) type AnyBody = UnsyncBoxBody<Bytes, Infallible>;

/// Runs a future, for at most a while.
///
/// # Panics
///
/// When it takes longer.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be made");
    runtime.block_on(async {
        tokio::time::timeout(2 * PATIENCE, future)
            .await
            .expect("it ends in time")
    })
}

/// A body that is at hand.
pub(crate) fn full(bytes: impl Into<Bytes>) -> AnyBody {
    Full::new(bytes.into()).boxed_unsync()
}

/// A body that is sent piece by piece; it ends when the sender is dropped.
pub(crate) fn streamed() -> (mpsc::Sender<Bytes>, AnyBody) {
    let (sender, receiver) = mpsc::channel::<Bytes>(16);
    let stream = futures_util::stream::unfold(receiver, |mut receiver| async move {
        let piece = receiver.recv().await?;
        Some((Ok::<_, Infallible>(Frame::data(piece)), receiver))
    });
    (sender, StreamBody::new(stream).boxed_unsync())
}

/// A connection with prior knowledge. To be called within [`block_on`].
pub(crate) async fn connect(address: SocketAddr) -> SendRequest<AnyBody> {
    let stream = tokio::net::TcpStream::connect(address)
        .await
        .expect("it listens");
    over(stream).await
}

/// The same over a stream that stands already.
pub(crate) async fn over<S>(stream: S) -> SendRequest<AnyBody>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .expect("it speaks HTTP/2");
    tokio::spawn(async move {
        // How it ends shows in the answers.
        let _ = connection.await;
    });
    sender
}

/// The next data of a body; `None` at its end, or when it broke.
pub(crate) async fn next_data(body: &mut Incoming) -> Option<Bytes> {
    loop {
        let frame = body.frame().await?.ok()?;
        if let Ok(data) = frame.into_data() {
            return Some(data);
        }
    }
}

/// One gRPC message: no compression, its length, its bytes.
pub(crate) fn message(payload: &[u8]) -> Bytes {
    let length = u32::try_from(payload.len()).expect("a short message");
    let mut bytes = vec![0];
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes.into()
}

/// An origin that echoes bodies as they come. gRPC gets trailers with a status.
pub(crate) struct EchoOrigin {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<request::Parts>>>,
    received: Arc<Mutex<Vec<u8>>>,
}

impl EchoOrigin {
    /// Starts one, on a thread that lasts as long as the test process.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        listener.set_nonblocking(true).expect("a socket option");
        let origin = Self {
            address: listener.local_addr().expect("it is bound"),
            seen: Arc::default(),
            received: Arc::default(),
        };
        let (seen, received) = (Arc::clone(&origin.seen), Arc::clone(&origin.received));
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime can be made");
            runtime.block_on(accept(listener, seen, received));
        });
        origin
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The heads of all requests.
    pub(crate) fn seen(&self) -> Vec<request::Parts> {
        self.seen.lock().expect("no server panics").clone()
    }

    /// All bytes of all bodies.
    pub(crate) fn received(&self) -> Vec<u8> {
        self.received.lock().expect("no server panics").clone()
    }
}

async fn accept(
    listener: TcpListener,
    seen: Arc<Mutex<Vec<request::Parts>>>,
    received: Arc<Mutex<Vec<u8>>>,
) {
    let listener = tokio::net::TcpListener::from_std(listener).expect("it is a listener");
    while let Ok((stream, _)) = listener.accept().await {
        let (seen, received) = (Arc::clone(&seen), Arc::clone(&received));
        tokio::spawn(async move {
            let mut first = [0; 3];
            while stream
                .peek(&mut first)
                .await
                .is_ok_and(|n| (1..3).contains(&n))
            {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            let service =
                service_fn(move |request| echo(request, Arc::clone(&seen), Arc::clone(&received)));
            let io = TokioIo::new(stream);
            // How a connection ends shows at the other end.
            if &first == b"PRI" {
                let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                let _ = builder.serve_connection(io, service).await;
            } else {
                let builder = hyper::server::conn::http1::Builder::new();
                let _ = builder.serve_connection(io, service).await;
            }
        });
    }
}

async fn echo(
    request: Request<Incoming>,
    seen: Arc<Mutex<Vec<request::Parts>>>,
    received: Arc<Mutex<Vec<u8>>>,
) -> Result<Response<AnyBody>, Infallible> {
    let (mut parts, incoming) = request.into_parts();
    parts.extensions.clear();
    let grpc = parts
        .headers
        .get("content-type")
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"));
    seen.lock().expect("no server panics").push(parts);
    let stream = futures_util::stream::unfold(Some(incoming), move |state| {
        let received = Arc::clone(&received);
        async move {
            let mut incoming = state?;
            match next_data(&mut incoming).await {
                Some(data) => {
                    received
                        .lock()
                        .expect("no server panics")
                        .extend_from_slice(&data);
                    Some((Ok::<_, Infallible>(Frame::data(data)), Some(incoming)))
                }
                None if grpc => {
                    let trailers = [("grpc-status", "0"), ("x-checksum", "abc")];
                    let trailers = trailers.map(|(name, value)| {
                        let name = http::HeaderName::from_static(name);
                        (name, HeaderValue::from_static(value))
                    });
                    Some((Ok(Frame::trailers(HeaderMap::from_iter(trailers))), None))
                }
                None => None,
            }
        }
    });
    let mut response = Response::new(StreamBody::new(stream).boxed_unsync());
    if grpc {
        let kind = HeaderValue::from_static("application/grpc");
        response.headers_mut().insert("content-type", kind);
    }
    Ok(response)
}
