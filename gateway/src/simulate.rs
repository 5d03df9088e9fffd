//! The attack simulator: made-up APIs, the people and programs that use them, and those who attack them, all from one
//! seed. Offline it writes labelled traffic with a virtual clock, as fast as it can; live it sends the same traffic
//! through a gateway and scores what the gateway did. Nothing on a request's way depends on it.

mod actor;
mod address;
mod attack;
mod backend;
mod client;
pub mod clock;
mod compose;
pub mod line;
pub mod live;
mod message;
mod normal;
mod payload;
mod people;
mod random;
pub mod score;
pub mod serve;
mod site;
mod text;
mod token;
pub mod world;

pub use address::CRAWLER_NETWORK;
pub use attack::{SCENARIOS, Scenario, scenario};
pub use client::CRAWLER_NAMES;
pub use message::{Act, Answer, Decision, Event, Request};
pub use normal::POPULATIONS;
pub use token::SECRET;
pub use world::Plan;
