//! Where the gateway hands its records over: lines of text, appended to one buffer that the writer empties. Bounded in
//! records and bytes; what finds no room is counted as lost. The caller is the thread that writes records anyway, so
//! that a request never comes here.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, broadcast};

use crate::entry::Batch;
use crate::tally::Tally;

/// The entrance of the store. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Intake(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    waiting: Mutex<Lines>,
    arrived: Notify,
    most_records: usize,
    most_bytes: usize,
    tally: Arc<Tally>,
}

/// Complete lines, each with its line feed, and their number.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    pub(crate) text: Vec<u8>,
    pub(crate) count: usize,
}

impl Intake {
    /// An entrance where at most so many records wait, with so many bytes in all.
    pub fn new(most_records: usize, most_bytes: usize, tally: Arc<Tally>) -> Self {
        Self(Arc::new(Inner {
            waiting: Mutex::default(),
            arrived: Notify::new(),
            most_records,
            most_bytes,
            tally,
        }))
    }

    /// Takes `count` lines over, or counts them as lost where too many wait. Costs a copy; never waits.
    pub fn offer(&self, text: &[u8], count: usize) {
        let inner = &self.0;
        let fits = {
            let mut waiting = inner.lines();
            let fits = waiting.count + count <= inner.most_records
                && waiting.text.len() + text.len() <= inner.most_bytes;
            if fits {
                waiting.text.extend_from_slice(text);
                waiting.count += count;
            }
            fits
        };
        match fits {
            true => inner.arrived.notify_one(),
            false => inner.tally.lost_queue.add(count),
        }
    }

    /// Waits until something is there.
    pub(crate) async fn arrived(&self) {
        if self.0.lines().count == 0 {
            self.0.arrived.notified().await;
        }
    }

    /// Takes all that waits.
    pub(crate) fn take(&self) -> Lines {
        std::mem::take(&mut *self.0.lines())
    }

    /// What is counted.
    pub fn tally(&self) -> &Arc<Tally> {
        &self.0.tally
    }
}

impl Inner {
    /// A panic under the lock leaves a line without its count at worst.
    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Every batch, as it comes in, for whoever watches: the live feed, the alerts. Nobody is waited for: a watcher that is
/// too slow misses batches, which are counted.
#[derive(Clone, Debug)]
pub struct Feed {
    sender: broadcast::Sender<Batch>,
    tally: Arc<Tally>,
}

/// A watcher's end of the feed.
#[derive(Debug)]
pub struct Subscription {
    receiver: broadcast::Receiver<Batch>,
    tally: Arc<Tally>,
}

/// How many batches a watcher may be behind.
const BEHIND: usize = 16;

impl Feed {
    /// A feed without watchers.
    pub fn new(tally: Arc<Tally>) -> Self {
        Self {
            sender: broadcast::Sender::new(BEHIND),
            tally,
        }
    }

    /// Begins to watch: what comes in from now on.
    pub fn subscribe(&self) -> Subscription {
        Subscription {
            receiver: self.sender.subscribe(),
            tally: self.tally.clone(),
        }
    }

    /// Shows a batch to all watchers.
    pub fn publish(&self, batch: &Batch) {
        // No watcher is no fault.
        let _ = self.sender.send(batch.clone());
    }
}

impl Subscription {
    /// The next batch; `None` when the store has ended.
    pub async fn next(&mut self) -> Option<Batch> {
        loop {
            match self.receiver.recv().await {
                Ok(batch) => return Some(batch),
                Err(broadcast::error::RecvError::Lagged(missed)) => {
                    self.tally
                        .missed
                        .add(usize::try_from(missed).unwrap_or(usize::MAX));
                }
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }
}

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// Adds.
    pub fn add(&self, more: usize) {
        self.0.fetch_add(more as u64, Ordering::Relaxed);
    }

    /// As of now.
    pub fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Takes another value, for what goes up and down.
    pub fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_finds_no_room_is_counted() {
        let tally = Arc::new(Tally::default());
        let intake = Intake::new(3, 10, tally.clone());
        intake.offer(b"a\nb\n", 2);
        intake.offer(b"c\nd\n", 2);
        intake.offer(b"c\n", 1);
        intake.offer(b"d\n", 1);
        assert_eq!(tally.lost_queue.now(), 3);
        let lines = intake.take();
        assert_eq!((lines.text.as_slice(), lines.count), (&b"a\nb\nc\n"[..], 3));
        intake.offer(b"0123456789", 1);
        intake.offer(b"x", 1);
        assert_eq!(tally.lost_queue.now(), 4);
    }

    #[tokio::test]
    async fn a_watcher_that_lags_misses_and_is_not_waited_for() {
        let tally = Arc::new(Tally::default());
        let feed = Feed::new(tally.clone());
        let mut slow = feed.subscribe();
        for _ in 0..BEHIND + 5 {
            feed.publish(&Batch::from(Vec::new()));
        }
        assert!(slow.next().await.is_some());
        assert_eq!(tally.missed.now(), 5);
        drop(feed);
        for _ in 1..BEHIND {
            assert!(slow.next().await.is_some());
        }
        assert!(slow.next().await.is_none());
    }
}
