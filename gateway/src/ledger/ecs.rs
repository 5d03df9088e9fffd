//! A record in the words of the Elastic Common Schema 8, so that dashboards and rules made for other sources find their
//! fields. What the schema has no name for stands below `portcullis`.

use serde_json::{Map, Value, json};

/// The document of a record's line; `None` where it is no object.
pub(super) fn document(line: &str, node: &str) -> Option<String> {
    let mut record: Map<String, Value> = serde_json::from_str(line).ok()?;
    let mut out = Map::new();
    put(&mut out, "@timestamp", record.remove("time"));
    put(&mut out, "ecs", Some(json!({ "version": "8.11" })));
    out.insert("event".into(), event(&mut record));
    out.insert(
        "source".into(),
        endpoint(record.remove("client"), record.remove("peer")),
    );
    out.insert("http".into(), http(&mut record));
    out.insert("url".into(), url(&mut record));
    put(&mut out, "rule", rules(&record));
    put(
        &mut out,
        "user",
        record.remove("user").map(|hash| json!({ "hash": hash })),
    );
    out.insert(
        "observer".into(),
        json!({ "name": node, "product": "Portcullis", "type": "proxy" }),
    );
    out.insert("portcullis".into(), Value::Object(record));
    serde_json::to_string(&Value::Object(out)).ok()
}

fn event(record: &mut Map<String, Value>) -> Value {
    let action = record.remove("action").unwrap_or_else(|| json!("allow"));
    let refused = matches!(action.as_str(), Some("deny" | "throttle"));
    let kind = if refused { "denied" } else { "allowed" };
    let mut event = Map::new();
    put(&mut event, "id", record.remove("id"));
    put(&mut event, "kind", Some(json!("event")));
    put(&mut event, "category", Some(json!(["network", "web"])));
    put(&mut event, "type", Some(json!(["access", kind])));
    put(&mut event, "action", Some(action));
    let complete = record.get("outcome").and_then(Value::as_str) == Some("complete");
    put(
        &mut event,
        "outcome",
        Some(json!(if complete { "success" } else { "failure" })),
    );
    put(&mut event, "reason", record.remove("reason"));
    let score = record
        .get("verdict")
        .and_then(|verdict| verdict.get("score"))
        .cloned();
    put(&mut event, "risk_score", score);
    let duration = record.remove("duration_us").and_then(|time| time.as_f64());
    // In nanoseconds.
    put(
        &mut event,
        "duration",
        duration.map(|time| json!((time * 1000.0) as u64)),
    );
    Value::Object(event)
}

fn endpoint(client: Option<Value>, peer: Option<Value>) -> Value {
    let mut source = Map::new();
    put(&mut source, "ip", client);
    put(&mut source, "address", peer);
    Value::Object(source)
}

fn http(record: &mut Map<String, Value>) -> Value {
    let mut request = Map::new();
    put(&mut request, "method", record.remove("method"));
    put(
        &mut request,
        "body",
        record
            .remove("bytes_in")
            .map(|bytes| json!({ "bytes": bytes })),
    );
    let mut response = Map::new();
    put(&mut response, "status_code", record.remove("status"));
    put(
        &mut response,
        "body",
        record
            .remove("bytes_out")
            .map(|bytes| json!({ "bytes": bytes })),
    );
    let mut http = Map::new();
    let version = record.remove("protocol");
    let version = version
        .as_ref()
        .and_then(|text| text.as_str()?.strip_prefix("HTTP/"));
    put(&mut http, "version", version.map(Value::from));
    http.insert("request".into(), Value::Object(request));
    http.insert("response".into(), Value::Object(response));
    Value::Object(http)
}

fn url(record: &mut Map<String, Value>) -> Value {
    let mut url = Map::new();
    for (name, member) in [
        ("scheme", "scheme"),
        ("domain", "host"),
        ("path", "path"),
        ("query", "query"),
    ] {
        put(&mut url, name, record.remove(member));
    }
    Value::Object(url)
}

/// The rules that found something, as lists.
fn rules(record: &Map<String, Value>) -> Option<Value> {
    let evidence = record.get("verdict")?.get("evidence")?.as_array()?;
    let each = |member: &str| -> Vec<Value> {
        evidence
            .iter()
            .filter_map(|one| one.get(member).cloned())
            .collect()
    };
    Some(json!({ "id": each("rule"), "name": each("name"), "category": each("category") }))
}

fn put(object: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    if let Some(value) = value {
        object.insert(name.into(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_gets_the_names_of_the_schema() {
        let line = r#"{"id":"b9","time":"2026-11-20T20:40:32.180Z","client":"192.0.2.7","peer":"192.0.2.7:50000","protocol":"HTTP/1.1",
            "scheme":"https","method":"GET","host":"shop.example.com","path":"/a","query":"q=1","status":403,"route":"api","action":"deny",
            "user":"00ff","verdict":{"score":95,"level":"CRITICAL","category":"sqli","evidence":[{"rule":"r1","name":"n1","category":"sqli"}]},
            "bytes_in":3,"bytes_out":5,"duration_us":12.5,"outcome":"complete"}"#;
        let document: Value = serde_json::from_str(&document(line, "gate-1").unwrap()).unwrap();
        for (path, expected) in [
            ("/@timestamp", json!("2026-11-20T20:40:32.180Z")),
            ("/event/id", json!("b9")),
            ("/event/type", json!(["access", "denied"])),
            ("/event/risk_score", json!(95)),
            ("/event/duration", json!(12_500)),
            ("/source/ip", json!("192.0.2.7")),
            ("/http/version", json!("1.1")),
            ("/http/request/method", json!("GET")),
            ("/http/response/status_code", json!(403)),
            ("/http/response/body/bytes", json!(5)),
            ("/url/domain", json!("shop.example.com")),
            ("/rule/id", json!(["r1"])),
            ("/user/hash", json!("00ff")),
            ("/observer/name", json!("gate-1")),
            ("/portcullis/route", json!("api")),
            ("/portcullis/verdict/level", json!("CRITICAL")),
        ] {
            assert_eq!(document.pointer(path), Some(&expected), "{path}");
        }
        assert_eq!(super::document("[]", "x"), None);
    }
}
