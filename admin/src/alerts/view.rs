//! An alert as the API shows it.

use std::collections::BTreeMap;

use portcullis_store::alerts::detail::Detail;
use portcullis_store::alerts::{self as store, Change, Level, State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::time::rfc3339;

/// An incident: what happened to whom, however many requests it took.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Alert {
    /// 32 hexadecimal digits.
    pub id: String,
    /// The alert rule that opened it.
    pub rule: String,
    /// The tenant whose traffic it was; empty without one.
    pub tenant: String,
    /// Who; empty where it concerns everybody.
    pub subject: String,
    /// The kind of attack, or of trouble.
    pub category: String,
    /// How bad, at its worst.
    pub level: AlertLevel,
    /// Whether somebody has looked at it.
    pub state: AlertState,
    /// For people.
    pub title: String,
    /// The first request.
    #[schema(format = "date-time")]
    pub first: String,
    /// The last request so far.
    #[schema(format = "date-time")]
    pub last: String,
    /// How many requests.
    pub requests: u64,
    /// The score of the worst request, 0 to 100.
    pub score: f64,
    /// The strongest reason of the worst request, in words; empty where no verdict gave one.
    pub why: String,
    /// Requests by what was done with them; `would deny` where a policy only observes.
    pub actions: BTreeMap<String, u64>,
    /// Findings by rule or detector.
    pub rules: BTreeMap<String, u64>,
    /// Requests by path.
    pub paths: BTreeMap<String, u64>,
    /// Requests by route.
    pub routes: BTreeMap<String, u64>,
    /// Requests by address.
    pub addresses: BTreeMap<String, u64>,
    /// The first requests, to look at.
    pub examples: Vec<Example>,
    /// Who acknowledged it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub acknowledged_by: Option<String>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = "date-time")]
    pub acknowledged: Option<String>,
}

/// An alert that is new or has changed, as the live feed tells it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct AlertEvent {
    /// The alert as it is now.
    pub alert: Alert,
    /// What has changed.
    pub change: AlertChange,
}

/// How an alert has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AlertChange {
    /// It is new.
    Opened,
    /// Its level rose.
    Raised,
    /// More of the same.
    Grown,
    /// Somebody has looked.
    Acknowledged,
    /// Somebody took that back.
    Reopened,
}

/// A request to look at.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Example {
    /// The id of its record.
    pub id: String,
    /// When.
    #[schema(format = "date-time")]
    pub time: String,
    /// Method and path, shortened.
    pub request: String,
    /// Its score.
    pub score: f64,
}

/// How bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum AlertLevel {
    /// Score 0 to 39.
    Low,
    /// Score 40 to 59.
    Medium,
    /// Score 60 to 79.
    High,
    /// Score 80 to 100.
    Critical,
}

/// Whether somebody has looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AlertState {
    /// Nobody has.
    Open,
    /// Somebody has.
    Acknowledged,
}

impl Alert {
    /// As the store holds it.
    pub fn of(stored: &store::Alert) -> Self {
        let Detail {
            actions,
            rules,
            paths,
            routes,
            addresses,
            examples,
            why,
            score,
            ..
        } = stored.detail.clone();
        Self {
            id: stored.id.clone(),
            rule: stored.rule.clone(),
            tenant: stored.tenant.clone(),
            subject: stored.subject.clone(),
            category: stored.category.clone(),
            level: AlertLevel::of(stored.level),
            state: AlertState::of(stored.state),
            title: stored.title.clone(),
            first: rfc3339(stored.first_ms),
            last: rfc3339(stored.last_ms),
            requests: stored.requests,
            score,
            why,
            actions,
            rules,
            paths,
            routes,
            addresses,
            examples: examples
                .into_iter()
                .map(|example| Example {
                    id: example.id,
                    time: rfc3339(example.time_ms),
                    request: example.request,
                    score: example.score,
                })
                .collect(),
            acknowledged_by: stored.acknowledged_by.clone(),
            acknowledged: stored.acknowledged_ms.map(rfc3339),
        }
    }
}

impl AlertEvent {
    /// What became of an alert.
    pub fn of(stored: &store::Alert, change: AlertChange) -> Self {
        Self {
            alert: Alert::of(stored),
            change,
        }
    }
}

impl AlertChange {
    /// What a sighting did.
    pub const fn of(change: Change) -> Self {
        match change {
            Change::Opened => Self::Opened,
            Change::Raised => Self::Raised,
            Change::Grown => Self::Grown,
        }
    }
}

impl AlertLevel {
    pub(super) fn of(level: Level) -> Self {
        match level {
            Level::Low => Self::Low,
            Level::Medium => Self::Medium,
            Level::High => Self::High,
            Level::Critical => Self::Critical,
        }
    }

    pub(super) fn stored(self) -> Level {
        match self {
            Self::Low => Level::Low,
            Self::Medium => Level::Medium,
            Self::High => Level::High,
            Self::Critical => Level::Critical,
        }
    }
}

impl AlertState {
    fn of(state: State) -> Self {
        match state {
            State::Open => Self::Open,
            State::Acknowledged => Self::Acknowledged,
        }
    }

    pub(super) fn stored(self) -> State {
        match self {
            Self::Open => State::Open,
            Self::Acknowledged => State::Acknowledged,
        }
    }
}
