//! The settings as the API may show them: secrets blacked out, whatever their place.

use serde_json::Value;

/// Blacks out, within the settings as JSON: values of headers that are set for upstreams, whatever a key calls a
/// secret, and names and passwords inside URLs.
pub(crate) fn settings(value: &mut Value) {
    blacken(value, false);
}

fn blacken(value: &mut Value, secret: bool) {
    match value {
        Value::Object(members) => {
            for (key, member) in members.iter_mut() {
                blacken(member, secret || is_secret(key));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| blacken(item, secret)),
        Value::String(text) if secret && !text.is_empty() => REDACTED.clone_into(text),
        Value::String(text) => {
            if let Some(bare) = without_credentials(text) {
                *text = bare;
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Whether what stands below a key is secret. `set` and `add` are headers given to upstreams, often keys.
fn is_secret(key: &str) -> bool {
    let named = ["secret", "password", "passphrase", "webhook"];
    matches!(key, "set" | "add" | "token" | "api_key")
        || key.ends_with("_token")
        || named.iter().any(|name| key.contains(name))
}

/// The URL without what stands before `@`; `None` where there is nothing to take out.
fn without_credentials(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end)?;
    let (_, host) = authority.rsplit_once('@')?;
    Some(format!("{scheme}://{REDACTED}@{host}{path}"))
}

const REDACTED: &str = "[redacted]";

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn no_secret_is_shown() {
        let mut value = json!({
            "share": { "url": "redis://me:s3cret@host:6379/1?x=1", "secret": "s3cret" },
            "upstreams": { "api": { "servers": ["http://me:s3cret@a:1"], "request_headers": { "set": { "x": "s3cret" } } } },
            "store": { "password": "s3cret", "url": "postgres://host/db", "empty_password": "" },
            "admin": { "metrics_token": "s3cret", "oidc": { "client_secret": "s3cret" } },
            "smtp": { "login": { "password": ["s3cret"] } },
            "routes": [{ "path": "/a@b://c" }],
        });
        settings(&mut value);
        let text = value.to_string();
        assert!(!text.contains("s3cret"), "{text}");
        assert_eq!(value["share"]["url"], "redis://[redacted]@host:6379/1?x=1");
        assert_eq!(value["store"]["url"], "postgres://host/db");
        assert_eq!(value["store"]["empty_password"], "");
        assert_eq!(value["routes"][0]["path"], "/a@b://c");
    }
}
