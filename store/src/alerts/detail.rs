//! What an incident consists of: counts of what was done, by which signatures, on which paths, and a few requests to
//! look at. All of it is bounded, whatever an attacker sends.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The most different names that are counted in each of the tables; further ones go into [`OTHERS`].
pub const MOST_NAMES: usize = 32;

/// The most examples.
pub const MOST_EXAMPLES: usize = 5;

/// What names beyond [`MOST_NAMES`] are counted as.
pub const OTHERS: &str = "(others)";

/// Counts and examples of an incident.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Detail {
    /// Requests by what was done with them: `deny`, `throttle`; `would deny` where a policy only observes.
    pub actions: BTreeMap<String, u64>,
    /// Requests by the rule or detector that accused them.
    pub rules: BTreeMap<String, u64>,
    /// Requests by path.
    pub paths: BTreeMap<String, u64>,
    /// Requests by route.
    pub routes: BTreeMap<String, u64>,
    /// Requests by policy.
    pub policies: BTreeMap<String, u64>,
    /// Requests by address, where the incident is not of one address.
    pub addresses: BTreeMap<String, u64>,
    /// The first requests.
    pub examples: Vec<Example>,
    /// The strongest reason of the worst request, in words.
    pub why: String,
    /// The score of the worst request.
    pub score: f64,
}

/// A request to look at.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Example {
    /// The record's id.
    pub id: String,
    /// When, milliseconds since 1970.
    pub time_ms: i64,
    /// Method and path, shortened.
    pub request: String,
    /// Its score.
    pub score: f64,
}

impl Detail {
    /// Adds what another has.
    pub fn add(&mut self, other: &Self) {
        for (mine, theirs) in [
            (&mut self.actions, &other.actions),
            (&mut self.rules, &other.rules),
            (&mut self.paths, &other.paths),
            (&mut self.routes, &other.routes),
            (&mut self.policies, &other.policies),
            (&mut self.addresses, &other.addresses),
        ] {
            for (name, count) in theirs {
                count_in(mine, name, *count);
            }
        }
        let room = MOST_EXAMPLES.saturating_sub(self.examples.len());
        self.examples
            .extend(other.examples.iter().take(room).cloned());
        if other.score > self.score || self.why.is_empty() {
            self.score = other.score.max(self.score);
            self.why.clone_from(&other.why);
        }
    }

    /// The name with the highest count.
    pub fn foremost(table: &BTreeMap<String, u64>) -> Option<(&str, u64)> {
        table
            .iter()
            .filter(|(name, _)| *name != OTHERS)
            .max_by_key(|(_, count)| **count)
            .map(|(name, count)| (name.as_str(), *count))
    }

    pub(super) fn to_json(&self) -> String {
        // Maps of text and numbers always have a JSON form.
        serde_json::to_string(self).unwrap_or_default()
    }

    pub(super) fn from_json(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }
}

/// Counts `name` in `table`, or as one of the others where the table is full.
pub fn count_in(table: &mut BTreeMap<String, u64>, name: &str, count: u64) {
    if let Some(known) = table.get_mut(name) {
        *known = known.saturating_add(count);
        return;
    }
    let name = if table.len() < MOST_NAMES {
        name
    } else {
        OTHERS
    };
    let known = table.entry(name.to_owned()).or_default();
    *known = known.saturating_add(count);
}
