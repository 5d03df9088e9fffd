//! The ensemble: models that vote on what signatures and behaviour leave open. Its seat in the pipeline is here; no
//! model is built yet, so there is no vote and the verdict names the stage as skipped.

pub mod gate;
mod onnx;

use crate::signature::Input;

/// The models. Holds none yet.
#[derive(Debug, Default)]
pub(crate) struct Ensemble;

/// The models' joint vote: nothing, as long as this type has no values.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Vote {}

impl Ensemble {
    /// The vote on a request; `None` when no model ran.
    pub(crate) fn vote(&self, _input: &Input<'_>) -> Option<Vote> {
        None
    }
}
