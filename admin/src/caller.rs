//! Who is calling. The guard in front of all routes finds out and puts a [`Caller`] into the request's extensions; a
//! handler never looks at cookies or tokens itself.

use std::fmt;

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
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Viewer => "viewer",
            Self::Analyst => "analyst",
            Self::Admin => "admin",
        })
    }
}
