//! A verdict as the API shows it, read from a record's line or from what the engine says of a request that was tried.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What the engine thinks of a request or an answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Verdict {
    /// 0 (nothing) to 100 (certain).
    #[schema(minimum = 0, maximum = 100)]
    pub score: f64,
    /// The score in words: `LOW`, `MEDIUM` (from 40), `HIGH` (from 60), `CRITICAL` (from 80).
    pub level: String,
    /// The kind of attack that weighs most; absent without evidence.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub category: Option<String>,
    /// What the policy's thresholds make of the score: `allow`, `tag`, `throttle`, `deny`.
    pub action: String,
    /// What the score rests on, strongest first, at most 32 findings.
    pub evidence: Vec<Evidence>,
    /// Microseconds that each stage of the engine took; a stage that did not run is absent.
    pub stages_us: BTreeMap<String, f64>,
    /// What was not looked at.
    pub uninspected: Uninspected,
    /// What behaviour says, where it says anything: findings, risk with its factors, reaction.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object, nullable = false)]
    pub behaviour: Option<serde_json::Value>,
    /// What the models say, where they were asked: joint probability, each vote and what it rests on, who was skipped,
    /// effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object, nullable = false)]
    pub ensemble: Option<serde_json::Value>,
}

/// One finding of one rule in one field.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Evidence {
    /// The rule's or detector's id.
    pub rule: String,
    /// Its name.
    pub name: String,
    /// Why it matters, in one sentence.
    pub why: String,
    /// The kind of attack.
    pub category: String,
    /// How bad: `info`, `low`, `medium`, `high`, `critical`.
    pub severity: String,
    /// What the finding weighs alone, 1 to 100.
    #[schema(minimum = 0, maximum = 100)]
    pub score: u8,
    /// The rule's tags (`owasp:…`, `api:…`, `cwe:…`).
    pub tags: Vec<String>,
    /// Where the field stands: `query`, `json`, `header`, ….
    pub location: String,
    /// The field's name.
    pub field: String,
    /// What surrounds the match, unprintable bytes replaced; `[redacted]` where it is secret.
    pub excerpt: String,
    /// Which bytes of `excerpt` matched, `[from, to)`, counted in UTF-8; absent where nothing can be marked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub mark: Option<[u32; 2]>,
    /// The excerpt cut at the mark, for who shows it.
    #[serde(skip_deserializing, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub marked: Option<Marked>,
    /// Which bytes matched, counted in the form that the rule saw.
    pub range: [u32; 2],
    /// The form that the rule saw (`raw`, `text`, `sql`, …).
    pub form: String,
}

/// An excerpt in three parts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Marked {
    /// What stands before the match.
    pub before: String,
    /// What matched.
    pub matched: String,
    /// What stands behind it.
    pub after: String,
}

/// What the engine was not able, or not allowed, to look at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Uninspected {
    /// The body went on after the part that is inspected.
    pub body: bool,
    /// Some fields were over a cap.
    pub fields: bool,
}

impl Verdict {
    /// The same with each excerpt cut at its mark.
    #[must_use]
    pub fn marked(mut self) -> Self {
        for evidence in &mut self.evidence {
            evidence.marked = evidence.mark.and_then(|mark| cut(&evidence.excerpt, mark));
        }
        self
    }
}

/// Cuts a text in three; `None` where the mark does not lie in it.
fn cut(text: &str, [from, to]: [u32; 2]) -> Option<Marked> {
    let (from, to) = (usize::try_from(from).ok()?, usize::try_from(to).ok()?);
    let part = |range: std::ops::Range<usize>| text.get(range).map(str::to_owned);
    Some(Marked {
        before: part(0..from)?,
        matched: part(from..to)?,
        after: part(to..text.len())?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_cuts_the_excerpt_or_is_left_out() {
        let parts = |text: &str, mark| {
            cut(text, mark).map(|m| format!("{}|{}|{}", m.before, m.matched, m.after))
        };
        for (text, mark, expected) in [
            ("id=1 union select", [5, 10], Some("id=1 |union| select")),
            ("é'x", [2, 3], Some("é|'|x")),
            ("é'x", [1, 3], None),
            ("short", [2, 9], None),
            ("short", [4, 2], None),
            ("", [0, 0], Some("||")),
        ] {
            assert_eq!(parts(text, mark).as_deref(), expected, "{text} {mark:?}");
        }
    }

    #[test]
    fn a_records_verdict_is_read() {
        let verdict: Verdict = serde_json::from_str(
            r#"{"score":100,"level":"CRITICAL","category":"sqli","action":"deny","evidence":[{"rule":"a","mark":[1,2],
                "excerpt":"abc","range":[0,1],"severity":"high","something":"new"}],"stages_us":{"decode":1.5}}"#,
        )
        .expect("it is one");
        let verdict = verdict.marked();
        let marked = verdict.evidence[0].marked.clone().expect("it lies within");
        assert_eq!(marked.matched, "b");
        assert_eq!(verdict.stages_us["decode"], 1.5);
    }
}
