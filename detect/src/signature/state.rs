//! What a scan remembers while it goes from field to field. Kept by a worker and used again for each request, so that
//! a scan allocates nothing.

use regex_automata::PatternID;
use regex_automata::meta::Regex;

use crate::decode::FormId;
use crate::field::Anomaly;
use crate::rule::RuleSet;
use crate::signature::caches::Caches;
use crate::signature::evaluate::Found;
use crate::signature::familiar::Familiar;
use crate::signature::index::{Group, Index, NO_GROUP};
use crate::signature::lexicon::Use;
use crate::signature::stamps::{Marked, Stamps};

/// Groups with fewer possible patterns are not run as a set, unless the pattern that is asked is heavy.
const WORTH_A_SET: u32 = 3;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// Literals seen in the form being scanned.
    pub(super) seen: Marked,
    /// Leaves that were announced for the field.
    pub(super) flagged: Stamps,
    /// Leaves whose group ran.
    known: Stamps,
    /// Leaves that their group found.
    hit: Stamps,
    /// Rules worth evaluating for the field.
    pub(super) candidates: Marked,
    /// Groups that ran.
    ran: Stamps,
    /// Groups with possible leaves, and how many these are.
    counted: Stamps,
    counts: Vec<u32>,
    /// Rules worth evaluating for the request.
    pub(super) wide: Marked,
    /// Answers of `Somewhere` nodes.
    pub(super) somewhere: Stamps,
    pub(super) answers: Vec<Option<Found>>,
    /// The last answer of libinjection on SQL: several rules ask it of the same form of the same field.
    pub(super) sqli: Option<(usize, FormId, bool)>,
    /// What the decoders found odd.
    pub(super) noted: Vec<Anomaly>,
    /// The memory in which patterns run.
    pub(super) caches: Caches,
    /// Values that raised nothing before.
    pub(super) familiar: Familiar,
    /// Whether the field raised anything that its value alone does not explain away.
    pub(super) raised: bool,
}

impl State {
    /// Forgets the request before.
    pub(super) fn begin(&mut self, set: &RuleSet) {
        let (rules, somewheres) = (set.rules.len(), set.somewheres as usize);
        self.caches.begin(set.id);
        self.familiar.begin(set.id);
        self.noted.clear();
        self.sqli = None;
        self.wide.next(rules);
        self.somewhere.next(somewheres);
        self.answers.clear();
        self.answers.resize(somewheres, None);
    }

    /// What the decoders found odd in the request.
    pub(crate) fn noted(&self) -> &[Anomaly] {
        &self.noted
    }

    /// Forgets the field before.
    pub(super) fn begin_field(&mut self, rules: usize, leaves: usize, groups: usize) {
        self.raised = false;
        self.flagged.next(leaves);
        self.known.next(leaves);
        self.hit.next(leaves);
        self.candidates.next(rules);
        self.ran.next(groups);
        self.counted.next(groups);
        if self.counts.len() < groups {
            self.counts.resize(groups, 0);
        }
    }

    /// Notes that a leaf is possible, and with it perhaps its rule.
    pub(super) fn announce(&mut self, one: &Use, paranoia: u8) {
        if one.paranoia > paranoia {
            return;
        }
        self.flagged.mark(one.leaf as usize);
        if !one.trigger {
            return;
        }
        if one.wide {
            self.raised = true;
            self.wide.mark(one.rule);
        } else {
            self.candidates.mark(one.rule);
        }
    }

    /// Counts a leaf that is going to be asked.
    pub(super) fn expect(&mut self, leaf: usize, index: &Index) {
        let group = index.group_of[leaf] as usize;
        if group == NO_GROUP as usize || !self.flagged.has(leaf) {
            return;
        }
        if self.counted.mark(group) {
            self.counts[group] = 0;
        }
        self.counts[group] += 1;
    }

    /// The group that is to run before a leaf is asked, if any. It is named once.
    pub(super) fn group_for(&mut self, leaf: usize, heavy: bool, index: &Index) -> Option<usize> {
        let group = index.group_of[leaf] as usize;
        if group == NO_GROUP as usize {
            return None;
        }
        let many = self.counted.has(group) && self.counts[group] >= WORTH_A_SET;
        ((heavy || many) && self.ran.mark(group)).then_some(group)
    }

    /// Runs a group and notes what it finds of its leaves.
    pub(super) fn run_group(&mut self, group: &Group, set: &Regex, bytes: &[u8]) {
        let found = self.caches.which(group.cache, set, bytes);
        for (which, leaf) in group.leaves.iter().enumerate() {
            self.known.mark(*leaf as usize);
            if found.contains(PatternID::new_unchecked(which)) {
                self.hit.mark(*leaf as usize);
            }
        }
    }

    /// Whether a leaf's group ran and did not find it.
    pub(super) fn is_missed(&self, leaf: usize) -> bool {
        self.known.has(leaf) && !self.hit.has(leaf)
    }
}
