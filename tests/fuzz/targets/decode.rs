//! Decoders and forms: no bytes may panic them, and nothing decoded may be longer than what was sent.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| portcullis_fuzz::decode(data));
