//! The task between records and people: twice a second it writes what was seen into the store, publishes it to whoever
//! watches live, and puts deliveries into their queue. An alert is published only after it is in the store, so that
//! what somebody has seen survives a crash. While the store is down, sightings wait within a bound.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use portcullis_config::Alerts as Settings;
use portcullis_store::alerts::{Alert, Alerts, Change, Level, Sighting};
use portcullis_store::{Batch, StoreError, Subscription};
use tokio::sync::{Notify, watch};
use tokio::time::{MissedTickBehavior, interval};

use super::matching;
use super::quiet;
use super::view::{AlertChange, AlertEvent};
use super::watch::{TenantOf, Watch};
use crate::live::Hub;

/// How often incidents are written.
const PULSE: Duration = Duration::from_millis(500);

/// How often what is too old is forgotten.
const HOUSEKEEPING: Duration = Duration::from_secs(3600);

/// The most sightings that wait for the store.
const MOST_WAITING: usize = 1000;

/// What the engine has done, for metrics.
#[derive(Debug, Default)]
pub struct Counts {
    /// Incidents opened.
    pub opened: AtomicU64,
    /// Sightings lost because the store was down for too long.
    pub lost: AtomicU64,
    /// Deliveries that succeeded.
    pub delivered: AtomicU64,
    /// Attempts of deliveries that failed.
    pub failed: AtomicU64,
    /// Deliveries given up.
    pub dead: AtomicU64,
    /// Groups of requests held in memory.
    pub groups: AtomicU64,
}

/// The task.
pub struct Engine {
    settings: watch::Receiver<Arc<Settings>>,
    tenant_of: TenantOf,
    watch: Watch,
    store: Alerts,
    hub: Hub,
    deliveries: Arc<Notify>,
    counts: Arc<Counts>,
    waiting: Vec<Sighting>,
}

impl Engine {
    /// Watches by `settings`, also when these change. `deliveries` is notified when something is to be told.
    pub fn new(
        settings: watch::Receiver<Arc<Settings>>,
        tenant_of: TenantOf,
        store: Alerts,
        hub: Hub,
        deliveries: Arc<Notify>,
        counts: Arc<Counts>,
    ) -> Self {
        let watch = Watch::new(&settings.borrow(), tenant_of.clone(), now_ms());
        Self {
            watch,
            settings,
            tenant_of,
            store,
            hub,
            deliveries,
            counts,
            waiting: Vec::new(),
        }
    }

    /// Runs until `batches` ends; what was seen by then is written.
    pub async fn run(mut self, mut batches: Subscription) {
        let mut pulse = interval(PULSE);
        pulse.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut housekeeping = interval(HOUSEKEEPING);
        loop {
            tokio::select! {
                batch = batches.next() => match batch {
                    Some(batch) => self.see(&batch, now_ms()),
                    None => break,
                },
                _ = pulse.tick() => {
                    self.write(now_ms()).await;
                    self.follow_settings();
                }
                _ = housekeeping.tick() => self.forget(now_ms()).await,
            }
        }
        self.write(now_ms()).await;
    }

    /// Rules that have changed begin to count anew; what the old ones saw was written just before.
    fn follow_settings(&mut self) {
        if self.settings.has_changed().unwrap_or(false) {
            let settings = self.settings.borrow_and_update().clone();
            self.watch = Watch::new(&settings, self.tenant_of.clone(), now_ms());
        }
    }

    fn see(&mut self, batch: &Batch, now_ms: i64) {
        for entry in batch.iter() {
            self.watch.see(entry, now_ms);
        }
    }

    /// Writes what was seen and what waited; stops at the first refusal of the store.
    async fn write(&mut self, now_ms: i64) {
        let fresh = self.watch.take(now_ms);
        self.counts
            .groups
            .store(self.watch.groups() as u64, Ordering::Relaxed);
        self.waiting.extend(fresh);
        let mut written = 0;
        for sighting in &self.waiting {
            match self.note(sighting, now_ms).await {
                Ok(event) => {
                    written += 1;
                    self.hub.alert(&sighting.tenant, &event);
                }
                Err(error) => {
                    tracing::warn!(%error, "an alert could not be written; it is tried again");
                    break;
                }
            }
        }
        self.waiting.drain(..written);
        self.shed();
    }

    /// Gives up the oldest of what waits beyond the bound.
    fn shed(&mut self) {
        let beyond = self.waiting.len().saturating_sub(MOST_WAITING);
        self.waiting.drain(..beyond);
        self.counts.lost.fetch_add(beyond as u64, Ordering::Relaxed);
    }

    async fn note(&self, sighting: &Sighting, now_ms: i64) -> Result<AlertEvent, StoreError> {
        let window_ms = milliseconds(self.settings.borrow().window.get());
        let noted = self.store.note(sighting, window_ms).await?;
        if noted.change == Change::Opened {
            self.counts.opened.fetch_add(1, Ordering::Relaxed);
        }
        if noted.change != Change::Grown {
            self.tell(&noted.alert, noted.change, now_ms).await?;
        }
        Ok(AlertEvent::of(&noted.alert, AlertChange::of(noted.change)))
    }

    async fn tell(&self, alert: &Alert, change: Change, now_ms: i64) -> Result<(), StoreError> {
        let settings = self.settings.borrow().clone();
        for (name, receiver) in &settings.receivers {
            if alert.level < matching::level(receiver.least) {
                continue;
            }
            let urgent = alert.level == Level::Critical;
            let hours = receiver.quiet.as_ref().filter(|_| !urgent);
            let due_ms = quiet::due_ms(hours, now_ms);
            let repeat_ms = milliseconds(receiver.repeat.get());
            if self
                .store
                .tell(&alert.id, name, change, (now_ms, due_ms), repeat_ms)
                .await?
            {
                self.deliveries.notify_one();
            }
        }
        Ok(())
    }

    async fn forget(&self, now_ms: i64) {
        let keep_ms = milliseconds(self.settings.borrow().keep.get());
        match self.store.forget(now_ms.saturating_sub(keep_ms)).await {
            Ok(0) => {}
            Ok(gone) => tracing::info!(gone, "alerts older than alerts.keep were forgotten"),
            Err(error) => tracing::warn!(%error, "old alerts could not be forgotten"),
        }
    }
}

pub(super) fn now_ms() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, milliseconds)
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
