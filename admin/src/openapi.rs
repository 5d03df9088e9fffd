//! What the API is, for programs (`/api/v1/openapi.json`) and for people (`/api/v1/docs`, one page of our own that
//! loads nothing from elsewhere). Each module documents its own routes; here they are put together.

use std::collections::BTreeMap;

use axum::Router;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::AdditionalProperties;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{Components, ContentBuilder, Object, Ref, RefOr, ResponseBuilder, Schema};
use utoipa::{Modify, OpenApi};

use crate::api::Api;
use crate::problem::{PROBLEM_JSON, Problem};

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
        (name = "models", description = "What the models are, and how much each counts"),
        (name = "subjects", description = "Who is known, and how well"),
        (name = "bans", description = "Who is refused, and who is allowed"),
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
        let session = ApiKey::Cookie(ApiKeyValue::new("portcullis-PORT"));
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
        crate::models::Doc::openapi(),
        crate::subjects::Doc::openapi(),
        crate::bans::Doc::openapi(),
        crate::allowed::Doc::openapi(),
        crate::alerts::routes::Doc::openapi(),
        crate::config::Doc::openapi(),
        crate::users::Doc::openapi(),
    ] {
        document.merge(part);
    }
    for (path, item) in &mut document.paths.paths {
        let operations = [
            ("get", &mut item.get),
            ("post", &mut item.post),
            ("put", &mut item.put),
            ("patch", &mut item.patch),
            ("delete", &mut item.delete),
        ];
        for (method, operation) in operations {
            let Some(operation) = operation else { continue };
            operation.operation_id = Some(name(method, path));
            usual_answers(operation);
        }
    }
    if let Some(components) = &mut document.components {
        components
            .schemas
            .values_mut()
            .for_each(forget_null_defaults);
        write_out_closed_parts(components);
    }
    document
}

/// A default of `null` says that a member may be left out, which it is anyway where nothing requires it; and `null`
/// itself is refused in what is sent here.
fn forget_null_defaults(schema: &mut RefOr<Schema>) {
    let RefOr::T(Schema::Object(object)) = schema else {
        return;
    };
    for property in object.properties.values_mut() {
        let default = match property {
            RefOr::Ref(named) => &mut named.default,
            RefOr::T(Schema::Object(object)) => &mut object.default,
            RefOr::T(Schema::Array(list)) => &mut list.default,
            RefOr::T(_) => continue,
        };
        default.take_if(|value| value.is_null());
    }
}

/// What is put together of a schema and further members must not name one that admits no others: nothing would fit both.
/// Such a part is written out instead, open.
fn write_out_closed_parts(components: &mut Components) {
    let opened = |(name, schema): (&String, &RefOr<Schema>)| match schema {
        RefOr::T(Schema::Object(object)) if is_closed(object) => {
            let mut open = object.clone();
            open.additional_properties = None;
            Some((
                format!("#/components/schemas/{name}"),
                RefOr::T(Schema::Object(open)),
            ))
        }
        _ => None,
    };
    let opened: BTreeMap<String, RefOr<Schema>> =
        components.schemas.iter().filter_map(opened).collect();
    for schema in components.schemas.values_mut() {
        let RefOr::T(Schema::AllOf(whole)) = schema else {
            continue;
        };
        for part in &mut whole.items {
            let named = match part {
                RefOr::Ref(named) => opened.get(&named.ref_location),
                RefOr::T(_) => None,
            };
            if let Some(open) = named {
                *part = open.clone();
            }
        }
    }
}

fn is_closed(object: &Object) -> bool {
    let others = object.additional_properties.as_deref();
    matches!(others, Some(AdditionalProperties::FreeForm(false)))
}

/// What programs that are generated from the document call an operation: `get_logs_by_id` for `GET /api/v1/logs/{id}`.
/// Handlers of two modules may bear one name, method and path are unique.
fn name(method: &str, path: &str) -> String {
    let path = path.strip_prefix("/api/v1").unwrap_or(path);
    let mut name = method.to_owned();
    for part in path.split('/').filter(|part| !part.is_empty()) {
        name.push('_');
        match part
            .strip_prefix('{')
            .and_then(|part| part.strip_suffix('}'))
        {
            Some(parameter) => name.push_str(&format!("by_{parameter}")),
            None => name.push_str(&part.replace(['.', '-'], "_")),
        }
    }
    name
}

/// Writes down what every operation of a kind may answer: the guard refuses, a query or body cannot be read, the store
/// is away.
fn usual_answers(operation: &mut Operation) {
    let (mut usual, mut bare) = (Vec::new(), Vec::new());
    let is_open = operation
        .security
        .as_ref()
        .is_some_and(|security| !security.is_empty());
    if !is_open {
        usual.push(("401", "Nobody has been shown to call, or no longer"));
        usual.push(("403", "The caller may not do this"));
        usual.push(("503", "The store does not answer, or there is none"));
    }
    if operation
        .parameters
        .as_ref()
        .is_some_and(|all| !all.is_empty())
        || !is_open
    {
        usual.push(("400", "The request cannot be understood"));
    }
    if operation
        .parameters
        .as_ref()
        .is_some_and(|all| !all.is_empty())
    {
        bare.push(("414", "The URL is too long"));
        bare.push(("431", "The head is too long"));
    }
    if operation.request_body.is_some() {
        usual.push(("400", "The body is no JSON"));
        usual.push(("408", "The body did not arrive in time"));
        usual.push(("413", "The body is too long"));
        usual.push(("415", "The body is not said to be JSON"));
        usual.push(("422", "The body makes no sense"));
    }
    for (status, description) in bare {
        let response = ResponseBuilder::new().description(description).build();
        let answers = &mut operation.responses.responses;
        answers.entry(status.to_owned()).or_insert(response.into());
    }
    for (status, description) in usual {
        let problem = ContentBuilder::new()
            .schema(Some(Ref::from_schema_name("Problem")))
            .build();
        let response = ResponseBuilder::new()
            .description(description)
            .content(PROBLEM_JSON, problem)
            .build();
        let answers = &mut operation.responses.responses;
        answers.entry(status.to_owned()).or_insert(response.into());
    }
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
