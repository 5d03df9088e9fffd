//! `portcullis simulate --target | --demo | --serve`: the traffic sent through a gateway, and what the gateway made of it.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use serde_json::json;

use super::super::{say, tell};
use super::{Lines, chosen};
use crate::app::App;
use crate::cli::SimulateArgs;
use crate::demo::upstream::Upstream;
use crate::simulate::clock::HOUR;
use crate::simulate::live::{Live, Outcome};
use crate::simulate::score::{self, Table};
use crate::simulate::serve::{self, Clock};
use crate::simulate::{Event, Plan};

/// Serves the made-up APIs until the process is interrupted.
///
/// # Errors
/// When the address is not on loopback or cannot be used.
pub fn serve(args: &SimulateArgs, address: SocketAddr) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(
        address.ip().is_loopback() || args.i_own_this_target,
        "{address} is not on loopback: others could reach the made-up APIs; --i-own-this-target allows it"
    );
    let listener =
        TcpListener::bind(address).with_context(|| format!("{address} cannot be listened on"))?;
    let apis = serve::spawn(listener, args.seed, Clock::new(MORNING, args.speed))?;
    tell(&format!(
        "the made-up APIs answer on http://{}",
        apis.address()
    ));
    loop {
        std::thread::park();
    }
}

/// Sends the traffic, for as many seeds as were asked for, and prints the scores.
///
/// # Errors
/// When the target is none, or not to be used, or a file cannot be written.
pub fn run(args: &SimulateArgs) -> anyhow::Result<ExitCode> {
    let target = args
        .target
        .as_deref()
        .map(|url| resolve(url, args.i_own_this_target))
        .transpose()?;
    let mut lines = args
        .out
        .as_deref()
        .map(|out| Lines::create(args.format, out))
        .transpose()?;
    if let Some(flows) = &args.flows {
        // The gateway appends, as it does everywhere.
        std::fs::File::create(flows)
            .with_context(|| format!("{} cannot be written", flows.display()))?;
    }
    let mut tables = Vec::new();
    for seed in args.seed..args.seed.saturating_add(args.seeds) {
        let table = run_seed(args, seed, target, lines.as_mut())?;
        if !args.json {
            say(&format!("seed {seed}"));
            table.lines().iter().for_each(|line| say(line));
            say("");
        }
        tables.push(table);
    }
    if let Some(lines) = lines {
        lines.finish()?;
    }
    report(args, &tables)?;
    Ok(ExitCode::SUCCESS)
}

fn report(args: &SimulateArgs, tables: &[Table]) -> anyhow::Result<()> {
    if args.json {
        let runs: Vec<_> = tables.iter().map(Table::json).collect();
        say(&serde_json::to_string_pretty(&json!({ "runs": runs }))?);
    } else if tables.len() > 1 {
        say(&format!("over {} seeds, mean ± deviation", tables.len()));
        let summaries = score::over_seeds(tables);
        score::summary_lines(&summaries)
            .iter()
            .for_each(|line| say(line));
    }
    Ok(())
}

fn run_seed(
    args: &SimulateArgs,
    seed: u64,
    target: Option<SocketAddr>,
    lines: Option<&mut Lines>,
) -> anyhow::Result<Table> {
    let (demo, clock, target) = match target {
        Some(target) => (None, Clock::new(MORNING, args.speed), target),
        None => {
            let demo = Demo::start(seed, args)?;
            let (clock, target) = (demo.clock, demo.gateway);
            (Some(demo), clock, target)
        }
    };
    let live = Live {
        target,
        plan: plan(args, seed)?,
        clock,
        connections: usize::from(args.connections),
        rate: args.max_rate,
        count: args.count.unwrap_or(20_000),
        own_connections: args.own_connections || args.flows.is_some(),
    };
    let outcome = send(&live, lines)?;
    if let Some(demo) = demo {
        demo.end()?;
    }
    tell(&format!(
        "{} requests sent, {} without an answer, at most {:.1} s late",
        outcome.sent, outcome.unanswered, outcome.behind
    ));
    anyhow::ensure!(
        outcome.unanswered < outcome.sent || outcome.sent == 0,
        "{target} answered nothing"
    );
    Ok(outcome.scorer.table())
}

fn send(live: &Live, mut lines: Option<&mut Lines>) -> anyhow::Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut failed = None;
    let mut each = |event: &Event| {
        if let Some(lines) = lines.as_deref_mut()
            && let Err(error) = lines.write(event)
        {
            failed.get_or_insert(error);
        }
    };
    let outcome = runtime.block_on(live.run(&mut each));
    match failed {
        Some(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(outcome),
    }
}

/// The plan of traffic that is sent: a morning, with every attack small enough to end within the time.
fn plan(args: &SimulateArgs, seed: u64) -> anyhow::Result<Plan> {
    let duration = args.duration.as_secs_f64() * args.speed;
    let scenarios = chosen(&args.scenario)?;
    let load = args.load.unwrap_or(20.0);
    let each =
        load * duration * args.attacks / (1.0 - args.attacks) / scenarios.len().max(1) as f64;
    Ok(Plan {
        seed,
        duration,
        start: MORNING,
        load,
        attacks: args.attacks,
        scenarios,
        campaigns: Some(args.campaigns.unwrap_or(2)),
        most: each.clamp(60.0, 1e6) as u32,
    })
}

/// The made-up APIs, and a gateway as it is shipped before them.
struct Demo {
    _apis: Upstream,
    app: App,
    gateway: SocketAddr,
    clock: Clock,
}

impl Demo {
    /// Starts both, and then the clock: a gateway takes a while to start. With `--flows` it only looks on, and its
    /// records, with what was measured of connections, go there.
    fn start(seed: u64, args: &SimulateArgs) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let records = match args.flows.as_deref() {
            Some(path) => measuring(path)?,
            None => "records: { output: none }".to_owned(),
        };
        let text = format!(
            "listeners: [{{ address: 127.0.0.1:0 }}]
admin: {{ address: 127.0.0.1:0 }}
trusted_proxies: [127.0.0.1/32]
{records}
upstreams: {{ api: {{ servers: [\"http://{}\"] }} }}
routes: [{{ path: /, upstream: api }}]
",
            listener.local_addr()?
        );
        let config =
            portcullis_config::parse(&text, "simulate", &|_| None).map_err(|problems| {
                let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
                anyhow::anyhow!(problems.join("\n"))
            })?;
        let mut app =
            App::start(config, None).map_err(|problems| anyhow::anyhow!(problems.join("\n")))?;
        if let Some(words) = app.welcome() {
            tell(&words);
        }
        let (gateway, _) = app
            .addresses()
            .first()
            .copied()
            .context("the gateway does not listen")?;
        let clock = Clock::new(MORNING, args.speed);
        Ok(Self {
            _apis: serve::spawn(listener, seed, clock)?,
            app,
            gateway,
            clock,
        })
    }

    /// Sees to it that every record is written. The gateway's threads end with the process.
    fn end(self) -> anyhow::Result<()> {
        anyhow::ensure!(self.app.flush_records(), "records were not written in time");
        std::mem::forget(self.app);
        Ok(())
    }
}

/// Settings of a gateway that measures connections and touches nothing.
fn measuring(path: &Path) -> anyhow::Result<String> {
    let path = std::path::absolute(path)?;
    let quoted = serde_json::to_string(&path)?;
    Ok(format!(
        "records: {{ output: {quoted}, queue: 65536, flow: true }}\npolicies: {{ default: {{ mode: observe }} }}"
    ))
}

/// The address of a target, if it is one that may be attacked.
fn resolve(url: &str, owned: bool) -> anyhow::Result<SocketAddr> {
    let rest = url
        .strip_prefix("http://")
        .context("a target is written http://HOST:PORT; TLS is not spoken")?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let with_port = if authority
        .rsplit_once(':')
        .is_some_and(|(_, port)| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()))
    {
        authority.to_owned()
    } else {
        format!("{authority}:80")
    };
    let addresses: Vec<SocketAddr> = with_port
        .to_socket_addrs()
        .with_context(|| format!("{with_port} is no address"))?
        .collect();
    let strangers = addresses.iter().any(|address| !address.ip().is_loopback());
    anyhow::ensure!(
        owned || !strangers,
        "{url} is not on loopback: this traffic attacks whatever it is sent to. --i-own-this-target says that it is yours"
    );
    addresses
        .first()
        .copied()
        .with_context(|| format!("{with_port} has no address"))
}

/// Ten in the morning: when everybody is awake.
const MORNING: f64 = 10.0 * HOUR;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_a_target_unless_one_says_so() {
        for (url, owned, fine) in [
            ("http://127.0.0.1:8080", false, true),
            ("http://127.9.9.9:1/x", false, true),
            ("http://[::1]:8080", false, true),
            ("http://localhost:8080", false, true),
            ("http://192.0.2.1:8080", false, false),
            ("http://192.0.2.1:8080", true, true),
            ("http://0.0.0.0:8080", false, false),
            ("http://127.0.0.1", false, true),
            ("https://127.0.0.1", false, false),
            ("127.0.0.1:8080", false, false),
            ("http://", false, false),
            ("http://127.0.0.1@192.0.2.1:80", false, false),
            ("http://[::ffff:192.0.2.1]:80", false, false),
        ] {
            assert_eq!(resolve(url, owned).is_ok(), fine, "{url}");
        }
    }
}
