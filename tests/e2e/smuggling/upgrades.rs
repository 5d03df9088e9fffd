//! Premature upgrades: what a client sends behind a request for a WebSocket is neither a request nor a message before
//! the origin has answered. Here the origin does grant it, on a connection that served another request before.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::{SMUGGLED, check_marked, config};
use crate::harness::client::PATIENCE;
use crate::harness::{Gateway, Origin};

/// The key and answer of RFC 6455 section 1.3.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

const GET: &[u8] = b"GET /first HTTP/1.1\r\nHost: a\r\n\r\n";

/// The text message `hi` from a client, masked with zeros, and as a server sends it.
const MASKED: &[u8] = b"\x81\x82\0\0\0\0hi";
const UNMASKED: &[u8] = b"\x81\x02hi";

#[test]
fn nothing_passes_before_the_upgrade_is_granted() {
    let (origin, early) = slow_granter();
    let gateway = Gateway::start(&config(&origin));
    let mut client = gateway.client();
    client.send(&[&handshake()[..], SMUGGLED.as_bytes()].concat());
    let response = client.response(PATIENCE).expect("an answer");
    assert_eq!(response.status, 101, "log:\n{}", gateway.log());
    let early = early.recv_timeout(PATIENCE).expect("the origin was asked");
    check_marked(&early).expect("it is marked");
    let text = String::from_utf8_lossy(&early).into_owned();
    assert!(
        text.ends_with("\r\n\r\n") && !text.contains("/smuggled"),
        "{text}"
    );
}

#[test]
fn an_upgrade_is_granted_behind_other_requests() {
    // Waiting for the answer to the first request, and not.
    for pipelined in [false, true] {
        let (origin, _early) = slow_granter();
        let gateway = Gateway::start(&config(&origin));
        let mut client = gateway.client();
        client.send(GET);
        if pipelined {
            client.send(&handshake());
        }
        let first = client.response(PATIENCE).expect("an answer");
        assert_eq!(first.status, 200);
        if !pipelined {
            client.send(&handshake());
        }
        let second = client.response(PATIENCE).expect("an answer");
        assert_eq!(second.status, 101, "log:\n{}", gateway.log());
        client.send(MASKED);
        let echoed = client.read_at_least(UNMASKED.len(), PATIENCE);
        assert_eq!(echoed, UNMASKED, "pipelined: {pipelined}");
    }
}

fn handshake() -> Vec<u8> {
    format!(
        "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n"
    )
    .into_bytes()
}

/// An origin that thinks a while before it grants a WebSocket, and tells what came in that while; then it echoes.
/// Anything else it answers with a plain 200.
fn slow_granter() -> (Origin, Receiver<Vec<u8>>) {
    let (sender, receiver) = mpsc::sync_channel(4);
    let sender = Arc::new(Mutex::new(sender));
    let origin = Origin::start(move |stream, _| {
        let told = |early| {
            let sender = sender.lock().expect("no connection panics");
            // The test may have heard enough.
            let _ = sender.try_send(early);
        };
        // An error is a connection that ended, which ends the thread as well.
        let _ = grant(stream, told);
    });
    (origin, receiver)
}

fn grant(mut stream: TcpStream, told: impl Fn(Vec<u8>)) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        while !bytes.windows(4).any(|four| four == b"\r\n\r\n") {
            read_some(&mut stream, &mut bytes)?;
        }
        if bytes.starts_with(b"GET /ws ") {
            break;
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")?;
    }
    stream.set_read_timeout(Some(Duration::from_millis(300)))?;
    // Runs into the time limit unless bytes come too early.
    let _ = read_some(&mut stream, &mut bytes);
    told(bytes);
    stream.set_read_timeout(None)?;
    let granted = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: {ACCEPT}\r\n\r\n"
    );
    stream.write_all(granted.as_bytes())?;
    let mut message = Vec::new();
    while !message.ends_with(b"hi") {
        read_some(&mut stream, &mut message)?;
    }
    stream.write_all(UNMASKED)?;
    read_some(&mut stream, &mut message)
}

fn read_some(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> std::io::Result<()> {
    let mut buffer = [0; 4096];
    match stream.read(&mut buffer)? {
        0 => Err(std::io::ErrorKind::UnexpectedEof.into()),
        count => {
            bytes.extend_from_slice(&buffer[..count]);
            Ok(())
        }
    }
}
