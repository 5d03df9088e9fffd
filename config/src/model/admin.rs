//! The admin plane: where it listens, who may use it, and what belongs to which tenant.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::{Duration, SocketFormat};

/// The admin plane: metrics, health and the API. Only `address` needs a restart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Admin {
    /// Where the admin plane listens. Loopback by default: whoever reaches this address reads the metrics and may try
    /// to log in, in the clear. For others, put a proxy with TLS before it and set `public_url`.
    #[schemars(with = "SocketFormat")]
    pub address: SocketAddr,
    /// Where browsers reach the admin plane, such as `https://gate.example.com`, without a path. With `https` the
    /// session's cookie travels over TLS alone. Unset: changes are accepted from pages of whatever host was asked for,
    /// and the cookie also travels without TLS.
    pub public_url: Option<String>,
    /// Origins whose pages may use the API from a browser, such as `https://console.example.com`. A page of an origin
    /// written here acts with the rights of whoever opens it. Empty: none but the admin plane's own.
    pub cors: Vec<String>,
    /// What `/metrics` asks for as `Authorization: Bearer`. Write `file:PATH`, not the token. Unset: everybody who
    /// reaches the address may read the metrics.
    pub metrics_token: Option<String>,
    /// When sessions end.
    pub sessions: Sessions,
    /// Single sign-on by OpenID Connect. Unset: users log in with passwords alone.
    pub oidc: Option<Oidc>,
}

/// When sessions of the admin plane end. A shorter time also ends sessions that are open.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Sessions {
    /// After this time without a request, at least 1m.
    pub idle: Duration,
    /// After this time in any case, at least 1m.
    pub lifetime: Duration,
}

/// Single sign-on by OpenID Connect: authorization code with PKCE. The provider decides at every log-in who somebody is
/// and what they may do. `public_url` must be set, and the provider must know `PUBLIC_URL/api/v1/oidc/callback` as the
/// place to send browsers back to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Oidc {
    /// The provider's issuer URL, `https`, or `http` on loopback. Below it lies `.well-known/openid-configuration`.
    pub issuer: String,
    /// What the provider knows this installation by.
    pub client_id: String,
    /// The secret that goes with it. Write `file:PATH`, not the secret. Unset: a public client.
    #[serde(default)]
    pub client_secret: Option<String>,
    /// Scopes to ask for beside `openid`.
    #[serde(default = "usual_scopes")]
    pub scopes: Vec<String>,
    /// The claim with the name that is shown; without it `email`, then `sub`.
    #[serde(default = "usual_name")]
    pub name_claim: String,
    /// The claim that roles are read from, a text or a list of texts; inside of other claims with dots between, such as
    /// `realm_access.roles`.
    #[serde(default = "usual_roles")]
    pub role_claim: String,
    /// Which values of that claim give which role: `viewer`, `analyst`, `admin`. The highest that matches counts.
    #[serde(default)]
    pub roles: OidcRoles,
    /// The role of somebody to whom no value gives one. Unset: they are refused. Set, everybody whom the provider knows
    /// is let in.
    #[serde(default)]
    pub default_role: Option<AdminRole>,
    /// The claim that names the tenant somebody belongs to; whoever has none is refused then. Unset: whoever comes by
    /// single sign-on sees the traffic of all tenants.
    #[serde(default)]
    pub tenant_claim: Option<String>,
    /// Certificates (PEM) that are believed for the provider beside the system's. Write `file:PATH`.
    #[serde(default)]
    pub authorities: Option<String>,
}

/// Which values of the role claim give which role.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OidcRoles {
    /// Who looks.
    pub viewer: Vec<String>,
    /// Who also acts: acknowledges alerts, bans, tries requests.
    pub analyst: Vec<String>,
    /// Who also changes users and settings.
    pub admin: Vec<String>,
}

/// What somebody may do on the admin plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AdminRole {
    /// Look.
    Viewer,
    /// Also act: acknowledge alerts, ban, try requests.
    Analyst,
    /// Also change users and settings.
    Admin,
}

/// What belongs to a tenant: requests for one of the hosts, or by one of the routes. A user of the tenant sees these
/// and no others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Tenant {
    /// Hosts; `*.example.com` for all below one.
    pub hosts: Vec<String>,
    /// Names of routes.
    pub routes: Vec<String>,
}

/// Tenants by name.
pub type Tenants = BTreeMap<String, Tenant>;

impl Default for Admin {
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 9901)),
            public_url: None,
            cors: Vec::new(),
            metrics_token: None,
            sessions: Sessions::default(),
            oidc: None,
        }
    }
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(30 * 60),
            lifetime: Duration::from_secs(12 * 3600),
        }
    }
}

fn usual_scopes() -> Vec<String> {
    vec!["profile".to_owned(), "email".to_owned()]
}

fn usual_name() -> String {
    "preferred_username".to_owned()
}

fn usual_roles() -> String {
    "groups".to_owned()
}
