//! What the process knows of its clients: the engine's behaviour state, loaded from the state folder, written back
//! while it changes, and asked about over the control socket. Lives beside the snapshots and outlives them all.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use portcullis_detect::SystemClock;
use portcullis_detect::behaviour::{Hashing, Settings, State};
use tokio::net::UnixListener;
use tokio::sync::oneshot;

use crate::control;
use crate::metrics::Metrics;
use crate::outliers::Watch;
use crate::state_dir::{StateDir, random_secret};

/// How often changes of the bans are written down, and ended ones forgotten.
const EVERY: Duration = Duration::from_secs(1);

/// The behaviour state, and the thread that keeps it. Dropping it writes the bans a last time.
pub struct Memory {
    state: Arc<State>,
    stop: Option<oneshot::Sender<()>>,
    keeper: Option<JoinHandle<()>>,
    /// Measures outliers for as long as it is kept.
    _watch: Option<Watch>,
}

impl Memory {
    /// For a process whose configuration switches behaviour off: nothing is read, written or kept. `shared` is the
    /// secret that several gateways have in common; without it one is drawn.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn idle(settings: &Settings, shared: Option<Hashing>) -> Result<Self, String> {
        let hashing = match shared {
            Some(shared) => Ok(shared),
            None => random_secret().map(Hashing::new),
        }
        .map_err(|error| format!("{error:#}"))?;
        Ok(Self {
            state: Arc::new(State::new(&settings.memory, hashing, &SystemClock)),
            stop: None,
            keeper: None,
            _watch: None,
        })
    }

    /// Opens the state folder, takes back the bans of the last run, and begins to keep them. Where the folder cannot
    /// be written, everything works but nothing outlives the process, and the log says so. `shared` is the secret that
    /// several gateways have in common; without it that of the folder is used.
    ///
    /// # Errors
    /// When what the folder holds cannot be used, or no thread can be started.
    pub fn open(
        settings: &Settings,
        place: PathBuf,
        shared: Option<Hashing>,
        metrics: Arc<Metrics>,
    ) -> Result<Self, String> {
        let folder = match StateDir::open(place) {
            Ok(folder) => Some(folder),
            Err(error) => {
                tracing::warn!(
                    "{error:#}; bans will not outlive this process, and `portcullis bans` cannot reach it"
                );
                None
            }
        };
        let sentence = |error: anyhow::Error| format!("state: {error:#}");
        let hashing = match (shared, &folder) {
            (Some(shared), _) => Ok(shared),
            (None, Some(folder)) => folder.secret(),
            (None, None) => random_secret().map(Hashing::new),
        }
        .map_err(sentence)?;
        let state = Arc::new(State::new(&settings.memory, hashing, &SystemClock));
        if let Some(folder) = &folder {
            state.bans().import(folder.bans().map_err(sentence)?);
        }
        let memory = u64::from(settings.bans.memory);
        let (stop, stopped) = oneshot::channel();
        let watch = Watch::start(&settings.detectors.outlier, &state, metrics.clone())?;
        let keeper = {
            let state = state.clone();
            thread::Builder::new()
                .name("memory".into())
                .spawn(move || {
                    let keeper = Keeper {
                        folder,
                        state,
                        metrics,
                        memory: Duration::from_secs(memory),
                    };
                    keeper.run(stopped);
                })
                .map_err(|error| format!("the keeper of the state folder cannot start: {error}"))?
        };
        Ok(Self {
            state,
            stop: Some(stop),
            keeper: Some(keeper),
            _watch: watch,
        })
    }

    /// Whether it keeps anything: the state folder is open.
    pub const fn is_open(&self) -> bool {
        self.keeper.is_some()
    }

    /// What is known.
    pub fn state(&self) -> &Arc<State> {
        &self.state
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(keeper) = self.keeper.take() {
            // A panic there was reported when it happened.
            let _ = keeper.join();
        }
    }
}

/// Keeps the state folder and the metrics current.
struct Keeper {
    folder: Option<StateDir>,
    state: Arc<State>,
    metrics: Arc<Metrics>,
    /// How long ended bans are remembered.
    memory: Duration,
}

impl Keeper {
    fn run(&self, stopped: oneshot::Receiver<()>) {
        let runtime = match tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
        {
            Ok(runtime) => runtime,
            Err(error) => {
                tracing::error!(%error, "bans are not written down");
                return;
            }
        };
        runtime.block_on(async {
            tokio::select! {
                () = self.talk() => {}
                () = self.keep() => {}
                _ = stopped => {}
            }
        });
        if let Some(folder) = &self.folder {
            let _ = std::fs::remove_file(folder.file(control::SOCKET));
            if let Err(error) = folder.keep_bans(&self.state.bans().export()) {
                tracing::error!("{error:#}");
            }
        }
    }

    async fn talk(&self) {
        let Some(folder) = &self.folder else {
            return std::future::pending().await;
        };
        let path = folder.file(control::SOCKET);
        // Left behind by a process that was killed; a living one holds another state folder.
        let _ = std::fs::remove_file(&path);
        match UnixListener::bind(&path) {
            Ok(listener) => control::serve(listener, self.state.clone()).await,
            Err(error) => {
                tracing::warn!(%error, socket = %path.display(), "`portcullis bans` cannot reach this process");
                std::future::pending().await
            }
        }
    }

    async fn keep(&self) {
        let mut written = self.state.bans().version();
        let mut failing = false;
        loop {
            tokio::time::sleep(EVERY).await;
            let wall = control::wall();
            self.state.bans().expire(wall, self.memory);
            self.metrics.behaviour.memory(&self.state.counts());
            let holding = self.state.bans().list(wall).len();
            self.metrics
                .behaviour
                .bans(&self.state.bans().counts(), holding);
            let version = self.state.bans().version();
            if version == written {
                continue;
            }
            let kept = self.folder.as_ref().map_or(Ok(()), |folder| {
                folder.keep_bans(&self.state.bans().export())
            });
            match kept {
                Ok(()) => {
                    written = version;
                    failing = false;
                }
                Err(error) if !failing => {
                    tracing::error!("{error:#}; trying again each second");
                    failing = true;
                }
                Err(_) => {}
            }
        }
    }
}
