//! Two layers of settings: the file, and what was set by API over it. Both may change while the process runs; whoever
//! changes one holds [`Layers::file`], so that neither sees half of the other.

use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

use portcullis_admin::overlay::{Exception, Mode, ModelOverlay, Overlay};
use portcullis_config::{self as config, Config};
use portcullis_detect::RuleSet;
use portcullis_detect::behaviour::{SubjectId, SubjectKind};

/// The file's settings, and what lies over them.
#[derive(Debug)]
pub(crate) struct Layers {
    file: Mutex<Config>,
    over: RwLock<Over>,
}

/// What lies over the file, and which version it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Over {
    /// 0 where nothing was ever set.
    pub version: i64,
    /// The settings.
    pub overlay: Overlay,
}

impl Layers {
    /// The file alone.
    pub(crate) fn new(file: Config) -> Self {
        Self {
            file: Mutex::new(file),
            over: RwLock::default(),
        }
    }

    /// The file's settings, and the right to change what serves.
    pub(crate) fn file(&self) -> MutexGuard<'_, Config> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What lies over the file.
    pub(crate) fn over(&self) -> Over {
        self.over
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Remembers what lies over the file now.
    pub(crate) fn lay(&self, over: Over) {
        *self.over.write().unwrap_or_else(PoisonError::into_inner) = over;
    }

    /// The settings of a file with what was set by API over them. What no longer fits the file is left out, and the
    /// log says so: a change of the file must not fail for what was set before it.
    pub(crate) fn merge(&self, file: &Config) -> Config {
        let (merged, left_out) = merge(file, &self.over().overlay);
        for sentence in left_out {
            tracing::warn!(
                "a setting made by API does not fit the file and is left out: {sentence}"
            );
        }
        merged
    }
}

/// Lays an overlay over a file's settings; also says what does not fit.
pub(crate) fn merge(file: &Config, overlay: &Overlay) -> (Config, Vec<String>) {
    let mut merged = file.clone();
    let mut left_out = Vec::new();
    for (name, over) in &overlay.policies {
        let Some(policy) = merged.policies.get_mut(name) else {
            left_out.push(format!("there is no policy `{name}`"));
            continue;
        };
        if let Some(mode) = over.mode {
            policy.mode = match mode {
                Mode::Enforce => config::Mode::Enforce,
                Mode::Observe => config::Mode::Observe,
                Mode::Off => config::Mode::Off,
            };
        }
        let before = policy.thresholds.clone();
        if let Some(over) = over.thresholds {
            let thresholds = &mut policy.thresholds;
            thresholds.tag = over.tag.unwrap_or(before.tag);
            thresholds.throttle = over.throttle.unwrap_or(before.throttle);
            thresholds.deny = over.deny.unwrap_or(before.deny);
        }
        if let Some(sentence) = faulty_thresholds(&policy.thresholds) {
            left_out.push(format!("policies.{name}.thresholds: {sentence}"));
            policy.thresholds = before;
        }
        match over.paranoia {
            Some(paranoia @ 1..=4) => policy.paranoia = paranoia,
            Some(_) => left_out.push(format!("policies.{name}.paranoia: is 1 to 4")),
            None => {}
        }
        for (index, exception) in over.exceptions.iter().enumerate() {
            let exception = of(exception);
            let faults = config::exception_faults(file, &exception);
            if faults.is_empty() {
                policy.exceptions.push(exception);
            }
            let place = |fault| format!("policies.{name}.exceptions[{index}]: {fault}");
            left_out.extend(faults.into_iter().map(place));
        }
    }
    for (name, over) in &overlay.models {
        let settings = merged.ensemble.models.entry(name.clone()).or_default();
        lay_model(settings, over);
    }
    (merged, left_out)
}

fn lay_model(settings: &mut config::ModelSettings, over: &ModelOverlay) {
    // Models count in single precision.
    let single = |number: f64| number as f32;
    settings.weight = over.weight.map(single).or(settings.weight);
    settings.shadow = over.shadow.or(settings.shadow);
    settings.threshold = over.threshold.map(single).or(settings.threshold);
}

/// What an overlay is refused for: what does not fit the file, and exceptions for rules that do not exist.
pub(crate) fn problems(file: &Config, overlay: &Overlay, rules: &RuleSet) -> Vec<String> {
    let (_, mut problems) = merge(file, overlay);
    for (name, policy) in &overlay.policies {
        for (index, exception) in policy.exceptions.iter().enumerate() {
            let Some(rule) = exception.rule.as_deref() else {
                continue;
            };
            if !is_known(rule, rules) {
                problems.push(format!(
                    "policies.{name}.exceptions[{index}].rule: there is no rule `{rule}`"
                ));
            }
        }
    }
    for (index, allowed) in overlay.allow.iter().enumerate() {
        let fault = faulty_subject(file, &allowed.subject);
        problems.extend(fault.map(|fault| format!("allow[{index}].subject: {fault}")));
    }
    problems
}

/// Why nothing would come of allowing somebody.
fn faulty_subject(file: &Config, subject: &str) -> Option<String> {
    let id: SubjectId = match subject.parse() {
        Ok(id) => id,
        Err(error) => return Some(format!("{error}")),
    };
    let by_address = matches!(id.kind, SubjectKind::Address | SubjectKind::Prefix);
    let known = by_address || file.behaviour.enabled;
    (!known).then(|| {
        "behaviour is switched off, so that nobody is known but by address; set behaviour.enabled"
            .to_owned()
    })
}

fn faulty_thresholds(thresholds: &config::Thresholds) -> Option<String> {
    let config::Thresholds {
        tag,
        throttle,
        deny,
    } = thresholds;
    if [tag, throttle, deny]
        .iter()
        .any(|score| !(1..=101).contains(*score))
    {
        return Some("each is 1 to 101; 101 means never".to_owned());
    }
    let ascend = tag <= throttle && throttle <= deny;
    (!ascend).then(|| format!("tag {tag}, throttle {throttle}, deny {deny} do not ascend"))
}

/// A rule by its id, several by their beginning, or a detector of behaviour.
fn is_known(rule: &str, rules: &RuleSet) -> bool {
    match rule.strip_suffix('*') {
        Some(beginning) => {
            beginning.starts_with("behaviour-")
                || rules
                    .iter()
                    .any(|known| known.spec.id.starts_with(beginning))
        }
        None => rule.starts_with("behaviour-") || rules.find(rule).is_some(),
    }
}

/// An exception as the configuration knows it.
fn of(exception: &Exception) -> config::Exception {
    config::Exception {
        rule: exception.rule.clone(),
        tag: exception.tag.clone(),
        route: exception.route.clone(),
        field: exception.field.clone(),
        path: exception.path.clone(),
        reason: exception.reason.clone(),
    }
}

/// An exception of the configuration as the API shows it.
pub(crate) fn shown(exception: &config::Exception) -> Exception {
    Exception {
        rule: exception.rule.clone(),
        tag: exception.tag.clone(),
        route: exception.route.clone(),
        field: exception.field.clone(),
        path: exception.path.clone(),
        reason: exception.reason.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "
listeners: [{ address: 127.0.0.1:0 }]
upstreams: { api: { servers: ['http://127.0.0.1:1'] } }
routes: [{ path: /, upstream: api, name: all }]
policies:
  default:
    thresholds: { tag: 20, throttle: 50, deny: 70 }
    exceptions: [{ rule: a, reason: it is harmless }]
";

    fn file() -> Config {
        config::parse(FILE, "a.yaml", &|_| None).expect("it is one")
    }

    fn overlay(json: &str) -> Overlay {
        serde_json::from_str(json).expect("an overlay")
    }

    #[test]
    fn what_is_said_lies_over_the_file_and_the_rest_stays() {
        let over = overlay(
            r#"{"policies":{"default":{"mode":"observe","thresholds":{"deny":90},"paranoia":3,
                "exceptions":[{"tag":"cwe:89","route":"all","field":"json:q","path":"/a*","reason":"x"}]}}}"#,
        );
        let (merged, left_out) = merge(&file(), &over);
        assert_eq!(left_out, Vec::<String>::new());
        let policy = &merged.policies["default"];
        assert_eq!((policy.mode, policy.paranoia), (config::Mode::Observe, 3));
        let thresholds = &policy.thresholds;
        assert_eq!(
            (thresholds.tag, thresholds.throttle, thresholds.deny),
            (20, 50, 90)
        );
        assert_eq!(policy.exceptions.len(), 2);
        assert_eq!(merge(&file(), &Overlay::default()).0, file());
        let over = overlay(r#"{"policies":{},"models":{"trees":{"weight":0.1,"shadow":true}}}"#);
        let (merged, _) = merge(&file(), &over);
        let trees = merged.ensemble.models["trees"];
        let expected = (Some(0.1), Some(true), None);
        assert_eq!((trees.weight, trees.shadow, trees.threshold), expected);
    }

    #[test]
    fn what_does_not_fit_is_left_out_and_named() {
        let cases = [
            (r#"{"nowhere":{"mode":"off"}}"#, "no policy `nowhere`"),
            (r#"{"default":{"thresholds":{"deny":40}}}"#, "do not ascend"),
            (r#"{"default":{"thresholds":{"tag":0}}}"#, "1 to 101"),
            (r#"{"default":{"paranoia":5}}"#, "1 to 4"),
            (
                r#"{"default":{"exceptions":[{"reason":"x"}]}}"#,
                "neither a rule nor a tag",
            ),
            (
                r#"{"default":{"exceptions":[{"rule":"a","route":"b","reason":"x"}]}}"#,
                "no route is called `b`",
            ),
            (
                r#"{"default":{"exceptions":[{"rule":"a","field":"b","reason":"x"}]}}"#,
                "no place in a request",
            ),
            (
                r#"{"default":{"exceptions":[{"rule":"a","path":"b","reason":"x"}]}}"#,
                "slash",
            ),
        ];
        for (policies, expected) in cases {
            let over = overlay(&format!(r#"{{"policies":{policies}}}"#));
            let (merged, left_out) = merge(&file(), &over);
            assert_eq!(merged, file(), "{policies}");
            assert!(
                left_out.len() == 1 && left_out[0].contains(expected),
                "{left_out:?}"
            );
        }
    }

    #[test]
    fn who_is_allowed_is_somebody_who_can_be_known() {
        for (subject, expected) in [
            ("address:192.0.2.1", None),
            ("prefix:192.0.2.0/24", None),
            ("nobody", Some("no subject")),
            ("user:00c0ffee00c0ffee", Some("switched off")),
        ] {
            let over = overlay(&format!(
                r#"{{"allow":[{{"subject":"{subject}","until":"2030-01-01T00:00:00Z","reason":"x"}}]}}"#
            ));
            let told = problems(&file(), &over, &RuleSet::default());
            let right = match expected {
                None => told.is_empty(),
                Some(words) => told.len() == 1 && told[0].contains(words),
            };
            assert!(right, "{subject}: {told:?}");
        }
    }

    #[test]
    fn exceptions_name_rules_that_exist() {
        let over = overlay(
            r#"{"policies":{"default":{"exceptions":[{"rule":"no-such-rule","reason":"x"},{"rule":"behaviour-flood","reason":"x"}]}}}"#,
        );
        let told = problems(&file(), &over, &RuleSet::default());
        assert!(
            told.len() == 1 && told[0].contains("no-such-rule"),
            "{told:?}"
        );
    }
}
