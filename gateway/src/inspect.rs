//! The engine's seat in the spine: builds its borrowed view of the request, runs it where it disturbs nobody, and
//! turns a panic in it into the answer that the policy chose.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, request};
use portcullis_detect as detect;
use portcullis_detect::{Body, Detector, Sender, Subjects, SystemClock, Verdict};

use crate::connection::flow::Flow;
use crate::connection::state::ConnectionState;
use crate::snapshot::{Policy, Snapshot};
use crate::worker::Worker;

/// More inspected bytes than this are looked at away from the worker's thread, so that a large body delays only
/// itself.
pub(crate) const INLINE: usize = 16 * 1024;

/// The engine failed.
#[derive(Debug)]
pub struct EngineFailure;

/// What the engine needs to know of a request besides its body. Cheap to clone for another thread.
#[derive(Clone)]
pub struct Subject {
    /// Whom it comes from.
    pub subjects: Subjects,
    /// The connection that it came over.
    pub connection: Arc<ConnectionState>,
    /// `http` or `https`.
    pub scheme: &'static str,
    /// The host asked for.
    pub host: Arc<str>,
    /// The route's name.
    pub route: Arc<str>,
}

/// Judges a request.
///
/// # Errors
/// When the engine panicked; the panic has been logged and counted.
pub async fn request(
    worker: &Rc<Worker>,
    snapshot: &Arc<Snapshot>,
    policy: &Arc<Policy>,
    parts: &request::Parts,
    subject: &Subject,
    body: &Bytes,
    complete: bool,
) -> Result<Verdict, EngineFailure> {
    if body.len() <= INLINE {
        return here(worker, |scratch| {
            judge(
                &snapshot.detector,
                scratch,
                &policy.engine,
                parts,
                subject,
                body,
                complete,
            )
        });
    }
    let (snapshot, policy, subject, body) = (
        snapshot.clone(),
        policy.clone(),
        subject.clone(),
        body.clone(),
    );
    let parts = clone_parts(parts);
    away(worker, move |scratch| {
        judge(
            &snapshot.detector,
            scratch,
            &policy.engine,
            &parts,
            &subject,
            &body,
            complete,
        )
    })
    .await
}

/// Runs the engine on the worker's own thread, for little bytes.
///
/// # Errors
/// When the engine panicked; the panic has been logged and counted.
pub(crate) fn here<R>(
    worker: &Worker,
    run: impl FnOnce(&mut detect::Worker) -> R,
) -> Result<R, EngineFailure> {
    caught(worker, || worker.with_scratch(run))
}

/// Runs the engine on another thread, for many bytes.
///
/// # Errors
/// As [`here`].
pub(crate) async fn away<R: Send + 'static>(
    worker: &Worker,
    run: impl FnOnce(&mut detect::Worker) -> R + Send + 'static,
) -> Result<R, EngineFailure> {
    let away = tokio::task::spawn_blocking(move || {
        AWAY.with(|scratch| {
            let mut own = scratch.take();
            let judged = run(&mut own);
            scratch.replace(own);
            judged
        })
    });
    away.await.map_err(|_| failed(worker))
}

thread_local! {
    static AWAY: RefCell<detect::Worker> = RefCell::default();
}

/// Only what the engine reads; extensions stay behind.
fn clone_parts(parts: &request::Parts) -> request::Parts {
    let mut builder = http::Request::new(()).into_parts().0;
    builder.method = parts.method.clone();
    builder.uri = parts.uri.clone();
    builder.version = parts.version;
    builder.headers = parts.headers.clone();
    builder
}

fn judge(
    detector: &Detector,
    scratch: &mut detect::Worker,
    policy: &detect::Policy,
    parts: &request::Parts,
    subject: &Subject,
    body: &[u8],
    complete: bool,
) -> Verdict {
    let mut headers: Vec<(&str, &[u8])> = Vec::with_capacity(parts.headers.len());
    headers.extend(
        parts
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes())),
    );
    let request = detect::Request {
        client: subject.subjects.client,
        method: parts.method.as_str(),
        scheme: subject.scheme,
        host: &subject.host,
        path: parts.uri.path().as_bytes(),
        query: parts.uri.query().map(str::as_bytes),
        headers: &headers,
        body: Body {
            bytes: body,
            complete,
        },
        route: &subject.route,
    };
    let sender = Sender {
        subjects: &subject.subjects,
        connection: &|| subject.connection.flow().map(Flow::connection),
    };
    detector.inspect_from(scratch, &request, policy, sender, &SystemClock)
}

fn caught<R>(worker: &Worker, run: impl FnOnce() -> R) -> Result<R, EngineFailure> {
    // The scratch that was in use is not put back, so nothing half-done survives the panic.
    catch_unwind(AssertUnwindSafe(run)).map_err(|_| failed(worker))
}

fn failed(worker: &Worker) -> EngineFailure {
    worker.shared.metrics.engine_failures.inc();
    tracing::error!("the engine failed; the policy's on_failure decides");
    EngineFailure
}

/// Judges the messages of one stream (gRPC, WebSocket) by the request that opened it.
pub struct Inspection {
    worker: Rc<Worker>,
    snapshot: Arc<Snapshot>,
    policy: Arc<Policy>,
    parts: request::Parts,
    subject: Subject,
    enforced: bool,
    found: Cell<Option<Box<Verdict>>>,
    denied: Cell<bool>,
}

impl Inspection {
    /// For a stream opened by this request. `kind` replaces the content type, where the stream changes it.
    pub fn new(
        worker: &Rc<Worker>,
        snapshot: &Arc<Snapshot>,
        policy: &Arc<Policy>,
        parts: &request::Parts,
        subject: &Subject,
        kind: Option<http::HeaderValue>,
    ) -> Self {
        let mut parts = clone_parts(parts);
        // Each message is judged alone: what stood in the head was judged with the head.
        let content_type = kind.or_else(|| parts.headers.get(http::header::CONTENT_TYPE).cloned());
        parts.headers = HeaderMap::new();
        if let Some(content_type) = content_type {
            parts
                .headers
                .insert(http::header::CONTENT_TYPE, content_type);
        }
        Self {
            worker: worker.clone(),
            snapshot: snapshot.clone(),
            policy: policy.clone(),
            parts,
            subject: subject.clone(),
            enforced: policy.mode == portcullis_config::Mode::Enforce,
            found: Cell::new(None),
            denied: Cell::new(false),
        }
    }

    /// Whether the policy forbids this message. What was found is kept for the record either way.
    pub fn denies_message(&self, message: &[u8], whole: bool) -> bool {
        let run = |scratch: &mut detect::Worker| {
            judge(
                &self.snapshot.detector,
                scratch,
                &self.policy.message_engine,
                &self.parts,
                &self.subject,
                message,
                whole,
            )
        };
        match caught(&self.worker, || self.worker.with_scratch(run)) {
            Err(EngineFailure) => self.enforced && self.policy.deny_on_failure,
            Ok(verdict) => {
                self.worker
                    .shared
                    .metrics
                    .verdict(verdict.action, verdict.category);
                let denies = verdict.action >= detect::Action::Throttle;
                if denies {
                    self.denied.set(true);
                }
                self.keep_worst(verdict);
                denies && self.enforced
            }
        }
    }

    fn keep_worst(&self, verdict: Verdict) {
        let kept = self.found.take();
        let before = kept
            .as_ref()
            .map_or(detect::Action::Allow, |kept| kept.action);
        let worse = verdict.action > before;
        self.found
            .set(if worse { Some(Box::new(verdict)) } else { kept });
    }

    /// What became of the stream for a message's sake, and what would have become of it where the policy only
    /// observes.
    pub fn decided(&self) -> (Option<detect::Action>, Option<detect::Action>) {
        let deny = self.denied.get().then_some(detect::Action::Deny);
        if self.enforced {
            (deny, None)
        } else {
            (None, deny)
        }
    }

    /// The worst verdict that was more than "allow".
    pub fn take_found(&self) -> Option<Box<Verdict>> {
        self.found.take()
    }
}
