//! Decoders, one file each, and the forms that rules look at.
