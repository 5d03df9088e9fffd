//! Portcullis: an API security gateway. The request's way starts in `listen`, goes through `connection` and reads
//! straight down in `exchange`; `docs/ARCHITECTURE.md` draws the whole.

#![deny(unsafe_code)]
#![allow(
    unreachable_pub,
    reason = "in a binary, pub marks what other files of the crate may use"
)]

mod access;
mod admin;
mod alerts;
mod allowed;
mod answer;
mod app;
mod body;
mod cli;
mod client;
mod command;
mod connection;
mod control;
mod demo;
mod exchange;
mod fault;
mod forward;
mod grpc;
mod guard;
mod id;
mod identity;
mod inspect;
mod ledger;
mod limit;
mod listen;
mod memory;
mod metrics;
mod models;
mod outliers;
mod record;
mod reload;
mod respond;
mod route;
mod rules;
mod share;
mod simulate;
mod snapshot;
mod state_dir;
mod sys;
mod tls;
mod upstream;
mod websocket;
mod wire;
mod worker;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    sys::disable_telemetry();
    cli::Cli::parse().run()
}
