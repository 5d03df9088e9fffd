//! Who or what leads: counted over the newest records that a filter admits, since roll-ups do not know every address.

use std::collections::{BTreeMap, HashMap};

use axum::extract::State;
use axum::{Extension, Json};
use portcullis_store::Records;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::Api;
use crate::caller::Caller;
use crate::extract::Query;
use crate::logs::LogQuestion;
use crate::problem::Problem;

/// Who or what leads.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Leaders {
    /// Most first.
    pub leaders: Vec<Leader>,
    /// How many records were counted: the newest that fit the question.
    pub counted: usize,
    /// Whether that was all there are.
    pub complete: bool,
}

/// One that leads.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Leader {
    /// Who or what.
    pub name: String,
    /// Requests.
    pub requests: u64,
    /// Of them denied or throttled, or such as would have been.
    pub stopped: u64,
    /// The highest score.
    pub score: f64,
}

/// What leaders are counted by.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum By {
    /// The client's address.
    #[default]
    Address,
    /// The user.
    User,
    /// The path.
    Path,
    /// The route.
    Route,
    /// The rule.
    Rule,
    /// The host.
    Host,
}

/// By what, and of which records; the filter is that of `/api/v1/logs`.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents what is read together with the filter")]
struct Leading {
    /// What is counted. Absent: addresses.
    #[param(nullable = false, inline)]
    by: Option<By>,
    /// At most this many.
    #[param(nullable = false, minimum = 1, maximum = 100, default = 10)]
    limit: Option<usize>,
}

/// Say who or what leads among the newest records
#[utoipa::path(get, path = "/api/v1/stats/top", tag = "stats", params(Leading, LogQuestion), responses(
    (status = 200, description = "The leaders", body = Leaders),
    (status = 400, description = "The question makes no sense", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "There is no store", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn top(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Query(mut question): Query<BTreeMap<String, String>>,
) -> Result<Json<Leaders>, Problem> {
    let by = question.remove("by");
    let by = match by {
        None => By::default(),
        Some(word) => serde_json::from_value(word.into()).map_err(|_| {
            Problem::bad_request("`by` is address, user, path, route, rule or host")
        })?,
    };
    let limit = question.remove("limit").map(|text| text.parse::<usize>());
    let limit = limit.transpose().ok().map(|limit| limit.unwrap_or(10));
    let limit = limit.filter(|limit| (1..=100).contains(limit));
    let limit = limit.ok_or_else(|| Problem::bad_request("`limit` is 1 to 100"))?;
    let question = LogQuestion::of(question)?;
    let filter = question.whole_filter(&api, &caller)?;
    let records = Records::new(api.database()?);
    let mut tally = HashMap::<String, Leader>::new();
    let (mut counted, mut cursor) = (0, None);
    loop {
        let page = records.list(&filter, cursor.as_deref(), PAGE).await?;
        counted += page.records.len();
        for found in &page.records {
            by.count(&found.entry.record, &mut tally);
        }
        cursor = page.next;
        if cursor.is_none() || counted >= COUNTED {
            break;
        }
    }
    let mut leaders: Vec<Leader> = tally.into_values().collect();
    leaders.sort_by(|a, b| {
        b.requests
            .cmp(&a.requests)
            .then_with(|| a.name.cmp(&b.name))
    });
    leaders.truncate(limit);
    Ok(Json(Leaders {
        leaders,
        counted,
        complete: cursor.is_none(),
    }))
}

impl By {
    fn count(self, record: &portcullis_store::entry::Record, tally: &mut HashMap<String, Leader>) {
        let verdict = record.verdict.as_ref();
        let mut count = |name: &str| {
            if name.is_empty() {
                return;
            }
            let leader = tally.entry(name.to_owned()).or_insert_with(|| Leader {
                name: name.to_owned(),
                ..Leader::default()
            });
            let stops = |action: &str| matches!(action, "deny" | "throttle");
            leader.requests += 1;
            leader.stopped += u64::from(stops(&record.action) || stops(&record.would));
            leader.score = leader
                .score
                .max(verdict.map_or(0.0, |verdict| verdict.score));
        };
        match self {
            Self::Address => count(&record.client),
            Self::User => count(&record.user),
            Self::Path => count(&record.path),
            Self::Route => count(&record.route),
            Self::Host => count(&record.host),
            Self::Rule => {
                let evidence = verdict.map_or(&[][..], |verdict| &verdict.evidence);
                let mut seen: Vec<&str> = Vec::new();
                for found in evidence {
                    if !seen.contains(&&*found.rule) {
                        seen.push(&found.rule);
                        count(&found.rule);
                    }
                }
            }
        }
    }
}

/// How many records leaders are counted over, and how many at once.
const COUNTED: usize = 5000;
const PAGE: usize = 1000;
