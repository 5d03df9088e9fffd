//! Why a request is not answered by its upstream. A fault knows whose it was; this file alone turns faults into
//! statuses, and into what the record says of them.

use http::StatusCode;

use crate::record::Outcome;
use crate::upstream::UpstreamError;

/// Why the gateway answers by itself.
#[derive(Debug)]
pub enum Fault {
    /// Malformed or ambiguous on the wire; status and stable reason.
    Refused(u16, &'static str),
    /// No route matches.
    NoRoute,
    /// A limit is used up; seconds until it is not.
    Limited(u64),
    /// The verdict calls for a pause of so many seconds.
    Throttled(u64),
    /// The client is banned; seconds until it is not, where the ban ends by itself.
    Banned(Option<u64>),
    /// The verdict is a denial.
    Denied,
    /// The engine failed, and the policy denies then.
    EngineFailed,
    /// The body is over the hard cap, or over the inspected one where nothing may stream.
    TooLarge,
    /// The client's body broke off.
    ClientBroke,
    /// The client's body came slower than the minimum rate.
    ClientSlow,
    /// The upstream gave no answer that can be used.
    Upstream(UpstreamError),
    /// The upstream's answer broke off while it was held; whether by silence.
    AnswerBroke(bool),
    /// The verdict on the upstream's answer is a denial.
    AnswerDenied,
    /// The engine failed on the upstream's answer, and the policy denies then.
    AnswerFailed,
    /// The upstream switched protocols, though nobody asked for it.
    UnaskedUpgrade,
    /// A defect of ours.
    Panicked,
}

impl Fault {
    /// The status for the client.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Refused(status, _) => {
                StatusCode::from_u16(*status).unwrap_or(StatusCode::BAD_REQUEST)
            }
            Self::NoRoute => StatusCode::NOT_FOUND,
            Self::Limited(_) | Self::Throttled(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Banned(_) | Self::Denied | Self::EngineFailed => StatusCode::FORBIDDEN,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::ClientBroke => StatusCode::BAD_REQUEST,
            Self::ClientSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Upstream(error) if error.is_timeout() => StatusCode::GATEWAY_TIMEOUT,
            Self::AnswerBroke(true) => StatusCode::GATEWAY_TIMEOUT,
            Self::Upstream(_)
            | Self::AnswerBroke(false)
            | Self::AnswerDenied
            | Self::AnswerFailed
            | Self::UnaskedUpgrade => StatusCode::BAD_GATEWAY,
            Self::Panicked => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// How the record sums it up.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Refused(..) | Self::TooLarge => Outcome::Refused,
            Self::ClientBroke => Outcome::ClientGone,
            Self::ClientSlow => Outcome::Timeout,
            Self::NoRoute
            | Self::Limited(_)
            | Self::Throttled(_)
            | Self::Banned(_)
            | Self::Denied
            | Self::AnswerDenied => Outcome::Complete,
            Self::AnswerBroke(true) => Outcome::Timeout,
            Self::Upstream(error) if error.is_timeout() => Outcome::Timeout,
            Self::Upstream(_) | Self::AnswerBroke(false) | Self::UnaskedUpgrade => {
                Outcome::UpstreamError
            }
            Self::EngineFailed | Self::AnswerFailed | Self::Panicked => Outcome::InternalError,
        }
    }

    /// Its stable word for records and metrics; `None` where action and status say it all.
    pub fn reason(&self) -> Option<&'static str> {
        match self {
            Self::Refused(_, reason) => Some(reason),
            Self::NoRoute => Some("no-route"),
            Self::Limited(_) | Self::Throttled(_) | Self::Denied => None,
            Self::Banned(_) => Some("banned"),
            Self::EngineFailed | Self::AnswerFailed => Some("engine-failed"),
            Self::AnswerBroke(true) => Some("answer-stalled"),
            Self::AnswerBroke(false) => Some("answer-broke-off"),
            Self::AnswerDenied => Some("answer-denied"),
            Self::TooLarge => Some("body-too-large"),
            Self::ClientBroke => Some("body-broke-off"),
            Self::ClientSlow => Some("slow-body"),
            Self::Upstream(error) => Some(error.reason()),
            Self::UnaskedUpgrade => Some("unasked-upgrade"),
            Self::Panicked => Some("panic"),
        }
    }

    /// Seconds for Retry-After.
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Limited(seconds) | Self::Throttled(seconds) => Some(*seconds),
            Self::Banned(seconds) => *seconds,
            _ => None,
        }
    }

    /// Whether nothing more can be read from this connection.
    pub fn closes(&self) -> bool {
        matches!(
            self,
            Self::Refused(..) | Self::TooLarge | Self::ClientBroke | Self::ClientSlow
        )
    }
}
