//! What happened: records by filter, page by page, one of them with everything that is known, or all of them as a
//! file. The store answers for every gateway of the installation.

mod entry;
mod export;
mod feedback;
mod question;

use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, put};
use axum::{Extension, Json, Router};
use portcullis_store::records::LARGEST_PAGE;
use portcullis_store::{Feedback as Marks, Found, Records};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, OpenApi, ToSchema};

pub use self::entry::{LogDetail, LogEntry};
pub use self::feedback::Feedback;
pub use self::question::{LogQuestion, narrow};
use crate::api::Api;
use crate::caller::Caller;
use crate::extract::{Path, Query};
use crate::problem::Problem;

/// Some of the records.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LogPage {
    /// Newest first. There may be fewer than asked for although more follow: see `next`.
    pub logs: Vec<LogEntry>,
    /// The `cursor` of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next: Option<String>,
}

/// Which page.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "documents what `LogQuestion` reads together with the filter"
)]
struct Paging {
    /// The `next` of the page before, with the same filter.
    #[param(nullable = false, max_length = 300)]
    cursor: Option<String>,
    /// At most this many.
    #[param(nullable = false, minimum = 1, maximum = 1000, default = 50)]
    limit: Option<usize>,
}

/// The longest id of a request.
const MOST_ID: usize = 128;

/// The routes of this module.
pub fn router() -> Router<Api> {
    Router::new()
        .route("/api/v1/logs", get(list))
        .route("/api/v1/logs.csv", get(csv))
        .route("/api/v1/logs.ndjson", get(ndjson))
        .route("/api/v1/logs/{id}", get(one))
        .route(
            "/api/v1/logs/{id}/feedback",
            put(feedback::put).delete(feedback::remove),
        )
}

/// The documentation of this module.
#[derive(OpenApi)]
#[openapi(paths(list, csv, ndjson, one, feedback::put, feedback::remove))]
pub struct Doc;

/// List what happened, newest first
#[utoipa::path(get, path = "/api/v1/logs", tag = "logs", params(LogQuestion, Paging), responses(
    (status = 200, description = "The records", body = LogPage),
    (status = 400, description = "The question makes no sense", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "There is no store", body = Problem, content_type = "application/problem+json"),
))]
async fn list(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Query(question): Query<LogQuestion>,
) -> Result<Json<LogPage>, Problem> {
    let limit = question.limit.unwrap_or(50);
    if !(1..=LARGEST_PAGE).contains(&limit) {
        return Err(Problem::bad_request(format!(
            "`limit` is 1 to {LARGEST_PAGE}"
        )));
    }
    let filter = question.filter(&api, &caller)?;
    let records = Records::new(api.database()?);
    let page = records
        .list(&filter, question.cursor.as_deref(), limit)
        .await?;
    Ok(Json(LogPage {
        logs: page.records.iter().map(LogEntry::of).collect(),
        next: page.next,
    }))
}

/// Show everything that is known of one exchange
#[utoipa::path(get, path = "/api/v1/logs/{id}", tag = "logs", params(("id" = String, Path, description = "The request's id, as the client was told")), responses(
    (status = 200, description = "The exchange", body = LogDetail),
    (status = 404, description = "There is no such record, or no longer", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "There is no store", body = Problem, content_type = "application/problem+json"),
))]
async fn one(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<LogDetail>, Problem> {
    let found = visible(&api, &caller, &id).await?;
    let marked = match found.said {
        Some(_) => Marks::new(api.database()?).of(&id).await?,
        None => None,
    };
    let feedback = marked.map(|marked| Feedback::of(marked.mark));
    let detail = LogDetail::of(&found)?;
    Ok(Json(LogDetail { feedback, ..detail }))
}

/// The record of a request's id, if the caller may see it. What belongs to another tenant does not exist.
async fn visible(api: &Api, caller: &Caller, id: &str) -> Result<Found, Problem> {
    check_id(id)?;
    let records = Records::new(api.database()?);
    let found = records.by_id(id).await?.ok_or_else(missing)?;
    let record = &found.entry.record;
    let scope = api.scope(caller);
    match scope.is_none_or(|scope| scope.admits(&record.route, &record.host)) {
        true => Ok(found),
        false => Err(missing()),
    }
}

/// What cannot be an id is the id of no record.
fn check_id(id: &str) -> Result<(), Problem> {
    let plain = id.len() <= MOST_ID && id.bytes().all(|byte| byte.is_ascii_graphic());
    plain.then_some(()).ok_or_else(missing)
}

fn missing() -> Problem {
    Problem::not_found("there is no record of this id, or no longer")
}

/// Export what happened as comma-separated values, newest first
///
/// Cells that a spreadsheet would take for a formula begin with an apostrophe.
#[utoipa::path(get, path = "/api/v1/logs.csv", tag = "logs", params(LogQuestion), responses(
    (status = 200, description = "The records, one a line, below a line of names", body = String, content_type = "text/csv"),
    (status = 400, description = "The question makes no sense", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "There is no store", body = Problem, content_type = "application/problem+json"),
))]
async fn csv(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Query(question): Query<LogQuestion>,
) -> Result<Response, Problem> {
    let filter = question.whole_filter(&api, &caller)?;
    Ok(export::csv(Records::new(api.database()?), filter))
}

/// Export what happened as lines of JSON, newest first, as the gateways wrote them
#[utoipa::path(get, path = "/api/v1/logs.ndjson", tag = "logs", params(LogQuestion), responses(
    (status = 200, description = "The records, one a line", body = String, content_type = "application/x-ndjson"),
    (status = 400, description = "The question makes no sense", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "There is no store", body = Problem, content_type = "application/problem+json"),
))]
async fn ndjson(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Query(question): Query<LogQuestion>,
) -> Result<Response, Problem> {
    let filter = question.whole_filter(&api, &caller)?;
    Ok(export::ndjson(Records::new(api.database()?), filter))
}
