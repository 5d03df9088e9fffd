//! Which records an alert rule counts, and what they are counted as.

use portcullis_config::{AlertLevel, AlertMatch, AlertRule};
use portcullis_store::alerts::Level;
use portcullis_store::entry::Record;

/// An alert rule, and its parts in the words of the store.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) settings: AlertRule,
    pub(super) within_ms: i64,
    pub(super) level: Option<Level>,
}

impl Rule {
    pub(super) fn new(settings: &AlertRule) -> Self {
        Self {
            within_ms: i64::try_from(settings.within.get().as_millis()).unwrap_or(i64::MAX),
            level: settings.level.map(level),
            settings: settings.clone(),
        }
    }

    /// Whether the record counts.
    pub(super) fn counts(&self, record: &Record) -> bool {
        fits(&self.settings.when, record)
    }

    /// How bad the record is.
    pub(super) fn level_of(&self, record: &Record) -> Level {
        self.level.unwrap_or_else(|| own_level(record))
    }
}

/// The level of configuration in the words of the store.
pub(super) fn level(level: AlertLevel) -> Level {
    match level {
        AlertLevel::Low => Level::Low,
        AlertLevel::Medium => Level::Medium,
        AlertLevel::High => Level::High,
        AlertLevel::Critical => Level::Critical,
    }
}

/// What was done, or would have been.
pub(super) fn action(record: &Record) -> &str {
    if record.would.is_empty() {
        &record.action
    } else {
        &record.would
    }
}

/// The kind of attack; of what no verdict explains, the kind of trouble.
pub(super) fn category(record: &Record) -> &str {
    let verdict = record
        .verdict
        .as_ref()
        .filter(|verdict| !verdict.category.is_empty());
    let answer = record
        .response_verdict
        .as_ref()
        .filter(|verdict| !verdict.category.is_empty());
    if !record.ban.is_empty() {
        "ban"
    } else if let Some(verdict) = verdict.or(answer) {
        &verdict.category
    } else if !record.limit.is_empty() {
        "rate-limit"
    } else if record.status >= 500 {
        "upstream"
    } else {
        "traffic"
    }
}

/// A verdict's own level. Who is banned or over a limit has been dealt with already: that is worth a line, not a call
/// at night.
fn own_level(record: &Record) -> Level {
    match category(record) {
        "ban" | "rate-limit" => Level::Low,
        _ => worst(record).unwrap_or(Level::Medium),
    }
}

fn worst(record: &Record) -> Option<Level> {
    let verdicts = [&record.verdict, &record.response_verdict];
    verdicts
        .into_iter()
        .flatten()
        .filter_map(|verdict| Level::from_word(&verdict.level))
        .max()
}

fn fits(when: &AlertMatch, record: &Record) -> bool {
    let one_of =
        |list: &[String], word: &str| list.is_empty() || list.iter().any(|item| item == word);
    let status = |pattern: &String| is_status(pattern, record.status);
    one_of(&when.action, action(record))
        && one_of(&when.category, category(record))
        && one_of(&when.route, &record.route)
        && one_of(&when.outcome, &record.outcome)
        && (when.status.is_empty() || when.status.iter().any(status))
        && when
            .level
            .is_none_or(|least| worst(record) >= Some(level(least)))
}

fn is_status(pattern: &str, status: u16) -> bool {
    match pattern.strip_suffix("xx") {
        Some(class) => class.parse() == Ok(status / 100),
        None => pattern.parse() == Ok(status),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(json: &str) -> Record {
        serde_json::from_str(json).expect("a record")
    }

    #[test]
    fn rules_count_what_they_say() {
        let denied = r#"{"action":"deny","status":403,"route":"api","outcome":"complete",
            "verdict":{"level":"CRITICAL","category":"sqli"}}"#;
        let observed = r#"{"action":"allow","would":"deny","status":200,"verdict":{"level":"HIGH","category":"xss"}}"#;
        let failed = r#"{"action":"allow","status":502,"outcome":"upstream-error"}"#;
        let cases = [
            ("{}", denied, true),
            (r#"{"action":["deny"]}"#, denied, true),
            (r#"{"action":["deny"]}"#, observed, true),
            (r#"{"action":["deny"]}"#, failed, false),
            (r#"{"action":["deny"],"category":["xss"]}"#, denied, false),
            (r#"{"level":"CRITICAL"}"#, denied, true),
            (r#"{"level":"CRITICAL"}"#, observed, false),
            (r#"{"level":"LOW"}"#, failed, false),
            (r#"{"status":["5xx"]}"#, failed, true),
            (r#"{"status":["404","403"]}"#, denied, true),
            (r#"{"status":["5xx"]}"#, denied, false),
            (r#"{"route":["shop"]}"#, denied, false),
            (r#"{"outcome":["upstream-error"]}"#, failed, true),
        ];
        for (when, text, expected) in cases {
            let when: AlertMatch = serde_json::from_str(when).expect("a match");
            assert_eq!(fits(&when, &record(text)), expected, "{when:?} {text}");
        }
    }

    #[test]
    fn what_has_been_dealt_with_wakes_nobody() {
        let cases = [
            (r#"{"ban":"address:1","action":"deny"}"#, "ban", Level::Low),
            (
                r#"{"limit":"login","action":"throttle"}"#,
                "rate-limit",
                Level::Low,
            ),
            (r#"{"status":502}"#, "upstream", Level::Medium),
            (r#"{"status":200}"#, "traffic", Level::Medium),
            (
                r#"{"response_verdict":{"level":"HIGH","category":"data-leak"}}"#,
                "data-leak",
                Level::High,
            ),
        ];
        for (text, kind, level) in cases {
            let record = record(text);
            assert_eq!(
                (category(&record), own_level(&record)),
                (kind, level),
                "{text}"
            );
        }
    }
}
