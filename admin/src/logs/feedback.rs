//! What people say of a verdict: that it was wrong, or right. A mark is set on a record, is seen wherever the record is,
//! and is counted by `stats/feedback.rs`, also when the record is gone.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use portcullis_store::feedback::{self as store, Mark};
use portcullis_store::{Feedback as Marks, Said};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{check_id, missing, visible};
use crate::access::Remark;
use crate::api::Api;
use crate::caller::Caller;
use crate::extract::{self, Path};
use crate::problem::Problem;
use crate::time::{now_ms, rfc3339};
use crate::users::remark_of;

/// What somebody says of a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Judgement {
    /// The request was harmless.
    FalsePositive,
    /// The request was an attack.
    Confirmed,
}

/// What somebody said of a verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Feedback {
    /// What they said.
    pub verdict: Judgement,
    /// Why, in their words; may be empty.
    pub comment: String,
    /// Who.
    pub author: String,
    /// When.
    #[schema(format = "date-time")]
    pub at: String,
}

/// What to say of a verdict.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewFeedback {
    /// Whether it was an attack.
    verdict: Judgement,
    /// Why.
    #[serde(default)]
    #[schema(max_length = 1024, pattern = r"^[^\x00]*$")]
    comment: String,
}

/// The longest comment, in characters; four bytes each at most.
const LONGEST_COMMENT: usize = store::LONGEST_COMMENT / 4;

/// Say whether an exchange was an attack
///
/// The last word counts. It changes nothing of how requests are judged.
#[utoipa::path(put, path = "/api/v1/logs/{id}/feedback", tag = "logs", params(("id" = String, Path, description = "The request's id")), request_body = NewFeedback, responses(
    (status = 200, description = "What is known now", body = Feedback),
    (status = 404, description = "There is no such record, or no longer", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "It makes no sense", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "There is no store", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn put(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    extract::Json(new): extract::Json<NewFeedback>,
) -> Result<(Extension<Remark>, Json<Feedback>), Problem> {
    let comment = new.comment.trim();
    if comment.chars().count() > LONGEST_COMMENT || comment.contains('\0') {
        return Err(Problem::unprocessable(format!(
            "`comment` has at most {LONGEST_COMMENT} characters"
        )));
    }
    let found = visible(&api, &caller, &id).await?;
    let mark = Mark {
        said: new.verdict.said(),
        comment: comment.to_owned(),
        author: caller.name,
        made_ms: now_ms(),
    };
    Marks::new(api.database()?).put(&found, &mark).await?;
    let remark = Remark::of(format!("{}: {comment}", mark.said.as_str()));
    Ok((remark_of(remark), Json(Feedback::of(mark))))
}

/// Take back what was said of an exchange
#[utoipa::path(delete, path = "/api/v1/logs/{id}/feedback", tag = "logs", params(("id" = String, Path, description = "The request's id")), responses(
    (status = 204, description = "Nothing is said of it any more"),
    (status = 404, description = "Nothing was said of it", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "There is no store", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn remove(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    check_id(&id)?;
    let marks = Marks::new(api.database()?);
    // The record may be gone; the mark knows whose it was.
    let marked = marks.of(&id).await?.ok_or_else(missing)?;
    let scope = api.scope(&caller);
    let is_seen = scope.is_none_or(|scope| scope.admits(&marked.route, &marked.host));
    match is_seen && marks.remove(marked.key).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(missing()),
    }
}

impl Feedback {
    /// As the API shows it.
    pub fn of(mark: Mark) -> Self {
        Self {
            verdict: Judgement::of(mark.said),
            comment: mark.comment,
            author: mark.author,
            at: rfc3339(mark.made_ms),
        }
    }
}

impl Judgement {
    const fn of(said: Said) -> Self {
        match said {
            Said::FalsePositive => Self::FalsePositive,
            Said::Confirmed => Self::Confirmed,
        }
    }

    const fn said(self) -> Said {
        match self {
            Self::FalsePositive => Said::FalsePositive,
            Self::Confirmed => Said::Confirmed,
        }
    }
}
