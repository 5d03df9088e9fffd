//! What is known of one exchange so far, and the record it becomes.

use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, Version, header, request,
};
use http_body::Body;
use http_body_util::Full;
use portcullis_config::Mode;
use portcullis_detect::behaviour::{Login, SubjectId};
use portcullis_detect::feature::FlowRow;
use portcullis_detect::{Action, Clock, Outcome as Learned, Subjects, SystemClock, Verdict, Watch};
use tokio::sync::oneshot;

use crate::answer::{Done, Judged};
use crate::body::pace::MinRate;
use crate::body::{BodyFate, BodyLog, Received, ResponseBody};
use crate::connection::io::STAND_IN_HOST;
use crate::connection::state::{ConnectionState, Cut};
use crate::fault::Fault;
use crate::id::RequestId;
use crate::identity::Origin;
use crate::inspect::{Inspection, Subject};
use crate::limit::Check;
use crate::metrics::Stage;
use crate::record::{Captured, Outcome, Record, Timings};
use crate::respond::{Answer, X_REQUEST_ID};
use crate::snapshot::{Policy, Route, Snapshot};
use crate::upstream::{Upstream, UpstreamError};
use crate::worker::{Current, Worker};

/// One exchange. It moves from the spine into the answer's body and becomes the record when it is dropped: answered,
/// aborted or broken, exactly one record remains.
pub struct Exchange {
    worker: Rc<Worker>,
    state: Arc<ConnectionState>,
    current: Current,
    id: RequestId,
    time: SystemTime,
    begun: Instant,
    client: IpAddr,
    subjects: Subjects,
    // Whether bans hold under this route's policy.
    barred: bool,
    // Whether behaviour is judged under it, too.
    watched: bool,
    ban: Option<SubjectId>,
    allowed: Option<SubjectId>,
    answered: bool,
    method: Method,
    uri: Uri,
    version: Version,
    host: Option<HeaderValue>,
    route: Option<usize>,
    limit: Option<String>,
    limit_headers: HeaderMap,
    verdict: Option<Box<Verdict>>,
    messages: Option<Rc<Inspection>>,
    response_verdict: Option<Box<Verdict>>,
    response_done: Option<Done>,
    response_would: Option<Done>,
    action: Action,
    would: Option<Action>,
    capture: Option<Box<Captured>>,
    flow: Option<Box<FlowRow>>,
    timings: Timings,
    upstream: Option<(Arc<str>, Arc<str>)>,
    body: Rc<BodyLog>,
    bytes_out: u64,
    status: u16,
    outcome: Outcome,
    reason: Option<&'static str>,
    refused: Option<(Box<str>, Box<str>)>,
    complete: bool,
    tunnel: Option<oneshot::Sender<Box<Exchange>>>,
}

impl Exchange {
    /// An exchange whose head has just arrived.
    pub fn begin<B: Body>(
        worker: Rc<Worker>,
        state: Arc<ConnectionState>,
        request: &Request<B>,
    ) -> Self {
        let alone = state.exchange_begins();
        if let Some(flow) = state.flow() {
            flow.begins(request, alone);
        }
        // Of a refused body the head is here as it was; of a refused head only what the refusal kept.
        let host = host_of(request);
        let refused = state
            .with_refusal(|refusal| {
                (
                    String::from_utf8_lossy(&refusal.method).into(),
                    String::from_utf8_lossy(&refusal.target).into(),
                )
            })
            .filter(|_| host.as_ref().is_some_and(|host| host == STAND_IN_HOST));
        Self {
            current: worker.current(),
            client: state.peer_ip(),
            subjects: Subjects::of(state.peer_ip()),
            barred: false,
            watched: false,
            ban: None,
            allowed: None,
            answered: false,
            id: RequestId::next(),
            time: SystemTime::now(),
            begun: Instant::now(),
            method: request.method().clone(),
            uri: request.uri().clone(),
            version: request.version(),
            host,
            worker,
            state,
            route: None,
            limit: None,
            limit_headers: HeaderMap::new(),
            verdict: None,
            messages: None,
            response_verdict: None,
            response_done: None,
            response_would: None,
            action: Action::Allow,
            would: None,
            capture: None,
            flow: None,
            timings: Timings::default(),
            upstream: None,
            body: Rc::default(),
            bytes_out: 0,
            status: 0,
            outcome: Outcome::ClientGone,
            reason: None,
            refused,
            complete: false,
            tunnel: None,
        }
    }

    /// Who sent it, and the id that a trusted proxy gave it.
    pub fn learn_client(&mut self, headers: &HeaderMap) {
        let trusted = &self.current.snapshot.trusted;
        self.client = trusted.client(self.state.peer, headers);
        if let Some(id) = headers.get(X_REQUEST_ID)
            && trusted.contains(self.state.peer_ip())
            && let Some(id) = RequestId::accept(id.as_bytes())
        {
            self.id = id;
        }
    }

    /// Whom it comes from besides the address, where the policy judges behaviour.
    pub fn learn_subjects(&mut self, snapshot: &Snapshot, policy: &Policy, parts: &request::Parts) {
        self.subjects = Subjects::of(self.client);
        self.barred = policy.engine.behaviour != Watch::Off;
        if !self.barred || !snapshot.detector.behaviour().is_on() {
            return;
        }
        self.watched = true;
        let origin = Origin {
            client: self.client,
            peer_is_trusted: self.peer_is_trusted(),
            ja4: self.state.ja4(),
        };
        self.subjects = snapshot.identity.of_head(&origin, &snapshot.trusted, parts);
    }

    /// The route it takes where one of its subjects is allowed.
    pub fn allowed<'a>(&mut self, snapshot: &'a Snapshot) -> Option<&'a Route> {
        if snapshot.allowed.is_empty() {
            return None;
        }
        let found = snapshot.allowed.find(&self.subjects, SystemClock.wall());
        self.allowed = found;
        found.and_then(|_| snapshot.lenient(self.route?))
    }

    /// Whether one of its subjects is banned; seconds until that is over, where it ends by itself.
    pub fn banned(&mut self, snapshot: &Snapshot) -> Option<Option<u64>> {
        let refusal = if self.watched {
            let behaviour = snapshot.detector.behaviour();
            behaviour.check(&self.subjects, &SystemClock)?
        } else if self.barred {
            // Nobody is judged, but who was banned by hand is banned, as far as the address tells.
            let bans = snapshot.state.bans();
            if bans.is_empty() {
                return None;
            }
            bans.check(&self.subjects, SystemClock.wall())?
        } else {
            return None;
        };
        self.ban = Some(refusal.subject);
        Some(refusal.remains.map(|remains| remains.as_secs() + 1))
    }

    /// The account that it tries to log in to.
    pub fn learn_attempt(&mut self, snapshot: &Snapshot, parts: &request::Parts, body: &[u8]) {
        if self.watched {
            self.subjects.attempt = snapshot.identity.attempt(parts, body);
        }
    }

    /// Keeps what the policy wants kept of the request word for word.
    pub fn capture(&mut self, policy: &Policy, headers: &HeaderMap, received: &Received) {
        self.capture = policy.capture.map(|rules| {
            let captured =
                Captured::of_request(rules, headers, &received.prefix, received.complete);
            Box::new(captured)
        });
    }

    /// Keeps what was measured of the connection up to here, where records carry it.
    pub fn keep_flow(&mut self, snapshot: &Snapshot) {
        let flow = self.state.flow().filter(|_| snapshot.config.records.flow);
        self.flow = flow.map(|flow| Box::new(flow.connection().row()));
    }

    /// The route it takes.
    pub fn find_route<'a>(&mut self, snapshot: &'a Snapshot) -> Option<&'a Route> {
        self.route = snapshot
            .routes
            .find(self.host(), self.uri.path(), &self.method);
        self.route.map(|route| &snapshot.routes.all()[route])
    }

    /// Asks the limits; seconds to wait when one is used up.
    pub fn over_limit(&mut self, route: &Route, headers: &HeaderMap) -> Option<u64> {
        if route.policy.limits.is_empty() {
            return None;
        }
        let begun = Instant::now();
        let check = route.policy.limits.check(self.client, headers, &route.name);
        let over = check.as_ref().filter(|check| !check.decision.allowed);
        if let Some(over) = over {
            self.limit = Some(over.name().to_owned());
        }
        let wait = over.map(|check| check.decision.retry_after_seconds.max(1));
        if route.policy.mode != Mode::Observe
            && let Some(check) = &check
        {
            Check::write_headers(check, &mut self.limit_headers);
        }
        let took = begun.elapsed();
        self.timings.limit = Some(took);
        self.worker.shared.metrics.stage(Stage::Limit, took);
        wait
    }

    /// Whether `action` is taken; where the policy only observes it is noted instead.
    pub fn decide(&mut self, action: Action, observing: bool) -> bool {
        if observing {
            self.would = self.would.max(Some(action));
        } else {
            self.action = self.action.max(action);
        }
        !observing
    }

    /// Keeps the engine's verdict.
    pub fn judged(&mut self, verdict: Verdict) {
        let metrics = &self.worker.shared.metrics;
        metrics.verdict(verdict.action, verdict.category);
        metrics.engine_stages(&verdict.stages);
        if let Some(judgement) = &verdict.behaviour {
            for finding in &judgement.findings {
                metrics.behaviour.found(finding.kind);
            }
        }
        if let Some(opinion) = &verdict.ensemble {
            metrics.models.opinion(opinion);
        }
        self.verdict = Some(Box::new(verdict));
    }

    /// Keeps what the engine thinks of the answer. Whether something is done about it: not where the policy observes.
    pub fn answer_judged(&mut self, judged: &mut Judged, observing: bool) -> Done {
        let verdict = std::mem::take(&mut judged.verdict);
        let metrics = &self.worker.shared.metrics;
        metrics.response_verdict(verdict.action, verdict.category);
        if let Some(unseen) = judged.unseen {
            metrics.response_unseen(unseen);
        }
        metrics.response_outcome(match (judged.done, observing) {
            (Done::Pass, _) => "passed",
            (Done::Mask, false) => "masked",
            (Done::Deny, false) => "denied",
            (Done::Mask, true) => "would-mask",
            (Done::Deny, true) => "would-deny",
        });
        self.response_verdict = Some(Box::new(verdict));
        let found = (judged.done != Done::Pass).then_some(judged.done);
        if observing {
            self.response_would = found;
        } else {
            self.response_done = found;
        }
        if judged.done == Done::Deny {
            self.decide(Action::Deny, observing);
        }
        if observing { Done::Pass } else { judged.done }
    }

    /// The engine failed on the answer; whether that denies it.
    pub fn answer_not_judged(&mut self, denies: bool, observing: bool) -> bool {
        self.worker.shared.metrics.response_outcome("failed");
        denies && self.decide(Action::Deny, observing)
    }

    /// Judges the messages of the stream that this request opens.
    pub fn judge_messages(
        &mut self,
        parts: &request::Parts,
        route: &Route,
        kind: Option<HeaderValue>,
    ) -> Rc<Inspection> {
        let subject = self.subject(route);
        let judge = Inspection::new(
            &self.worker,
            &self.current.snapshot,
            &route.policy,
            parts,
            &subject,
            kind,
        );
        let judge = Rc::new(judge);
        self.messages = Some(judge.clone());
        judge
    }

    /// What the engine needs to know beside the request's own bytes.
    pub fn subject(&self, route: &Route) -> Subject {
        Subject {
            subjects: self.subjects,
            connection: self.state.clone(),
            scheme: self.scheme(),
            host: Arc::from(self.host()),
            route: route.name.clone(),
        }
    }

    /// Notes how long a stage took.
    pub fn timed(&mut self, stage: Stage, took: Duration) {
        match stage {
            Stage::Body => self.timings.body = Some(took),
            Stage::Inspect => self.timings.inspect = Some(took),
            Stage::Limit => self.timings.limit = Some(took),
            Stage::Hold => self.timings.hold = Some(took),
            Stage::Answer => self.timings.answer = Some(took),
            Stage::Decode
            | Stage::Signature
            | Stage::Behaviour
            | Stage::Ensemble
            | Stage::Decision => {}
        }
        self.worker.shared.metrics.stage(stage, took);
    }

    /// Where it is sent.
    pub fn goes_to(&mut self, upstream: &Arc<str>, server: &Arc<str>) {
        self.upstream = Some((upstream.clone(), server.clone()));
    }

    /// How long the upstream took to answer, or to fail.
    pub fn answered_after(&mut self, waited: Duration) {
        self.timings.upstream = Some(waited);
        self.worker.shared.metrics.upstream_duration.observe(waited);
    }

    /// The upstream has answered.
    pub fn got_answer(&mut self) {
        self.answered = true;
    }

    /// The client's body broke off; whose fault that is, the wire knows.
    pub fn client_broke(&self) -> Fault {
        match self.state.take_refusal() {
            Some(refusal) => Fault::Refused(refusal.status, refusal.reason.code()),
            None if self.body.fate.get() == BodyFate::TooSlow => Fault::ClientSlow,
            None => Fault::ClientBroke,
        }
    }

    /// No answer came; if it was for the body's sake the upstream is not to blame.
    pub fn upstream_failed(&self, error: UpstreamError) -> Fault {
        match self.body.fate.get() {
            BodyFate::ClientBroke | BodyFate::TooSlow => return self.client_broke(),
            BodyFate::TooLarge => return Fault::TooLarge,
            BodyFate::Denied => return Fault::Denied,
            BodyFate::Whole => {}
        }
        if let Some((name, server)) = &self.upstream {
            self.worker
                .shared
                .metrics
                .upstream_error(name, error.reason());
            tracing::debug!(upstream = %name, server = %server, %error, "no answer");
        }
        Fault::Upstream(error)
    }

    /// The upstream sent 101 to who had not asked for it.
    pub fn switched_unasked(&self) -> Fault {
        if let Some((name, _)) = &self.upstream {
            self.worker
                .shared
                .metrics
                .upstream_error(name, "unasked-upgrade");
        }
        Fault::UnaskedUpgrade
    }

    /// The gateway's own answer to a fault.
    pub fn refuse(&mut self, fault: &Fault, accept: Option<HeaderValue>) -> Response<ResponseBody> {
        self.outcome = fault.outcome();
        self.reason = fault.reason();
        if let Fault::Refused(_, reason) = fault {
            self.worker.shared.metrics.protocol_error(reason);
        }
        if matches!(fault, Fault::Denied) {
            self.action = Action::Deny;
        }
        let mut asked = HeaderMap::new();
        if let Some(accept) = accept {
            asked.insert(header::ACCEPT, accept);
        }
        let mut answer = Answer::new(fault.status(), self.id).to(&self.method, &asked);
        if let Some(seconds) = fault.retry_after() {
            answer = answer.retry_after(seconds);
        }
        if fault.closes() && !self.state.is_http2() {
            answer = answer.close();
        }
        let mut response = answer
            .response()
            .map(|body: Full<Bytes>| ResponseBody::own(body));
        if response.status() == StatusCode::METHOD_NOT_ALLOWED {
            let methods = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
            response.headers_mut().insert(header::ALLOW, methods);
        }
        response
    }

    /// An answer begins; the limits' headers go with it.
    pub fn answers(&mut self, response: &mut Response<ResponseBody>) {
        self.status = response.status().as_u16();
        self.state
            .answer_begins(self.status == StatusCode::SWITCHING_PROTOCOLS.as_u16());
        for (name, value) in self.limit_headers.drain() {
            if let Some(name) = name {
                response.headers_mut().entry(name).or_insert(value);
            }
        }
        if let Some(flow) = self.state.flow() {
            flow.answers(response, self.timings.upstream);
        }
        if let Some(capture) = &mut self.capture {
            capture.answers(response.headers());
        }
    }

    /// Bytes of the answer have been handed on.
    pub fn answered(&mut self, data: &[u8]) {
        self.bytes_out += data.len() as u64;
        if let Some(capture) = &mut self.capture {
            capture.answered(data);
        }
    }

    /// The upstream broke off in the midst of its answer.
    pub fn answer_broke(&mut self) {
        self.outcome = Outcome::UpstreamError;
        self.reason = Some("answer-broke-off");
        if let Some((name, _)) = &self.upstream {
            self.worker
                .shared
                .metrics
                .upstream_error(name, "answer-broke-off");
        }
    }

    /// The upstream broke off, or fell silent, while its answer was held.
    pub fn answer_broke_early(&self, stalled: bool) -> Fault {
        let fault = Fault::AnswerBroke(stalled);
        if let (Some((name, _)), Some(reason)) = (&self.upstream, fault.reason()) {
            self.worker.shared.metrics.upstream_error(name, reason);
        }
        fault
    }

    /// The answer's body is over, read to its end or not.
    pub fn finish(mut self: Box<Self>, complete: bool) {
        self.complete = complete;
        if complete && self.outcome == Outcome::ClientGone && self.reason.is_none() {
            self.outcome = Outcome::Complete;
        }
        if let Some(tunnel) = self.tunnel.take() {
            // Where the tunnel is over already the exchange comes back and ends here.
            drop(tunnel.send(self));
        }
    }

    /// Lets the exchange last as long as the tunnel that its answer opens, which receives it.
    pub fn lasts_as_tunnel(&mut self) -> oneshot::Receiver<Box<Exchange>> {
        let (sender, receiver) = oneshot::channel();
        self.tunnel = Some(sender);
        receiver
    }

    /// Bytes that went through a tunnel.
    pub fn tunnelled(&mut self, up: u64, down: u64) {
        self.body.bytes.set(self.body.bytes.get() + up);
        self.bytes_out += down;
    }

    /// A message in the tunnel was denied.
    pub fn tunnel_denied(&mut self) {
        self.action = Action::Deny;
    }

    /// The minimum rate of the request's body, where the sweep does not see to it.
    pub fn least_rate(&self) -> Option<MinRate> {
        let least = &self.current.snapshot.config.timeouts.min_rate;
        self.state.is_http2().then(|| MinRate {
            rate: least.bytes_per_second,
            grace: least.grace.get(),
        })
    }

    /// The worker that serves it.
    pub fn worker(&self) -> &Rc<Worker> {
        &self.worker
    }

    /// The connection it came over.
    pub fn state(&self) -> &Arc<ConnectionState> {
        &self.state
    }

    /// The configuration that it began under.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.current.snapshot.clone()
    }

    /// The method of the request.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The path of the request.
    pub fn path(&self) -> &str {
        self.uri.path()
    }

    /// The upstream of its route.
    pub fn upstream(&self, route: &Route) -> Rc<Upstream> {
        self.current.upstreams[route.upstream].clone()
    }

    /// What its body did.
    pub fn body(&self) -> &Rc<BodyLog> {
        &self.body
    }

    /// Its id.
    pub fn id(&self) -> RequestId {
        self.id
    }

    /// The peer of its connection.
    pub fn peer(&self) -> IpAddr {
        self.state.peer_ip()
    }

    /// Whether that peer is a trusted proxy.
    pub fn peer_is_trusted(&self) -> bool {
        self.current.snapshot.trusted.contains(self.state.peer_ip())
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> &'static str {
        if self.state.tls { "https" } else { "http" }
    }

    /// The host asked for; empty where it is missing or no text.
    pub fn host(&self) -> &str {
        match (self.uri.authority(), &self.host) {
            (Some(authority), _) => authority.as_str(),
            (None, Some(host)) => host.to_str().unwrap_or_default(),
            (None, None) => "",
        }
    }

    fn outcome(&self) -> (Outcome, Option<&'static str>) {
        match self.state.cut_reason() {
            Some(cut @ (Cut::SlowBody | Cut::SlowReader | Cut::Flood)) if !self.complete => {
                (Outcome::Timeout, Some(cut.reason()))
            }
            _ => (self.outcome, self.reason),
        }
    }

    fn write_record(&self) {
        let snapshot = &self.current.snapshot;
        let taken = |route| match self.allowed {
            Some(_) => snapshot.lenient(route),
            None => snapshot.routes.all().get(route),
        };
        let route = self.route.and_then(taken);
        let (outcome, reason) = self.outcome();
        let messages = self
            .messages
            .as_ref()
            .and_then(|messages| messages.take_found());
        let (method, path, query) = match &self.refused {
            Some((method, target)) => (&**method, &**target, None),
            None => (self.method.as_str(), self.uri.path(), self.uri.query()),
        };
        let (upstream, server) = match &self.upstream {
            Some((upstream, server)) => (&**upstream, &**server),
            None => ("", ""),
        };
        let record = Record {
            protocol: if self.refused.is_some() {
                ""
            } else {
                protocol(self.version)
            },
            scheme: self.scheme(),
            method,
            host: if self.refused.is_some() {
                b""
            } else {
                self.host().as_bytes()
            },
            path,
            query,
            status: self.status,
            route: route.map_or("", |route| &route.name),
            policy: route.map_or("", |route| &route.policy.name),
            mode: route.map_or("", |route| route.policy.mode.as_str()),
            action: self.action,
            would: self.would,
            limit: self.limit.as_deref(),
            subjects: self.watched.then_some(&self.subjects),
            ban: self.ban,
            allowed: self.allowed,
            verdict: messages.as_deref().or(self.verdict.as_deref()),
            response_verdict: self.response_verdict.as_deref(),
            response_action: self.response_done.map(Done::as_str),
            response_would: self.response_would.map(Done::as_str),
            capture: self.captured(),
            flow: self.flow.as_deref().map(|row| row.as_slice()),
            timings: self.timings,
            upstream,
            server,
            bytes_in: self.body.bytes.get(),
            bytes_out: self.bytes_out,
            duration: self.begun.elapsed(),
            outcome,
            reason,
            ..Record::new(self.id, self.time, self.client, self.state.peer)
        };
        self.worker
            .shared
            .recorder
            .push(&record, &snapshot.redaction);
    }

    /// What was captured, where all is kept or something was found.
    fn captured(&self) -> Option<&Captured> {
        let found = |verdict: &Option<Box<Verdict>>| {
            verdict
                .as_ref()
                .is_some_and(|verdict| verdict.category.is_some())
        };
        let flagged = self.action != Action::Allow
            || self.would.is_some()
            || found(&self.verdict)
            || found(&self.response_verdict);
        self.capture
            .as_deref()
            .filter(|capture| flagged || capture.is_of_all())
    }

    fn count(&self) {
        let metrics = &self.worker.shared.metrics;
        metrics.request_duration.observe(self.begun.elapsed());
        let route = match self.route {
            Some(route) => &self.current.snapshot.routes.all()[route].metrics,
            None => &self.current.snapshot.unrouted,
        };
        route.request(self.action);
        route.response(self.status);
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.state.exchange_ends();
        if let Some(flow) = self.state.flow() {
            flow.ends(self.complete, self.bytes_out);
        }
        if let Some(messages) = &self.messages {
            let (done, would) = messages.decided();
            self.action = self.action.max(done.unwrap_or(Action::Allow));
            self.would = self.would.max(would);
        }
        self.count();
        self.write_record();
        let judgement = self
            .verdict
            .as_ref()
            .and_then(|verdict| verdict.behaviour.as_ref());
        let learned = Learned {
            visit: judgement
                .map(|judgement| judgement.visit)
                .unwrap_or_default(),
            latency: self.timings.upstream.unwrap_or_default(),
            bytes: self.bytes_out,
            answered: self.answered,
            login: login(&self.subjects, self.status),
            ..Learned::of(self.subjects, self.status)
        };
        if self.watched {
            self.current
                .snapshot
                .detector
                .observe(&learned, &SystemClock);
        }
    }
}

/// What an answer says about a login beyond what its status alone does: 423 is an account that is locked.
fn login(subjects: &Subjects, status: u16) -> Option<Login> {
    (subjects.attempt.is_some() && status == 423).then_some(Login::Locked)
}

fn host_of<B>(request: &Request<B>) -> Option<HeaderValue> {
    request.headers().get(header::HOST).cloned()
}

fn protocol(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_2 => "HTTP/2.0",
        _ => "HTTP/1.1",
    }
}
