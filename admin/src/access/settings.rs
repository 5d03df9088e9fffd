//! How access is set up: what the section `admin` and `tenants` of the configuration say, in the words of this crate.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;
use portcullis_store::Scope;

use super::oidc;

/// How access is set up.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// `scheme://host[:port]` at which browsers reach the admin plane; without it the request's `Host` is believed.
    pub public_origin: Option<String>,
    /// The port of the admin plane, which tells the cookies of two gateways on one host apart.
    pub port: u16,
    /// Origins whose pages may use the API.
    pub cors: Vec<String>,
    /// The SHA-256 of what `/metrics` asks for, as [`secret::hash`](super::secret::hash) makes it; without it
    /// everybody may read it.
    pub metrics_token: Option<String>,
    /// After how long without a request a session ends.
    pub idle: Duration,
    /// After how long a session ends in any case.
    pub lifetime: Duration,
    /// Single sign-on.
    pub oidc: Option<oidc::Settings>,
    /// What belongs to whom.
    pub tenants: BTreeMap<String, Scope>,
    /// Proxies whose `X-Forwarded-For` says where somebody comes from.
    pub trusted_proxies: Vec<IpNet>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            public_origin: None,
            port: 0,
            cors: Vec::new(),
            metrics_token: None,
            idle: Duration::from_secs(30 * 60),
            lifetime: Duration::from_secs(12 * 3600),
            oidc: None,
            tenants: BTreeMap::new(),
            trusted_proxies: Vec::new(),
        }
    }
}

impl Settings {
    /// Whether browsers reach the admin plane over TLS.
    pub fn is_secure(&self) -> bool {
        self.public_origin
            .as_deref()
            .is_some_and(|origin| origin.starts_with("https://"))
    }

    /// Whether `address` is a proxy's whose word is believed.
    pub fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.trusted_proxies
            .iter()
            .any(|network| network.contains(&address))
    }
}

/// A time in milliseconds.
pub(crate) fn milliseconds(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
