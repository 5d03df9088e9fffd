//! A place to write: a feed, posts in people's own words (which look like anything), private messages, polling.

use super::{Access, Class, Form, Kind, Route, Screen, Site, Slot, Value};

/// The place.
pub const SITE: Site = Site {
    name: "social",
    host: "notes.example",
    cookie: true,
    accounts: 80_000,
    lockout: (10, 300.0),
    hides_foreign: false,
    page_cap: 200,
    capacity: 1_500.0,
    weight: 0.26,
    office: false,
    classes: &[
        Class {
            count: 900_000,
            each: 0,
            form: Form::Number(70_000_000),
        },
        Class {
            count: 80_000,
            each: 0,
            form: Form::Slug,
        },
        Class {
            count: 1_600_009,
            each: 20,
            form: Form::Number(500_000),
        },
    ],
    routes: &[
        Route::get("home", "/", Kind::Page).cost(11_000, 15.0),
        Route::get("file", "/static/{}", Kind::File)
            .slot(Slot::File)
            .cost(60_000, 3.0),
        Route::get("media", "/media/{}", Kind::File)
            .slot(Slot::File)
            .cost(92_000, 6.0),
        Route::get("feed", "/api/v2/feed", Kind::List)
            .query(&[("cursor", Value::Cursor, 0.7), ("limit", Value::Size, 0.4)])
            .cost(900, 40.0),
        Route::get("post", "/api/v2/posts/{}", Kind::Thing)
            .slot(Slot::Thing(0))
            .cost(1_400, 12.0),
        Route::get("comments", "/api/v2/posts/{}/comments", Kind::List)
            .slot(Slot::Thing(0))
            .query(&[("cursor", Value::Cursor, 0.3)])
            .cost(280, 21.0),
        Route::get("person", "/api/v2/people/{}", Kind::Thing)
            .slot(Slot::Thing(1))
            .cost(1_000, 13.0),
        Route::get("wall", "/api/v2/people/{}/posts", Kind::List)
            .slot(Slot::Thing(1))
            .query(&[("cursor", Value::Cursor, 0.4)])
            .cost(850, 33.0),
        Route::get("search", "/api/v2/search", Kind::Search)
            .query(&[
                ("q", Value::Words, 1.0),
                ("type", Value::Choice(&["posts", "people", "tags"]), 0.5),
            ])
            .cost(500, 55.0),
        Route::post("login", "/api/v2/login", Kind::Login).cost(350, 80.0),
        Route::post("refresh", "/api/v2/token/refresh", Kind::Refresh).cost(700, 10.0),
        Route::post("forgot", "/api/v2/recover", Kind::Forgot)
            .body(&[("mail", Value::Mail, 1.0)])
            .cost(50, 25.0),
        Route::get("me", "/api/v2/me", Kind::Own)
            .of(Access::User)
            .cost(800, 8.0),
        Route::get("bell", "/api/v2/notifications", Kind::Own)
            .of(Access::User)
            .query(&[("since", Value::Since, 0.9)])
            .cost(240, 6.0),
        Route::get("threads", "/api/v2/messages", Kind::List)
            .of(Access::User)
            .query(&[("cursor", Value::Cursor, 0.3)])
            .cost(220, 17.0),
        Route::get("thread", "/api/v2/messages/{}", Kind::Thing)
            .slot(Slot::Thing(2))
            .of(Access::User)
            .cost(2_600, 16.0),
        Route::post("reply", "/api/v2/messages/{}", Kind::Write)
            .slot(Slot::Thing(2))
            .of(Access::User)
            .body(&[("text", Value::Text, 1.0)])
            .cost(180, 25.0),
        Route::post("write", "/api/v2/posts", Kind::Write)
            .of(Access::User)
            .body(&[
                ("text", Value::Text, 1.0),
                ("title", Value::Words, 0.4),
                ("visibility", Value::Choice(&["all", "friends"]), 0.5),
            ])
            .cost(350, 45.0),
        Route::post("comment", "/api/v2/posts/{}/comments", Kind::Write)
            .slot(Slot::Thing(0))
            .of(Access::User)
            .body(&[("text", Value::Text, 1.0)])
            .cost(220, 28.0),
        Route::new("like", "PUT", "/api/v2/posts/{}/like", Kind::Write)
            .slot(Slot::Thing(0))
            .of(Access::User)
            .cost(20, 9.0),
        Route::get("export", "/api/v2/me/export", Kind::Report)
            .of(Access::User)
            .query(&[("from", Value::Date, 0.5)])
            .cost(900_000, 2_800.0),
        Route::get("firehose", "/api/v2/partner/posts", Kind::List)
            .of(Access::Key)
            .query(&[("since", Value::Since, 1.0), ("limit", Value::Size, 1.0)])
            .cost(600, 38.0),
        Route::get("reports", "/api/v2/moderation/queue", Kind::List)
            .of(Access::Staff)
            .cost(700, 40.0),
        Route::get("health", "/ping", Kind::Health).cost(4, 1.0),
        Route::get("robots", "/robots.txt", Kind::File).cost(190, 1.0),
    ],
    screens: &[
        Screen {
            name: "front",
            calls: &["home", "file", "file", "feed", "media", "media"],
            next: &[("feed", 4.0), ("post", 3.0), ("person", 1.0), ("find", 1.0)],
        },
        Screen {
            name: "own",
            calls: &["me", "bell", "feed", "media"],
            next: &[
                ("feed", 6.0),
                ("post", 2.0),
                ("inbox", 1.5),
                ("write", 0.7),
                ("poll", 2.0),
            ],
        },
        Screen {
            name: "feed",
            calls: &["feed", "media", "media", "media"],
            next: &[("feed", 6.0), ("post", 3.0), ("like", 1.5), ("person", 0.7)],
        },
        Screen {
            name: "post",
            calls: &["post", "comments", "media"],
            next: &[
                ("feed", 3.0),
                ("post", 1.0),
                ("person", 1.0),
                ("answer", 0.6),
                ("like", 1.0),
            ],
        },
        Screen {
            name: "person",
            calls: &["person", "wall", "media"],
            next: &[("post", 2.0), ("feed", 2.0), ("person", 0.5)],
        },
        Screen {
            name: "find",
            calls: &["search"],
            next: &[("post", 2.0), ("person", 2.0), ("find", 1.0)],
        },
        Screen {
            name: "like",
            calls: &["like"],
            next: &[("feed", 5.0), ("like", 0.5)],
        },
        Screen {
            name: "answer",
            calls: &["comment", "comments"],
            next: &[("feed", 2.0), ("post", 1.0)],
        },
        Screen {
            name: "write",
            calls: &["write", "feed"],
            next: &[("feed", 3.0), ("write", 0.3)],
        },
        Screen {
            name: "inbox",
            calls: &["threads", "thread"],
            next: &[("chat", 2.0), ("inbox", 2.0), ("own", 1.0)],
        },
        Screen {
            name: "chat",
            calls: &["reply", "thread"],
            next: &[("chat", 3.0), ("inbox", 1.0), ("own", 1.0)],
        },
        Screen {
            name: "poll",
            calls: &["bell"],
            next: &[("poll", 4.0), ("feed", 2.0), ("own", 1.0)],
        },
    ],
    machine: &["firehose"],
};
