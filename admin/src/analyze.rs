//! Trying requests by hand or by program: a described request is judged as the gateway would judge it now, with the
//! rules, thresholds and exceptions that serve, and nothing is forwarded, recorded or held against anybody.

use std::net::IpAddr;

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

use crate::api::Api;
use crate::extract;
use crate::problem::Problem;
use crate::verdict::Verdict;

/// A request to judge.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Trial {
    /// The method.
    #[serde(default = "get")]
    #[schema(
        default = "GET",
        max_length = 32,
        pattern = "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"
    )]
    pub method: String,
    /// Path and query as a client would send them.
    #[schema(example = "/api/users?id=1", max_length = 16384, pattern = "^/[!-~]*$")]
    pub target: String,
    /// The host asked for; decides the route. Absent: `localhost`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(
        nullable = false,
        max_length = 255,
        pattern = "^[0-9A-Za-z_.:\\[\\]-]+$"
    )]
    pub host: Option<String>,
    /// Headers in order; `host` among them is ignored.
    #[serde(default)]
    #[schema(max_items = 200)]
    pub headers: Vec<Header>,
    /// The body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub body: Option<TrialBody>,
    /// The client's address. Absent: 192.0.2.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false, max_length = 45)]
    pub client: Option<IpAddr>,
    /// Judges by this policy, whatever the route says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 128)]
    pub policy: Option<String>,
}

/// One header field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Its name.
    #[schema(max_length = 128, pattern = "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")]
    pub name: String,
    /// Its value.
    #[schema(max_length = 16384, pattern = "^[ -~]*$")]
    pub value: String,
}

/// A body, as text or as bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "lowercase")]
pub enum TrialBody {
    /// UTF-8 text.
    Text(String),
    /// Any bytes, in base64 (RFC 4648, padded).
    Base64(String),
}

/// What the gateway would make of the request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Analysis {
    /// The route that matches; absent where none does, and the gateway would answer 404.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub route: Option<String>,
    /// The policy that it was judged by.
    pub policy: String,
    /// `enforce`, `observe` or `off`.
    pub mode: String,
    /// What would be done: `allow` where the policy only observes, else the verdict's action.
    pub enforced: String,
    /// The verdict. With mode `off` it is what it would be if the engine were asked.
    pub verdict: Verdict,
}

/// Requests to judge.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    /// At most 100.
    #[schema(min_items = 1, max_items = 100)]
    pub requests: Vec<Trial>,
}

/// What the gateway would make of each, in order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BatchAnalysis {
    /// One for each request.
    pub results: Vec<Tried>,
}

/// What became of one request of a batch: an analysis, or why there is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Tried {
    /// It was judged.
    Analysis(Box<Analysis>),
    /// It is no request.
    Error(String),
}

/// The most requests of one batch.
const MOST_REQUESTS: usize = 100;

fn get() -> String {
    "GET".to_owned()
}

/// The routes of this module.
pub fn router() -> Router<Api> {
    Router::new()
        .route("/api/v1/analyze", post(analyze))
        .route("/api/v1/analyze/batch", post(batch))
        .route("/api/v1/rules/test", post(test))
}

/// The documentation of this module.
#[derive(OpenApi)]
#[openapi(paths(analyze, batch, test))]
pub struct Doc;

/// Judge a request without forwarding it
#[utoipa::path(post, path = "/api/v1/analyze", tag = "analyze", request_body = Trial, responses(
    (status = 200, description = "The verdict, with its evidence", body = Analysis),
    (status = 422, description = "It is no request", body = Problem, content_type = "application/problem+json"),
))]
async fn analyze(
    State(api): State<Api>,
    extract::Json(trial): extract::Json<Trial>,
) -> Result<Json<Analysis>, Problem> {
    judge(api, trial).await
}

/// Try the rules on a request by hand; the same as `analyze`
#[utoipa::path(post, path = "/api/v1/rules/test", tag = "rules", request_body = Trial, responses(
    (status = 200, description = "The verdict, with its evidence", body = Analysis),
    (status = 422, description = "It is no request", body = Problem, content_type = "application/problem+json"),
))]
async fn test(
    State(api): State<Api>,
    extract::Json(trial): extract::Json<Trial>,
) -> Result<Json<Analysis>, Problem> {
    judge(api, trial).await
}

async fn judge(api: Api, trial: Trial) -> Result<Json<Analysis>, Problem> {
    let judged = api.away(move |gateway| gateway.analyze(&trial)).await?;
    judged.map(Json).map_err(Problem::unprocessable)
}

/// Judge several requests without forwarding them
#[utoipa::path(post, path = "/api/v1/analyze/batch", tag = "analyze", request_body = Batch, responses(
    (status = 200, description = "A verdict for each, in order", body = BatchAnalysis),
    (status = 422, description = "None, or too many", body = Problem, content_type = "application/problem+json"),
))]
async fn batch(
    State(api): State<Api>,
    extract::Json(batch): extract::Json<Batch>,
) -> Result<Json<BatchAnalysis>, Problem> {
    let count = batch.requests.len();
    if count == 0 || count > MOST_REQUESTS {
        return Err(Problem::unprocessable(format!(
            "a batch has 1 to {MOST_REQUESTS} requests, this one has {count}"
        )));
    }
    let results = api
        .away(move |gateway| {
            let tried = batch
                .requests
                .iter()
                .map(|trial| match gateway.analyze(trial) {
                    Ok(analysis) => Tried::Analysis(Box::new(analysis)),
                    Err(sentence) => Tried::Error(sentence),
                });
            tried.collect()
        })
        .await?;
    Ok(Json(BatchAnalysis { results }))
}
