//! Accounts without a table of them: the mail address, the password and the habits of an account follow from its number.

use super::random::{Draw, mix};
use super::site::Site;

/// The mail address of an account; beyond the site's accounts it is a stranger's.
pub fn mail(account: u32) -> String {
    let (first, rest) = (
        account as usize % FIRST.len(),
        account as usize / FIRST.len(),
    );
    let (last, number) = (rest % LAST.len(), rest / LAST.len());
    let host = HOSTS[mix(u64::from(account), 3) as usize % HOSTS.len()];
    format!("{}.{}{number}@{host}", FIRST[first], LAST[last])
}

/// The person behind an account: of one name at several sites it is the same, with the same device and line.
pub fn person(account: u32) -> u64 {
    mix(u64::from(account), 8)
}

/// The account of a mail address, if it has the shape of one. Capital letters and spaces around do not matter.
pub fn account(mail: &str) -> Option<u32> {
    let mail = mail.trim().to_ascii_lowercase();
    let (name, _) = mail.split_once('@')?;
    let (first, last) = name.split_once('.')?;
    let digits = last.find(|c: char| c.is_ascii_digit())?;
    let (last, number) = last.split_at_checked(digits)?;
    let first = FIRST.iter().position(|known| *known == first)?;
    let last = LAST.iter().position(|known| *known == last)?;
    let number: usize = number.parse().ok()?;
    u32::try_from(
        number
            .checked_mul(LAST.len())?
            .checked_add(last)?
            .checked_mul(FIRST.len())?
            .checked_add(first)?,
    )
    .ok()
}

/// The password of an account. One in twelve is one of the words that everybody tries first.
pub fn password(site: &Site, account: u32) -> String {
    let mut draw = Draw::of(mix(site.accounts.into(), account.into()), 21);
    if draw.chance(1.0 / 12.0) {
        return COMMON[draw.popular(COMMON.len())].to_owned();
    }
    let (one, other) = (
        WORDS[draw.below(WORDS.len())],
        WORDS[draw.below(WORDS.len())],
    );
    let mark = ["!", "-", "_", ".", "#", "", "'", "&", "%"][draw.below(9)];
    match draw.below(3) {
        0 => format!("{one}{mark}{other}{}", draw.below(1_000)),
        1 => format!("{}{mark}{}", draw.hex(8), one),
        _ => format!("{other}{}{mark}", 1950 + draw.below(70)),
    }
}

/// A password that somebody believes to be right: an old one, another site's, or the right one mistyped.
pub fn wrong_password(site: &Site, account: u32, draw: &mut Draw) -> String {
    let right = password(site, account);
    match draw.below(4) {
        0 => {
            let mut short = right;
            short.pop();
            short
        }
        1 => right.to_uppercase(),
        2 => format!("{right}{}", draw.below(10)),
        _ => password(site, account.wrapping_add(1 + draw.below(9) as u32)),
    }
}

/// A guess at a password, from what guessers try: common words first, then variations.
pub fn guess(round: usize, draw: &mut Draw) -> String {
    if round < COMMON.len() {
        return COMMON[round].to_owned();
    }
    let word = COMMON[draw.below(COMMON.len())];
    match draw.below(4) {
        0 => format!("{word}{}", draw.below(2_030)),
        1 => format!("{word}!"),
        2 => format!("{}{}", WORDS[draw.below(WORDS.len())], draw.below(1_000)),
        _ => draw.hex(8),
    }
}

/// The hour at which an account is used most, 0 to 24.
pub fn favourite_hour(site: &Site, account: u32) -> f64 {
    let mut draw = Draw::of(u64::from(account), 90);
    if site.office {
        draw.between(8.0, 17.0)
    } else {
        draw.between(7.0, 23.0)
    }
}

const FIRST: [&str; 40] = [
    "ada", "bo", "chidi", "dolores", "emre", "fatou", "goran", "hana", "ines", "jonas", "kira",
    "lars", "mei", "nadia", "oskar", "petra", "quentin", "rosa", "samir", "tove", "uma", "viktor",
    "wanda", "xenia", "yusuf", "zoe", "amir", "bela", "carla", "dario", "elif", "farid", "greta",
    "hugo", "ida", "jun", "kofi", "lena", "marek", "nils",
];

const LAST: [&str; 30] = [
    "aalto", "berg", "costa", "dvorak", "endo", "fischer", "garcia", "haddad", "ivanov", "jensen",
    "kaya", "lopez", "moreau", "nguyen", "okafor", "petrov", "quist", "rossi", "sato", "tanaka",
    "urban", "vega", "weber", "yilmaz", "zeman", "adeyemi", "brandt", "cruz", "drop", "select",
];

const HOSTS: [&str; 5] = [
    "mail.example",
    "post.example",
    "inbox.example",
    "uni.example",
    "work.example",
];

/// What people choose, and guessers know.
const COMMON: [&str; 24] = [
    "123456",
    "password",
    "12345678",
    "qwerty",
    "123456789",
    "letmein",
    "welcome1",
    "iloveyou",
    "abc123",
    "monkey",
    "dragon",
    "111111",
    "sunshine",
    "football",
    "princess",
    "Passw0rd",
    "Welcome2026",
    "Summer2025!",
    "Winter2026",
    "admin123",
    "changeme",
    "secret",
    "login",
    "hello123",
];

const WORDS: [&str; 24] = [
    "anchor", "basil", "copper", "delta", "ember", "fjord", "garnet", "heron", "iris", "juniper",
    "kelp", "linden", "maple", "nettle", "onyx", "pepper", "quartz", "raven", "sorrel", "thistle",
    "umber", "violet", "willow", "zephyr",
];

#[cfg(test)]
mod tests {
    use super::super::site::SITES;
    use super::*;

    #[test]
    fn an_address_leads_back_to_its_account() {
        for number in [0, 1, 39, 40, 1_199, 1_200, 79_999, 5_000_000] {
            assert_eq!(account(&mail(number)), Some(number));
            assert_eq!(
                account(&format!(" {} ", mail(number).to_uppercase())),
                Some(number)
            );
        }
        for text in [
            "",
            "@",
            "ada",
            "ada.berg@x",
            "x.berg1@y",
            "ada.berg1",
            "ada.berg99999999999999999999@x",
        ] {
            assert_eq!(account(text), None, "{text}");
        }
    }

    #[test]
    fn passwords_are_stable_mostly_strong_and_never_the_wrong_one() {
        let site = SITES[0];
        let mut draw = Draw::new(4);
        let weak = (0..2_400)
            .filter(|account| COMMON.contains(&password(site, *account).as_str()))
            .count();
        assert!((140..260).contains(&weak), "{weak}");
        for account in 0..200 {
            let right = password(site, account);
            assert_eq!(right, password(site, account));
            let slips = (0..8)
                .filter(|_| wrong_password(site, account, &mut draw) == right)
                .count();
            // A word of digits has no capitals: that one slip is none.
            assert!(slips < 8, "{right}");
        }
    }
}
