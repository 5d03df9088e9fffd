//! The thread that measures outliers: it rests, measures, and rests at least ten times as long as that took. It runs
//! where no other thread wants to, and the work of a measurement stays on one thread, however many the machine has.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use portcullis_detect::SystemClock;
use portcullis_detect::behaviour::State;
use portcullis_detect::behaviour::detect::Outlier;

use super::measure;
use crate::metrics::Metrics;
use crate::sys;

/// Of the time, a measurement takes a tenth at most.
const REST: u32 = 10;

/// Keeps the thread going. Once it is dropped, the thread ends with the measurement that is under way.
pub struct Watch {
    _stop: SyncSender<()>,
}

struct Watcher {
    state: Arc<State>,
    settings: Outlier,
    metrics: Arc<Metrics>,
    /// One thread: what the clustering would spread over all of the machine's.
    pool: rayon::ThreadPool,
}

impl Watch {
    /// Starts measuring; nothing where the settings say never.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(
        settings: &Outlier,
        state: &Arc<State>,
        metrics: Arc<Metrics>,
    ) -> Result<Option<Self>, String> {
        if settings.every == 0 {
            return Ok(None);
        }
        let cannot = |error: String| format!("outliers cannot be measured: {error}");
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(1)
            .thread_name(|_| "outliers".into())
            .start_handler(|_| sys::step_back())
            .build()
            .map_err(|error| cannot(error.to_string()))?;
        let watcher = Watcher {
            state: state.clone(),
            settings: settings.clone(),
            metrics,
            pool,
        };
        let (stop, stopped) = sync_channel(1);
        thread::Builder::new()
            .name("outlier-clock".into())
            .spawn(move || watcher.run(&stopped))
            .map_err(|error| cannot(error.to_string()))?;
        Ok(Some(Self { _stop: stop }))
    }
}

impl Watcher {
    fn run(&self, stopped: &Receiver<()>) {
        let every = Duration::from_secs(u64::from(self.settings.every));
        let mut rest = every;
        while stopped.recv_timeout(rest) == Err(RecvTimeoutError::Timeout) {
            let begin = Instant::now();
            let measured = self
                .pool
                .install(|| measure(&self.state, &self.settings, &SystemClock));
            let took = begin.elapsed();
            let sample = measured.distances.len();
            self.metrics
                .behaviour
                .measured(sample, measured.outliers, took);
            rest = every.max(took * REST);
        }
    }
}
