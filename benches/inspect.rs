//! What one inspection costs with the shipped rules: the two requests of `make bench`, near misses, and hostile text.
//! Only ratios between the inputs mean the same on every machine; where it is busy, instructions can be counted:
//! `COUNT=get valgrind --tool=callgrind --toggle-collect='inspect::counted*' BENCH` runs that case [`COUNTED`] times.

#![allow(
    clippy::print_stderr,
    reason = "a bench talks to the person who runs it"
)]

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

fn cases() -> Vec<(&'static str, OwnedRequest)> {
    let fill = |piece: &str| argument(&piece.repeat(50 * 1024 / piece.len()));
    vec![
        ("get", benchmark_get()),
        ("post_1079", benchmark_post()),
        ("near_miss_1k", argument(&near_miss())),
        ("hostile_50k/angle", fill("<")),
        ("hostile_50k/quote", fill("'")),
        ("hostile_50k/space", fill(" ")),
        ("hostile_50k/comment", fill("/*")),
        ("hostile_50k/quote_comment_or", fill("'/**/or/**/")),
        ("plain_50k", fill("a")),
    ]
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
    let subjects = Subjects {
        client: IpAddr::V4(Ipv4Addr::LOCALHOST),
    };
    if let Ok(case) = std::env::var("COUNT") {
        let (_, request) = cases()
            .into_iter()
            .find(|(name, _)| *name == case)
            .expect("COUNT names a case");
        request.with(|request| {
            let mut run = || {
                black_box(detector.inspect(
                    &mut worker,
                    black_box(request),
                    &policy,
                    &subjects,
                    &SystemClock,
                ));
            };
            (0..20).for_each(|_| run());
            counted(run);
        });
        return;
    }
    for (name, request) in cases() {
        request.with(|request| {
            let verdict = detector.inspect(&mut worker, request, &policy, &subjects, &SystemClock);
            let rules: Vec<_> = verdict
                .evidence
                .iter()
                .map(|evidence| &*evidence.rule)
                .collect();
            eprintln!("{name}: {:?} {rules:?}", verdict.stages);
            criterion.bench_function(name, |bencher| {
                bencher.iter(|| {
                    detector.inspect(
                        &mut worker,
                        black_box(request),
                        &policy,
                        &subjects,
                        &SystemClock,
                    )
                });
            });
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(std::time::Duration::from_millis(1500)).warm_up_time(std::time::Duration::from_millis(300));
    targets = inspect
}
criterion_main!(benches);
