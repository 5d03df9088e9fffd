//! What a policy keeps of an exchange word for word: headers and the beginnings of both bodies. Secrets are blacked out
//! when it becomes part of the record, on the request's own thread; a body in which they could not be found is withheld.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderName};

use super::json::{self, key};
use super::redact::{REDACTED, Redaction};

/// What a policy wants to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CaptureRules {
    /// The headers of request and answer.
    pub headers: bool,
    /// So many bytes of each body.
    pub body: usize,
    /// Of every exchange, not of flagged ones alone.
    pub all: bool,
}

/// What was kept so far.
#[derive(Debug)]
pub(crate) struct Captured {
    rules: CaptureRules,
    request: Side,
    response: Side,
}

#[derive(Debug, Default)]
struct Side {
    headers: HeaderMap,
    body: Vec<u8>,
    /// There was more of the body.
    cut: bool,
}

/// Bytes of headers that one side keeps.
const HEADERS: usize = 8 * 1024;

impl Captured {
    /// The request's side: its headers as they came, and the part of its body that was read for inspection.
    pub(crate) fn of_request(
        rules: CaptureRules,
        headers: &HeaderMap,
        body: &Bytes,
        whole: bool,
    ) -> Self {
        let kept = body.get(..rules.body).unwrap_or(body);
        Self {
            rules,
            request: Side {
                headers: kept_headers(rules, headers),
                body: kept.to_vec(),
                cut: !whole || kept.len() < body.len(),
            },
            response: Side::default(),
        }
    }

    /// The answer's headers as they leave.
    pub(crate) fn answers(&mut self, headers: &HeaderMap) {
        self.response.headers = kept_headers(self.rules, headers);
    }

    /// A piece of the answer's body as it leaves.
    pub(crate) fn answered(&mut self, data: &[u8]) {
        let room = self.rules.body.saturating_sub(self.response.body.len());
        let kept = data.get(..room).unwrap_or(data);
        self.response.body.extend_from_slice(kept);
        self.response.cut |= kept.len() < data.len();
    }

    /// Whether this is kept also where nothing was found.
    pub(crate) const fn is_of_all(&self) -> bool {
        self.rules.all
    }

    /// Appends it as a JSON object.
    pub(super) fn write(&self, redaction: &Redaction, out: &mut Vec<u8>) {
        let mut object = json::Object::open(out);
        object.raw(key!("request"), |out| {
            self.request.write(self.rules, redaction, out)
        });
        object.raw(key!("response"), |out| {
            self.response.write(self.rules, redaction, out)
        });
        object.close();
    }
}

impl Side {
    fn write(&self, rules: CaptureRules, redaction: &Redaction, out: &mut Vec<u8>) {
        let mut object = json::Object::open(out);
        if rules.headers {
            object.raw(key!("headers"), |out| self.write_headers(redaction, out));
        }
        match body(self, redaction) {
            Some(body) => object.bytes(key!("body"), &body, usize::MAX),
            None => object.raw(key!("withheld"), |out| out.extend_from_slice(b"true")),
        }
        if self.cut {
            object.raw(key!("cut"), |out| out.extend_from_slice(b"true"));
        }
        object.close();
    }

    fn write_headers(&self, redaction: &Redaction, out: &mut Vec<u8>) {
        out.push(b'[');
        let mut left = HEADERS;
        for (at, (name, value)) in self.headers.iter().enumerate() {
            let value = match is_secret(name, redaction) {
                true => REDACTED.as_bytes(),
                false => value.as_bytes(),
            };
            let length = name.as_str().len() + value.len();
            if length > left {
                break;
            }
            left -= length;
            out.extend_from_slice(if at > 0 { b",[\"" } else { b"[\"" });
            json::escape(name.as_str().as_bytes(), out);
            out.extend_from_slice(b"\",\"");
            json::escape(value, out);
            out.extend_from_slice(b"\"]");
        }
        out.push(b']');
    }
}

fn kept_headers(rules: CaptureRules, headers: &HeaderMap) -> HeaderMap {
    if rules.headers {
        return headers.clone();
    }
    // What is needed to black out the body.
    [CONTENT_TYPE, CONTENT_ENCODING]
        .into_iter()
        .filter_map(|name| Some((name.clone(), headers.get(name)?.clone())))
        .collect()
}

/// Besides the names that the operator gave, all that are known for what they carry: whoever switches capturing on
/// should not have to think of each.
fn is_secret(name: &HeaderName, redaction: &Redaction) -> bool {
    let telling = [
        "token",
        "secret",
        "password",
        "api-key",
        "apikey",
        "auth",
        "cookie",
        "credential",
        "session",
        "signature",
    ];
    redaction.is_secret_header(name.as_str().as_bytes())
        || telling.iter().any(|part| name.as_str().contains(part))
}

/// The body with secrets blacked out; `None` where they could not be found if there were any.
fn body<'a>(side: &'a Side, redaction: &Redaction) -> Option<Cow<'a, [u8]>> {
    let header = |name: HeaderName| side.headers.get(name).and_then(|value| value.to_str().ok());
    if side.body.is_empty() {
        return Some(Cow::Borrowed(&[]));
    }
    if header(CONTENT_ENCODING).is_some_and(|encoding| !encoding.eq_ignore_ascii_case("identity")) {
        return None;
    }
    let kind = header(CONTENT_TYPE).unwrap_or_default();
    let kind = kind
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    match kind.as_str() {
        "application/x-www-form-urlencoded" => {
            let text = std::str::from_utf8(&side.body).ok()?;
            Some(redaction.query(text))
        }
        kind if kind == "application/json" || kind.ends_with("+json") => {
            Some(in_json(&side.body, redaction))
        }
        kind if kind.starts_with("text/") && !kind.ends_with("xml") => {
            Some(Cow::Borrowed(&side.body))
        }
        _ => None,
    }
}

/// JSON, maybe cut off, with the values of secret members blacked out, whatever they are.
fn in_json<'a>(text: &'a [u8], redaction: &Redaction) -> Cow<'a, [u8]> {
    let mut out = Vec::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        if *byte != b'"' {
            at += 1;
            continue;
        }
        let end = end_of_string(text, at);
        let colon = skip_spaces(text, end);
        let name = text.get(at..end).unwrap_or_default();
        at = end;
        if text.get(colon) != Some(&b':') || !is_secret_member(name, redaction) {
            continue;
        }
        let value = skip_spaces(text, colon + 1);
        at = end_of_value(text, value);
        out.extend_from_slice(text.get(copied..value).unwrap_or_default());
        out.push(b'"');
        out.extend_from_slice(REDACTED.as_bytes());
        out.push(b'"');
        copied = at;
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    out.extend_from_slice(text.get(copied..).unwrap_or_default());
    Cow::Owned(out)
}

/// A name that cannot be read is taken for a secret's.
fn is_secret_member(quoted: &[u8], redaction: &Redaction) -> bool {
    serde_json::from_slice::<String>(quoted)
        .map_or(true, |name| redaction.is_secret_field(name.as_bytes()))
}

/// Where the string that begins at `start` has ended, its quotation mark included.
fn end_of_string(text: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = text.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

fn skip_spaces(text: &[u8], mut at: usize) -> usize {
    while text.get(at).is_some_and(u8::is_ascii_whitespace) {
        at += 1;
    }
    at
}

/// Where the value that begins at `start` has ended: a string, a number or word, or all that an object or array holds.
fn end_of_value(text: &[u8], start: usize) -> usize {
    let mut depth = 0_usize;
    let mut at = start;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => {
                at = end_of_string(text, at);
                if depth == 0 {
                    return at;
                }
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth <= 1 => return if depth == 1 { at + 1 } else { at },
            b'}' | b']' => depth -= 1,
            b',' if depth == 0 => return at,
            _ => {}
        }
        at += 1;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redaction() -> Redaction {
        Redaction::new(&["x-internal".into()], &["password".into(), "pin".into()])
    }

    #[test]
    fn secret_members_lose_their_values_whatever_they_are() {
        for (text, expected) in [
            (r#"{"a":1,"b":"x"}"#, r#"{"a":1,"b":"x"}"#),
            (
                r#"{"password":"hunter2","b":1}"#,
                r#"{"password":"[redacted]","b":1}"#,
            ),
            (
                r#"{"PASSWORD" : "hun\"ter2" , "b":1}"#,
                r#"{"PASSWORD" : "[redacted]" , "b":1}"#,
            ),
            (
                r#"{"p\u0061ssword":"hunter2"}"#,
                r#"{"p\u0061ssword":"[redacted]"}"#,
            ),
            (r#"{"pin":1234}"#, r#"{"pin":"[redacted]"}"#),
            (
                r#"[{"pin":[1,{"x":"}]"},2]},3]"#,
                r#"[{"pin":"[redacted]"},3]"#,
            ),
            (
                r#"{"u":{"password":{"a":"b"},"c":"d"}}"#,
                r#"{"u":{"password":"[redacted]","c":"d"}}"#,
            ),
            (r#"{"password":"hunt"#, r#"{"password":"[redacted]""#),
            (r#"{"password":"#, r#"{"password":"[redacted]""#),
            (r#"{"pass"#, r#"{"pass"#),
            (
                r#"{"a":"password","b":"pin: 7"}"#,
                r#"{"a":"password","b":"pin: 7"}"#,
            ),
            (r#"{"\ud800":"x"}"#, r#"{"\ud800":"[redacted]"}"#),
            (r#""\"#, r#""\"#),
        ] {
            let out = in_json(text.as_bytes(), &redaction());
            assert_eq!(std::str::from_utf8(&out).unwrap(), expected);
        }
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
            .collect()
    }

    fn written(captured: &Captured) -> serde_json::Value {
        let mut out = Vec::new();
        captured.write(&redaction(), &mut out);
        serde_json::from_slice(&out).unwrap()
    }

    const RULES: CaptureRules = CaptureRules {
        headers: true,
        body: 30,
        all: false,
    };

    #[test]
    fn both_sides_are_kept_cut_and_redacted() {
        let sent = headers(&[
            ("accept", "*/*"),
            ("authorization", "Bearer x"),
            ("x-internal", "1"),
            ("x-api-key", "k"),
            ("content-type", "application/json; charset=utf-8"),
        ]);
        let body = Bytes::from_static(br#"{"password":"hunter2","a":"aaaaaaaaaaaaaaaaaaaaaaaaa"}"#);
        let mut captured = Captured::of_request(RULES, &sent, &body, true);
        captured.answers(&headers(&[
            ("set-cookie", "s=1"),
            ("content-type", "text/html"),
        ]));
        captured.answered(b"<p>0123456789");
        captured.answered(b"0123456789012345678901234567890123456789");
        captured.answered(b"more");
        let json = written(&captured);
        let request = &json["request"];
        assert_eq!(request["headers"][0], serde_json::json!(["accept", "*/*"]));
        for hidden in 1..4 {
            assert_eq!(request["headers"][hidden][1], "[redacted]");
        }
        assert_eq!(request["body"], r#"{"password":"[redacted]","a":"aaa"#);
        assert_eq!(
            (&request["cut"], &json["response"]["cut"]),
            (&true.into(), &true.into())
        );
        assert_eq!(json["response"]["headers"][0][1], "[redacted]");
        assert_eq!(json["response"]["body"], "<p>012345678901234567890123456");
    }

    #[test]
    fn a_body_in_which_secrets_cannot_be_found_is_withheld() {
        for (kind, encoding, shown) in [
            ("text/plain", "", true),
            ("text/plain", "identity", true),
            ("text/plain", "gzip", false),
            ("text/xml", "", false),
            ("multipart/form-data; boundary=x", "", false),
            ("application/octet-stream", "", false),
            ("", "", false),
            ("application/x-www-form-urlencoded", "", true),
            ("application/problem+json", "", true),
        ] {
            let mut sent = headers(&[("content-type", kind)]);
            if !encoding.is_empty() {
                sent.extend(headers(&[("content-encoding", encoding)]));
            }
            let rules = CaptureRules {
                headers: false,
                ..RULES
            };
            let captured =
                Captured::of_request(rules, &sent, &Bytes::from_static(b"password=x"), false);
            let json = written(&captured);
            assert_eq!(json["request"].get("withheld").is_none(), shown, "{kind}");
            assert_eq!(json["request"].get("headers"), None);
            assert!(json["request"]["cut"] == true);
        }
    }
}
