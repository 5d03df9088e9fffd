//! The same traffic, sent: clients and attackers act when virtual time says so, over a bounded pool of connections, and
//! hear what a gateway and the APIs behind it really answered. Each client's address goes into `X-Forwarded-For`, as a
//! trusted proxy would put it there.

mod judge;
mod pool;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::message::{Act, Answer, Decision, Event};
use super::score::{Scorer, Sighting};
use super::serve::Clock;
use super::world::{Handle, Plan, World};
use pool::{Owner, Pool};

/// What to send where, and its bounds.
#[derive(Clone, Debug)]
pub struct Live {
    /// The gateway.
    pub target: SocketAddr,
    /// The world.
    pub plan: Plan,
    /// Its time.
    pub clock: Clock,
    /// Connections, and so requests under way, at most.
    pub connections: usize,
    /// Requests a second at most.
    pub rate: f64,
    /// Requests at most.
    pub count: u64,
    /// Whether each client has connections of its own; otherwise all share them, as behind a proxy.
    pub own_connections: bool,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Scores.
    pub scorer: Scorer,
    /// Requests that were sent.
    pub sent: u64,
    /// Those without an answer.
    pub unanswered: u64,
    /// The longest that a request was sent after its time, in real seconds: the bounds held it back.
    pub behind: f64,
}

/// An answer that has come.
struct Done {
    who: Handle,
    time: f64,
    act: Act,
    answer: Answer,
    waits: bool,
}

/// A simulation under way.
struct Run<'a> {
    live: &'a Live,
    world: World,
    pool: Arc<Pool>,
    outcome: Outcome,
    under_way: usize,
    /// Before this moment nothing is sent: the bound on the rate.
    free_at: Instant,
    finished: mpsc::Sender<Done>,
}

impl Live {
    /// Sends everything and calls `each` with every exchange, in order of their ends.
    pub async fn run(&self, each: &mut dyn FnMut(&Event)) -> Outcome {
        let (finished, mut done) = mpsc::channel(self.connections.max(1));
        let mut run = Run {
            live: self,
            world: World::new(&self.plan),
            pool: Arc::new(Pool::new(self.target, self.connections)),
            outcome: Outcome::default(),
            under_way: 0,
            free_at: Instant::now(),
            finished,
        };
        loop {
            let due = run.due();
            if due.is_none() && run.under_way == 0 {
                return run.outcome;
            }
            tokio::select! {
                biased;
                Some(done) = done.recv() => run.settle(done, each),
                () = sleep_until(due) => run.send(),
            }
        }
    }
}

async fn sleep_until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment.into()).await,
        None => std::future::pending().await,
    }
}

impl Run<'_> {
    /// When the next request may be sent; none while the bounds forbid it, or nothing is to be sent any more.
    fn due(&self) -> Option<Instant> {
        if self.under_way >= self.live.connections || self.outcome.sent >= self.live.count {
            return None;
        }
        let clock = &self.live.clock;
        if clock.now() >= self.world.end() {
            return None;
        }
        self.world
            .due()
            .map(|time| clock.moment(time).max(self.free_at))
    }

    fn send(&mut self) {
        let Some((planned, who, act)) = self.world.wake() else {
            return;
        };
        let now = Instant::now();
        let late = now.saturating_duration_since(self.live.clock.moment(planned));
        self.outcome.behind = self.outcome.behind.max(late.as_secs_f64());
        self.free_at = now.max(self.free_at) + Duration::from_secs_f64(1.0 / self.live.rate);
        self.outcome.sent += 1;
        self.under_way += 1;
        let time = planned.max(self.live.clock.now());
        let waits = !self.world.is_impatient(who);
        if !waits {
            self.world.go_on(who, planned);
        }
        let (pool, finished) = (Arc::clone(&self.pool), self.finished.clone());
        let owner = self.live.own_connections.then(|| Owner {
            actor: act.who.actor,
            address: act.who.client(),
        });
        tokio::spawn(async move {
            let answer = pool.exchange(&act.request, act.who.client(), owner).await;
            let done = Done {
                who,
                time,
                act,
                answer,
                waits,
            };
            // Nobody listens any more when the run was abandoned.
            let _ = finished.send(done).await;
        });
    }

    fn settle(&mut self, done: Done, each: &mut dyn FnMut(&Event)) {
        self.under_way -= 1;
        let now = self.live.clock.now();
        self.world.hear(done.who, now, &done.answer);
        if done.waits {
            self.world.go_on(done.who, now);
        }
        self.outcome.unanswered += u64::from(done.answer.status == 0);
        let who = &done.act.who;
        self.outcome.scorer.see(&Sighting {
            actor: who.actor,
            group: who.group,
            scenario: who.scenario,
            attacker: who.is_attacker(),
            hostile: who.hostile,
            victim: who.victim,
            time: done.time,
            decision: done.answer.decision,
            cause: None,
        });
        each(&Event {
            time: done.time,
            act: done.act,
            answer: done.answer,
        });
    }
}

/// An answer that never came: neither passed nor judged.
fn unanswered() -> Answer {
    Answer {
        decision: Decision::Refused,
        ..Answer::default()
    }
}

#[cfg(test)]
mod tests;
