//! The tally of a connection, for models that read connections: running figures of a fixed size, kept only where such a
//! model is there or records carry them. Reads and writes are counted by the socket wrapper, requests and answers by the
//! exchange, for HTTP/1 and HTTP/2 alike. Figures are atomics because hyper wants its socket to be `Send`; one thread
//! writes them, so they are loaded and stored, and nothing is locked.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use http::{HeaderMap, Request, Response};
use http_body::Body;
use portcullis_detect::feature::{Connection, Spread, Way};

/// What happened on one connection so far.
#[derive(Debug)]
pub struct Flow {
    accepted: Instant,
    forward: Direction,
    backward: Direction,
    rests: Running,
    waits: Running,
    bodies: Running,
    whole: Counter,
    broken: Counter,
    pushed: Counter,
    overlapping: Counter,
    held_up: Counter,
    overloaded: Counter,
    errors: Counter,
}

#[derive(Debug, Default)]
struct Direction {
    sizes: Running,
    heads: Running,
    gaps: Running,
    /// Nanoseconds from the beginning of the connection to the last packet; 0 before the first.
    last: AtomicU64,
}

/// A [`Spread`] that is growing.
#[derive(Debug, Default)]
struct Running {
    count: AtomicU32,
    least: AtomicU32,
    most: AtomicU32,
    sum: AtomicU64,
    squares: AtomicU64,
}

#[derive(Debug, Default)]
struct Counter(AtomicU32);

impl Flow {
    /// Of a connection that was accepted just now.
    pub fn beginning() -> Self {
        Self {
            accepted: Instant::now(),
            forward: Direction::default(),
            backward: Direction::default(),
            rests: Running::default(),
            waits: Running::default(),
            bodies: Running::default(),
            whole: Counter::default(),
            broken: Counter::default(),
            pushed: Counter::default(),
            overlapping: Counter::default(),
            held_up: Counter::default(),
            overloaded: Counter::default(),
            errors: Counter::default(),
        }
    }

    /// A read brought bytes.
    pub fn received(&self, bytes: usize) {
        self.forward.packet(bytes, self.accepted.elapsed());
    }

    /// A write took bytes.
    pub fn sent(&self, bytes: usize) {
        self.backward.packet(bytes, self.accepted.elapsed());
    }

    /// A write has to wait for the client to read.
    pub fn held_up(&self) {
        self.held_up.grow();
    }

    /// A request begins; `alone`: nothing else is under way.
    pub fn begins<B: Body>(&self, request: &Request<B>, alone: bool) {
        self.forward.heads.add(request_head(request) as f64);
        if !request.body().is_end_stream() {
            self.pushed.grow();
        }
        if !alone {
            self.overlapping.grow();
            return;
        }
        let answered = self.backward.last.load(Relaxed);
        if answered > 0 {
            let rest = self.forward.last.load(Relaxed).saturating_sub(answered);
            self.rests.add(milliseconds(rest));
        }
    }

    /// An answer begins, for which the upstream was waited for so long, if it was asked.
    pub fn answers<B>(&self, response: &Response<B>, waited: Option<Duration>) {
        self.backward.heads.add(answer_head(response) as f64);
        let status = response.status().as_u16();
        if status >= 400 {
            self.errors.grow();
        }
        if status == 429 || status >= 500 {
            self.overloaded.grow();
        }
        if let Some(waited) = waited {
            self.waits.add(waited.as_secs_f64() * 1000.0);
        }
    }

    /// An exchange is over, its answer sent to the end or not.
    pub fn ends(&self, whole: bool, body: u64) {
        let counter = if whole { &self.whole } else { &self.broken };
        counter.grow();
        self.bodies.add(body as f64);
    }

    /// What models make their row of.
    pub fn connection(&self) -> Connection {
        Connection {
            age: self.accepted.elapsed().as_secs_f64(),
            forward: self.forward.way(),
            backward: self.backward.way(),
            rests: self.rests.spread(),
            waits: self.waits.spread(),
            bodies: self.bodies.spread(),
            whole: self.whole.value(),
            broken: self.broken.value(),
            pushed: self.pushed.value(),
            overlapping: self.overlapping.value(),
            held_up: self.held_up.value(),
            overloaded: self.overloaded.value(),
            errors: self.errors.value(),
        }
    }
}

impl Direction {
    fn packet(&self, bytes: usize, after: Duration) {
        // A connection of 584 years is none.
        let now = u64::try_from(after.as_nanos()).unwrap_or(u64::MAX).max(1);
        let last = self.last.load(Relaxed);
        if last > 0 {
            self.gaps.add(milliseconds(now.saturating_sub(last)));
        }
        self.last.store(now, Relaxed);
        self.sizes.add(bytes as f64);
    }

    fn way(&self) -> Way {
        Way {
            sizes: self.sizes.spread(),
            heads: self.heads.spread(),
            gaps: self.gaps.spread(),
        }
    }
}

impl Running {
    fn add(&self, value: f64) {
        let mut spread = self.spread();
        spread.add(value);
        self.count.store(spread.count, Relaxed);
        self.least.store(spread.least.to_bits(), Relaxed);
        self.most.store(spread.most.to_bits(), Relaxed);
        self.sum.store(spread.sum.to_bits(), Relaxed);
        self.squares.store(spread.squares.to_bits(), Relaxed);
    }

    fn spread(&self) -> Spread {
        Spread {
            count: self.count.load(Relaxed),
            least: f32::from_bits(self.least.load(Relaxed)),
            most: f32::from_bits(self.most.load(Relaxed)),
            sum: f64::from_bits(self.sum.load(Relaxed)),
            squares: f64::from_bits(self.squares.load(Relaxed)),
        }
    }
}

impl Counter {
    fn grow(&self) {
        self.0.store(self.value().saturating_add(1), Relaxed);
    }

    fn value(&self) -> u32 {
        self.0.load(Relaxed)
    }
}

fn milliseconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e6
}

/// Bytes of a request's head as HTTP/1.1 writes it, the empty line at its end included.
fn request_head<B>(request: &Request<B>) -> usize {
    let uri = request.uri();
    let target = uri
        .path_and_query()
        .map_or(1, |target| target.as_str().len());
    let host = uri.authority().map_or(0, |host| {
        let given = request.headers().contains_key(http::header::HOST);
        if given {
            0
        } else {
            line("host", host.as_str().len())
        }
    });
    let first = request.method().as_str().len() + target + " HTTP/1.1\r\n".len() + 1;
    first + host + fields(request.headers())
}

/// The same of an answer, without what the HTTP library adds: the date, and the framing where nobody gave it.
fn answer_head<B>(response: &Response<B>) -> usize {
    let reason = response.status().canonical_reason().unwrap_or_default();
    "HTTP/1.1 200 \r\n".len() + reason.len() + fields(response.headers())
}

fn fields(headers: &HeaderMap) -> usize {
    let each = headers.iter();
    let each = each.map(|(name, value)| line(name.as_str(), value.len()));
    each.sum::<usize>() + 2
}

fn line(name: &str, value: usize) -> usize {
    name.len() + ": ".len() + value + 2
}

#[cfg(test)]
mod tests {
    use http_body_util::{Empty, Full};

    use super::*;

    fn get() -> Request<Empty<&'static [u8]>> {
        let request = Request::get("/a?b=c").header("host", "a.test");
        request.body(Empty::new()).expect("a request")
    }

    #[test]
    fn heads_have_the_length_that_they_have_on_the_wire() {
        assert_eq!(
            request_head(&get()),
            b"GET /a?b=c HTTP/1.1\r\nhost: a.test\r\n\r\n".len()
        );
        let http2 = Request::get("https://a.test/a?b=c").body(()).expect("one");
        assert_eq!(request_head(&http2), request_head(&get()));
        let answer = Response::builder()
            .status(404)
            .header("content-length", "0");
        assert_eq!(
            answer_head(&answer.body(()).expect("an answer")),
            b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".len()
        );
    }

    #[test]
    fn events_are_counted_each_in_its_place() {
        let flow = Flow::beginning();
        flow.received(40);
        flow.begins(&get(), true);
        let answer = |status: u16| Response::builder().status(status).body(()).expect("one");
        flow.answers(&answer(200), Some(Duration::from_millis(3)));
        flow.held_up();
        flow.sent(500);
        flow.ends(true, 400);
        flow.received(90);
        let post = Request::post("/").body(Full::new(&b"x"[..])).expect("one");
        flow.begins(&post, true);
        flow.begins(&get(), false);
        flow.answers(&answer(429), None);
        flow.ends(false, 0);
        let seen = flow.connection();
        assert_eq!(
            (seen.forward.sizes.count, seen.forward.sizes.sum),
            (2, 130.0)
        );
        assert_eq!((seen.forward.gaps.count, seen.backward.gaps.count), (1, 0));
        assert_eq!(
            (seen.forward.heads.count, seen.backward.heads.count),
            (3, 2)
        );
        assert_eq!((seen.whole, seen.broken, seen.pushed), (1, 1, 1));
        assert_eq!((seen.overlapping, seen.held_up), (1, 1));
        assert_eq!((seen.errors, seen.overloaded), (1, 1));
        assert_eq!((seen.waits.count, seen.waits.sum), (1, 3.0));
        assert_eq!((seen.bodies.count, seen.bodies.most), (2, 400.0));
        assert_eq!(seen.rests.count, 1);
        assert!(size_of::<Flow>() <= 512, "{}", size_of::<Flow>());
    }
}
