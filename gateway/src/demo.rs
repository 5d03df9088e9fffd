//! What a person needs to try the gateway without an API at hand: a small JSON API to stand behind it
//! ([`upstream`]), and a mix of normal and hostile requests to throw at it ([`traffic`]).

pub(crate) mod traffic;
pub(crate) mod upstream;
