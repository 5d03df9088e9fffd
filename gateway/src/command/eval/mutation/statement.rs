//! What a SQL injection means: the statement that a payload completes, read by a parser, in a form in which two ways of
//! writing the same thing are equal. A mutant counts only where its statement is accepted and has the same form.
//!
//! White space, comments, versioned comments and the case of keywords are no part of a syntax tree. What else counts as
//! the same is stated in [`Dialect`] and in `fold.rs`, with its reason, and nowhere else.

use sqlparser::ast::Statement;
use sqlparser::dialect::{GenericDialect, MySqlDialect, PostgreSqlDialect};
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, Tokenizer};

use super::fold::canonical;

/// Whose SQL it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// MySQL and MariaDB in their default mode: `&&` is AND, `||` is OR, double quotes make strings, `0x61` is one.
    MySql,
    /// PostgreSQL, where `||` joins strings.
    Postgres,
    /// What most others accept.
    Generic,
}

/// Where an application puts a value into its statement: what stands before and behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    /// Before the value.
    pub before: &'static str,
    /// Behind it.
    pub after: &'static str,
}

/// A payload's meaning: where it is accepted, and what the statement is there.
#[derive(Clone, Debug, PartialEq)]
pub struct Meaning {
    /// By whose parser.
    pub dialect: Dialect,
    /// In which place.
    pub context: Context,
    statements: Vec<Statement>,
}

const DIALECTS: [Dialect; 3] = [Dialect::MySql, Dialect::Postgres, Dialect::Generic];

/// Places of values, the simple ones first; a payload belongs to the first that accepts it.
#[rustfmt::skip]
const CONTEXTS: [Context; 14] = [
    Context { before: "SELECT a, b FROM t WHERE c = '", after: "'" },
    Context { before: "SELECT a, b FROM t WHERE c = \"", after: "\"" },
    Context { before: "SELECT a, b FROM t WHERE c = ", after: "" },
    Context { before: "SELECT a, b FROM t WHERE c = 1", after: "" },
    Context { before: "SELECT a, b FROM t WHERE (c = '", after: "')" },
    Context { before: "SELECT a, b FROM t WHERE (c = \"", after: "\")" },
    Context { before: "SELECT a, b FROM t WHERE (c = ", after: ")" },
    Context { before: "SELECT a, b FROM t WHERE (c = 1", after: ")" },
    Context { before: "SELECT a, b FROM t WHERE ((c = '", after: "'))" },
    Context { before: "SELECT a, b FROM t WHERE ((c = 1", after: "))" },
    Context { before: "SELECT a, b FROM t WHERE c LIKE '%", after: "%'" },
    Context { before: "SELECT a, b FROM t WHERE c = '", after: "' AND d = 'x'" },
    Context { before: "SELECT a, b FROM t WHERE c = 1", after: " AND d = 'x'" },
    Context { before: "SELECT a, b FROM t ORDER BY c", after: "" },
];

/// A statement with more tokens is no payload of a list; bounds what a mutant may grow to.
const MOST_TOKENS: usize = 600;

/// How many tokens a payload must add (or take away, by a comment) to be more than a value.
const LEAST_ADDED: usize = 2;

impl Dialect {
    fn parser(self) -> &'static dyn sqlparser::dialect::Dialect {
        match self {
            Self::MySql => &MySqlDialect {},
            Self::Postgres => &PostgreSqlDialect {},
            Self::Generic => &GenericDialect {},
        }
    }

    /// Its name in the output.
    pub fn name(self) -> &'static str {
        match self {
            Self::MySql => "MySQL",
            Self::Postgres => "PostgreSQL",
            Self::Generic => "generic",
        }
    }
}

impl Context {
    /// The quote within which the value stands, if it does.
    pub fn quote(&self) -> Option<char> {
        let inside = self.before.trim_end_matches('%');
        inside
            .chars()
            .last()
            .filter(|last| matches!(last, '\'' | '"'))
    }

    fn tokens(&self, dialect: Dialect, payload: &str) -> Option<Vec<Token>> {
        let statement = format!("{}{payload}{}", self.before, self.after);
        let tokens = Tokenizer::new(dialect.parser(), &statement)
            .tokenize()
            .ok()?;
        (tokens.len() <= MOST_TOKENS).then(|| canonical(tokens, dialect))
    }
}

impl Meaning {
    /// The meaning of a payload; `None` where no place accepts it, or where it is nothing but a value.
    pub fn of(payload: &str) -> Option<Self> {
        CONTEXTS.iter().find_map(|context| {
            let mut dialects = DIALECTS.into_iter();
            dialects.find_map(|dialect| Self::within(payload, dialect, *context))
        })
    }

    fn within(payload: &str, dialect: Dialect, context: Context) -> Option<Self> {
        let tokens = context.tokens(dialect, payload)?;
        let value = context.tokens(dialect, "1")?;
        if tokens.len().abs_diff(value.len()) < LEAST_ADDED {
            return None;
        }
        let statements = parsed(tokens, dialect)?;
        Some(Self {
            dialect,
            context,
            statements,
        })
    }

    /// Whether another payload is accepted in the same place and means the same there.
    pub fn is_of(&self, payload: &str) -> bool {
        let tokens = self.context.tokens(self.dialect, payload);
        let statements = tokens.and_then(|tokens| parsed(tokens, self.dialect));
        statements.is_some_and(|statements| statements == self.statements)
    }
}

fn parsed(tokens: Vec<Token>, dialect: Dialect) -> Option<Vec<Statement>> {
    let mut parser = Parser::new(dialect.parser()).with_tokens(tokens);
    parser.parse_statements().ok()
}
