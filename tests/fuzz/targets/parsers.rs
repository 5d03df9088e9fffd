//! Each parser alone (JSON, XML, multipart, forms, GraphQL, gRPC, compressed bodies, cookies, tokens): the first byte
//! picks one, so that no input is lost on finding the way to it.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| portcullis_fuzz::parsers(data));
