//! The detectors: each looks at what is known of a request's subjects and says what is wrong with it, by one rule of
//! thumb that its file explains. They keep nothing themselves.

use serde::{Deserialize, Serialize};

use crate::rule::Category;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_an_id_of_its_own() {
        let mut ids: Vec<&str> = Kind::ALL.iter().map(|kind| kind.id()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), Kind::ALL.len());
        // Factors are kept in a word of 32 bits.
        assert!(ids.len() <= 32);
    }
}
