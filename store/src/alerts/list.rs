//! Which alerts to list, and listing them.

use sqlx::Row;
use sqlx::any::AnyRow;

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
    /// The alerts that fit, the last seen first, at most one more than [`MOST_PER_PAGE`].
    ///
    /// # Errors
    /// When the database says no.
    pub async fn list(&self, filter: &AlertFilter, limit: u32) -> Result<Vec<Alert>, StoreError> {
        let mut question = Question::new(format!("SELECT {} FROM alerts", row::COLUMNS));
        filter.ask(&mut question);
        question.text(" ORDER BY last_ms DESC, id DESC LIMIT ");
        question.value(Value::Number(i64::from(limit.min(MOST_PER_PAGE + 1))));
        let rows = question.rows(self).await?;
        rows.iter().map(row::read).collect()
    }

    /// How many open alerts there are of each level, from LOW to CRITICAL, for one tenant or all.
    ///
    /// # Errors
    /// When the database says no.
    pub async fn open_by_level(&self, tenant: Option<&str>) -> Result<[u64; 4], StoreError> {
        let mut question = Question::new("SELECT level, COUNT(*) FROM alerts".to_owned());
        question.condition("state = ", Value::Text("open".to_owned()));
        if let Some(tenant) = tenant {
            question.condition("tenant = ", Value::Text(tenant.to_owned()));
        }
        question.text(" GROUP BY level");
        let mut counts = [0; 4];
        for row in question.rows(self).await? {
            let (level, count): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
            counts[Level::from_number(level) as usize] = u64::try_from(count).unwrap_or(0);
        }
        Ok(counts)
    }
}

impl AlertFilter {
    fn ask(&self, question: &mut Question) {
        if let Some(state) = self.state {
            question.condition("state = ", Value::Text(state.as_str().to_owned()));
        }
        if let Some(least) = self.least {
            question.condition("level >= ", Value::Number(least as i64));
        }
        let exact = [
            ("category = ", &self.category),
            ("subject = ", &self.subject),
            ("tenant = ", &self.tenant),
        ];
        for (column, value) in exact {
            if let Some(value) = value {
                question.condition(column, Value::Text(value.clone()));
            }
        }
        if let Some(since) = self.since_ms {
            question.condition("last_ms >= ", Value::Number(since));
        }
        if let Some((last, id)) = &self.after {
            question.condition("(last_ms < ", Value::Number(*last));
            question.text(" OR (last_ms = ");
            question.value(Value::Number(*last));
            question.text(" AND id < ");
            question.value(Value::Text(id.clone()));
            question.text("))");
        }
    }
}

/// A query that is being written, and the values of its placeholders: never part of its text.
struct Question {
    sql: String,
    values: Vec<Value>,
    conditions: usize,
}

enum Value {
    Number(i64),
    Text(String),
}

impl Question {
    fn new(sql: String) -> Self {
        Self {
            sql,
            values: Vec::new(),
            conditions: 0,
        }
    }

    fn text(&mut self, sql: &str) {
        self.sql.push_str(sql);
    }

    fn value(&mut self, value: Value) {
        self.values.push(value);
        self.sql.push('$');
        self.sql.push_str(&self.values.len().to_string());
    }

    /// WHERE before the first, AND before all others.
    fn condition(&mut self, sql: &str, value: Value) {
        self.text(if self.conditions == 0 {
            " WHERE "
        } else {
            " AND "
        });
        self.conditions += 1;
        self.text(sql);
        self.value(value);
    }

    async fn rows(self, alerts: &Alerts) -> Result<Vec<AnyRow>, StoreError> {
        let mut query = sqlx::query(sqlx::AssertSqlSafe(self.sql));
        for value in self.values {
            query = match value {
                Value::Number(number) => query.bind(number),
                Value::Text(text) => query.bind(text),
            };
        }
        Ok(query.fetch_all(alerts.database.pool()).await?)
    }
}
