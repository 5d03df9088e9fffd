//! What the tests of all tables stand on: a fresh database of each kind, and records to put into it.

pub(crate) mod postgres;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use self::postgres::Server;
use crate::database::Database;
use crate::entry::Entry;

/// A fresh database, and what must live as long as it does.
pub(crate) struct Fresh {
    pub(crate) database: Database,
    /// Opens it again, as another node would.
    pub(crate) url: String,
    _folder: Option<tempfile::TempDir>,
}

/// One SQLite file and one PostgreSQL database, both empty. The server is one for the whole process.
pub(crate) async fn databases() -> [Fresh; 2] {
    [sqlite().await, postgres().await]
}

pub(crate) async fn sqlite() -> Fresh {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!(
        "sqlite://{}?mode=rwc",
        folder.path().join("store.db").display()
    );
    Fresh {
        database: Database::open(&url).await.expect("it opens"),
        url,
        _folder: Some(folder),
    }
}

pub(crate) async fn postgres() -> Fresh {
    static SERVER: OnceLock<Server> = OnceLock::new();
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let server = SERVER.get_or_init(Server::start);
    let url = server.create(&format!("t{}", NEXT.fetch_add(1, Ordering::Relaxed)));
    Fresh {
        database: Database::open(&url).await.expect("it opens"),
        url,
        _folder: None,
    }
}

/// A record of a moment, with further members of its JSON object: `"status":403,"action":"deny"`.
pub(crate) fn entry(id: &str, time_ms: i64, more: &str) -> Entry {
    let comma = if more.is_empty() { "" } else { "," };
    let line = format!(
        r#"{{"id":"{id}","time":"{}"{comma}{more}}}"#,
        rfc3339(time_ms)
    );
    Entry::read(&line).expect("a record")
}

/// The moment that tests begin at: 2026-11-20T00:00:00Z.
pub(crate) const START: i64 = 1_795_132_800_000;

/// Within a month after [`START`]'s.
fn rfc3339(time_ms: i64) -> String {
    let since = time_ms - (START - 19 * 86_400_000);
    assert!(
        (0..30 * 86_400_000).contains(&since),
        "a moment of November 2026"
    );
    let (day, rest) = (since / 86_400_000 + 1, since % 86_400_000);
    let (hour, minute, second) = (rest / 3_600_000, rest / 60_000 % 60, rest / 1000 % 60);
    format!(
        "2026-11-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z",
        rest % 1000
    )
}
