//! The detectors: each looks at what is known of a request's subjects and says what is wrong with it, by one rule of
//! thumb that its file explains. They keep nothing themselves.

mod account_takeover;
mod address_spoofing;
mod bot;
mod broken_authentication;
mod brute_force;
mod credential_stuffing;
mod endpoint_enumeration;
mod flood;
mod object_enumeration;
mod outlier;
mod parameter_fuzzing;
mod password_spraying;
mod repeated_attack;
mod resource_exhaustion;
mod scraping;
mod session_hijack;
#[cfg(test)]
mod tests;
mod unusual_sequence;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::behaviour::compact::Compact;
use crate::behaviour::judgement::Finding;
use crate::behaviour::places::{Busy, Lone, Walk};
use crate::behaviour::profile::Traits;
use crate::behaviour::subject::{SubjectId, SubjectKind, Subjects};
use crate::behaviour::visit::Visit;
use crate::behaviour::world::Weather;
use crate::rule::Category;

pub use self::account_takeover::AccountTakeover;
pub use self::address_spoofing::AddressSpoofing;
pub use self::bot::Bot;
pub use self::broken_authentication::BrokenAuthentication;
pub use self::brute_force::BruteForce;
pub use self::credential_stuffing::CredentialStuffing;
pub use self::endpoint_enumeration::EndpointEnumeration;
pub use self::flood::Flood;
pub use self::object_enumeration::ObjectEnumeration;
pub use self::outlier::Outlier;
pub use self::parameter_fuzzing::ParameterFuzzing;
pub use self::password_spraying::PasswordSpraying;
pub use self::repeated_attack::RepeatedAttack;
pub use self::resource_exhaustion::ResourceExhaustion;
pub use self::scraping::Scraping;
pub use self::session_hijack::SessionHijack;
pub use self::unusual_sequence::UnusualSequence;

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident => $id:literal, $name:literal, $category:ident, $unit:literal, $why:literal;)*) => {
        /// Which detector found something.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        #[repr(u8)]
        pub enum Kind {
            $($(#[$doc])* $variant,)*
        }

        impl Kind {
            /// All detectors.
            pub const ALL: &'static [Kind] = &[$(Kind::$variant,)*];

            /// Its id in evidence and metrics.
            pub const fn id(self) -> &'static str {
                match self { $(Kind::$variant => concat!("behaviour-", $id),)* }
            }

            /// Its id without the word behaviour: what a ban is for.
            pub const fn as_str(self) -> &'static str {
                match self { $(Kind::$variant => $id,)* }
            }

            /// Its name for people.
            pub const fn name(self) -> &'static str {
                match self { $(Kind::$variant => $name,)* }
            }

            /// The kind of attack.
            pub const fn category(self) -> Category {
                match self { $(Kind::$variant => Category::$category,)* }
            }

            /// What a finding's number counts.
            pub const fn unit(self) -> &'static str {
                match self { $(Kind::$variant => $unit,)* }
            }

            /// Why it matters, in one sentence.
            pub const fn why(self) -> &'static str {
                match self { $(Kind::$variant => $why,)* }
            }
        }
    };
}

kinds! {
    /// Many passwords for one user.
    BruteForce => "brute-force", "Password guessing", Bot, "failed logins",
        "One account is tried with password after password until one fits.";
    /// Many users with a password each.
    CredentialStuffing => "credential-stuffing", "Credential stuffing", Bot, "users tried",
        "Leaked pairs of user and password are tried in bulk; the few that fit are sold.";
    /// One password for many users.
    PasswordSpraying => "password-spraying", "Password spraying", Bot, "users tried",
        "One common password is tried on many accounts, slowly enough that no account locks.";
    /// A known user from somewhere else with something else.
    AccountTakeover => "account-takeover", "Account taken over", Bot, "things that are new",
        "A user acts from a new place with a new program: someone else may have the password.";
    /// Reading everything.
    Scraping => "scraping", "Scraping", Bot, "objects read",
        "Page after page and object after object is read out by a program.";
    /// Other people's objects by number.
    ObjectEnumeration => "object-enumeration", "Object enumeration", Bot, "objects probed",
        "Identifiers are counted through to find objects that belong to others (API1:2023).";
    /// Looking for what is there.
    EndpointEnumeration => "endpoint-enumeration", "Endpoint scan", Scanner, "addresses that do not exist",
        "Paths are guessed to find what nobody has linked: backups, consoles, old versions.";
    /// Trying out what a parameter does.
    ParameterFuzzing => "parameter-fuzzing", "Parameter fuzzing", Scanner, "odd variants",
        "Names and values of parameters are varied until something breaks.";
    /// More work than a client should ask for.
    ResourceExhaustion => "resource-exhaustion", "Resource exhaustion", DenialOfService, "seconds of work in a minute",
        "A few requests keep the servers busy: expensive routes, huge pages, nested queries (API4:2023).";
    /// More requests than a client should send.
    Flood => "flood", "Flood", DenialOfService, "requests in the window",
        "So many requests that others have to wait.";
    /// A program that passes for something else.
    Bot => "bot", "Undeclared automation", Bot, "signs",
        "A program that says to be a browser, or a crawler that it is not.";
    /// One session in two hands.
    SessionHijack => "session-hijack", "Session in two hands", Jwt, "changes of hands",
        "One session is used by two programs at two places at once: one of them stole it.";
    /// Lying about its own address.
    AddressSpoofing => "address-spoofing", "Forged forwarding headers", Protocol, "addresses claimed",
        "Forwarding headers are invented to slip past limits, or to pass for an insider.";
    /// Made-up tokens.
    BrokenAuthentication => "broken-authentication", "Forged or guessed tokens", Jwt, "tokens refused",
        "Tokens that no key of ours has made, or keys tried one after the other (API2:2023).";
    /// An order of requests that nobody else takes.
    UnusualSequence => "unusual-sequence", "Unusual order of requests", Bot, "unusual steps",
        "The order of requests is one that the application's own clients do not produce.";
    /// Attack after attack, each refused alone.
    RepeatedAttack => "repeated-attack", "Repeated attacks", Scanner, "score of attacks",
        "The same client sends payload after payload; one of them will be the one that slips through.";
    /// Far from what all others do.
    Outlier => "outlier", "Outlier", Bot, "distance",
        "What this client does resembles no group of other clients.";
}

/// The thresholds of all detectors.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Detectors {
    /// Many passwords for one user.
    pub brute_force: BruteForce,
    /// Many users with a password each.
    pub credential_stuffing: CredentialStuffing,
    /// One password for many users.
    pub password_spraying: PasswordSpraying,
    /// A known user from somewhere else with something else.
    pub account_takeover: AccountTakeover,
    /// Reading everything.
    pub scraping: Scraping,
    /// Other people's objects by number.
    pub object_enumeration: ObjectEnumeration,
    /// Looking for what is there.
    pub endpoint_enumeration: EndpointEnumeration,
    /// Trying out what a parameter does.
    pub parameter_fuzzing: ParameterFuzzing,
    /// More work than a client should ask for.
    pub resource_exhaustion: ResourceExhaustion,
    /// More requests than a client should send.
    pub flood: Flood,
    /// A program that passes for something else.
    pub bot: Bot,
    /// One session in two hands.
    pub session_hijack: SessionHijack,
    /// Lying about its own address.
    pub address_spoofing: AddressSpoofing,
    /// Made-up tokens.
    pub broken_authentication: BrokenAuthentication,
    /// An order of requests that nobody else takes.
    pub unusual_sequence: UnusualSequence,
    /// Attack after attack, each refused alone.
    pub repeated_attack: RepeatedAttack,
    /// Far from what all others do.
    pub outlier: Outlier,
}

/// From where on a number is a reason to throttle, and from where on to ban. A number beyond anything that happens
/// switches the reaction off.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bounds {
    /// Throttle from here.
    pub throttle: f32,
    /// Deny and ban from here.
    pub ban: f32,
}

impl Bounds {
    /// Throttle from, ban from.
    pub const fn new(throttle: f32, ban: f32) -> Self {
        Self { throttle, ban }
    }

    /// The same bounds for `scale` clients at once.
    fn times(self, scale: f32) -> Self {
        Self::new(self.throttle * scale, self.ban * scale)
    }

    /// What a number weighs: 60 to 79 between the bounds, 80 to 95 above. `None` below.
    fn weigh(self, value: f32) -> Option<u8> {
        if value >= self.ban {
            let beyond = (value / self.ban.max(f32::MIN_POSITIVE)).min(4.0);
            return Some(80 + (beyond * 5.0 - 5.0) as u8);
        }
        let above = (value - self.throttle) / (self.ban - self.throttle).max(f32::MIN_POSITIVE);
        (value >= self.throttle).then_some(60 + (above * 19.0).clamp(0.0, 19.0) as u8)
    }

    /// A finding, if the number is over a bound. The further it is, the surer: 63 % at the bound, 86 % at twice that.
    fn finding(self, kind: Kind, subject: SubjectId, value: f32) -> Option<Finding> {
        let score = self.weigh(value)?;
        Some(Finding {
            kind,
            subject,
            score,
            confidence: 1.0 - (-value / self.throttle.max(f32::MIN_POSITIVE)).exp(),
            value,
            bound: self.throttle,
        })
    }
}

/// How many people a program with a key may count for.
const PROGRAM: f32 = 5.0;

/// What is known of one subject of the request under judgement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    /// Who.
    pub id: SubjectId,
    /// Its counters, this request included.
    pub compact: Compact,
    /// What stands out in its profile, if it has one.
    pub traits: Option<Traits>,
}

impl Known {
    /// For how many clients it stands: what one client may do, an address with twenty healthy ones may do twenty times.
    pub(crate) fn scale(&self) -> f32 {
        match self.id.kind {
            SubjectKind::Address | SubjectKind::Client => self.compact.healthy.count().max(1.0),
            // A key is a program's, and programs are quick.
            SubjectKind::Key => PROGRAM,
            SubjectKind::Prefix
            | SubjectKind::System
            | SubjectKind::User
            | SubjectKind::Session => 1.0,
        }
    }

    /// For how many clients it may stand, in what many do at once without harm. Before anybody is known to do well,
    /// sessions and programs count too, up to eight.
    pub(crate) fn crowd(&self) -> f32 {
        let compact = &self.compact;
        match self.id.kind {
            SubjectKind::Address => {
                let seen = compact.others.count().max(compact.programs.count());
                self.scale().max(seen.min(8.0))
            }
            SubjectKind::Client => self.scale().max(compact.others.count().min(8.0)),
            SubjectKind::Key => self.scale(),
            SubjectKind::Prefix
            | SubjectKind::System
            | SubjectKind::User
            | SubjectKind::Session => 1.0,
        }
    }

    /// Whether it is a place where anybody may sit, rather than someone.
    pub(crate) const fn is_place(&self) -> bool {
        matches!(self.id.kind, SubjectKind::Address | SubjectKind::Client)
    }
}

/// The request under judgement, and all that is known around it.
pub(crate) struct Scene<'a> {
    pub settings: &'a Detectors,
    pub subjects: &'a Subjects,
    pub visit: &'a Visit,
    /// Its subjects, the widest first: address, client, key, user, session.
    pub known: &'a [Known],
    pub login: Option<&'a LoginScene>,
    pub busy: Busy,
    /// The walk through the numbers of its place that the request goes on with.
    pub walk: Walk,
    /// The share of objects at its place that are refused, or not there, to anybody.
    pub refused: f32,
    /// What others read who read nothing else, if the client is one of them.
    pub lone: Option<Lone>,
    pub weather: Weather,
}

/// What is known around a login.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LoginScene {
    /// The user who is tried, wherever from.
    pub user: Option<Compact>,
    /// The same user from this address only.
    pub pair: Option<Compact>,
    /// Whether the user has been at home in this network.
    pub at_home: bool,
    /// Whether its program did not take part in what others tried at its address.
    pub bystander: bool,
    /// The program, wherever it is.
    pub program: Compact,
    /// Whether the password failed for many users by few programs, of which this is one.
    pub same_program: bool,
    /// The password.
    pub secret: Option<Compact>,
    /// Whether the address did nothing before but log in, without success.
    pub cold: bool,
    /// Failed logins of such addresses of late, and their share.
    pub cold_failures: (f32, f32),
}

/// A detector: looks at one subject of a request.
type Look = fn(&Scene<'_>, &Known) -> Option<Finding>;

/// All detectors, in the order of [`Kind`].
const LOOKS: [Look; 17] = [
    brute_force::look,
    credential_stuffing::look,
    password_spraying::look,
    account_takeover::look,
    scraping::look,
    object_enumeration::look,
    endpoint_enumeration::look,
    parameter_fuzzing::look,
    resource_exhaustion::look,
    flood::look,
    bot::look,
    session_hijack::look,
    address_spoofing::look,
    broken_authentication::look,
    unusual_sequence::look,
    repeated_attack::look,
    outlier::look,
];

/// Asks all detectors about all subjects of a request. Allocates only if there is something to say.
pub(crate) fn run(scene: &Scene<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for known in scene.known {
        findings.extend(LOOKS.iter().filter_map(|look| look(scene, known)));
    }
    findings
}

/// The share of `part` in `whole`; 0 where there is nothing.
fn share(part: f32, whole: f32) -> f32 {
    if whole > 0.0 { part / whole } else { 0.0 }
}
