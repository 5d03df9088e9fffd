//! A client that sends exactly the bytes it is told to, and reads answers by their length.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// One connection.
pub(crate) struct Client {
    stream: TcpStream,
    /// What was read and not yet taken.
    buffer: Vec<u8>,
    closed: bool,
}

/// One answer.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    /// With the chunks put together.
    pub(crate) body: Vec<u8>,
}

/// How long to wait for an answer that should come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect_timeout(&address, PATIENCE).expect("it listens");
        stream.set_nodelay(true).expect("a socket option");
        stream
            .set_write_timeout(Some(PATIENCE))
            .expect("a socket option");
        Self {
            stream,
            buffer: Vec::new(),
            closed: false,
        }
    }

    /// Sends bytes as they are. A peer that has closed already is no failure of the test: the answer tells.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// Closes the sending half.
    pub(crate) fn finish(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// The next final answer; 1xx answers before it are passed over. `None` when the connection closed, or nothing
    /// whole came in time.
    pub(crate) fn response(&mut self, time: Duration) -> Option<Response> {
        self.answer_to("GET", time)
    }

    /// The same, for a request with this method: the answer to HEAD has no body.
    pub(crate) fn answer_to(&mut self, method: &str, time: Duration) -> Option<Response> {
        let end = Instant::now() + time;
        loop {
            match take_response(&self.buffer, method == "HEAD", self.closed) {
                Some((response, length)) => {
                    self.buffer.drain(..length);
                    // 101 is final: what follows is another protocol.
                    if response.status >= 200 || response.status == 101 {
                        return Some(response);
                    }
                }
                None if self.closed || !self.fill(end) => return None,
                None => {}
            }
        }
    }

    /// Whether the peer closes within this time; what it sends before is kept.
    pub(crate) fn closes_within(&mut self, time: Duration) -> bool {
        let end = Instant::now() + time;
        while !self.closed && self.fill(end) {}
        self.closed
    }

    /// What came and was not taken as an answer.
    pub(crate) fn rest(&self) -> &[u8] {
        &self.buffer
    }

    /// Reads at least this many bytes, for protocols of other kinds; fewer when it closes or time is up.
    pub(crate) fn read_at_least(&mut self, count: usize, time: Duration) -> Vec<u8> {
        let end = Instant::now() + time;
        while self.buffer.len() < count && !self.closed && self.fill(end) {}
        std::mem::take(&mut self.buffer)
    }

    /// Reads once; false when time is up.
    fn fill(&mut self, end: Instant) -> bool {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        self.stream
            .set_read_timeout(Some(left))
            .expect("a socket option");
        let mut bytes = [0; 16 * 1024];
        match self.stream.read(&mut bytes) {
            Ok(0) => self.closed = true,
            Ok(count) => self.buffer.extend_from_slice(&bytes[..count]),
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut => return false,
                ErrorKind::Interrupted => {}
                // A reset: closed, only less politely.
                _ => self.closed = true,
            },
        }
        true
    }
}

impl Response {
    /// The first value of a header, by its lower-case name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Sends raw bytes and returns everything that comes back until the connection closes, or until an answer is whole
/// and nothing follows it for a moment.
pub(crate) fn http1(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut client = Client::connect(address);
    client.send(bytes);
    let end = Instant::now() + PATIENCE;
    while take_response(&client.buffer, false, client.closed).is_none()
        && !client.closed
        && client.fill(end)
    {}
    client.closes_within(Duration::from_millis(50));
    client.buffer
}

/// A plain GET on a connection of its own.
///
/// # Panics
///
/// When no answer comes.
pub(crate) fn get(address: SocketAddr, path: &str) -> Response {
    let mut client = Client::connect(address);
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    client.send(request.as_bytes());
    client.response(PATIENCE).expect("an answer comes")
}

/// A whole answer in front of `bytes`, and its length. `closed` ends an answer without a length.
fn take_response(bytes: &[u8], head_only: bool, closed: bool) -> Option<(Response, usize)> {
    let head_end = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&bytes[..head_end]);
    let mut lines = head.split("\r\n");
    let status: u16 = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_string()))
        .collect();
    let mut response = Response {
        status,
        headers,
        body: Vec::new(),
    };
    let rest = &bytes[head_end..];
    let without_body = head_only || status < 200 || status == 204 || status == 304;
    let length = if without_body {
        0
    } else if response.header("transfer-encoding") == Some("chunked") {
        let (body, length) = take_chunks(rest)?;
        response.body = body;
        return Some((response, head_end + length));
    } else if let Some(length) = response.header("content-length") {
        length.parse().ok()?
    } else if closed {
        rest.len()
    } else {
        return None;
    };
    response.body = rest.get(..length)?.to_vec();
    Some((response, head_end + length))
}

/// A whole chunked body in front of `bytes`, and its length on the wire.
fn take_chunks(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    let mut body = Vec::new();
    let mut at = 0;
    loop {
        let line_end = at + bytes[at..].windows(2).position(|two| two == b"\r\n")?;
        let line = std::str::from_utf8(&bytes[at..line_end]).ok()?;
        let size = usize::from_str_radix(line.split(';').next()?.trim(), 16).ok()?;
        at = line_end + 2;
        if size == 0 {
            let rest = &bytes[at..];
            if rest.starts_with(b"\r\n") {
                return Some((body, at + 2));
            }
            let end = rest.windows(4).position(|four| four == b"\r\n\r\n")?;
            return Some((body, at + end + 4));
        }
        body.extend_from_slice(bytes.get(at..at + size)?);
        at += size + 2;
        if at > bytes.len() {
            return None;
        }
    }
}
