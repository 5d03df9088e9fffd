//! Tenants: who belongs to one sees what its hosts and routes got and nothing else. A route that does not ask the
//! caller's scope is closed to them, so that a new one shows nothing of others by being forgotten.

use portcullis_store::Scope;
use portcullis_store::access::User;

use super::Settings;
use crate::caller::Role;

/// The routes whose handlers look at [`Caller::scope`](crate::Caller), or which are about the caller alone.
const OPEN: &[&str] = &[
    "/api/v1/session",
    "/api/v1/sessions",
    "/api/v1/sessions/{id}",
    "/api/v1/logout",
    "/api/v1/password",
    "/api/v1/tokens",
    "/api/v1/tokens/{id}",
    "/api/v1/alerts",
    "/api/v1/alerts/{id}",
    "/api/v1/alerts/{id}/acknowledge",
    "/api/v1/alerts/{id}/reopen",
    "/api/v1/alerts/{id}/comments",
    "/api/v1/logs",
    "/api/v1/logs/{id}",
    "/api/v1/logs/{id}/feedback",
    "/api/v1/logs.csv",
    "/api/v1/logs.ndjson",
    "/api/v1/stats",
    "/api/v1/stats/timeseries",
    "/api/v1/stats/top",
    "/api/v1/stats/feedback",
    "/api/v1/subjects/{id}",
    "/api/v1/live",
    "/api/v1/live/events",
];

/// Whether who belongs to a tenant may use the route at all.
pub fn may_use(path: &str) -> bool {
    OPEN.contains(&path) || !path.starts_with("/api/")
}

/// What a user sees: `None` is everything. A tenant that the configuration does not know any more owns nothing.
pub fn scope_of(user: &User, settings: &Settings) -> Option<Scope> {
    let tenant = user.tenant.as_ref()?;
    Some(settings.tenants.get(tenant).cloned().unwrap_or_default())
}

/// The most that a user of a tenant may be: what an admin changes holds for everybody.
pub fn role_of(role: Role, tenant: Option<&String>) -> Role {
    match tenant {
        Some(_) => role.min(Role::Analyst),
        None => role,
    }
}
