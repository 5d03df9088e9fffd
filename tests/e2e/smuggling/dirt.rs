//! What no head that a gateway forwards may hold: anything that two servers could read in two ways.

/// Fields that belong to one hop, and may not be forwarded.
const HOP_BY_HOP: [&str; 7] = [
    "keep-alive",
    "proxy-connection",
    "proxy-authorization",
    "te",
    "upgrade",
    "http2-settings",
    // What the payloads name in Connection.
    "x-hop",
];

/// The first dirty thing in a head, as it came, with its empty line.
pub(super) fn check(head: &[u8]) -> Result<(), String> {
    let dirty = |what: &str| {
        Err(format!(
            "DIRTY: {what}: {:?}",
            String::from_utf8_lossy(head)
        ))
    };
    let Some(lines) = head.strip_suffix(b"\r\n\r\n") else {
        return dirty("no CRLF CRLF at the end");
    };
    let lines: Vec<&[u8]> = split_lines(lines);
    if lines
        .iter()
        .any(|line| line.iter().any(|byte| matches!(byte, b'\r' | b'\n')))
    {
        return dirty("a bare CR or LF");
    }
    let control = |byte: &u8| (*byte < 0x20 && *byte != b'\t') || *byte == 0x7f;
    if lines.iter().any(|line| line.iter().any(control)) {
        return dirty("a control byte");
    }
    if let Err(what) = check_request_line(lines[0]) {
        return dirty(what);
    }
    let mut fields = Vec::new();
    for line in &lines[1..] {
        match line.iter().position(|&byte| byte == b':') {
            Some(colon) if is_name(&line[..colon]) => {
                let name = String::from_utf8_lossy(&line[..colon]).to_ascii_lowercase();
                let value = String::from_utf8_lossy(&line[colon + 1..]);
                fields.push((name, value.trim().to_string()));
            }
            _ => return dirty("a field's name"),
        }
    }
    // The one upgrade that a route may allow, and that a payload asks for under this path.
    let websocket = lines[0].starts_with(b"GET /ws ");
    match check_fields(&fields, websocket) {
        Ok(()) => Ok(()),
        Err(what) => dirty(what),
    }
}

/// Whether a body's end, its trailers included, brings a field that no server may be sent.
pub(super) fn check_body(body: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(body).to_ascii_lowercase();
    let trailers = text.rsplit("\r\n0\r\n").next().unwrap_or_default();
    let forbidden = [
        ":",
        "content-length:",
        "transfer-encoding:",
        "host:",
        "connection:",
    ];
    let mut lines = trailers.lines();
    match lines.find(|line| forbidden.iter().any(|name| line.starts_with(name))) {
        Some(line) if body.ends_with(b"\r\n\r\n") && trailers.len() < text.len() => {
            Err(format!("DIRTY: a trailer: {line:?}"))
        }
        Some(_) | None => Ok(()),
    }
}

fn check_request_line(line: &[u8]) -> Result<(), &'static str> {
    let words: Vec<&[u8]> = line.split(|&byte| byte == b' ').collect();
    let [method, target, version] = words[..] else {
        return Err("the request line has not three words");
    };
    if !is_name(method) {
        return Err("the method");
    }
    if version != b"HTTP/1.1" {
        return Err("the version");
    }
    let asterisk = target == b"*" && method == b"OPTIONS";
    if !asterisk && !target.starts_with(b"/") {
        return Err("the target's form");
    }
    if target.contains(&b'#') {
        return Err("a fragment");
    }
    Ok(())
}

fn check_fields(fields: &[(String, String)], websocket: bool) -> Result<(), &'static str> {
    let values = |name: &str| -> Vec<&str> {
        let of_name = fields.iter().filter(|(n, _)| n == name);
        of_name.map(|(_, value)| value.as_str()).collect()
    };
    let (lengths, codings) = (values("content-length"), values("transfer-encoding"));
    match (&lengths[..], &codings[..]) {
        ([], []) | ([], ["chunked"]) => {}
        ([length], []) if !length.is_empty() && length.bytes().all(|b| b.is_ascii_digit()) => {}
        _ => return Err("the framing"),
    }
    let hosts = values("host");
    if hosts.len() != 1 || hosts[0].is_empty() || hosts[0].contains([',', ' ', '@', '/', '\\', '?'])
    {
        return Err("the Host");
    }
    let granted = |name: &str| match name {
        "te" => values(name) == ["trailers"],
        "upgrade" => websocket && values(name) == ["websocket"],
        _ => false,
    };
    if HOP_BY_HOP
        .iter()
        .any(|name| !values(name).is_empty() && !granted(name))
    {
        return Err("a hop-by-hop field");
    }
    // What may stand in Connection toward the origin is what the gateway itself says.
    let allowed = |option: &str| match option.trim().to_ascii_lowercase().as_str() {
        "close" | "keep-alive" | "te" => true,
        "upgrade" => websocket,
        _ => false,
    };
    if !values("connection")
        .iter()
        .all(|value| value.split(',').all(allowed))
    {
        return Err("Connection");
    }
    Ok(())
}

fn split_lines(bytes: &[u8]) -> Vec<&[u8]> {
    let mut lines = Vec::new();
    let mut rest = bytes;
    while let Some(end) = rest.windows(2).position(|two| two == b"\r\n") {
        lines.push(&rest[..end]);
        rest = &rest[end + 2..];
    }
    lines.push(rest);
    lines
}

/// A token without an underscore.
fn is_name(name: &[u8]) -> bool {
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^`|~".contains(byte);
    !name.is_empty() && name.iter().all(allowed)
}
