//! Software for teams: GraphQL, a query language of its own, exports, people at work behind one address.

use super::{Access, Class, Form, Kind, Route, Screen, Site, Slot, Value};

/// The software.
pub const SITE: Site = Site {
    name: "tickets",
    host: "tickets.example",
    cookie: true,
    accounts: 12_000,
    lockout: (6, 900.0),
    hides_foreign: false,
    page_cap: 1_000,
    capacity: 400.0,
    weight: 0.14,
    office: true,
    classes: &[
        Class {
            count: 160_000,
            each: 0,
            form: Form::Key,
        },
        Class {
            count: 72_007,
            each: 6,
            form: Form::Number(20_000),
        },
        Class {
            count: 900,
            each: 0,
            form: Form::Number(10),
        },
    ],
    routes: &[
        Route::get("home", "/", Kind::Page).cost(9_000, 14.0),
        Route::get("file", "/static/{}", Kind::File)
            .slot(Slot::File)
            .cost(75_000, 3.0),
        Route::post("graph", "/graphql", Kind::Graph)
            .of(Access::User)
            .cost(5_200, 45.0),
        Route::get("projects", "/rest/2/projects", Kind::List)
            .of(Access::User)
            .query(&[
                ("startAt", Value::Page, 0.3),
                ("maxResults", Value::Size, 0.5),
            ])
            .cost(300, 20.0),
        Route::get("board", "/rest/2/boards/{}", Kind::Thing)
            .slot(Slot::Thing(2))
            .of(Access::User)
            .cost(8_000, 52.0),
        Route::get("issue", "/rest/2/issues/{}", Kind::Thing)
            .slot(Slot::Thing(0))
            .of(Access::User)
            .cost(3_800, 25.0),
        Route::get("search", "/rest/2/search", Kind::Search)
            .of(Access::User)
            .query(&[
                ("jql", Value::Expression, 1.0),
                ("startAt", Value::Page, 0.4),
                ("maxResults", Value::Size, 0.6),
            ])
            .cost(900, 90.0),
        Route::post("login", "/rest/auth/login", Kind::Login).cost(320, 95.0),
        Route::post("refresh", "/rest/auth/refresh", Kind::Refresh).cost(680, 11.0),
        Route::post("forgot", "/rest/auth/forgot", Kind::Forgot)
            .body(&[("username", Value::Mail, 1.0)])
            .cost(50, 30.0),
        Route::get("me", "/rest/2/myself", Kind::Own)
            .of(Access::User)
            .cost(900, 8.0),
        Route::get("filters", "/rest/2/filters/{}", Kind::Thing)
            .slot(Slot::Thing(1))
            .of(Access::User)
            .cost(600, 12.0),
        Route::post("comment", "/rest/2/issues/{}/comments", Kind::Write)
            .slot(Slot::Thing(0))
            .of(Access::User)
            .body(&[("body", Value::Text, 1.0)])
            .cost(500, 40.0),
        Route::post("create", "/rest/2/issues", Kind::Write)
            .of(Access::User)
            .body(&[
                ("summary", Value::Words, 1.0),
                ("description", Value::Text, 0.9),
                ("priority", Value::Choice(&["low", "high", "blocker"]), 0.6),
            ])
            .cost(700, 75.0),
        Route::new("edit", "PUT", "/rest/2/issues/{}", Kind::Write)
            .slot(Slot::Thing(0))
            .of(Access::User)
            .body(&[
                ("summary", Value::Words, 0.6),
                ("estimate", Value::Count, 0.5),
            ])
            .cost(300, 50.0),
        Route::get("export", "/rest/2/export.csv", Kind::Report)
            .of(Access::User)
            .query(&[("jql", Value::Expression, 1.0)])
            .cost(350_000, 1_700.0),
        Route::get("hooks", "/rest/2/sync/issues", Kind::List)
            .of(Access::Key)
            .query(&[
                ("updatedAfter", Value::Since, 1.0),
                ("maxResults", Value::Size, 1.0),
                ("startAt", Value::Page, 0.6),
            ])
            .cost(800, 60.0),
        Route::post("build", "/rest/2/builds", Kind::Write)
            .of(Access::Key)
            .body(&[
                ("issue", Value::Thing(0), 1.0),
                ("state", Value::Choice(&["ok", "broken"]), 1.0),
            ])
            .cost(90, 18.0),
        Route::get("admin", "/rest/2/admin/users", Kind::List)
            .of(Access::Staff)
            .query(&[("startAt", Value::Page, 0.5)])
            .cost(400, 30.0),
        Route::get("health", "/status", Kind::Health).cost(22, 1.0),
    ],
    screens: &[
        Screen {
            name: "front",
            calls: &["home", "file", "file", "file"],
            next: &[("front", 1.0)],
        },
        Screen {
            name: "desk",
            calls: &["me", "graph", "graph", "projects", "filters"],
            next: &[("board", 4.0), ("issue", 3.0), ("find", 2.0), ("view", 1.0)],
        },
        Screen {
            name: "board",
            calls: &["board", "graph"],
            next: &[
                ("issue", 5.0),
                ("board", 2.0),
                ("new", 0.6),
                ("change", 1.5),
            ],
        },
        Screen {
            name: "issue",
            calls: &["issue", "graph"],
            next: &[
                ("board", 3.0),
                ("talk", 1.2),
                ("change", 1.0),
                ("issue", 2.0),
                ("find", 0.8),
            ],
        },
        Screen {
            name: "find",
            calls: &["search"],
            next: &[("issue", 4.0), ("find", 2.0), ("dump", 0.15), ("view", 0.5)],
        },
        Screen {
            name: "view",
            calls: &["filters", "search"],
            next: &[("issue", 3.0), ("board", 1.0)],
        },
        Screen {
            name: "talk",
            calls: &["comment", "issue"],
            next: &[("issue", 2.0), ("board", 2.0)],
        },
        Screen {
            name: "new",
            calls: &["create", "graph"],
            next: &[("board", 2.0), ("issue", 2.0), ("new", 0.5)],
        },
        Screen {
            name: "change",
            calls: &["edit", "graph"],
            next: &[("board", 3.0), ("issue", 1.0)],
        },
        Screen {
            name: "dump",
            calls: &["export"],
            next: &[("find", 1.0), ("desk", 1.0)],
        },
    ],
    machine: &["hooks", "hooks", "build"],
};
