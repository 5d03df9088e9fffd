//! The spine: the way of one request, top to bottom. [`handle`] owns the guard that leaves a record on every exit;
//! [`run`] is the way itself, a straight line in which each stage returns a value and this file decides what it
//! means. No stage calls back up.

mod log;

use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use http::{
    HeaderMap, HeaderValue, Request, Response, StatusCode, Version, header, request, response,
};
use http_body::Body;
use hyper::body::Incoming;
use portcullis_config::Mode;
use portcullis_detect::behaviour::Reaction;
use portcullis_detect::{Action, Verdict};

pub use self::log::Exchange;
use crate::answer::{self, Done, Judged};
use crate::body::hold::{Ended, Held};
use crate::body::{self, Outgoing, Received, ResponseBody, UpstreamBody};
use crate::connection::state::ConnectionState;
use crate::fault::Fault;
use crate::forward::{self, Hop};
use crate::grpc::{self, MessageGate};
use crate::guard;
use crate::inspect::{self, EngineFailure};
use crate::metrics::Stage;
use crate::respond::X_REQUEST_ID;
use crate::snapshot::{Policy, Route};
use crate::upstream::{Answered, Upstream};
use crate::websocket;
use crate::worker::Worker;

/// After how many seconds a client may try again that one request alone got throttled.
const THROTTLE_SECONDS: u64 = 10;
/// The longest time for which a request is held, as `throttle_delay` has it.
const LONGEST_DELAY: Duration = Duration::from_secs(60);

/// Answers one request. Never fails: what goes wrong becomes an answer.
pub async fn handle(
    worker: Rc<Worker>,
    state: Arc<ConnectionState>,
    request: Request<Incoming>,
) -> Response<ResponseBody> {
    let mut exchange = Box::new(Exchange::begin(worker, state, &request));
    let preference = request.headers().get(header::ACCEPT).cloned();
    let outcome = AssertUnwindSafe(run(&mut exchange, request))
        .catch_unwind()
        .await;
    let mut response = match outcome {
        Ok(Ok(response)) => response,
        Ok(Err(fault)) => exchange.refuse(&fault, preference),
        Err(_panic) => {
            exchange.worker().shared.metrics.panics.inc();
            exchange.refuse(&Fault::Panicked, preference)
        }
    };
    exchange.answers(&mut response);
    response.map(|body| body.with_exchange(exchange))
}

/// The way of a request.
async fn run(
    exchange: &mut Exchange,
    request: Request<Incoming>,
) -> Result<Response<ResponseBody>, Fault> {
    let (mut parts, incoming) = request.into_parts();
    guard::check(exchange.state(), &parts, &exchange.worker().caps().wire)?;
    exchange.learn_client(&parts.headers);

    let snapshot = exchange.snapshot();
    let route = exchange.find_route(&snapshot).ok_or(Fault::NoRoute)?;
    exchange.learn_subjects(&snapshot, &route.policy, &parts);
    // Who is allowed takes the same route under a policy that only observes.
    let route = exchange.allowed(&snapshot).unwrap_or(route);
    let policy = &route.policy;
    let observing = policy.mode == Mode::Observe;

    if let Some(remains) = exchange.banned(&snapshot)
        && exchange.decide(Action::Deny, observing)
    {
        return Err(Fault::Banned(remains));
    }
    if let Some(seconds) = exchange.over_limit(route, &parts.headers)
        && exchange.decide(Action::Throttle, observing)
    {
        return Err(Fault::Limited(seconds));
    }

    let websocket = websocket::wanted(&parts, route);
    let (received, gate) = receive(exchange, &parts, incoming, route, websocket).await?;

    exchange.learn_attempt(&snapshot, &parts, &received.prefix);
    exchange.capture(policy, &parts.headers, &received);
    exchange.keep_flow(&snapshot);
    // A client's own claim of a score is no score, whether it is inspected or not.
    parts.headers.remove(&policy.tag_header);
    if policy.mode != Mode::Off {
        let verdict = inspect(exchange, &parts, route, &received).await?;
        enforce(exchange, verdict, policy, observing, &mut parts.headers).await?;
    }

    let upgrade = websocket
        .then(|| parts.extensions.remove::<hyper::upgrade::OnUpgrade>())
        .flatten();
    let judge = websocket.then(|| {
        exchange.judge_messages(&parts, route, Some(HeaderValue::from_static("text/plain")))
    });
    let upstream = exchange.upstream(route);
    // A gRPC stream may last for ever; its messages are bounded one by one.
    let most = if grpc::is_grpc(&parts.headers) {
        u64::MAX
    } else {
        policy.max
    };
    if let Some(answers) = &policy.answers
        && !observing
    {
        answers.prepare(&mut parts.headers);
    }
    let chunked = !parts.headers.contains_key(header::CONTENT_LENGTH);
    let outgoing = Outgoing::new(received, chunked, most, gate, exchange.body());
    let answered = send(exchange, &upstream, parts, outgoing, upgrade.is_some()).await?;
    let switched = answered.response.status() == StatusCode::SWITCHING_PROTOCOLS;
    match (upgrade, judge) {
        (Some(upgrade), Some(judge)) if switched => {
            websocket::answer(exchange, &upstream, answered, upgrade, judge)
        }
        _ if switched => Err(exchange.switched_unasked()),
        _ => {
            let (mut head, body) = take_answer(exchange, &upstream, answered);
            let body = inspect_answer(exchange, route, &mut head, body).await?;
            Ok(Response::from_parts(head, body))
        }
    }
}

/// Reads what is inspected before anything is forwarded: a prefix of the body, or nothing of a stream.
async fn receive(
    exchange: &mut Exchange,
    parts: &request::Parts,
    incoming: Incoming,
    route: &Route,
    websocket: bool,
) -> Result<(Received, Option<MessageGate>), Fault> {
    let policy = &route.policy;
    if incoming.size_hint().lower() > policy.max {
        return Err(Fault::TooLarge);
    }
    let grpc = grpc::is_grpc(&parts.headers);
    let least = exchange.least_rate();
    if policy.mode == Mode::Off || websocket || grpc || incoming.is_end_stream() {
        let gate = (grpc && policy.mode != Mode::Off)
            .then(|| MessageGate::new(policy.inspect, exchange.judge_messages(parts, route, None)));
        return Ok((Received::unread(incoming, least.filter(|_| !grpc)), gate));
    }
    let begun = Instant::now();
    let received = body::receive(incoming, policy.inspect, least, exchange.body())
        .await
        .map_err(|_| exchange.client_broke())?;
    exchange.timed(Stage::Body, begun.elapsed());
    let refuses_rest = policy.deny_beyond && policy.mode == Mode::Enforce;
    if exchange.body().bytes.get() > policy.max || (!received.complete && refuses_rest) {
        return Err(Fault::TooLarge);
    }
    Ok((received, None))
}

/// Asks the engine. `None`: it failed, and the policy allows then.
async fn inspect(
    exchange: &mut Exchange,
    parts: &request::Parts,
    route: &Route,
    received: &Received,
) -> Result<Option<Verdict>, Fault> {
    let begun = Instant::now();
    let subject = exchange.subject(route);
    let judged = inspect::request(
        exchange.worker(),
        &exchange.snapshot(),
        &route.policy,
        parts,
        &subject,
        &received
            .prefix
            .slice(..received.prefix.len().min(route.policy.inspect)),
        received.complete,
    )
    .await;
    exchange.timed(Stage::Inspect, begun.elapsed());
    match judged {
        Ok(verdict) => Ok(Some(verdict)),
        Err(_)
            if route.policy.deny_on_failure
                && exchange.decide(Action::Deny, route.policy.mode == Mode::Observe) =>
        {
            Err(Fault::EngineFailed)
        }
        Err(_) => Ok(None),
    }
}

/// Does what the verdict says, or only notes it where the policy observes.
async fn enforce(
    exchange: &mut Exchange,
    verdict: Option<Verdict>,
    policy: &Policy,
    observing: bool,
    headers: &mut HeaderMap,
) -> Result<(), Fault> {
    let Some(verdict) = verdict else {
        return Ok(());
    };
    let reaction = verdict
        .behaviour
        .as_ref()
        .map_or(Reaction::None, |judgement| judgement.reaction);
    let action = verdict.action.max(asked_by(reaction));
    let score = verdict.score;
    exchange.judged(verdict);
    if action == Action::Allow || !exchange.decide(action, observing) {
        return Ok(());
    }
    match action {
        Action::Allow => Ok(()),
        Action::Tag => {
            // A score from 0 to 100 is always a valid header value.
            if let Ok(value) = HeaderValue::from_str(&format!("{score:.0}")) {
                headers.insert(policy.tag_header.clone(), value);
            }
            Ok(())
        }
        Action::Throttle => match policy.throttle_delay {
            None => Err(Fault::Throttled(pause(reaction))),
            Some(delay) => {
                tokio::time::sleep(delay.max(tarpit(reaction))).await;
                Ok(())
            }
        },
        Action::Deny => Err(Fault::Denied),
    }
}

/// The action that the behaviour of a subject asks for.
const fn asked_by(reaction: Reaction) -> Action {
    match reaction {
        Reaction::None => Action::Allow,
        Reaction::Throttle { .. } => Action::Throttle,
        Reaction::Deny | Reaction::Ban { .. } => Action::Deny,
    }
}

/// After how many seconds a throttled client may try again.
fn pause(reaction: Reaction) -> u64 {
    match reaction {
        Reaction::Throttle { retry_after, .. } => retry_after.as_secs().max(1),
        Reaction::None | Reaction::Deny | Reaction::Ban { .. } => THROTTLE_SECONDS,
    }
}

/// How long a throttled request is held at least, where the policy delays.
fn tarpit(reaction: Reaction) -> Duration {
    match reaction {
        Reaction::Throttle { delay, .. } => delay.min(LONGEST_DELAY),
        Reaction::None | Reaction::Deny | Reaction::Ban { .. } => Duration::ZERO,
    }
}

/// Forwards the request and waits for the head of the answer.
async fn send(
    exchange: &mut Exchange,
    upstream: &Rc<Upstream>,
    mut parts: request::Parts,
    body: Outgoing,
    websocket: bool,
) -> Result<Answered, Fault> {
    let server = upstream.choose().clone();
    let spec = server.server_spec();
    exchange.goes_to(&upstream.spec.name, &spec.authority);
    let http2 = !websocket && upstream.speaks_http2(grpc::is_grpc(&parts.headers));
    let hop = Hop {
        peer: exchange.peer(),
        trusted: exchange.peer_is_trusted(),
        scheme: exchange.scheme(),
        host: exchange.host(),
        id: exchange.id(),
        http2,
    };
    forward::request(&mut parts, &hop);
    if !upstream.spec.preserve_host
        && let Ok(host) = HeaderValue::from_str(&spec.authority)
    {
        parts.headers.insert(header::HOST, host);
    }
    upstream.spec.request_edits.apply(&mut parts.headers);
    parts.uri = upstream.target(&server, &parts.uri, &parts.headers, http2);
    if http2 {
        parts.headers.remove(header::HOST);
    }
    parts.extensions.clear();
    let mut request = Request::from_parts(parts, body);
    if websocket {
        forward::ask_for_websocket(&mut request);
    }
    let begun = Instant::now();
    let answered = upstream.send(server, request, http2, exchange.body()).await;
    exchange.answered_after(begun.elapsed());
    let answered = answered.map_err(|error| exchange.upstream_failed(error))?;
    exchange.got_answer();
    Ok(answered)
}

/// The upstream's answer as it is to leave: its head cleaned and edited, its body not read yet.
fn take_answer(
    exchange: &Exchange,
    upstream: &Upstream,
    answered: Answered,
) -> (response::Parts, UpstreamBody) {
    let (mut parts, incoming) = answered.response.into_parts();
    forward::response(&mut parts.headers);
    upstream.spec.response_edits.apply(&mut parts.headers);
    parts
        .headers
        .insert(X_REQUEST_ID, exchange.id().header_value());
    parts.version = Version::HTTP_11;
    parts.extensions.clear();
    let streams = answer::is_stream(&parts.headers);
    let idle = (!streams).then_some(upstream.spec.idle);
    let body = UpstreamBody::new(incoming, answered.lease, idle);
    (parts, body)
}

/// Judges the answer where the policy asks for that. Its beginning is held meanwhile.
async fn inspect_answer(
    exchange: &mut Exchange,
    route: &Route,
    head: &mut response::Parts,
    body: UpstreamBody,
) -> Result<ResponseBody, Fault> {
    let policy = &route.policy;
    let Some(answers) = &policy.answers else {
        return Ok(ResponseBody::upstream(body));
    };
    let scope = answer::scope(exchange.method(), head.status, &head.headers);
    if scope == answer::Scope::Nothing {
        return Ok(ResponseBody::upstream(body));
    }
    let observing = policy.mode == Mode::Observe;
    let begun = Instant::now();
    let held = Held::of(body, answers.hold(scope)).await;
    exchange.timed(Stage::Hold, begun.elapsed());
    if held.is_broken() && !observing {
        return Err(exchange.answer_broke_early(held.ended == Ended::Stalled));
    }
    let subject = answer::Subject {
        status: head.status,
        route: route.name.clone(),
        path: exchange.path().into(),
        scope,
    };
    let (worker, snapshot) = (exchange.worker().clone(), exchange.snapshot());
    let begun = Instant::now();
    let judged = answer::judge(&worker, &snapshot, policy, subject, &head.headers, &held).await;
    exchange.timed(Stage::Answer, begun.elapsed());
    enforce_answer(exchange, judged, policy, head, held)
}

/// Does what the verdict on the answer says, or only notes it where the policy observes.
fn enforce_answer(
    exchange: &mut Exchange,
    judged: Result<Judged, EngineFailure>,
    policy: &Policy,
    head: &mut response::Parts,
    mut held: Held,
) -> Result<ResponseBody, Fault> {
    let observing = policy.mode == Mode::Observe;
    let Ok(mut judged) = judged else {
        return match exchange.answer_not_judged(policy.deny_on_failure, observing) {
            true => Err(Fault::AnswerFailed),
            false => Ok(ResponseBody::held(held)),
        };
    };
    match exchange.answer_judged(&mut judged, observing) {
        Done::Pass => {}
        Done::Mask => judged.apply(head, &mut held),
        Done::Deny => return Err(Fault::AnswerDenied),
    }
    Ok(ResponseBody::held(held))
}
