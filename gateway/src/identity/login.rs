//! Which requests try to log in, and to which account: read from forms and JSON. The account is a claim like any
//! other, but the detectors of guessing need it, and what they count is the guesser.

use http::{HeaderMap, Method, header, request};
use portcullis_config as config;
use serde::Deserialize;
use serde_json::Value;

/// Longer bodies are no login.
const MOST_BYTES: usize = 16 * 1024;

/// What logins look like.
pub struct Logins {
    segments: Vec<String>,
    fields: Vec<String>,
}

/// What a login names.
#[derive(Debug, PartialEq, Eq)]
pub struct Login {
    /// The account.
    pub user: String,
    /// The password, where one is found under a usual name.
    pub secret: Option<String>,
}

/// GraphQL and some APIs keep the members one level deeper.
#[derive(Deserialize)]
struct Wrapped {
    variables: Option<Value>,
    data: Option<Value>,
    user: Option<Value>,
    credentials: Option<Value>,
    input: Option<Value>,
}

impl Logins {
    /// As configured.
    pub fn new(settings: &config::Logins) -> Self {
        let lower = |list: &[String]| list.iter().map(|item| item.to_ascii_lowercase()).collect();
        Self {
            segments: lower(&settings.segments),
            fields: lower(&settings.fields),
        }
    }

    /// Whether the request tries to log in, by method and path alone.
    pub fn is_login(&self, parts: &request::Parts) -> bool {
        (parts.method == Method::POST || parts.method == Method::PUT)
            && parts.uri.path().split('/').any(|segment| {
                self.segments
                    .iter()
                    .any(|name| segment.eq_ignore_ascii_case(name))
            })
    }

    /// What the login names; `None` where it is no login, or names no account that can be found.
    pub fn read(&self, parts: &request::Parts, body: &[u8]) -> Option<Login> {
        if body.is_empty() || body.len() > MOST_BYTES || !self.is_login(parts) {
            return None;
        }
        if looks_like_json(&parts.headers, body) {
            return self.read_json(body);
        }
        let pairs = pairs(body);
        let find = |names: &[String]| {
            names.iter().find_map(|name| {
                let (_, value) = pairs
                    .iter()
                    .find(|(key, value)| key.eq_ignore_ascii_case(name) && !value.is_empty())?;
                Some(value.clone())
            })
        };
        Some(Login {
            user: find(&self.fields)?,
            secret: find(&secrets()),
        })
    }

    fn read_json(&self, body: &[u8]) -> Option<Login> {
        let whole: Value = serde_json::from_slice(body).ok()?;
        let wrapped: Option<Wrapped> = serde_json::from_slice(body).ok();
        let deeper = wrapped
            .into_iter()
            .flat_map(|w| [w.variables, w.data, w.user, w.credentials, w.input])
            .flatten();
        std::iter::once(whole).chain(deeper).find_map(|object| {
            Some(Login {
                user: member(&object, &self.fields)?,
                secret: member(&object, &secrets()),
            })
        })
    }
}

/// Names under which passwords and codes are sent.
fn secrets() -> [String; 6] {
    ["password", "passwd", "pass", "pwd", "pin", "code"].map(str::to_owned)
}

fn member(object: &Value, names: &[String]) -> Option<String> {
    let members = object.as_object()?;
    names.iter().find_map(|name| {
        let (_, value) = members
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))?;
        match value {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    })
}

fn looks_like_json(headers: &HeaderMap, body: &[u8]) -> bool {
    let first = body.iter().find(|b| !b.is_ascii_whitespace());
    first == Some(&b'{')
        || headers
            .get(header::CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"))
}

/// The pairs of a form, decoded; at most as many as a login can have.
fn pairs(body: &[u8]) -> Vec<(String, String)> {
    const MOST_PAIRS: usize = 64;
    body.split(|b| *b == b'&')
        .take(MOST_PAIRS)
        .map(|pair| {
            let at = memchr::memchr(b'=', pair).unwrap_or(pair.len());
            let (name, value) = pair.split_at(at);
            (
                decoded(name),
                decoded(value.strip_prefix(b"=").unwrap_or_default()),
            )
        })
        .collect()
}

/// `application/x-www-form-urlencoded`; what is no valid escape stands for itself.
fn decoded(text: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match first {
            b'+' => bytes.push(b' '),
            b'%' => match after.split_at_checked(2).and_then(|(hex, after)| {
                let hex = std::str::from_utf8(hex).ok()?;
                Some((u8::from_str_radix(hex, 16).ok()?, after))
            }) {
                Some((byte, after)) => {
                    bytes.push(byte);
                    rest = after;
                }
                None => bytes.push(b'%'),
            },
            byte => bytes.push(*byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(method: &str, path: &str, kind: &str) -> request::Parts {
        http::Request::builder()
            .method(method)
            .uri(path)
            .header(header::CONTENT_TYPE, kind)
            .body(())
            .unwrap()
            .into_parts()
            .0
    }

    #[test]
    fn accounts_are_found_where_clients_put_them() {
        let form = "application/x-www-form-urlencoded";
        let json = "application/json";
        let logins = Logins::new(&config::Logins::default());
        for (method, path, kind, body, expected) in [
            (
                "POST",
                "/login",
                form,
                "user=ada&password=x",
                Some(("ada", Some("x"))),
            ),
            (
                "POST",
                "/api/v1/Login",
                form,
                "email=ada%40example.org&pwd=a+b",
                Some(("ada@example.org", Some("a b"))),
            ),
            (
                "POST",
                "/auth/token",
                form,
                "grant_type=password&username=ada%&pass=%zz",
                Some(("ada%", Some("%zz"))),
            ),
            (
                "POST",
                "/session",
                json,
                r#"{"Email": "ada@example.org", "pin": 1234}"#,
                Some(("ada@example.org", Some("1234"))),
            ),
            (
                "POST",
                "/auth",
                json,
                r#"{"data": {"login": "ada"}}"#,
                Some(("ada", None)),
            ),
            (
                "POST",
                "/login",
                "text/plain",
                r#" {"login": "ada"}"#,
                Some(("ada", None)),
            ),
            (
                "POST",
                "/login",
                json,
                r#"{"user": {"email": "ada", "password": "x"}}"#,
                Some(("ada", Some("x"))),
            ),
            ("GET", "/login", form, "user=ada", None),
            ("POST", "/users", form, "user=ada", None),
            ("POST", "/loginhelp", form, "user=ada", None),
            ("POST", "/login", form, "", None),
            ("POST", "/login", form, "user=&password=x", None),
            ("POST", "/login", json, "{", None),
            ("POST", "/login", json, "[1]", None),
        ] {
            let found = logins.read(&parts(method, path, kind), body.as_bytes());
            let expected = expected.map(|(user, secret): (&str, Option<&str>)| Login {
                user: user.to_owned(),
                secret: secret.map(str::to_owned),
            });
            assert_eq!(found, expected, "{method} {path} {body}");
        }
        let long = format!("user={}", "a".repeat(20_000));
        assert_eq!(
            logins.read(&parts("POST", "/login", form), long.as_bytes()),
            None
        );
    }
}
