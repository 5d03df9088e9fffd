//! Which exchanges are shown live: a few of the harmless and more of the others each second, so that a flood does not
//! become one of events.

use std::sync::atomic::{AtomicU32, Ordering};

use portcullis_store::Entry;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An exchange in short.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Traffic {
    /// The request's id; `/api/v1/logs/{id}` tells the rest.
    pub id: String,
    /// When its head had arrived.
    #[schema(format = "date-time")]
    pub time: String,
    /// The client's address.
    pub client: String,
    /// The method.
    pub method: String,
    /// The host.
    pub host: String,
    /// The path.
    pub path: String,
    /// The route.
    pub route: String,
    /// The status; 0 where the client got no answer.
    pub status: u16,
    /// What was done: `allow`, `tag`, `throttle`, `deny`.
    pub action: String,
    /// What would have been done where the policy only observes; empty otherwise.
    pub would: String,
    /// 0 to 100.
    pub score: f64,
    /// `LOW`, `MEDIUM`, `HIGH`, `CRITICAL`; empty where the engine did not look.
    pub level: String,
    /// The kind of attack; empty without evidence.
    pub category: String,
    /// Why, in the words of the strongest finding; empty without evidence.
    pub why: String,
    /// From the head of the request to the end of the answer, in microseconds.
    pub duration_us: f64,
}

/// How many may still be shown in this second.
#[derive(Debug, Default)]
pub(super) struct Sampler {
    harmless: AtomicU32,
    other: AtomicU32,
}

/// Harmless exchanges shown in a second.
const HARMLESS: u32 = 20;
/// Others shown in a second.
const OTHER: u32 = 60;

impl Sampler {
    /// Begins a new second.
    pub(super) fn refill(&self) {
        self.harmless.store(HARMLESS, Ordering::Relaxed);
        self.other.store(OTHER, Ordering::Relaxed);
    }

    /// Whether this one is shown.
    pub(super) fn takes(&self, entry: &Entry) -> bool {
        let record = &entry.record;
        let score = record.verdict.as_ref().map_or(0.0, |verdict| verdict.score);
        let harmless = score < 40.0 && &*record.action == "allow" && record.would.is_empty();
        let budget = if harmless {
            &self.harmless
        } else {
            &self.other
        };
        let taken = budget.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
            left.checked_sub(1)
        });
        taken.is_ok()
    }
}

impl Traffic {
    /// A record in short.
    pub(super) fn of(entry: &Entry) -> Self {
        let record = &entry.record;
        let verdict = record.verdict.as_ref();
        let strongest = verdict.and_then(|verdict| verdict.evidence.first());
        Self {
            id: record.id.to_string(),
            time: record.time.to_string(),
            client: record.client.to_string(),
            method: record.method.to_string(),
            host: record.host.to_string(),
            path: short(&record.path),
            route: record.route.to_string(),
            status: record.status,
            action: record.action.to_string(),
            would: record.would.to_string(),
            score: verdict.map_or(0.0, |verdict| verdict.score),
            level: verdict.map_or_else(String::new, |verdict| verdict.level.to_string()),
            category: verdict.map_or_else(String::new, |verdict| verdict.category.to_string()),
            why: strongest.map_or_else(String::new, |evidence| evidence.why.to_string()),
            duration_us: record.duration_us,
        }
    }
}

/// Of a path as much as a line shows.
fn short(path: &str) -> String {
    const MOST: usize = 200;
    match path.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", path.get(..end).unwrap_or_default()),
        None => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_does_not_become_one_of_events() {
        let sampler = Sampler::default();
        let entry = |action: &str| {
            let line = format!(r#"{{"id":"a","action":"{action}"}}"#);
            Entry::read(&line).expect("a record")
        };
        assert!(
            !sampler.takes(&entry("allow")),
            "nothing before the first second"
        );
        sampler.refill();
        let taken = |action: &str| (0..1000).filter(|_| sampler.takes(&entry(action))).count();
        assert_eq!(taken("allow"), HARMLESS as usize);
        assert_eq!(
            taken("deny"),
            OTHER as usize,
            "attacks have a share of their own"
        );
    }
}
