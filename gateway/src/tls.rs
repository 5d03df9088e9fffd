//! TLS on both sides, by rustls: certificates by server name towards clients, trust towards upstreams.

pub mod ja4;
pub mod tap;

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use portcullis_config as config;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, ServerConfig, SignatureScheme};
use tokio_rustls::TlsConnector;

/// TLS towards the servers of an upstream.
pub struct ClientTls {
    /// Opens connections for HTTP/1.1.
    pub http1: TlsConnector,
    /// Opens connections for HTTP/2.
    pub http2: TlsConnector,
    /// The name the server's certificate must bear.
    pub name: ServerName<'static>,
}

/// Chooses a certificate by the name that the client asks for; the first one for everybody else.
#[derive(Debug)]
struct ByName {
    first: Arc<CertifiedKey>,
    exact: HashMap<String, Arc<CertifiedKey>>,
    wildcard: HashMap<String, Arc<CertifiedKey>>,
}

/// The server side of one listener.
///
/// # Errors
/// A sentence for the operator that names the file.
pub fn server_config(tls: &config::Tls) -> Result<Arc<ServerConfig>, String> {
    let provider = Arc::new(ring::default_provider());
    let mut by_name: Option<ByName> = None;
    for certificate in tls.all() {
        let chain = read_chain(&certificate.cert)?;
        let names = if certificate.names.is_empty() {
            names_of(&chain)
        } else {
            certificate.names.clone()
        };
        let key = Arc::new(certified_key(chain, &certificate.key, &provider)?);
        let table = by_name.get_or_insert_with(|| ByName {
            first: key.clone(),
            exact: HashMap::new(),
            wildcard: HashMap::new(),
        });
        for name in names {
            let name = name.to_ascii_lowercase();
            match name.strip_prefix("*.") {
                Some(rest) => table.wildcard.insert(rest.to_owned(), key.clone()),
                None => table.exact.insert(name, key.clone()),
            };
        }
    }
    let resolver = by_name.ok_or("tls needs a cert and a key, or a list of certificates")?;
    let mut server = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS cannot be set up: {error}"))?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(resolver));
    server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(server))
}

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let found = hello.server_name().and_then(|name| {
            let name = name.to_ascii_lowercase();
            let parent = name.split_once('.').map(|(_, parent)| parent);
            self.exact
                .get(&name)
                .or_else(|| parent.and_then(|parent| self.wildcard.get(parent)))
        });
        Some(found.unwrap_or(&self.first).clone())
    }
}

fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let pem = fs::read(path)
        .map_err(|error| format!("the certificate {} cannot be read: {error}", path.display()))?;
    let chain = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| format!("{} is no PEM certificate: {error}", path.display()))?;
    if chain.is_empty() {
        return Err(format!("{} holds no certificate", path.display()));
    }
    Ok(chain)
}

fn certified_key(
    chain: Vec<CertificateDer<'static>>,
    path: &Path,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, String> {
    let pem = fs::read(path)
        .map_err(|error| format!("the key {} cannot be read: {error}", path.display()))?;
    let key = PrivateKeyDer::from_pem_slice(&pem)
        .map_err(|error| format!("{} holds no private key in PEM: {error}", path.display()))?;
    CertifiedKey::from_der(chain, key, provider).map_err(|error| {
        format!(
            "the key {} does not go with its certificate: {error}",
            path.display()
        )
    })
}

/// The DNS names that a certificate bears, read from its subjectAltName (OID 2.5.29.17): context tag 2, IA5String.
fn names_of(chain: &[CertificateDer<'_>]) -> Vec<String> {
    const SUBJECT_ALT_NAME: &[u8] = &[0x06, 0x03, 0x55, 0x1d, 0x11];
    let Some(der) = chain.first() else {
        return Vec::new();
    };
    let Some(at) = memchr::memmem::find(der, SUBJECT_ALT_NAME) else {
        return Vec::new();
    };
    let Some(mut rest) = der.get(at + SUBJECT_ALT_NAME.len()..) else {
        return Vec::new();
    };
    // An optional BOOLEAN (critical), an OCTET STRING, a SEQUENCE of names.
    if rest.first() == Some(&0x01) {
        rest = rest.get(3..).unwrap_or_default();
    }
    let mut names = Vec::new();
    let Some((0x04, octets, _)) = der_value(rest) else {
        return names;
    };
    let Some((0x30, mut list, _)) = der_value(octets) else {
        return names;
    };
    while let Some((tag, value, next)) = der_value(list) {
        if tag == 0x82
            && let Ok(name) = std::str::from_utf8(value)
        {
            names.push(name.to_owned());
        }
        list = next;
    }
    names
}

/// One DER value: tag, content, what follows.
fn der_value(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81 => (usize::from(*rest.first()?), rest.get(1..)?),
        0x82 => (
            usize::from(u16::from_be_bytes([*rest.first()?, *rest.get(1)?])),
            rest.get(2..)?,
        ),
        _ => return None,
    };
    Some((tag, rest.get(..length)?, rest.get(length..)?))
}

impl ClientTls {
    /// The client side for one server of an upstream.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub fn build(server: &config::ServerUrl, upstream: &config::Upstream) -> Result<Self, String> {
        let name = upstream.tls.server_name.as_ref().unwrap_or(&server.host);
        Self::of(name, &upstream.tls)
    }

    /// The client side for a server of this name.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub fn of(name: &str, tls: &config::UpstreamTls) -> Result<Self, String> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|error| format!("TLS cannot be set up: {error}"))?;
        let mut client = if tls.verify {
            builder
                .with_root_certificates(roots(tls.ca.as_deref())?)
                .with_no_client_auth()
        } else {
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Unverified(provider)))
                .with_no_client_auth()
        };
        // A request is written for one protocol, so exactly that one is offered.
        client.alpn_protocols = vec![b"http/1.1".to_vec()];
        let mut http2 = client.clone();
        http2.alpn_protocols = vec![b"h2".to_vec()];
        let name = ServerName::try_from(name.to_owned())
            .map_err(|_| format!("{name:?} is no server name"))?;
        Ok(Self {
            http1: TlsConnector::from(Arc::new(client)),
            http2: TlsConnector::from(Arc::new(http2)),
            name,
        })
    }
}

fn roots(ca: Option<&Path>) -> Result<RootCertStore, String> {
    let mut store = RootCertStore::empty();
    if let Some(path) = ca {
        for certificate in read_chain(path)? {
            store
                .add(certificate)
                .map_err(|error| format!("{} cannot be trusted: {error}", path.display()))?;
        }
        return Ok(store);
    }
    store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if store.is_empty() {
        return Err(
            "this system has no trusted certificates; install ca-certificates or name a `ca` file"
                .to_owned(),
        );
    }
    Ok(store)
}

/// Believes any certificate; only where the operator wrote `verify: false`. Signatures of the handshake still count.
#[derive(Debug)]
struct Unverified(Arc<CryptoProvider>);

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
