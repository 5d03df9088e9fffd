//! A shop: open pages, a cart, orders that belong to people, a stock feed for partners.

use super::{Access, Class, Form, Kind, Route, Screen, Site, Slot, Value};

const SORT: Value = Value::Choice(&["price", "-price", "newest", "rating", "relevance"]);
const SHELF: Value = Value::Choice(&[
    "lamps",
    "desks",
    "chairs",
    "books",
    "kitchen & bath",
    "garden",
    "sale",
]);

/// The shop.
pub const SITE: Site = Site {
    name: "shop",
    host: "shop.example",
    cookie: true,
    accounts: 60_000,
    lockout: (8, 600.0),
    hides_foreign: false,
    page_cap: 500,
    capacity: 900.0,
    weight: 0.34,
    office: false,
    classes: &[
        Class {
            count: 24_000,
            each: 0,
            form: Form::Number(1_000),
        },
        Class {
            count: 480_011,
            each: 8,
            form: Form::Number(3_100_000),
        },
        Class {
            count: 600,
            each: 0,
            form: Form::Slug,
        },
    ],
    routes: &[
        Route::get("home", "/", Kind::Page).cost(18_000, 25.0),
        Route::get("page", "/p/{}", Kind::Page)
            .slot(Slot::Thing(2))
            .cost(21_000, 30.0),
        Route::get("file", "/static/{}", Kind::File)
            .slot(Slot::File)
            .cost(46_000, 3.0),
        Route::get("image", "/images/{}", Kind::File)
            .slot(Slot::File)
            .cost(31_000, 4.0),
        Route::get("config", "/api/config", Kind::Own).cost(900, 4.0),
        Route::get("products", "/api/products", Kind::List)
            .query(&[
                ("page", Value::Page, 0.8),
                ("size", Value::Size, 0.7),
                ("sort", SORT, 0.3),
                ("category", SHELF, 0.5),
            ])
            .cost(310, 28.0),
        Route::get("product", "/api/products/{}", Kind::Thing)
            .slot(Slot::Thing(0))
            .cost(2_400, 14.0),
        Route::get("reviews", "/api/products/{}/reviews", Kind::List)
            .slot(Slot::Thing(0))
            .query(&[("page", Value::Page, 0.5)])
            .cost(420, 19.0),
        Route::get("search", "/api/search", Kind::Search)
            .query(&[
                ("q", Value::Words, 1.0),
                ("page", Value::Page, 0.3),
                ("max_price", Value::Count, 0.1),
            ])
            .cost(300, 48.0),
        Route::get("suggest", "/api/suggest", Kind::Search)
            .query(&[("term", Value::Words, 1.0)])
            .cost(60, 9.0),
        Route::post("login", "/api/login", Kind::Login).cost(310, 85.0),
        Route::post("refresh", "/api/token", Kind::Refresh).cost(720, 12.0),
        Route::post("forgot", "/api/password/forgot", Kind::Forgot)
            .body(&[("email", Value::Mail, 1.0)])
            .cost(60, 30.0),
        Route::get("me", "/api/me", Kind::Own)
            .of(Access::User)
            .cost(480, 8.0),
        Route::get("cart", "/api/cart", Kind::Own).cost(650, 11.0),
        Route::post("add", "/api/cart/items", Kind::Write)
            .body(&[
                ("product", Value::Thing(0), 1.0),
                ("quantity", Value::Count, 1.0),
                ("note", Value::Text, 0.08),
            ])
            .cost(700, 22.0),
        Route::post("coupon", "/api/cart/coupon", Kind::Write)
            .body(&[("code", Value::Words, 1.0)])
            .cost(90, 18.0),
        Route::post("buy", "/api/orders", Kind::Write)
            .of(Access::User)
            .body(&[
                (
                    "payment",
                    Value::Choice(&["card", "invoice", "wallet"]),
                    1.0,
                ),
                ("comment", Value::Text, 0.2),
                ("total", Value::Amount, 1.0),
            ])
            .cost(540, 160.0),
        Route::get("orders", "/api/orders", Kind::List)
            .of(Access::User)
            .query(&[("page", Value::Page, 0.6)])
            .cost(260, 24.0),
        Route::get("order", "/api/orders/{}", Kind::Thing)
            .slot(Slot::Thing(1))
            .of(Access::User)
            .cost(1_700, 15.0),
        Route::get("invoice", "/api/orders/{}/invoice.pdf", Kind::Download)
            .slot(Slot::Thing(1))
            .of(Access::User)
            .cost(88_000, 210.0),
        Route::post("review", "/api/reviews", Kind::Write)
            .of(Access::User)
            .body(&[
                ("product", Value::Thing(0), 1.0),
                ("stars", Value::Count, 1.0),
                ("text", Value::Text, 1.0),
            ])
            .cost(200, 31.0),
        Route::get("stock", "/api/partner/stock", Kind::List)
            .of(Access::Key)
            .query(&[
                ("page", Value::Page, 1.0),
                ("size", Value::Size, 1.0),
                ("since", Value::Since, 0.6),
            ])
            .cost(60, 35.0),
        Route::post("prices", "/api/partner/prices", Kind::Write)
            .of(Access::Key)
            .body(&[
                ("product", Value::Thing(0), 1.0),
                ("price", Value::Amount, 1.0),
            ])
            .cost(80, 26.0),
        Route::get("sales", "/api/admin/reports/sales", Kind::Report)
            .of(Access::Staff)
            .query(&[("from", Value::Date, 1.0)])
            .cost(190_000, 1_900.0),
        Route::get("compare", "/api/compare", Kind::Report)
            .query(&[("ids", Value::Thing(0), 1.0), ("depth", Value::Count, 0.4)])
            .cost(9_000, 240.0),
        Route::get("health", "/health", Kind::Health).cost(16, 1.0),
        Route::get("robots", "/robots.txt", Kind::File).cost(240, 1.0),
        Route::get("sitemap", "/sitemap.xml", Kind::File).cost(61_000, 20.0),
    ],
    screens: &[
        Screen {
            name: "front",
            calls: &[
                "home", "file", "file", "file", "config", "image", "image", "cart", "products",
            ],
            next: &[
                ("list", 5.0),
                ("find", 3.0),
                ("item", 3.0),
                ("landing", 1.0),
                ("account", 0.7),
            ],
        },
        Screen {
            name: "account",
            calls: &["me", "cart", "orders"],
            next: &[("list", 3.0), ("past", 3.0), ("find", 2.0), ("basket", 1.0)],
        },
        Screen {
            name: "list",
            calls: &["products", "image", "image", "image"],
            next: &[("item", 5.0), ("list", 4.0), ("find", 1.5), ("front", 0.4)],
        },
        Screen {
            name: "find",
            calls: &["suggest", "suggest", "search", "image"],
            next: &[("item", 5.0), ("find", 2.0), ("list", 1.0)],
        },
        Screen {
            name: "item",
            calls: &["product", "reviews", "image", "image"],
            next: &[
                ("list", 3.0),
                ("item", 2.5),
                ("basket", 1.6),
                ("find", 1.0),
                ("weigh", 0.3),
                ("praise", 0.15),
            ],
        },
        Screen {
            name: "landing",
            calls: &["page", "file", "image"],
            next: &[("item", 2.0), ("list", 2.0)],
        },
        Screen {
            name: "weigh",
            calls: &["compare"],
            next: &[("item", 3.0), ("basket", 1.0)],
        },
        Screen {
            name: "praise",
            calls: &["review"],
            next: &[("item", 1.0)],
        },
        Screen {
            name: "basket",
            calls: &["add", "cart"],
            next: &[("item", 2.0), ("pay", 1.0), ("list", 1.5), ("code", 0.3)],
        },
        Screen {
            name: "code",
            calls: &["coupon", "cart"],
            next: &[("pay", 1.0), ("code", 0.4), ("list", 0.5)],
        },
        Screen {
            name: "pay",
            calls: &["me", "buy", "orders"],
            next: &[("past", 1.0), ("front", 1.0)],
        },
        Screen {
            name: "past",
            calls: &["order", "image"],
            next: &[
                ("past", 1.5),
                ("bill", 0.5),
                ("account", 1.0),
                ("list", 1.0),
            ],
        },
        Screen {
            name: "bill",
            calls: &["invoice"],
            next: &[("past", 1.0), ("account", 1.0)],
        },
    ],
    machine: &["stock", "stock", "stock", "prices"],
};
