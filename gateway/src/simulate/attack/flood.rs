//! Floods: more than a site can bear.

use super::super::random::Draw;
use super::super::site::{Access, Kind};
use super::{Kit, Shot, Tactic, Variant};

/// Sends as much as it can.
struct Flood {
    routes: Vec<usize>,
    one: bool,
    /// Whether each request is made different, so that no cache answers it.
    busts: bool,
    /// Seconds of a burst and of the silence after it; none for a steady flood.
    pulse: Option<(f64, f64)>,
}

pub fn flood(variant: &Variant, draw: &mut Draw) -> Box<dyn Tactic> {
    let pulse =
        (variant.name == "pulses").then(|| (draw.between(3.0, 15.0), draw.between(10.0, 60.0)));
    Box::new(Flood {
        routes: Vec::new(),
        one: variant.name == "one-route",
        busts: draw.chance(0.5),
        pulse,
    })
}

impl Tactic for Flood {
    fn is_impatient(&self) -> bool {
        true
    }

    fn shoot(&mut self, kit: &mut Kit<'_>) -> Option<Shot> {
        if self.routes.is_empty() {
            self.routes = kit.site.routes_where(|route| {
                route.access == Access::Open
                    && matches!(
                        route.kind,
                        Kind::Page
                            | Kind::List
                            | Kind::Search
                            | Kind::Thing
                            | Kind::Report
                            | Kind::Login
                    )
            });
            if self.one {
                self.routes = vec![self.routes[kit.draw.below(self.routes.len())]];
            }
        }
        let route = self.routes[kit.draw.below(self.routes.len())];
        let mut request = if kit.site.routes[route].kind == Kind::Login {
            kit.login("nobody@mail.example", "x")?
        } else {
            kit.honest(route)
        };
        if self.busts {
            let mark = if request.query().is_empty() { '?' } else { '&' };
            request.target = format!("{}{mark}_={}", request.target, kit.draw.hex(8));
        }
        Some(Shot {
            request,
            hostile: true,
            account: None,
        })
    }

    fn rhythm(&self, now: f64) -> f64 {
        match self.pulse {
            Some((burst, silence)) if now % (burst + silence) > burst => 40.0,
            _ => 1.0,
        }
    }
}
