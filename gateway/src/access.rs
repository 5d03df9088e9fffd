//! What the configuration says about access to the admin plane, in the words of `portcullis-admin`; the password of
//! the first start; and the database, which may come later than everything else.

use std::time::Duration;

use portcullis_admin::access::oidc::{self, Hidden};
use portcullis_admin::access::{AccessError, FIRST_USER, Settings, secret};
use portcullis_admin::{Access, Role};
use portcullis_config::{AdminRole, Config, Oidc};
use portcullis_store::{Database, Scope};
use tokio::sync::watch;

use crate::command::tell;

/// The variable with the first admin's password, for machines that set themselves up.
pub(crate) const PASSWORD: &str = "PORTCULLIS_ADMIN_PASSWORD";

/// How access is set up under a configuration.
pub(crate) fn settings(config: &Config) -> Settings {
    let admin = &config.admin;
    let token = admin.metrics_token.as_deref();
    let tenants = config.tenants.iter().map(|(name, tenant)| {
        let scope = Scope {
            hosts: tenant
                .hosts
                .iter()
                .map(|host| host.to_lowercase())
                .collect(),
            routes: tenant.routes.clone(),
        };
        (name.clone(), scope)
    });
    Settings {
        public_origin: admin.public_url.clone(),
        port: admin.address.port(),
        cors: admin.cors.clone(),
        metrics_token: token.map(secret::hash),
        idle: Duration::from(admin.sessions.idle),
        lifetime: Duration::from(admin.sessions.lifetime),
        oidc: admin.oidc.as_ref().map(provider),
        tenants: tenants.collect(),
        trusted_proxies: config.trusted_proxies.clone(),
    }
}

/// Access by the database, as far as it is there yet, with a first user in it; and what the operator has to be told of
/// that user, on the terminal, once, and never in the log.
///
/// # Errors
/// A sentence for the operator.
pub(crate) fn open(
    config: &Config,
    database: &watch::Receiver<Option<Database>>,
) -> Result<(Access, Option<String>), String> {
    let opened = database.borrow().clone();
    let access = Access::new(opened, settings(config));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    match runtime.block_on(first_user(&access)) {
        Ok(welcome) => Ok((access, welcome)),
        Err(AccessError::Store(error)) => {
            tracing::warn!(%error, "the store does not say whether there are users");
            Ok((access, None))
        }
        Err(error @ AccessError::Password(_)) => Err(format!(
            "{PASSWORD}: the first user cannot be made with it: {error}"
        )),
    }
}

/// Waits for a database that was not there at the start.
pub(crate) async fn await_store(access: Access, mut database: watch::Receiver<Option<Database>>) {
    loop {
        let opened = database.borrow_and_update().clone();
        if let Some(opened) = opened {
            access.attach(opened);
            match first_user(&access).await {
                Ok(welcome) => welcome.iter().for_each(|words| tell(words)),
                Err(error) => tracing::error!(%error, "the first user cannot be made"),
            }
            return;
        }
        if database.changed().await.is_err() {
            return;
        }
    }
}

/// Makes the first user where there is none; what comes back has the password that was drawn for it, to be shown once.
async fn first_user(access: &Access) -> Result<Option<String>, AccessError> {
    let given = std::env::var(PASSWORD).ok();
    let drawn = access.first_user(given.as_deref()).await?;
    Ok(drawn.map(|password| {
        format!(
            "first start: log in to the admin plane as {FIRST_USER} with the one-time password {password}"
        )
    }))
}

fn provider(configured: &Oidc) -> oidc::Settings {
    let roles = [
        (Role::Viewer, &configured.roles.viewer),
        (Role::Analyst, &configured.roles.analyst),
        (Role::Admin, &configured.roles.admin),
    ];
    oidc::Settings {
        issuer: configured.issuer.clone(),
        client_id: configured.client_id.clone(),
        client_secret: configured.client_secret.clone().map(Hidden),
        scopes: configured.scopes.clone(),
        name_claim: configured.name_claim.clone(),
        role_claim: configured.role_claim.clone(),
        roles: roles.map(|(role, values)| (role, values.clone())).into(),
        default_role: configured.default_role.map(|role| match role {
            AdminRole::Viewer => Role::Viewer,
            AdminRole::Analyst => Role::Analyst,
            AdminRole::Admin => Role::Admin,
        }),
        tenant_claim: configured.tenant_claim.clone(),
        authorities: configured
            .authorities
            .clone()
            .unwrap_or_default()
            .into_bytes(),
    }
}
