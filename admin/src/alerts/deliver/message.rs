//! An alert in the forms that receivers take. What comes from an attacker is cut to one line and shown as text; no
//! receiver is given markup.

use portcullis_store::alerts::{Alert, Detail};
use serde_json::{Value, json};

use crate::alerts::advice::Advice;

/// What a receiver is told.
#[derive(Clone, Debug)]
pub struct Message {
    /// The incident.
    pub alert: Alert,
    /// `opened` or `raised`.
    pub why: String,
    advice: Advice,
    link: Option<String>,
}

impl Message {
    pub(super) fn new(alert: Alert, why: &str, console: &str) -> Self {
        Self {
            advice: Advice::on(&alert, &[]),
            link: (!console.is_empty())
                .then(|| format!("{}/alerts/{}", console.trim_end_matches('/'), alert.id)),
            why: why.to_owned(),
            alert,
        }
    }

    /// One line.
    pub fn subject(&self) -> String {
        let again = if self.why == "raised" {
            ", worse than before"
        } else {
            ""
        };
        one_line(&format!(
            "[{}] {}{again}",
            self.alert.level.as_str(),
            self.alert.title
        ))
    }

    /// A few lines of plain text.
    pub fn text(&self) -> String {
        let detail = &self.alert.detail;
        let mut lines = vec![
            self.subject(),
            String::new(),
            format!(
                "{} requests so far: {}.",
                self.alert.requests,
                listed(&detail.actions)
            ),
        ];
        if !detail.why.is_empty() {
            lines.push(format!("Why: {}", detail.why));
        }
        for (name, table) in [
            ("Rules", &detail.rules),
            ("Paths", &detail.paths),
            ("Addresses", &detail.addresses),
        ] {
            if !table.is_empty() {
                lines.push(format!("{name}: {}", listed(table)));
            }
        }
        lines.push(String::new());
        lines.push(self.advice.text.clone());
        lines.extend(self.link.clone());
        lines
            .iter()
            .map(|line| one_line(line))
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// The alert as the API gives it, with its advice.
    pub fn json(&self) -> Value {
        json!({ "event": self.why, "alert": crate::alerts::view::Alert::of(&self.alert), "advice": self.advice, "link": self.link })
    }

    /// A message in the shape that Slack and its like take. Their markup is made harmless.
    pub fn slack(&self) -> Value {
        let text = self
            .text()
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;");
        json!({ "text": text, "unfurl_links": false, "mrkdwn": false })
    }
}

/// The three most frequent, with their counts.
fn listed(table: &std::collections::BTreeMap<String, u64>) -> String {
    let mut rest = table.clone();
    let mut named = Vec::new();
    while named.len() < 3 {
        let Some((name, count)) =
            Detail::foremost(&rest).map(|(name, count)| (name.to_owned(), count))
        else {
            break;
        };
        rest.remove(&name);
        named.push(format!("{name} ({count})"));
    }
    if !rest.is_empty() {
        named.push("others".to_owned());
    }
    named.join(", ")
}

/// No control characters: what an attacker wrote must not look like lines of ours, nor steer a terminal.
fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}
