//! Attacks on log-ins: stuffing, brute force, spraying, and what follows when one of them worked.

use super::super::message::Answer;
use super::super::people;
use super::super::random::Draw;
use super::super::site::{Access, Kind};
use super::super::token::Grant;
use super::{Kit, Shot, Tactic, Variant};

/// Pairs from a leak.
struct Stuffing {
    /// Share of pairs that still work.
    valid: f64,
    /// Share of names that are unknown here.
    strangers: f64,
    /// Whether a page is fetched first, as a browser would.
    covers: bool,
    covered: bool,
}

pub fn stuffing(_: &Variant, draw: &mut Draw) -> Box<dyn Tactic> {
    Box::new(Stuffing {
        valid: draw.scale(0.001, 0.03),
        strangers: draw.between(0.1, 0.8),
        covers: draw.chance(0.3),
        covered: false,
    })
}

impl Tactic for Stuffing {
    fn shoot(&mut self, kit: &mut Kit<'_>) -> Option<Shot> {
        if self.covers && !self.covered && kit.draw.chance(0.6) {
            self.covered = true;
            return cover(kit);
        }
        self.covered = false;
        let accounts = kit.site.accounts as usize;
        let account = if kit.draw.chance(self.strangers) {
            accounts + kit.draw.below(900_000)
        } else {
            kit.draw.below(accounts)
        } as u32;
        let password = if kit.draw.chance(self.valid) {
            people::password(kit.site, account)
        } else {
            people::password(super::super::site::SITES[kit.draw.below(5)], account ^ 1)
        };
        attempt(kit, account, &password)
    }
}

/// One account, many passwords.
struct Brute {
    account: u32,
    round: usize,
}

pub fn brute(_: &Variant, draw: &mut Draw) -> Box<dyn Tactic> {
    Box::new(Brute {
        account: draw.below(10_000) as u32,
        round: 0,
    })
}

impl Tactic for Brute {
    fn shoot(&mut self, kit: &mut Kit<'_>) -> Option<Shot> {
        let password = people::guess(self.round, kit.draw);
        self.round += 1;
        attempt(kit, self.account, &password)
    }
}

/// Many accounts, few passwords.
struct Spraying {
    first: u32,
    step: u32,
    accounts: u32,
    round: u32,
    offset: usize,
}

pub fn spraying(variant: &Variant, draw: &mut Draw) -> Box<dyn Tactic> {
    let least = variant.budget.0;
    Box::new(Spraying {
        first: draw.below(9_000) as u32,
        step: 1 + draw.below(7) as u32,
        accounts: draw.whole(u64::from(least) / 2, u64::from(least) * 3) as u32,
        round: 0,
        offset: draw.below(6),
    })
}

impl Tactic for Spraying {
    fn shoot(&mut self, kit: &mut Kit<'_>) -> Option<Shot> {
        let account = (self.first + self.round % self.accounts * self.step) % kit.site.accounts;
        let password = people::guess(
            (self.round / self.accounts) as usize + self.offset,
            kit.draw,
        );
        self.round += 1;
        attempt(kit, account, &password)
    }
}

/// A log-in that works, and what thieves do then.
struct Takeover {
    /// The accounts, and which of them it is at.
    accounts: Vec<u32>,
    at: usize,
    tries: u32,
    grant: Option<Grant>,
    calls: usize,
    /// Calls after which the next account is taken.
    stay: usize,
    logging_in: bool,
}

pub fn takeover(variant: &Variant, draw: &mut Draw) -> Box<dyn Tactic> {
    let (count, stay) = if variant.name == "several" {
        (draw.whole(3, 8), draw.whole(8, 20))
    } else {
        (1, 500)
    };
    Box::new(Takeover {
        accounts: (0..count).map(|_| draw.popular(12_000) as u32).collect(),
        at: 0,
        tries: draw.whole(0, 3) as u32,
        grant: None,
        calls: 0,
        stay: stay as usize,
        logging_in: false,
    })
}

impl Tactic for Takeover {
    fn site(&self, draw: &mut Draw) -> usize {
        [0, 1, 1, 2, 4][draw.below(5)]
    }

    fn owners(&self) -> Vec<u32> {
        self.accounts.clone()
    }

    fn shoot(&mut self, kit: &mut Kit<'_>) -> Option<Shot> {
        if self.calls > self.stay {
            self.at += 1;
            self.tries = kit.draw.below(2) as u32;
            self.grant = None;
            self.calls = 0;
        }
        let account = self.accounts[self.at % self.accounts.len()] % kit.site.accounts;
        if self.grant.is_none() {
            let right = self.tries == 0;
            self.tries = self.tries.saturating_sub(1);
            let password = if right {
                people::password(kit.site, account)
            } else {
                people::wrong_password(kit.site, account, kit.draw)
            };
            self.logging_in = right;
            return attempt(kit, account, &password);
        }
        self.calls += 1;
        let grant = self.grant.clone();
        let mut kit = Kit {
            grant: grant.as_ref(),
            account: Some(account),
            draw: &mut *kit.draw,
            stolen: None,
            ..*kit
        };
        // First everything about the owner, then what is worth something.
        let calls = self.calls;
        let route = kit.route(|route| {
            route.access == Access::User
                && match calls {
                    0..=3 => route.kind == Kind::Own,
                    4..=7 => matches!(route.kind, Kind::Write | Kind::List),
                    _ => matches!(
                        route.kind,
                        Kind::Write | Kind::Thing | Kind::Download | Kind::Report
                    ),
                }
        })?;
        Some(Shot {
            request: kit.honest(route),
            hostile: true,
            account: Some(account),
        })
    }

    fn hear(&mut self, answer: &Answer) {
        if !std::mem::take(&mut self.logging_in) {
            return;
        }
        match &answer.grant {
            Some(grant) => self.grant = Some((**grant).clone()),
            None => self.at += 1,
        }
    }
}

fn attempt(kit: &mut Kit<'_>, account: u32, password: &str) -> Option<Shot> {
    let request = kit.login(&people::mail(account), password)?;
    Some(Shot {
        request,
        hostile: true,
        account: Some(account),
    })
}

/// A harmless request between two others.
pub fn cover(kit: &mut Kit<'_>) -> Option<Shot> {
    let route = kit.route(|route| {
        route.access == Access::Open
            && route.method == "GET"
            && matches!(
                route.kind,
                Kind::Page | Kind::File | Kind::List | Kind::Thing | Kind::Own
            )
    })?;
    Some(Shot {
        request: kit.honest(route),
        hostile: false,
        account: kit.account,
    })
}
