//! The audit trail: who did what on the admin plane, when, from where, and how it went. Whoever acts or fails to
//! authenticate writes a row before they are answered. Rows are never changed; the oldest go by age and by number.

use sqlx::any::AnyRow;
use sqlx::{FromRow, Row};

use crate::database::{Database, StoreError};

/// The longest text of a column, in bytes; what is longer is cut.
const MOST_BYTES: usize = 1024;

/// Something that was done or tried.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// Its place in the trail, ascending; 0 before it is written.
    pub id: i64,
    /// When, in milliseconds since 1970.
    pub time: i64,
    /// Who: a user's name, a user's and a token's, or what somebody who was not let in called themselves.
    pub who: String,
    /// The address they came from, or `local` for the command line.
    pub source: String,
    /// What they did, such as `login` or `POST /api/v1/bans`.
    pub action: String,
    /// Whom or what they did it to.
    pub target: String,
    /// `done`, `refused` or `failed`.
    pub outcome: String,
    /// What else there is to know; no secrets.
    pub detail: String,
}

/// Which events are wanted; empty texts ask for all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Only those with a smaller id.
    pub before: Option<i64>,
    /// Only those of this name.
    pub who: String,
    /// Only these actions.
    pub action: String,
    /// Only these outcomes.
    pub outcome: String,
    /// Not before this time.
    pub from: Option<i64>,
    /// Before this time.
    pub to: Option<i64>,
    /// How many at most.
    pub limit: i64,
}

/// Writes an event down; when this returns it is in the database.
///
/// # Errors
/// When the database does not take it.
pub async fn write(database: &Database, event: &Event) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO audit (time_ms, who, source, action, target, outcome, detail)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(event.time)
    .bind(plain(&event.who))
    .bind(plain(&event.source))
    .bind(plain(&event.action))
    .bind(plain(&event.target))
    .bind(plain(&event.outcome))
    .bind(plain(&event.detail))
    .execute(database.pool())
    .await?;
    Ok(())
}

/// The events that are wanted, newest first.
///
/// # Errors
/// When the database does not answer.
pub async fn list(database: &Database, wanted: &Wanted) -> Result<Vec<Event>, StoreError> {
    let texts = [&wanted.who, &wanted.action, &wanted.outcome];
    if texts.iter().any(|text| text.contains('\0')) {
        // PostgreSQL takes no zero byte, so no event has one.
        return Ok(Vec::new());
    }
    let rows = sqlx::query_as(
        "SELECT * FROM audit WHERE id < $1 AND time_ms >= $2 AND time_ms < $3
         AND ($4 = '' OR who = $4) AND ($5 = '' OR action = $5) AND ($6 = '' OR outcome = $6)
         ORDER BY id DESC LIMIT $7",
    )
    .bind(wanted.before.unwrap_or(i64::MAX))
    .bind(wanted.from.unwrap_or(i64::MIN))
    .bind(wanted.to.unwrap_or(i64::MAX))
    .bind(wanted.who.clone())
    .bind(wanted.action.clone())
    .bind(wanted.outcome.clone())
    .bind(wanted.limit);
    Ok(rows.fetch_all(database.pool()).await?)
}

/// Removes events before `oldest`, and of the rest all but the newest `most`.
///
/// # Errors
/// When the database does not answer.
pub async fn trim(database: &Database, oldest: i64, most: i64) -> Result<u64, StoreError> {
    let done = sqlx::query(
        "DELETE FROM audit WHERE time_ms < $1 OR id <= (SELECT COALESCE(MAX(id), 0) FROM audit) - $2",
    )
    .bind(oldest)
    .bind(most)
    .execute(database.pool())
    .await?;
    Ok(done.rows_affected())
}

/// One line of bounded length without control characters: what a terminal or a log would act on stays out, and so does
/// the zero byte, which PostgreSQL takes in no text.
fn plain(text: &str) -> String {
    let cut = text.floor_char_boundary(MOST_BYTES);
    text.chars()
        .zip(text.char_indices())
        .take_while(|(_, (at, _))| *at < cut)
        .map(|(c, _)| if c.is_control() { ' ' } else { c })
        .collect()
}

impl<'r> FromRow<'r, AnyRow> for Event {
    fn from_row(row: &'r AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("id")?,
            time: row.try_get("time_ms")?,
            who: row.try_get("who")?,
            source: row.try_get("source")?,
            action: row.try_get("action")?,
            target: row.try_get("target")?,
            outcome: row.try_get("outcome")?,
            detail: row.try_get("detail")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::databases;

    fn event(time: i64, who: &str) -> Event {
        Event {
            time,
            who: who.to_owned(),
            action: "login".to_owned(),
            outcome: "done".to_owned(),
            ..Event::default()
        }
    }

    #[tokio::test]
    async fn events_are_listed_newest_first_filtered_and_trimmed() {
        for fresh in databases().await {
            the_trail_of(&fresh.database).await;
        }
    }

    async fn the_trail_of(database: &Database) {
        for time in 1..=6 {
            let who = if time % 2 == 0 {
                "ada"
            } else {
                "bob\u{1b}[2J\0"
            };
            write(database, &event(time, who))
                .await
                .expect("it is written");
        }
        let all = Wanted {
            limit: 100,
            ..Wanted::default()
        };
        let times = async |wanted: &Wanted| -> Vec<i64> {
            let events = list(database, wanted).await.expect("they are listed");
            events.iter().map(|event| event.time).collect()
        };
        assert_eq!(times(&all).await, [6, 5, 4, 3, 2, 1]);
        let newest = list(
            database,
            &Wanted {
                limit: 2,
                ..all.clone()
            },
        )
        .await
        .expect("they are listed");
        assert_eq!(newest[1].who, "bob [2J ", "nothing that a terminal acts on");
        let before = Some(newest[1].id);
        for (wanted, expected) in [
            (
                Wanted {
                    before,
                    limit: 2,
                    ..all.clone()
                },
                vec![4, 3],
            ),
            (
                Wanted {
                    who: "ada".to_owned(),
                    ..all.clone()
                },
                vec![6, 4, 2],
            ),
            (
                Wanted {
                    from: Some(2),
                    to: Some(4),
                    ..all.clone()
                },
                vec![3, 2],
            ),
            (
                Wanted {
                    action: "logout".to_owned(),
                    ..all.clone()
                },
                vec![],
            ),
            (
                Wanted {
                    who: "' OR 1=1 --".to_owned(),
                    ..all.clone()
                },
                vec![],
            ),
        ] {
            assert_eq!(times(&wanted).await, expected, "{wanted:?}");
        }
        trim(database, 2, 3).await.expect("it is trimmed");
        assert_eq!(times(&all).await, [6, 5, 4]);
    }

    #[test]
    fn long_texts_are_cut_between_letters() {
        assert_eq!(plain(&"ä".repeat(600)).len(), 1024);
        assert_eq!(plain(&format!("a{}", "ä".repeat(600))).len(), 1023);
    }
}
