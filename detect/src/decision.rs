//! The decision: what a score means under a policy, and which findings a policy has excepted.

use crate::field::Location;
use crate::policy::{Exception, Policy, Thresholds};
use crate::rule::place;
use crate::verdict::Action;

impl Thresholds {
    /// What is to be done at `score`. A score that is no number is denied: it must not pass for harmless.
    pub fn action(&self, score: f32) -> Action {
        if score.is_nan() || score >= self.deny {
            Action::Deny
        } else if score >= self.throttle {
            Action::Throttle
        } else if score >= self.tag {
            Action::Tag
        } else {
            Action::Allow
        }
    }
}

/// A finding, as far as exceptions ask about it.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub rule: &'a str,
    pub tags: &'a [String],
    pub route: &'a str,
    pub path: &'a [u8],
    pub location: Location,
    pub name: &'a [u8],
}

impl Policy {
    /// Whether some exception silences the finding.
    pub(crate) fn excepts(&self, subject: &Subject<'_>) -> bool {
        self.exceptions
            .iter()
            .any(|exception| exception.covers(subject))
    }
}

impl Exception {
    fn covers(&self, subject: &Subject<'_>) -> bool {
        let parts = [
            self.rule
                .as_ref()
                .map(|rule| starts(rule.as_bytes(), subject.rule.as_bytes())),
            self.tag.as_ref().map(|tag| {
                subject
                    .tags
                    .iter()
                    .any(|t| starts(tag.as_bytes(), t.as_bytes()))
            }),
            self.route.as_ref().map(|route| route == subject.route),
            self.path
                .as_ref()
                .map(|path| starts(path.as_bytes(), subject.path)),
            self.field.as_ref().map(|field| is_field(field, subject)),
        ];
        let mut given = parts.iter().flatten().peekable();
        given.peek().is_some() && given.all(|holds| *holds)
    }
}

/// Whether `text` is the word, or begins with it where the word ends in `*`.
fn starts(word: &[u8], text: &[u8]) -> bool {
    match word.strip_suffix(b"*") {
        Some(start) => text.starts_with(start),
        None => text == word,
    }
}

fn is_field(field: &str, subject: &Subject<'_>) -> bool {
    let is_name = |name: &str| name.as_bytes().eq_ignore_ascii_case(subject.name);
    match field.split_once(':') {
        Some((location, name)) if location == place::name_of(subject.location) => is_name(name),
        // A name may hold a colon itself.
        Some(_) | None => is_name(field) || field == place::name_of(subject.location),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions() {
        let thresholds = Thresholds::default();
        let never = Thresholds {
            deny: 101.0,
            ..thresholds
        };
        for (thresholds, score, action) in [
            (thresholds, 0.0, Action::Allow),
            (thresholds, 39.9, Action::Allow),
            (thresholds, 40.0, Action::Tag),
            (thresholds, 60.0, Action::Throttle),
            (thresholds, 79.8, Action::Throttle),
            (thresholds, 80.0, Action::Deny),
            (thresholds, f32::NAN, Action::Deny),
            (never, 100.0, Action::Throttle),
        ] {
            assert_eq!(thresholds.action(score), action, "{score}");
        }
    }

    #[test]
    fn exceptions() {
        let tags = ["cwe:89".to_owned(), "owasp:A03:2021".to_owned()];
        let subject = Subject {
            rule: "sqli-union-select",
            tags: &tags,
            route: "search",
            path: b"/api/search/all",
            location: Location::Json,
            name: b"Query",
        };
        // Rule, tag, route, field, path.
        let cases = [
            (["", "", "", "", ""], false),
            (["sqli-union-select", "", "", "", ""], true),
            (["sqli-*", "", "", "", ""], true),
            (["xss-*", "", "", "", ""], false),
            (["sqli-union", "", "", "", ""], false),
            (["", "cwe:89", "", "", ""], true),
            (["", "owasp:*", "", "", ""], true),
            (["", "", "search", "", ""], true),
            (["", "", "other", "", ""], false),
            (["", "", "", "query", ""], true),
            (["", "", "", "json:query", ""], true),
            (["", "", "", "form:query", ""], false),
            (["", "", "", "json", ""], true),
            (["", "", "", "", "/api/*"], true),
            (["", "", "", "", "/api"], false),
            (["sqli-*", "", "search", "query", "/api/search/*"], true),
            (["sqli-*", "", "search", "other", "/api/search/*"], false),
        ];
        for (parts, expected) in cases {
            let [rule, tag, route, field, path] =
                parts.map(|part| Some(part.to_owned()).filter(|part| !part.is_empty()));
            let policy = Policy {
                exceptions: vec![Exception {
                    rule,
                    tag,
                    route,
                    field,
                    path,
                }],
                ..Policy::default()
            };
            assert_eq!(policy.excepts(&subject), expected, "{parts:?}");
        }
    }
}
