//! From rules as written to rules that run. All errors of all rules are collected, so that a person repairs a file
//! in one go; with any error nothing is compiled.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use crate::rule::RuleSpec;

/// Where a rule was written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// The file, as the person knows it.
    pub file: Arc<str>,
    /// The line on which the rule begins, from 1.
    pub line: u32,
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.file, self.line)
    }
}

/// What is wrong with a rule.
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

/// All rules of one version of the configuration, compiled.
#[derive(Debug, Default)]
pub struct RuleSet {
    specs: Vec<(Origin, RuleSpec)>,
}

impl RuleSet {
    /// Compiles rules.
    ///
    /// # Errors
    ///
    /// Every error of every rule, in the order of the rules.
    pub fn compile(specs: Vec<(Origin, RuleSpec)>) -> Result<Self, Vec<RuleError>> {
        Ok(Self { specs })
    }

    /// How many rules there are.
    pub fn len(&self) -> usize {
        self.specs.len()
    }

    /// Whether there is no rule.
    pub fn is_empty(&self) -> bool {
        self.specs.is_empty()
    }

    /// The rules as written, in the order in which they were given.
    pub fn specs(&self) -> impl Iterator<Item = (&Origin, &RuleSpec)> {
        self.specs.iter().map(|(origin, spec)| (origin, spec))
    }
}
