//! What waits for Elasticsearch: records, alerts and profiles of subjects, as JSON. Bounded; what finds no room is lost
//! to Elasticsearch alone, and counted. Whoever sends takes as many as fit into one request.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::tally::Tally;

/// The documents that wait. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Documents(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    waiting: Mutex<VecDeque<Document>>,
    arrived: Notify,
    most: usize,
    tally: Arc<Tally>,
}

/// One document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// What it is, which is the end of its index's name: `records`, `alerts`, `subjects`.
    pub kind: &'static str,
    /// What it is known by. One that is sent again under the same id does not come twice.
    pub id: Box<str>,
    /// The document, one line of JSON.
    pub json: Box<str>,
}

impl Documents {
    /// Room for so many.
    pub fn new(most: usize, tally: Arc<Tally>) -> Self {
        Self(Arc::new(Inner {
            waiting: Mutex::default(),
            arrived: Notify::new(),
            most,
            tally,
        }))
    }

    /// Puts a document behind the others, or counts it as lost.
    pub fn offer(&self, document: Document) {
        let fits = {
            let mut waiting = self.0.waiting();
            let fits = waiting.len() < self.0.most;
            if fits {
                waiting.push_back(document);
            }
            fits
        };
        match fits {
            true => self.0.arrived.notify_one(),
            false => self.0.tally.sink_lost.add(1),
        }
    }

    /// Waits for documents; takes at most `most` of them, and no more than `bytes` unless the first is longer.
    pub async fn take(&self, most: usize, bytes: usize) -> Vec<Document> {
        loop {
            let taken = self.take_now(most, bytes);
            if !taken.is_empty() {
                return taken;
            }
            self.0.arrived.notified().await;
        }
    }

    fn take_now(&self, most: usize, bytes: usize) -> Vec<Document> {
        let mut waiting = self.0.waiting();
        let mut length = 0;
        let fitting = waiting
            .iter()
            .take(most)
            .take_while(|document| {
                length += document.json.len();
                length <= bytes
            })
            .count();
        let count = fitting.max(1).min(waiting.len());
        waiting.drain(..count).collect()
    }

    /// Puts back what could not be sent, before the others; it had room already.
    pub fn put_back(&self, documents: Vec<Document>) {
        let mut waiting = self.0.waiting();
        for document in documents.into_iter().rev() {
            waiting.push_front(document);
        }
        drop(waiting);
        self.0.arrived.notify_one();
    }

    /// What is counted.
    pub fn tally(&self) -> &Tally {
        &self.0.tally
    }
}

impl Inner {
    fn waiting(&self) -> MutexGuard<'_, VecDeque<Document>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(id: &str, length: usize) -> Document {
        Document {
            kind: "records",
            id: id.into(),
            json: "x".repeat(length).into(),
        }
    }

    #[tokio::test]
    async fn as_many_as_fit_are_taken_and_come_back_in_front() {
        let tally = Arc::new(Tally::default());
        let documents = Documents::new(4, tally.clone());
        for (id, length) in [("a", 50), ("b", 10), ("c", 10), ("d", 10), ("e", 1)] {
            documents.offer(document(id, length));
        }
        assert_eq!(tally.sink_lost.now(), 1, "there is room for four");
        let ids = |taken: &[Document]| {
            taken
                .iter()
                .map(|one| one.id.to_string())
                .collect::<String>()
        };
        assert_eq!(
            ids(&documents.take(9, 20).await),
            "a",
            "too long, but the first"
        );
        let taken = documents.take(9, 20).await;
        assert_eq!(ids(&taken), "bc");
        documents.put_back(taken);
        assert_eq!(ids(&documents.take(2, 100).await), "bc");
        assert_eq!(ids(&documents.take(2, 100).await), "d");
    }
}
