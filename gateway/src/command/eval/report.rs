//! The figures of a set, for people and as JSON.

use serde_json::{Value, json};

use super::super::say;
use super::tally::{RuleAlarms, SetTally, wilson};

/// Prints a set: a line per class, then the `top` hosts and rules of its false alarms.
pub fn print(set: &SetTally, top: usize) {
    say(&set.name);
    say(&format!(
        "  {:<20} {:>8} {:>8} {:>9} {:>19} {:>9} {:>7} {:>8}",
        "class", "count", "denied", "rate", "95 % interval", "throttled", "tagged", "µs each"
    ));
    for (name, class) in &set.classes {
        let (low, high) = wilson(class.denied, class.count);
        say(&format!(
            "  {name:<20} {:>8} {:>8} {:>7.3} % {:>7.3} to {:>6.3} % {:>9} {:>7} {:>8.1}",
            class.count,
            class.denied,
            class.rate() * 100.0,
            low * 100.0,
            high * 100.0,
            class.throttled,
            class.tagged,
            class.microseconds()
        ));
    }
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

/// The same figures as a list with an object per set.
pub fn as_json(sets: &[SetTally], top: usize) -> Value {
    sets.iter().map(|set| set_as_json(set, top)).collect()
}

fn set_as_json(set: &SetTally, top: usize) -> Value {
    let classes: Vec<Value> = set
        .classes
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
                "microseconds": class.microseconds(),
            })
        })
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
        "classes": classes,
        "false_alarms": {
            "count": set.alarms_by_host.values().sum::<usize>(),
            "by_host": by_host,
            "by_rule": by_rule,
        },
    })
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
