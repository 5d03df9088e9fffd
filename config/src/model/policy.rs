//! Policies: what is inspected, limited and refused on a route.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::{ByteSize, Duration, LimitKey, Rate};

/// What is inspected, limited and refused on the routes that name it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// Whether verdicts are carried out.
    pub mode: Mode,
    /// From which score (0 to 100) something is done about a request.
    pub thresholds: Thresholds,
    /// Unset: a request between `throttle` and `deny` gets 429 with Retry-After. Set: it is delayed by this time and
    /// then forwarded. Delayed requests hold their connection.
    pub throttle_delay: Option<Duration>,
    /// How much of a body is read, and what becomes of the rest.
    pub body: BodyPolicy,
    /// What becomes of a request when the engine itself fails (a panic, a broken model). With `responses.inspect` it
    /// holds for answers too, which are refused with 502.
    pub on_failure: Failure,
    /// How often clients may ask. Unset: 600/min with a burst of 300 per client. `[]`: no limits. Several limits hold
    /// together; the tightest decides. They hold in mode `off` too; in mode `observe` they are counted and recorded only.
    pub limits: Option<Vec<Limit>>,
    /// Whether clients are judged by what they do over time.
    pub behaviour: Behaviour,
    /// Whether the models are asked, where `ensemble.enabled` is set. The finding of the models is called `ensemble` in
    /// exceptions.
    pub ensemble: bool,
    /// How suspicious the rules are, 1 to 4: each rule says from which level on it looks. Higher levels catch more and
    /// deny more harmless requests.
    #[schemars(range(min = 1, max = 4))]
    pub paranoia: u8,
    /// Looking at answers for what should not leave. Off unless switched on; it costs nothing then.
    pub responses: Responses,
    /// What is kept of exchanges word for word, in the record. Unset: nothing.
    pub capture: Option<Capture>,
    /// Where rules are told not to look.
    pub exceptions: Vec<Exception>,
    /// The request header that tells the upstream the score of a request above `tag`. One sent by a client is removed.
    pub tag_header: String,
}

/// Whether verdicts are carried out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// They are.
    #[default]
    Enforce,
    /// Requests are inspected and recorded, with what would have been done; nothing is changed or refused.
    Observe,
    /// No inspection at all.
    Off,
}

impl Mode {
    /// The mode's name, as written in the file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Observe => "observe",
            Self::Off => "off",
        }
    }
}

/// From which score (0 to 100) something is done about a request. They must ascend; 101 means never.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Thresholds {
    /// Forward it with the score in a header.
    #[schemars(range(min = 1, max = 101))]
    pub tag: u8,
    /// Answer 429, or delay it.
    #[schemars(range(min = 1, max = 101))]
    pub throttle: u8,
    /// Answer 403.
    #[schemars(range(min = 1, max = 101))]
    pub deny: u8,
}

/// How much of a body is read, and what becomes of the rest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BodyPolicy {
    /// How many bytes of a body are held and inspected before the request is forwarded. An attack that begins later is
    /// not seen; more costs time and memory per request.
    pub inspect: ByteSize,
    /// The longest body that is accepted; more gets 413. 0: no body at all.
    pub max: ByteSize,
    /// What becomes of a body longer than `inspect`.
    pub beyond: Beyond,
}

/// What becomes of a body longer than what is inspected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Beyond {
    /// The rest passes unseen, and the record says so.
    #[default]
    Stream,
    /// The request is refused with 413.
    Deny,
}

/// What becomes of a request when the engine itself fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Failure {
    /// It is refused with 403: nothing passes uninspected.
    #[default]
    Deny,
    /// It is forwarded uninspected: a fault of ours does not stop the API.
    Allow,
}

/// How often someone may ask.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// Whose requests are counted together: `client` (the address), `route` (everyone), or `header:NAME`.
    pub key: LimitKey,
    /// How many requests per time, such as `100/min`, `10/s`, `5000/h` or `20000/day`.
    pub rate: Rate,
    /// How many may come at once after a rest. Unset: the count of `rate`.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub burst: Option<u32>,
}

/// Whether clients are judged by what they do over time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Behaviour {
    /// Whether requests of this policy are counted and judged. It takes effect where `behaviour.enabled` at the top
    /// of the file is set too. In mode `observe` nobody is banned, throttled or denied; it is only noted.
    pub enabled: bool,
}

/// Looking at answers for what should not leave: keys, card numbers, stack traces, SQL errors. Thresholds, paranoia and
/// exceptions are those of the policy; only `thresholds.deny` does something to an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Responses {
    /// Whether answers are inspected: their headers, and the beginning of text and JSON bodies. Answers wait until that
    /// is there and scanned. Never event streams, gRPC or WebSockets, and nothing at all in mode `off`. In mode
    /// `observe` answers are held and judged, but never changed.
    pub inspect: bool,
    /// What is done with an answer whose score reaches `thresholds.deny`.
    pub action: ResponseAction,
    /// How many bytes of a body are held and scanned, 1 KiB to 1 MiB. What leaks behind them passes, and the record says
    /// that there was more. Each answer under way may hold as much, and once more while it is scanned.
    pub hold: ByteSize,
    /// How long a body that comes in drips is held, from its first byte, 1 ms to 1 min. What has come by then is
    /// scanned, the rest passes. More delays slow answers; less lets the rest of them through unseen.
    pub hold_time: Duration,
    /// What becomes of a request for a part of a body (`Range`). Parts small enough cut every secret in two.
    pub ranges: Ranges,
}

/// What is done with an answer that a rule denies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ResponseAction {
    /// The client gets 502 instead.
    #[default]
    Deny,
    /// What matched is overwritten with as many asterisks; where that cannot be done, the client gets 502. A compressed
    /// body that is masked goes on uncompressed.
    Mask,
}

/// What becomes of a request for a part of a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Ranges {
    /// The `Range` header is removed when enforcing, so that the upstream sends the whole. Downloads cannot be resumed.
    #[default]
    Whole,
    /// The upstream gets it. Parts are scanned one by one, and a secret that was cut in two is not found.
    Pass,
}

/// What is kept of exchanges word for word. The values of headers and fields that `records.redact` names are blacked out,
/// as are those of headers that are known to carry secrets. A body that is compressed, or neither JSON, form nor text, is
/// withheld, since secrets could not be found in it. A captured exchange takes a few microseconds more and a longer
/// record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Capture {
    /// Headers of the request and of the answer, at most 8 KiB of each.
    pub headers: bool,
    /// So much of the beginning of each body, at most 16KiB; of a request's only what was read for inspection. 0: no
    /// bodies.
    pub body: ByteSize,
    /// Which exchanges.
    pub of: CaptureOf,
}

/// Which exchanges are captured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CaptureOf {
    /// Those in which something was found, or that were not simply let through.
    #[default]
    Flagged,
    /// Every one: the record then holds what clients send, and grows with it.
    All,
}

/// Where a rule, or all rules of a tag, are told not to look. Everything that is written must hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    /// The id of the rule that is silenced.
    #[serde(default)]
    pub rule: Option<String>,
    /// Silences every rule with this tag, such as `cwe:89`.
    #[serde(default)]
    pub tag: Option<String>,
    /// Only on the route of this name. Unset: every route of the policy.
    #[serde(default)]
    pub route: Option<String>,
    /// Only in this field, as `location` or `location:name`, such as `json:comment`. Unset: in every field.
    #[serde(default)]
    pub field: Option<String>,
    /// This path, or all that begin like it where it ends in `*`. Unset: every path.
    #[serde(default)]
    pub path: Option<String>,
    /// Why it is harmless here; for whoever reads this later.
    pub reason: String,
}

impl Policy {
    /// The limits that hold: those written, or 600/min with a burst of 300 per client where nothing was.
    pub fn effective_limits(&self) -> Cow<'_, [Limit]> {
        match &self.limits {
            Some(limits) => Cow::Borrowed(limits),
            None => Cow::Owned(vec![Limit {
                key: LimitKey::Client,
                rate: Rate::per_minute(600),
                burst: Some(300),
            }]),
        }
    }
}

impl Limit {
    /// How many requests may come at once.
    pub fn effective_burst(&self) -> u32 {
        self.burst.unwrap_or(self.rate.count).max(1)
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            mode: Mode::default(),
            thresholds: Thresholds::default(),
            throttle_delay: None,
            body: BodyPolicy::default(),
            on_failure: Failure::default(),
            limits: None,
            behaviour: Behaviour::default(),
            ensemble: true,
            paranoia: 1,
            responses: Responses::default(),
            capture: None,
            exceptions: Vec::new(),
            tag_header: "x-portcullis-score".to_owned(),
        }
    }
}

impl Default for Behaviour {
    fn default() -> Self {
        Self { enabled: true }
    }
}

impl Default for Responses {
    fn default() -> Self {
        Self {
            inspect: false,
            action: ResponseAction::default(),
            hold: ByteSize::kib(64),
            hold_time: Duration::from_secs(2),
            ranges: Ranges::default(),
        }
    }
}

impl Default for Capture {
    fn default() -> Self {
        Self {
            headers: true,
            body: ByteSize::kib(4),
            of: CaptureOf::default(),
        }
    }
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            tag: 40,
            throttle: 60,
            deny: 80,
        }
    }
}

impl Default for BodyPolicy {
    fn default() -> Self {
        Self {
            inspect: ByteSize::kib(128),
            max: ByteSize::mib(64),
            beyond: Beyond::default(),
        }
    }
}
