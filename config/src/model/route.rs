//! Routes: which request goes to which upstream under which policy.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which request goes to which upstream under which policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// The beginning of the path, in whole segments: `/api` matches `/api` and `/api/users`, not `/apis`.
    #[serde(default = "root")]
    pub path: String,
    /// The host asked for: a name, or `*.example.com` for every name one level or more below. Unset: any host.
    #[serde(default)]
    pub host: Option<String>,
    /// The methods that match, in capitals. Empty: all.
    #[serde(default)]
    pub methods: Vec<String>,
    /// The name of an upstream.
    pub upstream: String,
    /// The name of a policy.
    #[serde(default = "default_policy")]
    pub policy: String,
    /// Whether a WebSocket may be opened. Elsewhere an Upgrade header is removed before the request is forwarded.
    #[serde(default)]
    pub websocket: bool,
    /// What metrics and records call the route. Unset: host and path.
    #[serde(default)]
    pub name: Option<String>,
}

impl Route {
    /// What metrics and records call the route.
    pub fn label(&self) -> Cow<'_, str> {
        match (&self.name, &self.host) {
            (Some(name), _) => Cow::Borrowed(name),
            (None, Some(host)) => Cow::Owned(format!("{host}{}", self.path)),
            (None, None) => Cow::Borrowed(&self.path),
        }
    }
}

fn root() -> String {
    "/".to_owned()
}

fn default_policy() -> String {
    "default".to_owned()
}
