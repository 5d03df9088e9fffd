//! ONNX Runtime, loaded once in the life of the process. Its telemetry is off: the variable that says so is set before
//! the library is loaded.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ort::environment::Environment;
use portcullis_detect::ensemble::manifest::Entry;

use super::library;
use super::session::{self, Onnx};

/// The runtime. Cheap to clone.
#[derive(Clone)]
pub(super) struct Runtime {
    environment: Environment,
}

/// What was loaded, and from where. A library cannot be unloaded, so the first one stays.
static LOADED: Mutex<Option<(PathBuf, Environment)>> = Mutex::new(None);

impl Runtime {
    /// Finds and loads the library, or gives the one that is loaded.
    ///
    /// # Errors
    /// A sentence: there is none, it cannot be loaded, or another one is loaded already.
    pub(super) fn load(configured: Option<&Path>) -> Result<Self, String> {
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((path, environment)) = &*loaded {
            let other = configured.filter(|configured| configured != path);
            if let Some(other) = other {
                tracing::warn!(
                    loaded = %path.display(), configured = %other.display(),
                    "a change of ensemble.library needs a restart"
                );
            }
            return Ok(Self {
                environment: environment.clone(),
            });
        }
        let path = library::find(configured)?;
        let environment = start(&path)?;
        tracing::info!(library = %path.display(), "ONNX Runtime loaded");
        *loaded = Some((path, environment.clone()));
        Ok(Self { environment })
    }

    /// A session for a model.
    ///
    /// # Errors
    /// A sentence: the file is no model that the runtime knows, or not of the shape that its entry says.
    pub(super) fn session(&self, entry: &Entry, bytes: &[u8]) -> Result<Onnx, String> {
        session::build(&self.environment, entry, bytes)
    }
}

fn start(path: &Path) -> Result<Environment, String> {
    let failed = |error: String| format!("{}: {error}", path.display());
    let builder = ort::init_from(path).map_err(|error| failed(error.to_string()))?;
    let environment = builder
        .with_name("portcullis")
        .with_telemetry(false)
        .build();
    environment.map_err(|error| failed(error.to_string()))
}
