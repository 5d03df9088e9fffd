//! Members of the ensemble: what is known of each, and the sessions that run them. A session belongs to one worker; it
//! is built elsewhere and handed over, and one whose file did not change is kept when others are replaced.

use std::sync::Arc;

use super::manifest::{Cost, Entry, Group, Mode, Role, category};
use super::tally::Tally;
use super::trees::Trees;
use crate::feature::View;
use crate::rule::Category;

/// What a model reads of one request.
#[derive(Clone, Copy, Debug)]
pub enum Tensor<'a> {
    /// Of the views `request`, `behaviour`, `sequence` and `flow`.
    Floats(&'a [f32]),
    /// Of the view `characters`.
    Bytes(&'a [u8]),
}

/// A model that can be run, by one thread at a time.
pub trait Model: Send {
    /// Runs it on one request and puts its outputs into `out`, which is empty.
    ///
    /// # Errors
    /// When it failed; a sentence for the log.
    fn run(&mut self, input: Tensor<'_>, out: &mut Vec<f32>) -> Result<(), String>;
}

/// What is known of a member.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its entry in the manifest.
    pub entry: Entry,
    /// Its name, as verdicts show it.
    pub name: Arc<str>,
    /// What it did since the process began.
    pub tally: Arc<Tally>,
    /// The trees of its file, where it is a plain ensemble of them: they explain its votes.
    pub(super) trees: Option<Arc<Trees>>,
    /// Of a classifier: what its outputs stand for.
    pub(super) classes: Vec<Option<Category>>,
}

/// What is changed of a member while it serves; what is absent stays as the manifest says.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tuning {
    /// Its weight within the group, 0 or more.
    pub weight: Option<f32>,
    /// Whether it is run and shown without a say.
    pub shadow: Option<bool>,
    /// The probability from which it counts as agreeing, 0 to 1.
    pub threshold: Option<f32>,
}

/// The sessions of one worker, in the order of the ensemble's members.
#[derive(Default)]
pub struct Crew {
    pub(super) seats: Vec<Seat>,
}

/// A member's session. Without a model it is to be taken over from the crew before, by its file's digest.
pub struct Seat {
    /// SHA-256 of the file.
    pub sha256: String,
    /// The session.
    pub model: Option<Box<dyn Model>>,
}

impl Member {
    /// A member by its entry.
    pub fn new(entry: Entry) -> Self {
        Self {
            name: entry.name.as_str().into(),
            classes: entry.classes.iter().map(|name| category(name)).collect(),
            tally: Arc::default(),
            trees: None,
            entry,
        }
    }

    /// The same member with the counters of an earlier one.
    #[must_use]
    pub fn counting(self, tally: Arc<Tally>) -> Self {
        Self { tally, ..self }
    }

    /// The same member, its votes explained by these trees.
    #[must_use]
    pub fn explained_by(self, trees: Option<Arc<Trees>>) -> Self {
        Self { trees, ..self }
    }

    /// The same member under other settings. One that is switched off stays so: it has no session.
    pub(super) fn tuned(&self, tuning: Tuning) -> Self {
        let mut member = self.clone();
        let entry = &mut member.entry;
        entry.weight = tuning.weight.unwrap_or(entry.weight);
        entry.threshold = tuning.threshold.unwrap_or(entry.threshold);
        entry.mode = match (entry.mode, tuning.shadow) {
            (Mode::Off, _) => Mode::Off,
            (mode, None) => mode,
            (_, Some(true)) => Mode::Shadow,
            (_, Some(false)) => Mode::Active,
        };
        member
    }

    /// The group in which it votes, if it does.
    pub(super) fn votes_in(&self) -> Option<Group> {
        let counts = self.entry.mode == Mode::Active && self.entry.weight > 0.0;
        self.entry
            .group
            .filter(|_| counts && self.entry.role != Role::Classifier)
    }

    /// Whether it is asked on every request.
    pub(super) fn is_cheap(&self) -> bool {
        self.entry.cost == Cost::Cheap
    }

    /// Whether it reads what is known of the subject or the connection, and not the request.
    pub(super) fn reads_what_went_before(&self) -> bool {
        self.reads_connections() || matches!(self.entry.view, View::Behaviour | View::Sequence)
    }

    /// Whether it reads what was measured of the connection.
    pub(super) fn reads_connections(&self) -> bool {
        self.entry.view == View::Flow
    }

    /// What it reads.
    pub(super) fn view(&self) -> View {
        self.entry.view
    }
}

impl Crew {
    /// A crew of these seats.
    pub fn new(seats: Vec<Seat>) -> Self {
        Self { seats }
    }

    /// Fills empty seats with the sessions of another crew that has them.
    pub(super) fn take_over(&mut self, mut before: Crew) -> Crew {
        for seat in self.seats.iter_mut().filter(|seat| seat.model.is_none()) {
            let same = |old: &&mut Seat| old.sha256 == seat.sha256 && old.model.is_some();
            if let Some(old) = before.seats.iter_mut().find(same) {
                seat.model = old.model.take();
            }
        }
        before
    }
}

impl std::fmt::Debug for Crew {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Crew({})", self.seats.len())
    }
}
