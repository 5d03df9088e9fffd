//! The places of a request that grafted payloads go to, and how each is put there.

use portcullis_detect::ruletest::OwnedRequest;
use serde_json::Value;

use super::encode::is_escaped;
use crate::command::eval::payload::{Class, Payload};
use crate::command::eval::random::Random;
use crate::command::eval::request::{aim, header, set, set_body};

/// A place in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    /// An argument of the query.
    Query,
    /// A string in a JSON body.
    Json,
    /// A field of a form.
    Form,
    /// A cookie.
    Cookie,
    /// A header.
    Header,
    /// A segment of the path.
    Path,
    /// A part of a multipart body: its content, or the name of its file.
    Multipart,
    /// An XML body.
    Xml,
    /// The whole of path and query.
    Target,
}

/// What is placed.
pub struct Spot<'a> {
    /// The payload.
    pub payload: &'a Payload,
    /// As it stands in the zone.
    pub carried: &'a str,
    /// Whether it has to be a value by itself: nobody decodes base64 behind other text.
    pub alone: bool,
}

/// How often each zone is drawn.
const SHARES: [(Zone, u32); 7] = [
    (Zone::Query, 36),
    (Zone::Json, 18),
    (Zone::Form, 16),
    (Zone::Cookie, 8),
    (Zone::Header, 8),
    (Zone::Path, 8),
    (Zone::Multipart, 6),
];

/// The same for a payload that its list has in the form of a URL: only where URL escapes are undone.
const SHARES_OF_ESCAPED: [(Zone, u32); 4] = [
    (Zone::Query, 58),
    (Zone::Form, 18),
    (Zone::Cookie, 10),
    (Zone::Path, 14),
];

/// Headers that applications read, log or pass on.
const HEADERS: [&str; 5] = [
    "user-agent",
    "referer",
    "x-forwarded-for",
    "x-api-version",
    "accept-language",
];

/// Names of arguments that are added.
const NAMES: [&str; 8] = ["q", "id", "page", "name", "file", "lang", "sort", "ref"];

/// Stands in a JSON body where the payload goes; no body has it.
const MARK: &str = "portcullis-graft-7f3a";
const BOUNDARY: &str = "----WebKitFormBoundaryq7Jx2PzVb0eKmT4c";

/// Draws a zone that attackers use for the payload.
pub fn draw(payload: &Payload, random: &mut Random) -> Option<Zone> {
    if payload.is_document() {
        return Some(Zone::Xml);
    }
    if payload.is_target() {
        return Some(Zone::Target);
    }
    if is_escaped(payload) {
        return random.weighted(&SHARES_OF_ESCAPED);
    }
    random.weighted(&SHARES)
}

/// Puts the payload into the request; `None` where it has no such place.
pub fn place(
    request: &mut OwnedRequest,
    zone: Zone,
    spot: &Spot<'_>,
    random: &mut Random,
) -> Option<()> {
    match zone {
        Zone::Query => {
            let query = request.query.as_deref().unwrap_or_default();
            let query = pairs(&String::from_utf8_lossy(query), "&", spot, random)?;
            request.query = Some(query.into_bytes());
        }
        Zone::Form => form(request, spot, random)?,
        Zone::Json => json(request, spot, random)?,
        Zone::Cookie => {
            let cookies = header(request, "cookie").unwrap_or_default();
            let cookies = pairs(&cookies, "; ", spot, random)?;
            set(request, "cookie", &cookies);
        }
        Zone::Header => in_header(request, spot, random)?,
        Zone::Path => segment(request, spot, random),
        Zone::Multipart => multipart(request, spot, random),
        Zone::Xml => {
            let content_type = *random.pick(&["application/xml", "text/xml"])?;
            set_body(request, content_type, spot.carried.as_bytes().to_vec());
        }
        Zone::Target => aim(request, spot.carried),
    }
    Some(())
}

/// Puts the payload into a list of `name=value`: in the place of a value (half of the draws), behind one (a quarter),
/// or as a new one. A payload that begins as the index of a name (`[$ne]=1`) goes behind a name.
fn pairs(list: &str, between: &str, spot: &Spot<'_>, random: &mut Random) -> Option<String> {
    let mut pairs: Vec<String> = list
        .split(between.trim_end())
        .map(|pair| pair.trim().to_owned())
        .filter(|pair| !pair.is_empty())
        .collect();
    let way = random.below(4);
    let at = random.below(pairs.len());
    let new = *random.pick(&NAMES)?;
    if spot.payload.class == Some(Class::Nosql) && spot.payload.text.starts_with("[$") {
        pairs.push(format!("{new}{}", spot.carried));
        return Some(pairs.join(between));
    }
    match pairs.get_mut(at) {
        Some(pair) if way < 3 => {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = if way == 2 && !spot.alone { value } else { "" };
            *pair = format!("{name}={value}{}", spot.carried);
        }
        _ => pairs.push(format!("{new}={}", spot.carried)),
    }
    Some(pairs.join(between))
}

fn form(request: &mut OwnedRequest, spot: &Spot<'_>, random: &mut Random) -> Option<()> {
    let content_type = header(request, "content-type").unwrap_or_default();
    let was_form = content_type.contains("x-www-form-urlencoded");
    let fields = match was_form {
        true => String::from_utf8_lossy(&request.body).into_owned(),
        false => "action=save".to_owned(),
    };
    let fields = pairs(&fields, "&", spot, random)?;
    set_body(
        request,
        "application/x-www-form-urlencoded",
        fields.into_bytes(),
    );
    Some(())
}

/// Puts the payload into a string of the JSON body: in the place of a value or behind a string. A payload that is
/// itself a JSON object, as operators of document stores are, takes the place of a value as it is.
fn json(request: &mut OwnedRequest, spot: &Spot<'_>, random: &mut Random) -> Option<()> {
    let body = serde_json::from_slice::<Value>(&request.body);
    let mut body = match body {
        Ok(body @ (Value::Object(_) | Value::Array(_))) => body,
        _ => serde_json::json!({ "id": 17, "note": "" }),
    };
    let object = spot.payload.class == Some(Class::Nosql)
        && matches!(
            serde_json::from_str(&spot.payload.text),
            Ok(Value::Object(_))
        );
    let mut leaves = 0;
    visit(&mut body, &mut |_| leaves += 1);
    let (chosen, append) = (random.below(leaves), random.below(3) == 0);
    let append = append && !object && !spot.alone;
    let mut at = 0;
    visit(&mut body, &mut |leaf| {
        if at == chosen {
            let before = leaf.as_str().filter(|_| append).unwrap_or_default();
            *leaf = Value::from(format!("{before}{MARK}"));
        }
        at += 1;
    });
    if leaves == 0 {
        body = serde_json::json!({ "value": MARK });
    }
    let text = body.to_string();
    let text = match object {
        true => text.replace(&format!("\"{MARK}\""), &spot.payload.text),
        false => text.replace(MARK, spot.carried),
    };
    let content_type = header(request, "content-type");
    let content_type = content_type.filter(|known| known.contains("json"));
    let content_type = content_type.as_deref().unwrap_or("application/json");
    set_body(request, content_type, text.into_bytes());
    Some(())
}

/// Shows every string and number, in order.
fn visit(value: &mut Value, show: &mut dyn FnMut(&mut Value)) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| visit(item, show)),
        Value::Object(members) => members.values_mut().for_each(|item| visit(item, show)),
        Value::String(_) | Value::Number(_) => show(value),
        Value::Null | Value::Bool(_) => {}
    }
}

fn in_header(request: &mut OwnedRequest, spot: &Spot<'_>, random: &mut Random) -> Option<()> {
    let name = *random.pick(&HEADERS)?;
    let before = header(request, name).filter(|_| random.below(3) == 0);
    let value = match before {
        Some(before) => format!("{before} {}", spot.carried),
        None => spot.carried.to_owned(),
    };
    set(request, name, &value);
    Some(())
}

/// Puts the payload in the place of a segment of the path, or behind the last one.
fn segment(request: &mut OwnedRequest, spot: &Spot<'_>, random: &mut Random) {
    let path = String::from_utf8_lossy(&request.path).into_owned();
    let mut segments: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let at = random.below(segments.len() + 1);
    match segments.get_mut(at) {
        Some(segment) => *segment = spot.carried,
        None => segments.push(spot.carried),
    }
    request.path = format!("/{}", segments.join("/")).into_bytes();
}

/// Makes the body a multipart form of two parts, the second with the payload as content or, where a quoted string
/// carries it, as the name of its file.
fn multipart(request: &mut OwnedRequest, spot: &Spot<'_>, random: &mut Random) {
    let name = random.pick(&NAMES).copied().unwrap_or("q");
    let quotable =
        !spot.carried.contains(['"', '\\', '%']) && !spot.carried.chars().any(char::is_control);
    let part = if quotable && random.below(4) == 0 {
        format!(
            "name=\"{name}\"; filename=\"{}\"\r\ncontent-type: text/plain\r\n\r\nnotes",
            spot.carried
        )
    } else {
        format!("name=\"{name}\"\r\n\r\n{}", spot.carried)
    };
    let body = format!(
        "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"kind\"\r\n\r\nreport\r\n\
         --{BOUNDARY}\r\ncontent-disposition: form-data; {part}\r\n--{BOUNDARY}--\r\n"
    );
    let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
    set_body(request, &content_type, body.into_bytes());
}

impl Zone {
    /// Its name in the output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Json => "json",
            Self::Form => "form",
            Self::Cookie => "cookie",
            Self::Header => "header",
            Self::Path => "path",
            Self::Multipart => "multipart",
            Self::Xml => "xml body",
            Self::Target => "target",
        }
    }
}
