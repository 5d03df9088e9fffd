//! What to do about an incident: a sentence or two, and the calls of the API that do it. Advice is drawn from what the
//! incident consists of, and says so; nothing is done without somebody choosing it.

use portcullis_store::alerts::detail::OTHERS;
use portcullis_store::alerts::{Alert, Detail, Level};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

/// What to do about an incident.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Advice {
    /// For people.
    pub text: String,
    /// What can be done, the recommended first.
    pub remedies: Vec<Remedy>,
}

/// Something that can be done, as a call of the API.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Remedy {
    /// `ban`, `acknowledge`, `exception`, `enforce`.
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

/// From so many clients on, one rule on one path is more likely wrong than all of them.
const MANY: usize = 5;

impl Advice {
    /// For an incident.
    pub fn on(alert: &Alert) -> Self {
        let detail = &alert.detail;
        let observed = detail
            .actions
            .keys()
            .any(|action| action.starts_with("would "));
        let (text, mut remedies) = match alert.category.as_str() {
            "silence" => ("Check that clients and DNS still reach this gateway: nothing came in.".to_owned(), vec![]),
            "upstream" => (failing(alert), vec![]),
            "ban" => (
                "This client is banned and goes on asking. Nothing is to be done, unless the ban is a mistake.".to_owned(),
                vec![],
            ),
            "rate-limit" => (
                "A limit was exceeded. If these are clients that you know, raise the limit of the route; if not, it does its work.".to_owned(),
                vec![],
            ),
            _ if looks_wrong(alert) => (doubt(detail), exceptions(detail)),
            _ => (attack(alert, observed), bans(alert)),
        };
        remedies.push(Remedy {
            kind: "acknowledge",
            label: "Acknowledge".to_owned(),
            method: "POST",
            path: format!("/api/v1/alerts/{}/acknowledge", alert.id),
            body: json!({}),
        });
        Self { text, remedies }
    }
}

/// One rule, one path, many clients: this is what an API that looks like an attack to a rule looks like.
fn looks_wrong(alert: &Alert) -> bool {
    let detail = &alert.detail;
    let one = |table: &std::collections::BTreeMap<String, u64>| {
        table.len() == 1 && !table.contains_key(OTHERS)
    };
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

fn exceptions(detail: &Detail) -> Vec<Remedy> {
    let rule = Detail::foremost(&detail.rules).map(|(rule, _)| rule);
    let path = Detail::foremost(&detail.paths).map(|(path, _)| path);
    let policy = Detail::foremost(&detail.policies).map(|(policy, _)| policy);
    let (Some(rule), Some(path), Some(policy)) = (rule, path, policy) else {
        return Vec::new();
    };
    vec![Remedy {
        kind: "exception",
        label: format!("Except {rule} on {path}"),
        method: "POST",
        path: "/api/v1/exceptions".to_owned(),
        body: json!({ "policy": policy, "rule": rule, "path": path, "reason": "harmless requests of our own clients" }),
    }]
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

fn attack(alert: &Alert, observed: bool) -> String {
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

fn bans(alert: &Alert) -> Vec<Remedy> {
    if alert.subject.is_empty() || alert.level < Level::High {
        return Vec::new();
    }
    vec![Remedy {
        kind: "ban",
        label: format!("Ban {} for an hour", alert.subject),
        method: "POST",
        path: "/api/v1/bans".to_owned(),
        body: json!({ "subject": alert.subject, "seconds": BAN_SECONDS, "cause": alert.title }),
    }]
}

#[cfg(test)]
mod tests {
    use super::*;
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

    #[test]
    fn an_attacker_may_be_banned_and_a_doubtful_rule_excepted() {
        assert_eq!(
            kinds(&Advice::on(&alert("sqli", Level::Critical))),
            ["ban", "acknowledge"]
        );
        assert_eq!(
            kinds(&Advice::on(&alert("sqli", Level::Medium))),
            ["acknowledge"]
        );
        assert_eq!(
            kinds(&Advice::on(&alert("ban", Level::Low))),
            ["acknowledge"]
        );
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
        let advice = Advice::on(&doubtful);
        assert_eq!(kinds(&advice), ["exception", "acknowledge"]);
        assert_eq!(advice.remedies[0].body["path"], "/search");
        doubtful.level = Level::Critical;
        assert_eq!(kinds(&Advice::on(&doubtful)), ["ban", "acknowledge"]);
    }

    #[test]
    fn what_was_only_observed_is_said_to_have_passed() {
        let mut observed = alert("sqli", Level::Critical);
        observed.detail.actions.insert("would deny".into(), 7);
        assert!(Advice::on(&observed).text.contains("reached the API"));
        assert!(
            Advice::on(&alert("sqli", Level::Critical))
                .text
                .contains("were stopped")
        );
    }
}
