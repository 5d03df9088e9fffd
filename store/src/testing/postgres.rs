//! A PostgreSQL server of the test's own, on a free port of loopback, from Debian's package (`make test` installs it).
//! A shell watches over it: when the test process ends, however it ends, the shell's input ends, and it stops the
//! server and removes its folder. Needs nothing but the standard library, so that other crates' tests may include it.

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// A server that runs.
pub(crate) struct Server {
    port: u16,
    programs: PathBuf,
    /// Its input holds the server alive.
    _watch: Child,
}

const PATIENCE: Duration = Duration::from_secs(60);

const MISSING: &str =
    "PostgreSQL's server is needed: apt-get install postgresql (`make test` does)";

/// Starts what is named by its arguments after the first, and ends with its input. The first is the folder.
const WATCH: &str = r#"folder=$1; shift; "$@" >"$folder.log" 2>&1 & read -r _; kill -QUIT $!; wait; rm -rf "$folder" "$folder.log""#;

impl Server {
    /// Makes a cluster in a folder of its own and serves it.
    pub(crate) fn start() -> Self {
        let programs = programs();
        let folder =
            std::env::temp_dir().join(format!("portcullis-postgres-{}", std::process::id()));
        fs::create_dir(&folder).expect("a folder of our own");
        if is_root() {
            run(Command::new("chown").arg("postgres").arg(&folder));
        }
        let data = folder.join("data");
        run(as_postgres(&programs.join("initdb"))
            .args([
                "--username=postgres",
                "--auth=trust",
                "--no-sync",
                "--encoding=UTF8",
                "--no-locale",
                "-D",
            ])
            .arg(&data));
        let port = free_port();
        let mut server = as_postgres(&programs.join("postgres"));
        server.arg("-D").arg(&data).arg("-k").arg(&folder);
        for setting in [
            format!("port={port}"),
            "listen_addresses=127.0.0.1".into(),
            "fsync=off".into(),
            "max_connections=300".into(),
        ] {
            server.arg("-c").arg(setting);
        }
        let watch = Command::new("sh")
            .args(["-c", WATCH, "watch"])
            .arg(&folder)
            .arg(server.get_program())
            .args(server.get_args())
            .stdin(Stdio::piped())
            .spawn()
            .expect("a shell");
        let server = Self {
            port,
            programs,
            _watch: watch,
        };
        let end = Instant::now() + PATIENCE;
        while !server.answers() {
            let log = || fs::read_to_string(folder.with_extension("log")).unwrap_or_default();
            assert!(
                Instant::now() < end,
                "PostgreSQL does not answer: {}",
                log()
            );
            thread::sleep(Duration::from_millis(50));
        }
        server
    }

    /// Makes an empty database; returns its URL.
    pub(crate) fn create(&self, name: &str) -> String {
        run(self.program("createdb").arg(name));
        format!(
            "postgres://postgres@127.0.0.1:{}/{name}?sslmode=disable",
            self.port
        )
    }

    fn answers(&self) -> bool {
        TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok()
            && self
                .program("pg_isready")
                .stdout(Stdio::null())
                .status()
                .is_ok_and(|status| status.success())
    }

    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        command
            .args(["-h", "127.0.0.1", "-U", "postgres", "-p"])
            .arg(self.port.to_string());
        command
    }
}

/// Debian keeps the server's programs out of the PATH, by version; the newest is taken.
fn programs() -> PathBuf {
    let mut found: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .collect();
    let path = std::env::var_os("PATH").unwrap_or_default();
    found.sort();
    found.reverse();
    found.extend(std::env::split_paths(&path));
    let complete = |folder: &PathBuf| {
        ["initdb", "postgres", "createdb"]
            .iter()
            .all(|name| folder.join(name).exists())
    };
    found.into_iter().find(complete).expect(MISSING)
}

/// The server refuses to run as root.
fn as_postgres(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command
        .args([
            "--reuid=postgres",
            "--regid=postgres",
            "--clear-groups",
            "--",
        ])
        .arg(program);
    command
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata("/proc/self").is_ok_and(|about| about.uid() == 0)
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .expect("a free port")
        .port()
}

fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().expect(MISSING);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
}
