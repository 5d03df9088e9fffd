//! `portcullis run`: serve.

use std::fs::OpenOptions;
use std::io::IsTerminal;
use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;

use anyhow::Context;
use portcullis_config::{Log, LogFormat};

use super::{list_problems, tell};
use crate::app::App;
use crate::cli::RunArgs;
use crate::{demo, reload};

/// Where the demo API listens beside a gateway that runs with `--demo`.
pub const DEMO_API: ([u8; 4], u16) = ([127, 0, 0, 1], 9000);

/// Serves until a signal ends it.
///
/// # Errors
/// When the log cannot be opened or the demo API not be started. Problems of the configuration are printed.
pub fn run(args: &RunArgs) -> anyhow::Result<ExitCode> {
    let name = args.config.display().to_string();
    let config = match reload::read(&args.config) {
        Ok(config) => config,
        Err(problems) => {
            list_problems(&problems, &name);
            return Ok(ExitCode::FAILURE);
        }
    };
    start_log(&config.log)?;
    let _api = args.demo.then(start_demo_api).transpose()?;
    let app = match App::start(config, args.state_dir.clone()) {
        Ok(app) => app,
        Err(problems) => {
            list_problems(&problems, &name);
            return Ok(ExitCode::FAILURE);
        }
    };
    announce(&app, args.demo);
    app.run(Some(args.config.clone()))?;
    Ok(ExitCode::SUCCESS)
}

fn start_demo_api() -> anyhow::Result<demo::upstream::Upstream> {
    let address = SocketAddr::from(DEMO_API);
    let listener = TcpListener::bind(address)
        .with_context(|| format!("the demo API cannot listen on {address}"))?;
    Ok(demo::upstream::spawn(listener)?)
}

/// Says what is live. Silent non-protection is the worst protection, so the rules are counted out loud.
pub fn announce(app: &App, demo: bool) {
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
A demo API stands behind the gateway. Try, in another terminal:

  curl http://{address}/api/users
  curl 'http://{address}/api/users?id=1%27%20UNION%20SELECT%20password%20FROM%20users--'   (403)
  curl -H 'Content-Type: application/json' -d '{{\"q\":\"<script>alert(1)</script>\"}}' http://{address}/echo   (403)
  curl http://{admin}/metrics

Each exchange is a line of JSON here, with the evidence for its verdict. Ctrl-C ends it.
"
        ));
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
