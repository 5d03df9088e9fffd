//! Conditions compiled: a tree whose leaves are tests of one form of one field, and whose other parts ask the whole
//! request. The tree is general: it knows nothing of literals and prefilters, it only says what holds.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use ipnet::IpNet;
use regex_automata::meta::Regex;

use crate::decode::FormId;
use crate::field::AnomalyKind;
use crate::rule::literal::{self, Literals};
use crate::rule::needs::Needs;
use crate::rule::pattern;
use crate::rule::place::Places;

/// A compiled condition.
#[derive(Debug)]
pub(crate) enum Node {
    /// All hold. Cheap parts come first.
    All(Vec<Node>),
    /// One holds.
    Any(Vec<Node>),
    /// It does not hold.
    Not(Box<Node>),
    /// A test of the field, by its number in the rule set.
    Leaf(u32),
    /// A test of the request.
    Request(RequestTest),
    /// Some field at these places passes.
    Somewhere(Somewhere),
}

/// A condition that some field at some places must meet.
#[derive(Debug)]
pub(crate) struct Somewhere {
    /// Its number in the rule set.
    pub number: u32,
    /// Where to look.
    pub places: Places,
    /// What must hold there.
    pub node: Box<Node>,
}

/// A test of the request that asks no field's bytes.
#[derive(Debug)]
pub(crate) enum RequestTest {
    /// A parser noted one of these, at these places if any are given.
    Anomaly(Vec<AnomalyKind>, Option<Places>),
    /// The number of fields at some places.
    Count(Places, Limits),
    /// The client's address is in one of these networks.
    Client(Vec<IpNet>),
}

/// Exclusive bounds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// More than this.
    pub above: Option<u64>,
    /// Less than this.
    pub below: Option<u64>,
}

impl Limits {
    /// Whether `number` lies between the bounds.
    pub(crate) fn hold(self, number: u64) -> bool {
        self.above.is_none_or(|above| number > above)
            && self.below.is_none_or(|below| number < below)
    }
}

/// A test of one form of one field.
#[derive(Debug)]
pub(crate) struct Leaf {
    /// The rule it belongs to, by its number.
    pub rule: u32,
    /// The form it sees.
    pub form: FormId,
    /// The test.
    pub operator: Operator,
    /// Literals of which one must occur for the test to hold.
    pub literals: Option<Literals>,
    /// Bytes that must occur for the test to hold.
    pub needs: Needs,
    /// Whether literals or needs can rule the test out.
    pub announced: bool,
    /// Where it is asked, when it stands inside a [`Somewhere`].
    pub somewhere: Option<Arc<Places>>,
}

/// What a leaf tests.
#[derive(Debug)]
pub(crate) enum Operator {
    /// A pattern is found.
    Pattern(Box<Pattern>),
    /// One of these occurs.
    Contains(Vec<Vec<u8>>),
    /// The form is one of these.
    Equals(Vec<Vec<u8>>),
    /// The form begins with one of these.
    StartsWith(Vec<Vec<u8>>),
    /// The form ends with one of these.
    EndsWith(Vec<Vec<u8>>),
    /// The form's length in bytes.
    Length(Limits),
    /// Some byte is not in this set.
    ByteOutside(Box<[bool; 256]>),
    /// The form as a number.
    Number(crate::rule::NumberSpec),
    /// The form is an address, or a URL with an address, in one of these networks.
    Address(Vec<IpNet>),
    /// libinjection finds SQL.
    Sqli,
    /// libinjection finds script.
    Xss,
    /// A card number occurs.
    Card,
    /// A bank account number occurs.
    Iban,
}

/// A pattern and how it was written.
#[derive(Debug)]
pub(crate) struct Pattern {
    /// As written.
    pub source: String,
    /// Compiled alone, once it is asked for: most patterns never are, and together they are a third of the memory.
    exact: OnceLock<Option<Regex>>,
    /// The same with counted repetitions unbounded, see [`pattern::relaxed`].
    pub relaxed: String,
    /// Whether that is another pattern: then the exact one needs many states, and runs only after this one.
    pub heavy: bool,
}

impl Pattern {
    /// A pattern that has been compiled once to see that it can be.
    pub(crate) fn new(source: String, relaxed: String, heavy: bool) -> Self {
        Self {
            source,
            exact: OnceLock::new(),
            relaxed,
            heavy,
        }
    }

    /// The pattern as written.
    pub(crate) fn exact(&self) -> Option<&Regex> {
        let compile = || pattern::compile(&self.source).ok();
        self.exact.get_or_init(compile).as_ref()
    }

    /// What a masking policy overwrites: of each match the group called `mask`, or all of it where that took no part.
    pub(crate) fn masked(&self, bytes: &[u8]) -> Vec<Range<usize>> {
        let Some(exact) = self.exact() else {
            return Vec::new();
        };
        exact
            .captures_iter(bytes)
            .filter_map(|found| {
                let part = found
                    .get_group_by_name(pattern::MASK)
                    .or_else(|| found.get_group(0))?;
                Some(part.range())
            })
            .collect()
    }
}

impl Operator {
    /// The order in which the parts of `all` are asked: the cheapest first.
    pub(crate) fn cost(&self) -> u32 {
        match self {
            Operator::Length(_) => 0,
            Operator::Equals(_) | Operator::StartsWith(_) | Operator::EndsWith(_) => 1,
            Operator::Number(_) | Operator::Contains(_) => 2,
            Operator::ByteOutside(_) | Operator::Address(_) | Operator::Card | Operator::Iban => 3,
            Operator::Pattern(_) => 4,
            Operator::Sqli | Operator::Xss => 8,
        }
    }

    /// Whether a field of letters, digits and `_ . -` can be what the operator is after.
    pub(crate) fn means_plain(&self) -> bool {
        matches!(
            self,
            Operator::Length(_)
                | Operator::Number(_)
                | Operator::Address(_)
                | Operator::Card
                | Operator::Iban
        )
    }

    /// Bytes that must occur.
    pub(crate) fn needs(&self) -> Needs {
        match self {
            Operator::Pattern(own) => {
                pattern::parse(&own.source).map_or(Needs::default(), |hir| Needs::of(&hir))
            }
            Operator::Contains(list)
            | Operator::Equals(list)
            | Operator::StartsWith(list)
            | Operator::EndsWith(list) => Needs::of_literals(list),
            Operator::Number(_) | Operator::Card | Operator::Iban => Needs::some(b"0123456789"),
            Operator::Sqli => Needs::some(SQL_MARKS),
            Operator::Xss => Needs::some(XSS_MARKS),
            Operator::Length(_) | Operator::ByteOutside(_) | Operator::Address(_) => {
                Needs::default()
            }
        }
    }

    /// Literals of which one must occur, folded to lower case; `None` when that would tell nothing.
    pub(crate) fn literals(&self) -> Option<Literals> {
        match self {
            Operator::Contains(list)
            | Operator::Equals(list)
            | Operator::StartsWith(list)
            | Operator::EndsWith(list) => {
                let set: Literals = list.iter().map(|l| l.to_ascii_lowercase()).collect();
                Some(set).filter(|set| set.iter().all(|literal| literal.len() >= 2))
            }
            Operator::Pattern(own) => literal::required(&pattern::parse(&own.source).ok()?),
            Operator::Sqli => Some(SQL.iter().map(|l| l.as_bytes().to_vec()).collect()),
            Operator::Xss => Some(XSS.iter().map(|l| l.as_bytes().to_vec()).collect()),
            Operator::Length(_)
            | Operator::ByteOutside(_)
            | Operator::Number(_)
            | Operator::Address(_)
            | Operator::Card
            | Operator::Iban => None,
        }
    }
}

impl Leaf {
    /// How much being announced tells: the higher, the fewer fields.
    fn value(&self) -> u32 {
        let weight = self
            .literals
            .as_ref()
            .map_or(0, |set| literal::weight(set).min(8));
        weight * 10 + self.needs.rarity()
    }
}

impl Node {
    /// Whether the condition asks nothing of the field itself.
    pub(crate) fn is_wide(&self) -> bool {
        match self {
            Node::All(parts) | Node::Any(parts) => parts.iter().all(Node::is_wide),
            Node::Not(part) => part.is_wide(),
            Node::Leaf(_) => false,
            Node::Request(_) | Node::Somewhere(_) => true,
        }
    }

    /// Whether anything is asked but the field itself.
    pub(crate) fn asks_request(&self) -> bool {
        match self {
            Node::All(parts) | Node::Any(parts) => parts.iter().any(Node::asks_request),
            Node::Not(part) => part.asks_request(),
            Node::Leaf(_) => false,
            Node::Request(_) | Node::Somewhere(_) => true,
        }
    }

    /// The leaves of which one must hold for the condition to hold, when each of them is announced by literals or
    /// needs. Leaves inside a [`Somewhere`] count only if `wide`.
    pub(crate) fn triggers(&self, leaves: &[Leaf], wide: bool) -> Option<Vec<u32>> {
        match self {
            Node::Leaf(number) => leaves[*number as usize].announced.then(|| vec![*number]),
            Node::All(parts) => {
                let sets = parts.iter().filter_map(|part| part.triggers(leaves, wide));
                sets.max_by_key(|set| trigger_value(set, leaves))
            }
            Node::Any(parts) => {
                let sets: Option<Vec<_>> = parts
                    .iter()
                    .map(|part| part.triggers(leaves, wide))
                    .collect();
                sets.map(|sets| sets.concat())
            }
            Node::Somewhere(somewhere) if wide => somewhere.node.triggers(leaves, wide),
            Node::Not(_) | Node::Request(_) | Node::Somewhere(_) => None,
        }
    }

    /// Calls `visit` for each leaf of the field itself (not those inside a [`Somewhere`]), and whether it stands
    /// under a `not`.
    pub(crate) fn each_leaf(&self, negated: bool, visit: &mut dyn FnMut(u32, bool)) {
        match self {
            Node::All(parts) | Node::Any(parts) => {
                parts.iter().for_each(|part| part.each_leaf(negated, visit))
            }
            Node::Not(part) => part.each_leaf(!negated, visit),
            Node::Leaf(number) => visit(*number, negated),
            Node::Request(_) | Node::Somewhere(_) => {}
        }
    }
}

/// Of several sets of triggers the best is the one whose weakest member tells most.
fn trigger_value(set: &[u32], leaves: &[Leaf]) -> (u32, usize) {
    let weakest = set
        .iter()
        .map(|number| leaves[*number as usize].value())
        .min()
        .unwrap_or(0);
    (weakest, usize::MAX - set.len())
}

/// libinjection's SQL has one of these.
const SQL_MARKS: &[u8] = b"0123456789'\"`#;=<>|&()*\\@!";

/// libinjection's script has one of these.
const XSS_MARKS: &[u8] = b"<=:";

/// What a text must hold for libinjection to call it SQL: a quote, a comment, or a keyword that joins or acts. The
/// evaluation asks for a mark or a digit besides.
const SQL: &[&str] = &[
    "'",
    "\"",
    "`",
    "--",
    "/*",
    "||",
    "&&",
    "#",
    "or",
    "and",
    "union",
    "select",
    "like",
    "between",
    "having",
    "order by",
    "group by",
    "div",
    "mod",
    "xor",
    "rlike",
    "regexp",
    "not",
    "null",
    "limit",
    "into",
    "drop",
    "insert",
    "update",
    "delete",
    "exec",
    "waitfor",
    "create",
    "alter",
    "sleep",
    "benchmark",
    "char(",
    "chr(",
    "concat",
    "@@",
    "if(",
    "case",
    "truncate",
    "declare",
    "shutdown",
    "merge",
    "load",
    "procedure",
    "is",
    "in(",
    "in (",
];

/// What a text must hold for libinjection to call it script. [`XSS_MARKS`] are asked for besides.
const XSS: &[&str] = &[
    "<",
    "javascript",
    "vbscript",
    "data:",
    "view-source",
    "on",
    "style",
    "src",
    "href",
    "action",
    "xmlns",
    "xlink",
];
