//! What several gateways share, and through which server.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::{Duration, PathFormat};

/// What several gateways share through Redis or Valkey. Every gateway decides alone and at once; what it let through,
/// banned and learned goes to the others in batches. No request waits for the server, and without it each gateway
/// goes on by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// The server, `redis://HOST:PORT` or `rediss://HOST:PORT` for TLS, with `/NUMBER` behind it for a database other
    /// than 0. Two or more: nodes of one cluster, from which the others are found.
    pub redis: Vec<String>,
    /// What the gateways of one service have in common: the hashes of keys, users and sessions are made with it, and
    /// batches are signed with it, so that who can write to the server but does not have it can neither ban nor lock
    /// out anyone. At least 32 characters, the same on every gateway. Write `file:PATH`, not the secret. While `share`
    /// is set it takes the place of the secret in the state folder; another one ends bans of users and sessions.
    pub secret: String,
    /// The name to log in to the server with. Unset: the server's default user.
    #[serde(default)]
    pub username: Option<String>,
    /// The password to log in to the server with. Unset: none. Write `file:PATH`, not the password.
    #[serde(default)]
    pub password: Option<String>,
    /// A PEM file with the authorities to trust in place of the system's, for `rediss://`.
    #[serde(default)]
    #[schemars(with = "Option<PathFormat>")]
    pub ca: Option<PathBuf>,
    /// What the names of all keys at the server begin with. Gateways with different prefixes share nothing.
    #[serde(default = "default_prefix")]
    pub prefix: String,
    /// How often a batch leaves and those of the others are read, from 10ms to 5s. A limit may be exceeded by what the
    /// other gateways let through in twice this time.
    #[serde(default = "default_interval")]
    pub interval: Duration,
}

fn default_prefix() -> String {
    "portcullis".to_owned()
}

const fn default_interval() -> Duration {
    Duration::from_millis(100)
}
