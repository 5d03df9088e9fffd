//! Attacks: a table of what there is and how each is carried out, and the campaign, which is what carries it out: from
//! one address or thousands, fast or slow, in the open or dressed as somebody else. What is sent is a [`Tactic`]'s
//! business, one file per kind.

mod abuse;
mod anomaly;
mod campaign;
mod flood;
mod injection;
mod login;
mod probe;
mod reading;
mod theft;

use super::actor::Actor;
use super::actor::Setting;
use super::random::Draw;

pub use campaign::{Kit, Shot, Tactic};

/// An attack.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// Its name: what `--scenario` takes and the label says.
    pub name: &'static str,
    /// The class of its requests, as request sets name it.
    pub class: &'static str,
    /// What it is, in a sentence.
    pub about: &'static str,
    /// How it can be carried out.
    pub variants: &'static [Variant],
    make: fn(&Variant, &mut Draw) -> Box<dyn Tactic>,
}

/// A way to carry an attack out. Pairs are ranges from which a campaign draws, evenly on a logarithmic scale.
#[derive(Clone, Copy, Debug)]
pub struct Variant {
    /// Its name.
    pub name: &'static str,
    /// Addresses.
    pub members: (u32, u32),
    /// Requests a second, of all together.
    pub rate: (f64, f64),
    /// Requests in all.
    pub budget: (u32, u32),
}

const fn way(
    name: &'static str,
    members: (u32, u32),
    rate: (f64, f64),
    budget: (u32, u32),
) -> Variant {
    Variant {
        name,
        members,
        rate,
        budget,
    }
}

impl Scenario {
    /// Seconds before a campaign at which those whom it needs have to be there: victims, and accounts with a past.
    pub fn lead(&self) -> f64 {
        match self.name {
            "behaviour-anomaly" | "data-theft" | "account-takeover" => f64::INFINITY,
            "token-abuse" | "session-hijack" => theft::LEAD,
            _ => 0.0,
        }
    }

    /// A campaign of this attack that begins at `time` with at most `most` requests: the number of its group, and which of
    /// the variants' turn it is.
    pub fn begin(
        &'static self,
        group: (u32, u32),
        time: f64,
        most: u32,
        setting: &Setting,
    ) -> Started {
        campaign::begin(self, group, time, most, setting)
    }
}

/// A campaign, and those whom it needs: victims whose tokens are stolen, accounts with a past.
pub struct Started {
    /// Everybody, and when they begin.
    pub actors: Vec<(f64, Box<dyn Actor>)>,
}

/// The attack of this name.
pub fn scenario(name: &str) -> Option<&'static Scenario> {
    SCENARIOS.iter().find(|scenario| scenario.name == name)
}

const INJECTIONS: &[Variant] = &[
    way("tool", (1, 1), (1.0, 25.0), (60, 500)),
    way("by-hand", (1, 1), (0.03, 0.4), (10, 60)),
    way("spread", (4, 50), (0.3, 6.0), (60, 400)),
];

/// All attacks.
pub const SCENARIOS: [Scenario; 27] = [
    Scenario {
        name: "sql-injection",
        class: "sqli",
        about: "SQL in parameters, bodies, cookies and headers",
        variants: INJECTIONS,
        make: injection::sql,
    },
    Scenario {
        name: "cross-site-scripting",
        class: "xss",
        about: "script in what is shown to others",
        variants: INJECTIONS,
        make: injection::xss,
    },
    Scenario {
        name: "command-injection",
        class: "rce",
        about: "shell commands in parameters",
        variants: INJECTIONS,
        make: injection::command,
    },
    Scenario {
        name: "path-traversal",
        class: "traversal",
        about: "paths that climb out of their folder",
        variants: INJECTIONS,
        make: injection::path,
    },
    Scenario {
        name: "template-injection",
        class: "ssti",
        about: "expressions for template engines",
        variants: INJECTIONS,
        make: injection::template,
    },
    Scenario {
        name: "nosql-injection",
        class: "nosqli",
        about: "operators of document databases in place of values",
        variants: INJECTIONS,
        make: injection::nosql,
    },
    Scenario {
        name: "xml-entities",
        class: "xxe",
        about: "XML bodies with external entities",
        variants: INJECTIONS,
        make: injection::xml,
    },
    Scenario {
        name: "request-forgery",
        class: "ssrf",
        about: "addresses of internal services for the server to fetch",
        variants: INJECTIONS,
        make: injection::ssrf,
    },
    Scenario {
        name: "log-lookup",
        class: "jndi",
        about: "look-ups that a logging library would follow",
        variants: INJECTIONS,
        make: injection::lookup,
    },
    Scenario {
        name: "credential-stuffing",
        class: "stuffing",
        about: "pairs of name and password from leaks, few tries per account",
        variants: &[
            way("one-source", (1, 3), (1.0, 20.0), (120, 1_500)),
            way("spread", (40, 600), (0.8, 12.0), (250, 2_500)),
            way("slow", (60, 400), (0.03, 0.3), (80, 600)),
        ],
        make: login::stuffing,
    },
    Scenario {
        name: "brute-force",
        class: "bruteforce",
        about: "many passwords for one account",
        variants: &[
            way("fast", (1, 1), (1.0, 25.0), (60, 1_200)),
            way("slow", (1, 1), (0.04, 0.3), (40, 200)),
            way("spread", (5, 40), (0.5, 8.0), (80, 800)),
        ],
        make: login::brute,
    },
    Scenario {
        name: "password-spraying",
        class: "spraying",
        about: "one common password for many accounts, then the next",
        variants: &[
            way("one-source", (1, 2), (0.5, 10.0), (100, 1_200)),
            way("spread", (10, 200), (0.2, 5.0), (150, 1_200)),
            way("slow", (1, 5), (0.03, 0.15), (60, 250)),
        ],
        make: login::spraying,
    },
    Scenario {
        name: "account-takeover",
        class: "takeover",
        about: "a log-in from a new place on a new device, then the account is emptied",
        variants: &[
            way("one-account", (1, 1), (0.15, 1.2), (15, 60)),
            way("several", (1, 4), (0.3, 2.0), (40, 160)),
        ],
        make: login::takeover,
    },
    Scenario {
        name: "scraping",
        class: "scraping",
        about: "reading everything there is, in order or list by list",
        variants: &[
            way("sequential", (1, 1), (1.0, 20.0), (200, 4_000)),
            way("lists", (1, 1), (0.5, 8.0), (150, 2_000)),
            way("spread", (20, 300), (2.0, 30.0), (400, 5_000)),
            way("polite", (1, 1), (0.2, 1.0), (150, 1_000)),
        ],
        make: reading::scraping,
    },
    Scenario {
        name: "object-enumeration",
        class: "bola",
        about: "things of other people, asked for by number or by chance (BOLA)",
        variants: &[
            way("sequential", (1, 1), (0.8, 15.0), (80, 1_500)),
            way("random", (1, 1), (0.5, 8.0), (80, 800)),
            way("spread", (5, 50), (0.5, 8.0), (120, 1_200)),
            way("slow", (1, 1), (0.05, 0.4), (50, 250)),
        ],
        make: reading::enumeration,
    },
    Scenario {
        name: "endpoint-scan",
        class: "scan",
        about: "paths from a list, in the hope that some exist",
        variants: &[
            way("fast", (1, 1), (4.0, 60.0), (100, 2_500)),
            way("slow", (1, 1), (0.1, 1.0), (60, 350)),
            way("spread", (8, 60), (1.0, 15.0), (120, 1_500)),
        ],
        make: probe::endpoints,
    },
    Scenario {
        name: "parameter-fuzzing",
        class: "fuzzing",
        about: "unknown parameters and absurd values on known routes",
        variants: &[
            way("fast", (1, 1), (2.0, 40.0), (100, 2_000)),
            way("slow", (1, 1), (0.1, 1.0), (60, 350)),
        ],
        make: probe::fuzzing,
    },
    Scenario {
        name: "api-abuse",
        class: "abuse",
        about: "what is allowed and ruinous: reports, huge pages, deep GraphQL, mails to others",
        variants: &[
            way("reports", (1, 4), (0.4, 6.0), (60, 800)),
            way("huge-pages", (1, 3), (0.5, 8.0), (60, 900)),
            way("graphql", (1, 3), (0.3, 5.0), (50, 600)),
            way("mails", (1, 20), (0.3, 5.0), (60, 600)),
        ],
        make: abuse::abuse,
    },
    Scenario {
        name: "ddos",
        class: "ddos",
        about: "more requests than the site can bear, from one address or thousands",
        variants: &[
            way("one-source", (1, 1), (80.0, 500.0), (2_000, 25_000)),
            way("botnet", (200, 3_000), (120.0, 1_200.0), (4_000, 50_000)),
            way("one-route", (30, 400), (60.0, 400.0), (2_000, 20_000)),
            way("pulses", (20, 600), (60.0, 400.0), (2_000, 20_000)),
        ],
        make: flood::flood,
    },
    Scenario {
        name: "token-abuse",
        class: "token",
        about: "one token used by many, or long after its owner left",
        variants: &[
            way("shared", (4, 40), (0.3, 4.0), (60, 500)),
            way("replay", (1, 3), (0.1, 2.0), (30, 200)),
        ],
        make: theft::token,
    },
    Scenario {
        name: "session-hijack",
        class: "hijack",
        about: "a stolen session goes on from another place while its owner still uses it",
        variants: &[
            way("other-agent", (1, 1), (0.1, 1.5), (20, 120)),
            way("same-agent", (1, 1), (0.1, 1.5), (20, 120)),
        ],
        make: theft::hijack,
    },
    Scenario {
        name: "header-spoofing",
        class: "spoofing",
        about: "forwarding headers that claim to come from inside, or from somebody else each time",
        variants: &[
            way("inside", (1, 1), (0.3, 6.0), (40, 300)),
            way("rotating", (1, 1), (1.0, 15.0), (80, 800)),
        ],
        make: probe::spoofing,
    },
    Scenario {
        name: "forged-token",
        class: "forgery",
        about: "tokens without a signature, with a guessed key, with changed claims, long expired",
        variants: &[
            way("one-kind", (1, 1), (0.2, 5.0), (25, 200)),
            way("all-kinds", (1, 3), (0.2, 5.0), (30, 250)),
        ],
        make: theft::forgery,
    },
    Scenario {
        name: "false-crawler",
        class: "bot",
        about: "a bot under the name of a search engine, from somewhere else",
        variants: &[
            way("one-source", (1, 1), (0.5, 10.0), (100, 1_500)),
            way("spread", (5, 60), (0.5, 12.0), (150, 2_000)),
        ],
        make: reading::crawler,
    },
    Scenario {
        name: "bot",
        class: "bot",
        about: "a script under a browser's name that buys, votes or registers faster than people",
        variants: &[
            way("checkout", (1, 8), (0.5, 6.0), (60, 600)),
            way("spread", (20, 200), (0.5, 8.0), (120, 1_200)),
        ],
        make: abuse::bot,
    },
    Scenario {
        name: "behaviour-anomaly",
        class: "anomaly",
        about: "a valid account that acts as it never did: at night, elsewhere in the API, in another order",
        variants: &[
            way("hours", (1, 1), (0.1, 0.8), (40, 200)),
            way("places", (1, 1), (0.1, 1.0), (40, 200)),
            way("order", (1, 1), (0.3, 3.0), (60, 300)),
            way("volume", (1, 1), (0.5, 5.0), (120, 900)),
        ],
        make: anomaly::anomaly,
    },
    Scenario {
        name: "data-theft",
        class: "exfiltration",
        about: "an account that downloads everything it may, and asks for what it may not",
        variants: &[
            way("fast", (1, 1), (0.5, 6.0), (80, 600)),
            way("slow", (1, 1), (0.05, 0.3), (40, 150)),
        ],
        make: anomaly::theft,
    },
];

#[cfg(test)]
mod tests;
