//! The models: where they are, when they are asked, how much they count.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::{Duration, PathFormat};

/// Models that judge what the rules leave open, and take weight from weak rules where nothing is behind them. They are
/// run by ONNX Runtime, which is looked for in `library`, in the file that `ORT_DYLIB_PATH` names, beside the
/// executable, in `../lib` from there, and in the active Python environment. What cannot be loaded is out, with a
/// message and `portcullis_model_up` 0; the gateway runs on with the rest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Ensemble {
    /// Whether models are loaded and asked. A policy can leave them out with `ensemble: false`.
    pub enabled: bool,
    /// Refuse to start, and refuse a reload, when the runtime or a model cannot be loaded.
    pub required: bool,
    /// The list of the models, `manifest.json`; their files are looked for beside it. Unset: `models/manifest.json`
    /// beside the executable, then in `../share/portcullis` from there.
    #[schemars(with = "Option<PathFormat>")]
    pub manifest: Option<PathBuf>,
    /// The library of ONNX Runtime (`libonnxruntime.so`). Unset: the places named above. A change needs a restart.
    #[schemars(with = "Option<PathFormat>")]
    pub library: Option<PathBuf>,
    /// How long the models may take for one request. One that has begun is not stopped; those after it are skipped,
    /// named in the verdict and counted.
    pub deadline: Duration,
    /// When the deep (slow) models are asked.
    pub deep: Deep,
    /// How much each group of models counts. Groups of which no model voted are left out.
    pub weights: GroupWeights,
    /// How much of the rules' score is taken at the most, in percent, where the models see nothing. What rules of critical
    /// severity and paranoia 1 find is never lowered. 0: nothing is lowered.
    #[schemars(range(max = 100))]
    pub lower_by: u8,
    /// From which joint probability on models alone deny, in place of the manifest's. It should be higher than that: the
    /// rate of false alarms below it was not measured. 101 % (1.01) means never.
    #[schemars(range(min = 0.5, max = 1.01))]
    pub deny: Option<f32>,
    /// What is set of single models over the manifest, by their names. The API changes the same settings
    /// (`PATCH /api/v1/models/{name}`) without a restart.
    pub models: BTreeMap<String, ModelSettings>,
    /// Thresholds that follow what is usual on each route.
    pub adaptive: Adaptive,
}

/// From which joint probability on models deny alone, by what is usual on a route: a quantile of the requests that were
/// let through, and 0.02 above. Requests in which models see nothing to judge do not count. Each change is logged and
/// counted in `portcullis_ensemble_threshold_changes_total`; at most 1,024 routes adapt. What is learnt lasts as long as
/// the process.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Adaptive {
    /// Whether thresholds adapt. Otherwise `deny` or the manifest's holds on all routes.
    pub enabled: bool,
    /// Which quantile of what was let through is usual.
    #[schemars(range(min = 0.5, max = 1.0))]
    pub quantile: f64,
    /// No route's threshold falls below this. Unset: `deny` or the manifest's, so that thresholds only rise; below it the
    /// rate of false alarms was not measured.
    #[schemars(range(min = 0.5, max = 1.0))]
    pub lowest: Option<f64>,
    /// No route's threshold rises above this: what patience can gain an attacker at the most.
    #[schemars(range(min = 0.5, max = 1.0))]
    pub highest: f64,
    /// How long requests are remembered. Thresholds are set anew every half of this.
    pub window: Duration,
    /// With fewer requests than this in the window a route has the threshold of all.
    #[schemars(range(min = 1))]
    pub least: u32,
}

/// What is set of one model over the manifest. What is absent stays as the manifest says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ModelSettings {
    /// Its weight within its group; 0: it is run and shown, and has no say.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1_000_000.0))]
    pub weight: Option<f32>,
    /// Whether it is run and shown without a say. A model that is `off` in the manifest stays off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shadow: Option<bool>,
    /// The calibrated probability from which it counts as agreeing. It decides about consensus and confidence, not about
    /// the joint probability.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub threshold: Option<f32>,
}

/// When the deep models are asked. Unless it is `always`, the gate and one cheap model settle what is clearly harmless.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Deep {
    /// Where the cheap ones are in doubt, and for clients that have raised suspicion.
    #[default]
    Grey,
    /// On every request with something to judge. All cheap ones are too. It costs some 200 µs each.
    Always,
    /// Never.
    Never,
}

/// How much each group of models counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GroupWeights {
    /// Models that learnt without labels.
    pub unsupervised: u16,
    /// Models that learnt with labels.
    pub supervised: u16,
    /// Networks.
    pub neural: u16,
}

impl Default for Ensemble {
    fn default() -> Self {
        Self {
            enabled: false,
            required: false,
            manifest: None,
            library: None,
            deadline: Duration::from_millis(1),
            deep: Deep::Grey,
            weights: GroupWeights::default(),
            lower_by: 60,
            deny: None,
            models: BTreeMap::new(),
            adaptive: Adaptive::default(),
        }
    }
}

impl Default for Adaptive {
    fn default() -> Self {
        Self {
            enabled: false,
            quantile: 0.999,
            lowest: None,
            highest: 0.95,
            window: Duration::from_secs(3600),
            least: 1000,
        }
    }
}

impl Default for GroupWeights {
    fn default() -> Self {
        Self {
            unsupervised: 35,
            supervised: 50,
            neural: 15,
        }
    }
}
