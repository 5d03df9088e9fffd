//! API tokens: everybody makes and removes their own, admins see and remove everybody's. The token itself is shown
//! once, when it is made.

use std::collections::BTreeSet;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use portcullis_store::access::{TOKENS_PER_USER, Token};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::login::session_only;
use super::remark_of;
use crate::access::guard::UserName;
use crate::access::{Access, Credential, Refusal, Remark, secret, token};
use crate::caller::{Caller, Role};
use crate::extract;
use crate::problem::Problem;
use crate::routes::ROUTES;
use crate::time::rfc3339;

/// A token, without the secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct TokenView {
    /// What it is removed by.
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// Whose it is.
    pub user: String,
    /// The most that it may do; never more than its owner.
    pub role: Role,
    /// The families of routes it is for, such as `logs`; none: all.
    pub families: Vec<String>,
    /// When it was made, RFC 3339.
    #[schema(format = "date-time")]
    pub created: String,
    /// When it ends, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = "date-time")]
    pub expires: Option<String>,
    /// When it was last used, to the minute, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = "date-time")]
    pub last_used: Option<String>,
}

/// Tokens, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct TokenList {
    /// At most 1,000.
    pub tokens: Vec<TokenView>,
}

/// A token to make.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// What to call it.
    #[schema(min_length = 1, max_length = 64)]
    name: String,
    /// The most that it may do. Absent: look.
    #[serde(default = "viewer")]
    role: Role,
    /// The families of routes it is for: what follows `/api/v1/` in their paths. None: all.
    #[serde(default)]
    #[schema(max_items = 64)]
    families: Vec<String>,
    /// After how many days it ends.
    #[serde(default = "ninety")]
    #[schema(minimum = 1, maximum = 3650)]
    days: u32,
}

/// A token that was made.
#[derive(Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct MadeToken {
    /// The token; it is shown this once.
    pub token: String,
    /// What is known of it.
    #[serde(flatten)]
    pub view: TokenView,
}

/// List one's tokens; for admins, everybody's
#[utoipa::path(get, path = "/api/v1/tokens", tag = "access", responses(
    (status = 200, description = "Newest first, without the tokens themselves", body = TokenList),
))]
pub(crate) async fn list(
    State(access): State<Access>,
    Extension(caller): Extension<Caller>,
    Extension(UserName(name)): Extension<UserName>,
) -> Result<Json<TokenList>, Refusal> {
    let tokens = access.accounts()?.tokens(whose(&caller, &name)).await?;
    let tokens = tokens.iter().map(TokenView::of).collect();
    Ok(Json(TokenList { tokens }))
}

/// Make a token
#[utoipa::path(post, path = "/api/v1/tokens", tag = "access", request_body = NewToken, responses(
    (status = 201, description = "The token, this once", body = MadeToken),
    (status = 403, description = "It would do more than one may, or a token called", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "There are too many", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "It cannot be as wanted", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn add(
    State(access): State<Access>,
    Extension(caller): Extension<Caller>,
    Extension(credential): Extension<Credential>,
    Extension(UserName(name)): Extension<UserName>,
    extract::Json(new): extract::Json<NewToken>,
) -> Result<Response, Refusal> {
    // A token that makes tokens would outlive its own end.
    session_only(&credential)?;
    check(&new)?;
    if new.role > caller.role {
        let words = format!(
            "your role is {}; a token of yours can be no more",
            caller.role
        );
        return Err(Refusal::forbidden(words));
    }
    let made = make(
        &name,
        &new.name,
        new.role,
        &new.families,
        new.days,
        access.now(),
    )?;
    if !access.accounts()?.add_token(&made.1).await? {
        let words = format!("you have {TOKENS_PER_USER} tokens; remove one first");
        return Err(Problem::conflict(words).into());
    }
    let view = TokenView::of(&made.1);
    let remark = Remark::on(&view.id, format!("{:?}: {}", view.name, view.role));
    let made = MadeToken {
        token: made.0,
        view,
    };
    Ok((StatusCode::CREATED, remark_of(remark), Json(made)).into_response())
}

/// Remove a token
#[utoipa::path(delete, path = "/api/v1/tokens/{id}", tag = "access",
    params(("id" = String, Path, description = "The token's id")), responses(
    (status = 204, description = "It is no longer valid"),
    (status = 404, description = "There is no such token, or it is another's", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn remove(
    State(access): State<Access>,
    Extension(caller): Extension<Caller>,
    Extension(UserName(name)): Extension<UserName>,
    extract::Path(id): extract::Path<String>,
) -> Result<StatusCode, Refusal> {
    let accounts = access.accounts()?;
    match accounts.remove_token(&id, whose(&caller, &name)).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Problem::not_found("there is no such token").into()),
    }
}

/// A token of `user`, and the row to keep of it; for `days` days from `now` on.
///
/// # Errors
/// When the system has no randomness to give.
pub fn make(
    user: &str,
    name: &str,
    role: Role,
    families: &[String],
    days: u32,
    now: i64,
) -> Result<(String, Token), secret::NoRandom> {
    let token = secret::token()?;
    let row = Token {
        id: secret::label()?,
        hash: secret::hash(&token),
        name: name.to_owned(),
        user: user.to_owned(),
        role: role.to_string(),
        families: families.join(","),
        created: now,
        expires: Some(now.saturating_add(i64::from(days) * 86_400_000)),
        used: None,
    };
    Ok((token, row))
}

/// The families of routes that there are.
pub fn families() -> BTreeSet<&'static str> {
    ROUTES
        .iter()
        .filter_map(|(_, path, _)| token::family(path))
        .collect()
}

fn check(new: &NewToken) -> Result<(), Problem> {
    let letters = new.name.chars().count();
    if !(1..=64).contains(&letters) || new.name.chars().any(char::is_control) {
        return Err(Problem::unprocessable(
            "a token's name has 1 to 64 characters",
        ));
    }
    if !(1..=3650).contains(&new.days) {
        return Err(Problem::unprocessable("a token lasts from 1 to 3650 days"));
    }
    let known = families();
    match new
        .families
        .iter()
        .find(|family| !known.contains(family.as_str()))
    {
        None => Ok(()),
        Some(family) => {
            let known: Vec<&str> = known.into_iter().collect();
            Err(Problem::unprocessable(format!(
                "there is no family of routes {family:?}; there are {}",
                known.join(", ")
            )))
        }
    }
}

/// Whose tokens and sessions a caller deals with: all, or their own.
pub(super) fn whose<'a>(caller: &Caller, name: &'a str) -> Option<&'a str> {
    let is_for_all = caller.role == Role::Admin && caller.tenant.is_none();
    (!is_for_all).then_some(name)
}

impl TokenView {
    fn of(token: &Token) -> Self {
        Self {
            id: token.id.clone(),
            name: token.name.clone(),
            user: token.user.clone(),
            role: token.role.parse().unwrap_or(Role::Viewer),
            families: token::families(&token.families),
            created: rfc3339(token.created),
            expires: token.expires.map(rfc3339),
            last_used: token.used.map(rfc3339),
        }
    }
}

const fn viewer() -> Role {
    Role::Viewer
}

const fn ninety() -> u32 {
    90
}
