//! Roll-ups: what happened per minute and per hour, by route and host. Each batch of records writes what it adds as
//! parts, in its own transaction, so that none is counted twice or lost; one node of the installation, which holds the
//! lease, adds the parts up. Who asks gets both, so that the newest second is in the answer.

mod cell;
mod histogram;

use std::collections::BTreeMap;

use sqlx::{Any, AssertSqlSafe, Transaction};

pub use self::cell::{Cell, Counts, Votes};
pub use self::histogram::Histogram;
use crate::database::{Database, StoreError};
use crate::entry::Record;
use crate::records::Scope;

/// The roll-ups of a database.
#[derive(Clone, Debug)]
pub struct Rollups {
    database: Database,
}

/// How wide a point is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// A minute.
    Minute,
    /// An hour.
    Hour,
}

/// What was counted from one moment on.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// The beginning, in milliseconds since 1970.
    pub start_ms: i64,
    /// The counts.
    pub cell: Cell,
}

/// Whose counts these are: route and host.
type Group = (Box<str>, Box<str>);

/// What a batch adds: a cell for each minute and group.
pub(crate) type Adds = BTreeMap<(i64, Group), Cell>;

/// Makes [`Adds`] of records.
pub(crate) struct Parts;

/// Hosts of one batch that are counted apart, since a client may ask for any; further ones are counted without host.
const HOSTS: usize = 64;

/// How many parts are added up in one transaction.
const FOLDED: i64 = 2000;

/// How many points one answer has at most: a month of minutes.
pub const MOST_POINTS: usize = 45_000;

impl Width {
    /// In milliseconds.
    pub const fn ms(self) -> i64 {
        match self {
            Self::Minute => 60_000,
            Self::Hour => 3_600_000,
        }
    }

    const ALL: [Self; 2] = [Self::Minute, Self::Hour];
}

impl Parts {
    /// What these records add.
    pub(crate) fn of<'a>(records: impl Iterator<Item = &'a Record>) -> Adds {
        let mut adds = Adds::new();
        let mut hosts: Vec<Box<str>> = Vec::new();
        for record in records {
            let time = record.time_ms();
            let minute = time - time.rem_euclid(Width::Minute.ms());
            let mut host: Box<str> = crate::records::host_name(&record.host).into();
            if !hosts.contains(&host) {
                if hosts.len() < HOSTS {
                    hosts.push(host.clone());
                } else {
                    host = Box::default();
                }
            }
            let group = (record.route.clone(), host);
            adds.entry((minute, group)).or_default().add(record);
        }
        adds
    }
}

/// Writes what a batch adds, within its transaction.
pub(crate) async fn insert_parts(
    transaction: &mut Transaction<'_, Any>,
    adds: &Adds,
) -> Result<(), StoreError> {
    for ((minute, (route, host)), cell) in adds {
        sqlx::query("INSERT INTO rollup_parts (minute, route, host, cell) VALUES ($1, $2, $3, $4)")
            .bind(*minute)
            .bind(route.to_string())
            .bind(host.to_string())
            .bind(text_of(cell))
            .execute(&mut **transaction)
            .await?;
    }
    Ok(())
}

impl Rollups {
    /// Those of this database.
    pub const fn new(database: Database) -> Self {
        Self { database }
    }

    /// What was counted from `from_ms` to before `to_ms` (milliseconds since 1970, widened to whole points), in order
    /// of time, of the whole installation or of one tenant. Minutes and hours without a request are left out; at most [`MOST_POINTS`].
    ///
    /// # Errors
    /// When the database fails.
    pub async fn series(
        &self,
        width: Width,
        from_ms: i64,
        to_ms: i64,
        scope: Option<&Scope>,
    ) -> Result<Vec<Point>, StoreError> {
        let mut points = BTreeMap::<i64, Cell>::new();
        self.each(width, from_ms, to_ms, |start, route, host, cell| {
            if scope.is_none_or(|scope| scope.admits(route, host)) && points.len() < MOST_POINTS {
                points.entry(start).or_default().merge(cell);
            }
        })
        .await?;
        let point = |(start_ms, cell)| Point { start_ms, cell };
        Ok(points.into_iter().map(point).collect())
    }

    /// The same, added up by route.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn by_route(
        &self,
        width: Width,
        from_ms: i64,
        to_ms: i64,
        scope: Option<&Scope>,
    ) -> Result<BTreeMap<Box<str>, Cell>, StoreError> {
        let mut routes = BTreeMap::<Box<str>, Cell>::new();
        self.each(width, from_ms, to_ms, |_, route, host, cell| {
            if scope.is_none_or(|scope| scope.admits(route, host)) {
                routes.entry(route.into()).or_default().merge(cell);
            }
        })
        .await?;
        Ok(routes)
    }

    /// All cells of a time, added up or not yet.
    async fn each(
        &self,
        width: Width,
        from_ms: i64,
        to_ms: i64,
        mut look: impl FnMut(i64, &str, &str, &Cell),
    ) -> Result<(), StoreError> {
        let floor = |time: i64| time - time.rem_euclid(width.ms());
        // Whole points: parts of minutes belong to hours that began before and end after.
        let from = floor(from_ms.max(0));
        let to = floor(to_ms.clamp(0, i64::MAX - width.ms()) + width.ms() - 1);
        // One snapshot of both tables, or a part that is being added up would be seen twice or not at all.
        let rows: Vec<(i64, String, String, String)> = sqlx::query_as(
            "SELECT start, route, host, cell FROM rollups WHERE width = $1 AND start >= $2 AND start < $3 \
             UNION ALL SELECT minute, route, host, cell FROM rollup_parts WHERE minute >= $2 AND minute < $3",
        )
        .bind(width.ms())
        .bind(from)
        .bind(to)
        .fetch_all(self.database.pool())
        .await?;
        for (start, route, host, cell) in rows {
            look(floor(start), &route, &host, &cell_of(&cell));
        }
        Ok(())
    }

    /// Adds up parts, if this node has the lease or can have it; returns how many. Called every few seconds.
    ///
    /// # Errors
    /// When the database fails; nothing is added up then.
    pub async fn fold(&self, node: &str, now_ms: i64) -> Result<usize, StoreError> {
        let mut transaction = self.database.pool().begin().await?;
        if !take_lease(&mut transaction, "rollups", node, now_ms).await? {
            return Ok(0);
        }
        let parts: Vec<(i64, i64, String, String, String)> = sqlx::query_as(
            "SELECT id, minute, route, host, cell FROM rollup_parts ORDER BY id LIMIT $1",
        )
        .bind(FOLDED)
        .fetch_all(&mut *transaction)
        .await?;
        if !parts.is_empty() {
            let mut sums = BTreeMap::<(i64, i64, &str, &str), Cell>::new();
            for (_, minute, route, host, cell) in &parts {
                let cell = cell_of(cell);
                for width in Width::ALL {
                    let start = minute - minute.rem_euclid(width.ms());
                    sums.entry((width.ms(), start, route, host))
                        .or_default()
                        .merge(&cell);
                }
            }
            for (at, sum) in sums {
                add_up(&mut transaction, at, sum).await?;
            }
            forget(&mut transaction, parts.iter().map(|(id, ..)| *id)).await?;
        }
        transaction.commit().await?;
        Ok(parts.len())
    }

    /// Forgets what is older: minutes before one moment, hours before another.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget(&self, minutes_before: i64, hours_before: i64) -> Result<u64, StoreError> {
        let mut gone = 0;
        for (width, before) in [(Width::Minute, minutes_before), (Width::Hour, hours_before)] {
            gone += sqlx::query("DELETE FROM rollups WHERE width = $1 AND start < $2")
                .bind(width.ms())
                .bind(before)
                .execute(self.database.pool())
                .await?
                .rows_affected();
        }
        Ok(gone)
    }
}

/// How long a lease holds after its last use, in milliseconds.
const LEASE: i64 = 30_000;

/// Takes or keeps what only one node does. The row stays locked until the transaction ends, so that even a node whose
/// lease ran out in the midst of its work does it alone.
pub(crate) async fn take_lease(
    transaction: &mut Transaction<'_, Any>,
    name: &str,
    node: &str,
    now_ms: i64,
) -> Result<bool, StoreError> {
    let taken = sqlx::query(
        "INSERT INTO leases (name, holder, until) VALUES ($1, $2, $3) ON CONFLICT (name) DO UPDATE \
         SET holder = excluded.holder, until = excluded.until WHERE leases.holder = excluded.holder OR leases.until < $4",
    )
    .bind(name.to_owned())
    .bind(node.to_owned())
    .bind(now_ms.saturating_add(LEASE))
    .bind(now_ms)
    .execute(&mut **transaction)
    .await?
    .rows_affected();
    Ok(taken > 0)
}

async fn add_up(
    transaction: &mut Transaction<'_, Any>,
    (width, start, route, host): (i64, i64, &str, &str),
    mut sum: Cell,
) -> Result<(), StoreError> {
    let known: Option<(String,)> = sqlx::query_as(
        "SELECT cell FROM rollups WHERE width = $1 AND start = $2 AND route = $3 AND host = $4",
    )
    .bind(width)
    .bind(start)
    .bind(route.to_owned())
    .bind(host.to_owned())
    .fetch_optional(&mut **transaction)
    .await?;
    if let Some((known,)) = known {
        sum.merge(&cell_of(&known));
    }
    sqlx::query(
        "INSERT INTO rollups (width, start, route, host, cell) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (width, start, route, host) DO UPDATE SET cell = excluded.cell",
    )
    .bind(width)
    .bind(start)
    .bind(route.to_owned())
    .bind(host.to_owned())
    .bind(text_of(&sum))
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

async fn forget(
    transaction: &mut Transaction<'_, Any>,
    ids: impl Iterator<Item = i64>,
) -> Result<(), StoreError> {
    let ids: Vec<String> = ids.map(|id| id.to_string()).collect();
    // Numbers that the database itself gave.
    let sql = format!("DELETE FROM rollup_parts WHERE id IN ({})", ids.join(","));
    sqlx::query(AssertSqlSafe(sql))
        .persistent(false)
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

fn text_of(cell: &Cell) -> String {
    serde_json::to_string(cell).expect("counts by name are JSON")
}

/// A cell that cannot be read counts nothing.
fn cell_of(text: &str) -> Cell {
    serde_json::from_str(text).unwrap_or_default()
}

#[cfg(test)]
mod tests;
