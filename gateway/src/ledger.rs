//! The store's place in the process: a thread with a runtime of its own, which takes records from the recorder, writes
//! them into the database and shows them to the admin plane. Workers never come here.

mod bulk;
mod ecs;
mod elastic;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use portcullis_config::{Config, Store};
use portcullis_store::writer::{self, Settings};
use portcullis_store::{Database, Documents, Feed, Intake, Keep, StoreError, Subscription, Tally};
use tokio::sync::{oneshot, watch};

use self::elastic::Elastic;
use crate::metrics::Metrics;
use crate::state_dir::StateDir;

/// The running store. Dropping it writes what still waits.
pub(crate) struct Ledger {
    intake: Intake,
    feed: Feed,
    database: watch::Receiver<Option<Database>>,
    documents: Option<Documents>,
    node: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// How long the start waits for the database; a slower one is waited for while the gateway serves.
const FIRST_PATIENCE: Duration = Duration::from_secs(3);

/// How long the end waits for what is left to write.
const LAST_PATIENCE: Duration = Duration::from_secs(10);

/// How often counts are carried over to the metrics.
const COUNT_EVERY: Duration = Duration::from_millis(250);

/// Room in memory for each record that waits, in bytes.
const EACH: usize = 2048;

#[allow(dead_code, reason = "the admin API takes what it needs")]
impl Ledger {
    /// Starts the store that the configuration asks for; `None` where it asks for none, or where there is no place for
    /// it: that is said, and records are only lines then.
    ///
    /// # Errors
    /// When the database belongs to a newer version, or no thread can be started.
    pub(crate) fn start(
        config: &Config,
        state_dir: Option<PathBuf>,
        metrics: Arc<Metrics>,
    ) -> Result<Option<Self>, String> {
        if !config.store.is_on() {
            return Ok(None);
        }
        let folder = match StateDir::open(StateDir::place(state_dir, config.admin.address.port())) {
            Ok(folder) => Some(folder),
            Err(error) => {
                tracing::warn!("{error:#}");
                None
            }
        };
        let Some(url) = url(&config.store, folder.as_ref().map(StateDir::path)) else {
            tracing::warn!("there is no place for the store: records are written as lines only");
            return Ok(None);
        };
        let node = config
            .store
            .node
            .clone()
            .unwrap_or_else(|| node_name(config));
        let settings = Settings {
            node: node.clone(),
            url,
            spool: folder.map(|folder| folder.file("spool")),
            spool_bytes: config.store.spool.get(),
            keep: Keep {
                age: config.store.retention.age.get(),
                bytes: config.store.retention.size.get(),
            },
        };
        Self::spawn(settings, node, &config.store, metrics).map(Some)
    }

    fn spawn(
        settings: Settings,
        node: String,
        config: &Store,
        metrics: Arc<Metrics>,
    ) -> Result<Self, String> {
        let cannot = |error: std::io::Error| format!("store: its thread cannot start: {error}");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(cannot)?;
        let opened = runtime.block_on(first_open(&settings.url))?;
        let tally = Arc::new(Tally::default());
        let intake = Intake::new(
            config.queue,
            config.queue.saturating_mul(EACH),
            tally.clone(),
        );
        let feed = Feed::new(tally.clone());
        let elastic = config
            .elasticsearch
            .as_ref()
            .map(Elastic::new)
            .transpose()?;
        let documents = config
            .elasticsearch
            .as_ref()
            .map(|settings| Documents::new(settings.queue, tally.clone()));
        let (sender, database) = watch::channel(opened);
        let (stop, stopped) = oneshot::channel();
        let thread = {
            let (intake, feed) = (intake.clone(), feed.clone());
            let (documents, node) = (documents.clone(), node.clone());
            thread::Builder::new()
                .name("ledger".into())
                .spawn(move || {
                    let watching = feed.subscribe();
                    runtime.block_on(async {
                        tokio::select! {
                            () = writer::run(settings, intake, feed, sender, stopped) => {}
                            () = count(&metrics, &tally) => {}
                            () = forward(elastic, documents, watching, &node) => {}
                        }
                    });
                    metrics.store.refresh(&tally);
                })
                .map_err(cannot)?
        };
        Ok(Self {
            intake,
            feed,
            database,
            documents,
            node,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Where records are handed over.
    pub(crate) fn intake(&self) -> Intake {
        self.intake.clone()
    }

    /// What Elasticsearch gets besides records, where one is configured.
    pub(crate) fn documents(&self) -> Option<Documents> {
        self.documents.clone()
    }

    /// Every batch of records as it comes in.
    pub(crate) fn feed(&self) -> &Feed {
        &self.feed
    }

    /// The database, from the moment on that it could be opened.
    pub(crate) fn database(&self) -> watch::Receiver<Option<Database>> {
        self.database.clone()
    }

    /// The name that this gateway's records bear.
    pub(crate) fn node(&self) -> &str {
        &self.node
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        drop(self.stop.take());
        let Some(thread) = self.thread.take() else {
            return;
        };
        // A database that hangs must not keep the process from ending.
        let end = Instant::now() + LAST_PATIENCE;
        while !thread.is_finished() && Instant::now() < end {
            thread::sleep(Duration::from_millis(5));
        }
        if !thread.is_finished() {
            tracing::warn!("some records could not be stored in time");
        }
    }
}

/// A database that is there at once is there when the gateway begins to serve, and one of a newer version keeps it from
/// beginning. All else is tried again by the writer.
async fn first_open(url: &str) -> Result<Option<Database>, String> {
    match tokio::time::timeout(FIRST_PATIENCE, Database::open(url)).await {
        Ok(Ok(database)) => Ok(Some(database)),
        Ok(Err(error @ (StoreError::Newer(_) | StoreError::Migration(_) | StoreError::Url(_)))) => {
            Err(format!("store: {error}"))
        }
        Ok(Err(error)) => {
            tracing::warn!(%error, "the store cannot be opened yet; records wait in the spool");
            Ok(None)
        }
        Err(_) => {
            tracing::warn!("the store does not answer yet; records wait in the spool");
            Ok(None)
        }
    }
}

/// Sends records and other documents to Elasticsearch, where one is configured.
async fn forward(
    elastic: Option<Elastic>,
    documents: Option<Documents>,
    watching: Subscription,
    node: &str,
) {
    match (elastic, documents) {
        (Some(elastic), Some(documents)) => elastic.run(watching, &documents, node).await,
        // Nobody watches then, so that nothing is missed.
        _ => {
            drop(watching);
            std::future::pending().await
        }
    }
}

async fn count(metrics: &Metrics, tally: &Tally) {
    loop {
        metrics.store.refresh(tally);
        tokio::time::sleep(COUNT_EVERY).await;
    }
}

/// The database in a state folder.
pub(crate) const FILE: &str = "store.db";

/// The URL of the database, with its password; `None` where a file is wanted and there is no folder for it.
pub(crate) fn url(store: &Store, folder: Option<&Path>) -> Option<String> {
    match store.database.as_str() {
        "sqlite" => Some(file_url(&folder?.join(FILE).to_string_lossy())),
        text => match (text.strip_prefix("sqlite:"), &store.password) {
            (Some(path), _) => Some(file_url(path)),
            (None, Some(password)) => {
                let (scheme, rest) = text.split_once("://")?;
                let (user, place) = rest.split_once('@').unwrap_or(("postgres", rest));
                Some(format!(
                    "{scheme}://{user}:{}@{place}",
                    percent_encoded(password, b"-_.~")
                ))
            }
            (None, None) => Some(text.to_owned()),
        },
    }
}

/// The URL of a SQLite file, which is made where it is missing.
pub(crate) fn file_url(path: &str) -> String {
    format!("sqlite://{}?mode=rwc", percent_encoded(path, b"-_./~"))
}

/// For a part of a URL: what is neither letter, digit nor among `harmless` is written as `%xx`.
fn percent_encoded(text: &str, harmless: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b if b.is_ascii_alphanumeric() || harmless.contains(&b) => out.push(char::from(b)),
            b => out.push_str(&format!("%{b:02X}")),
        }
    }
    out
}

/// The machine's name and the admin port.
fn node_name(config: &Config) -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = match host.trim() {
        "" => "portcullis",
        host => host,
    };
    format!("{host}:{}", config.admin.address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_put_into_the_address_whatever_it_is() {
        let url = |database: &str, password: Option<&str>| {
            let store = Store {
                database: database.to_owned(),
                password: password.map(str::to_owned),
                ..Store::default()
            };
            url(&store, Some(Path::new("/a b")))
        };
        for (database, password, expected) in [
            ("sqlite", None, "sqlite:///a%20b/store.db?mode=rwc"),
            ("sqlite:/c?d.db", None, "sqlite:///c%3Fd.db?mode=rwc"),
            ("postgres://h/n", None, "postgres://h/n"),
            (
                "postgres://u@h:1/n",
                Some("a/b:c@d#"),
                "postgres://u:a%2Fb%3Ac%40d%23@h:1/n",
            ),
            ("postgres://h/n", Some("x"), "postgres://postgres:x@h/n"),
        ] {
            assert_eq!(url(database, password).as_deref(), Some(expected));
        }
    }
}
