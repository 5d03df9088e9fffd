//! `portcullis config`: what may be written into the file, and what serves when API changes lie over it.

mod yaml;

use std::process::ExitCode;

use anyhow::{Context, bail};
use portcullis_admin::overlay::Overlay;
use portcullis_store::overlay;
use serde_json::{Value, json};

use super::database::Place;
use super::{list_problems, say};
use crate::cli::{ConfigCommand, ExportArgs};
use crate::reload;

/// Prints the schema, the reference, the shipped file, or a file with what was set by API over it.
///
/// # Errors
/// When the schema cannot be written as JSON, which no schema of ours is, or the store cannot be read.
pub fn run(which: &ConfigCommand) -> anyhow::Result<ExitCode> {
    match which {
        ConfigCommand::Schema => say(&serde_json::to_string_pretty(&portcullis_config::schema())?),
        ConfigCommand::Reference => say(&portcullis_config::document::markdown()),
        ConfigCommand::Default => say(portcullis_config::DEFAULT_FILE.trim_end()),
        ConfigCommand::Export(args) => return export(args),
    }
    Ok(ExitCode::SUCCESS)
}

fn export(args: &ExportArgs) -> anyhow::Result<ExitCode> {
    let name = args.config.display().to_string();
    let refused = |problems: Vec<String>| {
        list_problems(&problems, &name);
        Ok(ExitCode::FAILURE)
    };
    let config = match reload::read(&args.config) {
        Ok(config) => config,
        Err(problems) => return refused(problems),
    };
    let text =
        std::fs::read_to_string(&args.config).with_context(|| format!("{name} cannot be read"))?;
    let mut file = match portcullis_config::yaml_to_json(&text, &name) {
        Ok(file) => file,
        Err(problems) => return refused(problems.iter().map(ToString::to_string).collect()),
    };
    let (version, overlay) = latest(Place::of(&config, args.state_dir.clone()))?;
    lay(&mut file, &overlay)?;
    say(&format!(
        "# {name} with version {version} of the settings made by API over it."
    ));
    for allowed in &overlay.allow {
        let reason = &allowed.reason;
        let (subject, until) = (&allowed.subject, &allowed.until);
        say(&format!(
            "# Allowed until {until}, which no file says: {subject} ({reason})."
        ));
    }
    say(yaml::write(&file).trim_end());
    Ok(ExitCode::SUCCESS)
}

/// The latest version of the settings in a database, and its number; nothing and 0 where there is none yet.
fn latest(place: Option<Place>) -> anyhow::Result<(i64, Overlay)> {
    let Some(place) = place.filter(|place| place.missing().is_none()) else {
        return Ok((0, Overlay::default()));
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let found = runtime.block_on(async {
        let database = place.open().await?;
        let latest = overlay::latest(&database).await;
        latest.context("the settings made by API cannot be read")
    });
    match found? {
        None => Ok((0, Overlay::default())),
        Some(found) => Ok((found.version, serde_json::from_str(&found.settings)?)),
    }
}

/// Lays an overlay over a file as it is written: variables and secrets stay references.
fn lay(file: &mut Value, overlay: &Overlay) -> anyhow::Result<()> {
    let Value::Object(root) = file else {
        bail!("the file is no mapping");
    };
    for (name, over) in &overlay.policies {
        let policies = member(root, "policies")?;
        if !policies.contains_key(name) && name != "default" {
            tracing::warn!("there is no policy `{name}`; what was set for it is left out");
            continue;
        }
        let policy = member(policies, name)?;
        let over = serde_json::to_value(over)?;
        for (key, value) in over.as_object().into_iter().flatten() {
            match (key.as_str(), value) {
                ("thresholds", Value::Object(scores)) => {
                    member(policy, key)?.extend(scores.clone());
                }
                ("exceptions", Value::Array(more)) => {
                    let known = policy.entry(key.clone()).or_insert_with(|| json!([]));
                    match known {
                        Value::Array(known) => known.extend(more.clone()),
                        other => *other = value.clone(),
                    }
                }
                _ => {
                    policy.insert(key.clone(), value.clone());
                }
            }
        }
    }
    for (name, over) in &overlay.models {
        let models = member(member(root, "ensemble")?, "models")?;
        let over = serde_json::to_value(over)?;
        member(models, name)?.extend(over.as_object().cloned().unwrap_or_default());
    }
    Ok(())
}

/// A section of a mapping; an empty one where nothing is written.
fn member<'a>(
    mapping: &'a mut serde_json::Map<String, Value>,
    key: &str,
) -> anyhow::Result<&'a mut serde_json::Map<String, Value>> {
    let section = mapping.entry(key.to_owned()).or_insert(Value::Null);
    if section.is_null() {
        *section = json!({});
    }
    section
        .as_object_mut()
        .with_context(|| format!("`{key}` is no mapping"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::layers;

    #[test]
    fn what_is_exported_reads_as_what_serves() {
        let texts = [
            portcullis_config::DEFAULT_FILE.to_owned(),
            "listeners: [{ address: 127.0.0.1:0 }]\nupstreams: { a: { servers: ['http://127.0.0.1:1'], request_headers: { set: { x-a: \"it's: #1\\t\\\"2\\\"\" } } } }\n\
             routes: [{ path: /, upstream: a }]\npolicies:\n"
                .to_owned(),
        ];
        let over: Overlay = serde_json::from_str(
            r#"{"policies":{"default":{"mode":"observe","thresholds":{"deny":95},"paranoia":2,
                "exceptions":[{"tag":"cwe:89","reason":"no: harm # at all"}]},"gone":{"mode":"off"}},
                "models":{"trees":{"weight":0.3,"threshold":0.95},"net":{"shadow":true}}}"#,
        )
        .unwrap();
        for text in texts {
            let parse = |text: &str| portcullis_config::parse(text, "a.yaml", &|_| None).unwrap();
            let mut file = portcullis_config::yaml_to_json(&text, "a.yaml").unwrap();
            lay(&mut file, &over).unwrap();
            let exported = yaml::write(&file);
            let (serves, _) = layers::merge(&parse(&text), &over);
            assert_eq!(parse(&exported), serves, "{exported}");
            assert_eq!(
                exported.contains("${PORTCULLIS_UPSTREAM"),
                text.contains("${PORTCULLIS_UPSTREAM")
            );
        }
    }
}
