//! Changes of the configuration file: noticed, let settle, read as a whole.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use portcullis_config::Config;

/// How often the file is looked at. A look is one call of the system; notification interfaces miss the renames and
/// symbolic links that editors and orchestrators replace files by.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// What tells that a file has changed.
type Mark = Option<(SystemTime, u64)>;

/// Watches one file.
pub struct Watcher {
    file: Option<PathBuf>,
    seen: Mark,
}

impl Watcher {
    /// Watches a file as it is now; without one it waits for ever.
    pub fn new(file: Option<PathBuf>) -> Self {
        let seen = mark(file.as_deref());
        Self { file, seen }
    }

    /// Takes the file as it is now for known.
    pub fn forget(&mut self) {
        self.seen = mark(self.file.as_deref());
    }

    /// Resolves when the file has changed and then kept still for one look, so that a half-written one is not read.
    pub async fn changed(&mut self) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let now = mark(self.file.as_deref());
            // A file that is gone for a moment is being replaced.
            if now.is_none() || now == self.seen {
                continue;
            }
            tokio::time::sleep(LOOK_EVERY / 2).await;
            if mark(self.file.as_deref()) == now {
                self.seen = now;
                return;
            }
        }
    }
}

fn mark(file: Option<&Path>) -> Mark {
    let data = std::fs::metadata(file?).ok()?;
    Some((data.modified().ok()?, data.len()))
}

/// Reads and checks a file with the process's environment.
///
/// # Errors
/// Every problem, with its line.
pub fn read(file: &Path) -> Result<Config, Vec<String>> {
    portcullis_config::load(file, &|name| std::env::var(name).ok())
        .map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

/// What of a change only a restart can bring about, as a sentence.
pub fn needs_restart(old: &Config, new: &Config) -> Option<String> {
    let changed = [
        ("admin.address", old.admin.address != new.admin.address),
        ("workers.threads", old.workers != new.workers),
        ("records.queue", old.records.queue != new.records.queue),
        (
            "caps.connections",
            old.caps.connections != new.caps.connections,
        ),
        ("log", old.log != new.log),
        ("share", old.share != new.share),
        ("store", old.store != new.store),
    ];
    let names: Vec<&str> = changed
        .iter()
        .filter(|(_, changed)| *changed)
        .map(|(name, _)| *name)
        .collect();
    (!names.is_empty()).then(|| {
        format!(
            "a change of {} needs a restart; nothing was changed",
            names.join(", ")
        )
    })
}
