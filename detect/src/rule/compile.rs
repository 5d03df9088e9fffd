//! From rules as written to rules that run. All errors of all rules are collected, so that a person repairs a file
//! in one go; with any error nothing is compiled.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

use crate::decode::Chains;
use crate::rule::build::Builder;
use crate::rule::condition::{Leaf, Node, Operator};
use crate::rule::place::Places;
use crate::rule::{Category, Phase, RuleSpec, Severity, check};
use crate::signature::MOST_CACHES;
use crate::signature::index::Index;

/// Where a rule was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// The file, as the person knows it.
    pub file: Arc<str>,
    /// The line on which the rule begins, from 1.
    pub line: u32,
}

impl Default for Origin {
    fn default() -> Self {
        Self {
            file: "".into(),
            line: 0,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.file, self.line)
    }
}

/// What is wrong with a rule, or worth a second look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{origin}: {rule}: {message} ({help})")]
pub struct RuleError {
    /// Where the rule stands.
    pub origin: Origin,
    /// The rule's id.
    pub rule: String,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub help: String,
}

/// A rule that runs.
#[derive(Debug)]
pub struct Rule {
    /// As written.
    pub spec: RuleSpec,
    /// Where it was written.
    pub origin: Origin,
    pub(crate) id: Arc<str>,
    pub(crate) name: Arc<str>,
    pub(crate) why: Arc<str>,
    pub(crate) tags: Arc<[String]>,
    pub(crate) category: Category,
    pub(crate) severity: Severity,
    pub(crate) score: u8,
    pub(crate) paranoia: u8,
    pub(crate) plain: bool,
    pub(crate) places: Places,
    pub(crate) condition: Node,
    pub(crate) unless: Option<Node>,
    /// Asked once of the request instead of once of each field.
    pub(crate) wide: bool,
    /// Asked of a field, but about the rest of the request as well.
    pub(crate) contextual: bool,
}

/// How much a rule set holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Size {
    /// Rules.
    pub rules: usize,
    /// Distinct literals that are looked for.
    pub literals: usize,
    /// Patterns.
    pub patterns: usize,
    /// Groups of patterns that run together.
    pub groups: usize,
    /// Rules that no literal announces.
    pub unannounced: usize,
    /// Bytes of the literals' automata.
    pub automata: usize,
    /// The most that the caches of all patterns and groups may take, in bytes, per worker. An attacker can make them
    /// take it.
    pub caches: usize,
}

/// All rules of one version of the configuration, compiled.
#[derive(Debug)]
pub struct RuleSet {
    /// Different from that of any other set of the process.
    pub(crate) id: u64,
    pub(crate) rules: Vec<Rule>,
    pub(crate) leaves: Vec<Leaf>,
    pub(crate) chains: Chains,
    pub(crate) somewheres: u32,
    pub(crate) request: Index,
    pub(crate) response: Index,
}

impl Default for RuleSet {
    fn default() -> Self {
        Self::compile(Vec::new()).unwrap_or_else(|_| unreachable!("no rule, no error"))
    }
}

impl RuleSet {
    /// Compiles rules.
    ///
    /// # Errors
    ///
    /// Every error of every rule, in the order of the rules.
    pub fn compile(specs: Vec<(Origin, RuleSpec)>) -> Result<Self, Vec<RuleError>> {
        let mut errors = check::duplicates(&specs);
        let mut builder = Builder::default();
        let mut rules = Vec::with_capacity(specs.len());
        for (origin, spec) in specs {
            let number = u32::try_from(rules.len()).unwrap_or(u32::MAX);
            let (rule, complaints) = builder.rule(number, origin, spec);
            errors.extend(complaints.into_iter().map(|(message, help)| RuleError {
                origin: rule.origin.clone(),
                rule: rule.spec.id.clone(),
                message,
                help,
            }));
            rules.push(rule);
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let Builder {
            leaves,
            chains,
            somewheres,
            ..
        } = builder;
        static SETS: AtomicU64 = AtomicU64::new(1);
        Ok(Self {
            id: SETS.fetch_add(1, Ordering::Relaxed),
            request: Index::build(&rules, &leaves, Phase::Request),
            response: Index::build(&rules, &leaves, Phase::Response),
            rules,
            leaves,
            chains,
            somewheres,
        })
    }

    /// How many rules there are.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there is no rule.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The rules, in the order in which they were given.
    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter()
    }

    /// The rule with this id.
    pub fn find(&self, id: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| &*rule.id == id)
    }

    /// How many rules there are of each category.
    pub fn categories(&self) -> HashMap<Category, usize> {
        let mut counts = HashMap::new();
        for rule in &self.rules {
            *counts.entry(rule.category).or_default() += 1;
        }
        counts
    }

    /// How much there is, for metrics and for whoever plans memory.
    pub fn size(&self) -> Size {
        let patterns = self
            .leaves
            .iter()
            .filter(|leaf| matches!(leaf.operator, Operator::Pattern(_)));
        let patterns = patterns.count();
        let indices = [&self.request, &self.response];
        let sum = |of: fn(&Index) -> usize| indices.into_iter().map(of).sum::<usize>();
        let groups = sum(|index| index.groups.len());
        Size {
            rules: self.rules.len(),
            literals: sum(|index| index.full.len()),
            patterns,
            groups,
            unannounced: (0..self.rules.len())
                .filter(|rule| indices.iter().any(|index| index.is_always(*rule)))
                .count(),
            automata: sum(|index| index.full.memory() + index.plain.memory()),
            caches: MOST_CACHES,
        }
    }

    /// What `rules lint` says: rules that work, but cost more or catch less than they should.
    pub fn lint(&self) -> Vec<RuleError> {
        check::lint(self)
    }
}
