//! What is refused in a rule besides what its condition says, and what `rules lint` warns of.

use std::collections::HashMap;

use crate::rule::condition::Node;
use crate::rule::{Origin, Phase, RuleError, RuleSet, RuleSpec};

/// A message, and what to write instead.
pub(crate) type Complaint = (String, String);

/// Rules that share an id.
pub(crate) fn duplicates(specs: &[(Origin, RuleSpec)]) -> Vec<RuleError> {
    let mut first: HashMap<&str, &Origin> = HashMap::new();
    let mut errors = Vec::new();
    for (origin, spec) in specs {
        if let Some(other) = first.get(spec.id.as_str()) {
            errors.push(RuleError {
                origin: origin.clone(),
                rule: spec.id.clone(),
                message: format!("the id is already used at {other}"),
                help: "give each rule an id of its own".to_owned(),
            });
        } else {
            first.insert(&spec.id, origin);
        }
    }
    errors
}

/// What can be said of a rule's head without looking at its condition.
pub(crate) fn head(spec: &RuleSpec) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let mut complain = |bad: bool, message: String, help: &str| {
        if bad {
            complaints.push((message, help.to_owned()));
        }
    };
    complain(
        !is_id(&spec.id),
        format!("`{}` is no rule id", spec.id),
        "lower-case words of letters and digits, joined by single hyphens, at most 80 bytes",
    );
    complain(
        spec.name.trim().is_empty(),
        "the name is empty".into(),
        "a short title",
    );
    complain(
        spec.why.trim().is_empty(),
        "why is empty".into(),
        "one sentence for the person who reads the alert",
    );
    complain(
        spec.score.is_some_and(|score| !(1..=100).contains(&score)),
        "the score is out of range".into(),
        "1 to 100",
    );
    complain(
        !(1..=4).contains(&spec.paranoia),
        "the paranoia level is out of range".into(),
        "1 to 4",
    );
    for tag in &spec.tags {
        let bad = !is_tag(tag);
        complain(
            bad,
            format!("`{tag}` is no tag"),
            "word:value without spaces, such as cwe:89",
        );
    }
    complaints
}

fn is_id(id: &str) -> bool {
    let word = |word: &str| {
        !word.is_empty()
            && word
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    id.len() <= 80 && id.split('-').all(word)
}

fn is_tag(tag: &str) -> bool {
    let printable = tag.bytes().all(|b| b.is_ascii_graphic());
    printable
        && tag
            .split_once(':')
            .is_some_and(|(word, value)| !word.is_empty() && !value.is_empty())
}

/// Rules that work, but cost more or catch less than they should.
pub(crate) fn lint(set: &RuleSet) -> Vec<RuleError> {
    let mut warnings = Vec::new();
    for (number, rule) in set.rules.iter().enumerate() {
        let mut warn = |message: &str, help: &str| {
            warnings.push(RuleError {
                origin: rule.origin.clone(),
                rule: rule.spec.id.clone(),
                message: message.to_owned(),
                help: help.to_owned(),
            });
        };
        let index = match rule.spec.phase {
            Phase::Request => &set.request,
            Phase::Response => &set.response,
        };
        if index.is_always(number) && runs_patterns(&rule.condition, set) {
            warn(
                "its patterns run on every field, since neither a literal nor a rare kind of byte must occur",
                "demand a literal in `all`, or spell an alternation of words out",
            );
        }
        if !rule.spec.id.starts_with(rule.category.as_str())
            && !has_alias(&rule.spec.id, rule.category)
        {
            warn(
                "its id does not begin with its category",
                "begin the id with the category",
            );
        }
        if rule.spec.tags.is_empty() {
            warn("it has no tags", "add owasp:, api: or cwe: tags");
        }
    }
    warnings
}

fn has_alias(id: &str, category: crate::rule::Category) -> bool {
    let first = |count: usize| id.split('-').take(count).collect::<Vec<_>>().join("-");
    (1..=3).any(|count| {
        let read = serde_json::from_value::<crate::rule::Category>(first(count).into());
        read.is_ok_and(|read| read == category)
    })
}

/// Whether the condition runs a pattern on the field.
fn runs_patterns(node: &Node, set: &RuleSet) -> bool {
    let mut found = false;
    node.each_leaf(false, &mut |leaf, _| {
        found |= set.leaves[leaf as usize].operator.cost() >= 4;
    });
    found
}
