//! What the behaviour stage says of a request, and what it is told when the answer is out.

use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::behaviour::detect::Kind;
use crate::behaviour::subject::{SubjectId, Subjects};
use crate::behaviour::visit::Visit;

/// What the behaviour stage says of one request.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Judgement {
    /// What the detectors noticed, strongest first.
    pub findings: Vec<Finding>,
    /// What the findings weigh together, 0 to 100: the least score of the request.
    pub weight: f32,
    /// How much speaks against the worst of its subjects.
    pub risk: Risk,
    /// What is to be done.
    pub reaction: Reaction,
    /// What is remembered of the request until its answer is known; goes back in [`Outcome::visit`].
    #[serde(skip)]
    pub visit: Visit,
}

/// What one detector noticed of one subject.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// Which detector.
    pub kind: Kind,
    /// Whom it concerns.
    pub subject: SubjectId,
    /// What it weighs alone, 1 to 100: below 60 it is a hint, from 60 on a reason to throttle, from 80 on a reason
    /// to deny and to ban.
    pub score: u8,
    /// How much the detector has seen, 0 to 1.
    pub confidence: f32,
    /// The number that was too high (or too low), as [`Kind::unit`] names it.
    pub value: f32,
    /// The bound that it passed.
    pub bound: f32,
}

/// How much speaks against a subject.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Risk {
    /// The subject with the highest risk, if any has one.
    pub subject: Option<SubjectId>,
    /// 0 (nothing) to 100. It halves in `risk.half_life`.
    pub value: f32,
    /// 0 (hardly known) to 1: how much has been seen of the subject.
    pub confidence: f32,
    /// The detectors that it comes from and what each gave, strongest first.
    pub factors: [Option<Factor>; Risk::FACTORS],
}

impl Risk {
    /// How many factors are kept.
    pub const FACTORS: usize = 4;
}

/// What one detector contributed to a risk.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Factor {
    /// Which detector.
    pub kind: Kind,
    /// Its strongest score of late, 0 to 100.
    pub score: u8,
}

/// What is to be done with a request for its subject's behaviour, mildest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reaction {
    /// Nothing.
    #[default]
    None,
    /// 429 with `Retry-After`, or held back for `delay`, as the policy chooses.
    Throttle {
        /// When it may come again.
        #[serde(serialize_with = "seconds")]
        retry_after: Duration,
        /// How long a tarpit holds it.
        #[serde(serialize_with = "seconds")]
        delay: Duration,
    },
    /// 403 for this request; nobody is banned, because too many others would be.
    Deny,
    /// 403, and a ban. Where the policy enforces, it is in [`super::Bans`] already.
    Ban {
        /// Who.
        subject: SubjectId,
        /// For how long.
        #[serde(serialize_with = "seconds")]
        lasts: Duration,
        /// How many times it was banned of late, this one included.
        offences: u32,
    },
}

fn seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}

/// What the upstream answered, for the stages that learn from it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// Whose request it was.
    pub subjects: Subjects,
    /// What the behaviour stage noted of the request; the default where it was not asked.
    pub visit: Visit,
    /// The status code.
    pub status: u16,
    /// From the request's last byte to the answer's first.
    pub latency: Duration,
    /// The length of the answer's body.
    pub bytes: u64,
    /// Whether the upstream gave this answer. What the gateway refuses itself says nothing about passwords or missing
    /// pages, and must not keep a client locked out.
    pub answered: bool,
    /// What became of a login, where the answer tells more than its status does.
    pub login: Option<Login>,
}

impl Outcome {
    /// An answer of the upstream with this status; the rest is unknown.
    pub fn of(subjects: Subjects, status: u16) -> Self {
        Self {
            subjects,
            visit: Visit::default(),
            status,
            latency: Duration::ZERO,
            bytes: 0,
            answered: true,
            login: None,
        }
    }
}

/// What became of a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Login {
    /// Right.
    Success,
    /// Wrong.
    Failure,
    /// The application says that the account is locked.
    Locked,
}
