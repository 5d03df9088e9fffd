//! The key of a record: its time in milliseconds and 22 bits of its id's hash. In order of time; the same for the same
//! record, however often it comes, so that what is replayed after a crash is recognised.

use crate::entry::Record;

/// Bits below the time.
const BITS: u32 = 22;

/// The latest time that has a key: some hundred years from now.
const LATEST: i64 = i64::MAX >> BITS;

/// The key that a record wants. Where another record has it, the next free one is taken.
pub(super) fn of(record: &Record) -> i64 {
    let low = fnv(record.id.as_bytes()) & ((1 << BITS) - 1);
    first_at(record.time_ms()) | i64::try_from(low).unwrap_or_default()
}

/// The lowest key of a moment.
pub(crate) fn first_at(time_ms: i64) -> i64 {
    time_ms.clamp(0, LATEST) << BITS
}

/// The moment of a key, in milliseconds since 1970.
pub(crate) const fn time_ms(key: i64) -> i64 {
    key >> BITS
}

/// FNV-1a, 64 bits (draft-eastlake-fnv), with its upper half folded in, since the lower bits alone mix less well.
pub(super) fn fnv(bytes: &[u8]) -> u64 {
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    hash ^ (hash >> 32)
}
