//! The response: from what the detectors found to what is done, and to whom.
//!
//! Who is banned is the narrowest subject that can be held responsible. An address where several others do well is
//! never banned for one of them: then it is the program at that address, or the session, or the user; and where even
//! these are shared, the request is denied and nobody is banned. Who shares an address does not show at once; so a ban of
//! an address is at first for the programs that were caught there, and for whatever is there from the fourth on.

use std::time::Duration;

use crate::behaviour::ban::{Ban, Bans, joined, program};
use crate::behaviour::detect::{Kind, Known};
use crate::behaviour::judgement::{Finding, Reaction};
use crate::behaviour::settings::BanSettings;
use crate::behaviour::subject::{SubjectId, SubjectKind, Subjects};

/// From which weight on a request is throttled, and from which denied.
pub(crate) const THROTTLE: f32 = 60.0;
pub(crate) const DENY: f32 = 80.0;

/// What all findings weigh together, 0 to 100: the strongest in full, those of other kinds half, combined as
/// independent hints (noisy or). Hints that add up are a reason to throttle, never to deny.
pub(crate) fn weigh(findings: &[Finding]) -> f32 {
    let Some(strongest) = findings.iter().max_by_key(|finding| finding.score) else {
        return 0.0;
    };
    let mut doubt = 1.0 - f32::from(strongest.score) / 100.0;
    for kind in Kind::ALL.iter().filter(|kind| **kind != strongest.kind) {
        let of_kind = findings.iter().filter(|finding| finding.kind == *kind);
        let most = of_kind.map(|finding| finding.score).max().unwrap_or(0);
        doubt *= 1.0 - f32::from(most) / 200.0;
    }
    let together = 100.0 * (1.0 - doubt);
    if f32::from(strongest.score) >= DENY {
        together
    } else {
        together.min(DENY - 1.0)
    }
}

/// What is around a request that something was found in.
pub(crate) struct Response<'a> {
    pub settings: &'a BanSettings,
    pub bans: &'a Bans,
    pub subjects: &'a Subjects,
    pub known: &'a [Known],
    /// Time since 1970.
    pub wall: Duration,
    /// Whether a ban is put in, or only advised.
    pub enforce: bool,
}

impl Response<'_> {
    /// What is done. `findings` are sorted, the strongest first.
    pub(crate) fn to(&self, findings: &[Finding]) -> Reaction {
        let weight = weigh(findings);
        if weight < THROTTLE {
            return Reaction::None;
        }
        let severe = |finding: &&Finding| f32::from(finding.score) >= DENY;
        if !findings.iter().any(|finding| severe(&finding)) {
            return Reaction::Throttle {
                retry_after: Duration::from_secs(u64::from(self.settings.retry_after)),
                delay: Duration::from_millis(u64::from(self.settings.delay_ms)),
            };
        }
        let culprits = findings
            .iter()
            .filter(severe)
            .filter_map(|finding| Some((self.culprit(finding)?, finding.kind)));
        // Kinds are ordered from wide to narrow.
        match culprits.max_by_key(|(culprit, _)| culprit.kind) {
            Some((culprit, kind)) if self.settings.enabled => self.ban(culprit, kind),
            _ => Reaction::Deny,
        }
    }

    /// Who is responsible for a finding and nobody else.
    fn culprit(&self, finding: &Finding) -> Option<SubjectId> {
        let id = finding.subject;
        match id.kind {
            SubjectKind::User if finding.kind == Kind::AccountTakeover => self.hand(),
            SubjectKind::User | SubjectKind::Session | SubjectKind::Key => Some(id),
            SubjectKind::Address | SubjectKind::Client if !self.is_shared(id) => Some(id),
            SubjectKind::Address => self.hand(),
            SubjectKind::Client => self.credential(),
            // These hold whole networks, and no detector speaks of them.
            SubjectKind::Prefix | SubjectKind::System => None,
        }
    }

    /// The hand that the request came from: its program at its address, or what that carries.
    fn hand(&self) -> Option<SubjectId> {
        let client = self.subjects.id(SubjectKind::Client)?;
        if self.is_shared(client) {
            return self.credential();
        }
        // Without a fingerprint the program is whatever is at the address.
        match self.subjects.agent.or(self.subjects.ja4) {
            Some(_) => Some(client),
            None => self.credential(),
        }
    }

    fn credential(&self) -> Option<SubjectId> {
        let kinds = [SubjectKind::Session, SubjectKind::User, SubjectKind::Key];
        kinds.iter().find_map(|kind| self.subjects.id(*kind))
    }

    /// Whether several who do well share it.
    fn is_shared(&self, id: SubjectId) -> bool {
        let known = self.known.iter().find(|known| known.id == id);
        let sharers = known.map_or(0.0, |known| {
            let compact = &known.compact;
            compact.healthy.count().max(compact.others.count() - 1.0)
        });
        // Linear counting reads a little high or low; a half is its error at this size.
        sharers + 0.5 >= self.settings.shared_from as f32
    }

    fn ban(&self, subject: SubjectId, kind: Kind) -> Reaction {
        let before = self.bans.find(subject).filter(|ban| self.remembers(ban));
        let offences = before
            .as_ref()
            .map_or(0, |ban| ban.offences)
            .saturating_add(1);
        let lasts = length(self.settings, offences);
        if self.enforce {
            let memory = Duration::from_secs(u64::from(self.settings.memory));
            self.bans.expire(self.wall, memory);
            self.bans.add(Ban {
                subject,
                since: self.wall,
                until: Some(self.wall + lasts),
                offences,
                cause: kind.as_str().to_owned(),
                programs: self.programs(subject, before.as_ref()),
            });
        }
        Reaction::Ban {
            subject,
            lasts,
            offences,
        }
    }

    /// The programs that a ban is for: those that an earlier one was for, and this one.
    fn programs(&self, subject: SubjectId, before: Option<&Ban>) -> u64 {
        let own = program(self.subjects).filter(|_| subject.kind == SubjectKind::Address);
        own.map_or(0, |own| before.map_or(own, |ban| joined(ban.programs, own)))
    }

    fn remembers(&self, ban: &Ban) -> bool {
        let memory = Duration::from_secs(u64::from(self.settings.memory));
        ban.until.is_none_or(|until| until + memory > self.wall)
    }
}

/// How long the n-th ban of a subject lasts: `first · growth^(n−1)`, at most `longest`.
fn length(settings: &BanSettings, offences: u32) -> Duration {
    let growth = u64::from(settings.growth.max(1));
    let grown = growth.saturating_pow(offences.saturating_sub(1));
    let seconds = u64::from(settings.first).saturating_mul(grown);
    Duration::from_secs(seconds.min(u64::from(settings.longest)).max(1))
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;
    use crate::behaviour::compact::Compact;
    use crate::behaviour::subject::Hashing;

    const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

    fn finding(kind: Kind, subject: SubjectId, score: u8) -> Finding {
        Finding {
            kind,
            subject,
            score,
            confidence: 1.0,
            value: 1.0,
            bound: 1.0,
        }
    }

    fn known(id: SubjectId, healthy: u64) -> Known {
        let mut compact = Compact::default();
        (0..healthy).for_each(|n| {
            compact.healthy.add(n);
        });
        Known {
            id,
            compact,
            traits: None,
        }
    }

    #[test]
    fn hints_add_up_but_never_to_a_denial() {
        let id = SubjectId::address(CLIENT);
        for (findings, expected) in [
            (vec![], 0.0),
            (vec![finding(Kind::Bot, id, 45)], 45.0),
            (
                vec![finding(Kind::Bot, id, 45), finding(Kind::Bot, id, 45)],
                45.0,
            ),
            (
                vec![finding(Kind::Bot, id, 45), finding(Kind::Outlier, id, 40)],
                56.0,
            ),
            (
                vec![
                    finding(Kind::Flood, id, 79),
                    finding(Kind::Scraping, id, 79),
                ],
                79.0,
            ),
            (vec![finding(Kind::Flood, id, 85)], 85.0),
        ] {
            assert!((weigh(&findings) - expected).abs() < 0.01, "{findings:?}");
        }
    }

    #[test]
    fn bans_grow() {
        let settings = BanSettings::default();
        for (offences, seconds) in [
            (1, 300),
            (2, 1200),
            (3, 4800),
            (4, 19_200),
            (5, 76_800),
            (6, 86_400),
            (4_000_000, 86_400),
        ] {
            assert_eq!(length(&settings, offences).as_secs(), seconds, "{offences}");
        }
    }

    #[test]
    fn the_narrowest_is_banned_and_nobody_who_is_shared() {
        let hashing = Hashing::new(1);
        let session = hashing.name("session", b"s");
        let user = hashing.user(b"ann");
        let plain = Subjects {
            agent: Some(hashing.name("agent", b"a")),
            ..Subjects::of(CLIENT)
        };
        let signed_in = Subjects {
            session: Some(session),
            user: Some(user),
            ..plain
        };
        let nameless = Subjects::of(CLIENT);
        let address = SubjectId::address(CLIENT);
        let client = plain.id(SubjectKind::Client).unwrap();
        let session = SubjectId::new(SubjectKind::Session, session);
        let user = SubjectId::new(SubjectKind::User, user);
        // Subjects, healthy at the address, healthy at the program, kind and subject of the finding, who is banned.
        for (subjects, at_address, at_client, kind, accused, expected) in [
            (plain, 0, 0, Kind::Flood, address, Some(address)),
            (plain, 2, 0, Kind::Flood, address, Some(address)),
            (plain, 20, 0, Kind::Flood, address, Some(client)),
            (plain, 20, 20, Kind::Flood, address, None),
            (signed_in, 20, 20, Kind::Flood, address, Some(session)),
            (signed_in, 20, 20, Kind::Flood, client, Some(session)),
            (nameless, 20, 0, Kind::Flood, address, None),
            (signed_in, 0, 0, Kind::Scraping, user, Some(user)),
            (signed_in, 0, 0, Kind::AccountTakeover, user, Some(client)),
            (
                signed_in,
                20,
                20,
                Kind::AccountTakeover,
                user,
                Some(session),
            ),
        ] {
            let bans = Bans::new(10);
            let own = subjects.id(SubjectKind::Client).unwrap();
            let response = Response {
                settings: &BanSettings::default(),
                bans: &bans,
                subjects: &subjects,
                known: &[known(address, at_address), known(own, at_client)],
                wall: Duration::from_secs(1_000_000),
                enforce: true,
            };
            let banned = match response.to(&[finding(kind, accused, 90)]) {
                Reaction::Ban { subject, .. } => Some(subject),
                Reaction::Deny => None,
                other => panic!("{other:?}"),
            };
            assert_eq!(
                banned, expected,
                "{kind:?} {accused} {at_address} {at_client}"
            );
            assert_eq!(bans.counts().added, u64::from(expected.is_some()));
        }
    }
}
