//! Checks of alerts: rules that can ever hold, receivers that can be reached in exactly one way, hours that exist.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Cross, place};
use crate::model::{AlertGroup, AlertRule, Alerts, Config, Quiet, Receiver};
use crate::problem::Position;
use crate::tree::Node;

/// The words of a record's `action`.
const ACTIONS: [&str; 4] = ["allow", "tag", "throttle", "deny"];

/// The words of a record's `outcome`.
const OUTCOMES: [&str; 6] = [
    "complete",
    "client-gone",
    "upstream-error",
    "timeout",
    "refused",
    "internal-error",
];

pub(super) fn check(config: &Config, tree: &Node, cross: &mut Cross<'_>) {
    let Some(node) = tree.get("alerts") else {
        return;
    };
    rules(&config.alerts, node, cross);
    for (name, receiver) in &config.alerts.receivers {
        let position = place(node, &["receivers", name]);
        if let Err((message, help)) =
            reachable(receiver).and_then(|()| quiet(receiver.quiet.as_ref()))
        {
            cross.report(
                position,
                format!("alerts.receivers.{name}: {message}"),
                help,
            );
        }
    }
}

fn rules(alerts: &Alerts, node: &Node, cross: &mut Cross<'_>) {
    let items = node.get("rules").map_or(&[][..], Node::items);
    let mut names = BTreeSet::new();
    for (rule, item) in alerts.rules.iter().zip(items) {
        let position: Position = item.position;
        if let Err((message, help)) = possible(rule) {
            cross.report(
                position,
                format!("alerts.rules.{}: {message}", rule.name),
                help,
            );
        }
        if !names.insert(&rule.name) {
            let message = format!("alerts.rules: there are two called `{}`", rule.name);
            cross.report(position, message, "give each a name of its own");
        }
    }
}

/// A sentence about what is wrong, and one about what to write.
type Wrong = (String, &'static str);

fn possible(rule: &AlertRule) -> Result<(), Wrong> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if rule.name.is_empty() || rule.name.len() > 64 || !rule.name.chars().all(plain) {
        let help = "write up to 64 lower-case letters, digits and hyphens";
        return Err((format!("`{}` is no name of a rule", rule.name), help));
    }
    known(
        &rule.when.action,
        &ACTIONS,
        "write allow, tag, throttle or deny",
    )?;
    known(
        &rule.when.outcome,
        &OUTCOMES,
        "write complete, client-gone, upstream-error, timeout, refused or internal-error",
    )?;
    if let Some(status) = rule.when.status.iter().find(|status| !is_status(status)) {
        return Err((
            format!("`{status}` is no status"),
            "write 404, or a class such as 5xx",
        ));
    }
    let span = Duration::from_secs(10)..=Duration::from_secs(86_400);
    if !span.contains(&rule.within.get()) {
        return Err((
            format!("within: {} is out of range", rule.within),
            "write a time from 10s to 1d",
        ));
    }
    if rule.share.is_some() && rule.per == AlertGroup::Subject {
        let message = "a share of one subject's requests says little".to_owned();
        return Err((message, "write per: route or per: all"));
    }
    if rule.absent && (rule.per != AlertGroup::All || rule.share.is_some()) {
        let message = "what is absent has no subject, route or share".to_owned();
        return Err((message, "write per: all, and no share"));
    }
    Ok(())
}

fn known(words: &[String], all: &[&str], help: &'static str) -> Result<(), Wrong> {
    match words.iter().find(|word| !all.contains(&word.as_str())) {
        Some(word) => Err((format!("`{word}` never stands in a record"), help)),
        None => Ok(()),
    }
}

fn is_status(status: &str) -> bool {
    matches!(status.as_bytes(), [b'1'..=b'5', b'x', b'x'])
        || matches!(status.as_bytes(), [b'1'..=b'5', a, b] if a.is_ascii_digit() && b.is_ascii_digit())
}

fn reachable(receiver: &Receiver) -> Result<(), Wrong> {
    match (&receiver.webhook, &receiver.email, &receiver.syslog) {
        (Some(webhook), None, None) => address(
            &webhook.url,
            &["https://", "http://"],
            "write https://HOST/PATH",
        ),
        (None, Some(email), None) => {
            let schemes = ["smtps://", "smtp://", "smtp+plain://"];
            address(
                &email.server,
                &schemes,
                "write smtps://HOST:465 or smtp://HOST:587",
            )?;
            if email.to.is_empty() {
                return Err((
                    "nobody gets the mail".to_owned(),
                    "write to: [\"you@example.com\"]",
                ));
            }
            match email
                .to
                .iter()
                .chain([&email.from])
                .find(|who| !who.contains('@'))
            {
                Some(who) => Err((
                    format!("`{who}` is no mail address"),
                    "write NAME@HOST, or Name <NAME@HOST>",
                )),
                None => Ok(()),
            }
        }
        (None, None, Some(syslog)) => address(
            &syslog.server,
            &["udp://", "tcp://"],
            "write udp://HOST:514 or tcp://HOST:601",
        ),
        _ => Err((
            "exactly one of webhook, email and syslog is needed".to_owned(),
            "write one receiver for each",
        )),
    }
}

/// The address is not repeated: it may be a secret itself.
fn address(url: &str, schemes: &[&str], help: &'static str) -> Result<(), Wrong> {
    let rest = schemes.iter().find_map(|scheme| url.strip_prefix(scheme));
    match rest {
        Some(rest) if !rest.is_empty() && !rest.starts_with(['/', ':']) => Ok(()),
        _ => Err(("its address is none".to_owned(), help)),
    }
}

fn quiet(quiet: Option<&Quiet>) -> Result<(), Wrong> {
    let Some(quiet) = quiet else { return Ok(()) };
    for time in [&quiet.from, &quiet.to] {
        if minutes(time).is_none() {
            return Err((
                format!("quiet: `{time}` is no time of day"),
                "write HH:MM, as 22:00",
            ));
        }
    }
    if quiet.offset_minutes().is_none() {
        return Err((
            format!("quiet.offset: `{}` is none", quiet.offset),
            "write +HH:MM or -HH:MM, as +01:00",
        ));
    }
    Ok(())
}

/// Minutes since midnight of `HH:MM`.
fn minutes(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let digits = |text: &str| text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(hours) || !digits(minutes) {
        return None;
    }
    let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
}

impl Quiet {
    /// When they begin and end, in minutes since midnight; `None` where the file was not checked.
    pub fn span(&self) -> Option<(u16, u16)> {
        Some((minutes(&self.from)?, minutes(&self.to)?))
    }

    /// How far the clock is ahead of UTC, in minutes; at most 14 hours either way.
    pub fn offset_minutes(&self) -> Option<i16> {
        let ahead = !self.offset.starts_with('-');
        let size = minutes(self.offset.strip_prefix(['+', '-'])?)?;
        let size = i16::try_from(size).ok().filter(|size| *size <= 14 * 60)?;
        Some(if ahead { size } else { -size })
    }
}
