//! A bank: nothing without a bearer token, short lockouts of log-ins, statements that take a while.

use super::{Access, Class, Form, Kind, Route, Screen, Site, Slot, Value};

/// The bank.
pub const SITE: Site = Site {
    name: "bank",
    host: "bank.example",
    cookie: false,
    accounts: 40_000,
    lockout: (5, 900.0),
    hides_foreign: true,
    page_cap: 100,
    capacity: 500.0,
    weight: 0.18,
    office: false,
    classes: &[
        Class {
            count: 80_021,
            each: 2,
            form: Form::Number(4_002_000_000),
        },
        Class {
            count: 960_017,
            each: 24,
            form: Form::Uuid,
        },
        Class {
            count: 120_011,
            each: 3,
            form: Form::Uuid,
        },
    ],
    routes: &[
        Route::get("home", "/app", Kind::Page).cost(7_000, 9.0),
        Route::get("file", "/static/{}", Kind::File)
            .slot(Slot::File)
            .cost(52_000, 3.0),
        Route::get("rates", "/v1/rates", Kind::Own).cost(1_500, 5.0),
        Route::get("branches", "/v1/branches", Kind::Search)
            .query(&[("near", Value::Words, 1.0), ("page", Value::Page, 0.2)])
            .cost(260, 30.0),
        Route::post("login", "/v1/sessions", Kind::Login).cost(900, 140.0),
        Route::post("refresh", "/v1/sessions/refresh", Kind::Refresh).cost(880, 15.0),
        Route::post("forgot", "/v1/password-reset", Kind::Forgot)
            .body(&[("login", Value::Mail, 1.0)])
            .cost(40, 45.0),
        Route::get("profile", "/v1/profile", Kind::Own)
            .of(Access::User)
            .cost(700, 9.0),
        Route::get("accounts", "/v1/accounts", Kind::Own)
            .of(Access::User)
            .cost(1_100, 22.0),
        Route::get("account", "/v1/accounts/{}", Kind::Thing)
            .slot(Slot::Thing(0))
            .of(Access::User)
            .cost(620, 14.0),
        Route::get("moves", "/v1/accounts/{}/transactions", Kind::List)
            .slot(Slot::Thing(0))
            .of(Access::User)
            .query(&[
                ("page", Value::Page, 0.6),
                ("limit", Value::Size, 0.5),
                ("from", Value::Date, 0.3),
                ("text", Value::Words, 0.15),
            ])
            .cost(230, 38.0),
        Route::get("statements", "/v1/statements", Kind::List)
            .of(Access::User)
            .query(&[("page", Value::Page, 0.5)])
            .cost(150, 18.0),
        Route::get("statement", "/v1/statements/{}", Kind::Download)
            .slot(Slot::Thing(1))
            .of(Access::User)
            .cost(140_000, 520.0),
        Route::get("payees", "/v1/payees", Kind::List)
            .of(Access::User)
            .query(&[("page", Value::Page, 0.2)])
            .cost(180, 12.0),
        Route::get("payee", "/v1/payees/{}", Kind::Thing)
            .slot(Slot::Thing(2))
            .of(Access::User)
            .cost(260, 9.0),
        Route::post("transfer", "/v1/transfers", Kind::Write)
            .of(Access::User)
            .body(&[
                ("from", Value::Thing(0), 1.0),
                ("payee", Value::Thing(2), 1.0),
                ("amount", Value::Amount, 1.0),
                ("reference", Value::Text, 0.7),
            ])
            .cost(420, 190.0),
        Route::post("confirm", "/v1/transfers/confirm", Kind::Write)
            .of(Access::User)
            .body(&[("code", Value::Count, 1.0)])
            .cost(200, 130.0),
        Route::new("change", "PUT", "/v1/profile", Kind::Write)
            .of(Access::User)
            .body(&[("email", Value::Mail, 0.5), ("street", Value::Text, 0.6)])
            .cost(300, 60.0),
        Route::get("analysis", "/v1/analysis", Kind::Report)
            .of(Access::User)
            .query(&[
                ("from", Value::Date, 1.0),
                ("group", Value::Choice(&["month", "payee", "category"]), 0.7),
            ])
            .cost(22_000, 780.0),
        Route::get("feed", "/v1/partner/bookings", Kind::List)
            .of(Access::Key)
            .query(&[
                ("page", Value::Page, 1.0),
                ("limit", Value::Size, 1.0),
                ("since", Value::Since, 1.0),
            ])
            .cost(240, 42.0),
        Route::post("hook", "/v1/partner/webhooks/test", Kind::Write)
            .of(Access::Key)
            .body(&[("event", Value::Choice(&["paid", "failed"]), 1.0)])
            .cost(60, 20.0),
        Route::get("audit", "/v1/internal/audit", Kind::Report)
            .of(Access::Staff)
            .query(&[("day", Value::Date, 1.0)])
            .cost(400_000, 2_500.0),
        Route::get("health", "/healthz", Kind::Health).cost(20, 1.0),
    ],
    screens: &[
        Screen {
            name: "front",
            calls: &["home", "file", "file", "rates"],
            next: &[("rates", 2.0), ("places", 1.0), ("front", 0.3)],
        },
        Screen {
            name: "overview",
            calls: &["profile", "accounts", "moves"],
            next: &[
                ("book", 5.0),
                ("papers", 1.2),
                ("pay", 2.0),
                ("graph", 0.4),
                ("people", 0.6),
                ("overview", 0.6),
            ],
        },
        Screen {
            name: "rates",
            calls: &["rates"],
            next: &[("places", 1.0), ("rates", 0.5)],
        },
        Screen {
            name: "places",
            calls: &["branches"],
            next: &[("places", 1.0), ("rates", 1.0)],
        },
        Screen {
            name: "book",
            calls: &["account", "moves"],
            next: &[
                ("book", 4.0),
                ("overview", 2.0),
                ("pay", 1.0),
                ("papers", 0.5),
            ],
        },
        Screen {
            name: "papers",
            calls: &["statements"],
            next: &[("paper", 3.0), ("papers", 1.0), ("overview", 1.0)],
        },
        Screen {
            name: "paper",
            calls: &["statement"],
            next: &[("paper", 1.0), ("papers", 2.0), ("overview", 1.0)],
        },
        Screen {
            name: "people",
            calls: &["payees", "payee"],
            next: &[("pay", 2.0), ("overview", 1.0)],
        },
        Screen {
            name: "pay",
            calls: &["payees", "accounts"],
            next: &[("send", 3.0), ("overview", 1.0)],
        },
        Screen {
            name: "send",
            calls: &["transfer", "confirm", "accounts"],
            next: &[("overview", 3.0), ("pay", 0.7)],
        },
        Screen {
            name: "graph",
            calls: &["analysis"],
            next: &[("graph", 0.6), ("overview", 1.0)],
        },
        Screen {
            name: "self",
            calls: &["change", "profile"],
            next: &[("overview", 1.0)],
        },
    ],
    machine: &["feed", "feed", "hook"],
};
