//! Every route of the admin plane, and who may use it. The guard refuses what does not stand here, so that a new
//! handler is closed until somebody has decided; the access matrix of the tests walks the same table.

use axum::http::Method;

use crate::caller::Role;

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Least {
    /// Anybody, without a credential.
    Anybody,
    /// Whoever has at least this role.
    Role(Role),
}

/// Method, path as axum spells it, and the least that is needed.
pub const ROUTES: &[(Method, &str, Least)] = &[
    (Method::GET, "/healthz", Least::Anybody),
    (Method::GET, "/readyz", Least::Anybody),
    (Method::GET, "/metrics", Least::Anybody),
];
