//! Request ids: 128 bits as 32 hexadecimal digits, unique without asking the system for anything per request. They
//! join the answer a client got, the request the upstream saw and the record that was kept.

use std::cell::Cell;
use std::fmt;
use std::hash::{BuildHasher, RandomState};

use http::HeaderValue;

/// A request id, held in place: made by [`RequestId::next`], or taken over from a trusted proxy.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct RequestId {
    bytes: [u8; MAX_LENGTH],
    length: u8,
}

impl RequestId {
    /// The next id of this thread.
    ///
    /// The first half is random per thread; the second is a counter passed through a secret bijection, so ids never
    /// repeat on a thread and do not tell how many requests there were.
    pub(crate) fn next() -> Self {
        let (prefix, mask, count) = WORKER.with(|worker| {
            let (prefix, mask, count) = worker.get();
            worker.set((prefix, mask, count.wrapping_add(1)));
            (prefix, mask, count)
        });
        let suffix = (count ^ mask).wrapping_mul(ODD) ^ mask.rotate_left(32);
        let mut id = Self {
            bytes: [0; MAX_LENGTH],
            length: 32,
        };
        for (i, byte) in prefix
            .to_be_bytes()
            .into_iter()
            .chain(suffix.to_be_bytes())
            .enumerate()
        {
            id.bytes[2 * i] = DIGITS[usize::from(byte >> 4)];
            id.bytes[2 * i + 1] = DIGITS[usize::from(byte & 15)];
        }
        id
    }

    /// An id that a trusted proxy gave, if it is short (at most 64 bytes) and cannot do harm in a log or a page.
    pub(crate) fn accept(value: &[u8]) -> Option<Self> {
        let length = u8::try_from(value.len()).ok()?;
        let harmless = |b: &u8| b.is_ascii_alphanumeric() || b"-_.:+/=@".contains(b);
        if value.is_empty() || value.len() > MAX_LENGTH || !value.iter().all(harmless) {
            return None;
        }
        let mut bytes = [0; MAX_LENGTH];
        bytes[..value.len()].copy_from_slice(value);
        Some(Self { bytes, length })
    }

    /// The id as text.
    pub(crate) fn as_str(&self) -> &str {
        // Both constructors admit ASCII only.
        self.bytes
            .get(..usize::from(self.length))
            .and_then(|bytes| std::str::from_utf8(bytes).ok())
            .unwrap_or_default()
    }

    /// The id as a header's value.
    pub(crate) fn header_value(&self) -> HeaderValue {
        HeaderValue::from_str(self.as_str()).unwrap_or_else(|_| HeaderValue::from_static("-"))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

const MAX_LENGTH: usize = 64;

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Any odd number makes multiplication modulo 2^64 a bijection; this one, the golden ratio's, also mixes.
const ODD: u64 = 0x9e37_79b9_7f4a_7c15;

thread_local! {
    /// A random prefix, a random mask and the count. `RandomState` draws its keys from the system once per thread.
    static WORKER: Cell<(u64, u64, u64)> = {
        Cell::new((RandomState::new().hash_one(0u8), RandomState::new().hash_one(1u8), 0))
    };
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_of_all_threads_differ_and_have_one_shape() {
        let ids: Vec<RequestId> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| (0..10_000).map(|_| RequestId::next()).collect::<Vec<_>>()))
                .collect();
            threads
                .into_iter()
                .flat_map(|thread| thread.join().unwrap())
                .collect()
        });
        for id in &ids {
            assert!(
                id.as_str().len() == 32 && id.as_str().bytes().all(|b| b.is_ascii_hexdigit()),
                "{id}"
            );
        }
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len());
    }

    #[test]
    fn foreign_ids_are_taken_only_when_short_and_harmless() {
        let long = "a".repeat(65);
        for (value, accepted) in [
            ("abc-123", true),
            ("5b0c8a4e-55a1-4a39-9d0b-1f6ed8a3a111", true),
            ("Root=1-67891233-abcdef", true),
            (&"a".repeat(64), true),
            (&long, false),
            ("", false),
            ("a b", false),
            ("a\u{1b}[2J", false),
            ("<script>", false),
            ("\"", false),
            ("é", false),
        ] {
            let id = RequestId::accept(value.as_bytes());
            assert_eq!(id.is_some(), accepted, "{value:?}");
            if let Some(id) = id {
                assert_eq!(id.as_str(), value);
                assert_eq!(id.header_value().as_bytes(), value.as_bytes());
            }
        }
    }
}
