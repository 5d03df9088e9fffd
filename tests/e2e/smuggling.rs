//! Request smuggling. The gateway adds a secret header to every request it forwards, so whatever an origin takes for
//! a request and finds without it was smuggled past the gateway. Beside that: what must be refused is refused and the
//! connection closed, and nothing that two parsers could read in two ways reaches the origin at all.

mod chunks;
mod dirt;
mod frames;
mod heads;
mod http2;
mod lengths;
mod pipelines;
mod upgrades;

use std::cell::RefCell;
use std::time::{Duration, Instant};

use crate::harness::client::PATIENCE;
use crate::harness::origin::ok;
use crate::harness::{Client, Gateway, Origin};

/// Bytes to send over one HTTP/1 connection, and what must come of them.
struct Payload {
    family: &'static str,
    name: String,
    bytes: Vec<u8>,
    expect: Expect,
}

/// What must come of a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expect {
    /// So many requests reach the origin whole, each answered with 200.
    Forward(usize),
    /// After so many of those an error is answered and the connection closed; nothing else reaches the origin
    /// whole.
    Refuse(usize),
    /// The message never becomes whole and the client stops sending: nothing whole reaches the origin, and the
    /// connection closes without a 2xx.
    Cut,
}

/// What the gateway adds, and what no client knows.
const MARKER: (&str, &str) = ("x-gateway", "open-sesame-7f3a");

/// What a smuggler would like the origin to see.
const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";

#[test]
fn http1_payloads() {
    let world = World::start();
    let mut payloads = lengths::payloads();
    payloads.extend(chunks::payloads());
    payloads.extend(heads::payloads());
    payloads.extend(pipelines::payloads());
    assert!(payloads.len() >= 150, "only {} payloads", payloads.len());
    let faults: Vec<String> = payloads
        .iter()
        .flat_map(|payload| [(payload, false), (payload, true)])
        .filter_map(|(payload, warm)| {
            let fault = world.try_payload(payload, warm).err()?;
            let state = if warm { "kept alive" } else { "fresh" };
            Some(format!(
                "{}: {} ({state}): {fault}",
                payload.family, payload.name
            ))
        })
        .collect();
    println!(
        "{} HTTP/1 payloads, {} faults",
        payloads.len(),
        faults.len()
    );
    assert!(faults.is_empty(), "{}", faults.join("\n"));

    // Each refusal is counted by its reason, and leaves a record.
    let refused = |payload: &&Payload| matches!(payload.expect, Expect::Refuse(_));
    let refused = 2 * payloads.iter().filter(refused).count();
    let counted = world.gateway.metric("portcullis_protocol_errors_total");
    assert!(
        counted >= refused as f64,
        "{refused} refusals, {counted} in the metric"
    );
    let recorded = || {
        let records = world.gateway.records().into_iter();
        records
            .filter(|record| record["outcome"] == "refused")
            .count()
    };
    let end = Instant::now() + PATIENCE;
    while recorded() < refused && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(
        recorded() >= refused,
        "{refused} refusals, {} records",
        recorded()
    );
}

#[test]
fn http2_payloads() {
    let world = World::start();
    let cases = http2::cases();
    let faults: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            let fault = world.try_http2(case).err()?;
            Some(format!("{}: {fault}", case.name))
        })
        .collect();
    println!("{} HTTP/2 payloads, {} faults", cases.len(), faults.len());
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// A gateway in front of a recording origin.
struct World {
    gateway: Gateway,
    origin: Origin,
    /// By connection of the origin: how many of its requests, and of the bytes behind them, were judged already, so that
    /// each fault is told once, of the payload that caused it.
    judged: RefCell<Vec<(usize, usize)>>,
}

impl World {
    fn start() -> Self {
        let origin = Origin::answering(|seen| ok(seen, "ok"));
        let gateway = Gateway::start(&config(&origin));
        Self {
            gateway,
            origin,
            judged: RefCell::default(),
        }
    }

    /// Sends a payload on a connection of its own, which has served a good request before if `warm`.
    fn try_payload(&self, payload: &Payload, warm: bool) -> Result<(), String> {
        let mut client = self.gateway.client();
        if warm {
            client.send(b"GET /warm HTTP/1.1\r\nHost: a\r\n\r\n");
            if client
                .response(PATIENCE)
                .is_none_or(|warm| warm.status != 200)
            {
                return Err("the request before it was not answered".into());
            }
        }
        let before = self.origin.count();
        client.send(&payload.bytes);
        if payload.expect == Expect::Cut {
            client.finish();
        }
        let head = payload.bytes.starts_with(b"HEAD ");
        let whole = match payload.expect {
            Expect::Forward(count) => {
                let statuses = statuses(&mut client, head, count);
                if statuses != vec![200; count] {
                    return Err(format!("answered {statuses:?}, not {count} times 200"));
                }
                count
            }
            Expect::Refuse(count) => {
                let statuses = statuses(&mut client, head, count + 1);
                let refused = matches!(statuses.last(), Some(400..=599));
                if statuses.len() != count + 1
                    || !refused
                    || statuses[..count].iter().any(|&s| s != 200)
                {
                    return Err(format!("answered {statuses:?}, not refused"));
                }
                if !client.closes_within(PATIENCE) {
                    return Err("refused but left open".into());
                }
                count
            }
            Expect::Cut => {
                let statuses = statuses(&mut client, head, 1);
                if !client.closes_within(PATIENCE) {
                    return Err("left open".into());
                }
                if statuses.iter().any(|status| *status < 400) {
                    return Err(format!("answered {statuses:?}"));
                }
                0
            }
        };
        self.check_origin(before + whole)
    }

    fn try_http2(&self, case: &http2::Case) -> Result<(), String> {
        let before = self.origin.count();
        let mut client = self.gateway.client();
        client.send(&case.bytes);
        let answer = frames::read_answer(&mut client);
        let whole = match case.forward {
            true if answer != frames::Answer::Ok => return Err(format!("{answer:?}, not 200")),
            true => 1,
            false if answer == frames::Answer::Ok => return Err("answered 200".into()),
            false if answer == frames::Answer::Silence => return Err("not answered".into()),
            false => 0,
        };
        self.check_origin(before + whole)
    }

    /// The invariants: so many whole requests, each with the marker, none of them dirty, and no bytes behind
    /// them but the clean beginning of a marked one.
    fn check_origin(&self, count: usize) -> Result<(), String> {
        if !self.origin.await_count(count, PATIENCE) {
            return Err(format!(
                "{} requests at the origin, not {count}",
                self.origin.count()
            ));
        }
        // What was smuggled may come a moment after what was not.
        std::thread::sleep(Duration::from_millis(3));
        let connections = self.origin.connections();
        let mut judged = self.judged.borrow_mut();
        judged.resize(connections.len(), (0, 0));
        let mut fresh = Vec::new();
        let mut rests = Vec::new();
        for (connection, (requests, rest)) in connections.iter().zip(judged.iter_mut()) {
            fresh.extend(&connection.requests[*requests..]);
            if connection.rest.len() > *rest {
                rests.push(&connection.rest);
            }
            (*requests, *rest) = (connection.requests.len(), connection.rest.len());
        }
        for seen in &fresh {
            check_marked(&seen.head)?;
            dirt::check(&seen.head)?;
            dirt::check_body(&seen.body)?;
        }
        for rest in rests {
            check_marked(rest)?;
        }
        let total = self.origin.count();
        if total != count {
            let targets: Vec<_> = fresh.iter().map(|seen| seen.target()).collect();
            return Err(format!(
                "{total} requests at the origin, not {count}; new: {targets:?}"
            ));
        }
        Ok(())
    }
}

/// A gateway that adds the marker and inspects nothing: framing is refused in every mode.
fn config(origin: &Origin) -> String {
    let (name, value) = MARKER;
    let url = origin.url();
    format!(
        "listeners:
  - address: 127.0.0.1:0
admin:
  address: 127.0.0.1:0
records:
  output: \"{{folder}}/records.jsonl\"
rules:
  directory: \"{{folder}}/rules\"
upstreams:
  api:
    servers: [\"{url}\"]
    request_headers: {{ set: {{ {name}: \"{value}\" }} }}
routes:
  - path: /
    upstream: api
    policy: default
    websocket: true
policies:
  default:
    mode: \"off\"
    limits: []
"
    )
}

/// Exactly one marker, with the right value, in the head that `bytes` begins with.
fn check_marked(bytes: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(bytes).to_ascii_lowercase();
    let head = text.split("\n\r\n").next().unwrap_or_default();
    let (name, value) = MARKER;
    let markers: Vec<&str> = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .filter(|(n, _)| n.trim() == name)
        .map(|(_, v)| v.trim())
        .collect();
    if markers == [value] {
        Ok(())
    } else {
        Err(format!("SMUGGLED, markers {markers:?}: {head:?}"))
    }
}

/// The statuses of up to so many answers, of which the first may be to a HEAD.
fn statuses(client: &mut Client, head: bool, count: usize) -> Vec<u16> {
    (0..count)
        .map_while(|i| {
            let method = if head && i == 0 { "HEAD" } else { "GET" };
            client.answer_to(method, PATIENCE)
        })
        .map(|response| response.status)
        .collect()
}
