//! The settings as they serve, what API changes have made of the file, and going back.

use axum::extract::State;
use axum::routing::{get, patch, post};
use axum::{Extension, Json, Router};
use portcullis_store::overlay::{self as store, OverlayVersion};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, OpenApi, ToSchema};

use crate::access::Remark;
use crate::api::Api;
use crate::caller::Caller;
use crate::extract::{self, Path, Query};
use crate::overlay::{self, Change, Mode, Overlay, PolicyOverlay, ThresholdsOverlay};
use crate::problem::Problem;
use crate::time::rfc3339;
use crate::users::remark_of;

/// The settings as they serve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Settings {
    /// The latest version of the settings made by API; 0 where nothing was ever changed.
    pub version: i64,
    /// The version that serves on the gateway that answers.
    pub applied: i64,
    /// What lies over the file.
    pub overlay: Overlay,
    /// The policies as they serve.
    pub policies: Vec<Policy>,
    /// Everything that serves, defaults included, secrets blacked out. The schema is that of `portcullis config schema`.
    #[schema(value_type = Object)]
    pub settings: Value,
}

/// A policy as it serves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Policy {
    /// Its name.
    pub name: String,
    /// `enforce`, `observe` or `off`.
    pub mode: String,
    /// From which score on what is done; 101 means never.
    pub thresholds: Thresholds,
    /// How suspicious the rules are, 1 to 4.
    pub paranoia: u8,
    /// How many exceptions it has, those of the file included.
    pub exceptions: usize,
    /// Whether it takes part in behaviour.
    pub behaviour: bool,
    /// Whether answers are inspected.
    pub responses: bool,
    /// The routes that name it.
    pub routes: Vec<String>,
}

/// From which score on what is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Thresholds {
    /// Forward it with the score in a header.
    pub tag: u8,
    /// Answer 429, or delay it.
    pub throttle: u8,
    /// Answer 403.
    pub deny: u8,
}

/// New settings.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSettings {
    /// The version that they replace, so that nobody overwrites what they have not seen.
    #[schema(minimum = 0)]
    pub base: i64,
    /// What shall lie over the file.
    pub overlay: Overlay,
    /// Why.
    #[serde(default)]
    #[schema(max_length = 1024)]
    pub comment: String,
}

/// What to change of one policy; what is absent stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PolicyChange {
    /// Whether verdicts are carried out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub mode: Option<Mode>,
    /// From which score on what is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub thresholds: Option<ThresholdsOverlay>,
    /// How suspicious the rules are, 1 to 4.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1, maximum = 4)]
    pub paranoia: Option<u8>,
    /// Why.
    #[schema(max_length = 1024)]
    pub comment: String,
}

/// Which version to go back to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rollback {
    /// Its number; 0 is the file alone.
    #[schema(minimum = 0)]
    pub version: i64,
    /// Why.
    #[serde(default)]
    #[schema(max_length = 1024)]
    pub comment: String,
}

/// One version of the settings made by API.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Version {
    /// Counts from 1.
    pub version: i64,
    /// When it was made.
    #[schema(format = "date-time")]
    pub made: String,
    /// Who made it.
    pub author: String,
    /// Why.
    pub comment: String,
    /// What it changed against the version before.
    pub changes: Vec<Change>,
    /// The whole of it.
    pub overlay: Overlay,
}

/// Some versions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct VersionList {
    /// Latest first.
    pub versions: Vec<Version>,
    /// The `before` of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next: Option<i64>,
}

/// Which versions.
#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct VersionQuestion {
    /// Only those below this number.
    #[param(nullable = false, minimum = 1)]
    before: Option<i64>,
    /// At most this many.
    #[param(nullable = false, minimum = 1, maximum = 100, default = 20)]
    limit: Option<i64>,
}

/// The routes of this module.
pub fn router() -> Router<Api> {
    Router::new()
        .route("/api/v1/config", get(read).put(write))
        .route("/api/v1/config/policies/{name}", patch(adjust))
        .route("/api/v1/config/versions", get(versions))
        .route("/api/v1/config/rollback", post(rollback))
}

/// The documentation of this module.
#[derive(OpenApi)]
#[openapi(paths(read, write, adjust, versions, rollback))]
pub struct Doc;

/// Show the settings as they serve
#[utoipa::path(get, path = "/api/v1/config", tag = "config", responses(
    (status = 200, description = "The settings", body = Settings),
    (status = 503, description = "There is no store", body = Problem, content_type = "application/problem+json"),
))]
async fn read(State(api): State<Api>) -> Result<Json<Settings>, Problem> {
    let (version, overlay) = overlay::current(&api).await?;
    let gateway = api.gateway();
    Ok(Json(Settings {
        version,
        applied: gateway.overlay_version(),
        overlay,
        policies: gateway.policies(),
        settings: gateway.settings(),
    }))
}

/// Replace what lies over the file
#[utoipa::path(put, path = "/api/v1/config", tag = "config", request_body = NewSettings, responses(
    (status = 200, description = "It serves here; other gateways follow within two seconds", body = Version),
    (status = 409, description = "The settings were changed meanwhile", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "They make no sense", body = Problem, content_type = "application/problem+json"),
))]
async fn write(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    extract::Json(new): extract::Json<NewSettings>,
) -> Result<Json<Version>, Problem> {
    overlay::short(&new.comment)?;
    let made = overlay::replace(&api, &caller.name, &new.comment, new.base, new.overlay).await?;
    version(made).map(Json)
}

/// Change some settings of one policy
///
/// The rest of what lies over the file stays, whoever changed it last. It becomes a version like any other.
#[utoipa::path(patch, path = "/api/v1/config/policies/{name}", tag = "config", params(("name" = String, Path, description = "The policy")), request_body = PolicyChange, responses(
    (status = 200, description = "It serves here; other gateways follow within two seconds", body = Version),
    (status = 404, description = "There is no such policy", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "Nothing would change, or the settings were changed meanwhile", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "It makes no sense", body = Problem, content_type = "application/problem+json"),
))]
async fn adjust(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    extract::Json(wanted): extract::Json<PolicyChange>,
) -> Result<(Extension<Remark>, Json<Version>), Problem> {
    overlay::short(&wanted.comment)?;
    let policies = api.gateway().policies();
    if !policies.iter().any(|policy| policy.name == name) {
        return Err(Problem::not_found("there is no such policy"));
    }
    let made = overlay::change(&api, &caller.name, &wanted.comment, |overlay| {
        let before = overlay.policies.clone();
        wanted.lay_over(overlay.policies.entry(name.clone()).or_default());
        overlay.tidy();
        if overlay.policies == before {
            return Err(Problem::conflict("it is so already"));
        }
        Ok(())
    });
    let made = version(made.await?)?;
    let remark = Remark::of(format!("{name}: version {}", made.version));
    Ok((remark_of(remark), Json(made)))
}

impl PolicyChange {
    fn lay_over(&self, policy: &mut PolicyOverlay) {
        policy.mode = self.mode.or(policy.mode);
        policy.paranoia = self.paranoia.or(policy.paranoia);
        if let Some(wanted) = self.thresholds {
            let before = policy.thresholds.unwrap_or_default();
            policy.thresholds = Some(ThresholdsOverlay {
                tag: wanted.tag.or(before.tag),
                throttle: wanted.throttle.or(before.throttle),
                deny: wanted.deny.or(before.deny),
            });
        }
    }
}

/// List the versions of the settings made by API
#[utoipa::path(get, path = "/api/v1/config/versions", tag = "config", params(VersionQuestion), responses(
    (status = 200, description = "The versions, latest first", body = VersionList),
    (status = 400, description = "The question makes no sense", body = Problem, content_type = "application/problem+json"),
))]
async fn versions(
    State(api): State<Api>,
    Query(question): Query<VersionQuestion>,
) -> Result<Json<VersionList>, Problem> {
    let limit = question.limit.unwrap_or(20);
    let before = question.before.unwrap_or(i64::MAX);
    if !(1..=100).contains(&limit) || before < 1 {
        return Err(Problem::bad_request(
            "`limit` is 1 to 100, `before` at least 1",
        ));
    }
    let mut found = store::versions(&api.database()?, before, limit + 1).await?;
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = found.len() > most;
    found.truncate(most);
    let next = found.last().filter(|_| more).map(|last| last.version);
    let versions = found.into_iter().map(version).collect::<Result<_, _>>()?;
    Ok(Json(VersionList { versions, next }))
}

/// Go back to an earlier version
#[utoipa::path(post, path = "/api/v1/config/rollback", tag = "config", request_body = Rollback, responses(
    (status = 200, description = "It serves here again, as a new version", body = Version),
    (status = 404, description = "There is no such version", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "The settings were changed meanwhile", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "It no longer fits the file", body = Problem, content_type = "application/problem+json"),
))]
async fn rollback(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    extract::Json(wanted): extract::Json<Rollback>,
) -> Result<Json<Version>, Problem> {
    overlay::short(&wanted.comment)?;
    let earlier = match wanted.version {
        0 => Overlay::default(),
        number => {
            let found = store::version(&api.database()?, number).await?;
            overlay::read(&found.ok_or_else(|| Problem::not_found("there is no such version"))?)?
        }
    };
    let comment = match wanted.comment.as_str() {
        "" => format!("back to version {}", wanted.version),
        comment => comment.to_owned(),
    };
    let made = overlay::change(&api, &caller.name, &comment, |overlay| {
        *overlay = earlier.clone();
        Ok(())
    });
    version(made.await?).map(Json)
}

fn version(stored: OverlayVersion) -> Result<Version, Problem> {
    Ok(Version {
        overlay: overlay::read(&stored)?,
        changes: serde_json::from_str(&stored.changes).map_err(Problem::fault)?,
        version: stored.version,
        made: rfc3339(stored.made_ms),
        author: stored.author,
        comment: stored.comment,
    })
}
