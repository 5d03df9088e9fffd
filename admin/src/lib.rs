//! The admin API: what happened, why, and what to do about it, for programs and for the console. This crate holds the
//! routes, who may use them, the alerts and their delivery, and the live feed. It asks the running gateway through
//! [`Gateway`] and the store through `portcullis-store`; sockets of the proxy, rules and behaviour are not its business.
//!
//! Each module is one subject with its own routes and their documentation; [`router`] puts them together.

pub mod access;
pub mod alerts;
pub mod allowed;
pub mod analyze;
pub mod api;
pub mod bans;
pub mod caller;
pub mod config;
mod console;
pub mod extract;
pub mod gateway;
mod headers;
mod http_client;
pub mod info;
pub mod live;
pub mod logs;
pub mod models;
pub mod openapi;
pub mod overlay;
pub mod problem;
pub mod routes;
pub mod rules;
pub mod stats;
pub mod subjects;
pub mod time;
pub mod users;
pub mod verdict;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::Response;

pub use self::access::Access;
pub use self::api::Api;
pub use self::caller::{Caller, Role};
pub use self::gateway::{Counted, Gateway};
pub use self::live::Hub;
use self::problem::Problem;

/// The longest body that is read, in bytes: a batch of a hundred requests with bodies of their own.
pub const MOST_BODY: usize = 4 << 20;

/// The admin plane: all routes, the guard in front of them, the console's files, and what every answer goes through.
pub fn plane(api: Api, access: &Access) -> Router {
    let routes = router(api.clone()).merge(users::router(access.clone()));
    let console = middleware::from_fn_with_state(console::SITE, console::serve);
    finish(access.protect(routes).layer(console), api)
}

/// The routes of this crate that are about traffic and settings, without the guard that decides who may use them.
pub fn router(api: Api) -> Router {
    Router::new()
        .merge(info::router())
        .merge(analyze::router())
        .merge(logs::router())
        .merge(stats::router())
        .merge(live::router())
        .merge(rules::router())
        .merge(models::router())
        .merge(subjects::router())
        .merge(bans::router())
        .merge(allowed::router())
        .merge(alerts::routes::router())
        .merge(config::router())
        .merge(openapi::router())
        .fallback(nothing_here)
        .method_not_allowed_fallback(not_this_way)
        .layer(DefaultBodyLimit::max(MOST_BODY))
        .with_state(api)
}

/// What every answer goes through, whoever gives it: it is counted, and gets the headers that keep it from being
/// cached, framed or run.
fn finish(router: Router, api: Api) -> Router {
    router
        .layer(middleware::from_fn(headers::secure))
        .layer(middleware::from_fn_with_state(api, count))
}

async fn nothing_here() -> Problem {
    Problem::not_found("nothing is served here; /api/v1/docs shows what is")
}

async fn not_this_way() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "this method is not allowed here; the Allow header names those that are",
    )
}

async fn count(State(api): State<Api>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    api.gateway()
        .count(Counted::Answered(response.status().as_u16()));
    response
}

#[cfg(test)]
mod tests;
