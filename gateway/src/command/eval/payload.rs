//! Payload lists: which file holds what, and which class of attack a folder is. `lists` reads the files, `clean` drops
//! the lines that are no attack.

pub mod clean;
pub mod lists;

use std::sync::Arc;

/// A line of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// What is sent.
    pub text: String,
    /// The folder it comes from, as the output names it.
    pub folder: Arc<str>,
    /// Its class; `None` for folders that are reported without a bar.
    pub class: Option<Class>,
}

/// A class of attack with a bar of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// SQL injection.
    Sql,
    /// Cross-site scripting.
    Xss,
    /// Path traversal, and inclusion of local and remote files.
    Traversal,
    /// Commands of an operating system.
    Command,
    /// Server-side templates.
    Template,
    /// Injection into queries of document stores.
    Nosql,
    /// Injection into LDAP filters.
    Ldap,
    /// Injection into XPath expressions.
    Xpath,
    /// XML with external entities and the like.
    Xml,
    /// Server-side includes.
    Ssi,
}

/// What the lists' folders are: the beginning of a path below `payloads`, and its class. Folders that are not named
/// here (names, numbers, redirect targets, administration paths, cache tricks, user agents, mixed lists) have none.
#[rustfmt::skip]
const FOLDERS: &[(&str, Class)] = &[
    ("payloadsallthethings/SQL Injection", Class::Sql),
    ("payloadsallthethings/XSS Injection", Class::Xss),
    ("payloadsallthethings/Directory Traversal", Class::Traversal),
    ("payloadsallthethings/File Inclusion", Class::Traversal),
    ("payloadsallthethings/Command Injection", Class::Command),
    ("payloadsallthethings/Server Side Template Injection", Class::Template),
    ("payloadsallthethings/NoSQL Injection", Class::Nosql),
    ("payloadsallthethings/LDAP Injection", Class::Ldap),
    ("payloadsallthethings/XXE Injection", Class::Xml),
    ("payloadbox/sql/Intruder/detect/NoSQL", Class::Nosql),
    ("payloadbox/sql", Class::Sql),
    ("payloadbox/xss", Class::Xss),
    ("payloadbox/cmd", Class::Command),
    ("fuzzdb/attack/sql-injection", Class::Sql),
    ("fuzzdb/attack/xss", Class::Xss),
    ("fuzzdb/attack/html_js_fuzz", Class::Xss),
    ("fuzzdb/attack/path-traversal", Class::Traversal),
    ("fuzzdb/attack/lfi", Class::Traversal),
    ("fuzzdb/attack/rfi", Class::Traversal),
    ("fuzzdb/attack/os-cmd-execution", Class::Command),
    ("fuzzdb/attack/no-sql-injection", Class::Nosql),
    ("fuzzdb/attack/ldap", Class::Ldap),
    ("fuzzdb/attack/xpath", Class::Xpath),
    ("fuzzdb/attack/xml", Class::Xml),
    ("fuzzdb/attack/server-side-include", Class::Ssi),
    ("libinjection/data/sqli-", Class::Sql),
    ("libinjection/data/xss-", Class::Xss),
    ("httpparams/sqli", Class::Sql),
    ("httpparams/xss", Class::Xss),
    ("httpparams/path-traversal", Class::Traversal),
    ("httpparams/cmdi", Class::Command),
];

impl Class {
    /// All, in the order of the table.
    pub const ALL: [Class; 10] = [
        Class::Sql,
        Class::Xss,
        Class::Traversal,
        Class::Command,
        Class::Template,
        Class::Nosql,
        Class::Ldap,
        Class::Xpath,
        Class::Xml,
        Class::Ssi,
    ];

    /// The class of a list, by its path below the folder of all lists.
    pub fn of(path: &str) -> Option<Self> {
        let found = FOLDERS.iter().find(|(start, _)| path.starts_with(start));
        found.map(|(_, class)| *class)
    }

    /// Its name in the output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sql => "sql",
            Self::Xss => "xss",
            Self::Traversal => "traversal",
            Self::Command => "command",
            Self::Template => "template",
            Self::Nosql => "nosql",
            Self::Ldap => "ldap",
            Self::Xpath => "xpath",
            Self::Xml => "xml",
            Self::Ssi => "ssi",
        }
    }
}
