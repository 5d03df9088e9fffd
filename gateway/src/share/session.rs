//! One connection's life: learn the bans that hold, then, each interval, send what is new here and take in what is new
//! elsewhere. Ends with the first error; the next session begins with a clean slate, so that nobody is charged for what
//! happened while the server was away.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use portcullis_detect::SystemClock;
use portcullis_detect::behaviour::{Bans, SubjectId};
use redis::{RedisError, RedisResult, pipe};
use tokio::time::MissedTickBehavior;

use super::message::{Batch, Heard, ITEMS, Purpose, Word};
use super::{Desk, Link, Plan};
use crate::control::wall;
use crate::metrics::Loss;

/// Keys of limits, and subjects, that leave in one interval. What is beyond waits for the next.
const AT_ONCE: usize = 8 * ITEMS;

/// Batches that the server keeps, about. Each is read within an interval or two; 50 MB where all are full.
const KEPT: usize = 2000;

/// Batches that are read at once, and how often in one interval.
const READ: usize = 256;
const READS: usize = 8;

/// Bans that are compared at once, and how often all are.
const PAGE: usize = 500;
const COMPARE: Duration = Duration::from_secs(60);

/// Who has not exchanged batches for so long, or ten intervals, neither sends what its limits let through meanwhile nor
/// charges what comes.
const STALE: Duration = Duration::from_secs(2);

/// Entries of the stream as XRANGE gives them: the id, and fields with values.
type Entries = Vec<(String, HashMap<String, Vec<u8>>)>;

/// A session.
pub(super) struct Session<'a> {
    plan: &'a Plan,
    desk: &'a Desk,
    link: Link,
    node: u64,
    number: u64,
    /// The id of the last entry that was read.
    read: String,
    heard: Heard,
    /// What is to be said of bans; kept over a lost connection, since it may be said twice.
    words: &'a mut Vec<Word>,
    exchanged: Instant,
    compared: Instant,
}

impl<'a> Session<'a> {
    /// Learns where the stream ends now, and who is banned. `words` are those that the last session could not say.
    pub(super) async fn open(
        plan: &'a Plan,
        desk: &'a Desk,
        mut link: Link,
        words: &'a mut Vec<Word>,
    ) -> RedisResult<Self> {
        let newest: Entries = redis::cmd("XREVRANGE")
            .arg(&plan.events)
            .arg("+")
            .arg("-")
            .arg("COUNT")
            .arg(1)
            .query_async(&mut link)
            .await?;
        let read = newest
            .into_iter()
            .next()
            .map_or_else(|| "0-0".to_owned(), |(id, _)| id);
        let mut session = Self {
            plan,
            desk,
            link,
            node: fastrand::u64(1..),
            number: 0,
            read,
            heard: Heard::default(),
            words,
            exchanged: Instant::now(),
            compared: Instant::now(),
        };
        session.compare_bans().await?;
        session.forget_outage();
        session.exchanged = Instant::now();
        Ok(session)
    }

    /// When batches were last exchanged.
    pub(super) const fn exchanged(&self) -> Instant {
        self.exchanged
    }

    /// Exchanges batches until that fails.
    pub(super) async fn run(&mut self) -> RedisError {
        let mut ticks = tokio::time::interval(self.plan.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if let Err(error) = self.exchange().await {
                return error;
            }
            if self.compared.elapsed() >= COMPARE
                && let Err(error) = self.compare_bans().await
            {
                return error;
            }
        }
    }

    /// Sends what is new here, and reads what is new elsewhere.
    async fn exchange(&mut self) -> RedisResult<()> {
        let waited = self.exchanged.elapsed();
        self.desk.metrics.share.lag(waited);
        let fresh = waited <= STALE.max(self.plan.interval * 10);
        if !fresh {
            self.forget_outage();
        }
        let batches = self.collect();
        let mut commands = pipe();
        for batch in &batches {
            commands
                .cmd("XADD")
                .arg(&self.plan.events)
                .arg("MAXLEN")
                .arg("~")
                .arg(KEPT)
                .arg("*")
                .arg("m")
                .arg(self.plan.seal.close(Purpose::Batch, batch))
                .ignore();
            for word in &batch.bans {
                self.write(&mut commands, "HSET", word);
            }
        }
        self.range(&mut commands);
        let (mut entries,): (Entries,) = match commands.query_async(&mut self.link).await {
            Ok(answer) => answer,
            Err(error) => {
                let items =
                    |batch: &Batch| batch.passed.len() + batch.deltas.len() + batch.bans.len();
                let lost = batches.iter().map(items).sum();
                self.desk.metrics.share.lost(Loss::Unsent, lost);
                return Err(error);
            }
        };
        self.words.clear();
        self.desk.metrics.share.sent.inc_by(batches.len() as u64);
        for _ in 1..READS {
            let full = entries.len() >= READ;
            self.take_in(entries, fresh);
            if !full {
                self.exchanged = Instant::now();
                return Ok(());
            }
            let mut more = pipe();
            self.range(&mut more);
            (entries,) = more.query_async(&mut self.link).await?;
        }
        // Whatever is left is read in the next interval; `exchanged` stays, so that what is late counts as late.
        self.take_in(entries, fresh);
        Ok(())
    }

    /// What is new here, in batches of [`ITEMS`].
    fn collect(&mut self) -> Vec<Batch> {
        self.note_changes();
        let passed = self.desk.limits.passed(AT_ONCE);
        let deltas = self.desk.state.load().take_deltas(AT_ONCE);
        let bans = self.words.clone();
        let (passed, deltas, bans) = (
            passed.chunks(ITEMS),
            deltas.chunks(ITEMS),
            bans.chunks(ITEMS),
        );
        let count = passed.len().max(deltas.len()).max(bans.len());
        let (mut passed, mut deltas, mut bans) = (passed, deltas, bans);
        (0..count)
            .map(|_| {
                self.number += 1;
                Batch {
                    node: self.node,
                    number: self.number,
                    passed: passed.next().unwrap_or_default().to_vec(),
                    deltas: deltas.next().unwrap_or_default().to_vec(),
                    bans: bans.next().unwrap_or_default().to_vec(),
                }
            })
            .collect()
    }

    /// Collects what became of bans here. Of a ban that has changed since, be it by what another node told, its state
    /// of now is what is worth saying.
    fn note_changes(&mut self) {
        let (now, state) = (wall(), self.desk.state.load());
        let changes = state.bans().changes();
        self.words
            .extend(changes.into_iter().map(|change| Word::of(change, now)));
        bring_up_to_date(self.words, state.bans());
    }

    /// Takes in what others sent. What limits let through is charged only while it is `fresh`.
    fn take_in(&mut self, entries: Entries, fresh: bool) {
        let metrics = &self.desk.metrics.share;
        for (id, fields) in entries {
            self.read = id;
            let message = fields.get("m").map_or(&[][..], Vec::as_slice);
            let Some(batch) = self.plan.seal.open::<Batch>(Purpose::Batch, message) else {
                metrics.lost(Loss::Unsigned, 1);
                continue;
            };
            if batch.node == self.node {
                continue;
            }
            if !self.heard.is_new(&batch) {
                metrics.lost(Loss::Unsigned, 1);
                continue;
            }
            metrics.received.inc();
            if fresh {
                self.desk.limits.charge(&batch.passed);
            } else {
                metrics.lost(Loss::Stale, batch.passed.len());
            }
            let state = self.desk.state.load();
            for delta in &batch.deltas {
                state.apply(delta, &SystemClock);
            }
            for word in batch.bans {
                self.obey(word);
            }
        }
    }

    fn obey(&self, word: Word) {
        let state = self.desk.state.load();
        match word {
            Word::Ban(ban) => state.bans().learn(ban),
            Word::Lift { subject, at, .. } => state.bans().lift(subject, at),
        }
    }

    /// Learns all bans of the table, removes from it what is over, and writes into it what it lacks of ours.
    async fn compare_bans(&mut self) -> RedisResult<()> {
        // What a person ended here goes into the table first, or it would be learned from there again.
        self.note_changes();
        let lifts = self
            .words
            .iter()
            .filter(|word| matches!(word, Word::Lift { .. }));
        let lifts: Vec<Word> = lifts.cloned().collect();
        self.write_all("HSET", &lifts).await?;
        let now = wall();
        let mut known: HashMap<SubjectId, Word> = HashMap::new();
        let mut cursor = 0_u64;
        loop {
            let (next, fields): (u64, Vec<(String, Vec<u8>)>) = redis::cmd("HSCAN")
                .arg(&self.plan.bans)
                .arg(cursor)
                .arg("COUNT")
                .arg(PAGE)
                .query_async(&mut self.link)
                .await?;
            let mut over = Vec::new();
            for (subject, value) in fields {
                match self.plan.seal.open::<Word>(Purpose::Word, &value) {
                    Some(word) if !word.holds(now) => over.push(subject),
                    Some(word) => {
                        self.obey(word.clone());
                        known.insert(word.subject(), word);
                    }
                    None => self.desk.metrics.share.lost(Loss::Unsigned, 1),
                }
            }
            if !over.is_empty() {
                let mut command = redis::cmd("HDEL");
                command.arg(&self.plan.bans).arg(over);
                let _: u64 = command.query_async(&mut self.link).await?;
            }
            cursor = next;
            if cursor == 0 {
                break;
            }
        }
        let ours = self.desk.state.load().bans().list(now);
        let words = ours.into_iter().map(Word::Ban);
        let (fresh, other): (Vec<Word>, Vec<Word>) = words
            .filter(|word| known.get(&word.subject()) != Some(word))
            .partition(|word| !known.contains_key(&word.subject()));
        // Who wrote there since the table was read knew more: it may be the end of the ban.
        self.write_all("HSETNX", &fresh).await?;
        self.write_all("HSET", &other).await?;
        self.compared = Instant::now();
        Ok(())
    }

    async fn write_all(&mut self, how: &str, words: &[Word]) -> RedisResult<()> {
        for some in words.chunks(PAGE) {
            let mut commands = pipe();
            some.iter()
                .for_each(|word| self.write(&mut commands, how, word));
            let () = commands.query_async(&mut self.link).await?;
        }
        Ok(())
    }

    fn write(&self, commands: &mut redis::Pipeline, how: &str, word: &Word) {
        let value = self.plan.seal.close(Purpose::Word, word);
        let command = commands.cmd(how).arg(&self.plan.bans);
        command.arg(word.subject().to_string()).arg(value).ignore();
    }

    fn range(&self, commands: &mut redis::Pipeline) {
        let command = commands.cmd("XRANGE").arg(&self.plan.events);
        command
            .arg(format!("({}", self.read))
            .arg("+")
            .arg("COUNT")
            .arg(READ);
    }

    /// What limits let through while nobody could be told stays untold: to charge for it now would hold clients back for
    /// what is long over.
    fn forget_outage(&self) {
        let lost = self.desk.limits.passed(usize::MAX).len();
        self.desk.metrics.share.lost(Loss::Outage, lost);
    }
}

/// Of a ban its state of now, once, and nothing where it is gone; what a person ended stays as it is.
fn bring_up_to_date(words: &mut Vec<Word>, bans: &Bans) {
    let mut said = HashSet::new();
    let newest_first = std::mem::take(words).into_iter().rev();
    words.extend(newest_first.filter_map(|word| match word {
        Word::Ban(ban) => {
            let first = said.insert(ban.subject);
            bans.find(ban.subject).filter(|_| first).map(Word::Ban)
        }
        Word::Lift { .. } => Some(word),
    }));
    words.reverse();
}

#[cfg(test)]
mod tests {
    use portcullis_detect::behaviour::{Ban, BanChange};

    use super::*;

    #[test]
    fn what_two_nodes_know_of_a_ban_is_said_once() {
        let bans = Bans::new(10);
        bans.follow();
        let ban = |subject: &str, until: u64, programs: u64| Ban {
            subject: subject.parse().expect("a subject"),
            since: Duration::from_secs(until - 10),
            until: Some(Duration::from_secs(until)),
            offences: 1,
            cause: "flood".to_owned(),
            programs,
        };
        bans.add(ban("192.0.2.2", 15, 0));
        bans.add(ban("192.0.2.1", 20, 0b01));
        bans.add(ban("192.0.2.1", 21, 0b01));
        // Another node tells of another program there before this one has said a word.
        bans.learn(ban("192.0.2.1", 30, 0b10));
        bans.remove("192.0.2.2".parse().expect("a subject"));
        let at = Duration::from_secs(12);
        let changes = bans.changes().into_iter();
        let mut words: Vec<Word> = changes.map(|change| Word::of(change, at)).collect();
        bring_up_to_date(&mut words, &bans);
        let lifted = Word::of(BanChange::Lifted(ban("192.0.2.2", 15, 0)), at);
        let both = bans.find("192.0.2.1".parse().expect("a subject"));
        let both = both.expect("it is banned");
        assert!(both.until == Some(Duration::from_secs(30)) && both.programs > 0b11);
        assert_eq!(words, [Word::Ban(both), lifted]);
    }
}
