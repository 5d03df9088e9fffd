//! What people say of verdicts: that an exchange was held for an attack wrongly, or that it was one indeed. One mark for
//! each record, the last one said. A mark keeps a copy of what it is counted by, so that it outlives its record: it is
//! the basis of every precision that was measured on traffic instead of on test data.

use std::collections::BTreeMap;
use std::str::FromStr;

use sqlx::Row;
use sqlx::any::AnyRow;

use crate::database::{Database, StoreError};
use crate::records::{Found, Scope, first_key, time_of_key};

/// What somebody said of a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// It was harmless.
    FalsePositive,
    /// It was an attack.
    Confirmed,
}

/// A mark that somebody set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// What they said.
    pub said: Said,
    /// Why, in their words; may be empty.
    pub comment: String,
    /// Who.
    pub author: String,
    /// When, in milliseconds since 1970.
    pub made_ms: i64,
}

/// A mark and what it was set on, as it was then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marked {
    /// The record's key; the record itself may be gone.
    pub key: i64,
    /// When the request came, in milliseconds since 1970.
    pub time_ms: i64,
    /// The route that matched.
    pub route: Box<str>,
    /// The host that was asked for.
    pub host: Box<str>,
    /// `allow`, `tag`, `throttle`, `deny`: what was done with it, or would have been.
    pub action: Box<str>,
    /// Whether each model that had a vote took it for an attack, by the model's name.
    pub votes: BTreeMap<Box<str>, bool>,
    /// The mark.
    pub mark: Mark,
}

/// The marks of a database.
#[derive(Clone, Debug)]
pub struct Feedback {
    database: Database,
}

/// The longest comment, in bytes.
pub const LONGEST_COMMENT: usize = 4096;

/// The most marks that are kept; beyond, those on the oldest records go.
pub const MOST_MARKS: i64 = 100_000;

impl Said {
    /// Both, in the order of their words.
    pub const ALL: [Self; 2] = [Self::Confirmed, Self::FalsePositive];

    /// The word in the database and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FalsePositive => "false-positive",
            Self::Confirmed => "confirmed",
        }
    }
}

impl FromStr for Said {
    type Err = StoreError;

    fn from_str(word: &str) -> Result<Self, StoreError> {
        let found = Self::ALL.into_iter().find(|said| said.as_str() == word);
        found.ok_or_else(|| StoreError::Asked("feedback is false-positive or confirmed".into()))
    }
}

impl Feedback {
    /// That of this database.
    pub const fn new(database: Database) -> Self {
        Self { database }
    }

    /// Marks a record, in place of what was said of it before.
    ///
    /// # Errors
    /// When the database fails; so do all functions here.
    pub async fn put(&self, found: &Found, mark: &Mark) -> Result<(), StoreError> {
        let record = &found.entry.record;
        let votes: BTreeMap<&str, bool> = record
            .votes()
            .map(|vote| (&*vote.model, vote.agrees))
            .collect();
        sqlx::query(
            "INSERT INTO feedback (record_key, id, said, comment, author, made_ms, route, host, action, votes)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
             ON CONFLICT (record_key) DO UPDATE SET said = excluded.said, comment = excluded.comment,
                 author = excluded.author, made_ms = excluded.made_ms",
        )
        .bind(found.key)
        .bind(record.id.to_string())
        .bind(mark.said.as_str())
        .bind(mark.comment.clone())
        .bind(mark.author.clone())
        .bind(mark.made_ms)
        .bind(record.route.to_string())
        .bind(record.host.to_string())
        .bind(record.decided().to_owned())
        .bind(serde_json::to_string(&votes).expect("truth by name is JSON"))
        .execute(self.database.pool())
        .await?;
        Ok(())
    }

    /// What was said of a request's record, by the request's id.
    ///
    /// # Errors
    /// As [`Feedback::put`].
    pub async fn of(&self, id: &str) -> Result<Option<Marked>, StoreError> {
        let row = sqlx::query(
            "SELECT record_key, said, comment, author, made_ms, route, host, action, votes
             FROM feedback WHERE id = $1 ORDER BY record_key DESC LIMIT 1",
        )
        .bind(id.to_owned())
        .fetch_optional(self.database.pool())
        .await?;
        row.as_ref().map(read).transpose()
    }

    /// Takes a mark back; whether there was one.
    ///
    /// # Errors
    /// As [`Feedback::put`].
    pub async fn remove(&self, key: i64) -> Result<bool, StoreError> {
        let removed = sqlx::query("DELETE FROM feedback WHERE record_key = $1")
            .bind(key)
            .execute(self.database.pool())
            .await?;
        Ok(removed.rows_affected() > 0)
    }

    /// The marks on records from `from_ms` to before `to_ms` (milliseconds since 1970), in order of time, of the whole
    /// installation or of one tenant; at most [`MOST_MARKS`].
    ///
    /// # Errors
    /// As [`Feedback::put`].
    pub async fn between(
        &self,
        from_ms: i64,
        to_ms: i64,
        scope: Option<&Scope>,
    ) -> Result<Vec<Marked>, StoreError> {
        let rows = sqlx::query(
            "SELECT record_key, said, comment, author, made_ms, route, host, action, votes
             FROM feedback WHERE record_key >= $1 AND record_key < $2 ORDER BY record_key LIMIT $3",
        )
        .bind(first_key(from_ms))
        .bind(first_key(to_ms))
        .bind(MOST_MARKS)
        .fetch_all(self.database.pool())
        .await?;
        let marks = rows.iter().map(read);
        let is_seen =
            |marked: &Marked| scope.is_none_or(|scope| scope.admits(&marked.route, &marked.host));
        marks
            .filter(|marked| marked.as_ref().map_or(true, is_seen))
            .collect()
    }

    /// Forgets the marks on records from before a time, and those on the oldest beyond `most`; how many those were.
    ///
    /// # Errors
    /// As [`Feedback::put`].
    pub async fn forget(&self, before_ms: i64, most: i64) -> Result<u64, StoreError> {
        let gone = sqlx::query(
            "DELETE FROM feedback WHERE record_key < $1 OR record_key <=
             (SELECT record_key FROM feedback ORDER BY record_key DESC LIMIT 1 OFFSET $2)",
        )
        .bind(first_key(before_ms))
        .bind(most)
        .execute(self.database.pool())
        .await?;
        Ok(gone.rows_affected())
    }
}

fn read(row: &AnyRow) -> Result<Marked, StoreError> {
    let text = |name: &str| row.try_get::<String, _>(name);
    let key = row.try_get("record_key")?;
    Ok(Marked {
        key,
        time_ms: time_of_key(key),
        route: text("route")?.into(),
        host: text("host")?.into(),
        action: text("action")?.into(),
        // Votes that cannot be read are none.
        votes: serde_json::from_str(&text("votes")?).unwrap_or_default(),
        mark: Mark {
            said: text("said")?.parse()?,
            comment: text("comment")?,
            author: text("author")?,
            made_ms: row.try_get("made_ms")?,
        },
    })
}

#[cfg(test)]
mod tests;
