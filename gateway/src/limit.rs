//! Rate limits: governor's cell-rate algorithm over a table of fixed size. A limit outlives the snapshot that asked
//! for it, so a reload refills no bucket; [`Limits`] is where a new snapshot finds the limits of the old one.

mod clock;
mod ledger;
mod share;
mod table;

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use governor::clock::Clock as _;
use governor::middleware::StateInformationMiddleware;
use governor::nanos::Nanos;
use governor::{Quota, RateLimiter};
use http::header::{HeaderName, RETRY_AFTER};
use http::{HeaderMap, HeaderValue};
use portcullis_detect::behaviour::Hashing;
use prometheus::{IntCounter, IntGauge};

pub(crate) use self::clock::LimitClock;
pub(crate) use self::share::Passed;
use self::table::{SharedTable, Table};

/// All limits of the process. Lives as long as the process; snapshots take what they need from it.
pub(crate) struct Limits {
    clock: LimitClock,
    /// The hash of keys is secret, so that nobody can choose keys that crowd one set of a table.
    hashing: Hashing,
    /// Whether what is let through is told to other gateways.
    shared: bool,
    known: Mutex<HashMap<Place, Weak<Limiter>>>,
    keys: IntGauge,
    evictions: IntCounter,
}

/// What one limit of a policy says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LimitSpec {
    /// Whose requests are counted together.
    pub key: LimitKey,
    /// How many requests per `period` are let through in the long run.
    pub count: NonZeroU32,
    /// The period of `count`; more than zero.
    pub period: Duration,
    /// How many requests may come at once after a rest.
    pub burst: NonZeroU32,
}

/// Whose requests a limit counts together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum LimitKey {
    /// Those of one client address; of one /64 network in IPv6, which is what a single customer usually holds.
    Client,
    /// Those that bear the same value of this header; of one client address where the header is missing, so that
    /// leaving it out gains nothing.
    Header(HeaderName),
    /// All of the route.
    Route,
}

/// One limit with its state.
pub(crate) struct Limiter {
    spec: LimitSpec,
    /// As the client reads it in `RateLimit`, for example `client`.
    name: Box<str>,
    /// The same on every gateway of one configuration and one secret.
    id: u64,
    hashing: Hashing,
    started: Nanos,
    governor: RateLimiter<u64, SharedTable, LimitClock, StateInformationMiddleware>,
    table: SharedTable,
    /// Nanoseconds that one request is worth.
    cell: u64,
    burst: u32,
}

/// The limits of one policy, in order.
#[derive(Clone)]
pub(crate) struct LimitSet {
    limiters: Vec<Arc<Limiter>>,
    /// `RateLimit-Policy`, which is the same for every request.
    policy: HeaderValue,
}

/// What a limit says to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decision {
    /// Whether the request may pass.
    pub allowed: bool,
    /// The most requests that may come at once (the burst).
    pub limit: u32,
    /// How many may still come at once now.
    pub remaining: u32,
    /// Seconds until the whole burst is there again, rounded up.
    pub reset_seconds: u64,
    /// Seconds until the next request may pass, rounded up; 0 when this one may.
    pub retry_after_seconds: u64,
}

/// A decision together with the limit that made it.
#[derive(Clone, Copy)]
pub(crate) struct Check<'a> {
    set: &'a LimitSet,
    limiter: &'a Limiter,
    /// What it said.
    pub decision: Decision,
}

/// Where a limit stands in the configuration: what makes it the same limit after a reload.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Place {
    policy: Box<str>,
    key: LimitKey,
    /// Counts limits of the same key within the policy.
    ordinal: usize,
}

impl LimitSpec {
    /// A limit as configured. The configuration admits neither a rate nor a burst of 0; 1 stands in for them here.
    pub(crate) fn of(limit: &portcullis_config::Limit) -> Self {
        let (count, period) = limit.rate.per_period();
        Self {
            key: match &limit.key {
                portcullis_config::LimitKey::Client => LimitKey::Client,
                portcullis_config::LimitKey::Route => LimitKey::Route,
                // The configuration checked the name; were it none after all, the client's limit is the safe reading.
                portcullis_config::LimitKey::Header(name) => {
                    HeaderName::try_from(name).map_or(LimitKey::Client, LimitKey::Header)
                }
            },
            count: NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN),
            period,
            burst: NonZeroU32::new(limit.burst.unwrap_or(count)).unwrap_or(NonZeroU32::MIN),
        }
    }
}

impl Limits {
    /// No limits yet; `keys` and `evictions` are kept current by the tables.
    pub(crate) fn new(clock: LimitClock, keys: IntGauge, evictions: IntCounter) -> Self {
        let half = || u128::from(RandomState::new().hash_one(0));
        Self {
            clock,
            hashing: Hashing::new(half() << 64 | half()),
            shared: false,
            known: Mutex::default(),
            keys,
            evictions,
        }
    }

    /// The limits of a policy, each with the state it had if it was there before. A limit whose rate or burst
    /// changed keeps what was used of it: who had used half of the old burst has used as many requests of the new.
    pub(crate) fn set(&self, policy: &str, specs: &[LimitSpec]) -> LimitSet {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, limiter| limiter.strong_count() > 0);
        let mut limiters: Vec<Arc<Limiter>> = Vec::with_capacity(specs.len());
        for spec in specs {
            let ordinal = limiters
                .iter()
                .filter(|limiter| limiter.spec.key == spec.key)
                .count();
            let place = Place {
                policy: policy.into(),
                key: spec.key.clone(),
                ordinal,
            };
            let limiter = match known.get(&place).and_then(Weak::upgrade) {
                Some(old) if old.spec == *spec => old,
                old => Arc::new(self.limiter(spec, &place, old.as_deref())),
            };
            known.insert(place, Arc::downgrade(&limiter));
            limiters.push(limiter);
        }
        let policy = limiters
            .iter()
            .map(|limiter| limiter.policy_item())
            .collect::<Vec<_>>()
            .join(", ");
        LimitSet {
            limiters,
            // Names hold only characters of a header name.
            policy: HeaderValue::try_from(policy).unwrap_or_else(|_| HeaderValue::from_static("")),
        }
    }

    fn limiter(&self, spec: &LimitSpec, place: &Place, old: Option<&Limiter>) -> Limiter {
        let quota = quota(spec);
        let cell = Nanos::from(quota.replenish_interval()).as_u64();
        let burst = quota.burst_size().get();
        let slots = match spec.key {
            LimitKey::Client | LimitKey::Header(_) => table::SLOTS,
            LimitKey::Route => table::FEW_SLOTS,
        };
        let (keys, evictions) = (self.keys.clone(), self.evictions.clone());
        let table = Table::new(slots, cell, keys, evictions, self.shared);
        if let Some(old) = old {
            let now = self.clock.now().saturating_sub(old.started).as_u64();
            table.carry_over(&old.table, now, burst);
        }
        let table = SharedTable(Arc::new(table));
        let started = self.clock.now();
        Limiter {
            spec: spec.clone(),
            name: name(&spec.key, place.ordinal),
            id: place.id(&self.hashing),
            // A limit that is rebuilt must find its old keys again, hence one secret for all.
            hashing: self.hashing,
            started,
            governor: RateLimiter::<_, _, _, StateInformationMiddleware>::new(
                quota,
                table.clone(),
                self.clock.clone(),
            ),
            table,
            cell,
            burst,
        }
    }
}

impl LimitSet {
    /// Whether there is nothing to check.
    pub(crate) fn is_empty(&self) -> bool {
        self.limiters.is_empty()
    }

    /// Asks every limit in order and takes the request from each bucket, until one refuses. Returns the refusal, or
    /// the decision that leaves least room; `None` where there are no limits.
    pub(crate) fn check(
        &self,
        client: IpAddr,
        headers: &HeaderMap,
        route: &str,
    ) -> Option<Check<'_>> {
        let mut tightest: Option<Check<'_>> = None;
        for limiter in &self.limiters {
            let decision = limiter.check(limiter.key(client, headers, route));
            let check = Check {
                set: self,
                limiter,
                decision,
            };
            if !decision.allowed {
                return Some(check);
            }
            if tightest.is_none_or(|other| decision.room() < other.decision.room()) {
                tightest = Some(check);
            }
        }
        tightest
    }
}

impl Limiter {
    /// Takes one request from the bucket of `key`, a value of [`Limiter::key`].
    pub(crate) fn check(&self, key: u64) -> Decision {
        let burst = self.burst;
        match self.governor.check_key(&key) {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity().min(burst);
                let used = u64::from(burst - remaining);
                Decision {
                    allowed: true,
                    limit: burst,
                    remaining,
                    reset_seconds: seconds_up(used.saturating_mul(self.cell)),
                    retry_after_seconds: 0,
                }
            }
            Err(until) => {
                let wait = until.wait_time_from(self.governor.clock().now());
                let wait = u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX);
                let full = u64::from(burst - 1)
                    .saturating_mul(self.cell)
                    .saturating_add(wait);
                Decision {
                    allowed: false,
                    limit: burst,
                    remaining: 0,
                    reset_seconds: seconds_up(full),
                    retry_after_seconds: seconds_up(wait).max(1),
                }
            }
        }
    }

    /// The key that a request counts under.
    pub(crate) fn key(&self, client: IpAddr, headers: &HeaderMap, route: &str) -> u64 {
        match &self.spec.key {
            LimitKey::Client => self.client_key(client),
            LimitKey::Header(name) => match headers.get(name) {
                Some(value) => self.hashing.name("limit-header", value.as_bytes()).value(),
                None => self.client_key(client),
            },
            LimitKey::Route => self.hashing.name("limit-route", route.as_bytes()).value(),
        }
    }

    fn client_key(&self, client: IpAddr) -> u64 {
        match client.to_canonical() {
            IpAddr::V4(ip) => self.hashing.name("limit-v4", &ip.octets()).value(),
            IpAddr::V6(ip) => self.hashing.name("limit-v6", &ip.octets()[..8]).value(),
        }
    }

    /// The limit as an item of `RateLimit-Policy`: its burst, and how long an empty bucket takes to fill.
    fn policy_item(&self) -> String {
        let burst = self.burst;
        let window = seconds_up(u64::from(burst).saturating_mul(self.cell)).max(1);
        format!("\"{}\";q={burst};w={window}", self.name)
    }
}

impl Check<'_> {
    /// Tells the client where it stands: `RateLimit-Policy` and `RateLimit` of draft-ietf-httpapi-ratelimit-headers
    /// (revisions 8 to 11), the three `RateLimit-*` fields of its sixth and earlier revisions, which more clients
    /// read, and `Retry-After` on a refusal.
    pub(crate) fn write_headers(&self, headers: &mut HeaderMap) {
        let Decision {
            allowed,
            limit,
            remaining,
            reset_seconds,
            retry_after_seconds,
        } = self.decision;
        let item = format!("\"{}\";r={remaining};t={reset_seconds}", self.limiter.name);
        if let Ok(item) = HeaderValue::try_from(item) {
            headers.insert(RATE_LIMIT, item);
        }
        headers.insert(RATE_LIMIT_POLICY, self.set.policy.clone());
        headers.insert(RATE_LIMIT_LIMIT, limit.into());
        headers.insert(RATE_LIMIT_REMAINING, remaining.into());
        headers.insert(RATE_LIMIT_RESET, reset_seconds.into());
        if !allowed {
            headers.insert(RETRY_AFTER, retry_after_seconds.into());
        }
    }

    /// The name of the limit, for the record.
    pub(crate) fn name(&self) -> &str {
        &self.limiter.name
    }
}

impl Decision {
    /// The part of the burst that is left, 0 to 1.
    fn room(&self) -> f64 {
        f64::from(self.remaining) / f64::from(self.limit.max(1))
    }
}

fn quota(spec: &LimitSpec) -> Quota {
    let cell = (spec.period / spec.count.get()).clamp(Duration::from_nanos(1), LONGEST);
    // governor multiplies cell and burst in 64 bits of nanoseconds.
    let most = u32::try_from(LONGEST.as_nanos() / cell.as_nanos()).unwrap_or(u32::MAX);
    let burst = NonZeroU32::new(spec.burst.get().min(most)).unwrap_or(NonZeroU32::MIN);
    Quota::with_period(cell)
        .expect("the cell was clamped to at least a nanosecond")
        .allow_burst(burst)
}

fn name(key: &LimitKey, ordinal: usize) -> Box<str> {
    let base = match key {
        LimitKey::Client => "client",
        LimitKey::Header(name) => name.as_str(),
        LimitKey::Route => "route",
    };
    match ordinal {
        0 => base.into(),
        n => format!("{base}-{}", n + 1).into(),
    }
}

fn seconds_up(nanoseconds: u64) -> u64 {
    nanoseconds.div_ceil(1_000_000_000)
}

/// Ten years: far below the 584 at which nanoseconds overflow, far above any sensible limit.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 86_400);

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const RATE_LIMIT_LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const RATE_LIMIT_REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RATE_LIMIT_RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

#[cfg(test)]
mod tests;
