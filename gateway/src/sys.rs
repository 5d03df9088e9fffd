//! The few calls into the C library that have no safe wrapper here: giving freed memory back, the limit of
//! descriptors, a variable of the environment, and two constants of the machine. Everything unsafe in the gateway is on this page.

#![allow(unsafe_code)]

/// Gives memory that the allocator keeps for later back to the machine. Worth it once after start and after a
/// reload, when the parse trees of rules and configuration have been dropped; never on a request's way.
pub(crate) fn release_free_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: malloc_trim takes a number, touches only the allocator's own free lists and locks them itself.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Tells ONNX Runtime to send nothing about its use to anyone; it reads this variable when it is loaded. To be called
/// first of all, before there is a second thread.
pub(crate) fn disable_telemetry() {
    #[expect(
        clippy::disallowed_methods,
        reason = "the library reads nothing else, and no other thread runs yet"
    )]
    // SAFETY: nothing else runs yet, so nobody reads the environment meanwhile.
    unsafe {
        std::env::set_var("ORT_DISABLE_TELEMETRY", "1");
    };
}

/// Raises the soft limit of open descriptors to the hard one. Returns the limit that holds now, or `None` where the
/// machine would not say.
pub(crate) fn raise_descriptor_limit() -> Option<u64> {
    let mut limit = read_descriptor_limit()?;
    if limit.rlim_cur < limit.rlim_max {
        limit.rlim_cur = limit.rlim_max;
        // SAFETY: the pointer is to a live, initialised rlimit that the call only reads.
        unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) };
    }
    descriptor_limit()
}

/// How many descriptors may be open at once.
pub(crate) fn descriptor_limit() -> Option<u64> {
    read_descriptor_limit().map(|limit| limit.rlim_cur)
}

fn read_descriptor_limit() -> Option<libc::rlimit> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: the pointer is to a live rlimit that the call fills in.
    let done = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) };
    (done == 0).then_some(limit)
}

/// Lets the calling thread run where no other wants to: a nice value of 10. Threads that it starts inherit it.
pub(crate) fn step_back() {
    #[cfg(target_os = "linux")]
    // SAFETY: setpriority takes numbers and changes the calling thread's nice value. That may fail, and then changes
    // nothing.
    unsafe {
        libc::setpriority(libc::PRIO_PROCESS, 0, 10);
    }
}

/// Clock ticks per second, the unit of processor time in `/proc`.
pub(crate) fn ticks_per_second() -> f64 {
    // SAFETY: sysconf takes a number and returns a number.
    let ticks = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    if ticks > 0 { ticks as f64 } else { 100.0 }
}

/// Bytes in a page of memory.
pub(crate) fn page_size() -> i64 {
    // SAFETY: sysconf takes a number and returns a number.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    if size > 0 { size } else { 4096 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_descriptor_limit_ends_at_the_hard_one() {
        let raised = raise_descriptor_limit().unwrap();
        assert_eq!(raised, read_descriptor_limit().unwrap().rlim_max);
    }

    #[test]
    fn the_machine_has_plausible_constants() {
        assert!(page_size() >= 4096 && page_size().count_ones() == 1);
        assert!(ticks_per_second() >= 1.0);
        release_free_memory();
    }
}
