//! Logging in and out, who one is, and one's own password. A wrong name takes as long as a wrong password and gets the
//! same answer.

use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use portcullis_store::access::User;
use portcullis_store::audit::Event;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::guard::UserName;
use crate::access::password::{PasswordError, SHORTEST};
use crate::access::session::no_cookie;
use crate::access::{Access, Counts, Credential, Refusal, Source};
use crate::caller::{Caller, Role};
use crate::extract;
use crate::problem::Problem;

/// A name and its password.
#[derive(Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// The user's name.
    name: String,
    /// Their password.
    password: String,
}

/// A change of one's own password.
#[derive(Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPassword {
    /// The one that holds until now.
    current: String,
    /// The one to hold from now on.
    #[schema(min_length = 12, max_length = 256)]
    new: String,
}

/// Who one is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Me {
    /// One's name; with a token also the token's.
    pub name: String,
    /// What one may do.
    pub role: Role,
    /// The only tenant whose traffic one sees.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub tenant: Option<String>,
    /// `session` or `token`.
    pub by: &'static str,
    /// Whether one has to change one's password before anything else.
    pub must_change_password: bool,
}

/// Log in with a name and a password
///
/// The answer sets the session's cookie. After ten failures within a minute nothing more is tried from the same
/// address until the minute has passed.
#[utoipa::path(post, path = "/api/v1/login", tag = "access", request_body = Login, responses(
    (status = 200, description = "Logged in", body = Me),
    (status = 401, description = "Name or password is wrong", body = Problem, content_type = "application/problem+json"),
    (status = 429, description = "Too many failures", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn login(
    State(access): State<Access>,
    Extension(source): Extension<Source>,
    headers: HeaderMap,
    extract::Json(login): extract::Json<Login>,
) -> Result<Response, Refusal> {
    let accounts = access.accounts()?;
    access.take_attempt(source, "login").await?;
    let user = accounts.user(&login.name).await;
    let user = user.inspect_err(|_| access.log_ins().give_back(source.0))?;
    let may = user.as_ref().filter(|user| !user.disabled);
    let stored = may.and_then(|user| user.password.clone());
    let is_right = access.compare(login.password, stored, source).await?;
    let Some(user) = user.as_ref().filter(|_| is_right) else {
        // A name that nobody has is not written down: it is often a password typed in the wrong place.
        let who = user.map_or("an unknown user".to_owned(), |user| user.name);
        Counts::one(&access.counts().failed_log_ins);
        access.note(event(who, source, "login", "refused")).await;
        return Err(Refusal::unauthorized("name or password is wrong"));
    };
    access.log_ins().give_back(source.0);
    let cookie = access.admit(user, source, &headers, "login").await?;
    Ok(([(SET_COOKIE, cookie)], Json(Me::of(user))).into_response())
}

/// Log out
#[utoipa::path(post, path = "/api/v1/logout", tag = "access", responses(
    (status = 204, description = "The session has ended"),
    (status = 403, description = "There is no session: a token called", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn logout(
    State(access): State<Access>,
    Extension(credential): Extension<Credential>,
) -> Result<Response, Refusal> {
    let hash = session_only(&credential)?;
    access.accounts()?.close(hash).await?;
    let cookie = no_cookie(&access)?;
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, cookie)]).into_response())
}

/// Say who calls
#[utoipa::path(get, path = "/api/v1/session", tag = "access", responses(
    (status = 200, description = "Who one is", body = Me),
))]
pub(crate) async fn session(
    State(access): State<Access>,
    Extension(caller): Extension<Caller>,
    Extension(credential): Extension<Credential>,
    Extension(UserName(name)): Extension<UserName>,
) -> Result<Json<Me>, Refusal> {
    let user = access.accounts()?.user(&name).await?;
    Ok(Json(Me {
        name: caller.name,
        role: caller.role,
        tenant: caller.tenant,
        by: match credential {
            Credential::Session { .. } => "session",
            Credential::Token { .. } => "token",
        },
        must_change_password: user.is_some_and(|user| user.must_change),
    }))
}

/// Change one's own password
///
/// It ends all other sessions of the user and gives this one a new id.
#[utoipa::path(post, path = "/api/v1/password", tag = "access", request_body = NewPassword, responses(
    (status = 204, description = "The new password holds"),
    (status = 403, description = "The current password is wrong, or there is no session", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "The new password cannot be taken", body = Problem, content_type = "application/problem+json"),
    (status = 429, description = "Too many failures", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn password(
    State(access): State<Access>,
    Extension(source): Extension<Source>,
    Extension(credential): Extension<Credential>,
    Extension(UserName(name)): Extension<UserName>,
    headers: HeaderMap,
    extract::Json(change): extract::Json<NewPassword>,
) -> Result<Response, Refusal> {
    session_only(&credential)?;
    let accounts = access.accounts()?;
    let user = accounts.user(&name).await?;
    let user = user.ok_or_else(|| Refusal::unauthorized("the session has ended; log in again"))?;
    if change.new == change.current || change.new == name {
        let words = format!("choose another password, of {SHORTEST} characters or more");
        return Err(Problem::unprocessable(words).into());
    }
    access.take_attempt(source, "password").await?;
    let stored = user.password.clone();
    if !access.compare(change.current, stored, source).await? {
        Counts::one(&access.counts().failed_log_ins);
        return Err(Refusal::forbidden("the current password is wrong"));
    }
    access.log_ins().give_back(source.0);
    let hash = access.passwords().hash(change.new).await?;
    accounts.set_password(&name, &hash, false).await?;
    accounts.close_all(&name).await?;
    let address = source.0.to_string();
    let cookie = access.open_session(&user, &address, &headers).await?;
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, cookie)]).into_response())
}

impl Access {
    /// Takes one of the ten attempts of a minute.
    pub(crate) async fn take_attempt(&self, source: Source, action: &str) -> Result<(), Refusal> {
        let Err(wait) = self.log_ins().take(source.0, self.now()) else {
            return Ok(());
        };
        Counts::one(&self.counts().throttled_log_ins);
        if wait.first {
            let mut event = event(String::new(), source, action, "refused");
            event.detail =
                "ten failures within a minute; further attempts are not tried".to_owned();
            self.note(event).await;
        }
        Err(Refusal::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too many failed log-ins from this address",
        )
        .retry(wait.after))
    }

    /// Compares a password; an attempt that could not be made does not count.
    async fn compare(
        &self,
        password: String,
        stored: Option<String>,
        source: Source,
    ) -> Result<bool, Refusal> {
        let compared = self.passwords().verify(password, stored).await;
        if let Err(PasswordError::Busy) = compared {
            self.log_ins().give_back(source.0);
        }
        Ok(compared?)
    }

    /// Opens a session for somebody who has shown who they are, and writes it down.
    pub(crate) async fn admit(
        &self,
        user: &User,
        source: Source,
        headers: &HeaderMap,
        action: &str,
    ) -> Result<axum::http::HeaderValue, Refusal> {
        let address = source.0.to_string();
        let cookie = self.open_session(user, &address, headers).await?;
        Counts::one(&self.counts().log_ins);
        self.note(event(user.name.clone(), source, action, "done"))
            .await;
        Ok(cookie)
    }
}

impl Me {
    fn of(user: &User) -> Self {
        Self {
            name: user.name.clone(),
            role: user.role.parse().unwrap_or(Role::Viewer),
            tenant: user.tenant.clone(),
            by: "session",
            must_change_password: user.must_change,
        }
    }
}

/// The hash of the session's id.
pub(crate) fn session_only(credential: &Credential) -> Result<&str, Refusal> {
    match credential {
        Credential::Session { hash } => Ok(hash),
        Credential::Token { .. } => Err(Refusal::forbidden(
            "this is for somebody who has logged in, not for a token",
        )),
    }
}

/// An event of the door.
pub(crate) fn event(who: String, source: Source, action: &str, outcome: &str) -> Event {
    Event {
        who,
        source: source.0.to_string(),
        action: action.to_owned(),
        outcome: outcome.to_owned(),
        ..Event::default()
    }
}
