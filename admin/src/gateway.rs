//! What the API asks of the running gateway. The process implements it once; tests implement it with a table.

/// The running gateway, as the API sees it.
pub trait Gateway: Send + Sync + 'static {
    /// Whether it takes requests.
    fn is_ready(&self) -> bool;
    /// The metrics in Prometheus' text format.
    fn metrics(&self) -> String;
}
