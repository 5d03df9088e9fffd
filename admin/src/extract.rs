//! How handlers read requests: axum's extractors, but what cannot be read becomes a [`Problem`], and no two members of
//! a query may bear one name.

use std::collections::HashSet;

use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::problem::Problem;

/// The query of a URL. `T` should deny unknown fields.
#[derive(Clone, Copy, Debug)]
pub struct Query<T>(pub T);

/// A JSON body. `T` should deny unknown fields.
#[derive(Clone, Copy, Debug)]
pub struct Json<T>(pub T);

/// The parts of a path.
#[derive(Clone, Copy, Debug)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        once(query)?;
        let read = axum::extract::Query::<T>::try_from_uri(&parts.uri);
        match read {
            Ok(axum::extract::Query(value)) => Ok(Self(value)),
            Err(error) => Err(Problem::bad_request(format!(
                "the query cannot be understood: {}",
                inner(&error)
            ))),
        }
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match axum::Json::<T>::from_request(request, state).await {
            Ok(axum::Json(value)) => Ok(Self(value)),
            Err(rejection) => Err(unreadable(&rejection)),
        }
    }
}

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(_) => Err(Problem::bad_request("the path cannot be understood")),
        }
    }
}

/// Refuses a member that stands there twice: of two values nobody knows which counts.
fn once(query: &str) -> Result<(), Problem> {
    let mut seen = HashSet::new();
    for part in query.split('&').filter(|part| !part.is_empty()) {
        let name = part.split('=').next().unwrap_or_default();
        if !seen.insert(name) {
            return Err(Problem::bad_request(
                "the query names one parameter twice; write several values with commas",
            ));
        }
    }
    Ok(())
}

fn unreadable(rejection: &JsonRejection) -> Problem {
    let status = rejection.status();
    let sentence = match status {
        StatusCode::PAYLOAD_TOO_LARGE => "the body is too long".to_owned(),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            "send JSON, with Content-Type: application/json".to_owned()
        }
        _ => format!("the body cannot be understood: {}", inner(rejection)),
    };
    Problem::new(status, sentence)
}

/// The innermost reason of an error, which is the one that says what to mend.
fn inner(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
