//! `portcullis run`: serve.

use std::fs::{self, OpenOptions};
use std::io::{self, IsTerminal};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use anyhow::Context;
use portcullis_config::{Log, LogFormat};

use super::{desktop, list_problems, tell};
use crate::app::App;
use crate::cli::RunArgs;
use crate::{demo, reload};

/// Where the demo API listens beside a gateway that runs with `--demo`.
pub const DEMO_API: ([u8; 4], u16) = ([127, 0, 0, 1], 9000);
/// Where a demo keeps its state, below the working folder.
const DEMO_STATE: &str = ".portcullis/demo";
/// Between two requests of the demo's traffic.
const DEMO_PAUSE: Duration = Duration::from_millis(300);

/// Serves until a signal ends it.
///
/// # Errors
/// When the log cannot be opened or the demo API not be started. Problems of the configuration are printed.
pub fn run(args: &RunArgs) -> anyhow::Result<ExitCode> {
    let name = args.config.display().to_string();
    let mut config = match reload::read(&args.config) {
        Ok(config) => config,
        Err(problems) => {
            list_problems(&problems, &name);
            return Ok(ExitCode::FAILURE);
        }
    };
    start_log(&config.log)?;
    // A demonstration shows what there is; the file, when it changes, has its way again.
    config.behaviour.enabled |= args.demo;
    config.ensemble.enabled |= args.demo;
    let _api = args.demo.then(start_demo_api).transpose()?;
    let state_dir = match (&args.state_dir, args.demo) {
        (None, true) => Some(fresh_state(Path::new(DEMO_STATE))?),
        (named, _) => named.clone(),
    };
    let mut app = match App::start(config, state_dir) {
        Ok(app) => app,
        Err(problems) => {
            list_problems(&problems, &name);
            return Ok(ExitCode::FAILURE);
        }
    };
    announce(&mut app, args.demo);
    if args.demo {
        start_demo_traffic(&app, Duration::from_secs(args.demo_traffic))?;
    }
    if args.open {
        desktop::open(&console(&app));
    }
    app.run(Some(args.config.clone()))?;
    Ok(ExitCode::SUCCESS)
}

fn start_demo_api() -> anyhow::Result<demo::upstream::Upstream> {
    let address = SocketAddr::from(DEMO_API);
    let listener = TcpListener::bind(address)
        .with_context(|| format!("the demo API cannot listen on {address}"))?;
    Ok(demo::upstream::spawn(listener)?)
}

/// An empty folder for a demo, so that each begins anew. The demo API's port is bound by then: no other demo uses it.
fn fresh_state(folder: &Path) -> anyhow::Result<PathBuf> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error).with_context(|| {
            format!(
                "the state of the last demo, {}, cannot be removed",
                folder.display()
            )
        }),
        _ => Ok(folder.to_owned()),
    }
}

/// Sends a few requests a second through the gateway for a while, from a thread that ends with the process.
fn start_demo_traffic(app: &App, lasts: Duration) -> anyhow::Result<()> {
    let plain = app.addresses().into_iter().find(|(_, tls)| !tls);
    let Some((address, _)) = plain.filter(|_| !lasts.is_zero()) else {
        return Ok(());
    };
    let traffic = demo::traffic::Traffic {
        target: reachable(address),
        requests: u64::MAX,
        pause: DEMO_PAUSE,
        hostile: 15,
        attackers: 8,
        flood: 0,
        seed: 1,
        colour: false,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    thread::Builder::new()
        .name("demo-traffic".to_owned())
        .spawn(move || {
            // It ends with the time, and nobody waits for what it prints.
            let _ = runtime.block_on(async {
                tokio::time::timeout(lasts, traffic.run(&mut io::sink())).await
            });
        })?;
    Ok(())
}

/// Where a browser on this machine finds the console.
fn console(app: &App) -> String {
    format!("http://{}/", reachable(app.admin_address()))
}

/// An address that can be connected to: one that listens everywhere is reached on loopback.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        ip if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// Says what is live. Silent non-protection is the worst protection, so the rules are counted out loud. The console and
/// what is needed to log in come last, where they are seen.
pub fn announce(app: &mut App, demo: bool) {
    let (rules, workers) = app.size();
    let word = |on| if on { "on" } else { "off" };
    let (behaviour, models) = (word(app.watches_behaviour()), word(app.asks_models()));
    for (address, tls) in app.addresses() {
        let scheme = if tls { "https" } else { "http" };
        tell(&format!("listening on {scheme}://{address}"));
    }
    tell(&format!("admin on http://{}", app.admin_address()));
    tell(&format!(
        "{rules} rules live, {workers} workers, behaviour {behaviour}, models {models}"
    ));
    if let (true, Some((address, _))) = (demo, app.addresses().first()) {
        let admin = app.admin_address();
        tell(&format!(
            "
A demo API stands behind the gateway, and a few requests a second come in, attacks among them. Try, in another terminal:

  curl http://{address}/api/users
  curl 'http://{address}/api/users?id=1%27%20UNION%20SELECT%20password%20FROM%20users--'   (403)
  curl -H 'Content-Type: application/json' -d '{{\"q\":\"<script>alert(1)</script>\"}}' http://{address}/echo   (403)
  curl http://{admin}/metrics

Each exchange is a line of JSON on standard output, with the evidence for its verdict. Ctrl-C ends it.
"
        ));
    }
    tell(&format!("console at {}", console(app)));
    if let Some(words) = app.welcome() {
        tell(&words);
    }
}

fn start_log(log: &Log) -> anyhow::Result<()> {
    let builder = tracing_subscriber::fmt()
        .with_max_level(match log.level.as_str() {
            "error" => tracing::Level::ERROR,
            "warn" => tracing::Level::WARN,
            "debug" => tracing::Level::DEBUG,
            "trace" => tracing::Level::TRACE,
            _ => tracing::Level::INFO,
        })
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    let file = match &log.file {
        None => None,
        Some(path) => Some(
            OpenOptions::new()
                .create(true)
                .append(true)
                .open(path)
                .with_context(|| format!("the log {} cannot be opened", path.display()))?,
        ),
    };
    // A second start in one process (tests) keeps the first log.
    let _ = match (log.format, file) {
        (LogFormat::Text, None) => builder.with_writer(std::io::stderr).try_init(),
        (LogFormat::Json, None) => builder.json().with_writer(std::io::stderr).try_init(),
        (LogFormat::Text, Some(file)) => builder.with_ansi(false).with_writer(file).try_init(),
        (LogFormat::Json, Some(file)) => builder.json().with_writer(file).try_init(),
    };
    Ok(())
}
