//! The table by which a release is measured: what each set has to reach, what it reached, how sure that is, and
//! whether it is enough. The bars stand here and nowhere else.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::say;
use super::crs::{ATTACK_FAMILIES, MUST, family};
use super::gotestwaf::{ATTACKS, FALSE_POSITIVES};
use super::naming::Naming;
use super::payload::Class;
use super::tally::{ClassTally, SetTally, wilson};

/// What is judged for the table: a set, and the paranoia level.
pub const RUNS: [(&str, u8); 9] = [
    ("requests/browser_benign.valid", 1),
    ("requests/api_benign.valid", 1),
    ("text/false_positive_strings", 1),
    ("text/text_and_sql_content", 1),
    ("graft/browser_benign.valid", 1),
    ("graft/api_benign.valid", 1),
    ("suites/gotestwaf", 1),
    ("suites/crs_regression", 1),
    ("suites/crs_regression", 3),
];

/// A line of the table.
#[derive(Clone, Copy)]
pub struct Row {
    /// What is measured.
    what: &'static str,
    /// A part of it, where it has parts.
    part: &'static str,
    /// What it has to reach; `None` where a part is only reported.
    bar: Option<Bar>,
    /// What was counted.
    class: ClassTally,
    /// What was measured where it is no share of the count, in percent.
    figure: Option<f64>,
}

/// What a share has to reach, in percent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bar {
    /// Denied: no less.
    Least(f64),
    /// Denied or throttled: no more.
    Most(f64),
}

/// What was judged, by set and paranoia level.
pub type Results = BTreeMap<(&'static str, u8), SetTally>;

/// The lines of the table.
pub fn rows(results: &Results) -> Vec<Row> {
    let mut rows = Vec::new();
    harmless(results, &mut rows);
    grafts(results, &mut rows);
    names(&naming(results), &mut rows);
    suites(results, &mut rows);
    rows
}

fn harmless(results: &Results, rows: &mut Vec<Row>) {
    for set in ["requests/browser_benign.valid", "requests/api_benign.valid"] {
        rows.push(Row::of(
            set,
            "",
            Some(Bar::Most(0.2)),
            sum(results, set, 1, |_| true),
        ));
    }
    for set in ["text/false_positive_strings", "text/text_and_sql_content"] {
        for (part, class) in [("as argument", "query"), ("as JSON leaf", "json")] {
            let class = sum(results, set, 1, |name| name == class);
            rows.push(Row::of(set, part, Some(Bar::Most(3.0)), class));
        }
    }
}

/// The sets of grafts.
const GRAFTS: [&str; 2] = ["graft/browser_benign.valid", "graft/api_benign.valid"];

fn grafts(results: &Results, rows: &mut Vec<Row>) {
    let both = |fits: &dyn Fn(&str) -> bool| {
        let mut both = ClassTally::default();
        for set in GRAFTS {
            both.merge(sum(results, set, 1, fits));
        }
        both
    };
    let barred = |name: &str| Class::ALL.iter().any(|class| class.name() == name);
    rows.push(Row::of(
        "payloads grafted",
        "all classes",
        Some(Bar::Least(93.0)),
        both(&barred),
    ));
    for class in Class::ALL {
        let class_tally = both(&|name| name == class.name());
        rows.push(Row::of(
            "payloads grafted",
            class.name(),
            Some(Bar::Least(80.0)),
            class_tally,
        ));
    }
    for set in GRAFTS {
        rows.push(Row::of(
            set,
            "all classes",
            None,
            sum(results, set, 1, barred),
        ));
    }
    rows.push(Row::of(
        "payloads grafted",
        "other folders",
        None,
        both(&|name| !barred(name)),
    ));
}

/// What the denied attacks of both sets of grafts were called.
pub fn naming(results: &Results) -> Naming {
    let mut naming = Naming::default();
    for set in GRAFTS {
        if let Some(set) = results.get(&(set, 1)) {
            naming.merge(&set.naming);
        }
    }
    naming
}

/// The part of the table that says how many were named right.
const NAMED: &str = "named right";

fn names(naming: &Naming, rows: &mut Vec<Row>) {
    let (count, right) = naming.together();
    let named = ClassTally {
        count,
        denied: right,
        ..ClassTally::default()
    };
    let what = "attack type of those denied";
    rows.push(Row::of(what, NAMED, Some(Bar::Least(95.0)), named));
    rows.push(Row {
        figure: Some(100.0 * naming.macro_f1()),
        ..Row::of(what, "macro F1", Some(Bar::Least(90.0)), named)
    });
}

fn suites(results: &Results, rows: &mut Vec<Row>) {
    let suite = "suites/gotestwaf";
    for (part, bar) in [
        (ATTACKS, Bar::Least(85.0)),
        (FALSE_POSITIVES, Bar::Most(3.0)),
    ] {
        let groups = results
            .get(&(suite, 1))
            .and_then(|set| set.groups.get("together"));
        let class = groups.and_then(|groups| groups.get(part));
        rows.push(Row::of(
            suite,
            part,
            Some(bar),
            class.copied().unwrap_or_default(),
        ));
    }
    let suite = "suites/crs_regression";
    for (level, part, least) in [
        (1, "must fire, level 1", 65.0),
        (3, "must fire, level 3", 85.0),
    ] {
        let class = sum(results, suite, level, is_attack_that_must_fire);
        rows.push(Row::of(suite, part, Some(Bar::Least(least)), class));
    }
    for (number, part) in FAMILIES {
        let class = sum(results, suite, 1, |name| {
            is_attack_that_must_fire(name) && family(name) == Some(number)
        });
        rows.push(Row::of(suite, part, None, class));
    }
    let calm = sum(results, suite, 1, |name| !name.ends_with(MUST));
    rows.push(Row::of(suite, "must not (per rule)", None, calm));
}

/// The attack families of the Core Rule Set.
const FAMILIES: [(u32, &str); 8] = [
    (930, "930 local files"),
    (931, "931 remote files"),
    (932, "932 commands"),
    (933, "933 PHP"),
    (934, "934 generic"),
    (941, "941 XSS"),
    (942, "942 SQL"),
    (944, "944 Java"),
];

fn is_attack_that_must_fire(class: &str) -> bool {
    class.ends_with(MUST) && family(class).is_some_and(|family| ATTACK_FAMILIES.contains(&family))
}

fn sum(results: &Results, set: &'static str, level: u8, fits: impl Fn(&str) -> bool) -> ClassTally {
    let set = results.get(&(set, level));
    set.map(|set| set.sum(fits)).unwrap_or_default()
}

impl Row {
    fn of(what: &'static str, part: &'static str, bar: Option<Bar>, class: ClassTally) -> Self {
        Self {
            what,
            part,
            bar,
            class,
            figure: None,
        }
    }

    /// How many count: harmless ones that were denied or throttled, attacks that were denied.
    fn hits(&self) -> usize {
        match self.bar {
            Some(Bar::Most(_)) => self.class.denied + self.class.throttled,
            Some(Bar::Least(_)) | None => self.class.denied,
        }
    }

    /// The share of the hits, in percent.
    fn measured(&self) -> f64 {
        let share = self.hits() as f64 * 100.0 / self.class.count.max(1) as f64;
        self.figure.unwrap_or(share)
    }

    /// Between which shares the true one lies; `None` of what is no share.
    fn interval(&self) -> Option<(f64, f64)> {
        let share = self.figure.is_none();
        share.then(|| wilson(self.hits(), self.class.count))
    }

    fn as_json(&self) -> Value {
        json!({
            "set": self.what,
            "part": self.part,
            "bar": self.bar.map(Bar::text),
            "measured": self.measured() / 100.0,
            "interval": self.interval().map(|(low, high)| [low, high]),
            "count": self.class.count,
            "denied": self.class.denied,
            "throttled": self.class.throttled,
            "refused": self.class.refused,
            "microseconds": self.class.microseconds(),
            "reached": self.reached(),
        })
    }

    /// Whether the bar is reached; `None` without one. A set that is not there reaches nothing.
    pub fn reached(&self) -> Option<bool> {
        let judged = self.class.count > 0;
        self.bar.map(|bar| match bar {
            Bar::Least(least) => judged && self.measured() >= least,
            Bar::Most(most) => judged && self.measured() <= most,
        })
    }

    fn verdict(&self) -> &'static str {
        match self.reached() {
            Some(true) => "reached",
            Some(false) if self.class.count == 0 => "missed: no such set",
            Some(false) => "missed",
            None => "",
        }
    }
}

impl Bar {
    fn text(self) -> String {
        match self {
            Self::Least(least) => format!("≥ {least} %"),
            Self::Most(most) => format!("≤ {most} %"),
        }
    }
}

/// Prints the table.
pub fn print(rows: &[Row]) {
    say(&format!(
        "{:<30} {:<20} {:>8} {:>10} {:>18} {:>7} {:>8} {:>7}  ",
        "set", "part", "bar", "measured", "95 % interval", "count", "refused", "µs each"
    ));
    for row in rows {
        let line = format!(
            "{:<30} {:<20} {:>8} {:>8.2} % {:>18} {:>7} {:>8} {:>7.1}  {}",
            row.what,
            row.part,
            row.bar.map(Bar::text).unwrap_or_default(),
            row.measured(),
            row.interval().map(percent).unwrap_or_default(),
            row.class.count,
            row.class.refused,
            row.class.microseconds(),
            row.verdict()
        );
        say(line.trim_end());
    }
    let missed = rows
        .iter()
        .filter(|row| row.reached() == Some(false))
        .count();
    let bars = rows.iter().filter(|row| row.bar.is_some()).count();
    say(&format!("{} of {bars} bars reached", bars - missed));
}

fn percent((low, high): (f64, f64)) -> String {
    format!("{:.2} to {:>5.2} %", low * 100.0, high * 100.0)
}

/// The table as a list. The row that says how many were named right has what each class was called.
pub fn as_json(rows: &[Row], naming: &Naming) -> Value {
    let as_json = |row: &Row| {
        let mut json = row.as_json();
        if row.part == NAMED {
            json["classes"] = naming.as_json();
        }
        json
    };
    rows.iter().map(as_json).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(count: usize, denied: usize, throttled: usize) -> ClassTally {
        ClassTally {
            count,
            denied,
            throttled,
            ..ClassTally::default()
        }
    }

    #[test]
    fn bars() {
        let cases = [
            (Some(Bar::Most(0.2)), tally(1000, 1, 1), Some(true)),
            (Some(Bar::Most(0.2)), tally(1000, 2, 1), Some(false)),
            (Some(Bar::Least(80.0)), tally(10, 8, 0), Some(true)),
            // What is throttled is not stopped.
            (Some(Bar::Least(80.0)), tally(10, 7, 3), Some(false)),
            (Some(Bar::Most(3.0)), tally(0, 0, 0), Some(false)),
            (None, tally(10, 0, 0), None),
        ];
        for (bar, class, reached) in cases {
            assert_eq!(Row::of("a", "b", bar, class).reached(), reached, "{bar:?}");
        }
    }

    #[test]
    fn sets_add_up_to_rows() {
        let set = |name: &str, classes: &[(&str, ClassTally)]| SetTally {
            name: name.to_owned(),
            classes: classes
                .iter()
                .map(|(name, class)| ((*name).to_owned(), *class))
                .collect(),
            ..SetTally::default()
        };
        let mut results = Results::new();
        for name in ["graft/browser_benign.valid", "graft/api_benign.valid"] {
            let classes = [
                ("sql", tally(10, 9, 0)),
                ("xss", tally(10, 7, 0)),
                ("no bar", tally(5, 0, 0)),
            ];
            results.insert((name, 1), set(name, &classes));
        }
        let suite = "suites/crs_regression";
        let classes = [
            ("920 must fire", tally(9, 0, 0)),
            ("942 must fire", tally(4, 3, 0)),
            ("942 must not", tally(2, 1, 0)),
        ];
        results.insert((suite, 1), set(suite, &classes));
        let rows = rows(&results);
        let measured = |part: &str| {
            let row = rows.iter().find(|row| row.part == part).unwrap();
            (row.class.count, row.class.denied)
        };
        for (part, expected) in [
            ("all classes", (40, 32)),
            ("sql", (20, 18)),
            ("other folders", (10, 0)),
            ("must fire, level 1", (4, 3)),
            ("942 SQL", (4, 3)),
            ("must not (per rule)", (2, 1)),
        ] {
            assert_eq!(measured(part), expected, "{part}");
        }
    }
}
