//! Tells a gateway's own answers from those of the API behind it, which refuses and limits too. A gateway's answer names
//! the request's id in its body and nowhere else; where there is no body, it lacks what every simulated API sends.

use http::header::{CACHE_CONTROL, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use super::super::message::Decision;
use super::super::serve::MARK;

/// What the gateway did, by the answer. `is_head`: there is no body to look at.
pub fn decision(status: StatusCode, headers: &HeaderMap, body: &[u8], is_head: bool) -> Decision {
    if headers.contains_key(MARK) || !is_own(headers, body, is_head) {
        return Decision::Passed;
    }
    match status {
        StatusCode::FORBIDDEN => Decision::Denied,
        StatusCode::TOO_MANY_REQUESTS => Decision::Throttled,
        // Load that is shed is asked to come back.
        StatusCode::SERVICE_UNAVAILABLE if headers.contains_key(RETRY_AFTER) => Decision::Throttled,
        _ => Decision::Refused,
    }
}

fn is_own(headers: &HeaderMap, body: &[u8], is_head: bool) -> bool {
    let Some(id) = headers.get("x-request-id").and_then(|id| id.to_str().ok()) else {
        return false;
    };
    if is_head {
        let is = |name, value: &str| headers.get(name).is_some_and(|known| known == value);
        return is(CACHE_CONTROL, "no-store") && is(X_CONTENT_TYPE_OPTIONS, "nosniff");
    }
    if let Ok(Value::Object(object)) = serde_json::from_slice(body) {
        return object.contains_key("error")
            && object.get("request_id").and_then(Value::as_str) == Some(id);
    }
    let page = String::from_utf8_lossy(body);
    page.contains(&format!("<code>{id}</code>"))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (
                    http::HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    #[test]
    fn only_the_gateways_own_answers_are_judgements() {
        let own = r#"{"error":"the request was refused","request_id":"abc"}"#;
        let page = "<html><code>abc</code></html>";
        let id = ("x-request-id", "abc");
        let mark = ("x-simulated-api", "1");
        for (status, pairs, body, head, wanted) in [
            (403, vec![id], own, false, Decision::Denied),
            (429, vec![id], own, false, Decision::Throttled),
            (403, vec![id], page, false, Decision::Denied),
            (400, vec![id], own, false, Decision::Refused),
            (502, vec![id], own, false, Decision::Refused),
            (
                503,
                vec![id, ("retry-after", "3")],
                own,
                false,
                Decision::Throttled,
            ),
            (
                403,
                vec![id, mark],
                r#"{"message":"not yours"}"#,
                false,
                Decision::Passed,
            ),
            (429, vec![id, mark], own, false, Decision::Passed),
            (
                403,
                vec![id],
                r#"{"error":"no","request_id":"other"}"#,
                false,
                Decision::Passed,
            ),
            (403, vec![], own, false, Decision::Passed),
            (200, vec![id, mark], "", true, Decision::Passed),
            (
                403,
                vec![
                    id,
                    ("cache-control", "no-store"),
                    ("x-content-type-options", "nosniff"),
                ],
                "",
                true,
                Decision::Denied,
            ),
            (403, vec![id], "", true, Decision::Passed),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(
                decision(status, &headers(&pairs), body.as_bytes(), head),
                wanted,
                "{status} {pairs:?} {body}"
            );
        }
    }
}
