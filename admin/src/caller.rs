//! Who is calling. The guard in front of all routes finds out and puts a [`Caller`] into the request's extensions; a
//! handler never looks at cookies or tokens itself.

use std::fmt;
use std::str::FromStr;

use portcullis_store::Scope;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What somebody may do; each role may do what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Looks.
    Viewer,
    /// Looks, and acts on what happens: acknowledges alerts, bans, tries requests.
    Analyst,
    /// All that, and changes users, settings, models and exceptions.
    Admin,
}

/// Somebody who has shown a valid credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The user's name, or the token's; what the audit trail names.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// The only tenant whose traffic they see; `None` sees all.
    pub tenant: Option<String>,
    /// What that tenant owns, for the queries of the store; `None` exactly where `tenant` is.
    pub scope: Option<Scope>,
}

impl Caller {
    /// Whether they belong to a tenant that the configuration does not know any more, or that owns nothing.
    pub fn owns_nothing(&self) -> bool {
        let owns = |scope: &Scope| !scope.hosts.is_empty() || !scope.routes.is_empty();
        self.tenant.is_some() && !self.scope.as_ref().is_some_and(owns)
    }
}

/// A word that names no role.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no role: viewer, analyst and admin are")]
pub struct NoRole(pub String);

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Viewer => "viewer",
            Self::Analyst => "analyst",
            Self::Admin => "admin",
        })
    }
}

impl FromStr for Role {
    type Err = NoRole;

    fn from_str(word: &str) -> Result<Self, NoRole> {
        match word {
            "viewer" => Ok(Self::Viewer),
            "analyst" => Ok(Self::Analyst),
            "admin" => Ok(Self::Admin),
            _ => Err(NoRole(word.to_owned())),
        }
    }
}
