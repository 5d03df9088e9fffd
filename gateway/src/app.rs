//! The process: binds what is configured, starts a worker per core and the admin plane, follows changes of the file
//! and signals, and ends in order.

use std::collections::HashMap;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use portcullis_admin::{Access, Api, Hub};
use portcullis_config::{self as config, Config};
use rustls::ServerConfig;
use tokio::runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::LocalSet;

use crate::admin::layers::Layers;
use crate::admin::process::{self, Process};
use crate::admin::{self, AdminState, Phase};
use crate::alerts::Alerts;
use crate::allowed::AllowList;
use crate::ledger::Ledger;
use crate::limit::{LimitClock, Limits};
use crate::listen::{self, Bound};
use crate::memory::Memory;
use crate::metrics::Metrics;
use crate::models::Models;
use crate::record::{Recorder, Sink};
use crate::reload::{self, Watcher};
use crate::share::{self, Plan, Share};
use crate::snapshot::Snapshot;
use crate::state_dir::StateDir;
use crate::worker::{Shared, Worker};
use crate::{access, sys, tls};

/// A gateway that is bound and serving.
pub struct App {
    shared: Arc<Shared>,
    admin_state: Arc<AdminState>,
    admin: admin::Admin,
    workers: Vec<Hand>,
    listeners: HashMap<SocketAddr, Listening>,
    places: Arc<Semaphore>,
    memory: Memory,
    models: Models,
    share: Option<Share>,
    layers: Arc<Layers>,
    access: Access,
    alerts: Alerts,
    ledger: Option<Ledger>,
    state_dir: Option<PathBuf>,
    /// What the operator has to be told once: the password of the first user.
    welcome: Option<String>,
}

/// One worker's thread, and the way to hand it listeners.
struct Hand {
    listeners: mpsc::Sender<(StdListener, Bound)>,
    thread: thread::JoinHandle<()>,
}

/// A listener that is open.
struct Listening {
    bound: Bound,
    tls: watch::Sender<Option<Arc<ServerConfig>>>,
    drain: watch::Sender<bool>,
}

/// Listeners that may wait for a worker to take them.
const LISTENERS_AT_ONCE: usize = 1024;
/// How often sessions of models that were replaced are dropped.
const TIDY: Duration = Duration::from_secs(5);
/// How long the end waits for records to be written.
const FLUSH: Duration = Duration::from_secs(5);

impl App {
    /// Compiles, binds and starts everything. `state_dir` is where the command line wants the state folder.
    ///
    /// # Errors
    /// Sentences for the operator. Nothing is served then.
    pub fn start(config: Config, state_dir: Option<PathBuf>) -> Result<Self, Vec<String>> {
        let one = |sentence: String| vec![sentence];
        if let Some(limit) = sys::raise_descriptor_limit() {
            tracing::debug!(limit, "descriptor limit");
        }
        let metrics = Metrics::new()
            .map_err(|error| one(format!("the metrics cannot be set up: {error}")))?;
        let limits = Limits::new(
            LimitClock::system(),
            metrics.limit_keys.clone(),
            metrics.limit_evictions.clone(),
        );
        let plan = Plan::of(&config).map_err(one)?;
        let limits = Arc::new(match &plan {
            Some(plan) => limits.shared(plan.hashing()),
            None => limits,
        });
        let memory = memory(&config, state_dir.clone(), &metrics).map_err(one)?;
        let layers = Arc::new(Layers::new(config.clone()));
        let threads = worker_count(&config);
        let models = Models::load(&config.ensemble, threads, &metrics, &Models::none())?;
        let snapshot = Snapshot::build(config, &limits, &metrics, memory.state(), &models)?;
        let config = snapshot.config.clone();
        let tls = listeners_tls(&config)?;
        // Everything is bound before anything is served, so that a failure leaves nothing half started.
        let mut sockets = Vec::new();
        let mut problems = Vec::new();
        for (listener, tls) in config.listeners.iter().zip(tls) {
            match listen::bind(listener.address, threads) {
                Ok(bound) => sockets.push((listener.address, bound, tls)),
                Err(problem) => problems.push(problem),
            }
        }
        let admin_socket = listen::bind(config.admin.address, 1);
        let admin_socket = match admin_socket {
            Ok(mut sockets) => sockets.pop(),
            Err(problem) => {
                problems.push(format!("admin: {problem}"));
                None
            }
        };
        let (Some(admin_socket), true) = (admin_socket, problems.is_empty()) else {
            return Err(problems);
        };
        let ledger = Ledger::start(&config, state_dir.clone(), metrics.clone()).map_err(one)?;
        let recorder = Recorder::start(
            sink(&config.records),
            config.records.queue,
            metrics.records_dropped.clone(),
            ledger.as_ref().map(Ledger::intake),
        )
        .map_err(|error| one(format!("records cannot be written: {error}")))?;
        metrics
            .rules_loaded
            .set(i64::try_from(snapshot.detector.rules().len()).unwrap_or(i64::MAX));
        let places = Arc::new(Semaphore::new(
            config.caps.connections.min(Semaphore::MAX_PERMITS),
        ));
        let share = plan
            .map(|plan| {
                Share::start(
                    plan,
                    limits.clone(),
                    memory.state().clone(),
                    metrics.clone(),
                )
            })
            .transpose()
            .map_err(one)?;
        let shared = Arc::new(Shared {
            snapshot: ArcSwap::from_pointee(snapshot),
            metrics: metrics.clone(),
            recorder,
            limits,
            census: Default::default(),
            started: Instant::now(),
        });
        let admin_state = Arc::new(AdminState::new(metrics));
        let storage = ledger
            .as_ref()
            .map_or_else(|| watch::channel(None).1, Ledger::database);
        let feed = ledger.as_ref().map(|ledger| ledger.feed().subscribe());
        let hub = Hub::default();
        let (alerts, watching) = Alerts::open(&config, ledger.as_ref(), &hub);
        let (access, welcome) = access::open(&config, &storage).map_err(one)?;
        let process = Process {
            state: admin_state.clone(),
            shared: shared.clone(),
            layers: layers.clone(),
            access: access.clone(),
            about: process::about(&config, ledger.as_ref().map(Ledger::node), threads),
        };
        let api = Api::new(Arc::new(process), storage, hub);
        let admin = admin::spawn(
            admin_socket,
            admin_state.clone(),
            api,
            access.clone(),
            feed,
            watching,
        )
        .map_err(|error| one(format!("the admin plane cannot start: {error}")))?;
        let workers = (0..threads)
            .map(|number| spawn_worker(number, &shared, &places))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| one(format!("a worker cannot start: {error}")))?;
        let mut app = Self {
            shared,
            admin_state,
            admin,
            workers,
            listeners: HashMap::new(),
            places,
            memory,
            models,
            share,
            layers,
            access,
            alerts,
            ledger,
            state_dir,
            welcome,
        };
        for (configured, bound, tls) in sockets {
            app.open(configured, bound, tls);
        }
        app.admin_state.enter(Phase::Serving);
        sys::release_free_memory();
        Ok(app)
    }

    /// The addresses that are served, with their real ports; `true` for TLS.
    pub fn addresses(&self) -> Vec<(SocketAddr, bool)> {
        let mut all: Vec<_> = self
            .listeners
            .values()
            .map(|listening| {
                (
                    listening.bound.address,
                    listening.bound.tls.borrow().is_some(),
                )
            })
            .collect();
        all.sort();
        all
    }

    /// Where the admin plane is.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin.address()
    }

    /// What the operator has to be told once, where a first user was made. The second call has nothing to say.
    pub fn welcome(&mut self) -> Option<String> {
        self.welcome.take()
    }

    /// How many rules are live, and how many workers.
    pub fn size(&self) -> (usize, usize) {
        (
            self.shared.snapshot.load().detector.rules().len(),
            self.workers.len(),
        )
    }

    /// Whether models are asked for an opinion; which of them are up, the metrics tell.
    pub fn asks_models(&self) -> bool {
        self.shared.snapshot.load().config.ensemble.enabled
    }

    /// Whether behaviour is judged.
    pub fn watches_behaviour(&self) -> bool {
        self.shared.snapshot.load().detector.behaviour().is_on()
    }

    /// Waits until every record so far is written, for some seconds at most; whether they are.
    pub fn flush_records(&self) -> bool {
        self.shared.recorder.flush(FLUSH)
    }

    /// Serves until a signal ends it; follows changes of `file`.
    pub fn run(mut self, file: Option<PathBuf>) -> std::io::Result<()> {
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            let mut hangup = signal(SignalKind::hangup())?;
            let mut terminate = signal(SignalKind::terminate())?;
            let mut interrupt = signal(SignalKind::interrupt())?;
            let mut watcher = Watcher::new(file.clone());
            let mut tidy = tokio::time::interval(TIDY);
            loop {
                tokio::select! {
                    _ = hangup.recv() => {
                        self.shared.recorder.reopen();
                        watcher.forget();
                        self.reload(file.as_deref());
                    }
                    () = watcher.changed() => self.reload(file.as_deref()),
                    _ = tidy.tick() => {
                        drop(self.models.ensemble().retired());
                        self.models.tell_changes(&self.shared.metrics);
                    }
                    _ = terminate.recv() => break,
                    _ = interrupt.recv() => break,
                }
            }
            Ok::<_, std::io::Error>(())
        })?;
        self.end();
        Ok(())
    }

    /// Reads the file again and swaps the whole configuration, or keeps the old one.
    fn reload(&mut self, file: Option<&Path>) {
        let Some(file) = file else { return };
        let outcome = self.try_reload(file);
        match &outcome {
            Ok(true) => tracing::info!(file = %file.display(), "configuration reloaded"),
            Ok(false) => tracing::debug!(file = %file.display(), "configuration unchanged"),
            Err(problems) => {
                for problem in problems {
                    tracing::error!("{problem}");
                }
                tracing::error!(
                    file = %file.display(),
                    problems = problems.len(),
                    "the new configuration is refused; the old one serves on"
                );
            }
        }
        self.shared.metrics.config_reload(match outcome {
            Ok(true) => "applied",
            Ok(false) => "unchanged",
            Err(_) => "refused",
        });
    }

    fn try_reload(&mut self, file: &Path) -> Result<bool, Vec<String>> {
        let from_file = reload::read(file)?;
        // Held to the end, so that a change by API waits.
        let layers = self.layers.clone();
        let mut before = layers.file();
        let fresh = layers.merge(&from_file);
        let old = self.shared.snapshot.load_full();
        if let Some(sentence) = reload::needs_restart(&old.config, &fresh) {
            return Err(vec![sentence]);
        }
        // Rules and certificates may have changed though the file has not, so the rest is always built.
        let unchanged =
            fresh == old.config && fresh.rules.directory.is_none() && !has_files(&fresh);
        if unchanged {
            return Ok(false);
        }
        let tls = listeners_tls(&fresh)?;
        let opened = (fresh.behaviour.enabled && !self.memory.is_open())
            .then(|| memory(&fresh, self.state_dir.clone(), &self.shared.metrics))
            .transpose()
            .map_err(|problem| vec![problem])?;
        let state = opened.as_ref().unwrap_or(&self.memory).state();
        let metrics = &self.shared.metrics;
        let threads = self.workers.len();
        let models = Models::load(&fresh.ensemble, threads, metrics, &self.models)?;
        let snapshot = Snapshot::build(fresh, &self.shared.limits, metrics, state, &models)?
            .allowing(AllowList::of(&layers.over().overlay));
        if let Some(opened) = opened {
            self.memory = opened;
            if let Some(share) = &self.share {
                share.speak_of(self.memory.state().clone());
            }
        }
        let mut opened = Vec::new();
        for (listener, tls) in snapshot.config.listeners.iter().zip(tls) {
            match self.listeners.get(&listener.address) {
                Some(open) => opened.push((listener.address, None, Some((open.tls.clone(), tls)))),
                None => {
                    let sockets = listen::bind(listener.address, self.workers.len())
                        .map_err(|problem| vec![problem])?;
                    opened.push((listener.address, Some((sockets, tls)), None));
                }
            }
        }
        self.shared
            .metrics
            .rules_loaded
            .set(i64::try_from(snapshot.detector.rules().len()).unwrap_or(i64::MAX));
        if old.config.records.output != snapshot.config.records.output {
            self.shared.recorder.switch(sink(&snapshot.config.records));
        }
        let kept: Vec<SocketAddr> = snapshot
            .config
            .listeners
            .iter()
            .map(|listener| listener.address)
            .collect();
        self.access.apply(access::settings(&snapshot.config));
        self.alerts.apply(&snapshot.config);
        self.shared.snapshot.store(Arc::new(snapshot));
        *before = from_file;
        self.models.ensemble().hand_over_to(models.ensemble());
        self.models = models;
        for (address, fresh, changed) in opened {
            if let Some((sockets, tls)) = fresh {
                self.open(address, sockets, tls);
            }
            if let Some((sender, tls)) = changed {
                sender.send_replace(tls);
            }
        }
        self.listeners.retain(|address, listening| {
            let keep = kept.contains(address);
            if !keep {
                tracing::info!(address = %listening.bound.address, "listener closed; its connections drain");
                listening.drain.send_replace(true);
            }
            keep
        });
        sys::release_free_memory();
        Ok(true)
    }

    fn open(
        &mut self,
        configured: SocketAddr,
        sockets: Vec<StdListener>,
        tls: Option<Arc<ServerConfig>>,
    ) {
        let address = sockets
            .first()
            .and_then(|socket| socket.local_addr().ok())
            .unwrap_or(configured);
        let (tls_sender, tls) = watch::channel(tls);
        let (drain_sender, drain) = watch::channel(false);
        let bound = Bound {
            address,
            tls,
            drain,
        };
        for (hand, socket) in self.workers.iter().zip(sockets) {
            // A worker takes its listeners as they come; one that ended has nothing to listen for.
            if hand.listeners.try_send((socket, bound.clone())).is_err() {
                tracing::error!(%address, "a worker is gone and does not listen");
            }
        }
        self.listeners.insert(
            configured,
            Listening {
                bound,
                tls: tls_sender,
                drain: drain_sender,
            },
        );
    }

    /// Stops accepting, lets what is under way finish within the deadline, and writes what is left to write.
    fn end(self) {
        let drain = self.shared.snapshot.load().config.shutdown.drain.get();
        tracing::info!(seconds = drain.as_secs(), "draining");
        self.admin_state.enter(Phase::Draining);
        for listening in self.listeners.values() {
            listening.drain.send_replace(true);
        }
        let deadline = Instant::now() + drain;
        while self.shared.metrics.connections.get() > 0 && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(20));
        }
        let left = self.shared.metrics.connections.get();
        if left > 0 {
            tracing::warn!(
                connections = left,
                "the drain time is over; cutting off what is left"
            );
        }
        self.places.close();
        for hand in self.workers {
            drop(hand.listeners);
            // A worker that panicked has said so already.
            let _ = hand.thread.join();
        }
        if !self.shared.recorder.flush(FLUSH) {
            tracing::warn!("some records could not be written in time");
        }
        drop(self.ledger);
        tracing::info!("ended");
    }
}

fn spawn_worker(
    number: usize,
    shared: &Arc<Shared>,
    places: &Arc<Semaphore>,
) -> std::io::Result<Hand> {
    let (sender, mut receiver) = mpsc::channel::<(StdListener, Bound)>(LISTENERS_AT_ONCE);
    let (shared, places) = (shared.clone(), places.clone());
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(4)
        .thread_keep_alive(Duration::from_secs(30))
        // Sockets are looked at this often while tasks keep the core busy.
        .event_interval(61)
        .build()?;
    let thread = thread::Builder::new()
        .name(format!("worker-{number}"))
        .spawn(move || {
            LocalSet::new().block_on(&runtime, async move {
                let worker = Worker::new(shared);
                tokio::task::spawn_local(worker.clone().sweep());
                while let Some((listener, bound)) = receiver.recv().await {
                    tokio::task::spawn_local(listen::accept(
                        worker.clone(),
                        listener,
                        bound,
                        places.clone(),
                    ));
                }
            });
            runtime.shutdown_timeout(Duration::from_secs(1));
        })?;
    Ok(Hand {
        listeners: sender,
        thread,
    })
}

fn worker_count(config: &Config) -> usize {
    match config.workers.threads {
        0 => thread::available_parallelism().map_or(1, usize::from),
        threads => threads,
    }
}

fn listeners_tls(config: &Config) -> Result<Vec<Option<Arc<ServerConfig>>>, Vec<String>> {
    let mut problems = Vec::new();
    let mut all = Vec::new();
    for listener in &config.listeners {
        match listener.tls.as_ref().map(tls::server_config).transpose() {
            Ok(tls) => all.push(tls),
            Err(problem) => problems.push(format!("listener {}: {problem}", listener.address)),
        }
    }
    if problems.is_empty() {
        Ok(all)
    } else {
        Err(problems)
    }
}

/// What is known of clients: kept in the state folder where behaviour is switched on.
fn memory(
    config: &Config,
    state_dir: Option<PathBuf>,
    metrics: &Arc<Metrics>,
) -> Result<Memory, String> {
    let shared = match (Plan::of(config)?, &config.store.secret) {
        (Some(plan), _) => Some(plan.hashing()),
        (None, Some(secret)) => Some(share::hashing(secret)),
        (None, None) => {
            if config.behaviour.enabled && config.store.database.starts_with("postgres") {
                tracing::info!(
                    "store.secret is unset: should several gateways have this database, bans of users, keys and sessions hold only where they are made"
                );
            }
            None
        }
    };
    if !config.behaviour.enabled {
        return Memory::idle(&config.behaviour, shared);
    }
    let place = StateDir::place(state_dir, config.admin.address.port());
    Memory::open(&config.behaviour, place, shared, metrics.clone())
}

fn has_files(config: &Config) -> bool {
    config.identity.tokens.jwks.is_some()
        || config.identity.networks.is_some()
        || config.ensemble.enabled
        || config
            .listeners
            .iter()
            .any(|listener| listener.tls.is_some())
}

fn sink(records: &config::Records) -> Sink {
    match &records.output {
        config::RecordOutput::Stdout => Sink::Stdout,
        config::RecordOutput::None => Sink::None,
        config::RecordOutput::File(path) => Sink::File(path.clone()),
    }
}

#[cfg(test)]
mod tests;
