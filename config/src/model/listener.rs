//! Listeners: the addresses clients connect to, and the certificates shown there.

use std::net::SocketAddr;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::{PathFormat, SocketFormat};

/// One address clients connect to. HTTP/1.1 and HTTP/2 are both spoken there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Listener {
    /// Address and port, such as `127.0.0.1:8080`, `0.0.0.0:443` or `[::]:443`. Port 0 takes any free port.
    #[schemars(with = "SocketFormat")]
    pub address: SocketAddr,
    /// The certificates for HTTPS. Unset: plain HTTP.
    #[serde(default)]
    pub tls: Option<Tls>,
}

/// The certificates of a listener: `cert` and `key` for one, or `certificates` for several.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Tls {
    /// A PEM file with the certificate and its chain. Shown to clients that name no host we have a certificate for.
    #[schemars(with = "Option<PathFormat>")]
    pub cert: Option<PathBuf>,
    /// A PEM file with the private key of `cert`.
    #[schemars(with = "Option<PathFormat>")]
    pub key: Option<PathBuf>,
    /// Several certificates, chosen by the host name the client asks for (SNI). The first is shown to clients that
    /// name no host we have a certificate for, unless `cert` is set.
    pub certificates: Vec<Certificate>,
}

/// One of several certificates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// A PEM file with the certificate and its chain.
    #[schemars(with = "PathFormat")]
    pub cert: PathBuf,
    /// A PEM file with the private key.
    #[schemars(with = "PathFormat")]
    pub key: PathBuf,
    /// The host names it is shown for. Empty: those that the certificate itself names.
    #[serde(default)]
    pub names: Vec<String>,
}

impl Tls {
    /// All certificates, the one for unknown hosts first.
    pub fn all(&self) -> Vec<Certificate> {
        let short = match (&self.cert, &self.key) {
            (Some(cert), Some(key)) => Some(Certificate {
                cert: cert.clone(),
                key: key.clone(),
                names: Vec::new(),
            }),
            _ => None,
        };
        short
            .into_iter()
            .chain(self.certificates.iter().cloned())
            .collect()
    }
}
