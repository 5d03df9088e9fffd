//! A request head, line by line as it arrives: each complete line is judged once and never looked at again, so
//! that a head that drips in byte by byte costs no more than one that comes whole.

use std::ops::Range;

use memchr::memchr;

use super::refusal::{KEPT_TARGET, Reason, Refusal};
use super::target::{self, Target};
use super::{Limits, class, field};

/// What a complete head says about the bytes behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// How many bytes the head has, an empty line in front of it included.
    pub(super) length: usize,
    /// How the body is framed.
    pub(super) body: Framing,
    /// Whether the connection ends with this exchange.
    pub(super) last: bool,
    /// Whether it asks to switch to WebSocket.
    pub(super) upgrade: bool,
}

/// How a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// After so many bytes; 0 for no body.
    Length(u64),
    /// With the last chunk.
    Chunked,
}

/// The reader's place in a head. All positions count from the first byte of the head, which the caller keeps
/// until the head is whole.
#[derive(Clone, Debug, Default)]
pub(super) struct HeadReader {
    /// Where the next unjudged line begins.
    line: usize,
    /// Up to where no line feed was found.
    scanned: usize,
    /// Whether the one empty line that RFC 9112 section 2.2 tolerates has been seen.
    skipped: bool,
    /// Set by the request line.
    request: Option<RequestLine>,
    fields: Fields,
}

#[derive(Clone, Debug)]
struct RequestLine {
    method: Range<usize>,
    target: Range<usize>,
    /// The authority of an absolute target.
    authority: Option<Range<usize>>,
    get: bool,
    version: Version,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    Http10,
    Http11,
}

/// What the fields said so far.
#[derive(Clone, Debug, Default)]
struct Fields {
    count: usize,
    host: Option<Range<usize>>,
    length: Option<u64>,
    chunked: bool,
    expectation: bool,
    close: bool,
    keep_alive: bool,
    connection_upgrade: bool,
    websocket: bool,
}

/// Longest method, in bytes; the longest registered one has 17.
const METHOD: usize = 32;
/// What a request line has beside its target: method, two spaces, version, CR.
const AROUND_TARGET: usize = METHOD + 11;

impl HeadReader {
    /// Whether a byte of this head was seen.
    pub(super) fn started(&self) -> bool {
        self.scanned > 0
    }

    /// Reads on. `bytes` begins with the head's first byte, as in every earlier call for this head. `None`
    /// when the head is not whole yet.
    pub(super) fn read(&mut self, bytes: &[u8], limits: &Limits) -> Result<Option<Head>, Reason> {
        loop {
            self.check_first_byte(bytes)?;
            let unscanned = bytes.get(self.scanned..).unwrap_or_default();
            let Some(found) = memchr(b'\n', unscanned) else {
                self.scanned = bytes.len();
                self.check_size(bytes.len(), bytes.len(), limits)?;
                return Ok(None);
            };
            let end = self.scanned + found;
            self.check_size(end, end + 1, limits)?;
            let [line @ .., b'\r'] = &bytes[self.line..end] else {
                return Err(Reason::BareLineFeed);
            };
            let start = self.line;
            self.line = end + 1;
            self.scanned = end + 1;
            if let Some(head) = self.take_line(start, line, bytes, limits)? {
                return Ok(Some(head));
            }
        }
    }

    /// The refusal, with what was read of the request line.
    pub(super) fn refusal(&self, reason: Reason, bytes: &[u8]) -> Refusal {
        let (method, target) = match &self.request {
            Some(request) => (
                bytes.get(request.method.clone()).unwrap_or_default(),
                bytes.get(request.target.clone()).unwrap_or_default(),
            ),
            None => first_words(&bytes[self.skipped_length().min(bytes.len())..]),
        };
        Refusal {
            reason,
            status: reason.status(),
            method: method.to_vec(),
            target: target[..target.len().min(KEPT_TARGET)].to_vec(),
        }
    }

    /// A first byte that begins no method (a TLS handshake, say) is refused before its line is whole.
    fn check_first_byte(&self, bytes: &[u8]) -> Result<(), Reason> {
        match bytes.get(self.line) {
            Some(&first) if self.request.is_none() => match first {
                b'\r' | b'\n' => Ok(()),
                _ if class::is_token(first) => Ok(()),
                _ => Err(Reason::Method),
            },
            Some(_) | None => Ok(()),
        }
    }

    /// Holds the caps. `line_end` is where the current line ends so far, without its line feed; `size` that of
    /// the head with it.
    fn check_size(&self, line_end: usize, size: usize, limits: &Limits) -> Result<(), Reason> {
        let line = line_end.saturating_sub(self.line);
        if self.request.is_none() && line > limits.target.saturating_add(AROUND_TARGET) {
            return Err(Reason::TargetTooLong);
        }
        if size > limits.head {
            return Err(Reason::HeadTooLarge);
        }
        Ok(())
    }

    fn take_line(
        &mut self,
        start: usize,
        line: &[u8],
        bytes: &[u8],
        limits: &Limits,
    ) -> Result<Option<Head>, Reason> {
        match &self.request {
            None if line.is_empty() && self.skipped => Err(Reason::EmptyLine),
            None if line.is_empty() => {
                self.skipped = true;
                Ok(None)
            }
            None => {
                self.request = Some(RequestLine::read(start, line, limits)?);
                Ok(None)
            }
            Some(request) if line.is_empty() => {
                self.fields.finish(request, self.line, bytes).map(Some)
            }
            Some(_) => {
                self.fields.take(start, line, limits)?;
                Ok(None)
            }
        }
    }

    fn skipped_length(&self) -> usize {
        if self.skipped { 2 } else { 0 }
    }
}

impl RequestLine {
    fn read(start: usize, line: &[u8], limits: &Limits) -> Result<Self, Reason> {
        if class::has_control(line) {
            return Err(field::control(line));
        }
        let space = memchr(b' ', line).ok_or(Reason::RequestLine)?;
        let (method, rest) = (&line[..space], &line[space + 1..]);
        if method.is_empty() || method.len() > METHOD || !method.iter().all(|&b| class::is_token(b))
        {
            return Err(Reason::Method);
        }
        let target_length = memchr(b' ', rest).ok_or(Reason::RequestLine)?;
        let version = Version::read(&rest[target_length + 1..])?;
        let text = &rest[..target_length];
        if text.is_empty() {
            return Err(Reason::RequestLine);
        }
        if text.len() > limits.target {
            return Err(Reason::TargetTooLong);
        }
        // An origin that compares methods without case would run what this gateway took for another method.
        if [&b"CONNECT"[..], b"TRACE", b"TRACK"]
            .iter()
            .any(|refused| method.eq_ignore_ascii_case(refused))
        {
            return Err(Reason::MethodRefused);
        }
        let target = start + space + 1..start + space + 1 + target_length;
        let authority = match target::read(text)? {
            Target::Origin => None,
            Target::Absolute(range) => Some(target.start + range.start..target.start + range.end),
            Target::Asterisk if method == b"OPTIONS" => None,
            Target::Asterisk => return Err(Reason::Target),
        };
        Ok(Self {
            method: start..start + space,
            target,
            authority,
            get: method == b"GET",
            version,
        })
    }
}

impl Version {
    fn read(text: &[u8]) -> Result<Self, Reason> {
        match text {
            b"HTTP/1.1" => Ok(Self::Http11),
            b"HTTP/1.0" => Ok(Self::Http10),
            [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
                if major.is_ascii_digit() && minor.is_ascii_digit() =>
            {
                Err(Reason::Version)
            }
            _ => Err(Reason::RequestLine),
        }
    }
}

impl Fields {
    fn take(&mut self, start: usize, line: &[u8], limits: &Limits) -> Result<(), Reason> {
        if self.count == 0 && matches!(line, [b' ' | b'\t', ..]) {
            return Err(Reason::SpaceBeforeFields);
        }
        let (name, value) = field::split(line)?;
        self.count += 1;
        if self.count > limits.headers {
            return Err(Reason::TooManyFields);
        }
        // The length alone rules out nearly every field.
        match name.len() {
            4 if name.eq_ignore_ascii_case(b"host") => self.take_host(start, line, value),
            6 if name.eq_ignore_ascii_case(b"expect") => self.take_expect(value),
            7 if name.eq_ignore_ascii_case(b"upgrade") => {
                self.websocket |=
                    field::members(value).any(|member| member.eq_ignore_ascii_case(b"websocket"));
                Ok(())
            }
            10 if name.eq_ignore_ascii_case(b"connection") => self.take_connection(value),
            14 if name.eq_ignore_ascii_case(b"content-length") => self.take_length(value),
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => self.take_coding(value),
            _ => Ok(()),
        }
    }

    fn take_host(&mut self, start: usize, line: &[u8], value: &[u8]) -> Result<(), Reason> {
        if self.host.is_some() {
            return Err(Reason::HostRepeated);
        }
        target::check_host(value)?;
        // A Host has no white space inside, so its first byte is the first non-white byte behind the colon.
        let leading = line[5..]
            .iter()
            .take_while(|byte| matches!(byte, b' ' | b'\t'))
            .count();
        let from = start + 5 + leading;
        self.host = Some(from..from + value.len());
        Ok(())
    }

    fn take_expect(&mut self, value: &[u8]) -> Result<(), Reason> {
        if self.expectation || !value.eq_ignore_ascii_case(b"100-continue") {
            return Err(Reason::Expectation);
        }
        self.expectation = true;
        Ok(())
    }

    fn take_connection(&mut self, value: &[u8]) -> Result<(), Reason> {
        for option in field::members(value) {
            if !option.iter().all(|&byte| class::is_token(byte)) || field::is_end_to_end(option) {
                return Err(Reason::ConnectionOption);
            }
            self.close |= option.eq_ignore_ascii_case(b"close");
            self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
            self.connection_upgrade |= option.eq_ignore_ascii_case(b"upgrade");
        }
        Ok(())
    }

    fn take_length(&mut self, value: &[u8]) -> Result<(), Reason> {
        if self.length.is_some() {
            return Err(Reason::LengthRepeated);
        }
        self.length = Some(field::decimal(value).ok_or(Reason::LengthInvalid)?);
        Ok(())
    }

    fn take_coding(&mut self, value: &[u8]) -> Result<(), Reason> {
        if self.chunked {
            return Err(Reason::CodingRepeated);
        }
        if !value.eq_ignore_ascii_case(b"chunked") {
            return Err(Reason::CodingInvalid);
        }
        self.chunked = true;
        Ok(())
    }

    /// The rules that need the whole head.
    fn finish(&self, request: &RequestLine, length: usize, bytes: &[u8]) -> Result<Head, Reason> {
        self.check_host(request, bytes)?;
        let body = match (self.chunked, self.length) {
            (true, Some(_)) => return Err(Reason::CodingWithLength),
            (true, None) if request.version == Version::Http10 => {
                return Err(Reason::CodingInOldVersion);
            }
            (true, None) => Framing::Chunked,
            (false, length) => Framing::Length(length.unwrap_or(0)),
        };
        // Any other protocol (h2c above all) is no upgrade here: the gateway strips the field and serves the
        // request as it stands.
        let upgrade =
            self.websocket && self.connection_upgrade && request.version == Version::Http11;
        if upgrade && (body != Framing::Length(0) || !request.get) {
            return Err(Reason::UpgradeWithBody);
        }
        Ok(Head {
            length,
            body,
            last: self.close || (request.version == Version::Http10 && !self.keep_alive),
            upgrade,
        })
    }

    fn check_host(&self, request: &RequestLine, bytes: &[u8]) -> Result<(), Reason> {
        match (&self.host, &request.authority) {
            (None, _) if request.version == Version::Http11 => Err(Reason::HostMissing),
            // A load balancer's health check may come as HTTP/1.0 without a Host; RFC 9112 section 3.2 asks it of 1.1 only.
            (None, None) | (Some(_), None) => Ok(()),
            (None, Some(_)) => Err(Reason::HostMissing),
            (Some(host), Some(authority)) => {
                if bytes[host.clone()].eq_ignore_ascii_case(&bytes[authority.clone()]) {
                    Ok(())
                } else {
                    Err(Reason::AuthorityMismatch)
                }
            }
        }
    }
}

/// Method and target of a line that did not parse, as near as can be told.
fn first_words(bytes: &[u8]) -> (&[u8], &[u8]) {
    let line = bytes
        .split(|&byte| byte == b'\n')
        .next()
        .unwrap_or_default();
    let mut words = line
        .split(|byte| byte.is_ascii_whitespace())
        .filter(|word| !word.is_empty());
    let method = words.next().unwrap_or_default();
    (
        &method[..method.len().min(METHOD)],
        words.next().unwrap_or_default(),
    )
}
