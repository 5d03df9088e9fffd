//! The whole stage, with a clock that is set by hand.
