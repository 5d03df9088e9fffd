//! What the gateway counts, for Prometheus. Every name stands in one table ([`Name`]), every label has a bounded
//! set of values, and what is touched on each request is resolved beforehand ([`RouteMetrics`]): counting is an
//! atomic addition, never a look-up. The admin plane renders the whole as text.

mod access;
mod admin;
mod alerts;
mod behaviour;
mod histogram;
mod models;
mod process;
mod share;
mod store;

use std::sync::Arc;
use std::time::Duration;

use portcullis_detect::rule::Category;
use portcullis_detect::verdict::{Action, Stages};
use prometheus::core::Collector;
use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder};

pub(crate) use self::access::AccessMetrics;
use self::admin::AdminMetrics;
use self::alerts::AlertMetrics;
use self::behaviour::BehaviourMetrics;
pub(crate) use self::histogram::Histogram;
use self::models::ModelMetrics;
use self::process::ProcessMetrics;
pub(crate) use self::share::{Loss, ShareMetrics};
use self::store::StoreMetrics;
use crate::answer::Unseen;
use crate::connection::state::Cut;
use crate::wire;

macro_rules! names {
    ($($(#[$doc:meta])* $variant:ident => $name:literal, $help:literal;)*) => {
        /// Every metric that this process exports, process metrics apart.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Name { $(#[doc = $help] $variant,)* }

        impl Name {
            /// The whole list, for tests.
            #[cfg(test)]
            pub(crate) const ALL: &'static [Name] = &[$(Name::$variant,)*];

            /// The name as exported.
            pub(crate) const fn text(self) -> &'static str {
                match self { $(Name::$variant => $name,)* }
            }

            /// The HELP line.
            pub(crate) const fn help(self) -> &'static str {
                match self { $(Name::$variant => $help,)* }
            }
        }
    };
}

names! {
    Requests => "portcullis_requests_total", "Requests by route and by the action taken.";
    RequestDuration => "portcullis_request_duration_seconds", "Time from a request's head to the end of its answer.";
    UpstreamDuration => "portcullis_upstream_duration_seconds", "Time from sending a request upstream to the head of its answer.";
    InspectionDuration => "portcullis_inspection_duration_seconds", "Time spent in each stage of inspection.";
    Verdicts => "portcullis_verdicts_total", "Verdicts by what they call for and by category of attack, also where a policy only observes.";
    ResponseVerdicts => "portcullis_response_verdicts_total", "Verdicts on answers by what they call for and by category, also where a policy only observes.";
    ResponseOutcomes => "portcullis_response_outcomes_total", "Inspected answers by what became of them, or would have where a policy only observes.";
    ResponseUnseen => "portcullis_response_uninspected_total", "Inspected answers of whose body some was not looked at, by reason.";
    RulesLoaded => "portcullis_rules_loaded", "Rules of the configuration that is serving.";
    Responses => "portcullis_responses_total", "Answers by route and class of status; aborted means that the client left before an answer.";
    ProtocolErrors => "portcullis_protocol_errors_total", "Requests refused as malformed or ambiguous, by reason.";
    Connections => "portcullis_connections", "Client connections open now.";
    ConnectionsClosed => "portcullis_connections_closed_total", "Client connections that the gateway closed, by reason.";
    RecordsDropped => "portcullis_records_dropped_total", "Records lost because their sink was slow, full or broken.";
    ConfigReloads => "portcullis_config_reloads_total", "Reloads of the configuration by outcome.";
    UpstreamErrors => "portcullis_upstream_errors_total", "Requests that an upstream failed to answer, by reason.";
    LimitKeys => "portcullis_limit_keys", "Keys that the tables of the rate limits hold now.";
    LimitEvictions => "portcullis_limit_evictions_total", "Keys that a full table of a rate limit forgot before their time.";
    Panics => "portcullis_panics_total", "Panics caught while handling a request.";
    EngineFailures => "portcullis_engine_failures_total", "Inspections that failed and were answered by the policy's on_failure.";
    AcceptErrors => "portcullis_accept_errors_total", "Connections that could not be accepted, for example for want of descriptors.";
    BehaviourRemembered => "portcullis_behaviour_remembered", "Subjects, profiles and route templates that the behaviour stage remembers now.";
    BehaviourForgotten => "portcullis_behaviour_forgotten_total", "Subjects, profiles and route templates forgotten for want of room, and subjects forgotten because they were quiet.";
    BehaviourBytes => "portcullis_behaviour_bytes", "Bytes that the memory of the behaviour stage takes.";
    BehaviourFindings => "portcullis_behaviour_findings_total", "What the behaviour detectors found, by detector, also where a policy only observes.";
    OutlierDuration => "portcullis_outlier_duration_seconds", "Time that it took to group the active clients and to measure how far each is from the others.";
    OutlierSample => "portcullis_outlier_sample", "Clients that were compared in the last measurement.";
    Outliers => "portcullis_outliers", "Clients that were far from every group of others in the last measurement.";
    Bans => "portcullis_bans", "Bans that hold now.";
    BanChanges => "portcullis_bans_total", "What became of bans: added, removed by a person, expired, evicted from a full table.";
    BanRefusals => "portcullis_ban_refusals_total", "Requests whose sender was banned, also where a policy only observes.";
    ShareUp => "portcullis_share_up", "1 while the server that gateways share through answers; 0 where nothing is shared.";
    ShareBatches => "portcullis_share_batches_total", "Batches that were sent to other gateways and received from them.";
    ShareDropped => "portcullis_share_dropped_total", "What was not shared, by reason.";
    ShareLag => "portcullis_share_lag_seconds", "Time since batches were last exchanged; 0 where nothing is shared.";
    StoreUp => "portcullis_store_up", "1 while the store's database takes records; 0 where nothing is stored.";
    StoreRecords => "portcullis_store_records_total", "Records that were written to the store, that were there already when they came again, and that retention removed.";
    StoreLost => "portcullis_store_lost_total", "Records that did not get into the store, by reason.";
    StoreSpooled => "portcullis_store_spooled_total", "Records that went to the spool because the database was slow or away.";
    StoreSpoolBytes => "portcullis_store_spool_bytes", "Bytes that wait in the spool now.";
    StoreBytes => "portcullis_store_bytes", "Bytes that the records take in the database, as of the last look.";
    StoreFailures => "portcullis_store_failures_total", "Attempts to write to the database that failed.";
    StoreMissed => "portcullis_store_missed_total", "Batches of records that a watcher of the live feed was too slow for.";
    StoreSinkRecords => "portcullis_store_sink_records_total", "Records that Elasticsearch took, and that were lost on the way to it.";
    StoreSinkFailures => "portcullis_store_sink_failures_total", "Requests to Elasticsearch that failed.";
    AdminAnswers => "portcullis_admin_answers_total", "Answers of the admin plane by class of status.";
    AdminStalled => "portcullis_admin_stalled_total", "Connections that were closed because their client did not read, by what it was sent; of the live feed those count as dropped.";
    LiveClients => "portcullis_live_clients", "Clients that watch the live feed now.";
    LiveDropped => "portcullis_live_dropped_total", "Clients of the live feed that were dropped because they did not read.";
    LiveMissed => "portcullis_live_missed_total", "Events that clients of the live feed missed because they read too slowly.";
    AlertsOpened => "portcullis_alerts_opened_total", "Incidents that were opened.";
    AlertsLost => "portcullis_alerts_lost_total", "Sightings of incidents that were lost because the store was down for too long.";
    AlertDeliveries => "portcullis_alert_deliveries_total", "Attempts to tell a receiver of an alert, by outcome; dead ones wait on the dead-letter list.";
    AlertGroups => "portcullis_alert_groups", "Groups of requests that alerts count together now.";
    AdminLogIns => "portcullis_admin_log_ins_total", "Log-ins to the admin plane by outcome; throttled ones were not tried.";
    AdminRefused => "portcullis_admin_refused_total", "Requests to the admin plane that were refused, by reason.";
    AdminAuditLost => "portcullis_admin_audit_lost_total", "Events that the audit trail could not take.";
    ModelRuntimeUp => "portcullis_model_runtime_up", "1 while the runtime of the models is loaded.";
    ModelUp => "portcullis_model_up", "1 for a model that is loaded, 0 for one of the manifest that is not.";
    ModelSkipped => "portcullis_model_skipped_total", "Requests on which a model was not asked or did not answer, by reason.";
    ModelShadow => "portcullis_model_shadow_votes_total", "Votes of models in shadow, by whether the ensemble without them came to the same.";
    ThresholdChanges => "portcullis_ensemble_threshold_changes_total", "Changes of the threshold from which models deny alone, where it follows what is usual.";
    EnsembleEffects => "portcullis_ensemble_effects_total", "Requests that the models judged, by what became of the score.";
    BuildInfo => "portcullis_build_info", "Always 1; the labels name the build.";
}

/// All metrics of the process. Made once; every handle is an `Arc` inside and may be cloned freely.
pub(crate) struct Metrics {
    registry: Registry,
    process: ProcessMetrics,
    requests: IntCounterVec,
    responses: IntCounterVec,
    verdicts: IntCounterVec,
    innocent: [IntCounter; ACTIONS],
    response_verdicts: IntCounterVec,
    response_outcomes: IntCounterVec,
    response_unseen: IntCounterVec,
    protocol_errors: IntCounterVec,
    connections_closed: IntCounterVec,
    config_reloads: IntCounterVec,
    upstream_errors: IntCounterVec,
    /// Seconds from a request's head to the end of its answer.
    pub request_duration: Histogram,
    /// Seconds from sending a request upstream to the head of its answer.
    pub upstream_duration: Histogram,
    inspection_duration: [Histogram; Stage::COUNT],
    /// Rules of the configuration that is serving.
    pub rules_loaded: IntGauge,
    /// Client connections open now.
    pub connections: IntGauge,
    /// Records lost.
    pub records_dropped: IntCounter,
    /// Keys in the tables of the rate limits.
    pub limit_keys: IntGauge,
    /// Keys that were forgotten early.
    pub limit_evictions: IntCounter,
    /// Panics caught while handling a request.
    pub panics: IntCounter,
    /// Inspections that failed.
    pub engine_failures: IntCounter,
    /// Connections that could not be accepted.
    pub accept_errors: IntCounter,
    /// What the behaviour stage remembers and does.
    pub behaviour: BehaviourMetrics,
    /// What is shared with other gateways.
    pub share: ShareMetrics,
    /// What the store took and lost.
    pub store: StoreMetrics,
    /// What the admin API does.
    pub admin: AdminMetrics,
    /// Incidents, and who was told of them.
    pub alerts: AlertMetrics,
    /// Who came to the admin plane.
    pub access: AccessMetrics,
    /// What the models do.
    pub models: ModelMetrics,
}

/// The counters of one route, resolved when a snapshot is built.
#[derive(Clone, Debug)]
pub(crate) struct RouteMetrics {
    requests: [IntCounter; ACTIONS],
    responses: [IntCounter; CLASSES.len()],
}

/// A stage of inspection whose time is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum Stage {
    /// Reading the part of the body that is inspected.
    Body,
    /// The rate limits.
    Limit,
    /// The whole of `detect::inspect`.
    Inspect,
    /// Turning the request into fields, and decoding them.
    Decode,
    /// Signatures.
    Signature,
    /// Behaviour of the subject.
    Behaviour,
    /// The ensemble of models.
    Ensemble,
    /// From evidence to a verdict.
    Decision,
    /// Waiting for the part of an answer that is inspected.
    Hold,
    /// The engine on an answer.
    Answer,
}

impl Metrics {
    /// Registers everything.
    ///
    /// # Errors
    /// When two metrics bear one name, which a test of this file rules out.
    pub(crate) fn new() -> prometheus::Result<Arc<Self>> {
        let r = Registry::new();
        let verdicts = counters(&r, Name::Verdicts, &["action", "category"])?;
        let innocent =
            Action::ALL.map(|action| verdicts.with_label_values(&[action.as_str(), "none"]));
        let response_verdicts = counters(&r, Name::ResponseVerdicts, &["action", "category"])?;
        response_verdicts.with_label_values(&[Action::Allow.as_str(), "none"]);
        let request_duration = Histogram::new(histogram::EXCHANGE);
        let upstream_duration = Histogram::new(histogram::EXCHANGE);
        let inspection_duration = Stage::ALL.map(|_| Histogram::new(histogram::STAGE));
        histograms(
            &r,
            Name::RequestDuration,
            None,
            vec![("", request_duration.clone())],
        )?;
        histograms(
            &r,
            Name::UpstreamDuration,
            None,
            vec![("", upstream_duration.clone())],
        )?;
        let stages =
            Stage::ALL.map(|stage| (stage.name(), inspection_duration[stage as usize].clone()));
        histograms(&r, Name::InspectionDuration, Some("stage"), stages.to_vec())?;
        build_info(&r)?;
        Ok(Arc::new(Self {
            process: ProcessMetrics::new(&r)?,
            requests: counters(&r, Name::Requests, &["route", "action"])?,
            responses: counters(&r, Name::Responses, &["route", "class"])?,
            verdicts,
            innocent,
            response_verdicts,
            response_outcomes: known_counters(&r, Name::ResponseOutcomes, "outcome", OUTCOMES)?,
            response_unseen: known_counters(
                &r,
                Name::ResponseUnseen,
                "reason",
                Unseen::ALL.map(Unseen::reason),
            )?,
            protocol_errors: known_counters(
                &r,
                Name::ProtocolErrors,
                "reason",
                wire::Reason::ALL.map(wire::Reason::code),
            )?,
            connections_closed: known_counters(
                &r,
                Name::ConnectionsClosed,
                "reason",
                Cut::ALL.map(Cut::reason),
            )?,
            config_reloads: known_counters(&r, Name::ConfigReloads, "outcome", RELOADS)?,
            upstream_errors: counters(&r, Name::UpstreamErrors, &["upstream", "reason"])?,
            request_duration,
            upstream_duration,
            inspection_duration,
            rules_loaded: gauge(&r, Name::RulesLoaded)?,
            connections: gauge(&r, Name::Connections)?,
            records_dropped: counter(&r, Name::RecordsDropped)?,
            limit_keys: gauge(&r, Name::LimitKeys)?,
            limit_evictions: counter(&r, Name::LimitEvictions)?,
            panics: counter(&r, Name::Panics)?,
            engine_failures: counter(&r, Name::EngineFailures)?,
            accept_errors: counter(&r, Name::AcceptErrors)?,
            behaviour: BehaviourMetrics::new(&r)?,
            share: ShareMetrics::new(&r)?,
            store: StoreMetrics::new(&r)?,
            admin: AdminMetrics::new(&r)?,
            alerts: AlertMetrics::new(&r)?,
            access: AccessMetrics::new(&r)?,
            models: ModelMetrics::new(&r)?,
            registry: r,
        }))
    }

    /// The counters of a route, for its snapshot.
    pub(crate) fn route(&self, route: &str) -> RouteMetrics {
        RouteMetrics {
            requests: Action::ALL
                .map(|action| self.requests.with_label_values(&[route, action.as_str()])),
            responses: CLASSES.map(|class| self.responses.with_label_values(&[route, class])),
        }
    }

    /// Counts a verdict; `category` is `None` where nothing was found.
    pub(crate) fn verdict(&self, action: Action, category: Option<Category>) {
        match category {
            None => self.innocent[action as usize].inc(),
            Some(category) => {
                let labels = [action.as_str(), category.as_str()];
                self.verdicts.with_label_values(&labels).inc();
            }
        }
    }

    /// Counts a verdict on an answer.
    pub(crate) fn response_verdict(&self, action: Action, category: Option<Category>) {
        let labels = [action.as_str(), category.map_or("none", Category::as_str)];
        self.response_verdicts.with_label_values(&labels).inc();
    }

    /// Counts what became of an inspected answer: one of [`OUTCOMES`].
    pub(crate) fn response_outcome(&self, outcome: &'static str) {
        self.response_outcomes.with_label_values(&[outcome]).inc();
    }

    /// Counts an answer of whose body some was not looked at.
    pub(crate) fn response_unseen(&self, reason: Unseen) {
        self.response_unseen
            .with_label_values(&[reason.reason()])
            .inc();
    }

    /// Notes how long a stage of inspection took.
    pub(crate) fn stage(&self, stage: Stage, duration: Duration) {
        self.inspection_duration[stage as usize].observe(duration);
    }

    /// Notes how long the engine's own stages took.
    pub(crate) fn engine_stages(&self, stages: &Stages) {
        let each = [
            (Stage::Decode, stages.decode),
            (Stage::Signature, stages.signature),
            (Stage::Behaviour, stages.behaviour),
            (Stage::Ensemble, stages.ensemble),
            (Stage::Decision, stages.decision),
        ];
        for (stage, time) in each {
            if let Some(time) = time {
                self.stage(stage, time);
            }
        }
    }

    /// Counts a request that was refused as malformed or ambiguous.
    pub(crate) fn protocol_error(&self, reason: &'static str) {
        self.protocol_errors.with_label_values(&[reason]).inc();
    }

    /// Counts a connection that the gateway closed of its own accord.
    pub(crate) fn connection_closed(&self, reason: &'static str) {
        self.connections_closed.with_label_values(&[reason]).inc();
    }

    /// Counts a reload: `applied`, `unchanged`, `refused`.
    pub(crate) fn config_reload(&self, outcome: &'static str) {
        self.config_reloads.with_label_values(&[outcome]).inc();
    }

    /// Counts a failure of an upstream.
    pub(crate) fn upstream_error(&self, upstream: &str, reason: &'static str) {
        self.upstream_errors
            .with_label_values(&[upstream, reason])
            .inc();
    }

    /// Everything, in Prometheus' text format.
    pub(crate) fn render(&self) -> String {
        self.process.refresh();
        let mut text = String::with_capacity(16 * 1024);
        // Writing to a String cannot fail, and the encoder fails only on families without metrics, which gather()
        // leaves out.
        let _ = TextEncoder::new().encode_utf8(&self.registry.gather(), &mut text);
        text
    }
}

impl RouteMetrics {
    /// Counts a request by the action taken.
    pub(crate) fn request(&self, action: Action) {
        self.requests[action as usize].inc();
    }

    /// Counts an answer by its status; 0 where the client left before there was one.
    pub(crate) fn response(&self, status: u16) {
        let class = match status / 100 {
            class @ 1..=5 => usize::from(class),
            _ => 0,
        };
        self.responses[class].inc();
    }
}

impl Stage {
    const COUNT: usize = 10;

    /// All stages, in the order of their discriminants.
    pub(crate) const ALL: [Stage; Stage::COUNT] = [
        Stage::Body,
        Stage::Limit,
        Stage::Inspect,
        Stage::Decode,
        Stage::Signature,
        Stage::Behaviour,
        Stage::Ensemble,
        Stage::Decision,
        Stage::Hold,
        Stage::Answer,
    ];

    /// The label's value.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Stage::Body => "body",
            Stage::Limit => "limit",
            Stage::Inspect => "inspect",
            Stage::Decode => "decode",
            Stage::Signature => "signature",
            Stage::Behaviour => "behaviour",
            Stage::Ensemble => "ensemble",
            Stage::Decision => "decision",
            Stage::Hold => "hold",
            Stage::Answer => "answer",
        }
    }
}

fn counter(registry: &Registry, name: Name) -> prometheus::Result<IntCounter> {
    register(registry, IntCounter::new(name.text(), name.help())?)
}

/// Counters of one label whose values are known, so that each is there from the start, at zero: what has not happened
/// yet must be told apart from what is not counted.
fn known_counters(
    registry: &Registry,
    name: Name,
    label: &str,
    values: impl IntoIterator<Item = &'static str>,
) -> prometheus::Result<IntCounterVec> {
    let all = counters(registry, name, &[label])?;
    for value in values {
        all.with_label_values(&[value]);
    }
    Ok(all)
}

fn counters(registry: &Registry, name: Name, labels: &[&str]) -> prometheus::Result<IntCounterVec> {
    register(
        registry,
        IntCounterVec::new(Opts::new(name.text(), name.help()), labels)?,
    )
}

/// Gauges of one label whose values are known.
fn known_gauges(
    registry: &Registry,
    name: Name,
    label: &str,
    values: impl IntoIterator<Item = &'static str>,
) -> prometheus::Result<IntGaugeVec> {
    let all = register(
        registry,
        IntGaugeVec::new(Opts::new(name.text(), name.help()), &[label])?,
    )?;
    for value in values {
        all.with_label_values(&[value]);
    }
    Ok(all)
}

fn gauge(registry: &Registry, name: Name) -> prometheus::Result<IntGauge> {
    register(registry, IntGauge::new(name.text(), name.help())?)
}

fn histograms(
    registry: &Registry,
    name: Name,
    label: Option<&'static str>,
    members: Vec<(&'static str, Histogram)>,
) -> prometheus::Result<()> {
    registry.register(Box::new(histogram::Family::new(
        name.text(),
        name.help(),
        label,
        members,
    )?))
}

fn register<C: Collector + Clone + 'static>(
    registry: &Registry,
    metric: C,
) -> prometheus::Result<C> {
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}

fn build_info(registry: &Registry) -> prometheus::Result<()> {
    let opts = Opts::new(Name::BuildInfo.text(), Name::BuildInfo.help())
        .const_label("version", env!("CARGO_PKG_VERSION"))
        .const_label("arch", std::env::consts::ARCH);
    register(registry, IntGauge::with_opts(opts)?)?.set(1);
    Ok(())
}

const ACTIONS: usize = Action::ALL.len();

/// What can become of a reload.
const RELOADS: [&str; 3] = ["applied", "unchanged", "refused"];
/// What can become of an inspected answer.
pub(crate) const OUTCOMES: [&str; 6] = [
    "passed",
    "masked",
    "denied",
    "would-mask",
    "would-deny",
    "failed",
];
/// The classes of status, by hundreds.
const CLASSES: [&str; 6] = ["aborted", "1xx", "2xx", "3xx", "4xx", "5xx"];

#[cfg(test)]
mod tests;
