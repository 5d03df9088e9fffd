//! Settings made while the gateways run, version by version. A version is never changed; going back to an earlier one
//! writes it again as a new one. Two people who change the same version meet at the primary key: the second is told.

use sqlx::Row;
use sqlx::any::AnyRow;

use crate::database::{Database, StoreError};

/// One version of the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverlayVersion {
    /// Counts from 1.
    pub version: i64,
    /// When it was made, in milliseconds since 1970.
    pub made_ms: i64,
    /// Who made it.
    pub author: String,
    /// Why, in the words of whoever made it.
    pub comment: String,
    /// The settings as JSON.
    pub settings: String,
    /// What changed against the version before, as JSON.
    pub changes: String,
}

/// The number of the latest version; 0 where nothing was ever changed.
///
/// # Errors
/// When the database says no.
pub async fn latest_number(database: &Database) -> Result<i64, StoreError> {
    let row = sqlx::query("SELECT COALESCE(MAX(version), 0) FROM overlay")
        .fetch_one(database.pool())
        .await?;
    Ok(row.try_get(0)?)
}

/// The latest version.
///
/// # Errors
/// When the database says no.
pub async fn latest(database: &Database) -> Result<Option<OverlayVersion>, StoreError> {
    let row = sqlx::query(
        "SELECT version, made_ms, author, comment, settings, changes FROM overlay
         ORDER BY version DESC LIMIT 1",
    )
    .fetch_optional(database.pool())
    .await?;
    row.map(read).transpose()
}

/// One version.
///
/// # Errors
/// When the database says no.
pub async fn version(
    database: &Database,
    version: i64,
) -> Result<Option<OverlayVersion>, StoreError> {
    let row = sqlx::query(
        "SELECT version, made_ms, author, comment, settings, changes FROM overlay WHERE version = $1",
    )
    .bind(version)
    .fetch_optional(database.pool())
    .await?;
    row.map(read).transpose()
}

/// The versions below `before`, latest first, at most `most`.
///
/// # Errors
/// When the database says no.
pub async fn versions(
    database: &Database,
    before: i64,
    most: i64,
) -> Result<Vec<OverlayVersion>, StoreError> {
    let rows = sqlx::query(
        "SELECT version, made_ms, author, comment, settings, changes FROM overlay
         WHERE version < $1 ORDER BY version DESC LIMIT $2",
    )
    .bind(before)
    .bind(most)
    .fetch_all(database.pool())
    .await?;
    rows.into_iter().map(read).collect()
}

/// Writes a new version; `false` where somebody else has written that number meanwhile.
///
/// # Errors
/// When the database says no.
pub async fn add(database: &Database, new: &OverlayVersion) -> Result<bool, StoreError> {
    let written = sqlx::query(
        "INSERT INTO overlay (version, made_ms, author, comment, settings, changes)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (version) DO NOTHING",
    )
    .bind(new.version)
    .bind(new.made_ms)
    .bind(&new.author)
    .bind(&new.comment)
    .bind(&new.settings)
    .bind(&new.changes)
    .execute(database.pool())
    .await?;
    Ok(written.rows_affected() == 1)
}

fn read(row: AnyRow) -> Result<OverlayVersion, StoreError> {
    Ok(OverlayVersion {
        version: row.try_get(0)?,
        made_ms: row.try_get(1)?,
        author: row.try_get(2)?,
        comment: row.try_get(3)?,
        settings: row.try_get(4)?,
        changes: row.try_get(5)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(version: i64) -> OverlayVersion {
        OverlayVersion {
            version,
            made_ms: version * 1000,
            author: "somebody".to_owned(),
            comment: String::new(),
            settings: "{}".to_owned(),
            changes: "[]".to_owned(),
        }
    }

    #[tokio::test]
    async fn versions_follow_each_other_and_two_at_once_meet() {
        let folder = tempfile::tempdir().expect("a folder");
        let database = Database::open_file(&folder.path().join("a.db"))
            .await
            .expect("it opens");
        assert_eq!(latest(&database).await.expect("it answers"), None);
        assert_eq!(latest_number(&database).await.expect("it answers"), 0);
        for number in 1..=3 {
            assert!(add(&database, &numbered(number)).await.expect("it answers"));
        }
        assert!(!add(&database, &numbered(3)).await.expect("it answers"));
        assert_eq!(latest_number(&database).await.expect("it answers"), 3);
        let two = version(&database, 2).await.expect("it answers");
        assert_eq!(two, Some(numbered(2)));
        let below = versions(&database, 3, 5).await.expect("it answers");
        assert_eq!(below, [numbered(2), numbered(1)]);
    }
}
