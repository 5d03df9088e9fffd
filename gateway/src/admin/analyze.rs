//! Trying a described request on what serves now. It takes the way of a real one as far as route, policy and engine;
//! nothing is forwarded, recorded, limited or held against anybody.

use std::net::{IpAddr, Ipv4Addr};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, Method};
use portcullis_admin::analyze::{Analysis, Trial, TrialBody};
use portcullis_admin::verdict::{Evidence, Uninspected, Verdict};
use portcullis_config::Mode;
use portcullis_detect::ruletest::OwnedRequest;
use portcullis_detect::{self as detect, Action, Body, Request, Subjects, SystemClock};

use crate::snapshot::{Policy, Route, Snapshot};

/// Judges a described request.
///
/// # Errors
/// A sentence, when it is no request, or names a policy that does not exist.
pub(super) fn judge(snapshot: &Snapshot, trial: &Trial) -> Result<Analysis, String> {
    let request = read(trial)?;
    let method = Method::from_bytes(request.method.as_bytes()).map_err(|_| NO_METHOD)?;
    let path = String::from_utf8_lossy(&request.path);
    let route = snapshot.routes.find(&request.host, &path, &method);
    let route = route.and_then(|index| snapshot.routes.all().get(index));
    let policy = policy(snapshot, route, trial.policy.as_deref())?;
    let name = route.map_or("none", |route| &*route.name);
    let verdict = inspect(snapshot, policy, &request, name);
    let enforced = match policy.mode {
        Mode::Enforce => verdict.action,
        Mode::Observe | Mode::Off => Action::Allow,
    };
    Ok(Analysis {
        route: route.map(|route| route.name.to_string()),
        policy: policy.name.to_string(),
        mode: policy.mode.as_str().to_owned(),
        enforced: enforced.as_str().to_owned(),
        verdict: shown(verdict),
    })
}

/// The policy that was asked for, or that of the route; without a route the one called `default`.
fn policy<'a>(
    snapshot: &'a Snapshot,
    route: Option<&'a Route>,
    named: Option<&str>,
) -> Result<&'a Policy, String> {
    let by_name = |name: &str| snapshot.policies.get(name).map(|policy| &**policy);
    match (named, route) {
        (Some(name), _) => by_name(name).ok_or_else(|| format!("there is no policy `{name}`")),
        (None, Some(route)) => Ok(&route.policy),
        (None, None) => by_name("default").ok_or_else(|| "no route matches".to_owned()),
    }
}

fn inspect(
    snapshot: &Snapshot,
    policy: &Policy,
    owned: &OwnedRequest,
    route: &str,
) -> detect::Verdict {
    let body = owned.body.get(..policy.inspect).unwrap_or(&owned.body);
    let complete = body.len() == owned.body.len();
    owned.with(|request| {
        let request = Request {
            route,
            body: Body {
                bytes: body,
                complete,
            },
            ..*request
        };
        // The engine for messages is the policy's without behaviour: nobody is charged. Nor is anything counted or
        // learned by the models.
        let models = snapshot.detector.ensemble().on_trial();
        snapshot.detector.beside(models).inspect(
            &mut detect::Worker::default(),
            &request,
            &policy.message_engine,
            &Subjects::of(request.client),
            &SystemClock,
        )
    })
}

fn read(trial: &Trial) -> Result<OwnedRequest, String> {
    let method = Method::from_bytes(trial.method.as_bytes()).map_err(|_| NO_METHOD)?;
    let target = trial.target.as_bytes();
    let printable = target.iter().all(|byte| (b'!'..=b'~').contains(byte));
    if !target.starts_with(b"/") || !printable || target.len() > MOST_TARGET {
        return Err(format!(
            "`target` begins with a slash and has at most {MOST_TARGET} printable ASCII characters, without spaces"
        ));
    }
    let host = trial.host.as_deref().unwrap_or("localhost");
    if !is_host(host) {
        return Err("`host` is a name or an address, with or without a port".to_owned());
    }
    if trial.headers.len() > MOST_HEADERS {
        return Err(format!("a request has at most {MOST_HEADERS} headers"));
    }
    let mut headers = vec![("host".to_owned(), host.as_bytes().to_vec())];
    for header in &trial.headers {
        let name = HeaderName::from_bytes(header.name.as_bytes())
            .map_err(|_| format!("{:?} is no name of a header", header.name))?;
        let sane = header.value.bytes().all(|b| (b' '..=b'~').contains(&b));
        if !sane || header.value.len() > MOST_TARGET {
            return Err(format!(
                "the value of `{name}` has at most {MOST_TARGET} printable ASCII characters"
            ));
        }
        if name != http::header::HOST {
            headers.push((name.as_str().to_owned(), header.value.clone().into_bytes()));
        }
    }
    let mut parts = target.splitn(2, |byte| *byte == b'?');
    Ok(OwnedRequest {
        client: trial.client.unwrap_or(SOMEBODY),
        method: method.as_str().to_owned(),
        host: host.to_owned(),
        path: parts.next().unwrap_or_default().to_vec(),
        query: parts.next().map(<[u8]>::to_vec),
        headers,
        body: body(trial.body.as_ref())?,
    })
}

fn is_host(host: &str) -> bool {
    let sane = |byte: u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'[' | b']')
    };
    !host.is_empty() && host.len() <= 255 && host.bytes().all(sane)
}

fn body(body: Option<&TrialBody>) -> Result<Vec<u8>, String> {
    match body {
        None => Ok(Vec::new()),
        Some(TrialBody::Text(text)) => Ok(text.clone().into_bytes()),
        Some(TrialBody::Base64(text)) => STANDARD
            .decode(text)
            .map_err(|error| format!("`body.base64` is no base64: {error}")),
    }
}

/// A verdict as the API shows it.
fn shown(verdict: detect::Verdict) -> Verdict {
    let stages = verdict.stages.each().into_iter();
    let shown = Verdict {
        score: f64::from(verdict.score.clamp(0.0, 100.0).round()),
        level: word(&verdict.level),
        category: verdict
            .category
            .map(|category| category.as_str().to_owned()),
        action: verdict.action.as_str().to_owned(),
        evidence: verdict.evidence.iter().map(evidence).collect(),
        stages_us: stages
            .filter_map(|(name, time)| Some((name.to_owned(), time?.as_nanos() as f64 / 1000.0)))
            .collect(),
        uninspected: Uninspected {
            body: verdict.uninspected.body,
            fields: verdict.uninspected.fields,
        },
        behaviour: None,
        ensemble: verdict
            .ensemble
            .and_then(|opinion| serde_json::to_value(opinion).ok()),
    };
    shown.marked()
}

fn evidence(found: &detect::Evidence) -> Evidence {
    Evidence {
        rule: found.rule.to_string(),
        name: found.name.to_string(),
        why: found.why.to_string(),
        category: found.category.as_str().to_owned(),
        severity: word(&found.severity),
        score: found.score,
        tags: found.tags.to_vec(),
        location: word(&found.location),
        field: found.field.clone(),
        excerpt: found.excerpt.clone(),
        mark: (!found.mark.is_empty()).then_some([found.mark.start, found.mark.end]),
        marked: None,
        range: [found.range.start, found.range.end],
        form: found.form.to_owned(),
    }
}

/// The word that serde writes for a variant.
pub(super) fn word(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

const NO_METHOD: &str = "`method` is no method";
/// Who asks where nobody is named: an address of the documentation range.
const SOMEBODY: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
/// The longest target and the longest value of a header, in bytes.
const MOST_TARGET: usize = 16 * 1024;
const MOST_HEADERS: usize = 200;
