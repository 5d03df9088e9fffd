//! Upstreams: servers, header edits, times.

use super::{Cross, Named, header_edits, is_host, place};
use crate::model::{Config, Upstream, UpstreamTls};
use crate::tree::Node;
use crate::value::ServerUrl;

pub(super) fn check(config: &Config, tree: &Node, named: &Named, cross: &mut Cross<'_>) {
    if named.upstreams.is_empty() {
        let help = "write at least one, such as api: { servers: [\"http://127.0.0.1:9000\"] }";
        cross.report(
            place(tree, &["upstreams"]),
            "upstreams: none is defined",
            help,
        );
    }
    for (name, upstream) in &config.upstreams {
        if let Some(node) = tree.get("upstreams").and_then(|section| section.get(name)) {
            one(name, upstream, node, cross);
        }
    }
}

fn one(name: &str, upstream: &Upstream, node: &Node, cross: &mut Cross<'_>) {
    let path = format!("upstreams.{name}.");
    servers(upstream, node, &path, cross);
    header_edits(
        &upstream.request_headers,
        node,
        &["request_headers"],
        &path,
        cross,
    );
    header_edits(
        &upstream.response_headers,
        node,
        &["response_headers"],
        &path,
        cross,
    );
    let timeouts = &upstream.timeouts;
    cross.above_zero(
        node,
        &path,
        &[
            (&["timeouts", "connect"], timeouts.connect),
            (&["timeouts", "first_byte"], timeouts.first_byte),
            (&["timeouts", "idle"], timeouts.idle),
        ],
    );
    if upstream.ejection.failures > 0 && upstream.ejection.duration.is_zero() {
        let message = format!("{path}ejection.for: a server cannot be left out for no time");
        cross.report(
            place(node, &["ejection", "for"]),
            message,
            "write a time, or `failures: 0` to never leave one out",
        );
    }
    tls(upstream, node, &path, cross);
}

fn servers(upstream: &Upstream, node: &Node, path: &str, cross: &mut Cross<'_>) {
    let nodes = node.get("servers");
    if upstream.servers.is_empty() && !nodes.is_some_and(|node| node.damaged) {
        let help = "write at least one, such as [\"http://127.0.0.1:9000\"]";
        cross.report(
            place(node, &["servers"]),
            format!("{path}servers: the list is empty"),
            help,
        );
    }
    for (index, (server, item)) in upstream
        .servers
        .iter()
        .zip(nodes.map_or(&[][..], Node::items))
        .enumerate()
    {
        if upstream
            .servers
            .iter()
            .take(index)
            .any(|other| other == server)
        {
            let message = format!("{path}servers: `{server}` is listed twice");
            cross.report(
                item.position,
                message,
                "list each server once; all get equal shares",
            );
        }
    }
}

fn tls(upstream: &Upstream, node: &Node, path: &str, cross: &mut Cross<'_>) {
    let whole = !node.get("servers").is_some_and(|servers| servers.damaged);
    if upstream.tls != UpstreamTls::default()
        && whole
        && !upstream.servers.iter().any(ServerUrl::is_tls)
    {
        let message = format!("{path}tls: no server of this upstream is spoken to over TLS");
        cross.report(
            place(node, &["tls"]),
            message,
            "write https:// in `servers`, or leave `tls` out",
        );
    }
    if let Some(name) = &upstream.tls.server_name
        && !is_host(name)
    {
        let message = format!("{path}tls.server_name: `{name}` is no host name");
        cross.report(
            place(node, &["tls", "server_name"]),
            message,
            "write a name such as api.internal",
        );
    }
}
