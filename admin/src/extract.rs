//! How handlers read requests: axum's extractors, but what cannot be read becomes a [`Problem`], and no two members of
//! a query may bear one name.

use std::collections::HashSet;

use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use serde_json::Value;

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
        // Read as it stands first: serde would take a list for an object, and nothing for what is left out.
        let value = match axum::Json::<Value>::from_request(request, state).await {
            Ok(axum::Json(value)) => value,
            Err(rejection) => return Err(unreadable(&rejection)),
        };
        if !value.is_object() {
            return Err(Problem::unprocessable("the body is no JSON object"));
        }
        if has_null(&value) {
            return Err(Problem::unprocessable(
                "`null` stands for nothing here: leave the member out",
            ));
        }
        serde_json::from_value(value).map(Self).map_err(|error| {
            Problem::unprocessable(format!("the body cannot be understood: {error}"))
        })
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

/// Whether a member of an object is `null`, at any depth.
fn has_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(members) => members.values().any(has_null),
        Value::Array(items) => items.iter().any(has_null),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// The longest value of a parameter, in characters.
const MOST_VALUE: usize = 300;

/// Refuses a member that stands there twice, since of two values nobody knows which counts, and values that are too
/// long.
fn once(query: &str) -> Result<(), Problem> {
    let mut seen = HashSet::new();
    for part in query.split('&').filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        // Characters as they will be counted: an escape is a byte, and only the first byte of a character counts.
        if characters(value) > MOST_VALUE {
            return Err(Problem::bad_request(format!(
                "a parameter has at most {MOST_VALUE} characters"
            )));
        }
        if !seen.insert(name) {
            return Err(Problem::bad_request(
                "the query names one parameter twice; write several values with commas",
            ));
        }
    }
    Ok(())
}

/// How many characters a value of a query has once it is decoded.
fn characters(value: &str) -> usize {
    let mut count = 0;
    let mut bytes = value.bytes();
    while let Some(byte) = bytes.next() {
        let decoded = match byte {
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte.unwrap_or(b'0')).to_digit(16);
                let high = digit(bytes.next()).unwrap_or(0);
                let low = digit(bytes.next()).unwrap_or(0);
                high * 16 + low
            }
            other => u32::from(other),
        };
        count += usize::from(decoded & 0xc0 != 0x80);
    }
    count
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_counted_as_they_are_decoded() {
        for (value, count) in [
            ("", 0),
            ("abc", 3),
            ("a%20b", 3),
            ("%C3%A9%F0%9F%98%80", 2),
            ("\u{e9}", 1),
            ("%", 1),
            ("%zz", 1),
        ] {
            assert_eq!(characters(value), count, "{value}");
        }
    }
}
