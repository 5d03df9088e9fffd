//! Why a connection's bytes were refused: a reason with a stable code for the metric and the record, a sentence for
//! the log, a status for the client, and as much of the request as could be read.

/// One reason to refuse. The code is the label of `portcullis_protocol_errors_total{reason}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Reason {
    BareCarriageReturn,
    BareLineFeed,
    ControlByte,
    EmptyLine,
    RequestLine,
    Method,
    MethodRefused,
    Version,
    Target,
    TargetTooLong,
    AuthorityMismatch,
    HeadTooLarge,
    TooManyFields,
    FoldedField,
    SpaceBeforeFields,
    FieldName,
    SpaceInName,
    UnderscoreInName,
    HostMissing,
    HostRepeated,
    HostInvalid,
    LengthInvalid,
    LengthRepeated,
    CodingInvalid,
    CodingRepeated,
    CodingWithLength,
    CodingInOldVersion,
    ConnectionOption,
    Expectation,
    UpgradeWithBody,
    ChunkSize,
    ChunkExtension,
    ChunkEnd,
    TrailerForbidden,
    TrailersTooLarge,
    SpaceAroundValue,
}

/// A refusal: the connection answers with it and closes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// Why.
    pub(crate) reason: Reason,
    /// The status to answer with.
    pub(crate) status: u16,
    /// The method as far as it was read; empty when it was not, and for a fault in a body, whose head has
    /// been passed on already.
    pub(crate) method: Vec<u8>,
    /// The target as far as it was read, at most [`KEPT_TARGET`] bytes. May hold any byte.
    pub(crate) target: Vec<u8>,
}

/// How much of a target a refusal keeps for the record, in bytes.
pub(super) const KEPT_TARGET: usize = 2048;

impl Reason {
    /// Every reason, so that the metric has each label from the start.
    pub(crate) const ALL: [Reason; 36] = [
        Reason::BareCarriageReturn,
        Reason::BareLineFeed,
        Reason::ControlByte,
        Reason::EmptyLine,
        Reason::RequestLine,
        Reason::Method,
        Reason::MethodRefused,
        Reason::Version,
        Reason::Target,
        Reason::TargetTooLong,
        Reason::AuthorityMismatch,
        Reason::HeadTooLarge,
        Reason::TooManyFields,
        Reason::FoldedField,
        Reason::SpaceBeforeFields,
        Reason::FieldName,
        Reason::SpaceInName,
        Reason::UnderscoreInName,
        Reason::HostMissing,
        Reason::HostRepeated,
        Reason::HostInvalid,
        Reason::LengthInvalid,
        Reason::LengthRepeated,
        Reason::CodingInvalid,
        Reason::CodingRepeated,
        Reason::CodingWithLength,
        Reason::CodingInOldVersion,
        Reason::ConnectionOption,
        Reason::Expectation,
        Reason::UpgradeWithBody,
        Reason::ChunkSize,
        Reason::ChunkExtension,
        Reason::ChunkEnd,
        Reason::TrailerForbidden,
        Reason::TrailersTooLarge,
        Reason::SpaceAroundValue,
    ];

    /// The label of the metric; stable across versions.
    pub(crate) fn code(self) -> &'static str {
        self.row().0
    }

    /// The status to answer with.
    pub(crate) fn status(self) -> u16 {
        self.row().1
    }

    /// One sentence for the log; never for the client.
    pub(crate) fn sentence(self) -> &'static str {
        self.row().2
    }

    #[rustfmt::skip]
    fn row(self) -> (&'static str, u16, &'static str) {
        match self {
            Self::BareCarriageReturn => ("bare-cr", 400, "A carriage return stands in the head without its line feed."),
            Self::BareLineFeed => ("bare-lf", 400, "A line ends with a line feed alone."),
            Self::ControlByte => ("control-byte", 400, "The head holds a NUL or another control byte."),
            Self::EmptyLine => ("empty-line", 400, "More than one empty line precedes the request line."),
            Self::RequestLine => ("request-line", 400, "The request line is not method, target and version with one space between."),
            Self::Method => ("method", 400, "The method is not a token."),
            Self::MethodRefused => ("method-refused", 405, "CONNECT, TRACE and TRACK are not served."),
            Self::Version => ("version", 505, "The version is neither HTTP/1.0 nor HTTP/1.1."),
            Self::Target => ("target", 400, "The target is not a path, an http URL, or an asterisk for OPTIONS."),
            Self::TargetTooLong => ("target-too-long", 414, "The target is longer than the cap."),
            Self::AuthorityMismatch => ("authority-mismatch", 400, "The authority of the target is not the Host."),
            Self::HeadTooLarge => ("head-too-large", 431, "The head is larger than the cap."),
            Self::TooManyFields => ("too-many-fields", 431, "The head has more fields than the cap."),
            Self::FoldedField => ("obs-fold", 400, "A field is folded over several lines."),
            Self::SpaceBeforeFields => ("leading-space", 400, "White space precedes the first field."),
            Self::FieldName => ("field-name", 400, "A field's name is empty or not a token, or its colon is missing."),
            Self::SpaceInName => ("name-space", 400, "White space stands in a field's name or before its colon."),
            Self::UnderscoreInName => ("name-underscore", 400, "An underscore stands in a field's name."),
            Self::HostMissing => ("host-missing", 400, "HTTP/1.1 without a Host."),
            Self::HostRepeated => ("host-repeated", 400, "More than one Host."),
            Self::HostInvalid => ("host-invalid", 400, "The Host is not a name or an address with an optional port."),
            Self::LengthInvalid => ("length-invalid", 400, "The Content-Length is not a plain decimal number below 2^63."),
            Self::LengthRepeated => ("length-repeated", 400, "More than one Content-Length."),
            Self::CodingInvalid => ("coding-invalid", 400, "The Transfer-Encoding is not exactly chunked."),
            Self::CodingRepeated => ("coding-repeated", 400, "More than one Transfer-Encoding."),
            Self::CodingWithLength => ("coding-with-length", 400, "Transfer-Encoding beside Content-Length."),
            Self::CodingInOldVersion => ("coding-in-http-1-0", 400, "Transfer-Encoding in HTTP/1.0."),
            Self::ConnectionOption => ("connection-option", 400, "Connection names a field that is not for this hop alone, or is not a list of tokens."),
            Self::Expectation => ("expectation", 417, "An expectation other than 100-continue."),
            Self::UpgradeWithBody => ("upgrade-with-body", 400, "A request for a WebSocket carries a body or is not a GET."),
            Self::ChunkSize => ("chunk-size", 400, "A chunk's size is not 1 to 16 hexadecimal digits below 2^63."),
            Self::ChunkExtension => ("chunk-extension", 400, "A chunk's extension is not a short list of tokens."),
            Self::ChunkEnd => ("chunk-end", 400, "A chunk's line or data does not end where it says."),
            Self::TrailerForbidden => ("trailer-forbidden", 400, "A trailer names a field that may only stand in the head."),
            Self::TrailersTooLarge => ("trailers-too-large", 431, "The trailers are larger than the cap."),
            Self::SpaceAroundValue => ("space-around-value", 400, "White space stands around a field's value in HTTP/2."),
        }
    }
}
