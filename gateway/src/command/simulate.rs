//! `portcullis simulate`: labelled traffic of made-up APIs, written to a file or sent through a gateway.

mod live;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context;

use super::{say, tell};
use crate::cli::{LineFormat, SimulateArgs};
use crate::simulate::clock::HOUR;
use crate::simulate::line::{self, Format};
use crate::simulate::world::Offline;
use crate::simulate::{Event, POPULATIONS, Plan, SCENARIOS, Scenario, scenario};

/// Lists, writes or sends, as the arguments say.
///
/// # Errors
/// When an argument names nothing that exists, or a file or a socket cannot be used.
pub fn run(args: &SimulateArgs) -> anyhow::Result<ExitCode> {
    if args.list {
        list();
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(address) = args.serve {
        return live::serve(args, address);
    }
    if args.demo || args.target.is_some() {
        return live::run(args);
    }
    let out = args.out.as_deref().context(
        "what to do? --list, --out FILE to write traffic, --target URL or --demo to send it, --serve ADDRESS",
    )?;
    offline(args, out)
}

fn list() {
    say("attacks (--scenario NAME):");
    for scenario in &SCENARIOS {
        say(&format!("  {:<22} {}", scenario.name, scenario.about));
        let variants: Vec<&str> = scenario
            .variants
            .iter()
            .map(|variant| variant.name)
            .collect();
        say(&format!("  {:<22} variants: {}", "", variants.join(", ")));
    }
    say("\nnormal clients, always present:");
    for population in &POPULATIONS {
        say(&format!("  {:<22} {}", population.name, population.about));
    }
}

/// The attacks that the arguments name.
fn chosen(names: &[String]) -> anyhow::Result<Vec<&'static Scenario>> {
    if names.iter().any(|name| name == "all") {
        return Ok(SCENARIOS.iter().collect());
    }
    names
        .iter()
        .map(|name| {
            scenario(name)
                .with_context(|| format!("there is no attack {name:?}: --list names them"))
        })
        .collect()
}

/// The plan of traffic for a file.
fn plan(args: &SimulateArgs) -> anyhow::Result<Plan> {
    let mut plan = Plan {
        seed: args.seed,
        attacks: args.attacks,
        scenarios: chosen(&args.scenario)?,
        campaigns: args.campaigns,
        ..Plan::default()
    };
    if let Some(hours) = args.hours {
        plan.duration = hours * HOUR;
    }
    plan.load = match (args.load, args.count) {
        (Some(load), _) => load,
        (None, Some(count)) => count as f64 * (1.0 - args.attacks) / plan.duration,
        (None, None) => plan.load,
    };
    // Campaigns are smaller where there is less of everything, so that each attack still occurs.
    let wanted = plan.load * plan.duration * args.attacks / (1.0 - args.attacks);
    plan.most = (wanted / plan.scenarios.len().max(1) as f64).clamp(60.0, 1e6) as u32;
    Ok(plan)
}

fn offline(args: &SimulateArgs, out: &Path) -> anyhow::Result<ExitCode> {
    let plan = plan(args)?;
    let started = Instant::now();
    let mut lines = Lines::create(args.format, out)?;
    let (mut events, mut hostile) = (0u64, 0u64);
    let mut traffic = Offline::new(&plan);
    let most = args.count.unwrap_or(u64::MAX);
    while events < most {
        let Some(event) = traffic.next() else { break };
        lines.write(&event)?;
        events += 1;
        hostile += u64::from(event.act.who.is_attacker());
    }
    lines.finish()?;
    let seconds = started.elapsed().as_secs_f64();
    tell(&format!(
        "{events} requests, {:.1} % of them by attackers, in {seconds:.1} s: {:.0} a second",
        100.0 * hostile as f64 / events.max(1) as f64,
        events as f64 / seconds.max(1e-9)
    ));
    let turned_away = traffic.world().turned_away();
    if turned_away > 0 {
        tell(&format!(
            "{turned_away} clients were turned away: too many at a time"
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// Where lines go.
struct Lines {
    writer: BufWriter<Box<dyn Write>>,
    format: Format,
    text: String,
}

impl Lines {
    fn create(format: Option<LineFormat>, out: &Path) -> anyhow::Result<Self> {
        let format = self::format(format, out);
        let mut writer = BufWriter::with_capacity(1 << 20, open(out)?);
        if format == Format::Csv {
            writer.write_all(line::CSV_HEAD.as_bytes())?;
        }
        Ok(Self {
            writer,
            format,
            text: String::new(),
        })
    }

    fn write(&mut self, event: &Event) -> std::io::Result<()> {
        self.text.clear();
        line::write(event, self.format, &mut self.text);
        self.writer.write_all(self.text.as_bytes())
    }

    fn finish(mut self) -> std::io::Result<()> {
        self.writer.flush()
    }
}

fn open(out: &Path) -> anyhow::Result<Box<dyn Write>> {
    if out == Path::new("-") {
        return Ok(Box::new(std::io::stdout()));
    }
    let file = File::create(out).with_context(|| format!("{} cannot be written", out.display()))?;
    Ok(Box::new(file))
}

fn format(wanted: Option<LineFormat>, out: &Path) -> Format {
    let csv = out.extension().is_some_and(|extension| extension == "csv");
    match wanted {
        Some(LineFormat::Csv) => Format::Csv,
        Some(LineFormat::Json) => Format::Json,
        None if csv => Format::Csv,
        None => Format::Json,
    }
}
