//! libinjection, behind a catch: a defect of it on a client's bytes is a missing hint, not a failed request.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Whether libinjection calls `bytes` SQL injection.
pub fn is_sqli(bytes: &[u8]) -> bool {
    let ask = AssertUnwindSafe(|| libinjectionrs::detect_sqli(bytes).is_injection());
    catch_unwind(ask).unwrap_or(false)
}

/// Whether libinjection calls `bytes` cross-site scripting.
pub fn is_xss(bytes: &[u8]) -> bool {
    let ask = AssertUnwindSafe(|| libinjectionrs::detect_xss(bytes).is_injection());
    catch_unwind(ask).unwrap_or(false)
}
