//! A problem: what is wrong with a file, where, and what to write instead.
//!
//! Every loader here returns all problems it can find at once, so that a file is mended in one round.

use std::fmt;

/// A place in a text. Both count from 1; columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The character within the line.
    pub column: usize,
}

/// What is wrong with a file, where, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file, as it was named by the caller.
    pub file: String,
    /// The line, from 1; 0 when the problem is the file as a whole.
    pub line: usize,
    /// The character within the line, from 1; 0 when the problem is the file as a whole.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to write instead, where that can be said.
    pub help: Option<String>,
}

impl Position {
    /// Where a text begins.
    pub const START: Position = Position { line: 1, column: 1 };
}

impl Problem {
    /// A problem at a place in a file.
    pub fn at(file: &str, position: Position, message: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line: position.line,
            column: position.column,
            message: message.into(),
            help: None,
        }
    }

    /// A problem with a file as a whole: it is missing, too long, no text.
    pub fn whole(file: &str, message: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line: 0,
            column: 0,
            message: message.into(),
            help: None,
        }
    }

    /// The same problem with what to write instead.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        write!(f, ": {}", self.message)?;
        if let Some(help) = &self.help {
            write!(f, "\n  help: {help}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}

/// Sorts problems by file and place, and drops repeated ones (an alias repeats what is wrong with its anchor).
pub(crate) fn tidy(mut problems: Vec<Problem>) -> Vec<Problem> {
    problems.sort();
    problems.dedup();
    problems
}
