//! The web console: files that were built from `dashboard/` and are part of the binary. They are the same for everybody
//! and hold nothing of this gateway, so they need no credential; what the page shows it asks of the API, with the
//! session of whoever looks. They are served before the guard, and everything that is no file of theirs goes on to it.
//!
//! A binary that was built without Node has no console, and says how to get one.

use std::borrow::Cow;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{
    ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rust_embed::RustEmbed;

/// The files of the console.
#[derive(Clone, Copy)]
pub(crate) struct Site {
    /// A file by its path below the site's root; compressed ones end in `.br` and `.gz`.
    find: fn(&str) -> Option<File>,
}

/// One file, and what tells it from another version.
struct File {
    bytes: Cow<'static, [u8]>,
    tag: String,
}

/// `site/` is there once `scripts/dashboard.sh` has built it.
#[derive(RustEmbed)]
#[folder = "../dashboard/dist"]
struct Dist;

/// The console as it was built, or the page that says how to get it.
pub(crate) const SITE: Site = Site { find: built };

/// Answers what asks for a file or a page of the console; hands on what does not.
pub(crate) async fn serve(State(site): State<Site>, request: Request, next: Next) -> Response {
    match site.answer(request.method(), request.uri().path(), request.headers()) {
        Some(response) => response,
        None => next.run(request).await,
    }
}

impl Site {
    fn answer(self, method: &Method, path: &str, headers: &HeaderMap) -> Option<Response> {
        if !matches!(*method, Method::GET | Method::HEAD) {
            return None;
        }
        let name = path.strip_prefix('/')?;
        let first = name.split('/').next().unwrap_or_default();
        if RESERVED.contains(&first) {
            return None;
        }
        let (name, file) = match self.file(name) {
            Some(file) => (name, file),
            // The pages of the console are one document, which finds out by the address what to show.
            None if is_page(name, headers) => (INDEX, self.file(INDEX)?),
            None => return None,
        };
        Some(self.respond(method, name, file, headers))
    }

    fn file(self, name: &str) -> Option<File> {
        let is_hidden = name.split('/').any(|part| part.starts_with('.'));
        let is_twin = TWINS.iter().any(|(_, ending)| name.ends_with(ending));
        (!is_hidden && !is_twin).then(|| (self.find)(name))?
    }

    fn respond(self, method: &Method, name: &str, plain: File, headers: &HeaderMap) -> Response {
        let twin = TWINS.iter().find_map(|(coding, ending)| {
            accepts(headers, coding).then_some(())?;
            Some((*coding, (self.find)(&format!("{name}{ending}"))?))
        });
        let (coding, file) = twin.map_or((None, plain), |(coding, file)| (Some(coding), file));
        let length = file.bytes.len();
        let is_known = headers
            .get(IF_NONE_MATCH)
            .and_then(|known| known.to_str().ok())
            .is_some_and(|known| known.contains(&file.tag));
        let (status, body) = match (is_known, method) {
            (true, _) => (StatusCode::NOT_MODIFIED, Body::empty()),
            (false, &Method::HEAD) => (StatusCode::OK, Body::empty()),
            (false, _) => (StatusCode::OK, Body::from(file.bytes.into_owned())),
        };
        let mut response = (status, body).into_response();
        let answer = response.headers_mut();
        for (header, value) in ALWAYS {
            answer.insert(header, HeaderValue::from_static(value));
        }
        // Names of assets change with their content; everything else is asked for again each time.
        let keep = match name.starts_with("assets/") {
            true => "public, max-age=31536000, immutable",
            false => "no-cache",
        };
        answer.insert(CACHE_CONTROL, HeaderValue::from_static(keep));
        if let Ok(tag) = HeaderValue::from_str(&file.tag) {
            answer.insert(ETAG, tag);
        }
        if !is_known {
            answer.insert(CONTENT_TYPE, HeaderValue::from_static(kind(name)));
            answer.insert(CONTENT_LENGTH, HeaderValue::from(length));
            if let Some(coding) = coding {
                answer.insert(CONTENT_ENCODING, HeaderValue::from_static(coding));
            }
        }
        response
    }
}

/// Whether a browser asks for something to show, rather than a script or a program for something to read.
fn is_page(name: &str, headers: &HeaderMap) -> bool {
    let last = name.rsplit('/').next().unwrap_or_default();
    let wants_page = headers
        .get(ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"));
    wants_page && !last.contains('.')
}

/// Whether a client takes a coding; `q=0` refuses it.
fn accepts(headers: &HeaderMap, coding: &str) -> bool {
    let lines = headers.get_all(ACCEPT_ENCODING).iter();
    lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .any(|item| {
            let mut parts = item.split(';').map(str::trim);
            let is_it = parts
                .next()
                .is_some_and(|name| name.eq_ignore_ascii_case(coding));
            let weight = parts.find_map(|part| part.strip_prefix("q="));
            is_it && weight.is_none_or(|weight| weight.parse::<f32>().is_ok_and(|q| q > 0.0))
        })
}

fn kind(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("json") => "application/json",
        Some("png") => "image/png",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

fn built(name: &str) -> Option<File> {
    let found = Dist::get(&format!("site/{name}"));
    match found {
        Some(file) => Some(File {
            tag: tag(&file.metadata.sha256_hash()),
            bytes: file.data,
        }),
        None if name == INDEX => Some(File {
            bytes: Cow::Borrowed(NOT_BUILT.as_bytes()),
            tag: "\"not-built\"".to_owned(),
        }),
        None => None,
    }
}

fn tag(hash: &[u8; 32]) -> String {
    let (half, _) = hash.split_at(16);
    format!("\"{}\"", URL_SAFE_NO_PAD.encode(half))
}

const INDEX: &str = "index.html";
const NOT_BUILT: &str = include_str!("console/not_built.html");
/// First parts of paths that are never the console's.
const RESERVED: [&str; 4] = ["api", "healthz", "readyz", "metrics"];
/// Codings, and how the files end that are written in them. The first that the client takes is sent.
const TWINS: [(&str, &str); 2] = [("br", ".br"), ("gzip", ".gz")];
const ALWAYS: [(HeaderName, &str); 4] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (VARY, "accept-encoding, accept"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    ),
];
/// The page runs its own scripts and styles from files, asks this server, and nothing else. Text never becomes markup:
/// with trusted types required and none allowed, the browser itself refuses to make it so.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

#[cfg(test)]
mod tests;
