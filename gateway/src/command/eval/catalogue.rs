//! Which sets lie below the data folder, by name.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use anyhow::Context;
use flate2::read::MultiGzDecoder;

/// A set that can be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its folder and name.
    pub name: String,
    /// Its file or folder.
    pub place: PathBuf,
    /// How it is read.
    pub kind: Kind,
}

/// How a set is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Lines of whole requests.
    Requests,
    /// Lines of texts that a client might send as a value.
    Texts,
    /// An access log.
    AccessLog,
    /// Tables of parameter values with labels.
    Params,
    /// The lists of libinjection.
    Libinjection,
    /// The cases of GoTestWAF.
    Gotestwaf,
    /// The regression cases of the OWASP Core Rule Set.
    Crs,
    /// Payload lists grafted into the requests of the file.
    Graft,
}

/// The folder of the sets that payloads are grafted into.
pub const REQUESTS: &str = "requests";
/// The folder of the payload lists.
pub const PAYLOADS: &str = "payloads";
/// Sets that are made by grafting are named after this and the set of requests.
pub const GRAFT: &str = "graft";

/// Folders in which each file with the ending is a set.
const FILES: [(&str, &str, Kind); 3] = [
    (REQUESTS, ".jsonl.gz", Kind::Requests),
    ("text", ".jsonl.gz", Kind::Texts),
    ("behaviour", ".log", Kind::AccessLog),
];

/// Folders that are a set.
const FOLDERS: [(&str, Kind); 4] = [
    ("payloads/httpparams", Kind::Params),
    ("payloads/libinjection", Kind::Libinjection),
    ("suites/gotestwaf", Kind::Gotestwaf),
    ("suites/crs_regression", Kind::Crs),
];

/// Payloads are grafted into the request sets whose names end so: harmless, and not trained on.
const HOSTS_OF_GRAFTS: &str = "benign.valid";

/// The sets below `folder` that `wanted` names (all if it names none), by name. A set is named with its folder, by its
/// own name alone, or by its folder alone; grafts only with their folder, as they bear the names of request sets.
///
/// # Errors
/// When the folder cannot be read, or holds no set, or not one that is named.
pub fn find(folder: &Path, wanted: &[String]) -> anyhow::Result<Vec<Found>> {
    let mut all = all(folder)?;
    all.sort_by(|one, other| one.name.cmp(&other.name));
    anyhow::ensure!(
        !all.is_empty(),
        "{} holds no set: no requests/*.jsonl.gz, text/*.jsonl.gz, behaviour/*.log, payloads or suites",
        folder.display()
    );
    for want in wanted {
        let names: Vec<&str> = all.iter().map(|set| set.name.as_str()).collect();
        anyhow::ensure!(
            all.iter().any(|set| set.is(want)),
            "{} holds no set {want:?}; there are {}",
            folder.display(),
            names.join(", ")
        );
    }
    if !wanted.is_empty() {
        all.retain(|set| wanted.iter().any(|want| set.is(want)));
    }
    Ok(all)
}

/// Opens a gzipped set for reading by lines.
///
/// # Errors
/// When it cannot be opened.
pub fn open(file: &Path) -> anyhow::Result<BufReader<MultiGzDecoder<BufReader<File>>>> {
    let opened = File::open(file).with_context(|| format!("{} cannot be read", file.display()))?;
    Ok(BufReader::new(MultiGzDecoder::new(BufReader::new(opened))))
}

impl Found {
    fn is(&self, want: &str) -> bool {
        let (part, stem) = self.name.split_once('/').unwrap_or(("", &self.name));
        self.name == want || part == want || (stem == want && self.kind != Kind::Graft)
    }
}

fn all(folder: &Path) -> anyhow::Result<Vec<Found>> {
    let mut found = Vec::new();
    for (part, ending, kind) in FILES {
        files(folder, part, ending, kind, &mut found)?;
    }
    for (name, kind) in FOLDERS {
        let place = folder.join(name);
        if place.is_dir() {
            found.push(Found {
                name: name.to_owned(),
                place,
                kind,
            });
        }
    }
    if folder.join(PAYLOADS).is_dir() {
        let grafts: Vec<Found> = found.iter().filter_map(Found::grafted).collect();
        found.extend(grafts);
    }
    Ok(found)
}

impl Found {
    fn grafted(&self) -> Option<Self> {
        let stem = self.name.strip_prefix("requests/")?;
        stem.ends_with(HOSTS_OF_GRAFTS).then(|| Self {
            name: format!("{GRAFT}/{stem}"),
            place: self.place.clone(),
            kind: Kind::Graft,
        })
    }
}

fn files(
    folder: &Path,
    part: &str,
    ending: &str,
    kind: Kind,
    found: &mut Vec<Found>,
) -> anyhow::Result<()> {
    let folder = folder.join(part);
    if !folder.is_dir() {
        return Ok(());
    }
    let entries = std::fs::read_dir(&folder)
        .with_context(|| format!("{} cannot be read", folder.display()))?;
    for entry in entries {
        let place = entry?.path();
        let name = place.file_name().and_then(|name| name.to_str());
        if let Some(stem) = name.and_then(|name| name.strip_suffix(ending)) {
            found.push(Found {
                name: format!("{part}/{stem}"),
                place,
                kind,
            });
        }
    }
    Ok(())
}
