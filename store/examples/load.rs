//! What the store costs and how fast it answers, on this machine: `cargo run --release -p portcullis-store --example
//! load -- [records] [seconds] [rate]`. Fills an SQLite file with records, prints the CPU time of each and the times of
//! filters, then lets the writer take in records at a rate. Without arguments: 100,000 records, 5 seconds at 10,000 a
//! second; the figures of the documentation are `-- 1000000 60 10000`.

#![allow(clippy::print_stdout, reason = "it prints its figures")]

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use portcullis_store::feedback::Mark;
use portcullis_store::writer::{self, Settings};
use portcullis_store::{
    Database, Entry, Feed, Feedback, Filter, Intake, Keep, Records, Rollups, Said, Status,
    StoreError, Tally, Width,
};
use tokio::sync::{oneshot, watch};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StoreError> {
    let mut numbers = std::env::args()
        .skip(1)
        .filter_map(|text| text.parse::<u64>().ok());
    let records = numbers.next().unwrap_or(100_000);
    let seconds = numbers.next().unwrap_or(5);
    let rate = numbers.next().unwrap_or(10_000);
    let folder = std::env::temp_dir().join(format!("portcullis-load-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join("store.db");
    fill(&path, records).await?;
    ask(&path, records).await?;
    stream(&folder, seconds, rate).await?;
    println!("resident memory at its highest: {} MiB", peak_kib() / 1024);
    std::fs::remove_dir_all(&folder).expect("it is ours");
    Ok(())
}

/// Writes records in batches; their text is made before the clock runs.
async fn fill(path: &std::path::Path, count: u64) -> Result<(), StoreError> {
    let records = Records::new(Database::open_file(path).await?);
    let (mut reading, mut making, mut wall) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    let mut done = 0;
    let spent = cpu_time();
    while done < count {
        let own = own_time();
        let lines: Vec<String> = (done..(done + 2000).min(count))
            .map(|n| line(n, n / 10))
            .collect();
        let made = own_time();
        making += made - own;
        let start = Instant::now();
        let batch: Vec<Entry> = lines
            .iter()
            .filter_map(|line| Entry::read(line).ok())
            .collect();
        reading += own_time() - made;
        records.insert(&batch, "gate-1").await?;
        wall += start.elapsed();
        done += 2000;
    }
    let cpu = (cpu_time() - spent).saturating_sub(making);
    let each = |time: Duration| time.as_secs_f64() * 1e6 / count as f64;
    let bytes = std::fs::metadata(path).map_or(0, |about| about.len());
    println!(
        "filled {count} records: {:.1} µs of CPU each ({:.1} of it reading the line), {:.1} µs of time, {} B on disk each",
        each(cpu),
        each(reading),
        each(wall),
        bytes / count.max(1)
    );
    Ok(())
}

/// Asks each question several times, at different places, and prints the times.
async fn ask(path: &std::path::Path, count: u64) -> Result<(), StoreError> {
    let database = Database::open_file(path).await?;
    let records = Records::new(database.clone());
    mark(&database, &records, count).await?;
    let mut all = Vec::new();
    for (name, filter) in questions(count) {
        let mut times = Vec::new();
        let mut found = 0;
        let mut cursor = None;
        for _ in 0..20 {
            let start = Instant::now();
            let page = records.list(&filter, cursor.as_deref(), 100).await?;
            times.push(start.elapsed());
            found = found.max(page.records.len());
            cursor = page.next;
        }
        times.sort();
        println!(
            "  {name:<46} {found:>4} found, median {:>7.1} ms, worst {:>7.1} ms",
            ms(times[10]),
            ms(times[19])
        );
        all.extend(times);
    }
    all.sort();
    println!(
        "filters over {count} records: p50 {:.1} ms, p95 {:.1} ms",
        ms(all[all.len() / 2]),
        ms(all[all.len() * 95 / 100])
    );
    let rollups = Rollups::new(database);
    let start = Instant::now();
    let points = rollups
        .series(Width::Minute, 0, i64::MAX, None)
        .await?
        .len();
    println!(
        "  {points} minutes before they are added up: {:.1} ms",
        ms(start.elapsed())
    );
    let start = Instant::now();
    let mut folded = 0;
    loop {
        match rollups.fold("gate-1", 0).await? {
            0 => break,
            more => folded += more,
        }
    }
    println!("  {folded} parts added up in {:.1} ms", ms(start.elapsed()));
    let start = Instant::now();
    rollups.series(Width::Minute, 0, i64::MAX, None).await?;
    println!(
        "  the same minutes afterwards: {:.1} ms",
        ms(start.elapsed())
    );
    let start = Instant::now();
    let found = records.by_id(&id(count / 2)).await?.is_some();
    println!("  by its id ({found}): {:.1} ms", ms(start.elapsed()));
    Ok(())
}

/// Marks a hundredth of the records, at most what is kept, spread over all of them.
async fn mark(database: &Database, records: &Records, count: u64) -> Result<(), StoreError> {
    let feedback = Feedback::new(database.clone());
    let (mut spent, mut marks) = (Duration::ZERO, 0);
    for n in (0..count).step_by(100) {
        let Some(found) = records.by_id(&id(n)).await? else {
            continue;
        };
        let said = Said::ALL[usize::from(n % 300 == 0)];
        let mark = Mark {
            said,
            comment: "looked at".to_owned(),
            author: "somebody".to_owned(),
            made_ms: BEGIN,
        };
        let start = Instant::now();
        feedback.put(&found, &mark).await?;
        spent += start.elapsed();
        marks += 1;
    }
    println!(
        "  {marks} records marked, {:.2} ms each",
        ms(spent) / f64::from(marks.max(1))
    );
    let start = Instant::now();
    let read = feedback.between(0, i64::MAX, None).await?.len();
    println!("  {read} marks read in {:.1} ms", ms(start.elapsed()));
    Ok(())
}

fn id(n: u64) -> String {
    format!("{:032x}", n * 0x9e37_79b9)
}

fn questions(count: u64) -> Vec<(&'static str, Filter)> {
    let none = Filter::default;
    let one = |text: &str| vec![text.to_owned()];
    let net = |text: &str| vec![text.parse().expect("a network")];
    let middle = BEGIN + i64::try_from(count / 20).unwrap_or_default();
    vec![
        ("everything", none()),
        (
            "one minute in the middle",
            Filter {
                from_ms: Some(middle),
                to_ms: Some(middle + 60_000),
                ..none()
            },
        ),
        (
            "denied",
            Filter {
                actions: one("deny"),
                ..none()
            },
        ),
        (
            "denied in the older half",
            Filter {
                actions: one("deny"),
                to_ms: Some(middle),
                ..none()
            },
        ),
        (
            "critical",
            Filter {
                levels: one("CRITICAL"),
                ..none()
            },
        ),
        (
            "of one category",
            Filter {
                categories: one("xss"),
                ..none()
            },
        ),
        (
            "of one rule",
            Filter {
                rules: one("rule-77"),
                ..none()
            },
        ),
        (
            "of one address",
            Filter {
                addresses: net("10.0.3.9/32"),
                ..none()
            },
        ),
        (
            "of a /24",
            Filter {
                addresses: net("10.0.3.0/24"),
                ..none()
            },
        ),
        (
            "of a /20, denied",
            Filter {
                addresses: net("10.0.0.0/20"),
                actions: one("deny"),
                ..none()
            },
        ),
        (
            "of a user",
            Filter {
                users: one("00000000000004d2"),
                ..none()
            },
        ),
        (
            "of a user and a status",
            Filter {
                users: one("00000000000004d2"),
                statuses: vec![Status::Exact(500)],
                ..none()
            },
        ),
        (
            "of a session",
            Filter {
                sessions: one("0000000000003039"),
                ..none()
            },
        ),
        (
            "status 503, seldom",
            Filter {
                statuses: vec![Status::Exact(503)],
                ..none()
            },
        ),
        (
            "server errors on one route",
            Filter {
                statuses: vec![Status::Class(5)],
                routes: one("login"),
                ..none()
            },
        ),
        (
            "path prefix",
            Filter {
                path: Some("/api/v1/orders/1".into()),
                ..none()
            },
        ),
        (
            "path prefix of one record",
            Filter {
                path: Some("/api/v1/orders/777/lines".into()),
                ..none()
            },
        ),
        (
            "a word",
            Filter {
                text: Some("checkout".into()),
                ..none()
            },
        ),
        (
            "words of a reason",
            Filter {
                text: Some("union select".into()),
                ..none()
            },
        ),
        (
            "beginning of a word",
            Filter {
                text: Some("chec*".into()),
                ..none()
            },
        ),
        (
            "nothing: allowed and critical",
            Filter {
                actions: one("allow"),
                levels: one("CRITICAL"),
                ..none()
            },
        ),
        (
            "nothing: a word that is nowhere",
            Filter {
                text: Some("zanzibar".into()),
                ..none()
            },
        ),
        (
            "held for wrong",
            Filter {
                feedback: vec![Some(Said::FalsePositive)],
                ..none()
            },
        ),
        (
            "held for wrong, denied, on one route",
            Filter {
                feedback: vec![Some(Said::FalsePositive)],
                actions: one("deny"),
                routes: one("login"),
                ..none()
            },
        ),
        (
            "denied, and nobody has looked",
            Filter {
                feedback: vec![None],
                actions: one("deny"),
                ..none()
            },
        ),
        (
            "nobody has looked",
            Filter {
                feedback: vec![None],
                ..none()
            },
        ),
        (
            "four at once",
            Filter {
                routes: one("api"),
                methods: one("GET"),
                statuses: vec![Status::Class(2)],
                text: Some("orders".into()),
                ..none()
            },
        ),
    ]
}

/// Hands records over at a rate, as the gateway does every 20 ms, and waits until all are written.
async fn stream(folder: &std::path::Path, seconds: u64, rate: u64) -> Result<(), StoreError> {
    let tally = Arc::new(Tally::default());
    let intake = Intake::new(16_384, 16_384 * 2048, tally.clone());
    let (stop, stopped) = oneshot::channel();
    let settings = Settings {
        node: "gate-1".into(),
        url: format!("sqlite://{}?mode=rwc", folder.join("stream.db").display()),
        spool: Some(folder.join("spool")),
        spool_bytes: 256 << 20,
        keep: Keep {
            age: Duration::from_secs(30 * 86_400),
            bytes: 4 << 30,
        },
    };
    let (database, _) = watch::channel(None);
    let writer = {
        let (intake, feed) = (intake.clone(), Feed::new(tally.clone()));
        tokio::spawn(writer::run(settings, intake, feed, database, stopped))
    };
    // The text of one second, made before the clock runs; only the ids and times differ from second to second.
    let steps = 50;
    let start = Instant::now();
    let mut made = Duration::ZERO;
    let spent = cpu_time();
    for step in 0..seconds * steps {
        let from = step * rate / steps;
        let before = own_time();
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_millis() as u64;
        let lines: String = (from..(step + 1) * rate / steps)
            .map(|n| line(n, now - BEGIN.unsigned_abs()) + "\n")
            .collect();
        made += own_time() - before;
        let count = usize::try_from((step + 1) * rate / steps - from).unwrap_or_default();
        intake.offer(lines.as_bytes(), count);
        let due = start + Duration::from_secs_f64((step + 1) as f64 / steps as f64);
        tokio::time::sleep_until(due.into()).await;
    }
    let _ = stop.send(());
    writer.await.expect("it ends in order");
    let total = seconds * rate;
    let lost = tally.lost_queue.now() + tally.lost_spool.now() + tally.lost_disk.now();
    println!(
        "{rate} records a second for {seconds} s: {} of {total} written, {} spooled on the way, {lost} lost, {:.1} µs of CPU each",
        tally.written.now(),
        tally.spooled.now(),
        (cpu_time() - spent).saturating_sub(made).as_secs_f64() * 1e6 / total as f64,
    );
    Ok(())
}

/// 2026-01-01T00:00:00Z, in milliseconds.
const BEGIN: i64 = 1_767_225_600_000;

/// A record like those of a shop's API: one in twenty is an attack. `at` is in milliseconds after [`BEGIN`].
fn line(n: u64, at: u64) -> String {
    let roll = |sides: u64, salt: u64| {
        let mixed = (n * 31 + salt).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        ((mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 33) % sides
    };
    let words = [
        "checkout", "orders", "users", "cart", "search", "items", "reviews", "prices",
    ];
    let word = |salt| words[usize::try_from(roll(8, salt)).unwrap_or_default()];
    let attack = roll(20, 1) == 0;
    let (day, rest) = (at / 86_400_000, at % 86_400_000);
    let (month, day) = month_of(day);
    let time = format!(
        "2026-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:03}Z",
        rest / 3_600_000,
        rest / 60_000 % 60,
        rest / 1000 % 60,
        rest % 1000
    );
    let verdict = match attack {
        false => r#"{"score":0,"level":"LOW","action":"allow","stages_us":{"decode":12.1,"signature":31.8,"decision":0.4}}"#.to_owned(),
        true => format!(
            r#"{{"score":{},"level":"{}","category":"{}","action":"deny","evidence":[{{"rule":"rule-{}","name":"a query is put together","why":"UNION joins a second SELECT to the query of the application","category":"sqli","severity":"critical","score":90,"tags":["cwe:89"],"location":"query","field":"q","excerpt":"1 UNION SELECT password FROM users","range":[2,36],"form":"sql"}}],"stages_us":{{"decode":15.0,"signature":60.5,"decision":0.9}}}}"#,
            80 + roll(20, 2),
            if roll(2, 3) == 0 { "HIGH" } else { "CRITICAL" },
            ["sqli", "xss", "path-traversal"][usize::try_from(roll(3, 4)).unwrap_or_default()],
            roll(200, 5),
        ),
    };
    let status = match (attack, roll(1000, 6)) {
        (true, _) => 403,
        (_, 0) => 503,
        (_, 1..20) => 500,
        (_, 20..100) => 404,
        _ => 200,
    };
    let session = match roll(2, 7) {
        0 => format!(
            r#""user":"{:016x}","session":"{:016x}","#,
            roll(5000, 8),
            roll(50_000, 9)
        ),
        _ => String::new(),
    };
    format!(
        r#"{{"id":"{:032x}","time":"{time}","client":"10.0.{}.{}","peer":"10.0.0.1:{}","protocol":"HTTP/1.1","scheme":"https","method":"{}","host":"shop.example.com","path":"/api/v1/{}/{}/{}","query":"page={}&sort={}","status":{status},"route":"{}","policy":"default","mode":"enforce","action":"{}",{session}"verdict":{verdict},"timings_us":{{"limit":0.4,"body":3.1,"inspect":52.7,"upstream":1204.0}},"upstream":"shop","server":"10.1.0.7:8080","bytes_in":{},"bytes_out":{},"duration_us":{}.5,"outcome":"complete"}}"#,
        n * 0x9e37_79b9,
        roll(roll(63, 10) + 1, 11),
        roll(250, 12),
        1024 + roll(60_000, 13),
        ["GET", "GET", "POST"][usize::try_from(roll(3, 14)).unwrap_or_default()],
        word(15),
        roll(100_000, 16),
        ["lines", "notes"][usize::try_from(roll(2, 17)).unwrap_or_default()],
        roll(40, 18),
        word(19),
        ["api", "api", "web", "login"][usize::try_from(roll(4, 20)).unwrap_or_default()],
        if attack { "deny" } else { "allow" },
        roll(2000, 21),
        roll(20_000, 22),
        500 + roll(9000, 23),
    )
}

/// Month and day of a day of 2026, counted from 0.
fn month_of(mut day: u64) -> (u64, u64) {
    for (month, length) in [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        .into_iter()
        .enumerate()
    {
        if day < length {
            return (month as u64 + 1, day + 1);
        }
        day -= length;
    }
    (12, 31)
}

/// CPU time of the whole process so far, threads that ended included, to 10 ms.
fn cpu_time() -> Duration {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Behind the name in parentheses; user and system time are the 14th and 15th field.
    let fields = text.rsplit(") ").next().unwrap_or_default().split(' ');
    let ticks: u64 = fields
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<u64>().ok())
        .sum();
    Duration::from_millis(ticks * 10)
}

/// CPU time of this thread so far.
fn own_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(
        text.split(' ')
            .next()
            .and_then(|field| field.parse().ok())
            .unwrap_or_default(),
    )
}

/// The most memory this process had, in KiB.
fn peak_kib() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap_or_default();
    line.trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap_or_default()
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
