//! What the API is, for programs (`/api/v1/openapi.json`) and for people (`/api/v1/docs`, one page of our own that
//! loads nothing from elsewhere). Each module documents its own routes; here they are put together.

use axum::Router;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};

use crate::api::Api;
use crate::problem::Problem;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Portcullis admin API",
        description = "What happened, why, and what to do about it. Errors are RFC 9457 problem details.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    tags(
        (name = "logs", description = "What happened"),
        (name = "stats", description = "How much happened"),
        (name = "live", description = "What happens now"),
        (name = "alerts", description = "What needs a person"),
        (name = "analyze", description = "What would happen"),
        (name = "rules", description = "What is looked for, and what silences it"),
        (name = "subjects", description = "Who is known, and how well"),
        (name = "bans", description = "Who is refused"),
        (name = "config", description = "What can be set while it runs"),
        (name = "access", description = "Who may use this"),
        (name = "process", description = "What runs here, and how it is"),
    ),
    paths(document_json),
    components(schemas(Problem)),
    modifiers(&Credentials),
    security(("token" = []), ("session" = [])),
)]
struct Frame;

/// What a caller may show.
struct Credentials;

impl Modify for Credentials {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let token = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        let session = ApiKey::Cookie(ApiKeyValue::new("portcullis_session"));
        components.add_security_scheme("token", token);
        components.add_security_scheme("session", SecurityScheme::ApiKey(session));
    }
}

/// The whole document.
pub fn document() -> utoipa::openapi::OpenApi {
    let mut document = Frame::openapi();
    for part in [
        crate::info::Doc::openapi(),
        crate::logs::Doc::openapi(),
        crate::stats::Doc::openapi(),
        crate::analyze::Doc::openapi(),
        crate::live::Doc::openapi(),
        crate::rules::Doc::openapi(),
        crate::subjects::Doc::openapi(),
        crate::bans::Doc::openapi(),
        crate::alerts::routes::Doc::openapi(),
        crate::config::Doc::openapi(),
        crate::users::Doc::openapi(),
    ] {
        document.merge(part);
    }
    document
}

/// The routes of this module.
pub fn router() -> Router<Api> {
    Router::new()
        .route("/api/v1/openapi.json", get(document_json))
        .route("/api/v1/docs", get(page))
        .route("/api/v1/docs/docs.js", get(script))
        .route("/api/v1/docs/docs.css", get(style))
}

/// Show this document
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "process", security(()), responses(
    (status = 200, description = "The document", body = Object),
))]
async fn document_json() -> Response {
    match document().to_json() {
        Ok(json) => typed("application/json", json),
        Err(error) => Problem::fault(error).into_response(),
    }
}

async fn page() -> Response {
    let mut response = typed(
        "text/html; charset=utf-8",
        include_str!("openapi/docs.html"),
    );
    response.headers_mut().insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(PAGE_POLICY),
    );
    response
}

async fn script() -> Response {
    typed(
        "text/javascript; charset=utf-8",
        include_str!("openapi/docs.js"),
    )
}

async fn style() -> Response {
    typed("text/css; charset=utf-8", include_str!("openapi/docs.css"))
}

fn typed(content_type: &'static str, body: impl IntoResponse) -> Response {
    let mut response = body.into_response();
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// The page runs its own script, asks this server, and nothing else.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
