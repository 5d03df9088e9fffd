//! A line of a set, and the requests that are made of it.

use std::net::{IpAddr, Ipv4Addr};

use anyhow::Context;
use portcullis_detect::ruletest::OwnedRequest;
use serde::Deserialize;
use serde_json::{Map, Value};

/// What a set's lines hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Whole requests.
    Requests,
    /// Texts that a client might send as a value.
    Texts,
}

/// A request to judge.
pub struct Sample {
    /// Its class, as the set names it; for texts, where the text stands.
    pub class: String,
    /// Whether it is an attack, by the set's label.
    pub attack: bool,
    /// Whom it was sent to; for texts, where the text comes from.
    pub host: String,
    /// The request.
    pub request: OwnedRequest,
}

/// A line of a request set. What a recording does not have is empty.
#[derive(Deserialize)]
struct Recorded {
    label: u8,
    #[serde(default)]
    cls: String,
    #[serde(default)]
    src: String,
    method: String,
    url: String,
    #[serde(default)]
    headers: Map<String, Value>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    host: Option<String>,
}

/// A line of a text set.
#[derive(Deserialize)]
struct Text {
    label: u8,
    #[serde(default)]
    src: String,
    value: String,
}

/// Where requests go whose host was not recorded.
const HOST: &str = "api.example.com";
const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

/// The requests of one line: one of a request set; of a text set two, the text as a query argument and as a JSON leaf.
///
/// # Errors
/// When the line is no such record.
pub fn read(line: &str, kind: Kind) -> anyhow::Result<Vec<Sample>> {
    match kind {
        Kind::Requests => {
            let recorded: Recorded = serde_json::from_str(line).context("no recorded request")?;
            Ok(vec![recorded.into_sample()])
        }
        Kind::Texts => {
            let text: Text = serde_json::from_str(line).context("no text")?;
            Ok(vec![text.in_query(), text.in_json()])
        }
    }
}

impl Recorded {
    fn into_sample(self) -> Sample {
        let mut request = at(&self.method, &self.url);
        for (name, value) in &self.headers {
            let value = value.as_str().map_or(value.to_string(), str::to_owned);
            request
                .headers
                .push((name.to_ascii_lowercase(), value.into_bytes()));
        }
        let bare = request.headers.is_empty();
        request.body = self.body.unwrap_or_default().into_bytes();
        let named = header(&request, "host");
        request.host = named.or(self.host).unwrap_or_else(|| HOST.to_owned());
        if header(&request, "host").is_none() {
            request
                .headers
                .insert(0, ("host".to_owned(), request.host.clone().into_bytes()));
        }
        // Old recordings of forms have no headers at all; without a type their bodies would be read as something else.
        if bare && !request.body.is_empty() {
            put(
                &mut request,
                "content-type",
                "application/x-www-form-urlencoded",
            );
        }
        Sample {
            class: if self.cls.is_empty() {
                self.src
            } else {
                self.cls
            },
            attack: self.label != 0,
            host: request.host.clone(),
            request,
        }
    }
}

impl Text {
    fn in_query(&self) -> Sample {
        let mut url = String::from("/search?q=");
        for byte in self.value.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                url.push(char::from(byte));
            } else {
                url.push_str(&format!("%{byte:02X}"));
            }
        }
        self.sample("query", plain("GET", &url))
    }

    fn in_json(&self) -> Sample {
        let mut request = plain("POST", "/items");
        put(&mut request, "content-type", "application/json");
        request.body = serde_json::json!({ "text": self.value })
            .to_string()
            .into_bytes();
        self.sample("json", request)
    }

    fn sample(&self, place: &str, request: OwnedRequest) -> Sample {
        Sample {
            class: place.to_owned(),
            attack: self.label != 0,
            host: self.src.clone(),
            request,
        }
    }
}

fn plain(method: &str, url: &str) -> OwnedRequest {
    let mut request = at(method, url);
    HOST.clone_into(&mut request.host);
    put(&mut request, "host", HOST);
    put(&mut request, "user-agent", BROWSER);
    put(&mut request, "accept", "*/*");
    request
}

fn at(method: &str, url: &str) -> OwnedRequest {
    let (path, query) = match url.split_once('?') {
        Some((path, query)) => (path, Some(query.as_bytes().to_vec())),
        None => (url, None),
    };
    OwnedRequest {
        client: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
        method: method.to_owned(),
        host: String::new(),
        path: path.as_bytes().to_vec(),
        query,
        headers: Vec::new(),
        body: Vec::new(),
    }
}

fn put(request: &mut OwnedRequest, name: &str, value: &str) {
    request
        .headers
        .push((name.to_owned(), value.as_bytes().to_vec()));
}

fn header(request: &OwnedRequest, name: &str) -> Option<String> {
    let found = request.headers.iter().find(|(known, _)| known == name);
    found.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
}
