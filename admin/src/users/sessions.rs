//! Open sessions: everybody sees and ends their own, admins everybody's. A session is named by the beginning of its
//! hash, which opens nothing.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use portcullis_store::access::{SESSION_NAME, Session};
use serde::Serialize;
use utoipa::ToSchema;

use super::remark_of;
use super::tokens::whose;
use crate::access::guard::UserName;
use crate::access::{Access, Credential, Refusal, Remark};
use crate::caller::Caller;
use crate::extract;
use crate::problem::Problem;
use crate::time::rfc3339;

/// An open session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SessionView {
    /// What it is ended by, 16 hexadecimal digits.
    pub id: String,
    /// Whose it is.
    pub user: String,
    /// The address it was opened from.
    pub source: String,
    /// When it was opened.
    #[schema(format = "date-time")]
    pub opened: String,
    /// When it was last used, to the minute.
    #[schema(format = "date-time")]
    pub last_used: String,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// Open sessions, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SessionList {
    /// At most 1,000.
    pub sessions: Vec<SessionView>,
}

/// List one's open sessions; for admins, everybody's
#[utoipa::path(get, path = "/api/v1/sessions", tag = "access", responses(
    (status = 200, description = "Newest first", body = SessionList),
))]
pub(crate) async fn list(
    State(access): State<Access>,
    Extension(caller): Extension<Caller>,
    Extension(credential): Extension<Credential>,
    Extension(UserName(name)): Extension<UserName>,
) -> Result<Json<SessionList>, Refusal> {
    // Those that time has ended are still in the table until the next tidying.
    let (opened, seen) = access.oldest_session();
    let sessions = access
        .accounts()?
        .sessions(whose(&caller, &name), opened, seen)
        .await?;
    let view = |session: &Session| SessionView::of(session, &credential);
    Ok(Json(SessionList {
        sessions: sessions.iter().map(view).collect(),
    }))
}

/// End a session
///
/// One's own current session may be ended, too; its cookie opens nothing afterwards.
#[utoipa::path(delete, path = "/api/v1/sessions/{id}", tag = "access",
    params(("id" = String, Path, description = "The session's id")), responses(
    (status = 204, description = "It has ended"),
    (status = 404, description = "There is no such session, or it is another's", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn remove(
    State(access): State<Access>,
    Extension(caller): Extension<Caller>,
    Extension(UserName(name)): Extension<UserName>,
    extract::Path(id): extract::Path<String>,
) -> Result<(StatusCode, Extension<Remark>), Refusal> {
    let ended = access
        .accounts()?
        .close_named(&id, whose(&caller, &name))
        .await?;
    match ended {
        Some(user) => Ok((
            StatusCode::NO_CONTENT,
            remark_of(Remark::of(format!("of {user}"))),
        )),
        None => Err(Problem::not_found("there is no such session").into()),
    }
}

impl SessionView {
    fn of(session: &Session, asking: &Credential) -> Self {
        let current = matches!(asking, Credential::Session { hash } if *hash == session.hash);
        Self {
            id: session.hash.chars().take(SESSION_NAME).collect(),
            user: session.user.clone(),
            source: session.source.clone(),
            opened: rfc3339(session.created),
            last_used: rfc3339(session.seen),
            current,
        }
    }
}
