//! An origin that remembers every byte, and reads requests as leniently as the worst of servers: bare line feeds end
//! lines, white space around names is cut, underscores are hyphens, any mention of `chunked` makes a chunked body,
//! and the first digits of a length are the length. What it takes for a request, some application may.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// An origin on a port of its own; its listener ends with it.
pub(crate) struct Origin {
    address: SocketAddr,
    connections: Arc<Mutex<Vec<Connection>>>,
    stopped: Arc<AtomicBool>,
}

/// One request as the origin read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Request line and fields with the empty line behind them, as they came.
    pub(crate) head: Vec<u8>,
    /// The body as it came, chunk sizes and trailers included.
    pub(crate) body: Vec<u8>,
}

/// What came over one connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Connection {
    /// Every byte.
    pub(crate) bytes: Vec<u8>,
    /// The requests that are whole.
    pub(crate) requests: Vec<Seen>,
    /// The bytes behind them: the beginning of a request, or what smuggling left.
    pub(crate) rest: Vec<u8>,
}

impl Origin {
    /// An origin that hands each connection to `serve`, numbered from 0, and records nothing by itself.
    pub(crate) fn start(serve: impl Fn(TcpStream, usize) + Send + Sync + 'static) -> Self {
        Self::listen(move |stream, number, _| serve(stream, number))
    }

    /// An origin that records, and answers each whole request with the bytes that `answer` returns. Empty bytes close
    /// the connection.
    pub(crate) fn answering(answer: impl Fn(&Seen) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self::listen(move |stream, number, connections| {
            serve(stream, number, connections, &answer);
        })
    }

    fn listen(
        serve: impl Fn(TcpStream, usize, &Mutex<Vec<Connection>>) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let origin = Self {
            address: listener.local_addr().expect("it is bound"),
            connections: Arc::default(),
            stopped: Arc::default(),
        };
        let (connections, stopped) = (Arc::clone(&origin.connections), Arc::clone(&origin.stopped));
        let serve = Arc::new(serve);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                let number = {
                    let mut all = connections.lock().expect("no server panics");
                    all.push(Connection::default());
                    all.len() - 1
                };
                let (serve, connections) = (Arc::clone(&serve), Arc::clone(&connections));
                thread::spawn(move || serve(stream, number, &connections));
            }
        });
        origin
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What came, connection by connection.
    pub(crate) fn connections(&self) -> Vec<Connection> {
        self.connections.lock().expect("no server panics").clone()
    }

    /// All whole requests.
    pub(crate) fn requests(&self) -> Vec<Seen> {
        self.connections()
            .into_iter()
            .flat_map(|connection| connection.requests)
            .collect()
    }

    /// How many whole requests there are.
    pub(crate) fn count(&self) -> usize {
        let connections = self.connections.lock().expect("no server panics");
        connections.iter().map(|c| c.requests.len()).sum()
    }

    /// Waits until so many whole requests have come; false when they do not.
    pub(crate) fn await_count(&self, count: usize, time: Duration) -> bool {
        let end = Instant::now() + time;
        while self.count() < count {
            if Instant::now() > end {
                return false;
            }
            thread::sleep(Duration::from_millis(2));
        }
        true
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        // Wakes the accept, which then sees the flag.
        let _ = TcpStream::connect(self.address);
    }
}

impl Seen {
    /// The request line, without its line end.
    pub(crate) fn request_line(&self) -> String {
        let line = self.head.split(|&byte| byte == b'\n').next();
        String::from_utf8_lossy(line.unwrap_or_default())
            .trim_end()
            .to_string()
    }

    /// The target.
    pub(crate) fn target(&self) -> String {
        let line = self.request_line();
        line.split(' ').nth(1).unwrap_or_default().to_string()
    }

    /// All values of a header, by its lower-case name, read leniently.
    pub(crate) fn header(&self, name: &str) -> Vec<String> {
        lenient_fields(&self.head)
            .into_iter()
            .filter(|(n, _)| n == name)
            .map(|(_, value)| value)
            .collect()
    }
}

/// A plain 200 with this body, for HEAD without it.
pub(crate) fn ok(seen: &Seen, body: &str) -> Vec<u8> {
    let sent = if seen.head.starts_with(b"HEAD ") {
        ""
    } else {
        body
    };
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{sent}",
        body.len()
    )
    .into_bytes()
}

fn serve(
    mut stream: TcpStream,
    number: usize,
    connections: &Mutex<Vec<Connection>>,
    answer: &dyn Fn(&Seen) -> Vec<u8>,
) {
    let mut buffer = [0; 16 * 1024];
    loop {
        let count = match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return,
            Ok(count) => count,
        };
        let new = {
            let mut all = connections.lock().expect("no server panics");
            let connection = &mut all[number];
            connection.bytes.extend_from_slice(&buffer[..count]);
            connection.rest.extend_from_slice(&buffer[..count]);
            let mut new = Vec::new();
            while let Some((seen, length)) = take_request(&connection.rest) {
                connection.rest.drain(..length);
                new.push(seen);
            }
            connection.requests.extend(new.iter().cloned());
            new
        };
        for seen in new {
            let bytes = answer(&seen);
            if bytes.is_empty() || stream.write_all(&bytes).is_err() {
                let _ = stream.shutdown(Shutdown::Both);
                return;
            }
        }
    }
}

/// A whole request in front of `bytes`, and its length.
fn take_request(bytes: &[u8]) -> Option<(Seen, usize)> {
    let start = bytes
        .iter()
        .position(|byte| !matches!(byte, b'\r' | b'\n'))?;
    let end = start + head_length(&bytes[start..])?;
    let head = bytes[start..end].to_vec();
    let fields = lenient_fields(&head);
    let value = |name: &str| fields.iter().find(|(n, _)| n == name).map(|(_, v)| v);
    let chunked = fields.iter().any(|(name, value)| {
        name == "transfer-encoding" && value.to_ascii_lowercase().contains("chunked")
    });
    let length = if chunked {
        chunks_length(&bytes[end..])?
    } else {
        let digits = value("content-length").map(|value| {
            let from_digit = value.trim_start_matches(|c: char| !c.is_ascii_digit());
            let stop = from_digit.find(|c: char| !c.is_ascii_digit());
            from_digit
                .get(..stop.unwrap_or(from_digit.len()))
                .and_then(|digits| digits.parse().ok())
                .unwrap_or(0)
        });
        digits.unwrap_or(0)
    };
    let body = bytes.get(end..end.checked_add(length)?)?.to_vec();
    Some((Seen { head, body }, end + length))
}

/// Up to and with the first empty line, where a line feed alone also ends a line.
fn head_length(bytes: &[u8]) -> Option<usize> {
    let mut line = 0;
    for (i, _) in bytes.iter().enumerate().filter(|(_, b)| **b == b'\n') {
        if matches!(&bytes[line..i], [] | [b'\r']) {
            return Some(i + 1);
        }
        line = i + 1;
    }
    None
}

fn lenient_fields(head: &[u8]) -> Vec<(String, String)> {
    head.split(|&byte| byte == b'\n')
        .skip(1)
        .filter_map(|line| {
            let line = String::from_utf8_lossy(line).into_owned();
            let (name, value) = line.split_once(':')?;
            let name = name.trim().to_ascii_lowercase().replace('_', "-");
            Some((name, value.trim().to_string()))
        })
        .collect()
}

fn chunks_length(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let line_end = at + bytes.get(at..)?.iter().position(|&byte| byte == b'\n')?;
        let line = String::from_utf8_lossy(&bytes[at..line_end]).into_owned();
        let line = line.trim_start();
        let stop = line.find(|c: char| !c.is_ascii_hexdigit());
        let digits = line.get(..stop.unwrap_or(line.len()))?;
        let size = usize::from_str_radix(digits, 16).unwrap_or(0);
        at = line_end + 1;
        if size == 0 {
            return Some(at + head_length(&bytes[at..])?);
        }
        at = at.checked_add(size)?;
        if bytes.get(at) == Some(&b'\r') {
            at += 1;
        }
        if bytes.get(at) == Some(&b'\n') {
            at += 1;
        }
    }
}
