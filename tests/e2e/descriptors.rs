//! Running out of descriptors: connections beyond the limit wait, nothing spins, and service is back as soon as some
//! come free.

use std::fs;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use crate::harness::client::get;
use crate::harness::origin::ok;
use crate::harness::{Gateway, Origin, World};

/// Processor time of a process so far, in clock ticks (a hundredth of a second on Linux): user and system.
fn processor_ticks(gateway: &Gateway) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{}/stat", gateway.process_id())).expect("it runs");
    // The name, in parentheses, may hold spaces; utime and stime are the 14th and 15th fields.
    let (_, rest) = stat.rsplit_once(')').expect("a name in parentheses");
    rest.split_whitespace()
        .skip(11)
        .take(2)
        .map(|field| field.parse::<u64>().expect("a number"))
        .sum()
}

#[test]
fn running_out_of_descriptors_is_survived_without_spinning() {
    let origin = Origin::answering(|seen| ok(seen, "origin"));
    let gateway = Gateway::start_under(
        &["prlimit", "--nofile=64:64"],
        &World::before(&origin).yaml(),
    );
    assert_eq!(get(gateway.address(), "/").status, 200);
    for round in 0..3 {
        let crowd: Vec<TcpStream> = (0..120)
            .map(|_| TcpStream::connect(gateway.address()).expect("the backlog takes it"))
            .collect();
        thread::sleep(Duration::from_millis(300));
        let before = processor_ticks(&gateway);
        thread::sleep(Duration::from_secs(1));
        let spent = processor_ticks(&gateway) - before;
        assert!(
            spent <= 30,
            "round {round}: {spent} of 100 ticks spent on waiting"
        );
        let closed = Instant::now();
        drop(crowd);
        let answer = get(gateway.address(), "/");
        assert_eq!(answer.status, 200, "round {round}");
        assert!(
            closed.elapsed() < Duration::from_secs(1),
            "round {round}: {:?}",
            closed.elapsed()
        );
    }
    assert!(
        gateway.metric("portcullis_accept_errors_total") > 0.0,
        "the limit was met, or nothing was tested"
    );
}
