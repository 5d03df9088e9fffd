//! What somebody is looking for. A filter is turned into a question about terms, which the index answers, and looks
//! itself at each record that was found; the live feed asks it alone.

use std::fmt::Write as _;
use std::net::IpAddr;

use ipnet::IpNet;

use super::terms::{self, Term, kind};
use crate::database::Dialect;
use crate::entry::Record;
use crate::feedback::Said;

/// What records must be like; a part that is empty or `None` admits all, a list admits whatever fits one of its items.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// Not before, in milliseconds since 1970.
    pub from_ms: Option<i64>,
    /// Before, in milliseconds since 1970.
    pub to_ms: Option<i64>,
    /// `LOW`, `MEDIUM`, `HIGH`, `CRITICAL`: of the request's verdict or of the answer's. Case does not matter.
    pub levels: Vec<String>,
    /// `allow`, `tag`, `throttle`, `deny`: what was done, or would have been where a policy only observes.
    pub actions: Vec<String>,
    /// Categories of attack, of either verdict.
    pub categories: Vec<String>,
    /// The client's address lies in one of these networks.
    pub addresses: Vec<IpNet>,
    /// Users, as in the record.
    pub users: Vec<String>,
    /// Sessions, as in the record.
    pub sessions: Vec<String>,
    /// API keys, as in the record.
    pub keys: Vec<String>,
    /// Routes, by their label.
    pub routes: Vec<String>,
    /// Hosts, `*.example.com` for all below one.
    pub hosts: Vec<String>,
    /// Methods; case does not matter.
    pub methods: Vec<String>,
    /// Statuses.
    pub statuses: Vec<Status>,
    /// Ids of rules and detectors that found something.
    pub rules: Vec<String>,
    /// The gateways that wrote the record.
    pub nodes: Vec<String>,
    /// `complete`, `client-gone`, …
    pub outcomes: Vec<String>,
    /// What people said of the verdict; `None` among them: nothing. The database answers this alone.
    pub feedback: Vec<Option<Said>>,
    /// What the path begins with, byte for byte.
    pub path: Option<String>,
    /// Words that all occur in path, query or reasons, in any case and order; `sel*` stands for all that begin so.
    pub text: Option<String>,
    /// Only what belongs to this tenant.
    pub scope: Option<Scope>,
}

/// What a tenant owns: requests of one of these routes, or for one of these hosts. Nothing listed: nothing is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// Routes, by their label.
    pub routes: Vec<String>,
    /// Hosts, `*.example.com` for all below one.
    pub hosts: Vec<String>,
}

/// One status, or a class of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// This one; 0 where the client got no answer.
    Exact(u16),
    /// 4 for 400 to 499.
    Class(u16),
}

/// A filter as the index is asked.
pub(super) struct Question {
    /// Without what asks for all terms that begin alike: those the index puts together before it answers, which takes
    /// long just where many records have one, and where a look at the newest records is enough.
    pub quick: String,
    /// With everything.
    pub whole: String,
}

/// All must hold; of each at least one.
type Clauses = Vec<Vec<Term>>;

impl Filter {
    /// Whether a record of `node` is what is looked for.
    pub fn matches(&self, record: &Record, node: &str) -> bool {
        let among = |wanted: &[String], found: &str| {
            wanted.is_empty() || wanted.iter().any(|one| one.eq_ignore_ascii_case(found))
        };
        let exactly = |wanted: &[String], found: &str| {
            wanted.is_empty() || wanted.iter().any(|one| one == found)
        };
        self.matches_time(record)
            && exactly(&self.nodes, node)
            && exactly(&self.routes, &record.route)
            && exactly(&self.users, &record.user)
            && exactly(&self.sessions, &record.session)
            && exactly(&self.keys, &record.key)
            && exactly(&self.outcomes, &record.outcome)
            && among(&self.methods, &record.method)
            && (among(&self.actions, &record.action)
                || (!record.would.is_empty() && among(&self.actions, &record.would)))
            && (self.statuses.is_empty()
                || self.statuses.iter().any(|one| one.admits(record.status)))
            && self
                .path
                .as_deref()
                .is_none_or(|path| record.path.starts_with(path))
            && self.matches_address(record)
            && matches_host(&self.hosts, &record.host)
            && self
                .scope
                .as_ref()
                .is_none_or(|scope| scope.admits(&record.route, &record.host))
            && self.matches_verdicts(record)
            && self.matches_text(record)
    }

    /// Whether only records that somebody marked are looked for.
    pub(super) fn is_of_marked(&self) -> bool {
        !self.feedback.is_empty() && !self.feedback.contains(&None)
    }

    /// The condition on what people said, of table `f`; empty where any will do.
    pub(super) fn feedback_condition(&self) -> String {
        let said: Vec<String> = Said::ALL
            .iter()
            .filter(|said| self.feedback.contains(&Some(**said)))
            .map(|said| format!("'{}'", said.as_str()))
            .collect();
        let said = (!said.is_empty()).then(|| format!("f.said IN ({})", said.join(", ")));
        match (self.feedback.contains(&None), said) {
            (true, Some(said)) => format!(" AND (f.said IS NULL OR {said})"),
            (true, None) => " AND f.said IS NULL".to_owned(),
            (false, Some(said)) => format!(" AND {said}"),
            (false, None) => String::new(),
        }
    }

    fn matches_time(&self, record: &Record) -> bool {
        let time = record.time_ms();
        self.from_ms.is_none_or(|from| time >= from) && self.to_ms.is_none_or(|to| time < to)
    }

    fn matches_address(&self, record: &Record) -> bool {
        self.addresses.is_empty()
            || record.client.parse::<IpAddr>().is_ok_and(|address| {
                let address = address.to_canonical();
                self.addresses
                    .iter()
                    .any(|network| canonical(*network).contains(&address))
            })
    }

    fn matches_verdicts(&self, record: &Record) -> bool {
        any_of(&self.levels, terms::verdicts(record).map(|one| &*one.level))
            && any_of(
                &self.categories,
                terms::verdicts(record).map(|one| &*one.category),
            )
            && any_of(&self.rules, terms::rules(record))
    }

    fn matches_text(&self, record: &Record) -> bool {
        let Some(text) = &self.text else { return true };
        let words = terms::words_of(record);
        terms::asked_words(text).iter().all(|asked| match asked {
            Term::Exact(word) => words.contains(word),
            Term::Prefix(stem) => words.iter().any(|word| word.starts_with(stem)),
        })
    }

    /// The question about terms; `None` where nothing can match. An empty list of clauses asks nothing.
    fn clauses(&self) -> Option<Clauses> {
        let mut all = Clauses::new();
        let mut one_of = |kind: &str, values: &[String]| {
            if !values.is_empty() {
                all.push(values.iter().map(|value| exact(kind, value)).collect());
            }
        };
        one_of(kind::LEVEL, &self.levels);
        one_of(kind::ACTION, &self.actions);
        one_of(kind::CATEGORY, &self.categories);
        one_of(kind::USER, &self.users);
        one_of(kind::SESSION, &self.sessions);
        one_of(kind::KEY, &self.keys);
        one_of(kind::ROUTE, &self.routes);
        one_of(kind::METHOD, &self.methods);
        one_of(kind::RULE, &self.rules);
        one_of(kind::NODE, &self.nodes);
        one_of(kind::OUTCOME, &self.outcomes);
        if !self.hosts.is_empty() {
            all.push(host_terms(&self.hosts).collect());
        }
        if !self.statuses.is_empty() {
            all.push(
                self.statuses
                    .iter()
                    .map(|one| exact(kind::STATUS, &one.name()))
                    .collect(),
            );
        }
        if !self.addresses.is_empty() {
            all.push(
                self.addresses
                    .iter()
                    .flat_map(|network| network_terms(*network))
                    .collect(),
            );
        }
        if let Some(scope) = &self.scope {
            let routes = scope.routes.iter().map(|route| exact(kind::ROUTE, route));
            all.push(routes.chain(host_terms(&scope.hosts)).collect());
        }
        for word in self.text.iter().flat_map(|text| terms::asked_words(text)) {
            all.push(vec![word]);
        }
        all.extend(
            self.path
                .iter()
                .flat_map(|path| path_terms(path))
                .map(|word| vec![word]),
        );
        all.iter().all(|clause| !clause.is_empty()).then_some(all)
    }

    /// The question in the index's own language; an empty one asks nothing, `None` is what nothing can match.
    pub(super) fn question(&self, dialect: Dialect) -> Option<Question> {
        let clauses = self.clauses()?;
        let is_open =
            |clause: &Vec<Term>| clause.iter().any(|term| matches!(term, Term::Prefix(_)));
        let closed: Vec<Vec<Term>> = clauses
            .iter()
            .filter(|clause| !is_open(clause))
            .cloned()
            .collect();
        Some(Question {
            quick: Self::written(&closed, dialect),
            whole: Self::written(&clauses, dialect),
        })
    }

    fn written(clauses: &[Vec<Term>], dialect: Dialect) -> String {
        let mut question = String::new();
        for clause in clauses {
            if !question.is_empty() {
                question.push_str(dialect.and());
            }
            question.push('(');
            for (position, term) in clause.iter().enumerate() {
                if position > 0 {
                    question.push_str(dialect.or());
                }
                dialect.write(term, &mut question);
            }
            question.push(')');
        }
        question
    }
}

impl Scope {
    /// Whether a request of this route for this host belongs to the tenant.
    pub fn admits(&self, route: &str, host: &str) -> bool {
        self.routes.iter().any(|one| one == route)
            || (!self.hosts.is_empty() && matches_host(&self.hosts, host))
    }
}

impl Status {
    fn admits(self, status: u16) -> bool {
        match self {
            Self::Exact(wanted) => wanted == status,
            Self::Class(wanted) => wanted == status / 100,
        }
    }

    fn name(self) -> String {
        match self {
            Self::Exact(status) => terms::status_name(status),
            Self::Class(class) => terms::class_name(class.saturating_mul(100)),
        }
    }
}

impl Dialect {
    const fn and(self) -> &'static str {
        match self {
            Self::Sqlite => " AND ",
            Self::Postgres => " & ",
        }
    }

    const fn or(self) -> &'static str {
        match self {
            Self::Sqlite => " OR ",
            Self::Postgres => " | ",
        }
    }

    /// A term has no quotation mark and no backslash (see [`terms::term`]), so that quoting it is enough.
    fn write(self, term: &Term, out: &mut String) {
        // Writing to a String cannot fail.
        let _ = match (self, term) {
            (Self::Sqlite, Term::Exact(term)) => write!(out, "\"{term}\""),
            (Self::Sqlite, Term::Prefix(term)) => write!(out, "\"{term}\"*"),
            (Self::Postgres, Term::Exact(term)) => write!(out, "'{term}'"),
            (Self::Postgres, Term::Prefix(term)) => write!(out, "'{term}':*"),
        };
    }
}

/// Whether one of those found is one of those wanted, or any will do.
fn any_of<'a>(wanted: &[String], mut found: impl Iterator<Item = &'a str>) -> bool {
    let is_wanted = |found: &str| wanted.iter().any(|one| one.eq_ignore_ascii_case(found));
    wanted.is_empty() || found.any(is_wanted)
}

fn exact(kind: &str, value: &str) -> Term {
    Term::Exact(terms::term(kind, value))
}

fn host_terms(hosts: &[String]) -> impl Iterator<Item = Term> {
    hosts
        .iter()
        .map(|host| exact(kind::HOST, &terms::host_name(host)))
}

fn matches_host(wanted: &[String], host: &str) -> bool {
    if wanted.is_empty() {
        return true;
    }
    let names = terms::host_names(host);
    wanted
        .iter()
        .any(|one| names.contains(&terms::host_name(one)))
}

/// What a path prefix asks for: its whole segments, and the one that it may end within.
fn path_terms(path: &str) -> Vec<Term> {
    let whole = path
        .rfind('/')
        .and_then(|end| path.get(..end))
        .unwrap_or_default();
    let deepest = terms::beginnings(whole)
        .last()
        .filter(|beginning| !beginning.is_empty());
    let mut asked: Vec<Term> = deepest
        .map(|beginning| exact(kind::PATH, beginning))
        .into_iter()
        .collect();
    let indexed = whole.matches('/').count() < terms::SEGMENTS && path.len() <= terms::LONGEST;
    if indexed && path.len() > 1 && path.starts_with('/') {
        asked.push(Term::Prefix(terms::term(kind::PATH, path)));
    }
    // Of the segments behind those that are indexed, the words. A percent sign may be cut in two, so what follows it
    // is no word yet.
    let rest = whole.get(deepest.map_or(0, str::len)..).unwrap_or_default();
    if !rest.contains('%') {
        asked.extend(terms::asked_words(&rest.replace(['*', '+'], " ")));
    }
    asked
}

/// An IPv4 network that is written as an IPv6 one is one all the same.
fn canonical(network: IpNet) -> IpNet {
    match network {
        IpNet::V6(v6) if v6.prefix_len() >= 96 => match v6.addr().to_ipv4_mapped() {
            Some(v4) => ipnet::Ipv4Net::new(v4, v6.prefix_len() - 96).map_or(network, IpNet::V4),
            None => network,
        },
        _ => network,
    }
}

/// The fewest terms that cover a network: its addresses, or the smaller networks in it that have terms, at most 128;
/// else all terms that begin like it.
fn network_terms(network: IpNet) -> Vec<Term> {
    let network = canonical(network).trunc();
    let length = usize::from(network.prefix_len());
    let (bits, narrow, wide) = match network {
        IpNet::V4(v4) => (u128::from(v4.addr().to_bits()) << 96, 24, 16),
        IpNet::V6(v6) => (v6.addr().to_bits(), 64, 48),
    };
    let whole = match network {
        IpNet::V4(_) => 32,
        IpNet::V6(_) => 128,
    };
    let levels = [
        (kind::WIDE, wide),
        (kind::NARROW, narrow),
        (kind::ADDRESS, whole),
    ];
    let Some((kind, size)) = levels.into_iter().find(|(_, size)| length <= *size) else {
        return Vec::new();
    };
    let first = bits >> (128 - size);
    let digits = size / 4;
    if size - length <= MOST_DOUBLINGS {
        let last = first + ((1_u128 << (size - length)) - 1);
        return (first..=last)
            .map(|number| Term::Exact(format!("{kind}{number:0digits$x}")))
            .collect();
    }
    // Whole hexadecimal digits; what is left over is for `matches`.
    let text = format!("{first:0digits$x}");
    let stem = text.get(..length / 4).unwrap_or_default();
    vec![Term::Prefix(format!("{kind}{stem}"))]
}

/// A network is taken apart into at most two to the power of this.
const MOST_DOUBLINGS: usize = 7;

/// The question for a request's id, in the index's own language.
pub(super) fn id_question(id: &str, dialect: Dialect) -> String {
    let mut question = String::new();
    dialect.write(&exact(kind::ID, terms::id_key(id)), &mut question);
    question
}
