//! One core: its connections to upstreams, its scratch memory for inspection, its clock, and the sweep that ends
//! connections which wait too long. Everything here belongs to one thread and needs no lock.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use portcullis_detect as detect;

use crate::connection::state::{ConnectionState, Patience, advance_coarse_clock};
use crate::limit::Limits;
use crate::metrics::Metrics;
use crate::record::Recorder;
use crate::snapshot::Snapshot;
use crate::upstream::{SWEEP_EVERY, Upstream};
use crate::wire;

/// What all workers share.
pub struct Shared {
    /// The configuration that is serving.
    pub snapshot: ArcSwap<Snapshot>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Where records go.
    pub recorder: Recorder,
    /// Rate limits, which outlive snapshots.
    pub limits: Arc<Limits>,
    /// Connections open in the whole process, per peer address.
    pub census: Census,
    /// When the process began.
    pub started: Instant,
}

/// How many connections are open, and from whom.
#[derive(Default)]
pub struct Census {
    by_peer: std::sync::Mutex<HashMap<std::net::IpAddr, usize>>,
}

/// One core's own.
pub struct Worker {
    /// What all workers share.
    pub shared: Arc<Shared>,
    current: RefCell<Current>,
    scratch: RefCell<detect::Worker>,
    connections: RefCell<Slots>,
}

/// A snapshot and the pools that go with it.
#[derive(Clone)]
pub struct Current {
    /// The configuration.
    pub snapshot: Arc<Snapshot>,
    /// The pools, in the order of the snapshot's upstreams.
    pub upstreams: Rc<Vec<Rc<Upstream>>>,
}

/// Caps on a connection, as of now.
#[derive(Clone, Copy)]
pub struct ConnectionCaps {
    /// On HTTP/1 heads.
    pub wire: wire::Limits,
    /// HTTP/2 streams at once.
    pub streams: u32,
}

#[derive(Default)]
struct Slots {
    all: Vec<Option<Arc<ConnectionState>>>,
    free: Vec<usize>,
}

/// Takes a connection off the sweep's list when it ends.
pub struct Watched {
    worker: Rc<Worker>,
    slot: usize,
}

/// How often the sweep looks; deadlines are kept to within this.
const TICK: Duration = Duration::from_millis(250);

impl Worker {
    /// A worker without connections.
    pub fn new(shared: Arc<Shared>) -> Rc<Self> {
        advance_coarse_clock(shared.started);
        let snapshot = shared.snapshot.load_full();
        Rc::new(Self {
            current: RefCell::new(Current::new(snapshot, None)),
            scratch: RefCell::new(detect::Worker::resident()),
            connections: RefCell::default(),
            shared,
        })
    }

    /// The configuration that is serving, with its pools. After a reload, pools of unchanged upstreams go on.
    pub fn current(&self) -> Current {
        let latest = self.shared.snapshot.load();
        if Arc::ptr_eq(&latest, &self.current.borrow().snapshot) {
            return self.current.borrow().clone();
        }
        let fresh = Current::new(
            arc_swap::Guard::into_inner(latest),
            Some(&self.current.borrow()),
        );
        *self.current.borrow_mut() = fresh.clone();
        fresh
    }

    /// Runs the engine with this core's scratch memory. Scratch that a panic left behind is thrown away.
    pub fn with_scratch<R>(&self, inspect: impl FnOnce(&mut detect::Worker) -> R) -> R {
        let mut scratch = self.scratch.take();
        let result = inspect(&mut scratch);
        *self.scratch.borrow_mut() = scratch;
        result
    }

    /// The caps for a new connection.
    pub fn caps(&self) -> ConnectionCaps {
        let caps = &self.shared.snapshot.load().config.caps;
        ConnectionCaps {
            wire: wire::Limits {
                head: caps.head.as_usize(),
                headers: caps.headers,
                target: caps.head.as_usize().min(16 * 1024),
            },
            streams: caps.streams,
        }
    }

    /// Whether a new connection is to be measured: a model reads connections, or records carry what it would read.
    pub fn measures_connections(&self) -> bool {
        let snapshot = self.shared.snapshot.load();
        snapshot.config.records.flow || snapshot.detector.ensemble().reads_connections()
    }

    /// Puts a connection on the sweep's list for as long as the answer lives.
    pub fn watch(self: &Rc<Self>, state: &Arc<ConnectionState>) -> Watched {
        let mut slots = self.connections.borrow_mut();
        let slot = slots.free.pop().unwrap_or_else(|| {
            slots.all.push(None);
            slots.all.len() - 1
        });
        slots.all[slot] = Some(state.clone());
        Watched {
            worker: self.clone(),
            slot,
        }
    }

    /// Moves the clock, ends what waits too long, and drops stale connections to upstreams; for ever.
    pub async fn sweep(self: Rc<Self>) {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut pools_swept = Instant::now();
        loop {
            ticks.tick().await;
            advance_coarse_clock(self.shared.started);
            self.end_the_overdue();
            if pools_swept.elapsed() >= SWEEP_EVERY {
                pools_swept = Instant::now();
                for upstream in self.current().upstreams.iter() {
                    upstream.sweep();
                }
            }
        }
    }

    fn end_the_overdue(&self) {
        let timeouts = self.shared.snapshot.load().config.timeouts.clone();
        let patience = Patience {
            head: timeouts.head.get(),
            idle: timeouts.idle.get(),
            rate: timeouts.min_rate.bytes_per_second,
            grace: timeouts.min_rate.grace.get(),
        };
        for state in self.connections.borrow().all.iter().flatten() {
            if let Some(cut) = state.overdue(&patience, TICK) {
                state.cut(cut);
            }
        }
    }
}

impl Current {
    fn new(snapshot: Arc<Snapshot>, before: Option<&Current>) -> Self {
        let upstreams = snapshot
            .upstreams
            .iter()
            .map(|spec| {
                let unchanged = before.and_then(|before| {
                    let name = &*spec.name;
                    let same = before.snapshot.config.upstreams.get(name)
                        == snapshot.config.upstreams.get(name);
                    same.then(|| {
                        before
                            .upstreams
                            .iter()
                            .find(|pool| *pool.spec.name == *name)
                            .cloned()
                    })
                    .flatten()
                });
                unchanged.unwrap_or_else(|| Rc::new(Upstream::new(spec.clone())))
            })
            .collect();
        Self {
            snapshot,
            upstreams: Rc::new(upstreams),
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let mut slots = self.worker.connections.borrow_mut();
        slots.all[self.slot] = None;
        slots.free.push(self.slot);
    }
}

impl Census {
    /// Counts a connection of `peer` in; `false` when it has `cap` already.
    pub fn enter(&self, peer: std::net::IpAddr, cap: usize) -> bool {
        let mut by_peer = self
            .by_peer
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let count = by_peer.entry(peer).or_insert(0);
        if cap > 0 && *count >= cap {
            return false;
        }
        *count += 1;
        true
    }

    /// Counts it out.
    pub fn leave(&self, peer: std::net::IpAddr) {
        let mut by_peer = self
            .by_peer
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(count) = by_peer.get_mut(&peer) {
            *count -= 1;
            if *count == 0 {
                by_peer.remove(&peer);
            }
        }
    }
}
