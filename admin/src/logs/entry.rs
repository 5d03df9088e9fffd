//! A record as the API shows it: in short for lists and exports, whole for who asks for one.

use std::collections::BTreeMap;

use portcullis_store::Found;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::Feedback;
use crate::problem::Problem;
use crate::verdict::Verdict;

/// An exchange in short. Texts that do not apply are empty.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LogEntry {
    /// The request's id.
    pub id: String,
    /// When its head had arrived.
    #[schema(format = "date-time")]
    pub time: String,
    /// The gateway that wrote it.
    pub node: String,
    /// The client's address.
    pub client: String,
    /// The method as sent.
    pub method: String,
    /// The host asked for.
    pub host: String,
    /// The path as sent.
    pub path: String,
    /// The query, secrets blacked out.
    pub query: String,
    /// The status; 0 where the client got no answer.
    pub status: u16,
    /// The route.
    pub route: String,
    /// Its policy.
    pub policy: String,
    /// `enforce`, `observe` or `off`.
    pub mode: String,
    /// What was done: `allow`, `tag`, `throttle`, `deny`.
    pub action: String,
    /// What would have been done where the policy only observes.
    pub would: String,
    /// 0 to 100.
    pub score: f64,
    /// `LOW`, `MEDIUM`, `HIGH`, `CRITICAL`; empty where the engine did not look.
    pub level: String,
    /// The kind of attack; empty without evidence.
    pub category: String,
    /// Rules and detectors that found something, strongest first.
    pub rules: Vec<String>,
    /// Why, in the words of the strongest finding.
    pub why: String,
    /// The user, as a keyed hash.
    pub user: String,
    /// The session, as a keyed hash.
    pub session: String,
    /// The API key, as a keyed hash.
    pub key: String,
    /// The limit that refused the request.
    pub limit: String,
    /// The subject whose ban refused the request.
    pub ban: String,
    /// The upstream.
    pub upstream: String,
    /// Bytes of the request's body.
    pub bytes_in: u64,
    /// Bytes of the answer's body.
    pub bytes_out: u64,
    /// From the head of the request to the end of the answer, in microseconds.
    pub duration_us: f64,
    /// `complete`, `client-gone`, `upstream-error`, `timeout`, `refused`, `internal-error`.
    pub outcome: String,
    /// Why, where the outcome alone does not say.
    pub reason: String,
    /// What people said of the verdict: `false-positive`, `confirmed`.
    pub feedback: String,
}

/// Everything that is known of an exchange.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LogDetail {
    /// In short.
    pub entry: LogEntry,
    /// What the engine thinks of the request; absent where it did not look.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub verdict: Option<Verdict>,
    /// What the engine thinks of the answer; absent where it did not look.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub response_verdict: Option<Verdict>,
    /// Microseconds that each stage of the gateway took.
    pub timings_us: BTreeMap<String, f64>,
    /// What somebody said of the verdict; absent where nobody did.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub feedback: Option<Feedback>,
    /// The record as it was written.
    #[schema(value_type = Object)]
    pub record: Value,
}

/// The parts of a line that are shown whole.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Parts {
    verdict: Option<Verdict>,
    response_verdict: Option<Verdict>,
    timings_us: BTreeMap<String, f64>,
}

impl LogEntry {
    /// A record in short.
    pub fn of(found: &Found) -> Self {
        let record = &found.entry.record;
        let verdict = record.verdict.as_ref();
        let evidence = verdict.map_or(&[][..], |verdict| &verdict.evidence);
        Self {
            id: record.id.to_string(),
            time: record.time.to_string(),
            node: found.node.to_string(),
            client: record.client.to_string(),
            method: record.method.to_string(),
            host: record.host.to_string(),
            path: record.path.to_string(),
            query: record.query.to_string(),
            status: record.status,
            route: record.route.to_string(),
            policy: record.policy.to_string(),
            mode: record.mode.to_string(),
            action: record.action.to_string(),
            would: record.would.to_string(),
            score: verdict.map_or(0.0, |verdict| verdict.score),
            level: verdict.map_or_else(String::new, |verdict| verdict.level.to_string()),
            category: verdict.map_or_else(String::new, |verdict| verdict.category.to_string()),
            rules: evidence
                .iter()
                .map(|found| found.rule.to_string())
                .collect(),
            why: evidence
                .first()
                .map_or_else(String::new, |found| found.why.to_string()),
            user: record.user.to_string(),
            session: record.session.to_string(),
            key: record.key.to_string(),
            limit: record.limit.to_string(),
            ban: record.ban.to_string(),
            upstream: record.upstream.to_string(),
            bytes_in: record.bytes_in,
            bytes_out: record.bytes_out,
            duration_us: record.duration_us,
            outcome: record.outcome.to_string(),
            reason: record.reason.to_string(),
            feedback: found
                .said
                .map_or_else(String::new, |said| said.as_str().to_owned()),
        }
    }
}

impl LogDetail {
    /// Everything that a line says, without what people said.
    ///
    /// # Errors
    /// When the line is not what this version can read.
    pub fn of(found: &Found) -> Result<Self, Problem> {
        let line = &found.entry.line;
        let parts: Parts = serde_json::from_str(line).map_err(Problem::fault)?;
        Ok(Self {
            entry: LogEntry::of(found),
            verdict: parts.verdict.map(Verdict::marked),
            response_verdict: parts.response_verdict.map(Verdict::marked),
            timings_us: parts.timings_us,
            feedback: None,
            record: serde_json::from_str(line).map_err(Problem::fault)?,
        })
    }
}
