//! The allow list: who is judged and never stopped, each until a time. An entry is a part of the settings made by API
//! (`overlay.rs`): it bears a version with author and reason, acts on every gateway within two seconds, and can be rolled
//! back. Unlike a ban it always ends.

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{delete, get};
use axum::{Extension, Json, Router};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

use crate::access::Remark;
use crate::api::Api;
use crate::caller::Caller;
use crate::extract::{self, Path};
use crate::overlay;
use crate::problem::Problem;
use crate::time::{self, now_ms, rfc3339};
use crate::users::remark_of;

/// Somebody who is judged and never stopped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Allowed {
    /// Who: `address:192.0.2.1`, `prefix:192.0.2.0/24`, `user:` and 16 hexadecimal digits, ….
    #[schema(max_length = 200)]
    pub subject: String,
    /// When it ends.
    #[schema(format = "date-time", max_length = 40)]
    pub until: String,
    /// Why it is harmless.
    #[schema(min_length = 1, max_length = 200, pattern = r"^[^\x00-\x1f\x7f]*$")]
    pub reason: String,
}

/// Everybody who is allowed now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct AllowedList {
    /// Those that end first come first.
    pub allowed: Vec<Allowed>,
}

/// Whom to allow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAllowed {
    /// Who, as records and profiles name them; a bare address is one too.
    #[schema(max_length = 200, example = "address:192.0.2.1")]
    pub subject: String,
    /// For how many seconds; a year at most.
    #[schema(minimum = 1, maximum = 31_536_000)]
    pub seconds: u32,
    /// Why it is harmless.
    #[schema(min_length = 1, max_length = 200, pattern = r"^[^\x00-\x1f\x7f]*$")]
    pub reason: String,
}

/// The longest time, a year in seconds.
const LONGEST: u32 = 31_536_000;

/// The longest reason, in characters.
const MOST_REASON: usize = 200;

/// The routes of this module.
pub fn router() -> Router<Api> {
    Router::new()
        .route("/api/v1/allowed", get(list).post(add))
        .route("/api/v1/allowed/{subject}", delete(remove))
}

/// The documentation of this module.
#[derive(OpenApi)]
#[openapi(paths(list, add, remove))]
pub struct Doc;

impl Allowed {
    /// Whether its time is not over.
    pub fn holds(&self, now_ms: i64) -> bool {
        self.until_ms().is_some_and(|until| until > now_ms)
    }

    /// When it ends, in milliseconds since 1970; `None` where that is no time.
    pub fn until_ms(&self) -> Option<i64> {
        time::parse(&self.until)
    }

    /// What is wrong with it whatever the gateway knows.
    pub(crate) fn fault(&self) -> Option<String> {
        if self.until_ms().is_none() {
            return Some("until: is no time; write 2026-01-31T23:59:59Z".to_owned());
        }
        faulty_reason(&self.reason).map(|sentence| format!("reason: {sentence}"))
    }
}

fn faulty_reason(reason: &str) -> Option<String> {
    let length = reason.trim().chars().count();
    let fits = (1..=MOST_REASON).contains(&length) && !reason.contains(char::is_control);
    (!fits).then(|| format!("is 1 to {MOST_REASON} printable characters"))
}

/// List who is allowed
#[utoipa::path(get, path = "/api/v1/allowed", tag = "bans", responses(
    (status = 200, description = "Everybody who is allowed now", body = AllowedList),
    (status = 503, description = "There is no store", body = Problem, content_type = "application/problem+json"),
))]
async fn list(State(api): State<Api>) -> Result<Json<AllowedList>, Problem> {
    let (_, overlay) = overlay::current(&api).await?;
    let mut allowed = overlay.allow;
    let now = now_ms();
    allowed.retain(|one| one.holds(now));
    allowed.sort_by_key(Allowed::until_ms);
    Ok(Json(AllowedList { allowed }))
}

/// Allow somebody for a time
///
/// Their requests are judged and recorded with what would have been done, as under a policy that observes. It is a
/// version of the settings made by API.
#[utoipa::path(post, path = "/api/v1/allowed", tag = "bans", request_body = NewAllowed, responses(
    (status = 201, description = "They are allowed, in place of what was said of them before", body = Allowed),
    (status = 409, description = "The settings were changed meanwhile", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "That names nobody, or nothing would come of it", body = Problem, content_type = "application/problem+json"),
))]
async fn add(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    extract::Json(new): extract::Json<NewAllowed>,
) -> Result<(StatusCode, Extension<Remark>, Json<Allowed>), Problem> {
    if !(1..=LONGEST).contains(&new.seconds) {
        return Err(Problem::unprocessable(format!(
            "`seconds` is 1 to {LONGEST}"
        )));
    }
    if let Some(sentence) = faulty_reason(&new.reason) {
        return Err(Problem::unprocessable(format!("`reason` {sentence}")));
    }
    let subject = api.gateway().subject(&new.subject);
    let allowed = Allowed {
        subject: subject.map_err(Problem::unprocessable)?,
        until: rfc3339(now_ms() + i64::from(new.seconds) * 1000),
        reason: new.reason.trim().to_owned(),
    };
    let comment = format!("allow {}: {}", allowed.subject, allowed.reason);
    overlay::change(&api, &caller.name, &comment, |overlay| {
        overlay.allow.retain(|one| one.subject != allowed.subject);
        overlay.allow.push(allowed.clone());
        Ok(())
    })
    .await?;
    let remark = Remark::on(&allowed.subject, format!("until {}", allowed.until));
    Ok((StatusCode::CREATED, remark_of(remark), Json(allowed)))
}

/// Allow somebody no longer
#[utoipa::path(delete, path = "/api/v1/allowed/{subject}", tag = "bans", params(("subject" = String, Path, description = "Who is allowed")), responses(
    (status = 204, description = "They are treated like others"),
    (status = 404, description = "They were not allowed", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "The settings were changed meanwhile", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "That names nobody", body = Problem, content_type = "application/problem+json"),
))]
async fn remove(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(subject): Path<String>,
) -> Result<StatusCode, Problem> {
    let subject = api.gateway().subject(&subject);
    let subject = subject.map_err(Problem::unprocessable)?;
    let comment = format!("{subject} is no longer allowed");
    overlay::change(&api, &caller.name, &comment, |overlay| {
        let now = now_ms();
        let holds = |one: &Allowed| one.subject == subject && one.holds(now);
        if !overlay.allow.iter().any(holds) {
            return Err(Problem::not_found("they were not allowed"));
        }
        overlay.allow.retain(|one| one.subject != subject);
        Ok(())
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}
