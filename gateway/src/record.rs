//! The record of an exchange: one line of JSON, kept whatever became of the request. A record is written into text on
//! the request's own thread, with secrets blacked out, so nothing of the request outlives it and no secret ever
//! crosses to the writer; the [`Recorder`] carries the text to its sink.

mod capture;
mod json;
mod redact;
mod sink;
mod time;

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, SystemTime};

use portcullis_detect::behaviour::{SubjectId, SubjectKind, Subjects};
use portcullis_detect::verdict::{Action, Verdict};

pub(crate) use self::capture::{CaptureRules, Captured};
use self::json::key;
pub(crate) use self::redact::Redaction;
pub(crate) use self::sink::{Recorder, Sink};
use crate::id::RequestId;

/// One exchange, borrowed from whoever lived through it. Build it on every exit with what is known by then:
/// `Record { status: 200, ..Record::new(id, time, client, peer) }`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<'a> {
    /// The request's id, as the client and the upstream were told.
    pub id: RequestId,
    /// When the head of the request had arrived.
    pub time: SystemTime,
    /// The client, through trusted proxies.
    pub client: IpAddr,
    /// Who held the connection.
    pub peer: SocketAddr,
    /// `HTTP/1.0`, `HTTP/1.1`, `HTTP/2.0`; empty where no request could be read.
    pub protocol: &'a str,
    /// `http` or `https`.
    pub scheme: &'a str,
    /// The method as sent; empty where no request could be read.
    pub method: &'a str,
    /// The Host header or `:authority`.
    pub host: &'a [u8],
    /// The path as sent.
    pub path: &'a str,
    /// The query as sent, without `?`.
    pub query: Option<&'a str>,
    /// The status that the client was sent; 0 where it got no answer.
    pub status: u16,
    /// The route that matched; empty where none did.
    pub route: &'a str,
    /// The route's policy.
    pub policy: &'a str,
    /// `enforce`, `observe` or `off`.
    pub mode: &'a str,
    /// What was done with the request.
    pub action: Action,
    /// What would have been done, where the policy only observes and that is more than was done.
    pub would: Option<Action>,
    /// The limit that refused the request, or would have.
    pub limit: Option<&'a str>,
    /// Whom the request came from besides the address, as keyed hashes; `None` where nobody looked.
    pub subjects: Option<&'a Subjects>,
    /// Who is banned, where a ban refused the request or would have.
    pub ban: Option<SubjectId>,
    /// Who is allowed, where that is why nothing was done.
    pub allowed: Option<SubjectId>,
    /// What the engine thinks; `None` where it did not look.
    pub verdict: Option<&'a Verdict>,
    /// What the engine thinks of the answer, where the policy asks.
    pub response_verdict: Option<&'a Verdict>,
    /// What was done with the answer, where that is more than to pass it on.
    pub response_action: Option<&'a str>,
    /// What would have been done with it, where the policy only observes.
    pub response_would: Option<&'a str>,
    /// What the policy keeps of it word for word.
    pub capture: Option<&'a Captured>,
    /// What was measured of the connection when the request was judged, as docs/FEATURES.md lists it, where records
    /// carry it.
    pub flow: Option<&'a [f32]>,
    /// How long the stages of the gateway took.
    pub timings: Timings,
    /// The upstream's name; empty where the request was not sent on.
    pub upstream: &'a str,
    /// The server of the upstream.
    pub server: &'a str,
    /// Bytes of the request's body.
    pub bytes_in: u64,
    /// Bytes of the answer's body.
    pub bytes_out: u64,
    /// From the head of the request to the end of the answer.
    pub duration: Duration,
    /// How it ended.
    pub outcome: Outcome,
    /// Why, where the outcome alone does not say: the reason of a protocol error, the failure of an upstream.
    pub reason: Option<&'a str>,
}

/// How long the stages of an exchange took; `None` for one that did not run. The engine's own stages are in its
/// verdict.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Timings {
    /// The rate limits.
    pub limit: Option<Duration>,
    /// Waiting for the part of the body that is inspected.
    pub body: Option<Duration>,
    /// The engine.
    pub inspect: Option<Duration>,
    /// From sending to the head of the upstream's answer.
    pub upstream: Option<Duration>,
    /// Waiting for the part of the answer that is inspected.
    pub hold: Option<Duration>,
    /// The engine on the answer.
    pub answer: Option<Duration>,
}

/// How an exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The answer was sent to its end.
    Complete,
    /// The client left before that.
    ClientGone,
    /// The upstream failed, before its answer or in the midst of it.
    UpstreamError,
    /// Someone took too long; the reason says who.
    Timeout,
    /// The request was malformed, ambiguous or over a cap.
    Refused,
    /// The gateway itself failed.
    InternalError,
}

impl Record<'_> {
    /// A record that knows nothing yet but who and when.
    pub(crate) fn new(id: RequestId, time: SystemTime, client: IpAddr, peer: SocketAddr) -> Self {
        Self {
            id,
            time,
            client,
            peer,
            protocol: "",
            scheme: "",
            method: "",
            host: b"",
            path: "",
            query: None,
            status: 0,
            route: "",
            policy: "",
            mode: "",
            action: Action::Allow,
            would: None,
            limit: None,
            subjects: None,
            ban: None,
            allowed: None,
            verdict: None,
            response_verdict: None,
            response_action: None,
            response_would: None,
            capture: None,
            flow: None,
            timings: Timings::default(),
            upstream: "",
            server: "",
            bytes_in: 0,
            bytes_out: 0,
            duration: Duration::ZERO,
            outcome: Outcome::Complete,
            reason: None,
        }
    }

    /// Appends the record as a line of JSON, ending in a line feed. Empty members are left out.
    pub(self) fn write(&self, redaction: &Redaction, out: &mut Vec<u8>) {
        out.reserve(USUAL_LENGTH);
        let mut line = json::Object::open(out);
        line.plain(key!("id"), self.id.as_str());
        line.raw(key!("time"), |out| time::write_rfc3339(self.time, out));
        line.raw(key!("client"), |out| json::address(self.client, out));
        line.raw(key!("peer"), |out| json::socket_address(self.peer, out));
        line.text(key!("protocol"), self.protocol);
        line.text(key!("scheme"), self.scheme);
        line.text(key!("method"), self.method);
        line.bytes(key!("host"), self.host, MAX_HOST);
        line.bytes(key!("path"), self.path.as_bytes(), MAX_TEXT);
        if let Some(query) = self.query {
            line.bytes(key!("query"), &redaction.query(query), MAX_TEXT);
        }
        line.number(key!("status"), u64::from(self.status));
        line.text(key!("route"), self.route);
        line.text(key!("policy"), self.policy);
        line.text(key!("mode"), self.mode);
        line.plain(key!("action"), self.action.as_str());
        line.text(key!("would"), self.would.map_or("", Action::as_str));
        line.text(key!("limit"), self.limit.unwrap_or_default());
        for (key, subject) in [(key!("ban"), self.ban), (key!("allowed"), self.allowed)] {
            if let Some(subject) = subject {
                line.text(key, &subject.to_string());
            }
        }
        for (key, kind) in NAMED {
            if let Some(id) = self.subjects.and_then(|subjects| subjects.id(kind)) {
                line.text(key, &id.to_string());
            }
        }
        if let Some(verdict) = self.verdict {
            line.raw(key!("verdict"), |out| {
                redact::write_verdict(verdict, redaction, self.query, out)
            });
        }
        if let Some(verdict) = self.response_verdict {
            line.raw(key!("response_verdict"), |out| {
                redact::write_verdict(verdict, redaction, None, out)
            });
        }
        line.text(
            key!("response_action"),
            self.response_action.unwrap_or_default(),
        );
        line.text(
            key!("response_would"),
            self.response_would.unwrap_or_default(),
        );
        if let Some(capture) = self.capture {
            line.raw(key!("capture"), |out| capture.write(redaction, out));
        }
        if let Some(flow) = self.flow {
            line.raw(key!("flow"), |out| json::write_floats(flow, out));
        }
        line.raw(key!("timings_us"), |out| self.timings.write(out));
        line.text(key!("upstream"), self.upstream);
        line.text(key!("server"), self.server);
        line.number(key!("bytes_in"), self.bytes_in);
        line.number(key!("bytes_out"), self.bytes_out);
        line.microseconds(key!("duration_us"), self.duration);
        line.plain(key!("outcome"), self.outcome.as_str());
        line.text(key!("reason"), self.reason.unwrap_or_default());
        line.close();
        out.push(b'\n');
    }
}

impl Timings {
    fn write(&self, out: &mut Vec<u8>) {
        let mut object = json::Object::open(out);
        let each = [
            (key!("limit"), self.limit),
            (key!("body"), self.body),
            (key!("inspect"), self.inspect),
            (key!("upstream"), self.upstream),
            (key!("hold"), self.hold),
            (key!("answer"), self.answer),
        ];
        for (name, time) in each {
            if let Some(time) = time {
                object.microseconds(name, time);
            }
        }
        object.close();
    }
}

impl Outcome {
    /// The word in the record.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::ClientGone => "client-gone",
            Self::UpstreamError => "upstream-error",
            Self::Timeout => "timeout",
            Self::Refused => "refused",
            Self::InternalError => "internal-error",
        }
    }
}

/// The subjects that are written into a record, and what they are called there.
const NAMED: [(&str, SubjectKind); 3] = [
    (key!("key"), SubjectKind::Key),
    (key!("user"), SubjectKind::User),
    (key!("session"), SubjectKind::Session),
];

/// Room for a record without evidence, in bytes.
const USUAL_LENGTH: usize = 1024;

/// The longest host that is kept, in bytes: the longest name that DNS admits.
const MAX_HOST: usize = 255;

/// How much of a path and of a query is kept, in bytes.
const MAX_TEXT: usize = 4096;

#[cfg(test)]
mod tests;
