//! The console's files over a site of four: what is served, as what, and what is left to the guard.

use axum::http::Uri;
use http_body_util::BodyExt as _;

use super::*;

const SMALL: Site = Site { find: small };

fn small(name: &str) -> Option<File> {
    let (bytes, tag): (&[u8], &str) = match name {
        "index.html" => (b"<p>index</p>", "\"i\""),
        "icon.svg" => (b"<svg/>", "\"s\""),
        "assets/app-1a2b.js" => (b"let x = 1;", "\"a\""),
        "assets/app-1a2b.js.br" => (b"BR", "\"abr\""),
        "assets/app-1a2b.js.gz" => (b"GZ", "\"agz\""),
        ".vite/manifest.json" => (b"{}", "\"m\""),
        _ => return None,
    };
    Some(File {
        bytes: Cow::Borrowed(bytes),
        tag: tag.to_owned(),
    })
}

const PAGE: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
const ANY: (&str, &str) = ("accept", "*/*");

async fn ask(method: &str, path: &str, headers: &[(&str, &str)]) -> Option<(Response, String)> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let name = HeaderName::try_from(*name).expect("a name");
        map.append(name, HeaderValue::from_str(value).expect("a value"));
    }
    let method = Method::from_bytes(method.as_bytes()).expect("a method");
    let uri: Uri = path.parse().expect("a path");
    let (head, body) = SMALL.answer(&method, uri.path(), &map)?.into_parts();
    let bytes = body.collect().await.expect("a body").to_bytes();
    let text = String::from_utf8(bytes.to_vec()).expect("text");
    Some((Response::from_parts(head, Body::empty()), text))
}

#[tokio::test]
async fn files_are_served_and_pages_are_one_document() {
    for (path, accept, expected, kind, keep) in [
        ("/", PAGE, "<p>index</p>", "text/html", "no-cache"),
        ("/?x=1", PAGE, "<p>index</p>", "text/html", "no-cache"),
        ("/index.html", ANY, "<p>index</p>", "text/html", "no-cache"),
        ("/logs", PAGE, "<p>index</p>", "text/html", "no-cache"),
        (
            "/subjects/10.0.0.1/",
            PAGE,
            "<p>index</p>",
            "text/html",
            "no-cache",
        ),
        ("/icon.svg", ANY, "<svg/>", "image/svg+xml", "no-cache"),
        (
            "/assets/app-1a2b.js",
            ANY,
            "let x = 1;",
            "text/javascript",
            "immutable",
        ),
    ] {
        let (response, text) = ask("GET", path, &[accept]).await.expect(path);
        assert_eq!(text, expected, "{path}");
        let says = |name| response.headers()[name].to_str().expect("a value");
        assert!(says(CONTENT_TYPE).starts_with(kind), "{path}");
        assert!(says(CACHE_CONTROL).contains(keep), "{path}");
        assert_eq!(says(CONTENT_LENGTH), expected.len().to_string(), "{path}");
        assert_eq!(says(CONTENT_SECURITY_POLICY), POLICY, "{path}");
        assert!(says(VARY).contains("accept-encoding"), "{path}");
    }
}

#[tokio::test]
async fn everything_else_is_left_to_the_guard() {
    for (method, path, accept) in [
        ("POST", "/", PAGE),
        ("OPTIONS", "/", PAGE),
        ("GET", "/", ANY),
        ("GET", "/logs", ANY),
        ("GET", "/nothing.js", PAGE),
        ("GET", "/assets/old-9f9f.js", ANY),
        ("GET", "/api", PAGE),
        ("GET", "/api/v1/none", PAGE),
        ("GET", "/metrics", PAGE),
        ("GET", "/metrics/", PAGE),
        ("GET", "/healthz", PAGE),
        ("GET", "/readyz", PAGE),
        ("GET", "/.vite/manifest.json", ANY),
        ("GET", "/assets/app-1a2b.js.br", ANY),
        ("GET", "/assets/app-1a2b.js.gz", PAGE),
        ("GET", "/../Cargo.toml", ANY),
        ("GET", "/assets/../icon.svg", ANY),
        ("GET", "/assets/%2e%2e/icon.svg", ANY),
        ("GET", "//icon.svg", ANY),
    ] {
        let answer = ask(method, path, &[accept]).await;
        assert!(answer.is_none(), "{method} {path}");
    }
}

#[tokio::test]
async fn a_client_gets_the_coding_that_it_takes() {
    for (accept, coding, text, tag) in [
        ("gzip, deflate, br, zstd", Some("br"), "BR", "\"abr\""),
        ("gzip, deflate", Some("gzip"), "GZ", "\"agz\""),
        ("GZIP;q=0.5", Some("gzip"), "GZ", "\"agz\""),
        ("br;q=0, gzip;q=0.1", Some("gzip"), "GZ", "\"agz\""),
        ("br;q=x", None, "let x = 1;", "\"a\""),
        ("identity", None, "let x = 1;", "\"a\""),
    ] {
        let headers = [("accept-encoding", accept)];
        let (response, body) = ask("GET", "/assets/app-1a2b.js", &headers)
            .await
            .expect("the file");
        let sent = response.headers().get(CONTENT_ENCODING);
        assert_eq!(
            sent.map(|value| value.to_str().expect("a word")),
            coding,
            "{accept}"
        );
        assert_eq!(
            (body.as_str(), &response.headers()[ETAG]),
            (text, &HeaderValue::from_static(tag)),
            "{accept}"
        );
        assert_eq!(
            response.headers()[CONTENT_LENGTH],
            text.len().to_string().as_str(),
            "{accept}"
        );
    }
}

#[tokio::test]
async fn what_is_known_is_not_sent_again() {
    for (method, known, status, text) in [
        ("GET", "\"i\"", 304, ""),
        ("GET", "W/\"i\", \"z\"", 304, ""),
        ("GET", "\"old\"", 200, "<p>index</p>"),
        ("HEAD", "\"old\"", 200, ""),
    ] {
        let headers = [PAGE, ("if-none-match", known)];
        let (response, body) = ask(method, "/", &headers).await.expect("the page");
        assert_eq!(
            (response.status().as_u16(), body.as_str()),
            (status, text),
            "{method} {known}"
        );
        assert_eq!(response.headers()[ETAG], "\"i\"", "{method} {known}");
    }
}

/// Whether this build has a console or not, there is a page, and it holds nothing that its own policy would refuse.
#[test]
fn there_is_always_a_page_without_anything_inline() {
    let page = built(INDEX).expect("a page");
    for page in [&*page.bytes, NOT_BUILT.as_bytes()] {
        let page = String::from_utf8_lossy(page);
        assert!(page.contains("<title>Portcullis</title>"), "{page}");
        assert!(
            !page.contains("style=") && !page.contains("<style"),
            "{page}"
        );
        for script in page.split("<script").skip(1) {
            let (attributes, inner) = script.split_once('>').expect("a tag's end");
            assert!(attributes.contains("src=\"/"), "{page}");
            assert!(inner.starts_with("</script>"), "{page}");
        }
        for elsewhere in ["http://", "https://", "src=\"//", "href=\"//"] {
            assert!(!page.contains(elsewhere), "{page}");
        }
    }
}
