//! Where a request was made: a browser sends the session's cookie along whoever asks it to, so a request that changes
//! something must come from a page of ours, or from an origin that the configuration names. Browsers say so in
//! `Origin` and `Sec-Fetch-Site`, which pages cannot forge.

use axum::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, HOST,
    ORIGIN, UPGRADE, VARY,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};

use super::Settings;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What a browser said about where the request was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// On a page of ours, or of an origin that is allowed.
    Here,
    /// Somewhere else.
    Elsewhere,
    /// It did not say; no browser of the last years is silent about a change.
    Unknown,
}

/// Whether a request of this kind needs [`Made::Here`] to be made with a cookie: what changes something, and what
/// opens a WebSocket, which a page may do across origins and then read.
pub fn matters(method: &Method, headers: &HeaderMap) -> bool {
    !is_reading(method) || headers.contains_key(UPGRADE)
}

/// Whether a method changes nothing.
pub fn is_reading(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Where the request was made.
pub fn made(headers: &HeaderMap, settings: &Settings) -> Made {
    if let Some(origin) = headers.get(ORIGIN) {
        let is_ours = origin
            .to_str()
            .is_ok_and(|origin| is_allowed(origin, settings) || is_own(origin, headers, settings));
        return if is_ours { Made::Here } else { Made::Elsewhere };
    }
    match headers.get(SEC_FETCH_SITE).map(HeaderValue::as_bytes) {
        Some(b"same-origin" | b"none") => Made::Here,
        Some(_) => Made::Elsewhere,
        None => Made::Unknown,
    }
}

/// An origin of the configuration.
fn is_allowed(origin: &str, settings: &Settings) -> bool {
    settings.cors.iter().any(|allowed| allowed == origin)
}

/// The origin that the admin plane is reached at: the configured one, or else the one that the request asks for. The
/// scheme is not compared then, since a proxy may have ended TLS.
fn is_own(origin: &str, headers: &HeaderMap, settings: &Settings) -> bool {
    if let Some(own) = &settings.public_origin {
        return own == origin;
    }
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let authority = origin.split_once("://").map(|(_, authority)| authority);
    host.is_some() && host == authority
}

/// The answer to a browser's question whether a page may send a request; `None` where it is no such question.
pub fn preflight(method: &Method, headers: &HeaderMap, settings: &Settings) -> Option<Response> {
    let asks = method == Method::OPTIONS
        && headers.contains_key(ORIGIN)
        && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    if !asks {
        return None;
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    if headers
        .get(ORIGIN)
        .and_then(|origin| origin.to_str().ok())
        .is_some_and(|origin| is_allowed(origin, settings))
    {
        for (name, value) in PREFLIGHT {
            response
                .headers_mut()
                .insert(name, HeaderValue::from_static(value));
        }
    }
    Some(response)
}

/// Lets a page of an allowed origin read the answer.
pub fn dress(origin: Option<&HeaderValue>, settings: &Settings, response: &mut Response) {
    if settings.cors.is_empty() {
        return;
    }
    let headers = response.headers_mut();
    headers.append(VARY, HeaderValue::from_static("Origin"));
    let Some(origin) = origin.filter(|origin| {
        origin
            .to_str()
            .is_ok_and(|origin| is_allowed(origin, settings))
    }) else {
        return;
    };
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    let yes = HeaderValue::from_static("true");
    headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, yes);
    // Otherwise the answer could be read by the page but not fetched by it.
    let policy = HeaderName::from_static("cross-origin-resource-policy");
    headers.insert(policy, HeaderValue::from_static("cross-origin"));
}

const PREFLIGHT: [(HeaderName, &str); 3] = [
    (
        ACCESS_CONTROL_ALLOW_METHODS,
        "GET, POST, PUT, PATCH, DELETE",
    ),
    (ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type"),
    (ACCESS_CONTROL_MAX_AGE, "600"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                let name = HeaderName::from_static(name);
                (name, HeaderValue::from_static(value))
            })
            .collect()
    }

    fn settings(public: Option<&str>) -> Settings {
        Settings {
            public_origin: public.map(str::to_owned),
            cors: vec!["https://console.example".to_owned()],
            ..Settings::default()
        }
    }

    #[test]
    fn where_a_request_was_made() {
        let host = ("host", "127.0.0.1:9901");
        let public = Some("https://gate.example");
        for (public, pairs, expected) in [
            (None, vec![host], Made::Unknown),
            (
                None,
                vec![host, ("origin", "http://127.0.0.1:9901")],
                Made::Here,
            ),
            (
                None,
                vec![host, ("origin", "https://127.0.0.1:9901")],
                Made::Here,
            ),
            (
                None,
                vec![host, ("origin", "http://127.0.0.1")],
                Made::Elsewhere,
            ),
            (
                None,
                vec![host, ("origin", "http://evil.example")],
                Made::Elsewhere,
            ),
            (None, vec![host, ("origin", "null")], Made::Elsewhere),
            (None, vec![("origin", "null")], Made::Elsewhere),
            (
                None,
                vec![host, ("origin", "https://console.example")],
                Made::Here,
            ),
            (
                None,
                vec![host, ("origin", "https://console.example.evil.example")],
                Made::Elsewhere,
            ),
            (
                None,
                vec![host, ("sec-fetch-site", "same-origin")],
                Made::Here,
            ),
            (
                None,
                vec![host, ("sec-fetch-site", "same-site")],
                Made::Elsewhere,
            ),
            (
                None,
                vec![host, ("sec-fetch-site", "cross-site")],
                Made::Elsewhere,
            ),
            (
                public,
                vec![host, ("origin", "https://gate.example")],
                Made::Here,
            ),
            (
                public,
                vec![host, ("origin", "http://gate.example")],
                Made::Elsewhere,
            ),
            (
                public,
                vec![host, ("origin", "http://127.0.0.1:9901")],
                Made::Elsewhere,
            ),
            (
                None,
                vec![
                    host,
                    ("origin", "http://evil.example"),
                    ("sec-fetch-site", "same-origin"),
                ],
                Made::Elsewhere,
            ),
        ] {
            let found = made(&headers(&pairs), &settings(public));
            assert_eq!(found, expected, "{public:?} {pairs:?}");
        }
    }

    #[test]
    fn cors_is_closed_but_to_configured_origins() {
        for (origin, allowed) in [
            ("https://console.example", true),
            ("http://console.example", false),
            ("https://evil.example", false),
        ] {
            let asked = headers(&[("access-control-request-method", "POST")]);
            let mut asked = asked;
            asked.insert(ORIGIN, HeaderValue::from_static(origin));
            let settings = settings(None);
            let mut answer =
                preflight(&Method::OPTIONS, &asked, &settings).expect("it is a preflight");
            dress(asked.get(ORIGIN), &settings, &mut answer);
            let names = [ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_ALLOW_METHODS];
            for name in names {
                assert_eq!(
                    answer.headers().contains_key(&name),
                    allowed,
                    "{origin} {name}"
                );
            }
            assert!(answer.headers().contains_key(VARY));
            let mut answer = preflight(&Method::OPTIONS, &asked, &Settings::default())
                .expect("it is a preflight");
            dress(asked.get(ORIGIN), &Settings::default(), &mut answer);
            assert!(answer.headers().is_empty(), "{origin}: closed by default");
        }
        assert!(preflight(&Method::OPTIONS, &HeaderMap::new(), &settings(None)).is_none());
        assert!(preflight(&Method::GET, &HeaderMap::new(), &settings(None)).is_none());
    }
}
