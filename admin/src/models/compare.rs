//! One model beside another: how often they were of the same mind on the newest records that a filter admits, and where
//! they differed most.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::{Extension, Json};
use portcullis_store::entry::Vote;
use portcullis_store::{Found, Records};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::Api;
use crate::caller::Caller;
use crate::extract::Query;
use crate::logs::LogQuestion;
use crate::problem::Problem;

/// Two models beside each other.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub(super) struct Comparison {
    /// The one.
    pub a: String,
    /// The other.
    pub b: String,
    /// Requests that both had a vote on.
    pub counted: u64,
    /// Records that were looked at: the newest that fit the question.
    pub looked_at: usize,
    /// Whether that was all there are.
    pub complete: bool,
    /// Both took it for an attack.
    pub both: u64,
    /// Only the one did.
    pub only_a: u64,
    /// Only the other did.
    pub only_b: u64,
    /// Neither did.
    pub neither: u64,
    /// Where only one of them did, those whose probabilities differ most first, at most 20.
    pub disagreements: Vec<Disagreement>,
}

/// A request that two models see differently.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub(super) struct Disagreement {
    /// The id of its record.
    pub id: String,
    /// When it came.
    #[schema(format = "date-time")]
    pub time: String,
    /// Method and path, at most 200 characters.
    pub request: String,
    /// What was done with it, or would have been: `allow`, `tag`, `throttle`, `deny`.
    pub action: String,
    /// What the one says, 0 to 1.
    pub a: f64,
    /// What the other says, 0 to 1.
    pub b: f64,
    /// What people said: `false-positive`, `confirmed`; empty where nobody did.
    pub feedback: String,
}

/// Which models; the filter is that of `/api/v1/logs`.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents what is read together with the filter")]
struct Pair {
    /// The one, by its name.
    #[param(min_length = 1, max_length = 300, example = "cnn")]
    a: String,
    /// The other, by its name.
    #[param(min_length = 1, max_length = 300, example = "bilstm")]
    b: String,
}

/// Compare two models over the newest records
///
/// A model that nobody knows has voted on nothing.
#[utoipa::path(get, path = "/api/v1/models/compare", tag = "models", params(Pair, LogQuestion), responses(
    (status = 200, description = "The two", body = Comparison),
    (status = 400, description = "The question makes no sense", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "There is no store", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn compare(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Query(mut question): Query<BTreeMap<String, String>>,
) -> Result<Json<Comparison>, Problem> {
    let mut named = |name: &str| {
        let model = question.remove(name).filter(|model| !model.is_empty());
        model.ok_or_else(|| Problem::bad_request(format!("`{name}` names no model")))
    };
    let mut comparison = Comparison {
        a: named("a")?,
        b: named("b")?,
        ..Comparison::default()
    };
    let filter = LogQuestion::of(question)?.whole_filter(&api, &caller)?;
    let records = Records::new(api.database()?);
    let mut cursor = None;
    loop {
        let page = records.list(&filter, cursor.as_deref(), PAGE).await?;
        comparison.looked_at += page.records.len();
        page.records.iter().for_each(|found| comparison.add(found));
        comparison.keep_the_widest();
        cursor = page.next;
        if cursor.is_none() || comparison.looked_at >= LOOKED_AT {
            break;
        }
    }
    comparison.complete = cursor.is_none();
    Ok(Json(comparison))
}

impl Comparison {
    fn add(&mut self, found: &Found) {
        let vote = |name: &str| {
            let mut votes = found.entry.record.votes();
            votes.find(|vote| *vote.model == *name)
        };
        let (Some(a), Some(b)) = (vote(&self.a), vote(&self.b)) else {
            return;
        };
        self.counted += 1;
        match (a.agrees, b.agrees) {
            (true, true) => self.both += 1,
            (true, false) => self.only_a += 1,
            (false, true) => self.only_b += 1,
            (false, false) => self.neither += 1,
        }
        if a.agrees != b.agrees {
            let disagreement = Disagreement::of(found, a, b);
            self.disagreements.push(disagreement);
        }
    }

    fn keep_the_widest(&mut self) {
        self.disagreements
            .sort_by(|one, other| other.width().total_cmp(&one.width()));
        self.disagreements.truncate(DISAGREEMENTS);
    }
}

impl Disagreement {
    fn of(found: &Found, a: &Vote, b: &Vote) -> Self {
        let record = &found.entry.record;
        let request = format!("{} {}", record.method, record.path);
        Self {
            id: record.id.to_string(),
            time: record.time.to_string(),
            request: request.chars().take(REQUEST).collect(),
            action: record.decided().to_owned(),
            a: a.probability,
            b: b.probability,
            feedback: found
                .said
                .map_or_else(String::new, |said| said.as_str().to_owned()),
        }
    }

    fn width(&self) -> f64 {
        (self.a - self.b).abs()
    }
}

/// How many records are looked at, and how many at once.
const LOOKED_AT: usize = 5000;
const PAGE: usize = 1000;
/// How many differences are shown.
const DISAGREEMENTS: usize = 20;
/// The longest request that is shown, in characters.
const REQUEST: usize = 200;

#[cfg(test)]
mod tests {
    use portcullis_store::Entry;

    use super::*;

    fn found(id: u32, votes: &str) -> Found {
        let line = format!(
            r#"{{"id":"{id}","method":"GET","path":"/a","action":"tag","verdict":{{"ensemble":{{"votes":[{votes}]}}}}}}"#
        );
        Found {
            key: i64::from(id),
            node: "one".into(),
            said: None,
            entry: Entry::read(&line).expect("a record"),
        }
    }

    fn vote(model: &str, probability: f64) -> String {
        let agrees = probability >= 0.5;
        format!(r#"{{"model":"{model}","probability":{probability},"agrees":{agrees}}}"#)
    }

    #[test]
    fn four_fields_and_the_widest_differences() {
        let mut comparison = Comparison {
            a: "cnn".to_owned(),
            b: "bilstm".to_owned(),
            ..Comparison::default()
        };
        let pairs = [(0.9, 0.8), (0.9, 0.1), (0.6, 0.4), (0.2, 0.7), (0.1, 0.1)];
        for (id, (cnn, bilstm)) in (1..).zip(pairs) {
            let votes = format!("{},{}", vote("bilstm", bilstm), vote("cnn", cnn));
            comparison.add(&found(id, &votes));
        }
        // One did not vote.
        comparison.add(&found(6, &vote("cnn", 0.9)));
        comparison.keep_the_widest();
        let fields = (
            comparison.both,
            comparison.only_a,
            comparison.only_b,
            comparison.neither,
        );
        assert_eq!((comparison.counted, fields), (5, (1, 2, 1, 1)));
        let ids: Vec<&str> = comparison
            .disagreements
            .iter()
            .map(|one| one.id.as_str())
            .collect();
        assert_eq!(ids, ["2", "4", "3"]);
        assert_eq!(comparison.disagreements[0].request, "GET /a");
    }
}
