//! Where the library of ONNX Runtime is looked for.

use std::path::{Path, PathBuf};

/// The library's names, the exact one first: distributions add the version.
const NAMES: [&str; 3] = [
    "libonnxruntime.so",
    "libonnxruntime.so.1.28.0",
    "libonnxruntime.dylib",
];

/// The library: as configured, as `ORT_DYLIB_PATH` says, beside the executable, in `../lib` from there, in the active
/// Python environment.
///
/// # Errors
/// A sentence that names the places.
pub(super) fn find(configured: Option<&Path>) -> Result<PathBuf, String> {
    if let Some(path) = configured {
        return present(path)
            .ok_or_else(|| format!("ensemble.library: there is no file {}", path.display()));
    }
    if let Some(path) = std::env::var_os("ORT_DYLIB_PATH").filter(|path| !path.is_empty()) {
        let path = PathBuf::from(path);
        return present(&path)
            .ok_or_else(|| format!("ORT_DYLIB_PATH: there is no file {}", path.display()));
    }
    let mut places = beside_executable(&["", "../lib"]);
    places.extend(python());
    let found = places.iter().find_map(|place| in_folder(place));
    found.ok_or_else(|| {
        let places: Vec<String> = places.iter().map(|place| place.display().to_string()).collect();
        format!(
            "no library of ONNX Runtime in {}: rules and behaviour go on alone. Name it with ensemble.library",
            places.join(", ")
        )
    })
}

/// Paths from the executable's folder.
pub(super) fn beside_executable(paths: &[&str]) -> Vec<PathBuf> {
    let executable = std::env::current_exe().ok();
    let folder = executable.as_deref().and_then(Path::parent);
    folder.map_or_else(Vec::new, |folder| {
        paths.iter().map(|path| folder.join(path)).collect()
    })
}

/// Where the wheel of ONNX Runtime puts it in an active environment.
fn python() -> Vec<PathBuf> {
    let Some(environment) = std::env::var_os("VIRTUAL_ENV") else {
        return Vec::new();
    };
    let Ok(entries) = std::fs::read_dir(Path::new(&environment).join("lib")) else {
        return Vec::new();
    };
    let folders = entries.flatten().map(|entry| entry.path());
    folders
        .map(|folder| folder.join("site-packages/onnxruntime/capi"))
        .collect()
}

fn in_folder(folder: &Path) -> Option<PathBuf> {
    NAMES.iter().find_map(|name| present(&folder.join(name)))
}

fn present(path: &Path) -> Option<PathBuf> {
    path.is_file().then(|| path.to_owned())
}
