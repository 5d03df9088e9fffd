//! The store: what happened, who may see it, what was decided about it. Records, roll-ups, alerts, users, the audit
//! trail and the settings made while the gateway runs live in one database, SQLite in the state folder unless a URL
//! names a PostgreSQL server. This crate knows tables and batches; it knows no HTTP and nothing of how a request is
//! judged. [`entry`] reads the gateway's records, [`database`] opens the database and brings its tables up to date;
//! each further module is one subject with its own tables.

pub mod access;
pub mod alerts;
pub mod audit;
pub mod bans;
pub mod database;
pub mod documents;
pub mod entry;
pub mod feedback;
pub mod intake;
pub mod overlay;
pub mod records;
pub mod retention;
pub mod rollup;
pub mod spool;
pub mod tally;
pub mod writer;

#[cfg(test)]
mod testing;

pub use self::database::{Database, Dialect, StoreError};
pub use self::documents::{Document, Documents};
pub use self::entry::{Batch, Entry};
pub use self::feedback::{Feedback, Said};
pub use self::intake::{Feed, Intake, Subscription};
pub use self::records::{Filter, Found, Page, Records, Scope, Status};
pub use self::retention::{Extent, Keep};
pub use self::rollup::{Cell, Point, Rollups, Width};
pub use self::tally::Tally;
