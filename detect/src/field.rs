//! A field: one place where a client can put bytes, as (location, name, value).
//!
//! Fields do not own their bytes. A [`Span`] says which source they lie in (a header, the body, or the view's own
//! arena) and where, so that the list of fields can be kept from request to request without a lifetime.

use crate::request::Request;

/// Where in a request a field was found. The discriminant is a bit number, see [`Locations`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum Location {
    /// The request method.
    Method,
    /// The host the client asked for.
    Host,
    /// The whole path, as sent.
    Path,
    /// One segment between two slashes of the path.
    PathSegment,
    /// The name of a query parameter.
    QueryName,
    /// The value of a query parameter.
    Query,
    /// The name of a form field (`application/x-www-form-urlencoded`).
    FormName,
    /// The value of a form field.
    Form,
    /// The name of a multipart part.
    MultipartName,
    /// The value of a multipart part that is no file.
    Multipart,
    /// The file name of a multipart part.
    FileName,
    /// The content of an uploaded file (its first bytes).
    File,
    /// A key of a JSON object.
    JsonKey,
    /// A scalar of a JSON document; the name is the nearest key.
    Json,
    /// The text of an XML element; the name is the element.
    Xml,
    /// The value of an XML attribute.
    XmlAttribute,
    /// The XML prologue: doctype, entity declarations, processing instructions.
    XmlProlog,
    /// A string argument inside a GraphQL document; the name is the argument.
    Graphql,
    /// A whole GraphQL document.
    GraphqlDocument,
    /// The name of a cookie.
    CookieName,
    /// The value of a cookie.
    Cookie,
    /// The value of a header that has no location of its own below.
    Header,
    /// The name of a header.
    HeaderName,
    /// The User-Agent header.
    UserAgent,
    /// The Referer header.
    Referer,
    /// The Authorization header's decoded credentials (Basic), or its value where it is no JWT.
    Authorization,
    /// A member of a JWT's header; the name is the member.
    JwtHeader,
    /// A claim of a JWT's payload; the name is the claim.
    JwtClaim,
    /// A string inside a gRPC message; the name is the field number path.
    Grpc,
    /// A body that no parser claimed, as text.
    Body,
    /// The status code of an answer, as text.
    ResponseStatus,
    /// The value of a header of an answer; the name is the header.
    ResponseHeader,
    /// The first bytes of an answer's body.
    ResponseBody,
}

impl Location {
    /// How many locations there are.
    pub const COUNT: usize = 33;

    /// All locations, in the order of their discriminants.
    pub const ALL: [Location; Location::COUNT] = [
        Location::Method,
        Location::Host,
        Location::Path,
        Location::PathSegment,
        Location::QueryName,
        Location::Query,
        Location::FormName,
        Location::Form,
        Location::MultipartName,
        Location::Multipart,
        Location::FileName,
        Location::File,
        Location::JsonKey,
        Location::Json,
        Location::Xml,
        Location::XmlAttribute,
        Location::XmlProlog,
        Location::Graphql,
        Location::GraphqlDocument,
        Location::CookieName,
        Location::Cookie,
        Location::Header,
        Location::HeaderName,
        Location::UserAgent,
        Location::Referer,
        Location::Authorization,
        Location::JwtHeader,
        Location::JwtClaim,
        Location::Grpc,
        Location::Body,
        Location::ResponseStatus,
        Location::ResponseHeader,
        Location::ResponseBody,
    ];
}

/// A set of locations, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Locations(pub u64);

impl Locations {
    /// The set of exactly these locations.
    pub const fn of(list: &[Location]) -> Self {
        let mut bits = 0;
        let mut i = 0;
        while i < list.len() {
            bits |= 1 << list[i] as u64;
            i += 1;
        }
        Self(bits)
    }

    /// Whether `location` is in the set.
    pub const fn contains(self, location: Location) -> bool {
        self.0 & (1 << location as u64) != 0
    }

    /// Both sets together.
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// How the place a field stands in encodes its bytes: what one correct parser would undo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// The bytes are the value.
    Plain,
    /// `+` is a space, `%XX` is a byte.
    Form,
    /// `%XX` is a byte, `+` is a plus (paths, cookies).
    Percent,
    /// The inside of a JSON string: `\n`, `\uXXXX`, ….
    JsonString,
    /// XML character data: character references and the five named entities.
    Xml,
    /// The inside of a GraphQL string: JSON's escapes.
    GraphqlString,
}

/// Where the bytes of a span lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// In [`Request::method`].
    Method,
    /// In [`Request::host`].
    Host,
    /// In [`Request::path`].
    Path,
    /// In [`Request::query`].
    Query,
    /// In the value of the header with this index.
    Header(u16),
    /// In the name of the header with this index.
    HeaderName(u16),
    /// In the body's bytes, as sent.
    Body,
    /// In the view's own arena: decompressed, decoded or put together by a parser.
    Arena,
}

/// A run of bytes in one source. `start..end`, both in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Which bytes the offsets count in.
    pub source: Source,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// An empty span, for fields without a name.
    pub const EMPTY: Span = Span {
        source: Source::Arena,
        start: 0,
        end: 0,
    };

    /// The length in bytes.
    pub const fn len(self) -> usize {
        (self.end - self.start) as usize
    }

    /// Whether the span holds no byte.
    pub const fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// The bytes of the span.
    ///
    /// A span that does not lie in its source (which would be a defect of a parser here, never of a client) reads
    /// as empty rather than as a panic.
    pub fn bytes<'a>(self, request: &Request<'a>, arena: &'a [u8]) -> &'a [u8] {
        let whole: &'a [u8] = match self.source {
            Source::Method => request.method.as_bytes(),
            Source::Host => request.host.as_bytes(),
            Source::Path => request.path,
            Source::Query => request.query.unwrap_or_default(),
            Source::Header(i) => request.headers.get(i as usize).map_or(&[], |h| h.1),
            Source::HeaderName(i) => request
                .headers
                .get(i as usize)
                .map_or(&[], |h| h.0.as_bytes()),
            Source::Body => request.body.bytes,
            Source::Arena => arena,
        };
        whole
            .get(self.start as usize..self.end as usize)
            .unwrap_or_default()
    }
}

/// How a field came to be, when it was not simply read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Via {
    /// Read where it stands.
    Direct,
    /// Found inside another field that was base64 of plausible text.
    Base64,
    /// Found inside another field that was itself a JSON document.
    NestedJson,
    /// Found inside another field that was itself a URL or a form.
    NestedForm,
    /// Read a second way, because the content and its declared type disagree.
    SecondReading,
}

/// One place where a client can put bytes.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Where it stands.
    pub location: Location,
    /// How its place encodes it.
    pub encoding: Encoding,
    /// How it was found.
    pub via: Via,
    /// Its name, as sent; empty where there is none.
    pub name: Span,
    /// Its value, as sent.
    pub value: Span,
}

/// Something a parser found ambiguous or excessive; evidence of its own, weighed by rules (`anomaly:` operator).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anomaly {
    /// What it is.
    pub kind: AnomalyKind,
    /// Where it was noticed.
    pub location: Location,
    /// The bytes that show it; may be empty.
    pub span: Span,
}

macro_rules! anomalies {
    ($($(#[$doc:meta])* $variant:ident => $code:literal,)*) => {
        /// What a parser can find ambiguous or excessive.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum AnomalyKind { $($(#[$doc])* $variant,)* }

        impl AnomalyKind {
            /// Every kind, for rule checking and documentation.
            pub const ALL: &'static [AnomalyKind] = &[$(AnomalyKind::$variant,)*];

            /// The name that rules use.
            pub const fn code(self) -> &'static str {
                match self { $(AnomalyKind::$variant => $code,)* }
            }
        }
    };
}

anomalies! {
    /// More fields than the cap. Plain values beyond it were dropped, a quarter more of others was kept, and the rest
    /// was looked at as one text.
    TooManyFields => "too-many-fields",
    /// Nesting (JSON, XML, GraphQL, protobuf, or encodings inside encodings) deeper than the cap.
    TooDeep => "too-deep",
    /// A field longer than the cap; it was looked at in overlapping pieces (a token: as text).
    FieldTooLong => "field-too-long",
    /// The body is no JSON although its type says so.
    JsonInvalid => "json-invalid",
    /// Bytes after the end of a JSON document.
    JsonTrailing => "json-trailing",
    /// The same key twice in one JSON object.
    JsonDuplicateKey => "json-duplicate-key",
    /// The body is JSON although its type says it is a form, text or nothing.
    JsonUndeclared => "json-undeclared",
    /// The body is XML although its type says something else.
    XmlUndeclared => "xml-undeclared",
    /// The body is a form although its type says something else.
    FormUndeclared => "form-undeclared",
    /// The body is multipart although its type says something else.
    MultipartUndeclared => "multipart-undeclared",
    /// The body is not what its declared type says, and nothing else that is known either.
    BodyTypeMismatch => "body-type-mismatch",
    /// Broken XML: unbalanced, no root, or bytes after it.
    XmlInvalid => "xml-invalid",
    /// A document type declaration.
    XmlDoctype => "xml-doctype",
    /// An entity declaration.
    XmlEntity => "xml-entity",
    /// An entity declaration or a doctype that names something outside the document.
    XmlExternal => "xml-external",
    /// Multipart without a boundary, or with a boundary outside RFC 2046.
    MultipartBoundary => "multipart-boundary",
    /// Two boundary parameters.
    MultipartTwoBoundaries => "multipart-two-boundaries",
    /// The closing boundary is missing, or bytes follow it.
    MultipartUnclosed => "multipart-unclosed",
    /// A part header that parsers read differently: NUL, folded lines, bad quoting, bare LF.
    MultipartHeader => "multipart-header",
    /// A part whose name or file name is given twice, also as `name` and `name*`.
    MultipartDuplicateParameter => "multipart-duplicate-parameter",
    /// Two parts of one name, one a file and one not.
    MultipartMixedDuplicate => "multipart-mixed-duplicate",
    /// A part that declares a Content-Transfer-Encoding other than 7bit, 8bit or binary.
    MultipartTransferEncoding => "multipart-transfer-encoding",
    /// More than one Content-Type header, or one with duplicate parameters.
    ContentTypeAmbiguous => "content-type-ambiguous",
    /// A charset other than UTF-8, ASCII or Latin-1 in the Content-Type (UTF-7, UTF-16, IBM037, …).
    CharsetUnusual => "charset-unusual",
    /// A Content-Encoding that is unknown, or stacked.
    EncodingUnknown => "encoding-unknown",
    /// A compressed body that does not decompress.
    EncodingInvalid => "encoding-invalid",
    /// A compressed body larger than the cap or than 100 times its compressed size.
    EncodingBomb => "encoding-bomb",
    /// A percent sign that does not start an escape.
    PercentInvalid => "percent-invalid",
    /// A UTF-8 sequence longer than it need be.
    OverlongUtf8 => "overlong-utf8",
    /// Bytes that are no UTF-8 in a place where text belongs.
    Utf8Invalid => "utf8-invalid",
    /// A NUL byte in a decoded value.
    NulByte => "nul-byte",
    /// More than two rounds of encoding around a value.
    EncodedManyTimes => "encoded-many-times",
    /// Decoded forms beyond the cap of a request; of what came after it rules saw earlier forms.
    DecodingExhausted => "decoding-exhausted",
    /// The same query or form parameter more than once.
    DuplicateParameter => "duplicate-parameter",
    /// A GraphQL document nested deeper than the cap.
    GraphqlDepth => "graphql-depth",
    /// More aliases than the cap in one GraphQL document.
    GraphqlAliases => "graphql-aliases",
    /// More operations than the cap in one GraphQL request.
    GraphqlBatch => "graphql-batch",
    /// A GraphQL introspection query.
    GraphqlIntrospection => "graphql-introspection",
    /// A JWT whose header or claims do not parse.
    JwtInvalid => "jwt-invalid",
    /// A gRPC frame whose length does not match, or a compressed one that cannot be read.
    GrpcInvalid => "grpc-invalid",
    /// A path that leaves its root when dot segments are resolved.
    PathEscapesRoot => "path-escapes-root",
}
