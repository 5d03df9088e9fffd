use super::*;

fn headers(list: &[(&str, &str)]) -> HeaderMap {
    let parse = |(name, value): &(&str, &str)| {
        let name: HeaderName = name.parse().expect("a name");
        (name, HeaderValue::from_str(value).expect("a value"))
    };
    list.iter().map(parse).collect()
}

#[test]
fn only_text_is_held() {
    for (method, status, kind, expected) in [
        ("GET", 200, "application/json", Scope::Text),
        (
            "GET",
            200,
            "Application/Problem+JSON; charset=utf-8",
            Scope::Text,
        ),
        ("GET", 200, "text/html;charset=utf-8", Scope::Text),
        ("POST", 500, "text/plain", Scope::Text),
        ("GET", 206, "text/plain", Scope::Text),
        ("GET", 206, "multipart/byteranges; boundary=x", Scope::Text),
        ("GET", 200, "image/svg+xml", Scope::Text),
        ("GET", 200, "application/x-ndjson", Scope::Text),
        ("GET", 200, "application/x-yaml", Scope::Text),
        ("GET", 200, "application/octet-stream", Scope::Unknown),
        ("GET", 200, "", Scope::Unknown),
        ("GET", 200, "image/png", Scope::Head),
        ("GET", 200, "application/zip", Scope::Head),
        ("HEAD", 200, "application/json", Scope::Head),
        ("GET", 204, "application/json", Scope::Head),
        ("GET", 304, "text/html", Scope::Head),
        ("GET", 200, "text/event-stream", Scope::Nothing),
        (
            "GET",
            200,
            "Text/Event-Stream; charset=utf-8",
            Scope::Nothing,
        ),
        ("POST", 200, "application/grpc+proto", Scope::Nothing),
    ] {
        let headers = headers(&[("content-type", kind)]);
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let status = StatusCode::from_u16(status).expect("a status");
        assert_eq!(
            scope(&method, status, &headers),
            expected,
            "{kind} {status}"
        );
    }
    let coded = headers(&[
        ("content-type", "application/octet-stream"),
        ("content-encoding", "br"),
    ]);
    assert_eq!(scope(&Method::GET, StatusCode::OK, &coded), Scope::Head);
}

#[test]
fn clients_ask_for_what_can_be_read() {
    let answers = Answers {
        mask: false,
        hold: 1024,
        time: Duration::from_secs(1),
        whole: true,
    };
    for (asked, sent) in [
        ("gzip, deflate, br, zstd", "gzip, deflate, br, zstd"),
        ("gzip;q=0.5,  identity", "gzip;q=0.5,  identity"),
        ("", ""),
        ("dcb, gzip;q=1, compress", "gzip;q=1"),
        ("*", "identity"),
        ("compress", "identity"),
    ] {
        let mut headers = headers(&[
            ("accept-encoding", asked),
            ("range", "bytes=0-9"),
            ("if-range", "x"),
        ]);
        answers.prepare(&mut headers);
        assert_eq!(headers[ACCEPT_ENCODING], sent);
        assert!(!headers.contains_key(RANGE) && !headers.contains_key(IF_RANGE));
    }
    let mut asked = headers(&[("range", "bytes=0-9")]);
    Answers {
        whole: false,
        ..answers
    }
    .prepare(&mut asked);
    assert!(asked.contains_key(RANGE) && !asked.contains_key(ACCEPT_ENCODING));
}
