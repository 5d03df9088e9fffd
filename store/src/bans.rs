//! Bans of the whole installation: what one gateway or one person bans, every gateway learns by asking for the changes
//! after the last one it has seen. Enforcing them is the gateway's business; nothing here is asked on a request's way.

use sqlx::any::AnyRow;
use sqlx::{Any, Row, Transaction};

use crate::database::{Database, StoreError};

/// One ban, or the news that it was lifted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredBan {
    /// Who, as the gateway writes subjects.
    pub subject: String,
    /// When it began, in milliseconds since 1970.
    pub since_ms: i64,
    /// When it ends; `None` until a person lifts it.
    pub until_ms: Option<i64>,
    /// How many times of late, this one included.
    pub offences: i64,
    /// For what.
    pub cause: String,
    /// Of an address: the programs there that it is for, as the gateway packs them; 0 for whatever is there.
    pub programs: u64,
    /// The person who added it; empty where a gateway did by itself.
    pub author: String,
    /// The gateway that wrote it.
    pub node: String,
    /// When a person lifted it.
    pub lifted_ms: Option<i64>,
    /// Its place among all changes; not read when writing.
    pub change: i64,
}

/// Changes after number `seen`, in order, at most `most`.
///
/// # Errors
/// When the database says no.
pub async fn changes(
    database: &Database,
    seen: i64,
    most: i64,
) -> Result<Vec<StoredBan>, StoreError> {
    let rows = sqlx::query(
        "SELECT subject, since_ms, until_ms, offences, cause, author, node, lifted_ms, change, programs
         FROM bans WHERE change > $1 ORDER BY change LIMIT $2",
    )
    .bind(seen)
    .bind(most)
    .fetch_all(database.pool())
    .await?;
    rows.into_iter().map(read).collect()
}

/// The ban of a subject, lifted or not.
///
/// # Errors
/// When the database says no.
pub async fn find(database: &Database, subject: &str) -> Result<Option<StoredBan>, StoreError> {
    let row = sqlx::query(
        "SELECT subject, since_ms, until_ms, offences, cause, author, node, lifted_ms, change, programs
         FROM bans WHERE subject = $1",
    )
    .bind(subject)
    .fetch_optional(database.pool())
    .await?;
    row.map(read).transpose()
}

/// Who added the bans that people added and nobody lifted, by subject, the latest 10,000.
///
/// # Errors
/// When the database says no.
pub async fn authors(database: &Database) -> Result<Vec<(String, String)>, StoreError> {
    let rows = sqlx::query(
        "SELECT subject, author FROM bans WHERE author <> '' AND lifted_ms IS NULL
         ORDER BY change DESC LIMIT 10000",
    )
    .fetch_all(database.pool())
    .await?;
    let read = |row: AnyRow| Ok((row.try_get(0)?, row.try_get(1)?));
    rows.into_iter().map(read).collect()
}

/// Writes bans down, each in place of an earlier one of the same subject.
///
/// # Errors
/// When the database says no; then none is written.
pub async fn keep(database: &Database, bans: &[StoredBan]) -> Result<(), StoreError> {
    if bans.is_empty() {
        return Ok(());
    }
    let mut transaction = database.pool().begin().await?;
    for ban in bans {
        let change = next_change(&mut transaction).await?;
        sqlx::query(
            "INSERT INTO bans (subject, since_ms, until_ms, offences, cause, author, node, lifted_ms, change, programs)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
             ON CONFLICT (subject) DO UPDATE SET since_ms = excluded.since_ms, until_ms = excluded.until_ms,
                 offences = excluded.offences, cause = excluded.cause, author = excluded.author,
                 node = excluded.node, lifted_ms = excluded.lifted_ms, change = excluded.change,
                 programs = excluded.programs",
        )
        .bind(&ban.subject)
        .bind(ban.since_ms)
        .bind(ban.until_ms)
        .bind(ban.offences)
        .bind(&ban.cause)
        .bind(&ban.author)
        .bind(&ban.node)
        .bind(ban.lifted_ms)
        .bind(change)
        .bind(ban.programs.cast_signed())
        .execute(&mut *transaction)
        .await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// Notes that a ban was lifted; whether there was one that still stood.
///
/// # Errors
/// When the database says no.
pub async fn lift(database: &Database, subject: &str, at_ms: i64) -> Result<bool, StoreError> {
    let mut transaction = database.pool().begin().await?;
    let change = next_change(&mut transaction).await?;
    let lifted = sqlx::query(
        "UPDATE bans SET lifted_ms = $1, change = $2 WHERE subject = $3 AND lifted_ms IS NULL",
    )
    .bind(at_ms)
    .bind(change)
    .bind(subject)
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(lifted.rows_affected() > 0)
}

/// Forgets bans that ended, or were lifted, before a time; how many those were.
///
/// # Errors
/// When the database says no.
pub async fn forget(database: &Database, before_ms: i64) -> Result<u64, StoreError> {
    let gone = sqlx::query("DELETE FROM bans WHERE until_ms < $1 OR lifted_ms < $1")
        .bind(before_ms)
        .execute(database.pool())
        .await?;
    Ok(gone.rows_affected())
}

/// The number of a change. The row stays locked until the transaction ends, so that a reader who sees a number has
/// seen all before it.
async fn next_change(transaction: &mut Transaction<'_, Any>) -> Result<i64, StoreError> {
    let row = sqlx::query("UPDATE ban_changes SET last = last + 1 RETURNING last")
        .fetch_one(&mut **transaction)
        .await?;
    Ok(row.try_get(0)?)
}

fn read(row: AnyRow) -> Result<StoredBan, StoreError> {
    Ok(StoredBan {
        subject: row.try_get(0)?,
        since_ms: row.try_get(1)?,
        until_ms: row.try_get(2)?,
        offences: row.try_get(3)?,
        cause: row.try_get(4)?,
        author: row.try_get(5)?,
        node: row.try_get(6)?,
        lifted_ms: row.try_get(7)?,
        change: row.try_get(8)?,
        programs: row.try_get::<i64, _>(9)?.cast_unsigned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ban(subject: &str, until_ms: Option<i64>) -> StoredBan {
        StoredBan {
            subject: subject.to_owned(),
            since_ms: 10,
            until_ms,
            offences: 1,
            cause: "a test".to_owned(),
            programs: 1 << 63 | 1,
            author: "somebody".to_owned(),
            node: "one".to_owned(),
            lifted_ms: None,
            change: 0,
        }
    }

    #[tokio::test]
    async fn who_asks_for_changes_misses_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let database = Database::open_file(&folder.path().join("a.db"))
            .await
            .expect("it opens");
        let first = [
            ban("address:192.0.2.1", Some(50)),
            ban("user:00c0ffee00c0ffee", None),
        ];
        keep(&database, &first).await.expect("they are kept");
        let seen = changes(&database, 0, 10).await.expect("it answers");
        let subjects: Vec<&str> = seen.iter().map(|ban| ban.subject.as_str()).collect();
        assert_eq!(subjects, ["address:192.0.2.1", "user:00c0ffee00c0ffee"]);
        assert_eq!(
            changes(&database, seen[1].change, 10)
                .await
                .expect("it answers"),
            []
        );
        assert!(
            lift(&database, "address:192.0.2.1", 20)
                .await
                .expect("it answers")
        );
        assert!(
            !lift(&database, "address:192.0.2.1", 21)
                .await
                .expect("it answers")
        );
        let news = changes(&database, seen[1].change, 10)
            .await
            .expect("it answers");
        assert_eq!((news.len(), news[0].lifted_ms), (1, Some(20)));
        // Banned anew: no longer lifted.
        keep(&database, &first[..1]).await.expect("it is kept");
        let again = find(&database, "address:192.0.2.1")
            .await
            .expect("it answers");
        assert_eq!(again.and_then(|ban| ban.lifted_ms), None);
        assert_eq!(forget(&database, 51).await.expect("it answers"), 1);
        assert_eq!(
            changes(&database, 0, 10).await.expect("it answers").len(),
            1
        );
    }
}
