//! The admin plane: metrics, health and the API, on a listener, a thread and a small runtime of its own, so that a
//! question takes nothing from a worker and a busy worker delays no answer. What is answered stands in
//! `portcullis-admin`; here are the sockets it is answered on (`serve.rs`) and what it asks of the process
//! (`process.rs`).

pub(crate) mod analyze;
pub(crate) mod layers;
mod models;
pub(crate) mod process;
pub(crate) mod redact;
pub(crate) mod serve;
mod stall;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use portcullis_admin::alerts::Parts;
use portcullis_admin::{Access, Api, Hub, bans, overlay};
use portcullis_store::Subscription;
use tokio::sync::oneshot;

use crate::metrics::Metrics;
use crate::{access, alerts};

/// What the admin plane tells of the process as a whole.
pub(crate) struct AdminState {
    /// What is counted.
    pub metrics: Arc<Metrics>,
    phase: AtomicU8,
}

/// Where the process stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Phase {
    /// Not yet listening.
    Starting,
    /// Taking requests.
    Serving,
    /// Finishing what it has; new traffic should go elsewhere.
    Draining,
}

/// The running admin plane. Dropping it ends it.
pub(crate) struct Admin {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl AdminState {
    /// Starts out as [`Phase::Starting`].
    pub(crate) fn new(metrics: Arc<Metrics>) -> Self {
        Self {
            metrics,
            phase: AtomicU8::new(Phase::Starting as u8),
        }
    }

    /// Moves on to another phase.
    pub(crate) fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Release);
    }

    /// The phase now.
    pub(crate) fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Acquire) {
            0 => Phase::Starting,
            1 => Phase::Serving,
            _ => Phase::Draining,
        }
    }
}

impl Phase {
    /// The word in `/readyz`.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Serving => "serving",
            Self::Draining => "draining",
        }
    }
}

impl Admin {
    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Admin {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic there was reported when it happened.
            let _ = thread.join();
        }
    }
}

/// Applies the settings made by API, then serves on `listener` until the returned handle is dropped.
///
/// # Errors
/// When the listener cannot be used by the runtime or no thread can be started.
pub(crate) fn spawn(
    listener: TcpListener,
    state: Arc<AdminState>,
    api: Api,
    access: Access,
    feed: Option<Subscription>,
    watching: Option<Parts>,
) -> io::Result<Admin> {
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING)
        .thread_keep_alive(Duration::from_secs(5))
        .build()?;
    let listener = {
        let _guard = runtime.enter();
        tokio::net::TcpListener::from_std(listener)?
    };
    runtime.block_on(overlay_at_start(&api));
    let (stop, stopped) = oneshot::channel::<()>();
    let thread = thread::Builder::new().name("admin".into()).spawn(move || {
        runtime.block_on(async {
            let router = portcullis_admin::plane(api.clone(), &access);
            tokio::spawn(api.hub().clone().beat(api.shared_gateway()));
            tokio::spawn(access::await_store(access.clone(), api.storage()));
            tokio::spawn(access.tend());
            tokio::spawn(show(feed, api.hub().clone()));
            if let Some(parts) = watching {
                tokio::spawn(alerts::count(state.metrics.clone(), parts.counts.clone()));
                tokio::spawn(portcullis_admin::alerts::run(parts));
            }
            tokio::spawn(overlay::follow(api.clone()));
            tokio::spawn(bans::follow(api));
            tokio::select! {
                () = serve::accept(listener, router, state) => {}
                _ = stopped => {}
            }
        });
        runtime.shutdown_timeout(LAST_QUESTIONS);
    })?;
    Ok(Admin {
        address,
        stop: Some(stop),
        thread: Some(thread),
    })
}

/// Shows records to whoever watches, as they come in.
async fn show(feed: Option<Subscription>, hub: Hub) {
    let Some(mut feed) = feed else { return };
    while let Some(batch) = feed.next().await {
        hub.show(&batch);
    }
}

/// Settings made by API hold from the first request on. A store that does not answer must not keep the gateway from
/// starting; they are applied as soon as it does.
async fn overlay_at_start(api: &Api) {
    match tokio::time::timeout(START, overlay::catch_up(api)).await {
        Ok(Ok(())) => {}
        Ok(Err(problem)) => {
            tracing::error!(
                reason = problem.detail,
                errors = ?problem.errors,
                "the settings made by API do not hold yet"
            );
        }
        Err(_) => tracing::error!(
            "the store does not answer; the settings made by API do not hold until it does"
        ),
    }
}

/// Threads for what takes a while: trying requests, reading the rules.
const BLOCKING: usize = 2;
/// How long the start waits for the store.
const START: Duration = Duration::from_secs(5);
/// How long the end waits for what was asked last.
const LAST_QUESTIONS: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
