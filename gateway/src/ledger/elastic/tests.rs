use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use portcullis_store::{Batch, Entry, Feed, Tally};

use super::*;

/// A server that speaks the bulk interface: keeps what it takes by index and id, and misbehaves as it is told.
#[derive(Clone, Default)]
struct Server {
    kept: Arc<Mutex<BTreeMap<String, serde_json::Value>>>,
    /// What becomes of the next requests, the first first; afterwards all are taken.
    plan: Arc<Mutex<Vec<Mood>>>,
    heads: Arc<Mutex<Vec<String>>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Mood {
    /// The whole request: 429, come back later.
    Busy,
    /// Every other document: 429 in the answer's items.
    Partly,
    /// Documents are taken, but the connection ends before the answer.
    Silent,
    /// More than ten documents are too many.
    Narrow,
    /// The documents of ids that end in 7 do not fit the fields.
    Picky,
}

impl Server {
    fn start(plan: &[Mood]) -> (Self, u16) {
        let server = Self::default();
        *server.plan.lock().unwrap() = plan.to_vec();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = server.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = shared.clone();
                thread::spawn(move || shared.serve(stream));
            }
        });
        (server, port)
    }

    fn serve(&self, stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut stream = stream;
        loop {
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                if reader.read_line(&mut head).unwrap_or(0) == 0 {
                    return;
                }
            }
            let length = head
                .lines()
                .find_map(|line| {
                    line.to_ascii_lowercase()
                        .strip_prefix("content-length: ")?
                        .parse::<usize>()
                        .ok()
                })
                .unwrap();
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            self.heads.lock().unwrap().push(head);
            let Some(answer) = self.answer(std::str::from_utf8(&body).unwrap()) else {
                return;
            };
            stream.write_all(answer.as_bytes()).unwrap();
        }
    }

    fn answer(&self, body: &str) -> Option<String> {
        let mood = {
            let mut plan = self.plan.lock().unwrap();
            (!plan.is_empty()).then(|| plan.remove(0))
        };
        let lines: Vec<&str> = body.lines().collect();
        assert!(
            body.ends_with('\n') && lines.len().is_multiple_of(2),
            "actions and documents in turn"
        );
        match mood {
            Some(Mood::Busy) => {
                return Some(
                    "HTTP/1.1 429 Too Many Requests\r\nretry-after: 0\r\ncontent-length: 0\r\n\r\n"
                        .into(),
                );
            }
            Some(Mood::Narrow) if lines.len() > 20 => {
                return Some("HTTP/1.1 413 Content Too Large\r\ncontent-length: 0\r\n\r\n".into());
            }
            _ => {}
        }
        let mut items = Vec::new();
        for (at, pair) in lines.chunks(2).enumerate() {
            let action: serde_json::Value = serde_json::from_str(pair[0]).unwrap();
            let document: serde_json::Value = serde_json::from_str(pair[1]).unwrap();
            let (index, id) = (
                &action["create"]["_index"],
                action["create"]["_id"].as_str().unwrap(),
            );
            let key = format!("{}/{id}", index.as_str().unwrap());
            let mut kept = self.kept.lock().unwrap();
            let status = match mood {
                Some(Mood::Partly) if at % 2 == 1 => 429,
                Some(Mood::Picky) if id.ends_with('7') => 400,
                _ if kept.contains_key(&key) => 409,
                _ => {
                    kept.insert(key, document);
                    201
                }
            };
            items.push(serde_json::json!({ "create": { "_id": id, "status": status } }));
        }
        if mood == Some(Mood::Silent) {
            return None;
        }
        let errors = items.iter().any(|item| item["create"]["status"] != 201);
        let json = serde_json::json!({ "took": 1, "errors": errors, "items": items }).to_string();
        Some(format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{json}",
            json.len()
        ))
    }
}

/// Sends a hundred records to a server of such moods, until `enough` are taken or lost.
async fn send(plan: &[Mood], api_key: Option<&str>) -> (Server, Arc<Tally>) {
    let (server, port) = Server::start(plan);
    let settings = Elasticsearch {
        url: format!("http://127.0.0.1:{port}").parse().unwrap(),
        prefix: "test".into(),
        username: api_key.is_none().then(|| "me".to_owned()),
        password: api_key.is_none().then(|| "secret".to_owned()),
        api_key: api_key.map(str::to_owned),
        queue: 1000,
    };
    let tally = Arc::new(Tally::default());
    let documents = Documents::new(settings.queue, tally.clone());
    let feed = Feed::new(tally.clone());
    let elastic = Elastic::new(&settings).unwrap();
    let subscription = feed.subscribe();
    let batch: Batch = (0..100)
        .map(|n| {
            Entry::read(&format!(
                r#"{{"id":"id-{n}","time":"2026-11-20T20:40:32.180Z","status":200}}"#
            ))
            .unwrap()
        })
        .collect();
    feed.publish(&batch);
    let enough = async {
        while tally.sink_sent.now() + tally.sink_lost.now() < 100 {
            sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::select! {
        () = elastic.run(subscription, &documents, "gate-1") => {}
        outcome = timeout(Duration::from_secs(60), enough) => outcome.expect("all are sent or lost"),
    }
    (server, tally)
}

#[tokio::test]
async fn every_document_arrives_once_whatever_the_server_does() {
    for plan in [
        &[][..],
        &[Mood::Busy, Mood::Busy],
        &[Mood::Partly, Mood::Partly, Mood::Busy],
        &[Mood::Silent],
        &[Mood::Narrow; 5],
    ] {
        let (server, tally) = send(plan, None).await;
        assert_eq!((tally.sink_sent.now(), tally.sink_lost.now()), (100, 0));
        let kept = server.kept.lock().unwrap();
        assert_eq!(kept.len(), 100);
        assert_eq!(kept["test-records/id-42"]["event"]["id"], "id-42");
        let head = &server.heads.lock().unwrap()[0];
        assert!(head.contains("authorization: Basic bWU6c2VjcmV0"), "{head}");
    }
}

#[tokio::test]
async fn what_does_not_fit_is_lost_alone_and_counted() {
    let (server, tally) = send(&[Mood::Picky], Some("abc==")).await;
    assert_eq!((tally.sink_sent.now(), tally.sink_lost.now()), (90, 10));
    assert_eq!(server.kept.lock().unwrap().len(), 90);
    assert!(server.heads.lock().unwrap()[0].contains("authorization: ApiKey abc=="));
}
