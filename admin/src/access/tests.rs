//! The guard and the routes of users as programs and browsers meet them: [`matrix`] walks the table of routes, [`flow`]
//! follows people. [`World`] is a small installation with a clock that tests move.

mod flow;
mod matrix;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST, ORIGIN, SET_COOKIE};
use axum::http::{HeaderMap, Method, Request};
use portcullis_store::Scope;
use portcullis_store::access::{Session, User};
use portcullis_store::audit::{self, Event, Wanted};
use serde_json::Value;
use tower::ServiceExt;

use super::clock::SetClock;
use super::*;
use crate::caller::Role;
use crate::users;
use crate::users::tokens;

/// When tests begin, in milliseconds since 1970.
pub(crate) const START: i64 = 1_800_000_000_000;
/// Where the admin plane is reached at.
pub(crate) const OURS: &str = "http://127.0.0.1:9901";

/// A small installation.
pub(crate) struct World {
    pub(crate) access: Access,
    pub(crate) clock: Arc<SetClock>,
    router: Router,
    _folder: tempfile::TempDir,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

/// A request as it is put together.
pub(crate) struct Ask<'a> {
    world: &'a World,
    request: axum::http::request::Builder,
    body: String,
    peer: [u8; 4],
}

impl World {
    /// With the routes of users behind the guard.
    pub(crate) async fn new(settings: Settings) -> Self {
        Self::with(settings, |access| users::router(access.clone())).await
    }

    /// With other routes.
    pub(crate) async fn with(settings: Settings, routes: impl FnOnce(&Access) -> Router) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let database = Database::open_file(&folder.path().join("a.db")).await;
        let clock = Arc::new(SetClock::at(START));
        let database = Some(database.expect("it opens"));
        let access = Access::with_clock(database, settings, clock.clone());
        let router = access.protect(routes(&access));
        Self {
            access,
            clock,
            router,
            _folder: folder,
        }
    }

    pub(crate) fn ask(&self, method: Method, path: &str) -> Ask<'_> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, "127.0.0.1:9901");
        Ask {
            world: self,
            request,
            body: String::new(),
            peer: [192, 0, 2, 1],
        }
    }

    pub(crate) fn get(&self, path: &str) -> Ask<'_> {
        self.ask(Method::GET, path)
    }

    /// A POST made on a page of ours.
    pub(crate) fn post(&self, path: &str, body: Value) -> Ask<'_> {
        self.ask(Method::POST, path).ours().json(body)
    }

    /// Makes a user without a password.
    pub(crate) async fn user(&self, name: &str, role: Role, tenant: Option<&str>) -> User {
        let user = User {
            name: name.to_owned(),
            role: role.to_string(),
            tenant: tenant.map(str::to_owned),
            created: START,
            ..User::default()
        };
        let accounts = self.access.accounts().expect("there is a store");
        assert!(accounts.add(&user).await.expect("added"), "{name}");
        user
    }

    /// Opens a session past the log-in; its cookie.
    pub(crate) async fn session(&self, name: &str) -> String {
        let id = secret::id().expect("drawn");
        let now = self.clock.now();
        let session = Session {
            hash: secret::hash(&id),
            user: name.to_owned(),
            source: String::new(),
            created: now,
            seen: now,
        };
        let accounts = self.access.accounts().expect("there is a store");
        accounts.open(&session).await.expect("opened");
        format!("portcullis-0={id}")
    }

    /// Makes a token; its text and its id.
    pub(crate) async fn token(
        &self,
        user: &str,
        role: Role,
        families: &[&str],
    ) -> (String, String) {
        let families: Vec<String> = families.iter().map(|family| (*family).to_owned()).collect();
        let (token, row) =
            tokens::make(user, "ci", role, &families, 1, self.clock.now()).expect("made");
        let accounts = self.access.accounts().expect("there is a store");
        assert!(accounts.add_token(&row).await.expect("added"));
        (token, row.id)
    }

    /// The audit trail, oldest first.
    pub(crate) async fn trail(&self) -> Vec<Event> {
        let accounts = self.access.accounts().expect("there is a store");
        let wanted = Wanted {
            limit: 1000,
            ..Wanted::default()
        };
        let mut events = audit::list(accounts.database(), &wanted)
            .await
            .expect("read");
        events.reverse();
        events
    }

    /// Logs in; the session's cookie.
    pub(crate) async fn log_in(&self, name: &str, password: &str) -> String {
        let login = serde_json::json!({"name": name, "password": password});
        let answer = self.post("/api/v1/login", login).send().await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.cookie()
    }
}

impl Ask<'_> {
    pub(crate) fn with(mut self, name: impl AsRef<str>, value: &str) -> Self {
        self.request = self.request.header(name.as_ref(), value);
        self
    }

    pub(crate) fn cookie(self, cookie: &str) -> Self {
        self.with(COOKIE, cookie)
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.with(AUTHORIZATION, &format!("Bearer {token}"))
    }

    /// Made on a page of the admin plane.
    pub(crate) fn ours(self) -> Self {
        self.with(ORIGIN, OURS)
    }

    pub(crate) fn json(mut self, body: Value) -> Self {
        self.body = body.to_string();
        self.with(CONTENT_TYPE, "application/json")
    }

    pub(crate) fn from(mut self, peer: [u8; 4]) -> Self {
        self.peer = peer;
        self
    }

    pub(crate) async fn send(self) -> Answer {
        let mut request = self.request.body(Body::from(self.body)).expect("a request");
        let peer = ConnectInfo(SocketAddr::from((self.peer, 40_000)));
        request.extensions_mut().insert(peer);
        let response = self.world.router.clone().oneshot(request).await;
        let (parts, body) = response.expect("routers do not fail").into_parts();
        let body = to_bytes(body, 1 << 20).await.expect("a body");
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).expect("text"),
        }
    }

    pub(crate) async fn status(self) -> u16 {
        self.send().await.status
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    /// The session's cookie, as a browser sends it back.
    pub(crate) fn cookie(&self) -> String {
        let set = self.headers.get(SET_COOKIE).expect("a cookie is set");
        let set = set.to_str().expect("text");
        set.split(';').next().expect("a pair").to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).expect("the header is there");
        value.to_str().expect("text")
    }
}

/// Settings with one tenant.
pub(crate) fn with_tenant() -> Settings {
    let shop = Scope {
        hosts: vec!["shop.example".to_owned()],
        routes: vec!["shop".to_owned()],
    };
    Settings {
        tenants: [("shop".to_owned(), shop)].into(),
        ..Settings::default()
    }
}
