//! The admin API: what happened, why, and what to do about it, for programs and for the console. This crate holds the
//! routes, who may use them, the alerts and their delivery, and the live feed. It asks the running gateway through
//! [`Gateway`] and the store through `portcullis-store`; sockets of the proxy, rules and behaviour are not its business.

pub mod access;
pub mod caller;
pub mod extract;
pub mod gateway;
pub mod problem;
pub mod routes;
pub mod time;
pub mod users;

pub use self::access::Access;
pub use self::caller::{Caller, Role};
pub use self::gateway::Gateway;
