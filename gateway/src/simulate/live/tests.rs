use std::net::TcpListener;

use super::super::attack::scenario;
use super::super::serve;
use super::*;

fn live(target: SocketAddr, clock: Clock) -> Live {
    let scenarios = vec![
        scenario("credential-stuffing").unwrap(),
        scenario("session-hijack").unwrap(),
    ];
    let plan = Plan {
        duration: 120.0,
        start: 36_000.0,
        load: 4.0,
        scenarios,
        campaigns: Some(2),
        most: 100,
        ..Plan::default()
    };
    Live {
        target,
        plan,
        clock,
        connections: 32,
        rate: 2_000.0,
        count: 5_000,
        own_connections: false,
    }
}

fn run(live: &Live) -> (Outcome, Vec<Event>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut events = Vec::new();
    let outcome = runtime.block_on(live.run(&mut |event| events.push(event.clone())));
    (outcome, events)
}

#[test]
fn without_a_gateway_everything_arrives_and_log_ins_work() {
    let clock = Clock::new(36_000.0, 40.0);
    let api = serve::spawn(TcpListener::bind("127.0.0.1:0").unwrap(), 1, clock).unwrap();
    let (outcome, events) = run(&live(api.address(), clock));
    assert_eq!(outcome.unanswered, 0);
    assert_eq!(outcome.sent, events.len() as u64);
    // A busy machine sends fewer within the time; 198 were seen there.
    assert!(events.len() > 80, "{}", events.len());
    let table = outcome.scorer.table();
    assert_eq!((table.total.detected, table.total.false_alarms), (0, 0.0));
    assert_eq!(table.total.through, table.total.hostile);
    for status in [200, 401] {
        assert!(
            events.iter().any(|event| event.answer.status == status),
            "{status}"
        );
    }
    let stolen = events.iter().filter(|event| {
        event.act.who.scenario == "session-hijack"
            && event.act.who.hostile
            && event.answer.status < 300
    });
    assert!(
        stolen.count() > 3,
        "a token that was granted over HTTP is used"
    );
}

#[test]
fn counts_are_bounds() {
    let clock = Clock::new(36_000.0, 40.0);
    let api = serve::spawn(TcpListener::bind("127.0.0.1:0").unwrap(), 1, clock).unwrap();
    let (outcome, events) = run(&Live {
        count: 50,
        ..live(api.address(), clock)
    });
    assert_eq!((outcome.sent, events.len()), (50, 50));
    let clock = Clock::new(36_000.0, 40.0);
    let (outcome, _) = run(&Live {
        rate: 20.0,
        clock,
        ..live(api.address(), clock)
    });
    assert!(outcome.sent <= 80, "{} in three seconds", outcome.sent);
}

#[test]
fn a_target_that_is_away_answers_nothing() {
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let clock = Clock::new(36_000.0, 100.0);
    let (outcome, _) = run(&Live {
        count: 20,
        ..live(address, clock)
    });
    assert_eq!(outcome.unanswered, outcome.sent);
}
