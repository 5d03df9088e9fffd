//! Answers that refuse: a [`Problem`] with the headers that belong to it. They say what is wrong with the request and
//! never whether a user exists.

use std::time::Duration;

use axum::http::header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use portcullis_store::StoreError;

use super::password::PasswordError;
use super::secret::NoRandom;
use crate::problem::Problem;

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    problem: Problem,
    retry: Option<Duration>,
    allow: Option<String>,
}

impl Refusal {
    /// Refuses with `status`.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Problem::new(status, detail).into()
    }

    /// 401.
    pub fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, detail)
    }

    /// 403.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, detail)
    }

    /// 405, with what is allowed.
    pub fn method(allow: String) -> Self {
        let refusal = Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "this method is not allowed here",
        );
        Self {
            allow: Some(allow),
            ..refusal
        }
    }

    /// With the time after which to try again.
    #[must_use]
    pub fn retry(mut self, after: Duration) -> Self {
        self.retry = Some(after);
        self
    }

    /// The status, and what is wrong.
    pub fn reason(&self) -> (u16, &str) {
        (self.problem.status, &self.problem.detail)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = self.problem.into_response();
        let unauthorized = response.status() == StatusCode::UNAUTHORIZED;
        let headers = response.headers_mut();
        if unauthorized {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(after) = self.retry {
            // Rounded up, so that who waits for as long is not refused again.
            let seconds = after.as_millis().div_ceil(1000).max(1);
            let seconds = u64::try_from(seconds).unwrap_or(u64::MAX);
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        let allow = self
            .allow
            .and_then(|allow| HeaderValue::try_from(allow).ok());
        if let Some(allow) = allow {
            headers.insert(ALLOW, allow);
        }
        response
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self {
            problem,
            retry: None,
            allow: None,
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::from(Problem::from(error)).retry(Duration::from_secs(5))
    }
}

impl From<PasswordError> for Refusal {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Length => Problem::unprocessable(error.to_string()).into(),
            PasswordError::Busy => Self::from(Problem::unavailable(error.to_string())),
            PasswordError::Random(_) | PasswordError::Hash => Problem::fault(error).into(),
        }
    }
}

impl From<NoRandom> for Refusal {
    fn from(error: NoRandom) -> Self {
        Problem::fault(error).into()
    }
}
