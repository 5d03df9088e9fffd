//! People at the door: the first start, logging in and out, changing what others may do, and what of it stands in the
//! audit trail.

use serde_json::json;

use super::*;
use crate::access::throttle::{FAILURES, WINDOW};

const GOOD: &str = "correct horse battery";

async fn with_admin() -> (World, String) {
    let world = World::new(with_tenant()).await;
    let made = world.access.first_user(Some(GOOD)).await.expect("made");
    assert_eq!(made, None, "a given password is not shown");
    let cookie = world.log_in("admin", GOOD).await;
    (world, cookie)
}

#[tokio::test]
async fn the_first_start_shows_a_password_that_must_be_changed() {
    let world = World::new(Settings::default()).await;
    let once = world.access.first_user(None).await.expect("made");
    let once = once.expect("it is shown");
    assert_eq!(world.access.first_user(None).await.expect("no error"), None);
    assert_eq!(
        world
            .access
            .first_user(Some("another password"))
            .await
            .expect("no error"),
        None,
        "a later start changes nothing"
    );
    let login = json!({"name": "admin", "password": once});
    let answer = world.post("/api/v1/login", login).send().await;
    assert_eq!(answer.json()["must_change_password"], true);
    assert!(
        answer
            .header("set-cookie")
            .contains("; HttpOnly; SameSite=Strict")
    );
    let cookie = answer.cookie();
    assert_eq!(
        world.get("/api/v1/users").cookie(&cookie).status().await,
        403
    );

    for (current, new, expected) in [
        (once.as_str(), "short", 422),
        (once.as_str(), once.as_str(), 422),
        ("not that one at all", GOOD, 403),
        (once.as_str(), GOOD, 204),
    ] {
        let change = json!({"current": current, "new": new});
        let answer = world
            .post("/api/v1/password", change)
            .cookie(&cookie)
            .send()
            .await;
        assert_eq!(answer.status, expected, "{new}: {}", answer.body);
        if expected == 204 {
            let fresh = answer.cookie();
            assert_ne!(fresh, cookie);
            assert_eq!(
                world.get("/api/v1/users").cookie(&fresh).status().await,
                200
            );
        }
    }
    assert_eq!(
        world.get("/api/v1/session").cookie(&cookie).status().await,
        401
    );
    let login = json!({"name": "admin", "password": once});
    assert_eq!(world.post("/api/v1/login", login).status().await, 401);
    world.log_in("admin", GOOD).await;
    let trail = format!("{:?}", world.trail().await);
    for secret in [once.as_str(), GOOD, "not that one"] {
        assert!(!trail.contains(secret), "{trail}");
    }
}

#[tokio::test]
async fn a_password_from_outside_has_to_be_long_enough() {
    let world = World::new(Settings::default()).await;
    assert!(world.access.first_user(Some("admin")).await.is_err());
    assert!(
        world
            .access
            .accounts()
            .expect("a store")
            .users()
            .await
            .expect("read")
            .is_empty()
    );
}

#[tokio::test]
async fn logging_in_and_out() {
    let (world, cookie) = with_admin().await;
    let me = world
        .get("/api/v1/session")
        .cookie(&cookie)
        .send()
        .await
        .json();
    assert_eq!(
        me,
        json!({"name": "admin", "role": "admin", "by": "session", "must_change_password": false})
    );
    // A log-in in the same browser takes the old session's place.
    let login = json!({"name": "admin", "password": GOOD});
    let again = world
        .post("/api/v1/login", login.clone())
        .cookie(&cookie)
        .send()
        .await
        .cookie();
    assert_ne!(again, cookie);
    assert_eq!(
        world.get("/api/v1/session").cookie(&cookie).status().await,
        401
    );
    let out = world
        .ask(Method::POST, "/api/v1/logout")
        .ours()
        .cookie(&again)
        .send()
        .await;
    assert_eq!(out.status, 204);
    assert!(out.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(
        world.get("/api/v1/session").cookie(&again).status().await,
        401
    );

    let evil = world
        .ask(Method::POST, "/api/v1/login")
        .with("origin", "http://evil.example")
        .json(login.clone());
    assert_eq!(
        evil.status().await,
        403,
        "nobody is logged in by another's page"
    );
    let program = world.ask(Method::POST, "/api/v1/login").json(login);
    assert_eq!(program.status().await, 200, "a program says no origin");
    for (body, expected) in [
        (json!({"name": "admin"}), 422),
        (
            json!({"name": "admin", "password": GOOD, "role": "admin"}),
            422,
        ),
        (json!([]), 422),
        (
            json!({"name": "admin", "password": "x".repeat(20_000)}),
            413,
        ),
        (json!({"name": "ADMIN", "password": GOOD}), 401),
        (json!({"name": "admin", "password": ""}), 401),
        (json!({"name": "' OR 1=1 --", "password": GOOD}), 401),
        (json!({"name": "admin\u{0}", "password": GOOD}), 401),
    ] {
        let answer = world.post("/api/v1/login", body.clone()).send().await;
        assert_eq!(answer.status, expected, "{body}: {}", answer.body);
    }
}

#[tokio::test]
async fn ten_failures_a_minute_then_nothing_is_tried() {
    let (world, cookie) = with_admin().await;
    let wrong = |name: &str| json!({"name": name, "password": "not the password"});
    for n in 0..FAILURES {
        let name = if n % 2 == 0 { "admin" } else { "nobody" };
        let answer = world.post("/api/v1/login", wrong(name)).send().await;
        assert_eq!(answer.status, 401, "{n}");
        assert_eq!(answer.json()["detail"], "name or password is wrong");
    }
    let right = json!({"name": "admin", "password": GOOD});
    for _ in 0..2 {
        let answer = world.post("/api/v1/login", right.clone()).send().await;
        assert_eq!((answer.status, answer.header("retry-after")), (429, "60"));
    }
    let change = json!({"current": GOOD, "new": "another horse battery"});
    let other_way = world.post("/api/v1/password", change).cookie(&cookie);
    assert_eq!(
        other_way.status().await,
        429,
        "the same holds for guessing there"
    );
    assert_eq!(
        world.get("/api/v1/session").cookie(&cookie).status().await,
        200
    );
    let neighbour = world
        .post("/api/v1/login", right.clone())
        .from([192, 0, 2, 2]);
    assert_eq!(neighbour.status().await, 200);
    world.clock.pass(WINDOW);
    assert_eq!(world.post("/api/v1/login", right).status().await, 200);

    let trail = world.trail().await;
    let refused: Vec<_> = trail
        .iter()
        .filter(|event| event.outcome == "refused")
        .collect();
    assert_eq!(refused.len(), FAILURES + 2, "{refused:#?}");
    assert_eq!(refused[0].who, "admin");
    assert_eq!(refused[1].who, "an unknown user");
    assert_eq!(refused[0].source, "192.0.2.1");
    assert!(refused[FAILURES].detail.contains("ten failures"));
    assert_eq!(refused[FAILURES + 1].action, "POST /api/v1/password");
    let counts = world.access.counts();
    let count =
        |counter: &std::sync::atomic::AtomicU64| counter.load(std::sync::atomic::Ordering::Relaxed);
    assert_eq!(count(&counts.failed_log_ins), 10);
    assert_eq!(count(&counts.throttled_log_ins), 3);
}

#[tokio::test]
async fn refusals_do_not_fill_the_trail() {
    let (world, _) = with_admin().await;
    let before = world.trail().await.len();
    for _ in 0..40 {
        let refused = world.get("/api/v1/users").bearer("ptc_guess");
        assert_eq!(refused.status().await, 401);
    }
    assert_eq!(world.get("/api/v1/users").status().await, 401);
    assert_eq!(world.trail().await.len(), before + 10);
    assert!(!format!("{:?}", world.trail().await).contains("guess"));
}

#[tokio::test]
async fn admins_make_change_and_remove_users() {
    let (world, cookie) = with_admin().await;
    let post = |body: serde_json::Value| world.post("/api/v1/users", body).cookie(&cookie);
    for (body, expected) in [
        (json!({"name": "ada", "role": "viewer"}), 201),
        (json!({"name": "ada", "role": "admin"}), 409),
        (json!({"name": "bob", "role": "root"}), 422),
        (
            json!({"name": "bob", "role": "viewer", "must_change": false}),
            422,
        ),
        (json!({"name": "sso:bob", "role": "viewer"}), 422),
        (json!({"name": "", "role": "viewer"}), 422),
        (json!({"name": "a".repeat(65), "role": "viewer"}), 422),
        (
            json!({"name": "bob", "role": "viewer", "password": "short"}),
            422,
        ),
        (
            json!({"name": "bob", "role": "viewer", "tenant": "none"}),
            422,
        ),
        (
            json!({"name": "bob", "role": "admin", "tenant": "shop"}),
            422,
        ),
        (
            json!({"name": "bob", "role": "analyst", "tenant": "shop", "password": GOOD}),
            201,
        ),
    ] {
        let answer = post(body.clone()).send().await;
        assert_eq!(answer.status, expected, "{body}: {}", answer.body);
    }
    let list = world.get("/api/v1/users").cookie(&cookie).send().await;
    let list = list.json();
    let names: Vec<_> = list["users"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|user| user["name"].clone())
        .collect();
    assert_eq!(names, ["ada", "admin", "bob"]);
    assert!(
        !list.to_string().contains("argon2"),
        "no hash leaves the store"
    );

    let bob = world.log_in("bob", GOOD).await;
    let patch = |name: &str, body: serde_json::Value| {
        let path = format!("/api/v1/users/{name}");
        world
            .ask(Method::PATCH, &path)
            .ours()
            .cookie(&cookie)
            .json(body)
    };
    assert_eq!(patch("bob", json!({"role": "admin"})).status().await, 422);
    let free = patch("bob", json!({"role": "admin", "tenant": ""}))
        .send()
        .await;
    assert_eq!(free.json()["user"]["role"], "admin");
    assert_eq!(free.json()["user"]["tenant"], serde_json::Value::Null);
    let me = world
        .get("/api/v1/session")
        .cookie(&bob)
        .send()
        .await
        .json();
    assert_eq!(me["role"], "admin", "a change holds at once");
    let reset = patch("bob", json!({"reset_password": true}))
        .send()
        .await
        .json();
    let once = reset["one_time_password"].as_str().expect("it is shown");
    assert_eq!(
        world.get("/api/v1/session").cookie(&bob).status().await,
        401
    );
    let bob = world.log_in("bob", once).await;
    assert_eq!(patch("bob", json!({"disabled": true})).status().await, 200);
    assert_eq!(
        world.get("/api/v1/session").cookie(&bob).status().await,
        401
    );
    let login = json!({"name": "bob", "password": once});
    assert_eq!(world.post("/api/v1/login", login).status().await, 401);

    for (name, change, expected) in [
        ("admin", json!({"role": "viewer"}), 409),
        ("admin", json!({"disabled": true}), 409),
        ("nobody", json!({"disabled": true}), 404),
        ("ada", json!({"name": "eve"}), 422),
    ] {
        let answer = patch(name, change.clone()).send().await;
        assert_eq!(answer.status, expected, "{name} {change}: {}", answer.body);
    }
    let delete = |name: &str| {
        let path = format!("/api/v1/users/{name}");
        world.ask(Method::DELETE, &path).ours().cookie(&cookie)
    };
    for (name, expected) in [("admin", 409), ("bob", 204), ("bob", 404), ("ada", 204)] {
        assert_eq!(delete(name).status().await, expected, "{name}");
    }
    let trail = format!("{:#?}", world.trail().await);
    assert!(
        trail.contains("bob: disabled") && trail.contains(r#"target: "ada""#),
        "{trail}"
    );
    assert!(!trail.contains(once));
}

#[tokio::test]
async fn tokens_are_shown_once_and_are_never_more_than_their_owner() {
    let (world, admin) = with_admin().await;
    world.user("ada", Role::Analyst, None).await;
    let ada = world.session("ada").await;
    let make =
        |cookie: &str, body: serde_json::Value| world.post("/api/v1/tokens", body).cookie(cookie);
    for (body, expected) in [
        (json!({"name": "ci"}), 201),
        (json!({"name": "ci", "role": "admin"}), 403),
        (json!({"name": ""}), 422),
        (json!({"name": "ci", "days": 0}), 422),
        (json!({"name": "ci", "days": 4000}), 422),
        (json!({"name": "ci", "families": ["none"]}), 422),
        (json!({"name": "ci", "families": ["users,audit"]}), 422),
        (json!({"name": "ci", "user": "admin"}), 422),
    ] {
        let answer = make(&ada, body.clone()).send().await;
        assert_eq!(answer.status, expected, "{body}: {}", answer.body);
    }
    let made = make(&admin, json!({"name": "root", "role": "admin", "days": 1}))
        .send()
        .await
        .json();
    let (token, id) = (
        made["token"].as_str().expect("shown"),
        made["id"].as_str().expect("named"),
    );
    let me = world
        .get("/api/v1/session")
        .bearer(token)
        .send()
        .await
        .json();
    assert_eq!(
        (me["name"].as_str(), me["by"].as_str()),
        (Some("admin (token root)"), Some("token"))
    );
    let again = world
        .ask(Method::POST, "/api/v1/tokens")
        .bearer(token)
        .json(json!({"name": "x"}));
    assert_eq!(again.status().await, 403, "no token makes tokens");
    let change = json!({"current": GOOD, "new": "another horse battery"});
    let change = world
        .ask(Method::POST, "/api/v1/password")
        .bearer(token)
        .json(change);
    assert_eq!(change.status().await, 403);

    let seen = |answer: serde_json::Value| answer["tokens"].as_array().expect("a list").len();
    assert_eq!(
        seen(world.get("/api/v1/tokens").cookie(&ada).send().await.json()),
        1
    );
    let all = world.get("/api/v1/tokens").cookie(&admin).send().await;
    assert_eq!(seen(all.json()), 2);
    assert!(!all.body.contains("ptc_"));
    let path = format!("/api/v1/tokens/{id}");
    let foreign = world.ask(Method::DELETE, &path).ours().cookie(&ada);
    assert_eq!(foreign.status().await, 404);

    // What the owner loses, the token loses.
    let accounts = world.access.accounts().expect("a store");
    let ci = world.token("ada", Role::Analyst, &[]).await.0;
    let ask = || world.get("/api/v1/tokens").bearer(&ci);
    assert_eq!(ask().status().await, 200);
    accounts.set_password("ada", "x", true).await.expect("set");
    assert_eq!(ask().status().await, 401, "until the password is changed");
    accounts.set_password("ada", "x", false).await.expect("set");
    let demoted = User {
        role: "viewer".to_owned(),
        ..accounts.user("ada").await.expect("read").expect("there")
    };
    accounts.change(&demoted).await.expect("changed");
    let me = world.get("/api/v1/session").bearer(&ci).send().await.json();
    assert_eq!(me["role"], "viewer");
    accounts.remove("ada").await.expect("removed");
    assert_eq!(ask().status().await, 401);

    let gone = world.ask(Method::DELETE, &path).ours().cookie(&admin);
    assert_eq!(gone.status().await, 204);
    assert_eq!(
        world.get("/api/v1/session").bearer(token).status().await,
        401
    );
    assert!(!format!("{:?}", world.trail().await).contains("ptc_"));
}

#[tokio::test]
async fn sessions_are_seen_and_ended_by_their_owner_and_by_admins() {
    let (world, admin) = with_admin().await;
    world.user("ada", Role::Viewer, None).await;
    world.user("bob", Role::Analyst, Some("shop")).await;
    let (ada, bob) = (world.session("ada").await, world.session("bob").await);
    world.clock.pass(1000);
    let phone = world.session("ada").await;
    let list = async |cookie: &str| {
        let answer = world.get("/api/v1/sessions").cookie(cookie).send().await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()["sessions"]
            .as_array()
            .expect("a list")
            .clone()
    };
    let all = list(&admin).await;
    let users: Vec<&str> = all.iter().filter_map(|one| one["user"].as_str()).collect();
    assert_eq!(
        (users[0], users.len()),
        ("ada", 4),
        "newest first: {users:?}"
    );
    let own = list(&ada).await;
    let current: Vec<bool> = own
        .iter()
        .filter_map(|one| one["current"].as_bool())
        .collect();
    assert_eq!(current, [false, true]);
    assert_eq!(list(&bob).await.len(), 1);
    let end = |cookie: &str, id: &Value| {
        let path = format!("/api/v1/sessions/{}", id.as_str().expect("an id"));
        world.ask(Method::DELETE, &path).ours().cookie(cookie)
    };
    let other = &list(&bob).await[0]["id"];
    assert_eq!(end(&ada, other).status().await, 404, "another's");
    assert_eq!(end(&ada, &own[0]["id"]).status().await, 204);
    assert_eq!(end(&ada, &own[0]["id"]).status().await, 404, "it has ended");
    assert_eq!(
        world.get("/api/v1/session").cookie(&phone).status().await,
        401
    );
    assert_eq!(end(&admin, other).status().await, 204);
    assert_eq!(
        world.get("/api/v1/session").cookie(&bob).status().await,
        401
    );
    assert_eq!(end(&ada, &own[1]["id"]).status().await, 204, "one's own");
    assert_eq!(
        world.get("/api/v1/session").cookie(&ada).status().await,
        401
    );
    // What time has ended is not listed, though nobody has tidied yet.
    world.session("ada").await;
    world.clock.pass(29 * 60_000);
    assert_eq!(list(&admin).await.len(), 2);
    world.clock.pass(2 * 60_000);
    assert_eq!(list(&admin).await.len(), 1);
}

#[tokio::test]
async fn the_trail_is_read_page_by_page() {
    let (world, cookie) = with_admin().await;
    for n in 0..5 {
        let user = json!({"name": format!("u{n}"), "role": "viewer"});
        assert_eq!(
            world
                .post("/api/v1/users", user)
                .cookie(&cookie)
                .status()
                .await,
            201
        );
    }
    let read = async |query: &str| {
        world
            .get(&format!("/api/v1/audit{query}"))
            .cookie(&cookie)
            .send()
            .await
    };
    let (mut path, mut ids) = ("?limit=3".to_owned(), Vec::new());
    loop {
        let page = read(&path).await.json();
        let events = page["events"].as_array().expect("a list").clone();
        ids.extend(
            events
                .iter()
                .map(|event| event["id"].as_i64().expect("a number")),
        );
        match page["next"].as_str() {
            Some(next) => path = format!("?limit=3&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(ids, [7, 6, 5, 4, 3, 2, 1]);
    let cursor = read("?limit=3").await.json()["next"]
        .as_str()
        .expect("more")
        .to_owned();
    for (query, expected) in [
        (format!("?cursor={cursor}&who=admin"), 400),
        (format!("?cursor={}", cursor.to_uppercase()), 400),
        ("?cursor=0000000000000003".to_owned(), 400),
        ("?cursor=%F0%9F%98%80".to_owned(), 400),
        ("?limit=0".to_owned(), 400),
        ("?limit=1001".to_owned(), 400),
        ("?limit=-1".to_owned(), 400),
        ("?from=yesterday".to_owned(), 400),
        ("?whom=admin".to_owned(), 400),
        ("?who=admin&who=bob".to_owned(), 400),
        ("?who=%27%20OR%201=1--".to_owned(), 200),
        ("?from=2027-01-15T08:00:00Z".to_owned(), 200),
    ] {
        let answer = read(&query).await;
        assert_eq!(answer.status, expected, "{query}: {}", answer.body);
    }
    let added = read("?action=POST%20/api/v1/users&outcome=done")
        .await
        .json();
    assert_eq!(added["events"].as_array().expect("a list").len(), 5);
    assert_eq!(added["events"][0]["target"], "u4");
    assert_eq!(added["events"][0]["detail"], "viewer");
    assert_eq!(added["events"][0]["time"], "2027-01-15T08:00:00.000Z");
    let later = read("?from=2027-01-15T08:00:00.001Z").await.json();
    assert_eq!(later["events"], json!([]));
}

#[tokio::test]
async fn cors_lets_configured_pages_in_and_no_others() {
    let settings = Settings {
        cors: vec!["https://console.example".to_owned()],
        public_origin: Some("https://gate.example".to_owned()),
        ..Settings::default()
    };
    let world = World::new(settings).await;
    world.access.first_user(Some(GOOD)).await.expect("made");
    let login = json!({"name": "admin", "password": GOOD});
    for (origin, status, allowed) in [
        ("https://gate.example", 200, false),
        ("https://console.example", 200, true),
        ("http://127.0.0.1:9901", 403, false),
    ] {
        let ask = world
            .ask(Method::POST, "/api/v1/login")
            .with("origin", origin);
        let answer = ask.json(login.clone()).send().await;
        assert_eq!(answer.status, status, "{origin}");
        let found = answer.headers.get("access-control-allow-origin");
        assert_eq!(found.is_some(), allowed, "{origin}");
        if status == 200 {
            let cookie = answer.header("set-cookie");
            assert!(
                cookie.starts_with("__Host-portcullis=") && cookie.ends_with("; Secure"),
                "{cookie}"
            );
        }
    }
    let preflight = world
        .ask(Method::OPTIONS, "/api/v1/users")
        .with("origin", "https://console.example")
        .with("access-control-request-method", "POST");
    let answer = preflight.send().await;
    assert_eq!(answer.status, 204);
    assert_eq!(
        answer.header("access-control-allow-origin"),
        "https://console.example"
    );
}

#[tokio::test]
async fn a_change_of_the_configuration_holds_at_once() {
    let (world, cookie) = with_admin().await;
    world.user("ada", Role::Viewer, Some("shop")).await;
    world.access.apply(Settings {
        idle: std::time::Duration::from_secs(60),
        ..Settings::default()
    });
    assert_eq!(
        world.get("/api/v1/session").cookie(&cookie).status().await,
        200
    );
    world.clock.pass(60_000);
    assert_eq!(
        world.get("/api/v1/session").cookie(&cookie).status().await,
        401
    );
    world.access.tidy().await.expect("tidied");
}
