//! Rules as written. The shapes here are what a YAML file of rules may say; what it means is worked out, and refused
//! where it makes no sense, by the compiler next door.

use serde::{Deserialize, Serialize};

use crate::rule::{Category, Severity};

/// A rule as written.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleSpec {
    /// Lower-case words joined by hyphens, unique.
    pub id: String,
    /// A short title.
    pub name: String,
    /// One sentence for the person who reads the alert.
    pub why: String,
    /// The kind of attack.
    pub category: Category,
    /// How bad; gives the default score.
    pub severity: Severity,
    /// 1 to 100; overrides the severity's score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<u8>,
    /// `owasp:…`, `api:…`, `cwe:…` and others of the shape `word:value`.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Locations and groups of them; `args` when absent.
    #[serde(rename = "where", default = "default_places")]
    pub places: OneOrMany,
    /// The form that the condition sees; `text` when absent.
    #[serde(default)]
    pub transforms: TransformsSpec,
    /// What must hold.
    #[serde(rename = "match")]
    pub condition: ConditionSpec,
    /// What clears a field although `match` holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unless: Option<ConditionSpec>,
    /// 1 to 4.
    #[serde(default = "default_paranoia")]
    pub paranoia: u8,
    /// Requests or answers.
    #[serde(default)]
    pub phase: Phase,
    /// Whether fields of letters, digits and `_ . -` only are looked at too.
    #[serde(default)]
    pub plain: bool,
}

/// What a rule looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// The request.
    #[default]
    Request,
    /// The answer.
    Response,
}

/// One string, or a list of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum OneOrMany {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl OneOrMany {
    /// The strings, however they were written.
    pub fn as_slice(&self) -> &[String] {
        match self {
            OneOrMany::One(one) => std::slice::from_ref(one),
            OneOrMany::Many(many) => many,
        }
    }
}

/// The name of a preset, or a list of decoders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum TransformsSpec {
    /// A preset of `docs/RULES.md`.
    Preset(String),
    /// Decoders, applied in this order to the form `value`.
    List(Vec<String>),
}

impl Default for TransformsSpec {
    fn default() -> Self {
        TransformsSpec::Preset("text".to_owned())
    }
}

/// A condition as written. Several keys in one mapping must all hold.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConditionSpec {
    /// A pattern is found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regex: Option<String>,
    /// One of the literals occurs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contains_any: Option<OneOrMany>,
    /// The literal occurs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contains: Option<OneOrMany>,
    /// The whole form is equal to one of these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub equals: Option<OneOrMany>,
    /// The form begins with one of these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub starts_with: Option<OneOrMany>,
    /// The form ends with one of these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ends_with: Option<OneOrMany>,
    /// Its length in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<Bounds>,
    /// The number of fields at some places.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<CountSpec>,
    /// Some byte lies outside these ranges (`"9, 10, 32-126"`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub byte_range: Option<String>,
    /// The form as a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compare: Option<NumberSpec>,
    /// The form is an address (or a URL with an address for a host) inside one of these networks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip_in: Option<OneOrMany>,
    /// The client's address is inside one of these networks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_in: Option<OneOrMany>,
    /// libinjection calls it SQL injection (`true`), or does not (`false`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detect_sqli: Option<bool>,
    /// libinjection calls it cross-site scripting (`true`), or does not (`false`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detect_xss: Option<bool>,
    /// A parser noted one of these codes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anomaly: Option<OneOrMany>,
    /// A card number that passes the Luhn check occurs (`true`), or none does (`false`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub luhn: Option<bool>,
    /// An international bank account number with true check digits occurs (`true`), or none does (`false`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iban: Option<bool>,
    /// All of these hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub all: Option<Vec<ConditionSpec>>,
    /// At least one of these holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub any: Option<Vec<ConditionSpec>>,
    /// This does not hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not: Option<Box<ConditionSpec>>,
    /// Ask the whole request instead: some field at these places.
    #[serde(rename = "where", skip_serializing_if = "Option::is_none")]
    pub places: Option<OneOrMany>,
    /// The form that this part sees, when it is not the rule's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transforms: Option<TransformsSpec>,
}

/// Bounds on a length, both exclusive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Bounds {
    /// More than this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gt: Option<u64>,
    /// Less than this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lt: Option<u64>,
}

/// How many fields stand at some places.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CountSpec {
    /// Locations and groups.
    pub of: OneOrMany,
    /// More than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gt: Option<u64>,
    /// Less than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lt: Option<u64>,
}

/// A comparison with a number. Several keys must all hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NumberSpec {
    /// More than this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gt: Option<f64>,
    /// Less than this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lt: Option<f64>,
    /// Equal to this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eq: Option<f64>,
    /// Not equal to this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ne: Option<f64>,
}

fn default_places() -> OneOrMany {
    OneOrMany::One("args".to_owned())
}

const fn default_paranoia() -> u8 {
    1
}
