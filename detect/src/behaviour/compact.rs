//! What is known of every subject, in a fixed number of bytes: rates, answers, logins, how many different ones of what,
//! and its risk. Everything in it fades, so that a client who stops is forgiven.

use crate::behaviour::detect::Kind;
use crate::behaviour::distinct::Distinct;
use crate::behaviour::judgement::{Factor, Finding, Risk};
use crate::behaviour::respond::THROTTLE;
use crate::behaviour::window::{Fading, Rates, left};

/// Milliseconds of one generation of the sets; what they count is 20 to 40 minutes old at most.
pub(crate) const TURN: u64 = 20 * 60 * 1000;

/// The time constants of work, of answers, of logins: as the windows of 1 min, 10 min, 1 h.
const WORK: usize = 2;
const ANSWERS: usize = 3;
const LOGINS: usize = 4;

/// What is known of one subject.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Compact {
    /// When it was first and last seen, in milliseconds of the state's time.
    pub first: u64,
    pub last: u64,
    /// Requests ever.
    pub total: u32,
    /// Requests of late.
    pub rates: Rates,
    /// Answers by status, within minutes.
    pub ok: f32,
    pub unauthorized: f32,
    pub forbidden: f32,
    pub missing: f32,
    pub invalid: f32,
    pub broken: f32,
    /// Requests that other stages would have denied, forged tokens, claims about addresses, and requests that asked for
    /// a lot; within minutes.
    pub attacks: f32,
    pub forged: f32,
    pub claims: f32,
    pub greedy: f32,
    /// Requests that were stopped for what it did, within minutes.
    pub stopped: f32,
    /// Seconds of the upstream's time, within a minute, and what is usual for the same places.
    pub work: f32,
    pub usual_work: f32,
    /// Logins within an hour. One counts as failed until its answer says otherwise.
    pub login_failed: f32,
    pub login_ok: f32,
    /// Mean and variance of the time between requests, as logarithms of seconds.
    pub gap: f32,
    pub gap_spread: f32,
    /// By how many bits its steps were more surprising than usual, added up; fades within minutes.
    pub surprise: f32,
    /// Users it tried to log in as.
    pub tried: Distinct,
    /// Of an address: users, keys and sessions there. Of a user, key or session: its addresses.
    pub others: Distinct,
    /// Fingerprints of programs.
    pub programs: Distinct,
    /// Of an address: who does well there.
    pub healthy: Distinct,
    /// Paths that were not there.
    pub lost: Distinct,
    /// Objects that were refused or not there.
    pub refused: Distinct,
    /// Questions that were answered as wrong.
    pub variants: Distinct,
    /// Route templates.
    pub places: Distinct,
    /// 0 to 100.
    pub risk: f32,
    /// What the risk comes from: number of the detector plus one, and its score.
    factors: [(u8, u8); Risk::FACTORS],
    /// The last claim, in 16 bits.
    pub claim: u16,
}

impl Compact {
    /// A subject that is seen for the first time.
    pub(crate) fn born(tick: u64) -> Self {
        Self {
            first: tick,
            last: tick,
            ..Self::default()
        }
    }

    /// Looks at one number of each line of memory that it takes, so that all of them are on their way; what it gives
    /// means nothing.
    pub(crate) const fn glance(&self) -> u64 {
        let small = self.rates.window(0).to_bits()
            ^ self.ok.to_bits()
            ^ self.work.to_bits()
            ^ self.surprise.to_bits()
            ^ self.risk.to_bits();
        self.last ^ self.tried.bits() ^ self.lost.bits() ^ self.places.bits() ^ small as u64
    }

    /// Lets time pass until `tick`. Times before the last one change nothing.
    pub(crate) fn pass(&mut self, tick: u64, half_life: f32) {
        let ms = tick.saturating_sub(self.last);
        if ms == 0 {
            return;
        }
        let fading = Fading::after(ms);
        self.rates.fade(&fading);
        let kept = fading.of(ANSWERS);
        for count in [
            &mut self.ok,
            &mut self.unauthorized,
            &mut self.forbidden,
            &mut self.missing,
            &mut self.invalid,
            &mut self.broken,
            &mut self.attacks,
            &mut self.forged,
            &mut self.claims,
            &mut self.greedy,
            &mut self.stopped,
            &mut self.surprise,
        ] {
            *count *= kept;
        }
        let kept = fading.of(WORK);
        self.work *= kept;
        self.usual_work *= kept;
        let kept = fading.of(LOGINS);
        self.login_failed *= kept;
        self.login_ok *= kept;
        self.forgive(ms, half_life);
        self.turn(tick);
        self.last = tick;
    }

    fn forgive(&mut self, ms: u64, half_life: f32) {
        if self.risk > 0.0 {
            self.risk *= left(ms, half_life / std::f32::consts::LN_2);
            if self.risk < 1.0 {
                self.risk = 0.0;
                self.factors = Default::default();
            }
        }
    }

    fn turn(&mut self, tick: u64) {
        let turns = (tick / TURN).saturating_sub(self.last / TURN);
        if turns == 0 {
            return;
        }
        let turns = u32::try_from(turns).unwrap_or(u32::MAX);
        for set in [
            &mut self.tried,
            &mut self.others,
            &mut self.programs,
            &mut self.healthy,
            &mut self.lost,
            &mut self.refused,
            &mut self.variants,
            &mut self.places,
        ] {
            set.turn(turns);
        }
    }

    /// Counts a request. `pass` must have been called for the same time, `before` is when the last one was.
    pub(crate) fn request(&mut self, before: u64) {
        if self.total > 0 {
            self.between(self.last.saturating_sub(before));
        }
        self.total = self.total.saturating_add(1);
        self.rates.add();
    }

    /// Learns from the time between two requests: mean and variance with a weight of 1/16 for the newest.
    fn between(&mut self, ms: u64) {
        let gap = ((ms.max(1) as f32) / 1000.0).ln();
        let off = gap - self.gap;
        let weight = if self.total == 1 { 1.0 } else { 0.0625 };
        self.gap += weight * off;
        if self.total > 1 {
            self.gap_spread = (1.0 - weight) * (self.gap_spread + weight * off * off);
        }
    }

    /// All answers within minutes.
    pub(crate) fn answers(&self) -> f32 {
        self.ok + self.errors()
    }

    /// Answers within minutes that were errors of the client or broke the server.
    pub(crate) fn errors(&self) -> f32 {
        self.unauthorized + self.forbidden + self.missing + self.invalid + self.broken
    }

    /// Counts an answer.
    pub(crate) fn answer(&mut self, status: u16) {
        *match status {
            401 | 407 => &mut self.unauthorized,
            403 => &mut self.forbidden,
            404 | 410 => &mut self.missing,
            // Too fast is no error of content, and neither is a server that is not there.
            429 | 502..=504 => return,
            400..=499 => &mut self.invalid,
            500..=599 => &mut self.broken,
            _ => &mut self.ok,
        } += 1.0;
    }

    /// How much of it is known, 0 to 1: half after 20 requests.
    pub(crate) fn confidence(&self) -> f32 {
        let seen = self.total as f32;
        seen / (seen + 20.0)
    }

    /// Adds a finding to its risk: at least what the finding weighs, and more each time.
    pub(crate) fn charge(&mut self, finding: &Finding) {
        let weight = f32::from(finding.score) * finding.confidence;
        let more = self.risk + (100.0 - self.risk) * 0.1 * weight / 100.0;
        self.risk = more.max(weight).min(100.0);
        self.stopped += f32::from(u8::from(f32::from(finding.score) >= THROTTLE));
        self.note(finding.kind, finding.score);
    }

    fn note(&mut self, kind: Kind, score: u8) {
        let number = kind as u8 + 1;
        let same = self.factors.iter().position(|(kept, _)| *kept == number);
        let at = same.unwrap_or_else(|| self.weakest());
        let factor = &mut self.factors[at];
        if same.is_some() {
            factor.1 = factor.1.max(score);
        } else if score > factor.1 {
            *factor = (number, score);
        }
    }

    fn weakest(&self) -> usize {
        let weakest = self
            .factors
            .iter()
            .enumerate()
            .min_by_key(|(_, (_, score))| *score);
        weakest.map_or(0, |(at, _)| at)
    }

    /// What its risk comes from, strongest first.
    pub(crate) fn factors(&self) -> [Option<Factor>; Risk::FACTORS] {
        let mut factors = self.factors.map(|(number, score)| {
            let kind = usize::from(number)
                .checked_sub(1)
                .and_then(|at| Kind::ALL.get(at));
            kind.map(|kind| Factor { kind: *kind, score })
        });
        factors.sort_by_key(|factor| std::cmp::Reverse(factor.map_or(0, |factor| factor.score)));
        factors
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::behaviour::subject::SubjectId;

    fn finding(kind: Kind, score: u8) -> Finding {
        Finding {
            kind,
            subject: "192.0.2.1".parse::<SubjectId>().unwrap(),
            score,
            confidence: 1.0,
            value: 1.0,
            bound: 1.0,
        }
    }

    #[test]
    fn a_risk_grows_with_findings_and_halves_with_time() {
        let mut compact = Compact::born(0);
        compact.charge(&finding(Kind::Flood, 60));
        assert_eq!(compact.risk, 60.0);
        compact.charge(&finding(Kind::Bot, 20));
        assert!((60.0..70.0).contains(&compact.risk), "{}", compact.risk);
        (0..1000).for_each(|_| compact.charge(&finding(Kind::Flood, 65)));
        assert!((95.0..=100.0).contains(&compact.risk));
        let risk = compact.risk;
        compact.pass(600_000, 600.0);
        assert!((compact.risk - risk / 2.0).abs() < 0.1, "{}", compact.risk);
        let kinds = compact
            .factors()
            .map(|factor| factor.map(|factor| (factor.kind, factor.score)));
        assert_eq!(
            kinds[..3],
            [Some((Kind::Flood, 65)), Some((Kind::Bot, 20)), None]
        );
        compact.pass(86_400_000, 600.0);
        assert_eq!(
            (compact.risk, compact.factors()),
            (0.0, [None; Risk::FACTORS])
        );
    }

    #[test]
    fn statuses() {
        for (status, errors, ok) in [
            (200, 0.0, 1.0),
            (304, 0.0, 1.0),
            (401, 1.0, 0.0),
            (404, 1.0, 0.0),
            (422, 1.0, 0.0),
            (500, 1.0, 0.0),
            (429, 0.0, 0.0),
            (503, 0.0, 0.0),
        ] {
            let mut compact = Compact::default();
            compact.answer(status);
            assert_eq!((compact.errors(), compact.ok), (errors, ok), "{status}");
        }
    }

    #[test]
    fn gaps_have_mean_and_variance() {
        let mut compact = Compact::born(0);
        for _ in 0..200 {
            let before = compact.last;
            compact.pass(before + 1000, 600.0);
            compact.request(before);
        }
        assert!(compact.gap.abs() < 0.01 && compact.gap_spread < 0.01);
    }

    proptest! {
        #[test]
        fn nothing_grows_by_waiting(events in prop::collection::vec((0_u64..5_000_000, 100_u16..600, 1_u8..100), 1..100)) {
            let mut compact = Compact::born(0);
            let mut now = 0;
            for (gap, status, score) in events {
                let before = compact;
                now += gap;
                compact.pass(now, 600.0);
                prop_assert!(compact.risk <= before.risk && compact.answers() <= before.answers());
                prop_assert!(compact.lost.count() <= before.lost.count());
                compact.request(before.last);
                compact.answer(status);
                compact.lost.add(now);
                compact.charge(&finding(Kind::Flood, score));
                prop_assert!((0.0..=100.0).contains(&compact.risk));
                prop_assert!(compact.gap_spread >= 0.0 && compact.gap.is_finite());
            }
        }
    }
}
