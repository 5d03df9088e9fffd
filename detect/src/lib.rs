//! The engine of Portcullis: bytes in, verdict out.
//!
//! This file is the second table of contents after the gateway's `exchange.rs`. A request is turned into fields
//! ([`view`]), the fields are decoded ([`decode`]), rules look at the decoded forms ([`signature`]), and the
//! decision ([`decision`]) weighs what was found. Nothing here opens a socket or a file, nothing here waits, and
//! time comes through a [`clock::Clock`] that the caller hands in.

#![forbid(unsafe_code)]

pub mod clock;
pub mod decode;
pub mod field;
pub mod policy;
pub mod request;
pub mod response;
pub mod rule;
pub mod verdict;
pub mod view;

pub use crate::clock::{Clock, SystemClock};
pub use crate::field::Location;
pub use crate::policy::{Exception, Policy, Thresholds};
pub use crate::request::{Body, Request};
pub use crate::response::Response;
pub use crate::rule::{Category, Origin, RuleError, RuleSet, RuleSpec, Severity};
pub use crate::verdict::{
    Action, Evidence, Level, Outcome, Stages, Subjects, Uninspected, Verdict,
};

/// The engine, compiled from one version of the configuration. Immutable and shared by all workers.
#[derive(Debug)]
pub struct Detector {
    rules: RuleSet,
}

/// What one core needs to inspect: buffers that are kept from request to request. A worker that was in use during a
/// panic is to be thrown away.
#[derive(Debug, Default)]
pub struct Worker {}

impl Detector {
    /// An engine with these rules.
    pub fn new(rules: RuleSet) -> Self {
        Self { rules }
    }

    /// The rules it runs.
    pub fn rules(&self) -> &RuleSet {
        &self.rules
    }

    /// Judges one request.
    ///
    /// It waits for nothing and never fails; a panic in it would be a defect, and the caller answers it by its
    /// `on_failure`.
    pub fn inspect(
        &self,
        worker: &mut Worker,
        request: &Request<'_>,
        policy: &Policy,
        subjects: &Subjects,
        clock: &dyn Clock,
    ) -> Verdict {
        let _ = (worker, request, policy, subjects, clock);
        Verdict::allow()
    }

    /// Judges one answer by the rules of phase `response`.
    pub fn inspect_response(
        &self,
        worker: &mut Worker,
        response: &Response<'_>,
        policy: &Policy,
        clock: &dyn Clock,
    ) -> Verdict {
        let _ = (worker, response, policy, clock);
        Verdict::allow()
    }

    /// Takes in what the upstream answered, for the stages that learn from it.
    pub fn observe(&self, outcome: &Outcome) {
        let _ = outcome;
    }
}
