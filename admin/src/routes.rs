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
    (Method::POST, "/api/v1/login", Least::Anybody),
    (Method::GET, "/api/v1/oidc/login", Least::Anybody),
    (Method::GET, "/api/v1/oidc/callback", Least::Anybody),
    (Method::POST, "/api/v1/logout", Least::Role(Role::Viewer)),
    (Method::GET, "/api/v1/session", Least::Role(Role::Viewer)),
    (Method::POST, "/api/v1/password", Least::Role(Role::Viewer)),
    (Method::GET, "/api/v1/tokens", Least::Role(Role::Viewer)),
    (Method::POST, "/api/v1/tokens", Least::Role(Role::Viewer)),
    (
        Method::DELETE,
        "/api/v1/tokens/{id}",
        Least::Role(Role::Viewer),
    ),
    (Method::GET, "/api/v1/users", Least::Role(Role::Admin)),
    (Method::POST, "/api/v1/users", Least::Role(Role::Admin)),
    (
        Method::PATCH,
        "/api/v1/users/{name}",
        Least::Role(Role::Admin),
    ),
    (
        Method::DELETE,
        "/api/v1/users/{name}",
        Least::Role(Role::Admin),
    ),
    (Method::GET, "/api/v1/audit", Least::Role(Role::Admin)),
];
