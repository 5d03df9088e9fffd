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
        let mut looked_at = 0;
        // One more than is wanted tells whether there is a next page.
        let mut slice = SLICE.min(limit + 1);
        loop {
            let asked = match looked_at < PROBED {
                true => &question.quick,
                false => &question.whole,
            };
            let rows = self.fetch(asked, range, slice).await?;
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
            if looked_at >= LOOKED_AT {
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
        let found = self.fetch(&question, KeyRange::ALL, SLICE).await?;
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

    /// Rows within `range` that answer `question`, newest first.
    async fn fetch(
        &self,
        question: &str,
        range: KeyRange,
        limit: usize,
    ) -> Result<Vec<Found>, StoreError> {
        let sql = match (self.database.dialect(), question.is_empty()) {
            (_, true) => LATEST,
            (Dialect::Sqlite, false) => LATEST_OF_SQLITE,
            (Dialect::Postgres, false) => LATEST_OF_POSTGRES,
        };
        let mut query = sqlx::query_as::<_, (i64, String, String)>(AssertSqlSafe(sql))
            .bind(range.first)
            .bind(range.last)
            .bind(i64::try_from(limit).unwrap_or(i64::MAX));
        if !question.is_empty() {
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

/// A row that cannot be read would be one that was not written by us; it is left out.
fn found((key, node, line): (i64, String, String)) -> Option<Found> {
    Some(Found {
        key,
        node: node.into(),
        entry: Entry::read(&line).ok()?,
    })
}

const LATEST: &str =
    "SELECT key, node, line FROM records WHERE key BETWEEN $1 AND $2 ORDER BY key DESC LIMIT $3";
const LATEST_OF_SQLITE: &str = "SELECT r.key, r.node, r.line FROM record_terms t JOIN records r ON r.key = t.rowid \
    WHERE record_terms MATCH $4 AND t.rowid BETWEEN $1 AND $2 ORDER BY t.rowid DESC LIMIT $3";
const LATEST_OF_POSTGRES: &str = "SELECT key, node, line FROM records \
    WHERE key BETWEEN $1 AND $2 AND terms @@ $4::tsquery ORDER BY key DESC LIMIT $3";

#[cfg(test)]
mod tests;
