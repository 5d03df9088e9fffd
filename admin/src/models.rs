//! The models: which there are, whether each is up, what each did, how it was measured, and what can be set of it while
//! it serves. A change is part of the settings made by API (`overlay.rs`): a version with who, when and what differs,
//! that can be rolled back.

mod compare;
mod timeseries;

use std::collections::BTreeMap;

use axum::extract::State;
use axum::routing::get;
use axum::{Extension, Json, Router};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

use crate::api::Api;
use crate::caller::Caller;
use crate::extract::{self, Path};
use crate::overlay::{self, ModelOverlay};
use crate::problem::Problem;

/// The models, and how they are asked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ModelList {
    /// Whether models are asked at all (`ensemble.enabled`).
    pub enabled: bool,
    /// Why there are none, or why none but the gate can run: the manifest cannot be read, the runtime is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub problem: Option<String>,
    /// Thresholds of what the models say together; absent where there is no manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub joint: Option<JointThresholds>,
    /// How much each group counts.
    pub groups: BTreeMap<String, f64>,
    /// How long the models of one request may take, in microseconds.
    pub deadline_us: f64,
    /// When deep models are asked: `grey`, `always`, `never`.
    pub deep: String,
    /// In the order of the manifest.
    pub models: Vec<Model>,
}

/// Thresholds of the joint probability.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JointThresholds {
    /// From here on a request is tagged.
    pub tag: f64,
    /// From here on the models deny alone; above 1: never.
    pub deny: f64,
    /// Below this, weak rules weigh less.
    pub lower: f64,
    /// Deep models are asked between these two.
    pub grey: [f64; 2],
    /// Below this, what the first two models say together settles it where no rule found anything; 0: never.
    #[serde(default)]
    pub clear: f64,
    /// The measured share of harmless requests at or above `deny` of the manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub false_alarm_rate: Option<f64>,
}

/// Whether a model runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// It runs.
    Up,
    /// It cannot be run; `why` says why.
    #[default]
    Down,
    /// The manifest switches it off.
    Off,
}

/// A model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Model {
    /// Its name.
    pub name: String,
    /// What it is for: `vote`, `gate` (votes and ranks the fields), `classifier` (names the category).
    pub role: String,
    /// What it reads: `request`, `fields`, `characters`, ….
    pub view: String,
    /// With whom it votes: `unsupervised`, `supervised`, `neural`; absent for a classifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub group: Option<String>,
    /// When it is asked: `cheap` (on every request with something to judge), `deep` (in doubt).
    pub cost: String,
    /// Its weight within the group, as it serves.
    pub weight: f64,
    /// Whether it is run and shown without a say, as it serves.
    pub shadow: bool,
    /// The calibrated probability from which it counts as agreeing, as it serves.
    pub threshold: f64,
    /// The same three as the manifest has them.
    pub manifest: Shipped,
    /// How its output becomes a probability, in words.
    pub calibration: String,
    /// Whether it runs.
    pub state: Standing,
    /// Why it does not; absent where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub why: Option<String>,
    /// The measured share of harmless requests at or above the manifest's threshold; absent where nobody measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub false_alarm_rate: Option<f64>,
    /// The sets it was trained on.
    pub data: Vec<String>,
    /// When it was made.
    pub date: String,
    /// SHA-256 of its file.
    pub sha256: String,
    /// What it did since the process began.
    pub counts: ModelCounts,
    /// How long one run takes on average, in microseconds; absent before the first, and for the gate, which is no call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub mean_call_us: Option<f64>,
}

/// What the manifest says of a model where nothing lies over it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Shipped {
    /// Its weight within the group.
    pub weight: f64,
    /// Whether it is run and shown without a say.
    pub shadow: bool,
    /// The calibrated probability from which it counts as agreeing.
    pub threshold: f64,
}

/// What a model did since the process began; requests that were only tried (`analyze`) are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ModelCounts {
    /// Requests that it had a vote on, shown or counted.
    pub votes: u64,
    /// Of these, those it took for an attack.
    pub agreed: u64,
    /// Requests denied by rules and models together that it took for an attack.
    pub denials: u64,
    /// How often it was left out, by reason: `deadline`, `clear`, `not-grey`, `busy`, `absent`,
    /// `failed`, `no-history`.
    pub skipped: BTreeMap<String, u64>,
}

/// A model with what is known of how it was made and measured. What did not come with the models is null.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ModelDetail {
    /// The model.
    #[serde(flatten)]
    pub model: Model,
    /// Its model card, as Markdown.
    pub card: Option<String>,
    /// How it did on requests and payloads it was not trained on.
    #[schema(inline)]
    pub metrics: Option<Figures>,
    /// Attacks detected against harmless requests wronged, by falling threshold.
    pub roc: Option<Vec<RocPoint>>,
    /// What was taken for what.
    #[schema(inline)]
    pub confusion: Option<Confusion>,
    /// Which features carry it, strongest first.
    pub importance: Option<Vec<Importance>>,
}

/// Measured figures. What does not apply to a kind of model is null.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Figures {
    /// Requests it was measured on.
    pub requests: Option<u64>,
    /// Of these, attacks.
    pub attacks: Option<u64>,
    /// Area under the ROC curve.
    pub auc: Option<f64>,
    /// Area under the curve of precision and recall.
    pub average_precision: Option<f64>,
    /// Expected calibration error over ten bins.
    pub calibration_error: Option<f64>,
    /// Of a classifier: the share of stopped attacks that it named right.
    pub accuracy: Option<f64>,
    /// Of a classifier: the mean of its classes' F1.
    pub macro_f1: Option<f64>,
    /// What it detects where a share of harmless requests is wronged.
    pub at: Vec<Operating>,
    /// What it detects of each class, at the strictest of these shares; of a classifier its F1.
    pub classes: Vec<ClassFigure>,
    /// Harmless requests wronged at the same threshold, by where they come from.
    pub sources: Vec<SourceFigure>,
}

/// Detection at one share of harmless requests wronged.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Operating {
    /// Share of harmless requests at or above the threshold.
    pub wronged: f64,
    /// The threshold.
    pub threshold: f64,
    /// Share of attacks at or above it.
    pub detected: f64,
    /// The 95 % interval of that (Wilson).
    pub interval: [f64; 2],
}

/// One class of attacks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ClassFigure {
    /// Its name.
    pub class: String,
    /// How many there were; null for a classifier.
    pub count: Option<u64>,
    /// Share detected; null for a classifier.
    pub detected: Option<f64>,
    /// F1 of a classifier; null for others.
    pub f1: Option<f64>,
}

/// One source of harmless requests.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SourceFigure {
    /// Its name.
    pub source: String,
    /// How many there were.
    pub count: u64,
    /// Share at or above the threshold.
    pub wronged: f64,
}

/// One point of a ROC curve.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RocPoint {
    /// Share of harmless requests at or above the threshold.
    pub wronged: f64,
    /// Share of attacks at or above it.
    pub detected: f64,
    /// The threshold.
    pub threshold: f64,
}

/// What was taken for what.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Confusion {
    /// The threshold that was asked, where one was; null for a classifier.
    pub threshold: Option<f64>,
    /// The classes, in the order of rows and columns.
    pub labels: Vec<String>,
    /// A row for each true class: how many were taken for each.
    pub rows: Vec<Vec<u64>>,
}

/// How much one feature carries.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Importance {
    /// The feature (docs/FEATURES.md).
    pub feature: String,
    /// Its share of the whole.
    pub share: f64,
}

/// A change of one model. What is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ModelChange {
    /// Its weight within the group; 0: no say.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0, maximum = 1000000)]
    pub weight: Option<f64>,
    /// Whether it is run and shown without a say.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub shadow: Option<bool>,
    /// The calibrated probability from which it counts as agreeing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0, maximum = 1)]
    pub threshold: Option<f64>,
    /// Why.
    #[schema(max_length = 1024)]
    pub comment: String,
}

/// The routes of this module.
pub fn router() -> Router<Api> {
    Router::new()
        .route("/api/v1/models", get(list))
        .route("/api/v1/models/timeseries", get(timeseries::timeseries))
        .route("/api/v1/models/compare", get(compare::compare))
        .route("/api/v1/models/{name}", get(one).patch(change))
}

/// The documentation of this module.
#[derive(OpenApi)]
#[openapi(paths(list, one, change, timeseries::timeseries, compare::compare))]
pub struct Doc;

/// List the models
#[utoipa::path(get, path = "/api/v1/models", tag = "models", responses(
    (status = 200, description = "The models, in the order of the manifest", body = ModelList),
))]
async fn list(State(api): State<Api>) -> Json<ModelList> {
    Json(api.gateway().models())
}

/// Show one model with its card and how it was measured
#[utoipa::path(get, path = "/api/v1/models/{name}", tag = "models", params(("name" = String, Path, description = "The model's name")), responses(
    (status = 200, description = "The model", body = ModelDetail),
    (status = 404, description = "There is no such model", body = Problem, content_type = "application/problem+json"),
))]
async fn one(
    State(api): State<Api>,
    Path(name): Path<String>,
) -> Result<Json<ModelDetail>, Problem> {
    // It reads files.
    let found = api.away(move |gateway| gateway.model(&name)).await?;
    found.map(Json).ok_or_else(unknown)
}

/// Set weight, shadow or threshold of a model
#[utoipa::path(patch, path = "/api/v1/models/{name}", tag = "models", params(("name" = String, Path, description = "The model's name")), request_body = ModelChange, responses(
    (status = 200, description = "The model as it serves now; other gateways follow within two seconds", body = Model),
    (status = 404, description = "There is no such model", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "The settings were changed meanwhile", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "It makes no sense", body = Problem, content_type = "application/problem+json"),
))]
async fn change(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    extract::Json(wanted): extract::Json<ModelChange>,
) -> Result<Json<Model>, Problem> {
    find(&api, &name)?;
    if wanted.weight.is_none() && wanted.shadow.is_none() && wanted.threshold.is_none() {
        return Err(Problem::unprocessable(
            "nothing is to be changed: `weight`, `shadow` or `threshold` is needed",
        ));
    }
    overlay::short(&wanted.comment)?;
    let comment = match wanted.comment.as_str() {
        "" => format!("model {name}"),
        comment => comment.to_owned(),
    };
    overlay::change(&api, &caller.name, &comment, |overlay| {
        wanted.lay(overlay.models.entry(name.clone()).or_default());
        Ok(())
    })
    .await?;
    find(&api, &name).map(Json)
}

impl ModelChange {
    fn lay(&self, over: &mut ModelOverlay) {
        over.weight = self.weight.or(over.weight);
        over.shadow = self.shadow.or(over.shadow);
        over.threshold = self.threshold.or(over.threshold);
    }
}

fn find(api: &Api, name: &str) -> Result<Model, Problem> {
    let mut models = api.gateway().models().models.into_iter();
    models.find(|model| model.name == name).ok_or_else(unknown)
}

fn unknown() -> Problem {
    Problem::not_found("there is no such model")
}
