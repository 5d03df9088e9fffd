//! Opening a connection to a server: name, TCP, TLS, HTTP.

use std::io;

use hyper::client::conn::{http1, http2};
use hyper::rt::{Read, Write};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;

use super::spec::ServerSpec;
use crate::body::Outgoing;
use crate::connection::LocalExecutor;

/// A fresh connection.
pub enum Connected {
    /// HTTP/1.1, one request at a time.
    Http1(http1::SendRequest<Outgoing>),
    /// HTTP/2, many.
    Http2(http2::SendRequest<Outgoing>),
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// It took longer than the policy allows.
    #[error("not connected in time")]
    TimedOut,
    /// The name does not resolve, or nobody listens.
    #[error("{0}")]
    Refused(io::Error),
    /// The TLS handshake failed.
    #[error("TLS: {0}")]
    Tls(io::Error),
    /// The HTTP handshake failed.
    #[error("HTTP: {0}")]
    Handshake(hyper::Error),
}

/// The largest head of an answer that is accepted, in bytes.
const MAX_ANSWER_HEAD: usize = 128 * 1024;

/// Opens a connection. `http2`: speak that, by ALPN over TLS and with prior knowledge without.
///
/// # Errors
/// See [`ConnectError`].
pub async fn open(server: &ServerSpec, http2: bool) -> Result<Connected, ConnectError> {
    let stream = TcpStream::connect((server.host.as_str(), server.port))
        .await
        .map_err(ConnectError::Refused)?;
    // Small writes must not wait for acknowledgements; a system that cannot do that is merely slower.
    let _ = stream.set_nodelay(true);
    let Some(tls) = &server.tls else {
        return handshake(TokioIo::new(stream), http2).await;
    };
    let connector = if http2 { &tls.http2 } else { &tls.http1 };
    let stream = connector
        .connect(tls.name.clone(), stream)
        .await
        .map_err(ConnectError::Tls)?;
    handshake(TokioIo::new(stream), http2).await
}

async fn handshake<I>(io: I, http2: bool) -> Result<Connected, ConnectError>
where
    I: Read + Write + Unpin + Send + 'static,
{
    if http2 {
        let (sender, connection) = http2::Builder::new(LocalExecutor)
            .timer(TokioTimer::new())
            .keep_alive_interval(std::time::Duration::from_secs(30))
            .max_header_list_size(64 * 1024)
            .handshake(io)
            .await
            .map_err(ConnectError::Handshake)?;
        tokio::task::spawn_local(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "HTTP/2 connection to a server ended");
            }
        });
        return Ok(Connected::Http2(sender));
    }
    let (sender, connection) = http1::Builder::new()
        .max_buf_size(MAX_ANSWER_HEAD)
        .handshake(io)
        .await
        .map_err(ConnectError::Handshake)?;
    tokio::task::spawn_local(async move {
        if let Err(error) = connection.with_upgrades().await {
            tracing::debug!(%error, "connection to a server ended");
        }
    });
    Ok(Connected::Http1(sender))
}
