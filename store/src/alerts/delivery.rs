//! What receivers are to be told about alerts, and how far that has got. A delivery is a row from the moment it is
//! decided until somebody takes it off the dead-letter list; it is attempted again until it succeeds or has failed too
//! often.

use serde::Serialize;
use sqlx::Row;
use sqlx::any::AnyRow;

use super::{Alerts, Change, MOST_PER_PAGE, new_id};
use crate::database::StoreError;

/// How long a node that has taken a delivery may work on it, in milliseconds, before another may try.
const LEASE_MS: i64 = 60_000;

/// How far a delivery has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Progress {
    /// It will be attempted, maybe again.
    Waiting,
    /// The receiver took it.
    Delivered,
    /// It failed too often: somebody has to look.
    Dead,
}

impl Progress {
    /// The word in the table and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }
}

/// Something that a receiver is to be told.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Delivery {
    /// 32 hexadecimal digits.
    pub id: String,
    /// Of which alert.
    pub alert_id: String,
    /// To whom: a name in the configuration.
    pub receiver: String,
    /// Because it was opened or raised.
    pub why: String,
    /// How far it has got.
    pub state: Progress,
    /// When it was decided, milliseconds since 1970.
    pub made_ms: i64,
    /// When it is due, or due again.
    pub due_ms: i64,
    /// How often it was attempted.
    pub attempts: u32,
    /// Why the last attempt failed.
    pub error: String,
}

impl Alerts {
    /// Puts a delivery into the queue, unless the same receiver was told of the same group less than `repeat_ms`
    /// before; a raised alert is always told. Returns whether it was put there.
    ///
    /// # Errors
    /// When the database says no.
    pub async fn tell(
        &self,
        alert_id: &str,
        receiver: &str,
        why: Change,
        (now_ms, due_ms): (i64, i64),
        repeat_ms: i64,
    ) -> Result<bool, StoreError> {
        let why_word = match why {
            Change::Opened => "opened",
            Change::Raised => "raised",
            Change::Grown => return Ok(false),
        };
        let since = if why == Change::Raised {
            i64::MAX
        } else {
            now_ms.saturating_sub(repeat_ms)
        };
        let done = sqlx::query(
            "INSERT INTO alert_deliveries (id, alert_id, group_key, receiver, why, state, made_ms, due_ms, attempts, error)
             SELECT $1, id, group_key, $3, $4, 'waiting', $5, $6, 0, '' FROM alerts WHERE id = $2
             AND NOT EXISTS (SELECT 1 FROM alert_deliveries d WHERE d.group_key = alerts.group_key
                             AND d.receiver = $3 AND d.made_ms > $7)",
        )
        .bind(new_id())
        .bind(alert_id)
        .bind(receiver)
        .bind(why_word)
        .bind(now_ms)
        .bind(due_ms)
        .bind(since)
        .execute(self.database.pool())
        .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Takes what is due, at most `limit`: no other node gets it for a minute, in which it has to be settled.
    ///
    /// # Errors
    /// When the database says no.
    pub async fn take_due(&self, now_ms: i64, limit: u32) -> Result<Vec<Delivery>, StoreError> {
        let statement = format!(
            "UPDATE alert_deliveries SET due_ms = $2, attempts = attempts + 1 WHERE state = 'waiting' AND due_ms <= $1
             AND id IN (SELECT id FROM alert_deliveries WHERE state = 'waiting' AND due_ms <= $1 ORDER BY due_ms LIMIT $3)
             RETURNING {COLUMNS}"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(statement))
            .bind(now_ms)
            .bind(now_ms.saturating_add(LEASE_MS))
            .bind(i64::from(limit.min(MOST_PER_PAGE)))
            .fetch_all(self.database.pool())
            .await?;
        rows.iter().map(read).collect()
    }

    /// The receiver took it.
    ///
    /// # Errors
    /// When the database says no; then it will be delivered once more.
    pub async fn delivered(&self, id: &str, now_ms: i64) -> Result<(), StoreError> {
        sqlx::query("UPDATE alert_deliveries SET state = 'delivered', ended_ms = $2, error = '' WHERE id = $1")
            .bind(id)
            .bind(now_ms)
            .execute(self.database.pool())
            .await?;
        Ok(())
    }

    /// It failed: to be attempted again at `again_ms`, or never where that is `None`.
    ///
    /// # Errors
    /// When the database says no.
    pub async fn failed(
        &self,
        id: &str,
        error: &str,
        now_ms: i64,
        again_ms: Option<i64>,
    ) -> Result<(), StoreError> {
        let (state, due, ended) = match again_ms {
            Some(again) => ("waiting", again, None),
            None => ("dead", now_ms, Some(now_ms)),
        };
        sqlx::query("UPDATE alert_deliveries SET state = $2, due_ms = $3, ended_ms = $4, error = $5 WHERE id = $1")
            .bind(id)
            .bind(state)
            .bind(due)
            .bind(ended)
            .bind(error)
            .execute(self.database.pool())
            .await?;
        Ok(())
    }

    /// The dead-letter list, the newest first.
    ///
    /// # Errors
    /// When the database says no.
    pub async fn dead_letters(&self, limit: u32) -> Result<Vec<Delivery>, StoreError> {
        let statement = format!(
            "SELECT {COLUMNS} FROM alert_deliveries WHERE state = 'dead' ORDER BY due_ms DESC, id LIMIT $1"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(statement))
            .bind(i64::from(limit.min(MOST_PER_PAGE)))
            .fetch_all(self.database.pool())
            .await?;
        rows.iter().map(read).collect()
    }

    /// What was sent about an alert, the oldest first.
    ///
    /// # Errors
    /// When the database says no.
    pub async fn deliveries(&self, alert_id: &str) -> Result<Vec<Delivery>, StoreError> {
        let statement = format!(
            "SELECT {COLUMNS} FROM alert_deliveries WHERE alert_id = $1 ORDER BY made_ms, id LIMIT $2"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(statement))
            .bind(alert_id)
            .bind(i64::from(MOST_PER_PAGE))
            .fetch_all(self.database.pool())
            .await?;
        rows.iter().map(read).collect()
    }

    /// Takes a delivery off the dead-letter list and attempts it again, from the start. Returns whether it was there.
    ///
    /// # Errors
    /// When the database says no.
    pub async fn retry(&self, id: &str, now_ms: i64) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "UPDATE alert_deliveries SET state = 'waiting', due_ms = $2, attempts = 0, ended_ms = NULL
             WHERE id = $1 AND state = 'dead'",
        )
        .bind(id)
        .bind(now_ms)
        .execute(self.database.pool())
        .await?;
        Ok(done.rows_affected() > 0)
    }
}

const COLUMNS: &str = "id, alert_id, receiver, why, state, made_ms, due_ms, attempts, error";

fn read(row: &AnyRow) -> Result<Delivery, StoreError> {
    let state: String = row.try_get(4)?;
    Ok(Delivery {
        id: row.try_get(0)?,
        alert_id: row.try_get(1)?,
        receiver: row.try_get(2)?,
        why: row.try_get(3)?,
        state: match state.as_str() {
            "delivered" => Progress::Delivered,
            "dead" => Progress::Dead,
            _ => Progress::Waiting,
        },
        made_ms: row.try_get(5)?,
        due_ms: row.try_get(6)?,
        attempts: u32::try_from(row.try_get::<i64, _>(7)?).unwrap_or(u32::MAX),
        error: row.try_get(8)?,
    })
}
