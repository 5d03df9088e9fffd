//! One request of the bulk interface that Elasticsearch and OpenSearch share: an action and a document on a line each,
//! and an answer that tells for each document what became of it.

use portcullis_store::Document;
use serde::Deserialize;

/// What became of a request's documents.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Fates {
    /// Taken, or there already.
    pub taken: usize,
    /// Refused for good: they do not fit the index's fields.
    pub refused: usize,
    /// Worth another try, by their place in the request.
    pub again: Vec<usize>,
    /// The first reason that a refusal gave.
    pub reason: Option<String>,
}

/// The body: every document is created under its id, so that one that comes again is recognised.
pub(super) fn body(documents: &[Document], prefix: &str) -> Vec<u8> {
    let length = documents
        .iter()
        .map(|document| document.json.len() + 128)
        .sum();
    let mut out = Vec::with_capacity(length);
    for document in documents {
        let action = serde_json::json!({
            "create": { "_index": format!("{prefix}-{}", document.kind), "_id": document.id }
        });
        out.extend_from_slice(action.to_string().as_bytes());
        out.push(b'\n');
        out.extend_from_slice(document.json.as_bytes());
        out.push(b'\n');
    }
    out
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    errors: bool,
    #[serde(default)]
    items: Vec<Item>,
}

/// One member, named like the action.
#[derive(Deserialize)]
struct Item {
    create: Option<Fate>,
}

#[derive(Deserialize)]
struct Fate {
    status: u16,
    #[serde(default)]
    error: serde_json::Value,
}

/// Reads the answer to a request of `count` documents; `None` where it is none.
pub(super) fn fates(answer: &[u8], count: usize) -> Option<Fates> {
    let answer: Answer = serde_json::from_slice(answer).ok()?;
    let mut fates = Fates::default();
    if !answer.errors {
        fates.taken = count;
        return Some(fates);
    }
    if answer.items.len() != count {
        return None;
    }
    for (at, item) in answer.items.into_iter().enumerate() {
        let fate = item.create?;
        match fate.status {
            // 409: it was created before, by a request whose answer was lost.
            200..=299 | 409 => fates.taken += 1,
            429 | 500..=599 => fates.again.push(at),
            _ => {
                fates.refused += 1;
                fates.reason.get_or_insert_with(|| fate.error.to_string());
            }
        }
    }
    Some(fates)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_document_has_its_fate() {
        let answer = br#"{"took":3,"errors":true,"items":[
            {"create":{"_id":"a","status":201}},
            {"create":{"_id":"b","status":429,"error":{"type":"es_rejected_execution_exception"}}},
            {"create":{"_id":"c","status":409,"error":{"type":"version_conflict_engine_exception"}}},
            {"create":{"_id":"d","status":400,"error":{"type":"mapper_parsing_exception"}}},
            {"create":{"_id":"e","status":503}}]}"#;
        let fates = fates(answer, 5).unwrap();
        assert_eq!(
            (fates.taken, fates.refused, &fates.again[..]),
            (2, 1, &[1, 4][..])
        );
        assert!(fates.reason.unwrap().contains("mapper_parsing_exception"));
    }

    #[test]
    fn an_answer_that_does_not_fit_is_none() {
        for answer in [
            &b""[..],
            b"<html>",
            b"[]x",
            br#"{"errors":true,"items":[]}"#,
            br#"{"errors":true,"items":[{"index":{"status":201}}]}"#,
        ] {
            assert_eq!(
                fates(answer, 1),
                None,
                "{}",
                String::from_utf8_lossy(answer)
            );
        }
        assert_eq!(
            fates(br#"{"errors":false,"items":[]}"#, 7).unwrap().taken,
            7
        );
    }
}
