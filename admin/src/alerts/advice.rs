//! What to do about an incident: a sentence or two, and the calls of the API that do it. Advice is drawn from what the
//! incident consists of, and says so; nothing is done without somebody choosing it.

use std::collections::BTreeMap;

use portcullis_store::alerts::detail::OTHERS;
use portcullis_store::alerts::{Alert, Detail, Level};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::access::tenant;
use crate::caller::Caller;
use crate::config::{Policy, Thresholds};
use crate::routes::{Least, ROUTES};

/// What to do about an incident.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Advice {
    /// For people.
    pub text: String,
    /// What can be done, the recommended first.
    pub remedies: Vec<Remedy>,
}

/// Something that can be done, as one call of the API.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Remedy {
    /// `ban`, `allow`, `exception`, `threshold`, `enforce`, `acknowledge`.
    pub kind: &'static str,
    /// The words on a button.
    pub label: String,
    /// The method of the call.
    pub method: &'static str,
    /// Its path.
    pub path: String,
    /// Its body.
    pub body: Value,
}

/// How long a ban that is advised lasts, in seconds.
const BAN_SECONDS: u64 = 3600;

/// How long somebody is allowed by one call, in seconds.
const ALLOW_SECONDS: u64 = 86_400;

/// From so many clients on, one rule on one path is more likely wrong than all of them.
const MANY: usize = 5;

/// The lowest threshold that is advised: below it requests are LOW.
const LEAST_THRESHOLD: f64 = 40.0;

/// The longest reason that a call is given, in characters.
const LONGEST_REASON: usize = 180;

impl Advice {
    /// For an incident under these policies, as they serve now.
    pub fn on(alert: &Alert, policies: &[Policy]) -> Self {
        let detail = &alert.detail;
        let look = || Some(acknowledge(alert));
        let (text, remedies) = match alert.category.as_str() {
            "silence" => (
                "Check that clients and DNS still reach this gateway: nothing came in.".to_owned(),
                vec![look()],
            ),
            "upstream" => (failing(alert), vec![look()]),
            "ban" => (
                "This client is banned and goes on asking. Nothing is to be done, unless the ban is a mistake.".to_owned(),
                vec![look(), allow(alert)],
            ),
            "rate-limit" => (
                "A limit was exceeded. If these are clients that you know, raise the limit of the route; if not, it does its work.".to_owned(),
                vec![look(), allow(alert)],
            ),
            _ if looks_wrong(alert) => (
                doubt(detail),
                vec![exception(detail), allow(alert), look()],
            ),
            _ => {
                let first = if alert.level >= Level::High {
                    [ban(alert), enforce(alert, policies), threshold(alert, policies)]
                } else {
                    [look(), threshold(alert, policies), ban(alert)]
                };
                let last = (alert.level >= Level::High).then(|| acknowledge(alert));
                let mut all = Vec::from(first);
                all.extend([exception(detail), allow(alert), last]);
                (attack(alert), all)
            }
        };
        Self {
            text,
            remedies: remedies.into_iter().flatten().collect(),
        }
    }

    /// The same with only what somebody may do.
    pub fn for_caller(mut self, caller: &Caller) -> Self {
        self.remedies.retain(|remedy| remedy.is_open_to(caller));
        self
    }
}

impl Remedy {
    fn is_open_to(&self, caller: &Caller) -> bool {
        let route = ROUTES
            .iter()
            .find(|(method, route, _)| method.as_str() == self.method && fits(route, &self.path));
        route.is_some_and(|(_, route, least)| match least {
            Least::Anybody => true,
            Least::Role(role) => {
                caller.role >= *role && (caller.tenant.is_none() || tenant::may_use(route))
            }
        })
    }
}

/// Whether a path is one of a route.
fn fits(route: &str, path: &str) -> bool {
    let same = |(route, path): (&str, &str)| route.starts_with('{') || route == path;
    route.split('/').count() == path.split('/').count()
        && route.split('/').zip(path.split('/')).all(same)
}

/// One rule, one path, many clients: this is what an API that looks like an attack to a rule looks like.
fn looks_wrong(alert: &Alert) -> bool {
    let detail = &alert.detail;
    let one = |table: &BTreeMap<String, u64>| table.len() == 1 && !table.contains_key(OTHERS);
    alert.level < Level::Critical
        && detail.addresses.len() >= MANY
        && one(&detail.rules)
        && one(&detail.paths)
}

fn doubt(detail: &Detail) -> String {
    let rule = Detail::foremost(&detail.rules).map_or("", |(rule, _)| rule);
    let path = Detail::foremost(&detail.paths).map_or("", |(path, _)| path);
    format!(
        "Only rule {rule} speaks, only on {path}, and for {} clients: look at an example. If it is harmless, make an exception for this rule on this path.",
        detail.addresses.len()
    )
}

fn acknowledge(alert: &Alert) -> Remedy {
    Remedy {
        kind: "acknowledge",
        label: "Acknowledge".to_owned(),
        method: "POST",
        path: format!("/api/v1/alerts/{}/acknowledge", alert.id),
        body: json!({}),
    }
}

/// The name that leads a table, where it is one that calls can be made with.
fn leading(table: &BTreeMap<String, u64>) -> Option<&str> {
    let (name, _) = Detail::foremost(table)?;
    (name != OTHERS && !name.ends_with('…') && !name.is_empty()).then_some(name)
}

fn exception(detail: &Detail) -> Option<Remedy> {
    let (rule, path, policy) = (
        leading(&detail.rules)?,
        leading(&detail.paths)?,
        leading(&detail.policies)?,
    );
    Some(Remedy {
        kind: "exception",
        label: format!("Except {rule} on {path}"),
        method: "POST",
        path: "/api/v1/exceptions".to_owned(),
        body: json!({ "policy": policy, "rule": rule, "path": path, "reason": "harmless requests of our own clients" }),
    })
}

/// The client of an incident, where it is one of one client.
fn client(alert: &Alert) -> Option<&str> {
    let subject = alert.subject.as_str();
    (!subject.is_empty() && !subject.starts_with("route:")).then_some(subject)
}

fn ban(alert: &Alert) -> Option<Remedy> {
    let subject = client(alert)?;
    Some(Remedy {
        kind: "ban",
        label: format!("Ban {subject} for an hour"),
        method: "POST",
        path: "/api/v1/bans".to_owned(),
        body: json!({ "subject": subject, "seconds": BAN_SECONDS, "cause": reason(alert) }),
    })
}

fn allow(alert: &Alert) -> Option<Remedy> {
    let subject = client(alert)?;
    Some(Remedy {
        kind: "allow",
        label: format!("Allow {subject} for a day"),
        method: "POST",
        path: "/api/v1/allowed".to_owned(),
        body: json!({ "subject": subject, "seconds": ALLOW_SECONDS, "reason": reason(alert) }),
    })
}

/// Where the worst request stayed below what is denied: deny from its score on.
fn threshold(alert: &Alert, policies: &[Policy]) -> Option<Remedy> {
    let policy = policy(alert, policies)?;
    let worst = alert.detail.score;
    let Thresholds {
        tag,
        throttle,
        deny,
    } = policy.thresholds;
    if worst < LEAST_THRESHOLD || worst >= f64::from(deny) {
        return None;
    }
    // Records round to whole scores, and the request itself is to be denied. It is below 101, as just compared.
    let score = (worst - 0.5).floor() as u8;
    let mut thresholds = json!({ "deny": score });
    // They have to ascend.
    for (name, before) in [("throttle", throttle), ("tag", tag)] {
        if before > score {
            thresholds[name] = score.into();
        }
    }
    let name = &policy.name;
    Some(Remedy {
        kind: "threshold",
        label: format!("Deny from score {score} on under policy {name}, not from {deny}"),
        method: "PATCH",
        path: policy_path(name),
        body: json!({ "thresholds": thresholds, "comment": reason(alert) }),
    })
}

fn enforce(alert: &Alert, policies: &[Policy]) -> Option<Remedy> {
    let policy = policy(alert, policies)?;
    (policy.mode == "observe").then(|| Remedy {
        kind: "enforce",
        label: format!("Enforce policy {}", policy.name),
        method: "PATCH",
        path: policy_path(&policy.name),
        body: json!({ "mode": "enforce", "comment": reason(alert) }),
    })
}

fn policy<'a>(alert: &Alert, policies: &'a [Policy]) -> Option<&'a Policy> {
    let name = leading(&alert.detail.policies)?;
    policies.iter().find(|policy| policy.name == name)
}

/// The path of a policy; what is no plain letter of its name is written as `%xx`.
fn policy_path(name: &str) -> String {
    let mut path = "/api/v1/config/policies/".to_owned();
    for byte in name.bytes() {
        match byte {
            b if b.is_ascii_alphanumeric() || b"-_.~".contains(&b) => path.push(char::from(b)),
            b => path.push_str(&format!("%{b:02X}")),
        }
    }
    path
}

/// Why something is done, for whoever reads it later.
fn reason(alert: &Alert) -> String {
    let title = alert.title.chars().take(LONGEST_REASON);
    title
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

fn failing(alert: &Alert) -> String {
    let path = Detail::foremost(&alert.detail.paths).map_or(String::new(), |(path, count)| {
        format!(", most of them for {path} ({count})")
    });
    format!(
        "The upstream failed {} requests{path}. Look at its log and health; the gateway passes its errors on.",
        alert.requests
    )
}

fn attack(alert: &Alert) -> String {
    let actions = alert.detail.actions.keys();
    let observed = actions
        .into_iter()
        .any(|action| action.starts_with("would "));
    let stopped = if observed {
        "The policy only observes: these requests reached the API. If the examples are attacks, enforce it."
    } else {
        "These requests were stopped."
    };
    let next = match alert.subject.is_empty() {
        true => {
            "Many clients take part, so banning one helps little: look at what they have in common."
        }
        false if alert.level >= Level::High => {
            "Ban the client if it goes on; make an exception only if an example is plainly harmless."
        }
        false => "Look at an example before anything else.",
    };
    format!("{stopped} {next}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caller::Role;
    use portcullis_store::alerts::State;
    use portcullis_store::alerts::detail::count_in;

    fn alert(category: &str, level: Level) -> Alert {
        Alert {
            id: "a1".into(),
            rule: "attack".into(),
            tenant: String::new(),
            subject: "address:192.0.2.1".into(),
            category: category.into(),
            level,
            state: State::Open,
            title: "SQL injection by 192.0.2.1".into(),
            first_ms: 0,
            last_ms: 1,
            requests: 7,
            detail: Detail::default(),
            acknowledged_by: None,
            acknowledged_ms: None,
        }
    }

    fn kinds(advice: &Advice) -> Vec<&'static str> {
        advice.remedies.iter().map(|remedy| remedy.kind).collect()
    }

    fn policies(mode: &str) -> Vec<Policy> {
        vec![Policy {
            name: "shop api".to_owned(),
            mode: mode.to_owned(),
            thresholds: Thresholds {
                tag: 40,
                throttle: 60,
                deny: 80,
            },
            ..Policy::default()
        }]
    }

    fn offered(alert: &Alert, mode: &str) -> Vec<&'static str> {
        kinds(&Advice::on(alert, &policies(mode)))
    }

    #[test]
    fn what_is_offered_depends_on_the_incident() {
        let bare = |category, level| offered(&alert(category, level), "enforce");
        assert_eq!(
            bare("sqli", Level::Critical),
            ["ban", "allow", "acknowledge"]
        );
        assert_eq!(bare("sqli", Level::Medium), ["acknowledge", "ban", "allow"]);
        assert_eq!(bare("ban", Level::Low), ["acknowledge", "allow"]);
        assert_eq!(bare("upstream", Level::High), ["acknowledge"]);
        let mut known = alert("sqli", Level::High);
        known.detail.rules.insert("sqli-comment".into(), 9);
        known.detail.paths.insert("/search".into(), 9);
        known.detail.policies.insert("shop api".into(), 9);
        known.detail.score = 66.6;
        for (mode, score, expected) in [
            (
                "enforce",
                66.6,
                &["ban", "threshold", "exception", "allow", "acknowledge"][..],
            ),
            (
                "enforce",
                80.0,
                &["ban", "exception", "allow", "acknowledge"],
            ),
            (
                "enforce",
                39.9,
                &["ban", "exception", "allow", "acknowledge"],
            ),
            (
                "observe",
                90.0,
                &["ban", "enforce", "exception", "allow", "acknowledge"],
            ),
        ] {
            known.detail.score = score;
            assert_eq!(offered(&known, mode), expected, "{mode} {score}");
        }
        known.subject = "route:shop".to_owned();
        assert_eq!(offered(&known, "enforce"), ["exception", "acknowledge"]);
    }

    #[test]
    fn a_lower_threshold_denies_the_worst_request_and_the_others_ascend_to_it() {
        let mut below = alert("sqli", Level::Medium);
        below.detail.policies.insert("shop api".into(), 9);
        for (score, expected) in [
            (79.0, json!({ "deny": 78 })),
            (60.0, json!({ "deny": 59, "throttle": 59 })),
            (55.0, json!({ "deny": 54, "throttle": 54 })),
        ] {
            below.detail.score = score;
            let advice = Advice::on(&below, &policies("enforce"));
            let remedy = advice.remedies.iter().find(|one| one.kind == "threshold");
            let remedy = remedy.expect("it is offered");
            assert_eq!(remedy.body["thresholds"], expected, "{score}");
            assert_eq!(remedy.path, "/api/v1/config/policies/shop%20api");
        }
    }

    #[test]
    fn nobody_is_offered_what_they_may_not_do() {
        let mut known = alert("sqli", Level::High);
        known.detail.rules.insert("sqli-comment".into(), 9);
        known.detail.paths.insert("/search".into(), 9);
        known.detail.policies.insert("shop api".into(), 9);
        known.detail.score = 66.6;
        for (role, tenant, expected) in [
            (Role::Viewer, None, &[][..]),
            (Role::Analyst, None, &["ban", "acknowledge"]),
            (Role::Analyst, Some("a"), &["acknowledge"]),
            (
                Role::Admin,
                None,
                &["ban", "threshold", "exception", "allow", "acknowledge"],
            ),
        ] {
            let caller = Caller {
                name: "somebody".to_owned(),
                role,
                tenant: tenant.map(str::to_owned),
                scope: None,
            };
            let advice = Advice::on(&known, &policies("enforce")).for_caller(&caller);
            assert_eq!(kinds(&advice), expected, "{role} {tenant:?}");
        }
    }

    #[test]
    fn one_rule_on_one_path_for_many_clients_is_doubted() {
        let mut doubtful = alert("sqli", Level::High);
        doubtful.detail.rules.insert("sqli-comment".into(), 9);
        doubtful.detail.paths.insert("/search".into(), 9);
        doubtful.detail.policies.insert("default".into(), 9);
        for number in 0..9 {
            count_in(
                &mut doubtful.detail.addresses,
                &format!("192.0.2.{number}"),
                1,
            );
        }
        let advice = Advice::on(&doubtful, &[]);
        assert_eq!(kinds(&advice), ["exception", "allow", "acknowledge"]);
        assert_eq!(advice.remedies[0].body["path"], "/search");
        doubtful.level = Level::Critical;
        assert_eq!(kinds(&Advice::on(&doubtful, &[]))[0], "ban");
    }

    #[test]
    fn what_was_only_observed_is_said_to_have_passed() {
        let mut observed = alert("sqli", Level::Critical);
        observed.detail.actions.insert("would deny".into(), 7);
        assert!(Advice::on(&observed, &[]).text.contains("reached the API"));
        assert!(
            Advice::on(&alert("sqli", Level::Critical), &[])
                .text
                .contains("were stopped")
        );
    }
}
