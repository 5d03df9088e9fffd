//! When people are told, and how.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::Duration;

/// When people are told, and how. An alert stands for an incident, not for a request: requests of one subject and one
/// kind are counted together. Alerts are kept in the store; without one there are none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Alerts {
    /// Requests that are less than this apart belong to one incident.
    pub window: Duration,
    /// How long an incident is kept after its last request.
    pub keep: Duration,
    /// What is an incident. Written here, the list replaces the default one: requests that were throttled or denied
    /// (or would have been), by subject and category; and an upstream that fails one request in ten.
    pub rules: Vec<AlertRule>,
    /// Who is told, by a name of your own. Nobody by default: alerts are in the console and the API.
    pub receivers: BTreeMap<String, Receiver>,
}

/// What is an incident: so many requests of a kind, too large a share of them, or none at all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AlertRule {
    /// Its name, up to 64 lower-case letters, digits and hyphens: what the alert shows as its reason.
    pub name: String,
    /// Which requests count. Everything that is written must hold; nothing written: every request.
    #[serde(default)]
    pub when: AlertMatch,
    /// Whose requests are counted together: those of a `subject` (user, else API key, else address) and category, of a
    /// `route`, or `all`.
    #[serde(default)]
    pub per: AlertGroup,
    /// From how many such requests within `within` on there is an incident.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub count: u64,
    /// With this set, requests that count are compared with all requests of the same route, or of all routes: from this
    /// share on, in percent, there is an incident, if `count` of them came within `within`. Not with `per: subject`.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 100.0))]
    pub share: Option<f64>,
    /// True: there is an incident when no such request came for `within`. Only with `per: all`.
    #[serde(default)]
    pub absent: bool,
    /// The time that is looked back on, from 10s to 1d.
    #[serde(default = "five_minutes")]
    pub within: Duration,
    /// How bad it is. Unset: as bad as the worst verdict, or MEDIUM where there is none.
    #[serde(default)]
    pub level: Option<AlertLevel>,
}

/// Which requests count. Of a list one must hold, of the parts that are written all must.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AlertMatch {
    /// What was done, or would have been where a policy only observes: `allow`, `tag`, `throttle`, `deny`.
    pub action: Vec<String>,
    /// The verdict's category, such as `sqli`.
    pub category: Vec<String>,
    /// At least this level.
    pub level: Option<AlertLevel>,
    /// The name of the route.
    pub route: Vec<String>,
    /// The status sent to the client: `404`, or a class such as `5xx`.
    pub status: Vec<String>,
    /// How it ended: `complete`, `client-gone`, `upstream-error`, `timeout`, `refused`, `internal-error`.
    pub outcome: Vec<String>,
}

/// Whose requests are counted together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AlertGroup {
    /// Those of one user, else API key, else address, and of one category.
    #[default]
    Subject,
    /// Those of one route.
    Route,
    /// All.
    All,
}

/// How bad an incident is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
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

/// Who is told. Exactly one of `webhook`, `email` and `syslog` is written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Receiver {
    /// An address that alerts are posted to.
    #[serde(default)]
    pub webhook: Option<Webhook>,
    /// Mail.
    #[serde(default)]
    pub email: Option<Email>,
    /// A collector of logs.
    #[serde(default)]
    pub syslog: Option<Syslog>,
    /// The least level that is told.
    #[serde(default = "high")]
    pub least: AlertLevel,
    /// How soon the same receiver is told again of the same subject and kind. An incident that gets worse is always
    /// told.
    #[serde(default = "hour")]
    pub repeat: Duration,
    /// When nobody is to be disturbed: what comes then is told afterwards. CRITICAL is told at once.
    #[serde(default)]
    pub quiet: Option<Quiet>,
}

/// An address that alerts are posted to, once per incident and once more when it gets worse. An answer of 2xx means
/// that it was taken; anything else, and silence for ten seconds, is tried again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// `https://…`, or `http://…` inside your own network. Where the address itself is the secret, write `file:PATH`.
    pub url: String,
    /// The body: the alert as the API gives it, or a message in the shape that Slack, Mattermost and their like take.
    #[serde(default)]
    pub format: WebhookFormat,
    /// A secret that both sides know: the body is signed with it, HMAC-SHA256 in hexadecimal digits in the header
    /// `x-portcullis-signature`. Write `file:PATH`. Unset: no signature.
    #[serde(default)]
    pub secret: Option<String>,
}

/// The body of a webhook.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WebhookFormat {
    /// The alert as the API gives it.
    #[default]
    Json,
    /// A message with a `text`.
    Slack,
}

/// Mail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Email {
    /// The mail server: `smtps://HOST:465` (TLS), `smtp://HOST:587` (TLS after STARTTLS, refused without), or
    /// `smtp+plain://HOST:25` for a server on this machine.
    pub server: String,
    /// The name to log in with.
    #[serde(default)]
    pub username: Option<String>,
    /// The password to log in with. Write `file:PATH`.
    #[serde(default)]
    pub password: Option<String>,
    /// Who it comes from: `Portcullis <portcullis@example.com>`.
    pub from: String,
    /// Who gets it.
    pub to: Vec<String>,
}

/// A collector of logs that reads RFC 5424.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Syslog {
    /// `udp://HOST:514`, or `tcp://HOST:601` (octet counting, RFC 6587). UDP cannot tell whether it arrived.
    pub server: String,
}

/// Hours of the day in which nobody is disturbed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Quiet {
    /// When they begin, as `22:00`.
    pub from: String,
    /// When they end, as `07:00`; before `from`, it is the next day.
    pub to: String,
    /// How far the clock on the wall is ahead of UTC, as `+01:00` or `-05:30`.
    #[serde(default = "utc")]
    pub offset: String,
}

impl Default for Alerts {
    fn default() -> Self {
        Self {
            window: Duration::from_secs(600),
            keep: Duration::from_secs(90 * 86_400),
            rules: vec![AlertRule::attacks(), AlertRule::failures()],
            receivers: BTreeMap::new(),
        }
    }
}

impl AlertRule {
    /// Requests that were stopped, or would have been.
    fn attacks() -> Self {
        Self {
            name: "attack".to_owned(),
            when: AlertMatch {
                action: vec!["throttle".to_owned(), "deny".to_owned()],
                ..AlertMatch::default()
            },
            per: AlertGroup::Subject,
            count: 1,
            share: None,
            absent: false,
            within: five_minutes(),
            level: None,
        }
    }

    /// Requests that the upstream did not answer as it should.
    fn failures() -> Self {
        Self {
            name: "failing-upstream".to_owned(),
            when: AlertMatch {
                status: vec!["5xx".to_owned()],
                ..AlertMatch::default()
            },
            per: AlertGroup::Route,
            count: 20,
            share: Some(10.0),
            absent: false,
            within: five_minutes(),
            level: Some(AlertLevel::High),
        }
    }
}

const fn one() -> u64 {
    1
}

const fn high() -> AlertLevel {
    AlertLevel::High
}

const fn hour() -> Duration {
    Duration::from_secs(3600)
}

const fn five_minutes() -> Duration {
    Duration::from_secs(300)
}

fn utc() -> String {
    "+00:00".to_owned()
}
