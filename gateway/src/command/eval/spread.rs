//! Work spread over threads: items are dealt out in turn, so that which thread has which item, and what each of them
//! adds up, is the same in every run.

use std::sync::mpsc::{SyncSender, sync_channel};

/// More threads than this would wait for the one that reads.
pub const MOST_THREADS: usize = 8;
/// Items handed over at once.
const BATCH: usize = 32;
/// Batches that may wait for a thread; bounds what is in memory.
const WAITING: usize = 2;

/// Runs `feed`, which hands items over, and has each taken by one of some threads into a state of its own.
/// Gives the states back, in the threads' order.
///
/// # Errors
/// Those of `feed`.
pub fn spread<T: Send, S: Send>(
    start: impl Fn() -> S + Sync,
    take: impl Fn(&mut S, T) + Sync,
    feed: impl FnOnce(&mut dyn FnMut(T) -> anyhow::Result<()>) -> anyhow::Result<()>,
) -> anyhow::Result<Vec<S>> {
    let threads = std::thread::available_parallelism().map_or(1, |count| count.get());
    std::thread::scope(|scope| {
        let (start, take) = (&start, &take);
        let mut senders = Vec::new();
        let mut handles = Vec::new();
        for _ in 0..threads.min(MOST_THREADS) {
            let (sender, receiver) = sync_channel::<Vec<T>>(WAITING);
            senders.push(sender);
            handles.push(scope.spawn(move || {
                let mut state = start();
                for item in receiver.into_iter().flatten() {
                    take(&mut state, item);
                }
                state
            }));
        }
        let mut dealer = Dealer::new(senders);
        let fed = feed(&mut |item| dealer.deal(item)).and_then(|()| dealer.flush());
        drop(dealer);
        let joined: Result<Vec<S>, _> = handles.into_iter().map(|handle| handle.join()).collect();
        match joined {
            Ok(states) => fed.map(|()| states),
            // A defect of the engine is not to be taken for a figure.
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

struct Dealer<T> {
    senders: Vec<SyncSender<Vec<T>>>,
    batch: Vec<T>,
    turn: usize,
}

impl<T> Dealer<T> {
    fn new(senders: Vec<SyncSender<Vec<T>>>) -> Self {
        Self {
            senders,
            batch: Vec::with_capacity(BATCH),
            turn: 0,
        }
    }

    fn deal(&mut self, item: T) -> anyhow::Result<()> {
        self.batch.push(item);
        if self.batch.len() < BATCH {
            return Ok(());
        }
        self.flush()
    }

    fn flush(&mut self) -> anyhow::Result<()> {
        let batch = std::mem::replace(&mut self.batch, Vec::with_capacity(BATCH));
        let sender = &self.senders[self.turn % self.senders.len()];
        self.turn += 1;
        sender
            .send(batch)
            .map_err(|_| anyhow::anyhow!("a thread of the evaluation ended early"))
    }
}
