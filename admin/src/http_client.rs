//! One request to a server of the operator's choosing, for webhooks: a connection of its own, TLS verified against the
//! system's certificates, no redirects, and of the answer the status alone. Seldom used, so nothing is kept open.

use std::sync::{Arc, LazyLock};

use axum::body::Bytes;
use axum::http::{HeaderName, HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// A request to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    method: Method,
    url: String,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Outgoing {
    /// POST with a body.
    pub(crate) fn post(url: &str, content_type: &str, body: String) -> Self {
        Self {
            method: Method::POST,
            url: url.to_owned(),
            headers: vec![("content-type", content_type.to_owned())],
            body,
        }
    }

    /// One more header.
    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    fn request(self, uri: &Uri) -> Result<Request<Full<Bytes>>, String> {
        // Without a name and password, should the address hold them: no header of ours repeats a secret.
        let name = uri.host().unwrap_or_default();
        let host = match uri.port() {
            Some(port) => format!("{name}:{port}"),
            None => name.to_owned(),
        };
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let mut request = Request::builder()
            .method(self.method)
            .uri(path)
            .header("host", host)
            .header("user-agent", "portcullis");
        for (name, value) in self.headers {
            let value = HeaderValue::from_str(&value)
                .map_err(|_| format!("the header {name} cannot be sent"))?;
            request = request.header(HeaderName::from_static(name), value);
        }
        request
            .body(Full::from(self.body))
            .map_err(|error| error.to_string())
    }
}

/// Sends it and says what status came back; the caller bounds the time.
///
/// # Errors
/// A sentence without the address, which may be a secret.
pub(crate) async fn send(outgoing: Outgoing) -> Result<StatusCode, String> {
    let uri: Uri = outgoing
        .url
        .parse()
        .map_err(|_| "the address is none".to_owned())?;
    let host = uri.host().ok_or("the address names no host")?.to_owned();
    let secure = uri.scheme_str() == Some("https");
    let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let unreachable = |error: std::io::Error| format!("the server cannot be reached: {error}");
    let stream = TcpStream::connect((bare, port))
        .await
        .map_err(unreachable)?;
    let request = outgoing.request(&uri)?;
    if !secure {
        return exchange(stream, request).await;
    }
    let name = ServerName::try_from(bare.to_owned())
        .map_err(|_| "the host's name cannot be verified".to_owned())?;
    let stream = TlsConnector::from(tls()?)
        .connect(name, stream)
        .await
        .map_err(unreachable)?;
    exchange(stream, request).await
}

async fn exchange<S>(stream: S, request: Request<Full<Bytes>>) -> Result<StatusCode, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let broken = |error: hyper::Error| format!("the connection broke off: {error}");
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(broken)?;
    let connection = tokio::spawn(connection);
    let answer = sender.send_request(request).await.map_err(broken)?;
    connection.abort();
    Ok(answer.status())
}

fn tls() -> Result<Arc<ClientConfig>, String> {
    static TLS: LazyLock<Result<Arc<ClientConfig>, String>> = LazyLock::new(|| {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Arc::new(config))
    });
    TLS.clone()
}
