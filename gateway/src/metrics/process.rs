//! The process as Linux sees it, under the names that every Prometheus client uses. Read from `/proc/self` when a
//! scrape asks, never on a request's way; what cannot be read keeps its last value.

use std::fs;

use prometheus::{Counter, Gauge, IntGauge, Opts, Registry};

use crate::sys;

/// Processor time, memory, descriptors, threads and start.
pub(super) struct ProcessMetrics {
    cpu_seconds: Counter,
    resident_bytes: IntGauge,
    virtual_bytes: IntGauge,
    open_descriptors: IntGauge,
    max_descriptors: IntGauge,
    threads: IntGauge,
    start_time: Gauge,
}

/// The fields of `/proc/self/stat` that matter, see proc(5).
#[derive(Debug, PartialEq)]
struct Stat {
    /// User and system time, in clock ticks.
    cpu_ticks: u64,
    threads: i64,
    /// Clock ticks from boot to the start of the process.
    start_ticks: u64,
    virtual_bytes: i64,
    resident_pages: i64,
}

impl ProcessMetrics {
    pub(super) fn new(registry: &Registry) -> prometheus::Result<Self> {
        let gauge = |name, help| super::register(registry, IntGauge::new(name, help)?);
        let metrics = Self {
            cpu_seconds: super::register(
                registry,
                Counter::new(
                    "process_cpu_seconds_total",
                    "User and system processor time spent, in seconds.",
                )?,
            )?,
            resident_bytes: gauge("process_resident_memory_bytes", "Resident memory in bytes.")?,
            virtual_bytes: gauge("process_virtual_memory_bytes", "Virtual memory in bytes.")?,
            open_descriptors: gauge("process_open_fds", "Open file descriptors.")?,
            max_descriptors: gauge(
                "process_max_fds",
                "The most file descriptors that may be open.",
            )?,
            threads: gauge("process_threads", "Threads of the process.")?,
            start_time: super::register(
                registry,
                Gauge::with_opts(Opts::new(
                    "process_start_time_seconds",
                    "When the process started, in seconds since 1970.",
                ))?,
            )?,
        };
        if let (Some(stat), Some(boot)) = (read_stat(), boot_time()) {
            metrics
                .start_time
                .set(boot + stat.start_ticks as f64 / sys::ticks_per_second());
        }
        Ok(metrics)
    }

    /// Resident memory in bytes, as last read.
    pub(super) fn resident(&self) -> u64 {
        u64::try_from(self.resident_bytes.get()).unwrap_or_default()
    }

    /// Processor time spent in seconds, as last read.
    pub(super) fn cpu(&self) -> f64 {
        self.cpu_seconds.get()
    }

    /// Descriptors that are open, and the most that may be, as last read.
    pub(super) fn descriptors(&self) -> (u64, u64) {
        let whole = |gauge: &IntGauge| u64::try_from(gauge.get()).unwrap_or_default();
        (whole(&self.open_descriptors), whole(&self.max_descriptors))
    }

    /// Reads everything anew.
    pub(super) fn refresh(&self) {
        if let Some(stat) = read_stat() {
            let spent = stat.cpu_ticks as f64 / sys::ticks_per_second();
            // Two scrapes at once may both see the old value; the counter must never step back.
            self.cpu_seconds
                .inc_by((spent - self.cpu_seconds.get()).max(0.0));
            self.resident_bytes
                .set(stat.resident_pages.saturating_mul(sys::page_size()));
            self.virtual_bytes.set(stat.virtual_bytes);
            self.threads.set(stat.threads);
        }
        if let Ok(entries) = fs::read_dir("/proc/self/fd") {
            // The listing holds one descriptor of its own while it runs.
            let open = entries.count().saturating_sub(1);
            self.open_descriptors
                .set(i64::try_from(open).unwrap_or(i64::MAX));
        }
        if let Some(limit) = sys::descriptor_limit() {
            self.max_descriptors
                .set(i64::try_from(limit).unwrap_or(i64::MAX));
        }
    }
}

fn read_stat() -> Option<Stat> {
    parse_stat(&fs::read_to_string("/proc/self/stat").ok()?)
}

/// The second field is the executable's name in parentheses and may itself hold spaces and parentheses.
fn parse_stat(text: &str) -> Option<Stat> {
    let (_, rest) = text.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    // proc(5) counts from 1 and the first field here is its third.
    let field = |number: usize| fields.get(number - 3).copied();
    let user: u64 = field(14)?.parse().ok()?;
    let system: u64 = field(15)?.parse().ok()?;
    Some(Stat {
        cpu_ticks: user.saturating_add(system),
        threads: field(20)?.parse().ok()?,
        start_ticks: field(22)?.parse().ok()?,
        virtual_bytes: field(23)?.parse().ok()?,
        resident_pages: field(24)?.parse().ok()?,
    })
}

/// Seconds from 1970 to the boot of the machine.
fn boot_time() -> Option<f64> {
    let text = fs::read_to_string("/proc/stat").ok()?;
    text.lines()
        .find_map(|line| line.strip_prefix("btime "))?
        .trim()
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stat_line_is_read_whatever_the_executable_is_called() {
        let tail =
            "S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0 7 0 123456 1048576 256 18446744073709551615";
        for name in ["(portcullis)", "(a b)", "(x) y)"] {
            assert_eq!(
                parse_stat(&format!("42 {name} {tail}")),
                Some(Stat {
                    cpu_ticks: 300,
                    threads: 7,
                    start_ticks: 123_456,
                    virtual_bytes: 1_048_576,
                    resident_pages: 256,
                }),
                "{name}"
            );
        }
        assert_eq!(parse_stat("42 (cut off) S 1 2"), None);
    }
}
