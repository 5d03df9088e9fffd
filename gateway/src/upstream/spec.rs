//! What the configuration says of an upstream, parsed into what the request's way needs.

use std::sync::Arc;
use std::time::Duration;

use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue};
use portcullis_config::{self as config, HeaderEdits};

use crate::snapshot::header_value;
use crate::tls;

/// One upstream.
pub struct UpstreamSpec {
    /// Its name.
    pub name: Arc<str>,
    /// Its servers, at least one.
    pub servers: Vec<ServerSpec>,
    /// How they are spoken to.
    pub protocol: config::Protocol,
    /// Whether the client's Host goes through.
    pub preserve_host: bool,
    /// For a connection, TLS handshake included.
    pub connect: Duration,
    /// From the request sent to the head of the answer.
    pub first_byte: Duration,
    /// Between two pieces of the answer.
    pub idle: Duration,
    /// Connections kept per server and worker.
    pub idle_connections: usize,
    /// How long an unused one is kept.
    pub idle_timeout: Duration,
    /// Failures in a row after which a server rests; 0 for never.
    pub ejection_failures: u32,
    /// How long it rests.
    pub ejection_time: Duration,
    /// Applied to requests, after our own headers.
    pub request_edits: Edits,
    /// Applied to answers.
    pub response_edits: Edits,
}

/// One server of an upstream.
pub struct ServerSpec {
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// `host:port`, for records and for the Host header where it is not preserved.
    pub authority: Arc<str>,
    /// The same as a URI part.
    pub uri_authority: Authority,
    /// TLS, where the server is `https`.
    pub tls: Option<tls::ClientTls>,
}

/// Header edits, parsed.
#[derive(Default)]
pub struct Edits {
    set: Vec<(HeaderName, HeaderValue)>,
    add: Vec<(HeaderName, HeaderValue)>,
    remove: Vec<HeaderName>,
}

impl UpstreamSpec {
    /// Parses one upstream.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub fn build(name: &str, upstream: &config::Upstream) -> Result<Self, String> {
        let servers = upstream
            .servers
            .iter()
            .map(|server| ServerSpec::build(server, upstream))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            name: Arc::from(name),
            servers,
            protocol: upstream.protocol,
            preserve_host: upstream.host == config::HostHeader::Preserve,
            connect: upstream.timeouts.connect.get(),
            first_byte: upstream.timeouts.first_byte.get(),
            idle: upstream.timeouts.idle.get(),
            idle_connections: upstream.pool.idle_per_server,
            idle_timeout: upstream.pool.idle_timeout.get(),
            ejection_failures: upstream.ejection.failures,
            ejection_time: upstream.ejection.duration.get(),
            request_edits: Edits::build(&upstream.request_headers)?,
            response_edits: Edits::build(&upstream.response_headers)?,
        })
    }
}

impl ServerSpec {
    fn build(server: &config::ServerUrl, upstream: &config::Upstream) -> Result<Self, String> {
        let authority = server.authority();
        let uri_authority = authority
            .parse()
            .map_err(|_| format!("{authority:?} is no host and port"))?;
        let tls = match server.scheme {
            config::Scheme::Http => None,
            config::Scheme::Https => Some(tls::ClientTls::build(server, upstream)?),
        };
        Ok(Self {
            host: server.host.clone(),
            port: server.port,
            authority: Arc::from(authority),
            uri_authority,
            tls,
        })
    }
}

impl Edits {
    fn build(edits: &HeaderEdits) -> Result<Self, String> {
        let pairs = |map: &std::collections::BTreeMap<String, String>| {
            map.iter()
                .map(|(name, value)| Ok((header_name(name)?, header_value(value)?)))
                .collect::<Result<Vec<_>, String>>()
        };
        Ok(Self {
            set: pairs(&edits.set)?,
            add: pairs(&edits.add)?,
            remove: edits
                .remove
                .iter()
                .map(|name| header_name(name))
                .collect::<Result<_, _>>()?,
        })
    }

    /// Removes, then sets, then adds.
    pub fn apply(&self, headers: &mut HeaderMap) {
        for name in &self.remove {
            headers.remove(name);
        }
        for (name, value) in &self.set {
            headers.insert(name.clone(), value.clone());
        }
        for (name, value) in &self.add {
            headers.append(name.clone(), value.clone());
        }
    }
}

fn header_name(name: &str) -> Result<HeaderName, String> {
    HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("{name:?} is no header name"))
}
