//! The index of a rule set: which literals make which rules worth a look, which patterns run together, and which
//! rules must be asked of every field. Built once per configuration.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use aho_corasick::automaton::Automaton;
use aho_corasick::{Anchored, MatchKind, StartKind, dfa::DFA};
use regex::bytes::{RegexSet, SetMatches};

use crate::decode::{CharClass, FormId};
use crate::field::{Location, Locations};
use crate::rule::condition::{Leaf, Operator};
use crate::rule::needs::Needs;
use crate::rule::{Category, Phase, Rule, literal, pattern, place};

/// A set of forms, one bit for each [`crate::decode::FormId`] by its index.
pub(crate) type FormMask = u64;

/// Everything that is looked up while a request is scanned.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// All literals.
    pub full: Lexicon,
    /// The literals of rules that look at plain fields.
    pub plain: Lexicon,
    /// Patterns that run together.
    pub groups: Vec<Group>,
    /// The group of each leaf, or [`NO_GROUP`].
    pub group_of: Vec<u32>,
    /// Rules asked of every field at a location, since no literal announces them.
    pub always: Vec<Vec<u32>>,
    /// The same, of plain fields.
    pub always_plain: Vec<Vec<u32>>,
    /// Rules asked once of each request.
    pub wide: Vec<u32>,
    /// The forms that rules look at, by [`FormId::index`].
    pub forms: Vec<Option<FormId>>,
    /// Which of `always` and `wide` a rule is in.
    is_always: Vec<bool>,
}

/// A leaf that is in no group.
pub(crate) const NO_GROUP: u32 = u32::MAX;
/// How much of a literal is looked for. Where a literal is, its beginning is; and more would only make the automaton
/// larger.
const LITERAL: usize = 12;
/// How many patterns a group holds at most.
const GROUP_SIZE: usize = 8;

/// Patterns of one form and category that are matched in one pass.
#[derive(Debug)]
pub(crate) struct Group {
    /// The form that all of them see.
    pub form: FormId,
    /// The patterns, in the order of `leaves`.
    sources: Vec<String>,
    /// Compiled when one of them is first possible: benign traffic never wakes most groups, and all of them together
    /// are most of the memory of the rules.
    set: OnceLock<Option<RegexSet>>,
    /// Their leaves.
    pub leaves: Vec<u32>,
}

impl Group {
    /// Which patterns match somewhere, as indices into `leaves`; `None` where the group cannot be had as a whole.
    pub(crate) fn matches(&self, bytes: &[u8]) -> Option<SetMatches> {
        let compile = || {
            let sources: Vec<&str> = self.sources.iter().map(String::as_str).collect();
            pattern::compile_set(&sources)
        };
        Some(self.set.get_or_init(compile).as_ref()?.matches(bytes))
    }
}

/// Literals and what finding one means.
#[derive(Debug, Default)]
pub(crate) struct Lexicon {
    automaton: Option<DFA>,
    literals: Vec<Entry>,
    uses: Vec<Use>,
    /// Which forms are worth scanning, by location.
    pub forms: Vec<FormMask>,
    /// By location, tests that no literal announces, but kinds of bytes do.
    buckets: Vec<Vec<Bucket>>,
}

/// Tests of one form that need the same kinds of bytes.
#[derive(Debug)]
struct Bucket {
    form: u8,
    needs: Needs,
    uses: Vec<Use>,
}

/// One literal.
#[derive(Debug)]
struct Entry {
    /// Its part of [`Lexicon::uses`].
    first: u32,
    end: u32,
    /// Where any of its uses applies.
    locations: Locations,
}

/// One leaf that literals or kinds of bytes announce.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Use {
    pub leaf: u32,
    pub rule: u32,
    pub needs: Needs,
    pub form: u8,
    pub paranoia: u8,
    /// Finding it makes the rule worth a look.
    pub trigger: bool,
    /// Its group should run before it.
    pub heavy: bool,
    /// The rule is asked of the request, not of the field.
    pub wide: bool,
    pub locations: Locations,
}

impl Index {
    /// Indexes the rules of one phase.
    pub(crate) fn build(rules: &[Rule], leaves: &[Leaf], phase: Phase) -> Self {
        let mut draft = Draft::default();
        let mut index = Index {
            always: vec![Vec::new(); Location::COUNT],
            always_plain: vec![Vec::new(); Location::COUNT],
            is_always: vec![false; rules.len()],
            ..Index::default()
        };
        for (number, rule) in (0_u32..)
            .zip(rules)
            .filter(|(_, rule)| rule.spec.phase == phase)
        {
            let triggers = rule.condition.triggers(leaves, rule.wide);
            if triggers.is_none() {
                index.add_always(number, rule);
            }
            let triggers = triggers.unwrap_or_default();
            draft.add_rule(number, rule, leaves, &triggers);
        }
        for leaf in leaves {
            let at = leaf.form.index();
            index.forms.resize(index.forms.len().max(at + 1), None);
            index.forms[at] = Some(leaf.form);
        }
        index.full = Lexicon::build(&draft, false, rules);
        index.plain = Lexicon::build(&draft, true, rules);
        index.add_groups(rules, leaves, phase);
        index
    }

    /// The forms of a mask.
    pub(crate) fn ids(&self, mask: FormMask) -> impl Iterator<Item = FormId> {
        let mut rest = mask;
        let bits = std::iter::from_fn(move || {
            let bit = rest.trailing_zeros() as usize;
            let more = rest != 0;
            rest &= rest.wrapping_sub(1);
            more.then_some(bit)
        });
        bits.filter_map(|bit| self.forms.get(bit).copied().flatten())
    }

    /// Whether no literal announces the rule.
    pub(crate) fn is_always(&self, rule: usize) -> bool {
        self.is_always.get(rule).copied().unwrap_or(false)
    }

    fn add_always(&mut self, number: u32, rule: &Rule) {
        self.is_always[number as usize] = true;
        if rule.wide {
            self.wide.push(number);
            return;
        }
        for location in Location::ALL {
            if rule.places.locations().contains(location) {
                self.always[location as usize].push(number);
                if rule.plain {
                    self.always_plain[location as usize].push(number);
                }
            }
        }
    }

    fn add_groups(&mut self, rules: &[Rule], leaves: &[Leaf], phase: Phase) {
        self.group_of = vec![NO_GROUP; leaves.len()];
        let mut families: BTreeMap<(usize, Category), (FormId, Vec<u32>)> = BTreeMap::new();
        for (number, leaf) in (0_u32..).zip(leaves) {
            let rule = &rules[leaf.rule as usize];
            let alone = leaf.somewhere.is_some() || rule.spec.phase != phase;
            if matches!(leaf.operator, Operator::Pattern(_)) && !alone {
                let family = families.entry((leaf.form.index(), rule.category));
                family
                    .or_insert_with(|| (leaf.form, Vec::new()))
                    .1
                    .push(number);
            }
        }
        for (form, family) in families.into_values() {
            for members in family.chunks(GROUP_SIZE) {
                self.add_group(form, members, leaves);
            }
        }
    }

    fn add_group(&mut self, form: FormId, members: &[u32], leaves: &[Leaf]) {
        let source = |leaf: &u32| match &leaves[*leaf as usize].operator {
            Operator::Pattern(pattern) => Some(pattern.relaxed.as_str()),
            _ => None,
        };
        let sources: Vec<&str> = members.iter().filter_map(source).collect();
        // Patterns that are too large together still run one by one.
        if pattern::compile_set(&sources).is_none() {
            return;
        }
        let group = u32::try_from(self.groups.len()).unwrap_or(NO_GROUP);
        for leaf in members {
            self.group_of[*leaf as usize] = group;
        }
        self.groups.push(Group {
            form,
            sources: sources.into_iter().map(str::to_owned).collect(),
            set: OnceLock::new(),
            leaves: members.to_vec(),
        });
    }
}

/// Literals and their uses while they are collected.
#[derive(Default)]
struct Draft {
    uses: BTreeMap<Vec<u8>, Vec<Use>>,
    /// Uses without a literal, by form and needs.
    needing: BTreeMap<(u8, Needs), Vec<Use>>,
}

impl Draft {
    fn add_rule(&mut self, number: u32, rule: &Rule, leaves: &[Leaf], triggers: &[u32]) {
        let mut own = Vec::new();
        let mut visit = |leaf: u32, _| own.push(leaf);
        rule.condition.each_leaf(false, &mut visit);
        if let Some(unless) = &rule.unless {
            unless.each_leaf(false, &mut visit);
        }
        // Leaves that stand for other fields are only of interest here when they announce their rule.
        own.extend(
            triggers
                .iter()
                .filter(|leaf| leaves[**leaf as usize].somewhere.is_some()),
        );
        for leaf in own {
            self.add_leaf(
                number,
                rule,
                leaf,
                &leaves[leaf as usize],
                triggers.contains(&leaf),
            );
        }
    }

    fn add_leaf(&mut self, number: u32, rule: &Rule, leaf_number: u32, leaf: &Leaf, trigger: bool) {
        let places = leaf.somewhere.as_deref().unwrap_or(&rule.places);
        let one = Use {
            leaf: leaf_number,
            rule: number,
            needs: leaf.needs,
            form: u8::try_from(leaf.form.index()).unwrap_or(u8::MAX),
            paranoia: rule.paranoia,
            trigger,
            heavy: matches!(&leaf.operator, Operator::Pattern(pattern) if pattern.heavy),
            wide: rule.wide,
            locations: places.locations(),
        };
        match &leaf.literals {
            Some(literals) => {
                let starts = literals
                    .iter()
                    .map(|text| text[..text.len().min(LITERAL)].to_vec());
                for text in literal::minimised(&starts.collect()) {
                    self.uses.entry(text).or_default().push(one);
                }
            }
            None if leaf.announced => {
                self.needing
                    .entry((one.form, one.needs))
                    .or_default()
                    .push(one);
            }
            None => {}
        }
    }
}

impl Lexicon {
    fn build(draft: &Draft, plain: bool, rules: &[Rule]) -> Self {
        let mut lexicon = Lexicon {
            forms: vec![0; Location::COUNT],
            ..Lexicon::default()
        };
        let mut texts = Vec::new();
        let wanted = |one: &&Use| !plain || rules[one.rule as usize].plain || one.wide;
        for (text, uses) in &draft.uses {
            let first = lexicon.uses.len();
            lexicon.uses.extend(uses.iter().filter(wanted));
            let added = &lexicon.uses[first..];
            if added.is_empty() {
                continue;
            }
            let locations = added
                .iter()
                .fold(Locations::default(), |all, one| all.union(one.locations));
            lexicon.literals.push(Entry {
                first: u32::try_from(first).unwrap_or(u32::MAX),
                end: u32::try_from(lexicon.uses.len()).unwrap_or(u32::MAX),
                locations,
            });
            texts.push(text);
        }
        lexicon.buckets = Location::ALL
            .map(|location| {
                let buckets = draft.needing.iter().map(|((form, needs), uses)| {
                    let here = |one: &&Use| wanted(one) && one.locations.contains(location);
                    Bucket {
                        form: *form,
                        needs: *needs,
                        uses: uses.iter().filter(here).copied().collect(),
                    }
                });
                buckets.filter(|bucket| !bucket.uses.is_empty()).collect()
            })
            .into();
        for (location, buckets) in lexicon.buckets.iter().enumerate() {
            for bucket in buckets {
                lexicon.forms[location] |= 1 << bucket.form;
            }
        }
        for one in &lexicon.uses {
            for location in Location::ALL
                .into_iter()
                .filter(|l| one.locations.contains(*l))
            {
                lexicon.forms[location as usize] |= 1 << one.form;
            }
        }
        lexicon.automaton = DFA::builder()
            .match_kind(MatchKind::Standard)
            .start_kind(StartKind::Unanchored)
            .ascii_case_insensitive(true)
            .build(texts)
            .ok()
            .filter(|_| !lexicon.literals.is_empty());
        lexicon
    }

    /// How many literals there are.
    pub(crate) fn len(&self) -> usize {
        self.literals.len()
    }

    /// Calls `found` for each use, at a location, that these bytes announce. They are those of all of `forms`, and of
    /// the kinds `class`. `seen` holds one stamp per literal, so that one that occurs ten thousand times is reported
    /// once.
    pub(crate) fn scan(&self, text: &Text<'_>, seen: &mut Stamps, mut found: impl FnMut(&Use)) {
        let location = text.location;
        let mut report = |uses: &[Use]| {
            let here = |one: &&Use| {
                one.locations.contains(location)
                    && text.forms & (1 << one.form) != 0
                    && one.needs.met_by(text.class)
            };
            uses.iter().filter(here).for_each(&mut found);
        };
        for bucket in &self.buckets[location as usize] {
            if bucket.needs.met_by(text.class) {
                report(&bucket.uses);
            }
        }
        let Some(automaton) = &self.automaton else {
            return;
        };
        let Ok(mut state) = automaton.start_state(Anchored::No) else {
            return;
        };
        seen.next(self.literals.len());
        for byte in text.bytes {
            state = automaton.next_state(Anchored::No, state, *byte);
            if !automaton.is_special(state) || !automaton.is_match(state) {
                continue;
            }
            for which in 0..automaton.match_len(state) {
                let literal = automaton.match_pattern(state, which).as_usize();
                let entry = &self.literals[literal];
                if seen.mark(literal) && entry.locations.contains(location) {
                    report(&self.uses[entry.first as usize..entry.end as usize]);
                }
            }
        }
    }

    /// The bytes that the automaton takes.
    pub(crate) fn memory(&self) -> usize {
        self.automaton.as_ref().map_or(0, Automaton::memory_usage)
    }
}

/// Bytes to scan.
#[derive(Clone, Copy)]
pub(crate) struct Text<'t> {
    /// The bytes.
    pub bytes: &'t [u8],
    /// The kinds of bytes among them.
    pub class: CharClass,
    /// The forms of the field that these bytes are.
    pub forms: FormMask,
    /// Where the field stands.
    pub location: Location,
}

/// A set of numbers that is emptied in no time: each holds the round in which it was put in.
#[derive(Debug, Default)]
pub(crate) struct Stamps {
    stamps: Vec<u32>,
    round: u32,
}

impl Stamps {
    /// Empties the set, and makes room for the numbers below `length`.
    pub(crate) fn next(&mut self, length: usize) {
        if self.stamps.len() < length {
            self.stamps.resize(length, 0);
        }
        self.round = self.round.wrapping_add(1);
        if self.round == 0 {
            self.stamps.fill(0);
            self.round = 1;
        }
    }

    /// Puts a number in, and says whether it was not yet there.
    pub(crate) fn mark(&mut self, number: usize) -> bool {
        std::mem::replace(&mut self.stamps[number], self.round) != self.round
    }

    /// Whether a number is in.
    pub(crate) fn has(&self, number: usize) -> bool {
        self.stamps[number] == self.round
    }
}

/// The locations whose plain fields are scanned in full.
pub(crate) const PLAIN_TOO: Locations = place::PLAIN_TOO;
