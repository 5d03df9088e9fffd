//! Checks of what gateways share: servers that can be reached by their names, a secret that is one, a prefix that names
//! one place, and an interval within reason.

use std::time::Duration;

use super::{Cross, place};
use crate::model::{Config, Share};
use crate::tree::Node;

/// The least characters of a secret: 32 hexadecimal digits are 128 bits.
const SECRET: usize = 32;

pub(super) fn check(config: &Config, tree: &Node, cross: &mut Cross<'_>) {
    let (Some(share), Some(node)) = (&config.share, tree.get("share")) else {
        return;
    };
    servers(share, node, cross);
    let encrypted = |url: &String| url.starts_with("rediss://");
    if share.ca.is_some() && !share.redis.iter().all(encrypted) {
        let message = "share.ca: the connection is not encrypted, so no certificate is checked";
        let help = "write rediss:// in share.redis, or remove `ca`";
        cross.report(place(node, &["ca"]), message, help);
    }
    secret("share", &share.secret, node, cross);
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    if share.prefix.is_empty() || share.prefix.len() > 64 || !share.prefix.chars().all(plain) {
        let message = format!("share.prefix: `{}` is no prefix", share.prefix);
        let help = "write up to 64 letters, digits and -_.:, such as portcullis";
        cross.report(place(node, &["prefix"]), message, help);
    }
    let span = Duration::from_millis(10)..=Duration::from_secs(5);
    if !span.contains(&share.interval.get()) {
        let message = format!("share.interval: {} is out of range", share.interval);
        cross.report(
            place(node, &["interval"]),
            message,
            "write a time from 10ms to 5s",
        );
    }
}

/// Whether a section's `secret` is one.
pub(super) fn secret(section: &str, secret: &str, node: &Node, cross: &mut Cross<'_>) {
    if secret.chars().count() < SECRET {
        let help = "draw one with `openssl rand -hex 32`, and write file:PATH";
        let message = format!("{section}.secret: it has fewer than {SECRET} characters");
        cross.report(place(node, &["secret"]), message, help);
    }
}

fn servers(share: &Share, node: &Node, cross: &mut Cross<'_>) {
    let position = place(node, &["redis"]);
    if share.redis.is_empty() {
        let help = "write the server: [\"redis://127.0.0.1:6379\"]";
        cross.report(position, "share.redis: no server is named", help);
    }
    let items = node.get("redis").map_or(&[][..], Node::items);
    for (number, url) in share.redis.iter().enumerate() {
        let position = items.get(number).map_or(position, |item| item.position);
        let rest = ["redis://", "rediss://"]
            .iter()
            .find_map(|scheme| url.strip_prefix(scheme));
        match rest {
            // The address may hold a password that was meant to be a secret, and is therefore not repeated.
            Some(rest) if rest.contains('@') => cross.report(
                position,
                format!("share.redis[{number}]: there is a name or a password in the address"),
                "write them as `username` and `password: file:PATH`",
            ),
            Some(rest) if !rest.is_empty() && !rest.starts_with(['/', ':']) => {}
            _ => cross.report(
                position,
                format!("share.redis[{number}]: `{url}` is no address of a server"),
                "write redis://HOST:PORT, or rediss://HOST:PORT for TLS",
            ),
        }
    }
}
