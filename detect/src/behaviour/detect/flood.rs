//! Floods: more requests than a client should send, and more than everybody together should.
//!
//! A page pulls in sixty files within a second and then rests; a poller asks once a second for ever. So each window
//! has a bound of its own, and only what exceeds a burst for longer reaches the wider ones. An address counts for as
//! many clients as do well there. Who asks for the same thing over and over, with no sign of a session, has half of
//! that.
//!
//! In a surge, when there is several times more traffic than usual, clients that came with it and do nothing but ask
//! for one or two places quickly are shed first; who was there before, who has signed in, and who loads pages as a
//! browser does, stays.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Bounds, Finding, Kind, Known, Scene};

/// Bounds for floods.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Flood {
    /// Requests of one client within a second.
    pub second: Bounds,
    /// Requests of one client within ten seconds.
    pub ten_seconds: Bounds,
    /// Requests of one client within a minute.
    pub minute: Bounds,
    /// Requests of one client within ten minutes.
    pub ten_minutes: Bounds,
    /// How many times more traffic than usual is a surge.
    pub surge: f32,
    /// Requests a second, of all clients together, below which nothing is a surge.
    pub surge_floor: f32,
    /// Requests within ten seconds of a client that came with the surge.
    pub shed: Bounds,
}

impl Default for Flood {
    fn default() -> Self {
        Self {
            second: Bounds::new(150.0, 300.0),
            ten_seconds: Bounds::new(300.0, 600.0),
            minute: Bounds::new(900.0, 1800.0),
            ten_minutes: Bounds::new(4500.0, 9000.0),
            surge: 4.0,
            surge_floor: 100.0,
            shed: Bounds::new(15.0, 60.0),
        }
    }
}

pub(super) fn look(scene: &Scene<'_>, known: &Known) -> Option<Finding> {
    let settings = &scene.settings.flood;
    let rates = &known.compact.rates;
    // Most subjects are far below every bound.
    if rates.window(1) < settings.shed.throttle
        && rates.window(3) < settings.ten_minutes.throttle / 2.0
    {
        return None;
    }
    let scale = known.crowd() * if is_monotonous(known) { 0.5 } else { 1.0 };
    let windows = [
        settings.second,
        settings.ten_seconds,
        settings.minute,
        settings.ten_minutes,
    ];
    let over = windows
        .iter()
        .enumerate()
        .filter_map(|(which, bounds)| {
            bounds
                .times(scale)
                .finding(Kind::Flood, known.id, rates.window(which))
        })
        .max_by_key(|finding| finding.score);
    over.or_else(|| shed(scene, known))
}

/// Whether it asks for one or two places only, and shows no session.
fn is_monotonous(known: &Known) -> bool {
    known.is_place() && known.compact.places.count() < 2.5 && known.compact.others.count() < 0.5
}

fn shed(scene: &Scene<'_>, known: &Known) -> Option<Finding> {
    let settings = &scene.settings.flood;
    // A place surges against its own ten minutes, of which the surge is a growing part: for two minutes or so.
    let [now, usual] = [scene.busy.rates[0] / 10.0, scene.busy.rates[1] / 600.0];
    let place = now >= settings.surge_floor / 2.0 && now >= settings.surge * usual;
    let compact = &known.compact;
    let came_with_place = place && compact.last - compact.first < 150_000;
    let came_with_all = scene
        .weather
        .surge
        .is_some_and(|since| compact.first + 30_000 >= since);
    let came_with_it = came_with_place || came_with_all;
    let plain = known.compact.places.count() < 3.5 && !scene.subjects.has_credentials();
    let bounds = settings.shed.times(known.scale());
    let found = bounds.finding(Kind::Flood, known.id, known.compact.rates.window(1));
    found.filter(|_| came_with_it && plain && known.is_place())
}
