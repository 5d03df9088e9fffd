//! The routes of alerts: which there are, what is known of each, and what people do with them.

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use portcullis_store::alerts::delivery::Delivery as StoredDelivery;
use portcullis_store::alerts::{self as store, AlertFilter, Alerts, Level, MOST_PER_PAGE};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, OpenApi, ToSchema};

use super::advice::Advice;
use super::view::{Alert, AlertChange, AlertEvent, AlertLevel, AlertState};
use crate::api::Api;
use crate::caller::Caller;
use crate::extract::{self, Path, Query};
use crate::problem::Problem;
use crate::time::{now_ms, parse, rfc3339};

/// Some of the alerts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct AlertList {
    /// The last seen first.
    pub alerts: Vec<Alert>,
    /// How many are open, by level.
    pub open: OpenAlerts,
    /// The `after` of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next: Option<String>,
}

/// How many alerts nobody has acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct OpenAlerts {
    /// Score 80 and more.
    pub critical: u64,
    /// Score 60 to 79.
    pub high: u64,
    /// Score 40 to 59.
    pub medium: u64,
    /// Less.
    pub low: u64,
}

/// Everything about an alert.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct AlertDetails {
    /// The alert.
    pub alert: Alert,
    /// What to do about it, as far as the caller may.
    pub advice: Advice,
    /// What people remarked, the oldest first.
    pub comments: Vec<Comment>,
    /// Who was told, and how that went; empty for who belongs to a tenant.
    pub deliveries: Vec<Delivery>,
}

/// A remark.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Comment {
    /// When.
    #[schema(format = "date-time")]
    pub at: String,
    /// Who.
    pub author: String,
    /// What.
    pub text: String,
}

/// A remark to be made.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewComment {
    /// The words; not only spaces.
    #[schema(min_length = 1, max_length = 1024, pattern = r"\S")]
    pub text: String,
}

/// Somebody told, or to be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Delivery {
    /// Its id.
    pub id: String,
    /// Of which alert.
    pub alert: String,
    /// To whom: a name in the configuration.
    pub receiver: String,
    /// `opened` or `raised`.
    pub why: String,
    /// `waiting`, `delivered` or `dead`.
    pub state: String,
    /// When it was decided.
    #[schema(format = "date-time")]
    pub made: String,
    /// How often it was attempted.
    pub attempts: u32,
    /// Why the last attempt failed; empty where none did.
    pub error: String,
}

/// Those that failed too often.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct DeliveryList {
    /// The newest first.
    pub deliveries: Vec<Delivery>,
}

/// Which alerts.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct AlertQuestion {
    /// Only these.
    #[param(nullable = false, inline)]
    state: Option<AlertState>,
    /// At least this level.
    #[param(nullable = false, inline)]
    level: Option<AlertLevel>,
    /// Only this category.
    #[param(nullable = false, max_length = 200)]
    category: Option<String>,
    /// Only this subject, as `address:192.0.2.1`.
    #[param(nullable = false, max_length = 200)]
    subject: Option<String>,
    /// Last seen at or after this time: RFC 3339, or milliseconds since 1970.
    #[param(nullable = false, max_length = 300)]
    since: Option<String>,
    /// Where the page before ended.
    #[param(nullable = false, max_length = 64)]
    after: Option<String>,
    /// At most this many.
    #[param(nullable = false, minimum = 1, maximum = 500, default = 50)]
    limit: Option<u32>,
}

/// The most deliveries that are listed.
const MOST_DEAD: u32 = 200;

/// The longest comment, in characters; four bytes each at most.
const LONGEST_COMMENT: usize = store::LONGEST_COMMENT / 4;

/// The routes of this module.
pub fn router() -> Router<Api> {
    Router::new()
        .route("/api/v1/alerts", get(list))
        .route("/api/v1/alerts/deliveries/dead", get(dead))
        .route("/api/v1/alerts/deliveries/{id}/retry", post(retry))
        .route("/api/v1/alerts/{id}", get(one))
        .route("/api/v1/alerts/{id}/acknowledge", post(acknowledge))
        .route("/api/v1/alerts/{id}/reopen", post(reopen))
        .route("/api/v1/alerts/{id}/comments", post(comment))
}

/// The documentation of this module.
#[derive(OpenApi)]
#[openapi(paths(list, one, acknowledge, reopen, comment, dead, retry))]
pub struct Doc;

/// List alerts
#[utoipa::path(get, path = "/api/v1/alerts", tag = "alerts", params(AlertQuestion), responses(
    (status = 200, description = "The alerts", body = AlertList),
    (status = 400, description = "The question makes no sense", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "There is no store", body = Problem, content_type = "application/problem+json"),
))]
async fn list(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Query(question): Query<AlertQuestion>,
) -> Result<Json<AlertList>, Problem> {
    let limit = question.limit.unwrap_or(50);
    if !(1..=MOST_PER_PAGE).contains(&limit) {
        return Err(Problem::bad_request(format!(
            "`limit` is 1 to {MOST_PER_PAGE}"
        )));
    }
    let filter = question.filter(&caller)?;
    let alerts = store(&api)?;
    if caller.owns_nothing() {
        return Ok(Json(AlertList::default()));
    }
    // One more than asked for says whether there is another page.
    let mut found = alerts.list(&filter, limit + 1).await?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next = found
        .last()
        .filter(|_| more)
        .map(|last| format!("{}.{}", last.last_ms, last.id));
    let open = alerts.open_by_level(caller.tenant.as_deref()).await?;
    Ok(Json(AlertList {
        alerts: found.iter().map(Alert::of).collect(),
        open: OpenAlerts::of(open),
        next,
    }))
}

/// Everything about an alert
#[utoipa::path(get, path = "/api/v1/alerts/{id}", tag = "alerts", params(("id" = String, Path, description = "The alert")), responses(
    (status = 200, description = "The alert", body = AlertDetails),
    (status = 400, description = "That is no id", body = Problem, content_type = "application/problem+json"),
    (status = 404, description = "There is no such alert", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "There is no store", body = Problem, content_type = "application/problem+json"),
))]
async fn one(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<AlertDetails>, Problem> {
    let alert = find(&api, &caller, &id).await?;
    details(&api, &caller, &alert).await
}

/// Say that somebody has looked
#[utoipa::path(post, path = "/api/v1/alerts/{id}/acknowledge", tag = "alerts", params(("id" = String, Path, description = "The alert")), responses(
    (status = 200, description = "The alert as it is now", body = AlertDetails),
    (status = 400, description = "That is no id", body = Problem, content_type = "application/problem+json"),
    (status = 404, description = "There is no such alert", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "There is no store", body = Problem, content_type = "application/problem+json"),
))]
async fn acknowledge(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<AlertDetails>, Problem> {
    let before = find(&api, &caller, &id).await?;
    let alert = store(&api)?
        .acknowledge(&id, &caller.name, now_ms())
        .await?;
    changed(&api, &caller, &before, alert, AlertChange::Acknowledged).await
}

/// Take that back
#[utoipa::path(post, path = "/api/v1/alerts/{id}/reopen", tag = "alerts", params(("id" = String, Path, description = "The alert")), responses(
    (status = 200, description = "The alert as it is now", body = AlertDetails),
    (status = 400, description = "That is no id", body = Problem, content_type = "application/problem+json"),
    (status = 404, description = "There is no such alert", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "There is no store", body = Problem, content_type = "application/problem+json"),
))]
async fn reopen(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<AlertDetails>, Problem> {
    let before = find(&api, &caller, &id).await?;
    let alert = store(&api)?.reopen(&id).await?;
    changed(&api, &caller, &before, alert, AlertChange::Reopened).await
}

/// Remark on an alert
#[utoipa::path(post, path = "/api/v1/alerts/{id}/comments", tag = "alerts", params(("id" = String, Path, description = "The alert")), request_body = NewComment, responses(
    (status = 201, description = "The remark", body = Comment),
    (status = 400, description = "That is no id, or no JSON", body = Problem, content_type = "application/problem+json"),
    (status = 404, description = "There is no such alert", body = Problem, content_type = "application/problem+json"),
    (status = 415, description = "It is not sent as JSON", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "It is empty or too long", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "There is no store", body = Problem, content_type = "application/problem+json"),
))]
async fn comment(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    extract::Json(new): extract::Json<NewComment>,
) -> Result<(StatusCode, Json<Comment>), Problem> {
    find(&api, &caller, &id).await?;
    let text = new.text.trim();
    if text.is_empty() || text.chars().count() > LONGEST_COMMENT || text.contains('\0') {
        let sentence = format!("a comment has 1 to {LONGEST_COMMENT} characters");
        return Err(Problem::unprocessable(sentence));
    }
    let made = store(&api)?
        .comment(&id, &caller.name, text, now_ms())
        .await?;
    Ok((StatusCode::CREATED, Json(Comment::of(made))))
}

/// List what could not be delivered
#[utoipa::path(get, path = "/api/v1/alerts/deliveries/dead", tag = "alerts", responses(
    (status = 200, description = "The dead-letter list", body = DeliveryList),
    (status = 503, description = "There is no store", body = Problem, content_type = "application/problem+json"),
))]
async fn dead(State(api): State<Api>) -> Result<Json<DeliveryList>, Problem> {
    let found = store(&api)?.dead_letters(MOST_DEAD).await?;
    let deliveries = found.iter().map(Delivery::of).collect();
    Ok(Json(DeliveryList { deliveries }))
}

/// Try to deliver once more
#[utoipa::path(post, path = "/api/v1/alerts/deliveries/{id}/retry", tag = "alerts", params(("id" = String, Path, description = "The delivery")), responses(
    (status = 204, description = "It is attempted again"),
    (status = 400, description = "That is no id", body = Problem, content_type = "application/problem+json"),
    (status = 404, description = "It is not on the dead-letter list", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "There is no store", body = Problem, content_type = "application/problem+json"),
))]
async fn retry(State(api): State<Api>, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    check_id(&id)?;
    if store(&api)?.retry(&id, now_ms()).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found("it is not on the dead-letter list"))
    }
}

fn store(api: &Api) -> Result<Alerts, Problem> {
    Ok(Alerts::new(api.database()?))
}

fn check_id(id: &str) -> Result<(), Problem> {
    let plain = id.len() == 32 && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    plain
        .then_some(())
        .ok_or_else(|| Problem::bad_request("an id is 32 hexadecimal digits"))
}

/// The alert, if the caller may see it. What belongs to another tenant does not exist.
async fn find(api: &Api, caller: &Caller, id: &str) -> Result<store::Alert, Problem> {
    check_id(id)?;
    let found = store(api)?.by_id(id).await?;
    let visible = |alert: &store::Alert| {
        let tenant = caller.tenant.as_ref();
        !caller.owns_nothing() && tenant.is_none_or(|tenant| *tenant == alert.tenant)
    };
    found
        .filter(visible)
        .ok_or_else(|| Problem::not_found("there is no such alert"))
}

/// Shows an alert that somebody changed, and tells whoever watches live, unless it was so before.
async fn changed(
    api: &Api,
    caller: &Caller,
    before: &store::Alert,
    alert: Option<store::Alert>,
    change: AlertChange,
) -> Result<Json<AlertDetails>, Problem> {
    let alert = alert.ok_or_else(|| Problem::not_found("there is no such alert"))?;
    if alert.state != before.state {
        let event = AlertEvent::of(&alert, change);
        api.hub().alert(&alert.tenant, &event);
    }
    details(api, caller, &alert).await
}

async fn details(
    api: &Api,
    caller: &Caller,
    alert: &store::Alert,
) -> Result<Json<AlertDetails>, Problem> {
    let alerts = store(api)?;
    let comments = alerts.comments(&alert.id).await?;
    // Receivers are those of the whole installation.
    let deliveries = match caller.tenant {
        None => alerts.deliveries(&alert.id).await?,
        Some(_) => Vec::new(),
    };
    let advice = Advice::on(alert, &api.gateway().policies());
    Ok(Json(AlertDetails {
        alert: Alert::of(alert),
        advice: advice.for_caller(caller),
        comments: comments.into_iter().map(Comment::of).collect(),
        deliveries: deliveries.iter().map(Delivery::of).collect(),
    }))
}

impl AlertQuestion {
    fn filter(&self, caller: &Caller) -> Result<AlertFilter, Problem> {
        let time = |text: &String| {
            parse(text).ok_or_else(|| {
                Problem::bad_request("`since` is no time: write 2026-01-31T12:00:00Z")
            })
        };
        for text in [&self.category, &self.subject].into_iter().flatten() {
            if text.len() > 200 || text.contains('\0') {
                return Err(Problem::bad_request(
                    "`category` and `subject` have at most 200 bytes",
                ));
            }
        }
        Ok(AlertFilter {
            state: self.state.map(AlertState::stored),
            least: self.level.map(AlertLevel::stored),
            category: self.category.clone(),
            subject: self.subject.clone(),
            tenant: caller.tenant.clone(),
            since_ms: self.since.as_ref().map(time).transpose()?,
            after: self.after.as_deref().map(cursor).transpose()?,
        })
    }
}

/// `1700000000000.0123…`: the last moment and id of the page before.
fn cursor(text: &str) -> Result<(i64, String), Problem> {
    let parts = text.split_once('.').and_then(|(last, id)| {
        check_id(id).ok()?;
        Some((last.parse().ok()?, id.to_owned()))
    });
    parts.ok_or_else(|| {
        Problem::bad_request("`after` is no cursor of ours: pass on what `next` said")
    })
}

impl OpenAlerts {
    fn of(counts: [u64; 4]) -> Self {
        Self {
            critical: counts[Level::Critical as usize],
            high: counts[Level::High as usize],
            medium: counts[Level::Medium as usize],
            low: counts[Level::Low as usize],
        }
    }
}

impl Comment {
    fn of(stored: store::Comment) -> Self {
        Self {
            at: rfc3339(stored.at_ms),
            author: stored.author,
            text: stored.text,
        }
    }
}

impl Delivery {
    fn of(stored: &StoredDelivery) -> Self {
        Self {
            id: stored.id.clone(),
            alert: stored.alert_id.clone(),
            receiver: stored.receiver.clone(),
            why: stored.why.clone(),
            state: stored.state.as_str().to_owned(),
            made: rfc3339(stored.made_ms),
            attempts: stored.attempts,
            error: stored.error.clone(),
        }
    }
}
