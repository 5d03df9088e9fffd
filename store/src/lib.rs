//! The store: what happened, who may see it, what was decided about it. Records, roll-ups, alerts, users, the audit
//! trail and the settings made while the gateway runs live in one database, SQLite in the state folder unless a URL
//! names a PostgreSQL server. This crate knows tables and batches; it knows no HTTP and nothing of how a request is
//! judged. [`entry`] reads the gateway's records, [`database`] opens the database and brings its tables up to date;
//! each further module is one subject with its own tables.

pub mod access;
pub mod audit;
pub mod bans;
pub mod database;
pub mod entry;
pub mod overlay;
pub mod records;
pub mod rollup;

#[cfg(test)]
mod testing;

pub use self::access::TenantScope;
pub use self::database::{Database, Dialect, StoreError};
pub use self::entry::{Batch, Entry};
pub use self::records::{Filter, Found, Page, Records, Scope, Status};
pub use self::rollup::{Cell, Point, Rollups, Width};
