//! One request through the index: field by field, the literals that occur, the groups worth running, the rules worth
//! evaluating; then the rules that ask the request as a whole.

use crate::decode::class::{
    AMP, BACKSLASH, CONTROL, HIGH, LOWER, PERCENT, PLUS, SEMI, SLASH, SPACE, STAR, UPPER,
};
use crate::decode::{CharClass, Decoder, Form, FormId, Forms};
use crate::field::{Anomaly, AnomalyKind, Encoding, Field, Location};
use crate::rule::{Rule, RuleSet};
use crate::signature::Input;
use crate::signature::evaluate::{At, Found};
use crate::signature::index::{FormMask, Index, NO_GROUP, PLAIN_TOO, Stamps, Text, Use};

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
    /// The last answer of libinjection on SQL: several rules ask it of the same form of the same field.
    pub(super) sqli: Option<(usize, FormId, bool)>,
    /// What the decoders found odd.
    noted: Vec<Anomaly>,
}

impl State {
    /// Notes that a leaf is possible, and with it perhaps its rule and its group.
    fn announce(&mut self, one: &Use, paranoia: u8, group_of: &[u32]) {
        if one.paranoia > paranoia {
            return;
        }
        let fresh = self.flagged.mark(one.leaf as usize);
        if one.wide {
            if self.wide.mark(one.rule as usize) {
                self.wide_list.push(one.rule);
            }
            return;
        }
        if one.trigger && self.candidates.mark(one.rule as usize) {
            self.candidate_list.push(one.rule);
        }
        let group = group_of[one.leaf as usize];
        if !fresh || group == NO_GROUP {
            return;
        }
        let worth = if one.heavy { WORTH_A_SET } else { 1 };
        if self.groups.mark(group as usize) {
            self.group_list.push((group, worth));
        } else if let Some((_, count)) = self.group_list.iter_mut().find(|(g, _)| *g == group) {
            *count += worth;
        }
    }
}

/// A field as sent, and what is to be scanned of it.
struct Raw<'r> {
    bytes: &'r [u8],
    class: CharClass,
    mask: FormMask,
    skip: bool,
}

/// The distinct forms of one field.
struct Texts<'t> {
    list: [Text<'t>; FORMS],
    count: usize,
}

impl<'t> Texts<'t> {
    fn new(location: Location) -> Self {
        let none = Text {
            bytes: &[],
            class: CharClass(0),
            forms: 0,
            location,
        };
        Self {
            list: [none; FORMS],
            count: 0,
        }
    }

    fn add(&mut self, bytes: &'t [u8], class: CharClass, forms: FormMask) {
        let known = self.list[..self.count]
            .iter_mut()
            .find(|text| same(text.bytes, bytes));
        if let Some(known) = known {
            known.forms |= forms;
            known.class.0 |= class.0;
        } else if forms != 0 {
            let text = &mut self.list[self.count];
            *text = Text {
                bytes,
                class,
                forms,
                ..*text
            };
            self.count += 1;
        }
    }

    fn iter(&self) -> impl Iterator<Item = &Text<'t>> {
        self.list[..self.count].iter()
    }
}

/// Whether decoding changes nothing but letters' case, so that most forms are the bytes as sent.
fn is_bare(class: CharClass, bytes: &[u8]) -> bool {
    const ENCODED: u32 = PERCENT | PLUS | AMP | BACKSLASH | CONTROL | HIGH;
    let squeezed = || class.has(SPACE) && memchr::memmem::find(bytes, b"  ").is_some();
    !class.has(ENCODED) && !squeezed()
}

/// Whether a form of bare bytes of this class may be other than they are, case aside.
fn differs(id: FormId, class: CharClass) -> bool {
    match id.preset() {
        Some(Form::Raw | Form::Value | Form::Decoded | Form::Text) => false,
        Some(Form::Sql | Form::Css) => class.has(STAR),
        Some(Form::Shell) => class.intersects(Decoder::Shell.entry().needs),
        Some(Form::Path) => class.has(SLASH | SEMI),
        Some(Form::Compact) => class.has(SPACE),
        None => true,
    }
}

/// The kinds of bytes in lower case, besides those in the case as sent.
fn lowered(class: CharClass) -> CharClass {
    let lower = if class.has(UPPER) { LOWER } else { 0 };
    CharClass(class.0 | lower)
}

/// Groups with fewer flagged patterns are not run as a set, unless one of them is heavy.
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
        self.state.sqli = None;
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
        if !self.prefilter {
            self.all_candidates(skip);
        }
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
            texts.add(raw.bytes, lowered(raw.class), same);
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
            let bytes = self.forms.view(number, id, raw.bytes);
            texts.add(
                bytes,
                lowered(self.forms.class(number, id)),
                1 << id.index(),
            );
        }
        let lexicon = if raw.skip {
            &self.index.plain
        } else {
            &self.index.full
        };
        let mut seen = std::mem::take(&mut self.state.seen);
        for text in texts.iter() {
            lexicon.scan(text, &mut seen, |one| {
                self.state
                    .announce(one, self.paranoia, &self.index.group_of);
            });
        }
        self.state.seen = seen;
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
            let Some(matches) = group.matches(bytes) else {
                continue;
            };
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
}

/// Whether the automaton would see the same in both.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && (std::ptr::eq(a, b) || a.eq_ignore_ascii_case(b))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::decode::{Chains, classify};

    proptest! {
        #[test]
        fn forms_of_bare_bytes_that_do_not_differ_are_the_bytes(text in "[ -~]{0,40}") {
            let raw = text.as_bytes();
            let class = classify(raw);
            prop_assume!(is_bare(class, raw));
            let encodings = [Encoding::Plain, Encoding::Form, Encoding::Percent, Encoding::JsonString, Encoding::Xml];
            for encoding in encodings {
                let mut forms = Forms::new();
                forms.begin(1);
                for (name, form) in Form::ALL {
                    forms.ensure(0, form, raw, encoding, Chains::EMPTY);
                    let bytes = forms.view(0, form, raw);
                    prop_assert!(differs(form.into(), class) || same(bytes, raw), "{name} {text:?}");
                }
            }
        }
    }
}
