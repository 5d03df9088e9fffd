//! The configuration of Portcullis: what an operator may write, checked before anything is bound.
//!
//! [`model`] holds the typed settings and [`value`] the words that scalars are written in (durations, sizes,
//! rates).

#![forbid(unsafe_code)]

pub mod model;
pub mod value;

pub use model::{
    Admin, Behaviour, Beyond, BodyPolicy, Caps, Certificate, Config, Ejection, Exception, Failure,
    HeaderEdits, HostHeader, Limit, Listener, Log, LogFormat, LogLevel, MinRate, Mode, Policy,
    Pool, Protocol, Records, Redact, ResponseAction, Responses, Route, Rules, Shutdown, Thresholds,
    Timeouts, Tls, Upstream, UpstreamTimeouts, UpstreamTls, Workers,
};
pub use value::{ByteSize, Duration, LimitKey, Rate, RecordOutput, Scheme, ServerUrl};
