//! How long things are kept. The node that holds the lease removes records that are too old, and the oldest where all
//! together are too large, a slice at a time, so that the writer never waits long.

use std::time::Duration;

use crate::database::{Database, Dialect, StoreError};
use crate::feedback::{Feedback, MOST_MARKS};
use crate::records::{first_key, time_of_key};
use crate::rollup::{Rollups, take_lease};

/// What is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// Records no older than this.
    pub age: Duration,
    /// Records of at most so many bytes, terms and free room inside included.
    pub bytes: u64,
}

/// What the records take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// Bytes, in PostgreSQL an estimate.
    pub bytes: u64,
    /// When the oldest was made, in milliseconds since 1970; `None` where there is none.
    pub oldest_ms: Option<i64>,
    /// When the newest was made.
    pub newest_ms: Option<i64>,
}

/// Records removed in one transaction.
const SLICE: i64 = 1000;

/// Slices of one round: what is left is for the next.
const SLICES: usize = 200;

/// The rest between two slices, in which others write.
const REST: Duration = Duration::from_millis(10);

/// Roll-ups of minutes are kept this long, those of hours and what people said of verdicts for 400 days.
const MINUTES: i64 = 8 * 86_400_000;
const HOURS: i64 = 400 * 86_400_000;

/// What lies around a row in PostgreSQL, its part of the index included, as a factor; measured at 1.3 to 1.5.
const AROUND: f64 = 1.5;

impl Database {
    /// What the records take.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn extent(&self) -> Result<Extent, StoreError> {
        let (oldest, newest): (Option<i64>, Option<i64>) =
            sqlx::query_as("SELECT (SELECT min(key) FROM records), (SELECT max(key) FROM records)")
                .fetch_one(self.pool())
                .await?;
        Ok(Extent {
            bytes: self.bytes().await?,
            oldest_ms: oldest.map(time_of_key),
            newest_ms: newest.map(time_of_key),
        })
    }

    async fn bytes(&self) -> Result<u64, StoreError> {
        let bytes = match self.dialect() {
            Dialect::Sqlite => {
                let (used,): (i64,) = sqlx::query_as(
                    "SELECT (p.page_count - f.freelist_count) * s.page_size \
                     FROM pragma_page_count p, pragma_freelist_count f, pragma_page_size s",
                )
                .fetch_one(self.pool())
                .await?;
                used
            }
            // The table's file does not shrink when rows go, so it tells nothing: rows and what one takes do.
            Dialect::Postgres => {
                let (rows, each): (i64, f64) = sqlx::query_as(
                    "SELECT (SELECT coalesce(max(n_live_tup), 0) FROM pg_stat_user_tables WHERE relname = 'records'), \
                     (SELECT coalesce(avg(pg_column_size(r.*)), 0)::float8 \
                      FROM (SELECT * FROM records ORDER BY key DESC LIMIT 500) r)",
                )
                .fetch_one(self.pool())
                .await?;
                (rows as f64 * each * AROUND) as i64
            }
        };
        Ok(u64::try_from(bytes).unwrap_or_default())
    }

    /// Removes what is not to be kept, if this node has the lease or can have it; returns how many records went.
    ///
    /// # Errors
    /// When the database fails; what went before is gone.
    pub async fn retire(&self, keep: Keep, node: &str, now_ms: i64) -> Result<u64, StoreError> {
        let mut transaction = self.pool().begin().await?;
        let mine = take_lease(&mut transaction, "retention", node, now_ms).await?;
        transaction.commit().await?;
        if !mine {
            return Ok(0);
        }
        Rollups::new(self.clone())
            .forget(now_ms - MINUTES, now_ms - HOURS)
            .await?;
        Feedback::new(self.clone())
            .forget(now_ms - HOURS, MOST_MARKS)
            .await?;
        let age = i64::try_from(keep.age.as_millis()).unwrap_or(i64::MAX);
        let too_old = first_key(now_ms.saturating_sub(age));
        let mut gone = 0;
        for _ in 0..SLICES {
            let removed = self.remove_before(too_old).await?;
            gone += removed;
            if removed < SLICE.unsigned_abs() {
                break;
            }
            tokio::time::sleep(REST).await;
        }
        Ok(gone + self.shrink(keep.bytes).await?)
    }

    /// Removes the oldest until the rest fits.
    async fn shrink(&self, most: u64) -> Result<u64, StoreError> {
        let mut gone = 0;
        let bytes = self.bytes().await?;
        if bytes <= most {
            return Ok(0);
        }
        // SQLite tells at once what a slice freed. PostgreSQL tells later, so there the share is worked out.
        let (rows,): (i64,) = sqlx::query_as("SELECT count(*) FROM records")
            .fetch_one(self.pool())
            .await?;
        let excess = (bytes - most) as f64 / bytes as f64 * rows as f64;
        for _ in 0..SLICES {
            let enough = match self.dialect() {
                Dialect::Sqlite => self.bytes().await? <= most,
                Dialect::Postgres => gone as f64 >= excess,
            };
            if enough {
                break;
            }
            let removed = self.remove_before(i64::MAX).await?;
            gone += removed;
            if removed == 0 {
                break;
            }
            tokio::time::sleep(REST).await;
        }
        Ok(gone)
    }

    /// Removes the oldest slice of what is older than `key`.
    async fn remove_before(&self, key: i64) -> Result<u64, StoreError> {
        let last: Option<(i64,)> = sqlx::query_as(
            "SELECT max(key) FROM (SELECT key FROM records WHERE key < $1 ORDER BY key LIMIT $2) s HAVING count(*) > 0",
        )
        .bind(key)
        .bind(SLICE)
        .fetch_optional(self.pool())
        .await?;
        let Some((last,)) = last else { return Ok(0) };
        let mut transaction = self.pool().begin().await?;
        if self.dialect() == Dialect::Sqlite {
            sqlx::query(
                "DELETE FROM record_terms WHERE rowid IN (SELECT key FROM records WHERE key <= $1)",
            )
            .bind(last)
            .execute(&mut *transaction)
            .await?;
        }
        let removed = sqlx::query("DELETE FROM records WHERE key <= $1")
            .bind(last)
            .execute(&mut *transaction)
            .await?
            .rows_affected();
        transaction.commit().await?;
        Ok(removed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::Entry;
    use crate::records::{Filter, Records};
    use crate::testing::{START, databases, entry};

    fn world() -> Vec<Entry> {
        let filler = "x".repeat(900);
        (0..5000)
            .map(|n| {
                entry(
                    &format!("{n:032x}"),
                    START + n * 1000,
                    &format!(r#""path":"/{filler}","route":"web""#),
                )
            })
            .collect()
    }

    #[tokio::test]
    async fn what_is_too_old_goes_and_cannot_be_found() {
        for fresh in databases().await {
            let records = Records::new(fresh.database.clone());
            records.insert(&world(), "one").await.unwrap();
            let keep = Keep {
                age: Duration::from_secs(1000),
                bytes: u64::MAX,
            };
            let now = START + 5_000_000;
            assert_eq!(fresh.database.retire(keep, "one", now).await.unwrap(), 4000);
            assert_eq!(
                fresh.database.retire(keep, "two", now).await.unwrap(),
                0,
                "the lease is another's"
            );
            let web = Filter {
                routes: vec!["web".into()],
                to_ms: Some(START + 4_001_000),
                ..Filter::default()
            };
            for filter in [
                web.clone(),
                Filter {
                    routes: Vec::new(),
                    ..web
                },
            ] {
                let page = records.list(&filter, None, 10).await.unwrap();
                assert_eq!(page.records.len(), 1, "only that of the last second before");
            }
            let extent = fresh.database.extent().await.unwrap();
            assert_eq!(extent.oldest_ms, Some(START + 4_000_000));
            assert_eq!(extent.newest_ms, Some(START + 4_999_000));
            // A record that was removed may come again, from a spool that was long away.
            let again = records.insert(&world()[..10], "one").await.unwrap();
            assert_eq!(again.new, 10);
        }
    }

    #[tokio::test]
    async fn the_oldest_make_room() {
        for fresh in databases().await {
            let records = Records::new(fresh.database.clone());
            records.insert(&world(), "one").await.unwrap();
            let before = match fresh.database.dialect() {
                Dialect::Sqlite => fresh.database.extent().await.unwrap().bytes,
                Dialect::Postgres => counted(&fresh.database).await,
            };
            assert!(before > 4_000_000, "{before}");
            let keep = Keep {
                age: Duration::from_secs(1_000_000),
                bytes: before / 2,
            };
            let gone = fresh.database.retire(keep, "one", START).await.unwrap();
            assert!(
                (2000..4000).contains(&gone),
                "{gone} of 5000 for half the room"
            );
            let newest = fresh.database.extent().await.unwrap().newest_ms;
            assert_eq!(newest, Some(START + 4_999_000), "the newest stay");
        }
    }

    /// PostgreSQL's statistics come a moment later.
    async fn counted(database: &Database) -> u64 {
        for _ in 0..100 {
            let bytes = database.extent().await.unwrap().bytes;
            if bytes > 0 {
                return bytes;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("PostgreSQL does not count its rows");
    }
}
