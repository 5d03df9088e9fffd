//! The routes behind a layer that says who calls, before a gateway that is a table and a store with a few records.

mod reactions;
mod tenants;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, Method, Request, StatusCode};
use axum::{Extension, Router};
use portcullis_store::bans::StoredBan;
use portcullis_store::{Database, Entry, Records};
use serde_json::{Value, json};
use tokio::sync::watch;
use tower::ServiceExt;

use crate::analyze::{Analysis, Trial};
use crate::bans::Ban;
use crate::caller::{Caller, Role};
use crate::config::Policy;
use crate::gateway::{Counted, Gateway};
use crate::info::{Health, Info};
use crate::live::{Hub, Pulse};
use crate::models::{Model, ModelDetail, ModelList};
use crate::overlay::Overlay;
use crate::routes::ROUTES;
use crate::rules::{Rule, StaticException};
use crate::subjects::Portrait;
use crate::{Api, bans, finish, openapi, overlay, router};

/// A gateway that knows one rule, one policy and whoever it is told to ban.
#[derive(Default)]
struct Table {
    bans: Mutex<Vec<StoredBan>>,
    changes: AtomicU64,
    applied: Mutex<(i64, Overlay)>,
}

impl Gateway for Table {
    fn is_ready(&self) -> bool {
        false
    }
    fn phase(&self) -> &'static str {
        "draining"
    }
    fn rules_loaded(&self) -> u64 {
        61
    }
    fn metrics(&self) -> String {
        "portcullis_rules_loaded 61\n".to_owned()
    }
    fn count(&self, _: Counted) {}
    fn info(&self) -> Info {
        Info::default()
    }
    fn health(&self) -> Health {
        Health::default()
    }
    fn pulse(&self) -> Pulse {
        unreachable!("nobody watches")
    }
    fn analyze(&self, trial: &Trial) -> Result<Analysis, String> {
        if trial.target.contains("nonsense") {
            return Err("that is no request".to_owned());
        }
        Ok(Analysis {
            route: None,
            policy: "default".to_owned(),
            mode: "enforce".to_owned(),
            enforced: "allow".to_owned(),
            verdict: crate::verdict::Verdict::default(),
        })
    }
    fn rules(&self) -> Vec<Rule> {
        ["sqli-a", "sqli-b", "xss-a"]
            .map(|id| Rule {
                id: id.to_owned(),
                category: id.split('-').next().unwrap_or_default().to_owned(),
                ..Rule::default()
            })
            .to_vec()
    }
    fn rule(&self, id: &str) -> Option<Rule> {
        self.rules().into_iter().find(|rule| rule.id == id)
    }
    fn exceptions(&self) -> Vec<StaticException> {
        Vec::new()
    }
    fn models(&self) -> ModelList {
        let applied = self.applied.lock().expect("no panic");
        let weight = applied.1.models.get("trees").and_then(|over| over.weight);
        let model = Model {
            name: "trees".to_owned(),
            weight: weight.unwrap_or(1.0),
            ..Model::default()
        };
        ModelList {
            enabled: true,
            models: vec![model],
            ..ModelList::default()
        }
    }
    fn model(&self, name: &str) -> Option<ModelDetail> {
        let found = self
            .models()
            .models
            .into_iter()
            .find(|model| model.name == name)?;
        Some(ModelDetail {
            model: found,
            ..ModelDetail::default()
        })
    }
    fn subject(&self, text: &str) -> Result<String, String> {
        match text.parse::<std::net::IpAddr>() {
            Ok(address) => Ok(format!("address:{address}")),
            Err(_) if text.starts_with("address:") || text.starts_with("system:") => {
                Ok(text.to_owned())
            }
            Err(_) => Err(format!("{text:?} names no subject")),
        }
    }
    fn portrait(&self, _: &str) -> Option<Portrait> {
        None
    }
    fn riskiest(&self, _: usize) -> Vec<Portrait> {
        Vec::new()
    }
    fn bans(&self) -> Vec<Ban> {
        self.bans
            .lock()
            .expect("no panic")
            .iter()
            .map(Ban::of)
            .collect()
    }
    fn ban(&self, subject: &str, until_ms: Option<i64>, cause: &str) -> Result<Ban, String> {
        let ban = StoredBan {
            subject: subject.to_owned(),
            since_ms: 1,
            until_ms,
            offences: 1,
            cause: cause.to_owned(),
            programs: 0,
            author: String::new(),
            node: "one".to_owned(),
            lifted_ms: None,
            change: 0,
        };
        self.bans.lock().expect("no panic").push(ban.clone());
        self.changes.fetch_add(1, Ordering::Relaxed);
        Ok(Ban::of(&ban))
    }
    fn unban(&self, subject: &str) -> bool {
        let mut bans = self.bans.lock().expect("no panic");
        let before = bans.len();
        bans.retain(|ban| ban.subject != subject);
        self.changes.fetch_add(1, Ordering::Relaxed);
        bans.len() < before
    }
    fn bans_version(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }
    fn stored_bans(&self) -> Vec<StoredBan> {
        self.bans.lock().expect("no panic").clone()
    }
    fn stored_ban(&self, subject: &str) -> Option<StoredBan> {
        self.stored_bans()
            .into_iter()
            .find(|ban| ban.subject == subject)
    }
    fn learn_ban(&self, ban: &StoredBan) {
        let mut bans = self.bans.lock().expect("no panic");
        let held = bans.iter().position(|held| held.subject == ban.subject);
        let held = held.map(|at| bans.remove(at));
        let mut news = (ban.lifted_ms.is_none()).then(|| ban.clone());
        // As the real ones do: what was caught here meanwhile stays, 0 stands for every program.
        if let (Some(held), Some(news)) = (&held, &mut news)
            && held.programs != 0
            && news.programs != 0
        {
            news.programs |= held.programs;
        }
        let changes = |ban: &StoredBan| (ban.until_ms, ban.programs);
        if held.as_ref().map(changes) != news.as_ref().map(changes) {
            self.changes.fetch_add(1, Ordering::Relaxed);
        }
        bans.extend(news);
    }
    fn policies(&self) -> Vec<Policy> {
        Vec::new()
    }
    fn settings(&self) -> Value {
        json!({})
    }
    fn overlay_version(&self) -> i64 {
        self.applied.lock().expect("no panic").0
    }
    fn problems_of(&self, overlay: &Overlay) -> Vec<String> {
        let unknown = overlay.policies.keys().filter(|name| *name != "default");
        unknown
            .map(|name| format!("there is no policy `{name}`"))
            .collect()
    }
    fn apply(&self, overlay: &Overlay, version: i64) -> Result<(), Vec<String>> {
        *self.applied.lock().expect("no panic") = (version, overlay.clone());
        Ok(())
    }
}

struct Plane {
    _folder: tempfile::TempDir,
    router: Router,
    gateway: Arc<Table>,
    database: watch::Sender<Option<Database>>,
}

fn line(id: u32, path: &str, status: u16) -> Entry {
    let (action, score, level) = match status {
        403 => ("deny", 90, "CRITICAL"),
        _ => ("allow", 0, "LOW"),
    };
    let evidence = match status {
        403 => {
            json!([{ "rule": "sqli-a", "why": "=1+1 is why", "excerpt": "id=1 union", "mark": [3, 10], "range": [3, 10] }])
        }
        _ => json!([]),
    };
    let line = json!({
        "id": format!("{id:032x}"), "time": format!("2026-01-31T00:00:{:02}.000Z", id % 60), "client": format!("192.0.2.{id}"),
        "method": "GET", "host": "a.test", "path": path, "status": status, "route": "all", "action": action,
        "verdict": { "score": score, "level": level, "category": "sqli", "action": action, "evidence": evidence },
        "duration_us": 12.5, "outcome": "complete",
    });
    Entry::read(&line.to_string()).expect("a record")
}

async fn plane() -> Plane {
    plane_for(Caller {
        name: "somebody".to_owned(),
        role: Role::Admin,
        tenant: None,
        scope: None,
    })
    .await
}

async fn plane_for(caller: Caller) -> Plane {
    let folder = tempfile::tempdir().expect("a folder");
    let database = Database::open_file(&folder.path().join("a.db"))
        .await
        .expect("it opens");
    let batch: Vec<Entry> = (1..=9)
        .map(|id| line(id, "/a", 200))
        .chain([line(10, "=cmd|' /C calc'!A0", 403)])
        .collect();
    Records::new(database.clone())
        .insert(&batch, "one")
        .await
        .expect("they are kept");
    let gateway = Arc::new(Table::default());
    let (sender, receiver) = watch::channel(Some(database));
    let api = Api::new(gateway.clone(), receiver, Hub::default());
    let routes = router(api.clone()).layer(Extension(caller));
    Plane {
        _folder: folder,
        router: finish(routes, api),
        gateway,
        database: sender,
    }
}

struct Answer {
    status: StatusCode,
    headers: axum::http::HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }
}

impl Plane {
    fn database(&self) -> Database {
        self.database.borrow().clone().expect("there is one")
    }

    async fn ask(&self, method: &str, path: &str, body: Option<&str>) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_owned()));
        let request = request.body(body).expect("a request");
        let response = self
            .router
            .clone()
            .oneshot(request)
            .await
            .expect("it answers");
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 1 << 24).await.expect("a body");
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).expect("text"),
        }
    }
}

/// Method, target, body, status, and what stands in the answer.
const QUESTIONS: &[(&str, &str, Option<&str>, u16, &str)] = &[
    ("GET", "/healthz", None, 200, "alive"),
    (
        "GET",
        "/readyz",
        None,
        503,
        r#""status":"draining","rules_loaded":61"#,
    ),
    (
        "GET",
        "/metrics?x=1",
        None,
        200,
        "portcullis_rules_loaded 61",
    ),
    ("HEAD", "/metrics", None, 200, ""),
    ("POST", "/metrics", None, 405, "not allowed"),
    ("GET", "/", None, 404, "nothing is served here"),
    ("GET", "/api/v1/health", None, 200, r#""status":"ok""#),
    ("GET", "/api/v1/info", None, 200, r#""routes":[]"#),
    ("GET", "/api/v1/docs", None, 200, "docs.js"),
    (
        "POST",
        "/api/v1/analyze",
        Some(r#"{"target":"/a?b=1"}"#),
        200,
        r#""policy":"default""#,
    ),
    (
        "POST",
        "/api/v1/analyze",
        Some(r#"{"target":"/nonsense"}"#),
        422,
        "that is no request",
    ),
    (
        "POST",
        "/api/v1/analyze",
        Some(r#"{"target":"/a","what":1}"#),
        422,
        "unknown field",
    ),
    (
        "POST",
        "/api/v1/analyze",
        Some("{"),
        400,
        "cannot be understood",
    ),
    ("POST", "/api/v1/analyze", None, 415, "application/json"),
    (
        "POST",
        "/api/v1/analyze/batch",
        Some(r#"{"requests":[]}"#),
        422,
        "1 to 100",
    ),
    (
        "POST",
        "/api/v1/analyze/batch",
        Some(r#"{"requests":[{"target":"/a"},{"target":"/nonsense"}]}"#),
        200,
        r#"{"error":"that is no request"}"#,
    ),
    (
        "GET",
        "/api/v1/rules?category=sqli&limit=1",
        None,
        200,
        r#""total":2,"next":"sqli-a""#,
    ),
    ("GET", "/api/v1/rules?q=B", None, 200, r#""total":1"#),
    ("GET", "/api/v1/rules?limit=0", None, 400, "1 to 1000"),
    ("GET", "/api/v1/rules?limit=x", None, 400, "invalid digit"),
    ("GET", "/api/v1/rules?what=1", None, 400, "unknown field"),
    ("GET", "/api/v1/rules?q=a&q=b", None, 400, "twice"),
    ("GET", "/api/v1/rules/sqli-a", None, 200, r#""id":"sqli-a""#),
    ("GET", "/api/v1/rules/none", None, 404, "no such rule"),
    ("GET", "/api/v1/rules/%ff", None, 400, "path"),
    ("GET", "/api/v1/logs?limit=3", None, 200, r#""next":""#),
    ("GET", "/api/v1/logs?limit=1001", None, 400, "1 to 1000"),
    ("GET", "/api/v1/logs?limit=-1", None, 400, "invalid digit"),
    ("GET", "/api/v1/logs?status=403", None, 200, "sqli-a"),
    (
        "GET",
        "/api/v1/logs?status=5xx",
        None,
        200,
        r#"{"logs":[]}"#,
    ),
    ("GET", "/api/v1/logs?status=abc", None, 400, "403 or 5xx"),
    (
        "GET",
        "/api/v1/logs?address=192.0.2.0/24&action=deny",
        None,
        200,
        "192.0.2.10",
    ),
    (
        "GET",
        "/api/v1/logs?address=nowhere",
        None,
        400,
        "2001:db8::/32",
    ),
    (
        "GET",
        "/api/v1/logs?subject=192.0.2.10",
        None,
        200,
        "sqli-a",
    ),
    (
        "GET",
        "/api/v1/logs?subject=nobody",
        None,
        400,
        "names no subject",
    ),
    (
        "GET",
        "/api/v1/logs?subject=system:1",
        None,
        400,
        "do not name",
    ),
    (
        "GET",
        "/api/v1/logs?since=2026-01-31T00:00:10Z",
        None,
        200,
        "192.0.2.10",
    ),
    ("GET", "/api/v1/logs?since=yesterday", None, 400, "no time"),
    (
        "GET",
        "/api/v1/logs?route=%27%20OR%201%3D1%20--",
        None,
        200,
        r#"{"logs":[]}"#,
    ),
    (
        "GET",
        "/api/v1/logs?q=%22%29%20OR%20a%3A*",
        None,
        200,
        "logs",
    ),
    ("GET", "/api/v1/logs?q=a%00b", None, 400, "NUL"),
    ("GET", "/api/v1/logs?cursor=elsewhere", None, 400, "cursor"),
    (
        "GET",
        "/api/v1/logs?level=,",
        None,
        400,
        "none of them empty",
    ),
    (
        "GET",
        "/api/v1/logs/0000000000000000000000000000000a",
        None,
        200,
        r#""matched":"1 union""#,
    ),
    ("GET", "/api/v1/logs/none", None, 404, "no record"),
    ("GET", "/api/v1/logs/%00", None, 404, "no record"),
    ("GET", "/api/v1/logs.csv?limit=1", None, 400, "no pages"),
    (
        "GET",
        "/api/v1/logs.csv?action=deny",
        None,
        200,
        "\"'=cmd|' /C calc'!A0\"",
    ),
    (
        "GET",
        "/api/v1/logs.ndjson?action=deny",
        None,
        200,
        r#"{"node":"one","id""#,
    ),
    (
        "GET",
        "/api/v1/stats?since=2026-01-31T00:00:00Z&until=2026-01-31T01:00:00Z",
        None,
        200,
        r#""requests":10"#,
    ),
    (
        "GET",
        "/api/v1/stats?since=2026-01-31T00:00:00Z&until=2026-01-30T00:00:00Z",
        None,
        400,
        "not before",
    ),
    (
        "GET",
        "/api/v1/stats/timeseries?since=1&until=9999999999999",
        None,
        400,
        "too long",
    ),
    (
        "GET",
        "/api/v1/stats/timeseries?since=2026-01-31T00:00:00Z&until=2026-01-31T01:00:00Z",
        None,
        200,
        r#""step":"minute""#,
    ),
    (
        "GET",
        "/api/v1/stats/timeseries?step=week",
        None,
        400,
        "unknown variant",
    ),
    (
        "GET",
        "/api/v1/stats/timeseries?since=2026-01-31T05:00:00Z&until=2026-01-31T06:00:00Z&step=day",
        None,
        200,
        r#""since":"2026-01-31T00:00:00.000Z","until":"2026-02-01T00:00:00.000Z","points":[{"start":"2026-01-31T00:00:00.000Z""#,
    ),
    (
        "GET",
        "/api/v1/stats/feedback?since=2026-01-31T00:00:00Z&until=2026-01-31T01:00:00Z",
        None,
        200,
        r#""total":{"requests":10,"denied":1,"confirmed":0"#,
    ),
    (
        "GET",
        "/api/v1/stats/feedback?what=1",
        None,
        400,
        "unknown field",
    ),
    (
        "GET",
        "/api/v1/logs?feedback=maybe",
        None,
        400,
        "false-positive, confirmed and none",
    ),
    (
        "GET",
        "/api/v1/logs?feedback=none&action=deny",
        None,
        200,
        "sqli-a",
    ),
    (
        "PUT",
        "/api/v1/logs/none/feedback",
        Some(r#"{"verdict":"confirmed"}"#),
        404,
        "no record",
    ),
    (
        "PUT",
        "/api/v1/logs/0000000000000000000000000000000a/feedback",
        Some(r#"{"verdict":"maybe"}"#),
        422,
        "unknown variant",
    ),
    (
        "PUT",
        "/api/v1/logs/0000000000000000000000000000000a/feedback",
        Some(r#"{"verdict":"confirmed","comment":"a\u0000b"}"#),
        422,
        "1024 characters",
    ),
    (
        "DELETE",
        "/api/v1/logs/0000000000000000000000000000000a/feedback",
        None,
        404,
        "no record",
    ),
    (
        "GET",
        "/api/v1/models/timeseries?since=2026-01-31T00:00:00Z&until=2026-01-31T01:00:00Z&step=hour",
        None,
        200,
        r#""requests":10,"flagged":1,"models":{}"#,
    ),
    (
        "GET",
        "/api/v1/models/compare?a=cnn",
        None,
        400,
        "`b` names no model",
    ),
    (
        "GET",
        "/api/v1/models/compare?a=cnn&b=bilstm&what=1",
        None,
        400,
        "unknown field",
    ),
    (
        "GET",
        "/api/v1/models/compare?a=cnn&b=bilstm",
        None,
        200,
        r#""counted":0,"looked_at":10,"complete":true"#,
    ),
    (
        "GET",
        "/api/v1/stats/top?by=rule",
        None,
        200,
        r#"[{"name":"sqli-a","requests":1,"stopped":1"#,
    ),
    ("GET", "/api/v1/stats/top?by=nothing", None, 400, "`by`"),
    ("GET", "/api/v1/stats/top?limit=0", None, 400, "1 to 100"),
    (
        "GET",
        "/api/v1/stats/top?what=0",
        None,
        400,
        "unknown field",
    ),
    (
        "GET",
        "/api/v1/models",
        None,
        200,
        r#""models":[{"name":"trees""#,
    ),
    ("GET", "/api/v1/models/trees", None, 200, r#""card":null"#),
    ("GET", "/api/v1/models/none", None, 404, "no such model"),
    (
        "PATCH",
        "/api/v1/models/none",
        Some(r#"{"weight":1}"#),
        404,
        "no such model",
    ),
    (
        "PATCH",
        "/api/v1/models/trees",
        Some("{}"),
        422,
        "nothing is to be changed",
    ),
    (
        "PATCH",
        "/api/v1/models/trees",
        Some(r#"{"threshold":2}"#),
        422,
        "threshold: is 0 to 1",
    ),
    (
        "PATCH",
        "/api/v1/models/trees",
        Some(r#"{"mode":"off"}"#),
        422,
        "unknown field",
    ),
    ("GET", "/api/v1/subjects", None, 200, r#"{"subjects":[]}"#),
    (
        "GET",
        "/api/v1/subjects/192.0.2.10",
        None,
        200,
        r#""timeline":[{"#,
    ),
    (
        "GET",
        "/api/v1/subjects/nobody",
        None,
        422,
        "names no subject",
    ),
    (
        "POST",
        "/api/v1/bans",
        Some(r#"{"subject":"192.0.2.7","seconds":60,"cause":"a test"}"#),
        201,
        r#""author":"somebody""#,
    ),
    ("GET", "/api/v1/bans", None, 200, r#""author":"somebody""#),
    ("GET", "/api/v1/bans?q=nobody", None, 200, r#""total":0"#),
    (
        "POST",
        "/api/v1/bans",
        Some(r#"{"subject":"nobody","cause":"a test"}"#),
        422,
        "names no subject",
    ),
    (
        "POST",
        "/api/v1/bans",
        Some(r#"{"subject":"192.0.2.7","cause":" "}"#),
        422,
        "cause",
    ),
    (
        "POST",
        "/api/v1/bans",
        Some(r#"{"subject":"192.0.2.7","cause":"x","seconds":0}"#),
        422,
        "seconds",
    ),
    ("DELETE", "/api/v1/bans/address:192.0.2.7", None, 204, ""),
    (
        "DELETE",
        "/api/v1/bans/address:192.0.2.7",
        None,
        404,
        "not banned",
    ),
    ("GET", "/api/v1/config", None, 200, r#""version":0"#),
    (
        "PUT",
        "/api/v1/config",
        Some(
            r#"{"base":0,"overlay":{"policies":{"default":{"thresholds":{"deny":90}}}},"comment":"try"}"#,
        ),
        200,
        r#"{"path":"policies.default.thresholds.deny","after":90}"#,
    ),
    (
        "PUT",
        "/api/v1/config",
        Some(r#"{"base":0,"overlay":{}}"#),
        409,
        "meanwhile",
    ),
    (
        "PUT",
        "/api/v1/config",
        Some(r#"{"base":1,"overlay":{"policies":{"x":{"mode":"off"}}}}"#),
        422,
        "no policy `x`",
    ),
    (
        "PUT",
        "/api/v1/config",
        Some(r#"{"base":1,"overlay":{"modules":{}}}"#),
        422,
        "unknown field",
    ),
    (
        "POST",
        "/api/v1/exceptions",
        Some(r#"{"policy":"default","rule":"sqli-a","reason":"free text"}"#),
        201,
        r#""rule":"sqli-a""#,
    ),
    (
        "POST",
        "/api/v1/exceptions",
        Some(r#"{"policy":"default","rule":"sqli-a","reason":"again"}"#),
        409,
        "exists",
    ),
    (
        "POST",
        "/api/v1/exceptions",
        Some(r#"{"policy":"default","reason":"x"}"#),
        422,
        "make no sense",
    ),
    ("GET", "/api/v1/exceptions", None, 200, "free text"),
    (
        "DELETE",
        "/api/v1/exceptions/none",
        None,
        404,
        "no such exception",
    ),
    (
        "GET",
        "/api/v1/config/versions?limit=1",
        None,
        200,
        r#""next":2"#,
    ),
    (
        "GET",
        "/api/v1/config/versions?before=0",
        None,
        400,
        "at least 1",
    ),
    (
        "POST",
        "/api/v1/config/rollback",
        Some(r#"{"version":9}"#),
        404,
        "no such version",
    ),
    (
        "POST",
        "/api/v1/config/rollback",
        Some(r#"{"version":1}"#),
        200,
        r#""version":3"#,
    ),
    (
        "POST",
        "/api/v1/config/rollback",
        Some(r#"{"version":0}"#),
        200,
        r#""overlay":{"policies":{}}"#,
    ),
    ("GET", "/api/v1/allowed", None, 200, r#""allowed":[]"#),
    (
        "POST",
        "/api/v1/allowed",
        Some(r#"{"subject":"192.0.2.1","seconds":0,"reason":"x"}"#),
        422,
        "`seconds` is 1 to",
    ),
    (
        "POST",
        "/api/v1/allowed",
        Some(r#"{"subject":"192.0.2.1","seconds":1,"reason":" "}"#),
        422,
        "`reason` is 1 to",
    ),
    (
        "POST",
        "/api/v1/allowed",
        Some(r#"{"subject":"nobody","seconds":1,"reason":"x"}"#),
        422,
        "names no subject",
    ),
    (
        "DELETE",
        "/api/v1/allowed/192.0.2.1",
        None,
        404,
        "were not allowed",
    ),
    (
        "PATCH",
        "/api/v1/config/policies/none",
        Some("{}"),
        404,
        "no such policy",
    ),
    (
        "PATCH",
        "/api/v1/models/trees",
        Some(r#"{"weight":2.5,"comment":"it sees more"}"#),
        200,
        r#""weight":2.5"#,
    ),
    (
        "GET",
        "/api/v1/config/versions?limit=1",
        None,
        200,
        r#"{"path":"models.trees.weight","after":2.5}"#,
    ),
    (
        "POST",
        "/api/v1/config/rollback",
        Some(r#"{"version":4}"#),
        200,
        r#"{"path":"models.trees.weight","before":2.5}"#,
    ),
    ("GET", "/api/v1/models/trees", None, 200, r#""weight":1.0"#),
    ("GET", "/api/v1/live", None, 426, "WebSocket"),
    ("GET", "/api/v1/live?topics=everything", None, 400, "topics"),
];

#[tokio::test]
async fn each_question_gets_its_answer() {
    let plane = plane().await;
    let mut wrong = Vec::new();
    for (method, path, body, status, text) in QUESTIONS {
        let answer = plane.ask(method, path, *body).await;
        let has = |name: HeaderName| answer.headers.contains_key(name);
        let dressed =
            has(CACHE_CONTROL) && has(X_CONTENT_TYPE_OPTIONS) && has(CONTENT_SECURITY_POLICY);
        let refused = *status >= 400 && *path != "/readyz" && *method != "HEAD";
        let kind = answer.headers.get(CONTENT_TYPE);
        let is_problem = kind.is_some_and(|kind| kind == "application/problem+json")
            && answer.json()["status"] == u64::from(*status);
        let right = answer.status.as_u16() == *status
            && answer.text.contains(text)
            && dressed
            && refused == is_problem;
        if !right {
            wrong.push(format!(
                "{method} {path}: {} {}",
                answer.status, answer.text
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(
        plane.gateway.overlay_version(),
        6,
        "each change was applied"
    );
}

#[tokio::test]
async fn a_method_that_is_not_served_is_told_which_are() {
    let plane = plane().await;
    let answer = plane.ask("PATCH", "/api/v1/bans", None).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    let allowed = answer
        .headers
        .get(ALLOW)
        .expect("it says")
        .to_str()
        .expect("text");
    assert!(
        allowed.contains("GET") && allowed.contains("POST"),
        "{allowed}"
    );
}

#[tokio::test]
async fn pages_follow_each_other_without_loss() {
    let plane = plane().await;
    let mut seen = Vec::new();
    let mut path = "/api/v1/logs?limit=4".to_owned();
    loop {
        let page = plane.ask("GET", &path, None).await.json();
        let logs = page["logs"].as_array().expect("a list").clone();
        seen.extend(logs.iter().map(|log| log["id"].to_string()));
        let Some(next) = page["next"].as_str() else {
            break;
        };
        path = format!("/api/v1/logs?limit=4&cursor={next}");
    }
    assert_eq!(seen.len(), 10);
    assert!(seen.windows(2).all(|pair| pair[0] > pair[1]), "{seen:?}");
}

#[tokio::test]
async fn a_tenant_sees_its_own_and_nothing_else() {
    let tenant = |hosts: &[&str]| Caller {
        name: "tenant".to_owned(),
        role: Role::Viewer,
        tenant: Some("a".to_owned()),
        scope: Some(portcullis_store::Scope {
            hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            routes: Vec::new(),
        }),
    };
    for (hosts, count, status) in [
        (&["a.test"][..], 10, 200),
        (&["b.test"], 0, 404),
        (&[], 0, 404),
    ] {
        let plane = plane_for(tenant(hosts)).await;
        let page = plane.ask("GET", "/api/v1/logs", None).await.json();
        assert_eq!(
            page["logs"].as_array().map(Vec::len),
            Some(count),
            "{hosts:?}"
        );
        let one = plane
            .ask("GET", "/api/v1/logs/00000000000000000000000000000001", None)
            .await;
        assert_eq!(one.status.as_u16(), status, "{hosts:?}");
        let csv = plane.ask("GET", "/api/v1/logs.csv", None).await;
        assert_eq!(csv.text.lines().count(), count + 1, "{hosts:?}");
        let stats = "/api/v1/stats?since=2026-01-31T00:00:00Z&until=2026-01-31T01:00:00Z";
        let stats = plane.ask("GET", stats, None).await.json();
        assert_eq!(stats["total"]["requests"], count, "{hosts:?}");
    }
}

#[tokio::test]
async fn without_a_store_what_needs_one_says_so() {
    let (sender, receiver) = watch::channel(None);
    let caller = Caller {
        name: "somebody".to_owned(),
        role: Role::Admin,
        tenant: None,
        scope: None,
    };
    let api = Api::new(Arc::new(Table::default()), receiver, Hub::default());
    let plane = Plane {
        _folder: tempfile::tempdir().expect("a folder"),
        router: finish(router(api.clone()).layer(Extension(caller)), api),
        gateway: Arc::default(),
        database: sender,
    };
    for path in ["logs", "logs.csv", "logs/a", "stats", "stats/top", "config"] {
        let answer = plane.ask("GET", &format!("/api/v1/{path}"), None).await;
        assert_eq!(answer.status.as_u16(), 503, "{path}: {}", answer.text);
        assert!(answer.text.contains("store"), "{path}: {}", answer.text);
    }
    for path in ["rules", "bans", "info", "health", "subjects/192.0.2.1"] {
        let answer = plane.ask("GET", &format!("/api/v1/{path}"), None).await;
        assert_eq!(answer.status.as_u16(), 200, "{path}: {}", answer.text);
    }
}

#[tokio::test]
async fn what_one_gateway_bans_and_sets_the_others_learn() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = Database::open_file(&folder.path().join("a.db"))
        .await
        .expect("it opens");
    let (_sender, receiver) = watch::channel(Some(database));
    let gateways = [Arc::new(Table::default()), Arc::new(Table::default())];
    let [one, two] = gateways
        .clone()
        .map(|gateway| Api::new(gateway, receiver.clone(), Hub::default()));
    let (mut first, mut second) = (bans::Follower::default(), bans::Follower::default());
    let held = |gateway: &Table| gateway.bans.lock().expect("no panic").len();

    // A person bans at one; a detector bans at two; both know both.
    let new = bans::NewBan {
        subject: "192.0.2.1".to_owned(),
        seconds: None,
        cause: "by hand".to_owned(),
    };
    bans::put(&one, "somebody", &new).await.expect("it holds");
    gateways[1]
        .ban("address:192.0.2.2", None, "scanning")
        .expect("it holds");
    for _ in 0..2 {
        first.exchange(&one).await.expect("it answers");
        second.exchange(&two).await.expect("it answers");
    }
    assert_eq!((held(&gateways[0]), held(&gateways[1])), (2, 2));

    // A second program is caught at the address: the ban is the same, and for more than it was.
    let grown = |programs: u64| {
        let mut bans = gateways[1].bans.lock().expect("no panic");
        let ban = bans.iter_mut().find(|ban| ban.subject.ends_with(".2"));
        ban.expect("it is held").programs = programs;
        gateways[1].changes.fetch_add(1, Ordering::Relaxed);
    };
    for programs in [0b01, 0b11] {
        grown(programs);
        second.exchange(&two).await.expect("it answers");
        first.exchange(&one).await.expect("it answers");
        let ban = gateways[0].stored_ban("address:192.0.2.2");
        assert_eq!(ban.expect("it is held").programs, programs);
    }

    // Lifted at two by a person, and at one over the control socket; neither comes back.
    assert!(bans::remove(&two, "192.0.2.1").await.expect("it answers"));
    assert!(gateways[0].unban("address:192.0.2.2"));
    for _ in 0..3 {
        first.exchange(&one).await.expect("it answers");
        second.exchange(&two).await.expect("it answers");
    }
    assert_eq!((held(&gateways[0]), held(&gateways[1])), (0, 0));

    // What ends by itself is lifted by nobody, so that its repetition is known.
    gateways[0]
        .ban("address:192.0.2.3", Some(1), "scanning")
        .expect("it holds");
    first.exchange(&one).await.expect("it answers");
    assert!(gateways[0].unban("address:192.0.2.3"), "it is over");
    for _ in 0..2 {
        first.exchange(&one).await.expect("it answers");
        second.exchange(&two).await.expect("it answers");
    }
    let database = one.database().expect("there is one");
    let ended = portcullis_store::bans::find(&database, "address:192.0.2.3").await;
    let ended = ended.expect("it answers").expect("it is remembered");
    assert_eq!((ended.until_ms, ended.lifted_ms), (Some(1), None));

    // Settings too.
    let settings = serde_json::from_str(r#"{"policies":{"default":{"mode":"observe"}}}"#);
    overlay::replace(&one, "somebody", "", 0, settings.expect("settings"))
        .await
        .expect("they hold");
    assert_eq!(gateways[1].overlay_version(), 0);
    overlay::catch_up(&two).await.expect("it answers");
    assert_eq!(gateways[1].overlay_version(), 1);
}

#[test]
fn every_route_is_documented_and_every_document_routed() {
    let document = serde_json::to_value(openapi::document()).expect("JSON");
    let mut documented: Vec<String> = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for method in methods.as_object().expect("methods").keys() {
            documented.push(format!("{} {path}", method.to_uppercase()));
        }
    }
    let mut routed: Vec<String> = ROUTES
        .iter()
        .filter(|(_, path, _)| !path.starts_with("/api/v1/docs"))
        .map(|(method, path, _): &(Method, _, _)| format!("{method} {path}"))
        .collect();
    let mut ids: Vec<&str> = document["paths"]
        .as_object()
        .expect("paths")
        .values()
        .flat_map(|methods| methods.as_object().expect("methods").values())
        .filter_map(|operation| operation["operationId"].as_str())
        .collect();
    let operations = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(
        (ids.len(), operations),
        (documented.len(), documented.len()),
        "{ids:?}"
    );
    documented.sort();
    routed.sort();
    assert_eq!(documented, routed);
}

#[test]
fn schemas_admit_what_they_are_put_together_of_and_say_no_null_by_default() {
    let document = serde_json::to_value(openapi::document()).expect("JSON");
    let schemas = document["components"]["schemas"]
        .as_object()
        .expect("schemas");
    let mut parts = 0;
    for (name, schema) in schemas {
        for part in schema["allOf"].as_array().into_iter().flatten() {
            let named = part["$ref"]
                .as_str()
                .and_then(|named| named.rsplit('/').next());
            let part = named.map_or(part, |named| &schemas[named]);
            assert_ne!(part["additionalProperties"], json!(false), "{name}: {part}");
            parts += 1;
        }
        for (member, property) in schema["properties"].as_object().into_iter().flatten() {
            assert_ne!(
                property.get("default"),
                Some(&Value::Null),
                "{name}.{member}"
            );
        }
    }
    assert!(parts > 0, "there are such schemas");
}

#[test]
fn the_document_is_the_golden_one() {
    let mut json = openapi::document().to_pretty_json().expect("JSON");
    json.push('\n');
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden/openapi.json");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(golden, &json).expect("it can be written");
    }
    let kept = std::fs::read_to_string(golden).unwrap_or_default();
    assert!(
        kept == json,
        "tests/golden/openapi.json differs: look at the change, then run with UPDATE_GOLDEN=1"
    );
}
