//! Opening the database and bringing its tables up to date. Two dialects, one set of queries: placeholders are `$1`,
//! whole numbers are BIGINT, truth is 0 or 1, times are milliseconds since 1970, so that a query reads the same on
//! both. Where the dialects part, the query's module asks [`Database::dialect`].

use std::borrow::Cow;
use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use rust_embed::RustEmbed;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::{AnyPool, ConnectOptions, SqlSafeStr};
use thiserror::Error;

/// How long a query waits for a connection.
const PATIENCE: Duration = Duration::from_secs(5);

/// Which database it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// A file of our own.
    Sqlite,
    /// A server, maybe shared with other gateways.
    Postgres,
}

/// How long a connection that nobody needs is kept.
const IDLE: Duration = Duration::from_secs(60);

/// The open database. Cheap to clone.
#[derive(Clone)]
pub struct Database {
    pool: AnyPool,
    dialect: Dialect,
    /// With the password, therefore never shown.
    options: AnyConnectOptions,
}

/// Why the store cannot do what it was asked.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The URL names no database that we speak to.
    #[error("{0:?} is no database: write sqlite:PATH or postgres://USER@HOST/NAME")]
    Url(String),
    /// Somebody with a newer version of Portcullis has been here.
    #[error(
        "the database has tables of a newer version (migration {0}); start that version, or name another database"
    )]
    Newer(i64),
    /// A migration failed or was changed after it had been applied.
    #[error("the database's tables cannot be brought up to date: {0}")]
    Migration(#[source] MigrateError),
    /// The database says no.
    #[error("the database says: {0}")]
    Database(#[from] sqlx::Error),
    /// What was asked for makes no sense; in words for whoever asked.
    #[error("{0}")]
    Asked(Cow<'static, str>),
}

#[derive(RustEmbed)]
#[folder = "migrations/sqlite"]
struct SqliteMigrations;

#[derive(RustEmbed)]
#[folder = "migrations/postgres"]
struct PostgresMigrations;

impl Database {
    /// Opens the SQLite file at `path`, making it where it is missing.
    ///
    /// # Errors
    /// When it cannot be opened or its tables are newer than this version.
    pub async fn open_file(path: &Path) -> Result<Self, StoreError> {
        Self::open(&format!("sqlite://{}?mode=rwc", path.display())).await
    }

    /// Opens what `url` names: `sqlite:…` or `postgres://…`.
    ///
    /// # Errors
    /// When it is neither, cannot be reached, or its tables are newer than this version.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        let dialect = Dialect::of(url)?;
        let options = AnyConnectOptions::from_str(url)?.disable_statement_logging();
        let pool = pool_of(dialect, dialect.connections())
            .connect_with(options.clone())
            .await?;
        let database = Self {
            pool,
            dialect,
            options,
        };
        database.migrate().await?;
        Ok(database)
    }

    /// The same database with connections of its own, opened when they are needed, so that whoever has these and
    /// whoever has those do not wait for each other.
    pub fn beside(&self, connections: u32) -> Self {
        Self {
            pool: pool_of(self.dialect, connections).connect_lazy_with(self.options.clone()),
            dialect: self.dialect,
            options: self.options.clone(),
        }
    }

    /// The connections.
    pub fn pool(&self) -> &AnyPool {
        &self.pool
    }

    /// Which database it is.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Whether it answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1").execute(&self.pool).await?;
        Ok(())
    }

    async fn migrate(&self) -> Result<(), StoreError> {
        let migrations = self.dialect.migrations();
        Migrator::with_migrations(migrations)
            .run(&self.pool)
            .await
            .map_err(|error| match error {
                MigrateError::VersionMissing(version) => StoreError::Newer(version),
                other => StoreError::Migration(other),
            })
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database")
            .field("dialect", &self.dialect)
            .finish_non_exhaustive()
    }
}

fn pool_of(dialect: Dialect, connections: u32) -> AnyPoolOptions {
    AnyPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(PATIENCE)
        .idle_timeout(IDLE)
        .after_connect(move |connection, _| {
            Box::pin(async move {
                for statement in dialect.greetings() {
                    sqlx::query(*statement).execute(&mut *connection).await?;
                }
                Ok(())
            })
        })
}

impl Dialect {
    fn of(url: &str) -> Result<Self, StoreError> {
        match url.split(':').next() {
            Some("sqlite") => Ok(Self::Sqlite),
            Some("postgres" | "postgresql") => Ok(Self::Postgres),
            _ => Err(StoreError::Url(
                url.split('@').next_back().unwrap_or_default().to_owned(),
            )),
        }
    }

    /// How many connections are kept at most. Each one of SQLite's is a thread with a cache of pages of its own, up to
    /// 2 MB, and its writers take turns anyway.
    const fn connections(self) -> u32 {
        match self {
            Self::Sqlite => 4,
            Self::Postgres => 8,
        }
    }

    /// What is said on every new connection.
    fn greetings(self) -> &'static [&'static str] {
        match self {
            // A write-ahead log lets readers read while the writer writes; NORMAL survives a crash of the process and
            // may lose the last moments when the machine loses power.
            // Pages of 8 KiB hold several records; the size is fixed when the file is made.
            Self::Sqlite => &[
                "PRAGMA page_size = 8192",
                "PRAGMA journal_mode = WAL",
                "PRAGMA synchronous = NORMAL",
                "PRAGMA busy_timeout = 5000",
                "PRAGMA foreign_keys = ON",
                "PRAGMA cache_size = -2000",
                "PRAGMA journal_size_limit = 67108864",
            ],
            Self::Postgres => &["SET client_min_messages = warning"],
        }
    }

    fn migrations(self) -> Vec<Migration> {
        let mut migrations: Vec<Migration> = match self {
            Self::Sqlite => SqliteMigrations::iter()
                .filter_map(|name| migration(&name, SqliteMigrations::get(&name)?))
                .collect(),
            Self::Postgres => PostgresMigrations::iter()
                .filter_map(|name| migration(&name, PostgresMigrations::get(&name)?))
                .collect(),
        };
        migrations.sort_by_key(|migration| migration.version);
        migrations
    }
}

/// `0001_records.sql`: version 1, "records".
fn migration(name: &str, file: rust_embed::EmbeddedFile) -> Option<Migration> {
    let (version, rest) = name.strip_suffix(".sql")?.split_once('_')?;
    let sql = String::from_utf8(file.data.into_owned()).ok()?;
    Some(Migration::new(
        version.parse().ok()?,
        rest.replace('_', " ").into(),
        MigrationType::Simple,
        sqlx::AssertSqlSafe(sql).into_sql_str(),
        false,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_is_made_and_opened_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.db");
        for _ in 0..2 {
            let database = Database::open_file(&path).await.expect("it opens");
            assert_eq!(database.dialect(), Dialect::Sqlite);
            let row: (i64,) = sqlx::query_as("SELECT $1 + 1")
                .bind(1_i64)
                .fetch_one(database.pool())
                .await
                .expect("it answers");
            assert_eq!(row.0, 2);
        }
    }

    #[tokio::test]
    async fn tables_of_a_newer_version_are_refused_with_a_sentence() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.db");
        let database = Database::open_file(&path).await.expect("it opens");
        sqlx::query("INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9999, 'later', 1, x'00', 0)")
            .execute(database.pool())
            .await
            .expect("a row");
        let error = Database::open_file(&path).await.expect_err("it is newer");
        assert!(
            error.to_string().contains("newer version (migration 9999)"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn what_is_no_database_is_refused_without_its_password() {
        let error = Database::open("mysql://me:s3cret@host/x")
            .await
            .expect_err("no");
        assert!(!error.to_string().contains("s3cret"), "{error}");
    }
}
