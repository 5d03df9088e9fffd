//! The two ways to watch: a WebSocket, and the same events as a stream of server-sent events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::sse::{self, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::Stream;
use portcullis_store::Scope;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, timeout, timeout_at};
use utoipa::{IntoParams, OpenApi, ToSchema};

use super::{Event, MOST_WATCHERS, Stats, Topic, Traffic, Watcher};
use crate::alerts::view::AlertEvent;
use crate::api::Api;
use crate::caller::Caller;
use crate::extract::Query;
use crate::gateway::Counted;
use crate::problem::Problem;

/// What to watch.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(super) struct LiveQuestion {
    /// Which events, by commas: `stats`, `traffic`, `alert`. Absent: all.
    #[param(nullable = false, max_length = 300, example = "stats,alert")]
    topics: Option<String>,
}

/// One event.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", content = "data", rename_all = "lowercase")]
pub(super) enum LiveEvent {
    /// The counters, once a second.
    Stats(Stats),
    /// One exchange out of a sample.
    Traffic(Traffic),
    /// An alert that is new or has changed.
    #[schema(value_type = AlertEvent)]
    Alert(serde_json::Value),
    /// So many events were missed because the client read too slowly.
    Missed(u64),
}

/// What a client wants to see, and may.
#[derive(Clone, Debug)]
struct Choice {
    stats: bool,
    traffic: bool,
    alerts: bool,
    /// What of the traffic the client may see; `None` for all.
    scope: Option<Scope>,
    /// Whose alerts the client may see; `None` for all.
    tenant: Option<String>,
}

/// How long a client may take to take one event.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often a silent client is asked whether it is still there.
const PING: Duration = Duration::from_secs(20);

/// How long it may take to answer.
const SILENCE: Duration = Duration::from_secs(60);

/// The longest message that a client may send, in bytes. None is needed.
const MOST_MESSAGE: usize = 1024;

/// The routes of this module.
pub fn router() -> Router<Api> {
    Router::new()
        .route("/api/v1/live", get(socket))
        .route("/api/v1/live/events", get(events))
}

/// The documentation of this module.
#[derive(OpenApi)]
#[openapi(paths(socket, events), components(schemas(LiveEvent, AlertEvent)))]
pub struct Doc;

/// Watch live over a WebSocket
///
/// Each message is one event as JSON, `{"type": …, "data": …}`, see the schema `LiveEvent`. Nothing need be sent.
#[utoipa::path(get, path = "/api/v1/live", tag = "live", params(LiveQuestion), responses(
    (status = 101, description = "Events follow"),
    (status = 400, description = "The question makes no sense", body = Problem, content_type = "application/problem+json"),
    (status = 426, description = "This is no WebSocket handshake", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "Too many watch already", body = Problem, content_type = "application/problem+json"),
))]
async fn socket(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Query(question): Query<LiveQuestion>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let choice = Choice::of(&question, api.scope(&caller), &caller)?;
    let upgrade = upgrade.map_err(|_| {
        Problem::new(
            StatusCode::UPGRADE_REQUIRED,
            "open a WebSocket here, or read /api/v1/live/events",
        )
    })?;
    let watcher = watch(&api)?;
    let upgrade = upgrade
        .max_message_size(MOST_MESSAGE)
        .max_frame_size(MOST_MESSAGE)
        .write_buffer_size(0)
        .max_write_buffer_size(256 * 1024);
    Ok(upgrade.on_upgrade(move |socket| async move {
        let gateway = watcher.gateway.clone();
        if converse(socket, watcher, &choice).await == End::Deaf {
            gateway.count(Counted::Dropped);
        }
    }))
}

/// Watch live as server-sent events
///
/// The same events as over the WebSocket, each named by its type. The stream does not end by itself.
#[utoipa::path(get, path = "/api/v1/live/events", tag = "live", params(LiveQuestion), responses(
    (status = 200, description = "Events follow", body = String, content_type = "text/event-stream"),
    (status = 400, description = "The question makes no sense", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "Too many watch already", body = Problem, content_type = "application/problem+json"),
))]
async fn events(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Query(question): Query<LiveQuestion>,
) -> Result<Response, Problem> {
    let choice = Choice::of(&question, api.scope(&caller), &caller)?;
    let watcher = watch(&api)?;
    let stream = Sse::new(stream(watcher, choice)).keep_alive(KeepAlive::new().interval(PING));
    Ok(stream.into_response())
}

fn watch(api: &Api) -> Result<Watcher, Problem> {
    api.hub()
        .watch(api.shared_gateway())
        .ok_or_else(|| Problem::unavailable(format!("{MOST_WATCHERS} clients watch live already")))
}

impl Choice {
    fn of(question: &LiveQuestion, scope: Option<Scope>, caller: &Caller) -> Result<Self, Problem> {
        let mut choice = Self {
            stats: question.topics.is_none(),
            traffic: question.topics.is_none(),
            alerts: question.topics.is_none(),
            scope,
            tenant: caller.tenant.clone(),
        };
        for word in question.topics.as_deref().unwrap_or_default().split(',') {
            match word {
                "stats" => choice.stats = true,
                "traffic" => choice.traffic = true,
                "alert" | "alerts" => choice.alerts = true,
                "" if question.topics.is_none() => {}
                _ => {
                    return Err(Problem::bad_request(
                        "`topics` names stats, traffic or alert, with commas between them",
                    ));
                }
            }
        }
        // Counters are those of the whole process, which is not one tenant's to see.
        choice.stats &= choice.scope.is_none();
        choice.alerts &= !caller.owns_nothing();
        Ok(choice)
    }

    fn wants(&self, event: &Event) -> bool {
        let (route, host) = &event.concerns;
        let scope = self.scope.as_ref();
        match event.topic {
            Topic::Stats => self.stats,
            Topic::Traffic => self.traffic && scope.is_none_or(|scope| scope.admits(route, host)),
            Topic::Alert => {
                let tenant = self.tenant.as_deref();
                self.alerts && tenant.is_none_or(|tenant| *tenant == *event.tenant)
            }
        }
    }
}

/// The next event for a client, or how many it missed; `None` when the process ends, or the client's time is over.
async fn next(watcher: &mut Watcher, choice: &Choice) -> Option<(&'static str, Arc<str>)> {
    loop {
        let received = timeout_at(watcher.until, watcher.events.recv())
            .await
            .ok()?;
        match received {
            Ok(event) if choice.wants(&event) => return Some((event.topic.as_str(), event.json)),
            Ok(_) => {}
            Err(RecvError::Lagged(count)) => {
                watcher.gateway.count(Counted::Missed(count));
                let json = format!("{{\"type\":\"missed\",\"data\":{count}}}");
                return Some(("missed", json.into()));
            }
            Err(RecvError::Closed) => return None,
        }
    }
}

/// How a conversation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The client left, or the process ends.
    Left,
    /// The client did not read.
    Deaf,
}

async fn converse(mut socket: WebSocket, mut watcher: Watcher, choice: &Choice) -> End {
    let mut heard = Instant::now();
    let mut pings = tokio::time::interval_at(heard + PING, PING);
    loop {
        let message = tokio::select! {
            event = next(&mut watcher, choice) => match event {
                Some((_, json)) => Message::Text(json.as_ref().into()),
                None => break,
            },
            said = socket.recv() => match said {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return End::Left,
                Some(Ok(_)) => {
                    heard = Instant::now();
                    continue;
                }
            },
            _ = pings.tick() => {
                if heard.elapsed() > SILENCE {
                    return End::Deaf;
                }
                Message::Ping(Vec::new().into())
            }
        };
        match timeout(PATIENCE, socket.send(message)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return End::Left,
            Err(_) => return End::Deaf,
        }
    }
    let farewell = CloseFrame {
        code: axum::extract::ws::close_code::AWAY,
        reason: "come again".into(),
    };
    let _ = timeout(PATIENCE, socket.send(Message::Close(Some(farewell)))).await;
    End::Left
}

fn stream(watcher: Watcher, choice: Choice) -> impl Stream<Item = Result<sse::Event, Infallible>> {
    futures_util::stream::unfold((watcher, choice), |(mut watcher, choice)| async move {
        let (topic, json) = next(&mut watcher, &choice).await?;
        let event = sse::Event::default().event(topic).data(&*json);
        Some((Ok(event), (watcher, choice)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caller::Role;

    fn event(topic: Topic, route: &str, host: &str, tenant: &str) -> Event {
        Event {
            topic,
            concerns: (route.into(), host.into()),
            tenant: tenant.into(),
            json: "{}".into(),
        }
    }

    fn choice(tenant: Option<&str>, routes: &[&str], hosts: &[&str]) -> Choice {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let scope = tenant.map(|_| Scope {
            routes: names(routes),
            hosts: names(hosts),
        });
        let caller = Caller {
            name: "somebody".to_owned(),
            role: Role::Viewer,
            tenant: tenant.map(str::to_owned),
            scope: scope.clone(),
        };
        Choice::of(&LiveQuestion::default(), scope, &caller).expect("it makes sense")
    }

    #[test]
    fn a_tenant_watches_its_own_traffic_and_alerts_and_no_counters() {
        let all = choice(None, &[], &[]);
        let own = choice(Some("a"), &["shop"], &["a.test"]);
        let gone = choice(Some("a"), &[], &[]);
        for (topic, route, host, tenant, seen) in [
            (Topic::Traffic, "shop", "", "", true),
            (Topic::Traffic, "other", "a.test", "", true),
            (Topic::Traffic, "other", "b.test", "", false),
            (Topic::Alert, "", "", "", false),
            (Topic::Alert, "", "", "a", true),
            (Topic::Alert, "", "", "b", false),
            (Topic::Stats, "", "", "", false),
        ] {
            let event = event(topic, route, host, tenant);
            assert!(all.wants(&event), "{event:?}");
            assert_eq!(own.wants(&event), seen, "{event:?}");
            assert!(
                !gone.wants(&event),
                "a tenant that is gone owns nothing: {event:?}"
            );
        }
    }
}
