//! What gateways say to each other: batches in a stream, and bans in a table. Both are JSON behind a signature, since
//! a server that many services use is no place to trust blindly.

use std::collections::HashMap;
use std::time::Duration;

use portcullis_detect::behaviour::{Ban, BanChange, Delta, SubjectId};
use ring::hmac;
use serde::{Deserialize, Serialize};

use crate::limit::Passed;

/// Things in one batch; about 25 KB.
pub(super) const ITEMS: usize = 512;

/// The longest message that is read, in bytes: several times what [`ITEMS`] of any kind take.
const LONGEST: usize = 256 << 10;

/// Gateways whose batches are told apart. Beyond this all are forgotten, and batches may be taken twice.
const NODES: usize = 4096;

/// How long an end of a ban is remembered that had no end of its own.
const REMEMBERED: Duration = Duration::from_secs(30 * 86_400);

/// One batch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Batch {
    /// Who sent it, drawn at its start.
    pub(super) node: u64,
    /// Grows by each batch of the node.
    pub(super) number: u64,
    /// What limits let through.
    pub(super) passed: Vec<Passed>,
    /// What was learned of clients.
    pub(super) deltas: Vec<Delta>,
    /// What became of bans.
    pub(super) bans: Vec<Word>,
}

/// What is said of a ban.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Word {
    /// It holds.
    Ban(Ban),
    /// A person ended it.
    Lift {
        /// Whose.
        subject: SubjectId,
        /// When, since 1970. A ban that began later is not meant.
        at: Duration,
        /// Until when this is worth knowing, since 1970.
        until: Duration,
    },
}

impl Word {
    /// What to say of a change that happened now, `wall` since 1970.
    pub(super) fn of(change: BanChange, wall: Duration) -> Self {
        match change {
            BanChange::Added(ban) => Self::Ban(ban),
            BanChange::Lifted(ban) => Self::Lift {
                subject: ban.subject,
                at: wall,
                until: ban.until.unwrap_or(wall + REMEMBERED),
            },
        }
    }

    pub(super) const fn subject(&self) -> SubjectId {
        match self {
            Self::Ban(ban) => ban.subject,
            Self::Lift { subject, .. } => *subject,
        }
    }

    /// Whether it still matters at `wall`.
    pub(super) fn holds(&self, wall: Duration) -> bool {
        match self {
            Self::Ban(ban) => ban.holds(wall),
            Self::Lift { until, .. } => *until > wall,
        }
    }
}

/// What a message is for: a batch must not pass for a ban.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Batch = 1,
    Word = 2,
}

/// Signs messages, and tells signed ones.
pub(super) struct Seal(hmac::Key);

impl Seal {
    pub(super) fn new(secret: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// The message with its signature (HMAC-SHA-256, 32 bytes) before it.
    pub(super) fn close(&self, purpose: Purpose, message: &impl Serialize) -> Vec<u8> {
        let mut text = vec![purpose as u8];
        serde_json::to_writer(&mut text, message)
            .expect("these types have no part that JSON lacks");
        let mut closed = hmac::sign(&self.0, &text).as_ref().to_vec();
        closed.extend_from_slice(text.get(1..).unwrap_or_default());
        closed
    }

    /// The message; `None` where it was not made with the secret, or is none.
    pub(super) fn open<T: for<'a> Deserialize<'a>>(
        &self,
        purpose: Purpose,
        closed: &[u8],
    ) -> Option<T> {
        if closed.len() > LONGEST {
            return None;
        }
        let (signature, message) = closed.split_at_checked(32)?;
        let text = [&[purpose as u8], message].concat();
        hmac::verify(&self.0, &text, signature).ok()?;
        serde_json::from_slice(message).ok()
    }
}

/// Who has said how much: what comes twice counts once.
#[derive(Default)]
pub(super) struct Heard(HashMap<u64, u64>);

impl Heard {
    /// Whether this batch is new; it no longer is afterwards.
    pub(super) fn is_new(&mut self, batch: &Batch) -> bool {
        if self.0.len() >= NODES && !self.0.contains_key(&batch.node) {
            self.0.clear();
        }
        let last = self.0.entry(batch.node).or_default();
        let new = batch.number > *last;
        *last = batch.number.max(*last);
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ban(until: Option<u64>) -> Ban {
        Ban {
            subject: "address:192.0.2.1".parse().unwrap(),
            since: Duration::from_secs(10),
            until: until.map(Duration::from_secs),
            offences: 1,
            cause: "a test".to_owned(),
            programs: 0,
        }
    }

    #[test]
    fn a_message_reads_back_and_nothing_else_does() {
        let seal = Seal::new(b"one");
        let batch = Batch {
            node: u64::MAX,
            number: 3,
            passed: vec![(u64::MAX, 1, 2)],
            deltas: Vec::new(),
            bans: vec![
                Word::Ban(ban(Some(20))),
                Word::of(BanChange::Lifted(ban(None)), Duration::from_secs(12)),
            ],
        };
        let closed = seal.close(Purpose::Batch, &batch);
        assert_eq!(seal.open::<Batch>(Purpose::Batch, &closed), Some(batch));
        assert_eq!(
            seal.open::<Batch>(Purpose::Word, &closed),
            None,
            "for something else"
        );
        assert_eq!(
            Seal::new(b"two").open::<Batch>(Purpose::Batch, &closed),
            None
        );
        for at in [0, 31, 32, closed.len() - 1] {
            let mut bent = closed.clone();
            bent[at] ^= 1;
            assert_eq!(seal.open::<Batch>(Purpose::Batch, &bent), None, "{at}");
        }
        for short in [0, 1, 31, 32, closed.len() - 1] {
            assert_eq!(
                seal.open::<Batch>(Purpose::Batch, &closed[..short]),
                None,
                "{short}"
            );
        }
        let long = seal.close(Purpose::Batch, &"x".repeat(LONGEST));
        assert_eq!(seal.open::<String>(Purpose::Batch, &long), None);
    }

    #[test]
    fn what_comes_twice_counts_once() {
        let mut heard = Heard::default();
        for (node, number, new) in [
            (1, 1, true),
            (1, 1, false),
            (1, 3, true),
            (1, 2, false),
            (2, 1, true),
        ] {
            let batch = Batch {
                node,
                number,
                ..Batch::default()
            };
            assert_eq!(heard.is_new(&batch), new, "{node} {number}");
        }
        for node in 10..20_000 {
            assert!(heard.is_new(&Batch {
                node,
                number: 1,
                ..Batch::default()
            }));
            assert!(heard.0.len() <= NODES);
        }
    }

    #[test]
    fn a_word_matters_until_its_ban_would_have_ended() {
        let at = Duration::from_secs;
        let lift = |until| Word::of(BanChange::Lifted(ban(until)), at(12));
        for (word, wall, holds) in [
            (Word::Ban(ban(Some(20))), 19, true),
            (Word::Ban(ban(Some(20))), 20, false),
            (Word::Ban(ban(None)), 1 << 40, true),
            (lift(Some(20)), 19, true),
            (lift(Some(20)), 20, false),
            (lift(None), 13, true),
            (lift(None), 1 << 40, false),
        ] {
            assert_eq!(word.holds(at(wall)), holds, "{word:?} at {wall}");
        }
    }

    #[test]
    fn a_full_batch_fits() {
        let seal = Seal::new(b"one");
        let delta = Delta {
            subject: "session:ffffffffffffffff".parse().unwrap(),
            requests: u32::MAX,
            failures: u32::MAX,
            successes: u32::MAX,
            users: u64::MAX,
            addresses: u64::MAX,
            risk: 100,
        };
        for batch in [
            Batch {
                passed: vec![(u64::MAX, u64::MAX, u32::MAX); ITEMS],
                ..Batch::default()
            },
            Batch {
                deltas: vec![delta; ITEMS],
                ..Batch::default()
            },
            Batch {
                bans: vec![Word::Ban(ban(Some(1 << 40))); ITEMS],
                ..Batch::default()
            },
        ] {
            let closed = seal.close(Purpose::Batch, &batch);
            assert!(closed.len() < LONGEST / 2, "{}", closed.len());
        }
    }
}
