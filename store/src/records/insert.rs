//! Writing a batch: the lines, their terms and what they add to the roll-ups, all in one transaction. A record that is
//! already there is left out of all three, so that a batch may come twice.

use std::collections::HashMap;
use std::fmt::Write as _;

use sqlx::{Any, AssertSqlSafe, Transaction};

use super::{Records, key, terms};
use crate::database::{Dialect, StoreError};
use crate::entry::Entry;
use crate::rollup::{Parts, insert_parts};

/// What became of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Inserted {
    /// Records that are new.
    pub new: usize,
    /// Records that were there already, or twice in the batch.
    pub known: usize,
}

/// A record on its way into the table.
struct Row<'a> {
    key: i64,
    entry: &'a Entry,
}

/// Rows of one statement. More saves nothing, and each row takes up to four of the 32,766 parameters that SQLite admits.
const ROWS: usize = 128;

/// How often a batch is tried again whose keys others took while it was looked over.
const TRIES: usize = 8;

impl Records {
    /// Writes a batch of `node`'s records.
    ///
    /// # Errors
    /// When the database fails; nothing of the batch is written then.
    pub async fn insert(&self, batch: &[Entry], node: &str) -> Result<Inserted, StoreError> {
        let mut rows = rows_of(batch);
        for _ in 0..TRIES {
            if rows.is_empty() {
                break;
            }
            if self.write(&rows, node).await? {
                return Ok(Inserted {
                    new: rows.len(),
                    known: batch.len() - rows.len(),
                });
            }
            rows = self.unknown(rows).await?;
        }
        match rows.is_empty() {
            true => Ok(Inserted {
                new: 0,
                known: batch.len(),
            }),
            false => Err(StoreError::Asked(
                "records of this batch are being written by others".into(),
            )),
        }
    }

    /// Writes rows; `false`, and nothing is written, where one of their keys is taken.
    async fn write(&self, rows: &[Row<'_>], node: &str) -> Result<bool, StoreError> {
        let dialect = self.database.dialect();
        let mut transaction = self.database.pool().begin().await?;
        for slice in rows.chunks(ROWS) {
            let written = insert_rows(&mut transaction, dialect, slice, node).await?;
            if written < slice.len() {
                transaction.rollback().await?;
                return Ok(false);
            }
        }
        let parts = Parts::of(rows.iter().map(|row| &row.entry.record));
        insert_parts(&mut transaction, &parts).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Leaves out what is in the table, and gives a free key to what only meets another's.
    async fn unknown<'a>(&self, rows: Vec<Row<'a>>) -> Result<Vec<Row<'a>>, StoreError> {
        let mut open = rows;
        let mut fresh = Vec::with_capacity(open.len());
        while !open.is_empty() {
            let taken = self.ids_at(&open).await?;
            let mut next = Vec::new();
            for mut row in open {
                match taken.get(&row.key) {
                    None => fresh.push(row),
                    Some(id) if *id == row.entry.record.id => {}
                    Some(_) => {
                        row.key += 1;
                        next.push(row);
                    }
                }
            }
            open = next;
        }
        Ok(settled(fresh))
    }

    /// The ids of the records that have these rows' keys.
    async fn ids_at(&self, rows: &[Row<'_>]) -> Result<HashMap<i64, Box<str>>, StoreError> {
        let mut ids = HashMap::new();
        for slice in rows.chunks(ROWS) {
            let sql = format!(
                "SELECT key, line FROM records WHERE key IN ({})",
                holes(slice.len(), 1, "")
            );
            let mut query = sqlx::query_as::<_, (i64, String)>(AssertSqlSafe(sql));
            for row in slice {
                query = query.bind(row.key);
            }
            for (key, line) in query.fetch_all(self.database.pool()).await? {
                let id =
                    Entry::read(&line).map_or_else(|_| Box::default(), |entry| entry.record.id);
                ids.insert(key, id);
            }
        }
        Ok(ids)
    }
}

/// The batch in order of keys, each record once.
fn rows_of(batch: &[Entry]) -> Vec<Row<'_>> {
    settled(
        batch
            .iter()
            .map(|entry| Row {
                key: key::of(&entry.record),
                entry,
            })
            .collect(),
    )
}

/// Sorts rows; of two with one key the second is the same record and goes, or gets the next key.
fn settled(mut rows: Vec<Row<'_>>) -> Vec<Row<'_>> {
    rows.sort_by(|a, b| (a.key, &a.entry.record.id).cmp(&(b.key, &b.entry.record.id)));
    rows.dedup_by(|later, earlier| {
        later.key == earlier.key && later.entry.record.id == earlier.entry.record.id
    });
    for at in 1..rows.len() {
        rows[at].key = rows[at].key.max(rows[at - 1].key + 1);
    }
    rows
}

/// Returns how many rows were new.
async fn insert_rows(
    transaction: &mut Transaction<'_, Any>,
    dialect: Dialect,
    rows: &[Row<'_>],
    node: &str,
) -> Result<usize, StoreError> {
    let terms: Vec<String> = rows
        .iter()
        .map(|row| terms::terms_of(&row.entry.record, node))
        .collect();
    let sql = match dialect {
        Dialect::Sqlite => format!(
            "INSERT INTO records (key, node, line) VALUES {} ON CONFLICT (key) DO NOTHING",
            holes(rows.len(), 3, "")
        ),
        Dialect::Postgres => format!(
            "INSERT INTO records (key, node, line, terms) VALUES {} ON CONFLICT (key) DO NOTHING",
            holes(rows.len(), 4, "array_to_tsvector(string_to_array(#, ' '))")
        ),
    };
    let mut query = sqlx::query(AssertSqlSafe(sql)).persistent(rows.len() == ROWS);
    for (row, terms) in rows.iter().zip(&terms) {
        query = query
            .bind(row.key)
            .bind(node.to_owned())
            .bind(row.entry.line.to_string());
        if dialect == Dialect::Postgres {
            query = query.bind(terms.clone());
        }
    }
    let written = query.execute(&mut **transaction).await?.rows_affected();
    let written = usize::try_from(written).unwrap_or(usize::MAX);
    if dialect == Dialect::Sqlite && written == rows.len() {
        let sql = format!(
            "INSERT INTO record_terms (rowid, terms) VALUES {}",
            holes(rows.len(), 2, "")
        );
        let mut query = sqlx::query(AssertSqlSafe(sql)).persistent(rows.len() == ROWS);
        for (row, terms) in rows.iter().zip(terms) {
            query = query.bind(row.key).bind(terms);
        }
        query.execute(&mut **transaction).await?;
    }
    Ok(written)
}

/// `($1, $2), ($3, $4)` for rows of two; `$1, $2` for rows of one. `last` is what the last of each row is written as, its
/// placeholder at the `#`.
fn holes(rows: usize, each: usize, last: &str) -> String {
    let mut out = String::with_capacity(rows * each * 8);
    for row in 0..rows {
        out.push_str(if row > 0 { ", " } else { "" });
        out.push_str(if each > 1 { "(" } else { "" });
        for column in 1..=each {
            out.push_str(if column > 1 { ", " } else { "" });
            let hole = row * each + column;
            if column == each && !last.is_empty() {
                out.push_str(&last.replace('#', &format!("${hole}")));
            } else {
                // Writing to a String cannot fail.
                let _ = write!(out, "${hole}");
            }
        }
        out.push_str(if each > 1 { ")" } else { "" });
    }
    out
}
