//! Listening sockets: bound before anything is served, accepted from by every worker, closed without losing a
//! connection. An accept loop outlives running out of descriptors.

use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;

use crate::connection::state::ConnectionState;
use crate::connection::{self, Agreed};
use crate::tls::ja4::ja4;
use crate::tls::tap::Tap;
use crate::worker::Worker;

/// Connections that the system holds until they are accepted.
const BACKLOG: i32 = 1024;
/// How long an accept loop rests when no descriptor is free.
const REST: Duration = Duration::from_millis(50);

/// One address, bound; each worker has a socket of its own on it.
#[derive(Clone)]
pub struct Bound {
    /// The address, with its real port.
    pub address: SocketAddr,
    /// TLS, if it ends here. Replaced by a reload.
    pub tls: watch::Receiver<Option<Arc<ServerConfig>>>,
    /// Turns true when the listener goes away.
    pub drain: watch::Receiver<bool>,
}

/// Binds `count` sockets to one address, one for each worker.
///
/// # Errors
/// A sentence for the operator. Sockets of several workers share the address by SO_REUSEPORT, which would also let a
/// second gateway in unnoticed; so the address is first bound without it.
pub fn bind(address: SocketAddr, count: usize) -> Result<Vec<StdListener>, String> {
    let sentence = |error: io::Error| match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!(
                "{address} is in use by another process; stop that one or choose another address"
            )
        }
        io::ErrorKind::AddrNotAvailable => format!("{address} is no address of this machine"),
        io::ErrorKind::PermissionDenied => {
            format!("{address} needs a privilege (CAP_NET_BIND_SERVICE) that this process lacks")
        }
        _ => format!("{address} cannot be listened on: {error}"),
    };
    let probe = socket(address, false).map_err(sentence)?;
    let address = probe
        .local_addr()
        .ok()
        .and_then(|local| local.as_socket())
        .unwrap_or(address);
    drop(probe);
    (0..count)
        .map(|_| {
            let socket = socket(address, true).map_err(sentence)?;
            socket.listen(BACKLOG).map_err(sentence)?;
            socket.set_nonblocking(true).map_err(sentence)?;
            Ok(socket.into())
        })
        .collect()
}

fn socket(address: SocketAddr, shared: bool) -> io::Result<Socket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    // Connections of a gateway that has just ended must not keep the next one from starting.
    socket.set_reuse_address(true)?;
    if shared {
        socket.set_reuse_port(true)?;
    }
    socket.bind(&address.into())?;
    if !shared {
        // Only listening shows whether somebody else already does.
        socket.listen(1)?;
    }
    Ok(socket)
}

/// Accepts until the listener goes away.
pub async fn accept(
    worker: Rc<Worker>,
    listener: StdListener,
    bound: Bound,
    places: Arc<Semaphore>,
) {
    let listener = match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(%error, address = %bound.address, "the listener cannot be used");
            return;
        }
    };
    let mut drain = bound.drain.clone();
    while !*drain.borrow_and_update() {
        // Without a free place the connection waits in the system's queue.
        let Ok(place) = places.clone().acquire_owned().await else {
            return;
        };
        let accepted = tokio::select! {
            biased;
            _ = drain.changed() => continue,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let (worker, bound) = (worker.clone(), bound.clone());
                tokio::task::spawn_local(async move {
                    serve(worker, stream, peer, bound).await;
                    drop(place);
                });
            }
            Err(error) => {
                worker.shared.metrics.accept_errors.inc();
                if !is_of_the_client(&error) {
                    tracing::warn!(%error, "cannot accept connections; waiting for descriptors to come free");
                    tokio::time::sleep(REST).await;
                }
            }
        }
    }
}

/// Errors of accept that concern one connection, not the listener.
fn is_of_the_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}

async fn serve(worker: Rc<Worker>, stream: TcpStream, peer: SocketAddr, bound: Bound) {
    let _ = stream.set_nodelay(true);
    let tls = bound.tls.borrow().clone();
    let state = ConnectionState::new(peer, tls.is_some());
    let state = Arc::new(if worker.measures_connections() {
        state.measured()
    } else {
        state
    });
    let cap = peer_cap(&worker, &state);
    let peer = state.peer_ip();
    if !worker.shared.census.enter(peer, cap) {
        worker
            .shared
            .metrics
            .connection_closed("too-many-from-peer");
        return;
    }
    let metrics = worker.shared.metrics.clone();
    metrics.connections.inc();
    match tls {
        None => {
            connection::serve(
                worker.clone(),
                state.clone(),
                stream,
                Agreed::Nothing,
                bound.drain,
            )
            .await
        }
        Some(tls) => serve_tls(&worker, &state, stream, tls, bound.drain).await,
    }
    metrics.connections.dec();
    if let Some(cut) = state.cut_reason() {
        metrics.connection_closed(cut.reason());
    }
    worker.shared.census.leave(peer);
}

fn peer_cap(worker: &Worker, state: &ConnectionState) -> usize {
    let snapshot = worker.shared.snapshot.load();
    if snapshot.trusted.contains(state.peer_ip()) {
        return 0;
    }
    snapshot.config.caps.connections_per_client
}

async fn serve_tls(
    worker: &Rc<Worker>,
    state: &Arc<ConnectionState>,
    stream: TcpStream,
    tls: Arc<ServerConfig>,
    drain: watch::Receiver<bool>,
) {
    let patience = worker
        .shared
        .snapshot
        .load()
        .config
        .timeouts
        .tls_handshake
        .get();
    let accepting = TlsAcceptor::from(tls).accept(Tap::new(stream));
    let mut stream = match tokio::time::timeout(patience, accepting).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            tracing::debug!(%error, peer = %state.peer, "TLS handshake failed");
            worker.shared.metrics.connection_closed("tls-handshake");
            return;
        }
        Err(_) => {
            worker
                .shared
                .metrics
                .connection_closed("slow-tls-handshake");
            return;
        }
    };
    if let Some(fingerprint) = ja4(&stream.get_mut().0.take()) {
        state.shook_hands(fingerprint);
    }
    let agreed = match stream.get_ref().1.alpn_protocol() {
        Some(b"h2") => Agreed::Http2,
        Some(_) => Agreed::Http1,
        None => Agreed::Nothing,
    };
    connection::serve(worker.clone(), state.clone(), stream, agreed, drain).await;
}
