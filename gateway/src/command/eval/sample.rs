//! What is judged: a request with what is known of it. Sets of every kind become these.

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use portcullis_detect::ruletest::OwnedRequest;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::payload::Class;
use super::request::{HOST, at, header, plain, set, set_body};
use super::text::{is_unreserved, percent};

/// A request to judge.
pub struct Sample {
    /// Its class, as the set names it; for texts, where the text stands.
    pub class: String,
    /// What the set says it is.
    pub label: Label,
    /// Whom it was sent to; for texts, where the text comes from.
    pub host: String,
    /// The request.
    pub request: OwnedRequest,
    /// Why the gateway would refuse its bytes before the engine sees them, where the set has bytes.
    pub refused: Option<&'static str>,
    /// Further groups that it is counted in: what kind of group, and which.
    pub groups: Vec<(&'static str, String)>,
    /// What was put into the request; empty where the request is the whole matter.
    pub payload: String,
    /// Of a grafted attack, its class; further ones where lists of other classes have the same line.
    pub types: Vec<Class>,
}

/// What a set says of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    /// To stop it is a false alarm.
    Harmless,
    /// Not to stop it is a miss.
    Attack,
    /// The set does not say.
    Unknown,
}

/// Where samples go. Its error ends the reading.
pub type Sink<'a> = dyn FnMut(Sample) -> anyhow::Result<()> + 'a;

/// Keeps one item of each so many, the first of them.
pub struct Sieve {
    every: usize,
    seen: usize,
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
    body_base64: Option<String>,
    #[serde(default)]
    host: Option<String>,
    #[serde(default)]
    payload: Option<String>,
}

/// A line of a text set.
#[derive(Deserialize)]
struct Text {
    label: u8,
    #[serde(default)]
    src: String,
    value: String,
}

impl Sample {
    /// A request of a class, with nothing else known of it.
    pub fn new(class: impl Into<String>, label: Label, request: OwnedRequest) -> Self {
        Self {
            class: class.into(),
            label,
            host: request.host.clone(),
            request,
            refused: None,
            groups: Vec::new(),
            payload: String::new(),
            types: Vec::new(),
        }
    }
}

impl Label {
    /// As the sets write it: 1 is an attack.
    pub fn of(label: u8) -> Self {
        match label {
            0 => Self::Harmless,
            _ => Self::Attack,
        }
    }
}

impl Sieve {
    /// Keeps one of each `every`.
    pub fn new(every: usize) -> Self {
        Self {
            every: every.max(1),
            seen: 0,
        }
    }

    /// Whether the next item is kept.
    pub fn keeps(&mut self) -> bool {
        let kept = self.seen.is_multiple_of(self.every);
        self.seen += 1;
        kept
    }
}

/// The request of a line of a request set.
///
/// # Errors
/// When the line is no such record.
pub fn recorded(line: &str) -> anyhow::Result<Sample> {
    let recorded: Recorded = serde_json::from_str(line).context("no recorded request")?;
    recorded.into_sample()
}

/// The requests of a line of a text set: the text as a query argument and as a JSON leaf.
///
/// # Errors
/// When the line is no such record.
pub fn text(line: &str) -> anyhow::Result<[Sample; 2]> {
    let text: Text = serde_json::from_str(line).context("no text")?;
    Ok(both(&text.value).map(|(place, request)| Sample {
        host: text.src.clone(),
        payload: text.value.clone(),
        ..Sample::new(place, Label::of(text.label), request)
    }))
}

/// A value as a query argument (`query`) and as a JSON leaf (`json`).
pub fn both(value: &str) -> [(&'static str, OwnedRequest); 2] {
    let url = format!("/search?q={}", percent(value, is_unreserved));
    let mut request = plain("POST", "/items");
    let body = serde_json::json!({ "text": value }).to_string();
    set_body(&mut request, "application/json", body.into_bytes());
    [("query", plain("GET", &url)), ("json", request)]
}

impl Recorded {
    fn into_sample(self) -> anyhow::Result<Sample> {
        let mut request = at(&self.method, &self.url);
        for (name, value) in &self.headers {
            let value = value.as_str().map_or(value.to_string(), str::to_owned);
            request
                .headers
                .push((name.to_ascii_lowercase(), value.into_bytes()));
        }
        let bare = request.headers.is_empty();
        request.body = match &self.body_base64 {
            Some(text) => STANDARD.decode(text).context("body_base64 is no base64")?,
            None => self.body.unwrap_or_default().into_bytes(),
        };
        let named = header(&request, "host");
        request.host = named.or(self.host).unwrap_or_else(|| HOST.to_owned());
        if header(&request, "host").is_none() {
            request
                .headers
                .insert(0, ("host".to_owned(), request.host.clone().into_bytes()));
        }
        // Old recordings of forms have no headers at all; without a type their bodies would be read as something else.
        if bare && !request.body.is_empty() {
            set(
                &mut request,
                "content-type",
                "application/x-www-form-urlencoded",
            );
        }
        let class = if self.cls.is_empty() {
            self.src
        } else {
            self.cls
        };
        Ok(Sample {
            payload: self.payload.unwrap_or_default(),
            ..Sample::new(class, Label::of(self.label), request)
        })
    }
}
