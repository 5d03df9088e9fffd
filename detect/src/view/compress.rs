//! Compressed bodies, all through one decompressor that knows when to stop.

use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};

use flate2::bufread::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use super::Limits;

/// A content coding that can be undone (RFC 9110, section 8.4.1; RFC 7932; RFC 8878).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

impl Coding {
    /// The coding of a token, in any case. `None`: unknown.
    pub(crate) fn of(token: &[u8]) -> Option<Self> {
        const TOKENS: [(&[u8], Coding); 5] = [
            (b"gzip", Coding::Gzip),
            (b"x-gzip", Coding::Gzip),
            (b"deflate", Coding::Deflate),
            (b"br", Coding::Brotli),
            (b"zstd", Coding::Zstd),
        ];
        let known = TOKENS
            .iter()
            .find(|(name, _)| token.eq_ignore_ascii_case(name));
        known.map(|(_, coding)| *coding)
    }
}

/// How decompressing ended. In each case the output holds what was got until then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// At the end of the data.
    Whole,
    /// At a cap.
    Capped,
    /// At an error, or where the data breaks off.
    Broken,
}

/// Appends the decompressed `bytes` to `out`.
///
/// At most [`Limits::decompressed`] bytes, and beyond 64 KiB at most [`Limits::ratio`] times the input. Windows are
/// bounded too: zstd asks for up to 8 MiB (the most that RFC 8878 tells a decoder to support), brotli for 16 MiB.
pub(crate) fn inflate(coding: Coding, bytes: &[u8], out: &mut Vec<u8>, limits: &Limits) -> Ending {
    let ratio = bytes.len().saturating_mul(limits.ratio).max(RATIO_FLOOR);
    let cap = out.len().saturating_add(limits.decompressed.min(ratio));
    // None of these decoders is known to panic; a defect in one must still not decide about a request.
    let guarded = AssertUnwindSafe(|| decode(coding, bytes, out, cap));
    catch_unwind(guarded).unwrap_or(Ending::Broken)
}

fn decode(coding: Coding, bytes: &[u8], out: &mut Vec<u8>, cap: usize) -> Ending {
    match coding {
        Coding::Gzip => drain(MultiGzDecoder::new(bytes), out, cap),
        Coding::Deflate if is_zlib(bytes) => drain(ZlibDecoder::new(bytes), out, cap),
        Coding::Deflate => drain(DeflateDecoder::new(bytes), out, cap),
        Coding::Brotli if is_large_window(bytes) => Ending::Broken,
        Coding::Brotli => drain(
            brotli_decompressor::Decompressor::new(bytes, CHUNK),
            out,
            cap,
        ),
        Coding::Zstd => {
            match ruzstd::decoding::StreamingDecoder::new_with_max_window_size(bytes, ZSTD_WINDOW) {
                Ok(decoder) => drain(decoder, out, cap),
                Err(_) => Ending::Broken,
            }
        }
    }
}

fn drain(mut reader: impl Read, out: &mut Vec<u8>, cap: usize) -> Ending {
    let mut chunk = [0u8; CHUNK];
    loop {
        match reader.read(&mut chunk) {
            Ok(0) => return Ending::Whole,
            Ok(count) => {
                let room = cap.saturating_sub(out.len());
                out.extend_from_slice(&chunk[..count.min(room)]);
                if count > room {
                    return Ending::Capped;
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return Ending::Broken,
        }
    }
}

/// Whether the bytes begin with a zlib header (RFC 1950, section 2.2); `deflate` is sent with and without.
fn is_zlib(bytes: &[u8]) -> bool {
    match bytes {
        [method, flags, ..] => {
            method & 0x0f == 8 && (u16::from(*method) << 8 | u16::from(*flags)) % 31 == 0
        }
        _ => false,
    }
}

/// Whether a brotli stream asks for the "large window" extension, whose windows reach 1 GiB. It is no part of the
/// `br` coding; its mark is the otherwise unused window code 0010001 (RFC 7932, section 9.1).
fn is_large_window(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|byte| byte & 0x7f == 0x11)
}

const CHUNK: usize = 8 * 1024;
const ZSTD_WINDOW: u64 = 8 * 1024 * 1024;
/// Below this size a high ratio is an everyday thing (a short list of equal lines) and no bomb.
const RATIO_FLOOR: usize = 64 * 1024;
