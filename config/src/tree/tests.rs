use super::*;

/// The first problem as `line:column message`, or nothing.
fn refusal(text: &str) -> Option<String> {
    let problems = parse(text, "f").err()?;
    problems
        .first()
        .map(|problem| format!("{}:{} {}", problem.line, problem.column, problem.message))
}

#[test]
fn every_node_knows_its_place() {
    let tree = parse("a: 1\nb:\n  - x\n  -  { c: d }\n", "f").unwrap();
    let list = tree.get("b").unwrap();
    let (key, value) = list.items()[1].entry("c").unwrap();
    for (found, line, column) in [
        (tree.position, 1, 1),
        (tree.get("a").unwrap().position, 1, 4),
        (tree.entry("b").unwrap().0.position, 2, 1),
        (list.items()[0].position, 3, 5),
        (list.items()[1].position, 4, 6),
        (key.position, 4, 8),
        (value.position, 4, 11),
    ] {
        assert_eq!(found, Position { line, column });
    }
}

#[test]
fn columns_count_characters() {
    let tree = parse("{ ä: b }", "f").unwrap();
    assert_eq!(tree.get("ä").unwrap().position.column, 6);
}

#[test]
fn scalars_mean_what_the_core_schema_says() {
    for (text, expected) in [
        ("~", Meaning::Null),
        ("null", Meaning::Null),
        ("true", Meaning::Bool(true)),
        ("FALSE", Meaning::Bool(false)),
        ("yes", Meaning::Text("yes")),
        ("12", Meaning::Unsigned(12)),
        ("+12", Meaning::Unsigned(12)),
        ("-12", Meaning::Signed(-12)),
        ("0x1F", Meaning::Unsigned(31)),
        ("0o17", Meaning::Unsigned(15)),
        ("0x+1", Meaning::Text("0x+1")),
        ("1.5", Meaning::Float(1.5)),
        ("1e3", Meaning::Float(1000.0)),
        ("nan", Meaning::Text("nan")),
        (".inf", Meaning::Text(".inf")),
        ("infinity", Meaning::Text("infinity")),
        ("1e999", Meaning::Text("1e999")),
        ("18446744073709551615", Meaning::Unsigned(u64::MAX)),
        ("127.0.0.1:80", Meaning::Text("127.0.0.1:80")),
        ("1_000", Meaning::Text("1_000")),
        ("'12'", Meaning::Text("12")),
        ("\"\"", Meaning::Text("")),
        ("!!str 12", Meaning::Text("12")),
    ] {
        let tree = parse(&format!("a: {text}"), "f").unwrap();
        let Kind::Scalar(scalar) = &tree.get("a").unwrap().kind else {
            panic!("{text} is no scalar");
        };
        assert_eq!(scalar.meaning(), expected, "{text}");
    }
}

#[test]
fn ambiguous_and_endless_files_are_refused() {
    let deep = format!("{}x{}", "[".repeat(65), "]".repeat(65));
    let long = format!("- x\n{}", "- x\n".repeat(MAX_NODES));
    for (text, expected) in [
        (
            "a: 1\nb: 2\na: 3\n",
            "3:1 `a` is written twice, first in line 1",
        ),
        ("a: 1\n---\nb: 2\n", "2:1 a second document begins here"),
        ("{ a: b }: c", "1:1 a list or mapping cannot be a key"),
        ("a: !secret b", "1:4 the tag `!secret` means nothing here"),
        ("a: &x [*x]", "1:8 this alias stands inside its own anchor"),
        (&deep, "1:65 nested deeper than 64 levels"),
        (&long, "200001:3 more than 200000 values in one file"),
    ] {
        let shown: String = text.chars().take(40).collect();
        assert_eq!(refusal(text).as_deref(), Some(expected), "{shown}");
    }
    for text in [
        "a: [1",
        "a:\n\t- b",
        "a: b: c",
        "a: 'b",
        "*nobody",
        "%YAML 3\n",
        "\u{0}",
        "a: {",
    ] {
        let found = refusal(text);
        assert!(
            found
                .as_deref()
                .is_some_and(|m| m.contains("this is no YAML")),
            "{text:?}: {found:?}"
        );
    }
}

#[test]
fn a_billion_laughs_end_early() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let items = vec![format!("*a{}", level - 1); 9].join(", ");
        text.push_str(&format!("a{level}: &a{level} [{items}]\n"));
    }
    let message = refusal(&text).unwrap();
    assert!(
        message.ends_with("aliases make this file too large"),
        "{message}"
    );
}

#[test]
fn anchors_are_written_out() {
    let tree = parse("a: &x { b: 1 }\nc: *x\n", "f").unwrap();
    assert_eq!(tree.get("c").unwrap().get("b").unwrap().text(), Some("1"));
}

#[test]
fn a_text_without_a_document_is_an_empty_value() {
    for text in ["", "\n", "# only a comment\n", "---\n"] {
        assert!(parse(text, "f").unwrap().is_null(), "{text:?}");
    }
}

#[test]
fn too_long_a_text_is_refused() {
    let text = " ".repeat(MAX_FILE_BYTES + 1);
    assert_eq!(
        refusal(&text).as_deref(),
        Some("0:0 the file is longer than 4 MiB")
    );
}
