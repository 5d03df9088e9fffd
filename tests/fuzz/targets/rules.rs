//! The loaders of rules and of the configuration: a broken file is a list of problems, never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| portcullis_fuzz::rules(data));
