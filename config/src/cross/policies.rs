//! Policies: thresholds out of order, bodies that cannot be, limits that forbid, exceptions that name nothing.

use portcullis_detect::field::Location;

use super::{Cross, path_problem, place, unknown_name};
use crate::model::{Config, Exception, Policy, Responses};
use crate::tree::Node;
use crate::value::{ByteSize, Duration};

pub(super) fn check(config: &Config, tree: &Node, cross: &mut Cross<'_>) {
    for (name, policy) in &config.policies {
        if let Some(node) = tree.get("policies").and_then(|section| section.get(name)) {
            let path = format!("policies.{name}.");
            capture(policy, node, &path, cross);
            thresholds(policy, node, &path, cross);
            throttle(policy, node, &path, cross);
            body(policy, node, &path, cross);
            cross.header_name(
                place(node, &["tag_header"]),
                &format!("{path}tag_header"),
                &policy.tag_header,
            );
            exceptions(config, policy, node, &path, cross);
            responses(policy, node, &path, cross);
        }
    }
}

/// How much of an answer is held, and for how long.
fn responses(policy: &Policy, node: &Node, path: &str, cross: &mut Cross<'_>) {
    let Responses {
        hold, hold_time, ..
    } = policy.responses;
    if !(LEAST_HOLD..=MAX_HOLD).contains(&hold) {
        cross.report(
            place(node, &["responses", "hold"]),
            format!("{path}responses.hold: {hold} is out of range"),
            format!("write a size from {LEAST_HOLD} to {MAX_HOLD}"),
        );
    }
    if hold_time.is_zero() || hold_time > Duration::from_secs(60) {
        cross.report(
            place(node, &["responses", "hold_time"]),
            format!("{path}responses.hold_time: {hold_time} is out of range"),
            "write a time from 1ms to 1m",
        );
    }
}

/// The most of a body that a record holds.
const MAX_CAPTURE: ByteSize = ByteSize::kib(16);

fn capture(policy: &Policy, node: &Node, path: &str, cross: &mut Cross<'_>) {
    let Some(capture) = policy
        .capture
        .as_ref()
        .filter(|capture| capture.body > MAX_CAPTURE)
    else {
        return;
    };
    cross.report(
        place(node, &["capture", "body"]),
        format!("{path}capture.body: {} is out of range", capture.body),
        format!("write a size up to {MAX_CAPTURE}"),
    );
}

fn thresholds(policy: &Policy, node: &Node, path: &str, cross: &mut Cross<'_>) {
    if node
        .get("thresholds")
        .is_some_and(|section| section.damaged)
    {
        return;
    }
    let thresholds = &policy.thresholds;
    if thresholds.tag > thresholds.throttle || thresholds.throttle > thresholds.deny {
        let message = format!(
            "{path}thresholds: tag {}, throttle {}, deny {} do not ascend",
            thresholds.tag, thresholds.throttle, thresholds.deny
        );
        cross.report(
            place(node, &["thresholds"]),
            message,
            "write tag ≤ throttle ≤ deny; what is not written is 40, 60, 80; 101 means never",
        );
    }
}

fn throttle(policy: &Policy, node: &Node, path: &str, cross: &mut Cross<'_>) {
    let most = Duration::from_secs(60);
    if let Some(delay) = policy.throttle_delay
        && (delay.is_zero() || delay > most)
    {
        let message = format!("{path}throttle_delay: {delay} is out of range");
        cross.report(
            place(node, &["throttle_delay"]),
            message,
            "write a time from 1ms to 60s; without it such requests get 429",
        );
    }
}

fn body(policy: &Policy, node: &Node, path: &str, cross: &mut Cross<'_>) {
    let section = node.get("body");
    if policy.body.inspect > MAX_INSPECT {
        let message = format!(
            "{path}body.inspect: {} is more than one request may hold",
            policy.body.inspect
        );
        cross.report(
            place(node, &["body", "inspect"]),
            message,
            format!("write at most {MAX_INSPECT}"),
        );
    }
    // The default of `inspect` follows a smaller `max`; only what was written can contradict it.
    let written =
        section.is_some_and(|section| section.get("inspect").is_some() && !section.damaged);
    if written && policy.body.inspect > policy.body.max {
        let message = format!(
            "{path}body: inspect {} is more than max {}",
            policy.body.inspect, policy.body.max
        );
        cross.report(
            place(node, &["body", "inspect"]),
            message,
            "write an `inspect` that is not above `max`",
        );
    }
}

fn exceptions(config: &Config, policy: &Policy, node: &Node, path: &str, cross: &mut Cross<'_>) {
    let nodes = node.get("exceptions").map_or(&[][..], Node::items);
    for (index, (exception, node)) in policy.exceptions.iter().zip(nodes).enumerate() {
        let path = format!("{path}exceptions[{index}]");
        if exception.rule.is_none() && exception.tag.is_none() && !node.damaged {
            let help = "write `rule: ID` or `tag: TAG`; to inspect nothing at all, use `mode: off`";
            cross.report(
                node.position,
                format!("{path}: neither a rule nor a tag"),
                help,
            );
        }
        if exception.reason.trim().is_empty() {
            cross.report(
                place(node, &["reason"]),
                format!("{path}.reason: is empty"),
                "say why this is harmless here",
            );
        }
        exception_place(config, exception, node, &path, cross);
    }
}

/// Where an exception holds: route, field, path.
fn exception_place(
    config: &Config,
    exception: &Exception,
    node: &Node,
    path: &str,
    cross: &mut Cross<'_>,
) {
    for (key, message, help) in place_faults(config, exception) {
        cross.report(
            place(node, &[key]),
            format!("{path}.{key}: {message}"),
            help,
        );
    }
}

/// What is wrong with the place that an exception names: the key, the fault, and what to write instead.
fn place_faults(config: &Config, exception: &Exception) -> Vec<(&'static str, String, String)> {
    let mut faults = Vec::new();
    if let Some(name) = &exception.route {
        let labels: Vec<_> = config.routes.iter().map(crate::Route::label).collect();
        if !labels.iter().any(|label| label == name) {
            let help = unknown_name(name, labels.iter().map(|label| label.as_ref()));
            faults.push(("route", format!("no route is called `{name}`"), help));
        }
    }
    if let Some(field) = &exception.field {
        let location = field
            .split_once(':')
            .map_or(field.as_str(), |(location, _)| location);
        let known = locations();
        if !known.iter().any(|known| known == location) {
            let help = unknown_name(location, known.iter().map(String::as_str));
            faults.push((
                "field",
                format!("`{location}` is no place in a request"),
                help,
            ));
        }
    }
    if let Some(below) = &exception.path
        && let Some((wrong, help)) = path_problem(below)
    {
        faults.push(("path", format!("`{below}` {wrong}"), help.to_string()));
    }
    faults
}

/// What is wrong with an exception that does not stand in a file, in sentences.
pub fn exception_faults(config: &Config, exception: &Exception) -> Vec<String> {
    let mut sentences = Vec::new();
    if exception.rule.is_none() && exception.tag.is_none() {
        sentences.push("it names neither a rule nor a tag".to_owned());
    }
    if exception.reason.trim().is_empty() {
        sentences.push("reason: is empty; say why this is harmless here".to_owned());
    }
    let places = place_faults(config, exception).into_iter();
    sentences.extend(places.map(|(key, message, help)| format!("{key}: {message}; {help}")));
    sentences
}

/// The words for places in a request: the engine's locations, and its groups of them.
fn locations() -> Vec<String> {
    let groups = ["args", "names", "cookies", "headers", "any"];
    let single = Location::ALL
        .iter()
        .filter_map(|location| match serde_json::to_value(location) {
            Ok(serde_json::Value::String(name)) => Some(name),
            _ => None,
        });
    groups
        .into_iter()
        .map(str::to_owned)
        .chain(single)
        .collect()
}

/// The most of a body that one request may hold in memory.
const MAX_INSPECT: ByteSize = ByteSize::mib(16);

/// The least and the most of an answer that may be held. Less than a usual head would miss what any rule needs; more
/// is a download.
const LEAST_HOLD: ByteSize = ByteSize::kib(1);
const MAX_HOLD: ByteSize = ByteSize::mib(1);
