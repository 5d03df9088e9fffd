//! The commands, one file each. They print for people on standard output; what went wrong goes to standard error.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "printing is what commands are for"
)]

pub mod bans;
pub mod check;
pub mod config;
pub mod demo;
mod desktop;
pub mod eval;
pub mod features;
pub mod inspect;
pub mod models;
pub mod rules;
pub mod run;
pub mod simulate;
pub mod users;

use std::io::Write;

/// Prints an error for the person who typed the command.
pub fn complain(message: &str) {
    eprintln!("portcullis: {message}");
}

/// Prints a line; a reader that went away (`| head`) ends nothing.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Prints a line for the person who watches the process, where records may own standard output.
pub fn tell(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Prints every problem, and how many there were.
pub fn list_problems(problems: &[String], of: &str) {
    for problem in problems {
        tell(problem);
    }
    let count = match problems.len() {
        1 => "1 problem".to_owned(),
        n => format!("{n} problems"),
    };
    tell(&format!("{of}: {count}"));
}
