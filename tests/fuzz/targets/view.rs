//! A request as fields: no bytes of a client may panic it, outgrow its limits, or yield a span outside its source.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| portcullis_fuzz::view(data));
