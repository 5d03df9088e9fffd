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

const VIEWER: Least = Least::Role(Role::Viewer);
const ANALYST: Least = Least::Role(Role::Analyst);
const ADMIN: Least = Least::Role(Role::Admin);

/// Method, path as axum spells it, and the least that is needed.
pub const ROUTES: &[(Method, &str, Least)] = &[
    (Method::GET, "/healthz", Least::Anybody),
    (Method::GET, "/readyz", Least::Anybody),
    (Method::GET, "/metrics", Least::Anybody),
    (Method::GET, "/api/v1/openapi.json", Least::Anybody),
    (Method::GET, "/api/v1/docs", Least::Anybody),
    (Method::GET, "/api/v1/docs/docs.js", Least::Anybody),
    (Method::GET, "/api/v1/docs/docs.css", Least::Anybody),
    (Method::GET, "/api/v1/health", VIEWER),
    (Method::GET, "/api/v1/info", VIEWER),
    (Method::GET, "/api/v1/logs", VIEWER),
    (Method::GET, "/api/v1/logs.csv", VIEWER),
    (Method::GET, "/api/v1/logs.ndjson", VIEWER),
    (Method::GET, "/api/v1/logs/{id}", VIEWER),
    (Method::PUT, "/api/v1/logs/{id}/feedback", ANALYST),
    (Method::DELETE, "/api/v1/logs/{id}/feedback", ANALYST),
    (Method::GET, "/api/v1/stats", VIEWER),
    (Method::GET, "/api/v1/stats/timeseries", VIEWER),
    (Method::GET, "/api/v1/stats/top", VIEWER),
    (Method::GET, "/api/v1/stats/feedback", VIEWER),
    (Method::GET, "/api/v1/live", VIEWER),
    (Method::GET, "/api/v1/live/events", VIEWER),
    (Method::POST, "/api/v1/analyze", ANALYST),
    (Method::POST, "/api/v1/analyze/batch", ANALYST),
    (Method::GET, "/api/v1/rules", VIEWER),
    (Method::GET, "/api/v1/rules/{id}", VIEWER),
    (Method::POST, "/api/v1/rules/test", ANALYST),
    (Method::GET, "/api/v1/exceptions", VIEWER),
    (Method::POST, "/api/v1/exceptions", ADMIN),
    (Method::DELETE, "/api/v1/exceptions/{id}", ADMIN),
    (Method::GET, "/api/v1/models", VIEWER),
    (Method::GET, "/api/v1/models/timeseries", VIEWER),
    (Method::GET, "/api/v1/models/compare", VIEWER),
    (Method::GET, "/api/v1/models/{name}", VIEWER),
    (Method::PATCH, "/api/v1/models/{name}", ADMIN),
    (Method::GET, "/api/v1/subjects", VIEWER),
    (Method::GET, "/api/v1/subjects/{id}", VIEWER),
    (Method::GET, "/api/v1/bans", VIEWER),
    (Method::POST, "/api/v1/bans", ANALYST),
    (Method::DELETE, "/api/v1/bans/{subject}", ANALYST),
    (Method::GET, "/api/v1/allowed", VIEWER),
    (Method::POST, "/api/v1/allowed", ADMIN),
    (Method::DELETE, "/api/v1/allowed/{subject}", ADMIN),
    (Method::GET, "/api/v1/alerts", VIEWER),
    (Method::GET, "/api/v1/alerts/{id}", VIEWER),
    (Method::POST, "/api/v1/alerts/{id}/acknowledge", ANALYST),
    (Method::POST, "/api/v1/alerts/{id}/reopen", ANALYST),
    (Method::POST, "/api/v1/alerts/{id}/comments", ANALYST),
    (Method::GET, "/api/v1/alerts/deliveries/dead", ADMIN),
    (Method::POST, "/api/v1/alerts/deliveries/{id}/retry", ADMIN),
    (Method::GET, "/api/v1/config", VIEWER),
    (Method::PUT, "/api/v1/config", ADMIN),
    (Method::PATCH, "/api/v1/config/policies/{name}", ADMIN),
    (Method::GET, "/api/v1/config/versions", VIEWER),
    (Method::POST, "/api/v1/config/rollback", ADMIN),
    (Method::POST, "/api/v1/login", Least::Anybody),
    (Method::GET, "/api/v1/oidc/login", Least::Anybody),
    (Method::GET, "/api/v1/oidc/callback", Least::Anybody),
    (Method::POST, "/api/v1/logout", VIEWER),
    (Method::GET, "/api/v1/session", VIEWER),
    (Method::GET, "/api/v1/sessions", VIEWER),
    (Method::DELETE, "/api/v1/sessions/{id}", VIEWER),
    (Method::POST, "/api/v1/password", VIEWER),
    (Method::GET, "/api/v1/tokens", VIEWER),
    (Method::POST, "/api/v1/tokens", VIEWER),
    (Method::DELETE, "/api/v1/tokens/{id}", VIEWER),
    (Method::GET, "/api/v1/users", ADMIN),
    (Method::POST, "/api/v1/users", ADMIN),
    (Method::PATCH, "/api/v1/users/{name}", ADMIN),
    (Method::DELETE, "/api/v1/users/{name}", ADMIN),
    (Method::GET, "/api/v1/audit", ADMIN),
];
