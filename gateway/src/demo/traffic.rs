//! A mix of normal and hostile requests against a gateway on this machine, with the verdict on each printed as it
//! comes. All clients are simulated by `X-Forwarded-For` from the networks that RFC 5737 keeps for documentation, so
//! nobody real, and not the person who tries either, is ever limited for them.

mod scenes;

use std::fmt;
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use self::scenes::{ATTACKS, NORMAL, Scene};

/// What to send, where and how fast.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Traffic {
    /// The gateway.
    pub target: SocketAddr,
    /// How many requests of the mix; the flood at its end comes on top.
    pub requests: u64,
    /// The pause between two of them.
    pub pause: Duration,
    /// How many in a hundred are attacks.
    pub hostile: u64,
    /// From how many addresses these come, up to 254.
    pub attackers: u64,
    /// How many requests one client sends at once in the end, to meet the rate limit; 0 for none.
    pub flood: u64,
    /// The same seed gives the same requests.
    pub seed: u64,
    /// Whether the output is a terminal that understands colours.
    pub colour: bool,
}

/// What became of it all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    /// Normal requests that were sent, and those that passed.
    pub normal: (u64, u64),
    /// Attacks that were sent, and those that were stopped.
    pub attacks: (u64, u64),
    /// Requests of the flood that were sent, and those that were refused for their number.
    pub flood: (u64, u64),
    /// Requests that got no answer.
    pub unanswered: u64,
}

/// What the gateway did, as far as a client can see.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    Passed,
    Throttled,
    Denied,
    Unanswered,
}

impl Traffic {
    /// Sends everything and prints a line for each request to `out`.
    ///
    /// # Errors
    /// When `out` cannot be written to. A request that fails is a line, not an error.
    pub(crate) async fn run(&self, out: &mut dyn Write) -> io::Result<Summary> {
        let mut random = Random(self.seed | 1);
        let mut summary = Summary::default();
        for _ in 0..self.requests {
            let hostile = random.below(100) < self.hostile;
            let scene = random.pick(if hostile { ATTACKS } else { NORMAL });
            let client = client(hostile, self.attackers, &mut random);
            let status = self.send(scene, client).await;
            let seen = Seen::of(status);
            summary.count(hostile, seen);
            self.print(out, client, scene, status, seen)?;
            tokio::time::sleep(self.pause).await;
        }
        self.flood(out, &mut summary).await?;
        Ok(summary)
    }

    async fn flood(&self, out: &mut dyn Write, summary: &mut Summary) -> io::Result<()> {
        let Some(scene) = NORMAL.first().filter(|_| self.flood > 0) else {
            return Ok(());
        };
        let client = Ipv4Addr::new(203, 0, 113, 254);
        writeln!(out, "\n{client} sends {} requests at once …", self.flood)?;
        for _ in 0..self.flood {
            let status = self.send(scene, client).await;
            let seen = Seen::of(status);
            summary.flood.0 += 1;
            summary.flood.1 += u64::from(seen == Seen::Throttled);
            summary.unanswered += u64::from(seen == Seen::Unanswered);
            if seen == Seen::Throttled && summary.flood.1 == 1 {
                self.print(out, client, scene, status, seen)?;
            }
        }
        Ok(())
    }

    /// The status of the answer; `None` where none came in time.
    async fn send(&self, scene: &Scene, client: Ipv4Addr) -> Option<StatusCode> {
        let request = scene.request(self.target, client)?;
        tokio::time::timeout(PATIENCE, exchange(self.target, request))
            .await
            .ok()?
            .ok()
    }

    fn print(
        &self,
        out: &mut dyn Write,
        client: Ipv4Addr,
        scene: &Scene,
        status: Option<StatusCode>,
        seen: Seen,
    ) -> io::Result<()> {
        let status = status.map_or("---".to_owned(), |status| status.as_u16().to_string());
        let (start, end) = if self.colour {
            (seen.colour(), "\x1b[0m")
        } else {
            ("", "")
        };
        let target: String = scene.target.chars().take(WIDTH).collect();
        let more = if scene.target.chars().count() > WIDTH {
            "…"
        } else {
            " "
        };
        writeln!(
            out,
            "{:<15} {start}{status} {:<9}{end} {:<4} {target:<WIDTH$}{more} {}",
            client.to_string(),
            seen.word(),
            scene.method,
            scene.label
        )
    }
}

impl Seen {
    fn of(status: Option<StatusCode>) -> Self {
        match status {
            None => Self::Unanswered,
            Some(StatusCode::FORBIDDEN | StatusCode::BAD_REQUEST) => Self::Denied,
            Some(StatusCode::TOO_MANY_REQUESTS) => Self::Throttled,
            Some(_) => Self::Passed,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Throttled => "throttled",
            Self::Denied => "denied",
            Self::Unanswered => "no answer",
        }
    }

    fn colour(self) -> &'static str {
        match self {
            Self::Passed => "\x1b[32m",
            Self::Throttled => "\x1b[33m",
            Self::Denied => "\x1b[31m",
            Self::Unanswered => "\x1b[35m",
        }
    }
}

impl Summary {
    fn count(&mut self, hostile: bool, seen: Seen) {
        if hostile {
            self.attacks.0 += 1;
            self.attacks.1 += u64::from(matches!(seen, Seen::Denied | Seen::Throttled));
        } else {
            self.normal.0 += 1;
            self.normal.1 += u64::from(seen == Seen::Passed);
        }
        self.unanswered += u64::from(seen == Seen::Unanswered);
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "normal requests: {} sent, {} passed",
            self.normal.0, self.normal.1
        )?;
        writeln!(
            f,
            "attacks:         {} sent, {} stopped",
            self.attacks.0, self.attacks.1
        )?;
        if self.flood.0 > 0 {
            writeln!(
                f,
                "flood:           {} sent, {} throttled",
                self.flood.0, self.flood.1
            )?;
        }
        if self.unanswered > 0 {
            writeln!(f, "without answer:  {}", self.unanswered)?;
        }
        Ok(())
    }
}

/// One request over a connection of its own.
async fn exchange(
    target: SocketAddr,
    request: Request<Full<Bytes>>,
) -> Result<StatusCode, Box<dyn std::error::Error>> {
    let stream = TcpStream::connect(target).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let answer = async {
        let mut response = sender.send_request(request).await?;
        let status = response.status();
        while let Some(frame) = response.body_mut().frame().await {
            frame?;
        }
        // The connection ends when nobody can send on it any more.
        drop(sender);
        Ok::<_, hyper::Error>(status)
    };
    let (status, _) = tokio::join!(answer, connection);
    Ok(status?)
}

/// Normal clients and attackers live in two of the documentation networks, so that no limit met by the one holds
/// back the other.
fn client(hostile: bool, attackers: u64, random: &mut Random) -> Ipv4Addr {
    let hosts = if hostile { attackers.min(254) } else { 200 };
    let host = (random.below(hosts) + 1) as u8;
    if hostile {
        Ipv4Addr::new(198, 51, 100, host)
    } else {
        Ipv4Addr::new(192, 0, 2, host)
    }
}

/// Marsaglia's xorshift: good enough to shuffle a demonstration, and repeatable.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end.max(1)
    }

    fn pick<'a>(&mut self, scenes: &'a [Scene]) -> &'a Scene {
        // A remainder of the length lies within the list, and neither list is empty.
        &scenes[self.below(scenes.len() as u64) as usize]
    }
}

const PATIENCE: Duration = Duration::from_secs(10);

/// How much of a request's target is printed.
const WIDTH: usize = 52;

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;
    use crate::demo::upstream;

    fn run(traffic: Traffic) -> (Summary, String) {
        let mut out = Vec::new();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let summary = runtime.block_on(traffic.run(&mut out)).unwrap();
        (summary, String::from_utf8(out).unwrap())
    }

    fn traffic(target: SocketAddr) -> Traffic {
        Traffic {
            target,
            requests: 60,
            pause: Duration::ZERO,
            hostile: 30,
            attackers: 200,
            flood: 5,
            seed: 7,
            colour: false,
        }
    }

    #[test]
    fn without_a_gateway_every_attack_arrives() {
        let api = upstream::spawn(TcpListener::bind("127.0.0.1:0").unwrap()).unwrap();
        let (summary, text) = run(traffic(api.address()));
        assert_eq!(summary.normal.0 + summary.attacks.0, 60);
        assert!(summary.attacks.0 >= 10, "{summary}");
        assert_eq!(summary.normal.0, summary.normal.1, "{text}");
        assert_eq!((summary.flood, summary.unanswered), ((5, 0), 0), "{text}");
        assert_eq!(
            text.lines()
                .filter(|line| line.contains(" passed "))
                .count(),
            60 - summary.attacks.1 as usize
        );
    }

    #[test]
    fn the_same_seed_tells_the_same_story() {
        let api = upstream::spawn(TcpListener::bind("127.0.0.1:0").unwrap()).unwrap();
        let (first, second) = (run(traffic(api.address())), run(traffic(api.address())));
        assert_eq!(first, second);
        let other = run(Traffic {
            seed: 8,
            ..traffic(api.address())
        });
        assert_ne!(first.1, other.1);
    }

    #[test]
    fn a_gateway_that_is_away_is_no_error() {
        let address = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let (summary, text) = run(Traffic {
            requests: 3,
            flood: 0,
            ..traffic(address)
        });
        assert_eq!(summary.unanswered, 3);
        assert_eq!(text.matches("no answer").count(), 3);
    }
}
