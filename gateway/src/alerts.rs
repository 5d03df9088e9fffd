//! Alerts in the process: they read the store's feed on the admin plane's runtime and follow the configuration through
//! reloads. Without a store there are none.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use portcullis_admin::Hub;
use portcullis_admin::alerts::{Counts, Parts, TenantOf};
use portcullis_config::{Alerts as Settings, Config, Tenants};
use portcullis_store::{Scope, entry::Record};
use tokio::sync::watch;

use crate::ledger::Ledger;
use crate::metrics::Metrics;

/// Hands new settings to the running alerts.
pub(crate) struct Alerts {
    settings: watch::Sender<Arc<Settings>>,
    tenants: Arc<ArcSwap<Vec<(String, Scope)>>>,
}

/// How often counts are carried over to the metrics.
const COUNT_EVERY: Duration = Duration::from_millis(250);

impl Alerts {
    /// What the admin plane needs to run them, where there is a store.
    pub(crate) fn open(
        config: &Config,
        ledger: Option<&Ledger>,
        hub: &Hub,
    ) -> (Self, Option<Parts>) {
        let (settings, receiver) = watch::channel(Arc::new(config.alerts.clone()));
        let tenants = Arc::new(ArcSwap::from_pointee(scopes(&config.tenants)));
        let parts = ledger.map(|ledger| Parts {
            settings: receiver,
            tenant_of: tenant_of(Arc::clone(&tenants)),
            database: ledger.database(),
            records: ledger.feed().subscribe(),
            hub: hub.clone(),
            counts: Arc::default(),
            console: config.admin.public_url.clone().unwrap_or_default(),
        });
        (Self { settings, tenants }, parts)
    }

    /// Takes over what a reload brought.
    pub(crate) fn apply(&self, config: &Config) {
        self.tenants.store(Arc::new(scopes(&config.tenants)));
        self.settings.send_if_modified(|settings| {
            let changed = **settings != config.alerts;
            if changed {
                *settings = Arc::new(config.alerts.clone());
            }
            changed
        });
    }
}

/// Carries what alerts count to the metrics; for ever.
pub(crate) async fn count(metrics: Arc<Metrics>, counts: Arc<Counts>) {
    loop {
        metrics.alerts.refresh(&counts);
        tokio::time::sleep(COUNT_EVERY).await;
    }
}

fn scopes(tenants: &Tenants) -> Vec<(String, Scope)> {
    let scope = |(name, tenant): (&String, &portcullis_config::Tenant)| {
        let scope = Scope {
            routes: tenant.routes.clone(),
            hosts: tenant.hosts.clone(),
        };
        (name.clone(), scope)
    };
    tenants.iter().map(scope).collect()
}

/// The first tenant, by name, that the record belongs to.
fn tenant_of(tenants: Arc<ArcSwap<Vec<(String, Scope)>>>) -> TenantOf {
    Arc::new(move |record: &Record| {
        let tenants = tenants.load();
        let owner = tenants
            .iter()
            .find(|(_, scope)| scope.admits(&record.route, &record.host));
        owner.map_or_else(String::new, |(name, _)| name.clone())
    })
}
