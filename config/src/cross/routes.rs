//! Routes: names that are not defined, patterns that cannot match, routes that shadow each other.

use std::collections::HashMap;

use super::{Cross, Named, is_host, path_problem, place, unknown_name};
use crate::model::{Config, Route};
use crate::problem::Position;
use crate::tree::Node;
use crate::value::is_token;

pub(super) fn check(config: &Config, tree: &Node, named: &Named, cross: &mut Cross<'_>) {
    if named.routes == 0 {
        let help = "write at least one: - { path: /, upstream: NAME }";
        cross.report(place(tree, &["routes"]), "routes: the list is empty", help);
    }
    let nodes = tree.get("routes").map_or(&[][..], Node::items);
    let mut earlier = Earlier::default();
    for (index, (route, node)) in config.routes.iter().zip(nodes).enumerate() {
        let path = format!("routes[{index}].");
        names(route, node, &path, named, cross);
        pattern(route, node, &path, cross);
        overlaps(route, node, &path, &mut earlier, cross);
    }
}

/// Path without a slash at its end, and host in lower case.
type Pattern<'a> = (&'a str, Option<String>);

/// The routes before the one that is looked at, by what they match and by name.
#[derive(Default)]
struct Earlier<'a> {
    patterns: HashMap<Pattern<'a>, Vec<(&'a Route, Position)>>,
    names: HashMap<&'a str, Position>,
}

/// The names a route points to, and its own.
fn names(route: &Route, node: &Node, path: &str, named: &Named, cross: &mut Cross<'_>) {
    for (key, name, defined) in [
        ("upstream", &route.upstream, &named.upstreams),
        ("policy", &route.policy, &named.policies),
    ] {
        if !defined.contains(name) {
            let message = format!("{path}{key}: no {key} is called `{name}`");
            cross.report(
                place(node, &[key]),
                message,
                unknown_name(name, defined.iter().map(String::as_str)),
            );
        }
    }
    if let Some(name) = &route.name {
        let fits = |b: u8| b.is_ascii_alphanumeric() || b"_.:/*-".contains(&b);
        if name.is_empty() || name.len() > 64 || !name.bytes().all(fits) {
            let message = format!("{path}name: `{name}` cannot be a label of metrics");
            cross.report(
                place(node, &["name"]),
                message,
                "write 1 to 64 letters, digits or _ . : / * -",
            );
        }
    }
}

fn pattern(route: &Route, node: &Node, path: &str, cross: &mut Cross<'_>) {
    if let Some((wrong, help)) = path_problem(&route.path) {
        cross.report(
            place(node, &["path"]),
            format!("{path}path: `{}` {wrong}", route.path),
            help,
        );
    }
    if let Some(host) = &route.host
        && !is_host(host.strip_prefix("*.").unwrap_or(host))
    {
        let message = format!("{path}host: `{host}` is no host name");
        cross.report(
            place(node, &["host"]),
            message,
            "write a name without port, such as api.example.com or *.example.com",
        );
    }
    let nodes = node.get("methods").map_or(&[][..], Node::items);
    for (method, node) in route.methods.iter().zip(nodes) {
        let upper = method.to_ascii_uppercase();
        if !is_token(method) {
            cross.report(
                node.position,
                format!("{path}methods: `{method}` is no method"),
                "write methods such as [GET, POST]",
            );
        } else if ["CONNECT", "TRACE"].contains(&upper.as_str()) {
            cross.report(
                node.position,
                format!("{path}methods: {upper} is refused on every route"),
                "leave it out",
            );
        } else if *method != upper {
            cross.report(
                node.position,
                format!("{path}methods: `{method}` matches nothing, methods are in capitals"),
                format!("write {upper}"),
            );
        }
    }
}

/// Two routes of which neither is more specific: the second would never be chosen, or only by accident.
fn overlaps<'a>(
    route: &'a Route,
    node: &Node,
    path: &str,
    earlier: &mut Earlier<'a>,
    cross: &mut Cross<'_>,
) {
    if let Some(name) = &route.name
        && let Some(first) = earlier.names.insert(name, node.position)
    {
        let message = format!(
            "{path}name: `{name}` is already the route in line {}",
            first.line
        );
        cross.report(
            place(node, &["name"]),
            message,
            "give each route a name of its own",
        );
    }
    let pattern = (
        route.path.trim_end_matches('/'),
        route.host.as_deref().map(str::to_ascii_lowercase),
    );
    let alike = earlier.patterns.entry(pattern).or_default();
    if let Some((_, first)) = alike.iter().find(|(other, _)| share_a_method(route, other)) {
        let message = format!(
            "{path}path: matches the same requests as the route in line {}",
            first.line
        );
        cross.report(
            place(node, &["path"]),
            message,
            "change path, host or methods of one of them, or take one out",
        );
    } else {
        // What overlaps is not compared again, so that a thousand copies are a thousand comparisons.
        alike.push((route, node.position));
    }
}

/// Named methods are more specific than none, so only alike lists can overlap.
fn share_a_method(one: &Route, other: &Route) -> bool {
    match (one.methods.is_empty(), other.methods.is_empty()) {
        (true, true) => true,
        (false, false) => one
            .methods
            .iter()
            .any(|method| other.methods.contains(method)),
        (true, false) | (false, true) => false,
    }
}
