//! Answers that the gateway gives itself: refusals and failures. They carry the request's id and nothing that would
//! tell an attacker which rule was met; the reason is in the record.

use bytes::Bytes;
use http::header::{
    ACCEPT, CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
    HeaderName, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use http_body_util::Full;

use crate::id::RequestId;

/// An answer of the gateway's own, before it is turned into a response.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer {
    status: StatusCode,
    id: RequestId,
    format: Format,
    head: bool,
    retry_after_seconds: Option<u64>,
    close: bool,
}

/// In which form a client wants to be refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// `{"error": …, "request_id": …}`.
    Json,
    /// A small page.
    Html,
}

impl Answer {
    /// A JSON answer.
    pub(crate) fn new(status: StatusCode, id: RequestId) -> Self {
        Self {
            status,
            id,
            format: Format::Json,
            head: false,
            retry_after_seconds: None,
            close: false,
        }
    }

    /// Suits the answer to a request: HTML for who asks for it, no body for HEAD.
    pub(crate) fn to(mut self, method: &Method, headers: &HeaderMap) -> Self {
        self.format = Format::of(headers);
        self.head = method == Method::HEAD;
        self
    }

    /// Says after how many seconds to try again.
    pub(crate) fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }

    /// Announces that the connection ends with this answer (HTTP/1 only; remove the header in HTTP/2).
    pub(crate) fn close(mut self) -> Self {
        self.close = true;
        self
    }

    /// The response.
    pub(crate) fn response(self) -> Response<Full<Bytes>> {
        let body = match self.format {
            Format::Json => json(self.status, self.id),
            Format::Html => html(self.status, self.id),
        };
        let length = body.len();
        let mut response = Response::new(Full::from(if self.head {
            Bytes::new()
        } else {
            Bytes::from(body)
        }));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.reserve(8);
        headers.insert(CONTENT_TYPE, self.format.content_type());
        headers.insert(CONTENT_LENGTH, length.into());
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(X_REQUEST_ID, self.id.header_value());
        if self.format == Format::Html {
            headers.insert(
                CONTENT_SECURITY_POLICY,
                HeaderValue::from_static(PAGE_POLICY),
            );
        }
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        if self.close {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

impl Format {
    /// HTML where `Accept` names it and ranks it above JSON, as browsers do; JSON for everybody else.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let (mut html, mut json) = (0, 0);
        for value in headers.get_all(ACCEPT) {
            for range in value.as_bytes().split(|b| *b == b',') {
                let mut parts = range.split(|b| *b == b';').map(<[u8]>::trim_ascii);
                let media = parts.next().unwrap_or_default();
                let weight = parts.find_map(quality).unwrap_or(1000);
                if media.eq_ignore_ascii_case(b"text/html")
                    || media.eq_ignore_ascii_case(b"application/xhtml+xml")
                {
                    html = html.max(weight);
                } else if media.eq_ignore_ascii_case(b"application/json") {
                    json = json.max(weight);
                }
            }
        }
        if html > json { Self::Html } else { Self::Json }
    }

    fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Json => "application/json",
            Self::Html => "text/html; charset=utf-8",
        })
    }
}

/// A `q=` parameter in thousandths (RFC 9110, 12.4.2); anything unreadable counts as 0.
fn quality(parameter: &[u8]) -> Option<u16> {
    let value = parameter
        .strip_prefix(b"q=")
        .or_else(|| parameter.strip_prefix(b"Q="))?;
    let value: f32 = std::str::from_utf8(value)
        .ok()
        .and_then(|v| v.parse().ok())
        .unwrap_or(0.0);
    Some((value.clamp(0.0, 1.0) * 1000.0) as u16)
}

/// What a status means, in words for the client. They never say why.
fn words(status: StatusCode) -> &'static str {
    match status {
        StatusCode::BAD_REQUEST => "the request is malformed",
        StatusCode::FORBIDDEN => "the request was refused",
        StatusCode::NOT_FOUND => "nothing is served here",
        StatusCode::METHOD_NOT_ALLOWED => "this method is not allowed here",
        StatusCode::REQUEST_TIMEOUT => "the request took too long to arrive",
        StatusCode::PAYLOAD_TOO_LARGE => "the body is too large",
        StatusCode::URI_TOO_LONG => "the address is too long",
        StatusCode::EXPECTATION_FAILED => "this expectation cannot be met",
        StatusCode::MISDIRECTED_REQUEST => "this host is not served here",
        StatusCode::UPGRADE_REQUIRED => "an upgrade is required",
        StatusCode::TOO_MANY_REQUESTS => "too many requests",
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => "the headers are too large",
        StatusCode::NOT_IMPLEMENTED => "this method is not supported",
        StatusCode::BAD_GATEWAY => "the service gave no answer that can be used",
        StatusCode::SERVICE_UNAVAILABLE => "the service is not available now",
        StatusCode::GATEWAY_TIMEOUT => "the service did not answer in time",
        StatusCode::HTTP_VERSION_NOT_SUPPORTED => "this version of HTTP is not supported",
        _ if status.is_client_error() => "the request cannot be served",
        _ => "the request could not be served",
    }
}

/// Neither the words nor an id can hold a character that JSON escapes.
fn json(status: StatusCode, id: RequestId) -> String {
    format!(
        "{{\"error\":\"{}\",\"request_id\":\"{id}\"}}\n",
        words(status)
    )
}

/// Neither the words nor an id can hold a character that HTML escapes.
fn html(status: StatusCode, id: RequestId) -> String {
    let words = words(status);
    let code = status.as_u16();
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>{code}: {words}</title>\
         <style>body{{font:1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:18vh auto 0;padding:0 1.5rem;\
         color:#1f2430;background:#fafafa}}h1{{font-size:1.4rem}}code{{font-size:.9rem;word-break:break-all}}\
         @media(prefers-color-scheme:dark){{body{{color:#e6e6e6;background:#16181d}}}}</style></head>\
         <body><main><h1>{code}: {words}</h1><p>If you believe that this is a mistake, give this id to whoever \
         runs the service:</p><p><code>{id}</code></p></main></body></html>\n"
    )
}

const PAGE_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// The header that carries a request's id, in both directions.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    fn body(response: Response<Full<Bytes>>) -> Vec<u8> {
        let future = response.into_body().collect();
        let collected = futures_util::FutureExt::now_or_never(future)
            .unwrap()
            .unwrap();
        collected.to_bytes().to_vec()
    }

    fn accept(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(ACCEPT, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn json_says_the_words_and_the_id_and_nothing_else() {
        for status in [
            400, 403, 404, 405, 408, 413, 414, 417, 418, 421, 429, 431, 500, 501, 502, 503, 504,
            505,
        ] {
            let id = RequestId::next();
            let status = StatusCode::from_u16(status).unwrap();
            let response = Answer::new(status, id).response();
            assert_eq!(response.status(), status);
            assert_eq!(response.headers()["x-request-id"], id.as_str());
            let length: usize = response.headers()[CONTENT_LENGTH]
                .to_str()
                .unwrap()
                .parse()
                .unwrap();
            let body = body(response);
            assert_eq!(body.len(), length);
            let value: serde_json::Value = serde_json::from_slice(&body).unwrap();
            let keys: Vec<&String> = value.as_object().unwrap().keys().collect();
            assert_eq!(keys, ["error", "request_id"]);
            assert_eq!(value["request_id"], id.as_str());
        }
    }

    #[test]
    fn html_is_for_those_who_rank_it_first() {
        for (value, format) in [
            (
                "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
                Format::Html,
            ),
            ("*/*", Format::Json),
            ("application/json", Format::Json),
            ("application/json, text/html", Format::Json),
            ("application/json;q=0.5, text/html", Format::Html),
            ("text/html;q=0", Format::Json),
            ("TEXT/HTML ; q=0.3", Format::Html),
            ("text/html;q=nonsense", Format::Json),
            ("", Format::Json),
        ] {
            assert_eq!(Format::of(&accept(value)), format, "{value}");
        }
    }

    #[test]
    fn a_page_loads_nothing_and_names_the_id() {
        let id = RequestId::next();
        let response = Answer::new(StatusCode::FORBIDDEN, id)
            .to(&Method::GET, &accept("text/html"))
            .response();
        assert_eq!(response.headers()[CONTENT_TYPE], "text/html; charset=utf-8");
        assert!(response.headers().contains_key(CONTENT_SECURITY_POLICY));
        let page = String::from_utf8(body(response)).unwrap();
        assert!(page.contains(id.as_str()));
        assert!(!page.contains("http:") && !page.contains("https:") && !page.contains("<script"));
    }

    #[test]
    fn head_gets_the_length_and_no_body() {
        let id = RequestId::next();
        let get = Answer::new(StatusCode::FORBIDDEN, id)
            .to(&Method::GET, &HeaderMap::new())
            .response();
        let head = Answer::new(StatusCode::FORBIDDEN, id)
            .to(&Method::HEAD, &HeaderMap::new())
            .response();
        assert_eq!(
            get.headers()[CONTENT_LENGTH],
            head.headers()[CONTENT_LENGTH]
        );
        assert!(body(head).is_empty());
    }

    #[test]
    fn retry_and_close_are_said_where_asked() {
        let plain = Answer::new(StatusCode::BAD_GATEWAY, RequestId::next()).response();
        assert!(
            !plain.headers().contains_key(RETRY_AFTER) && !plain.headers().contains_key(CONNECTION)
        );
        let both = Answer::new(StatusCode::TOO_MANY_REQUESTS, RequestId::next())
            .retry_after(7)
            .close()
            .response();
        assert_eq!(both.headers()[RETRY_AFTER], "7");
        assert_eq!(both.headers()[CONNECTION], "close");
    }
}
