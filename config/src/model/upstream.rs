//! Upstreams: the services behind the gateway, and how they are spoken to.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::{Duration, PathFormat, ServerUrl};

/// One service behind the gateway: servers that answer alike.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Upstream {
    /// The servers, asked in turn: `http://host:port` or `https://host:port`.
    pub servers: Vec<ServerUrl>,
    /// The version of HTTP spoken to them.
    #[serde(default)]
    pub protocol: Protocol,
    /// Whose name the Host header bears.
    #[serde(default)]
    pub host: HostHeader,
    /// Changes to the headers of each request before it is forwarded.
    #[serde(default)]
    pub request_headers: HeaderEdits,
    /// Changes to the headers of each answer before the client gets it.
    #[serde(default)]
    pub response_headers: HeaderEdits,
    /// How long the servers may take.
    #[serde(default)]
    pub timeouts: UpstreamTimeouts,
    /// When a server that fails is left out for a while.
    #[serde(default)]
    pub ejection: Ejection,
    /// Connections kept open between requests.
    #[serde(default)]
    pub pool: Pool,
    /// How the servers' certificates are checked; only for `https` servers.
    #[serde(default)]
    pub tls: UpstreamTls,
}

/// The version of HTTP spoken to an upstream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2; to an `http` server with prior knowledge (h2c), as gRPC needs it.
    Http2,
    /// Over TLS what the server prefers (ALPN); in the clear HTTP/1.1, and HTTP/2 for gRPC requests.
    #[default]
    Auto,
}

/// Whose name the Host header bears.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HostHeader {
    /// The name the client asked for.
    #[default]
    Preserve,
    /// The server's own, as written in `servers`. The client's stands in `X-Forwarded-Host`.
    Server,
}

/// Changes to headers: first `remove`, then `set`, then `add`. Names may be written in any case.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HeaderEdits {
    /// Headers that get this value, in place of any they had.
    pub set: BTreeMap<String, String>,
    /// Headers that get this value beside any they had.
    pub add: BTreeMap<String, String>,
    /// Headers that are taken out.
    pub remove: Vec<String>,
}

/// How long an upstream's servers may take.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UpstreamTimeouts {
    /// To accept a connection, with its TLS handshake. Then the client gets 502.
    pub connect: Duration,
    /// From the end of the request to the first byte of the answer. Then the client gets 504.
    pub first_byte: Duration,
    /// Between two pieces of an answer's body, or of a WebSocket either way. Then the exchange is cut off.
    pub idle: Duration,
}

/// When a server that fails is left out for a while. If all are left out, all are tried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Ejection {
    /// So many failures in a row (no connection, no answer in time, a broken answer; not a status of 500) eject it.
    /// 0: never.
    pub failures: u32,
    /// For how long it is left out.
    #[serde(rename = "for")]
    pub duration: Duration,
}

/// Connections kept open to an upstream between requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Pool {
    /// Idle connections kept per server and worker. 0: none, each request opens its own.
    pub idle_per_server: usize,
    /// How long an idle one is kept. Choose less than the server's own keep-alive time, or requests may meet a
    /// connection that is just being closed.
    pub idle_timeout: Duration,
}

/// How the certificates of `https` servers are checked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UpstreamTls {
    /// A PEM file with the authorities to trust in place of the system's.
    #[schemars(with = "Option<PathFormat>")]
    pub ca: Option<PathBuf>,
    /// The name the certificate must bear and that is sent as SNI. Unset: the server's host.
    pub server_name: Option<String>,
    /// `false` accepts any certificate, and with it anyone who stands in between. For tests only.
    pub verify: bool,
}

impl Default for UpstreamTimeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(2),
            first_byte: Duration::from_secs(30),
            idle: Duration::from_secs(60),
        }
    }
}

impl Default for Ejection {
    fn default() -> Self {
        Self {
            failures: 5,
            duration: Duration::from_secs(10),
        }
    }
}

impl Default for Pool {
    fn default() -> Self {
        Self {
            idle_per_server: 64,
            idle_timeout: Duration::from_secs(30),
        }
    }
}

impl Default for UpstreamTls {
    fn default() -> Self {
        Self {
            ca: None,
            server_name: None,
            verify: true,
        }
    }
}
