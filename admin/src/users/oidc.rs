//! The two visits of a browser that logs in by single sign-on: sent to the provider, and back from it. Both are GET,
//! as the protocol wants it; the second acts only on what the first sealed into the same browser's cookie.

use axum::Extension;
use axum::extract::State;
use axum::http::header::{LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{AppendHeaders, IntoResponse, Response};
use serde::Deserialize;
use utoipa::IntoParams;

use super::login::event;
use crate::access::cookie::Cookie;
use crate::access::oidc::Return;
use crate::access::{Access, Counts, Refusal, Source};
use crate::extract;
use crate::problem::Problem;

/// Where the console is, to which a browser comes once it is logged in.
const HOME: HeaderValue = HeaderValue::from_static("/");
/// How long the cookie of a begun log-in is kept, in seconds.
const KEPT: u64 = 600;

/// What a provider sends back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct Callback {
    /// What is traded for the ID token.
    code: String,
    /// What the browser was sent with.
    state: String,
    /// What went wrong at the provider.
    error: String,
}

/// Log in by single sign-on: go to the provider
#[utoipa::path(get, path = "/api/v1/oidc/login", tag = "access", responses(
    (status = 303, description = "To the provider"),
    (status = 404, description = "Single sign-on is not set up", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "The provider does not answer", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn login(State(access): State<Access>) -> Result<Response, Refusal> {
    let (url, sealed) = access.begin_sign_on().await?;
    let location = HeaderValue::try_from(url).map_err(Problem::fault)?;
    let cookie = Cookie::SignOn.write(&sealed, KEPT, &access.settings());
    let cookie = cookie.ok_or_else(|| Problem::fault("a cookie cannot be written"))?;
    let headers = [(LOCATION, location), (SET_COOKIE, cookie)];
    Ok((StatusCode::SEE_OTHER, headers).into_response())
}

/// Log in by single sign-on: come back from the provider
#[utoipa::path(get, path = "/api/v1/oidc/callback", tag = "access", params(Callback), responses(
    (status = 303, description = "Logged in; to the console"),
    (status = 403, description = "Not let in", body = Problem, content_type = "application/problem+json"),
    (status = 404, description = "Single sign-on is not set up", body = Problem, content_type = "application/problem+json"),
    (status = 429, description = "Too many failures", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn callback(
    State(access): State<Access>,
    Extension(source): Extension<Source>,
    headers: HeaderMap,
    extract::Query(back): extract::Query<Callback>,
) -> Result<Response, Refusal> {
    access.take_attempt(source, ACTION).await?;
    let cookie = match access.come_back(source, &headers, back).await {
        Ok(cookie) => cookie,
        Err(refusal) => {
            Counts::one(&access.counts().failed_log_ins);
            let mut event = event(String::new(), source, ACTION, "refused");
            event.detail = refusal.reason().1.to_owned();
            access.note(event).await;
            return Err(refusal);
        }
    };
    access.log_ins().give_back(source.0);
    let gone = Cookie::SignOn.write("", 0, &access.settings());
    let cookies = [Some(cookie), gone].into_iter().flatten();
    let cookies: Vec<_> = cookies.map(|cookie| (SET_COOKIE, cookie)).collect();
    let home = [(LOCATION, HOME)];
    Ok((StatusCode::SEE_OTHER, home, AppendHeaders(cookies)).into_response())
}

impl Access {
    async fn come_back(
        &self,
        source: Source,
        headers: &HeaderMap,
        back: Callback,
    ) -> Result<HeaderValue, Refusal> {
        if !back.error.is_empty() || back.code.is_empty() {
            return Err(Refusal::forbidden("the provider did not let you in"));
        }
        let settings = self.settings();
        let cookie = Cookie::SignOn.read(headers, &settings).unwrap_or_default();
        let person = self
            .finish_sign_on(Return {
                code: back.code,
                state: &back.state,
                cookie,
            })
            .await?;
        let user = self.user_of(person).await?;
        self.admit(&user, source, headers, ACTION).await
    }
}

const ACTION: &str = "single sign-on";
