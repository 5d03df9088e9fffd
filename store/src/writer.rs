//! The way of records into the database: taken from the intake, read, shown to whoever watches, written in batches.
//! While the database is slow or away they go to the spool, and from there in order once it is back. All of it runs
//! on the store's own thread; nothing here is ever waited for by a request.

mod replay;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, timeout};

use crate::database::{Database, StoreError};
use crate::entry::{Batch, Entry};
use crate::intake::{Feed, Intake, Lines};
use crate::records::Records;
use crate::retention::Keep;
use crate::rollup::Rollups;
use crate::spool::{Refusal, Spool};
use crate::tally::Tally;

/// What the writer is told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The name that this gateway's records bear.
    pub node: String,
    /// `sqlite:…` or `postgres://…`.
    pub url: String,
    /// The folder that takes what cannot be written; `None` where nothing can be kept on disk.
    pub spool: Option<PathBuf>,
    /// How many bytes it may take.
    pub spool_bytes: u64,
    /// What is kept, and how long.
    pub keep: Keep,
}

/// What the parts of the writer share.
struct Desk {
    settings: Settings,
    intake: Intake,
    feed: Feed,
    tally: Arc<Tally>,
    spool: Mutex<Option<Spool>>,
    /// Without one, a few batches wait in memory.
    has_spool: bool,
    /// Something waits in the spool, or the database is away: new records go to the spool, behind the others.
    behind: AtomicBool,
    /// The database, once it was opened, for others.
    database: watch::Sender<Option<Database>>,
    /// The same with connections of our own, so that no query of others keeps records waiting.
    own: OnceLock<Database>,
}

/// How long records are gathered before they are written: the most that one is late in the live feed.
const GATHER: Duration = Duration::from_millis(200);

/// Connections of the writer: one that writes, one that adds up and removes.
const CONNECTIONS: u32 = 2;

/// Records of one batch.
const BATCH: usize = 2000;

/// Batches that may wait while one is written.
const WAITING: usize = 4;

/// A write that takes longer than this has failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// The first pause before a database is tried again; each further one is twice as long, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How often parts are added up, and what is too old is removed.
const FOLD_EVERY: Duration = Duration::from_secs(5);
const RETIRE_EVERY: Duration = Duration::from_secs(60);

/// Runs until `stop`, then writes what is left, or spools it. `database` is told the database once it is open.
pub async fn run(
    settings: Settings,
    intake: Intake,
    feed: Feed,
    database: watch::Sender<Option<Database>>,
    stop: oneshot::Receiver<()>,
) {
    let tally = intake.tally().clone();
    let spool = open_spool(&settings);
    let desk = Desk {
        // What an earlier process left comes first.
        behind: AtomicBool::new(true),
        has_spool: spool.is_some(),
        spool: Mutex::new(spool),
        settings,
        intake,
        feed,
        tally,
        database,
        own: OnceLock::new(),
    };
    desk.count_spool();
    let (sender, receiver) = mpsc::channel(WAITING);
    tokio::select! {
        _ = async { tokio::join!(desk.take(sender, stop), desk.write(receiver)) } => {}
        () = desk.keep_house() => {}
    }
    desk.tally.up.set(0);
}

fn open_spool(settings: &Settings) -> Option<Spool> {
    let folder = settings.spool.as_ref()?;
    match Spool::open(folder, settings.spool_bytes) {
        Ok(spool) => Some(spool),
        Err(error) => {
            tracing::warn!(%error, folder = %folder.display(), "nothing can be spooled; what the database does not take is lost");
            None
        }
    }
}

impl Desk {
    /// Takes records from the intake and sees where they can go.
    async fn take(&self, sender: mpsc::Sender<Batch>, mut stop: oneshot::Receiver<()>) {
        let mut going = true;
        while going {
            tokio::select! {
                () = async { self.intake.arrived().await; sleep(GATHER).await } => {}
                _ = &mut stop => going = false,
            }
            let lines = self.intake.take();
            for batch in batches(&lines, &self.tally) {
                self.feed.publish(&batch);
                if self.behind.load(Ordering::Acquire) && self.has_spool {
                    self.spool(&batch);
                } else if let Err(error) = sender.try_send(batch) {
                    self.spool(&error.into_inner());
                }
                // A large batch is not to hold up the others on this thread.
                tokio::task::yield_now().await;
            }
        }
    }

    /// Writes batches as they come, or what waits in the spool.
    async fn write(&self, mut receiver: mpsc::Receiver<Batch>) {
        let mut pause = FIRST_PAUSE;
        let mut told = false;
        loop {
            let result = match self.behind.load(Ordering::Acquire) {
                true => self.catch_up().await,
                false => match receiver.recv().await {
                    Some(batch) => self.insert_or_spool(&batch).await,
                    None => return,
                },
            };
            match result {
                Ok(()) => {
                    if told {
                        tracing::info!("the store takes records again");
                    }
                    (pause, told) = (FIRST_PAUSE, false);
                }
                Err(error) => {
                    self.tally.failures.add(1);
                    self.tally.up.set(0);
                    if !told {
                        tracing::error!(%error, "the store takes no records; they wait in the spool");
                        told = true;
                    }
                    if !self.rest(pause, &mut receiver).await {
                        return;
                    }
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// Waits, spooling what comes; `false` at the end.
    async fn rest(&self, pause: Duration, receiver: &mut mpsc::Receiver<Batch>) -> bool {
        if !self.has_spool {
            sleep(pause).await;
            let ended = receiver.is_closed();
            while let (true, Ok(batch)) = (ended, receiver.try_recv()) {
                self.spool(&batch);
            }
            return !ended;
        }
        let end = Instant::now() + pause;
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(end) => return true,
                batch = receiver.recv() => match batch {
                    Some(batch) => self.spool(&batch),
                    None => return false,
                },
            }
        }
    }

    async fn insert_or_spool(&self, batch: &Batch) -> Result<(), StoreError> {
        let result = self.insert(batch).await;
        if result.is_err() {
            self.behind.store(true, Ordering::Release);
            self.spool(batch);
        }
        result
    }

    /// Keeps a batch in the spool, or counts it as lost.
    fn spool(&self, batch: &[Entry]) {
        let mut text = Vec::with_capacity(batch.iter().map(|entry| entry.line.len() + 1).sum());
        for entry in batch {
            text.extend_from_slice(entry.line.as_bytes());
            text.push(b'\n');
        }
        let mut spool = self.locked_spool();
        let kept = match spool.as_mut() {
            Some(spool) => spool.append(&text),
            None => Err(Refusal::Full),
        };
        match kept {
            Ok(()) => {
                self.behind.store(true, Ordering::Release);
                self.tally.spooled.add(batch.len());
            }
            Err(Refusal::Full) => self.tally.lost_spool.add(batch.len()),
            Err(Refusal::Disk(error)) => {
                if self.tally.lost_disk.now() == 0 {
                    tracing::error!(%error, "records are lost: neither the database nor the disk takes them");
                }
                self.tally.lost_disk.add(batch.len());
            }
        }
        drop(spool);
        self.count_spool();
    }

    fn count_spool(&self) {
        let bytes = self.locked_spool().as_ref().map_or(0, Spool::bytes);
        self.tally.spool_bytes.set(bytes);
    }

    /// A panic under the lock leaves lines that are read twice at worst.
    fn locked_spool(&self) -> MutexGuard<'_, Option<Spool>> {
        self.spool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The open database; opens it where it is not yet.
    async fn open(&self) -> Result<&Database, StoreError> {
        if let Some(own) = self.own.get() {
            return Ok(own);
        }
        if self.database.borrow().is_none() {
            let database = Database::open(&self.settings.url).await?;
            self.database.send_replace(Some(database));
        }
        let shared = self.database.borrow().clone();
        let beside = shared.map(|database| database.beside(CONNECTIONS));
        let own = beside.ok_or_else(|| StoreError::Asked("the database was taken away".into()))?;
        Ok(self.own.get_or_init(|| own))
    }

    /// Writes a batch; what the database refuses for what is in it is left out and counted.
    async fn insert(&self, batch: &[Entry]) -> Result<(), StoreError> {
        let records = Records::new(self.open().await?.clone());
        let mut open = vec![batch];
        while let Some(part) = open.pop() {
            let written = timeout(PATIENCE, records.insert(part, &self.settings.node)).await;
            match written.unwrap_or(Err(StoreError::Asked("the database takes too long".into()))) {
                Ok(inserted) => {
                    self.tally.written.add(inserted.new);
                    self.tally.known.add(inserted.known);
                }
                Err(error) if !is_of_content(&error) => return Err(error),
                Err(error) if part.len() == 1 => {
                    tracing::error!(%error, "a record is refused and lost");
                    self.tally.lost_refused.add(1);
                }
                Err(_) => {
                    let (first, second) = part.split_at(part.len() / 2);
                    open.extend([second, first]);
                }
            }
        }
        self.tally.up.set(1);
        Ok(())
    }

    /// Adds up parts and removes what is too old, for ever.
    async fn keep_house(&self) {
        let mut last = Instant::now();
        let mut look = true;
        loop {
            sleep(FOLD_EVERY).await;
            let Some(database) = self.own.get() else {
                continue;
            };
            let retire = last.elapsed() >= RETIRE_EVERY;
            if let Err(error) = self.tidy(database, retire, look || retire).await {
                // What is wrong with the database is said by the writer.
                tracing::debug!(%error, "the store could not be tidied");
                continue;
            }
            look = false;
            if retire {
                last = Instant::now();
            }
        }
    }

    async fn tidy(&self, database: &Database, retire: bool, look: bool) -> Result<(), StoreError> {
        let node = &self.settings.node;
        Rollups::new(database.clone()).fold(node, now_ms()).await?;
        if retire {
            let gone = database.retire(self.settings.keep, node, now_ms()).await?;
            self.tally
                .retired
                .add(usize::try_from(gone).unwrap_or(usize::MAX));
        }
        if look {
            self.tally.bytes.set(database.extent().await?.bytes);
        }
        Ok(())
    }
}

/// Reads lines, in batches. What is no record was torn by a crash.
fn batches<'a>(lines: &'a Lines, tally: &'a Tally) -> impl Iterator<Item = Batch> + 'a {
    let mut rest = lines
        .text
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    std::iter::from_fn(move || {
        let slice: Vec<&[u8]> = rest.by_ref().take(BATCH).collect();
        let read = |line: &&[u8]| {
            let entry = std::str::from_utf8(line)
                .ok()
                .and_then(|line| Entry::read(line).ok());
            if entry.is_none() {
                tally.lost_torn.add(1);
            }
            entry
        };
        (!slice.is_empty()).then(|| slice.iter().filter_map(read).collect())
    })
}

/// Whether the database refuses what is in a batch, and would refuse it for ever: a value that it cannot hold. By the
/// codes of PostgreSQL (classes 22 and 54) and SQLite (too large, wrong kind).
fn is_of_content(error: &StoreError) -> bool {
    let StoreError::Database(sqlx::Error::Database(error)) = error else {
        return false;
    };
    error.code().is_some_and(|code| {
        (code.len() == 5 && (code.starts_with("22") || code.starts_with("54")))
            || code == "18"
            || code == "20"
    })
}

/// The wall clock, in milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
