//! Everything compiled from one version of the configuration. It is swapped whole and loaded once per request, so a
//! request never sees half of a change. What must outlive a change (limits, counters, connections) is not in here.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use portcullis_config::{self as config, Config};
use portcullis_detect as detect;
use portcullis_detect::behaviour::{Behaviour, State};
use portcullis_detect::{Detector, Watch};

use crate::allowed::AllowList;
use crate::answer::Answers;
use crate::client::TrustedProxies;
use crate::identity::Identity;
use crate::limit::{LimitSet, LimitSpec, Limits};
use crate::metrics::{Metrics, RouteMetrics};
use crate::models::Models;
use crate::models::roster::{Roster, tuned};
use crate::record::{CaptureRules, Redaction};
use crate::route::RouteTable;
use crate::upstream::spec::UpstreamSpec;

/// One version of the configuration, compiled.
pub struct Snapshot {
    /// The configuration it was made from.
    pub config: Config,
    /// The engine with its rules.
    pub detector: Arc<Detector>,
    /// The models that the manifest lists, and what became of each.
    pub roster: Arc<Roster>,
    /// Which request goes where.
    pub routes: RouteTable,
    /// All policies, by name.
    pub policies: BTreeMap<String, Arc<Policy>>,
    /// The services, in the order that [`Route::upstream`] counts in.
    pub upstreams: Vec<Arc<UpstreamSpec>>,
    /// The counters of requests that no route matched.
    pub unrouted: RouteMetrics,
    /// Whose forwarding headers are believed.
    pub trusted: TrustedProxies,
    /// Whom a request comes from, besides its address.
    pub identity: Arc<Identity>,
    /// What is known of clients; also where behaviour is off, for bans by hand.
    pub state: Arc<State>,
    /// What is blacked out in records.
    pub redaction: Redaction,
    /// Who is judged and never stopped.
    pub allowed: AllowList,
    /// The twins of [`Snapshot::routes`] that only observe, in the same order; none where nobody is allowed.
    lenient: Vec<Route>,
}

/// One route, ready for use.
#[derive(Clone)]
pub struct Route {
    /// Its label in metrics and records.
    pub name: Arc<str>,
    /// Path prefix, without a slash at its end unless it is the root.
    pub path: String,
    /// Exact host, or the part behind `*` of a wildcard.
    pub host: HostMatch,
    /// Methods; empty for all.
    pub methods: Vec<http::Method>,
    /// Index of its upstream.
    pub upstream: usize,
    /// Its policy.
    pub policy: Arc<Policy>,
    /// Whether WebSocket upgrades pass.
    pub websocket: bool,
    /// Its counters.
    pub metrics: RouteMetrics,
}

/// Which hosts a route is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostMatch {
    /// All.
    Any,
    /// This one, in lower case.
    Exact(String),
    /// All that end with this, which begins with a dot.
    Suffix(String),
}

/// A policy, ready for use.
#[derive(Clone)]
pub struct Policy {
    /// Its name.
    pub name: Arc<str>,
    /// Enforce, observe or off.
    pub mode: config::Mode,
    /// The engine's part.
    pub engine: detect::Policy,
    /// The same for the messages of a stream, which are not requests of their own.
    pub message_engine: detect::Policy,
    /// Bytes of a body to inspect.
    pub inspect: usize,
    /// Bytes of a body to let through at all.
    pub max: u64,
    /// Whether a body longer than `inspect` is refused.
    pub deny_beyond: bool,
    /// Whether a request is refused when the engine fails.
    pub deny_on_failure: bool,
    /// Throttling by delay instead of by 429.
    pub throttle_delay: Option<Duration>,
    /// Rate limits.
    pub limits: LimitSet,
    /// The header that tells the upstream the score of a tagged request.
    pub tag_header: HeaderName,
    /// How answers are looked at, if they are.
    pub answers: Option<Answers>,
    /// What is kept of exchanges word for word, if anything.
    pub capture: Option<CaptureRules>,
}

impl Snapshot {
    /// Compiles a configuration that has passed its checks. `state` is what is known of clients, `models` are
    /// those that are loaded.
    ///
    /// # Errors
    /// With sentences for the operator: certificates that cannot be read, rules that do not compile.
    pub fn build(
        config: Config,
        limits: &Limits,
        metrics: &Metrics,
        state: &Arc<State>,
        models: &Models,
    ) -> Result<Self, Vec<String>> {
        let rules = crate::rules::load(config.rules.directory.as_deref())?;
        let behaviour = Behaviour::new(Arc::new(config.behaviour.clone()), state.clone());
        let detector = Arc::new(
            Detector::new(rules)
                .with_behaviour(behaviour)
                .with_ensemble(models.ensemble().clone()),
        );
        let identity = Arc::new(Identity::build(&config.identity, *state.hashing())?);
        let mut problems = Vec::new();
        let mut upstreams = Vec::new();
        for (name, upstream) in &config.upstreams {
            match UpstreamSpec::build(name, upstream) {
                Ok(spec) => upstreams.push(Arc::new(spec)),
                Err(problem) => problems.push(format!("upstream {name}: {problem}")),
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let made = Made {
            detector,
            roster: models.roster().clone(),
            identity,
            upstreams,
            state: state.clone(),
        };
        Self::assemble(config, made, limits, metrics)
    }

    /// The same rules, models, upstreams and identities under other policies and settings of models: what a change by API needs, in microseconds
    /// instead of the time that rules take to compile.
    ///
    /// # Errors
    /// As [`Snapshot::build`].
    pub fn with_policies(
        &self,
        config: Config,
        limits: &Limits,
        metrics: &Metrics,
    ) -> Result<Self, Vec<String>> {
        let same = config.ensemble.models == self.config.ensemble.models;
        let detector = if same {
            self.detector.clone()
        } else {
            let ensemble = tuned(self.detector.ensemble(), &config.ensemble);
            Arc::new(self.detector.beside(ensemble))
        };
        let made = Made {
            detector,
            roster: self.roster.clone(),
            identity: self.identity.clone(),
            upstreams: self.upstreams.clone(),
            state: self.state.clone(),
        };
        Self::assemble(config, made, limits, metrics)
    }

    fn assemble(
        config: Config,
        made: Made,
        limits: &Limits,
        metrics: &Metrics,
    ) -> Result<Self, Vec<String>> {
        let mut problems = Vec::new();
        // Specifications stand in the order of the configuration's names.
        let names = config.upstreams.keys().enumerate();
        let upstream_index: BTreeMap<&str, usize> =
            names.map(|(index, name)| (name.as_str(), index)).collect();
        let policies = build_policies(&config, limits, &mut problems);
        let mut routes = Vec::new();
        for route in &config.routes {
            let (Some(&upstream), Some(policy)) = (
                upstream_index.get(route.upstream.as_str()),
                policies.get(&route.policy),
            ) else {
                problems.push(format!(
                    "route {}: its upstream or policy does not exist",
                    route.path
                ));
                continue;
            };
            routes.push(Route::build(route, upstream, policy.clone(), metrics));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Self {
            unrouted: metrics.route("none"),
            trusted: TrustedProxies::new(&config.trusted_proxies),
            identity: made.identity,
            state: made.state,
            redaction: Redaction::new(
                &config.records.redact.headers,
                &config.records.redact.fields,
            ),
            routes: RouteTable::new(routes),
            policies,
            upstreams: made.upstreams,
            detector: made.detector,
            allowed: AllowList::default(),
            lenient: Vec::new(),
            roster: made.roster,
            config,
        })
    }

    /// The same, with these allowed.
    pub fn allowing(mut self, allowed: AllowList) -> Self {
        self.lenient = match allowed.is_empty() {
            true => Vec::new(),
            false => self.routes.all().iter().map(Route::observing).collect(),
        };
        self.allowed = allowed;
        self
    }

    /// The twin of a route, by its number, for who is allowed.
    pub fn lenient(&self, route: usize) -> Option<&Route> {
        self.lenient.get(route)
    }
}

/// The parts of a snapshot that take time to make.
struct Made {
    detector: Arc<Detector>,
    roster: Arc<Roster>,
    identity: Arc<Identity>,
    upstreams: Vec<Arc<UpstreamSpec>>,
    state: Arc<State>,
}

impl Route {
    /// The same with a policy that only observes.
    fn observing(&self) -> Self {
        Self {
            policy: Arc::new(self.policy.observing()),
            ..self.clone()
        }
    }

    fn build(
        route: &config::Route,
        upstream: usize,
        policy: Arc<Policy>,
        metrics: &Metrics,
    ) -> Self {
        let name = route.label();
        let host = match route.host.as_deref().map(str::to_ascii_lowercase) {
            None => HostMatch::Any,
            Some(host) => match host.strip_prefix('*') {
                Some(suffix) => HostMatch::Suffix(suffix.to_owned()),
                None => HostMatch::Exact(host),
            },
        };
        let path = match route.path.trim_end_matches('/') {
            "" => "/".to_owned(),
            path => path.to_owned(),
        };
        Self {
            path,
            host,
            methods: route
                .methods
                .iter()
                .filter_map(|method| http::Method::from_bytes(method.as_bytes()).ok())
                .collect(),
            upstream,
            policy,
            websocket: route.websocket,
            metrics: metrics.route(&name),
            name: Arc::from(&*name),
        }
    }
}

fn build_policies(
    config: &Config,
    limits: &Limits,
    problems: &mut Vec<String>,
) -> BTreeMap<String, Arc<Policy>> {
    let mut built = BTreeMap::new();
    for (name, policy) in &config.policies {
        match Policy::build(name, policy, limits) {
            Ok(policy) => {
                built.insert(name.clone(), Arc::new(policy));
            }
            Err(problem) => problems.push(format!("policy {name}: {problem}")),
        }
    }
    built
}

impl Policy {
    /// The same, with everything noted and nothing done.
    fn observing(&self) -> Self {
        let mut twin = self.clone();
        if twin.mode == config::Mode::Enforce {
            twin.mode = config::Mode::Observe;
            if twin.engine.behaviour == Watch::Enforce {
                twin.engine.behaviour = Watch::Observe;
            }
        }
        twin
    }

    fn build(name: &str, policy: &config::Policy, limits: &Limits) -> Result<Self, String> {
        let tag_header = HeaderName::from_bytes(policy.tag_header.as_bytes())
            .map_err(|_| format!("{:?} is no header name", policy.tag_header))?;
        let specs: Vec<LimitSpec> = policy
            .effective_limits()
            .iter()
            .map(LimitSpec::of)
            .collect();
        let engine = detect::Policy {
            thresholds: detect::Thresholds {
                tag: f32::from(policy.thresholds.tag),
                throttle: f32::from(policy.thresholds.throttle),
                deny: f32::from(policy.thresholds.deny),
            },
            paranoia: policy.paranoia,
            exceptions: policy.exceptions.iter().map(exception).collect(),
            behaviour: watch(policy),
            ensemble: policy.ensemble,
            ..detect::Policy::default()
        };
        Ok(Self {
            name: Arc::from(name),
            mode: policy.mode,
            message_engine: detect::Policy {
                behaviour: Watch::Off,
                ..engine.clone()
            },
            engine,
            inspect: policy.body.inspect.as_usize(),
            max: policy.body.max.0,
            deny_beyond: policy.body.beyond == config::Beyond::Deny,
            deny_on_failure: policy.on_failure == config::Failure::Deny,
            throttle_delay: policy.throttle_delay.map(config::Duration::get),
            limits: limits.set(name, &specs),
            tag_header,
            answers: Answers::of(policy),
            capture: policy.capture.as_ref().map(|capture| CaptureRules {
                headers: capture.headers,
                body: capture.body.as_usize(),
                all: capture.of == config::CaptureOf::All,
            }),
        })
    }
}

/// What a policy does with behaviour.
fn watch(policy: &config::Policy) -> Watch {
    match (policy.behaviour.enabled, policy.mode) {
        (false, _) | (_, config::Mode::Off) => Watch::Off,
        (true, config::Mode::Observe) => Watch::Observe,
        (true, config::Mode::Enforce) => Watch::Enforce,
    }
}

fn exception(exception: &config::Exception) -> detect::Exception {
    detect::Exception {
        rule: exception.rule.clone(),
        tag: exception.tag.clone(),
        route: exception.route.clone(),
        field: exception.field.clone(),
        path: exception.path.clone(),
    }
}

/// A configured header value; the checks on loading have seen it.
pub fn header_value(text: &str) -> Result<HeaderValue, String> {
    HeaderValue::from_str(text).map_err(|_| format!("{text:?} cannot be a header's value"))
}
