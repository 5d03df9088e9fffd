//! Single sign-on against a small provider on loopback, with real RSA keys and signatures: what it should send, and
//! everything that somebody else might send in its place.

use std::sync::{Arc, LazyLock, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{Method, header};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openidconnect::url::{Url, form_urlencoded};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rsa::pkcs8::EncodePrivateKey;
use rsa::traits::PublicKeyParts;
use serde_json::json;
use tokio::net::TcpListener;

use super::*;
use crate::access::clock::{Clock, SystemClock};
use crate::access::tests::{Answer, World};
use crate::access::{self, secret};

const BACK: &str = "/api/v1/oidc/callback";

/// Two keys: the provider's, and somebody else's.
static KEYS: LazyLock<[rsa::RsaPrivateKey; 2]> = LazyLock::new(|| {
    [(); 2].map(|()| rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).expect("a key"))
});

/// What the provider puts into the token that it hands out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Forge {
    Nothing,
    Unsigned,
    OtherKey,
    SharedSecret,
    PublicKeyAsSecret,
    TurnedClaims,
    OtherIssuer,
    OtherAudience,
    OtherNonce,
    Expired,
    OtherAccessToken,
    NoToken,
}

/// The provider.
#[derive(Clone)]
struct Issuer(Arc<Mutex<Inside>>);

struct Inside {
    url: String,
    forge: Forge,
    claims: Value,
    /// Of the one log-in under way: what the browser was sent with.
    nonce: String,
    challenge: String,
    /// How often keys were asked for, and which of the two are shown.
    key_set: usize,
    asked: usize,
}

impl Issuer {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let issuer = Self(Arc::new(Mutex::new(Inside {
            url,
            forge: Forge::Nothing,
            claims: json!({"sub": "7", "preferred_username": "ada", "groups": ["ops"]}),
            nonce: String::new(),
            challenge: String::new(),
            key_set: 0,
            asked: 0,
        })));
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .route("/token", post(token))
            .with_state(issuer.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        issuer
    }

    fn inside<T>(&self, look: impl FnOnce(&mut Inside) -> T) -> T {
        look(&mut self.0.lock().expect("no test panicked with it"))
    }

    fn url(&self) -> String {
        self.inside(|inside| inside.url.clone())
    }

    /// What its log-in page does: notes what the browser brings, and sends it back with a code.
    fn authorize(&self, location: &str) -> String {
        let url = Url::parse(location).expect("a URL");
        let query = |name: &str| {
            let found = url.query_pairs().find(|(key, _)| key == name);
            found
                .map(|(_, value)| value.into_owned())
                .unwrap_or_default()
        };
        assert!(
            location.starts_with(&format!("{}/authorize?", self.url())),
            "{location}"
        );
        assert_eq!(query("response_type"), "code");
        assert_eq!(query("client_id"), "gate");
        assert_eq!(query("redirect_uri"), format!("https://gate.example{BACK}"));
        assert_eq!(query("scope"), "openid groups");
        assert_eq!(query("code_challenge_method"), "S256");
        self.inside(|inside| {
            inside.nonce = query("nonce");
            inside.challenge = query("code_challenge");
        });
        query("state")
    }
}

async fn discovery(State(issuer): State<Issuer>) -> impl IntoResponse {
    let url = issuer.url();
    axum::Json(json!({
        "issuer": url,
        "authorization_endpoint": format!("{url}/authorize"),
        "token_endpoint": format!("{url}/token"),
        "jwks_uri": format!("{url}/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        // It offers what nobody should accept, too.
        "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
    }))
}

async fn keys(State(issuer): State<Issuer>) -> impl IntoResponse {
    let shown = issuer.inside(|inside| {
        inside.asked += 1;
        inside.key_set
    });
    let key = &KEYS[shown];
    axum::Json(json!({"keys": [{
        "kty": "RSA", "use": "sig", "alg": "RS256", "kid": format!("key-{shown}"),
        "n": encode(key.n().to_bytes_be()), "e": encode(key.e().to_bytes_be()),
    }]}))
}

async fn token(State(issuer): State<Issuer>, body: String) -> impl IntoResponse {
    let form: Vec<(String, String)> = form_urlencoded::parse(body.as_bytes())
        .into_owned()
        .collect();
    let field = |name: &str| {
        let found = form.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str()).unwrap_or_default()
    };
    let challenge = encode(ring::digest::digest(
        &ring::digest::SHA256,
        field("code_verifier").as_bytes(),
    ));
    let is_ours =
        issuer.inside(|inside| inside.challenge == challenge) && field("code") == "the-code";
    if !is_ours {
        let error = axum::Json(json!({"error": "invalid_grant"}));
        return (axum::http::StatusCode::BAD_REQUEST, error).into_response();
    }
    let mut answer = json!({"access_token": "opaque", "token_type": "Bearer", "expires_in": 60});
    let token = issuer.inside(|inside| inside.token());
    if let Some(token) = token {
        answer["id_token"] = token.into();
    }
    axum::Json(answer).into_response()
}

impl Inside {
    fn token(&self) -> Option<String> {
        let now = SystemClock.now() / 1000;
        let mut claims = self.claims.clone();
        claims["iss"] = self.url.clone().into();
        claims["aud"] = json!(["gate"]);
        claims["nonce"] = self.nonce.clone().into();
        claims["iat"] = now.into();
        claims["exp"] = (now + 60).into();
        claims["at_hash"] = half_hash("opaque").into();
        match self.forge {
            Forge::OtherIssuer => claims["iss"] = "https://evil.example".into(),
            Forge::OtherAudience => claims["aud"] = json!(["another"]),
            Forge::OtherNonce => claims["nonce"] = "of another log-in".into(),
            Forge::Expired => claims["exp"] = (now - 60).into(),
            Forge::OtherAccessToken => claims["at_hash"] = half_hash("another").into(),
            Forge::NoToken => return None,
            _ => {}
        }
        let kid = format!("key-{}", self.key_set);
        let algorithm = match self.forge {
            Forge::Unsigned => "none",
            Forge::SharedSecret | Forge::PublicKeyAsSecret => "HS256",
            _ => "RS256",
        };
        let head = json!({"alg": algorithm, "kid": kid, "typ": "JWT"});
        let message = format!(
            "{}.{}",
            encode(head.to_string()),
            encode(claims.to_string())
        );
        let signature = match self.forge {
            Forge::Unsigned => Vec::new(),
            Forge::SharedSecret => hmac(b"the client's secret", &message),
            Forge::PublicKeyAsSecret => hmac(&KEYS[self.key_set].n().to_bytes_be(), &message),
            Forge::OtherKey => sign(&KEYS[1 - self.key_set], &message),
            _ => sign(&KEYS[self.key_set], &message),
        };
        let message = match self.forge {
            Forge::TurnedClaims => {
                claims["groups"] = json!(["root"]);
                format!(
                    "{}.{}",
                    encode(head.to_string()),
                    encode(claims.to_string())
                )
            }
            _ => message,
        };
        Some(format!("{message}.{}", encode(signature)))
    }
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn half_hash(token: &str) -> String {
    let hash = ring::digest::digest(&ring::digest::SHA256, token.as_bytes());
    encode(&hash.as_ref()[..16])
}

fn hmac(key: &[u8], message: &str) -> Vec<u8> {
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, key);
    ring::hmac::sign(&key, message.as_bytes()).as_ref().to_vec()
}

fn sign(key: &rsa::RsaPrivateKey, message: &str) -> Vec<u8> {
    let der = key.to_pkcs8_der().expect("written");
    let pair = RsaKeyPair::from_pkcs8(der.as_bytes()).expect("read");
    let mut signature = vec![0; pair.public().modulus_len()];
    let random = SystemRandom::new();
    pair.sign(
        &RSA_PKCS1_SHA256,
        &random,
        message.as_bytes(),
        &mut signature,
    )
    .expect("signed");
    signature
}

async fn world(issuer: &Issuer) -> World {
    let oidc = Settings {
        issuer: issuer.url(),
        client_id: "gate".to_owned(),
        client_secret: Some(Hidden("the client's secret".to_owned())),
        scopes: vec!["groups".to_owned()],
        name_claim: "preferred_username".to_owned(),
        role_claim: "groups".to_owned(),
        roles: [
            (Role::Viewer, vec!["staff".to_owned()]),
            (Role::Admin, vec!["ops".to_owned()]),
        ]
        .into(),
        default_role: None,
        tenant_claim: None,
        authorities: Vec::new(),
    };
    World::new(access::Settings {
        public_origin: Some("https://gate.example".to_owned()),
        oidc: Some(oidc),
        ..access::Settings::default()
    })
    .await
}

/// Sends a browser to the provider; the state it brings back, and its cookie.
async fn begin(world: &World, issuer: &Issuer) -> (String, String) {
    let answer = world.get("/api/v1/oidc/login").send().await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    let cookie = answer.header("set-cookie");
    assert!(
        cookie.ends_with("; HttpOnly; SameSite=Lax; Secure"),
        "{cookie}"
    );
    (issuer.authorize(answer.header("location")), answer.cookie())
}

async fn finish(world: &World, code: &str, state: &str, cookie: &str) -> Answer {
    let path = format!("{BACK}?code={code}&state={state}");
    world.get(&path).cookie(cookie).send().await
}

async fn log_in(world: &World, issuer: &Issuer) -> Answer {
    let (state, cookie) = begin(world, issuer).await;
    finish(world, "the-code", &state, &cookie).await
}

#[tokio::test]
async fn somebody_comes_in_by_the_provider_and_has_the_role_it_gives() {
    let issuer = Issuer::start().await;
    let world = world(&issuer).await;
    let answer = log_in(&world, &issuer).await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (303, "/"),
        "{}",
        answer.body
    );
    let session = answer.header("set-cookie");
    assert!(
        session.starts_with("__Host-portcullis=") && session.contains("SameSite=Lax; Secure"),
        "{session}"
    );
    let me = world
        .get("/api/v1/session")
        .cookie(&answer.cookie())
        .send()
        .await
        .json();
    assert_eq!(
        (me["name"].as_str(), me["role"].as_str()),
        (Some("sso:ada"), Some("admin"))
    );
    let users = world
        .get("/api/v1/users")
        .cookie(&answer.cookie())
        .send()
        .await
        .json();
    assert_eq!(users["users"][0]["single_sign_on"], true);
    let login = json!({"name": "sso:ada", "password": ""});
    let login = world.ask(Method::POST, "/api/v1/login").json(login);
    assert_eq!(login.status().await, 401, "there is no password to guess");

    // Another of the same name, and a last admin who is to be one no longer, are not let in.
    let set = |claims: Value| issuer.inside(|inside| inside.claims = claims);
    set(json!({"sub": "8", "preferred_username": "ada", "groups": ["staff"]}));
    assert_eq!(log_in(&world, &issuer).await.status, 409);
    set(json!({"sub": "7", "preferred_username": "ada", "groups": ["staff"]}));
    assert_eq!(log_in(&world, &issuer).await.status, 403);
    world.user("root", Role::Admin, None).await;
    let answer = log_in(&world, &issuer).await;
    let me = world
        .get("/api/v1/session")
        .cookie(&answer.cookie())
        .send()
        .await
        .json();
    assert_eq!(me["role"], "viewer", "the provider decides at every log-in");
    set(json!({"sub": "9", "preferred_username": "eve", "groups": ["none"]}));
    assert_eq!(log_in(&world, &issuer).await.status, 403);

    let trail = world.trail().await;
    let ours: Vec<_> = trail
        .iter()
        .filter(|event| event.action == "single sign-on")
        .collect();
    let outcomes: Vec<_> = ours.iter().map(|event| event.outcome.as_str()).collect();
    assert_eq!(outcomes, ["done", "refused", "refused", "done", "refused"]);
    assert_eq!(ours[0].who, "sso:ada");
}

#[tokio::test]
async fn what_the_provider_did_not_sign_opens_nothing() {
    let issuer = Issuer::start().await;
    let world = world(&issuer).await;
    for forge in [
        Forge::Unsigned,
        Forge::OtherKey,
        Forge::SharedSecret,
        Forge::PublicKeyAsSecret,
        Forge::TurnedClaims,
        Forge::OtherIssuer,
        Forge::OtherAudience,
        Forge::OtherNonce,
        Forge::Expired,
        Forge::OtherAccessToken,
        Forge::NoToken,
    ] {
        issuer.inside(|inside| inside.forge = forge);
        world.clock.pass(60_000);
        let answer = log_in(&world, &issuer).await;
        assert_eq!(answer.status, 403, "{forge:?}: {}", answer.body);
        assert!(
            answer.headers.get(header::SET_COOKIE).is_none(),
            "{forge:?}"
        );
    }
    let accounts = world.access.accounts().expect("a store");
    assert!(accounts.users().await.expect("read").is_empty());
    issuer.inside(|inside| inside.forge = Forge::Nothing);
    world.clock.pass(60_000);
    assert_eq!(
        log_in(&world, &issuer).await.status,
        303,
        "the same, unforged"
    );
}

#[tokio::test]
async fn a_browser_brings_back_what_it_was_sent_with() {
    let issuer = Issuer::start().await;
    let world = world(&issuer).await;
    let (state, cookie) = begin(&world, &issuer).await;
    let (_, other) = begin(&world, &issuer).await;
    let (_, value) = cookie.split_once('=').expect("a pair");
    let stolen = format!("__Host-portcullis={value}");
    for (code, state, cookie) in [
        ("the-code", "", cookie.as_str()),
        ("the-code", "of-another", &cookie),
        ("the-code", &state, ""),
        ("the-code", &state, &other),
        ("the-code", &state, &stolen),
        ("", &state, &cookie),
    ] {
        let answer = finish(&world, code, state, cookie).await;
        assert_eq!(
            answer.status, 403,
            "{code} {state} {cookie}: {}",
            answer.body
        );
    }
    // A code that was given for another browser's challenge is refused by the provider.
    assert_eq!(
        finish(&world, "the-code", &state, &cookie).await.status,
        403
    );
    let (state, cookie) = begin(&world, &issuer).await;
    assert_eq!(
        finish(&world, "another-code", &state, &cookie).await.status,
        403
    );
    let denied = world
        .get(&format!("{BACK}?error=access_denied&state={state}"))
        .cookie(&cookie);
    assert_eq!(denied.status().await, 403);
    world.clock.pass(60_000);
    let (state, cookie) = begin(&world, &issuer).await;
    world.clock.pass(600_001);
    assert_eq!(
        finish(&world, "the-code", &state, &cookie).await.status,
        403,
        "too late"
    );
    for _ in 0..10 {
        finish(&world, "the-code", "guess", &cookie).await;
    }
    assert_eq!(
        finish(&world, "the-code", "guess", &cookie).await.status,
        429
    );
}

#[tokio::test]
async fn keys_may_change_and_the_provider_may_be_away() {
    let issuer = Issuer::start().await;
    let world = world(&issuer).await;
    assert_eq!(log_in(&world, &issuer).await.status, 303);
    issuer.inside(|inside| inside.key_set = 1);
    assert_eq!(
        log_in(&world, &issuer).await.status,
        403,
        "asked a moment ago"
    );
    world.clock.pass(60_000);
    assert_eq!(log_in(&world, &issuer).await.status, 303, "asked again");
    assert_eq!(issuer.inside(|inside| inside.asked), 2, "and only then");

    let mut settings = access::Settings::clone(&world.access.settings());
    let oidc = settings.oidc.as_mut().expect("set");
    oidc.issuer = "http://127.0.0.1:1".to_owned();
    world.access.apply(settings.clone());
    let answer = world.get("/api/v1/oidc/login").send().await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, "5"));
    settings.oidc = None;
    world.access.apply(settings);
    assert_eq!(world.get("/api/v1/oidc/login").status().await, 404);
}

#[tokio::test]
async fn the_way_to_the_provider_may_be_tls_by_a_named_authority_only() {
    let tls = fetch::tls(b"").expect("made");
    for (url, words) in [
        ("ftp://127.0.0.1/", "no http"),
        ("/relative", "no http"),
        ("http://127.0.0.1:1/", "connection failed"),
    ] {
        let request = hyper::Request::get(url)
            .body(Vec::new())
            .expect("a request");
        let error = fetch::fetch(request, tls.clone())
            .await
            .expect_err("refused");
        assert!(error.to_string().contains(words), "{url}: {error}");
    }
    let broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert!(fetch::tls(broken).is_err());
    assert_eq!(format!("{:?}", Hidden("x".to_owned())), "…");
    assert_ne!(secret::id(), secret::id());
}
