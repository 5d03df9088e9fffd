//! Users of the admin plane: who there is, what they may do. Only admins are let in here by the guard. A password that
//! an admin gives or draws holds for one log-in, at which its owner chooses their own.

pub mod audit;
pub mod login;
pub mod oidc;
pub mod sessions;
pub mod tokens;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, patch, post};
use axum::{Extension, Json, Router};
use portcullis_store::access::{USERS, User};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

use crate::access::{Access, Refusal, Remark, Settings, password, secret, tenant};
use crate::caller::Role;
use crate::extract;
use crate::problem::Problem;
use crate::time::rfc3339;

/// The longest body that is read here, in bytes.
const MOST_BYTES: usize = 16 * 1024;

/// The routes of this module and of those below it.
pub fn router<S: Clone + Send + Sync + 'static>(access: Access) -> Router<S> {
    Router::new()
        .route("/api/v1/login", post(login::login))
        .route("/api/v1/oidc/login", get(oidc::login))
        .route("/api/v1/oidc/callback", get(oidc::callback))
        .route("/api/v1/logout", post(login::logout))
        .route("/api/v1/session", get(login::session))
        .route("/api/v1/sessions", get(sessions::list))
        .route("/api/v1/sessions/{id}", delete(sessions::remove))
        .route("/api/v1/password", post(login::password))
        .route("/api/v1/tokens", get(tokens::list).post(tokens::add))
        .route("/api/v1/tokens/{id}", delete(tokens::remove))
        .route("/api/v1/users", get(list).post(add))
        .route("/api/v1/users/{name}", patch(change).delete(remove))
        .route("/api/v1/audit", get(audit::list))
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .with_state(access)
}

/// The documentation of these routes.
#[derive(OpenApi)]
#[openapi(paths(
    login::login,
    oidc::login,
    oidc::callback,
    login::logout,
    login::session,
    login::password,
    sessions::list,
    sessions::remove,
    tokens::list,
    tokens::add,
    tokens::remove,
    list,
    add,
    change,
    remove,
    audit::list
))]
pub struct Doc;

/// A user, as others may see them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Account {
    /// The name they log in with.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// The only tenant whose traffic they see.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub tenant: Option<String>,
    /// Whether they come by single sign-on.
    pub single_sign_on: bool,
    /// Whether they have to change their password before anything else.
    pub must_change_password: bool,
    /// Whether they are shut out.
    pub disabled: bool,
    /// When the user was made, RFC 3339.
    #[schema(format = "date-time")]
    pub created: String,
    /// When they last logged in, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = "date-time")]
    pub last_login: Option<String>,
}

/// All users.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Accounts {
    /// By name.
    pub users: Vec<Account>,
}

/// A user who was made or changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Issued {
    /// The user now.
    pub user: Account,
    /// The password that was drawn for their next log-in; it is shown this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub one_time_password: Option<String>,
}

/// A user to make.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// The name to log in with: letters, digits and `._@-`.
    #[schema(max_length = 64, pattern = "^[A-Za-z0-9][A-Za-z0-9._@-]*$")]
    name: String,
    /// What they may do; of a tenant at most `analyst`.
    role: Role,
    /// The only tenant whose traffic they see.
    #[serde(default)]
    #[schema(nullable = false)]
    tenant: Option<String>,
    /// The password of their first log-in, at which they must change it. Absent: one is drawn and returned.
    #[serde(default)]
    #[schema(nullable = false, min_length = 12, max_length = 256)]
    password: Option<String>,
}

/// What is to change of a user; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserChange {
    /// What they may do.
    #[schema(nullable = false)]
    role: Option<Role>,
    /// The only tenant whose traffic they see; an empty text lets them see all.
    #[schema(nullable = false)]
    tenant: Option<String>,
    /// Whether they are shut out; it ends their sessions.
    #[schema(nullable = false)]
    disabled: Option<bool>,
    /// Draws a one-time password, ends their sessions, and stops their tokens until they have changed it.
    #[schema(nullable = false)]
    reset_password: Option<bool>,
}

/// List the users
#[utoipa::path(get, path = "/api/v1/users", tag = "access", responses(
    (status = 200, description = "All users, by name", body = Accounts),
))]
pub(crate) async fn list(State(access): State<Access>) -> Result<Json<Accounts>, Refusal> {
    let users = access.accounts()?.users().await?;
    let users = users.iter().map(Account::of).collect();
    Ok(Json(Accounts { users }))
}

/// Add a user
#[utoipa::path(post, path = "/api/v1/users", tag = "access", request_body = NewUser, responses(
    (status = 201, description = "The user, and the password that was drawn", body = Issued),
    (status = 409, description = "The name is taken", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "The user cannot be as wanted", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn add(
    State(access): State<Access>,
    extract::Json(new): extract::Json<NewUser>,
) -> Result<Response, Refusal> {
    check_name(&new.name)?;
    check_tenant(new.role, new.tenant.as_ref(), &access.settings())?;
    let drawn = new.password.is_none().then(secret::password).transpose()?;
    let password = new.password.or_else(|| drawn.clone()).unwrap_or_default();
    let user = User {
        name: new.name,
        role: new.role.to_string(),
        tenant: new.tenant,
        password: Some(access.passwords().hash(password).await?),
        must_change: true,
        created: access.now(),
        ..User::default()
    };
    if !access.accounts()?.add(&user).await? {
        return Err(Problem::conflict(format!(
            "there is a user {:?} already, or there are {USERS} users",
            user.name
        ))
        .into());
    }
    let remark = Remark::on(&user.name, user.role.clone());
    let issued = Issued {
        user: Account::of(&user),
        one_time_password: drawn,
    };
    Ok((StatusCode::CREATED, remark_of(remark), Json(issued)).into_response())
}

/// Change a user
#[utoipa::path(patch, path = "/api/v1/users/{name}", tag = "access", request_body = UserChange,
    params(("name" = String, Path, description = "The user's name")), responses(
    (status = 200, description = "The user now, and the password that was drawn", body = Issued),
    (status = 404, description = "There is no such user", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "Nobody would be admin, or the user has no password here", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "The user cannot be as wanted", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn change(
    State(access): State<Access>,
    extract::Path(name): extract::Path<String>,
    extract::Json(change): extract::Json<UserChange>,
) -> Result<Response, Refusal> {
    let accounts = access.accounts()?;
    let mut user = accounts.user(&name).await?.ok_or_else(nobody)?;
    let remark = change.apply(&mut user, &access.settings())?;
    let reset = change.reset_password == Some(true);
    if reset && user.subject.is_some() {
        return Err(
            Problem::conflict("this user comes by single sign-on and has no password").into(),
        );
    }
    if !accounts.change(&user).await? {
        return Err(last_admin());
    }
    let drawn = reset.then(secret::password).transpose()?;
    if let Some(password) = &drawn {
        let hash = access.passwords().hash(password.clone()).await?;
        accounts.set_password(&name, &hash, true).await?;
        user.must_change = true;
    }
    if reset || user.disabled {
        accounts.close_all(&name).await?;
    }
    let issued = Issued {
        user: Account::of(&user),
        one_time_password: drawn,
    };
    Ok((remark_of(remark), Json(issued)).into_response())
}

/// Remove a user with their sessions and tokens
#[utoipa::path(delete, path = "/api/v1/users/{name}", tag = "access",
    params(("name" = String, Path, description = "The user's name")), responses(
    (status = 204, description = "The user is gone"),
    (status = 404, description = "There is no such user", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "Nobody would be admin", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn remove(
    State(access): State<Access>,
    extract::Path(name): extract::Path<String>,
) -> Result<StatusCode, Refusal> {
    let accounts = access.accounts()?;
    accounts.user(&name).await?.ok_or_else(nobody)?;
    match accounts.remove(&name).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(last_admin()),
    }
}

impl Account {
    /// What others may see of a user.
    pub fn of(user: &User) -> Self {
        Self {
            name: user.name.clone(),
            // A word that is none of ours may do the least.
            role: user.role.parse().unwrap_or(Role::Viewer),
            tenant: user.tenant.clone(),
            single_sign_on: user.subject.is_some(),
            must_change_password: user.must_change,
            disabled: user.disabled,
            created: rfc3339(user.created),
            last_login: user.login.map(rfc3339),
        }
    }
}

impl UserChange {
    /// Changes `user`, and says what of it.
    fn apply(&self, user: &mut User, settings: &Settings) -> Result<Remark, Refusal> {
        let mut changes = Vec::new();
        if let Some(role) = self.role {
            changes.push(format!("role {role}"));
            user.role = role.to_string();
        }
        if let Some(tenant) = &self.tenant {
            changes.push(format!("tenant {tenant:?}"));
            user.tenant = Some(tenant.clone()).filter(|tenant| !tenant.is_empty());
        }
        if let Some(disabled) = self.disabled {
            changes.push(if disabled { "disabled" } else { "enabled" }.to_owned());
            user.disabled = disabled;
        }
        if self.reset_password == Some(true) {
            changes.push("password reset".to_owned());
        }
        let role = user.role.parse().unwrap_or(Role::Viewer);
        check_tenant(role, user.tenant.as_ref(), settings)?;
        Ok(Remark::of(format!("{}: {}", user.name, changes.join(", "))))
    }
}

/// Whether a user may be called this. A colon stands in names of single sign-on alone, so that nobody takes another's.
///
/// # Errors
/// When not.
pub fn check_name(name: &str) -> Result<(), Problem> {
    let is_name = name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._@-".contains(&b));
    if is_name {
        return Ok(());
    }
    Err(Problem::unprocessable(
        "a user's name has 1 to 64 letters, digits and signs of `._@-`, and begins with a letter or digit",
    ))
}

fn check_tenant(role: Role, name: Option<&String>, settings: &Settings) -> Result<(), Problem> {
    let Some(name) = name else { return Ok(()) };
    if !settings.tenants.contains_key(name) {
        return Err(Problem::unprocessable(format!(
            "there is no tenant {name:?} in the configuration"
        )));
    }
    if tenant::role_of(role, Some(name)) != role {
        return Err(Problem::unprocessable(
            "a user of a tenant is a viewer or an analyst: what an admin changes holds for everybody",
        ));
    }
    Ok(())
}

fn nobody() -> Refusal {
    Problem::not_found("there is no such user").into()
}

fn last_admin() -> Refusal {
    Problem::conflict("nobody else is admin; make another one first").into()
}

/// A remark as a part of an answer that no client sees.
pub(crate) fn remark_of(remark: Remark) -> Extension<Remark> {
    Extension(remark)
}

/// Hashes a password for the command line, which waits for nobody.
///
/// # Errors
/// When it cannot be taken.
pub fn hash_password(text: &str) -> Result<String, password::PasswordError> {
    password::check(text)?;
    password::hash(text)
}
