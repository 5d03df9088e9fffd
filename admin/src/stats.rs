//! How much happened: sums over a time, and the same minute by minute, hour by hour or day by day, from the roll-ups,
//! which hold every record; `stats/top.rs` says who leads, `stats/feedback.rs` what people said of verdicts.

mod feedback;
mod span;
mod top;

use std::collections::BTreeMap;

use axum::extract::State;
use axum::routing::get;
use axum::{Extension, Json, Router};
use portcullis_store::{Cell, Feedback, Rollups};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

pub use self::feedback::FeedbackSums;
pub use self::span::{Span, StatsQuestion, Step};
pub use self::top::Leaders;
use crate::api::Api;
use crate::caller::Caller;
use crate::extract::Query;
use crate::problem::Problem;
use crate::time::rfc3339;

/// What was counted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Sums {
    /// Requests.
    pub requests: u64,
    /// By what was done: `allow`, `tag`, `throttle`, `deny`.
    pub actions: BTreeMap<String, u64>,
    /// By what would have been done, where a policy only observes.
    pub would: BTreeMap<String, u64>,
    /// By level: `LOW`, `MEDIUM`, `HIGH`, `CRITICAL`.
    pub levels: BTreeMap<String, u64>,
    /// By kind of attack; requests without evidence are left out.
    pub categories: BTreeMap<String, u64>,
    /// By class of status: `2xx` and so on, `0xx` where the client got no answer.
    pub classes: BTreeMap<String, u64>,
    /// The mean score of the requests that the engine looked at, 0 to 100.
    pub score_mean: f64,
    /// The share of requests with a level of `MEDIUM` or above, 0 to 1.
    pub threat_share: f64,
    /// Bytes of requests' bodies.
    pub bytes_in: u64,
    /// Bytes of answers' bodies.
    pub bytes_out: u64,
    /// The middle time of a whole exchange, in microseconds, within 6 %.
    pub duration_p50_us: f64,
    /// The time that 90 of 100 exchanges do not exceed.
    pub duration_p90_us: f64,
    /// The time that 99 of 100 exchanges do not exceed.
    pub duration_p99_us: f64,
}

/// The sums of a time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StatsAnswer {
    /// From here on, a whole minute, hour or day.
    #[schema(format = "date-time")]
    pub since: String,
    /// To before here.
    #[schema(format = "date-time")]
    pub until: String,
    /// Everything together.
    pub total: Sums,
    /// By route.
    pub routes: BTreeMap<String, Sums>,
    /// Requests by the rule that found something, the 50 that did so most often.
    pub rules: BTreeMap<String, u64>,
    /// What people said of verdicts on requests of this time.
    pub feedback: FeedbackSums,
}

/// Points in order of time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Series {
    /// `minute`, `hour` or `day`.
    pub step: String,
    /// From here on.
    #[schema(format = "date-time")]
    pub since: String,
    /// To before here.
    #[schema(format = "date-time")]
    pub until: String,
    /// Those in which something happened.
    pub points: Vec<Point>,
}

/// What was counted in one minute, hour or day.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Point {
    /// When it began.
    #[schema(format = "date-time")]
    pub start: String,
    /// The counts.
    pub sums: Sums,
}

/// The routes of this module.
pub fn router() -> Router<Api> {
    Router::new()
        .route("/api/v1/stats", get(stats))
        .route("/api/v1/stats/timeseries", get(timeseries))
        .route("/api/v1/stats/top", get(top::top))
        .route("/api/v1/stats/feedback", get(feedback::feedback))
}

/// The documentation of this module.
#[derive(OpenApi)]
#[openapi(paths(stats, timeseries, top::top, feedback::feedback))]
pub struct Doc;

/// Sum up what happened
#[utoipa::path(get, path = "/api/v1/stats", tag = "stats", params(StatsQuestion), responses(
    (status = 200, description = "The sums", body = StatsAnswer),
    (status = 400, description = "The question makes no sense", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "There is no store", body = Problem, content_type = "application/problem+json"),
))]
async fn stats(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Query(question): Query<StatsQuestion>,
) -> Result<Json<StatsAnswer>, Problem> {
    let span = question.span()?;
    let database = api.database()?;
    let marks = Feedback::new(database.clone());
    let rollups = Rollups::new(database);
    let scope = api.scope(&caller);
    let marks = marks.between(span.from, span.to, scope.as_ref()).await?;
    let routes = rollups
        .by_route(span.width(), span.from, span.to, scope.as_ref())
        .await?;
    let mut total = Cell::default();
    routes.values().for_each(|cell| total.merge(cell));
    let mut rules: Vec<(&Box<str>, &u64)> = total.rules.iter().collect();
    rules.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let rules = rules.into_iter().take(MOST_RULES);
    Ok(Json(StatsAnswer {
        since: rfc3339(span.from),
        until: rfc3339(span.to),
        rules: rules
            .map(|(rule, count)| (rule.to_string(), *count))
            .collect(),
        feedback: FeedbackSums::of(&total, &marks),
        total: Sums::of(&total),
        routes: routes
            .iter()
            .map(|(route, cell)| (route.to_string(), Sums::of(cell)))
            .collect(),
    }))
}

/// Show what happened minute by minute, hour by hour or day by day
#[utoipa::path(get, path = "/api/v1/stats/timeseries", tag = "stats", params(StatsQuestion), responses(
    (status = 200, description = "The points", body = Series),
    (status = 400, description = "The question makes no sense", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "There is no store", body = Problem, content_type = "application/problem+json"),
))]
async fn timeseries(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Query(question): Query<StatsQuestion>,
) -> Result<Json<Series>, Problem> {
    let span = question.span()?;
    let rollups = Rollups::new(api.database()?);
    let scope = api.scope(&caller);
    let cells = span.cells(&rollups, scope.as_ref()).await?;
    Ok(Json(Series {
        step: span.word().to_owned(),
        since: rfc3339(span.from),
        until: rfc3339(span.to),
        points: cells
            .iter()
            .map(|(start, cell)| Point {
                start: rfc3339(*start),
                sums: Sums::of(cell),
            })
            .collect(),
    }))
}

impl Sums {
    fn of(cell: &Cell) -> Self {
        let names = |counts: &BTreeMap<Box<str>, u64>| {
            counts
                .iter()
                .map(|(name, count)| (name.to_string(), *count))
                .collect()
        };
        let level = |name: &str| cell.levels.get(name).copied().unwrap_or_default();
        let threats = level("MEDIUM") + level("HIGH") + level("CRITICAL");
        Self {
            requests: cell.requests,
            actions: names(&cell.actions),
            would: names(&cell.would),
            levels: names(&cell.levels),
            categories: names(&cell.categories),
            classes: names(&cell.classes),
            score_mean: cell.score_mean(),
            threat_share: threats as f64 / cell.requests.max(1) as f64,
            bytes_in: cell.bytes_in,
            bytes_out: cell.bytes_out,
            duration_p50_us: cell.latency.quantile(0.5),
            duration_p90_us: cell.latency.quantile(0.9),
            duration_p99_us: cell.latency.quantile(0.99),
        }
    }
}

/// The rules that an answer names.
const MOST_RULES: usize = 50;
