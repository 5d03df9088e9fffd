//! What a record can be found by: terms such as `s:403`, `r:api` or the words of its path. Every filter but that of
//! time becomes a question about terms, and one inverted index answers them all: FTS5 in SQLite, GIN in PostgreSQL.
//! A term may find too much (names are cut and lose their case), never too little; [`super::Filter::matches`] looks
//! again at what was found.

use std::net::IpAddr;

use crate::entry::{Record, Verdict};

/// Letters that a kind of term begins with. A word has no colon, so that it is never taken for one of these.
pub(super) mod kind {
    pub(crate) const ID: &str = "i:";
    pub(crate) const ADDRESS: &str = "a:";
    /// The first 16 bits of an IPv4 address, the first 48 of an IPv6 one.
    pub(crate) const WIDE: &str = "aw:";
    /// The first 24 bits of an IPv4 address, the first 64 of an IPv6 one.
    pub(crate) const NARROW: &str = "an:";
    pub(crate) const LEVEL: &str = "l:";
    pub(crate) const ACTION: &str = "x:";
    pub(crate) const CATEGORY: &str = "c:";
    pub(crate) const USER: &str = "u:";
    pub(crate) const SESSION: &str = "e:";
    pub(crate) const KEY: &str = "k:";
    pub(crate) const ROUTE: &str = "r:";
    pub(crate) const HOST: &str = "h:";
    pub(crate) const METHOD: &str = "m:";
    pub(crate) const STATUS: &str = "s:";
    pub(crate) const RULE: &str = "z:";
    pub(crate) const NODE: &str = "n:";
    pub(crate) const OUTCOME: &str = "o:";
    /// The first segments of the path: `/api`, `/api/v1`.
    pub(crate) const PATH: &str = "p:";
}

/// A term that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Term {
    /// This one.
    Exact(String),
    /// All that begin like this.
    Prefix(String),
}

/// The longest value of a term, in bytes.
pub(super) const LONGEST: usize = 48;

/// How many segments of a path become terms.
pub(super) const SEGMENTS: usize = 3;

/// The longest word, in bytes; longer ones are cut, here and in what is asked for.
const LONGEST_WORD: usize = 24;

/// How many different words of one record are kept.
const WORDS: usize = 48;

/// How much text of one record is searched for words, in bytes.
const TEXT: usize = 16 * 1024;

/// How many names above a host are kept for it: `*.shop.example.com`, `*.example.com`, `*.com`.
const PARENTS: usize = 4;

/// How many rules of one record are kept; a verdict has at most 32 findings.
const RULES: usize = 64;

/// A term of a kind. Characters that would part or quote terms become `_`.
pub(super) fn term(kind: &str, value: &str) -> String {
    let mut out = String::with_capacity(kind.len() + value.len().min(LONGEST));
    push(&mut out, kind, value);
    out
}

/// All terms of a record, parted by spaces.
pub(super) fn terms_of(record: &Record, node: &str) -> String {
    let mut all = String::with_capacity(512);
    for (kind, value) in [
        (kind::NODE, node),
        (kind::ID, id_key(&record.id)),
        (kind::METHOD, &record.method),
        (kind::ROUTE, &record.route),
        (kind::ACTION, &record.action),
        (kind::ACTION, &record.would),
        (kind::USER, &record.user),
        (kind::SESSION, &record.session),
        (kind::KEY, &record.key),
        (kind::OUTCOME, &record.outcome),
    ] {
        add(&mut all, kind, value);
    }
    for name in [status_name(record.status), class_name(record.status)] {
        add(&mut all, kind::STATUS, &name);
    }
    if let Ok(address) = record.client.parse() {
        for (kind, value) in address_terms(address) {
            add(&mut all, kind, &value);
        }
    }
    for name in host_names(&record.host) {
        add(&mut all, kind::HOST, &name);
    }
    for beginning in beginnings(&record.path) {
        add(&mut all, kind::PATH, beginning);
    }
    for verdict in verdicts(record) {
        add(&mut all, kind::LEVEL, &verdict.level);
        add(&mut all, kind::CATEGORY, &verdict.category);
    }
    for rule in rules(record).take(RULES) {
        add(&mut all, kind::RULE, rule);
    }
    for word in words_of(record) {
        all.push(' ');
        all.push_str(&word);
    }
    all
}

/// The part of an id that its term is made of. Ids of one thread begin alike, so it is the end.
pub(super) fn id_key(id: &str) -> &str {
    id.get(id.len().saturating_sub(12)..).unwrap_or(id)
}

/// The first segment of a path, the first two, the first three.
pub(super) fn beginnings(path: &str) -> impl Iterator<Item = &str> {
    let ends = path
        .match_indices('/')
        .map(|(at, _)| at)
        .skip(1)
        .chain([path.len()]);
    ends.take(SEGMENTS).filter_map(|end| path.get(..end))
}

/// `403`.
pub(super) fn status_name(status: u16) -> String {
    status.to_string()
}

/// `4xx`; `0xx` where the client got no answer.
pub(super) fn class_name(status: u16) -> String {
    format!("{}xx", status / 100)
}

/// The verdicts that a record has.
pub(super) fn verdicts(record: &Record) -> impl Iterator<Item = &Verdict> {
    [&record.verdict, &record.response_verdict]
        .into_iter()
        .flatten()
}

/// The rules that found something, in the order of their findings, some more than once.
pub(super) fn rules(record: &Record) -> impl Iterator<Item = &str> {
    verdicts(record).flat_map(|verdict| verdict.evidence.iter().map(|evidence| &*evidence.rule))
}

/// A host without its port, and what it is called together with others: `*.example.com`.
pub(crate) fn host_names(host: &str) -> Vec<String> {
    let name = host_name(host);
    let mut names = vec![name.clone()];
    let mut rest = name.as_str();
    while let (Some((_, parent)), true) = (rest.split_once('.'), names.len() <= PARENTS) {
        if parent.is_empty() || name.starts_with('[') {
            break;
        }
        names.push(format!("*.{parent}"));
        rest = parent;
    }
    names
}

/// In lower case, without port and final dot.
pub(crate) fn host_name(host: &str) -> String {
    let end = match host.rfind(':') {
        Some(colon) if !host.ends_with(']') => colon,
        _ => host.len(),
    };
    host.get(..end)
        .unwrap_or(host)
        .trim_end_matches('.')
        .to_ascii_lowercase()
}

/// The terms of an address: itself and the networks around it, in hexadecimal digits.
pub(super) fn address_terms(address: IpAddr) -> [(&'static str, String); 3] {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let bits = v4.to_bits();
            [
                (kind::ADDRESS, format!("{bits:08x}")),
                (kind::NARROW, format!("{:06x}", bits >> 8)),
                (kind::WIDE, format!("{:04x}", bits >> 16)),
            ]
        }
        IpAddr::V6(v6) => {
            let bits = v6.to_bits();
            [
                (kind::ADDRESS, format!("{bits:032x}")),
                (kind::NARROW, format!("{:016x}", bits >> 64)),
                (kind::WIDE, format!("{:012x}", bits >> 80)),
            ]
        }
    }
}

/// The words of a record's path, query and reasons: runs of letters and digits in lower case, percent-decoded.
pub(super) fn words_of(record: &Record) -> Vec<String> {
    let mut words = Vec::new();
    let mut left = TEXT;
    for text in [&record.path, &record.query] {
        add_words(&decoded(text), &mut words, &mut left);
    }
    add_words(&record.reason, &mut words, &mut left);
    for verdict in verdicts(record) {
        for evidence in &verdict.evidence {
            add_words(&evidence.why, &mut words, &mut left);
        }
    }
    words
}

/// The words of what somebody asks for; one that ends in `*` stands for all that begin like it.
pub(super) fn asked_words(text: &str) -> Vec<Term> {
    let mut asked = Vec::new();
    for piece in text.split_whitespace() {
        let (piece, open) = match piece.strip_suffix('*') {
            Some(stem) => (stem, true),
            None => (piece, false),
        };
        let mut words = Vec::new();
        add_words(&decoded(piece), &mut words, &mut TEXT.clone());
        let last = words.pop().map(|last| match open {
            true => Term::Prefix(last),
            false => Term::Exact(last),
        });
        asked.extend(words.into_iter().map(Term::Exact).chain(last));
    }
    asked.truncate(WORDS);
    asked
}

fn add_words(text: &str, words: &mut Vec<String>, left: &mut usize) {
    let end = text.floor_char_boundary((*left).min(text.len()));
    *left -= end;
    let text = text.get(..end).unwrap_or_default();
    for word in text.split(|c: char| c.is_ascii() && !c.is_ascii_alphanumeric()) {
        if words.len() >= WORDS {
            return;
        }
        let word = word
            .get(..word.floor_char_boundary(LONGEST_WORD))
            .unwrap_or_default();
        if !word.is_empty() && !words.iter().any(|known| known.eq_ignore_ascii_case(word)) {
            words.push(word.to_ascii_lowercase());
        }
    }
}

/// Percent-decoded, `+` as a space; what is no UTF-8 then becomes a replacement character.
fn decoded(text: &str) -> std::borrow::Cow<'_, str> {
    if !text.bytes().any(|b| matches!(b, b'%' | b'+')) {
        return text.into();
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let digits = tail.get(..2).filter(|_| *first == b'%');
        let byte = digits
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        out.push(match (byte, first) {
            (Some(byte), _) => byte,
            (None, b'+') => b' ',
            (None, other) => *other,
        });
        rest = if byte.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&out).into_owned().into()
}

fn add(all: &mut String, kind: &str, value: &str) {
    if value.is_empty() {
        return;
    }
    if !all.is_empty() {
        all.push(' ');
    }
    push(all, kind, value);
}

fn push(out: &mut String, kind: &str, value: &str) {
    out.push_str(kind);
    let end = value.floor_char_boundary(LONGEST.min(value.len()));
    out.extend(
        value
            .get(..end)
            .unwrap_or_default()
            .chars()
            .map(|c| match c {
                '"' | '\'' | '`' | '\\' => '_',
                c if c.is_ascii_control() || c.is_whitespace() => '_',
                c => c.to_ascii_lowercase(),
            }),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_decoded_cut_and_counted_once() {
        let record = Record {
            path: "/api/v1/Users/42/%75nion".into(),
            query: "q=UNION+select&x=a%27b&long=abcdefghijklmnopqrstuvwxyz0123".into(),
            reason: "origin-form".into(),
            ..Record::default()
        };
        let words = words_of(&record);
        assert_eq!(
            words,
            [
                "api",
                "v1",
                "users",
                "42",
                "union",
                "q",
                "select",
                "x",
                "a",
                "b",
                "long",
                "abcdefghijklmnopqrstuvwx",
                "origin",
                "form"
            ]
        );
    }

    #[test]
    fn whatever_a_client_sends_stays_one_term_and_within_bounds() {
        for value in [
            "a b",
            "a\"b",
            "a'b",
            "\u{0}\n",
            "ä ö",
            &"€".repeat(100),
            "a\u{2003}b",
        ] {
            let term = term(kind::ROUTE, value);
            assert!(!term.contains([' ', '"', '\'', '\n', '\u{0}']), "{term:?}");
            assert!(term.len() <= LONGEST + 2, "{term:?}");
        }
        let many: String = (0..10_000).map(|n| format!("/w{n}%")).collect();
        let record = Record {
            path: many.as_str().into(),
            ..Record::default()
        };
        assert_eq!(words_of(&record).len(), WORDS);
    }

    #[test]
    fn hosts_lose_their_port_and_gain_their_parents() {
        assert_eq!(
            host_names("Www.Example.com:8443"),
            ["www.example.com", "*.example.com", "*.com"]
        );
        assert_eq!(host_names("[2001:db8::1]:80"), ["[2001:db8::1]"]);
        assert_eq!(host_names("[2001:db8::1]"), ["[2001:db8::1]"]);
        assert_eq!(host_names("localhost."), ["localhost"]);
        assert_eq!(host_names("").len(), 1);
        assert_eq!(host_names("a.b.c.d.e.f.g.h").len(), PARENTS + 1);
    }

    #[test]
    fn a_path_has_beginnings() {
        for (path, expected) in [
            ("/", &["/"][..]),
            ("/a", &["/a"]),
            ("/a/", &["/a", "/a/"]),
            ("/a/b/c", &["/a", "/a/b", "/a/b/c"]),
            ("/a/b/c/d/e", &["/a", "/a/b", "/a/b/c"]),
            ("//x", &["/", "//x"]),
            ("*", &["*"]),
            ("", &[""]),
        ] {
            assert_eq!(beginnings(path).collect::<Vec<_>>(), expected, "{path}");
        }
    }

    #[test]
    fn what_is_asked_for_becomes_words() {
        let exact = |word: &str| Term::Exact(word.to_owned());
        assert_eq!(
            asked_words("UNION  sel*"),
            [exact("union"), Term::Prefix("sel".into())]
        );
        assert_eq!(asked_words("a/b*"), [exact("a"), Term::Prefix("b".into())]);
        assert_eq!(
            asked_words("'; DROP TABLE records; --"),
            [exact("drop"), exact("table"), exact("records")]
        );
        assert_eq!(asked_words(" * "), []);
    }
}
