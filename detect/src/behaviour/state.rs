//! What is known of all subjects: the memory of the behaviour stage. One for the process, made at the start, shared by
//! all workers and handed from one configuration to the next.

use serde::Serialize;

use crate::behaviour::ban::Bans;
use crate::behaviour::judgement::{Judgement, Outcome};
use crate::behaviour::settings::{Memory, Settings};
use crate::behaviour::share::Delta;
use crate::behaviour::subject::{Hashing, Subjects};
use crate::clock::Clock;
use crate::policy::Watch;
use crate::request::Request;

/// What is known of all subjects.
#[derive(Debug)]
pub struct State {
    hashing: Hashing,
    bans: Bans,
}

/// How full the memory is, and what did not fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Subjects with counters.
    pub subjects: usize,
    /// Subjects that were forgotten to make room.
    pub subjects_evicted: u64,
    /// Subjects that were forgotten because they had been quiet.
    pub subjects_expired: u64,
    /// Subjects with a full profile.
    pub profiles: usize,
    /// Profiles that were given to someone else.
    pub profiles_evicted: u64,
    /// Route templates.
    pub templates: usize,
    /// Route templates that were forgotten to make room.
    pub templates_evicted: u64,
    /// Bytes that all of this takes, as allocated.
    pub bytes: usize,
}

impl State {
    /// An empty memory. Time counts from now on `clock`, and all later clocks must agree with it.
    pub fn new(memory: &Memory, hashing: Hashing, _clock: &dyn Clock) -> Self {
        Self {
            hashing,
            bans: Bans::new(memory.bans as usize),
        }
    }

    /// The secret behind its hashes.
    pub fn hashing(&self) -> &Hashing {
        &self.hashing
    }

    /// Who is banned.
    pub fn bans(&self) -> &Bans {
        &self.bans
    }

    /// How full it is.
    pub fn counts(&self) -> Counts {
        Counts::default()
    }

    /// What other nodes should know of, since it was last asked, at most `most` at once.
    pub fn take_deltas(&self, _most: usize) -> Vec<Delta> {
        Vec::new()
    }

    /// Takes in what another node knows.
    pub fn apply(&self, _delta: &Delta, _clock: &dyn Clock) {}

    pub(crate) fn judge(
        &self,
        _settings: &Settings,
        _subjects: &Subjects,
        _request: &Request<'_>,
        _score: f32,
        _watch: Watch,
        _clock: &dyn Clock,
    ) -> Judgement {
        Judgement::default()
    }

    pub(crate) fn observe(&self, _settings: &Settings, _outcome: &Outcome, _clock: &dyn Clock) {}
}
