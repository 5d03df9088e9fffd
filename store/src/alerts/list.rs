//! Which alerts to list, and listing them.

use sqlx::{Any, QueryBuilder, Row};

use super::{Alert, Alerts, Level, MOST_PER_PAGE, State, row};
use crate::database::StoreError;

/// Which alerts to list; what is `None` is not asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlertFilter {
    /// Looked at or not.
    pub state: Option<State>,
    /// At least this bad.
    pub least: Option<Level>,
    /// The kind.
    pub category: Option<String>,
    /// Who.
    pub subject: Option<String>,
    /// The only tenant to see.
    pub tenant: Option<String>,
    /// Last seen at or after, milliseconds since 1970.
    pub since_ms: Option<i64>,
    /// Behind the alert of this last moment and id: the end of the page before.
    pub after: Option<(i64, String)>,
}

impl Alerts {
    /// The alerts that fit, the last seen first, at most [`MOST_PER_PAGE`].
    ///
    /// # Errors
    /// When the database says no.
    pub async fn list(&self, filter: &AlertFilter, limit: u32) -> Result<Vec<Alert>, StoreError> {
        let mut query = QueryBuilder::<Any>::new(format!("SELECT {} FROM alerts", row::COLUMNS));
        filter.write(&mut query);
        query.push(" ORDER BY last_ms DESC, id DESC LIMIT ");
        query.push_bind(i64::from(limit.min(MOST_PER_PAGE)));
        let rows = query.build().fetch_all(self.database.pool()).await?;
        rows.iter().map(row::read).collect()
    }

    /// How many open alerts there are of each level, from LOW to CRITICAL, for one tenant or all.
    ///
    /// # Errors
    /// When the database says no.
    pub async fn open_by_level(&self, tenant: Option<&str>) -> Result<[u64; 4], StoreError> {
        let mut query =
            QueryBuilder::<Any>::new("SELECT level, COUNT(*) FROM alerts WHERE state = 'open'");
        if let Some(tenant) = tenant {
            query.push(" AND tenant = ").push_bind(tenant.to_owned());
        }
        query.push(" GROUP BY level");
        let mut counts = [0; 4];
        for row in query.build().fetch_all(self.database.pool()).await? {
            let (level, count): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
            counts[Level::from_number(level) as usize] = u64::try_from(count).unwrap_or(0);
        }
        Ok(counts)
    }
}

impl AlertFilter {
    fn write(&self, query: &mut QueryBuilder<Any>) {
        let mut glue = Glue(" WHERE ");
        if let Some(state) = self.state {
            query
                .push(glue.next())
                .push("state = ")
                .push_bind(state.as_str());
        }
        if let Some(least) = self.least {
            query
                .push(glue.next())
                .push("level >= ")
                .push_bind(least as i64);
        }
        for (column, value) in [
            ("category", &self.category),
            ("subject", &self.subject),
            ("tenant", &self.tenant),
        ] {
            if let Some(value) = value {
                query
                    .push(glue.next())
                    .push(column)
                    .push(" = ")
                    .push_bind(value.clone());
            }
        }
        if let Some(since) = self.since_ms {
            query.push(glue.next()).push("last_ms >= ").push_bind(since);
        }
        if let Some((last, id)) = &self.after {
            query.push(glue.next()).push("(last_ms < ").push_bind(*last);
            query.push(" OR (last_ms = ").push_bind(*last);
            query.push(" AND id < ").push_bind(id.clone()).push("))");
        }
    }
}

/// WHERE before the first condition, AND before all others.
struct Glue(&'static str);

impl Glue {
    fn next(&mut self) -> &'static str {
        std::mem::replace(&mut self.0, " AND ")
    }
}
