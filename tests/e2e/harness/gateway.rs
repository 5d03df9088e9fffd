//! One gateway process: started on ports of the system's choice, its log kept, killed when dropped.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::client::{Client, get};

/// A running gateway.
pub(crate) struct Gateway {
    child: Child,
    folder: TempDir,
    listeners: Vec<SocketAddr>,
    admin: SocketAddr,
    log: Arc<Mutex<String>>,
}

/// How long a gateway may take to print its addresses. A loaded machine is slow; a broken gateway exits at once
/// and is seen sooner.
const START: Duration = Duration::from_secs(30);

/// How long to wait for what comes by itself: a busy machine takes ten seconds to compile the shipped rules anew.
const SLOW: Duration = Duration::from_secs(45);

/// The rule of `{folder}/rules`.
const ONE_RULE: &str = "\
- id: protocol-nothing
  name: Nothing
  why: The value is a word that no test sends.
  category: protocol
  severity: info
  match: { equals: nothing-that-any-test-sends }
";

impl Gateway {
    /// Starts a gateway with this configuration, written to `gateway.yaml` in a new folder; `{folder}` in it
    /// stands for that folder. Listeners and admin should have port 0. `{folder}/rules` holds a single rule
    /// that matches nothing a test sends, for tests that need none and want a quick start. It returns once all addresses are bound.
    ///
    /// # Panics
    ///
    /// When it exits or does not say its addresses in time; the message holds its log.
    pub(crate) fn start(yaml: &str) -> Self {
        Self::start_under(&[], yaml)
    }

    /// The same, by a command that sets something up and then becomes the gateway, such as `prlimit`.
    pub(crate) fn start_under(wrapper: &[&str], yaml: &str) -> Self {
        let program = env!("CARGO_BIN_EXE_portcullis");
        let mut command = Command::new(wrapper.first().unwrap_or(&program));
        if let Some(arguments) = wrapper.get(1..) {
            command.args(arguments).arg(program);
        }
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        fs::create_dir(folder.path().join("rules")).expect("a folder can be made");
        fs::write(folder.path().join("rules/one.yaml"), ONE_RULE).expect("a file can be written");
        let config = folder.path().join("gateway.yaml");
        fs::write(&config, fill(yaml, &folder)).expect("the configuration can be written");
        let mut child = command
            .arg("run")
            .arg("--config")
            .arg(&config)
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the gateway can be started");
        let log = Arc::new(Mutex::new(String::new()));
        let outputs: [Option<Box<dyn Read + Send>>; 2] = [
            child.stdout.take().map(|pipe| Box::new(pipe) as _),
            child.stderr.take().map(|pipe| Box::new(pipe) as _),
        ];
        for output in outputs.into_iter().flatten() {
            let log = Arc::clone(&log);
            thread::spawn(move || keep_lines(output, &log));
        }
        let mut gateway = Self {
            child,
            folder,
            listeners: Vec::new(),
            admin: SocketAddr::from(([0, 0, 0, 0], 0)),
            log,
        };
        gateway.await_addresses();
        gateway
    }

    /// The first listener.
    pub(crate) fn address(&self) -> SocketAddr {
        self.listeners[0]
    }

    /// All listeners, in the order of the configuration.
    pub(crate) fn addresses(&self) -> &[SocketAddr] {
        &self.listeners
    }

    pub(crate) fn admin(&self) -> SocketAddr {
        self.admin
    }

    pub(crate) fn process_id(&self) -> u32 {
        self.child.id()
    }

    /// What it printed so far, both outputs.
    pub(crate) fn log(&self) -> String {
        self.log.lock().expect("no reader panics").clone()
    }

    /// What it printed, once all of `words` stand in it. Its outputs come through a pipe and a thread, so a metric
    /// may show what happened before the line about it has arrived.
    pub(crate) fn log_with(&self, words: &[&str]) -> String {
        let end = Instant::now() + SLOW;
        loop {
            let log = self.log();
            match words.iter().find(|word| !log.contains(**word)) {
                None => return log,
                Some(word) => assert!(Instant::now() < end, "no {word:?} was said: {log}"),
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// A connection to the first listener.
    pub(crate) fn client(&self) -> Client {
        Client::connect(self.address())
    }

    /// The text of `/metrics`.
    pub(crate) fn metrics(&self) -> String {
        let response = get(self.admin, "/metrics");
        assert_eq!(response.status, 200, "/metrics answers");
        String::from_utf8(response.body).expect("metrics are text")
    }

    /// The sum of all series whose line begins with this, a name or a name with its first labels.
    pub(crate) fn metric(&self, series: &str) -> f64 {
        self.metrics()
            .lines()
            .filter(|line| {
                line.strip_prefix(series)
                    .is_some_and(|rest| rest.starts_with(['{', ' ', ',', '}']))
            })
            .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            .sum()
    }

    /// Waits until that sum has this value: what is counted when a connection ends is counted just after its end.
    pub(crate) fn await_metric(&self, series: &str, value: f64) {
        let end = Instant::now() + SLOW;
        while (self.metric(series) - value).abs() > f64::EPSILON {
            let found = self.metric(series);
            assert!(Instant::now() < end, "{series}: {found}, not {value}");
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// The records written so far to `{folder}/records.jsonl`, where the configuration must have put them.
    pub(crate) fn records(&self) -> Vec<Value> {
        let path = self.folder.path().join("records.jsonl");
        let text = fs::read_to_string(path).unwrap_or_default();
        // The last line may be half written.
        let whole = text.rfind('\n').and_then(|end| text.get(..end));
        whole
            .unwrap_or_default()
            .lines()
            .map(|line| serde_json::from_str(line).expect("each record is one line of JSON"))
            .collect()
    }

    /// Waits for a record of which this holds, and returns it.
    pub(crate) fn await_record(&self, holds: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + SLOW;
        loop {
            if let Some(record) = self.records().into_iter().find(|record| holds(record)) {
                return record;
            }
            let latest: Vec<_> = self
                .records()
                .iter()
                .rev()
                .take(5)
                .map(Value::to_string)
                .collect();
            assert!(
                Instant::now() < end,
                "no such record; the latest:\n{}",
                latest.join("\n")
            );
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Replaces the configuration file, as an editor would: a new file moved over the old one.
    pub(crate) fn rewrite(&self, yaml: &str) {
        let config: PathBuf = self.folder.path().join("gateway.yaml");
        let new = self.folder.path().join("gateway.yaml.new");
        fs::write(&new, fill(yaml, &self.folder)).expect("the configuration can be written");
        fs::rename(new, config).expect("the configuration can be replaced");
    }

    /// Sends a signal by name (`HUP`, `TERM`) to this process alone.
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .arg(format!("-{name}"))
            .arg(self.child.id().to_string())
            .status();
        assert!(status.is_ok_and(|status| status.success()), "kill -{name}");
    }

    /// Waits for the process to end by itself; `None` when it has not in time.
    pub(crate) fn exit_within(&mut self, time: Duration) -> Option<std::process::ExitStatus> {
        let end = Instant::now() + time;
        loop {
            match self.child.try_wait() {
                Ok(None) if Instant::now() < end => thread::sleep(Duration::from_millis(10)),
                Ok(status) => return status,
                Err(error) => panic!("the process cannot be waited for: {error}"),
            }
        }
    }

    /// Reads the addresses off the log; the admin line is the last.
    fn await_addresses(&mut self) {
        let end = Instant::now() + START;
        loop {
            let log = self.log();
            if let Some(admin) = addresses(&log, "admin on ").first() {
                self.admin = *admin;
                self.listeners = addresses(&log, "listening on ");
                assert!(!self.listeners.is_empty(), "no listener in:\n{log}");
                return;
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                // Its last words may still be in the pipe.
                thread::sleep(Duration::from_millis(50));
                panic!("the gateway ended with {status}:\n{}", self.log());
            }
            assert!(Instant::now() < end, "no address in time:\n{log}");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // Both fail only when it has ended already, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            let log = self.log();
            let tail: Vec<&str> = log.lines().rev().take(40).collect();
            eprintln!("--- the gateway's last words ---");
            tail.iter().rev().for_each(|line| eprintln!("{line}"));
        }
    }
}

fn fill(yaml: &str, folder: &TempDir) -> String {
    yaml.replace("{folder}", &folder.path().to_string_lossy())
}

fn keep_lines(output: impl Read, log: &Mutex<String>) {
    for line in BufReader::new(output).lines().map_while(Result::ok) {
        let mut log = log.lock().expect("no other reader panics");
        log.push_str(&line);
        log.push('\n');
    }
}

/// The addresses of all lines with these words, as in `listening on http://127.0.0.1:8080`.
fn addresses(log: &str, words: &str) -> Vec<SocketAddr> {
    log.lines()
        .filter_map(|line| line.split_once(words))
        .filter_map(|(_, url)| url.split_once("://"))
        .filter_map(|(_, address)| {
            let end = address.find(|c: char| c.is_whitespace() || matches!(c, '/' | '"'));
            address.get(..end.unwrap_or(address.len()))?.parse().ok()
        })
        .collect()
}
