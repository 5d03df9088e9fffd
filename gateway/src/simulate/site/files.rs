//! Storage: identifiers nobody can guess, large answers, desktop clients that ask for changes all day.

use super::{Access, Class, Form, Kind, Route, Screen, Site, Slot, Value};

/// The storage.
pub const SITE: Site = Site {
    name: "files",
    host: "files.example",
    cookie: false,
    accounts: 25_000,
    lockout: (8, 600.0),
    hides_foreign: true,
    page_cap: 1_000,
    capacity: 350.0,
    weight: 0.08,
    office: true,
    classes: &[
        Class {
            count: 1_500_007,
            each: 60,
            form: Form::Uuid,
        },
        Class {
            count: 30_000,
            each: 0,
            form: Form::Uuid,
        },
        Class {
            count: 125_003,
            each: 5,
            form: Form::Number(900),
        },
    ],
    routes: &[
        Route::get("home", "/", Kind::Page).cost(6_000, 9.0),
        Route::get("file", "/static/{}", Kind::File)
            .slot(Slot::File)
            .cost(70_000, 3.0),
        Route::post("login", "/auth/token", Kind::Login).cost(860, 90.0),
        Route::post("refresh", "/auth/refresh", Kind::Refresh).cost(860, 12.0),
        Route::post("forgot", "/auth/forgot", Kind::Forgot)
            .body(&[("email", Value::Mail, 1.0)])
            .cost(40, 30.0),
        Route::get("me", "/v3/account", Kind::Own)
            .of(Access::User)
            .cost(500, 8.0),
        Route::get("folder", "/v3/folders/{}", Kind::Thing)
            .slot(Slot::Thing(2))
            .of(Access::User)
            .cost(900, 14.0),
        Route::get("files", "/v3/files", Kind::List)
            .of(Access::User)
            .query(&[
                ("folder", Value::Thing(2), 0.8),
                ("page", Value::Page, 0.5),
                ("per_page", Value::Size, 0.4),
            ])
            .cost(340, 26.0),
        Route::get("meta", "/v3/files/{}", Kind::Thing)
            .slot(Slot::Thing(0))
            .of(Access::User)
            .cost(700, 10.0),
        Route::get("content", "/v3/files/{}/content", Kind::Download)
            .slot(Slot::Thing(0))
            .of(Access::User)
            .cost(420_000, 90.0),
        Route::get("thumb", "/v3/files/{}/thumbnail", Kind::Download)
            .slot(Slot::Thing(0))
            .of(Access::User)
            .cost(11_000, 35.0),
        Route::new("rename", "PATCH", "/v3/files/{}", Kind::Write)
            .slot(Slot::Thing(0))
            .of(Access::User)
            .body(&[("name", Value::Words, 1.0)])
            .cost(500, 25.0),
        Route::post("upload", "/v3/uploads", Kind::Write)
            .of(Access::User)
            .body(&[
                ("name", Value::Words, 1.0),
                ("description", Value::Text, 0.3),
                ("bytes", Value::Count, 1.0),
            ])
            .cost(600, 120.0),
        Route::get("search", "/v3/search", Kind::Search)
            .of(Access::User)
            .query(&[("q", Value::Words, 1.0), ("modified", Value::Date, 0.2)])
            .cost(360, 130.0),
        Route::get("delta", "/v3/sync/delta", Kind::Own)
            .of(Access::User)
            .query(&[("cursor", Value::Cursor, 1.0)])
            .cost(90, 8.0),
        Route::get("share", "/s/{}", Kind::Page)
            .slot(Slot::Thing(1))
            .cost(8_000, 24.0),
        Route::get("zip", "/v3/folders/{}/archive", Kind::Report)
            .slot(Slot::Thing(2))
            .of(Access::User)
            .cost(4_000_000, 3_500.0),
        Route::get("backup", "/v3/backup/files", Kind::List)
            .of(Access::Key)
            .query(&[("page", Value::Page, 1.0), ("per_page", Value::Size, 1.0)])
            .cost(300, 30.0),
        Route::post("chunk", "/v3/backup/chunks", Kind::Write)
            .of(Access::Key)
            .body(&[("sequence", Value::Count, 1.0), ("name", Value::Words, 1.0)])
            .cost(60, 60.0),
        Route::get("quota", "/v3/admin/quotas", Kind::List)
            .of(Access::Staff)
            .cost(200, 30.0),
        Route::get("health", "/health", Kind::Health).cost(15, 1.0),
    ],
    screens: &[
        Screen {
            name: "front",
            calls: &["home", "file", "file"],
            next: &[("shared", 1.0), ("front", 0.2)],
        },
        Screen {
            name: "root",
            calls: &["me", "folder", "files", "thumb", "thumb", "thumb"],
            next: &[("folder", 4.0), ("open", 3.0), ("find", 1.0), ("put", 1.0)],
        },
        Screen {
            name: "shared",
            calls: &["share", "file"],
            next: &[("shared", 0.5), ("front", 1.0)],
        },
        Screen {
            name: "folder",
            calls: &["folder", "files", "thumb", "thumb"],
            next: &[
                ("open", 4.0),
                ("folder", 3.0),
                ("put", 0.7),
                ("pack", 0.08),
                ("name", 0.5),
            ],
        },
        Screen {
            name: "open",
            calls: &["meta", "content"],
            next: &[("folder", 3.0), ("open", 3.0), ("root", 1.0)],
        },
        Screen {
            name: "find",
            calls: &["search"],
            next: &[("open", 3.0), ("find", 1.0), ("root", 1.0)],
        },
        Screen {
            name: "put",
            calls: &["upload", "files"],
            next: &[("put", 1.5), ("folder", 2.0)],
        },
        Screen {
            name: "name",
            calls: &["rename"],
            next: &[("folder", 1.0)],
        },
        Screen {
            name: "pack",
            calls: &["zip"],
            next: &[("folder", 1.0)],
        },
    ],
    machine: &["backup", "chunk", "chunk"],
};
