//! The records: inserted in batches, found by [`Filter`], listed newest first, exported as a stream. One table holds
//! the lines, one inverted index the terms that they are found by (`records/terms.rs`); nothing else is indexed, so
//! that inserting stays cheap.

mod cursor;
mod filter;
mod insert;
mod key;
mod terms;

use std::sync::Arc;

use futures_util::stream::{self, Stream, StreamExt as _};
use sqlx::AssertSqlSafe;

pub use self::filter::{Filter, Scope, Status};
pub use self::insert::Inserted;
pub(crate) use self::key::{first_at as first_key, time_ms as time_of_key};
pub(crate) use self::terms::host_name;
use crate::database::{Database, Dialect, StoreError};
use crate::entry::Entry;
use crate::feedback::Said;

/// The records of a database.
#[derive(Clone, Debug)]
pub struct Records {
    database: Database,
}

/// A record that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Its place in the order of time.
    pub key: i64,
    /// The gateway that wrote it.
    pub node: Box<str>,
    /// What people said of its verdict; `None` where nobody said anything.
    pub said: Option<Said>,
    /// The record and its line.
    pub entry: Entry,
}

/// Some of the records that a filter admits, newest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// The records; fewer than asked for at the end, or where looking took too long.
    pub records: Vec<Found>,
    /// The cursor of the next page; `None` at the end.
    pub next: Option<String>,
}

/// The most records of one page.
pub const LARGEST_PAGE: usize = 1000;

/// How many records that the index found are looked at for one page at most, before what was found so far is returned
/// with a cursor: a filter that the index answers badly costs some 0.2 s a page.
const LOOKED_AT: usize = 20_000;

/// The same of records that are come to by marks, one by one from all over the table.
const MARKED_LOOKED_AT: usize = 8000;

/// How many of these are looked at before the index is asked for terms that begin alike. Tests have few records, and
/// come this far too.
const PROBED: usize = if cfg!(test) { 50 } else { 1500 };

/// How many rows are fetched at once.
const SLICE: usize = 500;

impl Records {
    /// Those of this database.
    pub const fn new(database: Database) -> Self {
        Self { database }
    }

    /// The newest records that `filter` admits, at most `limit` (and [`LARGEST_PAGE`]), after `cursor`: the `next` of
    /// the page before.
    ///
    /// # Errors
    /// When the cursor is not of this filter, or the database fails.
    pub async fn list(
        &self,
        filter: &Filter,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        let before = cursor.map(|text| cursor::read(text, filter)).transpose()?;
        let limit = limit.clamp(1, LARGEST_PAGE);
        let Some(question) = filter.question(self.database.dialect()) else {
            return Ok(Page::default());
        };
        let mut range = KeyRange::of(filter, before);
        let mut page = Page::default();
        let (mut looked_at, most) = match filter.is_of_marked() {
            true => (0, MARKED_LOOKED_AT),
            false => (0, LOOKED_AT),
        };
        // One more than is wanted tells whether there is a next page.
        let mut slice = SLICE.min(limit + 1);
        loop {
            let asked = match looked_at < PROBED {
                true => &question.quick,
                false => &question.whole,
            };
            let rows = self.fetch(asked, filter, range, slice).await?;
            let exhausted = rows.len() < slice;
            looked_at += rows.len();
            for found in rows {
                let last = range.last;
                range.last = found.key - 1;
                if !filter.matches(&found.entry.record, &found.node) {
                    continue;
                }
                if page.records.len() == limit {
                    page.next = Some(cursor::write(last + 1, filter));
                    return Ok(page);
                }
                page.records.push(found);
            }
            if exhausted {
                return Ok(page);
            }
            slice = SLICE;
            if looked_at >= most {
                page.next = Some(cursor::write(range.last + 1, filter));
                return Ok(page);
            }
        }
    }

    /// The record of a request's id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn by_id(&self, id: &str) -> Result<Option<Found>, StoreError> {
        let question = filter::id_question(id, self.database.dialect());
        let any = Filter::default();
        let found = self.fetch(&question, &any, KeyRange::ALL, SLICE).await?;
        Ok(found
            .into_iter()
            .find(|found| &*found.entry.record.id == id))
    }

    /// All records that `filter` admits, newest first, read as they are asked for.
    pub fn export(
        &self,
        filter: Filter,
    ) -> impl Stream<Item = Result<Found, StoreError>> + Send + use<> {
        let start = Some((self.clone(), Arc::new(filter), None::<String>));
        stream::unfold(start, |state| async {
            let (records, filter, cursor) = state?;
            match records.list(&filter, cursor.as_deref(), LARGEST_PAGE).await {
                Ok(page) => {
                    let rest = page.next.map(|next| (records, filter, Some(next)));
                    Some((
                        stream::iter(page.records.into_iter().map(Ok).collect::<Vec<_>>()),
                        rest,
                    ))
                }
                Err(error) => Some((stream::iter(vec![Err(error)]), None)),
            }
        })
        .flatten()
    }

    /// Rows within `range` that answer `question` and what `filter` asks of feedback, newest first.
    async fn fetch(
        &self,
        question: &str,
        filter: &Filter,
        range: KeyRange,
        limit: usize,
    ) -> Result<Vec<Found>, StoreError> {
        let way = Way::of(question, filter, self.database.dialect());
        let sql = way.statement(&filter.feedback_condition());
        let mut query = sqlx::query_as::<_, Row>(AssertSqlSafe(sql))
            .bind(range.first)
            .bind(range.last)
            .bind(i64::try_from(limit).unwrap_or(i64::MAX));
        if way.asks_the_index() {
            query = query.bind(question.to_owned());
        }
        let rows = query.fetch_all(self.database.pool()).await?;
        Ok(rows.into_iter().filter_map(found).collect())
    }
}

/// Keys from the first to the last, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct KeyRange {
    first: i64,
    last: i64,
}

impl KeyRange {
    const ALL: Self = Self {
        first: 0,
        last: i64::MAX,
    };

    fn of(filter: &Filter, before: Option<i64>) -> Self {
        let until = filter.to_ms.map_or(i64::MAX, key::first_at);
        Self {
            first: filter.from_ms.map_or(0, key::first_at),
            last: before
                .map_or(until, |before| before.min(until))
                .saturating_sub(1),
        }
    }
}

/// Key, node, line, and what was said of it.
type Row = (i64, String, String, Option<String>);

/// A row that cannot be read would be one that was not written by us; it is left out.
fn found((key, node, line, said): Row) -> Option<Found> {
    Some(Found {
        key,
        node: node.into(),
        said: said.and_then(|said| said.parse().ok()),
        entry: Entry::read(&line).ok()?,
    })
}

/// By which table rows are come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// In order of time.
    Time,
    /// By the terms of FTS5.
    SqliteTerms,
    /// By the terms of GIN.
    PostgresTerms,
    /// By what people marked, which is little; everything else is looked at afterwards.
    Marks,
}

impl Way {
    fn of(question: &str, filter: &Filter, dialect: Dialect) -> Self {
        match dialect {
            _ if filter.is_of_marked() => Self::Marks,
            _ if question.is_empty() => Self::Time,
            Dialect::Sqlite => Self::SqliteTerms,
            Dialect::Postgres => Self::PostgresTerms,
        }
    }

    const fn asks_the_index(self) -> bool {
        matches!(self, Self::SqliteTerms | Self::PostgresTerms)
    }

    /// The statement, with a condition on table `f`. SQLite keeps the order of a CROSS JOIN, so that few marks lead to
    /// few records and not the other way round.
    fn statement(self, condition: &str) -> String {
        let (tables, key, terms) = match self {
            Self::Time => (RECORDS, "r.key", ""),
            Self::SqliteTerms => (TERMS, "t.rowid", " AND record_terms MATCH $4"),
            Self::PostgresTerms => (RECORDS, "r.key", " AND r.terms @@ $4::tsquery"),
            Self::Marks => (MARKS, "f.record_key", " AND r.key = f.record_key"),
        };
        format!(
            "SELECT r.key, r.node, r.line, f.said FROM {tables} \
             WHERE {key} BETWEEN $1 AND $2{terms}{condition} ORDER BY {key} DESC LIMIT $3"
        )
    }
}

const RECORDS: &str = "records r LEFT JOIN feedback f ON f.record_key = r.key";
const TERMS: &str =
    "record_terms t JOIN records r ON r.key = t.rowid LEFT JOIN feedback f ON f.record_key = r.key";
const MARKS: &str = "feedback f CROSS JOIN records r";

#[cfg(test)]
mod tests;
