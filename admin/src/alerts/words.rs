//! Names of categories and subjects, in words for people.

/// A category's name at the beginning of a sentence; unknown ones stand as they are.
pub(super) fn category(category: &str) -> &str {
    match category {
        "sqli" => "SQL injection",
        "xss" => "Cross-site scripting",
        "command-injection" => "Command injection",
        "code-injection" => "Code injection",
        "path-traversal" => "Path traversal",
        "file-inclusion" => "File inclusion",
        "ssrf" => "Server-side request forgery",
        "ssti" => "Template injection",
        "expression-language" => "Expression-language injection",
        "log4shell" => "JNDI look-up (Log4Shell)",
        "nosql" => "NoSQL injection",
        "ldap" => "LDAP injection",
        "xpath" => "XPath injection",
        "xxe" => "XML external entities",
        "ssi" => "Server-side includes",
        "crlf" => "Header injection",
        "smuggling" => "Request smuggling",
        "open-redirect" => "Open redirect",
        "mass-assignment" => "Mass assignment",
        "prototype-pollution" => "Prototype pollution",
        "deserialization" => "Unsafe deserialisation",
        "graphql" => "GraphQL abuse",
        "jwt" => "Manipulated tokens",
        "upload" => "Dangerous upload",
        "webshell" => "Web shell",
        "exploit" => "Known exploit",
        "sensitive-file" => "Search for sensitive files",
        "scanner" => "Scanner",
        "bot" => "Unwanted automation",
        "protocol" => "Malformed requests",
        "evasion" => "Evasion of inspection",
        "denial-of-service" => "Denial of service",
        "log-forging" => "Log forging",
        "data-leak" => "Data leaving in answers",
        "ban" => "Banned client keeps trying",
        "rate-limit" => "Rate limit exceeded",
        "upstream" => "Upstream failing",
        "traffic" => "Unusual traffic",
        "silence" => "No traffic",
        other => other,
    }
}

/// `address:203.0.113.7` as people say it.
pub(super) fn subject(subject: &str) -> String {
    match subject.split_once(':') {
        Some(("address", address)) => address.to_owned(),
        Some((kind, id)) => format!("{kind} {id}"),
        None => "many clients".to_owned(),
    }
}
