//! One record as the gateway writes it (a line of JSON, see `gateway/src/record.rs`), read back into what is searched,
//! counted and shown. The line itself is kept beside it: whatever a later version adds to records is in the store at
//! once, only not yet searchable.

use std::sync::Arc;

use serde::Deserialize;

/// Records that travel together from the gateway to the store, the alerts and whoever watches live.
pub type Batch = Arc<[Entry]>;

/// A record and the line that it was read from.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// What the line says.
    pub record: Record,
    /// The line, without its line feed.
    pub line: Box<str>,
}

/// The parts of a record that somebody searches or counts by. Members that a line leaves out are empty or zero.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub struct Record {
    /// The request's id, 32 hexadecimal digits.
    pub id: Box<str>,
    /// RFC 3339, UTC, milliseconds; see [`Record::time_ms`].
    pub time: Box<str>,
    /// The client's address, through trusted proxies.
    pub client: Box<str>,
    /// The method as sent.
    pub method: Box<str>,
    /// The host that was asked for.
    pub host: Box<str>,
    /// The path as sent, at most 4 KiB.
    pub path: Box<str>,
    /// The query with secrets blacked out.
    pub query: Box<str>,
    /// The status that the client was sent; 0 where it got no answer.
    pub status: u16,
    /// The route that matched.
    pub route: Box<str>,
    /// The route's policy.
    pub policy: Box<str>,
    /// `enforce`, `observe` or `off`.
    pub mode: Box<str>,
    /// `allow`, `tag`, `throttle` or `deny`.
    pub action: Box<str>,
    /// What would have been done, where the policy only observes.
    pub would: Box<str>,
    /// The limit that refused the request.
    pub limit: Box<str>,
    /// The subject whose ban refused the request.
    pub ban: Box<str>,
    /// The subject that is allowed, so that nothing was done.
    pub allowed: Box<str>,
    /// The API key, as a keyed hash.
    pub key: Box<str>,
    /// The user, as a keyed hash.
    pub user: Box<str>,
    /// The session, as a keyed hash.
    pub session: Box<str>,
    /// What the engine thinks of the request.
    pub verdict: Option<Verdict>,
    /// What the engine thinks of the answer.
    pub response_verdict: Option<Verdict>,
    /// The upstream's name.
    pub upstream: Box<str>,
    /// Bytes of the request's body.
    pub bytes_in: u64,
    /// Bytes of the answer's body.
    pub bytes_out: u64,
    /// From the head of the request to the end of the answer, in microseconds.
    pub duration_us: f64,
    /// `complete`, `client-gone`, `upstream-error`, `timeout`, `refused`, `internal-error`.
    pub outcome: Box<str>,
    /// Why, where the outcome alone does not say.
    pub reason: Box<str>,
}

/// A verdict, as far as it is searched.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub struct Verdict {
    /// 0 to 100.
    pub score: f64,
    /// `LOW`, `MEDIUM`, `HIGH`, `CRITICAL`.
    pub level: Box<str>,
    /// The kind of attack; empty where there is no evidence.
    pub category: Box<str>,
    /// The findings, strongest first.
    pub evidence: Vec<Evidence>,
    /// What the models say, where they were asked.
    pub ensemble: Option<Ensemble>,
}

/// What the models say, as far as it is counted.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub struct Ensemble {
    /// Each model that was asked.
    pub votes: Vec<Vote>,
}

/// The vote of a model.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub struct Vote {
    /// The model's name.
    pub model: Box<str>,
    /// Its calibrated probability of an attack, 0 to 1.
    pub probability: f64,
    /// Whether that is at or above its own threshold.
    pub agrees: bool,
}

/// A finding, as far as it is searched.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub struct Evidence {
    /// The rule's or detector's id.
    pub rule: Box<str>,
    /// Why, in words.
    pub why: Box<str>,
}

impl Record {
    /// When the head of the request had arrived, in milliseconds since 1970; 0 where the time cannot be read.
    pub fn time_ms(&self) -> i64 {
        read_time(&self.time).unwrap_or_default()
    }

    /// What was done with the request, or would have been where the policy only observes and that is more.
    pub fn decided(&self) -> &str {
        const RISING: [&str; 4] = ["allow", "tag", "throttle", "deny"];
        let rank = |action: &str| RISING.iter().position(|one| *one == action);
        match rank(&self.would) > rank(&self.action) {
            true => &self.would,
            false => &self.action,
        }
    }

    /// Whether something was held against the request: it was tagged, throttled or denied, or would have been.
    pub fn is_flagged(&self) -> bool {
        !matches!(self.decided(), "" | "allow")
    }

    /// The models' votes on the request; none where no model was asked.
    pub fn votes(&self) -> impl Iterator<Item = &Vote> {
        let ensemble = self
            .verdict
            .as_ref()
            .and_then(|verdict| verdict.ensemble.as_ref());
        ensemble.into_iter().flat_map(|ensemble| &ensemble.votes)
    }
}

/// Milliseconds since 1970 of `2026-01-31T23:59:59.999Z`, the only shape in which the gateway writes times.
fn read_time(text: &str) -> Option<i64> {
    let text = text.strip_suffix('Z')?;
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let seconds = (number(11, 13)? * 60 + number(14, 16)?) * 60 + number(17, 19)?;
    let fraction = number(20, 23).unwrap_or_default();
    if !(1..=12).contains(&month) {
        return None;
    }
    // Days since 1970 by the civil calendar, years counted from March so that a leap day ends one.
    let march = if month > 2 { year } else { year - 1 };
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    let days = march * 365 + march / 4 - march / 100 + march / 400 + day_of_year - 719_468;
    Some((days * 86_400 + seconds) * 1000 + fraction)
}

impl Entry {
    /// Reads a line.
    ///
    /// # Errors
    /// When it is no JSON object of this shape.
    pub fn read(line: &str) -> Result<Self, serde_json::Error> {
        let line = line.trim_end();
        // A list would be read as the members in order.
        if !line.starts_with('{') {
            return Err(serde::de::Error::custom("a record is an object"));
        }
        Ok(Self {
            record: serde_json::from_str(line)?,
            line: line.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_and_kept() {
        let line = r#"{"id":"b9","time":"2026-11-20T20:40:32.180Z","client":"192.0.2.7","status":403,"action":"deny",
            "verdict":{"score":100,"level":"CRITICAL","category":"sqli","evidence":[{"rule":"sqli-union-select","why":"x"}]},
            "duration_us":12.5,"something_new":[1]}"#
            .replace('\n', " ");
        let entry = Entry::read(&format!("{line}\n")).expect("it is a record");
        assert_eq!(&*entry.line, line);
        assert_eq!((&*entry.record.id, entry.record.status), ("b9", 403));
        let verdict = entry.record.verdict.expect("it has one");
        assert_eq!(&*verdict.evidence[0].rule, "sqli-union-select");
    }

    #[test]
    fn the_stronger_of_what_was_done_and_would_have_been_counts() {
        for (action, would, expected, flagged) in [
            ("allow", "", "allow", false),
            ("allow", "deny", "deny", true),
            ("deny", "tag", "deny", true),
            ("tag", "throttle", "throttle", true),
            ("", "", "", false),
        ] {
            let record = Record {
                action: action.into(),
                would: would.into(),
                ..Record::default()
            };
            assert_eq!((record.decided(), record.is_flagged()), (expected, flagged));
        }
    }

    #[test]
    fn times_are_read() {
        for (text, expected) in [
            ("1970-01-01T00:00:00.000Z", 0),
            ("2000-02-29T23:59:59.999Z", 951_868_799_999),
            ("2024-02-29T00:00:00.000Z", 1_709_164_800_000),
            ("2025-12-31T23:59:59.007Z", 1_767_225_599_007),
            ("2100-03-01T00:00:00.000Z", 4_107_542_400_000),
            ("", 0),
            ("yesterday", 0),
            ("2025-99-31T23:59:59.007Z", 0),
            ("ä025-12-31T23:59:59.007Z", 0),
        ] {
            let record = Record {
                time: text.into(),
                ..Record::default()
            };
            assert_eq!(record.time_ms(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_record_is_refused() {
        for line in [
            "",
            "x",
            "[]x",
            "[]",
            r#"["id"]"#,
            r#"{"status":"many"}"#,
            r#"{"status":70000}"#,
        ] {
            assert!(Entry::read(line).is_err(), "{line}");
        }
    }
}
