//! The settings an operator may write, as types.
//!
//! The doc comment of a field is its documentation for the operator too: it goes into `config/schema.json` and
//! `docs/CONFIG.md`. It says what the field means, in which unit, and what follows from setting it. Defaults stand in
//! the `Default` impls and are printed from there. Only listeners, upstreams and routes have to be written.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::{ByteSize, Duration, NetworkFormat, PathFormat, RecordOutput};

mod admin;
mod alerts;
mod ensemble;
mod identity;
mod listener;
mod policy;
mod route;
mod share;
mod store;
mod upstream;

pub use admin::{Admin, AdminRole, Oidc, OidcRoles, Sessions, Tenant, Tenants};
pub use alerts::{
    AlertGroup, AlertLevel, AlertMatch, AlertRule, Alerts, Email, Quiet, Receiver, Syslog, Webhook,
    WebhookFormat,
};
pub use ensemble::{Adaptive, Deep, Ensemble, GroupWeights, ModelSettings};
pub use identity::{Crawler, Identity, Logins, Tokens};
pub use listener::{Certificate, Listener, Tls};
pub use policy::{
    Behaviour, Beyond, BodyPolicy, Capture, CaptureOf, Exception, Failure, Limit, Mode, Policy,
    Ranges, ResponseAction, Responses, Thresholds,
};
pub use route::Route;
pub use share::Share;
pub use store::{Elasticsearch, Retention, Store};
pub use upstream::{
    Ejection, HeaderEdits, HostHeader, Pool, Protocol, Upstream, UpstreamTimeouts, UpstreamTls,
};

/// The whole configuration of one gateway.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The addresses clients connect to; at least one. Each may have TLS of its own.
    pub listeners: Vec<Listener>,
    /// The admin plane: metrics, health and the API. It has a listener of its own and is never reached through a route.
    #[serde(default)]
    pub admin: Admin,
    /// Networks of proxies in front of the gateway whose `X-Forwarded-For` and `Forwarded` are believed. From every
    /// other peer these headers are removed, and the peer itself is the client. Empty: nobody is believed. A network
    /// written here by mistake lets its clients choose the address they are limited and recorded by.
    #[serde(default)]
    #[schemars(with = "Vec<NetworkFormat>")]
    pub trusted_proxies: Vec<IpNet>,
    /// The services behind the gateway, by name.
    pub upstreams: BTreeMap<String, Upstream>,
    /// Which request goes to which upstream under which policy. The most specific route wins: a host before no host,
    /// an exact host before a wildcard, then the longer path, then named methods before none. A request that no route
    /// matches gets 404.
    pub routes: Vec<Route>,
    /// What is inspected, limited and refused, by name. A policy called `default` always exists; unless it is
    /// written here, it has the defaults below.
    #[serde(default)]
    pub policies: BTreeMap<String, Policy>,
    /// Whom a request comes from, besides its address.
    #[serde(default)]
    pub identity: Identity,
    /// What clients do over time, and what happens to them for it. A policy takes part with `behaviour.enabled`.
    #[serde(default)]
    pub behaviour: portcullis_detect::behaviour::Settings,
    /// Models that judge what the rules leave open. Off unless switched on; it costs nothing then.
    #[serde(default)]
    pub ensemble: Ensemble,
    /// What several gateways share through Redis or Valkey: rate limits, bans, and what is known of clients. Unset:
    /// each gateway stands alone. A change needs a restart.
    #[serde(default)]
    pub share: Option<Share>,
    /// Tenants by name: which hosts and routes belong to whom. A user of a tenant sees the traffic of these and no other.
    #[serde(default)]
    pub tenants: Tenants,
    /// When people are told, and how.
    #[serde(default)]
    pub alerts: Alerts,
    /// Where the signatures come from.
    #[serde(default)]
    pub rules: Rules,
    /// The record that is kept of each exchange.
    #[serde(default)]
    pub records: Records,
    /// The database behind the admin API, and what is kept in it.
    #[serde(default)]
    pub store: Store,
    /// The process's own log: start, reload, faults. It is not the record of traffic.
    #[serde(default)]
    pub log: Log,
    /// How long clients may take. What upstreams may take is set with each upstream.
    #[serde(default)]
    pub timeouts: Timeouts,
    /// How much clients may send and hold.
    #[serde(default)]
    pub caps: Caps,
    /// The threads that serve traffic.
    #[serde(default)]
    pub workers: Workers,
    /// How the process ends.
    #[serde(default)]
    pub shutdown: Shutdown,
}

/// Where the signatures come from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Rules {
    /// A folder of rule files (`**/*.yaml`) that replaces the rules built into the binary. Unset: the built-in rules.
    #[schemars(with = "Option<PathFormat>")]
    pub directory: Option<PathBuf>,
}

/// The record that is kept of each exchange, as one line of JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Records {
    /// `stdout`, `none`, or the path of a file that lines are appended to. SIGHUP opens the file anew, so that it can
    /// be rotated.
    pub output: RecordOutput,
    /// How many records may wait to be written. When the disk cannot keep up, further records are dropped and counted
    /// in `portcullis_records_dropped_total`; requests never wait. Each waiting record takes about 1 KiB.
    #[schemars(range(min = 1, max = 1_048_576))]
    pub queue: usize,
    /// What is blacked out before a record leaves the request's way.
    pub redact: Redact,
    /// Whether each record carries what was measured of its connection when the request was judged: `flow`, 52 numbers
    /// that models of connections are trained on (docs/FEATURES.md). Some 400 bytes a record; connections that are open
    /// already when it is switched on have none.
    pub flow: bool,
}

/// What is blacked out in records. `authorization`, `cookie` and `set-cookie` always are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Redact {
    /// Further headers whose values are secrets, such as `x-api-key`. Case does not matter.
    pub headers: Vec<String>,
    /// Query, form, JSON and cookie fields whose values are secrets, such as `password`. Case does not matter.
    pub fields: Vec<String>,
}

/// The process's own log.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// The least serious message that is written.
    pub level: LogLevel,
    /// Lines for people, or JSON for machines.
    pub format: LogFormat,
    /// A file that the log is appended to. Unset: standard error.
    #[schemars(with = "Option<PathFormat>")]
    pub file: Option<PathBuf>,
}

/// How serious a message of the log is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LogLevel {
    /// Only what needs a person.
    Error,
    /// Also what may soon need one.
    Warn,
    /// Also what was done: starts, reloads, ejected servers.
    #[default]
    Info,
    /// Also each connection's end.
    Debug,
    /// Everything, also from the libraries; far too much for a busy gateway.
    Trace,
}

impl LogLevel {
    /// The level's name, as written in the file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// How a line of the log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// A line for people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// How long clients may take.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Timeouts {
    /// From the first moment of a connection, or of the next request on it once its first byte came, to the end of
    /// its headers. A client that is slower is cut off; it also ends connections that never send a
    /// byte.
    pub head: Duration,
    /// How long a kept-alive connection may rest between two requests before it is closed.
    pub idle: Duration,
    /// How slowly a body may be sent, or an answer be read.
    pub min_rate: MinRate,
    /// How long a TLS handshake may take.
    pub tls_handshake: Duration,
}

/// How slowly a body may be sent, or an answer be read. It holds while the gateway waits for the client, not while it
/// waits for the upstream, and not for event streams, gRPC and WebSockets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MinRate {
    /// Bytes per second, averaged over each period of `grace`. A slower client is cut off. 0 switches the check off,
    /// and lets a slow client hold a connection for as long as it likes.
    pub bytes_per_second: u64,
    /// How long a client may be slower before it is cut off.
    pub grace: Duration,
}

/// How much clients may send and hold. Bodies have their caps in the policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Caps {
    /// The request line and all headers of one request; more gets 431. Each connection may hold a buffer of this
    /// size, so that memory is bounded by it times `connections`.
    pub head: ByteSize,
    /// Headers of one request; more get 431.
    #[schemars(range(min = 1, max = 1000))]
    pub headers: usize,
    /// Client connections open at once, in the whole process. Further ones wait in the system's accept queue.
    #[schemars(range(min = 1))]
    pub connections: usize,
    /// Connections open at once from one peer address; further ones are closed at once. Trusted proxies are not
    /// counted, since many clients share theirs. 0: no cap.
    pub connections_per_client: usize,
    /// Streams open at once on one HTTP/2 connection.
    #[schemars(range(min = 1, max = 10_000))]
    pub streams: u32,
}

/// The threads that serve traffic.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Workers {
    /// Worker threads, each with its own event loop and upstream connections. 0: one per core the process may use.
    /// A change needs a restart.
    #[schemars(range(max = 1024))]
    pub threads: usize,
}

/// How the process ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Shutdown {
    /// How long requests under way may take to finish after SIGTERM, or on a listener that a reload removed. What is
    /// not done then is cut off.
    pub drain: Duration,
}

impl Config {
    /// The policy of a route; the checks on loading see to it that it exists.
    pub fn policy_of(&self, route: &Route) -> Option<&Policy> {
        self.policies.get(&route.policy)
    }

    /// The upstream of a route; the checks on loading see to it that it exists.
    pub fn upstream_of(&self, route: &Route) -> Option<&Upstream> {
        self.upstreams.get(&route.upstream)
    }
}

impl Default for Records {
    fn default() -> Self {
        Self {
            output: RecordOutput::Stdout,
            queue: 8192,
            redact: Redact::default(),
            flow: false,
        }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            idle: Duration::from_secs(60),
            min_rate: MinRate::default(),
            tls_handshake: Duration::from_secs(10),
        }
    }
}

impl Default for MinRate {
    fn default() -> Self {
        Self {
            bytes_per_second: 256,
            grace: Duration::from_secs(15),
        }
    }
}

impl Default for Caps {
    fn default() -> Self {
        Self {
            head: ByteSize::kib(32),
            headers: 100,
            connections: 10_000,
            connections_per_client: 1000,
            streams: 128,
        }
    }
}

impl Default for Shutdown {
    fn default() -> Self {
        Self {
            drain: Duration::from_secs(30),
        }
    }
}
