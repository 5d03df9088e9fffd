//! The table of what the behaviour stage has to reach. The bars stand here and nowhere else.

use serde_json::{Value, json};

use super::Fate;
use crate::command::say;
use crate::simulate::score::{Spread, Table, over_seeds};

/// A line of the table.
#[derive(Clone, Debug)]
pub struct Row {
    what: String,
    part: String,
    bar: Option<Bar>,
    measured: f64,
    /// Standard deviation over seeds.
    deviation: Option<f64>,
    /// Further figures, by name.
    figures: Vec<(&'static str, f64)>,
    /// Figures for people.
    note: String,
}

/// What a number has to reach.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Bar {
    Least(f64),
    Most(f64),
}

/// F1 to reach, by attack.
const F1: [(&str, f64); 12] = [
    ("sql-injection", 0.99),
    ("credential-stuffing", 0.97),
    ("ddos", 0.98),
    ("scraping", 0.95),
    ("behaviour-anomaly", 0.94),
    ("brute-force", 0.95),
    ("object-enumeration", 0.95),
    ("parameter-fuzzing", 0.95),
    ("token-abuse", 0.95),
    ("endpoint-scan", 0.95),
    ("session-hijack", 0.95),
    ("api-abuse", 0.95),
];

/// Requests within which a scanner is to be banned.
const SCANNER: f64 = 100.0;
/// Harmless clients of a set that may be throttled.
const THROTTLED: f64 = 1.0;
/// Guesses that may get through before brute force is stopped.
const GUESSES: f64 = 10.0;

impl Row {
    fn new(what: &str, part: &str, bar: Option<Bar>, measured: f64) -> Self {
        Self {
            what: what.to_owned(),
            part: part.to_owned(),
            bar,
            measured,
            deviation: None,
            figures: Vec::new(),
            note: String::new(),
        }
    }

    /// Whether the bar is reached; `None` without one.
    pub fn reached(&self) -> Option<bool> {
        self.bar.map(|bar| match bar {
            Bar::Least(least) => self.measured >= least,
            Bar::Most(most) => self.measured <= most,
        })
    }
}

/// The lines of a set of harmless clients.
pub fn harmless(set: &str, unit: &str, fates: &[(String, Fate)]) -> Vec<Row> {
    let count = |fits: &dyn Fn(&Fate) -> bool| fates.iter().filter(|(_, f)| fits(f)).count() as f64;
    let banned = count(&|fate| fate.banned.is_some());
    let throttled = count(&|fate| fate.banned.is_none() && fate.throttled > 0);
    let requests: usize = fates.iter().map(|(_, fate)| fate.requests).sum();
    let signatures: usize = fates.iter().map(|(_, fate)| fate.signatures).sum();
    let note = format!(
        "of {} {unit}, {requests} requests, {signatures} of them stopped by signatures",
        fates.len()
    );
    // A set that is empty reaches nothing.
    let none = if fates.is_empty() { f64::INFINITY } else { 0.0 };
    [("banned", banned, 0.0), ("throttled", throttled, THROTTLED)]
        .map(|(part, measured, most)| Row {
            note: note.clone(),
            figures: vec![
                ("clients", fates.len() as f64),
                ("requests", requests as f64),
            ],
            ..Row::new(set, part, Some(Bar::Most(most)), measured + none)
        })
        .into()
}

/// The line of a scanner's log: the address that sent most.
pub fn scanner(set: &str, fates: &[(String, Fate)]) -> Row {
    let most = fates.iter().max_by_key(|(_, fate)| fate.requests);
    let at = most.and_then(|(_, fate)| fate.banned);
    let cause = most.and_then(|(_, fate)| fate.cause.clone());
    let requests = most.map_or(0, |(_, fate)| fate.requests);
    Row {
        note: format!(
            "of {requests} requests; first {}",
            cause.as_deref().unwrap_or("nothing")
        ),
        figures: vec![("requests", requests as f64)],
        ..Row::new(
            set,
            "banned at request",
            Some(Bar::Most(SCANNER)),
            at.map_or(f64::INFINITY, |at| at as f64),
        )
    }
}

/// The lines of the simulator: F1 of each attack, those with a bar first.
pub fn simulated(tables: &[Table]) -> Vec<Row> {
    let summaries = over_seeds(tables);
    let bar = |name: &str| {
        F1.iter()
            .find(|(known, _)| *known == name)
            .map(|(_, bar)| *bar)
    };
    let mut rows: Vec<Row> = Vec::new();
    for summary in &summaries {
        let of = figures(tables, &summary.scenario);
        let pair = |spread: Spread| format!("{:.3} ± {:.3}", spread.mean, spread.deviation);
        rows.push(Row {
            deviation: Some(summary.f1.deviation),
            note: format!(
                "precision {}, recall {}; {:.0} of {:.0}, false {:.1}; {:.1} s to stop, {:.0} before, {:.1} % through",
                pair(summary.precision),
                pair(summary.recall),
                of.detected,
                of.actors,
                of.false_alarms,
                of.seconds,
                of.before,
                of.through
            ),
            figures: vec![
                ("precision", summary.precision.mean),
                ("precision_deviation", summary.precision.deviation),
                ("recall", summary.recall.mean),
                ("recall_deviation", summary.recall.deviation),
                ("actors", of.actors),
                ("detected", of.detected),
                ("false_alarms", of.false_alarms),
                ("seconds_to_stop", of.seconds),
                ("through_before_stop", of.before),
                ("percent_through", of.through),
            ],
            ..Row::new("simulator, F1", &summary.scenario, bar(&summary.scenario).map(Bar::Least), summary.f1.mean)
        });
    }
    rows.sort_by_key(|row| row.bar.is_none());
    let guesses = figures(tables, "brute-force").before;
    rows.push(Row::new(
        "simulator, median",
        "guesses before a stop",
        Some(Bar::Most(GUESSES)),
        guesses,
    ));
    rows.extend(people(tables));
    rows
}

/// What befell harmless clients, by kind.
fn people(tables: &[Table]) -> Vec<Row> {
    let mut kinds: Vec<&str> = tables
        .iter()
        .flat_map(|table| table.harmless.iter().map(|kind| kind.kind.as_str()))
        .collect();
    kinds.sort_unstable();
    kinds.dedup();
    let of_kind = |name: &str| {
        let all = tables
            .iter()
            .flat_map(|table| &table.harmless)
            .filter(|kind| kind.kind == name);
        let sum = all.fold([0; 4], |sum, kind| {
            [
                sum[0] + kind.actors,
                sum[1] + kind.stopped,
                sum[2] + kind.requests,
                sum[3] + kind.requests_stopped,
            ]
        });
        let [actors, stopped, requests, requests_stopped] = sum;
        Row {
            note: format!("of {actors} clients; {requests_stopped} of {requests} requests"),
            figures: vec![
                ("clients", actors as f64),
                ("requests", requests as f64),
                ("requests_stopped", requests_stopped as f64),
            ],
            ..Row::new("simulator, stopped", name, None, stopped as f64)
        }
    };
    kinds.into_iter().map(of_kind).collect()
}

/// Figures of an attack over all seeds: sums, and means of medians.
#[derive(Default)]
struct Figures {
    actors: f64,
    detected: f64,
    false_alarms: f64,
    seconds: f64,
    before: f64,
    through: f64,
}

fn figures(tables: &[Table], name: &str) -> Figures {
    let rows: Vec<_> = tables
        .iter()
        .flat_map(|table| table.rows.iter().chain([&table.total]))
        .filter(|row| row.scenario == name)
        .collect();
    let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len().max(1) as f64;
    let sum = |of: &dyn Fn(usize) -> f64| (0..rows.len()).map(of).fold(0.0, |sum, one| sum + one);
    let hostile = sum(&|index| rows[index].hostile as f64);
    Figures {
        actors: sum(&|index| rows[index].actors as f64),
        detected: sum(&|index| rows[index].detected as f64),
        false_alarms: sum(&|index| rows[index].false_alarms),
        seconds: mean(rows.iter().filter_map(|row| row.seconds).collect()),
        before: mean(rows.iter().map(|row| row.before).collect()),
        through: 100.0 * sum(&|index| rows[index].through as f64) / hostile.max(1.0),
    }
}

/// Prints the table.
pub fn print(rows: &[Row]) {
    say(&format!(
        "{:<30} {:<22} {:>7} {:>8} {:>7}  {:<8} figures",
        "set", "part", "bar", "measured", "spread", ""
    ));
    for row in rows {
        let bar = row.bar.map(|bar| match bar {
            Bar::Least(least) => format!("≥ {least}"),
            Bar::Most(most) => format!("≤ {most}"),
        });
        let deviation = row.deviation.map(|spread| format!("± {spread:.3}"));
        let digits = if row.deviation.is_some() { 3 } else { 0 };
        let verdict = match row.reached() {
            Some(true) => "reached",
            Some(false) => "missed",
            None => "",
        };
        let line = format!(
            "{:<30} {:<22} {:>7} {:>8.digits$} {:>7}  {verdict:<8} {}",
            row.what,
            row.part,
            bar.unwrap_or_default(),
            row.measured,
            deviation.unwrap_or_default(),
            row.note
        );
        say(line.trim_end());
    }
    let missed = rows.iter().filter(|row| row.reached() == Some(false));
    let bars = rows.iter().filter(|row| row.bar.is_some()).count();
    say(&format!("{} of {bars} bars reached", bars - missed.count()));
}

/// The table as a list. A number that was never reached is null.
pub fn as_json(rows: &[Row]) -> Value {
    rows.iter()
        .map(|row| {
            let bar = row.bar.map(|bar| match bar {
                Bar::Least(least) => json!({ "least": least }),
                Bar::Most(most) => json!({ "most": most }),
            });
            let figures: serde_json::Map<String, Value> = row
                .figures
                .iter()
                .map(|(name, value)| ((*name).to_owned(), Value::from(*value)))
                .collect();
            json!({
                "set": row.what, "part": row.part, "bar": bar, "measured": row.measured, "deviation": row.deviation,
                "reached": row.reached(), "figures": figures,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fate(throttled: usize, banned: Option<usize>) -> (String, Fate) {
        let fate = Fate {
            requests: 200,
            throttled,
            banned,
            ..Fate::default()
        };
        ("a".to_owned(), fate)
    }

    #[test]
    fn bars_of_harmless_sets() {
        for (fates, expected) in [
            (vec![], [Some(false), Some(false)]),
            (vec![fate(0, None)], [Some(true), Some(true)]),
            (vec![fate(1, None), fate(0, None)], [Some(true), Some(true)]),
            (
                vec![fate(1, None), fate(2, None)],
                [Some(true), Some(false)],
            ),
            // Who is banned is not counted as throttled again.
            (
                vec![fate(1, Some(7)), fate(1, None)],
                [Some(false), Some(true)],
            ),
        ] {
            let rows = harmless("a", "clients", &fates);
            let reached: Vec<_> = rows.iter().map(Row::reached).collect();
            assert_eq!(reached, expected, "{fates:?}");
        }
    }

    #[test]
    fn bars_of_scanners() {
        for (banned, expected) in [(Some(100), true), (Some(101), false), (None, false)] {
            let row = scanner("a", &[fate(0, banned)]);
            assert_eq!(row.reached(), Some(expected), "{banned:?}");
        }
    }
}
