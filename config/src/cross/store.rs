//! Checks of the store: a database that we speak to, without a password in sight, and names that are names.

use super::{Cross, place, share};
use crate::model::{Config, Elasticsearch, Store};
use crate::tree::Node;

pub(super) fn check(config: &Config, tree: &Node, cross: &mut Cross<'_>) {
    let Some(node) = tree.get("store") else {
        return;
    };
    let store = &config.store;
    database(store, node, cross);
    let marked = |name: &str| {
        !name.is_empty()
            && name.len() <= 48
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b))
    };
    if let Some(name) = store.node.as_deref().filter(|name| !marked(name)) {
        let help = "write up to 48 letters, digits and -_.:, such as gate-1";
        cross.report(
            place(node, &["node"]),
            format!("store.node: `{name}` is no name"),
            help,
        );
    }
    if let Some(secret) = &store.secret {
        share::secret("store", secret, node, cross);
    }
    if let (Some(sink), Some(node)) = (&store.elasticsearch, node.get("elasticsearch")) {
        elasticsearch(sink, node, cross);
    }
}

fn database(store: &Store, node: &Node, cross: &mut Cross<'_>) {
    let position = place(node, &["database"]);
    let text = store.database.as_str();
    let server = text
        .strip_prefix("postgres://")
        .or_else(|| text.strip_prefix("postgresql://"));
    match (text, server) {
        ("sqlite" | "off", _) => {}
        (_, Some(rest))
            if rest
                .split_once('@')
                .is_some_and(|(user, _)| user.contains(':')) =>
        {
            cross.report(
                position,
                "store.database: there is a password in the address",
                "write it as `password: file:PATH`",
            )
        }
        (_, Some(rest)) if !rest.is_empty() => {}
        (_, None)
            if text
                .strip_prefix("sqlite:")
                .is_some_and(|path| !path.is_empty()) => {}
        // The address may hold a password, and is therefore not repeated.
        _ => cross.report(
            position,
            "store.database: this is no database that we speak to",
            "write sqlite, sqlite:PATH, postgres://USER@HOST/NAME or off",
        ),
    }
}

fn elasticsearch(sink: &Elasticsearch, node: &Node, cross: &mut Cross<'_>) {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b);
    let lawful = !sink.prefix.is_empty()
        && sink.prefix.len() <= 200
        && sink.prefix.bytes().all(plain)
        && !sink.prefix.starts_with(['-', '_', '.']);
    if !lawful {
        let message = format!(
            "store.elasticsearch.prefix: `{}` begins no name of an index",
            sink.prefix
        );
        let help = "write lower-case letters, digits and -_., such as portcullis";
        cross.report(place(node, &["prefix"]), message, help);
    }
    if sink.api_key.is_some() && (sink.username.is_some() || sink.password.is_some()) {
        cross.report(
            place(node, &["api_key"]),
            "store.elasticsearch: there are both an API key and a log-in",
            "keep one of them",
        );
    }
}
