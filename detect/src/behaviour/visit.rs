//! A visit: what behaviour keeps of one request between the question and the answer. It owns nothing and is copied
//! freely; the gateway carries it from the verdict to the outcome without looking inside.

/// What behaviour keeps of one request. The default is of a request that was never judged: its outcome counts for
/// nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Visit {
    /// The route template, with method; 0 for a request that was never judged.
    pub(crate) template: u64,
}
