//! The closed lists that rules choose from: categories and severities. They are labels of metrics, so they are few.

use serde::{Deserialize, Serialize};

macro_rules! categories {
    ($($(#[$doc:meta])* $variant:ident => $name:literal $(| $alias:literal)*,)*) => {
        /// The kind of attack that a rule speaks of.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Category {
            $($(#[$doc])* #[serde(rename = $name $(, alias = $alias)*)] $variant,)*
        }

        impl Category {
            /// All categories.
            pub const ALL: &'static [Category] = &[$(Category::$variant,)*];

            /// The name used in rules, records and metrics.
            pub const fn as_str(self) -> &'static str {
                match self { $(Category::$variant => $name,)* }
            }
        }
    };
}

categories! {
    /// SQL injection.
    Sqli => "sqli",
    /// Cross-site scripting.
    Xss => "xss",
    /// Operating-system commands.
    CommandInjection => "command-injection" | "cmdi" | "rce",
    /// Code of a programming language given to its interpreter (PHP, Node, Python, Ruby, Perl).
    CodeInjection => "code-injection",
    /// Leaving a folder by dot segments or absolute paths.
    PathTraversal => "path-traversal" | "traversal",
    /// Local and remote file inclusion, stream wrappers.
    FileInclusion => "file-inclusion" | "lfi" | "rfi",
    /// Making the server ask another server.
    Ssrf => "ssrf",
    /// Template expressions.
    Ssti => "ssti",
    /// OGNL, SpEL, JEXL and their like.
    ExpressionLanguage => "expression-language" | "el",
    /// JNDI look-ups through logging.
    Log4shell => "log4shell" | "jndi",
    /// Operators of document databases.
    Nosql => "nosql" | "nosqli",
    /// LDAP filters.
    Ldap => "ldap" | "ldapi",
    /// XPath and XQuery expressions.
    Xpath => "xpath",
    /// XML entities and external references.
    Xxe => "xxe" | "xml",
    /// Server-side and edge-side includes.
    Ssi => "ssi" | "esi",
    /// Line breaks into headers.
    Crlf => "crlf" | "header-injection",
    /// Marks of request smuggling.
    Smuggling => "smuggling",
    /// Redirect targets elsewhere.
    OpenRedirect => "open-redirect" | "redirect",
    /// Members that a client should not be able to set.
    MassAssignment => "mass-assignment",
    /// `__proto__` and `constructor.prototype`.
    PrototypePollution => "prototype-pollution",
    /// Serialised objects of Java, PHP, Python, .NET, Ruby, YAML.
    Deserialization => "deserialization" | "deserialisation",
    /// GraphQL abuse.
    Graphql => "graphql",
    /// Manipulated tokens.
    Jwt => "jwt",
    /// Uploaded files that would run.
    Upload => "upload" | "file-upload",
    /// Web shells and their commands.
    Webshell => "webshell",
    /// Known exploits of known products.
    Exploit => "exploit" | "cve",
    /// Files that should not be asked for (backups, configuration, version control).
    SensitiveFile => "sensitive-file" | "disclosure",
    /// Scanners and attack tools.
    Scanner => "scanner",
    /// Unwanted automation.
    Bot => "bot",
    /// Requests that break protocols or their formats.
    Protocol => "protocol",
    /// Attempts to slip past inspection: layers of encoding, broken encodings.
    Evasion => "evasion",
    /// Input made to exhaust the server.
    DenialOfService => "denial-of-service" | "dos",
    /// Forged lines in logs.
    LogForging => "log-forging",
    /// Secrets and error texts leaving in answers.
    DataLeak => "data-leak" | "leak",
}

/// How bad it is, and with that the default score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Notable, nothing more.
    Info,
    /// Weak evidence.
    Low,
    /// Evidence that needs company.
    Medium,
    /// Strong evidence.
    High,
    /// Enough to deny alone.
    Critical,
}

impl Severity {
    /// The score of a rule that names none, 1 to 100. Two findings of high severity in one place must reach the
    /// default threshold of denial: `1 − 0.44² = 0.806`.
    pub const fn score(self) -> u8 {
        match self {
            Severity::Info => 5,
            Severity::Low => 15,
            Severity::Medium => 30,
            Severity::High => 56,
            Severity::Critical => 90,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for category in Category::ALL {
            let json = serde_json::to_value(category).unwrap();
            assert_eq!(json, category.as_str());
            assert_eq!(serde_json::from_value::<Category>(json).unwrap(), *category);
        }
        let short: Category = serde_json::from_value("cmdi".into()).unwrap();
        assert_eq!(short, Category::CommandInjection);
    }
}
