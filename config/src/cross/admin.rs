//! Checks of the admin plane: origins that are origins, a secret that is one, times within reason, a provider that can
//! send browsers back, tenants that own routes which exist.

use super::{Cross, is_host, place, place_of_key, unknown_name};
use crate::Duration;
use crate::model::{Config, Oidc, Route};
use crate::tree::Node;

/// The least characters of a token for the metrics.
const TOKEN: usize = 16;

pub(super) fn check(config: &Config, tree: &Node, cross: &mut Cross<'_>) {
    if let Some(node) = tree.get("admin") {
        origins(config, node, cross);
        token(config, node, cross);
        sessions(config, node, cross);
        if let (Some(oidc), Some(inside)) = (&config.admin.oidc, node.get("oidc")) {
            provider(config, oidc, inside, cross);
        }
    }
    if let Some(node) = tree.get("tenants") {
        tenants(config, node, cross);
    }
}

fn origins(config: &Config, node: &Node, cross: &mut Cross<'_>) {
    let help = "write scheme, host and port alone, such as https://gate.example.com";
    if let Some(url) = &config.admin.public_url
        && !is_origin(url)
    {
        let message = format!("admin.public_url: `{url}` is no origin");
        cross.report(place(node, &["public_url"]), message, help);
    }
    let items = node.get("cors").map_or(&[][..], Node::items);
    for (origin, item) in config.admin.cors.iter().zip(items) {
        if !is_origin(origin) {
            let message = format!("admin.cors: `{origin}` is no origin");
            cross.report(item.position, message, help);
        }
    }
}

fn token(config: &Config, node: &Node, cross: &mut Cross<'_>) {
    let short = config.admin.metrics_token.as_ref();
    if short.is_some_and(|token| token.chars().count() < TOKEN) {
        let message = format!("admin.metrics_token: it has fewer than {TOKEN} characters");
        let help = "draw one with `openssl rand -hex 32`, and write file:PATH";
        cross.report(place(node, &["metrics_token"]), message, help);
    }
}

fn sessions(config: &Config, node: &Node, cross: &mut Cross<'_>) {
    let sessions = &config.admin.sessions;
    for (name, time) in [("idle", sessions.idle), ("lifetime", sessions.lifetime)] {
        if time < Duration::from_secs(60) {
            let message = format!("admin.sessions.{name}: {time} is out of range");
            let help = "write 1m or more, such as 30m";
            cross.report(place(node, &["sessions", name]), message, help);
        }
    }
}

fn provider(config: &Config, oidc: &Oidc, node: &Node, cross: &mut Cross<'_>) {
    let issuer = &oidc.issuer;
    let rest = issuer.split_once("://").map_or("", |(_, rest)| rest);
    let host = rest.split('/').next().unwrap_or_default();
    let is_near = ["127.0.0.1", "localhost", "[::1]"]
        .iter()
        .any(|near| host == *near || host.starts_with(&format!("{near}:")));
    let is_url = !host.is_empty() && !issuer.contains(['?', '#', ' ', '@']);
    if !is_url || !(issuer.starts_with("https://") || issuer.starts_with("http://") && is_near) {
        let message = format!("admin.oidc.issuer: `{issuer}` is no issuer");
        let help = "write the provider's URL, https://…; http is for loopback alone";
        cross.report(place(node, &["issuer"]), message, help);
    }
    if config.admin.public_url.is_none() {
        let message =
            "admin.oidc: without `admin.public_url` the provider cannot send browsers back";
        let help = "set admin.public_url to where browsers reach the admin plane";
        cross.report(node.position, message, help);
    }
    let roles = &oidc.roles;
    let nobody = roles.viewer.is_empty() && roles.analyst.is_empty() && roles.admin.is_empty();
    if nobody && oidc.default_role.is_none() {
        let message = "admin.oidc: no value gives anybody a role, so nobody is let in";
        let help = "write roles: { admin: [\"…\"] }, or a default_role";
        cross.report(place(node, &["roles"]), message, help);
    }
}

fn tenants(config: &Config, node: &Node, cross: &mut Cross<'_>) {
    let labels: Vec<_> = config.routes.iter().map(Route::label).collect();
    let known = || labels.iter().map(|label| &**label);
    for (name, tenant) in &config.tenants {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
            let message = format!("tenants: `{name}` is no name");
            let help = "write up to 64 letters, digits and -_., such as shop";
            cross.report(place_of_key(node, &[], name), message, help);
        }
        let Some(inside) = node.get(name) else {
            continue;
        };
        let items = inside.get("routes").map_or(&[][..], Node::items);
        for (route, item) in tenant.routes.iter().zip(items) {
            if !known().any(|label: &str| label == route) {
                let message = format!("tenants.{name}.routes: there is no route `{route}`");
                cross.report(item.position, message, unknown_name(route, known()));
            }
        }
        let items = inside.get("hosts").map_or(&[][..], Node::items);
        for (host, item) in tenant.hosts.iter().zip(items) {
            if !is_host(host.strip_prefix("*.").unwrap_or(host)) {
                let message = format!("tenants.{name}.hosts: `{host}` is no host");
                let help = "write a name without scheme and port, or *.example.com";
                cross.report(item.position, message, help);
            }
        }
    }
}

/// Whether `text` is `http[s]://host[:port]`, as browsers write origins: in lower case, without the usual port.
fn is_origin(text: &str) -> bool {
    let (rest, usual) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
        (Some(rest), _) => (rest, ":443"),
        (_, Some(rest)) => (rest, ":80"),
        _ => return false,
    };
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (rest, None),
    };
    is_host(host)
        && port.is_none_or(|port| port.parse::<u16>().is_ok())
        && !rest.ends_with(usual)
        && !rest.bytes().any(|b| b.is_ascii_uppercase())
}
