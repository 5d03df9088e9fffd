//! Every route by everybody. The handlers here answer 200 to whoever gets through, so that the guard alone is seen,
//! also for routes whose handlers live elsewhere.

use axum::routing::{MethodFilter, on};

use super::*;
use crate::routes::{Least, ROUTES};

async fn world(settings: Settings) -> World {
    World::with(settings, |_| {
        let all = ROUTES
            .iter()
            .fold(Router::new(), |router, (method, path, _)| {
                let filter = MethodFilter::try_from(method.clone()).expect("a method");
                router.route(path, on(filter, async || "through"))
            });
        // A handler that nobody has put into the table.
        all.route(
            "/api/v1/forgotten",
            on(MethodFilter::GET, async || "through"),
        )
    })
    .await
}

fn is_change(method: &Method) -> bool {
    method != Method::GET
}

/// A path that a route matches.
fn path(route: &str) -> String {
    let part = |part: &str| if part.starts_with('{') { "1" } else { part }.to_owned();
    route.split('/').map(part).collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn every_route_by_every_role_is_as_the_golden_table_says() {
    let world = world(Settings::default()).await;
    let mut cookies = Vec::new();
    for role in [Role::Viewer, Role::Analyst, Role::Admin] {
        let name = role.to_string();
        world.user(&name, role, None).await;
        cookies.push(world.session(&name).await);
    }
    let mut found = "# method, path: anonymous, viewer, analyst, admin\n".to_owned();
    for (method, route, _) in ROUTES {
        let ask = || world.ask(method.clone(), &path(route)).ours();
        let mut line = format!("{method} {route}: {}", ask().status().await);
        for cookie in &cookies {
            line.push_str(&format!(" {}", ask().cookie(cookie).status().await));
        }
        found.push_str(&line);
        found.push('\n');
    }
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/access.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, &found).expect("written");
    }
    let golden = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(
        found,
        golden,
        "UPDATE_GOLDEN=1 writes {} anew",
        file.display()
    );
}

/// The status, by whether the route changes something.
type Expected = Box<dyn Fn(bool) -> u16>;

/// Headers, by name.
type Built = Vec<(String, String)>;

/// The credentials of the tests below.
struct Cast {
    admin: String,
    idle: String,
    old: String,
    disabled: String,
    first: String,
    token: String,
    weak: String,
    revoked: String,
    ended: String,
}

#[tokio::test]
async fn what_is_no_credential_opens_nothing() {
    let world = world(Settings::default()).await;
    let cast = cast(&world).await;
    let origin = |value: &str| ("origin".to_owned(), value.to_owned());
    let cookie = |value: &str| ("cookie".to_owned(), value.to_owned());
    let bearer = |value: &str| ("authorization".to_owned(), format!("Bearer {value}"));
    let ours = || origin(OURS);
    let site = |value: &str| ("sec-fetch-site".to_owned(), value.to_owned());
    let elsewhere = |change: bool| if change { 403 } else { 200 };
    let never = |_: bool| 401;
    let always = |_: bool| 200;
    // Who, their headers, and what becomes of them at a route that needs a role: by whether it changes something.
    let cases: Vec<(&str, Built, Expected)> = vec![
        (
            "an admin",
            vec![cookie(&cast.admin), ours()],
            Box::new(always),
        ),
        (
            "an admin, fetched by our page",
            vec![cookie(&cast.admin), site("same-origin")],
            Box::new(always),
        ),
        (
            "an admin's token",
            vec![bearer(&cast.token)],
            Box::new(always),
        ),
        (
            "an admin's token, from another page",
            vec![bearer(&cast.token), origin("http://evil.example")],
            Box::new(always),
        ),
        (
            "a page elsewhere",
            vec![cookie(&cast.admin), origin("http://evil.example")],
            Box::new(elsewhere),
        ),
        (
            "a page without an origin",
            vec![cookie(&cast.admin), origin("null")],
            Box::new(elsewhere),
        ),
        (
            "a page of the same site",
            vec![cookie(&cast.admin), site("same-site")],
            Box::new(elsewhere),
        ),
        (
            "a page on another port",
            vec![cookie(&cast.admin), origin("http://127.0.0.1:8080")],
            Box::new(elsewhere),
        ),
        (
            "a cookie without an origin",
            vec![cookie(&cast.admin)],
            Box::new(elsewhere),
        ),
        (
            "an idle session",
            vec![cookie(&cast.idle), ours()],
            Box::new(never),
        ),
        (
            "an old session",
            vec![cookie(&cast.old), ours()],
            Box::new(never),
        ),
        (
            "a user who is shut out",
            vec![cookie(&cast.disabled), ours()],
            Box::new(never),
        ),
        (
            "a made-up session",
            vec![cookie("portcullis-0=AAAA"), ours()],
            Box::new(never),
        ),
        (
            "an empty session",
            vec![cookie("portcullis-0="), ours()],
            Box::new(never),
        ),
        (
            "the hash of a session",
            vec![
                cookie(&format!(
                    "portcullis-0={}",
                    secret::hash(cast.admin.get(13..).expect("a cookie"))
                )),
                ours(),
            ],
            Box::new(never),
        ),
        (
            "a session twice",
            vec![cookie(&format!("{0}; {0}", cast.admin)), ours()],
            Box::new(never),
        ),
        (
            "a session as a token",
            vec![bearer(cast.admin.get(13..).expect("a cookie"))],
            Box::new(never),
        ),
        (
            "a revoked token",
            vec![bearer(&cast.revoked)],
            Box::new(never),
        ),
        (
            "a token that has ended",
            vec![bearer(&cast.ended)],
            Box::new(never),
        ),
        (
            "a token in another case",
            vec![bearer(&cast.token.to_uppercase())],
            Box::new(never),
        ),
        (
            "a token cut short",
            vec![bearer(cast.token.get(..46).expect("a token"))],
            Box::new(never),
        ),
        (
            "an unsigned JSON web token",
            vec![bearer(
                "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiIsInJvbGUiOiJhZG1pbiJ9.",
            )],
            Box::new(never),
        ),
        (
            "a bad token beside a good session",
            vec![bearer("ptc_x"), cookie(&cast.admin), ours()],
            Box::new(never),
        ),
        (
            "a password in a header",
            vec![(
                "authorization".to_owned(),
                "Basic YWRtaW46YWRtaW4=".to_owned(),
            )],
            Box::new(never),
        ),
        (
            "a first user with a one-time password",
            vec![cookie(&cast.first), ours()],
            Box::new(|_| 403),
        ),
    ];
    for (who, headers, expected) in &cases {
        for (method, route, least) in ROUTES {
            if *least == Least::Anybody {
                continue;
            }
            let ask = world.ask(method.clone(), &path(route));
            let ask = headers
                .iter()
                .fold(ask, |ask, (name, value)| ask.with(name, value));
            let first_steps = ["/api/v1/password", "/api/v1/session", "/api/v1/logout"];
            let expected = match expected(is_change(method)) {
                _ if who.contains("one-time") && first_steps.contains(route) => 200,
                status => status,
            };
            let answer = ask.send().await;
            assert_eq!(
                answer.status, expected,
                "{who}: {method} {route}: {}",
                answer.body
            );
            if answer.status >= 400 {
                assert_eq!(answer.header("content-type"), "application/problem+json");
            }
        }
    }
    let weak = world.ask(Method::POST, "/api/v1/users").bearer(&cast.weak);
    assert_eq!(
        weak.status().await,
        403,
        "a token of an admin made for looking"
    );
}

async fn cast(world: &World) -> Cast {
    for name in ["admin", "gone", "idler"] {
        world.user(name, Role::Admin, None).await;
    }
    let first = User {
        must_change: true,
        ..world.user("first", Role::Admin, None).await
    };
    let accounts = world.access.accounts().expect("there is a store");
    accounts
        .set_password("first", "x", first.must_change)
        .await
        .expect("set");
    let (ended, _) = world.token("admin", Role::Admin, &[]).await;
    // The old session is used all the time and ends all the same.
    let old = world.session("idler").await;
    for _ in 0..25 {
        world.clock.pass(29 * 60_000);
        world.get("/api/v1/session").cookie(&old).send().await;
    }
    assert_eq!(
        world.get("/api/v1/session").cookie(&old).status().await,
        401
    );
    world.clock.pass(24 * 3_600_000);
    let idle = world.session("idler").await;
    world.clock.pass(30 * 60_000);
    let (revoked, id) = world.token("admin", Role::Admin, &[]).await;
    assert!(accounts.remove_token(&id, None).await.expect("removed"));
    let disabled = world.session("gone").await;
    let gone = User {
        disabled: true,
        ..accounts.user("gone").await.expect("read").expect("there")
    };
    assert!(accounts.change(&gone).await.expect("changed"));
    Cast {
        admin: world.session("admin").await,
        idle,
        old,
        disabled,
        first: world.session("first").await,
        token: world.token("admin", Role::Admin, &[]).await.0,
        weak: world.token("admin", Role::Viewer, &[]).await.0,
        revoked,
        ended,
    }
}

#[tokio::test]
async fn what_stands_in_no_table_is_closed() {
    let world = world(Settings::default()).await;
    world.user("ada", Role::Admin, None).await;
    let cookie = world.session("ada").await;
    for (method, path, expected, allow) in [
        (Method::GET, "/api/v1/forgotten", 404, None),
        (Method::GET, "/api/v1/none", 404, None),
        (Method::GET, "/", 404, None),
        (Method::GET, "/metrics/", 404, None),
        (Method::GET, "/api/v1/../v1/users", 404, None),
        (Method::GET, "/api/v1/USERS", 404, None),
        (Method::POST, "/metrics", 405, Some("GET, HEAD")),
        (Method::PUT, "/api/v1/users", 405, Some("GET, HEAD, POST")),
        (Method::TRACE, "/api/v1/users", 405, Some("GET, HEAD, POST")),
        (Method::HEAD, "/api/v1/users", 200, None),
    ] {
        let answer = world
            .ask(method.clone(), path)
            .ours()
            .cookie(&cookie)
            .send()
            .await;
        assert_eq!(answer.status, expected, "{method} {path}: {}", answer.body);
        if let Some(allow) = allow {
            assert_eq!(answer.header("allow"), allow, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn a_websocket_is_held_to_the_origin_though_it_is_a_get() {
    let world = world(Settings::default()).await;
    world.user("ada", Role::Admin, None).await;
    let cookie = world.session("ada").await;
    let upgrade = || {
        let ask = world.get("/api/v1/session").cookie(&cookie);
        ask.with("upgrade", "websocket")
            .with("connection", "upgrade")
    };
    assert_eq!(upgrade().ours().status().await, 200);
    assert_eq!(upgrade().status().await, 403);
    let evil = upgrade().with("origin", "http://evil.example");
    assert_eq!(evil.status().await, 403);
}

#[tokio::test]
async fn who_belongs_to_a_tenant_gets_its_routes_and_scope() {
    let world = world(with_tenant()).await;
    world.user("ada", Role::Analyst, Some("shop")).await;
    world.user("bob", Role::Viewer, Some("gone")).await;
    // Somebody made this row by hand: the role is capped all the same.
    world.user("eve", Role::Admin, Some("shop")).await;
    for name in ["ada", "bob", "eve"] {
        let cookie = world.session(name).await;
        for (method, route, least) in ROUTES {
            let open = *least == Least::Anybody || tenant::may_use(route);
            let needs_admin = *least == Least::Role(Role::Admin);
            let ask = world
                .ask(method.clone(), &path(route))
                .ours()
                .cookie(&cookie);
            let found = ask.status().await;
            let needs_analyst = *least == Least::Role(Role::Analyst) && name == "bob";
            let expected = if open && !needs_admin && !needs_analyst {
                200
            } else {
                403
            };
            assert_eq!(found, expected, "{name}: {method} {route}");
        }
    }
    let settings = world.access.settings();
    let owned = settings.tenants["shop"].clone();
    let accounts = world.access.accounts().expect("there is a store");
    for (name, expected) in [("ada", owned), ("bob", Scope::default())] {
        let user = accounts.user(name).await.expect("read").expect("there");
        assert_eq!(tenant::scope_of(&user, &settings), Some(expected), "{name}");
    }
}

#[tokio::test]
async fn a_token_of_families_is_for_these_alone() {
    let world = world(Settings::default()).await;
    world.user("ada", Role::Admin, None).await;
    let (token, _) = world.token("ada", Role::Admin, &["users"]).await;
    for (method, route, least) in ROUTES {
        if *least == Least::Anybody {
            continue;
        }
        let family = token::family(route).unwrap_or_default();
        let expected = if ["users", "session"].contains(&family) {
            200
        } else {
            403
        };
        let ask = world.ask(method.clone(), &path(route)).bearer(&token);
        assert_eq!(ask.status().await, expected, "{method} {route}");
    }
}

#[tokio::test]
async fn the_metrics_may_have_a_token_of_their_own() {
    let settings = Settings {
        metrics_token: Some(secret::hash("scrape me")),
        ..Settings::default()
    };
    let world = world(settings).await;
    world.user("ada", Role::Viewer, None).await;
    let (token, _) = world.token("ada", Role::Viewer, &[]).await;
    for (bearer, expected) in [
        (None, 401),
        (Some("scrape me"), 200),
        (Some("scrape you"), 401),
        (Some(""), 401),
        (Some(token.as_str()), 200),
    ] {
        let ask = world.get("/metrics");
        let ask = match bearer {
            Some(token) => ask.bearer(token),
            None => ask,
        };
        assert_eq!(ask.status().await, expected, "{bearer:?}");
    }
    assert_eq!(world.get("/healthz").status().await, 200);
    let other = world.get("/api/v1/users").bearer("scrape me");
    assert_eq!(other.status().await, 401, "it opens nothing else");
}

#[tokio::test]
async fn without_a_store_only_what_is_open_is_served() {
    let access = Access::new(None, Settings::default());
    let routes = users::router::<()>(access.clone())
        .route("/metrics", on(MethodFilter::GET, async || "through"));
    let router = access.protect(routes);
    for (method, path, expected) in [
        (Method::GET, "/metrics", 200),
        (Method::GET, "/api/v1/session", 503),
        (Method::GET, "/api/v1/users", 503),
        (Method::POST, "/api/v1/login", 503),
    ] {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(CONTENT_TYPE, "application/json")
            .body(Body::from(r#"{"name":"a","password":"b"}"#))
            .expect("a request");
        let answer = router.clone().oneshot(request).await.expect("answered");
        assert_eq!(answer.status().as_u16(), expected, "{path}");
    }
}
