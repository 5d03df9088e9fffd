//! Attacks that look for something: paths that exist, parameters that do something, headers that are believed.

use super::super::client::{Agent, Program};
use super::super::compose::encode;
use super::super::random::Draw;
use super::super::site::{Access, Kind};
use super::{Kit, Shot, Tactic, Variant};

/// Paths from a list.
struct Endpoints {
    order: Vec<usize>,
    at: usize,
    style: usize,
    methods: bool,
    agent: Option<Agent>,
}

pub fn endpoints(_: &Variant, draw: &mut Draw) -> Box<dyn Tactic> {
    let mut order: Vec<usize> = (0..FOLDERS.len() * NAMES.len()).collect();
    for index in (1..order.len()).rev() {
        order.swap(index, draw.below(index + 1));
    }
    let agent = draw
        .chance(0.35)
        .then(|| Agent::named(Program::Script, SCANNERS[draw.below(SCANNERS.len())]));
    Box::new(Endpoints {
        order,
        at: 0,
        style: draw.below(3),
        methods: draw.chance(0.3),
        agent,
    })
}

impl Tactic for Endpoints {
    fn disguised(&self) -> Option<Agent> {
        self.agent.clone()
    }

    fn shoot(&mut self, kit: &mut Kit<'_>) -> Option<Shot> {
        let choice = self.order[self.at % self.order.len()];
        self.at += 1;
        let (folder, name) = (
            FOLDERS[choice % FOLDERS.len()],
            NAMES[choice / FOLDERS.len()],
        );
        let mut target = match self.style {
            0 => format!("{folder}/{name}"),
            1 => format!(
                "{folder}/{name}{}",
                kit.draw
                    .pick(&["", ".bak", ".old", ".json", ".php", "/", "~"])
            ),
            _ if self.at.is_multiple_of(3) => FILES[self.at / 3 % FILES.len()].to_owned(),
            _ => format!("{folder}/{name}"),
        };
        if self.at > self.order.len() {
            target.push_str(&kit.draw.hex(2));
        }
        let method = if self.methods {
            kit.draw
                .pick(&["GET", "GET", "HEAD", "OPTIONS", "PUT", "DELETE"])
        } else {
            "GET"
        };
        Some(Shot {
            request: kit.raw(method, target, String::new())?,
            hostile: true,
            account: None,
        })
    }
}

/// Odd names and values.
struct Fuzzing {
    names: bool,
    route: Option<usize>,
    agent: Option<Agent>,
}

pub fn fuzzing(_: &Variant, draw: &mut Draw) -> Box<dyn Tactic> {
    let agent = draw
        .chance(0.3)
        .then(|| Agent::named(Program::Script, SCANNERS[draw.below(SCANNERS.len())]));
    Box::new(Fuzzing {
        names: draw.chance(0.5),
        route: None,
        agent,
    })
}

impl Tactic for Fuzzing {
    fn site(&self, draw: &mut Draw) -> usize {
        // Where there is something to ask without an account.
        draw.below(3)
    }

    fn disguised(&self) -> Option<Agent> {
        self.agent.clone()
    }

    fn shoot(&mut self, kit: &mut Kit<'_>) -> Option<Shot> {
        if self.route.is_none() || kit.draw.chance(0.02) {
            self.route = kit.route(|route| {
                route.access == Access::Open
                    && route.method == "GET"
                    && matches!(
                        route.kind,
                        Kind::List | Kind::Search | Kind::Thing | Kind::Own | Kind::Report
                    )
            });
        }
        let route = self.route?;
        let mut request = kit.honest(route);
        let known: Vec<String> = request
            .query()
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, _)| name.to_owned())
            .collect();
        let name = match (self.names || known.is_empty(), kit.draw.below(3)) {
            (true, 0) => format!(
                "{}_{}",
                NAMES[kit.draw.below(NAMES.len())],
                PARAMETERS[kit.draw.below(PARAMETERS.len())]
            ),
            (true, _) => PARAMETERS[kit.draw.below(PARAMETERS.len())].to_owned(),
            (false, _) => known[kit.draw.below(known.len())].clone(),
        };
        let value = absurd(kit.draw);
        let mut target = request.path().to_owned();
        let mark = if request.query().is_empty() { '?' } else { '&' };
        if mark == '&' {
            target.push('?');
            target.push_str(request.query());
        }
        target.push(mark);
        target.push_str(&name);
        target.push('=');
        encode(&value, &mut target);
        request.target = target;
        Some(Shot {
            request,
            hostile: true,
            account: None,
        })
    }
}

/// Values for which nobody wrote a test.
fn absurd(draw: &mut Draw) -> String {
    match draw.below(10) {
        0 => "-1".to_owned(),
        1 => "A".repeat(1 << draw.below(11)),
        2 => [
            "2147483648",
            "-2147483649",
            "18446744073709551616",
            "1e309",
            "NaN",
            "0x7fffffff",
        ][draw.below(6)]
        .to_owned(),
        3 => [
            "null",
            "undefined",
            "[]",
            "{}",
            "true",
            "[object Object]",
            "None",
        ][draw.below(7)]
        .to_owned(),
        4 => ["%s%s%n", "%x%x", "\u{0}", "\u{202e}", "\u{fffd}", "\r\n"][draw.below(6)].to_owned(),
        5 => "[".repeat(1 + draw.below(60)),
        6 => ["'", "\"", "`", "\\", "<", ">", "|", ";", "&", "$", "%"][draw.below(11)]
            .repeat(1 + draw.below(4)),
        7 => draw.hex(draw.clone().below(64) + 1),
        8 => format!("{}.{}", draw.bits(), draw.bits()),
        _ => format!("{}{}", NAMES[draw.below(NAMES.len())], draw.below(1_000)),
    }
}

/// Headers that claim another address.
struct Spoofing {
    rotating: bool,
    names: &'static [&'static str],
    guesses: usize,
    account: u32,
}

pub fn spoofing(variant: &Variant, draw: &mut Draw) -> Box<dyn Tactic> {
    let sets: [&'static [&'static str]; 4] = [
        &["x-forwarded-for"],
        &["x-real-ip", "x-client-ip"],
        &["x-forwarded-for", "true-client-ip", "cf-connecting-ip"],
        &["forwarded", "x-originating-ip"],
    ];
    Box::new(Spoofing {
        rotating: variant.name == "rotating",
        names: sets[draw.below(4)],
        guesses: 0,
        account: draw.below(9_000) as u32,
    })
}

impl Tactic for Spoofing {
    fn shoot(&mut self, kit: &mut Kit<'_>) -> Option<Shot> {
        self.guesses += 1;
        let claim = if self.rotating {
            format!(
                "{}.{}.{}.{}",
                241 + kit.draw.below(4),
                kit.draw.below(40),
                kit.draw.below(256),
                kit.draw.below(256)
            )
        } else {
            kit.draw
                .pick(&[
                    "127.0.0.1",
                    "10.0.0.1",
                    "192.168.1.1",
                    "::1",
                    "172.16.0.9",
                    "localhost",
                    "169.254.169.254",
                ])
                .to_owned()
        };
        let mut request = if self.rotating {
            // A new address for every guess, so that no count adds up.
            let password = super::super::people::guess(self.guesses, kit.draw);
            kit.login(&super::super::people::mail(self.account), &password)?
        } else {
            let route = kit.route(|route| {
                route.access == Access::Staff
                    || route.access == Access::Key
                    || route.kind == Kind::Report
            })?;
            kit.honest(route)
        };
        for name in self.names {
            let value = if *name == "forwarded" {
                format!("for=\"{claim}\";proto=https")
            } else {
                claim.clone()
            };
            request.set(name, value);
        }
        Some(Shot {
            request,
            hostile: true,
            account: None,
        })
    }
}

const FOLDERS: [&str; 14] = [
    "",
    "/api",
    "/v1",
    "/api/v1",
    "/v2",
    "/admin",
    "/internal",
    "/rest",
    "/backup",
    "/old",
    "/test",
    "/dev",
    "/.well-known",
    "/static",
];

const NAMES: [&str; 60] = [
    "users",
    "user",
    "admin",
    "login",
    "config",
    "settings",
    "debug",
    "status",
    "metrics",
    "actuator",
    "env",
    "swagger",
    "openapi",
    "docs",
    "console",
    "db",
    "dump",
    "sql",
    "export",
    "import",
    "upload",
    "uploads",
    "files",
    "logs",
    "log",
    "trace",
    "health",
    "info",
    "version",
    "token",
    "tokens",
    "keys",
    "secrets",
    "auth",
    "oauth",
    "sso",
    "register",
    "signup",
    "password",
    "reset",
    "payments",
    "invoices",
    "orders",
    "customers",
    "accounts",
    "reports",
    "report",
    "stats",
    "graph",
    "graphiql",
    "shell",
    "cmd",
    "exec",
    "proxy",
    "webhook",
    "hooks",
    "queue",
    "jobs",
    "cron",
    "private",
];

const FILES: [&str; 20] = [
    "/.env",
    "/.git/config",
    "/.git/HEAD",
    "/.svn/entries",
    "/.DS_Store",
    "/.aws/credentials",
    "/wp-login.php",
    "/wp-config.php.bak",
    "/phpinfo.php",
    "/server-status",
    "/web.config",
    "/composer.json",
    "/package.json",
    "/docker-compose.yml",
    "/id_rsa",
    "/backup.zip",
    "/db.sql",
    "/.htpasswd",
    "/actuator/heapdump",
    "/swagger.json",
];

const PARAMETERS: [&str; 34] = [
    "debug", "test", "admin", "role", "id", "user_id", "uid", "callback", "redirect", "url",
    "next", "file", "path", "template", "format", "lang", "fields", "include", "expand", "filter",
    "sort", "order", "limit", "offset", "cursor", "token", "key", "api_key", "access", "raw",
    "verbose", "trace", "preview", "draft",
];

/// How scanners name themselves when they do not care.
const SCANNERS: [&str; 6] = [
    "Mozilla/5.00 (Nikto/2.5.0)",
    "gobuster/3.6",
    "Fuzz Faster U Fool v2.1.0",
    "python-requests/2.32.3",
    "Wfuzz/3.1.0",
    "feroxbuster/2.11.0",
];
