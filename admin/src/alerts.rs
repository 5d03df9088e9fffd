//! Alerts: from records to incidents to people. [`watch`] counts and groups, [`engine`] writes incidents into the store
//! and publishes them, [`deliver`] tells receivers, [`advice`] says what to do. All of it runs beside the traffic, on
//! the admin plane's runtime.

pub mod advice;
mod bucket;
pub mod deliver;
pub mod engine;
mod matching;
mod quiet;
pub mod routes;
pub mod view;
pub mod watch;
mod words;

pub use self::advice::{Advice, Remedy};
pub use self::engine::{Counts, Engine, Event};
pub use self::watch::Watch;
