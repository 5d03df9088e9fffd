//! What runs here and how it is: for people, for probes and for the console. `/healthz`, `/readyz` and `/metrics` need
//! no credential and say nothing about traffic's contents.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

use crate::api::Api;
use crate::problem::Problem;

/// What runs here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Info {
    /// The product's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What records call this gateway.
    pub node: String,
    /// When it started.
    #[schema(format = "date-time")]
    pub started: String,
    /// Rules that serve.
    pub rules: usize,
    /// Worker threads.
    pub workers: usize,
    /// Whether behaviour is judged.
    pub behaviour: bool,
    /// The store: `sqlite`, `postgres` or `none`.
    pub store: String,
    /// Where clients connect, as the configuration says.
    pub listeners: Vec<Listener>,
    /// Which request goes where.
    pub routes: Vec<Route>,
    /// The services behind it, by name.
    pub upstreams: BTreeMap<String, Vec<String>>,
}

/// A listener.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Listener {
    /// Address and port.
    pub address: String,
    /// Whether TLS is spoken.
    pub tls: bool,
}

/// A route.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Route {
    /// What records and metrics call it.
    pub name: String,
    /// The beginning of the path.
    pub path: String,
    /// The host; absent for any.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub host: Option<String>,
    /// Methods; empty for all.
    pub methods: Vec<String>,
    /// Its upstream.
    pub upstream: String,
    /// Its policy.
    pub policy: String,
}

/// How it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// `ok`, or `degraded` where something below is wrong.
    pub status: String,
    /// `starting`, `serving` or `draining`.
    pub phase: String,
    /// What is wrong, in sentences; empty where nothing is.
    pub remarks: Vec<String>,
    /// Whether the store answers; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub store_answers: Option<bool>,
    /// Requests that each upstream failed to answer since the start, by reason.
    pub upstream_errors: BTreeMap<String, BTreeMap<String, u64>>,
    /// Lines of records lost since the start, because their sink was slow, full or broken.
    pub records_dropped: u64,
    /// All records lost since the start, by where: `lines` (as above), and to the store `queue` (it could not keep up),
    /// `spool` (away for too long), `disk` (full), `torn` (by a crash), `refused` (what the database cannot hold). What
    /// is not lost is left out.
    #[serde(default)]
    pub records_lost: BTreeMap<String, u64>,
    /// Inspections that failed since the start.
    pub engine_failures: u64,
    /// Client connections open now.
    pub connections: u64,
    /// Resident memory in bytes.
    pub resident_bytes: u64,
    /// Processor time since the start, in seconds.
    pub cpu_seconds: f64,
    /// File descriptors open now.
    pub open_descriptors: u64,
    /// The most that may be open.
    pub most_descriptors: u64,
}

/// That the process lives.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Alive {
    /// `alive`.
    pub status: String,
}

/// Whether it takes requests.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Ready {
    /// `starting`, `serving` or `draining`.
    pub status: String,
    /// Rules that serve.
    pub rules_loaded: u64,
}

/// The routes of this module.
pub fn router() -> Router<Api> {
    Router::new()
        .route("/healthz", get(alive))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route("/api/v1/health", get(health))
        .route("/api/v1/info", get(info))
}

/// The documentation of this module.
#[derive(OpenApi)]
#[openapi(paths(alive, ready, metrics, health, info))]
pub struct Doc;

/// Say that the process lives
#[utoipa::path(get, path = "/healthz", tag = "process", security(()), responses(
    (status = 200, description = "It lives", body = Alive),
))]
async fn alive() -> Json<Alive> {
    Json(Alive {
        status: "alive".to_owned(),
    })
}

/// Say whether it takes requests
#[utoipa::path(get, path = "/readyz", tag = "process", security(()), responses(
    (status = 200, description = "It does", body = Ready),
    (status = 503, description = "It does not, or no longer", body = Ready),
))]
async fn ready(State(api): State<Api>) -> Response {
    let gateway = api.gateway();
    let status = if gateway.is_ready() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let ready = Ready {
        status: gateway.phase().to_owned(),
        rules_loaded: gateway.rules_loaded(),
    };
    (status, Json(ready)).into_response()
}

/// Show the metrics in Prometheus' text format
#[utoipa::path(get, path = "/metrics", tag = "process", security(()), responses(
    (status = 200, description = "The metrics", body = String, content_type = "text/plain"),
))]
async fn metrics(State(api): State<Api>) -> Response {
    let mut response = api.gateway().metrics().into_response();
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"),
    );
    response
}

/// Say how the gateway is
#[utoipa::path(get, path = "/api/v1/health", tag = "process", responses(
    (status = 200, description = "How it is", body = Health),
))]
async fn health(State(api): State<Api>) -> Result<Json<Health>, Problem> {
    let mut health = api.away(|gateway| gateway.health()).await?;
    if let Ok(database) = api.database() {
        let answers = portcullis_store::overlay::latest_number(&database)
            .await
            .is_ok();
        health.store_answers = Some(answers);
        if !answers {
            health.remarks.push("the store does not answer".to_owned());
        }
    }
    health.remarks.extend(losses(&health.records_lost));
    health.phase = api.gateway().phase().to_owned();
    let word = if health.remarks.is_empty() {
        "ok"
    } else {
        "degraded"
    };
    health.status = word.to_owned();
    Ok(Json(health))
}

/// What was lost in a sentence, where something was.
fn losses(lost: &BTreeMap<String, u64>) -> Option<String> {
    let reason = |(place, count): (&String, &u64)| {
        let words = match place.as_str() {
            "lines" => "lines whose sink was slow, full or broken",
            "queue" => "for which the store was too slow",
            "spool" => "for which the spool had no room",
            "disk" => "for which the disk had no room",
            "torn" => "torn by a crash",
            "refused" => "that the database did not take",
            other => other,
        };
        format!("{count} {words}")
    };
    let reasons: Vec<String> = lost.iter().map(reason).collect();
    (!reasons.is_empty())
        .then(|| format!("records were lost since the start: {}", reasons.join(", ")))
}

/// Say what runs here
#[utoipa::path(get, path = "/api/v1/info", tag = "process", responses(
    (status = 200, description = "What runs here", body = Info),
))]
async fn info(State(api): State<Api>) -> Json<Info> {
    Json(api.gateway().info())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_are_told_with_count_and_reason() {
        let told = |lost: &[(&str, u64)]| {
            let lost = lost
                .iter()
                .map(|(place, count)| ((*place).to_owned(), *count));
            losses(&lost.collect())
        };
        assert_eq!(told(&[]), None);
        assert_eq!(
            told(&[("queue", 17), ("disk", 2)]).as_deref(),
            Some(
                "records were lost since the start: 2 for which the disk had no room, 17 for which the store was too slow"
            )
        );
    }
}
