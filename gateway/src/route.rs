//! Which route a request takes. The path is read in every way a server behind us might read it, and the most specific
//! route of all readings wins: a policy on `/admin` also holds for `//admin`, `/%61dmin` and `/x/..;/admin`.

use std::borrow::Cow;

use http::Method;

use crate::snapshot::{HostMatch, Route};

/// All routes, most specific first.
pub struct RouteTable {
    routes: Vec<Route>,
    // With one route, or none by path, the spelling of the path cannot matter.
    by_path: bool,
}

impl RouteTable {
    /// Sorts the routes: exact host, wildcard (longer first), none; longer path; named methods before none.
    pub fn new(mut routes: Vec<Route>) -> Self {
        routes.sort_by_key(|route| {
            let host = match &route.host {
                HostMatch::Exact(host) => (2, host.len()),
                HostMatch::Suffix(suffix) => (1, suffix.len()),
                HostMatch::Any => (0, 0),
            };
            std::cmp::Reverse((host, route.path.len(), !route.methods.is_empty()))
        });
        let by_path = routes.iter().any(|route| route.path != "/");
        Self { routes, by_path }
    }

    /// The routes, most specific first.
    pub fn all(&self) -> &[Route] {
        &self.routes
    }

    /// The index of the route for a request; `host` may carry a port.
    pub fn find(&self, host: &str, path: &str, method: &Method) -> Option<usize> {
        let host = bare_host(host);
        let plain = self.first(&host, path, method);
        if !self.by_path || !is_ambiguous(path) {
            return plain;
        }
        // The table is sorted, so the smallest index is the most specific.
        readings(path)
            .iter()
            .filter_map(|reading| self.first(&host, reading, method))
            .chain(plain)
            .min()
    }

    fn first(&self, host: &str, path: &str, method: &Method) -> Option<usize> {
        self.routes.iter().position(|route| {
            route.path_matches(path)
                && (route.methods.is_empty() || route.methods.contains(method))
                && route.host_matches(host)
        })
    }
}

impl Route {
    fn path_matches(&self, path: &str) -> bool {
        if self.path == "/" {
            return true;
        }
        path.strip_prefix(self.path.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    fn host_matches(&self, host: &str) -> bool {
        match &self.host {
            HostMatch::Any => true,
            HostMatch::Exact(exact) => host == exact,
            HostMatch::Suffix(suffix) => {
                host.len() > suffix.len() && host.ends_with(suffix.as_str())
            }
        }
    }
}

/// The host without its port and without a final dot, in lower case.
fn bare_host(host: &str) -> Cow<'_, str> {
    let bare = match host.rsplit_once(':') {
        Some((bare, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => bare,
        _ => host,
    };
    let bare = bare.strip_suffix('.').unwrap_or(bare);
    if bare.bytes().any(|b| b.is_ascii_uppercase()) {
        Cow::Owned(bare.to_ascii_lowercase())
    } else {
        Cow::Borrowed(bare)
    }
}

/// Whether two servers might read the path differently.
fn is_ambiguous(path: &str) -> bool {
    let bytes = path.as_bytes();
    bytes
        .iter()
        .any(|b| matches!(b, b'%' | b';' | b'\\') || b.is_ascii_uppercase() || *b >= 0x80)
        || bytes.windows(2).any(|pair| pair == b"//" || pair == b"/.")
}

/// How servers may read the path: decoded once or fully, with or without path parameters, lower case.
fn readings(path: &str) -> Vec<String> {
    let once = percent_decode(path.as_bytes());
    let mut fully = once.clone();
    for _ in 0..4 {
        let next = percent_decode(&fully);
        if next == fully {
            break;
        }
        fully = next;
    }
    let mut all = Vec::with_capacity(8);
    for bytes in [path.as_bytes(), &once, &fully] {
        let text = String::from_utf8_lossy(bytes).replace('\\', "/");
        for parameters in [true, false] {
            let resolved = resolve(&text, parameters);
            all.push(resolved.to_ascii_lowercase());
            all.push(resolved);
        }
    }
    all
}

fn percent_decode(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        let pair = (
            bytes.get(i + 1).and_then(hex),
            bytes.get(i + 2).and_then(hex),
        );
        if let (b'%', (Some(high), Some(low))) = (bytes[i], pair) {
            out.push(high << 4 | low);
            i += 3;
        } else {
            out.push(bytes[i]);
            i += 1;
        }
    }
    out
}

fn hex(byte: &u8) -> Option<u8> {
    char::from(*byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

/// Merges slashes and resolves dot segments; `;…` behind a segment's name is dropped where `parameters` says so, as
/// are NUL bytes and white space around a segment, which some servers trim.
fn resolve(path: &str, parameters: bool) -> String {
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        let name = if parameters {
            segment.split(';').next().unwrap_or_default()
        } else {
            segment
        };
        let name = name.split('\0').next().unwrap_or_default().trim();
        match name {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            name => segments.push(name),
        }
    }
    let mut out = String::with_capacity(path.len() + 1);
    for segment in segments {
        out.push('/');
        out.push_str(segment);
    }
    if out.is_empty() {
        out.push('/');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readings_cover_the_spellings() {
        for spelling in [
            "/admin",
            "//admin",
            "/./admin",
            "/x/../admin",
            "/%61dmin",
            "/%2561dmin",
            "/ADMIN",
            "/admin;a=b",
            "/x/..;/admin",
            "/x/%2e%2e/admin",
            "/x/..%2fadmin",
            "/x%5c..%5cadmin",
            "\\admin",
            "/admin%00",
            "/admin%20",
            "/%2fadmin",
            "/admin/.",
            "/;/admin",
            "/admin/%2e",
            "/x/%252e%252e%252fadmin",
        ] {
            assert!(
                readings(spelling).iter().any(|reading| reading == "/admin"),
                "{spelling}: {:?}",
                readings(spelling)
            );
            assert!(spelling == "/admin" || is_ambiguous(spelling), "{spelling}");
        }
    }

    #[test]
    fn hosts() {
        for (host, bare) in [
            ("Example.com:8080", "example.com"),
            ("example.com.", "example.com"),
            ("[::1]:80", "[::1]"),
            ("[::1]", "[::1]"),
        ] {
            assert_eq!(bare_host(host), bare);
        }
    }
}
