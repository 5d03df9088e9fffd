//! `portcullis demo`: everything at once, on loopback, in one process, over by itself.

use std::io::IsTerminal;
use std::net::TcpListener;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;

use super::{list_problems, say, tell};
use crate::app::App;
use crate::cli::DemoArgs;
use crate::demo;

/// Starts a demo API and a gateway on free ports, sends the mix, prints what became of each request.
///
/// # Errors
/// When a port or a thread cannot be had.
pub fn run(args: &DemoArgs) -> anyhow::Result<ExitCode> {
    let api = demo::upstream::spawn(
        TcpListener::bind(("127.0.0.1", 0)).context("no free port on loopback")?,
    )?;
    let text = format!(
        "listeners: [{{ address: 127.0.0.1:0 }}]
admin: {{ address: 127.0.0.1:0 }}
trusted_proxies: [127.0.0.1/32]
records: {{ output: none }}
upstreams: {{ api: {{ servers: [\"http://{}\"] }} }}
routes: [{{ path: /, upstream: api }}]
policies: {{ default: {{ limits: [{{ key: client, rate: 100/min, burst: 20 }}] }} }}
",
        api.address()
    );
    let config = match portcullis_config::parse(&text, "demo", &|_| None) {
        Ok(config) => config,
        Err(problems) => {
            list_problems(
                &problems.iter().map(ToString::to_string).collect::<Vec<_>>(),
                "demo",
            );
            return Ok(ExitCode::FAILURE);
        }
    };
    let mut app = match App::start(config, None) {
        Ok(app) => app,
        Err(problems) => {
            list_problems(&problems, "demo");
            return Ok(ExitCode::FAILURE);
        }
    };
    if let Some(words) = app.welcome() {
        tell(&words);
    }
    let (rules, _) = app.size();
    let Some((target, _)) = app.addresses().first().copied() else {
        anyhow::bail!("the gateway does not listen")
    };
    say(&format!(
        "demo API on http://{}, gateway on http://{target}, {rules} rules live\n",
        api.address()
    ));
    let traffic = demo::traffic::Traffic {
        target,
        requests: args.requests,
        pause: Duration::from_millis(args.pause),
        hostile: 30,
        attackers: 200,
        flood: 40,
        seed: args.seed,
        colour: std::io::stdout().is_terminal(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(traffic.run(&mut std::io::stdout()))?;
    Ok(ExitCode::SUCCESS)
}
