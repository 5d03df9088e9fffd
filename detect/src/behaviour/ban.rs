//! Bans: who is refused before a byte of body is read, until when, and for what. They are kept in memory here; the
//! gateway writes them down and reads them back, and tells them to people.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
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
    /// Of an address: the programs there that it is for, at most three in 21 bits each; 0 for whatever is there.
    #[serde(default, skip_serializing_if = "is_for_all")]
    pub programs: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde calls")]
const fn is_for_all(programs: &u64) -> bool {
    *programs == 0
}

/// Of how many programs an address may be rid while the rest of it stays free, and in how many bits each is told from
/// others: an honest program has one chance in 700,000 to be taken for one of them.
const PROGRAMS: u32 = 3;
const PROGRAM_BITS: u32 = 21;

/// The programs that a ban of an address is for.
fn programs(of: u64) -> impl Iterator<Item = u64> {
    let one = (1 << PROGRAM_BITS) - 1;
    (0..PROGRAMS)
        .map(move |at| of >> (at * PROGRAM_BITS) & one)
        .filter(|program| *program != 0)
}

/// The programs of two bans of an address; 0, which is for whatever is there, where one is for all or they are too many.
pub(crate) fn joined(one: u64, other: u64) -> u64 {
    // In order, so that the same programs always make the same number.
    let both: BTreeSet<u64> = programs(one).chain(programs(other)).collect();
    if one == 0 || other == 0 || both.len() > PROGRAMS as usize {
        return 0;
    }
    both.iter()
        .fold(0, |all, program| all << PROGRAM_BITS | program)
}

/// The program that a request comes from, as bans tell programs apart; none where nothing is known of it.
pub(crate) fn program(subjects: &Subjects) -> Option<u64> {
    subjects.agent.or(subjects.ja4)?;
    let program = subjects.fingerprint().0 >> (u64::BITS - PROGRAM_BITS);
    Some(program.max(1))
}

/// What happened to a ban on this node, for others to learn.
#[derive(Clone, Debug, PartialEq)]
pub enum BanChange {
    /// It was put in here.
    Added(Ban),
    /// A person took it out here.
    Lifted(Ban),
}

/// Changes that wait for who follows them. Beyond this the oldest are lost: whoever follows compares the whole table
/// from time to time.
const JOURNAL: usize = 4096;

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
    table: RwLock<Table>,
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

#[derive(Debug, Default)]
struct Table {
    bans: HashMap<SubjectId, Ban>,
    /// The same by their ends, so that the first to go is found at once.
    ends: BTreeSet<(Duration, SubjectId)>,
    /// What happened since it was last asked for; `None` while nobody asks.
    journal: Option<VecDeque<BanChange>>,
}

impl Table {
    fn note(&mut self, change: BanChange) {
        if let Some(journal) = &mut self.journal {
            if journal.len() >= JOURNAL {
                journal.pop_front();
            }
            journal.push_back(change);
        }
    }

    fn insert(&mut self, ban: Ban) {
        self.remove(ban.subject);
        self.ends.insert((ban.end(), ban.subject));
        self.bans.insert(ban.subject, ban);
    }

    fn remove(&mut self, subject: SubjectId) -> bool {
        match self.bans.remove(&subject) {
            Some(ban) => self.ends.remove(&(ban.end(), subject)),
            None => false,
        }
    }

    /// Removes the ban that ends first, if it does so before `bound`.
    fn remove_first(&mut self, bound: Duration) -> bool {
        let first = self.ends.first().filter(|(end, _)| *end < bound);
        match first.map(|(_, subject)| *subject) {
            Some(subject) => self.remove(subject),
            None => false,
        }
    }
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

    /// Whether nobody is banned: one load, for who would have to look at the clock first.
    pub fn is_empty(&self) -> bool {
        self.length.load(Ordering::Relaxed) == 0
    }

    /// Whether one of a request's subjects is banned; `wall` is the time since 1970.
    pub fn check(&self, subjects: &Subjects, wall: Duration) -> Option<Refusal> {
        if self.is_empty() {
            return None;
        }
        let table = self.read();
        let refusal = subjects
            .ids()
            .filter_map(|id| table.bans.get(&id))
            .filter(|ban| ban.is_for(subjects))
            .find_map(|ban| ban.refusal(wall));
        if refusal.is_some() {
            self.refusals.fetch_add(1, Ordering::Relaxed);
        }
        refusal
    }

    /// Puts a ban in, in place of an earlier one of the same subject. In a full table the one that ends first goes.
    pub fn add(&self, ban: Ban) {
        let mut table = self.write();
        table.note(BanChange::Added(ban.clone()));
        self.insert(&mut table, ban);
    }

    fn insert(&self, table: &mut Table, ban: Ban) {
        if table.bans.len() >= self.capacity && !table.bans.contains_key(&ban.subject) {
            self.make_room(table, ban.since);
        }
        table.insert(ban);
        self.added.fetch_add(1, Ordering::Relaxed);
        self.changed(table);
    }

    /// Takes the ban of a subject out; whether there was one.
    pub fn remove(&self, subject: SubjectId) -> bool {
        let mut table = self.write();
        if let Some(ban) = table.bans.get(&subject).cloned() {
            table.note(BanChange::Lifted(ban));
        }
        let found = table.remove(subject);
        if found {
            self.removed.fetch_add(1, Ordering::Relaxed);
            self.changed(&table);
        }
        found
    }

    /// The ban of a subject, be it over or not.
    pub fn find(&self, subject: SubjectId) -> Option<Ban> {
        self.read().bans.get(&subject).cloned()
    }

    /// All bans that hold at `wall`, those that end last first.
    pub fn list(&self, wall: Duration) -> Vec<Ban> {
        let table = self.read();
        let last_first = table.ends.iter().rev();
        let holding = last_first.take_while(|(end, _)| *end > wall);
        holding
            .filter_map(|(_, subject)| table.bans.get(subject).cloned())
            .collect()
    }

    /// All bans, those that are over but still remembered included: what is written down for a restart.
    pub fn export(&self) -> Vec<Ban> {
        self.read().bans.values().cloned().collect()
    }

    /// Takes bans in that were written down, or that another node made. Of two of one subject the one that ends later
    /// stays, and is for the programs of both.
    pub fn import(&self, bans: impl IntoIterator<Item = Ban>) {
        for ban in bans {
            if let Some(ban) = news(self.find(ban.subject).as_ref(), ban) {
                self.add(ban);
            }
        }
    }

    /// Takes in a ban that another node made, as [`Bans::import`] does, and tells nobody of it.
    pub fn learn(&self, ban: Ban) {
        let mut table = self.write();
        if let Some(ban) = news(table.bans.get(&ban.subject), ban) {
            self.insert(&mut table, ban);
        }
    }

    /// Takes out a ban that a person ended at another node, unless a newer one has begun since; tells nobody.
    pub fn lift(&self, subject: SubjectId, at: Duration) {
        let mut table = self.write();
        let older = table.bans.get(&subject).is_some_and(|ban| ban.since <= at);
        if older && table.remove(subject) {
            self.removed.fetch_add(1, Ordering::Relaxed);
            self.changed(&table);
        }
    }

    /// Begins to note what happens to bans here, for [`Bans::changes`].
    pub fn follow(&self) {
        self.write().journal.get_or_insert_default();
    }

    /// What happened here since the last call, in order; nothing before [`Bans::follow`].
    pub fn changes(&self) -> Vec<BanChange> {
        if self.read().journal.as_ref().is_none_or(VecDeque::is_empty) {
            return Vec::new();
        }
        let mut table = self.write();
        table
            .journal
            .as_mut()
            .map_or_else(Vec::new, |journal| journal.drain(..).collect())
    }

    /// Forgets bans that have been over for longer than `memory`.
    pub fn expire(&self, wall: Duration, memory: Duration) {
        let mut table = self.write();
        let mut gone = 0;
        while table.remove_first(wall.saturating_sub(memory)) {
            gone += 1;
        }
        if gone > 0 {
            self.expired.fetch_add(gone, Ordering::Relaxed);
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

    /// One that is over already is no loss, and counts as expired.
    fn make_room(&self, table: &mut Table, wall: Duration) {
        if table.remove_first(wall) {
            self.expired.fetch_add(1, Ordering::Relaxed);
        } else if let Some((_, first)) = table.ends.first().copied() {
            table.remove(first);
            self.evicted.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn changed(&self, table: &Table) {
        self.length.store(table.bans.len(), Ordering::Relaxed);
        self.version.fetch_add(1, Ordering::Relaxed);
    }

    fn read(&self) -> RwLockReadGuard<'_, Table> {
        self.table.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Table> {
        self.table.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a ban from elsewhere makes of the one that is kept here, if that changes it.
fn news(kept: Option<&Ban>, ban: Ban) -> Option<Ban> {
    let Some(kept) = kept else { return Some(ban) };
    let joined = kept.clone().join(ban);
    (joined != *kept).then_some(joined)
}

impl Ban {
    /// Two of one subject as one: the one that ends later, for the programs of both. In whatever order nodes hear of
    /// bans, all come to the same.
    fn join(self, other: Self) -> Self {
        let programs = joined(self.programs, other.programs);
        let later = if self.end() < other.end() {
            other
        } else {
            self
        };
        Self { programs, ..later }
    }

    /// Whether it holds at `wall`.
    pub fn holds(&self, wall: Duration) -> bool {
        self.until.is_none_or(|until| until > wall)
    }

    /// Whether it is for the program that a request comes from.
    fn is_for(&self, subjects: &Subjects) -> bool {
        let of = |program| programs(self.programs).any(|banned| banned == program);
        self.programs == 0 || program(subjects).is_none_or(of)
    }

    /// When it ends; never is the end of time.
    fn end(&self) -> Duration {
        self.until.unwrap_or(Duration::MAX)
    }

    fn refusal(&self, wall: Duration) -> Option<Refusal> {
        self.holds(wall).then(|| Refusal {
            subject: self.subject,
            remains: self.until.map(|until| until.saturating_sub(wall)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ban(subject: &str, since: u64, until: Option<u64>) -> Ban {
        Ban {
            subject: subject.parse().unwrap(),
            since: Duration::from_secs(since),
            until: until.map(Duration::from_secs),
            offences: 1,
            cause: "flood".to_owned(),
            programs: 0,
        }
    }

    #[test]
    fn whoever_is_banned_is_refused_until_it_is_over() {
        let bans = Bans::new(10);
        bans.add(ban("192.0.2.1", 0, Some(100)));
        bans.add(ban("prefix:198.51.100.0/24", 0, None));
        for (client, wall, refused) in [
            ("192.0.2.1", 50, true),
            ("192.0.2.1", 100, false),
            ("192.0.2.2", 50, false),
            ("198.51.100.77", 1_000_000, true),
        ] {
            let subjects = Subjects::of(client.parse().unwrap());
            let refusal = bans.check(&subjects, Duration::from_secs(wall));
            assert_eq!(refusal.is_some(), refused, "{client} {wall}");
        }
        assert_eq!(bans.counts().refusals, 2);
    }

    #[test]
    fn a_full_table_lets_the_one_go_that_ends_first() {
        let bans = Bans::new(3);
        bans.add(ban("192.0.2.1", 0, Some(300)));
        bans.add(ban("192.0.2.2", 0, Some(100)));
        bans.add(ban("192.0.2.3", 0, None));
        bans.add(ban("192.0.2.4", 10, Some(200)));
        let left: Vec<String> = bans
            .list(Duration::from_secs(10))
            .iter()
            .map(|ban| ban.subject.to_string())
            .collect();
        assert_eq!(
            left,
            [
                "address:192.0.2.3",
                "address:192.0.2.1",
                "address:192.0.2.4"
            ]
        );
        // The same subject again takes no further place.
        bans.add(ban("192.0.2.4", 20, Some(400)));
        bans.add(ban("192.0.2.5", 350, Some(500)));
        let counts = bans.counts();
        assert_eq!((counts.live, counts.evicted, counts.expired), (3, 1, 1));
    }

    #[test]
    fn what_is_long_over_is_forgotten() {
        let bans = Bans::new(10);
        bans.add(ban("192.0.2.1", 0, Some(100)));
        bans.add(ban("192.0.2.2", 0, Some(500)));
        let version = bans.version();
        bans.expire(Duration::from_secs(200), Duration::from_secs(150));
        assert_eq!(
            (bans.counts().live, bans.version()),
            (2, version),
            "it is remembered for a while"
        );
        bans.expire(Duration::from_secs(300), Duration::from_secs(150));
        assert_eq!((bans.counts().live, bans.counts().expired), (1, 1));
    }

    #[test]
    fn bans_of_two_nodes_become_one_for_the_programs_of_both() {
        let of = |since: u64, until: u64, programs: &[u64]| Ban {
            programs: programs.iter().copied().reduce(joined).unwrap_or(0),
            ..ban("192.0.2.1", since, Some(until))
        };
        // What is kept, what is learnt, and when that begins, ends, and for which programs it is.
        for (kept, learnt, expected) in [
            (of(10, 60, &[5]), of(12, 62, &[3]), of(12, 62, &[3, 5])),
            (of(10, 90, &[5]), of(12, 62, &[3]), of(10, 90, &[5, 3])),
            (of(10, 60, &[5]), of(10, 60, &[5, 3]), of(10, 60, &[3, 5])),
            (of(10, 60, &[5]), of(12, 62, &[]), of(12, 62, &[])),
            (of(10, 60, &[]), of(12, 62, &[3]), of(12, 62, &[])),
            (of(10, 60, &[1, 2, 3]), of(12, 62, &[4]), of(12, 62, &[])),
        ] {
            for (first, second) in [(&kept, &learnt), (&learnt, &kept)] {
                let bans = Bans::new(10);
                bans.learn(first.clone());
                bans.learn(second.clone());
                let version = bans.version();
                assert_eq!(bans.list(Duration::ZERO), std::slice::from_ref(&expected));
                bans.learn(first.clone());
                assert_eq!(bans.version(), version, "what is known is no news");
            }
        }
    }

    #[test]
    fn others_learn_what_happened_here_and_no_more() {
        let ban = |subject: &str, since: u64, until: u64| Ban {
            subject: subject.parse().unwrap(),
            since: Duration::from_secs(since),
            until: Some(Duration::from_secs(until)),
            offences: 1,
            cause: "a test".to_owned(),
            programs: 0,
        };
        let bans = Bans::new(10);
        bans.add(ban("192.0.2.1", 0, 50));
        assert_eq!(bans.changes(), [], "nobody follows yet");
        bans.follow();
        let (ours, theirs) = (ban("192.0.2.2", 10, 60), ban("192.0.2.3", 10, 60));
        bans.add(ours.clone());
        bans.learn(theirs.clone());
        bans.learn(ban("192.0.2.3", 5, 40));
        assert_eq!(
            bans.find(theirs.subject),
            Some(theirs.clone()),
            "the later end stays"
        );
        assert!(bans.remove(ours.subject));
        bans.lift(theirs.subject, Duration::from_secs(9));
        assert!(bans.find(theirs.subject).is_some(), "it began after that");
        bans.lift(theirs.subject, Duration::from_secs(10));
        assert_eq!(bans.find(theirs.subject), None);
        let told = [BanChange::Added(ours.clone()), BanChange::Lifted(ours)];
        assert_eq!(bans.changes(), told);
        assert_eq!(bans.changes(), []);
    }
}
