//! Requests of our own, to the provider of single sign-on: one connection each, over hyper and rustls, with a bound on
//! time and size, and without following redirects, which would let a provider send us anywhere.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper::header::HOST;
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// How long a request may take, from the look-up of the name to the last byte.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest answer that is read.
const MOST_BYTES: usize = 1 << 20;

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum FetchError {
    /// The URL has no host, or another scheme than http and https.
    #[error("{0} is no http or https URL")]
    Url(Uri),
    /// It took too long.
    #[error("there was no answer within {} s", PATIENCE.as_secs())]
    Late,
    /// The connection failed.
    #[error("the connection failed")]
    Connection(#[from] io::Error),
    /// The certificates to believe cannot be read.
    #[error("the certificates cannot be read: {0}")]
    Certificates(String),
    /// What came is no HTTP.
    #[error("no HTTP came back")]
    Http(#[from] hyper::Error),
    /// The answer is too long, or broke off.
    #[error("the answer is longer than {MOST_BYTES} bytes, or broke off")]
    Body,
}

/// What servers are believed by: the system's certificates and those in `authorities` (PEM).
///
/// # Errors
/// When `authorities` cannot be read.
pub fn tls(authorities: &[u8]) -> Result<Arc<ClientConfig>, FetchError> {
    let unreadable = |error: String| FetchError::Certificates(error);
    let mut roots = RootCertStore::empty();
    // Certificates of the system that cannot be read are its owner's business; the others still count.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    for certificate in CertificateDer::pem_slice_iter(authorities) {
        let certificate = certificate.map_err(|error| unreadable(error.to_string()))?;
        roots
            .add(certificate)
            .map_err(|error| unreadable(error.to_string()))?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| unreadable(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// Sends a request and reads the whole answer.
///
/// # Errors
/// When there is none in time.
pub async fn fetch(
    request: Request<Vec<u8>>,
    tls: Arc<ClientConfig>,
) -> Result<Response<Vec<u8>>, FetchError> {
    tokio::time::timeout(PATIENCE, exchange(request, tls))
        .await
        .map_err(|_| FetchError::Late)?
}

async fn exchange(
    mut request: Request<Vec<u8>>,
    tls: Arc<ClientConfig>,
) -> Result<Response<Vec<u8>>, FetchError> {
    let url = request.uri().clone();
    let wrong = || FetchError::Url(url.clone());
    let (host, usual) = match (url.host(), url.scheme_str()) {
        (Some(host), Some("http")) => (host, 80),
        (Some(host), Some("https")) => (host, 443),
        _ => return Err(wrong()),
    };
    let host = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .to_owned();
    let authority = url.authority().ok_or_else(wrong)?;
    let named = authority.as_str().parse().map_err(|_| wrong())?;
    request.headers_mut().insert(HOST, named);
    let target = url.path_and_query().map_or("/", |target| target.as_str());
    *request.uri_mut() = target.parse().map_err(|_| wrong())?;
    let port = url.port_u16().unwrap_or(usual);
    let stream = TcpStream::connect((host.as_str(), port)).await?;
    if usual == 80 {
        return talk(stream, request).await;
    }
    let name = ServerName::try_from(host).map_err(|_| wrong())?;
    talk(
        TlsConnector::from(tls).connect(name, stream).await?,
        request,
    )
    .await
}

async fn talk<S>(stream: S, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, FetchError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let asking = async move {
        let response = sender
            .send_request(request.map(|body| Full::new(Bytes::from(body))))
            .await?;
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, MOST_BYTES).collect().await;
        let body = body.map_err(|_| FetchError::Body)?.to_bytes();
        Ok(Response::from_parts(parts, body.to_vec()))
    };
    tokio::pin!(asking, connection);
    tokio::select! {
        answer = &mut asking => answer,
        // The connection may end with the last byte of the answer, which has been handed on by then.
        ended = &mut connection => {
            ended?;
            asking.await
        }
    }
}
