//! Forged forwarding headers.
//!
//! Only trusted proxies are believed, so such headers gain nothing here; but who sends them tries something. Proxies of
//! offices and carriers add them too, with private addresses, or with the one public address of their client. What
//! nobody needs is to claim loopback or an address of ours, or another public address with every request.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Bounds, Finding, Kind, Known, Scene};
use crate::behaviour::subject::{Claim, SubjectKind};

/// Bounds for forged forwarding headers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AddressSpoofing {
    /// Claims of an inside address, and changes of the claimed public address, within 10 minutes.
    pub claims: Bounds,
}

impl Default for AddressSpoofing {
    fn default() -> Self {
        Self {
            claims: Bounds::new(4.0, 9.0),
        }
    }
}

pub(super) fn look(scene: &Scene<'_>, known: &Known) -> Option<Finding> {
    if scene.subjects.claim == Claim::None || known.id.kind != SubjectKind::Address {
        return None;
    }
    let bounds = scene.settings.address_spoofing.claims.times(known.scale());
    bounds.finding(Kind::AddressSpoofing, known.id, known.compact.claims)
}
