//! Settings made by API: a document that lies over the configuration file, kept version by version in the store. The
//! file is never rewritten. Each change is checked against what serves, written as a new version, and applied here at
//! once; every other gateway of the installation looks for new versions each second.

use std::collections::BTreeMap;
use std::time::Duration;

use portcullis_store::overlay::{self as store, OverlayVersion};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::allowed::Allowed;
use crate::api::Api;
use crate::problem::Problem;
use crate::time::now_ms;

/// What lies over the file. What is absent stays as the file says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Overlay {
    /// By the names of policies.
    pub policies: BTreeMap<String, PolicyOverlay>,
    /// Who is judged and never stopped, at most 1,000; those whose time is over go with the next change.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 1000)]
    pub allow: Vec<Allowed>,
    /// By the names of models.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub models: BTreeMap<String, ModelOverlay>,
}

/// What lies over one model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ModelOverlay {
    /// Its weight within the group; 0: it is run and shown, and has no say.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0, maximum = 1000000)]
    pub weight: Option<f64>,
    /// Whether it is run and shown without a say.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub shadow: Option<bool>,
    /// The calibrated probability from which it counts as agreeing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0, maximum = 1)]
    pub threshold: Option<f64>,
}

/// What lies over one policy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PolicyOverlay {
    /// Whether verdicts are carried out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub mode: Option<Mode>,
    /// From which score on what is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub thresholds: Option<ThresholdsOverlay>,
    /// How suspicious the rules are, 1 to 4.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1, maximum = 4)]
    pub paranoia: Option<u8>,
    /// Exceptions beside those of the file, at most 1,000.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 1000)]
    pub exceptions: Vec<Exception>,
}

/// Whether verdicts are carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// They are.
    Enforce,
    /// They are only noted.
    Observe,
    /// Nothing is inspected.
    Off,
}

/// Scores, 0 to 100; 101 means never. They must ascend together with those of the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ThresholdsOverlay {
    /// Forward it with the score in a header.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1, maximum = 101)]
    pub tag: Option<u8>,
    /// Answer 429, or delay it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1, maximum = 101)]
    pub throttle: Option<u8>,
    /// Answer 403.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1, maximum = 101)]
    pub deny: Option<u8>,
}

/// Where a rule, or all rules of a tag, are told not to look. All that is written must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Exception {
    /// The id of the rule that is silenced, or its beginning followed by `*`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 128)]
    pub rule: Option<String>,
    /// Silences every rule with this tag, such as `cwe:89`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 128)]
    pub tag: Option<String>,
    /// Only on the route of this name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 256)]
    pub route: Option<String>,
    /// Only in this field, as `location` or `location:name`, such as `json:comment`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 256)]
    pub field: Option<String>,
    /// This path, or all that begin like it where it ends in `*`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 1024)]
    pub path: Option<String>,
    /// Why it is harmless here.
    #[schema(required, max_length = 1024)]
    pub reason: String,
}

/// One thing that a version changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Change {
    /// Where, such as `policies.default.thresholds.deny`.
    pub path: String,
    /// What stood there; absent where nothing did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Value, nullable = false)]
    pub before: Option<Value>,
    /// What stands there now; absent where nothing does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Value, nullable = false)]
    pub after: Option<Value>,
}

/// How often other gateways' changes are looked for: half of the two seconds that are promised.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How often a change is tried again when somebody else was quicker.
const TRIES: usize = 3;

/// The most exceptions of one policy.
const MOST_EXCEPTIONS: usize = 1000;

/// The most that are allowed.
const MOST_ALLOWED: usize = 1000;

/// The highest weight of a model within its group.
const MOST_WEIGHT: f64 = 1e6;

/// The longest comment, in characters.
const MOST_COMMENT: usize = 1024;

impl Exception {
    /// Names it within the installation: a hash (FNV-1a) of what it silences under which policy.
    pub fn id(&self, policy: &str) -> String {
        let parts = [
            Some(policy),
            self.rule.as_deref(),
            self.tag.as_deref(),
            self.route.as_deref(),
            self.field.as_deref(),
            self.path.as_deref(),
        ];
        let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
        for part in parts {
            let mark = if part.is_some() { 0xfe } else { 0xff };
            for byte in part.unwrap_or_default().bytes().chain([mark]) {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
        }
        format!("{hash:016x}")
    }
}

impl Overlay {
    /// What is wrong with it whatever the file says.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for (name, policy) in &self.policies {
            let path = format!("policies.{name}");
            if policy.exceptions.len() > MOST_EXCEPTIONS {
                problems.push(format!("{path}.exceptions: more than {MOST_EXCEPTIONS}"));
            }
            for (index, exception) in policy.exceptions.iter().enumerate() {
                if exception.rule.is_none() && exception.tag.is_none() {
                    problems.push(format!(
                        "{path}.exceptions[{index}]: neither a rule nor a tag"
                    ));
                }
                if exception.reason.trim().is_empty() {
                    problems.push(format!("{path}.exceptions[{index}].reason: is empty"));
                }
            }
        }
        if self.allow.len() > MOST_ALLOWED {
            problems.push(format!("allow: more than {MOST_ALLOWED}"));
        }
        for (index, allowed) in self.allow.iter().enumerate() {
            let fault = allowed.fault();
            problems.extend(fault.map(|fault| format!("allow[{index}].{fault}")));
        }
        for (name, model) in &self.models {
            if !model
                .weight
                .is_none_or(|weight| (0.0..=MOST_WEIGHT).contains(&weight))
            {
                problems.push(format!("models.{name}.weight: is 0 to {MOST_WEIGHT}"));
            }
            if !model
                .threshold
                .is_none_or(|threshold| (0.0..=1.0).contains(&threshold))
            {
                problems.push(format!("models.{name}.threshold: is 0 to 1"));
            }
        }
        problems
    }

    /// The same without policies and models that nothing is said about, and without who was allowed until now.
    pub(crate) fn tidy(&mut self) {
        let now = now_ms();
        self.allow
            .retain(|allowed| allowed.until_ms().is_none_or(|until| until > now));
        self.models
            .retain(|_, model| *model != ModelOverlay::default());
        self.policies.retain(|_, policy| {
            policy.thresholds = policy
                .thresholds
                .filter(|t| *t != ThresholdsOverlay::default());
            *policy != PolicyOverlay::default()
        });
    }
}

/// The latest version of the settings, and its number; nothing and 0 where nothing was ever changed.
///
/// # Errors
/// When there is no store, or it does not answer.
pub async fn current(api: &Api) -> Result<(i64, Overlay), Problem> {
    let latest = store::latest(&api.database()?).await?;
    latest.map_or(Ok((0, Overlay::default())), |latest| {
        Ok((latest.version, read(&latest)?))
    })
}

/// The settings of a version.
///
/// # Errors
/// When a newer Portcullis has written what this one does not know.
pub fn read(version: &OverlayVersion) -> Result<Overlay, Problem> {
    serde_json::from_str(&version.settings).map_err(|error| {
        Problem::fault(format!(
            "version {} of the settings made by API cannot be understood: {error}",
            version.version
        ))
    })
}

/// Changes the settings in the name of somebody; tries again where somebody else was quicker. Returns the new version.
///
/// # Errors
/// When `change` refuses, or what comes out makes no sense.
pub async fn change(
    api: &Api,
    author: &str,
    comment: &str,
    change: impl Fn(&mut Overlay) -> Result<(), Problem>,
) -> Result<OverlayVersion, Problem> {
    for _ in 0..TRIES {
        let (version, before) = current(api).await?;
        let mut after = before.clone();
        change(&mut after)?;
        if let Some(made) = write(api, author, comment, version, &before, after).await? {
            return Ok(made);
        }
    }
    Err(overtaken())
}

/// Replaces the settings whose number is `base`.
///
/// # Errors
/// 409 where that is no longer the latest version; 422 where the new ones make no sense.
pub async fn replace(
    api: &Api,
    author: &str,
    comment: &str,
    base: i64,
    after: Overlay,
) -> Result<OverlayVersion, Problem> {
    let (version, before) = current(api).await?;
    if version != base {
        return Err(overtaken());
    }
    let made = write(api, author, comment, version, &before, after).await?;
    made.ok_or_else(overtaken)
}

/// Whether a comment is one.
///
/// # Errors
/// 422 where it is too long.
pub fn short(comment: &str) -> Result<(), Problem> {
    if comment.chars().count() > MOST_COMMENT {
        return Err(Problem::unprocessable(format!(
            "the comment is longer than {MOST_COMMENT} characters"
        )));
    }
    Ok(())
}

fn overtaken() -> Problem {
    Problem::conflict("the settings were changed meanwhile; read them again and repeat the change")
}

/// Checks, writes and applies; `None` where somebody else has written that version meanwhile.
async fn write(
    api: &Api,
    author: &str,
    comment: &str,
    version: i64,
    before: &Overlay,
    mut after: Overlay,
) -> Result<Option<OverlayVersion>, Problem> {
    after.tidy();
    let mut problems = after.problems();
    if problems.is_empty() {
        problems = api.gateway().problems_of(&after);
    }
    if !problems.is_empty() {
        let sentence = "these settings make no sense; nothing was changed";
        return Err(Problem::unprocessable(sentence).with_errors(problems));
    }
    let made = OverlayVersion {
        version: version + 1,
        made_ms: now_ms(),
        author: author.to_owned(),
        // One line of text, whatever was sent: databases and terminals take control characters badly.
        comment: comment.replace(char::is_control, " "),
        settings: serde_json::to_string(&after).map_err(Problem::fault)?,
        changes: serde_json::to_string(&changes(before, &after)).map_err(Problem::fault)?,
    };
    if !store::add(&api.database()?, &made).await? {
        return Ok(None);
    }
    apply(api, after, made.version).await?;
    Ok(Some(made))
}

async fn apply(api: &Api, overlay: Overlay, version: i64) -> Result<(), Problem> {
    let applied = api
        .away(move |gateway| gateway.apply(&overlay, version))
        .await?;
    applied.map_err(|problems| {
        tracing::error!(
            version,
            ?problems,
            "the settings made by API cannot be applied"
        );
        Problem::unprocessable("the settings are kept but cannot be applied here")
            .with_errors(problems)
    })
}

/// Applies what other gateways of the installation change; for ever.
pub async fn follow(api: Api) {
    let mut failing = false;
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        match catch_up(&api).await {
            Ok(()) => failing = false,
            Err(problem) if !failing => {
                tracing::warn!(
                    reason = problem.detail,
                    "settings made by API are not followed; trying each second"
                );
                failing = true;
            }
            Err(_) => {}
        }
    }
}

/// Applies the latest version if it is not the one that serves.
///
/// # Errors
/// When the store does not answer, or the version cannot be applied.
pub async fn catch_up(api: &Api) -> Result<(), Problem> {
    let Ok(database) = api.database() else {
        return Ok(());
    };
    if store::latest_number(&database).await? == api.gateway().overlay_version() {
        return Ok(());
    }
    let (version, overlay) = current(api).await?;
    apply(api, overlay, version).await
}

/// What differs between two overlays.
pub fn changes(before: &Overlay, after: &Overlay) -> Vec<Change> {
    let json = |overlay| serde_json::to_value(overlay).unwrap_or_default();
    let mut changes = Vec::new();
    differ("", Some(&json(before)), Some(&json(after)), &mut changes);
    changes
}

fn differ(path: &str, before: Option<&Value>, after: Option<&Value>, changes: &mut Vec<Change>) {
    if before == after {
        return;
    }
    let members = |value: Option<&Value>| match value {
        Some(Value::Object(map)) => Some(map.clone()),
        None => Some(serde_json::Map::new()),
        Some(_) => None,
    };
    let some_object = [before, after]
        .iter()
        .flatten()
        .any(|value| value.is_object());
    match (some_object, members(before), members(after)) {
        (true, Some(old), Some(new)) => {
            let added = new.keys().filter(|key| !old.contains_key(*key));
            for key in old.keys().chain(added) {
                let below = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                differ(&below, old.get(key), new.get(key), changes);
            }
        }
        _ => changes.push(Change {
            path: path.to_owned(),
            before: before.cloned(),
            after: after.cloned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overlay(json: &str) -> Overlay {
        serde_json::from_str(json).expect("an overlay")
    }

    #[test]
    fn a_diff_names_each_setting() {
        let before = overlay(r#"{"policies":{"a":{"mode":"observe","thresholds":{"deny":90}}}}"#);
        let after = overlay(
            r#"{"policies":{"a":{"thresholds":{"deny":70,"tag":20}},"b":{"paranoia":2}},"models":{"m":{"weight":2.5}}}"#,
        );
        let told: Vec<String> = changes(&before, &after)
            .iter()
            .map(|c| {
                let show = |v: &Option<Value>| v.as_ref().map_or("-".to_owned(), Value::to_string);
                format!("{} {} {}", c.path, show(&c.before), show(&c.after))
            })
            .collect();
        assert_eq!(
            told,
            [
                "policies.a.mode \"observe\" -",
                "policies.a.thresholds.deny 90 70",
                "policies.a.thresholds.tag - 20",
                "policies.b.paranoia - 2",
                "models.m.weight - 2.5",
            ]
        );
        assert_eq!(changes(&after, &after), []);
    }

    #[test]
    fn what_says_nothing_is_not_kept() {
        let mut empty = overlay(r#"{"policies":{"a":{"thresholds":{}},"b":{}},"models":{"m":{}}}"#);
        empty.tidy();
        assert_eq!(empty, Overlay::default());
    }

    #[test]
    fn exceptions_are_named_by_what_they_silence() {
        let exception = |rule: &str, reason: &str| Exception {
            rule: Some(rule.to_owned()),
            reason: reason.to_owned(),
            ..Exception::default()
        };
        let id = exception("a", "x").id("p");
        assert_eq!(id, exception("a", "y").id("p"));
        assert_ne!(id, exception("a", "x").id("q"));
        assert_ne!(id, exception("b", "x").id("p"));
        let tag = Exception {
            tag: Some("a".to_owned()),
            ..Exception::default()
        };
        assert_ne!(id, tag.id("p"));
    }

    #[test]
    fn nonsense_is_named_with_its_place() {
        let nonsense = overlay(
            r#"{"policies":{"a":{"exceptions":[{"reason":" "}]}},"models":{"m":{"weight":-1,"threshold":1.5}}}"#,
        );
        assert_eq!(
            nonsense.problems(),
            [
                "policies.a.exceptions[0]: neither a rule nor a tag",
                "policies.a.exceptions[0].reason: is empty",
                "models.m.weight: is 0 to 1000000",
                "models.m.threshold: is 0 to 1"
            ]
        );
    }
}
