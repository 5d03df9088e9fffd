//! Rules: named statements about what an attack needs to work. [`RuleSpec`] is a rule as written (`docs/RULES.md` is
//! the reference), [`RuleSet`] is all rules of one version of the configuration, compiled.

mod build;
mod category;
mod check;
mod compile;
pub(crate) mod condition;
pub(crate) mod literal;
pub(crate) mod needs;
pub(crate) mod pattern;
pub(crate) mod place;
mod spec;

pub use category::{Category, Severity};
pub use compile::{Origin, Rule, RuleError, RuleSet, Size};
pub use spec::{
    Bounds, ConditionSpec, CountSpec, NumberSpec, OneOrMany, Phase, RuleSpec, TransformsSpec,
};
