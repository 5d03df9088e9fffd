//! The request as fields.
