//! Alerts: one row for one incident. Requests that belong together reach it as [`Sighting`]s, summed up over a moment
//! by whoever watches the records; several gateways may report the same incident into one database.

pub mod delivery;
pub mod detail;
mod list;
mod note;
mod row;

use serde::{Deserialize, Serialize};
use sqlx::{Any, Executor, Row};

pub use self::detail::{Detail, Example};
pub use self::list::AlertFilter;
use crate::database::{Database, StoreError};

/// The most alerts of one page.
pub const MOST_PER_PAGE: u32 = 500;

/// The longest comment, in bytes.
pub const LONGEST_COMMENT: usize = 4096;

/// How bad an incident is; the levels of verdicts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    /// Score 0 to 39.
    #[default]
    Low,
    /// Score 40 to 59.
    Medium,
    /// Score 60 to 79.
    High,
    /// Score 80 to 100.
    Critical,
}

/// Whether somebody has looked at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Nobody has.
    Open,
    /// Somebody has, and said so.
    Acknowledged,
}

/// What was seen of one incident in a moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Sighting {
    /// The alert rule.
    pub rule: String,
    /// The tenant whose traffic it was; empty without one.
    pub tenant: String,
    /// `address:203.0.113.7`, `user:…`, `key:…`; empty where it concerns everybody.
    pub subject: String,
    /// The kind of attack, or of trouble.
    pub category: String,
    /// How bad.
    pub level: Level,
    /// For people.
    pub title: String,
    /// The first and the last request, milliseconds since 1970.
    pub span_ms: (i64, i64),
    /// How many requests.
    pub requests: u64,
    /// Counts and examples.
    pub detail: Detail,
}

/// An incident.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Alert {
    /// 32 hexadecimal digits.
    pub id: String,
    /// The alert rule that opened it.
    pub rule: String,
    /// The tenant whose traffic it was; empty without one.
    pub tenant: String,
    /// Who; empty where it concerns everybody.
    pub subject: String,
    /// The kind of attack, or of trouble.
    pub category: String,
    /// How bad, at its worst.
    pub level: Level,
    /// Whether somebody has looked at it.
    pub state: State,
    /// For people.
    pub title: String,
    /// The first request, milliseconds since 1970.
    pub first_ms: i64,
    /// The last request so far.
    pub last_ms: i64,
    /// How many requests.
    pub requests: u64,
    /// Counts and examples.
    pub detail: Detail,
    /// Who acknowledged it.
    pub acknowledged_by: Option<String>,
    /// When.
    pub acknowledged_ms: Option<i64>,
}

/// What a sighting did to its incident.
#[derive(Clone, Debug, PartialEq)]
pub struct Noted {
    /// The incident as it is now.
    pub alert: Alert,
    /// Whether it is new or worse than before: whoever wants to be told is told then.
    pub change: Change,
}

/// How an incident has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// It is new.
    Opened,
    /// Its level rose.
    Raised,
    /// More of the same.
    Grown,
}

/// A remark of somebody.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comment {
    /// When, milliseconds since 1970.
    pub at_ms: i64,
    /// Who.
    pub author: String,
    /// What.
    pub text: String,
}

/// The alerts of a database.
#[derive(Clone, Debug)]
pub struct Alerts {
    database: Database,
}

impl Alerts {
    /// Those of `database`.
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    /// One alert.
    ///
    /// # Errors
    /// When the database says no.
    pub async fn by_id(&self, id: &str) -> Result<Option<Alert>, StoreError> {
        find(self.database.pool(), id).await
    }

    /// Notes that somebody has looked at it; `None` where there is no such alert. To acknowledge twice changes
    /// nothing: the first one has looked.
    ///
    /// # Errors
    /// When the database says no.
    pub async fn acknowledge(
        &self,
        id: &str,
        who: &str,
        now_ms: i64,
    ) -> Result<Option<Alert>, StoreError> {
        sqlx::query(
            "UPDATE alerts SET state = 'acknowledged', acknowledged_by = $2, acknowledged_ms = $3
             WHERE id = $1 AND state = 'open'",
        )
        .bind(id)
        .bind(who)
        .bind(now_ms)
        .execute(self.database.pool())
        .await?;
        self.by_id(id).await
    }

    /// Takes that back; `None` where there is no such alert.
    ///
    /// # Errors
    /// When the database says no.
    pub async fn reopen(&self, id: &str) -> Result<Option<Alert>, StoreError> {
        sqlx::query("UPDATE alerts SET state = 'open', acknowledged_by = NULL, acknowledged_ms = NULL WHERE id = $1")
            .bind(id)
            .execute(self.database.pool())
            .await?;
        self.by_id(id).await
    }

    /// Adds a remark.
    ///
    /// # Errors
    /// When it is empty or longer than [`LONGEST_COMMENT`], or the database says no.
    pub async fn comment(
        &self,
        alert: &str,
        author: &str,
        text: &str,
        now_ms: i64,
    ) -> Result<Comment, StoreError> {
        let text = text.trim();
        if text.is_empty() || text.len() > LONGEST_COMMENT {
            let sentence = format!("a comment has 1 to {LONGEST_COMMENT} bytes");
            return Err(StoreError::Asked(sentence.into()));
        }
        sqlx::query("INSERT INTO alert_comments (id, alert_id, at_ms, author, text) VALUES ($1, $2, $3, $4, $5)")
            .bind(new_id())
            .bind(alert)
            .bind(now_ms)
            .bind(author)
            .bind(text)
            .execute(self.database.pool())
            .await?;
        Ok(Comment {
            at_ms: now_ms,
            author: author.to_owned(),
            text: text.to_owned(),
        })
    }

    /// What was remarked, the oldest first, at most [`MOST_PER_PAGE`].
    ///
    /// # Errors
    /// When the database says no.
    pub async fn comments(&self, alert: &str) -> Result<Vec<Comment>, StoreError> {
        let rows = sqlx::query("SELECT at_ms, author, text FROM alert_comments WHERE alert_id = $1 ORDER BY at_ms, id LIMIT $2")
            .bind(alert)
            .bind(i64::from(MOST_PER_PAGE))
            .fetch_all(self.database.pool())
            .await?;
        rows.iter()
            .map(|row| {
                Ok(Comment {
                    at_ms: row.try_get(0)?,
                    author: row.try_get(1)?,
                    text: row.try_get(2)?,
                })
            })
            .collect()
    }

    /// Forgets what was last seen before `before_ms`, with all that belongs to it. Returns how many alerts went.
    ///
    /// # Errors
    /// When the database says no; then nothing was forgotten.
    pub async fn forget(&self, before_ms: i64) -> Result<u64, StoreError> {
        let mut transaction = self.database.pool().begin().await?;
        for statement in [
            "DELETE FROM alert_comments WHERE alert_id IN (SELECT id FROM alerts WHERE last_ms < $1)",
            "DELETE FROM alert_deliveries WHERE alert_id IN (SELECT id FROM alerts WHERE last_ms < $1)",
            "DELETE FROM alert_groups WHERE last_ms < $1",
        ] {
            sqlx::query(statement)
                .bind(before_ms)
                .execute(&mut *transaction)
                .await?;
        }
        let gone = sqlx::query("DELETE FROM alerts WHERE last_ms < $1")
            .bind(before_ms)
            .execute(&mut *transaction)
            .await?
            .rows_affected();
        transaction.commit().await?;
        Ok(gone)
    }
}

impl Level {
    /// From the number in the table; what is none counts as the worst, so that nothing is overlooked.
    pub(crate) fn from_number(number: i64) -> Self {
        match number {
            0 => Self::Low,
            1 => Self::Medium,
            2 => Self::High,
            _ => Self::Critical,
        }
    }

    /// From the word in a record.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "LOW" => Some(Self::Low),
            "MEDIUM" => Some(Self::Medium),
            "HIGH" => Some(Self::High),
            "CRITICAL" => Some(Self::Critical),
            _ => None,
        }
    }

    /// The word in records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "LOW",
            Self::Medium => "MEDIUM",
            Self::High => "HIGH",
            Self::Critical => "CRITICAL",
        }
    }
}

impl State {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Acknowledged => "acknowledged",
        }
    }
}

/// 128 random bits, after the time, so that neighbours in time are neighbours in the index.
pub(crate) fn new_id() -> String {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_millis());
    let time = u64::try_from(now).unwrap_or(u64::MAX) & 0xffff_ffff_ffff;
    format!(
        "{time:012x}{:04x}{:016x}",
        fastrand::u16(..),
        fastrand::u64(..)
    )
}

async fn find<'c>(
    connection: impl Executor<'c, Database = Any>,
    id: &str,
) -> Result<Option<Alert>, StoreError> {
    let statement = format!("SELECT {} FROM alerts WHERE id = $1", row::COLUMNS);
    let found = sqlx::query(sqlx::AssertSqlSafe(statement))
        .bind(id)
        .fetch_optional(connection)
        .await?;
    found.as_ref().map(row::read).transpose()
}

#[cfg(test)]
mod tests;
