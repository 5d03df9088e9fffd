use super::*;
use crate::records::Filter;
use crate::testing::{START, databases, entry, sqlite};

/// A writer under way.
struct Running {
    intake: Intake,
    tally: Arc<Tally>,
    feed: Feed,
    stop: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<()>,
}

fn start(url: &str, spool: Option<PathBuf>, spool_bytes: u64) -> Running {
    let tally = Arc::new(Tally::default());
    let intake = Intake::new(100_000, 64 << 20, tally.clone());
    let feed = Feed::new(tally.clone());
    let settings = Settings {
        node: "one".into(),
        url: url.into(),
        spool,
        spool_bytes,
        keep: Keep {
            age: Duration::from_secs(1 << 30),
            bytes: u64::MAX,
        },
    };
    let (stop, stopped) = oneshot::channel();
    let (sender, _) = watch::channel(None);
    let task = tokio::spawn(run(settings, intake.clone(), feed.clone(), sender, stopped));
    Running {
        intake,
        tally,
        feed,
        stop,
        task,
    }
}

impl Running {
    fn offer(&self, from: i64, to: i64) {
        let mut text = Vec::new();
        for n in from..to {
            text.extend_from_slice(line(n).as_bytes());
            text.push(b'\n');
        }
        self.intake
            .offer(&text, usize::try_from(to - from).unwrap());
    }

    async fn until(&self, what: &str, holds: impl Fn(&Tally) -> bool) {
        for _ in 0..1500 {
            if holds(&self.tally) {
                return;
            }
            sleep(Duration::from_millis(20)).await;
        }
        panic!("{what}: {:?}", self.tally);
    }

    async fn end(self) -> Arc<Tally> {
        self.stop.send(()).expect("it runs");
        self.task.await.expect("it ends in order");
        self.tally
    }
}

fn line(n: i64) -> String {
    entry(
        &format!("{n:032x}"),
        START + n,
        r#""route":"web","status":200,"duration_us":10"#,
    )
    .line
    .into()
}

async fn stored(url: &str) -> usize {
    use futures_util::StreamExt as _;
    let database = Database::open(url).await.expect("it opens");
    Records::new(database)
        .export(Filter::default())
        .count()
        .await
}

#[tokio::test]
async fn records_are_shown_and_written_and_none_is_lost_at_the_end() {
    for fresh in databases().await {
        let running = start(&fresh.url, None, 0);
        let mut watching = running.feed.subscribe();
        running.until("it is up", |tally| tally.up.now() == 1).await;
        running.offer(0, 100);
        let batch = watching.next().await.expect("they are shown");
        assert_eq!(batch.len(), 100);
        running.offer(100, 5000);
        let tally = running.end().await;
        assert_eq!(tally.written.now(), 5000, "{tally:?}");
        assert_eq!(stored(&fresh.url).await, 5000);
    }
}

#[tokio::test]
async fn what_cannot_be_written_waits_and_comes_in_later() {
    let fresh = sqlite().await;
    let folder = tempfile::tempdir().unwrap();
    let spool = folder.path().join("spool");
    let away = format!("sqlite://{}/not/there.db", folder.path().display());
    let running = start(&away, Some(spool.clone()), 1 << 30);
    running.offer(0, 3000);
    running
        .until("they are spooled", |tally| tally.spooled.now() == 3000)
        .await;
    running.offer(3000, 3500);
    let tally = running.end().await;
    assert_eq!(
        (tally.spooled.now(), tally.written.now(), tally.up.now()),
        (3500, 0, 0)
    );
    assert!(tally.spool_bytes.now() > 3500 * 100);

    // A crash tore a line, and what was read before it came is read again.
    std::fs::write(
        spool.join("999999999999.ndjson"),
        format!("{}\n{{\"id\":\"to", line(7)),
    )
    .unwrap();
    let running = start(&fresh.url, Some(spool.clone()), 1 << 30);
    running.offer(3500, 4000);
    running
        .until("all are written", |tally| tally.written.now() == 4000)
        .await;
    running
        .until("the spool is empty", |tally| tally.spool_bytes.now() == 0)
        .await;
    let tally = running.end().await;
    assert_eq!(
        (tally.known.now(), tally.lost_torn.now()),
        (1, 1),
        "{tally:?}"
    );
    assert_eq!(stored(&fresh.url).await, 4000);
    assert_eq!(std::fs::read_dir(&spool).unwrap().count(), 0);
}

#[tokio::test]
async fn a_database_that_is_locked_is_waited_for() {
    let fresh = sqlite().await;
    let folder = tempfile::tempdir().unwrap();
    let running = start(&fresh.url, Some(folder.path().join("spool")), 1 << 30);
    running.until("it is up", |tally| tally.up.now() == 1).await;
    let mut other = fresh.database.pool().acquire().await.unwrap();
    sqlx::query("BEGIN IMMEDIATE")
        .execute(&mut *other)
        .await
        .unwrap();
    running.offer(0, 1000);
    running
        .until("a write fails", |tally| tally.failures.now() > 0)
        .await;
    running.offer(1000, 2000);
    running
        .until("they are spooled", |tally| tally.spooled.now() == 2000)
        .await;
    sqlx::query("ROLLBACK").execute(&mut *other).await.unwrap();
    running
        .until("all are written", |tally| tally.written.now() == 2000)
        .await;
    running.end().await;
    assert_eq!(stored(&fresh.url).await, 2000);
}

#[tokio::test]
async fn what_fits_nowhere_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let away = format!("sqlite://{}/not/there.db", folder.path().display());
    let each = u64::try_from(line(0).len() + 1).unwrap();
    let running = start(&away, Some(folder.path().join("spool")), each * 1000);
    running.offer(0, 1000);
    running
        .until("they are spooled", |tally| tally.spooled.now() == 1000)
        .await;
    running.offer(0, 300);
    running
        .until("the rest is lost", |tally| tally.lost_spool.now() == 300)
        .await;
    running.end().await;

    let running = start(&away, None, 0);
    running.offer(0, 10);
    let tally = running.end().await;
    assert_eq!(tally.lost_spool.now(), 10, "without a folder nothing waits");

    let running = start(&away, Some("/proc/portcullis".into()), 1 << 30);
    running.offer(0, 10);
    let tally = running.end().await;
    assert_eq!(tally.lost_spool.now(), 10, "nor where it cannot be made");
}

#[tokio::test]
async fn a_record_that_the_database_refuses_takes_no_other_with_it() {
    for fresh in databases().await {
        let running = start(&fresh.url, None, 0);
        running.offer(0, 10);
        running
            .intake
            .offer(b"no record\n[]\n{\"status\":\"x\"}\n", 3);
        running.offer(10, 20);
        running
            .until("the others are written", |tally| tally.written.now() == 20)
            .await;
        let tally = running.end().await;
        assert_eq!(tally.lost_torn.now(), 3);
    }
}
