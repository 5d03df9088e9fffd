//! `portcullis bans`: who is banned, over the control socket of a running gateway.

use std::process::ExitCode;
use std::time::Duration;

use portcullis_detect::behaviour::Ban;

use super::say;
use crate::cli::{BansArgs, BansCommand};
use crate::control::{self, Answer, Question};
use crate::state_dir::StateDir;

/// Asks the gateway, and prints what it says. Exit code 1 where there was nobody to let go.
///
/// # Errors
/// When no gateway answers.
pub fn run(args: &BansArgs) -> anyhow::Result<ExitCode> {
    let folder = StateDir::place(args.state_dir.clone(), args.admin_port);
    let question = match &args.what {
        BansCommand::List { .. } => Question::Bans,
        BansCommand::Add {
            subject,
            lasts,
            why,
        } => Question::Ban {
            subject: *subject,
            seconds: lasts.map(|lasts| lasts.get().as_secs().max(1)),
            cause: why.clone(),
        },
        BansCommand::Remove { subject } => Question::Unban { subject: *subject },
    };
    let answer = control::ask(&folder, &question)?;
    Ok(match (&args.what, answer) {
        (BansCommand::List { json: true }, Answer::Bans(bans)) => {
            say(&serde_json::to_string_pretty(&bans)?);
            ExitCode::SUCCESS
        }
        (_, Answer::Bans(bans)) => {
            list(&bans);
            ExitCode::SUCCESS
        }
        (BansCommand::Remove { subject }, Answer::Done(false)) => {
            say(&format!("{subject} was not banned"));
            ExitCode::FAILURE
        }
        (BansCommand::Remove { subject }, _) => {
            say(&format!("{subject} is free"));
            ExitCode::SUCCESS
        }
        (BansCommand::Add { subject, .. }, _) => {
            say(&format!("{subject} is banned"));
            ExitCode::SUCCESS
        }
        (BansCommand::List { .. }, _) => anyhow::bail!("the gateway's answer is no list"),
    })
}

fn list(bans: &[Ban]) {
    if bans.is_empty() {
        say("nobody is banned");
        return;
    }
    let now = control::wall();
    say(&format!(
        "{:<32} {:>10} {:>8}  for",
        "subject", "remains", "offence"
    ));
    for ban in bans {
        let remains = ban.until.map_or("for good".to_owned(), |until| {
            in_words(until.saturating_sub(now))
        });
        say(&format!(
            "{:<32} {remains:>10} {:>8}  {}",
            ban.subject.to_string(),
            ban.offences,
            printable(&ban.cause)
        ));
    }
}

/// Seconds, minutes, hours or days, rounded up: a ban never ends earlier than it says.
fn in_words(time: Duration) -> String {
    let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds.div_ceil(60)),
        7200..172_800 => format!("{} h", seconds.div_ceil(3600)),
        _ => format!("{} d", seconds.div_ceil(86_400)),
    }
}

/// Without the control characters that would make a terminal do things.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rounded_up() {
        for (milliseconds, words) in [
            (0, "0 s"),
            (1, "1 s"),
            (119_000, "119 s"),
            (119_001, "2 min"),
            (7_199_000, "120 min"),
            (7_200_000, "2 h"),
            (172_800_000, "2 d"),
        ] {
            assert_eq!(in_words(Duration::from_millis(milliseconds)), words);
        }
    }
}
