//! Alerts: from records to incidents to people. [`watch`] counts and groups, [`engine`] writes incidents into the store
//! and publishes them, [`deliver`] tells receivers, [`advice`] says what to do. All of it runs beside the traffic, on
//! the admin plane's runtime.

pub mod advice;
mod bucket;
pub mod deliver;
pub mod engine;
mod matching;
mod quiet;
pub mod routes;
pub mod view;
pub mod watch;
mod words;

use std::sync::Arc;

use portcullis_config::Alerts as Settings;
use portcullis_store::alerts::Alerts;
use portcullis_store::{Database, Subscription};
use tokio::sync::watch::Receiver;

pub use self::advice::{Advice, Remedy};
use self::deliver::Deliverer;
pub use self::engine::{Counts, Engine};
pub use self::watch::{TenantOf, Watch};
use crate::live::Hub;

/// What alerts need.
pub struct Parts {
    /// The settings, and those after a reload.
    pub settings: Receiver<Arc<Settings>>,
    /// Whose traffic a record is.
    pub tenant_of: TenantOf,
    /// The database, from the moment on that it could be opened.
    pub database: Receiver<Option<Database>>,
    /// The records.
    pub records: Subscription,
    /// Where incidents are shown live.
    pub hub: Hub,
    /// What is counted.
    pub counts: Arc<Counts>,
    /// Where the console is, for links; empty where nobody has said.
    pub console: String,
}

/// Watches and tells, until the records end.
pub async fn run(parts: Parts) {
    let mut database = parts.database;
    let opened = database.wait_for(Option::is_some).await.ok();
    let Some(database) = opened.and_then(|opened| opened.clone()) else {
        return;
    };
    let store = Alerts::new(database);
    let called = Arc::default();
    let engine = Engine::new(
        parts.settings.clone(),
        parts.tenant_of,
        store.clone(),
        parts.hub,
        Arc::clone(&called),
        Arc::clone(&parts.counts),
    );
    let deliverer = Deliverer::new(parts.settings, store, parts.counts, called, parts.console);
    tokio::select! {
        () = engine.run(parts.records) => {}
        () = deliverer.run() => {}
    }
}
