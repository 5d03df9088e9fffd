//! A chunked body: sizes, data and trailers as RFC 9112 section 7.1 writes them, and no other spelling.
//! Size lines are judged byte by byte; trailers are held back until their section is whole.

use memchr::memchr;

use super::refusal::Reason;
use super::{Limits, class, field};

/// The reader's place in a chunked body.
#[derive(Clone, Debug)]
pub(super) struct Chunked {
    state: State,
    /// The size of the chunk whose line is being read.
    size: u64,
    digits: u8,
    /// Bytes of extensions in the whole body so far.
    extensions: usize,
    /// Within held-back trailers: where the next unjudged line begins, up to where no line feed was found, and
    /// how many fields there were.
    line: usize,
    scanned: usize,
    fields: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Size,
    /// Behind a `;` or `=`: at least one byte of a token must follow.
    ExtensionStart,
    ExtensionName,
    ExtensionValueStart,
    ExtensionValue,
    SizeLineFeed,
    Data(u64),
    DataReturn,
    DataLineFeed,
    Trailers,
}

/// How far a body was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// So many bytes are good, and more belong to this body.
    Good(usize),
    /// So many bytes are good, and the body ends behind them.
    End(usize),
}

/// All chunk extensions of one body, in bytes. Nothing that is deployed sends any.
const EXTENSIONS: usize = 256;
/// The trailer section, in bytes and fields.
const TRAILERS: usize = 8 * 1024;
const TRAILER_FIELDS: usize = 32;

impl Chunked {
    pub(super) fn new() -> Self {
        Self {
            state: State::Size,
            size: 0,
            digits: 0,
            extensions: 0,
            line: 0,
            scanned: 0,
            fields: 0,
        }
    }

    /// Reads on; `bytes` begins behind what earlier calls called good.
    pub(super) fn read(&mut self, bytes: &[u8], limits: &Limits) -> Result<Progress, Reason> {
        let mut at = 0;
        while at < bytes.len() {
            match self.state {
                State::Trailers if at > 0 => break,
                State::Trailers => return self.read_trailers(bytes, limits),
                State::Data(left) => {
                    let rest = bytes.len() - at;
                    let data = usize::try_from(left).map_or(rest, |left| left.min(rest));
                    at += data;
                    self.state = match left - data as u64 {
                        0 => State::DataReturn,
                        left => State::Data(left),
                    };
                }
                _ => {
                    self.state = self.step(bytes[at])?;
                    at += 1;
                }
            }
        }
        Ok(Progress::Good(at))
    }

    /// One byte of a size line or of the CRLF behind the data.
    fn step(&mut self, byte: u8) -> Result<State, Reason> {
        match (self.state, byte) {
            (State::Size, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => self.digit(byte),
            (State::Size, _) if self.digits == 0 => Err(Reason::ChunkSize),
            (State::Size | State::ExtensionName | State::ExtensionValue, b'\r') => {
                Ok(State::SizeLineFeed)
            }
            (State::Size | State::ExtensionName | State::ExtensionValue, b';') => {
                self.extend(State::ExtensionStart)
            }
            (State::Size, b'\n') => Err(Reason::ChunkEnd),
            (State::Size, _) => Err(Reason::ChunkSize),
            (State::ExtensionName, b'=') => self.extend(State::ExtensionValueStart),
            (State::ExtensionStart | State::ExtensionName, _) if class::is_token(byte) => {
                self.extend(State::ExtensionName)
            }
            (State::ExtensionValueStart | State::ExtensionValue, _) if class::is_token(byte) => {
                self.extend(State::ExtensionValue)
            }
            (State::SizeLineFeed, b'\n') => Ok(self.after_size()),
            (State::DataReturn, b'\r') => Ok(State::DataLineFeed),
            (State::DataLineFeed, b'\n') => Ok(State::Size),
            (State::SizeLineFeed | State::DataReturn | State::DataLineFeed, _) => {
                Err(Reason::ChunkEnd)
            }
            _ => Err(Reason::ChunkExtension),
        }
    }

    fn digit(&mut self, byte: u8) -> Result<State, Reason> {
        let value = match byte {
            b'0'..=b'9' => byte - b'0',
            _ => (byte | 0x20) - b'a' + 10,
        };
        self.digits += 1;
        self.size = self.size << 4 | u64::from(value);
        // Sixteen digits cannot overflow the shift; beyond 2^63 a signed parser would.
        if self.digits > 16 || self.size > i64::MAX.unsigned_abs() {
            return Err(Reason::ChunkSize);
        }
        Ok(State::Size)
    }

    fn extend(&mut self, next: State) -> Result<State, Reason> {
        self.extensions += 1;
        if self.extensions > EXTENSIONS {
            return Err(Reason::ChunkExtension);
        }
        Ok(next)
    }

    fn after_size(&mut self) -> State {
        let size = std::mem::take(&mut self.size);
        self.digits = 0;
        match size {
            0 => State::Trailers,
            size => State::Data(size),
        }
    }

    /// The trailer section, which `bytes` begins with; nothing of it is good until all of it is.
    fn read_trailers(&mut self, bytes: &[u8], limits: &Limits) -> Result<Progress, Reason> {
        let cap = TRAILERS.min(limits.head);
        loop {
            let unscanned = bytes.get(self.scanned..).unwrap_or_default();
            let Some(found) = memchr(b'\n', unscanned) else {
                self.scanned = bytes.len();
                return if bytes.len() > cap {
                    Err(Reason::TrailersTooLarge)
                } else {
                    Ok(Progress::Good(0))
                };
            };
            let end = self.scanned + found;
            if end >= cap {
                return Err(Reason::TrailersTooLarge);
            }
            let [line @ .., b'\r'] = &bytes[self.line..end] else {
                return Err(Reason::BareLineFeed);
            };
            self.line = end + 1;
            self.scanned = end + 1;
            if line.is_empty() {
                return Ok(Progress::End(end + 1));
            }
            let (name, _) = field::split(line)?;
            if field::is_head_only(name) {
                return Err(Reason::TrailerForbidden);
            }
            self.fields += 1;
            if self.fields > TRAILER_FIELDS {
                return Err(Reason::TrailersTooLarge);
            }
        }
    }
}
