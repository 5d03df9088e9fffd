//! Tests of rules: a case as written in `tests/rules/<id>.yaml` becomes a request (or an answer), and the engine says
//! whether the rule holds for it. `portcullis rules test` and the test suite both come here.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::request::{Body, Request};
use crate::response::Response;
use crate::{Detector, Worker};

/// One file of tests, for one rule.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleTestFile {
    /// The rule's id.
    pub rule: String,
    /// Cases for which the rule must hold.
    #[serde(rename = "match")]
    pub matching: Vec<Case>,
    /// Cases for which it must not.
    pub no_match: Vec<Case>,
}

/// One request or answer, in one or several of the spellings of `docs/RULES.md`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Case {
    /// The value of the query parameter `q`, before encoding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arg: Option<String>,
    /// The member `q` of a JSON object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json: Option<Value>,
    /// The value of the form field `q`, before encoding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub form: Option<String>,
    /// The value of the cookie `q`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cookie: Option<String>,
    /// Headers, beside the usual ones or instead of them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub header: BTreeMap<String, String>,
    /// The same.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// The path, as sent; may carry a query.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The query, as sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// The method; POST where there is a body, else GET.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The body, as sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The parts of a multipart body.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub multipart: Vec<PartSpec>,
    /// A whole HTTP/1.1 request; no other spelling beside it counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw: Option<String>,
    /// The client's address; 192.0.2.1 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<IpAddr>,
    /// The paranoia level; 4 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paranoia: Option<u8>,
    /// An answer instead of a request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<ResponseSpec>,
}

/// One part of a multipart body.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PartSpec {
    /// The field's name; `q` when empty.
    pub name: String,
    /// The file's name, where it is a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
    /// The part's content type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// The content.
    pub content: String,
}

/// An answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ResponseSpec {
    /// The status; 200 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The headers.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: String,
}

/// A case that did not come out as its file says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// The rule's id.
    pub rule: String,
    /// Whether the case stands under `match`.
    pub must_match: bool,
    /// Its place in the list, from 1.
    pub case: usize,
    /// What went wrong.
    pub message: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = if self.must_match { "match" } else { "no_match" };
        write!(
            formatter,
            "{}: {list} case {}: {}",
            self.rule, self.case, self.message
        )
    }
}

/// Runs all cases of a file, and says which did not come out as written.
pub fn run_file(detector: &Detector, worker: &mut Worker, file: &RuleTestFile) -> Vec<Failure> {
    let mut failures = Vec::new();
    for (must_match, cases) in [(true, &file.matching), (false, &file.no_match)] {
        for (number, case) in cases.iter().enumerate() {
            let message = match run_case(detector, worker, &file.rule, case) {
                Ok(holds) if holds == must_match => continue,
                Ok(true) => "the rule holds, but must not".to_owned(),
                Ok(false) => "the rule does not hold, but must".to_owned(),
                Err(error) => error,
            };
            failures.push(Failure {
                rule: file.rule.clone(),
                must_match,
                case: number + 1,
                message: format!(
                    "{message}: {}",
                    serde_json::to_string(case).unwrap_or_default()
                ),
            });
        }
    }
    failures
}

/// Whether the rule holds for the case.
///
/// # Errors
///
/// A sentence, when there is no such rule or the case is no request.
pub fn run_case(
    detector: &Detector,
    worker: &mut Worker,
    rule: &str,
    case: &Case,
) -> Result<bool, String> {
    if detector.rules().find(rule).is_none() {
        return Err(format!("there is no rule `{rule}`"));
    }
    let paranoia = case.paranoia.unwrap_or(4);
    if let Some(response) = &case.response {
        return Ok(
            response.with(|response| detector.holds_for_response(worker, response, rule, paranoia))
        );
    }
    let request = OwnedRequest::of(case)?;
    Ok(request.with(|request| detector.holds(worker, request, rule, paranoia)))
}

/// A request that owns its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedRequest {
    /// The client's address.
    pub client: IpAddr,
    /// The method.
    pub method: String,
    /// The host.
    pub host: String,
    /// The path without the query.
    pub path: Vec<u8>,
    /// The query without `?`.
    pub query: Option<Vec<u8>>,
    /// Names in lower case, and values.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
}

impl OwnedRequest {
    /// The request that a case describes.
    ///
    /// # Errors
    ///
    /// A sentence, when `raw` is no HTTP/1.1 request, or several spellings of a body are given.
    pub fn of(case: &Case) -> Result<Self, String> {
        let mut request = match &case.raw {
            Some(raw) => Self::parse(raw.as_bytes())?,
            None => Self::compose(case)?,
        };
        request.client = case.client.unwrap_or(request.client);
        Ok(request)
    }

    /// Lends the request to `use_it`.
    pub fn with<R>(&self, use_it: impl FnOnce(&Request<'_>) -> R) -> R {
        let headers: Vec<(&str, &[u8])> = self
            .headers
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_slice()))
            .collect();
        use_it(&Request {
            client: self.client,
            method: &self.method,
            scheme: "https",
            host: &self.host,
            path: &self.path,
            query: self.query.as_deref(),
            headers: &headers,
            body: Body {
                bytes: &self.body,
                complete: true,
            },
            route: "test",
        })
    }

    /// Reads an HTTP/1.1 request. Lines may end in LF alone, as they do in a YAML block.
    ///
    /// # Errors
    ///
    /// A sentence, when there is no request line or a header has no colon.
    pub fn parse(raw: &[u8]) -> Result<Self, String> {
        let mut rest = raw;
        let line = next_line(&mut rest);
        let mut words = line.splitn(2, |b| *b == b' ');
        let method = text(words.next().unwrap_or_default());
        let target = words.next().ok_or("no request line")?;
        let target = target
            .strip_suffix(b" HTTP/1.1")
            .or(target.strip_suffix(b" HTTP/1.0"))
            .unwrap_or(target);
        let mut request = Self::at(method, target);
        loop {
            let line = next_line(&mut rest);
            if line.is_empty() {
                break;
            }
            let colon = memchr::memchr(b':', line).ok_or("a header without a colon")?;
            let name = text(&line[..colon]).to_ascii_lowercase();
            request
                .headers
                .push((name, line[colon + 1..].trim_ascii().to_vec()));
        }
        let host = request.headers.iter().find(|(name, _)| name == "host");
        request.host = host.map(|(_, value)| text(value)).unwrap_or_default();
        request.body = rest.to_vec();
        Ok(request)
    }

    fn at(method: String, target: &[u8]) -> Self {
        let mut parts = target.splitn(2, |b| *b == b'?');
        Self {
            client: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
            method,
            host: String::new(),
            path: parts.next().unwrap_or_default().to_vec(),
            query: parts.next().map(<[u8]>::to_vec),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    fn compose(case: &Case) -> Result<Self, String> {
        let body = body_of(case)?;
        let usual = if body.is_some() { "POST" } else { "GET" };
        let method = case.method.clone().unwrap_or_else(|| usual.to_owned());
        let mut request = Self::at(method, case.path.as_deref().unwrap_or("/").as_bytes());
        let mut query: Vec<String> = request.query.iter().map(|query| text(query)).collect();
        query.extend(case.query.clone());
        query.extend(
            case.arg
                .as_ref()
                .map(|arg| format!("q={}", percent(arg, is_unreserved))),
        );
        request.query = (!query.is_empty()).then(|| query.join("&").into_bytes());
        request.set("host", "api.example.com");
        request.set(
            "user-agent",
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        );
        request.set("accept", "*/*");
        if let Some(cookie) = &case.cookie {
            let kept = |byte: u8| !matches!(byte, b';' | b'%' | 0..=0x1f);
            request.set("cookie", &format!("q={}", percent(cookie, kept)));
        }
        if let Some((content_type, body)) = body {
            if let Some(content_type) = content_type {
                request.set("content-type", &content_type);
            }
            request.set("content-length", &body.len().to_string());
            request.body = body;
        }
        for (name, value) in case.headers.iter().chain(&case.header) {
            request.set(&name.to_ascii_lowercase(), value);
        }
        let host = request.headers.iter().find(|(name, _)| name == "host");
        request.host = host.map(|(_, value)| text(value)).unwrap_or_default();
        Ok(request)
    }

    fn set(&mut self, name: &str, value: &str) {
        self.headers.retain(|(other, _)| other != name);
        self.headers
            .push((name.to_owned(), value.as_bytes().to_vec()));
    }
}

impl ResponseSpec {
    /// Lends the answer to `use_it`.
    pub fn with<R>(&self, use_it: impl FnOnce(&Response<'_>) -> R) -> R {
        let names: Vec<String> = self
            .headers
            .keys()
            .map(|name| name.to_ascii_lowercase())
            .collect();
        let values = self.headers.values().map(String::as_bytes);
        let headers: Vec<(&str, &[u8])> = names.iter().map(String::as_str).zip(values).collect();
        use_it(&Response {
            status: self.status.unwrap_or(200),
            headers: &headers,
            body: Body {
                bytes: self.body.as_bytes(),
                complete: true,
            },
            route: "test",
            path: b"/",
        })
    }
}

type TypedBody = (Option<String>, Vec<u8>);

/// The body of a case, with its content type.
fn body_of(case: &Case) -> Result<Option<TypedBody>, String> {
    let typed = |content_type: &str, body: Vec<u8>| (Some(content_type.to_owned()), body);
    let json = case.json.as_ref().map(|json| {
        let body = serde_json::json!({ "q": json }).to_string();
        typed("application/json", body.into_bytes())
    });
    let form = case.form.as_ref().map(|form| {
        let body = format!("q={}", percent(form, is_unreserved));
        typed("application/x-www-form-urlencoded", body.into_bytes())
    });
    let multipart = (!case.multipart.is_empty()).then(|| {
        let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
        typed(&content_type, multipart(&case.multipart))
    });
    let body = case
        .body
        .as_ref()
        .map(|body| (None, body.as_bytes().to_vec()));
    let mut bodies = [json, form, multipart, body].into_iter().flatten();
    let first = bodies.next();
    match bodies.next() {
        Some(_) => Err("more than one of json, form, multipart, body".to_owned()),
        None => Ok(first),
    }
}

const BOUNDARY: &str = "----rule-test-boundary";

fn multipart(parts: &[PartSpec]) -> Vec<u8> {
    let mut body = String::new();
    for part in parts {
        let name = if part.name.is_empty() {
            "q"
        } else {
            &part.name
        };
        body.push_str(&format!(
            "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{name}\""
        ));
        if let Some(filename) = &part.filename {
            body.push_str(&format!("; filename=\"{filename}\""));
        }
        if let Some(content_type) = &part.content_type {
            body.push_str(&format!("\r\ncontent-type: {content_type}"));
        }
        body.push_str(&format!("\r\n\r\n{}\r\n", part.content));
    }
    body.push_str(&format!("--{BOUNDARY}--\r\n"));
    body.into_bytes()
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// Percent-encodes what is not to be kept.
fn percent(value: &str, kept: impl Fn(u8) -> bool) -> String {
    let mut encoded = Vec::with_capacity(value.len());
    for byte in value.bytes() {
        if kept(byte) {
            encoded.push(byte);
        } else {
            encoded.extend_from_slice(format!("%{byte:02X}").as_bytes());
        }
    }
    String::from_utf8_lossy(&encoded).into_owned()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Takes a line off, without its end.
fn next_line<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let (line, after) = match memchr::memchr(b'\n', rest) {
        Some(end) => (&rest[..end], &rest[end + 1..]),
        None => (*rest, &[][..]),
    };
    *rest = after;
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(case: &str) -> OwnedRequest {
        OwnedRequest::of(&serde_json::from_str(case).unwrap()).unwrap()
    }

    #[test]
    fn spellings() {
        let show = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        // Case, method, path, query, body.
        let cases = [
            (r#"{"arg": "1 or 1"}"#, "GET", "/", "q=1%20or%201", ""),
            (r#"{"arg": "b", "query": "a=1"}"#, "GET", "/", "a=1&q=b", ""),
            (
                r#"{"path": "/x?y=1", "method": "PUT"}"#,
                "PUT",
                "/x",
                "y=1",
                "",
            ),
            (r#"{"json": "a\"b"}"#, "POST", "/", "", r#"{"q":"a\"b"}"#),
            (
                r#"{"json": [1, {"$gt": ""}]}"#,
                "POST",
                "/",
                "",
                r#"{"q":[1,{"$gt":""}]}"#,
            ),
            (r#"{"form": "a b"}"#, "POST", "/", "", "q=a%20b"),
            (r#"{"body": "raw", "method": "GET"}"#, "GET", "/", "", "raw"),
            (
                r#"{"raw": "POST /a?b=1 HTTP/1.1\nHost: h\n\nx\ny"}"#,
                "POST",
                "/a",
                "b=1",
                "x\ny",
            ),
        ];
        for (case, method, path, query, body) in cases {
            let request = request(case);
            assert_eq!(request.method, method, "{case}");
            assert_eq!(show(&request.path), path, "{case}");
            assert_eq!(
                show(request.query.as_deref().unwrap_or_default()),
                query,
                "{case}"
            );
            assert_eq!(show(&request.body), body, "{case}");
        }
    }

    #[test]
    fn headers_replace_the_usual_ones() {
        let request = request(r#"{"headers": {"Host": "other", "X-A": "1"}, "cookie": "a;b"}"#);
        assert_eq!(request.host, "other");
        let value = |name: &str| -> Vec<&[u8]> {
            let named = request.headers.iter().filter(|(n, _)| n == name);
            named.map(|(_, v)| v.as_slice()).collect()
        };
        assert_eq!(value("host"), [b"other"]);
        assert_eq!(value("x-a"), [b"1"]);
        assert_eq!(value("cookie"), [b"q=a%3Bb"]);
    }

    #[test]
    fn two_bodies_are_refused() {
        let case: Case = serde_json::from_str(r#"{"json": 1, "body": "x"}"#).unwrap();
        assert!(OwnedRequest::of(&case).is_err());
    }
}
