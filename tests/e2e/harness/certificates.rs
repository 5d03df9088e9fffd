//! Certificates for a test, made on the spot: no key is ever committed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// A self-signed certificate and its key, in files.
pub(crate) struct Certificate {
    pub(crate) cert: PathBuf,
    pub(crate) key: PathBuf,
}

impl Certificate {
    /// Makes one for a DNS name.
    ///
    /// # Panics
    ///
    /// Where the `openssl` command is missing or fails.
    pub(crate) fn make(folder: &Path, name: &str) -> Self {
        Self::make_for(folder, name, &format!("DNS:{name}"))
    }

    /// Makes one for names as OpenSSL writes them, such as `IP:127.0.0.1`; see [`Certificate::make`].
    pub(crate) fn make_for(folder: &Path, name: &str, names: &str) -> Self {
        let (cert, key) = (
            folder.join(format!("{name}.pem")),
            folder.join(format!("{name}.key")),
        );
        let output = Command::new("openssl")
            .args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
            ])
            .args(["-nodes", "-days", "2", "-subj"])
            .arg(format!("/CN={name}"))
            .arg("-addext")
            .arg(format!("subjectAltName={names}"))
            .args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout"])
            .arg(&key)
            .arg("-out")
            .arg(&cert)
            .output()
            .expect("the command `openssl` is needed: apt-get install openssl");
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "openssl: {words}");
        Self { cert, key }
    }

    /// The certificate itself.
    pub(crate) fn der(&self) -> CertificateDer<'static> {
        let pem = fs::read(&self.cert).expect("it was just written");
        CertificateDer::from_pem_slice(&pem).expect("openssl writes PEM")
    }
}
