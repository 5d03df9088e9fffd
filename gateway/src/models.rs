//! The models as the gateway keeps them: the manifest and its files read and checked, the runtime loaded, and sessions
//! built for each worker, on the thread that starts or reloads and never on a worker's. What cannot be had is left
//! out, said and counted; the engine gets the rest as one [`detect::Ensemble`].

mod library;
#[cfg(test)]
mod metamorphic;
#[cfg(test)]
mod parity;
pub(crate) mod report;
pub mod roster;
mod runtime;
mod session;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use portcullis_config::{Deep, Ensemble as Config};
use portcullis_detect::ensemble::gate::Gate;
use portcullis_detect::ensemble::manifest::{Entry, Joint, Manifest, Mode, Role};
use portcullis_detect::ensemble::{
    self as detect, Crew, Ensemble, Member, Model, NoTrees, Seat, Settings, Trees, Weights,
};
use portcullis_detect::feature::View;
use ring::digest::{SHA256, digest};

use self::roster::{Roster, tuned};
use self::runtime::Runtime;
use crate::metrics::Metrics;

/// A model's file may not be larger than this.
const MOST_BYTES: u64 = 64 << 20;

/// Crews beyond one for each worker: for bodies that are inspected away from the workers, and for commands. These are
/// seldom asked and share the sessions of another crew.
const SPARE: usize = 1;

/// The models that are loaded, and from what.
#[derive(Default)]
pub struct Models {
    ensemble: Ensemble,
    roster: Arc<Roster>,
    source: Option<Source>,
}

/// What decides whether anything has to be built anew.
#[derive(Clone, PartialEq)]
struct Source {
    config: Config,
    workers: usize,
    manifest: Vec<u8>,
    /// The digests of the files that were there, model by model.
    files: Vec<Option<String>>,
}

/// A model as it was found: its entry, its file's bytes, or why it is out.
pub struct Found {
    /// Its entry in the manifest.
    pub entry: Entry,
    /// Its file, or what is wrong.
    pub file: Result<Vec<u8>, String>,
}

impl Models {
    /// No models.
    pub fn none() -> Self {
        Self::default()
    }

    /// The engine's part.
    pub fn ensemble(&self) -> &Ensemble {
        &self.ensemble
    }

    /// What people are told of them.
    pub fn roster(&self) -> &Arc<Roster> {
        &self.roster
    }

    /// Tells which thresholds have adapted since the last time.
    pub fn tell_changes(&self, metrics: &Metrics) {
        let changes = self
            .ensemble
            .adaptive()
            .map(|adaptive| adaptive.take_changes());
        for change in changes.unwrap_or_default() {
            metrics.models.threshold_changed();
            let text = |threshold: Option<f32>| {
                threshold.map_or("that of all".to_owned(), |one| format!("{one:.3}"))
            };
            tracing::info!(
                route = &*change.route,
                before = text(change.before),
                after = text(change.after),
                requests = change.requests,
                "the threshold from which models deny alone follows what is usual"
            );
        }
    }

    /// Loads what the configuration asks for, for so many workers. What `before` has and did not change is taken over.
    ///
    /// # Errors
    /// With sentences, where `required` is set and something is missing.
    pub fn load(
        config: &Config,
        workers: usize,
        metrics: &Metrics,
        before: &Models,
    ) -> Result<Self, Vec<String>> {
        if !config.enabled {
            metrics.models.clear();
            return Ok(Self::none());
        }
        let mut problems = Vec::new();
        let loaded = load(config, workers, metrics, before, &mut problems);
        for problem in &problems {
            tracing::warn!("models: {problem}");
        }
        if config.required && !problems.is_empty() {
            return Err(problems
                .into_iter()
                .map(|problem| format!("models: {problem}"))
                .collect());
        }
        Ok(loaded)
    }
}

/// Loads what can be loaded.
fn load(
    config: &Config,
    workers: usize,
    metrics: &Metrics,
    before: &Models,
    problems: &mut Vec<String>,
) -> Models {
    let (manifest, bytes, found) = match read(config) {
        Ok(read) => read,
        Err(problem) => {
            metrics.models.clear();
            problems.push(problem.clone());
            let roster = Roster {
                problem: Some(problem),
                ..Roster::default()
            };
            return Models {
                roster: Arc::new(roster),
                ..Models::default()
            };
        }
    };
    for name in config.models.keys() {
        if manifest.models.iter().all(|entry| entry.name != *name) {
            tracing::warn!("models: ensemble.models.{name}: the manifest lists no such model");
        }
    }
    let source = Source {
        // What is set of single models needs no new session.
        config: Config {
            models: BTreeMap::new(),
            ..config.clone()
        },
        workers,
        manifest: bytes,
        files: found
            .iter()
            .map(|found| found.file.as_ref().ok().map(|bytes| sha256(bytes)))
            .collect(),
    };
    if before.source.as_ref() == Some(&source) {
        return Models {
            ensemble: tuned(&before.ensemble, config),
            roster: before.roster.clone(),
            source: Some(source),
        };
    }
    metrics.models.clear();
    let needs_runtime = found.iter().any(|found| found.entry.role != Role::Gate);
    let runtime = if needs_runtime {
        Runtime::load(config.library.as_deref())
    } else {
        Err("it was not needed".to_owned())
    };
    metrics.models.runtime(runtime.is_ok());
    if let (Err(problem), true) = (&runtime, needs_runtime) {
        problems.push(problem.clone());
    }
    let mut roster = Roster::of(&folder_of(config), &manifest, joint(config, &manifest));
    roster.problem = runtime.as_ref().err().filter(|_| needs_runtime).cloned();
    let builder = Builder {
        runtime: runtime.ok(),
        before: &before.ensemble,
        kept: kept(before, config, workers),
        crews: workers + SPARE,
    };
    let adaptive = roster::adaptive(config, &joint(config, &manifest), &before.ensemble);
    let ensemble = builder.build(config, found, metrics, &mut roster, problems);
    let ensemble = ensemble.adapting(adaptive);
    Models {
        ensemble: tuned(&ensemble, config),
        roster: Arc::new(roster),
        source: Some(source),
    }
}

/// Where the files of the models lie.
fn folder_of(config: &Config) -> PathBuf {
    let path = manifest_path(config.manifest.as_deref()).unwrap_or_default();
    path.parent().unwrap_or(Path::new(".")).to_owned()
}

/// The thresholds of what the models say together.
fn joint(config: &Config, manifest: &Manifest) -> Joint {
    let mut joint = manifest.joint;
    if let Some(deny) = config.deny {
        joint.deny = deny.max(joint.tag);
    }
    joint
}

/// The digests of files whose sessions workers have already. With another number of workers, or another library, all
/// sessions are built.
fn kept(before: &Models, config: &Config, workers: usize) -> BTreeSet<String> {
    let same =
        |source: &&Source| source.workers == workers && source.config.library == config.library;
    match before.source.as_ref().filter(same) {
        Some(_) => before.ensemble.seated().into_iter().collect(),
        None => BTreeSet::new(),
    }
}

/// Reads the manifest and every file that it names.
///
/// # Errors
/// A sentence: the manifest is missing, or cannot be used as a whole.
pub fn read(config: &Config) -> Result<(Manifest, Vec<u8>, Vec<Found>), String> {
    let path = manifest_path(config.manifest.as_deref())?;
    let problem = |what: String| format!("{}: {what}", path.display());
    let bytes = std::fs::read(&path).map_err(|error| problem(error.to_string()))?;
    let manifest = Manifest::read(&bytes).map_err(problem)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let found = manifest
        .models
        .iter()
        .enumerate()
        .filter(|(_, entry)| entry.mode != Mode::Off);
    let found = found.map(|(index, entry)| Found {
        entry: entry.clone(),
        file: match manifest.problem(index) {
            Some(problem) => Err(problem),
            None => file(folder, entry),
        },
    });
    let found = found.collect();
    Ok((manifest, bytes, found))
}

fn manifest_path(named: Option<&Path>) -> Result<PathBuf, String> {
    if let Some(path) = named {
        return Ok(path.to_owned());
    }
    let places = library::beside_executable(&[
        "models/manifest.json",
        "../share/portcullis/models/manifest.json",
        // Built and run in the source tree: target/release/portcullis.
        "../../models/artifacts/manifest.json",
    ]);
    let found = places.iter().find(|path| path.is_file()).cloned();
    found.ok_or_else(|| {
        let places: Vec<String> = places
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        format!(
            "there is no manifest at {}; name it with ensemble.manifest",
            places.join(", ")
        )
    })
}

/// The bytes of a model's file, if they are those of the manifest.
fn file(folder: &Path, entry: &Entry) -> Result<Vec<u8>, String> {
    let path = folder.join(&entry.file);
    let problem = |what: String| format!("{}: {what}", path.display());
    let length = std::fs::metadata(&path)
        .map_err(|error| problem(error.to_string()))?
        .len();
    if length > MOST_BYTES {
        return Err(problem(format!(
            "{length} bytes; at most {MOST_BYTES} are loaded"
        )));
    }
    let bytes = std::fs::read(&path).map_err(|error| problem(error.to_string()))?;
    let ours = sha256(&bytes);
    if !ours.eq_ignore_ascii_case(&entry.sha256) {
        let theirs = &entry.sha256;
        return Err(problem(format!(
            "its SHA-256 is {ours}, the manifest says {theirs}"
        )));
    }
    Ok(bytes)
}

fn sha256(bytes: &[u8]) -> String {
    let digest = digest(&SHA256, bytes);
    digest
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Builds members and their sessions.
struct Builder<'a> {
    runtime: Option<Runtime>,
    /// What served before: its counters go on.
    before: &'a Ensemble,
    kept: BTreeSet<String>,
    crews: usize,
}

impl Builder<'_> {
    fn build(
        &self,
        config: &Config,
        found: Vec<Found>,
        metrics: &Metrics,
        roster: &mut Roster,
        problems: &mut Vec<String>,
    ) -> Ensemble {
        let mut members = Vec::new();
        let mut gate = None;
        let mut crews: Vec<Vec<Seat>> = (0..self.crews).map(|_| Vec::new()).collect();
        for found in found {
            let name = found.entry.name.clone();
            match self.member(&found, &mut gate, &mut crews) {
                Ok(()) => metrics.models.up(&name, true),
                Err(problem) => {
                    roster.out(&name, &problem);
                    problems.push(format!("{name} is out: {problem}"));
                    metrics.models.up(&name, false);
                    for crew in &mut crews {
                        crew.truncate(members.len());
                        crew.push(Seat {
                            sha256: String::new(),
                            model: None,
                        });
                    }
                }
            }
            let tally = roster::tally(self.before, &name);
            let trees = trees(&found).map(Arc::new);
            members.push(Member::new(found.entry).counting(tally).explained_by(trees));
        }
        let joint = roster.joint.unwrap_or_default();
        let crews = crews.into_iter().map(Crew::new).collect();
        Ensemble::new(settings(config), joint, members, gate, crews)
    }

    /// Reads the gate, or builds a session for each crew and tries the first.
    fn member(
        &self,
        found: &Found,
        gate: &mut Option<Arc<Gate>>,
        crews: &mut [Vec<Seat>],
    ) -> Result<(), String> {
        let bytes = found.file.as_ref().map_err(Clone::clone)?;
        if found.entry.role == Role::Gate {
            let read = Gate::read(bytes).map_err(|error| error.to_string())?;
            *gate = Some(Arc::new(read));
            for crew in crews {
                crew.push(Seat {
                    sha256: String::new(),
                    model: None,
                });
            }
            return Ok(());
        }
        let runtime = self.runtime.as_ref().ok_or("the runtime is not there")?;
        let own = (crews.len() - SPARE).max(1);
        let mut built = Vec::new();
        if !self.kept.contains(&found.entry.sha256) {
            for _ in 0..own {
                built.push(runtime.session(&found.entry, bytes)?);
            }
        }
        for (number, crew) in crews.iter_mut().enumerate() {
            let model = built.get(number % own).cloned();
            crew.push(Seat {
                sha256: found.entry.sha256.clone(),
                model: model.map(|model| Box::new(model) as Box<dyn Model>),
            });
        }
        Ok(())
    }
}

/// The trees of a file that is an ensemble of them; other members are explained by asking them again.
fn trees(found: &Found) -> Option<Trees> {
    let votes = found.entry.role == Role::Vote && found.entry.view == View::Request;
    let bytes = found.file.as_ref().ok().filter(|_| votes)?;
    match Trees::read(bytes) {
        Ok(trees) => Some(trees),
        Err(NoTrees::Other(_)) => None,
        Err(broken @ NoTrees::Broken(_)) => {
            let name = &found.entry.name;
            tracing::warn!("{name} is explained by asking it again: {broken}");
            None
        }
    }
}

/// An entry of the manifest, and what trying it said, or why it cannot be used.
pub type Verified = (Entry, Result<String, String>);

/// Tries every model of a manifest, and says of each what is wrong.
///
/// # Errors
/// A sentence, when the manifest cannot be read.
pub fn verify(config: &Config) -> Result<Vec<Verified>, String> {
    let (_, _, found) = read(config)?;
    let runtime = Runtime::load(config.library.as_deref());
    let tried = found.into_iter().map(|found| {
        let tried = found.file.and_then(|bytes| {
            if found.entry.role == Role::Gate {
                let gate = Gate::read(&bytes).map_err(|error| error.to_string())?;
                return Ok(format!("{} KiB of weights", gate.size() / 1024));
            }
            let runtime = runtime.as_ref().map_err(Clone::clone)?;
            let mut session = runtime.session(&found.entry, &bytes)?;
            Ok(session::time(&mut session, &found.entry))
        });
        (found.entry, tried)
    });
    Ok(tried.collect())
}

fn settings(config: &Config) -> Settings {
    let weight = |weight: u16| f32::from(weight);
    Settings {
        deadline: config.deadline.get(),
        deep: match config.deep {
            Deep::Grey => detect::Deep::Grey,
            Deep::Always => detect::Deep::Always,
            Deep::Never => detect::Deep::Never,
        },
        weights: Weights {
            groups: [
                weight(config.weights.unsupervised),
                weight(config.weights.supervised),
                weight(config.weights.neural),
            ],
        },
        lower_by: f32::from(config.lower_by) / 100.0,
    }
}
