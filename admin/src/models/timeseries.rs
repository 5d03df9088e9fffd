//! How the models voted over time, from the roll-ups of every record that the store has: over restarts, and of every
//! gateway of the installation. The counts of one process are in `models.rs`.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use portcullis_store::rollup::Votes;
use portcullis_store::{Cell, Rollups};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::Api;
use crate::extract::Query;
use crate::problem::Problem;
use crate::stats::StatsQuestion;
use crate::time::rfc3339;

/// How the models voted, in order of time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub(super) struct VoteSeries {
    /// `minute`, `hour` or `day`.
    pub step: String,
    /// From here on.
    #[schema(format = "date-time")]
    pub since: String,
    /// To before here.
    #[schema(format = "date-time")]
    pub until: String,
    /// Those in which something happened.
    pub points: Vec<VotePoint>,
}

/// How the models voted in one minute, hour or day.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub(super) struct VotePoint {
    /// When it began.
    #[schema(format = "date-time")]
    pub start: String,
    /// Requests.
    pub requests: u64,
    /// Requests that were tagged, throttled or denied, or would have been.
    pub flagged: u64,
    /// By model.
    pub models: BTreeMap<String, ModelVotes>,
}

/// How a model voted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub(super) struct ModelVotes {
    /// Requests that it had a vote on, shown or counted.
    pub votes: u64,
    /// Of these, those it took for an attack.
    pub agreed: u64,
    /// Votes on requests that were tagged, throttled or denied, or would have been.
    pub flagged: u64,
    /// Of these, those it took for an attack.
    pub flagged_agreed: u64,
    /// The mean of its calibrated probabilities, 0 to 1.
    pub probability_mean: f64,
}

/// Show how the models voted over time
///
/// Records of versions that did not count votes are in `requests` alone.
#[utoipa::path(get, path = "/api/v1/models/timeseries", tag = "models", params(StatsQuestion), responses(
    (status = 200, description = "The points", body = VoteSeries),
    (status = 400, description = "The question makes no sense", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "There is no store", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn timeseries(
    State(api): State<Api>,
    Query(question): Query<StatsQuestion>,
) -> Result<Json<VoteSeries>, Problem> {
    let span = question.span()?;
    let cells = span.cells(&Rollups::new(api.database()?), None).await?;
    let points = cells
        .iter()
        .map(|(start, cell)| VotePoint::of(*start, cell));
    Ok(Json(VoteSeries {
        step: span.word().to_owned(),
        since: rfc3339(span.from),
        until: rfc3339(span.to),
        points: points.collect(),
    }))
}

impl VotePoint {
    fn of(start_ms: i64, cell: &Cell) -> Self {
        let models = cell.models.iter();
        let named = models.map(|(name, votes)| (name.to_string(), ModelVotes::of(votes)));
        Self {
            start: rfc3339(start_ms),
            requests: cell.requests,
            flagged: cell.flagged,
            models: named.collect(),
        }
    }
}

impl ModelVotes {
    fn of(votes: &Votes) -> Self {
        Self {
            votes: votes.votes,
            agreed: votes.agreed,
            flagged: votes.flagged,
            flagged_agreed: votes.flagged_agreed,
            probability_mean: votes.probability_sum / votes.votes.max(1) as f64,
        }
    }
}
