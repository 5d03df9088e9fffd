//! One request through the index: field by field, the literals that occur, the groups worth running, the rules worth
//! evaluating; then the rules that ask the request as a whole.

use crate::decode::{CharClass, Decoder, Form, FormId, Forms};
use crate::field::{Anomaly, AnomalyKind, Encoding, Field};
use crate::rule::{Rule, RuleSet};
use crate::signature::Input;
use crate::signature::evaluate::{At, Found};
use crate::signature::index::{FormMask, Index, NO_GROUP, PLAIN_TOO, Stamps};

/// What is kept from field to field and from request to request, so that a scan allocates nothing.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// Literals seen in the form being scanned.
    seen: Stamps,
    /// Leaves of which a literal occurs in the field.
    pub(super) flagged: Stamps,
    /// Leaves whose group ran.
    pub(super) known: Stamps,
    /// Leaves that their group found.
    pub(super) hit: Stamps,
    /// Rules worth evaluating for the field.
    candidates: Stamps,
    candidate_list: Vec<u32>,
    /// Groups with flagged leaves.
    groups: Stamps,
    group_list: Vec<(u32, u32)>,
    /// Rules worth evaluating for the request.
    wide: Stamps,
    wide_list: Vec<u32>,
    /// Answers of `Somewhere` nodes.
    pub(super) somewhere: Stamps,
    pub(super) answers: Vec<Option<Found>>,
    /// What the decoders found odd.
    noted: Vec<Anomaly>,
}

/// Groups with fewer flagged patterns are not run as a set.
const WORTH_A_SET: u32 = 3;

/// How many forms a field can have.
const FORMS: usize = Form::COUNT + crate::decode::forms::MOST_CHAINS;

/// One request being scanned.
pub(crate) struct Scan<'s> {
    pub set: &'s RuleSet,
    pub index: &'s Index,
    pub input: Input<'s>,
    pub forms: &'s mut Forms,
    pub state: &'s mut State,
    pub paranoia: u8,
    /// Whether literals may rule patterns out; `false` only where that itself is tested.
    pub prefilter: bool,
}

/// What is told of each rule that holds.
pub(crate) type Report<'s, 'r> = dyn FnMut(&'s Rule, Found) + 'r;

impl<'s> Scan<'s> {
    /// Scans every field, then the request, and reports each rule that holds where it holds. Findings of one field
    /// come one after the other; those of the request as a whole come last.
    pub(crate) fn run(&mut self, report: &mut Report<'s, '_>) {
        self.state.noted.clear();
        self.state.wide.next(self.set.rules.len());
        self.state.wide_list.clear();
        self.state.somewhere.next(self.set.somewheres as usize);
        self.state.answers.clear();
        self.state
            .answers
            .resize(self.set.somewheres as usize, None);
        for (number, field) in self.input.fields.iter().enumerate() {
            self.scan_field(number, field, report);
        }
        self.ask_request(report);
    }

    /// Everything that was noted about the request, by the reader and by the decoders.
    pub(super) fn anomalies(&self) -> impl Iterator<Item = &Anomaly> {
        self.input.anomalies.iter().chain(&self.state.noted)
    }

    fn scan_field(&mut self, number: usize, field: &Field, report: &mut Report<'s, '_>) {
        let raw = self.input.raw(field);
        let class = self
            .forms
            .ensure(number, Form::Raw, raw, field.encoding, &self.set.chains);
        let skip = class.is_plain() && !PLAIN_TOO.contains(field.location);
        let location = field.location as usize;
        let (mask, always) = if skip {
            (
                self.index.plain.forms[location],
                &self.index.always_plain[location],
            )
        } else {
            (
                self.index.full.forms[location],
                &self.index.always[location],
            )
        };
        if mask == 0 && always.is_empty() {
            return;
        }
        self.begin_field();
        if !class.is_plain() {
            for id in self.index.ids(mask) {
                self.forms
                    .ensure(number, id, raw, field.encoding, &self.set.chains);
            }
            self.note_layers(number, field);
        }
        if !self.prefilter {
            self.all_candidates(skip);
        } else if class.is_plain() {
            // All forms of a plain field are the same but for case, and the automaton ignores case.
            self.scan_form(raw, mask, field, skip);
        } else {
            self.scan_forms(number, field, raw, mask);
        }
        self.run_groups(number, raw, field.encoding);
        self.evaluate_field(number, field, always, report);
    }

    fn begin_field(&mut self) {
        let leaves = self.set.leaves.len();
        self.state.flagged.next(leaves);
        self.state.known.next(leaves);
        self.state.hit.next(leaves);
        self.state.candidates.next(self.set.rules.len());
        self.state.candidate_list.clear();
        self.state.groups.next(self.index.groups.len());
        self.state.group_list.clear();
    }

    /// Without the prefilter every rule is worth evaluating.
    fn all_candidates(&mut self, plain: bool) {
        for (number, rule) in (0_u32..).zip(&self.set.rules) {
            let list = if rule.wide {
                &mut self.state.wide_list
            } else {
                &mut self.state.candidate_list
            };
            let stamps = if rule.wide {
                &mut self.state.wide
            } else {
                &mut self.state.candidates
            };
            if (rule.wide || rule.plain || !plain) && stamps.mark(number as usize) {
                list.push(number);
            }
        }
    }

    /// Scans each form that rules at this location look at, but equal ones only once.
    fn scan_forms(&mut self, number: usize, field: &Field, raw: &[u8], mask: FormMask) {
        let forms = std::mem::take(self.forms);
        let mut distinct: [(&[u8], FormMask); FORMS] = [(&[], 0); FORMS];
        let mut count = 0;
        for id in self.index.ids(mask) {
            let bytes = forms.view(number, id, raw);
            let bit = 1 << id.index();
            match distinct[..count]
                .iter_mut()
                .find(|(other, _)| same(other, bytes))
            {
                Some((_, forms)) => *forms |= bit,
                None => {
                    distinct[count] = (bytes, bit);
                    count += 1;
                }
            }
        }
        for (bytes, forms) in &distinct[..count] {
            self.scan_form(bytes, *forms, field, false);
        }
        *self.forms = forms;
    }

    /// One pass over the bytes that some forms of a field share.
    fn scan_form(&mut self, bytes: &[u8], forms: FormMask, field: &Field, plain: bool) {
        let lexicon = if plain {
            &self.index.plain
        } else {
            &self.index.full
        };
        let State {
            seen,
            flagged,
            candidates,
            candidate_list,
            groups,
            group_list,
            wide,
            wide_list,
            ..
        } = &mut *self.state;
        let (paranoia, group_of) = (self.paranoia, &self.index.group_of);
        lexicon.scan(bytes, field.location, seen, |one| {
            if one.paranoia > paranoia || forms & (1 << one.form) == 0 {
                return;
            }
            let fresh = flagged.mark(one.leaf as usize);
            if one.wide {
                if wide.mark(one.rule as usize) {
                    wide_list.push(one.rule);
                }
                return;
            }
            if one.trigger && candidates.mark(one.rule as usize) {
                candidate_list.push(one.rule);
            }
            let group = group_of[one.leaf as usize];
            if !fresh || group == NO_GROUP {
                return;
            }
            if groups.mark(group as usize) {
                group_list.push((group, 1));
            } else if let Some((_, count)) = group_list.iter_mut().find(|(g, _)| *g == group) {
                *count += 1;
            }
        });
    }

    /// Runs the groups in which several patterns are possible.
    fn run_groups(&mut self, number: usize, raw: &[u8], encoding: Encoding) {
        for at in 0..self.state.group_list.len() {
            let (group, count) = self.state.group_list[at];
            if count < WORTH_A_SET {
                continue;
            }
            let group = &self.index.groups[group as usize];
            self.forms
                .ensure(number, group.form, raw, encoding, &self.set.chains);
            let bytes = self.forms.view(number, group.form, raw);
            let matches = group.set.matches(bytes);
            for (which, leaf) in group.leaves.iter().enumerate() {
                self.state.known.mark(*leaf as usize);
                if matches.matched(which) {
                    self.state.hit.mark(*leaf as usize);
                }
            }
        }
    }

    fn evaluate_field(
        &mut self,
        number: usize,
        field: &Field,
        always: &[u32],
        report: &mut Report<'s, '_>,
    ) {
        let at = At {
            field: Some(number),
            direct: !self.prefilter,
        };
        let name = self.input.name(field);
        let set = self.set;
        for candidate in 0..self.state.candidate_list.len() + always.len() {
            let rule = match self.state.candidate_list.get(candidate) {
                Some(rule) => *rule,
                None => always[candidate - self.state.candidate_list.len()],
            };
            // Without the prefilter a rule is in both lists.
            let listed = candidate >= self.state.candidate_list.len();
            if listed && self.state.candidates.has(rule as usize) {
                continue;
            }
            let rule = &set.rules[rule as usize];
            if rule.paranoia > self.paranoia || !rule.places.contain(field.location, name) {
                continue;
            }
            if let Some(found) = self.rule(rule, at) {
                report(rule, found);
            }
        }
    }

    /// Evaluates the rules that ask the request as a whole.
    fn ask_request(&mut self, report: &mut Report<'s, '_>) {
        let at = At {
            field: None,
            direct: true,
        };
        let set = self.set;
        for candidate in 0..self.state.wide_list.len() + self.index.wide.len() {
            let triggered = self.state.wide_list.len();
            let number = match self.state.wide_list.get(candidate) {
                Some(rule) => *rule,
                None => self.index.wide[candidate - triggered],
            };
            if candidate >= triggered && self.state.wide.has(number as usize) {
                continue;
            }
            let rule = &set.rules[number as usize];
            if rule.paranoia > self.paranoia {
                continue;
            }
            if let Some(found) = self.rule(rule, at) {
                report(rule, found);
            }
        }
    }

    /// Notes what decoding the field showed, each kind once in a request.
    fn note_layers(&mut self, number: usize, field: &Field) {
        let layers = self.forms.layers(number);
        if layers == crate::decode::Layers::default() {
            return;
        }
        let kinds = [
            (layers.nul, AnomalyKind::NulByte),
            (layers.invalid_percent, AnomalyKind::PercentInvalid),
            (layers.invalid_utf8, AnomalyKind::Utf8Invalid),
            (layers.has(Decoder::Overlong), AnomalyKind::OverlongUtf8),
            (layers.rounds > 2, AnomalyKind::EncodedManyTimes),
        ];
        for (_, kind) in kinds.into_iter().filter(|(noted, _)| *noted) {
            if self.anomalies().all(|anomaly| anomaly.kind != kind) {
                self.state.noted.push(Anomaly {
                    kind,
                    location: field.location,
                    span: field.value,
                });
            }
        }
    }

    /// The class of a form that was computed.
    pub(super) fn class(&self, number: usize, form: FormId) -> CharClass {
        self.forms.class(number, form)
    }
}

/// Whether the automaton would see the same in both.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && (std::ptr::eq(a, b) || a.eq_ignore_ascii_case(b))
}
