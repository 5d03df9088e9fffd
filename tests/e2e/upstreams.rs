//! Several servers behind one upstream: turns, servers that are down, servers that rest; and servers behind TLS.

use std::net::{Shutdown, TcpListener};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::harness::certificates::Certificate;
use crate::harness::client::{PATIENCE, get};
use crate::harness::origin::ok;
use crate::harness::{Gateway, Origin, World};

fn named(name: &'static str) -> Origin {
    Origin::answering(move |seen| ok(seen, name))
}

/// An address where nobody listens.
fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    format!("http://{}", listener.local_addr().expect("it is bound"))
}

fn ask(gateway: &Gateway, count: usize) -> Vec<(u16, String)> {
    (0..count)
        .map(|_| get(gateway.address(), "/"))
        .map(|answer| (answer.status, answer.text()))
        .collect()
}

#[test]
fn servers_take_turns() {
    let (one, two, three) = (named("one"), named("two"), named("three"));
    let gateway = World::of(&[one.url(), two.url(), three.url()]).start();
    ask(&gateway, 9);
    assert_eq!([one.count(), two.count(), three.count()], [3, 3, 3]);
}

#[test]
fn a_server_that_is_down_costs_no_request() {
    let up = named("up");
    let gateway = World::of(&[nobody(), up.url()])
        .upstream("ejection: { failures: 2, for: 30s }")
        .start();
    for (status, text) in ask(&gateway, 12) {
        assert_eq!((status, text.as_str()), (200, "up"));
    }
}

#[test]
fn a_server_that_keeps_failing_rests_and_is_tried_again() {
    let good = named("good");
    let bad = Origin::start(|stream, _| {
        thread::sleep(Duration::from_millis(20));
        let _ = stream.shutdown(Shutdown::Both);
    });
    let gateway = World::of(&[good.url(), bad.url()])
        .upstream("ejection: { failures: 2, for: 2s }")
        .start();
    let failed = ask(&gateway, 4)
        .iter()
        .filter(|(status, _)| *status == 502)
        .count();
    assert_eq!(
        failed, 2,
        "each second request meets the bad server until it rests"
    );
    for (status, text) in ask(&gateway, 8) {
        assert_eq!(
            (status, text.as_str()),
            (200, "good"),
            "the bad server rests"
        );
    }
    thread::sleep(Duration::from_millis(2200));
    assert!(
        ask(&gateway, 2).iter().any(|(status, _)| *status == 502),
        "it is tried again"
    );
}

#[test]
fn a_client_cannot_eject_a_server() {
    let (one, two) = (named("one"), named("two"));
    let gateway = World::of(&[one.url(), two.url()])
        .upstream("ejection: { failures: 2, for: 30s }")
        .policy("limits: [], mode: \"off\"")
        .start();
    // Broken chunks in bodies that stream: the client's own fault, always on the first server's turn. Not more often
    // than would eject that one: when all rest, all are tried.
    for _ in 0..2 {
        let mut client = gateway.client();
        client.send(b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nnonsense\r\n");
        let answer = client.response(PATIENCE).expect("an answer");
        assert_eq!(answer.status, 400);
        assert_eq!(get(gateway.address(), "/").status, 200);
    }
    let texts: Vec<String> = ask(&gateway, 4).into_iter().map(|(_, text)| text).collect();
    for name in ["one", "two"] {
        assert_eq!(
            texts.iter().filter(|text| *text == name).count(),
            2,
            "{texts:?}"
        );
    }
}

#[test]
fn a_kept_connection_that_the_server_closed_costs_no_request() {
    let origin = Origin::answering(|seen| {
        let mut answer = ok(seen, "closing");
        // Says nothing of closing, and closes after each answer.
        if seen.target() == "/close" {
            answer.clear();
        }
        answer
    });
    let gateway = World::before(&origin).start();
    for _ in 0..5 {
        assert_eq!(get(gateway.address(), "/").status, 200);
        // The answer is empty, so the origin closes the connection that was kept.
        assert_eq!(get(gateway.address(), "/close").status, 502);
    }
    assert_eq!(
        get(gateway.address(), "/").status,
        200,
        "nothing is poisoned"
    );
}

/// A TLS server that answers each connection once.
fn tls_server(certificate: &Certificate) -> String {
    let key = std::fs::read(&certificate.key).expect("it was just written");
    let key = <rustls::pki_types::PrivateKeyDer<'static> as rustls::pki_types::pem::PemObject>::from_pem_slice(&key)
        .expect("openssl writes PEM");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der()], key)
        .expect("a certificate and its key");
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    thread::spawn(move || {
        use std::io::{Read, Write};
        for stream in listener.incoming().map_while(Result::ok) {
            let session = rustls::ServerConnection::new(config.clone()).expect("a session");
            let mut tls = rustls::StreamOwned::new(session, stream);
            let mut buffer = [0; 4096];
            if tls.read(&mut buffer).is_ok_and(|n| n > 0) {
                let _ = tls.write_all(
                    b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nsecret",
                );
                tls.conn.send_close_notify();
                let _ = tls.flush();
            }
        }
    });
    format!("https://{address}")
}

#[test]
fn a_server_behind_tls_must_show_the_right_certificate() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (right, wrong) = (
        Certificate::make(folder.path(), "api.test"),
        Certificate::make(folder.path(), "other.test"),
    );
    let server = tls_server(&right);
    // (trusted, name asked for, status)
    for (trusted, name, status) in [
        (&right, "api.test", 200),
        (&wrong, "api.test", 502),
        (&right, "other.test", 502),
    ] {
        let tls = format!(
            "tls: {{ ca: \"{}\", server_name: {name} }}",
            trusted.cert.display()
        );
        let gateway = World::of(std::slice::from_ref(&server))
            .upstream(&tls)
            .start();
        let answer = get(gateway.address(), "/");
        assert_eq!(answer.status, status, "{name}: {}", gateway.log());
        assert_eq!(answer.text() == "secret", status == 200);
        if status == 502 {
            assert_eq!(
                gateway.metric("portcullis_upstream_errors_total{reason=\"tls\""),
                1.0
            );
        }
    }
}
