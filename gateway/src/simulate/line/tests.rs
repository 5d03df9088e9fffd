use serde_json::Value;

use super::super::world::{Offline, Plan};
use super::*;

fn some() -> Vec<Event> {
    let plan = Plan {
        duration: 3_600.0,
        start: 36_000.0,
        load: 2.0,
        attacks: 0.4,
        ..Plan::default()
    };
    Offline::new(&plan).take(6_000).collect()
}

#[test]
fn json_lines_say_what_happened() {
    for event in some() {
        let mut text = String::new();
        write(&event, Format::Json, &mut text);
        assert_eq!(text.matches('\n').count(), 1);
        let line: Value = serde_json::from_str(&text).unwrap();
        let (who, request) = (&event.act.who, &event.act.request);
        assert_eq!(line["url"], request.target.as_str());
        assert_eq!(line["body"], request.body.as_str());
        assert_eq!(line["label"], u8::from(who.hostile));
        assert_eq!(line["attacker"], who.group.is_some());
        assert_eq!(line["status"], event.answer.status);
        assert_eq!(line["client"], who.client().to_string());
        assert_eq!(
            line["headers"].as_object().unwrap().len(),
            request.headers.len()
        );
        assert!((line["time"].as_f64().unwrap() - event.time).abs() < 1e-5);
        for (name, value) in &request.headers {
            assert_eq!(line["headers"][name], value.as_ref());
        }
    }
}

#[test]
fn csv_lines_have_the_cells_of_their_head() {
    let head = cells(CSV_HEAD.trim_end());
    for event in some() {
        let mut text = String::new();
        write(&event, Format::Csv, &mut text);
        let row = cells(text.strip_suffix('\n').unwrap());
        assert_eq!(row.len(), head.len(), "{text}");
        let of = |name: &str| row[head.iter().position(|known| known == name).unwrap()].as_str();
        assert_eq!(of("url"), event.act.request.target);
        assert_eq!(
            of("user_agent"),
            event.act.request.header("user-agent").unwrap_or_default()
        );
        assert_eq!(of("status"), event.answer.status.to_string());
        assert_eq!(of("body_bytes"), event.act.request.body.len().to_string());
    }
}

/// The cells of one row (RFC 4180).
fn cells(row: &str) -> Vec<String> {
    let (mut cells, mut quoted, mut chars) = (vec![String::new()], false, row.chars().peekable());
    while let Some(c) = chars.next() {
        let cell = cells.last_mut().unwrap();
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(String::new()),
            c => cell.push(c),
        }
    }
    cells
}
