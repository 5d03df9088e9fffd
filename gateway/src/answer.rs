//! The engine's seat on the way back: what of an answer is looked at, what is done for that before the request goes out,
//! and the judgement. What follows from it, the spine decides. Where the policy does not ask for it none of this runs.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG};
use http::header::{HeaderName, IF_RANGE, RANGE};
use http::{HeaderMap, HeaderValue, Method, StatusCode, response};
use portcullis_config as config;
use portcullis_detect as detect;
use portcullis_detect::{Action, Body, Detector, SystemClock, Text, Verdict};

use crate::body::hold::{Ended, Held, Hold};
use crate::grpc;
use crate::inspect::{self, EngineFailure, INLINE};
use crate::snapshot::{Policy, Snapshot};
use crate::worker::Worker;

/// How a policy looks at answers.
#[derive(Clone, Copy, Debug)]
pub struct Answers {
    /// Whether what was found is masked where that can be done.
    mask: bool,
    /// Bytes of a body that are held, and bytes of its text that are scanned.
    hold: usize,
    /// How long a body in drips is held.
    time: Duration,
    /// Whether clients get whole bodies only.
    whole: bool,
}

/// What of an answer is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Nothing: an endless stream.
    Nothing,
    /// The head: there is no body, or none of text.
    Head,
    /// The head, and the body if it begins like text: its type tells nothing.
    Unknown,
    /// The head, and the beginning of the body.
    Text,
}

/// What is done with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// It goes on as it is.
    Pass,
    /// It goes on without what was found.
    Mask,
    /// The client gets 502 instead.
    Deny,
}

/// Why the rest of a body was not looked at; a label of metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unseen {
    /// It is longer than what is held.
    Longer,
    /// It came too slowly.
    Late,
    /// It is no text.
    NotText,
    /// Its coding is unknown, or its data are not in that coding.
    Coding,
    /// The upstream broke off.
    Broken,
}

/// What the engine thinks of an answer.
pub struct Judged {
    /// Its verdict.
    pub verdict: Verdict,
    /// What was not looked at, and why.
    pub unseen: Option<Unseen>,
    /// What is to be done.
    pub done: Done,
    masked: Option<Masked>,
}

/// What masking changes.
struct Masked {
    headers: Vec<(usize, HeaderValue)>,
    /// The beginning of the body, if that changes.
    body: Option<Bytes>,
    /// Whether it is without its coding now.
    decoded: bool,
}

impl Answers {
    /// What a policy says of answers; `None` where it does not look at them.
    pub fn of(policy: &config::Policy) -> Option<Self> {
        let asked = &policy.responses;
        (asked.inspect && policy.mode != config::Mode::Off).then(|| Self {
            mask: asked.action == config::ResponseAction::Mask,
            hold: asked.hold.as_usize(),
            time: asked.hold_time.get(),
            whole: asked.ranges == config::Ranges::Whole,
        })
    }

    /// Makes a request ask for an answer that can be read: whole, and in no coding unknown here. Whether a server honours
    /// ranges is its own choice (RFC 9110, 14.2), so a client must live with it.
    pub fn prepare(&self, headers: &mut HeaderMap) {
        if self.whole {
            headers.remove(RANGE);
            headers.remove(IF_RANGE);
        }
        if let Some(codings) = readable_codings(headers) {
            headers.insert(ACCEPT_ENCODING, codings);
        }
    }

    /// How much of an answer is held.
    pub fn hold(&self, scope: Scope) -> Hold {
        let text = matches!(scope, Scope::Unknown | Scope::Text);
        Hold {
            bytes: if text { self.hold } else { 0 },
            time: self.time,
            text_only: scope == Scope::Unknown,
        }
    }
}

/// `Accept-Encoding` without what cannot be read here; `None` where all can, or nothing is asked for.
fn readable_codings(headers: &HeaderMap) -> Option<HeaderValue> {
    const KNOWN: [&str; 6] = ["gzip", "x-gzip", "deflate", "br", "zstd", "identity"];
    let asked: Vec<&str> = headers
        .get_all(ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect();
    let is_known = |part: &&str| {
        let coding = part.split(';').next().unwrap_or_default().trim();
        KNOWN.iter().any(|known| coding.eq_ignore_ascii_case(known))
    };
    let known: Vec<&str> = asked
        .iter()
        .copied()
        .filter(|part| is_known(part))
        .collect();
    if known.len() == asked.len() {
        return None;
    }
    let text = if known.is_empty() {
        "identity".to_owned()
    } else {
        known.join(", ")
    };
    HeaderValue::from_str(&text).ok()
}

/// Whether an answer is a stream that may last for ever.
pub fn is_stream(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(CONTENT_TYPE)
        .map_or(&[][..], HeaderValue::as_bytes);
    let events = kind.get(..EVENTS.len());
    grpc::is_grpc(headers) || events.is_some_and(|kind| kind.eq_ignore_ascii_case(EVENTS))
}

const EVENTS: &[u8] = b"text/event-stream";

/// What of an answer is looked at.
pub fn scope(method: &Method, status: StatusCode, headers: &HeaderMap) -> Scope {
    let kind = headers
        .get(CONTENT_TYPE)
        .map_or(&[][..], HeaderValue::as_bytes);
    let kind = kind.split(|byte| *byte == b';').next().unwrap_or_default();
    let kind = kind.trim_ascii().to_ascii_lowercase();
    if is_stream(headers) {
        return Scope::Nothing;
    }
    let bodiless = matches!(
        status,
        StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::NOT_MODIFIED
    );
    if bodiless || method == Method::HEAD {
        return Scope::Head;
    }
    if is_text(&kind) {
        return Scope::Text;
    }
    let vague = matches!(&kind[..], b"" | b"application/octet-stream");
    match vague && !headers.contains_key(CONTENT_ENCODING) {
        true => Scope::Unknown,
        false => Scope::Head,
    }
}

/// Whether a media type in lower case is one of text.
fn is_text(kind: &[u8]) -> bool {
    if kind.starts_with(b"text/") || kind.ends_with(b"+json") || kind.ends_with(b"+xml") {
        return true;
    }
    let Some(name) = kind.strip_prefix(b"application/") else {
        return kind == b"multipart/byteranges";
    };
    TEXTS.contains(&name.strip_prefix(b"x-").unwrap_or(name))
}

/// Text under `application/`, with or without `x-`.
const TEXTS: [&[u8]; 22] = [
    b"json",
    b"json-seq",
    b"ndjson",
    b"jsonl",
    b"xml",
    b"xml-dtd",
    b"javascript",
    b"ecmascript",
    b"www-form-urlencoded",
    b"yaml",
    b"toml",
    b"sql",
    b"sh",
    b"csh",
    b"perl",
    b"php",
    b"httpd-php",
    b"httpd-php-source",
    b"graphql",
    b"pem-file",
    b"pem-certificate-chain",
    b"csv",
];

/// What is judged: an answer as it would leave, and the beginning of its body.
#[derive(Clone)]
pub struct Subject {
    /// Its status.
    pub status: StatusCode,
    /// The name of the route.
    pub route: Arc<str>,
    /// The path asked for.
    pub path: Box<str>,
    /// What of it is looked at.
    pub scope: Scope,
}

/// Judges an answer, and masks it where the policy wants that.
///
/// # Errors
/// When the engine panicked; the panic has been logged and counted.
pub async fn judge(
    worker: &Rc<Worker>,
    snapshot: &Arc<Snapshot>,
    policy: &Arc<Policy>,
    subject: Subject,
    headers: &HeaderMap,
    held: &Held,
) -> Result<Judged, EngineFailure> {
    let (body, ended) = (held.prefix().clone(), held.ended);
    if body.len() <= INLINE {
        let detector = &snapshot.detector;
        return inspect::here(worker, |scratch| {
            Judging::new(detector, policy, &subject, headers, &body, ended).run(scratch)
        });
    }
    let (snapshot, policy, headers) = (snapshot.clone(), policy.clone(), headers.clone());
    inspect::away(worker, move |scratch| {
        let detector = &snapshot.detector;
        Judging::new(detector, &policy, &subject, &headers, &body, ended).run(scratch)
    })
    .await
}

/// One judgement.
struct Judging<'a> {
    detector: &'a Detector,
    engine: &'a detect::Policy,
    answers: Option<Answers>,
    subject: &'a Subject,
    headers: Vec<(&'a str, &'a [u8])>,
    held: &'a Bytes,
    ended: Ended,
}

impl<'a> Judging<'a> {
    fn new(
        detector: &'a Detector,
        policy: &'a Policy,
        subject: &'a Subject,
        headers: &'a HeaderMap,
        held: &'a Bytes,
        ended: Ended,
    ) -> Self {
        let headers = headers.iter();
        Self {
            detector,
            engine: &policy.engine,
            answers: policy.answers,
            subject,
            headers: headers
                .map(|(name, value)| (name.as_str(), value.as_bytes()))
                .collect(),
            held,
            ended,
        }
    }

    fn run(&self, scratch: &mut detect::Worker) -> Judged {
        let text = self.text();
        let response = detect::Response {
            status: self.subject.status.as_u16(),
            headers: &self.headers,
            body: Body {
                bytes: &text.bytes,
                complete: text.complete,
            },
            route: &self.subject.route,
            path: self.subject.path.as_bytes(),
        };
        let (engine, clock) = (self.engine, &SystemClock);
        let verdict = self
            .detector
            .inspect_response(scratch, &response, engine, clock);
        let denied = verdict.action == Action::Deny;
        let mask = denied && self.answers.is_some_and(|answers| answers.mask);
        let masked = mask
            .then(|| {
                self.detector
                    .mask_response(scratch, &response, engine, clock)
            })
            .flatten()
            .and_then(|masked| self.masked(masked, &text));
        Judged {
            verdict,
            unseen: self.unseen(&text),
            done: match (denied, &masked) {
                (false, _) => Done::Pass,
                (true, Some(_)) => Done::Mask,
                (true, None) => Done::Deny,
            },
            masked,
        }
    }

    /// The text that is scanned.
    fn text(&self) -> Text<'a> {
        let body = Body {
            bytes: if self.ended == Ended::Binary {
                &[]
            } else {
                self.held
            },
            complete: self.ended == Ended::Whole,
        };
        let codings = self.headers.iter();
        let codings = codings
            .filter(|(name, _)| *name == CONTENT_ENCODING.as_str() && !body.bytes.is_empty())
            .map(|(_, value)| *value);
        let most = self.answers.map_or(0, |answers| answers.hold);
        Text::of(body, codings, most)
    }

    fn unseen(&self, text: &Text<'_>) -> Option<Unseen> {
        match self.ended {
            _ if text.complete => None,
            _ if !text.readable => Some(Unseen::Coding),
            Ended::Late => Some(Unseen::Late),
            Ended::Binary => Some(Unseen::NotText),
            Ended::Full if self.subject.scope == Scope::Head => Some(Unseen::NotText),
            Ended::Stalled | Ended::Broke => Some(Unseen::Broken),
            Ended::Full | Ended::Whole => Some(Unseen::Longer),
        }
    }

    /// What is to be changed, if it can be: of a coded body only a whole one can be written anew.
    fn masked(&self, masked: detect::Masked, text: &Text<'_>) -> Option<Masked> {
        let headers = masked.headers.into_iter().map(|(number, value)| {
            let value = HeaderValue::from_bytes(&value).ok()?;
            Some((number, value))
        });
        let headers = headers.collect::<Option<Vec<_>>>()?;
        let changed = masked.body != *text.bytes;
        if changed && text.coded && !text.complete {
            return None;
        }
        let body = changed.then(|| {
            // A last piece may reach beyond what was scanned.
            let behind = if text.coded {
                &[][..]
            } else {
                &self.held[text.bytes.len()..]
            };
            let mut body = masked.body;
            body.extend_from_slice(behind);
            Bytes::from(body)
        });
        Some(Masked {
            headers,
            body,
            decoded: changed && text.coded,
        })
    }
}

impl Judged {
    /// Writes what masking changes into the answer.
    pub fn apply(self, parts: &mut response::Parts, held: &mut Held) {
        let Some(masked) = self.masked else {
            return;
        };
        let mut changed = masked.headers.into_iter().peekable();
        for (number, (_, value)) in parts.headers.iter_mut().enumerate() {
            if let Some((_, new)) = changed.next_if(|(changed, _)| *changed == number) {
                *value = new;
            }
        }
        let Some(body) = masked.body else {
            return;
        };
        for name in [ETAG].iter().chain(&DIGESTS) {
            parts.headers.remove(name);
        }
        if masked.decoded {
            parts.headers.remove(CONTENT_ENCODING);
            if parts.headers.contains_key(CONTENT_LENGTH) {
                parts.headers.insert(CONTENT_LENGTH, body.len().into());
            }
        }
        held.replace(body);
    }
}

/// Check sums of a body, no longer true of a masked one.
const DIGESTS: [HeaderName; 4] = [
    HeaderName::from_static("content-md5"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("repr-digest"),
];

impl Done {
    /// The word in the record.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Mask => "mask",
            Self::Deny => "deny",
        }
    }
}

impl Unseen {
    /// All of them, for metrics.
    pub const ALL: [Unseen; 5] = [
        Unseen::Longer,
        Unseen::Late,
        Unseen::NotText,
        Unseen::Coding,
        Unseen::Broken,
    ];

    /// The label's value.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Longer => "longer",
            Self::Late => "late",
            Self::NotText => "not-text",
            Self::Coding => "coding",
            Self::Broken => "broken",
        }
    }
}

#[cfg(test)]
mod tests;
