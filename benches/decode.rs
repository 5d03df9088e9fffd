//! Cost of decoding: what a benign request pays, and what hostile bytes can make it pay. The figures to watch are the
//! ratios between inputs, not the times.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use portcullis_detect::decode::{Chains, Form, Forms, TABLE, classify};
use portcullis_detect::field::Encoding;

/// Computes every form of one field, as the widest rule set would make the engine do.
fn all_forms(forms: &mut Forms, raw: &[u8], encoding: Encoding) -> usize {
    forms.begin(1);
    let mut total = 0;
    for (_, form) in Form::ALL {
        forms.ensure(0, form, raw, encoding, Chains::EMPTY);
        total += forms.view(0, form, raw).len();
    }
    total
}

fn benign(c: &mut Criterion) {
    let mut group = c.benchmark_group("benign");
    let inputs: &[(&str, &[u8], Encoding)] = &[
        ("word", b"4f3a2b1c-session_id.v2", Encoding::Percent),
        ("query", b"red+shoes+size+42+%26+laces", Encoding::Form),
        (
            "sentence",
            b"The parcel was left at the door, 12 May 2024 - thanks!",
            Encoding::JsonString,
        ),
        (
            "user-agent",
            b"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
            Encoding::Plain,
        ),
        (
            "url",
            b"https%3A%2F%2Fshop.example%2Fitems%3Fpage%3D2%26sort%3Dprice",
            Encoding::Form,
        ),
    ];
    for (name, raw, encoding) in inputs {
        let mut forms = Forms::new();
        group.throughput(Throughput::Bytes(raw.len() as u64));
        group.bench_function(*name, |b| {
            b.iter(|| all_forms(&mut forms, black_box(raw), *encoding));
        });
    }
    group.finish();
}

fn hostile(c: &mut Criterion) {
    let mut group = c.benchmark_group("hostile-50k");
    group.sample_size(20);
    let pieces = [
        "%25",
        "%",
        "&",
        "&#",
        "&amp;",
        "\\",
        "\\u",
        "\\x5c",
        "/*",
        "/*!",
        "'/**/or/**/",
        "<",
        "'",
        " ",
        "+ADwAPAA",
        "--\n",
        "$",
        "/.",
        "\u{ff1c}",
        "\u{200b}",
    ];
    for piece in pieces {
        let raw = piece.repeat(50_000 / piece.len());
        let mut forms = Forms::new();
        group.throughput(Throughput::Bytes(raw.len() as u64));
        group.bench_function(piece.escape_default().to_string(), |b| {
            b.iter(|| all_forms(&mut forms, black_box(raw.as_bytes()), Encoding::Form));
        });
    }
    group.finish();
}

fn single(c: &mut Criterion) {
    let mut group = c.benchmark_group("decoder");
    let raw = b"some%20ordinary &amp; text, with a \\n and a /* comment */ + more ".repeat(16);
    group.throughput(Throughput::Bytes(raw.len() as u64));
    group.bench_function("classify", |b| b.iter(|| classify(black_box(&raw))));
    for entry in TABLE {
        let mut out = Vec::new();
        group.bench_function(entry.name, |b| {
            b.iter(|| {
                out.clear();
                (entry.run)(black_box(&raw), &mut out)
            });
        });
    }
    group.finish();
}

criterion_group!(all, benign, hostile, single);
criterion_main!(all);
