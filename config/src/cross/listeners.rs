//! Listeners and the admin plane: addresses used twice, incomplete certificates.

use std::collections::HashMap;
use std::net::SocketAddr;

use super::{Cross, Named, is_host, place};
use crate::model::{Config, Listener, Tls};
use crate::problem::Position;
use crate::tree::Node;

pub(super) fn check(config: &Config, tree: &Node, named: &Named, cross: &mut Cross<'_>) {
    if named.listeners == 0 {
        let help = "write at least one: - address: 127.0.0.1:8080";
        cross.report(
            place(tree, &["listeners"]),
            "listeners: the list is empty",
            help,
        );
    }
    let nodes = tree.get("listeners").map_or(&[][..], Node::items);
    let mut seen: HashMap<SocketAddr, Position> = HashMap::new();
    for (index, (listener, node)) in config.listeners.iter().zip(nodes).enumerate() {
        let position = place(node, &["address"]);
        // Port 0 is a different free port each time.
        if listener.address.port() != 0
            && let Some(first) = seen.insert(listener.address, position)
        {
            let message = format!(
                "listeners[{index}].address: {} is used twice, first in line {}",
                listener.address, first.line
            );
            cross.report(
                position,
                message,
                "give each listener an address of its own",
            );
        }
        certificates(listener, node, index, cross);
    }
    if let Some(first) = seen.get(&config.admin.address) {
        let message = format!(
            "admin.address: {} is also a listener's, in line {}",
            config.admin.address, first.line
        );
        cross.report(
            place(tree, &["admin", "address"]),
            message,
            "give the admin plane an address of its own",
        );
    }
}

fn certificates(listener: &Listener, node: &Node, index: usize, cross: &mut Cross<'_>) {
    let (Some(tls), Some(tls_node)) = (&listener.tls, node.get("tls")) else {
        return;
    };
    if tls_node.damaged {
        return;
    }
    let path = format!("listeners[{index}].tls");
    let position = place(node, &["tls"]);
    match (&tls.cert, &tls.key) {
        (Some(_), None) => cross.report(
            position,
            format!("{path}: `key` is missing"),
            "write the PEM file of the private key",
        ),
        (None, Some(_)) => cross.report(
            position,
            format!("{path}: `cert` is missing"),
            "write the PEM file of the certificate",
        ),
        (None, None) if tls.certificates.is_empty() => {
            cross.report(
                position,
                format!("{path}: no certificate"),
                "write `cert` and `key`, or a list of `certificates`",
            );
        }
        _ => {}
    }
    names(tls, tls_node, &path, cross);
}

fn names(tls: &Tls, node: &Node, path: &str, cross: &mut Cross<'_>) {
    let nodes = node.get("certificates").map_or(&[][..], Node::items);
    for (index, (certificate, node)) in tls.certificates.iter().zip(nodes).enumerate() {
        let names = node.get("names").map_or(&[][..], Node::items);
        for (name, node) in certificate.names.iter().zip(names) {
            if !is_host(name.strip_prefix("*.").unwrap_or(name)) {
                let message =
                    format!("{path}.certificates[{index}].names: `{name}` is no host name");
                cross.report(
                    node.position,
                    message,
                    "write a name such as api.example.com or *.example.com",
                );
            }
        }
    }
}
