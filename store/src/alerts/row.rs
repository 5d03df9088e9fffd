//! An alert as a row.

use sqlx::Row;
use sqlx::any::AnyRow;

use super::{Alert, Detail, Level, State};
use crate::database::StoreError;

/// In the order that [`read`] expects.
pub(super) const COLUMNS: &str = "id, rule, tenant, subject, category, level, state, title, first_ms, last_ms, \
                                  requests, detail, acknowledged_by, acknowledged_ms";

/// Reads a row of [`COLUMNS`].
pub(super) fn read(row: &AnyRow) -> Result<Alert, StoreError> {
    let state: String = row.try_get(6)?;
    let detail: String = row.try_get(11)?;
    Ok(Alert {
        id: row.try_get(0)?,
        rule: row.try_get(1)?,
        tenant: row.try_get(2)?,
        subject: row.try_get(3)?,
        category: row.try_get(4)?,
        level: Level::from_number(row.try_get(5)?),
        state: if state == "acknowledged" {
            State::Acknowledged
        } else {
            State::Open
        },
        title: row.try_get(7)?,
        first_ms: row.try_get(8)?,
        last_ms: row.try_get(9)?,
        requests: u64::try_from(row.try_get::<i64, _>(10)?).unwrap_or(0),
        detail: Detail::from_json(&detail),
        acknowledged_by: row.try_get(12)?,
        acknowledged_ms: row.try_get(13)?,
    })
}

/// Tables know no unsigned numbers.
pub(super) fn to_i64(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
