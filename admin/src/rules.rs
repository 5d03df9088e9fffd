//! The rules that serve, and what silences them. Rules themselves come from files; what can be changed here are
//! exceptions, which are part of the settings made by API (`overlay.rs`).

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Extension, Json, Router};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, OpenApi, ToSchema};

use crate::access::Remark;
use crate::api::Api;
use crate::caller::Caller;
use crate::extract::{self, Path, Query};
use crate::overlay::{self, Exception};
use crate::problem::Problem;
use crate::users::remark_of;

/// A rule.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Rule {
    /// Its id.
    pub id: String,
    /// A short title.
    pub name: String,
    /// Why it matters, in one sentence.
    pub why: String,
    /// The kind of attack.
    pub category: String,
    /// How bad: `info`, `low`, `medium`, `high`, `critical`.
    pub severity: String,
    /// What a finding weighs alone, 1 to 100.
    pub score: u8,
    /// Tags (`owasp:…`, `api:…`, `cwe:…`).
    pub tags: Vec<String>,
    /// From which paranoia on it looks, 1 to 4.
    pub paranoia: u8,
    /// `request` or `response`.
    pub phase: String,
    /// The file and line that it stands in.
    pub origin: String,
    /// As it was written; only where one rule is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object, nullable = false)]
    pub spec: Option<serde_json::Value>,
}

/// Some of the rules.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RuleList {
    /// In the order of their ids.
    pub rules: Vec<Rule>,
    /// How many fit the question in all.
    pub total: usize,
    /// The `after` of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next: Option<String>,
}

/// Which rules.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct RuleQuestion {
    /// Text that stands in id, name, reason or tags, in any case.
    #[param(nullable = false, max_length = 300)]
    q: Option<String>,
    /// Only this category.
    #[param(nullable = false, max_length = 300)]
    category: Option<String>,
    /// Only `request` or `response`.
    #[param(nullable = false, max_length = 300)]
    phase: Option<String>,
    /// Only those behind this id.
    #[param(nullable = false, max_length = 300)]
    after: Option<String>,
    /// At most this many.
    #[param(nullable = false, minimum = 1, maximum = 1000, default = 100)]
    limit: Option<usize>,
}

/// An exception that stands in the configuration file, and can be changed only there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StaticException {
    /// The policy that it belongs to.
    pub policy: String,
    /// What it silences.
    #[serde(flatten)]
    pub exception: Exception,
}

/// An exception made by API.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MadeException {
    /// Names it, to remove it.
    pub id: String,
    /// The policy that it belongs to.
    pub policy: String,
    /// What it silences.
    #[serde(flatten)]
    pub exception: Exception,
}

/// All exceptions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExceptionList {
    /// Those of the configuration file.
    pub file: Vec<StaticException>,
    /// Those made by API.
    pub made: Vec<MadeException>,
}

/// A new exception.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewException {
    /// The policy that it belongs to.
    #[schema(max_length = 128)]
    pub policy: String,
    /// The id of the rule that is silenced, or its beginning followed by `*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 128)]
    pub rule: Option<String>,
    /// Silences every rule with this tag, such as `cwe:89`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 128)]
    pub tag: Option<String>,
    /// Only on the route of this name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 256)]
    pub route: Option<String>,
    /// Only in this field, as `location` or `location:name`, such as `json:comment`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 256)]
    pub field: Option<String>,
    /// This path, or all that begin like it where it ends in `*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 1024)]
    pub path: Option<String>,
    /// Why it is harmless here.
    #[schema(min_length = 1, max_length = 1024)]
    pub reason: String,
}

/// The most rules of one page.
const MOST: usize = 1000;

/// The routes of this module.
pub fn router() -> Router<Api> {
    Router::new()
        .route("/api/v1/rules", get(list))
        .route("/api/v1/rules/{id}", get(one))
        .route("/api/v1/exceptions", get(exceptions).post(except))
        .route("/api/v1/exceptions/{id}", axum::routing::delete(unexcept))
}

/// The documentation of this module.
#[derive(OpenApi)]
#[openapi(paths(list, one, exceptions, except, unexcept))]
pub struct Doc;

/// List the rules that serve
#[utoipa::path(get, path = "/api/v1/rules", tag = "rules", params(RuleQuestion), responses(
    (status = 200, description = "The rules", body = RuleList),
    (status = 400, description = "The question makes no sense", body = Problem, content_type = "application/problem+json"),
))]
async fn list(
    State(api): State<Api>,
    Query(question): Query<RuleQuestion>,
) -> Result<Json<RuleList>, Problem> {
    let limit = question.limit.unwrap_or(100);
    if !(1..=MOST).contains(&limit) {
        return Err(Problem::bad_request(format!("`limit` is 1 to {MOST}")));
    }
    let mut rules = api.away(|gateway| gateway.rules()).await?;
    let needle = question.q.as_deref().unwrap_or_default().to_lowercase();
    rules.retain(|rule| question.fits(rule, &needle));
    let total = rules.len();
    if let Some(after) = &question.after {
        rules.retain(|rule| rule.id > *after);
    }
    let more = rules.len() > limit;
    rules.truncate(limit);
    let next = rules.last().filter(|_| more).map(|rule| rule.id.clone());
    Ok(Json(RuleList { rules, total, next }))
}

impl RuleQuestion {
    fn fits(&self, rule: &Rule, needle: &str) -> bool {
        let holds = |text: &str| text.to_lowercase().contains(needle);
        self.category
            .as_ref()
            .is_none_or(|category| rule.category == *category)
            && self.phase.as_ref().is_none_or(|phase| rule.phase == *phase)
            && (needle.is_empty()
                || holds(&rule.id)
                || holds(&rule.name)
                || holds(&rule.why)
                || rule.tags.iter().any(|tag| holds(tag)))
    }
}

/// Show one rule as it was written
#[utoipa::path(get, path = "/api/v1/rules/{id}", tag = "rules", params(("id" = String, Path, description = "The rule's id")), responses(
    (status = 200, description = "The rule", body = Rule),
    (status = 404, description = "There is no such rule", body = Problem, content_type = "application/problem+json"),
))]
async fn one(State(api): State<Api>, Path(id): Path<String>) -> Result<Json<Rule>, Problem> {
    let rule = api.gateway().rule(&id);
    rule.map(Json)
        .ok_or_else(|| Problem::not_found("there is no such rule"))
}

/// List the exceptions, of the file and made by API
#[utoipa::path(get, path = "/api/v1/exceptions", tag = "rules", responses(
    (status = 200, description = "The exceptions", body = ExceptionList),
    (status = 503, description = "There is no store", body = Problem, content_type = "application/problem+json"),
))]
async fn exceptions(State(api): State<Api>) -> Result<Json<ExceptionList>, Problem> {
    let (_, overlay) = overlay::current(&api).await?;
    let made = overlay.policies.iter().flat_map(|(policy, settings)| {
        settings.exceptions.iter().map(|exception| MadeException {
            id: exception.id(policy),
            policy: policy.clone(),
            exception: exception.clone(),
        })
    });
    Ok(Json(ExceptionList {
        file: api.gateway().exceptions(),
        made: made.collect(),
    }))
}

/// Silence a rule where it is wrong
#[utoipa::path(post, path = "/api/v1/exceptions", tag = "rules", request_body = NewException, responses(
    (status = 201, description = "It holds", body = MadeException),
    (status = 409, description = "The settings were changed meanwhile, or it exists", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "It makes no sense", body = Problem, content_type = "application/problem+json"),
))]
async fn except(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    extract::Json(new): extract::Json<NewException>,
) -> Result<(StatusCode, Extension<Remark>, Json<MadeException>), Problem> {
    let policy = new.policy.clone();
    let exception = Exception::from(new);
    let id = exception.id(&policy);
    let made = exception.clone();
    let comment = format!("exception: {}", exception.reason);
    overlay::change(&api, &caller.name, &comment, |overlay| {
        let settings = overlay.policies.entry(policy.clone()).or_default();
        if settings
            .exceptions
            .iter()
            .any(|known| known.id(&policy) == id)
        {
            return Err(Problem::conflict("this exception exists already"));
        }
        settings.exceptions.push(made.clone());
        Ok(())
    })
    .await?;
    let made = MadeException {
        id,
        policy,
        exception,
    };
    let remark = Remark::on(&made.id, format!("policy {}", made.policy));
    Ok((StatusCode::CREATED, remark_of(remark), Json(made)))
}

/// Remove an exception made by API
#[utoipa::path(delete, path = "/api/v1/exceptions/{id}", tag = "rules", params(("id" = String, Path, description = "The exception's id")), responses(
    (status = 204, description = "It no longer holds"),
    (status = 404, description = "There is no such exception", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "The settings were changed meanwhile", body = Problem, content_type = "application/problem+json"),
))]
async fn unexcept(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    overlay::change(&api, &caller.name, "an exception removed", |overlay| {
        let mut found = false;
        for (policy, settings) in &mut overlay.policies {
            settings.exceptions.retain(|exception| {
                let it = exception.id(policy) == id;
                found |= it;
                !it
            });
        }
        if found {
            Ok(())
        } else {
            Err(Problem::not_found("there is no such exception"))
        }
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<NewException> for Exception {
    fn from(new: NewException) -> Self {
        Self {
            rule: new.rule,
            tag: new.tag,
            route: new.route,
            field: new.field,
            path: new.path,
            reason: new.reason,
        }
    }
}
