//! Where a command finds the gateway's database: as the configuration says it, as the command line names it, or in the
//! state folder. Commands work on it directly, with the gateway running or not.

use std::path::PathBuf;

use anyhow::Context;
use portcullis_config::Config;
use portcullis_store::Database;

use crate::ledger;
use crate::state_dir::StateDir;

/// A database that may be opened.
pub struct Place {
    /// With the password, therefore never shown.
    url: String,
    /// Whose it is, in words.
    name: String,
    /// The file that holds it, where that is one in a state folder.
    file: Option<PathBuf>,
}

impl Place {
    /// That of a configuration; `None` where it stores nothing.
    pub fn of(config: &Config, state_dir: Option<PathBuf>) -> Option<Self> {
        let folder = StateDir::place(state_dir, config.admin.address.port());
        let url = ledger::url(&config.store, Some(&folder))?;
        match config.store.database.as_str() {
            "off" => None,
            "sqlite" => Some(Self::in_folder(folder)),
            named => Some(Self {
                url,
                name: format!("the database {named}"),
                file: None,
            }),
        }
    }

    /// That of a state folder.
    pub fn in_folder(folder: PathBuf) -> Self {
        let file = folder.join(ledger::FILE);
        Self {
            url: ledger::file_url(&file.to_string_lossy()),
            name: format!("the database {}", file.display()),
            file: Some(file),
        }
    }

    /// One that somebody named.
    pub fn named(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            name: "the database of --database".to_owned(),
            file: None,
        }
    }

    /// The file that is not there yet, if it is one in a state folder.
    pub fn missing(&self) -> Option<&PathBuf> {
        self.file.as_ref().filter(|file| !file.exists())
    }

    /// Opens it, with its tables brought up to date.
    ///
    /// # Errors
    /// When it does not answer, or belongs to a newer version.
    pub async fn open(&self) -> anyhow::Result<Database> {
        let opened = Database::open(&self.url).await;
        opened.with_context(|| format!("{} cannot be opened", self.name))
    }
}
