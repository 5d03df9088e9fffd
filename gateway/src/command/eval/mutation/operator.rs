//! What a mutation changes: one way of writing for another. An operator only proposes; that the statement still means
//! the same is proven by the parser afterwards, so an operator need not know every rule of SQL.

#![expect(
    clippy::ptr_arg,
    reason = "operators are of one type, and some add or remove pieces"
)]

use super::piece::{Kind, Piece};
use super::statement::Dialect;
use crate::command::eval::random::Random;

/// Changes pieces in place; whether it found something to change.
type Change = fn(&mut Vec<Piece>, Dialect, &mut Random) -> Option<()>;

/// All operators, by the names in the output.
pub const OPERATORS: [(&str, Change); 15] = [
    ("case of keywords", case),
    ("kind of white space", space),
    ("comment for white space", comment_for_space),
    ("comment between", comment_between),
    ("white space left out", no_space),
    ("white space between", space_between),
    ("versioned comment", versioned),
    ("AND, OR as signs", logic),
    ("LIKE for =", like),
    ("<> and !=", unequal),
    ("numbers", number),
    ("strings in hex, joined, called", text),
    ("parentheses", parentheses),
    ("another tautology", tautology),
    ("comment at the end", tail),
];

const SPACES: [&str; 8] = ["\t", "\n", "\r\n", "\u{b}", "\u{c}", "  ", " \n ", "\t\t"];
const COMMENTS: [&str; 7] = [
    "/**/", "/*x*/", "/*-*/", "/* */", "/*\n*/", "/*1*/", "/*&*/",
];
const LINE_COMMENTS: [&str; 3] = ["-- \n", "-- x\n", "--\t\n"];

/// Words that a tautology is made of; what they are does not matter.
const WORDS: [&str; 6] = ["a", "zq", "b7", "tea", "k", "x1y"];

/// Where a payload that has a comment at its end may have another.
const TAILS: [&str; 7] = ["-- ", "-- -", "--\t", "-- x", ";-- ", " -- a", "/**/-- "];
const TAILS_OF_MYSQL: [&str; 4] = ["#", "#x", ";#", " # a"];

/// Pieces of a kind: one of them, or (half of the time) all.
fn some(pieces: &[Piece], random: &mut Random, fits: impl Fn(&Piece) -> bool) -> Vec<usize> {
    let fitting = pieces.iter().enumerate().filter(|(_, piece)| fits(piece));
    let all: Vec<usize> = fitting.map(|(at, _)| at).collect();
    match random.below(2) {
        0 => all,
        _ => random.pick(&all).copied().into_iter().collect(),
    }
}

/// Changes the text of some pieces.
fn rewrite(
    pieces: &mut [Piece],
    random: &mut Random,
    fits: impl Fn(&Piece) -> bool,
    written: impl Fn(&str, &mut Random) -> Option<String>,
) -> Option<()> {
    let mut changed = None;
    for at in some(pieces, random, fits) {
        if let Some(text) = written(&pieces[at].text, random) {
            changed = changed.or((text != pieces[at].text).then_some(()));
            pieces[at].text = text;
        }
    }
    changed
}

fn is(kind: Kind) -> impl Fn(&Piece) -> bool {
    move |piece| piece.kind == kind
}

fn is_sign(signs: &'static [&'static str]) -> impl Fn(&Piece) -> bool {
    move |piece| piece.kind == Kind::Sign && signs.contains(&piece.text.as_str())
}

fn is_word(words: &'static [&'static str]) -> impl Fn(&Piece) -> bool {
    move |piece| {
        let text = piece.text.as_str();
        piece.kind == Kind::Word && words.iter().any(|word| word.eq_ignore_ascii_case(text))
    }
}

fn one_of(random: &mut Random, of: &[&str]) -> Option<String> {
    random.pick(of).map(|one| (*one).to_owned())
}

fn case(pieces: &mut Vec<Piece>, _: Dialect, random: &mut Random) -> Option<()> {
    rewrite(pieces, random, is(Kind::Word), |word, random| {
        let letters = word.chars().map(|letter| match random.below(2) {
            0 => letter.to_ascii_lowercase(),
            _ => letter.to_ascii_uppercase(),
        });
        Some(letters.collect())
    })
}

fn space(pieces: &mut Vec<Piece>, _: Dialect, random: &mut Random) -> Option<()> {
    rewrite(pieces, random, is(Kind::Space), |_, random| {
        one_of(random, &SPACES)
    })
}

fn comment_for_space(pieces: &mut Vec<Piece>, dialect: Dialect, random: &mut Random) -> Option<()> {
    rewrite(pieces, random, is(Kind::Space), |_, random| {
        comment(dialect, random)
    })
}

fn comment(dialect: Dialect, random: &mut Random) -> Option<String> {
    match random.below(8) {
        0 => one_of(random, &LINE_COMMENTS),
        1 if dialect == Dialect::MySql => one_of(random, &["#\n", "#x\n", "/*!*/"]),
        _ => one_of(random, &COMMENTS),
    }
}

/// Puts a piece in front of one that is neither the first nor white space.
fn insert(pieces: &mut Vec<Piece>, random: &mut Random, kind: Kind, text: String) -> Option<()> {
    let at = 1 + random.below(pieces.len().checked_sub(1).filter(|left| *left > 0)?);
    let beside = [pieces.get(at - 1), pieces.get(at)];
    let free = beside
        .into_iter()
        .flatten()
        .all(|piece| piece.kind != Kind::Space);
    free.then(|| pieces.insert(at, Piece { kind, text }))
}

fn comment_between(pieces: &mut Vec<Piece>, dialect: Dialect, random: &mut Random) -> Option<()> {
    let text = comment(dialect, random)?;
    insert(pieces, random, Kind::Comment, text)
}

fn space_between(pieces: &mut Vec<Piece>, _: Dialect, random: &mut Random) -> Option<()> {
    let text = one_of(random, &SPACES)?;
    insert(pieces, random, Kind::Space, text)
}

fn no_space(pieces: &mut Vec<Piece>, _: Dialect, random: &mut Random) -> Option<()> {
    let is_blank = |piece: &Piece| {
        piece.kind == Kind::Space || (piece.kind == Kind::Comment && piece.text.starts_with("/*"))
    };
    let chosen = some(pieces, random, is_blank);
    for at in chosen.iter().rev() {
        pieces.remove(*at);
    }
    (!chosen.is_empty()).then_some(())
}

fn versioned(pieces: &mut Vec<Piece>, dialect: Dialect, random: &mut Random) -> Option<()> {
    if dialect != Dialect::MySql {
        return None;
    }
    rewrite(pieces, random, is(Kind::Word), |word, random| {
        let version = one_of(random, &["", "50000", "40101 ", "12345", " "])?;
        Some(format!("/*!{version}{word}*/"))
    })
}

fn logic(pieces: &mut Vec<Piece>, dialect: Dialect, random: &mut Random) -> Option<()> {
    if dialect != Dialect::MySql {
        return None;
    }
    let sign = |text: &str| match text.to_ascii_lowercase().as_str() {
        "and" => Some("&&"),
        "or" => Some("||"),
        _ => None,
    };
    let word = |text: &str| match text {
        "&&" => Some(" AND "),
        "||" => Some(" OR "),
        _ => None,
    };
    let fits = |piece: &Piece| sign(&piece.text).or(word(&piece.text)).is_some();
    rewrite(pieces, random, fits, |text, _| {
        sign(text).or(word(text)).map(str::to_owned)
    })
}

fn like(pieces: &mut Vec<Piece>, dialect: Dialect, random: &mut Random) -> Option<()> {
    if dialect != Dialect::MySql {
        return None;
    }
    match random.below(3) {
        0 => rewrite(pieces, random, is_word(&["like"]), |_, _| {
            Some("=".to_owned())
        }),
        _ => rewrite(pieces, random, is_sign(&["="]), |_, random| {
            one_of(random, &[" LIKE ", "/**/like/**/", " like\t", "\nLike "])
        }),
    }
}

fn unequal(pieces: &mut Vec<Piece>, _: Dialect, random: &mut Random) -> Option<()> {
    rewrite(pieces, random, is_sign(&["<>", "!="]), |text, _| {
        Some(if text == "<>" { "!=" } else { "<>" }.to_owned())
    })
}

fn number(pieces: &mut Vec<Piece>, _: Dialect, random: &mut Random) -> Option<()> {
    rewrite(pieces, random, is(Kind::Number), |text, random| {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let form = random.below(5);
        digits.then(|| match form {
            0 => format!("{text}.0"),
            1 => format!("0{text}"),
            2 => format!("{text}e0"),
            3 => format!("00{text}.00"),
            _ => format!("({text})"),
        })
    })
}

fn text(pieces: &mut Vec<Piece>, dialect: Dialect, random: &mut Random) -> Option<()> {
    rewrite(pieces, random, is(Kind::Text), |text, random| {
        let inside = text.strip_prefix('\'')?.strip_suffix('\'')?;
        let plain = !inside.is_empty() && inside.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let inside = Some(inside).filter(|_| plain)?;
        let (head, rest) = inside.split_at(random.below(inside.len() + 1));
        let bytes = || inside.bytes();
        if dialect != Dialect::MySql {
            return Some(format!("'{head}'||'{rest}'"));
        }
        Some(match random.below(5) {
            0 => format!(
                "0x{}",
                bytes()
                    .map(|byte| format!("{byte:02x}"))
                    .collect::<String>()
            ),
            1 => format!("concat('{head}','{rest}')"),
            2 => format!("'{head}' '{rest}'"),
            3 => {
                let codes: Vec<String> = bytes().map(|byte| byte.to_string()).collect();
                format!("char({})", codes.join(","))
            }
            _ => format!("\"{inside}\""),
        })
    })
}

fn parentheses(pieces: &mut Vec<Piece>, _: Dialect, random: &mut Random) -> Option<()> {
    let literal = |piece: &Piece| matches!(piece.kind, Kind::Number | Kind::Text);
    rewrite(pieces, random, literal, |text, _| Some(format!("({text})")))
}

/// Replaces a comparison of two literals by another; the last one may be ended by the context's quote.
fn tautology(pieces: &mut Vec<Piece>, _: Dialect, random: &mut Random) -> Option<()> {
    let solid: Vec<usize> = (0..pieces.len())
        .filter(|at| !matches!(pieces[*at].kind, Kind::Space | Kind::Comment))
        .collect();
    let literal = |at: usize| matches!(pieces[at].kind, Kind::Number | Kind::Text);
    let fits = |three: &&[usize]| {
        let (one, sign, other) = (three[0], three[1], three[2]);
        let open = pieces[other].kind == Kind::Part && other + 1 == pieces.len();
        literal(one) && is_sign(&["=", "<", ">"])(&pieces[sign]) && (literal(other) || open)
    };
    let found: Vec<&[usize]> = solid.windows(3).filter(fits).collect();
    let three = *random.pick(&found)?;
    let (first, last) = (three[0], three[2]);
    let quote = pieces[last]
        .text
        .chars()
        .next()
        .filter(|_| pieces[last].kind == Kind::Part);
    let (low, high) = (1 + random.below(8), 10 + random.below(90));
    let word = random.pick(&WORDS)?;
    let (kind, text) = match quote {
        Some(quote) => (Kind::Part, format!("{quote}{word}{quote}={quote}{word}")),
        None => (
            Kind::Word,
            match random.below(8) {
                0 => format!("{high}={high}"),
                1 => format!("{low}<{high}"),
                2 => format!("{high}>{low}"),
                3 => format!("'{word}'='{word}'"),
                4 => format!("{low} IS NOT NULL"),
                5 => format!("{low} BETWEEN 0 AND {high}"),
                6 => format!("{low} IN({low})"),
                _ => "true".to_owned(),
            },
        ),
    };
    pieces.splice(first..=last, [Piece { kind, text }]);
    Some(())
}

fn tail(pieces: &mut Vec<Piece>, dialect: Dialect, random: &mut Random) -> Option<()> {
    let last = pieces
        .last_mut()
        .filter(|piece| piece.kind == Kind::Comment)?;
    let tails: Vec<&str> = match dialect {
        Dialect::MySql => TAILS.iter().chain(&TAILS_OF_MYSQL).copied().collect(),
        Dialect::Postgres | Dialect::Generic => TAILS.to_vec(),
    };
    last.text = one_of(random, &tails)?;
    Some(())
}
