//! How a person on this machine speaks with a running gateway: a Unix socket in the state folder, which only the
//! folder's owner can reach. One line of JSON asks, one line answers. `portcullis bans` uses it.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use portcullis_detect::behaviour::{Ban, State, SubjectId};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;

/// The socket's name in the state folder.
pub const SOCKET: &str = "control.sock";
/// The longest question, in bytes.
const MOST_QUESTION: u64 = 64 * 1024;
/// The longest answer, in bytes: a full table of bans.
const MOST_ANSWER: u64 = 256 << 20;
/// How long either side waits for the other.
const PATIENCE: Duration = Duration::from_secs(10);

/// What may be asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", tag = "ask")]
pub enum Question {
    /// Which bans hold.
    Bans,
    /// Ban somebody.
    Ban {
        /// Whom.
        subject: SubjectId,
        /// For how many seconds; until it is removed where none are given.
        seconds: Option<u64>,
        /// For what.
        cause: String,
    },
    /// Let somebody go.
    Unban {
        /// Whom.
        subject: SubjectId,
    },
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Answer {
    /// The bans that hold.
    Bans(Vec<Ban>),
    /// It was done; false where there was nothing to do.
    Done(bool),
    /// It cannot be done, and why.
    Refused(String),
}

/// Answers questions until it is dropped.
pub async fn serve(listener: UnixListener, state: Arc<State>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        // One after the other: there is one person, and nothing here takes long.
        let answered = tokio::time::timeout(PATIENCE, converse(stream, &state)).await;
        if let Ok(Err(error)) = answered {
            tracing::debug!(%error, "a question on the control socket was not answered");
        }
    }
}

async fn converse(stream: tokio::net::UnixStream, state: &State) -> std::io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut line = String::new();
    tokio::io::BufReader::new(reader.take(MOST_QUESTION))
        .read_line(&mut line)
        .await?;
    let answer = match serde_json::from_str(&line) {
        Ok(question) => answer(question, state, wall()),
        Err(error) => Answer::Refused(format!("that is no question: {error}")),
    };
    let mut json = serde_json::to_vec(&answer)?;
    json.push(b'\n');
    writer.write_all(&json).await
}

/// Answers one question, `wall` after 1970.
pub fn answer(question: Question, state: &State, wall: Duration) -> Answer {
    match question {
        Question::Bans => Answer::Bans(state.bans().list(wall)),
        Question::Ban {
            subject,
            seconds,
            cause,
        } => {
            let offences = state
                .bans()
                .find(subject)
                .map_or(1, |ban| ban.offences.max(1));
            state.bans().add(Ban {
                subject,
                since: wall,
                until: seconds.map(|seconds| wall.saturating_add(Duration::from_secs(seconds))),
                offences,
                cause,
                programs: 0,
            });
            Answer::Done(true)
        }
        Question::Unban { subject } => Answer::Done(state.bans().remove(subject)),
    }
}

/// Asks the gateway whose state folder this is.
///
/// # Errors
/// When none is running there, or it does not answer.
pub fn ask(folder: &Path, question: &Question) -> anyhow::Result<Answer> {
    let path = folder.join(SOCKET);
    let mut stream = UnixStream::connect(&path).with_context(|| {
        format!(
            "no gateway with behaviour.enabled answers at {}; name its state folder with --state-dir",
            path.display()
        )
    })?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut json = serde_json::to_vec(question)?;
    json.push(b'\n');
    stream.write_all(&json)?;
    let mut line = String::new();
    BufReader::new(stream.take(MOST_ANSWER)).read_line(&mut line)?;
    match serde_json::from_str(&line).context("the gateway's answer cannot be understood")? {
        Answer::Refused(reason) => bail!(reason),
        answer => Ok(answer),
    }
}

/// The time since 1970.
pub fn wall() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use portcullis_detect::SystemClock;
    use portcullis_detect::behaviour::{Hashing, Memory};

    #[test]
    fn bans_by_hand() {
        let state = State::new(&Memory::default(), Hashing::new(1), &SystemClock);
        let at = Duration::from_secs;
        let subject: SubjectId = "192.0.2.1".parse().unwrap();
        let ban = Question::Ban {
            subject,
            seconds: Some(60),
            cause: "by hand".to_owned(),
        };
        assert_eq!(answer(ban, &state, at(100)), Answer::Done(true));
        let Answer::Bans(bans) = answer(Question::Bans, &state, at(159)) else {
            panic!("a list was asked for");
        };
        assert_eq!((bans[0].subject, bans[0].until), (subject, Some(at(160))));
        assert_eq!(
            answer(Question::Bans, &state, at(160)),
            Answer::Bans(Vec::new())
        );
        let unban = Question::Unban { subject };
        assert_eq!(answer(unban.clone(), &state, at(161)), Answer::Done(true));
        assert_eq!(answer(unban, &state, at(162)), Answer::Done(false));
    }
}
