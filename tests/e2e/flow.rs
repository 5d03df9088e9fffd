//! What a gateway measures of a connection: in its records, over HTTP/1 and HTTP/2, and for a model that reads it.

use http::Request;
use http_body_util::BodyExt;
use portcullis_detect::feature::View;
use serde_json::Value;

use crate::harness::client::PATIENCE;
use crate::harness::http2::{self, block_on, full};
use crate::harness::origin::ok;
use crate::harness::{Gateway, Origin, World};
use crate::models::Models;

const MEASURING: &str = "records: { output: \"{folder}/records.jsonl\", flow: true }";

fn origin() -> Origin {
    Origin::answering(|seen| ok(seen, "origin"))
}

/// A column of a record's row, with its logarithm undone.
fn column(record: &Value, name: &str) -> f64 {
    let at = View::Flow.names().iter().position(|known| *known == name);
    let value = record["flow"][at.expect("a column")].as_f64();
    value
        .unwrap_or_else(|| panic!("no {name} in {record}"))
        .exp_m1()
}

fn assert_columns(record: &Value, expected: &[(&str, f64)]) {
    for (name, expected) in expected {
        let value = column(record, name);
        let near = (value - expected).abs() <= 1e-3 * expected.max(1.0);
        assert!(near, "{name}: {value}, not {expected}: {record}");
    }
}

fn record_of(gateway: &Gateway, path: &str) -> Value {
    gateway.await_record(|record| record["path"] == path)
}

#[test]
fn two_requests_on_one_connection_are_counted_and_measured() {
    let origin = origin();
    let gateway = World::before(&origin).with(MEASURING).start();
    let first = "GET /first HTTP/1.1\r\nHost: a.test\r\n\r\n";
    let head = "POST /second HTTP/1.1\r\nHost: a.test\r\nContent-Length: 10\r\n\r\n";
    let mut client = gateway.client();
    client.send(first.as_bytes());
    assert_eq!(client.response(PATIENCE).map(|one| one.status), Some(200));
    client.send(format!("{head}name=value").as_bytes());
    assert_eq!(client.response(PATIENCE).map(|one| one.status), Some(200));

    let (one, two) = (first.len() as f64, (head.len() + 10) as f64);
    let record = record_of(&gateway, "/first");
    assert_eq!(record["flow"].as_array().map(Vec::len), Some(52));
    assert_columns(
        &record,
        &[
            ("total_fwd_packets", 1.0),
            ("total_length_of_fwd_packets", one),
            ("fwd_header_length", one),
            ("syn_flag_count", 1.0),
            ("total_backward_packets", 0.0),
            ("ack_flag_count", 0.0),
            ("fwd_iat_mean", 0.0),
        ],
    );
    let record = record_of(&gateway, "/second");
    assert_columns(
        &record,
        &[
            ("total_fwd_packets", 2.0),
            ("total_length_of_fwd_packets", one + two),
            ("fwd_packet_length_max", two),
            ("fwd_packet_length_min", one),
            ("fwd_header_length", one + head.len() as f64),
            ("syn_flag_count", 2.0),
            ("ack_flag_count", 1.0),
            ("fin_flag_count", 1.0),
            ("psh_flag_count", 1.0),
            ("rst_flag_count", 0.0),
            ("urg_flag_count", 0.0),
            ("response_status", 0.0),
            ("response_length", "origin".len() as f64),
        ],
    );
    assert!(column(&record, "total_length_of_bwd_packets") > 50.0);
    let gap = column(&record, "fwd_iat_mean");
    assert!(0.0 < gap && gap <= column(&record, "flow_duration"));
    // Another connection begins with nothing.
    let mut client = gateway.client();
    client.send(b"GET /other HTTP/1.1\r\nHost: a.test\r\n\r\n");
    client.response(PATIENCE).expect("an answer");
    let record = record_of(&gateway, "/other");
    assert_columns(&record, &[("syn_flag_count", 1.0), ("idle_mean", 0.0)]);
}

#[test]
fn http2_is_measured_alike() {
    let origin = origin();
    let gateway = World::before(&origin).with(MEASURING).start();
    block_on(async {
        let mut sender = http2::connect(gateway.address()).await;
        for path in ["/first", "/second"] {
            let request = Request::get(format!("http://a.test{path}"));
            let request = request.body(full("")).expect("a valid request");
            let answer = sender.send_request(request).await.expect("an answer");
            answer.into_body().collect().await.expect("a body");
        }
    });
    let record = record_of(&gateway, "/second");
    let heads = "GET /first HTTP/1.1\r\nhost: a.test\r\n\r\n".len() * 2 + 1;
    assert_columns(
        &record,
        &[
            ("syn_flag_count", 2.0),
            ("ack_flag_count", 1.0),
            ("psh_flag_count", 0.0),
            ("fwd_header_length", heads as f64),
            ("fwd_header_length_max", heads.div_ceil(2) as f64),
        ],
    );
    assert!(column(&record, "total_length_of_fwd_packets") > 24.0);
}

#[test]
fn a_model_of_connections_is_asked_and_nothing_is_written_unasked() {
    let origin = origin();
    let models = Models::of(&["characters", "flow"]);
    models.add("/models/1", "cost", "deep".into());
    let lines = models
        .with_library()
        .replace("enabled: true", "enabled: true, deep: always");
    let policy = "limits: [], mode: observe";
    let gateway = World::before(&origin).policy(policy).with(&lines).start();
    let mut client = gateway.client();
    for number in 0..2 {
        let request = format!("GET /{number}?q=%27%27 HTTP/1.1\r\nHost: a.test\r\n\r\n");
        client.send(request.as_bytes());
        client.response(PATIENCE).expect("an answer");
    }
    for (path, agrees) in [("/0", false), ("/1", true)] {
        let record = record_of(&gateway, path);
        let votes = &record["verdict"]["ensemble"]["votes"];
        let vote = votes.as_array().and_then(|votes| {
            let mut votes = votes.iter();
            votes.find(|vote| vote["model"] == "flow")
        });
        let vote = vote.unwrap_or_else(|| panic!("no vote: {record}"));
        assert_eq!(vote["agrees"], agrees, "{record}");
        assert_eq!(record.get("flow"), None, "{record}");
    }
    // Measured for another meaning, it is out, and says so.
    models.change("/models/1/schema", "0000000000000000".into());
    let gateway = World::before(&origin).with(&models.with_library()).start();
    gateway.await_metric("portcullis_model_up{model=\"flow\"}", 0.0);
    gateway.await_metric("portcullis_model_up{model=\"characters\"}", 1.0);
}
