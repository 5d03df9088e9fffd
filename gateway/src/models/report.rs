//! What came along with the models for people: cards and measured figures, from files beside the manifest. They are
//! read when somebody asks, and nothing depends on them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use portcullis_admin::models::{Confusion, Figures, Importance, ModelDetail, RocPoint};
use portcullis_detect::ensemble::manifest::Entry;
use serde::Deserialize;

/// The file of figures, beside the manifest.
const REPORT: &str = "report.json";

/// The format of that file.
const FORMAT: u32 = 1;

/// No file of these is read further than this.
const MOST_BYTES: u64 = 8 << 20;

#[derive(Debug, Deserialize)]
struct Report {
    format: u32,
    models: BTreeMap<String, Measured>,
}

/// What was measured of one model. Fields of a newer trainer are no mistake.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Measured {
    /// The file that was measured.
    sha256: String,
    metrics: Option<Figures>,
    roc: Option<Vec<RocPoint>>,
    confusion: Option<Confusion>,
    importance: Option<Vec<Importance>>,
}

/// What is known of a model beside the manifest in this folder. What was measured of another file of the same name is
/// left out.
pub(crate) fn read(folder: &Path, entry: &Entry) -> ModelDetail {
    let measured = measured(folder, entry).unwrap_or_default();
    ModelDetail {
        card: card(folder, entry),
        metrics: measured.metrics,
        roc: measured.roc,
        confusion: measured.confusion,
        importance: measured.importance,
        ..ModelDetail::default()
    }
}

fn measured(folder: &Path, entry: &Entry) -> Option<Measured> {
    let path = folder.join(REPORT);
    let report: Report = match serde_json::from_slice(&bytes(&path)?) {
        Ok(report) => report,
        Err(error) => {
            tracing::warn!(file = %path.display(), %error, "the figures of the models cannot be read");
            return None;
        }
    };
    let measured = report.models.get(&entry.name)?;
    let same = measured.sha256.eq_ignore_ascii_case(&entry.sha256);
    (report.format == FORMAT && same).then(|| measured.clone())
}

/// The card where the manifest says, else in the folder `cards` beside it: artifacts are often moved alone.
fn card(folder: &Path, entry: &Entry) -> Option<String> {
    let named = entry.card.as_ref().map(|card| folder.join(card));
    let beside = folder.join("cards").join(format!("{}.md", entry.name));
    let found = named.iter().chain([&beside]).find_map(|path| bytes(path))?;
    Some(String::from_utf8_lossy(&found).into_owned())
}

fn bytes(path: &Path) -> Option<Vec<u8>> {
    let mut read = Vec::new();
    let file = File::open(path).ok()?;
    let length = file.take(MOST_BYTES + 1).read_to_end(&mut read).ok()?;
    (u64::try_from(length).ok()? <= MOST_BYTES).then_some(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(card: Option<&str>) -> Entry {
        serde_json::from_value(serde_json::json!({
            "name": "trees", "file": "trees.onnx", "sha256": "AB", "view": "request", "schema": "", "card": card,
        }))
        .unwrap()
    }

    #[test]
    fn what_did_not_come_along_is_absent() {
        let folder = tempfile::tempdir().unwrap();
        let found = read(folder.path(), &entry(Some("../cards/trees.md")));
        assert_eq!(found, ModelDetail::default());
    }

    #[test]
    fn cards_and_figures_are_found_beside_the_manifest() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("cards")).unwrap();
        std::fs::write(folder.path().join("cards/trees.md"), "# trees").unwrap();
        let report = |sha256: &str, format: u32| {
            let text = format!(
                r#"{{"format":{format},"models":{{"trees":{{"sha256":"{sha256}","newer":1,"metrics":{{"auc":0.9}},
                    "roc":[{{"wronged":0,"detected":0.5,"threshold":0.9}}],
                    "confusion":{{"threshold":0.9,"labels":["harmless","attack"],"rows":[[9,1],[2,8]]}}}}}}}}"#
            );
            std::fs::write(folder.path().join("report.json"), text).unwrap();
        };
        report("ab", 1);
        let found = read(folder.path(), &entry(None));
        assert_eq!(found.card.as_deref(), Some("# trees"));
        assert_eq!(found.metrics.unwrap().auc, Some(0.9));
        assert_eq!(found.roc.unwrap()[0].detected, 0.5);
        assert_eq!(found.confusion.unwrap().rows, [[9, 1], [2, 8]]);
        assert_eq!(found.importance, None);
        // Figures of another file, or of a shape that nobody here knows.
        for (sha256, format) in [("cd", 1), ("ab", 2), ("\"", 1)] {
            report(sha256, format);
            assert_eq!(read(folder.path(), &entry(None)).metrics, None, "{sha256}");
        }
    }
}
