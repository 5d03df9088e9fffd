//! How much happened: sums over a time, the same minute by minute or hour by hour, and who or what leads. Sums come
//! from the roll-ups, which hold every record; who leads is counted over the newest records of the time.

use std::collections::{BTreeMap, HashMap};

use axum::extract::State;
use axum::routing::get;
use axum::{Extension, Json, Router};
use portcullis_store::{Cell, Records, Rollups, Width};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, OpenApi, ToSchema};

use crate::api::Api;
use crate::caller::Caller;
use crate::extract::Query;
use crate::logs::LogQuestion;
use crate::problem::Problem;
use crate::time::{self, now_ms, rfc3339};

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
    /// From here on, a whole minute or hour.
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
}

/// Points in order of time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Series {
    /// `minute` or `hour`.
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

/// What was counted in one minute or hour.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Point {
    /// When it began.
    #[schema(format = "date-time")]
    pub start: String,
    /// The counts.
    pub sums: Sums,
}

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

/// Which time.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct StatsQuestion {
    /// Not before: RFC 3339, or milliseconds since 1970. Absent: 24 hours before `until`.
    #[param(nullable = false, max_length = 300)]
    since: Option<String>,
    /// Before: RFC 3339, or milliseconds since 1970. Absent: now.
    #[param(nullable = false, max_length = 300)]
    until: Option<String>,
    /// How wide points are. Absent: minutes for up to six hours, hours for more.
    #[param(nullable = false, inline)]
    step: Option<Step>,
}

/// How wide points are.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// Kept for days; at most 48 hours at once.
    Minute,
    /// At most 400 days at once.
    Hour,
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
    /// What is counted.
    #[param(nullable = false, inline, default = "address")]
    by: Option<By>,
    /// At most this many.
    #[param(nullable = false, minimum = 1, maximum = 100, default = 10)]
    limit: Option<usize>,
}

/// The routes of this module.
pub fn router() -> Router<Api> {
    Router::new()
        .route("/api/v1/stats", get(stats))
        .route("/api/v1/stats/timeseries", get(timeseries))
        .route("/api/v1/stats/top", get(top))
}

/// The documentation of this module.
#[derive(OpenApi)]
#[openapi(paths(stats, timeseries, top))]
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
    let rollups = Rollups::new(api.database()?);
    let scope = api.scope(&caller);
    let routes = rollups
        .by_route(span.width, span.from, span.to, scope.as_ref())
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
        total: Sums::of(&total),
        routes: routes
            .iter()
            .map(|(route, cell)| (route.to_string(), Sums::of(cell)))
            .collect(),
    }))
}

/// Show what happened minute by minute or hour by hour
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
    let points = rollups
        .series(span.width, span.from, span.to, scope.as_ref())
        .await?;
    Ok(Json(Series {
        step: span.word().to_owned(),
        since: rfc3339(span.from),
        until: rfc3339(span.to),
        points: points
            .iter()
            .map(|point| Point {
                start: rfc3339(point.start_ms),
                sums: Sums::of(&point.cell),
            })
            .collect(),
    }))
}

/// Say who or what leads among the newest records
#[utoipa::path(get, path = "/api/v1/stats/top", tag = "stats", params(Leading, LogQuestion), responses(
    (status = 200, description = "The leaders", body = Leaders),
    (status = 400, description = "The question makes no sense", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "There is no store", body = Problem, content_type = "application/problem+json"),
))]
async fn top(
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

/// A time that makes sense, and how it is cut.
#[derive(Clone, Copy, Debug)]
struct Span {
    from: i64,
    to: i64,
    width: Width,
}

impl StatsQuestion {
    fn span(&self) -> Result<Span, Problem> {
        let read = |name: &str, text: &Option<String>, otherwise: i64| match text {
            None => Ok(otherwise),
            Some(text) => time::parse(text).ok_or_else(|| {
                Problem::bad_request(format!(
                    "`{name}` is no time: write 2026-01-31T23:59:59Z, or milliseconds since 1970"
                ))
            }),
        };
        let to = read("until", &self.until, now_ms())?;
        let from = read("since", &self.since, to.saturating_sub(DAY).max(0))?;
        if from >= to {
            return Err(Problem::bad_request("`since` is not before `until`"));
        }
        let length = to - from;
        let width = match self.step {
            Some(Step::Minute) => Width::Minute,
            Some(Step::Hour) => Width::Hour,
            None if length <= DAY / 4 => Width::Minute,
            None => Width::Hour,
        };
        let most = match width {
            Width::Minute => 2 * DAY,
            Width::Hour => 400 * DAY,
        };
        if length > most {
            return Err(Problem::bad_request(
                "that is too long: at most 48 hours by the minute, 400 days by the hour",
            ));
        }
        let floor = |time: i64| time - time.rem_euclid(width.ms());
        Ok(Span {
            from: floor(from),
            to: floor(to + width.ms() - 1),
            width,
        })
    }
}

impl Span {
    const fn word(&self) -> &'static str {
        match self.width {
            Width::Minute => "minute",
            Width::Hour => "hour",
        }
    }
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

/// A day in milliseconds.
const DAY: i64 = 86_400_000;
/// The rules that an answer names.
const MOST_RULES: usize = 50;
/// How many records leaders are counted over, and how many at once.
const COUNTED: usize = 5000;
const PAGE: usize = 1000;
