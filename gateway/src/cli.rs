//! The command line. Help texts are written to be read: what a command does, and an example that works as it stands.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use portcullis_detect::behaviour::SubjectId;

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
    /// Who is banned; ban somebody, or let somebody go
    ///
    /// Speaks with the gateway that runs with this state folder on this machine. Subjects are written as
    /// address:192.0.2.1, prefix:192.0.2.0/24, system:64500, or KIND:HASH as records name keys, users and sessions.
    #[command(
        after_help = "Example:\n  portcullis bans add 192.0.2.1 --for 1h --why 'scraping the catalogue'"
    )]
    Bans(BansArgs),
    /// About the configuration: its schema, its reference, the file that is shipped
    #[command(subcommand)]
    Config(ConfigCommand),
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
    /// .portcullis/<admin port> below the working folder. Used where behaviour is switched on
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// Also start the demo API on 127.0.0.1:9000, and print what to try
    #[arg(long)]
    pub demo: bool,
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
    /// The paranoia level
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=4))]
    pub paranoia: u8,
    /// Print the table of what each set has to reach, and whether it does
    #[arg(long, conflicts_with_all = ["set", "paranoia"])]
    pub table: bool,
    /// With --table: exit with 1 if a bar is missed
    #[arg(long, requires = "table")]
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

/// What `config` can do.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print the JSON schema of the configuration
    Schema,
    /// Print the reference of every setting, as Markdown
    Reference,
    /// Print the shipped configuration, to start from
    Default,
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

impl Cli {
    /// Runs the command.
    pub fn run(self) -> ExitCode {
        let outcome = match self.command {
            Command::Run(args) => command::run::run(&args),
            Command::Check(args) => command::check::run(&args),
            Command::Demo(args) => command::demo::run(&args),
            Command::Inspect(args) => command::inspect::run(&args),
            Command::Eval(args) => command::eval::run(&args),
            Command::Bans(args) => command::bans::run(&args),
            Command::Config(which) => command::config::run(&which),
            Command::Rules(which) => command::rules::run(&which),
        };
        outcome.unwrap_or_else(|error| {
            command::complain(&format!("{error:#}"));
            ExitCode::FAILURE
        })
    }
}
