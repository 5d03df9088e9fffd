//! WebSocket upgrades (RFC 6455), where the route allows them: both handshakes, then bytes both ways. What the client
//! sends is inspected message by message before it goes on; what the server sends passes as it is.

use std::rc::Rc;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use http::header::{self, HeaderMap};
use http::{Method, Response, Version, request};
use http_body_util::Full;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::body::ResponseBody;
use crate::connection::state::Phase;
use crate::exchange::Exchange;
use crate::fault::Fault;
use crate::forward;
use crate::inspect::Inspection;
use crate::respond::X_REQUEST_ID;
use crate::snapshot::Route;
use crate::upstream::{Answered, Upstream};

/// The largest message that is inspected as a whole; of larger ones the first bytes are.
const MESSAGE_CAP: usize = 128 * 1024;
/// A close frame with status 1008, policy violation (RFC 6455, section 7.4.1).
const CLOSE_POLICY: &[u8] = &[0x88, 0x02, 0x03, 0xf0];

/// Whether the request asks for a WebSocket on a route that allows it.
pub fn wanted(parts: &request::Parts, route: &Route) -> bool {
    route.websocket
        && parts.method == Method::GET
        && parts.version == Version::HTTP_11
        && has_token(&parts.headers, &header::UPGRADE, "websocket")
        && has_token(&parts.headers, &header::CONNECTION, "upgrade")
}

fn has_token(headers: &HeaderMap, name: &header::HeaderName, token: &str) -> bool {
    headers.get_all(name).iter().any(|value| {
        value.to_str().is_ok_and(|text| {
            text.split(',')
                .any(|part| part.trim().eq_ignore_ascii_case(token))
        })
    })
}

/// Answers the handshake as the server did, which was with 101: a tunnel begins.
///
/// # Errors
/// When the server's 101 is not one for a WebSocket.
pub fn answer(
    exchange: &mut Exchange,
    upstream: &Upstream,
    answered: Answered,
    client: OnUpgrade,
    judge: Rc<Inspection>,
) -> Result<Response<ResponseBody>, Fault> {
    let mut response = answered.response;
    if !has_token(response.headers(), &header::UPGRADE, "websocket") {
        return Err(exchange.switched_unasked());
    }
    let server = hyper::upgrade::on(&mut response);
    let (mut parts, _) = response.into_parts();
    forward::response(&mut parts.headers);
    parts.headers.remove(header::SEC_WEBSOCKET_EXTENSIONS);
    parts.headers.insert(
        header::CONNECTION,
        header::HeaderValue::from_static("upgrade"),
    );
    parts.headers.insert(
        header::UPGRADE,
        header::HeaderValue::from_static("websocket"),
    );
    parts
        .headers
        .insert(X_REQUEST_ID, exchange.id().header_value());
    parts.extensions.clear();
    let state = exchange.state().clone();
    state.set_phase(Phase::Tunnel);
    let (idle, lasting) = (upstream.spec.idle, exchange.lasts_as_tunnel());
    tokio::task::spawn_local(async move {
        let (Ok(client), Ok(server)) = tokio::join!(client, server) else {
            return;
        };
        state.set_phase(Phase::Tunnel);
        let passed = tunnel(TokioIo::new(client), TokioIo::new(server), judge, idle).await;
        // The record is written when the exchange is dropped here.
        if let Ok(mut exchange) = lasting.await {
            exchange.tunnelled(passed.up, passed.down);
            if passed.denied {
                exchange.tunnel_denied();
            }
        }
    });
    Ok(Response::from_parts(
        parts,
        ResponseBody::own(Full::default()),
    ))
}

/// What went through a tunnel.
#[derive(Default)]
struct Passed {
    up: u64,
    down: u64,
    denied: bool,
}

async fn tunnel<C, S>(client: C, server: S, judge: Rc<Inspection>, idle: Duration) -> Passed
where
    C: AsyncRead + AsyncWrite + Unpin,
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (mut client_read, mut client_write) = tokio::io::split(client);
    let (mut server_read, mut server_write) = tokio::io::split(server);
    let mut gate = FrameGate::new(judge);
    let mut total = Passed::default();
    let mut up = BytesMut::with_capacity(8192);
    let mut down = BytesMut::with_capacity(8192);
    loop {
        tokio::select! {
            read = client_read.read_buf(&mut up) => {
                if !matches!(read, Ok(n) if n > 0) {
                    break;
                }
                let passed = gate.pass(&mut up);
                let Ok(passed) = passed else {
                    total.denied = true;
                    let _ = client_write.write_all(CLOSE_POLICY).await;
                    break;
                };
                total.up += passed.len() as u64;
                if server_write.write_all(&passed).await.is_err() || server_write.flush().await.is_err() {
                    break;
                }
            }
            read = server_read.read_buf(&mut down) => {
                if !matches!(read, Ok(n) if n > 0) {
                    break;
                }
                total.down += down.len() as u64;
                if client_write.write_all(&down).await.is_err() || client_write.flush().await.is_err() {
                    break;
                }
                down.clear();
            }
            () = tokio::time::sleep(idle) => break,
        }
    }
    // Both ends learn that it is over; either may be gone already.
    let _ = client_write.shutdown().await;
    let _ = server_write.shutdown().await;
    total
}

/// Holds back the client's frames until the message they belong to is judged.
struct FrameGate {
    judge: Rc<Inspection>,
    // Frames of the message so far, as received, and its unmasked payload.
    frames: BytesMut,
    message: Vec<u8>,
    // Payload bytes of a frame over the cap that pass unheld.
    passing: u64,
    judged: bool,
}

struct Denied;

struct FrameHead {
    length: usize,
    payload: u64,
    mask: [u8; 4],
    last: bool,
    control: bool,
}

impl FrameGate {
    fn new(judge: Rc<Inspection>) -> Self {
        Self {
            judge,
            frames: BytesMut::new(),
            message: Vec::new(),
            passing: 0,
            judged: false,
        }
    }

    /// Takes frames out of `bytes` and gives out what may pass.
    fn pass(&mut self, bytes: &mut BytesMut) -> Result<BytesMut, Denied> {
        let mut out = BytesMut::new();
        loop {
            if self.passing > 0 {
                let n = usize::try_from(self.passing)
                    .unwrap_or(usize::MAX)
                    .min(bytes.len());
                out.extend_from_slice(&bytes.split_to(n));
                self.passing -= n as u64;
            }
            if self.passing > 0 {
                break;
            }
            let Some(head) = FrameHead::read(bytes)? else {
                break;
            };
            let room = MESSAGE_CAP.saturating_sub(self.message.len());
            let wanted = usize::try_from(head.payload)
                .unwrap_or(usize::MAX)
                .min(room);
            if bytes.len() < head.length + wanted {
                break;
            }
            self.frame(&head, wanted, bytes, &mut out)?;
        }
        Ok(out)
    }

    fn frame(
        &mut self,
        head: &FrameHead,
        wanted: usize,
        bytes: &mut BytesMut,
        out: &mut BytesMut,
    ) -> Result<(), Denied> {
        let payload = &bytes[head.length..head.length + wanted];
        if head.control {
            let whole = head.length + wanted;
            out.extend_from_slice(&bytes[..whole]);
            bytes.advance(whole);
            return Ok(());
        }
        self.message.extend(
            payload
                .iter()
                .zip(head.mask.iter().cycle())
                .map(|(byte, mask)| byte ^ mask),
        );
        let whole = wanted as u64 == head.payload;
        self.frames
            .extend_from_slice(&bytes[..head.length + wanted]);
        bytes.advance(head.length + wanted);
        if !whole {
            self.passing = head.payload - wanted as u64;
        }
        let full = self.message.len() >= MESSAGE_CAP;
        if head.last || full || !whole {
            if !self.judged && self.judge.denies_message(&self.message, head.last && whole) {
                return Err(Denied);
            }
            self.judged = !head.last;
            out.extend_from_slice(&self.frames);
            self.frames.clear();
            if head.last {
                self.message.clear();
            }
        }
        Ok(())
    }
}

impl FrameHead {
    /// The head of the next frame, if it is whole.
    fn read(bytes: &[u8]) -> Result<Option<Self>, Denied> {
        let [first, second, rest @ ..] = bytes else {
            return Ok(None);
        };
        // A client must mask (RFC 6455, section 5.1), and extensions were not agreed on.
        if second & 0x80 == 0 || first & 0x70 != 0 {
            return Err(Denied);
        }
        let (payload, size) = match second & 0x7f {
            126 => match rest {
                [a, b, ..] => (u64::from(u16::from_be_bytes([*a, *b])), 2),
                _ => return Ok(None),
            },
            127 => match rest.first_chunk::<8>() {
                Some(length) => (u64::from_be_bytes(*length), 8),
                None => return Ok(None),
            },
            short => (u64::from(short), 0),
        };
        let control = first & 0x08 != 0;
        if control && payload > 125 {
            return Err(Denied);
        }
        let Some(mask) = rest.get(size..).and_then(|rest| rest.first_chunk::<4>()) else {
            return Ok(None);
        };
        Ok(Some(Self {
            length: 2 + size + 4,
            payload,
            mask: *mask,
            last: first & 0x80 != 0,
            control,
        }))
    }
}
