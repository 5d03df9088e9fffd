//! Places: what `where:` says, as a set of locations plus some names at a location.

use crate::field::{Location, Locations};

/// Where a rule looks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Places {
    /// Locations with any name.
    whole: Locations,
    /// Locations with one name, the name in lower case.
    named: Vec<(Location, Box<[u8]>)>,
    /// Both together, names left aside.
    all: Locations,
}

impl Places {
    /// Reads locations, groups and `location:name`. The error is the word that was not understood.
    pub(crate) fn parse(words: &[String]) -> Result<Self, String> {
        let mut places = Places::default();
        for word in words {
            let word = word.trim().to_ascii_lowercase();
            match word.split_once(':') {
                Some((location, name)) if !name.is_empty() => {
                    let location = named(location).ok_or_else(|| word.clone())?;
                    places.add_named(location, name);
                }
                Some(_) => return Err(word),
                None => {
                    let group = group(&word).or_else(|| named(&word).map(|l| Locations::of(&[l])));
                    places.whole = places.whole.union(group.ok_or(word)?);
                }
            }
        }
        let named = places
            .named
            .iter()
            .fold(0, |bits, (l, _)| bits | Locations::of(&[*l]).0);
        places.all = places.whole.union(Locations(named));
        Ok(places)
    }

    fn add_named(&mut self, location: Location, name: &str) {
        // Some headers have a location of their own.
        let own = match (location, name) {
            (Location::Header, "user-agent") => Some(Location::UserAgent),
            (Location::Header, "referer") => Some(Location::Referer),
            (Location::Header, "authorization") => Some(Location::Authorization),
            (Location::Header, "host") => Some(Location::Host),
            _ => None,
        };
        if let Some(own) = own {
            self.whole = self.whole.union(Locations::of(&[own]));
        }
        self.named.push((location, name.as_bytes().into()));
    }

    /// Every location that may hold a field of these places.
    pub(crate) fn locations(&self) -> Locations {
        self.all
    }

    /// Whether a field stands at one of these places.
    pub(crate) fn contain(&self, location: Location, name: &[u8]) -> bool {
        self.whole.contains(location)
            || (self.all.contains(location)
                && self
                    .named
                    .iter()
                    .any(|(l, n)| *l == location && n.eq_ignore_ascii_case(name)))
    }
}

/// The names of all single locations, for help texts.
pub(crate) fn known() -> String {
    let mut names: Vec<&str> = GROUPS.iter().map(|(name, _)| *name).collect();
    let places = Location::ALL
        .iter()
        .filter(|location| **location != Location::Subject);
    names.extend(places.map(|location| name_of(*location)));
    names.join(" ")
}

/// The name of a location as rules write it.
pub(crate) const fn name_of(location: Location) -> &'static str {
    match location {
        Location::Method => "method",
        Location::Host => "host",
        Location::Path => "path",
        Location::PathSegment => "path-segment",
        Location::QueryName => "query-name",
        Location::Query => "query",
        Location::FormName => "form-name",
        Location::Form => "form",
        Location::MultipartName => "multipart-name",
        Location::Multipart => "multipart",
        Location::FileName => "file-name",
        Location::File => "file",
        Location::JsonKey => "json-key",
        Location::Json => "json",
        Location::Xml => "xml",
        Location::XmlAttribute => "xml-attribute",
        Location::XmlProlog => "xml-prolog",
        Location::Graphql => "graphql",
        Location::GraphqlDocument => "graphql-document",
        Location::CookieName => "cookie-name",
        Location::Cookie => "cookie",
        Location::Header => "header",
        Location::HeaderName => "header-name",
        Location::UserAgent => "user-agent",
        Location::Referer => "referer",
        Location::Authorization => "authorization",
        Location::JwtHeader => "jwt-header",
        Location::JwtClaim => "jwt-claim",
        Location::Grpc => "grpc",
        Location::Body => "body",
        Location::ResponseStatus => "response-status",
        Location::ResponseHeader => "response-header",
        Location::ResponseBody => "response-body",
        Location::Subject => "subject",
    }
}

/// A location that a rule can look at; of subjects there is nothing to see in a request.
fn named(word: &str) -> Option<Location> {
    Location::ALL
        .into_iter()
        .find(|location| *location != Location::Subject && name_of(*location) == word)
}

fn group(word: &str) -> Option<Locations> {
    GROUPS
        .iter()
        .find(|(name, _)| *name == word)
        .map(|(_, locations)| *locations)
}

/// The locations of an answer.
pub(crate) const RESPONSE: Locations = Locations::of(&[
    Location::ResponseStatus,
    Location::ResponseHeader,
    Location::ResponseBody,
]);

/// Locations whose plain fields are looked at as well: there a plain word can be an attack.
pub(crate) const PLAIN_TOO: Locations = Locations::of(&[
    Location::Method,
    Location::Host,
    Location::Path,
    Location::QueryName,
    Location::FormName,
    Location::MultipartName,
    Location::JsonKey,
    Location::CookieName,
    Location::HeaderName,
    Location::Header,
    Location::UserAgent,
    Location::FileName,
    Location::JwtHeader,
    Location::ResponseStatus,
    Location::ResponseHeader,
    Location::ResponseBody,
]);

const ARGS: Locations = Locations::of(&[
    Location::Query,
    Location::Form,
    Location::Multipart,
    Location::Json,
    Location::Xml,
    Location::XmlAttribute,
    Location::Graphql,
    Location::Grpc,
    Location::JwtClaim,
    Location::Body,
    Location::PathSegment,
]);

const NAMES: Locations = Locations::of(&[
    Location::QueryName,
    Location::FormName,
    Location::MultipartName,
    Location::JsonKey,
    Location::CookieName,
]);

const COOKIES: Locations = Locations::of(&[Location::Cookie]);

const HEADERS: Locations =
    Locations::of(&[Location::Header, Location::UserAgent, Location::Referer]);

const ANY: Locations = ARGS
    .union(NAMES)
    .union(COOKIES)
    .union(HEADERS)
    .union(Locations::of(&[
        Location::Method,
        Location::Host,
        Location::Path,
        Location::FileName,
        Location::File,
        Location::XmlProlog,
        Location::GraphqlDocument,
        Location::HeaderName,
        Location::Authorization,
        Location::JwtHeader,
    ]));

const GROUPS: [(&str, Locations); 6] = [
    ("args", ARGS),
    ("names", NAMES),
    ("cookies", COOKIES),
    ("headers", HEADERS),
    ("any", ANY),
    ("response", RESPONSE),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn places(words: &[&str]) -> Result<Places, String> {
        Places::parse(&words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn fields_at_places() {
        use Location::*;
        let cases: &[(&[&str], Location, &str, bool)] = &[
            (&["args"], Query, "q", true),
            (&["args"], PathSegment, "", true),
            (&["args"], Cookie, "sid", false),
            (&["args", "cookies"], Cookie, "sid", true),
            (&["header:content-type"], Header, "Content-Type", true),
            (&["header:content-type"], Header, "accept", false),
            (&["header:user-agent"], UserAgent, "user-agent", true),
            (&["json:url", "query"], Json, "URL", true),
            (&["json:url", "query"], Json, "name", false),
            (&["json:url", "query"], Query, "name", true),
            (&["headers"], Authorization, "", false),
            (&["any"], Authorization, "", true),
            (&["any"], ResponseBody, "", false),
        ];
        for (words, location, name, expected) in cases {
            let places = places(words).unwrap();
            assert_eq!(
                places.contain(*location, name.as_bytes()),
                *expected,
                "{words:?} {location:?} {name}"
            );
        }
    }

    #[test]
    fn unknown_words_are_named() {
        assert_eq!(places(&["args", "cookiez"]), Err("cookiez".to_owned()));
        assert_eq!(places(&["header:"]), Err("header:".to_owned()));
    }

    #[test]
    fn location_names_are_those_of_serde() {
        for location in Location::ALL {
            assert_eq!(serde_json::to_value(location).unwrap(), name_of(location));
        }
    }
}
