//! The index of a rule set: which literals make which rules worth a look, which patterns run together, and which
//! rules must be asked of every field. Built once per configuration.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use regex_automata::meta::Regex;

use crate::decode::FormId;
use crate::field::{Location, Locations};
use crate::rule::condition::{Leaf, Operator};
use crate::rule::{Category, Phase, Rule, literal, pattern, place};
use crate::signature::lexicon::{Draft, FormMask, Lexicon, Use};

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
const GROUP_SIZE: usize = crate::signature::caches::MOST_PATTERNS;

/// Patterns of one form and category that are matched in one pass.
#[derive(Debug)]
pub(crate) struct Group {
    /// The form that all of them see.
    pub form: FormId,
    /// The patterns, in the order of `leaves`.
    sources: Vec<String>,
    /// Compiled when one of them is first possible: benign traffic never wakes most groups, and all of them together
    /// are most of the memory of the rules.
    set: OnceLock<Option<Regex>>,
    /// Their leaves.
    pub leaves: Vec<u32>,
    /// The number of its cache.
    pub cache: usize,
}

impl Group {
    /// The patterns as one set; `None` where they cannot be had together.
    pub(crate) fn set(&self) -> Option<&Regex> {
        let compile = || {
            let sources: Vec<&str> = self.sources.iter().map(String::as_str).collect();
            pattern::compile_set(&sources)
        };
        self.set.get_or_init(compile).as_ref()
    }
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
        index.full = Lexicon::build(&draft, |_| true);
        let plain = |one: &Use| rules[one.rule as usize].plain || one.wide;
        index.plain = Lexicon::build(&draft, plain);
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
            // Caches below are those of single patterns, by leaf; a leaf is in one group at most.
            cache: leaves.len() + members[0] as usize,
        });
    }
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
            let trigger = triggers.contains(&leaf);
            self.add_leaf(number, rule, leaf, &leaves[leaf as usize], trigger);
        }
    }

    fn add_leaf(&mut self, number: u32, rule: &Rule, leaf_number: u32, leaf: &Leaf, trigger: bool) {
        let places = leaf.somewhere.as_deref().unwrap_or(&rule.places);
        let one = Use {
            leaf: leaf_number,
            rule: number,
            form: u8::try_from(leaf.form.index()).unwrap_or(u8::MAX),
            paranoia: rule.paranoia,
            trigger,
            wide: rule.wide,
            locations: places.locations(),
            ways: (0, 0),
        };
        match &leaf.literals {
            Some(literals) => {
                let starts = literals
                    .iter()
                    .map(|text| text[..text.len().min(LITERAL)].to_vec());
                let starts = literal::minimised(&starts.collect());
                self.add(one, &leaf.needs, starts);
            }
            None if leaf.announced => self.add_bare(one, &leaf.needs),
            None => {}
        }
    }
}

/// The locations whose plain fields are scanned in full.
pub(crate) const PLAIN_TOO: Locations = place::PLAIN_TOO;
