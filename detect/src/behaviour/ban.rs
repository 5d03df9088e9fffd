//! Bans: who is refused before a byte of body is read, until when, and for what. They are kept in memory here; the
//! gateway writes them down and reads them back, and tells them to people.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::behaviour::subject::{SubjectId, Subjects};

/// One ban.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ban {
    /// Who.
    pub subject: SubjectId,
    /// When it began, since 1970-01-01 UTC.
    pub since: Duration,
    /// When it ends, since 1970-01-01 UTC; `None` for one that only a person ends.
    pub until: Option<Duration>,
    /// How many times the subject was banned of late, this one included. It grows the next one.
    pub offences: u32,
    /// For what: the name of a detector, or the word of the person who added it.
    pub cause: String,
}

/// What a subject that is banned is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// Who is banned.
    pub subject: SubjectId,
    /// How long it still lasts; `None` until a person ends it.
    pub remains: Option<Duration>,
}

/// How many bans there are, and what became of others. Monotonic but for `live`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct BanCounts {
    /// Bans in the table, ended ones that are still remembered included.
    pub live: usize,
    /// Bans that were put in.
    pub added: u64,
    /// Bans that a person took out.
    pub removed: u64,
    /// Bans whose time was over and that were forgotten.
    pub expired: u64,
    /// Bans that had to go because the table was full.
    pub evicted: u64,
    /// Requests refused.
    pub refusals: u64,
}

/// The table of bans.
#[derive(Debug)]
pub struct Bans {
    table: RwLock<HashMap<SubjectId, Ban>>,
    capacity: usize,
    /// Length of the table, so that an empty one costs a load.
    length: AtomicUsize,
    added: AtomicU64,
    removed: AtomicU64,
    expired: AtomicU64,
    evicted: AtomicU64,
    refusals: AtomicU64,
    /// Counts changes, so that who writes the table down sees whether there is something to write.
    version: AtomicU64,
}

impl Bans {
    /// An empty table for this many.
    pub fn new(capacity: usize) -> Self {
        Self {
            table: RwLock::default(),
            capacity: capacity.max(1),
            length: AtomicUsize::new(0),
            added: AtomicU64::new(0),
            removed: AtomicU64::new(0),
            expired: AtomicU64::new(0),
            evicted: AtomicU64::new(0),
            refusals: AtomicU64::new(0),
            version: AtomicU64::new(0),
        }
    }

    /// Whether one of a request's subjects is banned; `wall` is the time since 1970.
    pub fn check(&self, subjects: &Subjects, wall: Duration) -> Option<Refusal> {
        if self.length.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        let refusal = subjects
            .ids()
            .find_map(|id| table.get(&id).and_then(|ban| ban.refusal(wall)));
        if refusal.is_some() {
            self.refusals.fetch_add(1, Ordering::Relaxed);
        }
        refusal
    }

    /// Puts a ban in, in place of an earlier one of the same subject. In a full table the one that ends first goes.
    pub fn add(&self, ban: Ban) {
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        if table.len() >= self.capacity && !table.contains_key(&ban.subject) {
            self.make_room(&mut table, ban.since);
        }
        table.insert(ban.subject, ban);
        self.added.fetch_add(1, Ordering::Relaxed);
        self.changed(&table);
    }

    /// Takes the ban of a subject out; whether there was one.
    pub fn remove(&self, subject: SubjectId) -> bool {
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        let found = table.remove(&subject).is_some();
        if found {
            self.removed.fetch_add(1, Ordering::Relaxed);
            self.changed(&table);
        }
        found
    }

    /// The ban of a subject, be it over or not.
    pub fn find(&self, subject: SubjectId) -> Option<Ban> {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        table.get(&subject).cloned()
    }

    /// All bans that hold at `wall`, those that end last first.
    pub fn list(&self, wall: Duration) -> Vec<Ban> {
        let mut list = self.export();
        list.retain(|ban| ban.holds(wall));
        list.sort_by_key(|ban| {
            (
                std::cmp::Reverse(ban.until.unwrap_or(Duration::MAX)),
                ban.subject,
            )
        });
        list
    }

    /// All bans, those that are over but still remembered included: what is written down for a restart.
    pub fn export(&self) -> Vec<Ban> {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        table.values().cloned().collect()
    }

    /// Takes bans in that were written down, or that another node made. Of two of one subject the one that ends later
    /// stays.
    pub fn import(&self, bans: impl IntoIterator<Item = Ban>) {
        for ban in bans {
            let end = ban.until.unwrap_or(Duration::MAX);
            let stays = self
                .find(ban.subject)
                .is_some_and(|kept| kept.until.unwrap_or(Duration::MAX) >= end);
            if !stays {
                self.add(ban);
            }
        }
    }

    /// Forgets bans that have been over for longer than `memory`.
    pub fn expire(&self, wall: Duration, memory: Duration) {
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        let before = table.len();
        table.retain(|_, ban| ban.until.is_none_or(|until| until + memory > wall));
        let gone = before - table.len();
        if gone > 0 {
            self.expired.fetch_add(gone as u64, Ordering::Relaxed);
            self.changed(&table);
        }
    }

    /// Counters for metrics.
    pub fn counts(&self) -> BanCounts {
        BanCounts {
            live: self.length.load(Ordering::Relaxed),
            added: self.added.load(Ordering::Relaxed),
            removed: self.removed.load(Ordering::Relaxed),
            expired: self.expired.load(Ordering::Relaxed),
            evicted: self.evicted.load(Ordering::Relaxed),
            refusals: self.refusals.load(Ordering::Relaxed),
        }
    }

    /// Grows by each change of the table.
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Relaxed)
    }

    fn make_room(&self, table: &mut HashMap<SubjectId, Ban>, wall: Duration) {
        let over = table.values().filter(|ban| !ban.holds(wall)).count();
        if over > 0 {
            table.retain(|_, ban| ban.holds(wall));
            self.expired.fetch_add(over as u64, Ordering::Relaxed);
            return;
        }
        let first = table
            .values()
            .min_by_key(|ban| ban.until.unwrap_or(Duration::MAX))
            .map(|ban| ban.subject);
        if let Some(first) = first {
            table.remove(&first);
            self.evicted.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn changed(&self, table: &HashMap<SubjectId, Ban>) {
        self.length.store(table.len(), Ordering::Relaxed);
        self.version.fetch_add(1, Ordering::Relaxed);
    }
}

impl Ban {
    /// Whether it holds at `wall`.
    pub fn holds(&self, wall: Duration) -> bool {
        self.until.is_none_or(|until| until > wall)
    }

    fn refusal(&self, wall: Duration) -> Option<Refusal> {
        self.holds(wall).then(|| Refusal {
            subject: self.subject,
            remains: self.until.map(|until| until.saturating_sub(wall)),
        })
    }
}
