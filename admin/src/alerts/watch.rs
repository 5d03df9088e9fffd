//! Counting records and grouping them into incidents. Nothing here waits or knows the time: records and the moment go
//! in, sightings come out. However many clients attack at once, what is held is bounded: beyond `STORM` new groups
//! of one kind within the time of an incident, further clients are gathered into one incident of many.

use std::collections::HashMap;
use std::sync::Arc;

use portcullis_config::{AlertGroup, Alerts};
use portcullis_store::alerts::detail::{Detail, Example, MOST_EXAMPLES, count_in};
use portcullis_store::alerts::{Level, Sighting};
use portcullis_store::entry::{Entry, Record};

use super::bucket::Buckets;
use super::matching::{self, Rule};
use super::words;

/// The most groups that are held at once.
const MOST_GROUPS: usize = 10_000;

/// The most new groups of one rule and category within the time of an incident; more are an incident of many clients.
const STORM: u64 = 50;

/// The longest path and reason that are kept, in characters.
const LONGEST_TEXT: usize = 200;

/// Whose traffic a record is; empty where it is nobody's in particular.
pub type TenantOf = Arc<dyn Fn(&Record) -> String + Send + Sync>;

/// What is watched.
pub struct Watch {
    rules: Vec<Rule>,
    window_ms: i64,
    tenant_of: TenantOf,
    groups: HashMap<Key, Group>,
    storms: HashMap<(usize, String), Buckets>,
    silences: Vec<Silence>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    rule: usize,
    tenant: String,
    subject: String,
    category: String,
}

struct Group {
    counted: Buckets,
    /// All requests, where a share of them is asked for.
    all: Option<Buckets>,
    pending: Option<Pending>,
    last_ms: i64,
}

/// What was seen since it was last told.
#[derive(Default)]
struct Pending {
    level: Level,
    span_ms: Option<(i64, i64)>,
    requests: u64,
    detail: Detail,
}

/// A rule that waits for requests.
struct Silence {
    rule: usize,
    last_ms: i64,
    told: bool,
}

impl Watch {
    /// Watches by `settings` from `now_ms` on.
    pub fn new(settings: &Alerts, tenant_of: TenantOf, now_ms: i64) -> Self {
        let rules: Vec<Rule> = settings.rules.iter().map(Rule::new).collect();
        let absent = |(number, rule): (usize, &Rule)| rule.settings.absent.then_some(number);
        Self {
            silences: rules
                .iter()
                .enumerate()
                .filter_map(absent)
                .map(|rule| Silence {
                    rule,
                    last_ms: now_ms,
                    told: false,
                })
                .collect(),
            rules,
            window_ms: i64::try_from(settings.window.get().as_millis()).unwrap_or(i64::MAX),
            tenant_of,
            groups: HashMap::new(),
            storms: HashMap::new(),
        }
    }

    /// How many groups are held.
    pub fn groups(&self) -> usize {
        self.groups.len()
    }

    /// Counts a record that arrived now.
    pub fn see(&mut self, entry: &Entry, now_ms: i64) {
        for number in 0..self.rules.len() {
            self.see_by(number, entry, now_ms);
        }
    }

    fn see_by(&mut self, number: usize, entry: &Entry, now_ms: i64) {
        let Some(rule) = self.rules.get(number) else {
            return;
        };
        // Who is allowed has been looked at: what would have been done wakes nobody.
        let is_told = rule.settings.absent || entry.record.allowed.is_empty();
        let counts = is_told && rule.counts(&entry.record);
        if rule.settings.absent {
            let silence = self
                .silences
                .iter_mut()
                .find(|silence| silence.rule == number && counts);
            if let Some(silence) = silence {
                silence.last_ms = now_ms;
                silence.told = false;
            }
            return;
        }
        let has_share = rule.settings.share.is_some();
        if !counts && !has_share {
            return;
        }
        let (per, within_ms, level) = (
            rule.settings.per,
            rule.within_ms,
            rule.level_of(&entry.record),
        );
        let key = self.key(number, per, has_share, &entry.record, now_ms);
        let group = self.groups.entry(key).or_insert_with(|| Group {
            counted: Buckets::new(within_ms),
            all: has_share.then(|| Buckets::new(within_ms)),
            pending: None,
            last_ms: now_ms,
        });
        group.see(entry, counts, level, now_ms);
    }

    /// What the record is grouped under: its own group, or that of many where there are too many.
    fn key(
        &mut self,
        rule: usize,
        per: AlertGroup,
        has_share: bool,
        record: &Record,
        now_ms: i64,
    ) -> Key {
        // All requests of a route are one group, whatever becomes of each.
        let category = if has_share {
            "upstream"
        } else {
            matching::category(record)
        };
        let subject = match per {
            AlertGroup::Subject => subject(record),
            AlertGroup::Route => format!("route:{}", record.route),
            AlertGroup::All => String::new(),
        };
        let mut key = Key {
            rule,
            tenant: (self.tenant_of)(record),
            subject,
            category: if per == AlertGroup::Subject || has_share {
                category
            } else {
                "traffic"
            }
            .to_owned(),
        };
        if !self.groups.contains_key(&key) && per == AlertGroup::Subject {
            let window_ms = self.window_ms;
            let kind = (rule, key.category.clone());
            let storm = self
                .storms
                .entry(kind)
                .or_insert_with(|| Buckets::new(window_ms));
            storm.add(now_ms);
            if storm.sum(now_ms) > STORM || self.groups.len() >= MOST_GROUPS {
                key.subject.clear();
            }
        }
        key
    }

    /// What is to be told now; what did not reach its rule's count yet is kept.
    pub fn take(&mut self, now_ms: i64) -> Vec<Sighting> {
        let mut sightings = Vec::new();
        for (key, group) in &mut self.groups {
            let Some(rule) = self.rules.get(key.rule) else {
                continue;
            };
            if group.is_due(rule, now_ms)
                && let Some(pending) = group.pending.take()
            {
                sightings.push(pending.sighting(rule, key));
            }
        }
        for silence in &mut self.silences {
            let Some(rule) = self.rules.get(silence.rule) else {
                continue;
            };
            if !silence.told && now_ms.saturating_sub(silence.last_ms) >= rule.within_ms {
                silence.told = true;
                sightings.push(absence(rule, silence.last_ms, now_ms));
            }
        }
        self.forget(now_ms);
        sightings
    }

    fn forget(&mut self, now_ms: i64) {
        let (rules, window_ms) = (&self.rules, self.window_ms);
        self.groups.retain(|key, group| {
            let within_ms = rules.get(key.rule).map_or(0, |rule| rule.within_ms);
            now_ms.saturating_sub(group.last_ms) < within_ms.max(window_ms)
        });
        self.storms.retain(|_, storm| storm.sum(now_ms) > 0);
    }
}

impl Group {
    fn see(&mut self, entry: &Entry, counts: bool, level: Level, now_ms: i64) {
        self.last_ms = now_ms;
        if let Some(all) = &mut self.all {
            all.add(now_ms);
        }
        if counts {
            self.counted.add(now_ms);
            self.pending
                .get_or_insert_default()
                .add(entry, level, now_ms);
        }
    }

    fn is_due(&mut self, rule: &Rule, now_ms: i64) -> bool {
        let counted = self.counted.sum(now_ms);
        if counted == 0 {
            self.pending = None;
        }
        let share = match (&mut self.all, rule.settings.share) {
            (Some(all), Some(share)) => counted as f64 * 100.0 >= share * all.sum(now_ms) as f64,
            _ => true,
        };
        counted >= rule.settings.count && share
    }
}

impl Pending {
    fn add(&mut self, entry: &Entry, level: Level, now_ms: i64) {
        let record = &entry.record;
        self.level = self.level.max(level);
        self.requests += 1;
        let first = self.span_ms.map_or(now_ms, |(first, _)| first);
        self.span_ms = Some((first, now_ms));
        let path = shortened(&record.path);
        let action = if record.would.is_empty() {
            record.action.to_string()
        } else {
            format!("would {}", record.would)
        };
        count_in(&mut self.detail.actions, &action, 1);
        count_in(&mut self.detail.paths, &path, 1);
        count_in(&mut self.detail.routes, &record.route, 1);
        count_in(&mut self.detail.policies, &record.policy, 1);
        count_in(&mut self.detail.addresses, &record.client, 1);
        self.add_verdict(record);
        if self.detail.examples.len() < MOST_EXAMPLES {
            self.detail.examples.push(Example {
                id: record.id.to_string(),
                time_ms: now_ms,
                request: format!("{} {path}", record.method),
                score: record.verdict.as_ref().map_or(0.0, |verdict| verdict.score),
            });
        }
    }

    fn add_verdict(&mut self, record: &Record) {
        for verdict in [&record.verdict, &record.response_verdict]
            .into_iter()
            .flatten()
        {
            for evidence in &verdict.evidence {
                count_in(&mut self.detail.rules, &evidence.rule, 1);
            }
            let strongest = verdict.evidence.first();
            if let Some(strongest) = strongest.filter(|_| verdict.score > self.detail.score) {
                self.detail.score = verdict.score;
                self.detail.why = shortened(&strongest.why);
            }
        }
    }

    fn sighting(self, rule: &Rule, key: &Key) -> Sighting {
        let who = match key.subject.strip_prefix("route:") {
            Some(route) => format!(" on route {route}"),
            None if rule.settings.per == AlertGroup::All => String::new(),
            None => format!(" by {}", words::subject(&key.subject)),
        };
        Sighting {
            rule: rule.settings.name.clone(),
            tenant: key.tenant.clone(),
            subject: key.subject.clone(),
            category: key.category.clone(),
            level: self.level,
            title: format!("{}{who}", words::category(&key.category)),
            span_ms: self.span_ms.unwrap_or_default(),
            requests: self.requests,
            detail: self.detail,
        }
    }
}

fn absence(rule: &Rule, last_ms: i64, now_ms: i64) -> Sighting {
    Sighting {
        rule: rule.settings.name.clone(),
        tenant: String::new(),
        subject: String::new(),
        category: "silence".to_owned(),
        level: rule.level.unwrap_or(Level::Medium),
        title: format!(
            "No request of rule {} for {}",
            rule.settings.name, rule.settings.within
        ),
        span_ms: (last_ms, now_ms),
        requests: 0,
        detail: Detail::default(),
    }
}

/// Whom a request is laid to: a user or key if it showed one, since many may share an address.
fn subject(record: &Record) -> String {
    for (kind, id) in [("user", &record.user), ("key", &record.key)] {
        if !id.is_empty() {
            return if id.contains(':') {
                id.to_string()
            } else {
                format!("{kind}:{id}")
            };
        }
    }
    format!("address:{}", record.client)
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST_TEXT) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
