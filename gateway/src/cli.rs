//! The command line. Help texts are written to be read: what a command does, and an example that works as it stands.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use portcullis_detect::behaviour::SubjectId;
use portcullis_detect::feature::View;

use crate::command;

/// An API security gateway: scores every request on its way, stops attacks, and says why.
#[derive(Debug, Parser)]
#[command(name = "portcullis", version, max_term_width = 100, arg_required_else_help = true, after_help = EXAMPLES)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Begin with:
  portcullis demo                          see it at work, no set-up needed
  portcullis check --config portcullis.yaml    all mistakes of a configuration at once
  portcullis run --config portcullis.yaml      serve";

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve: listen, inspect, forward, record
    ///
    /// Reads the configuration, binds every listener, and serves until SIGTERM, then drains. SIGHUP and every change
    /// of the file reload it; a file with mistakes is refused and the old one serves on.
    #[command(after_help = "Example:\n  portcullis run --config config/portcullis.yaml")]
    Run(RunArgs),
    /// Check a configuration and its rules, and say what is wrong with them
    ///
    /// Prints every mistake with its file, its line and what to write instead, and exits with 1 if there is one.
    /// Nothing is bound, so it may run beside a serving gateway.
    #[command(after_help = "Example:\n  portcullis check --config config/portcullis.yaml")]
    Check(CheckArgs),
    /// Watch it work: a demo API, the gateway before it, normal traffic and attacks
    ///
    /// Everything runs on loopback in this one process and ends by itself. Clients of the demo come from addresses
    /// that are reserved for documentation, by X-Forwarded-For.
    #[command(after_help = "Example:\n  portcullis demo --requests 50")]
    Demo(DemoArgs),
    /// Judge one request from a file, without sending it anywhere
    ///
    /// The file holds a raw HTTP/1.1 request: request line, headers, an empty line, a body. Line ends may be LF.
    #[command(
        after_help = "Example:\n  printf 'GET /?id=1%27%20OR%201=1-- HTTP/1.1\\nHost: a\\n\\n' > r.http\n  portcullis inspect --request r.http"
    )]
    Inspect(InspectArgs),
    /// Judge recorded requests, texts, payloads and test suites, and count what would have been stopped
    ///
    /// The folder holds sets of requests, texts, payload lists, access logs and suites. Prints counts per class, and of
    /// harmless sets the hosts and rules of the false alarms; --table prints what the sets have to reach.
    /// docs/EVAL.md describes the sets and how payloads are grafted into requests.
    #[command(
        after_help = "Examples:\n  portcullis eval --data data --table\n  portcullis eval --data data --set graft --every 10 --wrong wrong.jsonl\n  portcullis eval --data data --set api_benign.valid --rules config/rules"
    )]
    Eval(EvalArgs),
    /// Turn recorded requests into what models are trained on
    ///
    /// Reads a request per line and writes arrays of NumPy: columns of whole requests, hashed n-grams of their fields, the
    /// bytes of the most suspicious fields, or what was known of the client by then, exactly as the gateway computes them
    /// when it serves. docs/FEATURES.md describes the columns and files.
    #[command(
        after_help = "Example:\n  portcullis features requests.jsonl.gz request.npy --view request --gate gate.onnx"
    )]
    Features(FeaturesArgs),
    /// Who is banned; ban somebody, or let somebody go
    ///
    /// Speaks with the gateway that runs with this state folder on this machine. Subjects are written as
    /// address:192.0.2.1, prefix:192.0.2.0/24, system:64500, or KIND:HASH as records name keys, users and sessions.
    #[command(
        after_help = "Example:\n  portcullis bans add 192.0.2.1 --for 1h --why 'scraping the catalogue'"
    )]
    Bans(BansArgs),
    /// Who may use the admin plane: list, add, reset, remove users; make API tokens
    ///
    /// Works on the database itself, beside a running gateway or without one. Passwords and tokens that are drawn are
    /// printed once. Everything done here stands in the audit trail.
    #[command(
        after_help = "Examples:\n  portcullis users add ada --role analyst\n  portcullis users reset admin --config portcullis.yaml\n  portcullis users token ada --name ci --role viewer --days 30 --family logs"
    )]
    Users(UsersArgs),
    /// Make traffic of made-up APIs, normal and hostile, labelled: for a file, or through a gateway with a score
    ///
    /// With --out alone it writes what would happen, with a virtual clock: the same seed writes the same bytes. With
    /// --target it sends the same traffic through a gateway that stands before `simulate --serve`, and says of every
    /// attack whether and when it was stopped. --demo starts both here. docs/SIMULATE.md describes the lines and figures.
    #[command(
        after_help = "Examples:\n  portcullis simulate --list\n  portcullis simulate --out traffic.jsonl --hours 48 --attacks 0.1\n  portcullis simulate --out traffic.csv --count 100000 --scenario credential-stuffing\n  portcullis simulate --demo --duration 30s\n  portcullis simulate --serve 127.0.0.1:9000 & portcullis simulate --target http://127.0.0.1:8080 --duration 5m"
    )]
    Simulate(SimulateArgs),
    /// About the configuration: its schema, its reference, the file that is shipped
    #[command(subcommand)]
    Config(ConfigCommand),
    /// About the models: list, verify
    #[command(subcommand)]
    Models(ModelsCommand),
    /// About the rules: list, show, test, lint
    #[command(subcommand)]
    Rules(RulesCommand),
}

/// Arguments of `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The configuration file (YAML)
    #[arg(long, short, value_name = "FILE")]
    pub config: PathBuf,
    /// The folder for what must outlive the process, such as bans. Without it: systemd's STATE_DIRECTORY, or
    /// .portcullis/ADMIN-PORT below the working folder. Used where behaviour is switched on
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// Also start the demo API on 127.0.0.1:9000, send it a few requests a second through the gateway, attacks among
    /// them, switch behaviour on, and print what to try. Without --state-dir the state folder is .portcullis/demo,
    /// emptied at the start
    #[arg(long)]
    pub demo: bool,
    /// With --demo: for how many seconds requests are sent; 0 for none
    #[arg(
        long,
        value_name = "SECONDS",
        requires = "demo",
        default_value_t = 3600
    )]
    pub demo_traffic: u64,
    /// Open the console in a browser, where there is a desktop
    #[arg(long)]
    pub open: bool,
}

/// Arguments of `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The configuration file (YAML)
    #[arg(long, short, value_name = "FILE")]
    pub config: PathBuf,
}

/// Arguments of `demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// How many requests of the mix to send; a flood follows them
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub requests: u64,
    /// Chooses the mix; the same seed sends the same requests
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Milliseconds between two requests
    #[arg(long, default_value_t = 60, value_name = "MS")]
    pub pause: u64,
}

/// Arguments of `inspect`.
#[derive(Debug, Args)]
pub struct InspectArgs {
    /// The file with the raw request; - for standard input
    #[arg(long, short, value_name = "FILE.http")]
    pub request: PathBuf,
    /// Judge as this configuration does (its rules, and the policy of the route that matches); without it, the
    /// built-in rules and the default policy
    #[arg(long, short, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print the verdict as JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `eval`.
#[derive(Debug, Args)]
pub struct EvalArgs {
    /// The folder of the sets; without it, the one that PORTCULLIS_DATA names
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Only this set, by its name with or without its folder; may be given several times
    #[arg(long, value_name = "NAME")]
    pub set: Vec<String>,
    /// A folder of rule files instead of the built-in rules
    #[arg(long, value_name = "DIR")]
    pub rules: Option<PathBuf>,
    /// Also ask the models of this manifest
    #[arg(long, value_name = "MANIFEST.json", conflicts_with = "behaviour")]
    pub ensemble: Option<PathBuf>,
    /// The paranoia level
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=4))]
    pub paranoia: u8,
    /// Print the table of what each set has to reach, and whether it does
    #[arg(long, group = "bars", conflicts_with_all = ["set", "paranoia"])]
    pub table: bool,
    /// Replay sessions, access logs and simulated attacks through the behaviour stage, by their own clock, and print the
    /// table of what it has to reach
    #[arg(long, group = "bars", conflicts_with_all = ["paranoia", "every"])]
    pub behaviour: bool,
    /// With --behaviour: how many seeds of the simulator, from --seed on
    #[arg(long, default_value_t = 5, value_name = "N", requires = "behaviour", value_parser = clap::value_parser!(u64).range(1..=100))]
    pub seeds: u64,
    /// Rewrite SQL injections of the lists towards what the engine scores lower, in ways that mean the same to a SQL
    /// parser, and print how many are still denied; only in a build with the feature `mutation`
    #[arg(long, group = "bars", conflicts_with_all = ["set", "every"])]
    pub mutate_sql: bool,
    /// With --mutate-sql: for how many rounds
    #[arg(long, default_value_t = 100, value_name = "N", requires = "mutate_sql", value_parser = rounds)]
    pub rounds: usize,
    /// With --mutate-sql: how many injections
    #[arg(long, default_value_t = 300, value_name = "N", requires = "mutate_sql", value_parser = injections)]
    pub count: usize,
    /// With --table, --behaviour or --mutate-sql: exit with 1 if a bar is missed
    #[arg(long, requires = "bars")]
    pub gate: bool,
    /// Judge one record of each N
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub every: usize,
    /// Chooses which payload is grafted where; the same seed makes the same requests
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Write every wrong verdict to this file, a JSON object per line: attacks that were not denied, harmless requests
    /// that were denied or throttled
    #[arg(long, value_name = "FILE")]
    pub wrong: Option<PathBuf>,
    /// How many hosts and rules to list of the false alarms
    #[arg(long, default_value_t = 10, value_name = "N")]
    pub top: usize,
    /// Print the figures as JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `features`.
#[derive(Debug, Args)]
pub struct FeaturesArgs {
    /// The requests, one JSON object per line; gzipped where the name ends in .gz
    #[arg(value_name = "IN.jsonl", required_unless_present = "names")]
    pub from: Option<PathBuf>,
    /// The array to write; further files are put beside it
    #[arg(value_name = "OUT.npy", required_unless_present = "names")]
    pub to: Option<PathBuf>,
    /// What to write
    #[arg(long, default_value = "request", value_parser = view)]
    pub view: View,
    /// The gate that ranks fields and fills the gate's columns; without it a rule of thumb ranks them
    #[arg(long, value_name = "GATE.onnx")]
    pub gate: Option<PathBuf>,
    /// A folder of rule files instead of the built-in rules
    #[arg(long, value_name = "DIR")]
    pub rules: Option<PathBuf>,
    /// The paranoia level
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=4))]
    pub paranoia: u8,
    /// With --view flow: the gateway's records of these requests, written with `records.flow`
    #[arg(long, value_name = "RECORDS.jsonl")]
    pub records: Option<PathBuf>,
    /// With --view fields: of equal fields only the first, and how many there were
    #[arg(long)]
    pub distinct: bool,
    /// Print the schema of the view as JSON, and do nothing else
    #[arg(long)]
    pub names: bool,
}

/// Arguments of `bans`.
#[derive(Debug, Args)]
pub struct BansArgs {
    /// The gateway's state folder, as given to `run`
    #[arg(long, value_name = "DIR", global = true)]
    pub state_dir: Option<PathBuf>,
    /// The port of the gateway's admin plane, which names its state folder where no other was given
    #[arg(long, value_name = "PORT", default_value_t = 9901, global = true)]
    pub admin_port: u16,
    /// What to do
    #[command(subcommand)]
    pub what: BansCommand,
}

/// What `bans` can do.
#[derive(Debug, Subcommand)]
pub enum BansCommand {
    /// List the bans that hold
    List {
        /// Print them as JSON
        #[arg(long)]
        json: bool,
    },
    /// Ban somebody
    Add {
        /// Whom, such as 192.0.2.1 or user:00c0ffee00c0ffee
        subject: SubjectId,
        /// For how long, such as 30m or 12h; without it, until the ban is removed
        #[arg(long = "for", value_name = "TIME")]
        lasts: Option<portcullis_config::Duration>,
        /// For what; for whoever reads the list later
        #[arg(long, default_value = "added by hand")]
        why: String,
    },
    /// Let somebody go
    Remove {
        /// Whom, as `list` prints it
        subject: SubjectId,
    },
}

/// Arguments of `users`.
#[derive(Debug, Args)]
pub struct UsersArgs {
    /// The gateway's state folder, as given to `run`
    #[arg(long, value_name = "DIR", global = true)]
    pub state_dir: Option<PathBuf>,
    /// The port of the gateway's admin plane, which names its state folder where no other was given
    #[arg(long, value_name = "PORT", default_value_t = 9901, global = true)]
    pub admin_port: u16,
    /// The configuration file of the gateway: its database is used, be it PostgreSQL or in the state folder of its port
    #[arg(long, short, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// The database instead of the one in the state folder: sqlite:PATH or postgres://USER@HOST/NAME; PGPASSWORD or
    /// ~/.pgpass may hold the password
    #[arg(long, value_name = "URL", global = true, conflicts_with = "config")]
    pub database: Option<String>,
    /// What to do
    #[command(subcommand)]
    pub what: UsersCommand,
}

/// What `users` can do.
#[derive(Debug, Subcommand)]
pub enum UsersCommand {
    /// List the users
    List {
        /// Print them as JSON
        #[arg(long)]
        json: bool,
    },
    /// Add a user, with a one-time password that is printed
    Add {
        /// The name to log in with
        name: String,
        /// What they may do
        #[arg(long, default_value = "viewer")]
        role: portcullis_admin::Role,
        /// The only tenant whose traffic they see
        #[arg(long, value_name = "NAME")]
        tenant: Option<String>,
        /// Read their password from standard input instead of drawing one; it need not be changed
        #[arg(long)]
        password_stdin: bool,
    },
    /// Give a user a new one-time password, and end their sessions
    Reset {
        /// Whom
        name: String,
        /// Read their password from standard input instead of drawing one; it need not be changed
        #[arg(long)]
        password_stdin: bool,
    },
    /// Remove a user, with their sessions and tokens
    Remove {
        /// Whom
        name: String,
    },
    /// Make an API token of a user, and print it
    Token {
        /// Whose
        user: String,
        /// What to call it
        #[arg(long)]
        name: String,
        /// The most that it may do; never more than its owner
        #[arg(long, default_value = "viewer")]
        role: portcullis_admin::Role,
        /// Only for these routes, by what follows /api/v1/ in their paths, such as logs; several by comma
        #[arg(long, value_name = "NAME", value_delimiter = ',')]
        family: Vec<String>,
        /// After how many days it ends
        #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=3650))]
        days: u32,
    },
}

/// What `config` can do.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print the JSON schema of the configuration
    Schema,
    /// Print the reference of every setting, as Markdown
    Reference,
    /// Print the shipped configuration, to start from
    Default,
    /// Print a file with the settings made by API over it, which are read from the database that the file names
    Export(ExportArgs),
}

/// Arguments of `config export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The configuration file (YAML)
    #[arg(long, short, value_name = "FILE")]
    pub config: PathBuf,
    /// The state folder of the gateway, as for `run`
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
}

/// What `models` can do.
#[derive(Debug, Subcommand)]
pub enum ModelsCommand {
    /// List the models of a manifest: what each reads, with whom it votes, how much it counts
    List(ModelsFrom),
    /// Load every model of a manifest and run it; exits with 1 if one cannot be used
    Verify(ModelsFrom),
    /// What would change if models in shadow had a say, or with another manifest
    ///
    /// Judges recorded requests (a JSON object per line, plain or .gz, as docs/EVAL.md describes) by the rules and the
    /// manifest as it is, and again as it might be, and counts the verdicts that differ.
    #[command(
        after_help = "Example:\n  portcullis models compare requests.jsonl.gz --manifest models/manifest.json --model new-net"
    )]
    Compare(CompareArgs),
}

/// What is compared.
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// Recorded requests, one per line; `label` 0 is harmless, others are attacks
    #[arg(value_name = "REQUESTS.jsonl")]
    pub requests: PathBuf,
    /// What is compared with; without it, the manifest's own models in shadow, each given its vote
    #[arg(long, value_name = "MANIFEST.json", conflicts_with = "model")]
    pub with: Option<PathBuf>,
    /// Only this model in shadow; may be given several times
    #[arg(long, value_name = "NAME")]
    pub model: Vec<String>,
    /// Rules from this folder in place of those that are built in
    #[arg(long, value_name = "DIR")]
    pub rules: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub from: ModelsFrom,
}

/// Which models are meant.
#[derive(Debug, Args)]
pub struct ModelsFrom {
    /// The manifest; without it, the one beside the executable
    #[arg(long, value_name = "MANIFEST.json")]
    pub manifest: Option<PathBuf>,
    /// The library of ONNX Runtime; without it, the places that `ensemble.library` describes
    #[arg(long, value_name = "FILE")]
    pub library: Option<PathBuf>,
}

/// What `rules` can do.
#[derive(Debug, Subcommand)]
pub enum RulesCommand {
    /// List all rules: id, category, severity, name
    List(RulesFrom),
    /// Show one rule: what it looks for, why it matters
    Show {
        /// The rule's id
        id: String,
        #[command(flatten)]
        from: RulesFrom,
    },
    /// Run the rules' own tests (tests/rules, one file named after each rule; or your own folder)
    Test {
        /// The folder with one test file per rule
        #[arg(default_value = "tests/rules")]
        tests: PathBuf,
        #[command(flatten)]
        from: RulesFrom,
    },
    /// Say what could be better about the rules: costly patterns, missing tags
    Lint(RulesFrom),
}

/// Which rules are meant.
#[derive(Debug, Args)]
pub struct RulesFrom {
    /// A folder of rule files instead of the built-in rules
    #[arg(long, value_name = "DIR")]
    pub rules: Option<PathBuf>,
}

/// Arguments of `simulate`.
#[derive(Debug, Args)]
pub struct SimulateArgs {
    /// Name the attacks and the normal clients, with a sentence each
    #[arg(long)]
    pub list: bool,
    /// Send the traffic to this gateway: http://HOST:PORT, which has to be on loopback and to trust it as a proxy
    #[arg(long, value_name = "URL", conflicts_with_all = ["serve", "demo", "list"])]
    pub target: Option<String>,
    /// Start the made-up APIs and a gateway before them here, and send the traffic through it
    #[arg(long, conflicts_with_all = ["serve", "list"])]
    pub demo: bool,
    /// Only serve the made-up APIs, for a gateway to stand before, until interrupted
    #[arg(long, value_name = "ADDRESS", conflicts_with = "list")]
    pub serve: Option<std::net::SocketAddr>,
    /// How long to send, in real time: 90s, 10m, 2h
    #[arg(long, default_value = "60s", value_parser = duration)]
    pub duration: std::time::Duration,
    /// How many times faster than real time virtual time passes (with --serve: give it there too)
    #[arg(long, default_value_t = 1.0, value_parser = speed, value_name = "FACTOR")]
    pub speed: f64,
    /// Give each client connections of its own, as clients have that no proxy stands before: some speak HTTP/2, some
    /// open one for each request. Without it all share connections
    #[arg(long)]
    pub own_connections: bool,
    /// With --demo: write the gateway's records to this file, with what was measured of connections, for features --view
    /// flow. The gateway only looks on, and each client has connections of its own
    #[arg(long, value_name = "FILE", requires = "demo")]
    pub flows: Option<PathBuf>,
    /// Requests a second that are sent at most
    #[arg(long, default_value_t = 500.0, value_parser = load, value_name = "RATE")]
    pub max_rate: f64,
    /// Connections, and so requests under way, at most
    #[arg(long, default_value_t = 128, value_parser = clap::value_parser!(u16).range(1..=4_096))]
    pub connections: u16,
    /// Allow a target that is not on loopback. Only for systems that you run
    #[arg(long)]
    pub i_own_this_target: bool,
    /// With --target or --demo: so many runs, each with the next seed; means and spreads are printed last
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=100))]
    pub seeds: u64,
    /// Print the scores as JSON
    #[arg(long)]
    pub json: bool,
    /// The attacks to mix in, by name; several by comma; all for every one
    #[arg(
        long,
        default_value = "all",
        value_delimiter = ',',
        value_name = "NAME"
    )]
    pub scenario: Vec<String>,
    /// Everything random descends from it
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Where to write the labelled traffic; - for standard output
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// How to write it; without this, CSV where the file's name ends in .csv
    #[arg(long, value_enum)]
    pub format: Option<LineFormat>,
    /// Virtual hours to write; 24 without this
    #[arg(long, value_parser = hours)]
    pub hours: Option<f64>,
    /// How many requests at most (sent: 20000 without this); in a file it decides the load where that is not given
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,
    /// The share of requests that attackers send, about
    #[arg(long, default_value_t = 0.1, value_parser = share)]
    pub attacks: f64,
    /// Campaigns of each attack, in place of a share (sent: 2 without this)
    #[arg(long, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    pub campaigns: Option<u32>,
    /// Normal requests a second, on average; 20 without this
    #[arg(long, value_parser = load, value_name = "RATE")]
    pub load: Option<f64>,
}

/// How traffic is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LineFormat {
    /// A JSON object per line
    Json,
    /// Comma-separated values with a head line
    Csv,
}

/// More rounds than this would take hours.
fn rounds(text: &str) -> Result<usize, String> {
    counted(text, 1000)
}

fn injections(text: &str) -> Result<usize, String> {
    counted(text, 100_000)
}

fn counted(text: &str, most: usize) -> Result<usize, String> {
    let count = text.parse().ok().filter(|count| (1..=most).contains(count));
    count.ok_or_else(|| format!("a number from 1 to {most}"))
}

fn view(text: &str) -> Result<View, String> {
    let named = View::ALL.into_iter().find(|view| view.as_str() == text);
    named.ok_or_else(|| "request, fields, characters, behaviour, sequence or flow".to_owned())
}

fn between(text: &str, low: f64, high: f64) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (low..=high).contains(&value) {
        Ok(value)
    } else {
        Err(format!("from {low} to {high}"))
    }
}

fn hours(text: &str) -> Result<f64, String> {
    between(text, 0.01, 8_760.0)
}

fn share(text: &str) -> Result<f64, String> {
    between(text, 0.0, 0.9)
}

fn speed(text: &str) -> Result<f64, String> {
    between(text, 0.1, 10_000.0)
}

/// Seconds, minutes or hours, up to a day.
fn duration(text: &str) -> Result<std::time::Duration, String> {
    let (number, unit) = match text.strip_suffix(['s', 'm', 'h']) {
        Some(number) => (number, text.as_bytes()[text.len() - 1]),
        None => (text, b's'),
    };
    let factor = match unit {
        b'm' => 60.0,
        b'h' => 3_600.0,
        _ => 1.0,
    };
    let number: f64 = number
        .parse()
        .map_err(|_| "write 90s, 10m or 2h".to_owned())?;
    let seconds = number * factor;
    if (0.5..=86_400.0).contains(&seconds) {
        Ok(std::time::Duration::from_secs_f64(seconds))
    } else {
        Err("from 0.5s to 24h".to_owned())
    }
}

fn load(text: &str) -> Result<f64, String> {
    between(text, 0.001, 100_000.0)
}

impl Cli {
    /// Runs the command.
    pub fn run(self) -> ExitCode {
        let outcome = match self.command {
            Command::Run(args) => command::run::run(&args),
            Command::Check(args) => command::check::run(&args),
            Command::Demo(args) => command::demo::run(&args),
            Command::Inspect(args) => command::inspect::run(&args),
            Command::Eval(args) => command::eval::run(&args),
            Command::Features(args) => command::features::run(&args),
            Command::Bans(args) => command::bans::run(&args),
            Command::Users(args) => command::users::run(&args),
            Command::Simulate(args) => command::simulate::run(&args),
            Command::Config(which) => command::config::run(&which),
            Command::Models(which) => command::models::run(&which),
            Command::Rules(which) => command::rules::run(&which),
        };
        outcome.unwrap_or_else(|error| {
            command::complain(&format!("{error:#}"));
            ExitCode::FAILURE
        })
    }
}
