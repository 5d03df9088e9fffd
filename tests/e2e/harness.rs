//! What every end-to-end test stands on: a gateway process with a folder of its own, raw origins that remember
//! every byte, and a raw client. Threads and blocking sockets only, so that nothing here parses a message the way
//! the gateway does.

// Each test uses its own part of it.
#![allow(dead_code, unused_imports)]

pub(crate) mod certificates;
pub(crate) mod client;
pub(crate) mod gateway;
pub(crate) mod http2;
pub(crate) mod origin;
#[path = "../../store/src/testing/postgres.rs"]
pub(crate) mod postgres;
pub(crate) mod redis;
pub(crate) mod world;

pub(crate) use client::{Client, http1};
pub(crate) use gateway::Gateway;
pub(crate) use origin::{Origin, Seen};
pub(crate) use world::World;
