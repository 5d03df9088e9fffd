//! The columns of the request as a whole: its method, sizes, headers, how it was encoded, and what the signatures found.

use std::sync::LazyLock;

use super::table::{COUNT, Column, Row, share};
use super::{Reading, excerpt, grams, lexical, marks};
use crate::decode::rounds::MOST_ROUNDS;
use crate::decode::{Decoder, Form};
use crate::field::{AnomalyKind, Location, Locations, Via};
use crate::rule::{Category, Severity};

const ASSETS: [&[u8]; 18] = [
    b"css", b"js", b"mjs", b"map", b"png", b"jpg", b"jpeg", b"gif", b"webp", b"avif", b"svg",
    b"ico", b"woff", b"woff2", b"ttf", b"mp4", b"webm", b"mp3",
];

const SCRIPTS: [&[u8]; 16] = [
    b"php", b"php3", b"php5", b"phtml", b"asp", b"aspx", b"ashx", b"asmx", b"jsp", b"jspx", b"do",
    b"action", b"cgi", b"pl", b"cfm", b"exe",
];

const NAMES: Locations = Locations::of(&[
    Location::QueryName,
    Location::FormName,
    Location::MultipartName,
    Location::FileName,
    Location::JsonKey,
    Location::CookieName,
]);

const HEADERS: Locations = Locations::of(&[
    Location::Header,
    Location::UserAgent,
    Location::Referer,
    Location::Authorization,
    Location::JwtHeader,
    Location::JwtClaim,
]);

impl Reading<'_> {
    /// Fills the request view.
    pub fn request(&mut self, row: &mut Row) {
        row.0 = [0.0; COUNT];
        self.fill_line(row);
        self.fill_headers(row);
        self.fill_fields(row);
        self.fill_findings(row);
        self.fill_gate(row);
        self.fill_top(row);
    }

    fn fill_line(&self, row: &mut Row) {
        let request = self.input.request;
        row.flag(Column::MethodGet, matches!(request.method, "GET" | "HEAD"));
        row.flag(Column::MethodPost, request.method == "POST");
        let update = matches!(request.method, "PUT" | "PATCH" | "DELETE");
        row.flag(Column::MethodUpdate, update);
        let path = request.path;
        row.count(Column::PathLength, path.len());
        let segments = path
            .split(|byte| *byte == b'/')
            .filter(|segment| !segment.is_empty());
        row.count(Column::PathDepth, segments.count());
        let mark = |byte: &&u8| !byte.is_ascii_alphanumeric() && !b"_.-/".contains(byte);
        row.count(Column::PathMarks, path.iter().filter(mark).count());
        let ending = ending(path);
        row.flag(Column::PathAsset, is_one_of(ending, &ASSETS));
        row.flag(Column::PathScript, is_one_of(ending, &SCRIPTS));
        row.count(Column::QueryLength, request.query.map_or(0, <[u8]>::len));
        row.count(Column::BodyLength, request.body.bytes.len());
    }

    fn fill_headers(&self, row: &mut Row) {
        let request = self.input.request;
        row.count(Column::HeaderCount, request.headers.len());
        let bytes = request.headers.iter().map(|(_, value)| value.len()).sum();
        row.count(Column::HeaderBytes, bytes);
        let agent = request.header("user-agent").unwrap_or_default();
        row.count(Column::UserAgentLength, agent.len());
        row.flag(Column::UserAgentBrowser, agent.starts_with(b"Mozilla/5.0"));
        row.flag(Column::RefererGiven, request.header("referer").is_some());
        let authorization = request.header("authorization").is_some();
        row.flag(Column::AuthorizationGiven, authorization);
        let metadata = request.header("sec-fetch-site").is_some();
        row.flag(Column::FetchMetadata, metadata);
    }

    fn fill_fields(&mut self, row: &mut Row) {
        let fields = self.input.fields;
        let mut seen = Seen::default();
        for (number, field) in fields.iter().enumerate() {
            let class = self.ensure(number, Form::Raw);
            seen.locations |= 1 << field.location as u64;
            seen.parameters += usize::from(field.location == Location::Query);
            seen.nested += usize::from(field.via != Via::Direct);
            seen.plain += usize::from(class.is_plain());
            if field.location == Location::Cookie && field.via == Via::Direct {
                seen.cookies += 1;
                seen.cookie_bytes += field.value.len();
            }
            if NAMES.contains(field.location) && !class.is_plain() {
                seen.name_marks += marks::count(self.input.raw(field));
            }
            let layers = self.forms.layers(number);
            seen.rounds = seen.rounds.max(layers.rounds);
            seen.layered += usize::from(layers.rounds > 0);
            seen.overlong |= layers.has(Decoder::Overlong);
            seen.nul |= layers.nul;
            seen.invalid |= layers.invalid_percent;
        }
        seen.fill(fields.len(), row);
        let judged = self.judged();
        row.count(Column::FieldJudged, judged.len());
        let lengths = judged.iter().map(|judged| self.decoded(judged).len());
        row.count(Column::LongestValue, lengths.max().unwrap_or(0));
        let anomalies = self.input.anomalies.iter().chain(self.noted);
        row.count(Column::Anomalies, anomalies.clone().count());
        let escapes = |kind| kind == AnomalyKind::PathEscapesRoot;
        let escapes = anomalies.clone().any(|anomaly| escapes(anomaly.kind));
        row.flag(Column::PathEscapes, escapes);
    }

    fn fill_findings(&self, row: &mut Row) {
        let findings = &self.scratch.findings;
        let low = findings.severity(Severity::Info) + findings.severity(Severity::Low);
        row.count(Column::FindingsLow, low);
        row.count(Column::FindingsMedium, findings.severity(Severity::Medium));
        row.count(Column::FindingsHigh, findings.severity(Severity::High));
        row.count(
            Column::FindingsCritical,
            findings.severity(Severity::Critical),
        );
        row.count(Column::FindingFields, findings.fields());
        let (weak, best) = findings.weak();
        row.count(Column::WeakFindings, weak);
        row.set(Column::WeakBest, best);
        for (category, column) in SIGNATURES.iter() {
            let score = findings.category(*category);
            row.0[*column] = row.0[*column].max(score);
        }
    }

    fn fill_gate(&self, row: &mut Row) {
        let columns = [Column::GateFirst, Column::GateSecond, Column::GateThird];
        for (judged, column) in self.judged().iter().zip(columns) {
            row.set(column, judged.logit);
        }
    }

    fn fill_top(&mut self, row: &mut Row) {
        let Some(top) = self.judged().first().copied() else {
            return;
        };
        let location = self.field(&top).location;
        row.flag(Column::TopPath, location == Location::Path);
        let query = matches!(location, Location::Query | Location::QueryName);
        row.flag(Column::TopQuery, query);
        row.flag(Column::TopHeader, HEADERS.contains(location));
        let cookie = matches!(location, Location::Cookie | Location::CookieName);
        row.flag(Column::TopCookie, cookie);
        let elsewhere = location == Location::Path || query || cookie || HEADERS.contains(location);
        row.flag(Column::TopBody, !elsewhere);
        row.flag(Column::TopName, NAMES.contains(location));
        let rounds = f32::from(self.forms.layers(top.field).rounds);
        row.set(Column::TopLayers, rounds / f32::from(MOST_ROUNDS));
        row.set(Column::TopSignature, self.signature(&top));
        let class = self.ensure(top.field, Form::Decoded);
        let raw = self.input.raw(&self.input.fields[top.field]);
        let bytes = self.forms.view(top.field, Form::Decoded, raw);
        let bytes = excerpt(bytes, grams::LONGEST, &mut self.scratch.excerpt);
        lexical::read(bytes, class, row);
    }
}

/// What a walk over the fields adds up.
#[derive(Default)]
struct Seen {
    locations: u64,
    parameters: usize,
    nested: usize,
    plain: usize,
    cookies: usize,
    cookie_bytes: usize,
    name_marks: usize,
    rounds: u8,
    layered: usize,
    overlong: bool,
    nul: bool,
    invalid: bool,
}

impl Seen {
    fn fill(&self, fields: usize, row: &mut Row) {
        let any = |locations: &[Location]| self.locations & Locations::of(locations).0 != 0;
        row.count(Column::QueryParameters, self.parameters);
        row.flag(Column::BodyForm, any(&[Location::Form, Location::FormName]));
        row.flag(Column::BodyJson, any(&[Location::Json, Location::JsonKey]));
        let xml = [Location::Xml, Location::XmlAttribute, Location::XmlProlog];
        row.flag(Column::BodyXml, any(&xml));
        let multipart = [Location::Multipart, Location::MultipartName, Location::File];
        row.flag(Column::BodyMultipart, any(&multipart));
        row.count(Column::CookieCount, self.cookies);
        row.count(Column::CookieBytes, self.cookie_bytes);
        row.count(Column::FieldCount, fields);
        row.set(Column::FieldPlain, share(self.plain, fields));
        row.count(Column::NameMarks, self.name_marks);
        row.count(Column::NestedFields, self.nested);
        let rounds = f32::from(self.rounds) / f32::from(MOST_ROUNDS);
        row.set(Column::LayersMost, rounds);
        row.count(Column::LayeredFields, self.layered);
        row.flag(Column::Overlong, self.overlong);
        row.flag(Column::Nul, self.nul);
        row.flag(Column::PercentInvalid, self.invalid);
    }
}

/// The column of each category that requests can have; those that are not named in the table share one.
static SIGNATURES: LazyLock<Vec<(Category, usize)>> = LazyLock::new(|| {
    let column = |category: Category| {
        let name = format!("signature_{}", category.as_str().replace('-', "_"));
        let named = Column::ALL.iter().position(|(known, _)| *known == name);
        named.unwrap_or(Column::SignatureOther as usize)
    };
    Category::ALL
        .iter()
        .map(|category| (*category, column(*category)))
        .collect()
});

/// What stands behind the last dot of the last segment.
fn ending(path: &[u8]) -> &[u8] {
    let segment = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    match memchr::memrchr(b'.', segment) {
        Some(dot) => &segment[dot + 1..],
        None => &[],
    }
}

fn is_one_of(ending: &[u8], list: &[&[u8]]) -> bool {
    list.iter().any(|known| known.eq_ignore_ascii_case(ending))
}
