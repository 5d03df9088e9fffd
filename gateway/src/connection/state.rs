//! What is known of a connection while it lives: who it is, what it waits for, and why it should end. Written by the
//! socket wrapper and the spine, read by the worker's sweep. hyper wants its socket to be `Send`, hence atomics; they
//! are never contended.

use std::cell::Cell;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, OnceLock};
use std::task::Waker;
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::flow::Flow;
use crate::wire::Refusal;

/// What the connection waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Phase {
    /// The client's first byte, or the rest of a head.
    Head = 0,
    /// The next request on a kept-alive connection.
    Idle = 1,
    /// An exchange is under way.
    Exchange = 2,
    /// Upgraded: bytes pass both ways.
    Tunnel = 3,
}

/// Why the gateway ends a connection; the label of `portcullis_connections_closed_total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Cut {
    /// The head did not come within its time.
    SlowHead = 1,
    /// No further request came within the idle time.
    Idle = 2,
    /// A body came slower than the minimum rate.
    SlowBody = 3,
    /// An answer was read slower than the minimum rate.
    SlowReader = 4,
    /// HTTP/2 frames that cost work and bring nothing.
    Flood = 5,
}

impl Cut {
    /// All reasons.
    pub const ALL: [Cut; 5] = [
        Cut::SlowHead,
        Cut::Idle,
        Cut::SlowBody,
        Cut::SlowReader,
        Cut::Flood,
    ];

    /// The label's value.
    pub const fn reason(self) -> &'static str {
        match self {
            Cut::SlowHead => "slow-head",
            Cut::Idle => "idle",
            Cut::SlowBody => "slow-body",
            Cut::SlowReader => "slow-reader",
            Cut::Flood => "flood",
        }
    }
}

/// Limits that the sweep holds connections to.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For a head.
    pub head: Duration,
    /// Between requests.
    pub idle: Duration,
    /// Bytes a second while the gateway waits for the client; 0 for no minimum.
    pub rate: u64,
    /// How long a client may be slower.
    pub grace: Duration,
}

/// One direction's progress while the gateway waits for the client.
#[derive(Debug, Default)]
struct Progress {
    bytes: AtomicU64,
    waiting: AtomicBool,
    // Of the current window of waiting; only the sweep touches these.
    window_start_bytes: AtomicU64,
    window_ms: AtomicU64,
}

/// The state of one connection.
#[derive(Debug)]
pub struct ConnectionState {
    /// The peer of the socket.
    pub peer: SocketAddr,
    /// Whether TLS ends here.
    pub tls: bool,
    flow: Option<Box<Flow>>,
    ja4: OnceLock<Box<str>>,
    http2: AtomicBool,
    phase: AtomicU8,
    since_ms: AtomicU64,
    streams: AtomicU32,
    read: Progress,
    write: Progress,
    cut: AtomicU8,
    ended: Notify,
    refusal: Mutex<Option<Refusal>>,
    answers: Mutex<Answers>,
}

/// Which answers of an HTTP/1 connection have begun.
#[derive(Debug, Default)]
struct Answers {
    begun: u64,
    // Whether the last one switched to another protocol.
    switched: bool,
    waker: Option<Waker>,
}

impl ConnectionState {
    /// A connection that has just been accepted.
    pub fn new(peer: SocketAddr, tls: bool) -> Self {
        Self {
            peer,
            tls,
            flow: None,
            ja4: OnceLock::new(),
            http2: AtomicBool::new(false),
            phase: AtomicU8::new(Phase::Head as u8),
            since_ms: AtomicU64::new(coarse_ms()),
            streams: AtomicU32::new(0),
            read: Progress::default(),
            write: Progress::default(),
            cut: AtomicU8::new(0),
            ended: Notify::new(),
            refusal: Mutex::new(None),
            answers: Mutex::new(Answers::default()),
        }
    }

    /// The same with a tally for models that read connections.
    #[must_use]
    pub fn measured(self) -> Self {
        Self {
            flow: Some(Box::new(Flow::beginning())),
            ..self
        }
    }

    /// The tally of the connection, where one is kept.
    pub fn flow(&self) -> Option<&Flow> {
        self.flow.as_deref()
    }

    /// The peer's address, an IPv4 address in IPv6 clothes undressed.
    pub fn peer_ip(&self) -> IpAddr {
        self.peer.ip().to_canonical()
    }

    /// Keeps the JA4 fingerprint of the TLS handshake.
    pub fn shook_hands(&self, ja4: String) {
        let _ = self.ja4.set(ja4.into());
    }

    /// The JA4 fingerprint of the TLS handshake, where TLS ends here.
    pub fn ja4(&self) -> Option<&str> {
        self.ja4.get().map(AsRef::as_ref)
    }

    /// Enters a phase.
    pub fn set_phase(&self, phase: Phase) {
        self.phase.store(phase as u8, Relaxed);
        self.since_ms.store(coarse_ms(), Relaxed);
    }

    /// The first bytes of a further request have come, and its head is not whole yet.
    pub fn head_begins(&self) {
        if self.phase() == Phase::Idle {
            self.set_phase(Phase::Head);
        }
    }

    /// In HTTP/2: whether the client stands in the middle of a head, while no exchange is under way.
    pub fn head_is_open(&self, open: bool) {
        match (open, self.phase()) {
            (true, Phase::Idle) => self.set_phase(Phase::Head),
            (false, Phase::Head) => self.set_phase(Phase::Idle),
            _ => {}
        }
    }

    fn phase(&self) -> Phase {
        match self.phase.load(Relaxed) {
            0 => Phase::Head,
            1 => Phase::Idle,
            2 => Phase::Exchange,
            _ => Phase::Tunnel,
        }
    }

    /// Says that the connection speaks HTTP/2.
    pub fn set_http2(&self) {
        self.http2.store(true, Relaxed);
    }

    /// Whether the connection speaks HTTP/2.
    pub fn is_http2(&self) -> bool {
        self.http2.load(Relaxed)
    }

    /// An exchange begins; whether nothing else is under way.
    pub fn exchange_begins(&self) -> bool {
        let before = self.streams.fetch_add(1, Relaxed);
        self.set_phase(Phase::Exchange);
        before == 0
    }

    /// An exchange has ended, its answer handed over whole or given up.
    pub fn exchange_ends(&self) {
        let before = self.streams.fetch_sub(1, Relaxed);
        if before <= 1 && self.phase() == Phase::Exchange {
            self.set_phase(Phase::Idle);
        }
    }

    /// Counts bytes from the client.
    pub fn received(&self, bytes: usize) {
        self.read.bytes.fetch_add(bytes as u64, Relaxed);
        if let Some(flow) = self.flow()
            && bytes > 0
        {
            flow.received(bytes);
        }
    }

    /// Counts bytes to the client.
    pub fn sent(&self, bytes: usize) {
        self.write.bytes.fetch_add(bytes as u64, Relaxed);
        if let Some(flow) = self.flow()
            && bytes > 0
        {
            flow.sent(bytes);
        }
    }

    /// Bytes received and sent so far.
    pub fn bytes(&self) -> (u64, u64) {
        (
            self.read.bytes.load(Relaxed),
            self.write.bytes.load(Relaxed),
        )
    }

    /// Whether the gateway now waits for bytes of a body.
    pub fn waits_for_body(&self, waits: bool) {
        self.read.waiting.store(waits, Relaxed);
    }

    /// Whether the gateway now waits for the client to read.
    pub fn waits_for_reader(&self, waits: bool) {
        let waited = self.write.waiting.load(Relaxed);
        self.write.waiting.store(waits, Relaxed);
        if let Some(flow) = self.flow()
            && waits
            && !waited
        {
            flow.held_up();
        }
    }

    /// Ends the connection, for a reason that is counted.
    pub fn cut(&self, why: Cut) {
        self.cut.store(why as u8, Relaxed);
        self.ended.notify_one();
    }

    /// Resolves when the connection shall end.
    pub async fn killed(&self) {
        self.ended.notified().await;
    }

    /// Why the connection was cut, if it was.
    pub fn cut_reason(&self) -> Option<Cut> {
        match self.cut.load(Relaxed) {
            1 => Some(Cut::SlowHead),
            2 => Some(Cut::Idle),
            3 => Some(Cut::SlowBody),
            4 => Some(Cut::SlowReader),
            5 => Some(Cut::Flood),
            _ => None,
        }
    }

    /// Keeps why the framing was refused, for the exchange that answers it.
    pub fn set_refusal(&self, refusal: Refusal) {
        *lock(&self.refusal) = Some(refusal);
    }

    /// Takes the reason why the framing was refused.
    pub fn take_refusal(&self) -> Option<Refusal> {
        lock(&self.refusal).take()
    }

    /// Looks at the refusal, if there is one.
    pub fn with_refusal<R>(&self, look: impl FnOnce(&Refusal) -> R) -> Option<R> {
        lock(&self.refusal).as_ref().map(look)
    }

    /// Says that the next answer begins, and whether it switches to another protocol.
    pub fn answer_begins(&self, switched: bool) {
        let mut answers = lock(&self.answers);
        answers.begun += 1;
        answers.switched = switched;
        if let Some(waker) = answers.waker.take() {
            waker.wake();
        }
    }

    /// Whether the last answer switched protocols, once so many answers have begun; before that a wake-up.
    pub fn poll_answers(&self, count: u64, waker: &Waker) -> Option<bool> {
        let mut answers = lock(&self.answers);
        if answers.begun >= count {
            return Some(answers.switched);
        }
        answers.waker = Some(waker.clone());
        None
    }

    /// One look of the sweep, `tick` after the last. Says why the connection must end now, if it must.
    pub fn overdue(&self, patience: &Patience, tick: Duration) -> Option<Cut> {
        let waited = Duration::from_millis(coarse_ms().saturating_sub(self.since_ms.load(Relaxed)));
        match self.phase() {
            Phase::Head if waited >= patience.head => return Some(Cut::SlowHead),
            Phase::Idle if waited >= patience.idle => return Some(Cut::Idle),
            Phase::Tunnel => return None,
            Phase::Head | Phase::Idle | Phase::Exchange => {}
        }
        if self.read.is_too_slow(patience, tick) {
            return Some(Cut::SlowBody);
        }
        self.write
            .is_too_slow(patience, tick)
            .then_some(Cut::SlowReader)
    }
}

impl Progress {
    fn is_too_slow(&self, patience: &Patience, tick: Duration) -> bool {
        if patience.rate == 0 {
            return false;
        }
        let bytes = self.bytes.load(Relaxed);
        if !self.waiting.load(Relaxed) {
            // The gateway is not waiting: a new window begins, unless the client merely dripped since the last look.
            if bytes.saturating_sub(self.window_start_bytes.load(Relaxed)) >= patience.rate {
                self.window_ms.store(0, Relaxed);
                self.window_start_bytes.store(bytes, Relaxed);
            }
            return false;
        }
        let window = self.window_ms.load(Relaxed) + millis(tick);
        if Duration::from_millis(window) < patience.grace {
            self.window_ms.store(window, Relaxed);
            return false;
        }
        let moved = bytes.saturating_sub(self.window_start_bytes.load(Relaxed));
        self.window_ms.store(0, Relaxed);
        self.window_start_bytes.store(bytes, Relaxed);
        moved.saturating_mul(1000) < patience.rate.saturating_mul(window)
    }
}

thread_local! {
    static COARSE: Cell<u64> = const { Cell::new(0) };
}

/// Milliseconds since the process began, as of the worker's last tick: free to read, up to a tick old.
pub fn coarse_ms() -> u64 {
    COARSE.get()
}

/// Moves the worker's coarse clock.
pub fn advance_coarse_clock(start: Instant) {
    COARSE.set(millis(start.elapsed()));
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // Nothing panics while holding these locks; were it so, the value would still be whole.
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience {
        head: Duration::from_secs(10),
        idle: Duration::from_secs(60),
        rate: 256,
        grace: Duration::from_secs(15),
    };

    fn state() -> ConnectionState {
        let address = SocketAddr::from(([127, 0, 0, 1], 1));
        ConnectionState::new(address, false)
    }

    #[test]
    fn a_dripping_body_is_cut_after_its_grace() {
        let state = state();
        state.set_phase(Phase::Exchange);
        state.waits_for_body(true);
        let mut ticks = 0;
        while state.overdue(&PATIENCE, Duration::from_secs(1)).is_none() {
            state.received(10);
            ticks += 1;
            assert!(ticks < 40, "never cut");
        }
        assert_eq!(ticks, 14);
    }

    #[test]
    fn a_steady_body_and_a_busy_gateway_are_left_alone() {
        let state = state();
        state.set_phase(Phase::Exchange);
        for second in 0..100 {
            state.waits_for_body(second % 2 == 0);
            state.received(600);
            assert_eq!(state.overdue(&PATIENCE, Duration::from_secs(1)), None);
        }
    }
}
