//! What handlers share: the running gateway, the store where there is one, and the hub of the live feed.

use std::sync::Arc;

use portcullis_store::{Database, Scope};
use tokio::sync::watch;

use crate::caller::Caller;
use crate::gateway::Gateway;
use crate::live::Hub;
use crate::problem::Problem;

/// What handlers share. Cheap to clone.
#[derive(Clone)]
pub struct Api {
    gateway: Arc<dyn Gateway>,
    database: watch::Receiver<Option<Database>>,
    hub: Hub,
}

impl Api {
    /// For this gateway. While there is no store, only what needs none is answered.
    pub fn new(
        gateway: Arc<dyn Gateway>,
        database: watch::Receiver<Option<Database>>,
        hub: Hub,
    ) -> Self {
        Self {
            gateway,
            database,
            hub,
        }
    }

    /// The running gateway.
    pub fn gateway(&self) -> &dyn Gateway {
        &*self.gateway
    }

    /// The same, for who outlives the request.
    pub fn shared_gateway(&self) -> Arc<dyn Gateway> {
        self.gateway.clone()
    }

    /// The live feed.
    pub fn hub(&self) -> &Hub {
        &self.hub
    }

    /// The store.
    ///
    /// # Errors
    /// 503 where there is none, or not yet.
    pub fn database(&self) -> Result<Database, Problem> {
        self.database.borrow().clone().ok_or_else(Problem::no_store)
    }

    /// The database, from the moment on that it could be opened.
    pub fn storage(&self) -> watch::Receiver<Option<Database>> {
        self.database.clone()
    }

    /// What of the traffic a caller may see; `None` for all.
    pub fn scope(&self, caller: &Caller) -> Option<Scope> {
        // A tenant of which nothing is known owns nothing.
        let nothing = || caller.tenant.as_ref().map(|_| Scope::default());
        caller.scope.clone().or_else(nothing)
    }

    /// Asks the gateway something that takes a while, away from the server's thread.
    ///
    /// # Errors
    /// When it panicked, which has been logged.
    pub async fn away<R: Send + 'static>(
        &self,
        ask: impl FnOnce(&dyn Gateway) -> R + Send + 'static,
    ) -> Result<R, Problem> {
        let gateway = self.gateway.clone();
        tokio::task::spawn_blocking(move || ask(&*gateway))
            .await
            .map_err(Problem::fault)
    }
}
