//! Checks across settings: what each setting alone allows and all together do not.
//!
//! Works on the typed configuration and on the tree it was read from, whose lists have the same length, so that each
//! problem names its line. Pruned settings ([`crate::check`]) leave marks, and nothing is concluded from their absence.

use std::path::Path;

use crate::model::{Config, HeaderEdits};
use crate::problem::{Position, Problem};
use crate::suggest;
use crate::tree::Node;
use crate::value::{RecordOutput, is_token};

mod admin;
mod alerts;
mod listeners;
mod policies;
mod routes;
mod share;
mod store;
mod upstreams;

pub use self::policies::exception_faults;

/// What the file named before anything was pruned from it.
pub(crate) struct Named {
    upstreams: Vec<String>,
    policies: Vec<String>,
    listeners: usize,
    routes: usize,
}

/// The checks under way: where problems go, and what the file is called.
pub(crate) struct Cross<'a> {
    file: &'a str,
    problems: &'a mut Vec<Problem>,
}

impl Named {
    /// Reads the names from a whole tree.
    pub(crate) fn of(tree: &Node) -> Self {
        let keys = |name: &str| -> Vec<String> {
            let section = tree.get(name).into_iter();
            section
                .flat_map(Node::keys)
                .map(|key| key.text.clone())
                .collect()
        };
        let count = |name: &str| tree.get(name).map_or(0, |section| section.items().len());
        let mut policies = keys("policies");
        policies.push("default".to_owned());
        Self {
            upstreams: keys("upstreams"),
            policies,
            listeners: count("listeners"),
            routes: count("routes"),
        }
    }
}

/// Runs every check.
pub(crate) fn check(
    config: &Config,
    tree: &Node,
    named: &Named,
    file: &str,
    problems: &mut Vec<Problem>,
) {
    let mut cross = Cross { file, problems };
    listeners::check(config, tree, named, &mut cross);
    upstreams::check(config, tree, named, &mut cross);
    routes::check(config, tree, named, &mut cross);
    policies::check(config, tree, &mut cross);
    clients(config, tree, &mut cross);
    share::check(config, tree, &mut cross);
    alerts::check(config, tree, &mut cross);
    store::check(config, tree, &mut cross);
    admin::check(config, tree, &mut cross);
    files(config, tree, &mut cross);
}

impl Cross<'_> {
    fn report(&mut self, position: Position, message: impl Into<String>, help: impl Into<String>) {
        let problem = Problem::at(self.file, position, message);
        self.problems.push(problem.with_help(help));
    }

    /// Times that would cut everything off at once if they were zero.
    fn above_zero(&mut self, node: &Node, path: &str, times: &[(&[&str], crate::Duration)]) {
        for (keys, time) in times {
            if time.is_zero() {
                let message = format!(
                    "{path}{}: 0 would cut everything off at once",
                    keys.join(".")
                );
                self.report(
                    place(node, keys),
                    message,
                    "write a time above 0, such as 10s",
                );
            }
        }
    }

    /// A header name, which may also be one that only the gateway may touch.
    fn header_name(&mut self, position: Position, path: &str, name: &str) {
        if !is_token(name) {
            let help = "write letters, digits and hyphens, such as x-request-source";
            self.report(
                position,
                format!("{path}: `{name}` is no header name"),
                help,
            );
            return;
        }
        let lower = name.to_ascii_lowercase();
        if lower == "host" {
            let help = "choose with `host: preserve` or `host: server` of the upstream";
            self.report(
                position,
                format!("{path}: the Host header cannot be edited here"),
                help,
            );
        } else if OWN_HEADERS.contains(&lower.as_str()) {
            let message = format!(
                "{path}: `{name}` frames the message or belongs to one connection, and the gateway writes it"
            );
            self.report(position, message, "leave it out");
        }
    }
}

/// The place of the deepest of `keys` that was written below `node`.
fn place(node: &Node, keys: &[&str]) -> Position {
    let mut here = node;
    let mut position = node.position;
    for key in keys {
        let Some((key, value)) = here.entry(key) else {
            break;
        };
        position = match value.text() {
            Some(_) => value.position,
            None => key.position,
        };
        here = value;
    }
    position
}

/// The place of a key below `node`.
fn place_of_key(node: &Node, keys: &[&str], name: &str) -> Position {
    let section = keys.iter().try_fold(node, |here, key| here.get(key));
    match section.and_then(|section| section.entry(name)) {
        Some((key, _)) => key.position,
        None => place(node, keys),
    }
}

/// Edits of headers under `keys` of `node`.
fn header_edits(
    edits: &HeaderEdits,
    node: &Node,
    keys: &[&str],
    path: &str,
    cross: &mut Cross<'_>,
) {
    for (kind, map) in [("set", &edits.set), ("add", &edits.add)] {
        let below = [keys, &[kind]].concat();
        let mut seen: Vec<String> = Vec::new();
        for (name, value) in map {
            let path = format!("{path}{}.{name}", below.join("."));
            let position = place_of_key(node, &below, name);
            cross.header_name(position, &path, name);
            if seen.contains(&name.to_ascii_lowercase()) {
                cross.report(
                    position,
                    format!("{path}: written twice, in two cases of letters"),
                    "keep one of the two",
                );
            }
            seen.push(name.to_ascii_lowercase());
            if value.bytes().any(|b| (b < b' ' && b != b'\t') || b == 0x7f) {
                let position = place(node, &[&below[..], &[name.as_str()]].concat());
                let message =
                    format!("{path}: the value holds a line break or another control character");
                cross.report(position, message, "a header's value is one line of text");
            }
        }
    }
    let below = [keys, &["remove"]].concat();
    let items = below
        .iter()
        .try_fold(node, |here, key| here.get(key))
        .map_or(&[][..], Node::items);
    for (name, item) in edits.remove.iter().zip(items) {
        cross.header_name(item.position, &format!("{path}{}", below.join(".")), name);
    }
}

/// What holds for all clients: timeouts, caps.
fn clients(config: &Config, tree: &Node, cross: &mut Cross<'_>) {
    let timeouts = &config.timeouts;
    let mut times: Vec<(&[&str], crate::Duration)> = vec![
        (&["timeouts", "head"], timeouts.head),
        (&["timeouts", "idle"], timeouts.idle),
        (&["timeouts", "tls_handshake"], timeouts.tls_handshake),
    ];
    if timeouts.min_rate.bytes_per_second > 0 {
        times.push((&["timeouts", "min_rate", "grace"], timeouts.min_rate.grace));
    }
    cross.above_zero(tree, "", &times);
    let (least, most) = (8 << 10, 1 << 20);
    if !(least..=most).contains(&config.caps.head.get()) {
        let message = format!("caps.head: {} is out of range", config.caps.head);
        cross.report(
            place(tree, &["caps", "head"]),
            message,
            "write a size from 8KiB to 1MiB",
        );
    }
}

/// Files that are written: records and log; and which header names records black out.
fn files(config: &Config, tree: &Node, cross: &mut Cross<'_>) {
    if let (RecordOutput::File(records), Some(log)) = (&config.records.output, &config.log.file)
        && records == log
    {
        let message = format!("log.file: `{}` is also where records go", log.display());
        cross.report(
            place(tree, &["log", "file"]),
            message,
            "give the log a file of its own",
        );
    }
    let listed = ["records", "redact", "headers"]
        .iter()
        .try_fold(tree, |here, key| here.get(key));
    let listed = listed.map_or(&[][..], Node::items);
    for (name, node) in config.records.redact.headers.iter().zip(listed) {
        if !is_token(name) {
            let help = "write the name of a header, such as x-api-key";
            cross.report(
                node.position,
                format!("records.redact.headers: `{name}` is no header name"),
                help,
            );
        }
    }
    if let Some(directory) = config.rules.directory.as_deref()
        && !directory.is_dir()
    {
        not_a_folder(directory, tree, cross);
    }
}

fn not_a_folder(directory: &Path, tree: &Node, cross: &mut Cross<'_>) {
    let what = if directory.exists() {
        "is no folder"
    } else {
        "does not exist"
    };
    let message = format!("rules.directory: `{}` {what}", directory.display());
    cross.report(
        place(tree, &["rules", "directory"]),
        message,
        "write the path of a folder with rule files; without this setting the built-in rules hold",
    );
}

/// The help for a name that is not among those defined.
fn unknown_name<'a>(name: &str, defined: impl Iterator<Item = &'a str> + Clone) -> String {
    match suggest::nearest(name, defined.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if defined.clone().next().is_none() => "none is defined".to_owned(),
        None => format!("defined: {}", suggest::list(defined)),
    }
}

/// Whether `name` can be a host's name: labels of letters, digits and hyphens, or an address.
fn is_host(name: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    let bare = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'));
    bare.is_some_and(|bare| bare.parse::<std::net::Ipv6Addr>().is_ok())
        || (name.len() <= 253 && name.split('.').all(label))
}

/// Whether `path` is a beginning of paths that requests can have after normalisation.
fn path_problem(path: &str) -> Option<(&'static str, &'static str)> {
    if !path.starts_with('/') {
        return Some((
            "does not begin with a slash",
            "write the path from its root, such as /api",
        ));
    }
    if path
        .bytes()
        .any(|b| b <= b' ' || b == 0x7f || matches!(b, b'?' | b'#'))
    {
        return Some((
            "holds a space, `?`, `#` or a control character",
            "write the path alone, as clients send it",
        ));
    }
    if path
        .split('/')
        .any(|segment| segment == "." || segment == "..")
        || path.contains("//")
    {
        return Some((
            "holds a dot segment or an empty one",
            "write it as it reads after normalisation",
        ));
    }
    None
}

/// Headers that frame a message or belong to one connection (RFC 9110 section 7.6.1, RFC 9112 section 6).
const OWN_HEADERS: [&str; 11] = [
    "connection",
    "content-length",
    "expect",
    "http2-settings",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-request-id",
];
