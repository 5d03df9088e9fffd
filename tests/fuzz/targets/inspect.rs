//! The whole engine with the shipped rules: one request in, one verdict in bounds out.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(init: portcullis_fuzz::warm_up(), |data: &[u8]| portcullis_fuzz::inspect(data));
