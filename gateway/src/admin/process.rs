//! The running process as the admin API sees it: what the API asks is answered from the snapshot that serves, from the
//! memory of the behaviour stage and from the metrics.

use std::sync::Arc;
use std::time::Duration;

use portcullis_admin::analyze::{Analysis, Trial};
use portcullis_admin::bans::Ban;
use portcullis_admin::config::{Policy, Thresholds};
use portcullis_admin::info::{Health, Info, Listener, Route};
use portcullis_admin::live::Pulse;
use portcullis_admin::models::{ModelDetail, ModelList};
use portcullis_admin::overlay::Overlay;
use portcullis_admin::rules::{Rule, StaticException};
use portcullis_admin::subjects::{Factor, Portrait, Rates, Step};
use portcullis_admin::time::rfc3339;
use portcullis_admin::{Access, Counted, Gateway};
use portcullis_config::Config;
use portcullis_detect::behaviour::{self, State, SubjectId};
use portcullis_detect::{self as detect, RuleSpec};
use portcullis_store::bans::StoredBan;
use serde_json::Value;

use super::analyze::{self, word};
use super::layers::{self, Layers, Over};
use super::{AdminState, Phase, models, redact};
use crate::allowed::AllowList;
use crate::control::wall;
use crate::worker::Shared;

/// The running process.
pub(crate) struct Process {
    /// What the admin plane tells of it as a whole.
    pub state: Arc<AdminState>,
    /// What serves.
    pub shared: Arc<Shared>,
    /// The settings, of the file and by API.
    pub layers: Arc<Layers>,
    /// Who may use the admin plane.
    pub access: Access,
    /// What runs here, as far as it does not change: name, version, node, start, workers, store.
    pub about: Info,
}

impl Process {
    fn known(&self) -> Arc<State> {
        self.shared.snapshot.load().state.clone()
    }
}

impl Gateway for Process {
    fn is_ready(&self) -> bool {
        self.state.phase() == Phase::Serving
    }

    fn phase(&self) -> &'static str {
        self.state.phase().as_str()
    }

    fn rules_loaded(&self) -> u64 {
        u64::try_from(self.state.metrics.rules_loaded.get()).unwrap_or_default()
    }

    fn metrics(&self) -> String {
        // Where behaviour is off nobody else keeps the count of bans current.
        let state = self.known();
        let bans = state.bans();
        let metrics = &self.state.metrics;
        metrics
            .behaviour
            .bans(&bans.counts(), bans.list(wall()).len());
        metrics.access.refresh(self.access.counts());
        metrics.render()
    }

    fn count(&self, what: Counted) {
        self.state.metrics.admin.count(what);
    }

    fn info(&self) -> Info {
        let snapshot = self.shared.snapshot.load();
        let config = &snapshot.config;
        let listener = |listener: &portcullis_config::Listener| Listener {
            address: listener.address.to_string(),
            tls: listener.tls.is_some(),
        };
        let route = |route: &portcullis_config::Route| Route {
            name: route.label().into_owned(),
            path: route.path.clone(),
            host: route.host.clone(),
            methods: route.methods.clone(),
            upstream: route.upstream.clone(),
            policy: route.policy.clone(),
        };
        let servers = |upstream: &portcullis_config::Upstream| {
            let servers = upstream.servers.iter();
            servers.map(ToString::to_string).collect()
        };
        Info {
            rules: snapshot.detector.rules().len(),
            behaviour: snapshot.detector.behaviour().is_on(),
            listeners: config.listeners.iter().map(listener).collect(),
            routes: config.routes.iter().map(route).collect(),
            upstreams: config
                .upstreams
                .iter()
                .map(|(name, upstream)| (name.clone(), servers(upstream)))
                .collect(),
            ..self.about.clone()
        }
    }

    fn health(&self) -> Health {
        let mut health = self.state.metrics.health();
        if self.state.phase() != Phase::Serving {
            health.remarks.push("no requests are taken".to_owned());
        }
        if health.most_descriptors > 0 && health.open_descriptors * 10 > health.most_descriptors * 9
        {
            health
                .remarks
                .push("nine of ten file descriptors are in use".to_owned());
        }
        health
    }

    fn pulse(&self) -> Pulse {
        let mut pulse = self.state.metrics.pulse();
        let bans = self.known().bans().list(wall()).len();
        pulse.bans = u64::try_from(bans).unwrap_or(u64::MAX);
        pulse
    }

    fn analyze(&self, trial: &Trial) -> Result<Analysis, String> {
        analyze::judge(&self.shared.snapshot.load_full(), trial)
    }

    fn rules(&self) -> Vec<Rule> {
        let snapshot = self.shared.snapshot.load_full();
        let mut rules: Vec<Rule> = snapshot.detector.rules().iter().map(rule).collect();
        rules.sort_by(|a, b| a.id.cmp(&b.id));
        rules
    }

    fn rule(&self, id: &str) -> Option<Rule> {
        let snapshot = self.shared.snapshot.load_full();
        let found = snapshot.detector.rules().find(id)?;
        Some(Rule {
            spec: serde_json::to_value(&found.spec).ok(),
            ..rule(found)
        })
    }

    fn exceptions(&self) -> Vec<StaticException> {
        let file = self.layers.file();
        let each = file.policies.iter().flat_map(|(policy, settings)| {
            settings.exceptions.iter().map(|exception| StaticException {
                policy: policy.clone(),
                exception: layers::shown(exception),
            })
        });
        each.collect()
    }

    fn models(&self) -> ModelList {
        models::list(&self.shared.snapshot.load())
    }

    fn model(&self, name: &str) -> Option<ModelDetail> {
        models::detail(&self.shared.snapshot.load_full(), name)
    }

    fn subject(&self, text: &str) -> Result<String, String> {
        text.parse::<SubjectId>()
            .map(|id| id.to_string())
            .map_err(|error| error.to_string())
    }

    fn portrait(&self, subject: &str) -> Option<Portrait> {
        let id = subject.parse().ok()?;
        let state = self.known();
        let painted = state.portrait(id)?;
        Some(Portrait {
            steps: state.window(id).iter().map(step).collect(),
            ..portrait(&painted)
        })
    }

    fn riskiest(&self, most: usize) -> Vec<Portrait> {
        self.known().riskiest(most).iter().map(portrait).collect()
    }

    fn bans(&self) -> Vec<Ban> {
        let bans = self.known().bans().list(wall());
        bans.iter()
            .map(|ban| Ban::of(&stored(ban, &self.about.node)))
            .collect()
    }

    fn ban(&self, subject: &str, until_ms: Option<i64>, cause: &str) -> Result<Ban, String> {
        let subject: SubjectId = subject
            .parse()
            .map_err(|error: behaviour::NoSubject| error.to_string())?;
        let snapshot = self.shared.snapshot.load();
        let by_address = matches!(
            subject.kind,
            behaviour::SubjectKind::Address | behaviour::SubjectKind::Prefix
        );
        if !by_address && !snapshot.detector.behaviour().is_on() {
            return Err(
                "behaviour is switched off, so that nobody is known but by address; set behaviour.enabled"
                    .to_owned(),
            );
        }
        let bans = snapshot.state.bans();
        let before = bans.find(subject);
        let ban = behaviour::Ban {
            subject,
            since: wall(),
            until: until_ms.map(duration),
            offences: before.map_or(1, |ban| ban.offences.max(1)),
            cause: cause.to_owned(),
            programs: 0,
        };
        bans.add(ban.clone());
        Ok(Ban::of(&stored(&ban, &self.about.node)))
    }

    fn unban(&self, subject: &str) -> bool {
        let subject = subject.parse();
        subject.is_ok_and(|subject| self.known().bans().remove(subject))
    }

    fn bans_version(&self) -> u64 {
        self.known().bans().version()
    }

    fn stored_bans(&self) -> Vec<StoredBan> {
        let bans = self.known().bans().list(wall());
        bans.iter()
            .map(|ban| stored(ban, &self.about.node))
            .collect()
    }

    fn stored_ban(&self, subject: &str) -> Option<StoredBan> {
        let ban = self.known().bans().find(subject.parse().ok()?)?;
        let holds = ban.until.is_none_or(|until| until > wall());
        holds.then(|| stored(&ban, &self.about.node))
    }

    fn learn_ban(&self, ban: &StoredBan) {
        let Ok(subject) = ban.subject.parse::<SubjectId>() else {
            return;
        };
        let state = self.known();
        match ban.lifted_ms {
            Some(lifted) => state.bans().lift(subject, duration(lifted)),
            None => state.bans().learn(behaviour::Ban {
                subject,
                since: duration(ban.since_ms),
                until: ban.until_ms.map(duration),
                offences: u32::try_from(ban.offences).unwrap_or(1),
                cause: ban.cause.clone(),
                programs: ban.programs,
            }),
        }
    }

    fn policies(&self) -> Vec<Policy> {
        let snapshot = self.shared.snapshot.load();
        let config = &snapshot.config;
        let shown = config.policies.iter().map(|(name, policy)| Policy {
            name: name.clone(),
            mode: policy.mode.as_str().to_owned(),
            thresholds: Thresholds {
                tag: policy.thresholds.tag,
                throttle: policy.thresholds.throttle,
                deny: policy.thresholds.deny,
            },
            paranoia: policy.paranoia,
            exceptions: policy.exceptions.len(),
            behaviour: policy.behaviour.enabled,
            responses: policy.responses.inspect,
            routes: config
                .routes
                .iter()
                .filter(|route| route.policy == *name)
                .map(|route| route.label().into_owned())
                .collect(),
        });
        shown.collect()
    }

    fn settings(&self) -> Value {
        let snapshot = self.shared.snapshot.load();
        let mut settings = serde_json::to_value(&snapshot.config).unwrap_or_default();
        redact::settings(&mut settings);
        settings
    }

    fn overlay_version(&self) -> i64 {
        self.layers.over().version
    }

    fn problems_of(&self, overlay: &Overlay) -> Vec<String> {
        let snapshot = self.shared.snapshot.load();
        let file = self.layers.file();
        let mut problems = layers::problems(&file, overlay, snapshot.detector.rules());
        if !overlay.models.is_empty() {
            let (merged, _) = layers::merge(&file, overlay);
            problems.extend(snapshot.roster.problems_of(&merged.ensemble.models));
        }
        problems
    }

    fn apply(&self, overlay: &Overlay, version: i64) -> Result<(), Vec<String>> {
        // Held until the new snapshot serves, so that a reload of the file waits.
        let file = self.layers.file();
        let (config, left_out) = layers::merge(&file, overlay);
        for sentence in left_out {
            tracing::warn!(
                version,
                "a setting made by API does not fit the file and is left out: {sentence}"
            );
        }
        let shared = &self.shared;
        let snapshot = shared
            .snapshot
            .load()
            .with_policies(config, &shared.limits, &shared.metrics)?
            .allowing(AllowList::of(overlay));
        shared.snapshot.store(Arc::new(snapshot));
        self.layers.lay(Over {
            version,
            overlay: overlay.clone(),
        });
        drop(file);
        tracing::info!(version, "settings made by API serve");
        Ok(())
    }
}

/// What runs here, as far as it does not change.
pub(crate) fn about(config: &Config, node: Option<&str>, workers: usize) -> Info {
    let store = match (node, config.store.database.starts_with("postgres")) {
        (None, _) => "none",
        (Some(_), true) => "postgres",
        (Some(_), false) => "sqlite",
    };
    Info {
        name: "portcullis".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        node: node.unwrap_or_default().to_owned(),
        started: rfc3339(milliseconds(wall())),
        workers,
        store: store.to_owned(),
        ..Info::default()
    }
}

fn rule(rule: &detect::Rule) -> Rule {
    let RuleSpec {
        id,
        name,
        why,
        category,
        severity,
        score,
        tags,
        paranoia,
        phase,
        ..
    } = &rule.spec;
    Rule {
        id: id.clone(),
        name: name.clone(),
        why: why.clone(),
        category: category.as_str().to_owned(),
        severity: word(severity),
        score: score.unwrap_or_else(|| severity.score()),
        tags: tags.clone(),
        paranoia: *paranoia,
        phase: word(phase),
        origin: format!("{}:{}", rule.origin.file, rule.origin.line),
        spec: None,
    }
}

fn portrait(painted: &behaviour::Portrait) -> Portrait {
    let rate = |which: usize| f64::from(painted.rates[which]);
    let factors = painted.factors.iter().flatten();
    Portrait {
        subject: painted.subject.to_string(),
        requests: painted.requests,
        rates: Rates {
            second: rate(0),
            ten_seconds: rate(1),
            minute: rate(2),
            ten_minutes: rate(3),
            hour: rate(4),
        },
        error_share: f64::from(painted.errors),
        login_failures: f64::from(painted.login_failures),
        risk: f64::from(painted.risk),
        confidence: f64::from(painted.confidence),
        factors: factors
            .map(|factor| Factor {
                detector: factor.kind.as_str().to_owned(),
                score: factor.score,
            })
            .collect(),
        first_seen: rfc3339(milliseconds(painted.first_seen)),
        last_seen: rfc3339(milliseconds(painted.last_seen)),
        steps: Vec::new(),
    }
}

fn step(step: &behaviour::Step) -> Step {
    let flag = |bit: u8| step.flags & (1 << bit) != 0;
    Step {
        gap_ms: step.gap,
        status: step.status,
        writes: flag(0),
        asset: flag(1),
        login: flag(2),
        noticed: flag(3),
    }
}

/// A ban as the store keeps it.
fn stored(ban: &behaviour::Ban, node: &str) -> StoredBan {
    StoredBan {
        subject: ban.subject.to_string(),
        since_ms: milliseconds(ban.since),
        until_ms: ban.until.map(milliseconds),
        offences: i64::from(ban.offences),
        cause: ban.cause.clone(),
        programs: ban.programs,
        author: String::new(),
        node: node.to_owned(),
        lifted_ms: None,
        change: 0,
    }
}

fn milliseconds(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

fn duration(ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap_or_default())
}
