//! Ways of writing the same thing in SQL, each turned into one form. This is the list of what mutation may exchange
//! beyond what a parser ignores anyway:
//!
//! * MySQL: `&&` is AND and `||` is OR, of the same rank; "a" is 'a'; 'a' 'b' is 'ab'; LIKE without a wildcard is `=`
//!   (of the same rank too); `SUBSTR` and `MID` are `SUBSTRING`.
//! * `0x6162`, `CHAR(97, 98)` and `CONCAT('a', 'b')` are 'ab' (MySQL), and so is 'a' || 'b' elsewhere.
//! * `UNION DISTINCT` is `UNION`.
//! * A literal in parentheses is that literal. A number may begin with zeros, and in a comparison it may be written as
//!   2.0 or 2e0; where it counts columns or rows it may not.
//! * A comparison of literals that stands by itself is TRUE or FALSE: that 2 > 1 says what 1 = 1 does is the whole
//!   point of both.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::Token;

use super::statement::Dialect;

/// A rule: how many tokens from a place on become which.
type Fold = fn(&[Token], usize, Dialect) -> Option<(usize, Token)>;

const FOLDS: [Fold; 9] = [
    joined_strings,
    function_of_strings,
    in_parentheses,
    compared_number,
    like,
    union_distinct,
    comparison,
    membership,
    bare_number,
];

/// More passes than this no statement needs.
const MOST_PASSES: usize = 16;

/// The tokens of a statement in one form: without what a parser ignores, and folded until nothing changes.
pub fn canonical(tokens: Vec<Token>, dialect: Dialect) -> Vec<Token> {
    let meaningful = |token: &Token| !matches!(token, Token::Whitespace(_));
    let mut tokens: Vec<Token> = tokens.into_iter().filter(meaningful).collect();
    for at in 0..tokens.len() {
        let called = tokens.get(at + 1) == Some(&Token::LParen);
        let token = std::mem::replace(&mut tokens[at], Token::EOF);
        tokens[at] = one_form(token, called, dialect);
    }
    for _ in 0..MOST_PASSES {
        if !folded(&mut tokens, dialect) {
            break;
        }
    }
    tokens
}

fn folded(tokens: &mut Vec<Token>, dialect: Dialect) -> bool {
    let mut changed = false;
    let mut at = 0;
    while at < tokens.len() {
        let found = FOLDS.iter().find_map(|fold| fold(tokens, at, dialect));
        match found {
            Some((count, token)) => {
                tokens.splice(at..at + count, [token]);
                changed = true;
            }
            None => at += 1,
        }
    }
    changed
}

fn one_form(token: Token, called: bool, dialect: Dialect) -> Token {
    let mysql = dialect == Dialect::MySql;
    match token {
        Token::Overlap if mysql => Token::make_keyword("AND"),
        Token::StringConcat if mysql => Token::make_keyword("OR"),
        Token::DoubleQuotedString(text) if mysql => Token::SingleQuotedString(text),
        Token::HexStringLiteral(digits) if mysql => match text_of(&digits) {
            Some(text) => Token::SingleQuotedString(text),
            None => Token::HexStringLiteral(digits.to_ascii_lowercase()),
        },
        Token::Number(digits, long) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            Token::Number(number(&digits).unwrap_or(digits), long)
        }
        Token::Word(mut word) => {
            if word.quote_style.is_none() && (called || word.keyword != Keyword::NoKeyword) {
                word.value.make_ascii_uppercase();
            }
            if mysql && called && matches!(word.value.as_str(), "SUBSTR" | "MID") {
                return Token::make_keyword("SUBSTRING");
            }
            Token::Word(word)
        }
        other => other,
    }
}

/// The text whose bytes these digits are.
fn text_of(digits: &str) -> Option<String> {
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    let byte = |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let bytes: Option<Vec<u8>> = pairs.iter().map(byte).collect();
    String::from_utf8(bytes.filter(|_| rest.is_empty())?).ok()
}

/// A whole number in one form, where it is short enough to be exact.
fn number(digits: &str) -> Option<String> {
    let value: f64 = digits.parse().ok()?;
    let whole = value.fract() == 0.0 && value.abs() < 1e15;
    whole.then(|| format!("{value:.0}"))
}

fn joined_strings(tokens: &[Token], at: usize, dialect: Dialect) -> Option<(usize, Token)> {
    let text = |at: usize| match tokens.get(at) {
        Some(Token::SingleQuotedString(text)) => Some(text.as_str()),
        _ => None,
    };
    let first = text(at)?;
    let (count, second) = match tokens.get(at + 1)? {
        Token::StringConcat if dialect != Dialect::MySql => (3, text(at + 2)?),
        Token::SingleQuotedString(second) if dialect == Dialect::MySql => (2, second.as_str()),
        _ => return None,
    };
    Some((count, Token::SingleQuotedString(format!("{first}{second}"))))
}

/// A number in another form, on either side of a comparison.
fn compared_number(tokens: &[Token], at: usize, _: Dialect) -> Option<(usize, Token)> {
    let Token::Number(digits, long) = &tokens[at] else {
        return None;
    };
    let sides = [before(tokens, at), tokens.get(at + 1)];
    let compared = sides.into_iter().flatten().any(is_comparison);
    let form = number(digits).filter(|form| compared && form != digits)?;
    Some((1, Token::Number(form, *long)))
}

/// `CONCAT` of strings and `CHAR` of numbers.
fn function_of_strings(tokens: &[Token], at: usize, dialect: Dialect) -> Option<(usize, Token)> {
    let Token::Word(word) = &tokens[at] else {
        return None;
    };
    let name = word.value.as_str();
    let known = dialect == Dialect::MySql && matches!(name, "CONCAT" | "CHAR");
    if !known || tokens.get(at + 1) != Some(&Token::LParen) {
        return None;
    }
    let mut text = String::new();
    let mut place = at + 2;
    loop {
        match (name, tokens.get(place)?) {
            ("CONCAT", Token::SingleQuotedString(part)) => text.push_str(part),
            ("CHAR", Token::Number(code, _)) => {
                let code: u8 = code.parse().ok()?;
                text.push(char::from(Some(code).filter(u8::is_ascii)?));
            }
            _ => return None,
        }
        match tokens.get(place + 1)? {
            Token::Comma => place += 2,
            Token::RParen => return Some((place + 2 - at, Token::SingleQuotedString(text))),
            _ => return None,
        }
    }
}

/// A literal in parentheses that belong to no function and to no list.
fn in_parentheses(tokens: &[Token], at: usize, _: Dialect) -> Option<(usize, Token)> {
    let [Token::LParen, literal, Token::RParen] = tokens.get(at..at + 3)? else {
        return None;
    };
    let opens = match before(tokens, at)? {
        Token::Word(word) => OPENING.contains(&word.keyword),
        token => is_comparison(token) || *token == Token::LParen,
    };
    (opens && is_literal(literal)).then(|| (3, literal.clone()))
}

/// Keywords behind which an expression begins.
const OPENING: [Keyword; 10] = [
    Keyword::AND,
    Keyword::OR,
    Keyword::NOT,
    Keyword::XOR,
    Keyword::WHERE,
    Keyword::HAVING,
    Keyword::LIKE,
    Keyword::BETWEEN,
    Keyword::SELECT,
    Keyword::ON,
];

/// Keywords before which one ends.
const CLOSING: [Keyword; 11] = [
    Keyword::AND,
    Keyword::OR,
    Keyword::XOR,
    Keyword::UNION,
    Keyword::ORDER,
    Keyword::GROUP,
    Keyword::HAVING,
    Keyword::LIMIT,
    Keyword::INTO,
    Keyword::THEN,
    Keyword::END,
];

fn like(tokens: &[Token], at: usize, dialect: Dialect) -> Option<(usize, Token)> {
    let Token::Word(word) = &tokens[at] else {
        return None;
    };
    let negated =
        matches!(before(tokens, at), Some(Token::Word(word)) if word.keyword == Keyword::NOT);
    if dialect != Dialect::MySql || word.keyword != Keyword::LIKE || negated {
        return None;
    }
    let exact = match tokens.get(at + 1)? {
        Token::SingleQuotedString(text) => !text.contains(['%', '_', '\\']) && !text.ends_with(' '),
        Token::Number(..) => true,
        _ => false,
    };
    exact.then_some((1, Token::Eq))
}

fn union_distinct(tokens: &[Token], at: usize, _: Dialect) -> Option<(usize, Token)> {
    let is = |at: usize, keyword| matches!(tokens.get(at), Some(Token::Word(word)) if word.keyword == keyword);
    (is(at, Keyword::UNION) && is(at + 1, Keyword::DISTINCT)).then(|| (2, tokens[at].clone()))
}

/// Two literals that are compared, where the comparison is a whole operand.
fn comparison(tokens: &[Token], at: usize, _: Dialect) -> Option<(usize, Token)> {
    let [one, operator, other] = tokens.get(at..at + 3)? else {
        return None;
    };
    let holds = compared(one, operator, other)?;
    alone(tokens, at, 3).then(|| (3, truth(holds)))
}

/// `n IN (n)`, `n BETWEEN n AND n` and `n IS NOT NULL`, where they are a whole operand.
fn membership(tokens: &[Token], at: usize, _: Dialect) -> Option<(usize, Token)> {
    let value = value(tokens.get(at)?)?;
    let keyword = |place: usize| match tokens.get(at + place) {
        Some(Token::Word(word)) => word.keyword,
        _ => Keyword::NoKeyword,
    };
    let number = |place: usize| tokens.get(at + place).and_then(self::value);
    let is = |place: usize, token: &Token| tokens.get(at + place) == Some(token);
    let (count, holds) = match (keyword(1), keyword(2), keyword(3)) {
        (Keyword::IN, ..) if is(2, &Token::LParen) && is(4, &Token::RParen) => {
            (5, number(3)? == value)
        }
        (Keyword::BETWEEN, _, Keyword::AND) => (5, number(2)? <= value && value <= number(4)?),
        (Keyword::IS, Keyword::NOT, Keyword::NULL) => (4, true),
        _ => return None,
    };
    alone(tokens, at, count).then(|| (count, truth(holds)))
}

/// A number that is a whole operand of AND, OR or NOT.
fn bare_number(tokens: &[Token], at: usize, dialect: Dialect) -> Option<(usize, Token)> {
    let value = value(tokens.get(at)?)?;
    let joined = match before(tokens, at)? {
        Token::Word(word) => [Keyword::AND, Keyword::OR, Keyword::NOT].contains(&word.keyword),
        _ => false,
    };
    let whole = dialect == Dialect::MySql && joined && alone(tokens, at, 1);
    whole.then(|| (1, truth(value != 0.0)))
}

fn before(tokens: &[Token], at: usize) -> Option<&Token> {
    tokens.get(at.checked_sub(1)?)
}

fn truth(holds: bool) -> Token {
    Token::make_keyword(if holds { "TRUE" } else { "FALSE" })
}

fn value(token: &Token) -> Option<f64> {
    match token {
        Token::Number(digits, _) => digits.parse().ok(),
        _ => None,
    }
}

fn is_literal(token: &Token) -> bool {
    matches!(token, Token::Number(..) | Token::SingleQuotedString(_))
}

fn is_comparison(token: &Token) -> bool {
    matches!(
        token,
        Token::Eq | Token::Neq | Token::Lt | Token::Gt | Token::LtEq | Token::GtEq
    )
}

fn compared(one: &Token, operator: &Token, other: &Token) -> Option<bool> {
    if let (Token::SingleQuotedString(one), Token::SingleQuotedString(other)) = (one, other) {
        return match operator {
            Token::Eq => Some(one == other),
            // How letters are ordered, and whether their case counts, depends on the server.
            Token::Neq => Some(!one.eq_ignore_ascii_case(other)),
            _ => None,
        };
    }
    let (one, other) = (value(one)?, value(other)?);
    Some(match operator {
        Token::Eq => one == other,
        Token::Neq => one != other,
        Token::Lt => one < other,
        Token::Gt => one > other,
        Token::LtEq => one <= other,
        Token::GtEq => one >= other,
        _ => return None,
    })
}

/// Whether these tokens are a whole operand: an expression begins before them and ends behind them.
fn alone(tokens: &[Token], at: usize, count: usize) -> bool {
    let begins = match before(tokens, at) {
        Some(Token::Word(word)) => OPENING.contains(&word.keyword) && !is_bound(tokens, at),
        Some(token) => *token == Token::LParen,
        None => false,
    };
    let ends = match tokens.get(at + count) {
        Some(Token::Word(word)) => CLOSING.contains(&word.keyword),
        Some(token) => matches!(token, Token::RParen | Token::SemiColon | Token::Comma),
        None => true,
    };
    begins && ends
}

/// Whether what stands here is a bound of BETWEEN, or a pattern: no operand by itself.
fn is_bound(tokens: &[Token], at: usize) -> bool {
    let near = tokens.get(at.saturating_sub(3)..at).unwrap_or_default();
    near.iter().any(|token| {
        matches!(token, Token::Word(word) if matches!(word.keyword, Keyword::BETWEEN | Keyword::LIKE))
    })
}
