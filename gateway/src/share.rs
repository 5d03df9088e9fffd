//! What several gateways share through Redis or Valkey: what their limits let through, their bans, and what they
//! learned of clients. A thread of its own takes from the limits, the bans and the behaviour state what is new, sends
//! it in a batch, and takes in the batches of the others. Requests never wait for it: they are decided by the memory
//! of this process, and where the server is slow or gone, that memory is simply less well informed.

mod link;
mod message;
mod plan;
mod session;

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use portcullis_detect::behaviour::State;
use tokio::sync::oneshot;

use self::link::Link;
pub(crate) use self::plan::{Plan, hashing};
use self::session::Session;
use crate::limit::Limits;
use crate::metrics::Metrics;

/// The first pause after a lost connection; each further one is twice as long, up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The thread that shares. Dropping it ends the thread.
pub(crate) struct Share {
    desk: Arc<Desk>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What is shared, and where it is counted.
struct Desk {
    limits: Arc<Limits>,
    state: ArcSwap<State>,
    metrics: Arc<Metrics>,
}

impl Share {
    /// Starts to share. That the server cannot be reached is no error: it is tried again until it can.
    ///
    /// # Errors
    /// When no thread can be started.
    pub(crate) fn start(
        plan: Plan,
        limits: Arc<Limits>,
        state: Arc<State>,
        metrics: Arc<Metrics>,
    ) -> Result<Self, String> {
        state.bans().follow();
        let desk = Arc::new(Desk {
            limits,
            state: ArcSwap::new(state),
            metrics,
        });
        let (stop, stopped) = oneshot::channel();
        let cannot = |error: std::io::Error| format!("share: its thread cannot start: {error}");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(cannot)?;
        let shared = desk.clone();
        let thread = thread::Builder::new()
            .name("share".into())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        () = share(&plan, &shared) => {}
                        _ = stopped => {}
                    }
                });
            })
            .map_err(cannot)?;
        Ok(Self {
            desk,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// From now on shares what this memory knows: behaviour was switched on by a reload.
    pub(crate) fn speak_of(&self, state: Arc<State>) {
        state.bans().follow();
        self.desk.state.store(state);
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic there was reported when it happened.
            let _ = thread.join();
        }
    }
}

/// One session after the other, for ever.
async fn share(plan: &Plan, desk: &Desk) {
    let mut pause = FIRST_PAUSE;
    let mut told = false;
    let mut last = Instant::now();
    let mut words = Vec::new();
    loop {
        let opened = match Link::open(plan).await {
            Ok(link) => Session::open(plan, desk, link, &mut words).await,
            Err(error) => Err(error),
        };
        let error = match opened {
            Ok(mut session) => {
                tracing::info!("sharing limits and bans with other gateways");
                (pause, told) = (FIRST_PAUSE, false);
                desk.metrics.share.up(true);
                let error = session.run().await;
                desk.metrics.share.up(false);
                last = session.exchanged();
                error
            }
            Err(error) => error,
        };
        if !told {
            tracing::warn!(%error, "the server that gateways share through does not answer; each decides alone until it does");
            told = true;
        }
        // Not all gateways at once.
        let wait = pause.mul_f64(0.5 + fastrand::f64());
        tokio::time::sleep(wait).await;
        desk.metrics.share.lag(last.elapsed());
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}
