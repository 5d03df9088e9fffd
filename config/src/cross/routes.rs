//! Routes: names that are not defined, patterns that cannot match, routes that shadow each other.

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
    let mut seen: Vec<(&Route, Position)> = Vec::new();
    for (index, (route, node)) in config.routes.iter().zip(nodes).enumerate() {
        let path = format!("routes[{index}].");
        names(route, node, &path, named, cross);
        pattern(route, node, &path, cross);
        overlaps(route, node, &path, &seen, cross);
        seen.push((route, node.position));
    }
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
fn overlaps(
    route: &Route,
    node: &Node,
    path: &str,
    seen: &[(&Route, Position)],
    cross: &mut Cross<'_>,
) {
    let bare = |path: &str| path.trim_end_matches('/').to_owned();
    let host = |route: &Route| route.host.as_deref().map(str::to_ascii_lowercase);
    for (other, first) in seen {
        if let (Some(name), Some(taken)) = (&route.name, &other.name)
            && name == taken
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
        let methods = match (route.methods.is_empty(), other.methods.is_empty()) {
            (true, true) => true,
            (false, false) => route
                .methods
                .iter()
                .any(|method| other.methods.contains(method)),
            _ => false,
        };
        if bare(&route.path) == bare(&other.path) && host(route) == host(other) && methods {
            let message = format!(
                "{path}path: matches the same requests as the route in line {}",
                first.line
            );
            cross.report(
                place(node, &["path"]),
                message,
                "change path, host or methods of one of them, or take one out",
            );
            return;
        }
    }
}
