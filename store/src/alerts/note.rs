//! Adding what was seen to its incident, in one transaction: several gateways may do so at once.

use sqlx::{Any, Row, Transaction};

use super::{Alert, Alerts, Change, Noted, Sighting, State, find, new_id, row};
use crate::database::StoreError;

impl Alerts {
    /// Adds what was seen to its incident: the one of the same rule, tenant, subject and category that was last seen
    /// less than `window_ms` before, or else a new one. A new request reopens nothing: who acknowledged has seen it,
    /// until it gets worse.
    ///
    /// # Errors
    /// When the database says no; then nothing was written.
    pub async fn note(&self, sighting: &Sighting, window_ms: i64) -> Result<Noted, StoreError> {
        let mut transaction = self.database.pool().begin().await?;
        let group = group_key(sighting);
        let (first, last) = sighting.span_ms;
        let row = sqlx::query(
            "INSERT INTO alert_groups (group_key, alert_id, last_ms) VALUES ($1, $2, $3)
             ON CONFLICT (group_key) DO UPDATE SET
                 alert_id = CASE WHEN alert_groups.last_ms >= $4 THEN alert_groups.alert_id ELSE excluded.alert_id END,
                 last_ms = CASE WHEN alert_groups.last_ms >= excluded.last_ms THEN alert_groups.last_ms ELSE excluded.last_ms END
             RETURNING alert_id",
        )
        .bind(&group)
        .bind(new_id())
        .bind(last)
        .bind(first.saturating_sub(window_ms))
        .fetch_one(&mut *transaction)
        .await?;
        let id: String = row.try_get(0)?;
        let noted = match find(&mut *transaction, &id).await? {
            Some(old) => grow(&mut transaction, old, sighting).await?,
            None => open(&mut transaction, id, &group, sighting).await?,
        };
        transaction.commit().await?;
        Ok(noted)
    }
}

fn group_key(sighting: &Sighting) -> String {
    // None of the parts holds a line feed: they come from configured names, the closed list of categories and ids.
    [
        &sighting.rule,
        &sighting.tenant,
        &sighting.subject,
        &sighting.category,
    ]
    .map(String::as_str)
    .join("\n")
}

async fn open(
    transaction: &mut Transaction<'_, Any>,
    id: String,
    group: &str,
    sighting: &Sighting,
) -> Result<Noted, StoreError> {
    let alert = Alert {
        id,
        rule: sighting.rule.clone(),
        tenant: sighting.tenant.clone(),
        subject: sighting.subject.clone(),
        category: sighting.category.clone(),
        level: sighting.level,
        state: State::Open,
        title: sighting.title.clone(),
        first_ms: sighting.span_ms.0,
        last_ms: sighting.span_ms.1,
        requests: sighting.requests,
        detail: sighting.detail.clone(),
        acknowledged_by: None,
        acknowledged_ms: None,
    };
    sqlx::query(
        "INSERT INTO alerts (id, group_key, rule, tenant, subject, category, level, state, title, first_ms, last_ms, requests, detail)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 'open', $8, $9, $10, $11, $12)",
    )
    .bind(&alert.id)
    .bind(group)
    .bind(&alert.rule)
    .bind(&alert.tenant)
    .bind(&alert.subject)
    .bind(&alert.category)
    .bind(alert.level as i64)
    .bind(&alert.title)
    .bind(alert.first_ms)
    .bind(alert.last_ms)
    .bind(row::to_i64(alert.requests))
    .bind(alert.detail.to_json())
    .execute(&mut **transaction)
    .await?;
    Ok(Noted {
        alert,
        change: Change::Opened,
    })
}

async fn grow(
    transaction: &mut Transaction<'_, Any>,
    mut alert: Alert,
    sighting: &Sighting,
) -> Result<Noted, StoreError> {
    let raised = sighting.level > alert.level;
    alert.level = alert.level.max(sighting.level);
    alert.first_ms = alert.first_ms.min(sighting.span_ms.0);
    alert.last_ms = alert.last_ms.max(sighting.span_ms.1);
    alert.requests = alert.requests.saturating_add(sighting.requests);
    alert.detail.add(&sighting.detail);
    if raised {
        alert.state = State::Open;
        alert.acknowledged_by = None;
        alert.acknowledged_ms = None;
    }
    sqlx::query(
        "UPDATE alerts SET level = $2, first_ms = $3, last_ms = $4, requests = $5, detail = $6, state = $7,
             acknowledged_by = $8, acknowledged_ms = $9 WHERE id = $1",
    )
    .bind(&alert.id)
    .bind(alert.level as i64)
    .bind(alert.first_ms)
    .bind(alert.last_ms)
    .bind(row::to_i64(alert.requests))
    .bind(alert.detail.to_json())
    .bind(alert.state.as_str())
    .bind(alert.acknowledged_by.clone())
    .bind(alert.acknowledged_ms)
    .execute(&mut **transaction)
    .await?;
    let change = if raised {
        Change::Raised
    } else {
        Change::Grown
    };
    Ok(Noted { alert, change })
}
