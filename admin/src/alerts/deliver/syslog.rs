//! RFC 5424 over UDP, or over TCP with octet counting (RFC 6587, 3.4.1).

use portcullis_config::Syslog;
use portcullis_store::alerts::Level;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpStream, UdpSocket};

use super::Message;

/// Facility "local use 0", which is what security devices are usually given.
const FACILITY: u8 = 16;

/// Sends the message as one line.
pub(super) async fn send(settings: &Syslog, message: &Message) -> Result<(), String> {
    let line = line(message);
    let reason = |error: std::io::Error| format!("the collector cannot be reached: {error}");
    if let Some(address) = settings.server.strip_prefix("tcp://") {
        let mut stream = TcpStream::connect(address).await.map_err(reason)?;
        stream
            .write_all(format!("{} {line}", line.len()).as_bytes())
            .await
            .map_err(reason)?;
        return stream.shutdown().await.map_err(reason);
    }
    let address = settings
        .server
        .strip_prefix("udp://")
        .unwrap_or(&settings.server);
    let target = tokio::net::lookup_host(address)
        .await
        .map_err(reason)?
        .next()
        .ok_or_else(|| "the collector's name leads nowhere".to_owned())?;
    let own = if target.is_ipv4() {
        "0.0.0.0:0"
    } else {
        "[::]:0"
    };
    let socket = UdpSocket::bind(own).await.map_err(reason)?;
    socket
        .send_to(line.as_bytes(), target)
        .await
        .map_err(reason)?;
    Ok(())
}

/// `<PRI>1 - - portcullis - alert - {JSON}`: time and host are left to the collector, which has better ones.
pub(super) fn line(message: &Message) -> String {
    let severity = match message.alert.level {
        Level::Critical => 2,
        Level::High => 3,
        Level::Medium => 4,
        Level::Low => 5,
    };
    // JSON text has no line feeds and no raw control characters.
    format!(
        "<{}>1 - - portcullis - alert - {}",
        FACILITY * 8 + severity,
        message.json()
    )
}
