//! What is asked for: the parameters of a URL, each checked, turned into the store's filter.

use std::collections::BTreeMap;

use ipnet::IpNet;
use portcullis_store::{Filter, Said, Status};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::api::Api;
use crate::caller::Caller;
use crate::problem::Problem;
use crate::time;

/// What records must be like. Several values of one parameter, by commas, mean any of them; several parameters must
/// all hold.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct LogQuestion {
    /// Not before: RFC 3339, or milliseconds since 1970.
    #[param(nullable = false, max_length = 300, example = "2026-01-31T00:00:00Z")]
    pub since: Option<String>,
    /// Before: RFC 3339, or milliseconds since 1970.
    #[param(nullable = false, max_length = 300)]
    pub until: Option<String>,
    /// `LOW`, `MEDIUM`, `HIGH`, `CRITICAL`.
    #[param(nullable = false, max_length = 300)]
    pub level: Option<String>,
    /// `allow`, `tag`, `throttle`, `deny`: what was done, or would have been.
    #[param(nullable = false, max_length = 300)]
    pub action: Option<String>,
    /// Kinds of attack.
    #[param(nullable = false, max_length = 300)]
    pub category: Option<String>,
    /// Addresses or networks of clients: `192.0.2.1,2001:db8::/32`.
    #[param(nullable = false, max_length = 300)]
    pub address: Option<String>,
    /// A subject: `address:192.0.2.1`, `user:` and 16 hexadecimal digits, ….
    #[param(nullable = false, max_length = 300)]
    pub subject: Option<String>,
    /// Users, as records name them.
    #[param(nullable = false, max_length = 300)]
    pub user: Option<String>,
    /// Sessions, as records name them.
    #[param(nullable = false, max_length = 300)]
    pub session: Option<String>,
    /// API keys, as records name them.
    #[param(nullable = false, max_length = 300)]
    pub key: Option<String>,
    /// Routes.
    #[param(nullable = false, max_length = 300)]
    pub route: Option<String>,
    /// Hosts; `*.example.com` for all below one.
    #[param(nullable = false, max_length = 300)]
    pub host: Option<String>,
    /// Methods.
    #[param(nullable = false, max_length = 300)]
    pub method: Option<String>,
    /// Statuses or classes of them: `403,5xx`; 0 where the client got no answer.
    #[param(nullable = false, max_length = 300)]
    pub status: Option<String>,
    /// Ids of rules or detectors that found something.
    #[param(nullable = false, max_length = 300)]
    pub rule: Option<String>,
    /// Gateways.
    #[param(nullable = false, max_length = 300)]
    pub node: Option<String>,
    /// `complete`, `client-gone`, `upstream-error`, `timeout`, `refused`, `internal-error`.
    #[param(nullable = false, max_length = 300)]
    pub outcome: Option<String>,
    /// What people said of the verdict: `false-positive`, `confirmed`; `none` where nobody said anything.
    #[param(nullable = false, max_length = 300, example = "none")]
    pub feedback: Option<String>,
    /// What the path begins with.
    #[param(nullable = false, max_length = 300)]
    pub path: Option<String>,
    /// Words that all stand in path, query or reasons, in any case; `sel*` for all that begin so.
    #[param(nullable = false, max_length = 300)]
    pub q: Option<String>,
    /// See `Paging`.
    #[param(ignore)]
    pub cursor: Option<String>,
    /// See `Paging`.
    #[param(ignore)]
    pub limit: Option<usize>,
}

/// The most values of one parameter.
const MOST_VALUES: usize = 64;

impl LogQuestion {
    /// From parameters by name.
    ///
    /// # Errors
    /// 400 where one is unknown.
    pub fn of(parameters: BTreeMap<String, String>) -> Result<Self, Problem> {
        let parameters = parameters
            .into_iter()
            .map(|(name, text)| (name, text.into()));
        serde_json::from_value(serde_json::Value::Object(parameters.collect())).map_err(|error| {
            Problem::bad_request(format!("the query cannot be understood: {error}"))
        })
    }

    /// The store's filter, within what the caller may see.
    ///
    /// # Errors
    /// 400 with the parameter that makes no sense.
    pub fn filter(&self, api: &Api, caller: &Caller) -> Result<Filter, Problem> {
        let mut filter = Filter {
            from_ms: moment("since", self.since.as_deref())?,
            to_ms: moment("until", self.until.as_deref())?,
            levels: words("level", self.level.as_deref())?,
            actions: words("action", self.action.as_deref())?,
            categories: words("category", self.category.as_deref())?,
            addresses: networks(self.address.as_deref())?,
            users: words("user", self.user.as_deref())?,
            sessions: words("session", self.session.as_deref())?,
            keys: words("key", self.key.as_deref())?,
            routes: words("route", self.route.as_deref())?,
            hosts: words("host", self.host.as_deref())?,
            methods: words("method", self.method.as_deref())?,
            statuses: statuses(self.status.as_deref())?,
            rules: words("rule", self.rule.as_deref())?,
            nodes: words("node", self.node.as_deref())?,
            outcomes: words("outcome", self.outcome.as_deref())?,
            feedback: said(self.feedback.as_deref())?,
            path: text("path", self.path.as_deref())?,
            text: text("q", self.q.as_deref())?,
            scope: api.scope(caller),
        };
        if let Some(subject) = &self.subject {
            let subject = api
                .gateway()
                .subject(subject)
                .map_err(Problem::bad_request)?;
            narrow(&mut filter, &subject)?;
        }
        Ok(filter)
    }

    /// The filter of something that has no pages.
    ///
    /// # Errors
    /// As [`LogQuestion::filter`], and where a page is asked for.
    pub fn whole_filter(&self, api: &Api, caller: &Caller) -> Result<Filter, Problem> {
        if self.cursor.is_some() || self.limit.is_some() {
            return Err(Problem::bad_request(
                "an export has no pages: leave `cursor` and `limit` out",
            ));
        }
        self.filter(api, caller)
    }
}

/// Admits only what a subject did. `subject` is spelt as the gateway does.
///
/// # Errors
/// 400 for a kind of subject that records do not name.
pub fn narrow(filter: &mut Filter, subject: &str) -> Result<(), Problem> {
    let (kind, name) = subject.split_once(':').unwrap_or((subject, ""));
    let place = match kind {
        "address" | "prefix" => {
            filter.addresses = networks(Some(name))?;
            return Ok(());
        }
        // Records write the hash with its kind.
        "user" => &mut filter.users,
        "session" => &mut filter.sessions,
        "key" => &mut filter.keys,
        _ => {
            return Err(Problem::bad_request(format!(
                "records do not name a {kind}; ask for an address, prefix, user, session or key"
            )));
        }
    };
    *place = vec![subject.to_owned()];
    Ok(())
}

fn moment(name: &str, value: Option<&str>) -> Result<Option<i64>, Problem> {
    value
        .map(|value| {
            time::parse(value).ok_or_else(|| {
                Problem::bad_request(format!(
                    "`{name}` is no time: write 2026-01-31T23:59:59Z, or milliseconds since 1970"
                ))
            })
        })
        .transpose()
}

/// Values by commas.
fn words(name: &str, value: Option<&str>) -> Result<Vec<String>, Problem> {
    let Some(value) = text(name, value)? else {
        return Ok(Vec::new());
    };
    let words: Vec<String> = value
        .split(',')
        .map(|word| word.trim().to_owned())
        .collect();
    if words.len() > MOST_VALUES || words.iter().any(String::is_empty) {
        return Err(Problem::bad_request(format!(
            "`{name}` takes 1 to {MOST_VALUES} values with commas between them, none of them empty"
        )));
    }
    Ok(words)
}

fn text(name: &str, value: Option<&str>) -> Result<Option<String>, Problem> {
    match value {
        Some(value) if value.contains('\0') => {
            Err(Problem::bad_request(format!("`{name}` holds a NUL")))
        }
        other => Ok(other.map(str::to_owned)),
    }
}

fn networks(value: Option<&str>) -> Result<Vec<IpNet>, Problem> {
    let read = |word: &String| -> Option<IpNet> {
        word.parse()
            .ok()
            .or_else(|| Some(IpNet::from(word.parse::<std::net::IpAddr>().ok()?)))
    };
    words("address", value)?
        .iter()
        .map(|word| {
            read(word).ok_or_else(|| {
                Problem::bad_request(
                    "`address` takes addresses and networks, such as 192.0.2.1 or 2001:db8::/32",
                )
            })
        })
        .collect()
}

fn said(value: Option<&str>) -> Result<Vec<Option<Said>>, Problem> {
    let read = |word: &String| match word.as_str() {
        "none" => Ok(None),
        word => word.parse().map(Some).map_err(|_| {
            Problem::bad_request("`feedback` takes false-positive, confirmed and none")
        }),
    };
    words("feedback", value)?.iter().map(read).collect()
}

fn statuses(value: Option<&str>) -> Result<Vec<Status>, Problem> {
    let read = |word: &String| -> Option<Status> {
        if let Some(class) = word.strip_suffix("xx") {
            return class
                .parse()
                .ok()
                .filter(|class| *class <= 5)
                .map(Status::Class);
        }
        word.parse()
            .ok()
            .filter(|status| *status <= 999)
            .map(Status::Exact)
    };
    words("status", value)?
        .iter()
        .map(|word| {
            read(word).ok_or_else(|| {
                Problem::bad_request(
                    "`status` takes statuses and classes of them, such as 403 or 5xx",
                )
            })
        })
        .collect()
}
