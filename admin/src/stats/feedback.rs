//! What people said of verdicts, summed up: how many of the requests that something was held against were attacks, and
//! how often each model was of the same mind as people. Counts are of marks (`logs/feedback.rs`), by the time of the
//! request: who marks only what looks wrong measures a precision that is too low.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::{Extension, Json};
use portcullis_store::feedback::Marked;
use portcullis_store::{Cell, Feedback, Rollups, Said};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::StatsQuestion;
use crate::api::Api;
use crate::caller::Caller;
use crate::extract::Query;
use crate::problem::Problem;
use crate::time::rfc3339;

/// What people said, and of how much.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FeedbackSums {
    /// All requests of the time.
    pub requests: u64,
    /// Of these, those that were denied, or would have been.
    pub denied: u64,
    /// Requests of which somebody said that they were attacks.
    pub confirmed: u64,
    /// Requests of which somebody said that they were harmless.
    pub false_positives: u64,
    /// The same by what was done with them, or would have been: what is confirmed under `allow` was missed.
    pub actions: BTreeMap<String, Judged>,
    /// The share of attacks among the marked requests that were tagged, throttled or denied, or would have been, 0 to 1;
    /// absent where none was marked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub precision: Option<f64>,
    /// By model, what it said of the marked requests that it had a vote on.
    pub models: BTreeMap<String, Agreement>,
}

/// What people said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Judged {
    /// An attack.
    pub confirmed: u64,
    /// Harmless.
    pub false_positives: u64,
}

/// A model beside people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Agreement {
    /// Attacks that it took for attacks.
    pub caught: u64,
    /// Attacks that it did not.
    pub missed: u64,
    /// Harmless requests that it took for attacks.
    pub wronged: u64,
    /// Harmless requests that it did not.
    pub cleared: u64,
}

/// What people said, in order of the requests' time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub(super) struct FeedbackSeries {
    /// `minute`, `hour` or `day`.
    pub step: String,
    /// From here on.
    #[schema(format = "date-time")]
    pub since: String,
    /// To before here.
    #[schema(format = "date-time")]
    pub until: String,
    /// Everything together.
    pub total: FeedbackSums,
    /// Those in which something happened.
    pub points: Vec<FeedbackPoint>,
}

/// What people said of the requests of one minute, hour or day.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub(super) struct FeedbackPoint {
    /// When it began.
    #[schema(format = "date-time")]
    pub start: String,
    /// The counts.
    pub sums: FeedbackSums,
}

/// Show what people said of verdicts over time, and how often each model was right by that
#[utoipa::path(get, path = "/api/v1/stats/feedback", tag = "stats", params(StatsQuestion), responses(
    (status = 200, description = "The points, by the time of the requests", body = FeedbackSeries),
    (status = 400, description = "The question makes no sense", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "There is no store", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn feedback(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Query(question): Query<StatsQuestion>,
) -> Result<Json<FeedbackSeries>, Problem> {
    let span = question.span()?;
    let database = api.database()?;
    let scope = api.scope(&caller);
    let rollups = Rollups::new(database.clone());
    let cells = span.cells(&rollups, scope.as_ref()).await?;
    let marks = Feedback::new(database)
        .between(span.from, span.to, scope.as_ref())
        .await?;
    let mut whole = Cell::default();
    let mut points = BTreeMap::<i64, FeedbackSums>::new();
    for (start, cell) in &cells {
        whole.merge(cell);
        points.entry(*start).or_default().count(cell);
    }
    for marked in &marks {
        let start = span.start(marked.time_ms);
        points.entry(start).or_default().add(marked);
    }
    let point = |(start, sums): (i64, FeedbackSums)| FeedbackPoint {
        start: rfc3339(start),
        sums: sums.judged(),
    };
    Ok(Json(FeedbackSeries {
        step: span.word().to_owned(),
        since: rfc3339(span.from),
        until: rfc3339(span.to),
        total: FeedbackSums::of(&whole, &marks),
        points: points.into_iter().map(point).collect(),
    }))
}

impl FeedbackSums {
    /// Of everything together.
    pub fn of(cell: &Cell, marks: &[Marked]) -> Self {
        let mut sums = Self::default();
        sums.count(cell);
        marks.iter().for_each(|marked| sums.add(marked));
        sums.judged()
    }

    fn count(&mut self, cell: &Cell) {
        self.requests += cell.requests;
        self.denied += cell.decided("deny");
    }

    fn add(&mut self, marked: &Marked) {
        let is_attack = marked.mark.said == Said::Confirmed;
        let judged = self.actions.entry(marked.action.to_string()).or_default();
        let pairs = [
            (&mut self.confirmed, &mut self.false_positives),
            (&mut judged.confirmed, &mut judged.false_positives),
        ];
        for (confirmed, false_positives) in pairs {
            *(if is_attack {
                confirmed
            } else {
                false_positives
            }) += 1;
        }
        for (model, agrees) in &marked.votes {
            let agreement = self.models.entry(model.to_string()).or_default();
            *agreement.place(is_attack, *agrees) += 1;
        }
    }

    /// With its precision.
    fn judged(self) -> Self {
        let flagged = self.actions.iter().filter(|(action, _)| *action != "allow");
        let (mut attacks, mut all) = (0, 0);
        for (_, judged) in flagged {
            attacks += judged.confirmed;
            all += judged.confirmed + judged.false_positives;
        }
        let precision = (all > 0).then(|| attacks as f64 / all as f64);
        Self { precision, ..self }
    }
}

impl Agreement {
    fn place(&mut self, is_attack: bool, agrees: bool) -> &mut u64 {
        match (is_attack, agrees) {
            (true, true) => &mut self.caught,
            (true, false) => &mut self.missed,
            (false, true) => &mut self.wronged,
            (false, false) => &mut self.cleared,
        }
    }
}

#[cfg(test)]
mod tests {
    use portcullis_store::feedback::Mark;

    use super::*;

    fn marked(said: Said, action: &str, votes: &[(&str, bool)]) -> Marked {
        Marked {
            key: 1,
            time_ms: 1,
            route: "all".into(),
            host: "a.test".into(),
            action: action.into(),
            votes: votes
                .iter()
                .map(|(name, agrees)| ((*name).into(), *agrees))
                .collect(),
            mark: Mark {
                said,
                comment: String::new(),
                author: "ada".to_owned(),
                made_ms: 1,
            },
        }
    }

    #[test]
    fn precision_is_of_what_was_flagged_and_models_are_compared_with_people() {
        use Said::{Confirmed, FalsePositive};
        let marks = [
            marked(Confirmed, "deny", &[("cnn", true), ("bilstm", false)]),
            marked(Confirmed, "tag", &[("cnn", true)]),
            marked(FalsePositive, "deny", &[("cnn", true), ("bilstm", false)]),
            marked(Confirmed, "deny", &[]),
            // Missed, so no part of precision.
            marked(Confirmed, "allow", &[("cnn", false)]),
        ];
        let sums = FeedbackSums::of(&Cell::default(), &marks);
        assert_eq!((sums.confirmed, sums.false_positives), (4, 1));
        assert_eq!(sums.precision, Some(0.75));
        let judged = |confirmed, false_positives| Judged {
            confirmed,
            false_positives,
        };
        assert_eq!(sums.actions["deny"], judged(2, 1));
        assert_eq!(sums.actions["allow"], judged(1, 0));
        let agreement = |caught, missed, wronged, cleared| Agreement {
            caught,
            missed,
            wronged,
            cleared,
        };
        assert_eq!(sums.models["cnn"], agreement(2, 1, 1, 0));
        assert_eq!(sums.models["bilstm"], agreement(0, 1, 0, 1));
        let missed = [marked(Confirmed, "allow", &[])];
        assert_eq!(
            FeedbackSums::of(&Cell::default(), &missed).precision,
            None,
            "nothing was flagged"
        );
    }
}
