//! What happens, while it happens: stats each second, a sample of the traffic, and alerts, over a WebSocket or as
//! server-sent events. Each event is put into words once and shared by all who watch; nobody who watches can make the
//! gateway wait. Who reads too slowly misses events and is told how many; who does not read at all is dropped.

mod pulse;
mod sample;
mod serve;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use portcullis_store::Batch;
use serde::Serialize;
use tokio::sync::broadcast;
use tokio::time::Instant;

pub use self::pulse::{Pulse, Stats};
pub use self::sample::Traffic;
pub use self::serve::{Doc, router};
use crate::gateway::{Counted, Gateway};

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// The counters, once a second.
    Stats,
    /// One exchange out of a sample.
    Traffic,
    /// An alert that is new or has changed.
    Alert,
}

/// One event, ready to be sent.
#[derive(Clone, Debug)]
pub struct Event {
    /// What it is about.
    pub topic: Topic,
    /// The route and the host that were asked for, by which tenants are told apart; empty where it concerns all.
    pub concerns: (Box<str>, Box<str>),
    /// Of an alert: the tenant whose traffic it is about; empty where it is about others', or everybody's.
    pub tenant: Box<str>,
    /// The event as JSON on one line.
    pub json: Arc<str>,
}

/// The hub of the feed. Cheap to clone.
#[derive(Clone)]
pub struct Hub {
    sender: broadcast::Sender<Event>,
    watchers: Arc<AtomicUsize>,
    sampler: Arc<sample::Sampler>,
}

/// Somebody who watches; counts as one until dropped.
pub struct Watcher {
    events: broadcast::Receiver<Event>,
    hub: Hub,
    gateway: Arc<dyn Gateway>,
    /// When it has to show its credential again.
    until: Instant,
}

/// The most clients that watch at once.
pub const MOST_WATCHERS: usize = 64;

/// Events that wait for the slowest client. They are shared, a few hundred bytes each.
const WAITING: usize = 512;

/// How long somebody may watch before they have to come again, so that who may no longer watch does not go on.
const LIFETIME: Duration = Duration::from_secs(3600);

/// How often counters are told.
const EVERY: Duration = Duration::from_secs(1);

impl Topic {
    /// The word in events and questions.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stats => "stats",
            Self::Traffic => "traffic",
            Self::Alert => "alert",
        }
    }
}

impl Default for Hub {
    fn default() -> Self {
        Self {
            sender: broadcast::channel(WAITING).0,
            watchers: Arc::default(),
            sampler: Arc::default(),
        }
    }
}

impl Hub {
    /// How many watch.
    pub fn watchers(&self) -> usize {
        self.watchers.load(Ordering::Relaxed)
    }

    /// Lets one more watch; `None` where there are too many.
    pub fn watch(&self, gateway: Arc<dyn Gateway>) -> Option<Watcher> {
        let seated = self
            .watchers
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |now| {
                (now < MOST_WATCHERS).then_some(now + 1)
            });
        let before = seated.ok()?;
        gateway.count(Counted::Watchers(before + 1));
        Some(Watcher {
            events: self.sender.subscribe(),
            hub: self.clone(),
            gateway,
            until: Instant::now() + LIFETIME,
        })
    }

    /// Begins a second, in which so many records may be shown.
    #[cfg(test)]
    pub(crate) fn next_second(&self) {
        self.sampler.refill();
    }

    /// Shows records to whoever watches, as many as a second may have.
    pub fn show(&self, batch: &Batch) {
        if self.watchers() == 0 {
            return;
        }
        for entry in batch.iter().filter(|entry| self.sampler.takes(entry)) {
            let concerns = (entry.record.route.clone(), entry.record.host.clone());
            self.tell(Topic::Traffic, concerns, "", &Traffic::of(entry));
        }
    }

    /// Tells of an alert, at once: who belongs to `tenant`, and who sees everything.
    pub fn alert<T: Serialize>(&self, tenant: &str, alert: &T) {
        self.tell(Topic::Alert, Default::default(), tenant, alert);
    }

    fn tell<T: Serialize>(
        &self,
        topic: Topic,
        concerns: (Box<str>, Box<str>),
        tenant: &str,
        data: &T,
    ) {
        let told = Told {
            kind: topic.as_str(),
            data,
        };
        if let Ok(json) = serde_json::to_string(&told) {
            // It fails only where nobody watches.
            let _ = self.sender.send(Event {
                topic,
                concerns,
                tenant: tenant.into(),
                json: json.into(),
            });
        }
    }

    /// Tells the counters each second while somebody watches; for ever.
    pub async fn beat(self, gateway: Arc<dyn Gateway>) {
        let mut ticks = tokio::time::interval(EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut before: Option<Pulse> = None;
        loop {
            ticks.tick().await;
            self.sampler.refill();
            if self.watchers() == 0 {
                before = None;
                continue;
            }
            let now = gateway.pulse();
            if let Some(before) = before.replace(now.clone()) {
                let stats = Stats::between(&before, &now, self.watchers());
                self.tell(Topic::Stats, Default::default(), "", &stats);
            }
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let before = self.hub.watchers.fetch_sub(1, Ordering::Relaxed);
        self.gateway
            .count(Counted::Watchers(before.saturating_sub(1)));
    }
}

/// An event as it is written: what it is about, and the thing itself.
#[derive(Serialize)]
struct Told<'a, T> {
    #[serde(rename = "type")]
    kind: &'static str,
    data: &'a T,
}
