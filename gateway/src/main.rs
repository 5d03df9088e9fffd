//! The gateway process.

#![deny(unsafe_code)]
#![allow(dead_code)]

mod admin;
mod client;
mod demo;
mod id;
mod limit;
mod metrics;
mod record;
mod respond;
mod sys;

fn main() {}
