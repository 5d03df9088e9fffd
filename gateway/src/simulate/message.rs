//! What passes between a simulated client and an API, and the label that goes with it.

use std::net::IpAddr;

use super::address::Place;
use super::client::Header;
use super::token::Grant;

/// A request, before it is written to a socket or a line.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// The method.
    pub method: &'static str,
    /// Path and query.
    pub target: String,
    /// Headers in their order; names in lower case, each at most once.
    pub headers: Vec<Header>,
    /// The body; empty for none.
    pub body: String,
}

impl Request {
    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value.as_ref())
    }

    /// Replaces a header, or adds it at the end.
    pub fn set(&mut self, name: &'static str, value: String) {
        match self.headers.iter_mut().find(|(known, _)| *known == name) {
            Some(header) => header.1 = value.into(),
            None => self.headers.push((name, value.into())),
        }
    }

    /// Gives the request another body, and the length that belongs to it.
    pub fn fill(&mut self, body: String) {
        self.set("content-length", body.len().to_string());
        self.body = body;
    }

    /// The path, without the query.
    pub fn path(&self) -> &str {
        self.target
            .split_once('?')
            .map_or(self.target.as_str(), |(path, _)| path)
    }

    /// The query, without its question mark; empty for none.
    pub fn query(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }
}

/// What came back.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// The status; 0 if there was no answer.
    pub status: u16,
    /// Bytes of the body.
    pub bytes: u32,
    /// Milliseconds to its end.
    pub latency_ms: f32,
    /// What a log-in gave.
    pub grant: Option<Box<Grant>>,
    /// What the gateway, not the API, did about the request.
    pub decision: Decision,
    /// What the gateway calls the exchange; of what was sent only.
    pub id: Option<Box<str>>,
}

/// What a gateway did with a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Decision {
    /// It let it through.
    #[default]
    Passed,
    /// It asked to come back later (429), or challenged.
    Throttled,
    /// It refused it (403).
    Denied,
    /// It refused it because of who sent it.
    Banned,
    /// It could not read or serve it (400, 404, 413, 5xx of its own). No judgement about the client.
    Refused,
}

impl Decision {
    /// Whether it is a judgement about the client or its request, and against it.
    pub fn is_stop(self) -> bool {
        matches!(self, Self::Throttled | Self::Denied | Self::Banned)
    }

    /// Whether the request reached the API.
    pub fn let_through(self) -> bool {
        self == Self::Passed
    }

    /// A word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Throttled => "throttled",
            Self::Denied => "denied",
            Self::Banned => "banned",
            Self::Refused => "refused",
        }
    }
}

/// Who sent a request and what it is part of: the truth, which no detector is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// One simulated client.
    pub actor: u64,
    /// The coordinated group that it belongs to: every attack is one, of one client or many.
    pub group: Option<u32>,
    /// The attack, or the kind of normal client.
    pub scenario: &'static str,
    /// How the attack is carried out.
    pub variant: &'static str,
    /// The class of this request, as request sets name it.
    pub class: &'static str,
    /// Whether this request is part of what makes it an attack. Attackers also send requests that are not.
    pub hostile: bool,
    /// Whether this client's own account, session or token is being abused by somebody else.
    pub victim: bool,
    /// The site, by its place in the table.
    pub site: usize,
    /// Counts the sessions of an actor.
    pub session: u32,
    /// Counts the requests of a session, from 0.
    pub sequence: u32,
    /// Where it comes from.
    pub place: Place,
    /// The account that is logged in or tries to.
    pub account: Option<u32>,
}

impl Who {
    /// Whether the client belongs to an attack.
    pub fn is_attacker(&self) -> bool {
        self.group.is_some()
    }

    /// Its address.
    pub fn client(&self) -> IpAddr {
        self.place.address
    }
}

/// A request with its label: what an actor does at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Act {
    /// The request.
    pub request: Request,
    /// Its label.
    pub who: Who,
}

/// One exchange as it is written down.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Virtual time, in seconds since 1970.
    pub time: f64,
    /// What was sent, and by whom.
    pub act: Act,
    /// What came back.
    pub answer: Answer,
}
