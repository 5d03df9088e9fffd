//! What the models do: which are up, who was skipped and why, what became of scores.

use portcullis_detect::ensemble::{Effect, Opinion, Why};
use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

use super::{Name, counter, counters, gauge, known_counters, register};

/// Handles of the models' metrics.
pub(crate) struct ModelMetrics {
    up: IntGaugeVec,
    runtime_up: IntGauge,
    skipped: IntCounterVec,
    effects: IntCounterVec,
    shadow_votes: IntCounterVec,
    threshold_changes: IntCounter,
}

impl ModelMetrics {
    pub(super) fn new(r: &Registry) -> prometheus::Result<Self> {
        let up = Opts::new(Name::ModelUp.text(), Name::ModelUp.help());
        Ok(Self {
            up: register(r, IntGaugeVec::new(up, &["model"])?)?,
            runtime_up: gauge(r, Name::ModelRuntimeUp)?,
            skipped: counters(r, Name::ModelSkipped, &["model", "reason"])?,
            effects: known_counters(
                r,
                Name::EnsembleEffects,
                "effect",
                Effect::ALL.map(Effect::as_str),
            )?,
            shadow_votes: counters(r, Name::ModelShadow, &["model", "agrees"])?,
            threshold_changes: counter(r, Name::ThresholdChanges)?,
        })
    }

    /// Whether the runtime is loaded.
    pub(crate) fn runtime(&self, up: bool) {
        self.runtime_up.set(i64::from(up));
    }

    /// Whether a model is loaded.
    pub(crate) fn up(&self, model: &str, up: bool) {
        self.up.with_label_values(&[model]).set(i64::from(up));
        for why in Why::ALL {
            self.skipped.with_label_values(&[model, why.as_str()]);
        }
        for agrees in ["yes", "no"] {
            self.shadow_votes.with_label_values(&[model, agrees]);
        }
    }

    /// Counts a change of a threshold that follows what is usual.
    pub(crate) fn threshold_changed(&self) {
        self.threshold_changes.inc();
    }

    /// Forgets which models there are.
    pub(crate) fn clear(&self) {
        self.up.reset();
        self.runtime_up.set(0);
    }

    /// Counts what the models made of a request.
    pub(crate) fn opinion(&self, opinion: &Opinion) {
        self.effects
            .with_label_values(&[opinion.effect.as_str()])
            .inc();
        for skipped in &opinion.skipped {
            let labels = [&*skipped.model, skipped.why.as_str()];
            self.skipped.with_label_values(&labels).inc();
        }
        let attack = opinion.effect >= Effect::Raised;
        for vote in opinion.votes.iter().filter(|vote| vote.shadow) {
            let same = if vote.agrees == attack { "yes" } else { "no" };
            self.shadow_votes
                .with_label_values(&[&vote.model, same])
                .inc();
        }
    }
}
