//! The audit trail, read page by page.

use axum::Json;
use axum::extract::State;
use portcullis_store::audit::{self, Event, Wanted};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::access::{Access, Refusal, secret};
use crate::extract;
use crate::problem::Problem;
use crate::time::{parse, rfc3339};

/// Which events.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Not before this time, RFC 3339.
    from: String,
    /// Before this time, RFC 3339.
    to: String,
    /// Only what this user did, by exact name.
    who: String,
    /// Only this action, such as `login` or `POST /api/v1/users`.
    action: String,
    /// Only `done`, `refused` or `failed`.
    outcome: String,
    /// How many at most; 100 without it.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u16>,
    /// What `next` of the page before said.
    cursor: String,
}

/// A page of the trail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Page {
    /// Newest first.
    pub events: Vec<EventView>,
    /// The cursor of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next: Option<String>,
}

/// Something that was done or tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct EventView {
    /// Its number, ascending.
    pub id: i64,
    /// When, RFC 3339.
    #[schema(format = "date-time")]
    pub time: String,
    /// Who; empty where nobody was known.
    pub who: String,
    /// From which address; `local` for the command line.
    pub source: String,
    /// What they did.
    pub action: String,
    /// Whom or what they did it to.
    pub target: String,
    /// `done`, `refused` or `failed`.
    pub outcome: String,
    /// What else there is to know.
    pub detail: String,
}

/// Read the audit trail, newest first
#[utoipa::path(get, path = "/api/v1/audit", tag = "access", params(Filter), responses(
    (status = 200, description = "A page of it", body = Page),
    (status = 400, description = "The filter cannot be understood", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn list(
    State(access): State<Access>,
    extract::Query(filter): extract::Query<Filter>,
) -> Result<Json<Page>, Refusal> {
    let limit = i64::from(filter.limit.unwrap_or(100));
    if !(1..=1000).contains(&limit) {
        return Err(Problem::bad_request("limit is from 1 to 1000").into());
    }
    let wanted = Wanted {
        before: filter.before()?,
        from: time(&filter.from, "from")?,
        to: time(&filter.to, "to")?,
        // One more tells whether there is a next page.
        limit: limit + 1,
        who: filter.who.clone(),
        action: filter.action.clone(),
        outcome: filter.outcome.clone(),
    };
    let database = access.accounts()?.database();
    let mut events = audit::list(database, &wanted).await?;
    let is_more = events.len() > usize::try_from(limit).unwrap_or(usize::MAX);
    if is_more {
        events.pop();
    }
    let last = events.last().filter(|_| is_more);
    let next = last.map(|last| filter.cursor(last.id));
    let events = events.into_iter().map(EventView::of).collect();
    Ok(Json(Page { events, next }))
}

impl Filter {
    /// The number of the last event of a page, and a sum over it and the question, so that a cursor made up or given
    /// for another question is refused instead of answered wrongly.
    fn cursor(&self, id: i64) -> String {
        let question = [&self.from, &self.to, &self.who, &self.action, &self.outcome];
        let sum = secret::hash(&format!("{id} {question:?}"));
        format!("{id:016x}{}", sum.get(..16).unwrap_or_default())
    }

    fn before(&self) -> Result<Option<i64>, Problem> {
        if self.cursor.is_empty() {
            return Ok(None);
        }
        let id = self.cursor.get(..16);
        let id = id.and_then(|id| i64::from_str_radix(id, 16).ok());
        id.filter(|id| self.cursor(*id) == self.cursor)
            .map(Some)
            .ok_or_else(|| {
                Problem::bad_request("this is no cursor of this question: pass on what `next` said")
            })
    }
}

impl EventView {
    fn of(event: Event) -> Self {
        Self {
            id: event.id,
            time: rfc3339(event.time),
            who: event.who,
            source: event.source,
            action: event.action,
            target: event.target,
            outcome: event.outcome,
            detail: event.detail,
        }
    }
}

fn time(text: &str, name: &str) -> Result<Option<i64>, Problem> {
    if text.is_empty() {
        return Ok(None);
    }
    parse(text).map(Some).ok_or_else(|| {
        Problem::bad_request(format!("{name} is no time: write 2026-01-31T23:59:59Z"))
    })
}
