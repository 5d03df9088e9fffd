//! Delivery against real receivers: servers on loopback that speak HTTP, SMTP and syslog.

use std::collections::BTreeMap;
use std::sync::Arc;

use portcullis_config::Receiver;
use portcullis_store::Database;
use portcullis_store::alerts::delivery::Progress;
use portcullis_store::alerts::detail::{Detail, count_in};
use portcullis_store::alerts::{Alert, Change, Level, Sighting, State};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

use super::*;

fn alert() -> Alert {
    let mut detail = Detail {
        why: "it has\r\nline breaks <b>and markup</b>".into(),
        ..Detail::default()
    };
    count_in(&mut detail.actions, "deny", 7);
    Alert {
        id: "a1".into(),
        rule: "attack".into(),
        tenant: String::new(),
        subject: "address:192.0.2.1".into(),
        category: "sqli".into(),
        level: Level::Critical,
        state: State::Open,
        title: "SQL injection by 192.0.2.1".into(),
        first_ms: 0,
        last_ms: 1,
        requests: 7,
        detail,
        acknowledged_by: None,
        acknowledged_ms: None,
    }
}

fn message() -> Message {
    Message::new(alert(), "opened", "https://gate.example/")
}

fn receiver(json: &str) -> Receiver {
    serde_json::from_str(json).expect("a receiver")
}

/// A web server for one request, which answers with `status`. Returns its address and what it will have read.
async fn web(status: u16) -> (String, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let task = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a client");
        let text = read_request(&mut stream).await;
        let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\n\r\n");
        stream.write_all(answer.as_bytes()).await.expect("sent");
        text
    });
    (format!("http://{address}/hook"), task)
}

async fn read_request(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let read = stream.read(&mut buffer).await.expect("bytes");
        text.extend_from_slice(&buffer[..read]);
        let whole = String::from_utf8_lossy(&text).into_owned();
        let Some((head, body)) = whole.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head.lines().find_map(|line| {
            line.to_ascii_lowercase()
                .strip_prefix("content-length: ")?
                .parse::<usize>()
                .ok()
        });
        if body.len() >= length.unwrap_or(0) {
            return whole;
        }
    }
}

#[tokio::test]
async fn a_webhook_gets_the_alert_signed() {
    let (url, seen) = web(204).await;
    let receiver = receiver(&format!(
        r#"{{"webhook":{{"url":"{url}","secret":"both sides know it"}}}}"#
    ));
    send(&receiver, &message()).await.expect("delivered");
    let request = seen.await.expect("read");
    assert!(request.starts_with("POST /hook HTTP/1.1\r\n"), "{request}");
    let (head, body) = request.split_once("\r\n\r\n").expect("a body");
    let signature = webhook::signature("both sides know it", body.as_bytes());
    assert!(
        head.contains(&format!("x-portcullis-signature: {signature}")),
        "{head}"
    );
    let json: serde_json::Value = serde_json::from_str(body).expect("JSON");
    assert_eq!(json["alert"]["title"], "SQL injection by 192.0.2.1");
    assert_eq!(json["link"], "https://gate.example/alerts/a1");
}

#[test]
fn a_signature_is_the_published_one() {
    // RFC 4231, test case 2.
    assert_eq!(
        webhook::signature("Jefe", b"what do ya want for nothing?"),
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    );
}

#[tokio::test]
async fn a_chat_gets_text_without_markup() {
    let (url, seen) = web(200).await;
    let receiver = receiver(&format!(
        r#"{{"webhook":{{"url":"{url}","format":"slack"}}}}"#
    ));
    send(&receiver, &message()).await.expect("delivered");
    let request = seen.await.expect("read");
    let body = request.split_once("\r\n\r\n").expect("a body").1;
    let json: serde_json::Value = serde_json::from_str(body).expect("JSON");
    let text = json["text"].as_str().expect("a text");
    assert!(
        text.starts_with("[CRITICAL] SQL injection by 192.0.2.1\n"),
        "{text}"
    );
    assert!(
        text.contains("Why: it has  line breaks &lt;b&gt;"),
        "{text}"
    );
}

#[tokio::test]
async fn what_is_not_taken_is_a_failure_with_its_reason() {
    let (url, _seen) = web(503).await;
    let refused = receiver(&format!(r#"{{"webhook":{{"url":"{url}"}}}}"#));
    assert_eq!(
        send(&refused, &message()).await,
        Err("the receiver answered 503".into())
    );
    let free = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = free.local_addr().expect("bound");
    drop(free);
    let gone = receiver(&format!(
        r#"{{"webhook":{{"url":"http://{address}/s3cret"}}}}"#
    ));
    let reason = send(&gone, &message()).await.expect_err("nobody is there");
    assert!(
        reason.contains("cannot be reached") && !reason.contains("s3cret"),
        "{reason}"
    );
}

/// A mail server for one mail. Returns its port and the mail.
async fn mail_server() -> (u16, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let task = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a client");
        let (reader, mut writer) = stream.into_split();
        let mut lines = BufReader::new(reader).lines();
        let mut mail = String::new();
        let mut in_data = false;
        writer.write_all(b"220 test\r\n").await.expect("sent");
        while let Ok(Some(line)) = lines.next_line().await {
            mail.push_str(&line);
            mail.push('\n');
            let answer: &[u8] = match (in_data, line.as_str()) {
                (true, ".") => {
                    in_data = false;
                    b"250 taken\r\n"
                }
                (true, _) => continue,
                (false, "DATA") => {
                    in_data = true;
                    b"354 go on\r\n"
                }
                (false, "QUIT") => {
                    writer.write_all(b"221 bye\r\n").await.expect("sent");
                    break;
                }
                _ => b"250 ok\r\n",
            };
            writer.write_all(answer).await.expect("sent");
        }
        mail
    });
    (port, task)
}

#[tokio::test]
async fn a_mail_goes_to_everybody_named() {
    let (port, seen) = mail_server().await;
    let receiver = receiver(&format!(
        r#"{{"email":{{"server":"smtp+plain://127.0.0.1:{port}","from":"Portcullis <gate@example.com>","to":["a@example.com","b@example.com"]}}}}"#
    ));
    send(&receiver, &message()).await.expect("delivered");
    let mail = seen.await.expect("read");
    for part in [
        "RCPT TO:<a@example.com>",
        "RCPT TO:<b@example.com>",
        "Subject: [CRITICAL] SQL injection by 192.0.2.1",
        "7 requests so far: deny (7).",
    ] {
        assert!(mail.contains(part), "{part}: {mail}");
    }
}

#[tokio::test]
async fn a_mail_server_that_must_encrypt_and_cannot_gets_nothing() {
    let (port, seen) = mail_server().await;
    let receiver = receiver(&format!(
        r#"{{"email":{{"server":"smtp://127.0.0.1:{port}","from":"g@example.com","to":["a@example.com"],"username":"u","password":"s3cret"}}}}"#
    ));
    let reason = send(&receiver, &message())
        .await
        .expect_err("there is no STARTTLS");
    assert!(!reason.contains("s3cret"), "{reason}");
    let said = seen.await.expect("read");
    assert!(!said.contains("AUTH") && !said.contains("DATA"), "{said}");
}

#[tokio::test]
async fn syslog_speaks_both_transports() {
    let udp = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    let address = udp.local_addr().expect("bound");
    send(
        &receiver(&format!(r#"{{"syslog":{{"server":"udp://{address}"}}}}"#)),
        &message(),
    )
    .await
    .expect("sent");
    let mut buffer = [0; 65_536];
    let (length, _) = udp.recv_from(&mut buffer).await.expect("a line");
    let line = String::from_utf8_lossy(&buffer[..length]).into_owned();
    // Facility 16, severity 2: 16 · 8 + 2.
    assert!(
        line.starts_with("<130>1 - - portcullis - alert - {") && !line.contains('\n'),
        "{line}"
    );

    let tcp = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = tcp.local_addr().expect("bound");
    let seen = tokio::spawn(async move {
        let (mut stream, _) = tcp.accept().await.expect("a client");
        let mut text = String::new();
        stream.read_to_string(&mut text).await.expect("text");
        text
    });
    send(
        &receiver(&format!(r#"{{"syslog":{{"server":"tcp://{address}"}}}}"#)),
        &message(),
    )
    .await
    .expect("sent");
    let framed = seen.await.expect("read");
    let (length, rest) = framed.split_once(' ').expect("a length");
    assert_eq!(length.parse(), Ok(rest.len()));
}

#[test]
fn waits_grow_and_end() {
    let waits: Vec<Option<i64>> = (1..=MOST_ATTEMPTS).map(wait_ms).collect();
    assert_eq!(waits[..3], [Some(10_000), Some(20_000), Some(40_000)]);
    assert_eq!(waits.last(), Some(&None));
    assert!(waits.iter().flatten().all(|wait| *wait <= WAIT_MS.1));
}

fn sighting() -> Sighting {
    Sighting {
        rule: "attack".into(),
        tenant: String::new(),
        subject: "address:192.0.2.1".into(),
        category: "sqli".into(),
        level: Level::Critical,
        title: "SQL injection by 192.0.2.1".into(),
        span_ms: (now_ms(), now_ms()),
        requests: 1,
        detail: Detail::default(),
    }
}

#[tokio::test]
async fn the_queue_is_worked_off_and_failures_are_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = Database::open_file(&folder.path().join("a.db"))
        .await
        .expect("it opens");
    let store = Alerts::new(database);
    let (url, seen) = web(200).await;
    let receivers: BTreeMap<String, Receiver> = [
        (
            "good".to_owned(),
            receiver(&format!(r#"{{"webhook":{{"url":"{url}"}}}}"#)),
        ),
        (
            "bad".to_owned(),
            receiver(r#"{"webhook":{"url":"http://127.0.0.1:1/"}}"#),
        ),
    ]
    .into();
    let (_keep, settings) = watch::channel(Arc::new(Settings {
        receivers,
        ..Settings::default()
    }));
    let id = store.note(&sighting(), 1000).await.expect("noted").alert.id;
    for name in ["good", "bad", "renamed"] {
        assert!(
            store
                .tell(&id, name, Change::Opened, (now_ms(), now_ms()), 0)
                .await
                .expect("told")
        );
    }
    let counts = Arc::new(Counts::default());
    let deliverer = Deliverer::new(
        settings,
        store.clone(),
        Arc::clone(&counts),
        Arc::default(),
        String::new(),
    );
    let task = tokio::spawn(deliverer.run());
    seen.await.expect("the good one was told");
    let end = tokio::time::Instant::now() + Duration::from_secs(10);
    let outcomes = loop {
        let list = store.deliveries(&id).await.expect("a list");
        let state = |name: &str| {
            list.iter()
                .find(|one| one.receiver == name)
                .map(|one| (one.state, one.error.clone()))
        };
        let outcomes = (state("good"), state("bad"), state("renamed"));
        let settled = matches!(&outcomes, (Some((Progress::Delivered, _)), Some((_, bad)), Some((Progress::Dead, _))) if !bad.is_empty());
        if settled || tokio::time::Instant::now() > end {
            break outcomes;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    task.abort();
    assert!(
        matches!(&outcomes.0, Some((Progress::Delivered, _))),
        "{outcomes:?}"
    );
    assert!(
        matches!(&outcomes.1, Some((Progress::Waiting, error)) if error.contains("cannot be reached")),
        "{outcomes:?}"
    );
    assert!(
        matches!(&outcomes.2, Some((Progress::Dead, error)) if error.contains("no receiver")),
        "{outcomes:?}"
    );
    assert_eq!(counts.delivered.load(Ordering::Relaxed), 1);
}
