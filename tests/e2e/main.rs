//! The end-to-end tests: the real executable, real sockets, a world of its own for each test.

// The test runner shows what a test prints only where it helps: the figures with --nocapture, the log of a failure.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod access;
mod alerts;
mod api;
mod bans;
mod cli;
mod descriptors;
mod flow;
mod forward;
mod harness;
mod installation;
mod limits;
mod metrics;
mod models;
mod records;
mod refuse;
mod reload;
mod responses;
mod share;
mod smuggling;
mod store;
mod streams;
mod survives;
mod tls;
mod upstreams;
