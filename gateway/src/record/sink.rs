//! Where records go. Workers append lines to a buffer of their own, which costs no more than the copy; a thread of
//! its own empties the buffers every 20 ms and writes to the sink. Requests never wait: when more records wait than
//! the queue admits, further ones are dropped, and counted.

use std::cell::Cell;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

use portcullis_store::Intake;
use prometheus::IntCounter;

use super::{Record, Redaction, USUAL_LENGTH};

/// Where lines are written.
pub(crate) enum Sink {
    /// Nowhere; nothing is even put into words.
    None,
    /// Standard output.
    Stdout,
    /// A file that is appended to.
    File(PathBuf),
    /// Anything else that can be written to.
    #[cfg_attr(
        not(test),
        allow(dead_code, reason = "tests look over the writer's shoulder")
    )]
    Writer(Box<dyn Write + Send>),
}

/// Takes records from all workers and sees to it that they are written. Dropping it writes what still waits.
pub(crate) struct Recorder {
    shared: Arc<Shared>,
    thread: Thread,
    handle: Option<JoinHandle<()>>,
}

struct Shared {
    shards: [Shard; SHARDS],
    /// The most records that may wait, and how many do.
    capacity: usize,
    waiting: AtomicUsize,
    /// How many bytes they have together; at most [`USUAL_LENGTH`] for each that may wait.
    waiting_bytes: AtomicUsize,
    /// Whether the writer was already woken because many wait.
    hurried: AtomicBool,
    /// Nobody wants lines.
    off: AtomicBool,
    /// The store, which gets every line too.
    store: Option<Intake>,
    dropped: IntCounter,
    orders: Mutex<Orders>,
    obeyed: Condvar,
}

#[derive(Default)]
#[repr(align(128))]
struct Shard(Mutex<Lines>);

/// Complete lines, their number, and how many bytes they hold of the room for all.
#[derive(Default)]
struct Lines {
    text: Vec<u8>,
    count: usize,
    bytes: usize,
}

/// What the writer thread is asked to do besides writing.
#[derive(Default)]
struct Orders {
    switch: Option<Sink>,
    reopen: bool,
    stop: bool,
    /// Counts requests to flush, and those that were met.
    flush_asked: u64,
    flush_done: u64,
}

impl Recorder {
    /// Starts the writer. `queue` is how many records may wait, in KiB too, so that long ones cannot fill the memory;
    /// `dropped` counts those that found no room or could not be written; `store` gets all that found room, whatever
    /// the sink is.
    ///
    /// # Errors
    /// When the file cannot be opened or the thread not be started.
    pub(crate) fn start(
        sink: Sink,
        queue: usize,
        dropped: IntCounter,
        store: Option<Intake>,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            shards: Default::default(),
            capacity: queue.max(1),
            waiting: AtomicUsize::new(0),
            waiting_bytes: AtomicUsize::new(0),
            hurried: AtomicBool::new(false),
            off: AtomicBool::new(matches!(sink, Sink::None) && store.is_none()),
            store,
            dropped,
            orders: Mutex::default(),
            obeyed: Condvar::new(),
        });
        let writer = Writer::new(sink, Arc::clone(&shared))?;
        let handle = thread::Builder::new()
            .name("records".into())
            .spawn(move || writer.run())?;
        Ok(Self {
            shared,
            thread: handle.thread().clone(),
            handle: Some(handle),
        })
    }

    /// Keeps a record, or counts it as dropped. Never waits for the sink.
    pub(crate) fn push(&self, record: &Record<'_>, redaction: &Redaction) {
        let shared = &self.shared;
        if shared.off.load(Ordering::Relaxed) {
            return;
        }
        let waiting = shared.waiting.fetch_add(1, Ordering::Relaxed);
        if waiting >= shared.capacity || !shared.keep(record, redaction) {
            shared.waiting.fetch_sub(1, Ordering::Relaxed);
            shared.dropped.inc();
            return;
        }
        if waiting > shared.capacity / 2 && !shared.hurried.swap(true, Ordering::Relaxed) {
            self.thread.unpark();
        }
    }

    /// Opens the file anew, for a log that was rotated. If that fails the old one stays in use.
    pub(crate) fn reopen(&self) {
        self.shared.orders().reopen = true;
        self.thread.unpark();
    }

    /// Writes to another sink from now on; what waits already goes to the old one.
    pub(crate) fn switch(&self, sink: Sink) {
        self.shared.orders().switch = Some(sink);
        self.thread.unpark();
    }

    /// Waits until everything pushed before is written, for at most `patience`. Returns whether it is.
    pub(crate) fn flush(&self, patience: Duration) -> bool {
        let asked = {
            let mut orders = self.shared.orders();
            orders.flush_asked += 1;
            orders.flush_asked
        };
        self.thread.unpark();
        let (orders, _) = self
            .shared
            .obeyed
            .wait_timeout_while(self.shared.orders(), patience, |orders| {
                orders.flush_done < asked
            })
            .unwrap_or_else(PoisonError::into_inner);
        orders.flush_done >= asked
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.shared.orders().stop = true;
        self.thread.unpark();
        if let Some(handle) = self.handle.take() {
            // A sink that hangs must not keep the process from ending.
            let end = Instant::now() + LAST_PATIENCE;
            while !handle.is_finished() && Instant::now() < end {
                thread::sleep(Duration::from_millis(1));
            }
        }
    }
}

impl Shared {
    /// Puts a record down in this thread's shard; `false` if that would be too many bytes.
    fn keep(&self, record: &Record<'_>, redaction: &Redaction) -> bool {
        let mut lines = self.shards[own_shard()].lock();
        let start = lines.text.len();
        record.write(redaction, &mut lines.text);
        let length = lines.text.len() - start;
        let before = self.waiting_bytes.fetch_add(length, Ordering::Relaxed);
        let fits = before.saturating_add(length)
            <= self.capacity.saturating_mul(USUAL_LENGTH).max(LEAST_BYTES);
        if fits {
            lines.count += 1;
            lines.bytes += length;
        } else {
            self.waiting_bytes.fetch_sub(length, Ordering::Relaxed);
            lines.text.truncate(start);
        }
        fits
    }

    fn orders(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shard {
    /// A panic while a record was written leaves a broken line at worst.
    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread that writes.
struct Writer {
    shared: Arc<Shared>,
    target: Target,
    /// The buffer that is written, exchanged with a worker's.
    lines: Lines,
    failing: bool,
    /// The last write broke off within a line.
    torn: bool,
}

enum Target {
    None,
    Stdout(io::Stdout),
    File(File, PathBuf),
    Writer(Box<dyn Write + Send>),
}

impl Writer {
    fn new(sink: Sink, shared: Arc<Shared>) -> io::Result<Self> {
        Ok(Self {
            shared,
            target: Target::open(sink)?,
            lines: Lines::default(),
            failing: false,
            torn: false,
        })
    }

    fn run(mut self) {
        loop {
            thread::park_timeout(INTERVAL);
            let (switch, reopen, stop, flush) = {
                let mut orders = self.shared.orders();
                (
                    orders.switch.take(),
                    std::mem::take(&mut orders.reopen),
                    orders.stop,
                    orders.flush_asked,
                )
            };
            self.shared.hurried.store(false, Ordering::Relaxed);
            for shard in 0..SHARDS {
                self.empty(shard);
            }
            self.retarget(switch, reopen);
            let mut orders = self.shared.orders();
            if orders.flush_done < flush {
                orders.flush_done = flush;
                self.shared.obeyed.notify_all();
            }
            drop(orders);
            if stop {
                return;
            }
        }
    }

    /// Takes what a worker has put down and writes it.
    fn empty(&mut self, shard: usize) {
        {
            let mut lines = self.shared.shards[shard].lock();
            if lines.count == 0 {
                return;
            }
            std::mem::swap(&mut *lines, &mut self.lines);
        }
        if let Some(store) = &self.shared.store {
            // First, since a sink may hang.
            store.offer(&self.lines.text, self.lines.count);
        }
        self.write();
        self.shared
            .waiting
            .fetch_sub(self.lines.count, Ordering::Relaxed);
        self.shared
            .waiting_bytes
            .fetch_sub(self.lines.bytes, Ordering::Relaxed);
        self.lines.text.clear();
        self.lines.text.shrink_to(KEPT_BUFFER);
        self.lines.count = 0;
        self.lines.bytes = 0;
    }

    fn write(&mut self) {
        if self.torn {
            // What follows must not be read as the rest of the broken line. Where even this fails, so will the rest.
            let (written, _) = self.target.write_all(b"\n");
            self.torn = written == 0;
        }
        let text = self.lines.text.as_slice();
        let (written, result) = self.target.write_all(text);
        let (kept, rest) = text.split_at(written);
        self.torn = kept.last().map_or(self.torn, |last| *last != b'\n');
        let lost = rest.iter().filter(|b| **b == b'\n').count();
        if lost > 0 {
            self.shared.dropped.inc_by(lost as u64);
        }
        self.report(result);
    }

    /// Says once that the sink fails, and once that it works again.
    fn report(&mut self, result: io::Result<()>) {
        match result {
            Err(error) if !self.failing => {
                tracing::error!(%error, "records cannot be written; they are dropped and counted");
                self.failing = true;
            }
            Ok(()) if self.failing => {
                tracing::info!("records are written again");
                self.failing = false;
            }
            _ => {}
        }
    }

    fn retarget(&mut self, switch: Option<Sink>, reopen: bool) {
        let sink = match (switch, &self.target) {
            (Some(sink), _) => sink,
            (None, Target::File(_, path)) if reopen => Sink::File(path.clone()),
            (None, _) => return,
        };
        let off = matches!(sink, Sink::None) && self.shared.store.is_none();
        match Target::open(sink) {
            Ok(target) => {
                self.target = target;
                self.torn = false;
                self.shared.off.store(off, Ordering::Relaxed);
            }
            Err(error) => {
                tracing::error!(%error, "the sink of records cannot be opened; the old one stays in use")
            }
        }
    }
}

impl Target {
    fn open(sink: Sink) -> io::Result<Self> {
        Ok(match sink {
            Sink::None => Self::None,
            Sink::Stdout => Self::Stdout(io::stdout()),
            Sink::File(path) => Self::File(open(&path)?, path),
            Sink::Writer(writer) => Self::Writer(writer),
        })
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::None => Ok(bytes.len()),
            Self::Stdout(out) => out.write(bytes),
            Self::File(file, _) => file.write(bytes),
            Self::Writer(writer) => writer.write(bytes),
        }
    }

    /// Writes as much as the sink takes; returns how many bytes that was, and why it stopped.
    fn write_all(&mut self, bytes: &[u8]) -> (usize, io::Result<()>) {
        let mut written = 0;
        loop {
            match bytes.get(written..) {
                None | Some([]) => return (written, self.flush()),
                Some(rest) => match self.write(rest) {
                    Ok(0) => return (written, Err(io::ErrorKind::WriteZero.into())),
                    Ok(n) => written = (written + n).min(bytes.len()),
                    Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                    Err(e) => return (written, Err(e)),
                },
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::None | Self::File(..) => Ok(()),
            Self::Stdout(out) => out.flush(),
            Self::Writer(writer) => writer.flush(),
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .map_err(|e| io::Error::new(e.kind(), format!("{}: {e}", path.display())))
}

/// The shard of this thread. Threads beyond the number of shards share.
fn own_shard() -> usize {
    thread_local! {
        static OWN: Cell<usize> = const { Cell::new(usize::MAX) };
    }
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    OWN.with(|own| {
        if own.get() == usize::MAX {
            own.set(NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS);
        }
        own.get()
    })
}

const SHARDS: usize = 16;

/// Even the smallest queue holds the longest record: 32 findings of at most some 4 KiB, a path and a query, and two
/// captured bodies of 16 KiB whose every byte may be written as six.
const LEAST_BYTES: usize = 512 * 1024;

/// How long a record waits at most while the sink keeps up.
const INTERVAL: Duration = Duration::from_millis(20);

/// A buffer that once grew beyond this gives the rest back.
const KEPT_BUFFER: usize = 1024 * 1024;

/// How long the end of the process waits for the sink.
const LAST_PATIENCE: Duration = Duration::from_secs(2);
