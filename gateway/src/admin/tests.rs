//! The sockets of the admin plane, with a router of a few routes behind them.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;

use super::AdminState;
use super::serve;
use crate::metrics::Metrics;

fn plane() -> (SocketAddr, Arc<Metrics>) {
    let metrics = Metrics::new().unwrap();
    let state = Arc::new(AdminState::new(metrics.clone()));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let endless = |kind: &'static str| {
        get(move || async move {
            let bytes =
                futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b'x'; 65536]));
            ([(CONTENT_TYPE, kind)], Body::from_stream(bytes))
        })
    };
    let router = Router::new()
        .route("/alive", get(|| async { "alive" }))
        .route("/endless", endless("text/plain"))
        .route("/export", endless("text/csv; charset=utf-8"))
        .route("/live", endless("text/event-stream"));
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            serve::accept(listener, router, state).await;
        });
    });
    (address, metrics)
}

fn ask(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let patience = Some(Duration::from_secs(20));
    stream.set_read_timeout(patience).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn idle_connections_take_no_more_than_their_seats() {
    let (address, _) = plane();
    let idle: Vec<TcpStream> = (0..serve::SEATS - 1)
        .map(|_| TcpStream::connect(address).unwrap())
        .collect();
    assert!(ask(address, "/alive").contains("alive"));
    drop(idle);
    assert!(ask(address, "/alive").contains("alive"));
}

#[test]
fn who_does_not_read_loses_the_connection_and_is_counted() {
    let (address, metrics) = plane();
    let mut streams = ["/endless", "/export", "/live", "/live"].map(|path| {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: admin\r\n\r\n").unwrap();
        stream
    });
    let end = Instant::now() + serve::PATIENCE + Duration::from_secs(60);
    let counted = || {
        let text = metrics.render();
        [
            "portcullis_admin_stalled_total{sent=\"answer\"} 1",
            "portcullis_admin_stalled_total{sent=\"export\"} 1",
            "portcullis_live_dropped_total 2",
        ]
        .map(|line| text.lines().any(|found| found == line))
    };
    while counted() != [true; 3] {
        assert!(Instant::now() < end, "{:?}", counted());
        std::thread::sleep(Duration::from_millis(100));
    }
    // What the buffers hold is read, and the end comes.
    for stream in &mut streams {
        ends(stream);
    }
}

fn ends(stream: &mut TcpStream) {
    let patience = Some(Duration::from_secs(10));
    stream.set_read_timeout(patience).unwrap();
    let mut sink = vec![0; 1 << 20];
    let mut total = 0_usize;
    loop {
        match stream.read(&mut sink) {
            Ok(0) => break,
            Ok(count) => total += count,
            Err(error) => {
                let reset = error.kind() == std::io::ErrorKind::ConnectionReset;
                assert!(reset, "it ends instead of waiting: {error}");
                break;
            }
        }
        assert!(total < 1 << 30, "it goes on for ever");
    }
}

#[test]
fn a_head_without_end_is_refused() {
    let (address, _) = plane();
    let mut stream = TcpStream::connect(address).unwrap();
    let patience = Some(Duration::from_secs(20));
    stream.set_read_timeout(patience).unwrap();
    let head = format!("GET /alive HTTP/1.1\r\nx: {}\r\n", "y".repeat(256 * 1024));
    // The server may close before it has taken everything.
    let _ = stream.write_all(head.as_bytes());
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer);
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 431"),
        "{answer}"
    );
}
