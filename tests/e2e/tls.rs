//! TLS towards clients: the protocol by ALPN, the certificate by the name that the client asks for, and a new
//! certificate without a restart.

use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{Request, StatusCode, Version};
use http_body_util::BodyExt;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::harness::certificates::Certificate;
use crate::harness::http2::{block_on, full, over};
use crate::harness::origin::ok;
use crate::harness::{Origin, World};

/// A TLS connection that asks for `name`, offers these protocols and trusts these certificates.
async fn connect(
    address: SocketAddr,
    name: &str,
    protocols: &[&str],
    trusted: &[CertificateDer<'static>],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    for certificate in trusted {
        roots.add(certificate.clone()).expect("a certificate");
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols
        .iter()
        .map(|protocol| protocol.as_bytes().to_vec())
        .collect();
    let name = ServerName::try_from(name.to_owned()).expect("a name");
    let stream = TcpStream::connect(address).await?;
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
}

fn shown(stream: &TlsStream<TcpStream>) -> CertificateDer<'static> {
    let chain = stream
        .get_ref()
        .1
        .peer_certificates()
        .expect("a server shows its certificate");
    chain[0].clone().into_owned()
}

fn agreed(stream: &TlsStream<TcpStream>) -> Option<&[u8]> {
    stream.get_ref().1.alpn_protocol()
}

#[test]
fn alpn_chooses_the_protocol_and_the_name_chooses_the_certificate() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let first = Certificate::make(folder.path(), "first.test");
    let second = Certificate::make(folder.path(), "second.test");
    let origin = Origin::answering(|seen| ok(seen, &seen.header("x-forwarded-proto").concat()));
    let gateway = World::before(&origin)
        .listener(&format!(
            "address: \"127.0.0.1:0\", tls: {{ certificates: [{{ cert: \"{}\", key: \"{}\" }}, {{ cert: \"{}\", key: \"{}\" }}] }}",
            first.cert.display(),
            first.key.display(),
            second.cert.display(),
            second.key.display()
        ))
        .start();
    let trusted = [first.der(), second.der()];
    block_on(async {
        for (name, certificate) in [("first.test", &first), ("second.test", &second)] {
            // HTTP/2 is preferred where both are offered.
            for (protocols, expected) in [
                (&["h2", "http/1.1"][..], &b"h2"[..]),
                (&["http/1.1", "h2"], b"h2"),
                (&["http/1.1"], b"http/1.1"),
            ] {
                let stream = connect(gateway.address(), name, protocols, &trusted)
                    .await
                    .expect("a handshake");
                assert_eq!(agreed(&stream), Some(expected), "{protocols:?}");
                assert_eq!(shown(&stream), certificate.der(), "{name}");
            }
        }
        let stream = connect(gateway.address(), "second.test", &["h2"], &trusted)
            .await
            .expect("a handshake");
        let mut sender = over(stream).await;
        let request = Request::get("https://second.test/")
            .body(full(""))
            .expect("a valid request");
        let answer = sender.send_request(request).await.expect("an answer");
        assert_eq!(
            (answer.status(), answer.version()),
            (StatusCode::OK, Version::HTTP_2)
        );
        assert_eq!(
            answer
                .into_body()
                .collect()
                .await
                .expect("a body")
                .to_bytes(),
            "https"
        );

        for protocols in [&["http/1.1"][..], &[]] {
            let mut stream = connect(gateway.address(), "first.test", protocols, &trusted)
                .await
                .expect("a handshake");
            let request = b"GET / HTTP/1.1\r\nHost: first.test\r\nConnection: close\r\n\r\n";
            stream.write_all(request).await.expect("it is read");
            let mut answer = String::new();
            // Some peers end without a farewell; the answer tells whether it is whole.
            let _ = stream.read_to_string(&mut answer).await;
            assert!(
                answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("https"),
                "{protocols:?}: {answer}"
            );
        }

        // A name that nobody has gets the first certificate, which then is not the right one.
        let refused = connect(gateway.address(), "third.test", &["h2"], &trusted).await;
        assert!(refused.is_err_and(|error| error.to_string().contains("certificate")));
    });
}

#[test]
fn who_speaks_no_tls_or_nothing_is_cut_off() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let certificate = Certificate::make(folder.path(), "a.test");
    let origin = Origin::answering(|seen| ok(seen, "never"));
    let gateway = World::before(&origin)
        .listener(&format!(
            "address: \"127.0.0.1:0\", tls: {{ cert: \"{}\", key: \"{}\" }}",
            certificate.cert.display(),
            certificate.key.display()
        ))
        .with("timeouts: { tls_handshake: 500ms }")
        .start();
    let mut plain = gateway.client();
    plain.send(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
    assert!(plain.closes_within(Duration::from_secs(5)));
    let mut silent = gateway.client();
    assert!(silent.closes_within(Duration::from_secs(5)));
    for reason in ["tls-handshake", "slow-tls-handshake"] {
        gateway.await_metric(
            &format!("portcullis_connections_closed_total{{reason=\"{reason}\""),
            1.0,
        );
    }
    assert_eq!(origin.count(), 0);
}

#[test]
fn a_new_certificate_needs_only_a_reload() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (cert, key) = (
        folder.path().join("live.pem"),
        folder.path().join("live.key"),
    );
    let install = |certificate: &Certificate| {
        fs::copy(&certificate.cert, &cert).expect("a copy");
        fs::copy(&certificate.key, &key).expect("a copy");
    };
    let old = Certificate::make(folder.path(), "a.test");
    install(&old);
    let origin = Origin::answering(|seen| ok(seen, "here"));
    let gateway = World::before(&origin)
        .listener(&format!(
            "address: \"127.0.0.1:0\", tls: {{ cert: \"{}\", key: \"{}\" }}",
            cert.display(),
            key.display()
        ))
        .start();
    let before = old.der();
    let new = Certificate::make(folder.path(), "a.test");
    let trusted = [before.clone(), new.der()];
    let now = || {
        block_on(async {
            connect(gateway.address(), "a.test", &["h2"], &trusted)
                .await
                .map(|s| shown(&s))
        })
    };
    assert_eq!(now().expect("a handshake"), before);
    install(&new);
    gateway.signal("HUP");
    let end = Instant::now() + Duration::from_secs(10);
    while now().expect("a handshake") != new.der() {
        assert!(Instant::now() < end, "the old certificate is still shown");
        std::thread::sleep(Duration::from_millis(30));
    }
}
