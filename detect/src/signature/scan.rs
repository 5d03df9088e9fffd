//! One request through the index: field by field, the literals that occur, the groups worth running, the rules worth
//! evaluating; then the rules that ask the request as a whole.

use crate::decode::{CharClass, Decoder, Form, Forms};
use crate::field::{Anomaly, AnomalyKind, Field, Location, Span};
use crate::rule::condition::Node;
use crate::rule::{Rule, RuleSet};
use crate::signature::Input;
use crate::signature::evaluate::{At, Found};
use crate::signature::familiar::{Key, REPEATED, Setting};
use crate::signature::index::{Index, PLAIN_TOO};
use crate::signature::lexicon::FormMask;
use crate::signature::state::State;
use crate::signature::texts::{Texts, differs, is_bare};

/// A field as sent, and what is to be scanned of it.
struct Raw<'r> {
    bytes: &'r [u8],
    class: CharClass,
    mask: FormMask,
    skip: bool,
}

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
        self.state.begin(self.set);
        if !self.prefilter {
            self.state.caches.lift_bound();
        }
        for (number, field) in self.input.fields.iter().enumerate() {
            let key = self.key(field);
            if key.is_some_and(|key| self.state.familiar.knows(&key)) {
                continue;
            }
            self.scan_field(number, field, report);
            if let Some(key) = key.filter(|_| !self.state.raised && !self.forms.exhausted()) {
                self.state.familiar.learn(&key);
            }
        }
        if self.forms.exhausted() {
            self.state.noted.push(Anomaly {
                kind: AnomalyKind::DecodingExhausted,
                location: Location::Body,
                span: Span::EMPTY,
            });
        }
        self.ask_request(report);
    }

    /// Everything that was noted about the request, by the reader and by the decoders.
    pub(super) fn anomalies(&self) -> impl Iterator<Item = &Anomaly> {
        self.input.anomalies.iter().chain(&self.state.noted)
    }

    /// Under which the field is remembered, if it is of a kind that comes again.
    fn key(&self, field: &Field) -> Option<Key<'s>> {
        if !self.prefilter || !REPEATED.contains(field.location) {
            return None;
        }
        let setting = Setting {
            location: field.location,
            encoding: field.encoding,
            paranoia: self.paranoia,
        };
        Key::new(setting, self.input.name(field), self.input.raw(field))
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
        let sizes = (self.set.leaves.len(), self.index.groups.len());
        self.state
            .begin_field(self.set.rules.len(), sizes.0, sizes.1);
        self.scan_forms(
            number,
            field,
            Raw {
                bytes: raw,
                class,
                mask,
                skip,
            },
        );
        if self.prefilter {
            self.sift(field, always);
        } else {
            self.all_candidates(skip);
        }
        self.evaluate_field(number, field, always, report);
    }

    /// Without the prefilter every rule is worth evaluating.
    fn all_candidates(&mut self, plain: bool) {
        for (number, rule) in (0_u32..).zip(&self.set.rules) {
            let list = if rule.wide {
                &mut self.state.wide
            } else {
                &mut self.state.candidates
            };
            if rule.wide || rule.plain || !plain {
                list.mark(number);
            }
        }
    }

    /// Scans each form that rules at this location look at, but equal ones only once.
    fn scan_forms(&mut self, number: usize, field: &Field, raw: Raw<'_>) {
        let mut texts = Texts::new(field.location);
        let mut rest = raw.mask;
        if is_bare(raw.class, raw.bytes) {
            // Most forms are the field's own bytes but for case, and the automaton ignores case.
            let same = self
                .index
                .ids(raw.mask)
                .filter(|id| !differs(*id, raw.class));
            let same = same.fold(0, |mask, id| mask | 1 << id.index());
            texts.add(raw.bytes, same);
            rest &= !same;
        } else if !matches!(
            field.location,
            Location::ResponseHeader | Location::ResponseBody
        ) {
            // How an answer is encoded is no sign of anything, and undoing it costs more than all else here.
            self.forms.ensure(
                number,
                Form::Text,
                raw.bytes,
                field.encoding,
                &self.set.chains,
            );
            self.note_layers(number, field);
        }
        for id in self.index.ids(rest) {
            self.forms
                .ensure(number, id, raw.bytes, field.encoding, &self.set.chains);
        }
        for id in self.index.ids(rest) {
            texts.add(self.forms.view(number, id, raw.bytes), 1 << id.index());
        }
        let lexicon = if raw.skip {
            &self.index.plain
        } else {
            &self.index.full
        };
        let mut seen = std::mem::take(&mut self.state.seen);
        for text in texts.iter() {
            lexicon.scan(text, &mut seen, |one| {
                self.state.announce(one, self.paranoia);
            });
        }
        self.state.seen = seen;
    }

    /// Drops the candidates that cannot hold after all, and counts the patterns that the others are going to ask.
    fn sift(&mut self, field: &Field, always: &[u32]) {
        let set = self.set;
        let name = self.input.name(field);
        let mut candidates = std::mem::take(&mut self.state.candidates);
        candidates.retain(|number| {
            let rule = &set.rules[*number as usize];
            rule.places.contain(field.location, name) && self.is_possible(&rule.condition)
        });
        for number in candidates.list().iter().chain(always) {
            let condition = &set.rules[*number as usize].condition;
            condition.each_leaf(false, &mut |leaf, _| {
                self.state.expect(leaf as usize, self.index);
            });
        }
        self.state.candidates = candidates;
    }

    /// Whether a condition may hold for the field, as far as literals and needs tell.
    fn is_possible(&self, node: &Node) -> bool {
        match node {
            Node::All(parts) => parts.iter().all(|part| self.is_possible(part)),
            Node::Any(parts) => parts.iter().any(|part| self.is_possible(part)),
            Node::Leaf(leaf) => {
                let leaf = *leaf as usize;
                !self.set.leaves[leaf].announced || self.state.flagged.has(leaf)
            }
            Node::Not(_) | Node::Request(_) | Node::Somewhere(_) => true,
        }
    }

    /// Runs the group of a leaf, when it should run before the leaf is asked.
    pub(super) fn ask_group(&mut self, leaf: usize, heavy: bool, number: usize, field: &Field) {
        let Some(group) = self.state.group_for(leaf, heavy, self.index) else {
            return;
        };
        let group = &self.index.groups[group];
        let raw = self.input.raw(field);
        self.forms
            .ensure(number, group.form, raw, field.encoding, &self.set.chains);
        let bytes = self.forms.view(number, group.form, raw);
        if let Some(set) = group.set() {
            self.state.run_group(group, set, bytes);
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
        let candidates = self.state.candidates.list().len();
        for candidate in 0..candidates + always.len() {
            let rule = match self.state.candidates.list().get(candidate) {
                Some(rule) => *rule,
                None => always[candidate - candidates],
            };
            // Without the prefilter a rule is in both lists.
            if candidate >= candidates && self.state.candidates.has(rule) {
                continue;
            }
            let rule = &set.rules[rule as usize];
            if rule.paranoia > self.paranoia || !rule.places.contain(field.location, name) {
                continue;
            }
            self.state.raised |= rule.contextual;
            if let Some(found) = self.rule(rule, at) {
                self.state.raised = true;
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
        let triggered = self.state.wide.list().len();
        for candidate in 0..triggered + self.index.wide.len() {
            let number = match self.state.wide.list().get(candidate) {
                Some(rule) => *rule,
                None => self.index.wide[candidate - triggered],
            };
            if candidate >= triggered && self.state.wide.has(number) {
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
        self.state.raised = true;
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
}
