//! The simulator's traffic through the gateway: clients hear what the gateway did and react to it. Every seed is a
//! world of its own before a gateway that knows nobody.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use portcullis_config::{Crawler, Identity};
use portcullis_detect::Category;
use portcullis_detect::behaviour::Kind;
use portcullis_detect::ruletest::OwnedRequest;
use serde_json::{Value, json};

use super::gateway::{Gateway, Reply, Ruling, Sender};
use crate::command::eval::request::aim;
use crate::simulate::clock::HOUR;
use crate::simulate::score::{Scorer, Sighting, Table};
use crate::simulate::world::Offline;
use crate::simulate::{
    Act, Answer, CRAWLER_NAMES, CRAWLER_NETWORK, Decision, Plan, Request, SECRET,
};

/// Its name among the sets.
pub const SET: &str = "simulator";

/// What came of one seed.
pub struct Run {
    /// The figures.
    pub table: Table,
    /// The first stop of each harmless client, victims included, and the groups that were never stopped.
    pub wrong: Vec<Value>,
}

/// A day of the simulator: five requests a second, twelve campaigns of each attack, none over three thousand requests.
fn plan(seed: u64) -> Plan {
    Plan {
        seed,
        duration: 24.0 * HOUR,
        load: 5.0,
        campaigns: Some(12),
        most: 3000,
        ..Plan::default()
    }
}

/// Replays the seeds, on several threads.
///
/// # Errors
/// When the rules do not compile.
pub fn replay(rules: Option<&Path>, seeds: &[u64]) -> anyhow::Result<Vec<Run>> {
    let threads = std::thread::available_parallelism().map_or(1, |count| count.get());
    let mut runs = Vec::new();
    for some in seeds.chunks(threads) {
        let done: anyhow::Result<Vec<Run>> = std::thread::scope(|scope| {
            let started: Vec<_> = some
                .iter()
                .map(|seed| scope.spawn(move || run(rules, *seed)))
                .collect();
            started
                .into_iter()
                .map(|thread| match thread.join() {
                    Ok(run) => run,
                    Err(panic) => std::panic::resume_unwind(panic),
                })
                .collect()
        });
        runs.extend(done?);
    }
    Ok(runs)
}

fn run(rules: Option<&Path>, seed: u64) -> anyhow::Result<Run> {
    let mut gateway = Gateway::new(rules, &identity()?)?;
    let mut world = Offline::new(&plan(seed));
    let mut scorer = Scorer::default();
    let mut wrong = Wrong::new(seed);
    let mut last: Option<Ruling> = None;
    loop {
        let mut gate = |time: f64, act: &Act| {
            let ruling = gateway.judge(&sender(time, act), &owned(&act.request));
            let answer = stopped(ruling.decision);
            last = Some(ruling);
            answer
        };
        let Some(event) = world.next_through(&mut gate) else {
            break;
        };
        let Some(ruling) = last.take() else { break };
        let reply = Reply {
            status: event.answer.status,
            bytes: u64::from(event.answer.bytes),
            latency: std::time::Duration::from_secs_f32(event.answer.latency_ms.max(0.0) / 1000.0),
        };
        gateway.learn(&ruling, ruling.decision.let_through().then_some(reply));
        let who = &event.act.who;
        let sighting = Sighting {
            actor: who.actor,
            group: who.group,
            scenario: who.scenario,
            attacker: who.is_attacker(),
            hostile: who.hostile,
            victim: who.victim,
            time: event.time,
            decision: ruling.decision,
            cause: cause(&ruling),
        };
        scorer.see(&sighting);
        wrong.see(&sighting, &event.act, &ruling);
    }
    Ok(Run {
        table: scorer.table(),
        wrong: wrong.lines(),
    })
}

/// What an operator of these APIs would write down: the secret of their tokens, and where crawlers crawl from.
///
/// # Errors
/// Never, as long as the simulator's network is written like one.
pub fn identity() -> anyhow::Result<Identity> {
    let mut identity = Identity::default();
    identity.tokens.secret = Some(SECRET.to_owned());
    let network: ipnet::IpNet = CRAWLER_NETWORK.parse()?;
    identity.crawlers = CRAWLER_NAMES
        .map(|name| Crawler {
            agent: name.to_owned(),
            networks: vec![network],
        })
        .into();
    Ok(identity)
}

/// What the gateway answers a request that it stops.
fn stopped(decision: Decision) -> Option<Answer> {
    let status = match decision {
        Decision::Passed => return None,
        Decision::Throttled => 429,
        Decision::Denied | Decision::Banned => 403,
        Decision::Refused => 400,
    };
    Some(Answer {
        status,
        latency_ms: 1.0,
        decision,
        ..Answer::default()
    })
}

fn sender(time: f64, act: &Act) -> Sender {
    let place = &act.who.place;
    Sender {
        time,
        client: place.address,
        system: Some(place.operator),
        country: place.country.as_bytes().try_into().ok(),
    }
}

fn owned(request: &Request) -> OwnedRequest {
    let headers = request
        .headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()))
        .collect();
    let mut owned = OwnedRequest {
        client: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        method: request.method.to_owned(),
        host: request.header("host").unwrap_or_default().to_owned(),
        path: Vec::new(),
        query: None,
        headers,
        body: request.body.clone().into_bytes(),
    };
    aim(&mut owned, &request.target);
    owned
}

/// The simulator's name of the attack that the gateway believed to see; none where it names none of them.
fn cause(ruling: &Ruling) -> Option<&'static str> {
    if !ruling.decision.is_stop() {
        return None;
    }
    match &ruling.finding {
        Some(found) => by_kind(found.kind),
        None => ruling.category.and_then(by_category),
    }
}

const fn by_kind(kind: Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::BruteForce => "brute-force",
        Kind::CredentialStuffing => "credential-stuffing",
        Kind::PasswordSpraying => "password-spraying",
        Kind::AccountTakeover => "account-takeover",
        Kind::Scraping => "scraping",
        Kind::ObjectEnumeration => "object-enumeration",
        Kind::EndpointEnumeration => "endpoint-scan",
        Kind::ParameterFuzzing => "parameter-fuzzing",
        Kind::ResourceExhaustion => "api-abuse",
        Kind::Flood => "ddos",
        Kind::Bot => "bot",
        Kind::SessionHijack => "session-hijack",
        Kind::AddressSpoofing => "header-spoofing",
        Kind::BrokenAuthentication => "forged-token",
        Kind::UnusualSequence | Kind::Outlier => "behaviour-anomaly",
        Kind::RepeatedAttack => return None,
    })
}

const fn by_category(category: Category) -> Option<&'static str> {
    Some(match category {
        Category::Sqli => "sql-injection",
        Category::Xss => "cross-site-scripting",
        Category::CommandInjection => "command-injection",
        Category::PathTraversal => "path-traversal",
        Category::Ssti => "template-injection",
        Category::Nosql => "nosql-injection",
        Category::Xxe => "xml-entities",
        Category::Ssrf => "request-forgery",
        Category::Log4shell => "log-lookup",
        _ => return None,
    })
}

/// What went wrong, for whoever looks for the reason.
struct Wrong {
    seed: u64,
    alarms: BTreeMap<u64, Value>,
    /// By group: attack, variant, and hostile requests until the first stop; `None` once stopped.
    groups: BTreeMap<u32, (&'static str, Option<u64>, String)>,
}

/// Characters of a target that are shown.
const SHOWN: usize = 200;

impl Wrong {
    fn new(seed: u64) -> Self {
        Self {
            seed,
            alarms: BTreeMap::new(),
            groups: BTreeMap::new(),
        }
    }

    fn see(&mut self, of: &Sighting<'_>, act: &Act, ruling: &Ruling) {
        let (who, request) = (&act.who, &act.request);
        let stops = of.decision.is_stop();
        if let Some(group) = of.group {
            let (_, open, _) =
                self.groups
                    .entry(group)
                    .or_insert((who.variant, Some(0), of.scenario.to_owned()));
            match open {
                Some(_) if stops => *open = None,
                Some(count) => *count += u64::from(of.hostile),
                None => {}
            }
        } else if stops {
            self.alarms.entry(of.actor).or_insert_with(|| {
                let shown: String = request.target.chars().take(SHOWN).collect();
                json!({
                    "set": SET, "seed": self.seed, "time": of.time, "who": of.scenario, "victim": of.victim,
                    "decision": of.decision.word(),
                    "client": who.client().to_string(), "account": who.account,
                    "cause": ruling.finding.map(|found| found.text()),
                    "category": ruling.category.map(Category::as_str), "method": request.method, "url": shown,
                })
            });
        }
    }

    fn lines(self) -> Vec<Value> {
        let missed = self.groups.into_iter().filter_map(|(group, (variant, open, scenario))| {
            let through = open?;
            (through > 0).then(|| {
                json!({ "set": SET, "seed": self.seed, "missed": scenario, "variant": variant, "group": group, "hostile": through })
            })
        });
        self.alarms.into_values().chain(missed).collect()
    }
}
