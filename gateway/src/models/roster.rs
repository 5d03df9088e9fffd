//! Which models the manifest lists and what became of each: what people are told of them, whether they run or not.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use portcullis_config::{Ensemble as Config, ModelSettings};
use portcullis_detect::ensemble::manifest::{Entry, Joint, Manifest, Mode, Role};
use portcullis_detect::ensemble::{Adapting, Adaptive, Ensemble, Tally, Tuning};

/// The models of a manifest.
#[derive(Debug, Default)]
pub struct Roster {
    /// Where the manifest lies; empty where there is none.
    pub folder: PathBuf,
    /// The thresholds of what the models say together, with what the configuration changes.
    pub joint: Option<Joint>,
    /// Why there is no model, or none but the gate.
    pub problem: Option<String>,
    /// In the order of the manifest.
    pub models: Vec<Listed>,
}

/// A model of the manifest.
#[derive(Debug)]
pub struct Listed {
    /// Its entry, as it is written.
    pub entry: Entry,
    /// Why it does not run, if it should and does not.
    pub problem: Option<String>,
}

impl Roster {
    /// What a manifest lists, before anything was tried.
    pub(super) fn of(folder: &Path, manifest: &Manifest, joint: Joint) -> Self {
        let listed = manifest.models.iter().map(|entry| Listed {
            entry: entry.clone(),
            problem: None,
        });
        Self {
            folder: folder.to_owned(),
            joint: Some(joint),
            problem: None,
            models: listed.collect(),
        }
    }

    /// Notes why a model is out.
    pub(super) fn out(&mut self, name: &str, problem: &str) {
        let listed = self.models.iter_mut();
        for model in listed.filter(|model| model.entry.name == name) {
            model.problem = Some(problem.to_owned());
        }
    }

    /// What of these settings cannot be: for models that do not exist or are off, and a second gate or classifier.
    pub fn problems_of(&self, settings: &BTreeMap<String, ModelSettings>) -> Vec<String> {
        let known = |name: &String| self.models.iter().find(|model| model.entry.name == *name);
        let mut problems = Vec::new();
        for (name, set) in settings {
            match known(name) {
                None => problems.push(format!("models.{name}: there is no such model")),
                Some(model) if model.entry.mode == Mode::Off && set.shadow.is_some() => {
                    let sentence = "it is off in the manifest and has no session";
                    problems.push(format!("models.{name}.shadow: {sentence}"));
                }
                Some(_) => {}
            }
        }
        for (role, what) in [(Role::Gate, "gate"), (Role::Classifier, "classifier")] {
            let of_role = self.models.iter().filter(|model| model.entry.role == role);
            let counts = of_role.filter(|model| {
                let set = settings.get(&model.entry.name).and_then(|set| set.shadow);
                match model.entry.mode {
                    Mode::Off => false,
                    mode => set.map_or(mode == Mode::Active, |shadow| !shadow),
                }
            });
            if counts.count() > 1 {
                problems.push(format!("models: there can be one {what} that counts"));
            }
        }
        problems
    }
}

/// The same models under the settings of a configuration.
pub fn tuned(ensemble: &Ensemble, config: &Config) -> Ensemble {
    ensemble.tuned(|name| tuning(config.models.get(name)))
}

fn tuning(settings: Option<&ModelSettings>) -> Tuning {
    settings.map_or_else(Tuning::default, |settings| Tuning {
        weight: settings.weight,
        shadow: settings.shadow,
        threshold: settings.threshold,
    })
}

/// Thresholds that adapt, if they are to; those of before where nothing about them changed, with what they have learnt.
pub(super) fn adaptive(config: &Config, joint: &Joint, before: &Ensemble) -> Option<Arc<Adaptive>> {
    let wanted = &config.adaptive;
    // Probabilities are of single precision.
    let single = |number: f64| number as f32;
    let lowest = wanted.lowest.map_or(joint.deny.min(1.0), single);
    let settings = Adapting {
        quantile: single(wanted.quantile),
        lowest,
        highest: single(wanted.highest).max(lowest),
        window: wanted.window.get(),
        least: u64::from(wanted.least),
    };
    let known = before.adaptive();
    let same = known.filter(|known| *known.settings() == settings).cloned();
    wanted
        .enabled
        .then(|| same.unwrap_or_else(|| Arc::new(Adaptive::new(settings))))
}

/// The counters of a model of an ensemble, by its name; fresh ones where it is new.
pub(super) fn tally(before: &Ensemble, name: &str) -> Arc<Tally> {
    let mut members = before.members().iter();
    let known = members.find(|member| member.entry.name == name);
    known.map(|member| member.tally.clone()).unwrap_or_default()
}
