//! The engine of Portcullis: bytes in, verdict out.
//!
//! This file is the second table of contents after the gateway's `exchange.rs`. A request is turned into fields
//! ([`view`]), the fields are decoded ([`decode`]), rules look at the decoded forms ([`signature`]), and the
//! decision ([`decision`]) weighs what was found. Nothing here opens a socket or a file, nothing here waits, and
//! time comes through a [`clock::Clock`] that the caller hands in.

#![forbid(unsafe_code)]

pub mod clock;
pub mod decode;
pub mod field;
pub mod injection;
pub mod request;
pub mod view;
