//! The models as the API shows them: the manifest's entries, what serves of them, and what each did.

use portcullis_admin::models::{
    JointThresholds, Model, ModelCounts, ModelDetail, ModelList, Shipped, Standing,
};
use portcullis_detect::ensemble::manifest::{Cost, Entry, Group, Joint, Mode, Role};
use portcullis_detect::ensemble::{Calibration, Counts, Ensemble, Why};

use super::analyze;
use crate::models::report;
use crate::models::roster::{Listed, Roster};
use crate::snapshot::Snapshot;

/// All of them, as this snapshot serves them.
pub(super) fn list(snapshot: &Snapshot) -> ModelList {
    let config = &snapshot.config.ensemble;
    let roster = &snapshot.roster;
    let weights = [
        (Group::Unsupervised, config.weights.unsupervised),
        (Group::Supervised, config.weights.supervised),
        (Group::Neural, config.weights.neural),
    ];
    let groups = weights
        .into_iter()
        .map(|(group, weight)| (group.as_str().to_owned(), f64::from(weight)));
    let shown = roster.models.iter();
    ModelList {
        enabled: config.enabled,
        problem: roster.problem.clone(),
        joint: roster.joint.map(joint),
        groups: groups.collect(),
        deadline_us: config.deadline.get().as_nanos() as f64 / 1000.0,
        deep: analyze::word(&config.deep),
        models: shown
            .map(|listed| model(listed, snapshot.detector.ensemble()))
            .collect(),
    }
}

/// One of them with its card and figures.
pub(super) fn detail(snapshot: &Snapshot, name: &str) -> Option<ModelDetail> {
    let roster = &snapshot.roster;
    let listed = find(roster, name)?;
    Some(ModelDetail {
        model: model(listed, snapshot.detector.ensemble()),
        ..report::read(&roster.folder, &listed.entry)
    })
}

fn find<'a>(roster: &'a Roster, name: &str) -> Option<&'a Listed> {
    let mut models = roster.models.iter();
    models.find(|listed| listed.entry.name == name)
}

fn joint(joint: Joint) -> JointThresholds {
    JointThresholds {
        tag: exact(joint.tag),
        deny: exact(joint.deny),
        lower: exact(joint.lower),
        grey: joint.grey.map(exact),
        clear: exact(joint.clear),
        false_alarm_rate: joint.false_alarm_rate.map(exact),
    }
}

fn model(listed: &Listed, ensemble: &Ensemble) -> Model {
    let entry = &listed.entry;
    let mut members = ensemble.members().iter();
    let member = members.find(|member| member.entry.name == entry.name);
    let serves = member.map_or(entry, |member| &member.entry);
    let counts = member.map(|member| member.tally.counts());
    let counts = counts.unwrap_or_default();
    let (state, why) = standing(listed, member.is_some());
    Model {
        name: entry.name.clone(),
        role: role(entry.role).to_owned(),
        view: entry.view.as_str().to_owned(),
        group: entry.group.map(|group| group.as_str().to_owned()),
        cost: match entry.cost {
            Cost::Cheap => "cheap".to_owned(),
            Cost::Deep => "deep".to_owned(),
        },
        weight: exact(serves.weight),
        shadow: serves.mode == Mode::Shadow,
        threshold: exact(serves.threshold),
        manifest: shipped(entry),
        calibration: in_words(&entry.calibration),
        state,
        why,
        false_alarm_rate: entry.false_alarm_rate.map(exact),
        data: entry.data.clone(),
        date: entry.date.clone(),
        sha256: entry.sha256.clone(),
        mean_call_us: counts.mean_call.map(|mean| mean.as_nanos() as f64 / 1000.0),
        counts: counted(&counts),
    }
}

fn standing(listed: &Listed, serves: bool) -> (Standing, Option<String>) {
    match (&listed.problem, listed.entry.mode) {
        (_, Mode::Off) => (Standing::Off, Some("the manifest says so".to_owned())),
        (Some(problem), _) => (Standing::Down, Some(problem.clone())),
        (None, _) if serves => (Standing::Up, None),
        (None, _) => (Standing::Down, Some("it was not loaded".to_owned())),
    }
}

fn shipped(entry: &Entry) -> Shipped {
    Shipped {
        weight: exact(entry.weight),
        shadow: entry.mode == Mode::Shadow,
        threshold: exact(entry.threshold),
    }
}

const fn role(role: Role) -> &'static str {
    match role {
        Role::Vote => "vote",
        Role::Gate => "gate",
        Role::Classifier => "classifier",
    }
}

fn counted(counts: &Counts) -> ModelCounts {
    let skipped = Why::ALL.into_iter().zip(counts.skipped);
    ModelCounts {
        votes: counts.votes,
        agreed: counts.agreed,
        denials: counts.denials,
        skipped: skipped
            .map(|(why, count)| (why.as_str().to_owned(), count))
            .collect(),
    }
}

/// How a raw output becomes a probability, as a sentence.
fn in_words(calibration: &Calibration) -> String {
    match calibration {
        Calibration::None => "none: its output is taken as a probability".to_owned(),
        Calibration::Platt { a, b } => {
            format!(
                "Platt: 1 / (1 + e^-({a} · output {} {}))",
                sign(*b),
                b.abs()
            )
        }
        Calibration::Isotonic { x, .. } => {
            let ends = x.first().zip(x.last());
            let ends = ends.map_or_else(String::new, |(from, to)| format!(" from {from} to {to}"));
            format!(
                "isotonic: linear between {} measured points{ends}, constant outside",
                x.len()
            )
        }
    }
}

const fn sign(number: f32) -> char {
    if number < 0.0 { '-' } else { '+' }
}

/// The number that people wrote, not the one that single precision makes of it.
fn exact(number: f32) -> f64 {
    number
        .to_string()
        .parse()
        .unwrap_or_else(|_| f64::from(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shown_as_they_were_written() {
        for written in [0.1_f32, 0.863_257_2, 1.0, 60.0, 0.0] {
            assert_eq!(exact(written).to_string(), written.to_string());
        }
    }

    #[test]
    fn calibrations_have_words() {
        for (calibration, expected) in [
            (Calibration::None, "taken as a probability"),
            (
                Calibration::Platt { a: 1.5, b: -0.75 },
                "1 / (1 + e^-(1.5 · output - 0.75))",
            ),
            (
                Calibration::Isotonic {
                    x: vec![-1.0, 2.0],
                    y: vec![0.0, 1.0],
                },
                "2 measured points from -1 to 2",
            ),
        ] {
            let words = in_words(&calibration);
            assert!(words.contains(expected), "{words}");
        }
    }
}
