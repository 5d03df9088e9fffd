//! The figures of a set, for people and as JSON.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::say;
use super::payload::clean::Count;
use super::tally::{ClassTally, RuleAlarms, SetTally, wilson};

/// Prints a set: a line per class and group, then the `top` hosts and rules of its false alarms.
pub fn print(set: &SetTally, top: usize) {
    say(&set.name);
    print_classes("class", &set.classes);
    for (kind, groups) in &set.groups {
        print_classes(kind, groups);
    }
    if !set.refusals.is_empty() {
        let reasons: Vec<String> = set
            .refusals
            .iter()
            .map(|(reason, count)| format!("{reason} {count}"))
            .collect();
        say(&format!("  refused as malformed: {}", reasons.join(", ")));
    }
    print_alarms(set, top);
}

/// Prints what became of the lines of the payload lists.
pub fn print_cleaning(counts: &BTreeMap<String, Count>) {
    say("payload lists");
    say(&format!(
        "  {:<52} {:>8} {:>8} {:>8} {:>8}",
        "folder", "lines", "tokens", "benign", "kept"
    ));
    for (folder, count) in counts {
        say(&format!(
            "  {folder:<52} {:>8} {:>8} {:>8} {:>8}",
            count.lines,
            count.tokens,
            count.benign,
            count.kept()
        ));
    }
}

fn print_classes(kind: &str, classes: &BTreeMap<String, ClassTally>) {
    let width = classes.keys().map(String::len).max().unwrap_or(0).max(20);
    say(&format!(
        "  {kind:<width$} {:>8} {:>8} {:>9} {:>19} {:>9} {:>7} {:>8} {:>8}",
        "count", "denied", "rate", "95 % interval", "throttled", "tagged", "refused", "µs each"
    ));
    for (name, class) in classes {
        let (low, high) = wilson(class.denied, class.count);
        say(&format!(
            "  {name:<width$} {:>8} {:>8} {:>7.3} % {:>7.3} to {:>6.3} % {:>9} {:>7} {:>8} {:>8.1}",
            class.count,
            class.denied,
            class.rate() * 100.0,
            low * 100.0,
            high * 100.0,
            class.throttled,
            class.tagged,
            class.refused,
            class.microseconds()
        ));
    }
}

fn print_alarms(set: &SetTally, top: usize) {
    let alarms: usize = set.alarms_by_host.values().sum();
    if alarms == 0 || top == 0 {
        return;
    }
    say(&format!(
        "  {alarms} false alarms (harmless, and denied or throttled), by host:"
    ));
    for (host, count) in hosts(set, top) {
        say(&format!("  {count:>8}  {host}"));
    }
    say("  and by rule (spoke, spoke loudest, hosts):");
    for (rule, alarms) in rules(set, top) {
        say(&format!(
            "  {:>8} {:>5} {:>5}  {rule}",
            alarms.count,
            alarms.leading,
            alarms.hosts.len()
        ));
        say(&format!("             {}", alarms.example));
    }
}

/// The same figures as an object.
pub fn set_as_json(set: &SetTally, top: usize) -> Value {
    let groups: serde_json::Map<String, Value> = set
        .groups
        .iter()
        .map(|(kind, groups)| ((*kind).to_owned(), classes_as_json(groups)))
        .collect();
    let by_host: Vec<Value> = hosts(set, top)
        .into_iter()
        .map(|(host, count)| json!({ "host": host, "count": count }))
        .collect();
    let by_rule: Vec<Value> = rules(set, top)
        .into_iter()
        .map(|(rule, alarms)| {
            json!({
                "rule": rule,
                "count": alarms.count,
                "leading": alarms.leading,
                "hosts": alarms.hosts.len(),
                "example": alarms.example,
            })
        })
        .collect();
    json!({
        "set": set.name,
        "classes": classes_as_json(&set.classes),
        "groups": groups,
        "refusals": set.refusals,
        "false_alarms": {
            "count": set.alarms_by_host.values().sum::<usize>(),
            "by_host": by_host,
            "by_rule": by_rule,
        },
    })
}

/// What became of the lines of the payload lists, as a list.
pub fn cleaning_as_json(counts: &BTreeMap<String, Count>) -> Value {
    counts
        .iter()
        .map(|(folder, count)| {
            json!({
                "folder": folder,
                "lines": count.lines,
                "dropped_tokens": count.tokens,
                "dropped_benign": count.benign,
                "kept": count.kept(),
            })
        })
        .collect()
}

fn classes_as_json(classes: &BTreeMap<String, ClassTally>) -> Value {
    classes
        .iter()
        .map(|(name, class)| {
            let (low, high) = wilson(class.denied, class.count);
            json!({
                "class": name,
                "count": class.count,
                "denied": class.denied,
                "rate": class.rate(),
                "interval": [low, high],
                "throttled": class.throttled,
                "tagged": class.tagged,
                "refused": class.refused,
                "microseconds": class.microseconds(),
            })
        })
        .collect()
}

fn hosts(set: &SetTally, top: usize) -> Vec<(&str, usize)> {
    let mut hosts: Vec<(&str, usize)> = set
        .alarms_by_host
        .iter()
        .map(|(host, count)| (host.as_str(), *count))
        .collect();
    hosts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    hosts.truncate(top);
    hosts
}

fn rules(set: &SetTally, top: usize) -> Vec<(&str, &RuleAlarms)> {
    let mut rules: Vec<(&str, &RuleAlarms)> = set
        .alarms_by_rule
        .iter()
        .map(|(rule, alarms)| (&**rule, alarms))
        .collect();
    rules.sort_by_key(|(_, alarms)| std::cmp::Reverse((alarms.leading, alarms.count)));
    rules.truncate(top);
    rules
}
