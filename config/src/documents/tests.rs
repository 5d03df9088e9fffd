use std::fs;

use serde::Deserialize;

use super::*;
use crate::rules::{embedded_rules, load_rules};

/// Like a rule: required and optional fields, a word, a recursive condition.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Item {
    id: String,
    severity: Severity,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(rename = "match")]
    condition: Condition,
    #[serde(default = "one")]
    paranoia: u8,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum Severity {
    Critical,
    High,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Condition {
    Regex(String),
    All(Vec<Condition>),
    Length {
        #[serde(default)]
        gt: Option<u64>,
    },
}

fn one() -> u8 {
    1
}

fn source(name: &str, text: &str) -> Source {
    Source {
        name: name.to_owned(),
        text: text.to_owned(),
    }
}

#[test]
fn a_list_is_read_with_its_lines() {
    let text = "# rules\n- id: a\n  severity: high\n  match: { regex: '\\d+' }\n\n- id: b\n  severity: critical\n  tags:\n  match: { all: [{ regex: x }, { length: { gt: 3 } }] }\n";
    let items = load_documents::<Item>(&[source("f", text)]).unwrap();
    let lines: Vec<usize> = items.iter().map(|item| item.line).collect();
    assert_eq!(lines, [2, 6]);
    assert_eq!(
        items[0].value.condition,
        Condition::Regex("\\d+".to_owned())
    );
    let all = vec![
        Condition::Regex("x".to_owned()),
        Condition::Length { gt: Some(3) },
    ];
    assert_eq!(items[1].value.condition, Condition::All(all));
}

#[test]
fn every_problem_has_its_place_and_id() {
    let bad = "- id: a\n  severty: high\n  severity: hihg\n  match: { regex: x }\n  tagss: [q]\n- id: b\n  severity: high\n- id: c\n  severity: high\n  match: { regx: x }\n- id: d\n  severity: high\n  match: { regex: [x] }\n  paranoia: much\n- severity: high\n";
    let twice = "- { id: a, severity: high, match: { regex: x } }\n";
    let sources = [
        source("bad", bad),
        source("twice", twice),
        source("map", "id: x"),
        source("broken", "- ["),
    ];
    let problems = load_documents::<Item>(&sources).unwrap_err();
    let found: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [
            "bad:2:3: a: the key `severty` is not known here\n  help: did you mean `severity`?",
            "bad:3:13: a: `hihg` is not one of critical or high\n  help: did you mean `high`?",
            "bad:6:3: b: `match` is missing\n  help: write `match: …`",
            "bad:10:12: c: `regx` is not one of regex, all or length\n  help: did you mean `regex`?",
            "bad:13:19: d: expected a string, found a list",
            "bad:15:3: `id` is missing\n  help: write `id: …`",
            "broken:2:1: this is no YAML: while parsing a node, did not find expected node content\n  help: check the indentation (spaces, never tabs), and quote text that holds `: `, ` #`, `{`, `[`, `*` or `&`",
            "map:1:1: the file is no list\n  help: begin each item with `- `, such as `- id: …`",
            "twice:1:9: the id `a` is already used in bad:1\n  help: give each its own id",
        ]
    );
}

#[test]
fn yaml_becomes_json() {
    let text = "a: 1\nb: [true, ~, -2, 1.5, '3', .nan]\nc: { d: x }\n";
    let expected =
        serde_json::json!({ "a": 1, "b": [true, null, -2, 1.5, "3", ".nan"], "c": { "d": "x" } });
    assert_eq!(yaml_to_json(text, "f"), Ok(expected));
    let problems = yaml_to_json("a: 1\na: 2", "f").unwrap_err();
    assert_eq!(problems[0].line, 2);
}

#[test]
fn one_document_is_read_as_any_type() {
    let item: Item = from_yaml("id: a\nseverity: high\nmatch: { length: {} }", "f").unwrap();
    assert_eq!(item.condition, Condition::Length { gt: None });
    assert_eq!(
        from_yaml::<Vec<u8>>("[1, 256]", "f").unwrap_err()[0].column,
        5
    );
}

#[test]
fn a_folder_replaces_the_embedded_rules() {
    let folder = tempfile::tempdir().unwrap();
    let family = folder.path().join("family");
    fs::create_dir(&family).unwrap();
    assert!(
        load_rules::<Item>(Some(folder.path())).is_err(),
        "an empty folder is no rule set"
    );
    fs::write(
        family.join("b.yaml"),
        "- { id: b, severity: high, match: { regex: x } }",
    )
    .unwrap();
    fs::write(
        folder.path().join("a.yml"),
        "- { id: a, severity: high, match: { regex: x } }",
    )
    .unwrap();
    fs::write(folder.path().join("notes.txt"), "no rule").unwrap();
    fs::write(folder.path().join(".hidden.yaml"), "[").unwrap();
    let rules = load_rules::<Item>(Some(folder.path())).unwrap();
    let ids: Vec<&str> = rules.iter().map(|rule| rule.value.id.as_str()).collect();
    assert_eq!(ids, ["a", "b"]);
    fs::write(family.join("c.yaml"), b"- id: \xff").unwrap();
    let problems = load_rules::<Item>(Some(folder.path())).unwrap_err();
    assert_eq!((problems[0].line, problems[0].column), (1, 7));
    assert_eq!(problems[0].message, "this is no UTF-8 text");
}

#[cfg(unix)]
#[test]
fn a_link_to_a_folder_above_ends() {
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(folder.path(), folder.path().join("again")).unwrap();
    let problems = read_folder(folder.path()).unwrap_err();
    assert_eq!(problems[0].message, "more than 16 folders deep");
}

#[test]
fn every_embedded_file_is_yaml_under_its_own_name() {
    let mut names = std::collections::HashSet::new();
    for source in embedded_rules() {
        assert!(
            source.name.starts_with("rules/") && source.name.ends_with(".yaml"),
            "{}",
            source.name
        );
        yaml_to_json(&source.text, &source.name).unwrap();
        assert!(names.insert(source.name));
    }
}
