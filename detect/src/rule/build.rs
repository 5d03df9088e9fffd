//! One rule after another, from as written to compiled: places, form, condition. Complaints are collected, and the
//! compiler goes on after each, so that a person sees them all.

use std::sync::Arc;

use ipnet::IpNet;

use crate::decode::{Chains, Decoder, Form, FormId};
use crate::field::AnomalyKind;
use crate::rule::check::{self, Complaint};
use crate::rule::compile::Rule;
use crate::rule::condition::{Leaf, Limits, Node, Operator, Pattern, RequestTest, Somewhere};
use crate::rule::place::{self, Places};
use crate::rule::{
    Bounds, ConditionSpec, OneOrMany, Origin, Phase, RuleSpec, TransformsSpec, pattern,
};

/// What the rules compiled so far have in common.
#[derive(Default)]
pub(crate) struct Builder {
    pub leaves: Vec<Leaf>,
    pub chains: Chains,
    pub somewheres: u32,
    complaints: Vec<Complaint>,
}

/// Where a part of a condition stands.
#[derive(Clone)]
struct Context {
    rule: u32,
    form: FormId,
    somewhere: Option<Arc<Places>>,
    depth: u32,
}

/// An operator made of strings.
type OfList = fn(Vec<Vec<u8>>) -> Operator;
/// An operator that says all by itself.
type OfNothing = fn() -> Operator;

/// Conditions nested deeper are refused; nobody can read them.
const MAX_DEPTH: u32 = 16;

impl Builder {
    /// Compiles one rule, as far as it can be, and says what is wrong with it.
    pub(crate) fn rule(
        &mut self,
        number: u32,
        origin: Origin,
        spec: RuleSpec,
    ) -> (Rule, Vec<Complaint>) {
        self.complaints = check::head(&spec);
        let places = self.places(spec.places.as_slice());
        self.check_phase(spec.phase, &places);
        let form = self.form(&spec.transforms);
        let context = Context {
            rule: number,
            form,
            somewhere: None,
            depth: 0,
        };
        let condition = self.node(&spec.condition, &context);
        let unless = spec
            .unless
            .as_ref()
            .map(|unless| self.node(unless, &context));
        let rule = Rule {
            id: spec.id.as_str().into(),
            name: spec.name.as_str().into(),
            why: spec.why.as_str().into(),
            tags: spec.tags.clone().into(),
            category: spec.category,
            severity: spec.severity,
            score: spec.score.unwrap_or(spec.severity.score()),
            paranoia: spec.paranoia,
            plain: spec.plain || self.means_plain(&condition),
            places,
            wide: condition.is_wide(),
            contextual: condition.asks_request() || unless.as_ref().is_some_and(Node::asks_request),
            condition,
            unless,
            spec,
            origin,
        };
        (rule, std::mem::take(&mut self.complaints))
    }

    fn complain(&mut self, message: impl Into<String>, help: impl Into<String>) {
        self.complaints.push((message.into(), help.into()));
    }

    fn places(&mut self, words: &[String]) -> Places {
        if words.is_empty() {
            self.complain("`where` is empty", "leave it out to mean `args`");
        }
        Places::parse(words).unwrap_or_else(|word| {
            self.complain(
                format!("`{word}` is no location"),
                format!("one of {}, or LOCATION:NAME", place::known()),
            );
            Places::default()
        })
    }

    fn check_phase(&mut self, phase: Phase, places: &Places) {
        let bits = places.locations().0;
        match phase {
            Phase::Request if bits & place::RESPONSE.0 != 0 => self.complain(
                "a rule of phase request looks at an answer",
                "say `phase: response`",
            ),
            Phase::Response if bits & !place::RESPONSE.0 != 0 => self.complain(
                "a rule of phase response looks at a request",
                "`where` of response-status, response-header, response-body",
            ),
            Phase::Request | Phase::Response => {}
        }
    }

    fn form(&mut self, transforms: &TransformsSpec) -> FormId {
        match transforms {
            TransformsSpec::Preset(name) => match Form::named(name) {
                Some(form) => form.into(),
                None => {
                    let names: Vec<_> = Form::ALL.iter().map(|(name, _)| *name).collect();
                    self.complain(
                        format!("`{name}` is no preset"),
                        format!("one of {}", names.join(" ")),
                    );
                    Form::Text.into()
                }
            },
            TransformsSpec::List(names) => self.chain(names),
        }
    }

    fn chain(&mut self, names: &[String]) -> FormId {
        let mut chain = Vec::new();
        for name in names {
            match Decoder::named(name) {
                Some(decoder) => chain.push(decoder),
                None => {
                    let known: Vec<_> = crate::decode::TABLE
                        .iter()
                        .map(|entry| entry.name)
                        .collect();
                    self.complain(
                        format!("`{name}` is no decoder"),
                        format!("some of {}", known.join(" ")),
                    );
                }
            }
        }
        self.chains.intern(&chain).unwrap_or_else(|| {
            self.complain("too many different lists of decoders", "use a preset");
            Form::Text.into()
        })
    }

    fn is_lower_case(&self, form: FormId) -> bool {
        match form.preset() {
            Some(form) => form.is_lower_case(),
            None => self
                .chains
                .decoders(form)
                .is_some_and(|chain| chain.contains(&Decoder::Lower)),
        }
    }

    /// Whether what the rule is after can be made of letters and digits alone.
    fn means_plain(&self, condition: &Node) -> bool {
        let mut all = true;
        let mut some = false;
        condition.each_leaf(false, &mut |leaf, negated| {
            if !negated {
                some = true;
                all &= self.leaves[leaf as usize].operator.means_plain();
            }
        });
        all && some
    }

    /// Compiles a condition: each key of the mapping is a part, and all of them must hold.
    fn node(&mut self, spec: &ConditionSpec, outer: &Context) -> Node {
        if outer.depth >= MAX_DEPTH {
            self.complain("the condition is nested too deeply", "at most 16 levels");
            return Node::All(Vec::new());
        }
        let mut context = outer.clone();
        context.depth += 1;
        if let Some(transforms) = &spec.transforms {
            context.form = self.form(transforms);
        }
        let places = spec
            .places
            .as_ref()
            .map(|places| self.places(places.as_slice()));
        let anomaly = spec
            .anomaly
            .as_ref()
            .map(|codes| self.anomaly(codes, places.clone()));
        if let Some(places) = &places {
            context.somewhere = Some(Arc::new(places.clone()));
        }
        let mut parts = self.field_parts(spec, &context);
        self.nested_parts(spec, &context, &mut parts);
        let mut wide = self.request_parts(spec);
        wide.extend(anomaly);
        if parts.is_empty() && wide.is_empty() {
            self.complain(
                "a condition is empty",
                "give it an operator, such as regex or contains_any",
            );
        }
        match places {
            Some(places) if !parts.is_empty() => {
                let number = self.somewheres;
                self.somewheres += 1;
                wide.push(Node::Somewhere(Somewhere {
                    number,
                    places,
                    node: Box::new(self.all(parts)),
                }));
                self.all(wide)
            }
            _ => {
                parts.extend(wide);
                self.all(parts)
            }
        }
    }

    /// `all`, the cheap parts first.
    fn all(&self, mut parts: Vec<Node>) -> Node {
        if parts.len() == 1 {
            return parts.remove(0);
        }
        parts.sort_by_key(|part| self.cost(part));
        Node::All(parts)
    }

    fn cost(&self, node: &Node) -> u32 {
        match node {
            Node::Request(_) => 1,
            Node::Leaf(leaf) => self.leaves[*leaf as usize].operator.cost(),
            Node::All(parts) | Node::Any(parts) => parts
                .iter()
                .map(|part| self.cost(part))
                .max()
                .unwrap_or(0)
                .saturating_add(1),
            Node::Not(part) => self.cost(part),
            Node::Somewhere(_) => 20,
        }
    }

    fn leaf(&mut self, operator: Operator, context: &Context) -> Node {
        let number = u32::try_from(self.leaves.len()).unwrap_or(u32::MAX);
        let (literals, needs) = (operator.literals(), operator.needs());
        self.leaves.push(Leaf {
            rule: context.rule,
            form: context.form,
            announced: literals.is_some() || needs.rarity() > 0,
            literals,
            needs,
            operator,
            somewhere: context.somewhere.clone(),
        });
        Node::Leaf(number)
    }

    fn field_parts(&mut self, spec: &ConditionSpec, context: &Context) -> Vec<Node> {
        let mut operators: Vec<Option<Operator>> = Vec::new();
        if let Some(source) = &spec.regex {
            operators.push(self.pattern(source, context.form));
        }
        let lists: [(&Option<OneOrMany>, OfList); 5] = [
            (&spec.contains_any, Operator::Contains),
            (&spec.contains, Operator::Contains),
            (&spec.equals, Operator::Equals),
            (&spec.starts_with, Operator::StartsWith),
            (&spec.ends_with, Operator::EndsWith),
        ];
        for (list, make) in lists {
            if let Some(list) = list {
                operators.push(self.strings(list, context.form).map(make));
            }
        }
        if let Some(bounds) = spec.length {
            operators.push(self.limits(bounds).map(Operator::Length));
        }
        if let Some(ranges) = &spec.byte_range {
            operators.push(self.byte_ranges(ranges));
        }
        if let Some(number) = spec.compare {
            operators.push(Some(Operator::Number(number)));
        }
        if let Some(networks) = &spec.ip_in {
            operators.push(self.networks(networks).map(Operator::Address));
        }
        let mut nodes: Vec<Node> = operators
            .into_iter()
            .flatten()
            .map(|op| self.leaf(op, context))
            .collect();
        let switches: [(Option<bool>, OfNothing); 4] = [
            (spec.detect_sqli, || Operator::Sqli),
            (spec.detect_xss, || Operator::Xss),
            (spec.luhn, || Operator::Card),
            (spec.iban, || Operator::Iban),
        ];
        for (switch, make) in switches {
            if let Some(positive) = switch {
                let leaf = self.leaf(make(), context);
                nodes.push(if positive {
                    leaf
                } else {
                    Node::Not(Box::new(leaf))
                });
            }
        }
        nodes
    }

    fn nested_parts(&mut self, spec: &ConditionSpec, context: &Context, parts: &mut Vec<Node>) {
        if let Some(list) = &spec.all {
            let nodes = list.iter().map(|part| self.node(part, context)).collect();
            parts.push(self.all(nodes));
        }
        if let Some(list) = &spec.any {
            let nodes = list.iter().map(|part| self.node(part, context)).collect();
            parts.push(Node::Any(nodes));
        }
        if let Some(part) = &spec.not {
            parts.push(Node::Not(Box::new(self.node(part, context))));
        }
    }

    fn request_parts(&mut self, spec: &ConditionSpec) -> Vec<Node> {
        let mut parts = Vec::new();
        if let Some(count) = &spec.count {
            let places = self.places(count.of.as_slice());
            let bounds = Bounds {
                gt: count.gt,
                lt: count.lt,
            };
            parts.extend(
                self.limits(bounds)
                    .map(|limits| RequestTest::Count(places, limits)),
            );
        }
        if let Some(networks) = &spec.client_in {
            parts.extend(self.networks(networks).map(RequestTest::Client));
        }
        parts.into_iter().map(Node::Request).collect()
    }

    fn anomaly(&mut self, codes: &OneOrMany, places: Option<Places>) -> Node {
        let mut kinds = Vec::new();
        for code in codes.as_slice() {
            match AnomalyKind::ALL.iter().find(|kind| kind.code() == code) {
                Some(kind) => kinds.push(*kind),
                None => {
                    let known: Vec<_> = AnomalyKind::ALL.iter().map(|kind| kind.code()).collect();
                    self.complain(
                        format!("`{code}` is no anomaly"),
                        format!("one of {}", known.join(" ")),
                    );
                }
            }
        }
        Node::Request(RequestTest::Anomaly(kinds, places))
    }

    fn pattern(&mut self, source: &str, form: FormId) -> Option<Operator> {
        let hir = match pattern::parse(source) {
            Ok(hir) => hir,
            Err(error) => {
                self.complain(
                    format!("the pattern does not parse: {error}"),
                    "Rust regex syntax over bytes: no look-around, no back-references",
                );
                return None;
            }
        };
        if self.is_lower_case(form)
            && let Some(letter) = pattern::upper_case(&hir)
        {
            self.complain(
                format!("the pattern asks for `{letter}`, but the form is in lower case"),
                "write the pattern in lower case, or choose `transforms: decoded`",
            );
        }
        if hir.properties().minimum_len() == Some(0) {
            self.complain(
                "the pattern matches the empty string, so it holds for every field",
                "make some part of it required",
            );
        }
        match pattern::compile(source) {
            Ok(_) => {
                let relaxed = pattern::relaxed(&hir).to_string();
                let pattern = Pattern::new(source.to_owned(), relaxed, pattern::is_heavy(&hir));
                Some(Operator::Pattern(Box::new(pattern)))
            }
            Err(error) => {
                self.complain(
                    format!("the pattern is too expensive: {error}"),
                    "shorten counted repetitions such as {0,500}",
                );
                None
            }
        }
    }

    fn strings(&mut self, list: &OneOrMany, form: FormId) -> Option<Vec<Vec<u8>>> {
        let list = list.as_slice();
        if list.is_empty() || list.iter().any(String::is_empty) {
            self.complain(
                "an empty list, or an empty string in it",
                "at least one string of one byte or more",
            );
            return None;
        }
        let upper = list
            .iter()
            .find(|s| s.bytes().any(|b| b.is_ascii_uppercase()));
        if let Some(upper) = upper.filter(|_| self.is_lower_case(form)) {
            self.complain(
                format!("`{upper}` has upper-case letters, but the form is in lower case"),
                "write it in lower case, or choose `transforms: decoded`",
            );
        }
        Some(list.iter().map(|s| s.as_bytes().to_vec()).collect())
    }

    fn limits(&mut self, bounds: Bounds) -> Option<Limits> {
        if bounds.gt.is_none() && bounds.lt.is_none() {
            self.complain("bounds without a number", "`gt: N`, `lt: N` or both");
            return None;
        }
        Some(Limits {
            above: bounds.gt,
            below: bounds.lt,
        })
    }

    fn networks(&mut self, list: &OneOrMany) -> Option<Vec<IpNet>> {
        let mut networks = Vec::new();
        for text in list.as_slice() {
            let address = text.parse::<std::net::IpAddr>().map(IpNet::from);
            match text.parse::<IpNet>().ok().or(address.ok()) {
                Some(network) => networks.push(network),
                None => self.complain(
                    format!("`{text}` is no network"),
                    "such as 10.0.0.0/8 or ::1",
                ),
            }
        }
        (!networks.is_empty()).then_some(networks)
    }

    fn byte_ranges(&mut self, text: &str) -> Option<Operator> {
        let mut inside = Box::new([false; 256]);
        for range in text.split(',') {
            let (start, end) = range.split_once('-').unwrap_or((range, range));
            match (start.trim().parse::<u8>(), end.trim().parse::<u8>()) {
                (Ok(start), Ok(end)) if start <= end => {
                    (start..=end).for_each(|byte| inside[usize::from(byte)] = true);
                }
                _ => {
                    self.complain(
                        format!("`{range}` is no range of bytes"),
                        "such as \"9, 10, 32-126\"",
                    );
                    return None;
                }
            }
        }
        Some(Operator::ByteOutside(inside))
    }
}
