//! Behaviour: what the subject of a request has done before. Its seat in the pipeline is here; the models that fill
//! it are not built yet, so it gives no evidence and the verdict names the stage as skipped.

use crate::verdict::{Outcome, Subjects};

/// What is known of subjects. Holds nothing yet.
#[derive(Debug, Default)]
pub(crate) struct Behaviour;

/// What the stage has to say of one request: nothing, as long as this type has no values.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Deviation {}

impl Behaviour {
    /// How the subject deviates from its norm; `None` when the stage did not run.
    pub(crate) fn judge(&self, _subjects: &Subjects) -> Option<Deviation> {
        None
    }

    /// Learns from an outcome.
    pub(crate) fn observe(&self, _outcome: &Outcome) {}
}
