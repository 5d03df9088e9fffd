//! Single sign-on.

/// Which provider.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {}

#[derive(Default)]
pub(crate) struct SignOn {}

impl SignOn {
    pub(crate) fn forget(&self) {}
}
