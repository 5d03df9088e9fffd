//! What one inspection costs with the shipped rules: the two requests of `make bench`, near misses, and hostile text.
//! Only ratios between the inputs mean the same on every machine; where it is busy, instructions can be counted:
//! `COUNT=get valgrind --tool=callgrind --toggle-collect='inspect::counted*' BENCH` runs that case [`COUNTED`] times.

#![allow(
    clippy::print_stderr,
    reason = "a bench talks to the person who runs it"
)]

mod hostile;

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};

use criterion::{Criterion, criterion_group, criterion_main};
use portcullis_config::load_rules;
use portcullis_detect::ruletest::OwnedRequest;
use portcullis_detect::{
    Detector, Origin, Policy, RuleSet, RuleSpec, Subjects, SystemClock, Worker,
};

fn detector() -> Detector {
    let located = load_rules::<RuleSpec>(None).expect("the shipped rules load");
    let origin = |file: &str| Origin {
        file: file.into(),
        line: 0,
    };
    let specs = located
        .into_iter()
        .map(|rule| (origin(&rule.file), rule.value));
    let set = RuleSet::compile(specs.collect()).expect("the shipped rules compile");
    eprintln!("{:?}", set.size());
    Detector::new(set)
}

fn benchmark_get() -> OwnedRequest {
    // {"alg":"HS256","typ":"JWT"} and a payload of seven claims.
    let jwt = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.\
        eyJzdWIiOiJ1c2VyLTEwMjQ3IiwibmFtZSI6IkFkYSBMIiwic2NvcGUiOiJvcmRlcnM6cmVhZCBvcmRlcnM6d3JpdGUiLCJpc3MiOiJodHRwc\
        zovL2xvZ2luLmV4YW1wbGUuY29tIiwiYXVkIjoic2hvcCIsImlhdCI6MTc2MDAwMDAwMCwiZXhwIjoxNzYwMDAzNjAwfQ.\
        Xb2l1aGJ0c3Zud3h5ejAxMjM0NTY3ODlhYmNkZWY";
    let raw = format!(
        "GET /api/v1/products?category=garden-tools&page=2&sort=price%3Aasc&q=steel%20spade%20%26%20fork HTTP/1.1\r\n\
         host: shop.example.com\r\n\
         user-agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n\
         accept: application/json, text/plain, */*\r\n\
         accept-language: en-GB,en;q=0.7,de;q=0.3\r\n\
         accept-encoding: gzip, deflate, br, zstd\r\n\
         referer: https://shop.example.com/garden?from=home\r\n\
         authorization: Bearer {jwt}\r\n\
         cookie: session=3f9a1c77e0b24d5c8a6e; theme=dark\r\n\
         sec-fetch-mode: cors\r\n\
         sec-fetch-site: same-origin\r\n\
         connection: keep-alive\r\n\r\n"
    );
    OwnedRequest::parse(raw.as_bytes()).expect("a request")
}

/// As many of the same kind, of which no header, name or path comes again before a worker has forgotten it.
fn fresh_gets() -> Vec<OwnedRequest> {
    let fresh = |i: u32| {
        let mut request = benchmark_get();
        let more = |text: &str| format!("{text}{}", i.wrapping_mul(2_654_435_761));
        request.path = more(&String::from_utf8_lossy(&request.path)).into();
        for (name, value) in &mut request.headers {
            if !matches!(name.as_str(), "cookie" | "authorization") {
                *value = more(&String::from_utf8_lossy(value)).into();
            }
        }
        request
    };
    (0..4096).map(fresh).collect()
}

fn benchmark_post() -> OwnedRequest {
    let items: Vec<String> = (0..12)
        .map(|i| {
            format!(
                r#"{{"sku":"GT-{:05}","name":"Steel spade no. {i}","quantity":{},"price":{}.95}}"#,
                i * 7919,
                i % 3 + 1,
                i + 10
            )
        })
        .collect();
    let mut body = format!(
        r#"{{"customer":"10247","currency":"EUR","note":"Please ring twice, and leave it with the neighbour","items":[{}]}}"#,
        items.join(",")
    );
    while body.len() < 1079 {
        body.insert(body.len() - 1, ' ');
    }
    let raw = format!(
        "POST /api/v1/orders HTTP/1.1\r\nhost: shop.example.com\r\nuser-agent: shop-app/7.1 (Android 15)\r\n\
         accept: application/json\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    OwnedRequest::parse(raw.as_bytes()).expect("a request")
}

fn argument(value: &str) -> OwnedRequest {
    let mut request = benchmark_post();
    request
        .headers
        .retain(|(name, _)| !name.starts_with("content-"));
    request
        .headers
        .push(("content-type".to_owned(), b"text/plain".to_vec()));
    request.body = value.as_bytes().to_vec();
    request
}

/// Text that holds the words of many attacks, and is none.
fn near_miss() -> String {
    let text = "The union was a great select group; drop the table talk, or sleep (well) on it and '1' = one. \
        See /etc/hosts and C:\\windows\\temp, run cat | grep -i error, use ${name} or {{ item }} in <b>bold</b> \
        <a href='https://example.com/?a=1&b=2'>script</a> onerror handlers, alert the team, eval the document.title, \
        exec sp_help, waitfor news, include(file), file:// and http://localhost docs, $where and $gt in notes. ";
    text.repeat(4).chars().take(1024).collect()
}

fn cases() -> Vec<(&'static str, Vec<OwnedRequest>)> {
    let fill = |piece: &str| vec![argument(&piece.repeat(50 * 1024 / piece.len()))];
    let mut cases = vec![
        ("get", vec![benchmark_get()]),
        ("get_fresh", fresh_gets()),
        ("post_1079", vec![benchmark_post()]),
        ("near_miss_1k", vec![argument(&near_miss())]),
        ("hostile_50k/angle", fill("<")),
        ("hostile_50k/quote", fill("'")),
        ("hostile_50k/space", fill(" ")),
        ("hostile_50k/comment", fill("/*")),
        ("hostile_50k/quote_comment_or", fill("'/**/or/**/")),
        ("plain_50k", fill("a")),
    ];
    cases.extend(
        hostile::requests()
            .into_iter()
            .map(|(name, request)| (name, vec![request])),
    );
    cases
}

/// How often a case runs while instructions are counted, once it is warm.
const COUNTED: u32 = 100;

/// Runs one inspection many times; a function of its own, so that a profiler can be told to look at nothing else.
#[inline(never)]
fn counted(mut run: impl FnMut()) {
    (0..COUNTED).for_each(|_| run());
}

fn inspect(criterion: &mut Criterion) {
    let detector = detector();
    let mut worker = Worker::default();
    let policy = Policy::default();
    let subjects = Subjects::of(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let chosen = std::env::var("COUNT").ok();
    for (name, requests) in cases() {
        if chosen.as_deref().is_some_and(|chosen| chosen != name) {
            continue;
        }
        let mut next = requests.iter().cycle();
        let mut run = || {
            let request = next.next().expect("a case has a request");
            request.with(|request| {
                let request = black_box(request);
                black_box(detector.inspect(&mut worker, request, &policy, &subjects, &SystemClock))
            })
        };
        let verdict = run();
        let rules = verdict.evidence.iter().map(|evidence| &*evidence.rule);
        eprintln!(
            "{name}: {:?} {:?}",
            verdict.stages,
            rules.collect::<Vec<_>>()
        );
        if chosen.is_some() {
            (0..20).for_each(|_| drop(run()));
            counted(|| drop(run()));
        } else {
            criterion.bench_function(name, |bencher| bencher.iter(&mut run));
        }
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(std::time::Duration::from_millis(1500)).warm_up_time(std::time::Duration::from_millis(300));
    targets = inspect
}
criterion_main!(benches);
