//! The configuration of sharing in the form in which it is used, with the keys that are drawn from its secret.

use std::fmt::Display;
use std::fs;
use std::path::Path;
use std::time::Duration;

use portcullis_config::Config;
use portcullis_detect::behaviour::Hashing;
use redis::{ConnectionInfo, IntoConnectionInfo, TlsCertificates};
use ring::hmac;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::message::Seal;

/// Where to share, and with which keys.
pub(crate) struct Plan {
    /// One server, or nodes of one cluster.
    pub(super) servers: Vec<ConnectionInfo>,
    /// Whom to trust in place of the system's authorities.
    pub(super) certificates: Option<TlsCertificates>,
    /// The stream of batches.
    pub(super) events: String,
    /// The table of bans. Both lie in one slot of a cluster.
    pub(super) bans: String,
    pub(super) interval: Duration,
    pub(super) seal: Seal,
    hashing: Hashing,
}

impl Plan {
    /// What the configuration says; `None` where nothing is shared.
    ///
    /// # Errors
    /// A sentence where the address of a server or the file of its authorities cannot be read.
    pub(crate) fn of(config: &Config) -> Result<Option<Self>, String> {
        let Some(share) = &config.share else {
            return Ok(None);
        };
        let mut servers = Vec::with_capacity(share.redis.len());
        for url in &share.redis {
            let wrong = |error| format!("share.redis: {url} is no address of a server: {error}");
            let info = url.as_str().into_connection_info().map_err(wrong)?;
            let mut login = info.redis_settings().clone();
            if let Some(name) = &share.username {
                login = login.set_username(name);
            }
            if let Some(password) = &share.password {
                login = login.set_password(password);
            }
            servers.push(info.set_redis_settings(login));
        }
        let certificates = share.ca.as_deref().map(trust).transpose()?;
        let secret = hmac::Key::new(hmac::HMAC_SHA256, share.secret.as_bytes());
        let batches = hmac::sign(&secret, b"portcullis: signatures of batches");
        let prefix = &share.prefix;
        Ok(Some(Self {
            servers,
            certificates,
            events: format!("{{{prefix}}}:events"),
            bans: format!("{{{prefix}}}:bans"),
            interval: share.interval.get(),
            seal: Seal::new(batches.as_ref()),
            hashing: hashing(&share.secret),
        }))
    }

    /// The hashes that all gateways with the secret have in common.
    pub(crate) const fn hashing(&self) -> Hashing {
        self.hashing
    }
}

/// The hashes that all gateways with a secret have in common.
pub(crate) fn hashing(secret: &str) -> Hashing {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let hashes = hmac::sign(&key, b"portcullis: hashes of subjects and keys");
    let hashes = hashes.as_ref().iter().take(16);
    Hashing::new(hashes.fold(0_u128, |all, byte| all << 8 | u128::from(*byte)))
}

fn trust(path: &Path) -> Result<TlsCertificates, String> {
    let wrong = |error: &dyn Display| format!("share.ca: {}: {error}", path.display());
    let pem = fs::read(path).map_err(|error| wrong(&error))?;
    let found = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>();
    match found {
        Ok(found) if found.is_empty() => Err(wrong(&"it holds no certificate")),
        Ok(_) => Ok(TlsCertificates {
            client_tls: None,
            root_cert: Some(pem),
        }),
        Err(error) => Err(wrong(&error)),
    }
}
