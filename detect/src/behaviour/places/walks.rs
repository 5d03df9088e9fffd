//! All steps from place to place together: how many there are, how surprising one is where nothing better is known,
//! and whether so many clients walk in new ways that it is the application that has changed, not they.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::behaviour::window::left;

/// Steps are counted in quarters.
pub(super) const QUARTERS: f32 = 4.0;

/// Seconds for which clients are counted.
pub(super) const HOUR: f32 = 3600.0;

/// So many strangers, and such a share of all who walk about with a browser, are no attack but a new release.
const STRANGERS: f32 = 10.0;
const STRANGE_SHARE: f32 = 0.5;

/// All steps together.
#[derive(Debug, Default)]
pub(super) struct Walks {
    quarters: AtomicU64,
    /// Steps of browsers ever.
    seen: AtomicU64,
    /// Bits that a step out of an unknown place costs on average, as bits of `f32`.
    expected: AtomicU32,
    crowd: Mutex<Crowd>,
    /// What the crowd was found to be when it last changed: clients, as bits of `f32`.
    clients: AtomicU32,
    changed: AtomicBool,
}

/// Who walked about within an hour, faded.
#[derive(Clone, Copy, Debug, Default)]
struct Crowd {
    last: u64,
    clients: f32,
    walkers: f32,
    strangers: f32,
}

/// Somebody who is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Walker {
    /// Any client that has sent some requests.
    Client,
    /// One that has a session and says to be a browser.
    Browser,
    /// One of these whose steps have become strange.
    Stranger,
}

impl Walks {
    /// Learns steps, and forgets others, in quarters.
    pub(super) fn learn(&self, learnt: u64, forgotten: u64) {
        self.quarters.fetch_add(learnt, Ordering::Relaxed);
        if forgotten > 0 {
            let less = |quarters: u64| Some(quarters.saturating_sub(forgotten));
            let _ = self
                .quarters
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        }
    }

    /// Counts a step of a browser's session.
    pub(super) fn see(&self) {
        self.seen.fetch_add(1, Ordering::Relaxed);
    }

    /// How many steps of browsers' sessions there were.
    pub(super) fn seen(&self) -> f32 {
        self.seen.load(Ordering::Relaxed) as f32
    }

    /// How many steps are known.
    pub(super) fn steps(&self) -> f32 {
        self.quarters.load(Ordering::Relaxed) as f32 / QUARTERS
    }

    /// By how many bits a step to a place with so many steps is more surprising than others of which nothing better is
    /// known.
    pub(super) fn surplus(&self, there: f32, learns: bool) -> f32 {
        let bits = -((there + 1.0) / (self.steps() + 100.0)).log2();
        let expected = f32::from_bits(self.expected.load(Ordering::Relaxed));
        if learns {
            // Two at once may lose one of them: it is an average.
            let after = expected + (bits.min(12.0) - expected) / 256.0;
            self.expected.store(after.to_bits(), Ordering::Relaxed);
        }
        bits - expected
    }

    /// Counts who walks about, once for each.
    pub(super) fn walker(&self, tick: u64, who: Walker) {
        let mut crowd = self.crowd.lock().unwrap_or_else(PoisonError::into_inner);
        crowd.pass(tick);
        *match who {
            Walker::Client => &mut crowd.clients,
            Walker::Browser => &mut crowd.walkers,
            Walker::Stranger => &mut crowd.strangers,
        } += 1.0;
        let changed =
            crowd.strangers >= STRANGERS && crowd.strangers > STRANGE_SHARE * crowd.walkers;
        self.clients
            .store(crowd.clients.to_bits(), Ordering::Relaxed);
        self.changed.store(changed, Ordering::Relaxed);
    }

    /// Clients of an hour, as of the last who came.
    pub(super) fn clients(&self) -> f32 {
        f32::from_bits(self.clients.load(Ordering::Relaxed))
    }

    /// Whether the application has changed.
    pub(super) fn changed(&self) -> bool {
        self.changed.load(Ordering::Relaxed)
    }
}

impl Crowd {
    fn pass(&mut self, tick: u64) {
        let kept = left(tick.saturating_sub(self.last), HOUR);
        self.clients *= kept;
        self.walkers *= kept;
        self.strangers *= kept;
        self.last = self.last.max(tick);
    }
}
