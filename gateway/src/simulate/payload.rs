//! A grammar of injections: each family puts its texts together from parts, so that no two attacks send the same list,
//! and wraps them in the encodings that make a server decode them. Written from what each interpreter needs in order to
//! be steered, not from collections of payloads.

mod disguise;
mod script;
mod server;
mod sql;

use super::random::Draw;

pub use disguise::{Layer, percent};

/// A family of injections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// SQL.
    Sql,
    /// Script in pages.
    Xss,
    /// Shell commands.
    Command,
    /// Paths.
    Path,
    /// Template engines.
    Template,
    /// Document databases.
    NoSql,
    /// XML entities.
    Xml,
    /// Requests that a server makes.
    Ssrf,
    /// Look-ups of a logging library.
    Lookup,
}

impl Family {
    /// All of them.
    #[cfg(test)]
    pub const ALL: [Self; 9] = [
        Self::Sql,
        Self::Xss,
        Self::Command,
        Self::Path,
        Self::Template,
        Self::NoSql,
        Self::Xml,
        Self::Ssrf,
        Self::Lookup,
    ];

    /// A text of this family, decoded.
    pub fn text(self, draw: &mut Draw) -> String {
        match self {
            Self::Sql => sql::text(draw),
            Self::Xss => script::text(draw),
            Self::Command => server::command(draw),
            Self::Path => server::path(draw),
            Self::Template => server::template(draw),
            Self::NoSql => server::nosql(draw),
            Self::Xml => server::xml(draw),
            Self::Ssrf => server::ssrf(draw),
            Self::Lookup => server::lookup(draw),
        }
    }
}

/// One of several productions.
fn one<'a>(draw: &mut Draw, of: &[&'a str]) -> &'a str {
    of[draw.below(of.len())]
}

#[cfg(test)]
mod tests;
