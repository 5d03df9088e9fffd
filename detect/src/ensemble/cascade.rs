//! The cascade: which members are asked about a request, in which order, and when it ends.

mod ablate;
mod exact;

use std::sync::Arc;
use std::time::Instant;

use super::manifest::{Joint, Mode, Role};
use super::opinion::{Opinion, Skipped, Vote, Why};
use super::weigh::{Found, weigh};
use super::{Crew, Deep, Ensemble, Member, On, Tensor, explain};
use crate::behaviour::History;
use crate::clock::Clock;
use crate::feature::{Characters, Connection, FlowRow, Reading, Row, View};
use crate::rule::Category;

/// After so many votes a request may be clear.
const FIRST: usize = 2;

/// What a worker keeps for the ensemble.
#[derive(Debug, Default)]
pub(crate) struct Votes {
    /// Keeps the sessions from request to request; otherwise they are borrowed for each.
    pub resident: bool,
    crew: Crew,
    /// The ensemble that the crew belongs to.
    home: Option<Arc<On>>,
    row: Row,
    characters: Room,
    history: Option<Box<History>>,
    flow: Option<FlowRow>,
    out: Vec<f32>,
}

#[derive(Debug)]
struct Room(Box<Characters>);

impl Default for Room {
    fn default() -> Self {
        Self(Box::new(
            [0; crate::feature::CHARACTER_FIELDS * crate::feature::CHARACTERS],
        ))
    }
}

/// What was asked of the ensemble.
pub(crate) struct Asked<'a, 'r> {
    pub reading: &'a mut Reading<'r>,
    pub clock: &'a dyn Clock,
    pub started: Instant,
    /// Whether the subject is one to look at more closely.
    pub elevated: bool,
    /// What is known of the subject; computed only where a member asks for it.
    pub history: &'a dyn Fn() -> Option<History>,
    /// What was measured of the connection; asked for likewise.
    pub connection: &'a dyn Fn() -> Option<Connection>,
    /// What the signatures found; of that what rules of paranoia 1 found, and what those of critical severity among
    /// them found; 0 to 100.
    pub score: f32,
    pub strong: f32,
    pub critical: f32,
}

impl Ensemble {
    /// What the models make of a request; `None` where there is nothing to judge or nobody to do it. The score is what
    /// becomes of the signatures' score.
    pub(crate) fn judge(
        &self,
        votes: &mut Votes,
        asked: &mut Asked<'_, '_>,
    ) -> Option<(Opinion, f32)> {
        let on = self.on.as_ref()?;
        if asked.reading.judged().is_empty() && asked.score <= 0.0 {
            return None;
        }
        let staffed = votes.staff(on);
        let opinion = Run::new(on, &self.members, votes, asked, staffed).judge();
        votes.dismiss();
        let opinion = opinion?;
        let found = Found {
            score: asked.score,
            strong: asked.strong,
            critical: asked.critical,
        };
        let joint = self.joint(&on.joint, asked.reading.request_as_sent().route);
        let (score, effect) = weigh(found, opinion.probability, &joint, on.settings.lower_by);
        let mut opinion = Opinion { effect, ..opinion };
        if opinion.probability >= on.joint.tag
            && let Some((_, gate)) = &on.gate
        {
            opinion.reasons = explain::reasons(gate, asked.reading);
        }
        Some((opinion, score))
    }
}

impl Votes {
    /// Sees to it that there are sessions; whether there are.
    fn staff(&mut self, on: &Arc<On>) -> bool {
        if self.home.as_ref().is_some_and(|home| Arc::ptr_eq(home, on)) {
            return true;
        }
        let Some(mut crew) = on.take_crew(!self.crew.seats.is_empty()) else {
            return false;
        };
        let before = std::mem::take(&mut self.crew);
        let left = crew.take_over(before);
        if !left.seats.is_empty() {
            super::locked(&on.retired).push(left);
        }
        self.crew = crew;
        self.home = Some(on.clone());
        true
    }

    /// Gives borrowed sessions back.
    fn dismiss(&mut self) {
        if !self.resident {
            self.give_back();
        }
    }

    fn give_back(&mut self) {
        if let Some(on) = self.home.take() {
            on.give_back(std::mem::take(&mut self.crew));
        }
    }
}

impl Drop for Votes {
    /// A worker that ends, also by a panic, leaves its sessions to the next.
    fn drop(&mut self) {
        self.give_back();
    }
}

/// One request on its way through the members.
struct Run<'a, 'b, 'r> {
    on: &'a On,
    members: &'a [Member],
    votes: &'a mut Votes,
    asked: &'a mut Asked<'b, 'r>,
    staffed: bool,
    has_row: bool,
    has_characters: bool,
    has_history: bool,
    has_flow: bool,
    opinion: Opinion,
}

impl<'a, 'b, 'r> Run<'a, 'b, 'r> {
    fn new(
        on: &'a On,
        members: &'a [Member],
        votes: &'a mut Votes,
        asked: &'a mut Asked<'b, 'r>,
        staffed: bool,
    ) -> Self {
        Self {
            on,
            members,
            votes,
            asked,
            staffed,
            has_row: false,
            has_characters: false,
            has_history: false,
            has_flow: false,
            opinion: Opinion::default(),
        }
    }

    fn judge(mut self) -> Option<Opinion> {
        let (on, members) = (self.on, self.members);
        self.ask_gate();
        let voters = |role, cheap| {
            members.iter().enumerate().filter(move |(_, member)| {
                member.entry.role == role
                    && member.is_cheap() == cheap
                    && member.entry.mode != Mode::Off
            })
        };
        let mut clear = false;
        for (number, member) in voters(Role::Vote, true) {
            if clear {
                self.skip(member, Why::Clear);
                continue;
            }
            self.ask(number, member);
            clear = self.is_clear();
        }
        let deep = !clear && self.wants_deep();
        for (number, member) in voters(Role::Vote, false) {
            if deep {
                self.ask(number, member);
            } else {
                self.skip(member, if clear { Why::Clear } else { Why::NotGrey });
            }
        }
        let Joint { tag, .. } = on.joint;
        let probability = self.joint()?;
        if probability >= tag {
            for (number, member) in
                voters(Role::Classifier, true).chain(voters(Role::Classifier, false))
            {
                let named = self.classify(number, member);
                if member.entry.mode == Mode::Active {
                    self.opinion.category = named;
                }
            }
        }
        if probability >= tag {
            self.explain();
        }
        let voting = || {
            self.opinion
                .votes
                .iter()
                .filter(|vote| vote.group.is_some())
        };
        self.opinion.agreeing = voting().filter(|vote| vote.agrees).count();
        self.opinion.voting = voting().count();
        let weights = &on.settings.weights;
        self.opinion.confidence = weights.confidence(&self.opinion.votes, probability >= tag);
        self.opinion.probability = probability;
        Some(self.opinion)
    }

    /// The gate has read the fields already: its vote is the highest of its logits.
    fn ask_gate(&mut self) {
        let (on, members) = (self.on, self.members);
        let Some((number, _)) = &on.gate else { return };
        let logits = self
            .asked
            .reading
            .judged()
            .iter()
            .map(|judged| judged.logit);
        let logit = logits.fold(-super::gate::BOUND, f32::max);
        self.vote(&members[*number], logit);
    }

    /// Whether the first members, in service the gate and one of the cheap ones, settle it: no rule found anything, the
    /// client is nobody to look at more closely, and what they say together is well below what it was for any attack that
    /// all members together took for one.
    fn is_clear(&self) -> bool {
        let all = self.on.settings.deep == Deep::Always;
        if all || self.asked.elevated || self.asked.score > 0.0 {
            return false;
        }
        let voting = |vote: &&Vote| vote.group.is_some();
        self.opinion.votes.iter().filter(voting).count() == FIRST
            && self
                .joint()
                .is_some_and(|joint| joint < self.on.joint.clear)
    }

    /// Whether the deep members are asked.
    fn wants_deep(&self) -> bool {
        match self.on.settings.deep {
            Deep::Always => true,
            Deep::Never => false,
            Deep::Grey => {
                let [from, to] = self.on.joint.grey;
                self.asked.elevated
                    || self
                        .joint()
                        .is_none_or(|joint| (from..=to).contains(&joint))
            }
        }
    }

    fn ask(&mut self, number: usize, member: &Member) {
        if !member.reads_what_went_before() {
            return self.consult(number, member);
        }
        let (before, cast) = (self.joint(), self.opinion.votes.len());
        self.consult(number, member);
        // Whoever behaves as usual may still send an attack: what went before speaks against a request, or not at all.
        let lowers = self.joint() < before;
        if let Some(vote) = self.opinion.votes.get_mut(cast)
            && (lowers || !vote.agrees)
        {
            vote.group = None;
        }
    }

    fn joint(&self) -> Option<f32> {
        self.on.settings.weights.joint(&self.opinion.votes)
    }

    fn consult(&mut self, number: usize, member: &Member) {
        match self.run(number, member) {
            Ok(()) => match self.votes.out.first().copied() {
                Some(raw) => self.vote(member, raw),
                None => self.skip(member, Why::Failed),
            },
            Err(why) => self.skip(member, why),
        }
    }

    fn classify(&mut self, number: usize, member: &Member) -> Option<Category> {
        if let Err(why) = self.run(number, member) {
            self.skip(member, why);
            return None;
        }
        let outputs = self.votes.out.iter().copied().zip(&member.classes);
        let finite = outputs.filter(|(output, _)| output.is_finite());
        let best = finite.max_by(|one, other| one.0.total_cmp(&other.0));
        best.and_then(|(_, class)| *class)
    }

    /// Runs a member's session; its outputs are in `votes.out`.
    fn run(&mut self, number: usize, member: &Member) -> Result<(), Why> {
        if !self.staffed {
            return Err(Why::Busy);
        }
        let clock = self.asked.clock;
        let waited = clock.now().saturating_duration_since(self.asked.started);
        if waited >= self.on.settings.deadline {
            return Err(Why::Deadline);
        }
        if member.entry.needs_gate && self.on.gate.is_none() {
            return Err(Why::Absent);
        }
        self.prepare(member.view());
        let Votes {
            crew,
            row,
            characters,
            history,
            flow,
            out,
            ..
        } = &mut *self.votes;
        let seat = crew
            .seats
            .get_mut(number)
            .and_then(|seat| seat.model.as_mut());
        let model = seat.ok_or(Why::Absent)?;
        let input = match member.view() {
            View::Characters => Tensor::Bytes(&*characters.0),
            View::Behaviour => Tensor::Floats(&known(history)?.columns),
            View::Sequence => Tensor::Floats(followed(history)?.steps.as_flattened()),
            View::Flow => Tensor::Floats(flow.as_ref().ok_or(Why::NoHistory)?),
            View::Request | View::Fields => Tensor::Floats(&row.0),
        };
        out.clear();
        let begun = clock.now();
        let done = model.run(input, out).map_err(|_| Why::Failed);
        let took = clock.now().saturating_duration_since(begun);
        member.tally.called(took);
        done
    }

    /// Computes what a view needs, once.
    fn prepare(&mut self, view: View) {
        if view == View::Characters && !self.has_characters {
            self.asked.reading.characters(&mut self.votes.characters.0);
            self.has_characters = true;
        }
        if view == View::Request && !self.has_row {
            self.asked.reading.request(&mut self.votes.row);
            self.has_row = true;
        }
        if matches!(view, View::Behaviour | View::Sequence) && !self.has_history {
            self.votes.history = (self.asked.history)().map(Box::new);
            self.has_history = true;
        }
        if view == View::Flow && !self.has_flow {
            self.votes.flow = (self.asked.connection)().map(|connection| connection.row());
            self.has_flow = true;
        }
    }

    fn vote(&mut self, member: &Member, raw: f32) {
        let Some(probability) = member.entry.calibration.probability(raw) else {
            self.skip(member, Why::Failed);
            return;
        };
        let group = member.votes_in();
        let agrees = probability >= member.entry.threshold;
        member.tally.voted(agrees);
        self.opinion.votes.push(Vote {
            model: member.name.clone(),
            probability,
            agrees,
            shadow: group.is_none(),
            because: Vec::new(),
            explained: None,
            group,
            weight: member.entry.weight,
        });
    }

    fn skip(&mut self, member: &Member, why: Why) {
        member.tally.skipped(why);
        self.opinion.skipped.push(Skipped {
            model: member.name.clone(),
            why,
        });
    }
}

fn known(history: &Option<Box<History>>) -> Result<&History, Why> {
    history.as_deref().ok_or(Why::NoHistory)
}

/// A history with requests one by one: who came once has counters only.
fn followed(history: &Option<Box<History>>) -> Result<&History, Why> {
    let history = known(history)?;
    let last = history.steps[History::LENGTH - 1];
    if last[0] > 0.0 {
        Ok(history)
    } else {
        Err(Why::NoHistory)
    }
}
