//! A time that is asked about, and how it is cut into points: minutes, hours, or days of 24 hours.

use std::collections::BTreeMap;

use portcullis_store::{Cell, Rollups, Scope, Width};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::problem::Problem;
use crate::time::{self, now_ms};

/// Which time.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct StatsQuestion {
    /// Not before: RFC 3339, or milliseconds since 1970. Absent: 24 hours before `until`.
    #[param(nullable = false, max_length = 300)]
    since: Option<String>,
    /// Before: RFC 3339, or milliseconds since 1970. Absent: now.
    #[param(nullable = false, max_length = 300)]
    until: Option<String>,
    /// How wide points are, in UTC. Absent: minutes for up to six hours, hours for more.
    #[param(nullable = false, inline)]
    step: Option<Step>,
}

/// How wide points are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// Kept for days; at most 48 hours at once.
    Minute,
    /// At most 400 days at once.
    Hour,
    /// From midnight to midnight; at most 400 days at once.
    Day,
}

/// A time that makes sense, and how it is cut.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// From here on, the beginning of a point, in milliseconds since 1970.
    pub from: i64,
    /// To before here, the end of one.
    pub to: i64,
    step: Step,
}

impl StatsQuestion {
    /// The time, widened to whole points.
    ///
    /// # Errors
    /// 400 where it makes no sense.
    pub fn span(&self) -> Result<Span, Problem> {
        let read = |name: &str, text: &Option<String>, otherwise: i64| match text {
            None => Ok(otherwise),
            Some(text) => time::parse(text).ok_or_else(|| {
                Problem::bad_request(format!(
                    "`{name}` is no time: write 2026-01-31T23:59:59Z, or milliseconds since 1970"
                ))
            }),
        };
        let to = read("until", &self.until, now_ms())?;
        let from = read("since", &self.since, to.saturating_sub(DAY).max(0))?;
        if from >= to {
            return Err(Problem::bad_request("`since` is not before `until`"));
        }
        let length = to - from;
        let step = self.step.unwrap_or(match length <= DAY / 4 {
            true => Step::Minute,
            false => Step::Hour,
        });
        let most = match step {
            Step::Minute => 2 * DAY,
            Step::Hour | Step::Day => 400 * DAY,
        };
        if length > most {
            return Err(Problem::bad_request(
                "that is too long: at most 48 hours by the minute, 400 days by the hour or the day",
            ));
        }
        Ok(Span {
            from: step.floor(from),
            to: step.floor(to + step.ms() - 1),
            step,
        })
    }
}

impl Span {
    /// `minute`, `hour` or `day`.
    pub const fn word(&self) -> &'static str {
        match self.step {
            Step::Minute => "minute",
            Step::Hour => "hour",
            Step::Day => "day",
        }
    }

    /// The roll-ups that points are made of.
    pub const fn width(&self) -> Width {
        match self.step {
            Step::Minute => Width::Minute,
            Step::Hour | Step::Day => Width::Hour,
        }
    }

    /// The beginning of the point that a moment belongs to.
    pub fn start(&self, time_ms: i64) -> i64 {
        self.step.floor(time_ms)
    }

    /// What was counted, by the beginnings of points.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn cells(
        &self,
        rollups: &Rollups,
        scope: Option<&Scope>,
    ) -> Result<BTreeMap<i64, Cell>, Problem> {
        let points = rollups
            .series(self.width(), self.from, self.to, scope)
            .await?;
        let mut cells = BTreeMap::<i64, Cell>::new();
        for point in points {
            let cell = cells.entry(self.start(point.start_ms)).or_default();
            cell.merge(&point.cell);
        }
        Ok(cells)
    }
}

impl Step {
    const fn ms(self) -> i64 {
        match self {
            Self::Minute => Width::Minute.ms(),
            Self::Hour => Width::Hour.ms(),
            Self::Day => DAY,
        }
    }

    const fn floor(self, time_ms: i64) -> i64 {
        time_ms - time_ms.rem_euclid(self.ms())
    }
}

/// A day in milliseconds.
const DAY: i64 = 86_400_000;
