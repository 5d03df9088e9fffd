//! The sockets of the admin plane, with a router of two routes behind them.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;

use super::AdminState;
use super::serve;
use crate::metrics::Metrics;

fn plane() -> SocketAddr {
    let state = Arc::new(AdminState::new(Metrics::new().unwrap()));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let endless = || async {
        let bytes =
            futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b'x'; 65536]));
        axum::body::Body::from_stream(bytes)
    };
    let router = Router::new()
        .route("/alive", get(|| async { "alive" }))
        .route("/endless", get(endless));
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
    address
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
    let address = plane();
    let idle: Vec<TcpStream> = (0..serve::SEATS - 1)
        .map(|_| TcpStream::connect(address).unwrap())
        .collect();
    assert!(ask(address, "/alive").contains("alive"));
    drop(idle);
    assert!(ask(address, "/alive").contains("alive"));
}

#[test]
fn who_does_not_read_loses_the_connection() {
    let address = plane();
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET /endless HTTP/1.1\r\nhost: admin\r\n\r\n").unwrap();
    // Longer than the patience of the server; then what the buffers hold is read, and the end comes.
    std::thread::sleep(serve::PATIENCE + Duration::from_secs(2));
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
    let address = plane();
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
