//! The configuration of Portcullis: what an operator may write, checked before anything is bound, and what the binary
//! ships with it.
//!
//! [`load()`] turns a file into a [`Config`] or into every [`Problem`] it has. [`model`] holds the settings as types and
//! [`value`] the words that scalars are written in (durations, sizes, rates). [`load_rules`] and [`load_documents`]
//! read lists such as rules with the same tree and the same kind of problem; [`document`] writes the settings down
//! for people.

#![forbid(unsafe_code)]

mod check;
mod cross;
mod de;
pub mod document;
mod documents;
mod expand;
mod load;
pub mod model;
mod problem;
mod rules;
mod settle;
mod suggest;
mod tree;
pub mod value;

pub use cross::exception_faults;
pub use documents::{Located, Source, from_yaml, load_documents, read_folder, yaml_to_json};
pub use load::{load, parse, schema};
pub use model::{
    Adaptive, Admin, AdminRole, AlertGroup, AlertLevel, AlertMatch, AlertRule, Alerts, Behaviour,
    Beyond, BodyPolicy, Caps, Capture, CaptureOf, Certificate, Config, Crawler, Deep, Ejection,
    Elasticsearch, Email, Ensemble, Exception, Failure, GroupWeights, HeaderEdits, HostHeader,
    Identity, Limit, Listener, Log, LogFormat, LogLevel, Logins, MinRate, Mode, ModelSettings,
    Oidc, OidcRoles, Policy, Pool, Protocol, Quiet, Ranges, Receiver, Records, Redact,
    ResponseAction, Responses, Retention, Route, Rules, Sessions, Share, Shutdown, Store, Syslog,
    Tenant, Tenants, Thresholds, Timeouts, Tls, Tokens, Upstream, UpstreamTimeouts, UpstreamTls,
    Webhook, WebhookFormat, Workers,
};
pub use problem::{Position, Problem};
pub use rules::{embedded_rules, load_rules};
pub use tree::MAX_FILE_BYTES;
pub use value::{
    ByteSize, Duration, IdentitySource, LimitKey, Rate, RatePeriod, RecordOutput, Scheme, ServerUrl,
};

/// The configuration file that is shipped.
pub const DEFAULT_FILE: &str = include_str!("../portcullis.yaml");
