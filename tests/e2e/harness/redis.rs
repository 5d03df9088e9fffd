//! A server to share through: a `redis-server` of the test's own, on loopback, that can be killed, halted and started
//! again on the same port.

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::harness::certificates::Certificate;

pub(crate) const PASSWORD: &str = "of-a-test";

/// The server, and the folder it works in.
pub(crate) struct Redis {
    port: u16,
    bus: Option<u16>,
    /// Where it answers by TLS, and with which certificate.
    tls: Option<(u16, Certificate)>,
    folder: TempDir,
    child: Child,
}

impl Redis {
    /// A server that keeps nothing on disk and wants [`PASSWORD`].
    pub(crate) fn start() -> Self {
        Self::start_as(None, false)
    }

    /// A server that answers by TLS besides, with a certificate that only its own file vouches for.
    pub(crate) fn start_with_tls() -> Self {
        Self::start_as(None, true)
    }

    /// A cluster of three, each with a third of the slots.
    pub(crate) fn cluster() -> [Self; 3] {
        let nodes = [(); 3].map(|()| Self::start_as(Some(free_port()), false));
        for (node, slots) in nodes.iter().zip(["0 5460", "5461 10922", "10923 16383"]) {
            assert_eq!(
                node.command(&format!("CLUSTER ADDSLOTSRANGE {slots}")),
                "+OK"
            );
            for other in &nodes {
                let (port, bus) = (other.port, other.bus.expect("it is in a cluster"));
                let met = node.command(&format!("CLUSTER MEET 127.0.0.1 {port} {bus}"));
                assert_eq!(met, "+OK");
            }
        }
        let end = Instant::now() + Duration::from_secs(30);
        for node in &nodes {
            // PING is answered before slots are agreed on; a look-up of a key is not.
            while node.command("EXISTS x").starts_with("-CLUSTERDOWN") {
                assert!(Instant::now() < end, "the cluster does not come up");
                thread::sleep(Duration::from_millis(50));
            }
        }
        nodes
    }

    fn start_as(bus: Option<u16>, encrypted: bool) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let port = free_port();
        let certificate = || Certificate::make_for(folder.path(), "redis", "IP:127.0.0.1");
        let tls = encrypted.then(|| (free_port(), certificate()));
        let child = spawn(port, bus, tls.as_ref(), &folder);
        let redis = Self {
            port,
            bus,
            tls,
            folder,
            child,
        };
        redis.await_answer();
        redis
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// The address by TLS, and the file with the certificate.
    pub(crate) fn encrypted(&self) -> (String, &Path) {
        let (port, certificate) = self.tls.as_ref().expect("it was started with TLS");
        (format!("rediss://127.0.0.1:{port}"), &certificate.cert)
    }

    /// What it answers to a command: the first line.
    pub(crate) fn command(&self, command: &str) -> String {
        self.try_command(command).expect("the server answers")
    }

    fn try_command(&self, command: &str) -> std::io::Result<String> {
        let address = SocketAddr::from(([127, 0, 0, 1], self.port));
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(2))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        write!(stream, "AUTH {PASSWORD}\r\n{command}\r\n")?;
        let mut lines = BufReader::new(stream).lines();
        lines.next().transpose()?;
        lines.next().unwrap_or(Err(ErrorKind::UnexpectedEof.into()))
    }

    /// Ends it at once, as a crash would.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    /// Starts it again where it was, empty.
    pub(crate) fn restart(&mut self) {
        self.child = spawn(self.port, self.bus, self.tls.as_ref(), &self.folder);
        self.await_answer();
    }

    /// Halts it (`STOP`), so that it accepts connections and never answers, or lets it go on (`CONT`).
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .arg(format!("-{name}"))
            .arg(self.child.id().to_string())
            .status();
        assert!(status.is_ok_and(|status| status.success()), "kill -{name}");
    }

    fn await_answer(&self) {
        let end = Instant::now() + Duration::from_secs(20);
        while !self
            .try_command("PING")
            .is_ok_and(|answer| answer == "+PONG")
        {
            assert!(Instant::now() < end, "redis-server does not answer");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // Both fail only when it has ended already, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(port: u16, bus: Option<u16>, tls: Option<&(u16, Certificate)>, folder: &TempDir) -> Child {
    let mut command = Command::new("redis-server");
    command
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
        .args([
            "--save",
            "",
            "--appendonly",
            "no",
            "--requirepass",
            PASSWORD,
        ])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    if let Some(bus) = bus {
        command.args([
            "--cluster-enabled",
            "yes",
            "--cluster-port",
            &bus.to_string(),
        ]);
    }
    if let Some((port, certificate)) = tls {
        command
            .args(["--tls-port", &port.to_string(), "--tls-auth-clients", "no"])
            .arg("--tls-cert-file")
            .arg(&certificate.cert)
            .arg("--tls-key-file")
            .arg(&certificate.key)
            .arg("--tls-ca-cert-file")
            .arg(&certificate.cert);
    }
    command
        .spawn()
        .expect("`redis-server` is needed: apt-get install redis-server (`make test` does)")
}

/// A port that was free just now.
fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
    listener.local_addr().expect("it is bound").port()
}
