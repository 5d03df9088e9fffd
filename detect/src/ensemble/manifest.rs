//! The manifest: which models there are, what each reads and how it votes. It is written by the training and checked
//! here, entry by entry, so that one bad entry takes out one model. `docs/FEATURES.md` is the reference.

use serde::Deserialize;

use super::calibration::Calibration;
use crate::feature::View;
use crate::rule::Category;

/// The format that is read here.
const FORMAT: u32 = 1;

/// More models than this are refused: each costs memory in every worker.
pub const MOST_MODELS: usize = 64;

/// The whole file.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    format: u32,
    /// Thresholds of the joint probability.
    #[serde(default)]
    pub joint: Joint,
    /// The models.
    pub models: Vec<Entry>,
}

/// Thresholds of the joint probability, as measured.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Joint {
    /// From here on a request is tagged.
    pub tag: f32,
    /// From here on the models alone may deny.
    pub deny: f32,
    /// The measured share of harmless requests at or above `deny`.
    pub false_alarm_rate: Option<f32>,
    /// Below this, weak rules weigh less.
    pub lower: f32,
    /// Between these two, deep members are asked.
    pub grey: [f32; 2],
    /// Below this, what the first two members say together, the gate and a cheap one, settles it: the others are not
    /// asked where no rule found anything either. 0: all cheap members are always asked.
    pub clear: f32,
}

impl Default for Joint {
    fn default() -> Self {
        Self {
            tag: 0.8,
            // Nothing reaches it: who measured nothing denies nothing.
            deny: 2.0,
            false_alarm_rate: None,
            lower: 0.0,
            grey: [0.02, 0.98],
            clear: 0.0,
        }
    }
}

/// One model.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its name: small letters, digits and `-`.
    pub name: String,
    /// Its file, relative to the manifest.
    pub file: String,
    /// SHA-256 of the file, 64 hexadecimal digits.
    pub sha256: String,
    /// What it reads.
    pub view: View,
    /// The schema of that view that it was trained on.
    pub schema: String,
    /// What it is for.
    #[serde(default)]
    pub role: Role,
    /// With whom it votes.
    pub group: Option<Group>,
    /// Its weight within the group.
    #[serde(default = "one")]
    pub weight: f32,
    /// When it is run.
    #[serde(default)]
    pub cost: Cost,
    /// Whether it counts.
    #[serde(default)]
    pub mode: Mode,
    /// Whether it was trained with what the gate says.
    #[serde(default)]
    pub needs_gate: bool,
    /// From its output to a probability.
    #[serde(default)]
    pub calibration: Calibration,
    /// The probability from which it counts as agreeing.
    #[serde(default = "half")]
    pub threshold: f32,
    /// The measured share of harmless requests at or above `threshold`.
    pub false_alarm_rate: Option<f32>,
    /// Of a classifier: the categories of its outputs; `benign` for none.
    #[serde(default)]
    pub classes: Vec<String>,
    /// What it was trained on.
    #[serde(default)]
    pub data: Vec<String>,
    /// When.
    #[serde(default)]
    pub date: String,
    /// Its model card, relative to the manifest.
    pub card: Option<String>,
}

/// What a model is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// It says how likely an attack is.
    #[default]
    Vote,
    /// It also ranks the fields.
    Gate,
    /// It names the category.
    Classifier,
}

/// With whom a model votes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Group {
    /// Learnt without labels.
    Unsupervised,
    /// Learnt with labels.
    Supervised,
    /// Networks.
    Neural,
}

/// When a model is run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cost {
    /// On every request with something to judge.
    #[default]
    Cheap,
    /// Where the cheap ones are in doubt.
    Deep,
}

/// Whether a model counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// It does.
    #[default]
    Active,
    /// It is run and shown, and has no vote.
    Shadow,
    /// It is not run.
    Off,
}

impl Group {
    /// All groups, in the order of their discriminants.
    pub const ALL: [Group; 3] = [Group::Unsupervised, Group::Supervised, Group::Neural];

    /// The name in manifests and records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Group::Unsupervised => "unsupervised",
            Group::Supervised => "supervised",
            Group::Neural => "neural",
        }
    }
}

fn one() -> f32 {
    1.0
}

fn half() -> f32 {
    0.5
}

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// A sentence: it is no JSON of this shape, of another format, or has thresholds that make no sense.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let manifest: Self =
            serde_json::from_slice(bytes).map_err(|error| format!("it cannot be read: {error}"))?;
        if manifest.format != FORMAT {
            let format = manifest.format;
            return Err(format!(
                "it is of format {format}; this gateway reads {FORMAT}"
            ));
        }
        if manifest.models.len() > MOST_MODELS {
            let count = manifest.models.len();
            return Err(format!(
                "it lists {count} models; at most {MOST_MODELS} are run"
            ));
        }
        manifest.joint.check()?;
        Ok(manifest)
    }

    /// What is wrong with the entry at this index, as a sentence.
    pub fn problem(&self, index: usize) -> Option<String> {
        let entry = self.models.get(index)?;
        let earlier = &self.models[..index];
        if earlier.iter().any(|other| other.name == entry.name) {
            return Some("another model bears the same name".to_owned());
        }
        for (role, what) in [(Role::Gate, "gate"), (Role::Classifier, "classifier")] {
            let taken = earlier
                .iter()
                .any(|other| other.role == role && other.mode == Mode::Active);
            if entry.role == role && entry.mode == Mode::Active && taken {
                return Some(format!("there is another {what}; there can be one"));
            }
        }
        entry.problem()
    }
}

impl Joint {
    fn check(&self) -> Result<(), String> {
        let [from, to] = self.grey;
        let ordered =
            self.lower <= self.tag && self.clear <= self.tag && self.tag <= self.deny && from <= to;
        let numbers = [self.tag, self.deny, self.lower, self.clear, from, to];
        if !ordered
            || numbers
                .iter()
                .any(|number| !number.is_finite() || *number < 0.0)
        {
            return Err(
                "`joint` needs 0 ≤ lower ≤ tag ≤ deny, 0 ≤ clear ≤ tag and an ordered `grey`"
                    .to_owned(),
            );
        }
        if self.deny <= 1.0 && self.false_alarm_rate.is_none() {
            return Err(
                "`joint.deny` lets models deny alone, so `joint.false_alarm_rate` must say how often they are wrong"
                    .to_owned(),
            );
        }
        Ok(())
    }
}

impl Entry {
    fn problem(&self) -> Option<String> {
        let good = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-';
        let named = (1..=48).contains(&self.name.len()) && self.name.as_bytes().iter().all(good);
        if !named {
            return Some("a name is 1 to 48 small letters, digits and `-`".to_owned());
        }
        if self.file.is_empty() || self.file.starts_with('/') || self.file.contains("..") {
            return Some(format!("{:?} is no file beside the manifest", self.file));
        }
        let ours = self.view.schema();
        if self.schema != ours {
            let view = self.view.as_str();
            let theirs = &self.schema;
            return Some(format!(
                "it was trained on schema {theirs} of the view {view}, and this gateway computes {ours}: train it anew, or run the gateway that it was trained with"
            ));
        }
        if self.view.shape().is_none() != (self.role == Role::Gate) {
            let view = self.view.as_str();
            return Some(format!("no model of this role reads the view {view}"));
        }
        if !(0.0..=1e6).contains(&self.weight) || !(0.0..=1.0).contains(&self.threshold) {
            return Some("`weight` must be 0 or more, `threshold` from 0 to 1".to_owned());
        }
        if self.role == Role::Classifier {
            return self.class_problem();
        }
        if self.group.is_none() {
            return Some("who votes needs a `group`".to_owned());
        }
        let problem = self.calibration.problem()?;
        Some(format!("calibration: {problem}"))
    }

    fn class_problem(&self) -> Option<String> {
        if self.classes.is_empty() {
            return Some("a classifier needs `classes`".to_owned());
        }
        let unknown = self
            .classes
            .iter()
            .find(|name| *name != BENIGN && category(name).is_none())?;
        Some(format!("{unknown:?} is no category"))
    }
}

/// The class of what is no attack.
const BENIGN: &str = "benign";

/// The category of a class's name.
pub(super) fn category(name: &str) -> Option<Category> {
    serde_json::from_value(name.into()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(change: &str) -> Result<Manifest, String> {
        let schema = View::Request.schema();
        let mut value = serde_json::json!({
            "format": 1,
            "joint": { "tag": 0.5, "deny": 0.9, "false_alarm_rate": 0.001, "lower": 0.1 },
            "models": [
                { "name": "a", "file": "a.onnx", "sha256": "00", "view": "request", "schema": schema, "group": "supervised" },
                { "name": "b", "file": "b.onnx", "sha256": "00", "view": "request", "schema": schema, "group": "neural" },
            ],
        });
        if let Some((path, json)) = change.split_once('=') {
            let new: serde_json::Value = serde_json::from_str(json).unwrap();
            match value.pointer_mut(path) {
                Some(place) => *place = new,
                None => {
                    let (parent, key) = path.rsplit_once('/').unwrap();
                    value.pointer_mut(parent).unwrap()[key] = new;
                }
            }
        }
        Manifest::read(value.to_string().as_bytes())
    }

    #[test]
    fn what_makes_no_sense_is_refused_as_a_whole() {
        for (change, part) in [
            ("/format=2", "format 2"),
            ("/joint/tag=0.95", "ordered"),
            ("/joint/false_alarm_rate=null", "how often"),
            ("/joint/unknown=1", "unknown"),
            ("/models=7", "cannot be read"),
        ] {
            let problem = manifest(change).unwrap_err();
            assert!(problem.contains(part), "{change}: {problem}");
        }
        assert!(manifest("").is_ok());
    }

    #[test]
    fn a_bad_entry_is_out_alone() {
        for (change, part) in [
            ("/models/1/name=\"a\"", "same name"),
            ("/models/1/name=\"A b\"", "small letters"),
            ("/models/1/file=\"../x\"", "beside the manifest"),
            (
                "/models/1/schema=\"0123456789abcdef\"",
                "trained on schema 0123456789abcdef",
            ),
            ("/models/1/weight=-1", "weight"),
            ("/models/1/group=null", "group"),
            ("/models/1/view=\"flow\"", "schema"),
            ("/models/1/role=\"gate\"", "no model of this role"),
            ("/models/1/role=\"classifier\"", "classes"),
            (
                "/models/1/calibration={\"kind\":\"isotonic\",\"x\":[1,0],\"y\":[0,1]}",
                "rise",
            ),
        ] {
            let manifest = manifest(change).unwrap();
            assert_eq!(manifest.problem(0), None, "{change}");
            let problem = manifest.problem(1).unwrap_or_default();
            assert!(problem.contains(part), "{change}: {problem}");
        }
    }

    #[test]
    fn connections_of_another_meaning_are_refused() {
        let entry = |schema: String| {
            let view = serde_json::json!({ "name": "a", "file": "a.onnx", "sha256": "00", "view": "flow", "schema": schema, "group": "neural" });
            let manifest = serde_json::json!({ "format": 1, "models": [view] });
            Manifest::read(manifest.to_string().as_bytes()).unwrap()
        };
        assert_eq!(entry(View::Flow.schema()).problem(0), None);
        let problem = entry("0123456789abcdef".to_owned()).problem(0).unwrap();
        assert!(problem.contains("of the view flow"), "{problem}");
    }

    #[test]
    fn classes_are_categories() {
        assert_eq!(category("sqli"), Some(Category::Sqli));
        assert_eq!(category("benign"), None);
    }
}
