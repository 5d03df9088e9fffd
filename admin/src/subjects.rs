//! What is known of one subject: an address, a user, a session, a key. What the behaviour stage remembers comes from
//! the gateway that answers; what happened comes from the store, whichever gateway it happened on.

use axum::extract::State;
use axum::routing::get;
use axum::{Extension, Json, Router};
use portcullis_store::{Filter, Records};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, OpenApi, ToSchema};

use crate::api::Api;
use crate::bans::Ban;
use crate::caller::Caller;
use crate::extract::{Path, Query};
use crate::logs::{LogEntry, narrow};
use crate::problem::Problem;

/// What the behaviour stage remembers of a subject.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Portrait {
    /// Who.
    pub subject: String,
    /// Requests ever.
    pub requests: u32,
    /// Requests within these times, faded.
    pub rates: Rates,
    /// The share of errors among the answers of the last minutes, 0 to 1.
    pub error_share: f64,
    /// Failed log-ins within an hour.
    pub login_failures: f64,
    /// 0 (nothing) to 100, as of when it was last seen.
    pub risk: f64,
    /// How much has been seen of it, 0 to 1.
    pub confidence: f64,
    /// What the risk comes from, strongest first.
    pub factors: Vec<Factor>,
    /// When it was first seen.
    #[schema(format = "date-time")]
    pub first_seen: String,
    /// When it was last seen.
    #[schema(format = "date-time")]
    pub last_seen: String,
    /// Its last requests, at most 32, oldest first; empty where it has no full profile, and in lists.
    pub steps: Vec<Step>,
}

/// Requests within times of several lengths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Rates {
    /// A second.
    pub second: f64,
    /// Ten seconds.
    pub ten_seconds: f64,
    /// A minute.
    pub minute: f64,
    /// Ten minutes.
    pub ten_minutes: f64,
    /// An hour.
    pub hour: f64,
}

/// What one detector contributed to a risk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Factor {
    /// The detector.
    pub detector: String,
    /// Its strongest score of late, 0 to 100.
    pub score: u8,
}

/// One request of a subject, as the behaviour stage remembers it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Step {
    /// Milliseconds since the one before.
    pub gap_ms: u32,
    /// The status; 0 while no answer is known.
    pub status: u16,
    /// Whether it writes.
    pub writes: bool,
    /// Whether it asks for an asset of a page.
    pub asset: bool,
    /// Whether it tries to log in.
    pub login: bool,
    /// Whether a detector noticed it.
    pub noticed: bool,
}

/// A subject.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Subject {
    /// Who, spelt as records and bans do.
    pub subject: String,
    /// Its ban, where one holds. Who belongs to a tenant is not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ban: Option<Ban>,
    /// What the behaviour stage remembers of it; absent where that is nothing, and for who belongs to a tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub profile: Option<Portrait>,
    /// What it did last, newest first, at most 50; empty for kinds that records do not name, and without a store.
    /// `/api/v1/logs?subject=…` tells the rest.
    pub timeline: Vec<LogEntry>,
}

/// Subjects.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SubjectList {
    /// Highest risk first; those without risk are left out.
    pub subjects: Vec<Portrait>,
}

/// Which subjects.
#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct SubjectQuestion {
    /// At most this many.
    #[param(nullable = false, minimum = 1, maximum = 500, default = 50)]
    limit: Option<usize>,
}

/// The most subjects of one list.
const MOST: usize = 500;

/// How much of its past is shown with a subject.
const TIMELINE: usize = 50;

/// The routes of this module.
pub fn router() -> Router<Api> {
    Router::new()
        .route("/api/v1/subjects", get(list))
        .route("/api/v1/subjects/{id}", get(one))
}

/// The documentation of this module.
#[derive(OpenApi)]
#[openapi(paths(list, one))]
pub struct Doc;

/// List the subjects with the highest risk
#[utoipa::path(get, path = "/api/v1/subjects", tag = "subjects", params(SubjectQuestion), responses(
    (status = 200, description = "The subjects", body = SubjectList),
    (status = 400, description = "The question makes no sense", body = Problem, content_type = "application/problem+json"),
))]
async fn list(
    State(api): State<Api>,
    Query(question): Query<SubjectQuestion>,
) -> Result<Json<SubjectList>, Problem> {
    let limit = question.limit.unwrap_or(50);
    if !(1..=MOST).contains(&limit) {
        return Err(Problem::bad_request(format!("`limit` is 1 to {MOST}")));
    }
    let subjects = api.away(move |gateway| gateway.riskiest(limit)).await?;
    Ok(Json(SubjectList { subjects }))
}

/// Show what is known of a subject
#[utoipa::path(get, path = "/api/v1/subjects/{id}", tag = "subjects", params(("id" = String, Path, description = "Who: a bare address, `address:192.0.2.1`, `user:` and 16 hexadecimal digits, …")), responses(
    (status = 200, description = "The subject", body = Subject),
    (status = 422, description = "That names nobody", body = Problem, content_type = "application/problem+json"),
))]
async fn one(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Subject>, Problem> {
    let gateway = api.gateway();
    let subject = gateway.subject(&id).map_err(Problem::unprocessable)?;
    let timeline = timeline(&api, &caller, &subject).await?;
    // What is remembered of somebody, and why they are banned, was learned from the traffic of all tenants.
    let whole = caller.tenant.is_none();
    let ban = gateway.stored_ban(&subject).filter(|_| whole);
    let ban = ban.map(|ban| Ban::of(&ban));
    let profile = gateway.portrait(&subject).filter(|_| whole);
    Ok(Json(Subject {
        subject,
        ban,
        profile,
        timeline,
    }))
}

async fn timeline(api: &Api, caller: &Caller, subject: &str) -> Result<Vec<LogEntry>, Problem> {
    let mut filter = Filter {
        scope: api.scope(caller),
        ..Filter::default()
    };
    let Ok(database) = api.database() else {
        return Ok(Vec::new());
    };
    if narrow(&mut filter, subject).is_err() {
        return Ok(Vec::new());
    }
    let records = Records::new(database);
    let page = records.list(&filter, None, TIMELINE).await?;
    Ok(page.records.iter().map(LogEntry::of).collect())
}
